"""The jam: the whole instrument as one state machine, fed with moments, bytes and messages.

It knows no process, port or thread, so the same take on a fake clock gives the same bytes.
Owns: the transport, the knobs' values and how the plan is laid; it makes the rest, of which each file of
this room says what it owns.  Threads: engine only.  Realtime: yes.
"""

from live.errors import UsageError
from live.ipc.messages import Answer, BeatFound, BeatReport, CannotListen
from live.ipc.snapshot import TransportState
from live.jam.asking.decoding import Decoding
from live.jam.asking.model_choice import ModelChoice
from live.jam.asking.requests import Requests
from live.jam.asking.searches import Searches
from live.jam.asking.stored_places import StoredPlaces
from live.jam.band.band import Band
from live.jam.dialogue import Dialogue
from live.jam.input.capture import Capture
from live.jam.input.first_note import FirstNote
from live.jam.input.listening import Listening
from live.jam.input.performer import Performer
from live.jam.input.thru import Thru
from live.jam.latent.gestures import Gestures
from live.jam.latent.path import PathHistory
from live.jam.lengths import Lengths
from live.jam.model_answers import ModelAnswers
from live.jam.notices import Notices
from live.jam.parts.mixer import Mixer
from live.jam.parts.parts import channels_of
from live.jam.protocols import Leader, Mappings, Output, Scenery
from live.jam.sequencing.beat_count import BeatCount
from live.jam.sequencing.cell import Laying
from live.jam.sequencing.periods import Periods
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.scheduler import Scheduler
from live.jam.sequencing.sender import START_AHEAD_NANOS, Sender
from live.jam.turn_taking import TurnTaking
from live.settings.knobs import ANSWERING, KNOBS, Mode
from live.settings.schema import AUTO, Config
from live.timing.midi_bytes import silence
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport

START, PANIC = "start", "panic"  # what notices are about


