"""Beat, knobs and status lines of the dashboard, as rows of text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from live.dashboard.drawing import beat, rows, status
from live.dashboard.drawing import knobs as controls
from live.ipc.snapshot import KnobView, ModelView, Notice, PortView
from tests.fakes.drawn import inks, row_text, texts
from tests.fakes.snapshots import BEAT, SECOND, scene

BAR = 4 * BEAT


# -- rows ------------------------------------------------------------------------------------------


@given(st.text(), st.integers(0, 40))
def test_fit_gives_exactly_the_width_whatever_the_text(text: str, width: int) -> None:
    assert cell_len(rows.fit(rows.clean(text), width)) == width


@given(st.lists(st.text(max_size=8), max_size=6), st.integers(0, 30))
def test_fit_row_gives_exactly_the_width(parts: list[str], width: int) -> None:
    row = tuple((rows.clean(part), "dim") for part in parts)
    assert rows.row_width(rows.fit_row(row, width)) == width


def test_clean_lets_no_control_character_through() -> None:
    assert rows.clean("a\x1b[31m\nb\tc\x00") == "a [31m b c"


def test_what_does_not_fit_at_the_right_edge_goes_from_its_end() -> None:
    left, right = [("left", "")], [("one", ""), ("two", "")]
    assert row_text(rows.spread(left, right, 12)) == "left  onetwo"
    assert row_text(rows.spread(left, right, 9)) == "left  one"
    assert row_text(rows.spread(left, right, 6)) == "left  "


# -- beat ------------------------------------------------------------------------------------------


def test_bars_and_beats_count_from_one_and_a_count_in_is_bar_zero() -> None:
    assert beat.pulse_at(0, 4).label == "1.1"
    assert beat.pulse_at(BAR - 1, 4).label == "1.4"
    assert beat.pulse_at(BAR, 4).label == "2.1"
    assert beat.pulse_at(-1, 4).label == "0.4"
    assert beat.pulse_at(3 * BEAT, 3).label == "2.1"


def test_big_digits_are_drawn_with_pixels_of_the_scale() -> None:
    assert beat.big_text("1.2", 2) == [
        "████        ██████",
        "  ██            ██",
        "  ██        ██████",
        "  ██        ██    ",
        "██████  ██  ██████",
    ]
    assert beat.big_text("1", 1) == ["▀█ ", " █ ", "▀▀▀"]


@pytest.mark.parametrize("text", ["0123456789", "-1.4", "1234.5"])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_big_text_has_the_size_it_says(text: str, scale: int) -> None:
    lines = beat.big_text(text, scale)
    assert len(lines) == beat.big_height(scale)
    assert {len(line) for line in lines} == {beat.big_width(text, scale)}


def test_the_beats_block_lights_up_and_the_past_ones_glow() -> None:
    drawn = beat.beat_rows(BAR + 2 * BEAT + 200, 4, width=44, height=5)
    assert texts(drawn) == [
        "        ██████      ██████   ▓▓▓ ▓▓▓ ███ ░░░",
        "            ██          ██   ▓▓▓ ▓▓▓ ███ ░░░",
        "        ██████        ████   ▓1▓ ▓2▓ █3█ ░4░",
        "        ██              ██   ▓▓▓ ▓▓▓ ███ ░░░",
        "        ██████  ██  ██████   ▓▓▓ ▓▓▓ ███ ░░░",
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


# -- knobs -----------------------------------------------------------------------------------------


def knob(value: float, *, low: float = -1.0, **more: object) -> KnobView:
    return KnobView("density", value, low, 1.0, 0.0, "", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("view", "bar"),
    [
        (knob(0.0), "─────╂─────"),
        (knob(1.0), "─────┼━━━━█"),
        (knob(-1.0), "█━━━━┼─────"),
        (knob(0.5), "─────┼━━█──"),
        (knob(0.5, waiting=-0.9), "◇────┼━━█──"),
        (knob(0.0, low=0.0), "█──────────"),
        (knob(0.5, low=0.0), "━━━━━█─────"),
        (knob(1.0, low=0.0, waiting=0.0), "◇━━━━━━━━━█"),
        (knob(0.5, available=False), " · · · · · "),
        (knob(math.nan), "█━━━━┼─────"),
    ],
)
def test_a_knobs_bar(view: KnobView, bar: str) -> None:
    assert row_text(controls.knob_bar(view, 11)) == bar


def test_the_chosen_knob_has_an_arrow_and_an_unavailable_one_says_so() -> None:
    assert row_text(controls.knob_row(knob(0.25), 30, chosen=True)) == "▸density     ─────┼█──── +0.25"
    assert row_text(controls.knob_row(knob(0.25, available=False), 30)).endswith("   n/a")


def test_values_read_as_people_write_them() -> None:
    tempo = KnobView("tempo", 120.0, 40.0, 240.0, 120.0, "")
    values = [controls.value_text(k) for k in (knob(0.0), knob(0.5), knob(-0.5), knob(0.5, low=0.0), tempo)]
    assert values == ["0.00", "+0.50", "-0.50", "0.50", "120"]


@pytest.mark.parametrize(
    ("width", "height"), [(80, 5), (120, 5), (40, 5), (60, 1), (19, 3), (5, 2), (200, 20)]
)
@pytest.mark.parametrize("chosen", [0, 7, 14])
def test_the_chosen_knob_is_always_in_sight(width: int, height: int, chosen: int) -> None:
    drawn = texts(controls.knob_rows(scene().knobs, chosen, width=width, height=height))
    assert all(len(line) == width for line in drawn)
    assert sum(line.count("▸") for line in drawn) == 1


def test_modes_anchors_and_freeze_in_one_row() -> None:
    s = scene()
    row = controls.mode_row(
        ("follow", "answer", "hold", "drift"),
        "hold",
        s.anchors,
        frozen=True,
        thru=False,
        origin="morph",
        width=90,
    )
    text = row_text(row)
    assert "[HOLD]" in text
    assert " follow " in text
    assert "[FROZEN]" in text
    assert "thru OFF" in text
    assert "A● B● C○ D●" in text
    assert "◉ morph" in text


def test_muted_parts_stand_in_the_row_of_modes() -> None:
    row = controls.mode_row(
        ("follow", "answer", "hold", "drift"),
        "follow",
        scene().anchors,
        frozen=False,
        thru=True,
        origin="played",
        width=80,
        muted=["drums"],
    )
    assert "[DRUMS MUTED]" in row_text(row)
    assert "A● B● C○ D●   ◉ played" in row_text(row)


LISTENING = [
    ("follow", False, True),
    ("answer", False, True),
    ("hold", False, False),
    ("follow", True, False),
]


@pytest.mark.parametrize(("mode", "frozen", "listens"), LISTENING)
def test_it_says_that_it_listens_until_it_has_a_phrase(mode: str, *, frozen: bool, listens: bool) -> None:
    row = controls.mode_row(
        ("follow", "answer", "hold"), mode, [], frozen=frozen, thru=True, origin="", width=80
    )
    assert ("listening" in row_text(row)) is listens


def test_a_mode_that_we_do_not_know_is_shown_too() -> None:
    row = controls.mode_row(("follow",), "waltz", [], frozen=False, thru=True, origin="", width=60)
    assert "[WALTZ]" in row_text(row)


# -- status ----------------------------------------------------------------------------------------


def test_a_missing_port_is_red_and_says_so_however_long_its_name() -> None:
    row = status.port_row(PortView("in", "テスト" * 40, "missing", "unplugged"), 40)
    assert rows.row_width(row) == 40
    assert row_text(row).rstrip().endswith("MISSING")
    assert {ink for text, ink in row if "MISSING" in text} == {"bad"}


def test_missing_ports_come_first_when_not_all_fit() -> None:
    many = [PortView("in", f"port {k}", "ok") for k in range(9)] + [PortView("out", "synth", "missing")]
    drawn = texts(status.status_rows(scene(ports=many), width=35, height=6))
    assert len(drawn) == 6
    assert "synth" in drawn[0]
    assert any("and 8 more ports" in line for line in drawn)


def test_few_rows_still_tell_lateness_misses_and_priority() -> None:
    text = "\n".join(texts(status.status_rows(scene(), width=35, height=6)))
    for part in (
        "MPK mini 3",
        "nanoKONTROL2",
        "MISSING",
        "keys ready 2.1 ms",
        "p99 0.31 ms",
        "missed 1",
        "realtime",
    ):
        assert part in text


def test_many_rows_tell_the_take_and_the_mapping_as_well() -> None:
    text = "\n".join(texts(status.status_rows(scene(), width=46, height=9)))
    assert "takes/2026-03-14_21-05-33.mid" in text
    assert "Akai MPK mini mk3" in text
    assert "worst 1.24 ms" in text


def test_a_long_take_path_loses_its_folder_first() -> None:
    assert status.take_text("/home/anna/music/takes/tonight.mid", 12) == "tonight.mid"
    assert status.take_text("", 12) == "not recordi…"


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (ModelView("keys", "loading"), "… keys loading"),
        (ModelView("keys", "lost", "coming back"), "✖ keys LOST, bars repeat  coming back"),
        (ModelView("", "none"), "○  no model"),
        (ModelView("rnn", "ready", latent_size=0, decode_ms=1.0), "✔ rnn ready 1.0 ms no latent"),
    ],
)
def test_the_models_state_in_words(view: ModelView, words: str) -> None:
    assert row_text(status.model_row(view, 60)).rstrip() == f"net {words}"


def test_the_header_tells_state_tempo_metre_missing_ports_and_take() -> None:
    text = row_text(status.header_row(scene(tempo_bpm=93.5), 60))
    assert text.startswith(" ▶ PLAYING   93.5 bpm  4/4")
    assert text.endswith("✖ 1 port  ● REC ")
    assert "NO ENGINE" in row_text(status.header_row(scene(), 60, known=False))


def test_notices_show_their_age_and_level_newest_first() -> None:
    now = 1000 * SECOND
    notices = [
        Notice(now - 200 * SECOND, "info", "old"),
        Notice(now - 5 * SECOND, "error", "bad\nthing " + "x" * 90),
    ]
    drawn = texts(status.notice_rows(notices, now, width=30, height=2))
    assert drawn[0].startswith(" 5 s ✖ bad thing xxx")
    assert drawn[0].rstrip().endswith("…")
    assert drawn[1].startswith(" 3 m · old")
    assert status.age_text(now, now) == " now"
    assert status.age_text(now - 3 * 3600 * SECOND, now) == " 3 h"


def test_a_notice_in_full_loses_no_word() -> None:
    notice = Notice(0, "error", "no audio device answers (tried jack, alsa): start one, or choose its driver")
    drawn = texts(status.notice_in_full(notice, 5 * SECOND, 40))
    assert drawn[0].startswith(" 5 s ✖ no audio device answers (tried")
    assert drawn[1].startswith("       jack, alsa): start one")
    assert " ".join(line[7:].strip() for line in drawn) == notice.text
    assert {len(line) for line in drawn} == {40}
    assert len(status.notice_in_full(Notice(0, "info", ""), 0, 40)) == 1


def test_the_banner_wraps_its_sentence() -> None:
    drawn = texts(status.banner_rows("the engine's process ended; starting it again", 24, 5))
    assert [line.strip() for line in drawn] == [
        "",
        "✖ the engine's",
        "process ended;",
        "starting it again",
        "",
    ]
