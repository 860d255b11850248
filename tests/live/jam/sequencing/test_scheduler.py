"""The scheduler as a machine that anything may be done to: what is struck is always ended."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from live.jam.sequencing.scheduler import QueuedNote, Scheduler
from live.timing.midi_bytes import (
    Event,
    Rank,
    control,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
    program,
    rank_of,
)
from live.timing.timeline import Tick

AHEAD = st.integers(0, 400)
CHANNELS = st.sampled_from([1, 2])
PITCHES = st.sampled_from([60, 61, 62])  # few, so that they collide
STEPS = st.integers(0, 12)
MESSAGES = st.sampled_from([control(2, 7, 100), program(2, 5), b"\xfa", control(2, 64, 0)])


def never(_tick: Tick) -> bool:
    return False


class Evening(RuleBasedStateMachine):
    """Keeps beside the scheduler what a listener hears, and the notes that were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.scheduler = Scheduler()
        self.now = Tick(0)
        self.down: dict[tuple[int, int], QueuedNote] = {}
        self.struck: set[int] = set()
        self.dropped: set[int] = set()
        self.last = Tick(-1000)
        self.latest_off = 0

    @initialize(tick=st.integers(-2000, 2000))
    def begin(self, tick: int) -> None:
        self.now = self.last = Tick(tick)
        self.latest_off = tick

    # -- what may be done ------------------------------------------------------------------------

    @rule(ahead=AHEAD, length=st.integers(-5, 300), step=STEPS, channel=CHANNELS, pitch=PITCHES)
    def queue_a_note(self, ahead: int, length: int, step: int, channel: int, pitch: int) -> None:
        tick = Tick(self.now + ahead)
        self.scheduler.note(tick, Tick(tick + length), step=step, channel=channel, pitch=pitch, velocity=80)
        self.latest_off = max(self.latest_off, tick + max(length, 1))

    @rule(ahead=AHEAD, data=MESSAGES)
    def queue_a_message(self, ahead: int, data: bytes) -> None:
        self.scheduler.message(Tick(self.now + ahead), data)

    @rule(first=STEPS, count=st.integers(0, 6))
    def replace_some(self, first: int, count: int) -> None:
        before = self.scheduler.queued()
        gone = self.scheduler.drop_notes(first, first + count)
        staying = self.scheduler.queued()
        assert staying == tuple(note for note in before if not first <= note.step < first + count)
        assert gone == len(before) - len(staying)

    @rule()
    def replace_all(self) -> None:
        self.scheduler.drop_all_notes()
        assert self.scheduler.queued() == ()

    @rule(pitch=PITCHES, ahead=AHEAD)
    def end_a_pitch_sooner(self, pitch: int, ahead: int) -> None:
        ends = self.scheduler.sounding()
        sooner = Tick(self.now + ahead)
        self.scheduler.shorten(lambda _, key: sooner if key == pitch else None)
        for place, (end, _) in self.scheduler.sounding().items():
            before = ends[place][0]
            assert end == (min(before, sooner) if place[1] == pitch else before)

    @rule(ahead=AHEAD, late=st.booleans())
    def let_it_play(self, ahead: int, late: bool) -> None:
        self.now = Tick(self.now + ahead)
        self.hear(too_late=lambda tick: late and tick < self.now)

    @rule()
    def silence(self) -> None:
        self.end_all(self.scheduler.silence())
        assert self.scheduler.next_tick() is None

    @precondition(lambda self: self.down)
    @rule()
    def stop_in_the_middle(self) -> None:
        """A listener that breaks off after one message loses none of the offs."""
        end = max(end for end, _ in self.scheduler.sounding().values())
        for event, note in self.scheduler.due(Tick(end), too_late=never):
            self.take(event, note, late=False)
            self.now = Tick(max(self.now, event.tick))
            break

    # -- what is heard ---------------------------------------------------------------------------

    def hear(self, *, too_late: Callable[[Tick], bool]) -> None:
        previous: Event | None = None
        for event, note in self.scheduler.due(self.now, too_late=too_late):
            if previous is not None:
                assert (previous.tick, previous.rank) <= (event.tick, event.rank)
            assert event.tick <= self.now
            previous = event
            self.take(event, note, late=too_late(event.tick))
        upcoming = self.scheduler.next_tick()
        assert upcoming is None or upcoming > self.now

    def take(self, event: Event, note: QueuedNote | None, *, late: bool) -> None:
        if event.data == b"":
            assert event.rank == Rank.NOTE_ON
            assert note is not None
            assert late
            assert note.sequence not in self.struck
            self.dropped.add(note.sequence)
            return
        assert event.rank == rank_of(event.data)
        place = (event.data[0] & 0x0F) + 1, event.data[1] if len(event.data) > 1 else 0
        if is_note_on(event.data):
            assert note is not None
            assert not late
            assert event.data == note_on(note.channel, note.pitch, note.velocity)
            assert note.sequence not in self.struck | self.dropped
            assert place not in self.down  # it was ended before it is struck again
            self.struck.add(note.sequence)
            self.down[place] = note
        elif is_note_off(event.data):
            assert event.tick <= self.down.pop(place).end

    def end_all(self, offs: list[bytes]) -> None:
        assert sorted(offs) == sorted(note_off(*place) for place in self.down)
        self.down.clear()

    # -- what always holds -----------------------------------------------------------------------

    @invariant()
    def it_knows_what_sounds(self) -> None:
        assert self.scheduler.sounding().keys() == self.down.keys()

    @invariant()
    def it_wakes_for_the_next_off(self) -> None:
        wake = self.scheduler.next_tick()
        for end, _ in self.scheduler.sounding().values():
            assert wake is not None
            assert wake <= end

    def teardown(self) -> None:
        self.now = Tick(max(self.now, self.latest_off) + 1)
        self.hear(too_late=lambda _: True)  # an off is never too late
        assert self.down == {}


