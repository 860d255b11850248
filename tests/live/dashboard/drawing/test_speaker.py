"""Whose turn it is, in large letters, and the lines below."""

from typing import Any

import pytest

from live.dashboard.drawing import rows, speaker
from live.ipc.snapshot import ModelView, PortView, Snapshot
from model.music.tracks import BASS, DRUMS
from tests.fakes.drawn import inks, row_text, texts
from tests.fakes.snapshots import BEAT, band, scene

BAR = 4 * BEAT
LOADING = ModelView("keys", "loading")


def turn(**changes: Any) -> Snapshot:
    tick = changes.pop("tick", 6 * BAR)
    return scene(tick, **{"speaker": "performer", "speaker_until": 8 * BAR, "ports": [], **changes})


def test_the_beats_that_are_left_include_the_one_that_has_begun() -> None:
    s = turn()
    ticks = (0, 1, 479, 480, BAR, 2 * BAR - 1, 2 * BAR, 3 * BAR)
    assert [speaker.beats_left(s, 6 * BAR + tick) for tick in ticks] == [8, 8, 8, 7, 4, 1, 0, 0]
    assert speaker.beats_left(turn(ticks_per_beat=720), 6 * BAR) == 6
    assert speaker.beats_left(turn(speaker=""), 6 * BAR) == 0


def test_the_performers_turn_and_the_instruments_differ_in_word_and_colour() -> None:
    ours = speaker.speaker_rows(turn(speaker="instrument", mode="answer"), 6 * BAR, width=35, height=6)
    yours = speaker.speaker_rows(turn(), 6 * BAR, width=35, height=6)
    assert texts(yours)[0].startswith("█ █ █▀█ █ █")
    assert texts(ours)[0].startswith("▀█▀ █   █")
    assert "performer" in inks(yours[:3])
    assert "performer" not in inks(ours[:3])
    assert texts(yours)[0].rstrip().endswith("█▀█")  # 8


def test_the_last_two_beats_are_counted_in_the_colour_of_the_turn() -> None:
    early = speaker.speaker_rows(turn(), 8 * BAR - 3 * BEAT, width=35, height=6)
    late = speaker.speaker_rows(turn(), 8 * BAR - 2 * BEAT, width=35, height=6)
    assert "digits" in inks(early)
    assert "digits" not in inks(late)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "answer"}, "then it answers"),
        ({"mode": "answer", "speaker": "instrument"}, "it answers; then you"),
        ({"mode": "hold", "speaker": "instrument"}, "holds your phrase: turn the knobs"),
        ({"frozen": True, "speaker": "instrument"}, "frozen: z thaws"),
        ({"speaker": "", "state": "listening"}, "listening for your tempo"),
        ({"speaker": "", "state": "stopped"}, "Space starts it"),
        ({"speaker": "", "state": "stopped", "model": LOADING}, "Space starts it"),  # another one, meanwhile
        (
            {"speaker": "", "state": "stopped", "model": LOADING, "tick": 0},
            "it starts by itself, in a moment",
        ),
    ],
)
def test_a_line_says_what_happens_next(changes: dict[str, Any], words: str) -> None:
    assert words in "\n".join(texts(speaker.speaker_rows(turn(**changes), 6 * BAR, width=46, height=9)))


def test_what_is_wrong_takes_the_last_line_and_is_counted() -> None:
    missing = [PortView("in", "nanoKONTROL2", "missing"), PortView("out", "synth", "missing")]
    s = turn(model=ModelView("keys", "lost"), ports=missing)
    assert row_text(speaker.last_row(s, 40)).rstrip() == "✖ keys LOST, bars repeat  +2"
    assert row_text(speaker.last_row(turn(ports=missing[:1]), 40)).rstrip() == "✖ nanoKONTROL2 MISSING"
    assert row_text(speaker.last_row(turn(), 40)).rstrip() == "keys ready"
    assert speaker.troubles(turn()) == []


def test_a_missing_port_leaves_the_parts_their_legend() -> None:
    s = band(ports=[PortView("in", "keyboard", "missing")])
    assert row_text(speaker.last_row(s, 49)).split() == [
        "✖", "keyboard", "MISSING", "█melody", "█chords", "█bass", "█drums",
    ]  # fmt: skip
    assert row_text(speaker.last_row(s, 35)) == "✖ keyboard MISSING █me █ch █ba █dr "
    assert row_text(speaker.last_row(s, 20)).rstrip() == "✖ keyboard MISSING"


def test_parts_are_named_in_their_colours_and_muted_ones_struck_out() -> None:
    row = speaker.parts_row(band(muted=["drums"]))
    assert row_text(row).split() == ["█melody", "█chords", "█bass", "✕drums"]
    assert [ink for _, ink in row] == ["sounded", "sounded-chords", "sounded-bass", "off"]
    assert speaker.parts_row(turn()) == ()
    assert (BASS, DRUMS) == (2, 3)


@pytest.mark.parametrize("width", [1, 9, 35, 46, 70])
@pytest.mark.parametrize("height", [0, 1, 2, 3, 4, 6, 9, 12, 20])
def test_any_size_is_filled_exactly(width: int, height: int) -> None:
    drawn = speaker.speaker_rows(turn(chord="Am", key="A minor"), 6 * BAR, width=width, height=height)
    assert len(drawn) == height
    assert {rows.row_width(row) for row in drawn} <= {width}
