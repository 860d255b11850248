"""The jam: the whole instrument as one state machine, fed with moments, bytes and messages.

It knows no process, port or thread, so the same take on a fake clock gives the same bytes.
Owns: the transport, the knobs' values, which model is wanted, what has sounded and how late; it makes the
rest, of which each file of this room says what it owns.  Threads: engine only.  Realtime: yes.
"""

from collections import deque
from typing import Literal

from live.errors import UsageError
from live.ipc.messages import Answer, Decoded, Encoded, Failed, Load, LoadFailed, Ready, Rewritten, Warped
from live.jam.asking.requests import Reason, Requests
from live.jam.band.band import Band
from live.jam.dialogue import Dialogue
from live.jam.gestures import Gestures
from live.jam.input.capture import Capture
from live.jam.input.listening import Listening
from live.jam.input.performer import Performer
from live.jam.notices import Notices
from live.jam.parts import Levels, channels_of
from live.jam.path import PathHistory
from live.jam.protocols import Leader, Output, Scenery
from live.jam.sequencing.plan import Laying, Plan
from live.jam.sequencing.scheduler import QueuedNote, Scheduler
from live.jam.sequencing.tempo_ramp import TempoRamp
from live.settings.config import AUTO, Config
from live.settings.knobs import ANSWERING, KNOBS, Mode
from live.timing.count_in import count_in
from live.timing.lateness import Lateness
from live.timing.midi_bytes import Rank, Stream, silence
from live.timing.midi_clock.clock_out import CLOCK_BYTE, START_BYTE, ClockOut
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import name_of
from model.music.phrase import Note
from model.music.tracks import TRACKS

START_AHEAD_NANOS = 20_000_000
STANDSTILL_NANOS = 200_000_000  # clock bytes missed for so long are no tempo: followers find their place anew
MOST_SOUNDED = 2048