Evening.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEvening = Evening.TestCase


def heard(scheduler: Scheduler, now: int) -> list[bytes]:
    return [event.data for event, _ in scheduler.due(Tick(now), too_late=never)]


def test_on_one_tick_offs_leave_before_controls_programs_and_ons() -> None:
    scheduler = Scheduler()
    scheduler.note(Tick(0), Tick(10), step=0, channel=2, pitch=60, velocity=90)
    scheduler.note(Tick(10), Tick(20), step=1, channel=2, pitch=62, velocity=90)
    scheduler.message(Tick(10), program(2, 5))
    scheduler.message(Tick(10), control(2, 7, 100))
    scheduler.message(Tick(10), b"\xfa")
    assert heard(scheduler, 0) == [note_on(2, 60, 90)]
    assert heard(scheduler, 10) == [
        b"\xfa",
        note_off(2, 60),
        control(2, 7, 100),
        program(2, 5),
        note_on(2, 62, 90),
    ]


def test_a_key_that_sounds_is_ended_before_it_is_struck_again() -> None:
    scheduler = Scheduler()
    scheduler.note(Tick(0), Tick(100), step=0, channel=2, pitch=60, velocity=90)
    scheduler.note(Tick(50), Tick(70), step=1, channel=2, pitch=60, velocity=91)
    assert heard(scheduler, 200) == [note_on(2, 60, 90), note_off(2, 60), note_on(2, 60, 91), note_off(2, 60)]


def test_of_two_strikes_of_a_key_on_one_tick_the_later_stands() -> None:
    scheduler = Scheduler()
    for velocity in (90, 91):
        scheduler.note(Tick(0), Tick(100), step=0, channel=2, pitch=60, velocity=velocity)
    assert heard(scheduler, 200) == [note_on(2, 60, 91), note_off(2, 60)]


def test_a_note_without_length_sounds_for_a_tick() -> None:
    scheduler = Scheduler()
    scheduler.note(Tick(5), Tick(5), step=0, channel=2, pitch=60, velocity=90)
    events = [event for event, _ in scheduler.due(Tick(9), too_late=never)]
    assert [event.tick for event in events] == [5, 6]
