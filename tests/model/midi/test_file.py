from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import MidiFileError
from model.midi.file import laid, load, save, to_midi
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.any_notes import any_notes

GRID = Grid()


@st.composite
def phrases(draw: st.DrawFn, grid: Grid = GRID) -> Phrase:
    notes = draw(st.lists(any_notes(steps=grid.steps, longest=grid.steps), max_size=24))
    return Phrase.of(grid, notes)


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("midi") / "phrase.mid"


@given(first=phrases(), second=phrases())
def test_written_and_read_again_nothing_is_lost(first: Phrase, second: Phrase) -> None:
    file = to_midi([first, second, Phrase.of(GRID, [Note(0, 60, 1, 1)])])
    sounding: dict[int, tuple[int, int]] = {}
    spans = []
    now = 0
    for message in file.tracks[0]:
        now += message.time
        if message.type == "note_on":
            assert message.note not in sounding
            sounding[message.note] = (now, message.velocity)
        elif message.type == "note_off":
            onset, velocity = sounding.pop(message.note)
            spans.append(((onset, now, message.note, velocity), MELODY))
    assert not sounding
    assert laid(spans, 480, GRID)[:2] == [first, second]


def test_a_file_keeps_notes_offsets_tempo_and_its_whole_length(place: Path) -> None:
    phrase = Phrase.of(GRID, [Note(0, 60, 90, 4), Note(5, 64, 33, 2, 0.25), Note(5, 67, 33, 27)])
    save(place, [phrase], tempo_bpm=90, channel=1, program=4, name="answer")
    assert load(place, GRID) == [phrase]
    file = mido.MidiFile(str(place))
    assert file.length == pytest.approx(8 * 60 / 90, rel=1e-4)
    assert {message.channel for message in file if message.type == "note_on"} == {1}
    assert not list(place.parent.glob(".*"))


def test_another_resolution_and_an_early_note_lie_on_the_same_steps(place: Path) -> None:
    track = mido.MidiTrack(
        [
            mido.Message("note_on", note=60, velocity=80, time=23),
            mido.Message("note_off", note=60, time=24),
            mido.Message("note_on", note=62, velocity=80, time=24 * 8 - 47 - 1),
            mido.Message("note_on", note=62, velocity=0, time=25),
        ]
    )
    mido.MidiFile(ticks_per_beat=24, tracks=[track]).save(str(place))
    first, second = load(place, GRID)
    assert [(n.onset, n.length) for n in first.notes] == [(4, 4)]
    assert first.notes[0].offset == pytest.approx(-1 / 6)
    assert [(n.onset, n.pitch) for n in second.notes] == [(0, 62)]


def test_drums_are_read_apart(place: Path) -> None:
    save(place, [Phrase.of(GRID, [Note(0, 36, 100, 1)])], channel=9)
    assert len(load(place, GRID, codec="drums")[0]) == 1
    with pytest.raises(MidiFileError, match=r"holds no pitched notes, only drums$"):
        load(place, GRID)
    save(place, [Phrase.of(GRID, [Note(0, 36, 100, 1)])])
    with pytest.raises(MidiFileError, match=r"holds no drum notes .*, only pitched ones$"):
        load(place, GRID, codec="drums")


@pytest.mark.parametrize("name", ["Drums", "EZdrummer 2", "Percussion", "Synth Drum"])
def test_drums_are_known_by_their_name_on_any_channel(place: Path, name: str) -> None:
    save(place, [Phrase.of(GRID, [Note(0, 36, 100, 1)])], channel=10, name=name)
    assert len(load(place, GRID, codec="drums")[0]) == 1
    assert load(place, GRID, codec="multitrack")[0].notes[0].track == DRUMS


@pytest.mark.parametrize(("bank", "part"), [(0, BASS), (120, DRUMS), (127, DRUMS)])
def test_drums_are_known_by_their_bank(place: Path, bank: int, part: int) -> None:
    track = mido.MidiTrack(
        [
            mido.Message("control_change", control=0, value=bank),
            mido.Message("note_on", note=36, velocity=80),
            mido.Message("note_off", note=36, time=480),
        ]
    )
    mido.MidiFile(tracks=[track]).save(str(place))
    assert load(place, GRID, codec="multitrack")[0].notes[0].track == part


