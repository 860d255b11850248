"""The studio: what the explorer asks of a model, with a shipped one; wrong wishes are one sentence."""

import io
from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from live.errors import TwobarError, UsageError
from live.page import studio
from live.page.studio_process import run
from model.music.grid import Grid
from model.music.phrase import Note

MODEL = "lead"
A = [Note(0, 60, 90, 4), Note(4, 62, 90, 4), Note(8, 64, 90, 8), Note(16, 67, 90, 8)]
B = [Note(0, 72, 90, 2), Note(2, 71, 90, 2), Note(4, 69, 90, 4), Note(20, 65, 90, 4)]


def dropped(notes: list[Note], folder: Path) -> bytes:
    return studio.exported(MODEL, [notes], tempo_bpm=100, name="dropped").data


def test_the_sheet_says_what_the_page_must_know() -> None:
    sheet = studio.sheet(MODEL)
    assert (sheet.name, sheet.bars, sheet.beats_per_bar, sheet.steps_per_beat) == ("lead", 2, 4, 4)
    assert "density" in sheet.knobs
    assert len(sheet.map_points) > 20


def test_a_dropped_file_is_found_carried_and_turned(tmp_path: Path) -> None:
    found = studio.opening(MODEL, "tune.mid", dropped(A, tmp_path))
    assert [(note.onset, note.pitch) for note in found.exact] == [(note.onset, note.pitch) for note in A]
    there = studio.carried(MODEL, 0.2, -0.3, found.z, found.attributes)
    assert there.xy == pytest.approx((0.2, -0.3), abs=1e-3)
    busier = studio.turned(MODEL, found.z, found.attributes, {"density": 1.0})
    assert len(busier.notes) > len(found.notes)
    assert studio.carried(MODEL, 0.0, 0.0, [], {}).attributes  # without a phrase, the plainest there


def test_the_way_has_both_ends_and_goes_out_as_midi(tmp_path: Path) -> None:
    way = studio.way(MODEL, A, B, steps=3)
    assert len(way) == 3
    assert [note.pitch for note in way[0].exact] == [note.pitch for note in A]
    data = studio.exported(MODEL, [step.exact for step in way], tempo_bpm=90, name="way").data
    file = mido.MidiFile(file=io.BytesIO(data))
    ons = sum(
        message.type == "note_on" and message.velocity > 0 for track in file.tracks for message in track
    )
    assert ons == sum(len(step.exact) for step in way)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (lambda: studio.sheet("leed"), "unknown model 'leed'"),
        (lambda: studio.opening(MODEL, "tune.mid", b"nonsense"), "'tune.mid' is not a MIDI file"),
        (lambda: studio.way(MODEL, A, B, steps=1), "2 to 64 steps, not 1"),
        (lambda: studio.turned(MODEL, [0.0], {}, {}), "finite numbers"),
        (
            lambda: studio.turned(MODEL, [0.0] * 512, {}, {"density": 2.0}),
            "must be a number from -1 to 1, not 2",
        ),
        (lambda: studio.carried(MODEL, float("nan"), 0.0, [], {}), "two finite numbers"),
        (lambda: studio.exported(MODEL, [A], tempo_bpm=1e9, name="x"), "between 20 and 400"),
        (lambda: studio.exported(MODEL, [[Note(99, 60, 90, 4)]], tempo_bpm=100, name="x"), "no phrase"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(wish: Callable[[], object], words: str) -> None:
    with pytest.raises(TwobarError, match=words) as error:
        wish()
    assert "\n" not in str(error.value)


def test_an_errand_answers_in_json() -> None:
    assert b'"name":"lead"' in run("sheet", MODEL, {})
    with pytest.raises(UsageError):
        run("way", MODEL, {"first": A, "last": B, "steps": 0})
    assert Grid().steps == 32
