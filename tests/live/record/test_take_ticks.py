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
