"""A performer's phrases out of their MIDI files."""

from pathlib import Path

import mido
import pytest

from model.codecs.registry import build
from model.midi import file as midi
from model.music.phrase import Note, Phrase
from tests.fakes.midi_files import tune, write
from tests.fakes.players import GRID
from tests.fakes.synthetic import melody
from trainer.adapt import performer_phrases
from trainer.adapt.performer_phrases import read as read_performer
from trainer.errors import OperationError, RequestError

PERFORMED = [melody(seed).moved(-5) for seed in range(100, 108)]


def save(folder: Path, phrases: list[Phrase]) -> Path:
    for number, phrase in enumerate(phrases):
        midi.save(folder / f"{number:02}.mid", [phrase])
    return folder


def take(path: Path, performed: list[Phrase], answers: list[Phrase]) -> Path:
    """Write a take as the instrument records it: conductor, performer, twobar, knobs."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="twobar take 1")]))
    for name, phrases, channel in (("performer", performed, 0), ("twobar", answers, 1)):
        track = midi.to_midi(phrases, channel=channel, name=name).tracks[0]
        track.name = name
        file.tracks.append(track)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="knobs")]))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(str(path))
    return path


def test_music_in_another_metre_is_named(tmp_path: Path) -> None:
    for name, metre in (("waltz", (3, 4)), ("march", (4, 4)), ("alla breve", (2, 2))):
        write(tmp_path / f"{name}.mid", [tune(1, bars=4)], metre=metre)
    found = read_performer(tmp_path, build("melody", GRID))
    assert found.foreign == [("waltz.mid", "3/4")]
    assert len(found.files) == 3


def test_a_wrapped_file_is_read(tmp_path: Path) -> None:
    plain = save(tmp_path, PERFORMED[:1]) / "00.mid"
    data = plain.read_bytes()
    plain.unlink()
    head = b"RIFF" + (len(data) + 12).to_bytes(4, "little") + b"RMIDdata" + len(data).to_bytes(4, "little")
    (tmp_path / "00.RMI").write_bytes(head + data)
    assert read_performer(tmp_path, build("melody", GRID)).phrases == PERFORMED[:1]


def test_of_a_take_only_the_performers_track_is_read(tmp_path: Path) -> None:
    codec = build("melody", GRID)
    take(tmp_path / "takes" / "evening.mid", PERFORMED[:3], [phrase.moved(12) for phrase in PERFORMED[:3]])
    found = read_performer(tmp_path / "takes", codec)
    assert found.phrases == PERFORMED[:3]
    assert found.files == ["evening.mid"]


def test_any_files_are_read_once_each_phrase_and_what_is_none_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path, [*PERFORMED[:3], PERFORMED[0]])
    (folder / "broken.mid").write_bytes(b"MThd")
    found = read_performer(folder, build("melody", GRID))
    assert found.phrases == PERFORMED[:3]
    assert [name for name, _ in found.skipped] == ["broken.mid"]
    assert read_performer(folder / "00.mid", build("melody", GRID)).phrases == PERFORMED[:1]


def test_of_too_many_phrases_some_of_every_file_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performer_phrases, "MOST_PHRASES", 3)
    found = read_performer(save(tmp_path, PERFORMED[:5]), build("melody", GRID))
    assert found.phrases == [PERFORMED[0], PERFORMED[2], PERFORMED[4]]
    assert found.found == 5


def test_a_file_of_one_note_gives_nothing(tmp_path: Path) -> None:
    midi.save(tmp_path / "a.mid", [Phrase.of(GRID, [Note(0, 60, 90, 4)])])
    with pytest.raises(OperationError, match=r"nothing to learn from: '.*a.mid' holds no phrase of 2 notes"):
        read_performer(tmp_path, build("melody", GRID))
    save(tmp_path, PERFORMED[:1])
    found = read_performer(tmp_path, build("melody", GRID))
    assert (found.files, [name for name, _ in found.skipped]) == (["00.mid"], ["a.mid"])


def test_keys_that_the_performer_played_are_drums_to_the_drums(tmp_path: Path) -> None:
    beat = Phrase.of(GRID, [Note(step, 36 if step % 8 == 0 else 38, 90, 1) for step in range(0, 32, 4)])
    take(tmp_path / "take.mid", [beat], PERFORMED[:1])
    found = read_performer(tmp_path, build("drums", GRID))
    assert [note.onset for note in found.phrases[0].notes] == list(range(0, 32, 4))


@pytest.mark.parametrize(
    ("made", "codec", "says"),
    [
        ("none", "melody", "no MIDI file"),
        ("silent", "melody", "nothing to learn from"),
        ("pitched", "drums", "drum notes"),
    ],
)
def test_a_folder_that_gives_nothing_is_reported_in_one_sentence(
    tmp_path: Path, made: str, codec: str, says: str
) -> None:
    if made == "silent":
        midi.save(tmp_path / "a.mid", [Phrase(GRID)])
    if made == "pitched":
        save(tmp_path, PERFORMED[:2])
    with pytest.raises(OperationError, match=says):
        read_performer(tmp_path, build(codec, GRID))
    with pytest.raises(RequestError, match="does not exist"):
        read_performer(tmp_path / "nowhere", build(codec, GRID))
