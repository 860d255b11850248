"""The jam: the whole instrument as one state machine, fed with moments, bytes and messages.

It knows no process, port or thread, so the same take on a fake clock gives the same bytes.
Threads: engine only.  Realtime: yes.
"""

from collections import deque
from collections.abc import Callable
from typing import Literal

from live.ipc.messages import (
    Accompany,
    Decode,
    Decoded,
    Encode,
    Encoded,
    Failed,
    FromWorker,
    Load,
    Notice,
    Ready,
    Warped,
)
from live.jam.capture import Capture
from live.jam.commands import Controls
from live.jam.dialogue import Answers
from live.jam.gestures import Gestures
from live.jam.levels import Levels
from live.jam.parts import channels_of
from live.jam.path import Path
from live.jam.performer import Hands
from live.jam.plan import Feel, Plan
from live.jam.protocols import Mapper, Outlet
from live.jam.requests import ANCHOR, Requests
from live.jam.scheduler import QueuedNote, Scheduler
from live.settings.config import Config
from live.timing.midi_bytes import (
    CLOCK,
    CLOCKS_PER_BEAT,
    SONG_POSITION,
    START,
    STOP,
    Rank,
    note_off,
    note_on,
    silence,
)
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.phrase import Note
from model.music.tracks import TRACKS

CLOCK_TICKS = TICKS_PER_BEAT // CLOCKS_PER_BEAT
START_AHEAD_NANOS = 20_000_000
KEPT_LATENESS = 512
KEPT_NOTICES = 8
KEPT_NOTE_ROWS = 2048


