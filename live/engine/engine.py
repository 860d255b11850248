"""The engine: the loop on the clock's own interpreter, the only writer of the jam's state.

Callback threads stamp what arrives, put it among the arrivals and ring the clock; this loop takes them,
lets the jam do what is due, and sleeps until the next thing is.
Owns: the loop, and the answers that wait while a note is due.
Threads: its own, but for `_arrived`.
"""

import json
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from live.devices.fluidsynth import open_synth
from live.engine.arrivals import Arrivals
from live.engine.auto_start import AutoStart
from live.engine.demo.demo_performer import DemoPerformer
from live.engine.demo.tune import PORT
from live.engine.devices.devices import Devices
from live.engine.devices.feedback import Feedback
from live.engine.devices.leaders import leader_of, message_leader_of
from live.engine.devices.learning import Learning
from live.engine.faults import Faults
from live.engine.guard import Guard
from live.engine.links.browsers import BrowserKeyboards
from live.engine.links.guardians import Guardians
from live.engine.links.osc_state import OscState
from live.engine.links.supervisor_link import SupervisorLink
from live.engine.links.worker_link import Greeting, WorkerLink
from live.engine.output import EngineOutput
from live.engine.preparation import OpenSynth
from live.engine.resume import remembered, restore
from live.engine.snapshots import Snapshots, Surroundings
from live.engine.upkeep import Upkeep
from live.ipc.browser_midi import PlayMidi, WantMidi
from live.ipc.commands import Arm, Command, PlayKey, Quit, Start, Stop, SwitchTake, ToEngine
from live.ipc.jam_memory import JamMemory, ScenesMemory
from live.ipc.link import Link, Switchboard
from live.ipc.messages import (
    Answer,
    Beat,
    BeatFound,
    Bye,
    CannotListen,
    Decoded,
    Encoded,
    Hello,
    LoadFailed,
    Ready,
)
from live.ipc.options import Options
from live.ipc.snapshot import Notice
from live.jam.commands import Commands
from live.jam.jam import Jam
from live.record.line_writer import LineWriter
from live.settings.schema import for_output
from live.timing.clock import Clock, MonotonicClock
from live.timing.midi_bytes import Received, is_note_on
from live.timing.timeline import Nanos

FLUSH_NANOS = 60_000_000
MESSAGES_A_TURN = 64  # of a storm; then what is due comes first
READY_NANOS = 250_000  # so much ahead a note is made ready, then sent on its moment: Python takes its time
SWAP_NANOS = 400_000  # about twice what swapping a dense phrase in costs