class Jam:
    """The instrument.

    Args:
        config: settings; its model and ports are others' business.

    Attributes:
        knobs: the knobs' values by name, each within its range.
        leader: whose beat it keeps; None for its own.
        vary_set: whether the performer, the settings or a scene have set the knob `vary`; else the mode does.
        scenery: what changes its state by itself; None for nothing.
        mappings: which one each controller has; None where there are no controllers.
    """

    def __init__(self, config: Config, output: Output) -> None:
        self.config, self.output = config, output
        self.leader: Leader | None = None
        self.scenery: Scenery | None = None
        self.mappings: Mappings | None = None
        self.knobs: dict[str, float] = {spec.name: spec.rest for spec in KNOBS.values()}
        wanted = config.jam.vary
        self.vary_set = not isinstance(wanted, str)
        vary = self.vary_at_rest(config.jam.mode) if isinstance(wanted, str) else wanted
        self.knobs |= {"tempo": config.jam.bpm, "temperature": config.jam.temperature, "vary": vary}
        self.notices = Notices(output)
        self._silent_until = Tick(0)  # after a panic
        self.transport = Transport(tempo_bpm=config.jam.bpm)
        self.scheduler = Scheduler()
        self.capture = Capture()
        self.listening = Listening(self.capture, self.transport, output)
        self.first_note = FirstNote(self._begin_on)
        self.performer = Performer(
            self.capture,
            self.transport,
            self.listening,
            self.first_note,
            thru=Thru(self.transport, output=output, notices=self.notices, config=config),
            output=output,
            notices=self.notices,
            lag_ms=config.midi.input_latency_ms,
        )
        self.history = PathHistory(config.jam.mode, config.jam.bars)
        self.requests = Requests(knobs=self.knobs, seed=config.jam.seed, choice=config.model)
        grid = self.requests.grid_in(config.jam.metre, config.jam.bars)
        period = self.requests.period_in(grid, config.jam.bars)
        self.plan = Plan(self.scheduler, grid=grid, period=period)
        self.sender = Sender(self.scheduler, self.plan, self.transport, output=output, config=config)
        self.mixer = Mixer(
            self.plan,
            self.sender,
            self.transport,
            knobs=self.knobs,
            channels=channels_of(config.midi),
            output=output,
        )
        self._beats = BeatCount(self.plan, output)
        self.turns = TurnTaking(self.plan, self.history, self.requests)
        searches = Searches(self.requests, output)
        periods = Periods(self.plan, self.history)
        self.places = StoredPlaces(
            self.plan, periods, self.history, self.requests, searches, notices=self.notices
        )
        self.decoding = Decoding(
            self.plan, self.requests, searches, self.history, output=output, notices=self.notices
        )
        self.dialogue = Dialogue(
            self.plan,
            self.capture,
            self.turns,
            self.requests,
            self.history,
            periods=periods,
            searches=searches,
            places=self.places,
            decoding=self.decoding,
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
            self.history,
            self.plan,
            self.requests,
            turns=self.turns,
            places=self.places,
            decoding=self.decoding,
            knobs=self.knobs,
            output=output,
        )
        self.model_choice = ModelChoice(config, output=output, notices=self.notices)
        self._answers = ModelAnswers(
            self.dialogue,
            self.decoding,
            self.gestures,
            self.places,
            requests=self.requests,
            history=self.history,
            transport=self.transport,
            model_choice=self.model_choice,
            performer=self.performer,
            mixer=self.mixer,
            notices=self.notices,
        )
        self.lengths = Lengths(
            self.dialogue, self.history, self.transport, self.sender, output=output, notices=self.notices
        )
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

    def state(self, now: Nanos) -> TransportState:
        """Return the transport's state: "listening" where it waits for a beat, "armed" for the first note."""
        if self.first_note.armed:
            return "armed"
        return "listening" if self.listening.waits else self.transport.state(now)

    def sent_to(self, now: Nanos) -> Tick:
        """Return the tick up to which messages have left; see `Sender.sent_to`."""
        return self.sender.sent_to(now)

    def advance(self, now: Nanos) -> Nanos | None:
        """Do everything that is due, and return when to come back (None: when something arrives)."""
        self.at(now)
        looks = self.leader.advance(now) if self.leader is not None else None
        self._listen(now)
        if not self.transport.running:
            return looks
        tick = self.sent_to(now)
        present = self.transport.tick(Nanos(now - self.performer.lag_nanos))
        self.sender.catch_up(tick, now)
        beat = self.transport.tick(Nanos(now + self.sender.latency_nanos))
        self._beats.advance(beat)
        self.sender.send_due(tick, now)
        if tick >= self._silent_until:
            self.notices.end(PANIC)
        if self.scenery is not None:
            self.scenery.advance(tick, now)
        self.dialogue.advance(tick, present=present)
        self.band.advance(tick, present=present)
        self.sender.send_due(tick, now)
        coming = [self.dialogue.next_tick(tick, present=present), self.band.next_tick(tick)]
        scenery = self.scenery.next_tick(tick) if self.scenery is not None else None
        coming += [due for due in (self.sender.next_tick(), scenery) if due is not None]
        wake = Nanos(self.sender.moment(Tick(max(min(coming), tick + 1))) - self.sender.lookahead_nanos)
        wake = min(wake, self.sender.moment(self.plan.lines.next_beat(beat)))
        return wake if looks is None else min(wake, looks)

    # -- transport -------------------------------------------------------------------------------

    def start(self, now: Nanos) -> None:
        """Start at bar 0 in a moment, in mode listen with the performer; if it runs, it starts anew."""
        self.first_note.armed = False
        if self.history.state.mode == "listen" and self.leader is None:
            if why := self.listening.unable(self.plan.grid):
                self.notices.add("warning", why)
            else:
                if self.transport.running:
                    self.stop(now)
                self.listening.wait(self.plan.grid)
                waits = "listening: play, and it comes in when it has your tempo and bar line"
                self.notices.add("info", waits, about=START)
                return
        self._begin_anew(now)
        lead_in = self.sender.lead_in
        ahead = START_AHEAD_NANOS + self.sender.lookahead_nanos
        self.transport.start(Nanos(now + ahead), count_in_ticks=lead_in)
        self.sender.start_clock(Tick(-lead_in), now)
        self.output.tempo(Tick(0), self.transport.tempo_bpm)
        self.output.metre(Tick(0), self.plan.grid)

    def arm(self, now: Nanos) -> None:
        """Start with the performer's next key, on the one; armed already, no more.  Raises UsageError."""
        if self.first_note.armed:
            self.first_note.armed = False
            self.notices.add("info", "not armed: Space starts it", about=START)
            return
        if self.leader is not None:
            raise UsageError(
                f"it cannot start on your first note: {self.leader.shown(now) or 'another'} leads"
            )
        if self.transport.running:
            raise UsageError("it plays already: stop it, then arm it to start on your first note")
        self.listening.end()
        self.first_note.armed = True
        self.notices.add("info", "armed: it starts with your first note", about=START)

    def _begin_on(self, moment: Nanos, now: Nanos) -> None:
        """Run from bar 0 on, which began at a moment just gone by, when the performer struck a key."""
        self.begin(Timeline(Tick(0), moment, self.transport.tempo_bpm), now)
        self.output.metre(Tick(0), self.plan.grid)

    def switch_metronome(self, now: Nanos, *, on: bool) -> None:
        """Let it click on every beat, or no more."""
        self.sender.metronome.switch(self.sent_to(now), on=on)
        self.mark(f"metronome {'on' if on else 'off'}", now)

    def begin(self, timeline: Timeline, now: Nanos) -> None:
        """Run on a leader's timeline from its origin on: bar 0, or wherever the leader goes on."""
        self._begin_anew(now)
        self.transport.resume(timeline)
        if timeline.origin_tick:
            model = self.requests.model
            self.dialogue.resume(model.ident if model is not None else "", self.sent_to(now))
            self.sender.resume_clock(self.sent_to(now), now)
        else:
            self.sender.start_clock(Tick(0), now)
        self.output.tempo(timeline.origin_tick, timeline.tempo_bpm)

    def _begin_anew(self, now: Nanos) -> None:
        """Forget what was played, and leave what sounds."""
        self._silent_until = Tick(0)
        self.notices.end(START)
        self.notices.end(PANIC)
        self.first_note.armed = False
        if self.transport.running:
            self.stop(now)
        self.dialogue.restart()
        self.band.restart()
        self.sender.restart()
        self._beats.restart()
        self._runs += 1

    def _listen(self, now: Nanos) -> None:
        """Have the performer's beat found, in the metre of the music, while the mode wants it."""
        listening = self.listening
        if self.leader is not None:
            return
        if self.history.state.mode != "listen":
            listening.fault = ""
            if listening.active:
                self._listen_no_more(now)
        elif listening.waits and listening.unable(self.plan.grid):
            self._listen_no_more(now)
        else:
            listening.look(self.plan.grid)

    def _take_beat(self, report: BeatReport, now: Nanos) -> None:
        """Start when the performer's beat is found, and follow it."""
        listening = self.listening
        if self.leader is not None or self.history.state.mode != "listen":
            return
        timeline = listening.take(report)
        if listening.fault and listening.active:
            self.notices.add("error", listening.unable(self.plan.grid))
        if timeline is None:
            return
        if self.transport.running:
            listening.follow(timeline, now)
        else:
            self._begin_anew(now)
            self.transport.resume(timeline)
            listening.hand_over()
            self.sender.resume_clock(self.sent_to(now), now)
            self.notices.add("info", f"found: {timeline.tempo_bpm:.0f} bpm, it follows you", about=START)
        self.knobs["tempo"] = KNOBS["tempo"].clip(listening.tempo_bpm(now))
        self.output.tempo(self.tick(now), self.transport.timeline.tempo_bpm)

    def _listen_no_more(self, now: Nanos) -> None:
        """Go on in another mode: at the tempo that was found, or from bar 0 if none was."""
        waited, tempo_bpm = self.listening.waits, self.listening.tempo_bpm(now)
        self.listening.end()
        if waited:
            self.start(now)
        elif self.transport.running:
            self.set_tempo(tempo_bpm, now)

    def resume(self, timeline: Timeline | None, now: Nanos, *, model: str, model_ident: str) -> None:
        """Go on where another engine was, with a plan to be made; without a timeline it stands still.

        Args:
            timeline: that the transport had.
            now: the present moment.
            model: that was wanted.
            model_ident: of the weights that the state's places belong to.
        """
        self.model_choice.resume(model)
        self._runs += 1
        self._take_laying()
        if timeline is not None:
            self.transport.resume(timeline)
            self.output.metre(self.plan.lines.start, self.plan.grid)
            self.output.tempo(self.tick(now), timeline.tempo_bpm)
            self.sender.resume_clock(self.sent_to(now), now)
        self.dialogue.resume(model_ident, self.sent_to(now))
        self.gestures.prepare_morph()
        self.mixer.send_levels(now, every_part=True)

    def stop(self, now: Nanos) -> None:
        """Stop, with every note of the instrument ended; the performer's keys go on sounding."""
        self.listening.end()
        self.first_note.armed = False
        self.notices.end(START)
        if not self.transport.running:
            return
        self.sender.silence(now)
        self.transport.stop(now)
        self.plan.clear()
        self.sender.stopped(now)

    def set_tempo(self, tempo_bpm: float, now: Nanos) -> bool:
        """Go on at another tempo, which is always the performer's to say where nobody leads."""
        self.transport.set_tempo(tempo_bpm, now)
        self.listening.expect(tempo_bpm)
        if self.transport.running:  # a start tells it anyway
            self.output.tempo(self.tick(now), tempo_bpm)
        return True

    def panic(self, now: Nanos) -> None:
        """Silence everything at once; the instrument comes in again on the next phrase's one."""
        self.sender.silence(now, keep_transport=True)
        self.all_sound_off(now)
        self.performer.forget(self.tick(now))
        if self.listening.waits:
            self.listening.wait(self.plan.grid)
        comes = ""
        if self.transport.running:
            self._silent_until = self.turns.rest(self.sent_to(now))
            self.sender.metronome.rest(self._silent_until)
            comes = "; it comes in again on the next phrase"
        self.mixer.send_levels(now)
        self.mark("panic", now)
        self.notices.add("warning", f"panic: everything is silent{comes}", about=PANIC)

    def shutdown(self, now: Nanos, *, for_good: bool = True) -> None:
        """End every note, the performer's too, and stop, unless another engine goes on with it."""
        if for_good:
            self.stop(now)
        else:
            self.sender.silence(now)
        self.performer.release(now)
        self.all_sound_off(now)

    def all_sound_off(self, now: Nanos) -> None:
        """Send what ends every sound on every channel, whoever began it."""
        self.sender.send_now(silence(), now)

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

    def set_condition(self, name: str, text: str, now: Nanos) -> None:
        """Hold answers to a condition; raises UsageError."""
        self.requests.condition(name, text)
        self.plan.mark_stale(self.sent_to(now))
        self.mark(f"{name} {text}", now)
        follows = text == AUTO and name in ("key", "chords")
        self.notices.add("info", f"{name}: {'as you play' if follows else text}")
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
            raise UsageError("there is no key to lock: what was played last is in no key")

    # -- the model -------------------------------------------------------------------------------

    @property
    def model_without_latent(self) -> str:
        """The name of the model that plays, if it has no latent; else nothing."""
        model = self.requests.model
        return model.model if model is not None and not model.latent_size else ""

    def from_worker(self, answer: Answer | BeatReport, now: Nanos) -> None:
        """Take an answer of the model process, or what it has heard."""
        if isinstance(answer, BeatFound | CannotListen):
            self._take_beat(answer, now)
        else:
            self._answers.take(answer, self.sent_to(now), now)

    def worker_came(self) -> None:
        """Tell a model process that calls what it is to hear."""
        self.listening.fault = ""
        self.listening.tell()

    def worker_lost(self) -> None:
        """Play on without the model process."""
        self._answers.lost()
