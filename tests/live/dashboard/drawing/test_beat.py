"""The beat in large digits, and its blocks."""

from hypothesis import given
from hypothesis import strategies as st

from live.dashboard.drawing import beat, rows
from tests.fakes.drawn import inks, texts
from tests.fakes.snapshots import BEAT

BAR = 4 * BEAT


def test_bars_and_beats_count_from_one_and_a_count_in_is_bar_zero() -> None:
    assert beat.pulse_at(0, 4)[:2] == (1, 1)
    assert beat.pulse_at(BAR - 1, 4)[:2] == (1, 4)
    assert beat.pulse_at(BAR, 4)[:2] == (2, 1)
    assert beat.pulse_at(-1, 4)[:2] == (0, 4)
    assert beat.pulse_at(3 * BEAT, 3)[:2] == (2, 1)


def test_a_bar_of_six_eighths_has_two_beats_and_one_of_seven_has_seven() -> None:
    assert [beat.pulse_at(tick, 2, 720)[:2] for tick in (0, 719, 720, 1440)] == [
        (1, 1),
        (1, 1),
        (1, 2),
        (2, 1),
    ]
    assert [beat.pulse_at(tick, 7, 240)[:2] for tick in (0, 1679, 1680)] == [(1, 1), (1, 7), (2, 1)]


def test_the_beats_block_lights_up_and_the_past_ones_glow() -> None:
    drawn = beat.beat_rows(BAR + 2 * BEAT + 200, 4, width=44, height=5)
    assert texts(drawn) == [
        "        ██████      ██████   ▓▓▓ ▓▓▓ ███ ░░░",
        "            ██          ██   ▓▓▓ ▓▓▓ ███ ░░░",
        "        ██████        ████   ▓1▓ ▓2▓ █3█ ░4░",
        "        ██              ██   ▓▓▓ ▓▓▓ ███ ░░░",
        "        ██████  ██  ██████   ▓▓▓ ▓▓▓ ███ ░░░",
    ]


def test_from_bar_100_on_the_beat_is_as_large_as_before() -> None:
    early, late = (texts(beat.beat_rows(bar * BAR + BEAT, 4, width=44, height=5)) for bar in (11, 191))
    assert [line[20:] for line in early] == [line[20:] for line in late]
    assert [line[:20].rstrip() for line in late] == [
        "",
        "",
        "     ▀█  █▀█ ▀▀█",
        "      █  ▀▀█ █▀▀",
        "     ▀▀▀ ▀▀▀ ▀▀▀ ▀",
    ]


def test_a_block_flashes_at_the_start_of_its_beat_only() -> None:
    assert "beat-flash-full" in inks(beat.beat_rows(BEAT + 10, 4, width=44, height=5))
    late = inks(beat.beat_rows(BEAT + BEAT // 2, 4, width=44, height=5))
    assert "beat-flash-full" not in late
    assert "beat-full" in late
    assert "beat-one-full" in inks(beat.beat_rows(BEAT // 2, 4, width=44, height=5))


def test_no_block_is_lit_while_stopped() -> None:
    stopped = texts(beat.beat_rows(0, 4, width=44, height=5, running=False))
    assert "█" not in "".join(line[29:] for line in stopped)


def test_a_wide_screen_shows_the_tempo_too() -> None:
    wide = texts(beat.beat_rows(0, 4, width=130, height=10, tempo_bpm=98.0))
    assert any("bpm" in line for line in wide)
    assert not any("bpm" in line for line in texts(beat.beat_rows(0, 4, width=60, height=10, tempo_bpm=98.0)))


@given(st.integers(-(10**7), 10**9), st.integers(1, 12), st.integers(0, 220), st.integers(0, 20))
def test_the_beat_fits_whatever_the_size(tick: int, beats: int, width: int, height: int) -> None:
    drawn = beat.beat_rows(tick, beats, width=width, height=height, tempo_bpm=120.0)
    assert len(drawn) == height
    assert all(rows.row_width(row) == width for row in drawn)
