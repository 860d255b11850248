"""What a take is made of and what its figures count."""

from dataclasses import replace
from pathlib import Path

import mido
import pytest

from benchmarks.take_figures import CELL, Sounded, again, changes, figures
from benchmarks.takes import BLUES, RIFFS, TakePlayer, lines, save, sounded, written_out
from live.ipc.messages import FOR_EVER_NANOS, Decode, Decoded, Encode
from live.ipc.places import Point
from live.worker.handler import RequestHandler
from model.music.phrase import Note
from model.music.tracks import CHORDS, DRUMS
from model.writing.wish import GRID, Kind
from tests.fakes.pieces import write_pieces
from trainer.corpus.pieces import load_pieces

BEAT = GRID.ticks_per_beat
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)


def take(*pitches: int, channel: int = 3) -> list[Sounded]:
    """A performer who plays the scale of C in two cells of two bars, and one pitch a beat beside it."""
    notes = []
    for beat in range(16):
        notes.append(Sounded(1, SCALE[beat % 8], 80, beat * BEAT, beat * BEAT + BEAT - 20))
        if pitches:
            pitch = pitches[beat % len(pitches)]
            notes.append(Sounded(channel, pitch, 80, beat * BEAT, beat * BEAT + BEAT - 20))
    return notes


def test_notes_in_the_key_that_double_the_melody_do_not_clash() -> None:
    found = figures(take(*(pitch - 12 for pitch in SCALE)), 2)
    assert found["key"] == 1.0
    assert found["clash"] == 0.0
    assert found["onsets"] == 4.0
    assert found["silent"] == 0.0


def test_notes_a_semitone_beside_clash_and_lie_outside() -> None:
    found = figures(take(*(pitch - 11 for pitch in SCALE)), 2)
    assert found["key"] < 0.5
    assert found["clash"] == 1.0


def test_silence_and_bars_again_are_counted() -> None:
    assert figures(take(), 2)["silent"] == 1.0
    assert figures(take(48), 2)["repeats"] == 1.0
    assert figures(take(48, 50, 52, 53, 55), 2)["repeats"] == 0.0


def test_chords_of_one_note_over_the_melody_are_told_and_what_comes_again() -> None:
    high = figures(take(96), 2)
    assert (high["alone"], high["over"]) == (1.0, 1.0)
    two = [*take(48), *take(55)]
    assert (figures(two, 2)["alone"], figures(two, 2)["over"]) == (0.0, 0.0)
    assert high["again"] == 0.0, "it is too short"
    assert again([Note(0, 60, 80, 2, track=CHORDS)], [Note(0, 64, 80, 2, track=CHORDS)]) == [1.0]
    hits = [Note(step, 36, 80, 1, track=DRUMS) for step in (0, 8)]
    assert again(hits, [hits[0], hits[1]._replace(pitch=38)]) == [0.5]
    assert again(hits, []) == []


def test_changes_behind_the_beat_and_a_bass_that_doubles_the_performer_are_counted() -> None:
    chords = [*take(48, 50), *take(52, 53)]
    on = figures(chords, 2)
    assert (on["late"], on["doubled"]) == (0.0, 0.0)
    behind = [replace(note, start=note.start + 120) if note.channel == 3 else note for note in chords]
    assert figures(behind, 2)["late"] == 1.0
    assert changes([*take(48), *take(52)]) == [0], "the same again is no change"
    assert figures(take(*SCALE, channel=4), 2)["doubled"] == 1.0


def test_answers_are_held_against_the_band() -> None:
    def answered(*pitches: int) -> dict[str, float]:
        return figures([*take(48), *take(*pitches, channel=2)], 2)

    inside, outside = answered(60, 72, 60, 72), answered(61, 73, 61, 73)
    assert (inside["beside"], inside["home"], inside["leaps"]) == (0.0, 1.0, 0.0)
    assert (outside["beside"], outside["home"]) == (1.0, 0.0)
    assert answered(60, 76)["leaps"] == 1.0
    assert answered(*SCALE)["kept"] == 1.0, "its second phrase is the performer's first"
    assert answered(61)["kept"] == 0.0


def test_close_low_chords_are_told_and_how_loud_the_band_is_beside_the_performer() -> None:
    assert figures([*take(48), *take(52)], 2)["mud"] == 1.0
    assert figures([*take(60), *take(64)], 2)["mud"] == 0.0
    assert figures([*take(48), *take(36, channel=4)], 2)["mud"] == 0.0
    swelling = [
        replace(note, start=note.start + cell * CELL, end=note.end + cell * CELL, velocity=60 + 10 * cell)
        for cell in range(3)
        for note in take(48)
    ]
    assert figures(swelling, 4)["loud"] == pytest.approx(1.0)
    assert figures(take(48), 2)["loud"] == 0.0, "none varies"


def test_notes_are_paired_and_end_with_the_take() -> None:
    sent = [(0, bytes((0x90, 60, 80))), (100, bytes((0x90, 60, 90))), (150, bytes((0x91, 64, 70)))]
    found = sounded([*sent, (200, bytes((0x80, 60, 0)))], 400)
    assert found == [Sounded(1, 60, 80, 0, 100), Sounded(1, 60, 90, 100, 200), Sounded(2, 64, 70, 150, 400)]


class Slow(RequestHandler):
    """Has a variation the second time that it is asked, and remembers until when it was wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Decode] = []

    def answer(self, request: Encode | Decode) -> Decoded:
        assert isinstance(request, Decode)
        self.asked.append(request)
        vary = "awaited" if len(self.asked) < 2 else "written"
        return Decoded(1, [], request.place, (0.0, 0.0), 1.0, vary=vary)  # type: ignore[arg-type]


def test_what_a_take_waits_for_is_never_too_late() -> None:
    handler = Slow()
    found = TakePlayer(handler).answer(Decode(1, 0, Point([0.0]), {}, 0.0, 0, begins_nanos=1, ends_nanos=2))
    assert isinstance(found, Decoded)
    assert found.vary == "written"
    assert {one.ends_nanos for one in handler.asked} == {FOR_EVER_NANOS}


def test_a_take_is_written_as_it_sounded(tmp_path: Path) -> None:
    save(tmp_path / "take.mid", take(48), 96)
    song = mido.MidiFile(tmp_path / "take.mid")
    assert song.length == pytest.approx((16 * BEAT - 20) / BEAT * 60 / 96, abs=0.01)
    assert sum(message.type == "note_on" for track in song.tracks for message in track) == 32


def test_the_written_tunes_fill_two_bars() -> None:
    for text in (*RIFFS, *BLUES):
        phrase = written_out(text)
        assert phrase.grid == GRID
        assert {note.onset // GRID.steps_per_bar for note in phrase.notes} == {0, 1}
    assert GRID.ticks == CELL


def test_lines_are_the_longest_runs_of_their_songs(tmp_path: Path) -> None:
    write_pieces(tmp_path, songs=3, windows=9)
    found = list(lines(load_pieces(tmp_path, "test"), Kind.MELODY, 0, fewest=4))
    assert len(found) == 3
    assert {len(line) for line in found} == {5}
