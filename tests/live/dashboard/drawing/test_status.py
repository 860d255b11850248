"""The lines of text: ports, model, lateness, take, notices, the banner."""

import pytest

from live.dashboard.drawing import rows, status
from live.ipc.snapshot import ModelView, Notice, PortView
from tests.fakes.drawn import row_text, texts
from tests.fakes.snapshots import SECOND, scene


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
    assert "bpm  6/8" in row_text(status.header_row(scene(metre="6/8"), 60))
    assert text.endswith("✖ 1 port  ● REC ")
    assert "DEMO" in row_text(status.header_row(scene(demo=True), 60))
    assert "LISTENING" in row_text(status.header_row(scene(state="listening"), 60))
    assert "NO ENGINE" in row_text(status.header_row(scene(), 60, known=False))


def test_the_click_is_seen_beside_a_missing_port_where_the_tempo_s_unit_gives_way() -> None:
    text = row_text(status.header_row(scene(metronome=True), 44))
    assert text.startswith(" ▶ PLAYING   120.0  4/4  ♩ ")
    assert text.endswith("✖ 1 port  ● REC ")
    assert "120.0 bpm  4/4  ♩" in row_text(status.header_row(scene(metronome=True), 60))


def test_the_narrowest_header_still_says_that_a_take_is_written() -> None:
    for width in range(20, 90):
        row = status.header_row(scene(clock="MIDI clock of something", demo=True), width)
        assert "● REC" in row_text(row), width
        assert rows.row_width(row) == width
    assert "✖ 1 port" in row_text(status.header_row(scene(), 30))


def test_what_went_wrong_lately_stands_above_what_is_new() -> None:
    now = 1000 * SECOND
    notices = [
        Notice(now - 90 * SECOND, "error", "long ago"),
        Notice(now - 30 * SECOND, "error", "broken"),
        Notice(now - 10 * SECOND, "warning", "late"),
        Notice(now - 5 * SECOND, "info", "older"),
        Notice(now, "info", "newer"),
    ]
    shown = [notice.text for notice in status.urgent_first(notices, now)]
    assert shown == ["broken", "late", "newer", "older", "long ago"]


def test_what_has_come_right_again_is_not_urgent_any_more() -> None:
    now = 1000 * SECOND
    notices = [
        Notice(now - 9 * SECOND, "error", "keys have gone", "keys"),
        Notice(now - 8 * SECOND, "error", "the pad has gone", "pad"),
        Notice(now - 7 * SECOND, "error", "a fault"),
        Notice(now - 6 * SECOND, "info", "keys are back", "keys"),
        Notice(now - 5 * SECOND, "warning", "late"),
    ]
    shown = [notice.text for notice in status.urgent_first(notices, now)]
    assert shown == ["a fault", "the pad has gone", "late", "keys are back"]
    over = [*notices, Notice(now, "info", "", "pad")]
    assert "the pad has gone" not in [notice.text for notice in status.urgent_first(over, now)]


def test_the_header_says_whose_beat_is_kept_where_there_is_room() -> None:
    assert "MIDI clock Digitakt" in row_text(status.header_row(scene(clock="MIDI clock Digitakt"), 80))
    lost = status.header_row(scene(clock="MIDI clock LOST Digitakt"), 80)
    assert {ink for text, ink in lost if "LOST" in text} == {"warn"}
    for width in range(20, 100):
        row = status.header_row(scene(clock="MIDI clock of " + "テスト" * 20), width)
        assert rows.row_width(row) == width
    assert row_text(status.header_row(scene(clock="MIDI"), 40)) == row_text(status.header_row(scene(), 40))


def test_notices_show_their_age_and_level_newest_first() -> None:
    now = 1000 * SECOND
    notices = [
        Notice(now - 200 * SECOND, "info", "old"),
        Notice(now - 5 * SECOND, "error", "bad\nthing " + "x" * 90),
    ]
    drawn = texts(status.notice_rows(notices, now, width=30, height=2))
    assert drawn[0].startswith(" 5 s ✖ bad thing xxx")
    assert drawn[1].startswith("       xxx")
    assert drawn[1].rstrip().endswith("…")
    assert texts(status.notice_rows(notices, now, width=30, height=1))[0].rstrip().endswith("…")
    assert texts(status.notice_rows(notices, now, width=130, height=2))[1].startswith(" 3 m · old")
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


def test_what_was_just_undone_is_seen_below_what_is_urgent() -> None:
    now = 100 * SECOND
    notices = [
        Notice(now - 9 * SECOND, "warning", "bar 11 was late"),
        Notice(now - 8 * SECOND, "warning", "bar 15 was late"),
        Notice(now - SECOND, "info", "undone: vary up"),
    ]
    first, second = texts(status.notice_rows(notices, now, width=40, height=2))
    assert "bar 15" in first
    assert "undone: vary up" in second
    later = texts(status.notice_rows(notices, now + 5 * SECOND, width=40, height=2))
    assert "undone" not in " ".join(later)


def test_what_is_said_again_stands_once_as_it_was_said_last() -> None:
    said = [Notice(nanos, "warning", text) for nanos, text in enumerate(("late", "full", "late"))]
    assert status.standing(said) == said[1:]
