"""What a master's messages mean: starts, stops, positions, and clocks that come when nothing plays."""

import pytest

from live.timing.midi_bytes import CLOCK, CONTINUE, SONG_POSITION, START, STOP
from live.timing.midi_clock.clock_in import LOST_NANOS, ClockIn, Move
from live.timing.timeline import Nanos, Timeline
from tests.fakes import masters
from tests.fakes.followed import followed

MS = 1_000_000
CLOCK_120 = 20_833_333


def position(sixteenths: int) -> bytes:
    return bytes((SONG_POSITION, sixteenths & 0x7F, sixteenths >> 7))


class Master:
    """Sends to a ClockIn, one message after another."""

    def __init__(self, tempo_bpm: float = 120.0) -> None:
        self.clock_in = ClockIn(tempo_bpm)
        self.nanos = 10**9

    def clocks(self, count: int, gap: int = CLOCK_120) -> list[Move | None]:
        moves = []
        for _ in range(count):
            self.nanos += gap
            moves.append(self.clock_in.feed(bytes((CLOCK,)), Nanos(self.nanos)))
        return moves

    def moves(self) -> tuple[str, Timeline]:
        """Send one clock, which moves the jam; returns how, and to which timeline."""
        (move,) = self.clocks(1)
        assert move is not None
        assert move.timeline is not None
        return move.kind, move.timeline

    def say(self, *statuses: int) -> Move | None:
        return [self.clock_in.feed(bytes((status,)), Nanos(self.nanos + MS)) for status in statuses][-1]

    def tick(self) -> int:
        return self.clock_in.timeline.tick(Nanos(self.nanos + MS))


@pytest.fixture
def master() -> Master:
    return Master()


def test_the_first_clock_after_start_is_beat_zero(master: Master) -> None:
    assert master.say(START) is None
    move, *rest = master.clocks(25)
    assert move is not None
    assert move.kind == "begin"
    assert move.timeline is not None
    assert (move.timeline.origin_tick, move.timeline.origin_nanos) == (0, 10**9 + CLOCK_120)
    assert {later.kind for later in rest if later is not None} == {"follow"}
    assert len([later for later in rest if later is not None]) == 24
    assert master.tick() == pytest.approx(480, abs=2)


def test_clocks_before_a_start_tell_the_tempo_and_nothing_else() -> None:
    master = Master(97.0)
    assert master.clocks(50) == [None] * 50
    assert master.clock_in.tempo_bpm == pytest.approx(120, rel=1e-4)
    assert not master.clock_in.placed
    master.say(START)
    _, timeline = master.moves()
    assert timeline.tempo_bpm == pytest.approx(120, rel=1e-4)


def test_a_stop_stops_and_a_continue_goes_on_with_the_next_clock(master: Master) -> None:
    master.say(START)
    master.clocks(24 * 3 + 1)  # the last of them is beat 3
    assert master.say(STOP) == Move("stop")
    assert master.clocks(40) == [None] * 40  # a clock that runs while stopped
    master.say(CONTINUE)
    kind, timeline = master.moves()
    assert (kind, timeline.origin_tick) == ("begin", 3 * 480 + 20)


def test_a_second_stop_forgets_no_position(master: Master) -> None:
    master.say(START)
    master.clocks(49)
    master.say(STOP, STOP, CONTINUE)
    _, timeline = master.moves()
    assert timeline.origin_tick == 49 * 20


def test_song_position_is_where_a_continue_goes_on(master: Master) -> None:
    master.say(START)
    master.clocks(30)
    master.say(STOP)
    master.clock_in.feed(position(200), Nanos(master.nanos))
    master.say(CONTINUE)
    _, timeline = master.moves()
    assert timeline.origin_tick == 200 * 120


def test_a_start_ignores_the_position_before_it(master: Master) -> None:
    master.clock_in.feed(position(200), Nanos(master.nanos))
    master.say(START)
    _, timeline = master.moves()
    assert timeline.origin_tick == 0


def test_a_master_that_plays_may_say_where_it_is_and_where_it_jumps(master: Master) -> None:
    master.say(START)
    master.clocks(48)  # the next clock is beat 2
    master.clock_in.feed(position(8), Nanos(master.nanos))
    assert master.moves()[0] == "follow"
    master.clock_in.feed(position(64), Nanos(master.nanos))
    kind, timeline = master.moves()
    assert (kind, timeline.origin_tick) == ("begin", 64 * 120)


def test_clocks_that_begin_with_the_start_lie_anywhere(master: Master) -> None:
    master.clocks(100)
    master.nanos += 100 * MS  # no loss yet, but no clock's time either
    master.nanos += 7 * MS
    master.say(START)
    begun = master.nanos + CLOCK_120
    _, timeline = master.moves()
    assert timeline.origin_nanos == begun
    assert timeline.tempo_bpm == pytest.approx(120, rel=1e-3)


def test_a_clock_that_is_back_has_lost_its_place_and_not_its_tempo(master: Master) -> None:
    master.say(START)
    master.clocks(96)
    clock_in = master.clock_in
    assert clock_in.goes_silent == master.nanos + LOST_NANOS
    assert not clock_in.lost(Nanos(master.nanos + LOST_NANOS - 1))
    assert clock_in.lost(Nanos(master.nanos + LOST_NANOS))
    line = clock_in.timeline
    master.nanos += 3 * 10**9
    assert master.clocks(10) == [None] * 10
    assert clock_in.tempo_bpm == pytest.approx(120, rel=1e-3)
    again = clock_in.place(line)
    assert again.origin_tick % 20 == 0
    assert again.origin_tick == pytest.approx(line.tick(Nanos(master.nanos)), abs=10)
    assert master.moves()[0] == "follow"


def test_a_join_begins_with_the_next_clock(master: Master) -> None:
    master.clocks(30)
    master.clock_in.join()
    kind, timeline = master.moves()
    assert (kind, timeline.origin_tick) == ("begin", 0)


def test_a_song_position_that_is_cut_short_means_nothing(master: Master) -> None:
    assert master.clock_in.feed(bytes((SONG_POSITION, 3)), Nanos(0)) is None
    assert master.say(0xFE) is None


@pytest.mark.parametrize("bpm", [30.0, 120.0, 300.0])
def test_a_start_without_a_clock_before_it_is_in_place_within_two_beats(bpm: float) -> None:
    moments = masters.sent(bpm, 12)
    found = followed(moments, moments, tempo_bpm=120.0)
    assert max(abs(one.late_ms) for one in found if one.beat >= 2.5) < 2.0
