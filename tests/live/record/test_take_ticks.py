"""Where in a take a run of the transport begins; whole takes are in test_take.py."""

from live.record.take_ticks import TakeTicks


def test_a_start_announced_ahead_of_its_first_tick_is_no_stopped_transport() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    beat_nanos = 500_000_000
    assert place.tempo(0, 0, 120.0) == 0
    first = place.of(0, 20_000_000 + 21_000_000)  # the first note, two ticks of host time late
    later = place.of(480, 20_000_000 + beat_nanos)
    assert (first, later) == (0, 480)


def test_a_run_that_begins_in_its_second_bar_leaves_no_empty_bar_behind_what_was_played_before() -> None:
    place = TakeTicks(tempo_bpm=120.0, ticks_per_bar=1920)
    assert place.of(0, 0) == 0
    assert place.of(0, 3_000_000_000) == 2880
    assert place.tempo(3000, 3_100_000_000, 100.0) == 2 * 1920 + 3000 - 1920
    assert place.of(3100, 3_225_000_000) == 2 * 1920 + 3100 - 1920