class Jam:
    """The instrument.

    Args:
        config: settings; its model and ports are others' business.
        output: where everything goes.

    Attributes:
        knobs: the knobs' values by name, each within its range.
        wanted_model: that was chosen while it played, "" for the settings' own.
        shown_model: name of the model that plays or is being loaded.
        lateness: of the instrument's note-ons.
        dropped_notes: that were too late to be sent.
        sounded: the last note-ons that left: (tick, tick of the off, pitch, velocity, track).
        leader: whose beat it keeps; None for its own.
        vary_set: whether the performer, the settings or a scene have set the knob `vary`; else the mode does.
        scenery: what changes its state by itself; None for nothing.
        lookahead_nanos: so long before they are due messages leave the jam, for outputs that keep the moment.

    """

    def __init__(self, config: Config, output: Output) -> None:
        """Start stopped, without a model."""
        self.config, self.output = config, output
        self.leader: Leader | None = None
        self.scenery: Scenery | None = None
        self._ramp: TempoRamp | None = None
        self.knobs: dict[str, float] = {spec.name: spec.rest for spec in KNOBS.values()}
        wanted = config.jam.vary
        self.vary_set = not isinstance(wanted, str)
        vary = self.vary_at_rest(config.jam.mode) if isinstance(wanted, str) else wanted
        self.knobs |= {"tempo": config.jam.bpm, "temperature": config.jam.temperature, "vary": vary}
        self.notices = Notices(output)
        self.transport = Transport(tempo_bpm=config.jam.bpm)
        self.scheduler = Scheduler()
        self.capture = Capture()
        self.listening = Listening(self.capture, self.transport)
        self.performer = Performer(
            self.capture,
            self.transport,
            self.listening,
            output=output,
            notices=self.notices,
            channel=config.midi.performer_channel,
            thru=config.jam.thru,
            lag_ms=config.midi.input_latency_ms,
        )
        self.history = PathHistory(config.jam.mode)
        self.requests = Requests(knobs=self.knobs, seed=config.jam.seed, choice=config.model)
        self.plan = Plan(self.scheduler, grid=self.requests.grid_in(config.jam.metre))
        self.dialogue = Dialogue(
            self.plan,
            self.capture,
            self.requests,
            self.history,
            output=output,
            notices=self.notices,
            horizon_bars=config.jam.horizon_bars,
            metre=config.jam.metre,
        )
        self.band = Band(
            self.plan,
            self.capture,
            self.history,
            self.requests.conditions,
            knobs=self.knobs,
            seed=config.jam.seed,
            output=output,
        )
        self.dialogue.loops = self.band.harmony.loops
        self.gestures = Gestures(
            self.history, self.plan, self.dialogue, self.requests, knobs=self.knobs, output=output
        )
        self.shown_model = config.jam.model
        self.wanted_model = self._good_model = ""
        self.model_state: Literal["loading", "ready", "lost", "none"] = "loading"
        self.model_detail = ""
        self.lateness = Lateness()
        self.dropped_notes = 0
        self.sounded: deque[tuple[Tick, Tick, int, int, int]] = deque(maxlen=MOST_SOUNDED)
        self._volume_turned = False
        self._levels = Levels(channels_of(config.midi), self.knobs["volume"])
        self._ahead_nanos = round(config.midi.most_latency_ms * 1e6)
        self.lookahead_nanos = 0
        self._before_solo: frozenset[int] = frozenset()
        self._sent_tick: Tick | None = None
        self._last_due = Nanos(0)
        self.clock_out = ClockOut(wanted=config.midi.clock_out)
        self._beat = (-1, 0)
        self._told_grid: Grid | None = None
        self._runs = 0
        self._take_laying()

    @staticmethod
    def vary_at_rest(mode: Mode) -> float:
        """Return where the knob `vary` stands in a mode while nobody has set it."""
        return ANSWERING if mode == "answer" else KNOBS["vary"].rest

    @property
    def run(self) -> int:
        """Count the starts of the transport: ticks of another run mean another music."""
        return self._runs

    # -- time ------------------------------------------------------------------------------------

    def tick(self, now: Nanos) -> Tick:
        """Return the present tick."""
        return self.transport.tick(now)

    def at(self, now: Nanos) -> None:
        """Take the present moment, by which notices are dated."""
        self.notices.now = now

    def state(self, now: Nanos) -> Literal["stopped", "listening", "count-in", "playing"]:
        """Return the transport's state, "listening" where it is to start with the performer."""
        return "listening" if self.listening.waits else self.transport.state(now)

    def sent_to(self, now: Nanos) -> Tick:
        """Return the tick up to which messages have left: ahead of the present by latency and lookahead.

        It never goes back while the transport runs, also where a slower tempo makes the latency fewer ticks.
        """
        tick = self.transport.tick(Nanos(now + self._ahead_nanos + self.lookahead_nanos))
        if not self.transport.running:
            return tick
        self._sent_tick = tick if self._sent_tick is None else max(tick, self._sent_tick)
        return self._sent_tick

    def advance(self, now: Nanos) -> Nanos | None:
        """Do everything that is due, and return when to come back (None: when something arrives)."""
        self.at(now)
        looks = self.leader.advance(now) if self.leader is not None else None
        self._listen(now)
        due = self.listening.due
        looks = min((moment for moment in (looks, due) if moment is not None), default=None)
        if not self.transport.running:
            return looks
        tick = self.sent_to(now)
        present = self.transport.tick(Nanos(now - self.performer.lag_nanos))
        coming_clock = self.clock_out.next_tick
        if coming_clock is not None and now - self._moment(coming_clock) > STANDSTILL_NANOS:
            self.scheduler.drop_transport()
            self._resume_clock(tick, now)
        beat = self.transport.tick(Nanos(now + self._ahead_nanos))
        self._tell_beat(beat)
        self._send_due(tick, now)
        if self.scenery is not None:
            self.scenery.advance(tick, now)
        if self._ramp is not None and not self._ramp.advance(tick, now):
            self._ramp = None
            self.record_knob("tempo", self.knobs["tempo"], "ramp", now)
        self.dialogue.advance(tick, present=present)
        self.band.advance(tick, present=present)
        self._send_due(tick, now)
        queued = (self.scheduler.next_tick(), self.clock_out.next_tick)
        coming = [self.dialogue.next_tick(tick, present=present), self.band.next_tick(tick)]
        coming += [due for due in queued if due is not None]
        scenery = self.scenery.next_tick(tick) if self.scenery is not None else None
        if scenery is not None:
            coming.append(scenery)
        if self._ramp is not None:
            coming.append(self._ramp.next_tick())
        wake = Nanos(self._moment(Tick(max(min(coming), tick + 1))) - self.lookahead_nanos)
        wake = min(wake, self._moment(self.plan.lines.next_beat(beat)))
        return wake if looks is None else min(wake, looks)

    def _moment(self, tick: Tick) -> Nanos:
        """Return when the messages of a tick must leave."""
        return Nanos(self.transport.timeline.nanos(tick) - self._ahead_nanos)

    def _send_due(self, tick: Tick, now: Nanos) -> None:
        bound = round(self.config.midi.late_bound_ms * 1e6)
        left: list[tuple[QueuedNote, Tick, int]] = []
        for event, note in self.scheduler.due(tick, too_late=lambda due: now - self._moment(due) > bound):
            self._send_clock(event.tick)
            if not event.data:
                self.dropped_notes += 1
                continue
            voice = Stream.CLOCK if event.rank is Rank.TRANSPORT else Stream.INSTRUMENT
            if event.tick < 0 and voice is Stream.INSTRUMENT:  # before bar 0 there is the count-in alone
                voice = Stream.CLICK
            sent, due = self._send_planned(event.data, event.tick, voice)
            if note is not None:
                left.append((note, event.tick, sent - due))
        self._send_clock(tick)
        for note, when, late in left:  # a chord's next note does not wait for this
            self._note_sent(note, when, late)

    def _send_clock(self, tick: Tick) -> None:
        for clock_tick in self.clock_out.due(tick):
            self._send_planned(CLOCK_BYTE, clock_tick, Stream.CLOCK)

    def _send_planned(self, data: bytes, tick: Tick, voice: Stream) -> tuple[Nanos, Nanos]:
        """Send a message of a tick; returns when it leaves and when it is due.

        After a change of tempo none is due before those that have left already: their order is their ticks'.
        """
        self._last_due = due = max(self._last_due, self._moment(tick))
        return self.output.send(data, tick=tick, due=due, voice=voice, planned=True), due

    def _note_sent(self, note: QueuedNote, tick: Tick, late_nanos: int) -> None:
        self.lateness.add(late_nanos)
        length = max(1, round((note.end - note.tick) / self.plan.grid.ticks_per_step))
        self.plan.sent(
            note.step,
            Note(0, note.pitch, note.velocity, length, note.offset, note.track, note.displacement),
        )
        self.sounded.append((tick, note.end, note.pitch, note.velocity, note.track))
        self.output.publish("note", note.pitch, note.velocity)

    def _tell_beat(self, tick: Tick) -> None:
        lines = self.plan.lines
        beat = lines.beat_of(tick)
        if beat == self._beat or tick < lines.start:
            return
        self._beat = bar, within = beat
        if within == 0 and lines.grid != self._told_grid:
            self._told_grid = lines.grid
            self.output.publish("metre", name_of(lines.grid))
        self.output.publish("beat", within + 1)
        if within == 0:
            self.output.publish("bar", bar + 1)

    # -- transport -------------------------------------------------------------------------------

    def start(self, now: Nanos) -> None:
        """Start at bar 0 in a moment, in mode listen with the performer; if it runs, it starts anew."""
        if (
            self.history.state.mode == "listen"
            and self.leader is None
            and self.plan.grid.ticks_per_bar % TICKS_PER_BEAT
        ):
            name = name_of(self.plan.grid)
            self.notices.add("warning", f"listen finds metres of whole quarters; {name} begins with a click")
        elif self.history.state.mode == "listen" and self.leader is None:
            if self.transport.running:
                self.stop(now)
            self.listening.wait(self.quarters_per_bar)
            self.notices.add("info", "listening: play, and it comes in when it has your tempo and bar line")
            return
        self._begin_anew(now)
        lead_in = self.config.jam.count_in_bars * self.plan.grid.ticks_per_bar
        self.transport.start(Nanos(now + START_AHEAD_NANOS + self.lookahead_nanos), count_in_ticks=lead_in)
        self.clock_out.start()
        if lead_in:
            self._count_in(Tick(-lead_in))
        elif self.clock_out.wanted:
            self.output.send(START_BYTE, tick=Tick(0), due=now, voice=Stream.CLOCK)
        self.output.tempo(Tick(0), self.transport.tempo_bpm)
        self.output.metre(Tick(0), self.plan.grid)

    def begin(self, timeline: Timeline, now: Nanos) -> None:
        """Run on a leader's timeline from its origin on: bar 0, or wherever the leader goes on."""
        self._begin_anew(now)
        self.transport.resume(timeline)
        if timeline.origin_tick:
            model = self.requests.model
            self.dialogue.resume(model.ident if model is not None else "", self.sent_to(now))
            self._resume_clock(self.sent_to(now), now)
        else:
            self.clock_out.start()
            if self.clock_out.wanted:
                self.output.send(START_BYTE, tick=Tick(0), due=now, voice=Stream.CLOCK)
        self.output.tempo(timeline.origin_tick, timeline.tempo_bpm)

    def _begin_anew(self, now: Nanos) -> None:
        """Forget what was played, and leave what sounds."""
        if self.transport.running:
            self.stop(now)
        self.dialogue.restart()
        self.band.restart()
        self.sounded.clear()
        self._beat, self._sent_tick, self._last_due = (-1, 0), None, Nanos(0)
        self._runs += 1

    @property
    def quarters_per_bar(self) -> int:
        """Whole quarters in a bar of the metre."""
        return self.plan.grid.ticks_per_bar // TICKS_PER_BEAT

    def _listen(self, now: Nanos) -> None:
        """Start when the performer's beat is found, and follow it."""
        listening = self.listening
        if self.leader is not None:
            return
        if self.history.state.mode != "listen":
            if listening.active:
                self._listen_no_more(now)
            return
        timeline = listening.advance(now, self.quarters_per_bar)
        if timeline is None:
            return
        if self.transport.running:
            self.transport.follow(timeline, now)
        else:
            self._begin_anew(now)
            self.transport.resume(timeline)
            listening.hand_over()
            self._resume_clock(self.sent_to(now), now)
            self.notices.add("info", f"found: {timeline.tempo_bpm:.0f} bpm, it follows you")
        self.knobs["tempo"] = KNOBS["tempo"].clip(self.transport.tempo_bpm)
        self.output.tempo(self.tick(now), self.transport.timeline.tempo_bpm)

    def _listen_no_more(self, now: Nanos) -> None:
        """Go on in another mode: at the tempo that was found, or from bar 0 if none was."""
        waited = self.listening.waits
        self.listening.end()
        if waited:
            self.start(now)
        elif self.transport.running:
            self.set_tempo(self.transport.tempo_bpm, now)

    def resume(self, timeline: Timeline | None, now: Nanos, *, model: str, model_ident: str) -> None:
        """Go on where another engine was, with a plan to be made; without a timeline it stands still.

        Args:
            timeline: that the transport had.
            now: the present moment.
            model: that was wanted.
            model_ident: of the weights that the state's places belong to.

        """
        self.wanted_model, self._good_model = model, ""
        self.shown_model = model or self.config.jam.model
        self._runs += 1
        self._take_laying()
        if timeline is not None:
            self.transport.resume(timeline)
            self.output.metre(self.plan.lines.start, self.plan.grid)
            self.output.tempo(self.tick(now), timeline.tempo_bpm)
            self._resume_clock(self.sent_to(now), now)
        self.dialogue.resume(model_ident, self.sent_to(now))
        self.gestures.prepare_morph()
        self.send_levels(now, every_part=True)

    def _resume_clock(self, tick: Tick, now: Nanos) -> None:
        """Let whoever follows our clock find its place again."""
        if tick < 0:  # all is still to come
            self.clock_out.start()
            self._count_in(tick)
            return
        at_once, again, data = self.clock_out.resume(tick)
        self._send_all(at_once, now, stream=Stream.CLOCK)
        if data:
            self.scheduler.message(again, data)

    def _count_in(self, since: Tick) -> None:
        """Click from a tick on, and let followers start on the one."""
        bars, channel = self.config.jam.count_in_bars, self.config.midi.click_on
        for tick, data in count_in(self.plan.grid, bars, channel=channel, since=since):
            self.scheduler.message(tick, data)
        if self.clock_out.wanted:
            begin = self.transport.timeline.nanos(Tick(0)) - START_AHEAD_NANOS
            self.scheduler.message(self.transport.timeline.tick(Nanos(begin)), START_BYTE)

    def stop(self, now: Nanos) -> None:
        """Stop, with every note of the instrument ended; the performer's keys go on sounding."""
        self.listening.end()
        if not self.transport.running:
            return
        self._send_all(self.scheduler.silence(), now)
        self.transport.stop(now)
        self._sent_tick = None
        self.plan.clear()
        self._send_all(self.clock_out.stop(self.tick(now)), now, stream=Stream.CLOCK)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo, which is always the performer's to say where nobody leads."""
        self.transport.set_tempo(tempo_bpm, now)
        self.listening.expect(tempo_bpm)
        if self.transport.running:  # a start tells it anyway
            self.output.tempo(self.tick(now), tempo_bpm)
        return True

    def begin_ramp(self, tempo_bpm: float, bars: int, now: Nanos) -> None:
        """Go to another tempo over some bars; while the transport stands still, at once."""
        if self.transport.running:
            ticks = bars * self.plan.grid.ticks_per_bar
            self._ramp = TempoRamp(self, tempo_bpm, ticks, now)
            self.notices.add("info", f"tempo {tempo_bpm:g} over {bars} bar{'s' * (bars > 1)}")
        elif self.ramp_tempo(tempo_bpm, now):
            self.record_knob("tempo", tempo_bpm, "ramp", now)

    def ramp_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Take a step of a ramp; False where the tempo is not the performer's to say."""
        if not (self.leader or self).set_tempo(tempo_bpm, now):
            return False
        self.knobs["tempo"] = KNOBS["tempo"].clip(tempo_bpm)
        return True

    def set_metre(self, metre: str, now: Nanos) -> None:
        """Play in another metre from the next bar line on, or from the next start; raises UsageError."""
        lines = self.dialogue.set_metre(metre, self.sent_to(now))
        name = name_of(lines.grid)
        self.mark(f"metre {name}", now)
        if not self.transport.running:
            self.dialogue.restart()
        if self.dialogue.coming is not None:
            self.notices.add("info", f"{name} from bar {lines.bar + 1} on")
        else:
            self.notices.add("info", f"metre {name}")

    def panic(self, now: Nanos) -> None:
        """Silence everything at once; the instrument comes in again on the next phrase's one."""
        self._send_all(self.scheduler.silence(keep_transport=True), now)
        self.all_sound_off(now)
        self.performer.forget(self.tick(now))
        if self.listening.waits:
            self.listening.wait(self.quarters_per_bar)
        if self.transport.running:
            self.dialogue.rest(self.sent_to(now))
        self.send_levels(now)
        self.mark("panic", now)
        self.notices.add("warning", "panic: everything is silent; it comes in again on the next phrase")

    def shutdown(self, now: Nanos, *, for_good: bool = True) -> None:
        """End every note, the performer's too, and stop, unless another engine goes on with it."""
        if for_good:
            self.stop(now)
        else:
            self._send_all(self.scheduler.silence(), now)
        self.performer.release(now)
        self.all_sound_off(now)

    def all_sound_off(self, now: Nanos) -> None:
        """Send what ends every sound on every channel, whoever began it."""
        self._send_all(silence(), now)

    def _send_all(self, messages: list[bytes], now: Nanos, *, stream: Stream = Stream.INSTRUMENT) -> None:
        tick = max(self.tick(now), self._sent_tick or self.tick(now))  # what ends a note comes after it
        for data in messages:
            self.output.send(data, tick=tick, due=now, voice=stream)

    # -- knobs -----------------------------------------------------------------------------------

    def record_knob(self, name: str, value: float, source: str, now: Nanos) -> None:
        """Log, record and publish that a knob has moved."""
        self.output.log("knob", nanos=now, name=name, value=value, source=source)
        self.output.knob(self.tick(now), name, value)
        self.output.publish(f"knob/{name}", value)

    def mark(self, text: str, now: Nanos) -> None:
        """Record a gesture in the take."""
        self.output.marker(self.tick(now), text)

    def _take_laying(self) -> None:
        channels = channels_of(self.config.midi)
        self.plan.laying = Laying(
            swing=self.knobs["swing"], gate=self.knobs["gate"], feel=self.knobs["feel"], channels=channels
        )

    def laying_changed(self, now: Nanos) -> None:
        """Lay the plan again with another swing or gate."""
        self._take_laying()
        if self.transport.running:
            tick = self.sent_to(now)
            self.plan.lay_all(self.plan.next_step(tick), not_before=tick)

    def mute(self, muted: frozenset[int], now: Nanos) -> None:
        """Leave these of the model's parts out from now on, and no others."""
        changed = self.plan.muted ^ muted
        tick = self.sent_to(now) if self.transport.running else Tick(0)
        self.plan.mute(muted, self.plan.next_step(tick), now=tick)
        for track in sorted(changed):
            self.mark(f"{'mute' if track in muted else 'unmute'} {TRACKS[track]}", now)

    def solo(self, track: int, now: Nanos) -> None:
        """Leave out every part but one; where that is so already, those that were left out before."""
        others = frozenset(range(len(TRACKS))) - {track}
        if self.plan.muted == others:
            self.mute(self._before_solo, now)
            return
        if len(self.plan.muted) < len(TRACKS) - 1:
            self._before_solo = self.plan.muted
        self.mute(others, now)

    def send_levels(self, now: Nanos, *, every_part: bool = False) -> None:
        """Send the level of every part that plays, or also of those that only another model plays.

        Until the knob was turned, it is a matter of setting up: some outputs keep the levels they have.
        """
        tracks = range(len(TRACKS)) if every_part else self.plan.tracks
        self._volume_turned |= any(
            value != KNOBS[name].rest for name, value in self.knobs.items() if name.startswith("volume")
        )
        stream = Stream.INSTRUMENT if self._volume_turned else Stream.SETUP
        self._send_all(self._levels.messages(tracks, self._level), now, stream=stream)

    def level_messages(self) -> list[bytes]:
        """Return what tells a synth that joins late every part's level."""
        return self._levels.present()

    def _level(self, track: int) -> float:
        """Return how loud a part is to be, 0..1."""
        own = self.knobs[f"volume.{TRACKS[track]}"] if len(self.plan.tracks) > 1 else 1.0
        return self.knobs["volume"] * own

    def set_condition(self, name: str, text: str, now: Nanos) -> None:
        """Hold answers to a condition; raises UsageError."""
        self.requests.condition(name, text)
        self.plan.mark_stale(self.sent_to(now))
        self.mark(f"{name} {text}", now)
        self.notices.add("info", f"{name}: {text}")
        if name in ("key", "chords"):
            for sentence in self.requests.contradictions():
                self.notices.add("info", sentence)

    def lock_key(self, now: Nanos) -> None:
        """Hold answers to the key that is played in, or let it follow again; raises UsageError."""
        if self.requests.key != AUTO:
            self.set_condition("key", AUTO, now)
        elif self.dialogue.key:
            self.set_condition("key", self.dialogue.key, now)
        else:
            raise UsageError("there is no key to lock: what was played last is in none")

    # -- the model -------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The name of the model that is wanted."""
        return self.wanted_model or self.config.jam.model

    @property
    def model_without_latent(self) -> str:
        """The name of the model that plays, if it has no latent; else nothing."""
        model = self.requests.model
        return model.model if model is not None and not model.latent_size else ""

    def load_model(self, name: str) -> None:
        """Play another model; the present one plays on until it is ready."""
        self.shown_model, self.model_state = name, "loading"
        self.wanted_model = name
        settings = self.config.model
        if not self.output.ask(Load(name, self.dialogue.metre, settings.split, settings.device)):
            self.notices.add("warning", f"model {name} will be loaded when the model process is back")

    def give_up_model(self, instead: str) -> None:
        """Want another model in place of one that hangs."""
        self.wanted_model = self._good_model = self.shown_model = instead

    def from_worker(self, answer: Answer, now: Nanos) -> None:
        """Take an answer of the model process."""
        tick = self.sent_to(now)
        match answer:
            case Encoded():
                if answer.fault:
                    self.notices.add("error", answer.fault)
                search = self.dialogue.encoded(answer, tick)
                if search is not None and search.reason is Reason.ANCHOR:
                    self.gestures.prepare_morph()
                if search is not None and search.reason is Reason.PLAYED:
                    self.performer.learn_lag(answer.lag_ticks * search.tick_nanos)
            case Decoded():
                self.dialogue.decoded(answer, tick)
            case Rewritten():
                self.dialogue.rewritten(tick)
            case Warped():
                self.gestures.warped(answer)
            case Failed(ident, text):
                self.notices.add("error", text)
                self.dialogue.failed(ident, tick)
            case Ready():
                self._model_ready(answer, tick, now)
            case LoadFailed(text):
                self._load_failed(text)
                self.dialogue.expect_no_more(tick)
                self.dialogue.ask_next(tick)

    def _load_failed(self, text: str) -> None:
        """Go on with the model that plays, if there is one; a wrong name is not asked for again."""
        playing = self.requests.model
        self.model_state, self.model_detail = ("ready" if playing else "none"), text
        self.wanted_model = self._good_model
        self.shown_model = playing.model if playing else self.config.jam.model
        self.notices.add("error", text)

    def _model_ready(self, ready: Ready, tick: Tick, now: Nanos) -> None:
        before = self.requests.model
        new = before is None or before.ident != ready.ident
        self.model_state, self.model_detail = "ready", ready.runtime
        self.shown_model, self._good_model = ready.model, self.wanted_model
        if before is not None and new:
            self.history.forget()
        self.dialogue.set_model(ready, tick)
        if self.dialogue.coming is not None and not self.transport.running:
            self.dialogue.restart()
        self.gestures.prepare_morph()
        self._send_all(self._levels.messages(self.plan.tracks, self._level, all_over=False), now)
        for sentence in self.requests.remarks() if new else ():
            self.notices.add("info", sentence)

    def worker_lost(self) -> None:
        """Play on without the model process."""
        self.model_state = "lost"
        self.dialogue.lose_model()
