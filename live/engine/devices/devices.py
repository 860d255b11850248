"""The devices: everything plugged into the engine, opened, watched and closed in one place.

What is missing and can be done without becomes a notice; what the user asked for by name and is not
there is a UsageError.
Owns: the open inputs, how each port is shown, the watches, and the model process where no supervisor has it.
Threads: engine only; the port watch hands over on the engine's arrivals.
"""

import contextlib
import difflib
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from live.control.desk import Desk
from live.devices import ports, systems
from live.devices.alsa.connections import RefusedEvents
from live.devices.fluidsynth import FluidSynth, open_synth
from live.devices.hotplug import Change, PortWatch, SystemLister
from live.devices.jack.probe import Direction
from live.devices.names import keyboards
from live.devices.rtmidi_port import FrameTimes, MidiInput, MidiOutput
from live.engine.devices.built_in_synth import BuiltInSynth, on_jack
from live.engine.devices.cables import Cables
from live.engine.devices.lights import Lights
from live.engine.devices.losses import Losses, LossNotices
from live.engine.guard import Guard
from live.engine.output import EngineOutput
from live.engine.preparation import OpenSynth
from live.engine.recording import Recording
from live.errors import FailureError, PortError, PortMissingError, UsageError, unknown
from live.ipc.model_process import WorkerKeeper, spawn_worker
from live.ipc.options import Options
from live.ipc.snapshot import Notice, NoticeLevel, PortView
from live.jam.jam import Jam
from live.jam.parts.parts import programs_of
from live.settings.schema import SYNTH
from live.timing.clock import raise_threads
from live.timing.midi_bytes import Sink, Stream, program, silence
from live.timing.timeline import Nanos

Post = Callable[[object], None]
WORDS: dict[Direction, tuple[str, ...]] = {
    "in": ("virtual", "none", "auto"),
    "out": ("virtual", SYNTH, "none"),
}


KEYBOARD = "keyboard"  # what a notice is about where no keyboard is there at all


class _Asked(NamedTuple):
    """A port that was asked for: by which name, "" by none; its port is None while it is missing."""

    direction: Direction
    name: str
    port: MidiInput | MidiOutput | None


