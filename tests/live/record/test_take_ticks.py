"""Where in a take a run of the transport begins; whole takes are in test_take.py."""

from live.record.take_ticks import TakeTicks


def test_a_metre_in_a_run_without_a_note_moves_nothing() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    place.tempo(0, 0, 120.0)
    assert place.metre(3840, 3_937_500_000, 1440) == 3840  # half a step ahead of it
    assert place.of(3840, 4_000_000_000) == 3840
    assert place.of(4320, 4_500_000_000) == 4320
    assert place.tempo(0, 4_500_000_000, 120.0) == 3840 + 1440  # a new start, on a bar line of this metre


def test_a_start_announced_ahead_of_its_first_tick_is_no_stopped_transport() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    beat_nanos = 500_000_000
    assert place.tempo(0, 0, 120.0) == 0
    first = place.of(0, 20_000_000 + 21_000_000)  # the first note, two ticks of host time late
    later = place.of(480, 20_000_000 + beat_nanos)
    assert (first, later) == (0, 480)


def test_a_transport_that_goes_on_in_bar_fifty_leaves_no_fifty_bars_of_silence() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    tick_nanos = 60_000_000_000 // 120 // 480
    place.tempo(0, 0, 120.0)
    assert place.of(3000, 3000 * tick_nanos) == 3000
    later = 10_000_000_000
    place.tempo(50 * 1920 + 480, later, 120.0)  # it has stopped, and goes on there
    assert place.of(50 * 1920 + 960, later + 480 * tick_nanos) % 1920 == 960
    assert place.of(50 * 1920 + 960, later + 480 * tick_nanos) <= later // tick_nanos + 3 * 1920


def test_a_transport_that_jumps_back_to_bar_two_goes_on_from_the_next_bar_line() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    tick_nanos = 60_000_000_000 // 120 // 480
    place.tempo(0, 0, 120.0)
    before = place.of(20_000, 20_000 * tick_nanos)
    place.tempo(2 * 1920, 20_100 * tick_nanos, 120.0)
    assert place.of(2 * 1920 + 100, 20_200 * tick_nanos) == -(-before // 1920) * 1920 + 100


def test_a_run_that_begins_in_its_second_bar_leaves_no_empty_bar_behind_what_was_played_before() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    assert place.of(0, 0) == 0
    assert place.of(0, 3_000_000_000) == 2880
    assert place.tempo(3000, 3_100_000_000, 100.0) == 2 * 1920 + 3000 - 1920
    assert place.of(3100, 3_225_000_000) == 2 * 1920 + 3100 - 1920