def test_a_note_without_an_end_ends_with_its_track(place: Path) -> None:
    track = mido.MidiTrack(
        [mido.Message("note_on", note=60, velocity=9), mido.Message("note_off", note=99, time=960)]
    )
    mido.MidiFile(tracks=[track]).save(str(place))
    assert load(place, GRID)[0].notes == (Note(0, 60, 9, 8),)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is empty"),
        (b"no music", "not a MIDI file that can be read: no MThd"),
        (b"MThd\0\0\0\6\0\0\0\0\0\0", "0 ticks per beat"),
        (b"MThd\0\0\0\6\0\0\0\0\xe7\x28", "SMPTE frames"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x08\0\x90\x3c", "holds no pitched notes"),
        (b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0", "holds no pitched notes"),
        (
            b"MThd\0\0\0\6\0\0\0\1\0\1MTrk\0\0\0\x0f\xff\xff\xff\x7f\x90\x3c\x40\1\x80\x3c\x40\0\xff\x2f\0",
            "longer than 20000 bars",
        ),
    ],
)
def test_a_damaged_file_gets_one_sentence_with_its_name(place: Path, data: bytes, says: str) -> None:
    place.write_bytes(data)
    with pytest.raises(MidiFileError) as caught:
        load(place, GRID)
    assert says in str(caught.value)
    assert "phrase.mid" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="does not exist"):
        load(tmp_path / "none.mid", GRID)
    with pytest.raises(MidiFileError, match="not a regular file"):
        load(tmp_path, GRID)
    with pytest.raises(MidiFileError, match="cannot write"):
        save(tmp_path, [])


# -- several parts -----------------------------------------------------------------------------------

BAND = Phrase.of(
    GRID,
    [
        Note(0, 72, 90, 4, 0.0, MELODY),
        Note(4, 74, 90, 4, 0.25, MELODY),
        *(Note(0, pitch, 70, 16, 0.0, CHORDS) for pitch in (60, 64, 67, 72)),
        Note(0, 36, 80, 4, 0.0, BASS),
        Note(8, 43, 80, 4, -0.25, BASS),
        Note(0, 36, 110, 1, 0.0, DRUMS),
        Note(4, 38, 100, 1, 0.125, DRUMS),
        Note(6, 42, 60, 1, -0.125, DRUMS),
    ],
)


def test_a_band_is_written_with_a_track_for_each_part_and_read_again(place: Path) -> None:
    save(place, [BAND, Phrase(GRID), BAND], program=4, name="answer")
    file = mido.MidiFile(place)
    assert [track.name for track in file.tracks] == ["answer", "melody", "chords", "bass", "drums"]
    channels = [{m.channel for m in track if m.type == "note_on"} for track in file.tracks]
    assert channels == [set(), {0}, {2}, {3}, {9}]
    programs = [[m.program for m in track if m.type == "program_change"] for track in file.tracks]
    assert programs == [[], [4], [24], [33], [0]]
    assert load(place, GRID, codec="multitrack") == [BAND, Phrase(GRID), BAND]


@given(st.lists(any_notes(tracks=st.integers(0, 3)), min_size=1))
def test_every_part_comes_back_whole(tmp_path_factory: pytest.TempPathFactory, notes: list[Note]) -> None:
    place = tmp_path_factory.getbasetemp() / "parts.mid"
    phrase = Phrase.of(GRID, notes)
    save(place, [phrase], tracks=range(4))
    (back,) = load(place, GRID, codec="multitrack")
    if len({note.track for note in phrase.notes} - {DRUMS}) > 1:
        assert back == phrase
    else:  # one pitched part alone is divided
        assert sorted(note[:5] for note in back.notes) == sorted(note[:5] for note in phrase.notes)
        assert [note for note in back.notes if note.track == DRUMS] == [
            note for note in phrase.notes if note.track == DRUMS
        ]


def test_one_piano_is_divided_among_the_parts_with_drums_beside_it_too(place: Path) -> None:
    piano = [Note(0, pitch, 90, 8) for pitch in (36, 60, 64, 76)]
    expected = {36: BASS, 60: CHORDS, 64: CHORDS, 76: MELODY}
    for drums in ([], [Note(0, 42, 90, 1, 0.0, DRUMS)]):
        save(place, [Phrase.of(GRID, [*piano, *drums])])
        (back,) = load(place, GRID, codec="multitrack")
        assert {note.pitch: note.track for note in back.notes if note.track != DRUMS} == expected
        assert [note for note in back.notes if note.track == DRUMS] == drums


def test_drums_alone_stand_on_channel_ten(place: Path) -> None:
    phrase = Phrase.of(GRID, [Note(0, 36, 110, 1, 0.0, DRUMS), Note(4, 38, 100, 1, 0.25, DRUMS)])
    save(place, [phrase])
    file = mido.MidiFile(place)
    assert len(file.tracks) == 1
    assert {m.channel for m in file.tracks[0] if m.type == "note_on"} == {9}
    assert load(place, GRID, codec="drums") == [phrase]
    with pytest.raises(MidiFileError, match="no pitched notes"):
        load(place, GRID)