class Jam:
    """The instrument.

    Args:
        config: settings; its model and ports are others' business.
        outlet: where everything goes.
        mapper: makes the controller's mapper, given a way to read a knob.

    """

    def __init__(
        self,
        config: Config,
        outlet: Outlet,
        *,
        mapper: Callable[[Callable[[str], float]], Mapper] | None = None,
    ) -> None:
        """Start stopped, without a model."""
        self.config, self.outlet = config, outlet
        self.transport = Transport(tempo_bpm=config.jam.bpm)
        self.scheduler = Scheduler()
        self.capture = Capture()
        self.plan = Plan(self.scheduler, grid=Grid())
        self.loading = config.jam.model
        self.controls = Controls(
            self,
            scenes={scene.number: scene for scene in config.scene},
            values={"tempo": config.jam.bpm, "temperature": config.jam.temperature},
        )
        self.levels = Levels(channels_of(config.midi), self.controls.values["volume"])
        self.gestures = Gestures(lambda: self.answers, knobs=self.controls.values, ask=self.outlet.ask)
        self.answers = Answers(
            self.plan,
            self.capture,
            Requests(
                Path(seed=config.jam.seed),
                knobs=self.controls.values,
                seed=config.jam.seed,
                choice=config.model,
            ),
            ask=self._ask,
            log=outlet.log,
            notice=self.notice,
            publish=outlet.publish,
            remember=self.gestures.remember,
            horizon_bars=config.jam.horizon_bars,
        )
        self.answers.state.mode = config.jam.mode
        self.hands = Hands(self)
        self.mapper = mapper(lambda name: self.controls.values[name]) if mapper else None
        self.wanted_model = self._good_model = ""
        self.model_state: Literal["loading", "ready", "lost", "none"] = "loading"
        self.model_detail = ""
        self.lateness_nanos: deque[int] = deque(maxlen=KEPT_LATENESS)
        self.dropped_notes = 0
        self.notices: deque[Notice] = deque(maxlen=KEPT_NOTICES)
        self.heard: deque[tuple[Tick, Tick, int, int, int]] = deque(maxlen=KEPT_NOTE_ROWS)
        self._ahead_nanos = round(config.midi.output_latency_ms * 1e6)
        self._now = Nanos(0)
        self._clock_tick = Tick(0)
        self._beat = -1
        self._feel()

    def load(self) -> None:
        """Load what may be loaded after her keys sound, before the model can answer."""
        self.answers.load()

    # -- time ------------------------------------------------------------------------------------

    def tick(self, now: Nanos) -> Tick:
        """Return the present tick."""
        return self.transport.tick(now)

    def at(self, now: Nanos) -> None:
        """Take the present moment, by which notices are dated."""
        self._now = now

    def sent_to(self, now: Nanos) -> Tick:
        """Return the tick up to which messages have left: ahead of the present by the output's latency."""
        return self.transport.tick(Nanos(now + self._ahead_nanos))

    def advance(self, now: Nanos) -> Nanos | None:
        """Do everything that is due, and return when to come back (None: when something arrives)."""
        self._now = now
        if not self.transport.running:
            return None
        tick, present = self.sent_to(now), self.transport.tick(now)
        self._tell_beat(tick)
        self._send_due(tick, now)
        self.answers.advance(tick, present=present)
        self._send_due(tick, now)
        coming = [
            self.answers.next_tick(tick, present=present),
            Tick((tick // TICKS_PER_BEAT + 1) * TICKS_PER_BEAT),
        ]
        queued = self.scheduler.next_tick()
        if queued is not None:
            coming.append(queued)
        if self.config.midi.clock_out:
            coming.append(self._clock_tick)
        return self._moment(Tick(max(min(coming), tick + 1)))

    def _moment(self, tick: Tick) -> Nanos:
        """Return when the messages of a tick must leave."""
        return Nanos(self.transport.timeline.nanos(tick) - self._ahead_nanos)

    def _send_due(self, tick: Tick, now: Nanos) -> None:
        bound = round(self.config.midi.late_bound_ms * 1e6)
        while self.config.midi.clock_out and self._clock_tick <= tick:
            due = self._moment(self._clock_tick)
            self.outlet.send(bytes((CLOCK,)), tick=self._clock_tick, due=due, voice="clock")
            self._clock_tick = Tick(self._clock_tick + CLOCK_TICKS)
        left: list[tuple[QueuedNote, Tick, int]] = []
        for event, note in self.scheduler.due(tick, too_late=lambda due: now - self._moment(due) > bound):
            due = self._moment(event.tick)
            if not event.data:
                self.dropped_notes += 1
                continue
            voice = "clock" if event.rank is Rank.TRANSPORT else "instrument"
            sent = self.outlet.send(event.data, tick=event.tick, due=due, voice=voice)
            if note is not None:
                left.append((note, event.tick, sent - due))
        for note, when, late in left:  # a chord's next note does not wait for this
            self._note_sent(note, when, late)

    def _note_sent(self, note: QueuedNote, tick: Tick, late_nanos: int) -> None:
        self.lateness_nanos.append(late_nanos)
        grid = self.plan.grid
        length = max(1, round((note.end - note.tick) / grid.ticks_per_step))
        onset = note.step % grid.steps
        fits = min(length, grid.steps - onset)
        self.plan.sent(note.step, Note(onset, note.pitch, note.velocity, fits, note.offset, note.track))
        self.heard.append((tick, note.end, note.pitch, note.velocity, note.track))
        self.outlet.publish("note", note.pitch, note.velocity)

    def _tell_beat(self, tick: Tick) -> None:
        beat = tick // TICKS_PER_BEAT
        if beat != self._beat and beat >= 0:
            self._beat = beat
            bar, within = divmod(beat, self.plan.grid.beats_per_bar)
            self.outlet.publish("beat", within + 1)
            if within == 0:
                self.outlet.publish("bar", bar + 1)

    # -- transport -------------------------------------------------------------------------------

    def start(self, now: Nanos) -> None:
        """Start at bar 0 in a moment; a running transport starts anew."""
        if self.transport.running:
            self.stop(now)
        self.answers.restart()
        self.heard.clear()
        self._beat = -1
        count_in = self.config.jam.count_in_bars * self.plan.grid.ticks_per_bar
        self.transport.start(Nanos(now + START_AHEAD_NANOS), count_in_ticks=count_in)
        self._clock_tick = Tick(0)
        if count_in:
            self._count_in(count_in)
        if self.config.midi.clock_out:
            begin = self.transport.timeline.nanos(Tick(0)) - START_AHEAD_NANOS
            if count_in:
                self.scheduler.message(self.transport.timeline.tick(Nanos(begin)), bytes((START,)))
            else:
                self.outlet.send(bytes((START,)), tick=Tick(0), due=now, voice="clock")
        self.outlet.tempo(Tick(0), self.transport.tempo_bpm)

    def _count_in(self, ticks: int) -> None:
        """Click on every beat before bar 0, on the drum channel: a high block on each one."""
        per_bar = self.plan.grid.beats_per_bar
        for beat in range(ticks // TICKS_PER_BEAT):
            place = Tick(beat * TICKS_PER_BEAT - ticks)
            pitch, loud = (76, 110) if beat % per_bar == 0 else (77, 90)
            drums = self.config.midi.drum_channel
            self.scheduler.message(place, note_on(drums, pitch, loud))
            self.scheduler.message(Tick(place + TICKS_PER_BEAT // 4), note_off(drums, pitch))

    def stop(self, now: Nanos) -> None:
        """Stop, with every note of the instrument ended; her own keys go on sounding."""
        if not self.transport.running:
            return
        tick = self.tick(now)
        self._say(self.scheduler.silence(), now)
        self.transport.stop(now)
        self.plan.clear()
        if self.config.midi.clock_out:
            self.outlet.send(bytes((STOP,)), tick=tick, due=now, voice="clock")
            sixteenth = max(0, tick) // (TICKS_PER_BEAT // 4)
            place = bytes((SONG_POSITION, sixteenth & 0x7F, sixteenth >> 7 & 0x7F))
            self.outlet.send(place, tick=tick, due=now, voice="clock")

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> None:
        """Go on at another tempo."""
        self.transport.set_tempo(tempo_bpm, now)
        if self.transport.running:  # a start tells it anyway
            self.outlet.tempo(self.tick(now), tempo_bpm)

    def panic(self, now: Nanos) -> None:
        """Silence everything at once; the instrument comes in again on the next phrase's one."""
        self._say(self.scheduler.silence(keep_transport=True), now)
        self.hush(now)
        self.hands.forget(self.tick(now))
        if self.transport.running:
            self.answers.rest(self.sent_to(now))
        self.volume_changed(now)
        self.marked("panic", now)
        self.notice("warning", "panic: everything is silent; it comes in again on the next phrase")

    def shutdown(self, now: Nanos) -> None:
        """End every note, hers too, and stop."""
        self.stop(now)
        self.hands.release(now)
        self.hush(now)

    def hush(self, now: Nanos) -> None:
        """Send what ends every sound on every channel, whoever began it."""
        self._say(silence(), now)

    def _say(self, messages: list[bytes], now: Nanos) -> None:
        for data in messages:
            self.outlet.send(data, tick=self.tick(now), due=now, voice="instrument")

    # -- knobs -----------------------------------------------------------------------------------

    def knob_turned(self, name: str, value: float, source: str, now: Nanos) -> None:
        """Log and tell that a knob has moved."""
        tick = self.tick(now)
        self.outlet.log("knob", nanos=now, name=name, value=value, source=source)
        self.outlet.knob(tick, name, value)
        self.outlet.publish(f"knob/{name}", value)

    def marked(self, text: str, now: Nanos) -> None:
        """Log a gesture."""
        self.outlet.marker(self.tick(now), text)

    def _feel(self) -> None:
        values = self.controls.values
        self.plan.feel = Feel(
            swing=values["swing"], gate=values["gate"], channels=channels_of(self.config.midi)
        )

    def feel_changed(self, now: Nanos) -> None:
        """Lay the plan again with another swing or gate."""
        self._feel()
        if self.transport.running:
            tick = self.sent_to(now)
            step = tick // self.plan.grid.ticks_per_step + 1
            self.plan.lay_all(step, not_before=tick)

    def mute(self, muted: frozenset[int], now: Nanos) -> None:
        """Leave these of the model's parts out from now on, and no others."""
        tick = self.sent_to(now) if self.transport.running else Tick(0)
        self.plan.mute(muted, tick // self.plan.grid.ticks_per_step + 1, now=tick)

    def volume_changed(self, now: Nanos) -> None:
        """Send the level of every part that plays."""
        self._say(self.levels.messages(self.plan.tracks, self.controls.values["volume"]), now)

    def set_levels(self, now: Nanos) -> None:
        """Send the level of every part, also of those that only another model plays."""
        self._say(self.levels.messages(range(len(TRACKS)), self.controls.values["volume"]), now)

    # -- the model -------------------------------------------------------------------------------

    def _ask(self, message: Encode | Decode | Accompany) -> bool:
        return self.outlet.ask(message)

    def load_model(self, name: str) -> None:
        """Play another model; the present one plays on until it is ready."""
        self.loading, self.model_state = name, "loading"
        self.wanted_model = name
        if not self.outlet.ask(Load(name)):
            self.notice("warning", f"model {name} will be loaded when the model process is back")

    def from_worker(self, message: FromWorker, now: Nanos) -> None:
        """Take a message of the model process."""
        tick = self.sent_to(now)
        if isinstance(message, Encoded):
            if message.fault:
                self.notice("error", message.fault)
            if self.answers.encoded(message, tick).startswith(ANCHOR):
                self.gestures.prepare_morph()
        elif isinstance(message, Decoded):
            self.answers.decoded(message, tick)
        elif isinstance(message, Ready):
            self.model_state, self.model_detail = "ready", message.runtime
            self.loading, self._good_model = message.model, self.wanted_model
            self._model_ready(message, tick, now)
        elif isinstance(message, Warped):
            self.gestures.warped(message)
        elif isinstance(message, Failed):
            if message.ident is None:
                self._load_failed(message.text)
            self.notice("error", message.text)
            self.answers.failed(message.ident, tick)

    def _load_failed(self, text: str) -> None:
        """Go on with the model that plays, if there is one; a wrong name is not asked for again."""
        playing = self.answers.model
        self.model_state, self.model_detail = ("ready" if playing else "none"), text
        self.wanted_model = self._good_model
        self.loading = playing.model if playing else self.config.jam.model

    def _model_ready(self, ready: Ready, tick: Tick, now: Nanos) -> None:
        old = self.answers.model
        new = old is None or old.ident != ready.ident
        if old is not None and new:
            self.gestures.forget()
        self.answers.set_model(ready, tick)
        self.gestures.prepare_morph()
        volume = self.controls.values["volume"]
        self._say(self.levels.messages(self.plan.tracks, volume, all_over=False), now)
        for sentence in self.answers.requests.remarks() if new else ():
            self.notice("info", sentence)

    def worker_lost(self) -> None:
        """Play on without the model process."""
        self.model_state = "lost"
        self.answers.lose_model()

    # -- for the human ---------------------------------------------------------------------------

    def notice(self, level: str, text: str) -> None:
        """Show and log a line; the same line again at once is not repeated."""
        if (
            self.notices
            and self.notices[-1].text == text
            and self._now - self.notices[-1].nanos < 2_000_000_000
        ):
            return
        kind = "error" if level == "error" else "warning" if level == "warning" else "info"
        self.notices.append(Notice(self._now, kind, text))  # type: ignore[arg-type]
        self.outlet.log("notice", nanos=self._now, level=kind, text=text)
        self.outlet.publish("notice", text)