class Engine:
    """Wires a jam to the world and runs it.  `priority`: what `raise_priority` returned."""

    def __init__(
        self, options: Options, *, priority: str, clock: Clock | None = None, synth: OpenSynth = open_synth
    ) -> None:
        """Listen for the other processes; open nothing yet."""
        self.options, self.priority = options, priority
        self.clock = clock or MonotonicClock()
        self.say, self.complain = LineWriter(1), LineWriter(2, prefix="twobar: ")
        self.arrivals = Arrivals(self.clock.wake)
        midi = options.config.midi
        self.output = EngineOutput(
            self.clock,
            delay=lambda sink: round(midi.delay_ms(sink.name) * 1e6),
            clock_offset=lambda sink: round(for_output(midi.clock_offset_ms, sink.name) * 1e6),
            drum_channel=midi.drum_channel,
        )
        self.output.feedback = self.feedback = Feedback(
            self._feeds_back, ended=lambda port: self.jam.notices.end(f"loop {port}")
        )
        self.devices = Devices(options, self.output, self.arrivals.put, synth)
        self.jam = Jam(options.config, self.output)
        self.jam.model_choice.wanted = options.model
        self.learning: Learning | None = None
        self.message_leader = self.jam.leader = message_leader_of(options.config, self.jam)
        self.osc_state = OscState(self.jam, self.output.publish)
        self.devices.subscribed = self._tell_subscriber
        self.worker = WorkerLink(self.jam, self.output, settings=options.config)
        self.commands = Commands(self.jam, scenes=options.config.scene, songs=options.config.song)
        self.snapshots = Snapshots(self.jam, self._surroundings, per_second=options.config.dashboard.fps)
        self.demo: DemoPerformer | None = None
        first_note = options.config.jam.start == "first note" and midi.clock == "internal"
        self.auto_start = AutoStart(self.jam, self.devices, revived=options.revived, first_note=first_note)
        self.browsers = BrowserKeyboards(self.jam, self.devices)
        self.guardians = Guardians(options)
        self.supervisor = SupervisorLink(self.output, self.devices)
        self.ending = False
        self.faults = Faults(self.jam.notices, self.output)
        self.upkeep = Upkeep(self._send_memory)
        self._answers_waiting: deque[Answer] = deque()
        self._wake: Nanos | None = None
        self.board = Switchboard(
            options.address, ToEngine | JamMemory | ScenesMemory | PlayMidi | WantMidi, self._arrived
        )

    # -- other threads ---------------------------------------------------------------------------

    def _arrived(self, link: "Link[Any]", message: object) -> None:
        if isinstance(message, Hello) and message.role == "worker":
            message = self.worker.welcome(link, message)
        self.arrivals.put(message, link)

    # -- life ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open ports and synth until thru works; raises TwobarError for what the user must mend."""
        if self.options.headless:
            self.output.complain = self.complain
        desk = self.devices.set_desk(self.jam.knobs)
        self.jam.performer.bindings, self.arrivals.replaceable = desk, desk.replaceable
        self.jam.mappings = desk
        self.learning = Learning(desk, self.jam.notices, self.arrivals.put)
        self.devices.set_lights(self.jam)
        self.jam.advance(self.clock.now())
        self.devices.open(self.jam, self.clock.now())
        if self.options.demo == "on" or (self.options.demo == "auto" and not self.devices.listening):
            self.demo = DemoPerformer(self.jam)
        self.auto_start.thru_works(self.clock.now(), demo=self.demo is not None)
        self._ready("thru")
        self.jam.leader = self.jam.leader or leader_of(self.options.config, self.jam)
        self.devices.open_rest(self.jam, self.clock.now())

    def _ready(self, what: str, **more: object) -> None:
        ms = round((self.clock.now() - self.options.start_nanos) / 1e6, 1)
        self.output.log("ready", what=what, ms=ms)
        if self.options.headless:
            self.say(json.dumps({"ready": what, "ms": ms, **more}))

    def run(self, each_turn: Callable[[], None] = lambda: None) -> None:
        """Play until told to end; whatever a turn of the loop throws, the next one comes.

        Args:
            each_turn: called as a turn begins.

        Raises:
            BrokenEngineError: several turns in a row have failed.
        """
        end = None
        if self.options.duration_s is not None:
            begun = self.options.start_nanos or self.clock.now()
            end = begun + round(self.options.duration_s * 1e9)  # an engine after a crash ends no later
        while not self.ending:
            each_turn()
            now = self.clock.now()
            if end is not None and now >= end:
                break
            try:
                coming = self._turn(now)
                self.faults.none()
            except Exception as fault:  # noqa: BLE001  the music goes on, and the fault is reported
                coming = [self.faults.add(fault, now)]
            if end is not None:
                coming.append(end)
            self.upkeep.do(now, min(coming))
            if self.output.osc is not None:
                self.osc_state.look(now, min(coming))
            coming += self.supervisor.beat(now, min(coming))
            self.clock.wait_until(Nanos(min(coming)))

    def _send_memory(self) -> None:
        """Let the supervisor know what the next engine would need."""
        if self.supervisor.link is not None:
            memory = remembered(
                self.jam,
                started=self.auto_start.started,
                demo=self.demo is not None,
                recording=bool(self.devices.recording.shown),
            )
            self.supervisor.remember(memory, self.commands.scenes.memory())

    def _turn(self, now: Nanos) -> list[int]:
        self.jam.at(now)
        self._take_messages(now)
        coming = [now + 1_000_000_000, *self.auto_start.advance(now)]
        if self.demo is not None:
            coming += self._play_demo(self.demo, now)
        if self.learning is not None:
            coming += self.learning.advance(now)
        self.jam.sender.lookahead_nanos = lookahead = self.output.lookahead_nanos
        ready = 0 if lookahead else READY_NANOS
        wake = self.jam.advance(Nanos(now + ready))
        held = self.output.send_held(Nanos(now + READY_NANOS))
        self._wake = None if wake is None else Nanos(wake - ready)
        if held is not None:
            self._wake = Nanos(min(held - READY_NANOS, self._wake if self._wake is not None else held))
        if self._wake is not None:
            coming.append(self._wake)
        if self.arrivals or self._answers_waiting:
            coming.append(self._wake if self._wake is not None and self._sends_soon(now) else now)
        coming.append(self.snapshots.show(now, min(coming), waiting=bool(self.arrivals)))
        if self.devices.lights is not None:
            coming.append(self.devices.lights.show(now, min(coming)))
        self.worker.watch(now)
        return coming

    def _take_messages(self, now: Nanos) -> None:
        """Handle what has arrived; an answer of the model waits for a note that is due this moment."""
        while self._answers_waiting and not self._sends_soon(now):
            self._from_worker(self._answers_waiting.popleft(), now)
        for _ in range(MESSAGES_A_TURN):
            arrival = self.arrivals.take()
            if arrival is None:
                break
            link, item = arrival
            if type(item) is Received:  # first: thru waits for nothing
                self._played(item, self.clock.now())  # not as old as the storm is long
            elif isinstance(item, Encoded | Decoded) and self._sends_soon(now):
                self._answers_waiting.append(item)
            else:
                self._handle(link, item, self.clock.now())
        lost = self.arrivals.newly_lost(now)
        if lost:
            text = f"more came in than can be heeded: {lost} older values were passed over, no key was"
            self.jam.notices.add("warning", text)

    def _sends_soon(self, now: Nanos) -> bool:
        return self._wake is not None and self._wake - now < SWAP_NANOS

    def _play_demo(self, performer: DemoPerformer, now: Nanos) -> list[int]:
        for cue in performer.due(now):
            if cue.command is not None:
                self.commands.run(cue.command, now)
            else:
                moment = self.jam.transport.timeline.nanos(cue.tick)
                self._received(Received(moment, cue.data, PORT), now)
        return performer.coming()

    def _surroundings(self) -> Surroundings:
        desk = self.devices.desk
        return Surroundings(
            self.devices.port_views(),
            self.devices.recording.shown,
            self.priority,
            desk.name if desk is not None else "",
            desk.controllers() if desk is not None else [],
            desk.names if desk is not None else [],
            self.demo is not None,
            desk.touched(calls_songs=self.jam.performer.calls_songs) if desk is not None else None,
            desk.lesson_view() if desk is not None else None,
        )

    # -- what arrives ----------------------------------------------------------------------------

    def _handle(self, link: "Link[Any] | None", item: object, now: Nanos) -> None:
        match item:
            case Received():
                self._played(item, now)
            case _ if isinstance(item, Command):
                self._command(item, now)
            case PlayMidi() if link is not None:
                received = self.browsers.received(link, item, now)
                if received is not None:
                    self._handle(None, received, now)
            case WantMidi(wanted) if link is not None:
                self.output.listeners = [other for other in self.output.listeners if other is not link]
                if wanted:
                    self.output.listeners.append(link)
                    for data in self.devices.setup_messages(self.jam):
                        self.output.tell(link, data, now)
            case BeatFound() | CannotListen():
                self.jam.from_worker(item, now)
            case Ready() | LoadFailed():
                self._model_loaded(item, now)
            case _ if isinstance(item, Answer):
                self._from_worker(item, now)
            case Greeting() if link is not None:
                self.worker.greet(link, item)
            case Hello() if link is not None:
                self._greet(link, item)
            case None if link is not None:
                self._gone(link)
            case Bye():
                self.ending |= link is None or link is self.supervisor.link
            case Notice():
                self.jam.notices.add(item.level, item.text, about=item.about)
            case JamMemory():
                self._restore(item, now)
            case ScenesMemory():
                self.commands.scenes.restore(item)
            case _ if callable(item):
                item(now)

    def _played(self, received: Received, now: Nanos) -> None:
        """Take a message of a keyboard or controller."""
        if self.feedback.echoed(received):
            return
        if not self.feedback.suspicious and self._plays(received):
            self._end_demo(now)
        self._received(received, now)

    def _end_demo(self, now: Nanos) -> None:
        """Let the performer play in place of whoever pretends to."""
        if self.demo is not None:
            self.demo.release(now)
            for turn in self.demo.turned_back():
                self.commands.run(turn, now)
            self.demo = None
            self.jam.notices.add("info", "you play: the demo has ended")

    def _received(self, received: Received, now: Nanos) -> None:
        leader = self.message_leader
        if leader is not None and received.data[0] in leader.heeds:
            leader.received(received, now)
        self.feedback.handling = received.port
        try:
            for command in self.jam.performer.received(received, now):
                self._command(command, now)
        finally:
            self.feedback.handled(received)

    def _feeds_back(self, port: str) -> None:
        """Break a loop: what went round in it ends, what comes round again is left out from here on."""
        self.jam.performer.release(self.clock.now(), port=port)
        self.jam.notices.add(
            "warning",
            f"{port} sends back what is played to it: that is left out; to be rid of it, break the loop"
            " or choose other ports with --in and --out",
            about=f"loop {port}",
        )

    def _plays(self, received: Received) -> bool:
        """Tell whether the performer plays a note; a pad that is bound to an action is none."""
        bindings = self.jam.performer.bindings
        return is_note_on(received.data) and not (bindings is not None and bindings.consumes(received))

    def _tell_subscriber(self, tell: Callable[[str, float | str], None]) -> None:
        """Tell somebody who has just subscribed by OSC how everything stands.  Threads: OSC's."""

        def do(now: Nanos) -> None:
            for address, value in self.osc_state.whole(now).items():
                tell(f"/twobar/{address}", value)

        self.arrivals.put(do)

    def _command(self, command: Command, now: Nanos) -> None:
        if isinstance(command, Quit):
            self.ending = True
            return
        if self.learning is not None and self.learning.heeds(command, now):
            return
        if isinstance(command, PlayKey) and command.velocity > 0:
            self._end_demo(now)
        if isinstance(command, SwitchTake):
            self.devices.recording.switch_take(self.jam, now)
        if isinstance(command, Start | Stop | Arm):
            self.auto_start.commanded()
        self.commands.run(command, now)

    def _from_worker(self, answer: Answer, now: Nanos) -> None:
        self.jam.from_worker(answer, now)
        self.worker.answered(answer)

    def _model_loaded(self, answer: Ready | LoadFailed, now: Nanos) -> None:
        """Play with the model, or without."""
        self._from_worker(answer, now)
        if isinstance(answer, Ready):
            self._ready("model", model=answer.model, runtime=answer.runtime)
        if self.jam.model_choice.state != "loading":  # another one in its place
            self.auto_start.model_loaded(now)

    def _greet(self, link: "Link[Any]", hello: Hello) -> None:
        if hello.role in ("supervisor", "guardian"):
            self.supervisor.greet(link)
        if hello.role == "dashboard" or (hello.role == "supervisor" and not self.options.headless):
            self.jam.notices.end("dashboard", "a dashboard is there again")
            self.snapshots.watch(link)

    def _restore(self, memory: JamMemory, now: Nanos) -> None:
        """Go on as the engine did that died before this one."""
        before = self.worker.wanted
        restore(self.jam, memory, now)
        self.jam.all_sound_off(now)  # what it left sounding
        if not memory.demo:
            self.demo = None
        virtual = "virtual" in self.options.config.midi.outputs
        self.auto_start.restored(memory, virtual=virtual, demo=self.demo is not None)
        if self.worker.wanted != before:
            self.worker.load_wanted()
        if memory.recording is not None and memory.recording != bool(self.devices.recording.shown):
            self.devices.recording.switch_take(self.jam, now)

    def _gone(self, link: "Link[Any]") -> None:
        self.browsers.gone(link, self.clock.now())
        self.output.listeners = [other for other in self.output.listeners if other is not link]
        if link is self.output.worker:
            self.output.worker = None
            self.jam.worker_lost()
            self.worker.lost(self.clock.now())
            if self.supervisor.link is None:
                self.devices.keep_worker()
        elif link in self.snapshots.watchers:
            self.snapshots.leave(link)
        if link is self.supervisor.link:
            self.supervisor.link = None
            if self.options.headless:
                self.ending = True
            else:
                gone = "the screen that it began with has gone: the music goes on, see `twobar attach`"
                self.jam.notices.add("warning", gone, about="dashboard")
                if self.output.worker is None:
                    self.devices.keep_worker()
                self.guardians.call()

    def close(self, *, crashed: bool = False) -> None:
        """Silence, write everything down, close everything; safe after a failed `open`, and never raises.

        Args:
            crashed: another engine follows: nobody is told goodbye, nothing is stopped.
        """
        guard = Guard(self.complain)
        if not guard(
            "the last notes could not be ended",
            lambda: self.jam.shutdown(self.clock.now(), for_good=not crashed),
        ):
            self.devices.silence(guard)
        if not crashed:
            guard("the supervisor was not told what it is to remember", self._send_memory)
        guard("the summary could not be logged", self._summarize)
        self._flush()
        for link in dict.fromkeys([*self.snapshots.watchers, self.output.worker, self.supervisor.link]):
            if link is not None and (not crashed or link is self.supervisor.link):
                message = self._last_beat() if crashed else Bye()
                guard("another process was not told of the end", partial(link.send, message))
        if self.jam.leader is not None:
            guard("the leader was not taken leave of", self.jam.leader.close)
        if self.learning is not None:
            guard("what was learned could not be written", self.learning.close)
        self.devices.close(guard)
        guard("the links' socket could not be closed", self.board.close)
        self.say.close()
        self.complain.close()

    def _last_beat(self) -> Beat:
        cables = self.devices.cables
        return Beat(worker=False, peers=cables.peers, sources=cables.sources, closing=True)

    def _summarize(self) -> None:
        late = self.jam.sender.lateness.whole()
        self.output.log(
            "summary",
            notes=late.number,
            lateness_us={"p50": late.p50, "p99": late.p99, "worst": late.worst},
            missed_bars=self.jam.dialogue.bars.missed,
            begun_bars=self.jam.dialogue.bars.begun,
            dropped_notes=self.jam.sender.dropped_notes,
            left_late=self.devices.left_late,
            recombined=self.jam.decoding.recombined,
            faults=self.faults.count,
            coalesced=self.arrivals.coalesced,
            dropped_messages=self.arrivals.dropped,
            **self.devices.losses()._asdict(),
            **self.output.left_out(),
        )

    def _flush(self) -> None:
        """Wait until JACK has sent what it was given: it does so in its next periods."""
        end = self.clock.now() + FLUSH_NANOS
        while self.clock.now() < end:  # a bell ends a wait
            self.clock.wait_until(Nanos(end))