class Devices:
    """Ports, synth, mapping, log, take, OSC.

    Args:
        post: puts anything among the engine's arrivals, from any thread.
    """

    def __init__(
        self, options: Options, output: EngineOutput, post: Post, synth: OpenSynth = open_synth
    ) -> None:
        self._options, self._output, self._post = options, output, post
        self._views: dict[tuple[str, str], PortView] = {}
        self._inputs: dict[str, MidiInput] = {}
        self._refused_events = RefusedEvents(ports.INPUT_CLIENT)
        self._refused = self._refused_now = 0  # messages for which ALSA had no room: ever, and as it counts
        self._asked: list[_Asked] = []
        self._worker = WorkerKeeper(
            lambda: spawn_worker(options.address), needed=lambda: output.worker is None
        )
        self._watchers: list[PortWatch] = []
        self._listers: list[SystemLister] = []
        self._broken_before = 0  # of inputs that have gone
        self._loss_notices = LossNotices()
        self.cables = Cables(options, self._inputs, output)
        self.synth = BuiltInSynth(options, synth, post, self._show_synth)
        self.desk: Desk | None = None
        self.lights: Lights | None = None
        self.recording = Recording(options, output, self._say)
        self.subscribed: Callable[[Callable[[str, float | str], None]], None] = lambda _tell: None
        self.silenced: list[str] = []  # ports on which an engine before this one had played

    @property
    def listening(self) -> bool:
        """Tell whether any input is open."""
        return bool(self._inputs)

    def port_views(self) -> list[PortView]:
        """Return every port and its state."""
        return list(self._views.values())

    def set_desk(self, knobs: Mapping[str, float]) -> Desk:
        """Find the mappings, and bind them to the knobs' values.  Raises UsageError."""
        self.desk = Desk(
            knobs.__getitem__,
            choice=self._options.config.mapping.name,
            say=self._warn,
            tell=lambda text: self._post(Notice(0, "info", text)),
            lenient=self._options.revived,
        )
        return self.desk

    def set_lights(self, jam: Jam) -> None:
        """Light the controllers that the mappings say how to light."""
        if self.desk is not None:
            midi = self._options.config.midi
            self.lights = Lights(
                self.desk,
                jam,
                lambda name: ports.open_lights(name, api=midi.api, ahead=midi.ahead),
                recording=lambda: bool(self.recording.shown),
                say=lambda text, port: self._say("warning", text, f"lights {port}"),
            )

    # -- what must be there before thru works ------------------------------------------------------

    def open(self, jam: Jam, now: Nanos) -> None:
        """Open outputs, then inputs; a port that was named and is not there is waited for.

        Raises (but not in an engine that follows another one, which waits for whatever has gone):
            UsageError: a system that was named is not built in, or a name can only be a slip.
            PortError: a MIDI system that is needed does not answer.
        """
        config = self._options.config
        if config.midi.api != "auto":
            systems.resolve_api(config.midi.api)
        self.recording.open_log()
        if not config.midi.send_sounds:
            self._output.takes_setup = lambda sink: not isinstance(sink, MidiOutput)
        click = config.midi.click_output.lower()
        self._output.takes_click = lambda sink: click in sink.name.lower()
        self._output.sink_lost = lambda sink, reason: self._sink_lost(jam, sink, reason)
        for name in config.midi.outputs:
            if name not in (SYNTH, "none"):
                self._open_output(jam, name)
        for name in sorted(config.midi.inputs, key="auto".__eq__):  # auto takes what nobody has named
            self._open_inputs(jam, name)
        self._say_what_is_missing(jam)
        if self._options.revived:
            self._take_over()
        if SYNTH in config.midi.outputs:  # last, for it takes its time
            synth = self.synth.open(jam.notices)
            self._output.sinks += [synth] if synth is not None else []
        self.set_up(jam, now)
        raise_threads()

    def _take_over(self) -> None:
        """Lay the cables to virtual ports again, and end what the engine before this one left sounding."""
        self.cables.remake()
        for output in self._output.sinks:
            if isinstance(output, MidiOutput):
                with contextlib.suppress(PortError):
                    _silence(output)
                    self.silenced += self.cables.peers if output.virtual else [output.name]

    def _open_output(self, jam: Jam, name: str) -> None:
        try:
            midi = self._options.config.midi
            port = ports.open_output(name, api=midi.api, ahead=midi.ahead, taken=self._output_names())
        except (PortError, UsageError) as reason:
            self._port_missing(jam, "out", name, reason)
            return
        self._asked.append(_Asked("out", name, port))
        self._output.sinks.append(port)
        self._show_output(port)

    def _show_output(self, port: MidiOutput) -> None:
        self._views["out", port.name] = PortView("out", port.name, "ok", port.punctual)
        self._output.log("output", port=port.name, punctual=port.punctual)

    def _open_inputs(self, jam: Jam, name: str) -> None:
        try:
            opened = ports.open_inputs(
                name,
                api=self._options.config.midi.api,
                deliver=self._post,
                taken=self._inputs,
                outputs=self._output_names(),
                beside=self._frame_times,
            )
        except (PortError, UsageError) as reason:
            self._port_missing(jam, "in", name, reason)
            return
        for port in opened:
            self._asked.append(_Asked("in", "" if name == "auto" else name, port))
            self._inputs[port.name] = port
            self._plug(port.name)
            self._views["in", port.name] = PortView("in", port.name, "ok")

    def _plug(self, name: str) -> None:
        """Let a controller have its mapping; from any thread."""
        if self.desk is not None:
            self.desk.plug(name)

    def _frame_times(self) -> FrameTimes | None:
        """Return an output that sees every cycle of JACK; None where there is none."""
        sinks = tuple(self._output.sinks)
        return next((sink for sink in sinks if isinstance(sink, FrameTimes)), None)

    def _output_names(self) -> list[str]:
        return [sink.name for sink in self._output.sinks if isinstance(sink, MidiOutput)]

    def _port_missing(
        self, jam: Jam, direction: Direction, name: str, reason: PortError | UsageError
    ) -> None:
        """Wait for a port that is not there, and for a system where an engine before this one had it."""
        words = WORDS[direction]
        waits = self._options.revived or isinstance(reason, PortMissingError)
        if not self._options.revived:
            if difflib.get_close_matches(name, words, 1, 0.7) and name not in words:
                raise unknown(f"MIDI {direction}put", name, words) from reason
            if not waits and (name != "auto" or self._options.config.midi.api != "auto"):
                raise reason
        if name == "auto" or not waits:
            jam.notices.add("warning", f"no MIDI {direction}: {reason}", about=f"MIDI {direction}")
            return
        self._asked.append(_Asked(direction, name, None))
        self._views[direction, name] = PortView(direction, name, "missing", "waited for")
        jam.notices.add("warning", f"{reason}; it is waited for", about=name)

    def _say_what_is_missing(self, jam: Jam) -> None:
        wanted = self._options.config.midi.inputs
        if not self._inputs and "auto" in wanted:
            self._views["in", KEYBOARD] = PortView("in", KEYBOARD, "missing", "plug one in")
            other = "`twobar ports` lists what there is"
            if not self._options.headless:
                other = "or press k to play on the computer's"
            jam.notices.add("warning", f"no keyboard found: plug one in, {other}", about=KEYBOARD)

    def set_up(self, jam: Jam, now: Nanos) -> None:
        """Send the programs and levels of the performer's voice and of every part, to whom that is wanted."""
        config = self._options.config
        for channel, number in programs_of(config).items():
            self._output.send(program(channel, number), tick=jam.tick(now), due=now, voice=Stream.SETUP)
        jam.mixer.send_levels(now, every_part=True)
        jam.performer.thru.set_up(now)

    def setup_messages(self, jam: Jam) -> list[bytes]:
        """Return what sets a synth up that joins late: programs, and levels as they are."""
        chosen = programs_of(self._options.config)
        return [*(program(channel, number) for channel, number in chosen.items()), *jam.mixer.present()]

    def _warn(self, text: str) -> None:
        """Say a warning on the dashboard; from any thread."""
        self._say("warning", text)

    def _say(self, level: NoticeLevel, text: str, about: str = "") -> None:
        self._post(Notice(0, level, text, about))

    def _sink_lost(self, jam: Jam, sink: Sink, reason: str) -> None:
        name = SYNTH if isinstance(sink, FluidSynth) else sink.name
        self._views["out", name] = PortView("out", name, "missing", reason)
        jam.notices.add("error", f"{reason}; the music goes on without it", about=name)
        if isinstance(sink, MidiOutput):
            for watcher in self._watchers:
                watcher.lost(sink)

    # -- what may come a moment later ----------------------------------------------------------------

    def open_rest(self, jam: Jam, now: Nanos) -> None:
        """Open the take, OSC and the watch over the ports."""
        config = self._options.config
        self._watch(jam)
        self.recording.open_take(jam, now)
        if config.osc.enabled:
            from live.control.osc.server import OscServer  # noqa: PLC0415  keys sound before this is loaded

            try:
                osc = OscServer(config.osc, self._post, self._warn, subscribed=self.subscribed)
            except FailureError as reason:
                jam.notices.add("warning", f"{reason}; OSC is off")
            else:
                osc.start()
                self._output.osc = osc

    # -- ports that come and go ----------------------------------------------------------------------

    def _watch(self, jam: Jam) -> None:
        """Look after the ports that are open, and for keyboards that are plugged in later."""
        synths = on_jack(self._output.sinks)
        api: str = self._options.config.midi.api
        with contextlib.suppress(PortError):  # said already; the watch looks for a MIDI system too
            api = systems.resolve_api(api)
        watch = self._watch_system(jam, api, synths if api == "jack" else [])
        for asked in self._asked:
            reopen = self._reopen_input if asked.direction == "in" else self._reopen_output
            if asked.port is None:
                watch.wait_for(asked.direction, asked.name, reopen)
            else:
                watch.add(asked.direction, asked.port, reopen, wanted=asked.name)
        if synths and api != "jack":  # MIDI comes from elsewhere, the synth's sound goes there
            self._watch_system(jam, "jack", synths, adopting=False)
        for watcher in self._watchers:
            watcher.start()

    def _watch_system(
        self, jam: Jam, api: str, synths: list[FluidSynth], *, adopting: bool = True
    ) -> PortWatch:
        """Make the watch over one MIDI system, and over the synths that sound through it."""
        adopting = adopting and "auto" in self._options.config.midi.inputs
        lister = SystemLister(api)
        self._listers.append(lister)
        watch = PortWatch(
            lambda change: self._post(lambda now: self._changed(jam, change, now)),
            lister=lister,
            adopt=self._reopen_input if adopting else None,
            wanted=lambda found: keyboards(found, self._output_names()),
            died=self.synth.lost if synths else lambda: None,
            failed=self._warn,
            looked=lambda: self._looked(jam, lister),
            revived=(lambda: self.synth.restart(synths)) if synths else None,
        )
        self._watchers.append(watch)
        return watch

    def _looked(self, jam: Jam, lister: SystemLister) -> None:
        """Do what comes after each look; on a watch's thread."""
        raise_threads()
        self.cables.look(lister)
        if self.lights is not None and lister is self._listers[0]:
            self.lights.look(tuple(self._inputs), lambda: lister("out"))
        lost = self._refused_events.count()
        self._post(lambda now: self._tell_losses(jam, lost, now))

    def _show_synth(self, fault: str) -> None:
        self._views["out", SYNTH] = PortView("out", SYNTH, "missing" if fault else "ok", fault)

    def _reopen_input(self, name: str) -> MidiInput:
        api = self._options.config.midi.api
        port = ports.open_input(name, api=api, deliver=self._post, beside=self._frame_times)
        self._plug(port.name)
        return port

    def _reopen_output(self, name: str) -> MidiOutput:
        """Open an output that has come, and end what may sound on it of keys that were let go meanwhile."""
        midi = self._options.config.midi
        port = ports.open_output(name, api=midi.api, ahead=midi.ahead)
        try:
            _silence(port)
        except PortError:
            port.close()
            raise
        return port

    def _changed(self, jam: Jam, change: Change, now: Nanos) -> None:
        """Take a port out of use, or into it again; runs on the engine's thread."""
        direction, key = change.direction, (change.direction, change.was or change.name)
        if change.state == "gone":
            self._views[key] = PortView(direction, change.name, "missing", "unplugged")
            if direction == "in":
                lost = self._inputs.pop(change.name, None)
                self._broken_before += lost.broken if lost is not None else 0
                jam.performer.release(now, port=change.name)
                if self.desk is not None:
                    self.desk.unplug(change.name)
                if self.lights is not None:
                    self.lights.unplug(change.name)
                if self._output.feedback is not None:
                    self._output.feedback.forget(change.name)
            else:
                gone: object = change.port
                self._output.sinks = [sink for sink in self._output.sinks if sink is not gone]
            gone = f"{change.name} has gone: the music goes on, plug it in again"
            jam.notices.add("error", gone, about=change.name)
            return
        self._views.pop(key, None)
        first = direction == "in" and self._views.pop(("in", KEYBOARD), None) is not None
        if isinstance(change.port, MidiInput):
            self._views[direction, change.name] = PortView(direction, change.name, "ok")
            self._inputs[change.name] = change.port
        elif isinstance(change.port, MidiOutput):
            self._show_output(change.port)
            self._output.sinks.append(change.port)
            self.set_up(jam, now)
        jam.notices.end(f"MIDI {direction}")
        how = "back" if change.state == "back" else "here"
        jam.notices.add("info", f"{change.name} is {how}", about=KEYBOARD if first else key[1])

    # -- what gets lost on its way -------------------------------------------------------------------

    def _tell_losses(self, jam: Jam, lost: int, now: Nanos) -> None:
        """Say what was lost; where it may be the ends of keys, of whatever keyboard, all are let go."""
        if lost > self._refused_now:  # less, where such an input has been closed
            jam.performer.release(now)
            self._refused += lost - self._refused_now
        self._refused_now = lost
        self._loss_notices.tell(self.losses(), jam.notices, now)

    def losses(self) -> Losses:
        """Count what the drivers have lost."""
        broken = self._broken_before + sum(port.broken for port in self._inputs.values())
        return Losses(sum(lister.lost_cycles for lister in self._listers), broken, self._refused)

    @property
    def left_late(self) -> int:
        """Count the messages that left after their moment, at outputs that keep it."""
        return sum(getattr(sink, "late", 0) for sink in self._output.sinks)

    # -- a model process without a supervisor --------------------------------------------------------

    def keep_worker(self) -> None:
        """Keep a model process alive from here, on another thread; nothing while that is done already."""
        self._worker.start()

    # -- the end -------------------------------------------------------------------------------------

    def silence(self, guard: Guard) -> None:
        """End every sound on each sink by itself."""
        for sink in self._output.sinks:
            guard(f"{sink.name} could not be silenced", partial(_silence, sink))

    def close(self, guard: Guard) -> None:
        """Close everything; what is recorded is written down first."""
        output = self._output
        self.recording.close_take(guard)
        if self.lights is not None:
            guard("the lights could not be cleared", self.lights.close)
        for watcher in self._watchers:
            guard("the watch over the ports could not be ended", watcher.close)
        for port in self._inputs.values():
            guard(f"{port.name} could not be closed", port.close)
        for sink in output.sinks:
            guard(f"{sink.name} could not be closed", sink.close)
        guard("the model process could not be ended", self._worker.end)
        if output.osc is not None:
            guard("OSC could not be closed", output.osc.close)
        self.recording.close_log(guard)


def _silence(sink: Sink) -> None:
    for data in silence():
        sink.send(data)
