"""Files as strangers write them: each fault with what a musician would want to be read."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import MidiFileError
from model.midi.file import voices_of
from model.midi.parse import SmfFile, parse, plain, timed
from tests.fakes.odd_smf import CASES, END, C, chunk, header


def notes(file: SmfFile) -> list[tuple[int, int, int]]:
    """Return (start, end, pitch) of all notes."""
    return sorted(span[:3] for track in file.tracks for voice in voices_of(track) for span in voice.spans)


@pytest.mark.parametrize(("data", "found"), [pytest.param(*case[:2], id=case[2]) for case in CASES])
def test_what_can_be_read_is_read(data: bytes, found: list[tuple[int, int, int]]) -> None:
    assert notes(parse(data)) == found


def test_a_velocity_above_127_is_the_loudest() -> None:
    (voice,) = voices_of(parse(header() + chunk(b"\0\x90\x3c\xd0\x60\x80\x3c\0" + END)).tracks[0])
    assert voice.spans == [(0, 96, 60, 127)]


def test_what_is_not_as_it_says_is_named() -> None:
    assert parse(header() + chunk(C + END)).oddities == []
    assert parse(header(tracks=2) + chunk(C + END, size=7)).oddities == [
        "the length of track 1 is wrong",
        "its header counts 2 tracks, and there are 1",
    ]
    assert parse(header() + chunk(b"\0\xff\x51\0" + C)).oddities == [
        "track 1 holds a tempo that is none",
        "track 1 has no end",
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"no music", "no MThd"),
        (b"MThd\0\0", "too early"),
        (header(division=0) + chunk(C + END), "0 ticks per beat"),
        (header(division=0xE728) + chunk(C + END), "SMPTE"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, says: str) -> None:
    with pytest.raises(MidiFileError, match=says):
        parse(data)


def test_what_sounds_ends_before_it_starts_again_across_tracks_too() -> None:
    first = b"\0\x90\x3c\x50\x60\x90\x3c\x50\x60\x80\x3c\0" + END
    second = b"\x60\x80\x3c\0" + END
    heard = [
        (round(seconds, 3), message.type, message.note)
        for seconds, message in timed(parse(header(tracks=2) + chunk(first) + chunk(second)))
        if not message.is_meta
    ]
    assert heard == [(0, "note_on", 60), (0.5, "note_off", 60), (0.5, "note_on", 60), (1.0, "note_off", 60)]


def test_a_note_without_length_ends_behind_its_start() -> None:
    track = parse(header() + chunk(b"\0\x90\x3c\x50\0\x80\x3c\0" + END)).tracks[0]
    assert [message.type for message in track] == ["note_on", "note_off", "end_of_track"]


def test_tempos_of_any_track_turn_ticks_into_seconds() -> None:
    tempo = b"\x60\xff\x51\3\x0f\x42\x40" + END  # one second a beat, from the second beat on
    file = parse(header(tracks=2) + chunk(b"\x81\x40" + C[1:] + END) + chunk(tempo))
    assert [seconds for seconds, message in timed(file) if not message.is_meta] == [1.5, 2.5]


def test_only_files_that_keep_to_the_format_are_plain() -> None:
    good = header() + chunk(C + END)
    assert plain(good)
    odd = [
        b"RIFF" + good,
        header(tracks=2) + chunk(C + END),
        header() + chunk(C + END, size=7),
        header(kind=2) + chunk(C + END),
        header(division=0) + chunk(C + END),
        header() + chunk(C),
        header() + chunk(C + END) + b"?",
        header() + chunk(b"\0\xf0\2\x7e\1\0\xf7\2\1\xf7\0\xf7\1\xf7" + C + END),
        header() + chunk(C[:4] + b"\0\xf0\3\x7e\1\xf7\x60\x3c\0" + END),
        header() + chunk(b"\0\xb1\0\x78" + C + END),
        header() + chunk(C + b"\0\xb1\7\x64\x83\x60\xb1\0\x78" + END),
        header() + chunk(b"\0\xf0\2\x7e\1" + C + END),
    ]
    assert [data for data in odd if plain(data)] == []


def test_times_and_tempos_that_look_like_odd_messages_are_plain() -> None:
    marks = [
        b"\x81\xb0\0\x78\x40",  # a time of 81 b0 00, and the key 78
        b"\xf7\x40\x3c\x50",
        b"\0\xff\x51\3\xf7\x10\x20\0\x3c\0",
        b"\0\xc0\7\x81\xf0\1\5\0\xff\x51\3\xb0\0\x78\xf7\1\6",
    ]
    assert [data for mark in marks if not plain(data := header() + chunk(C[:4] + mark + END))] == []


SCRAPS = st.sampled_from(
    (b"MTrk", b"MThd", END, C, b"\xff\x51\3", b"\xf0", b"\xff\xff\xff\xff", b"\0\0\0\6", b"\x90", b"\xff\x03")
)


@given(st.lists(st.one_of(st.binary(max_size=12), SCRAPS), max_size=20))
def test_any_bytes_are_read_or_refused_and_times_never_run_back(scraps: list[bytes]) -> None:
    data = header() + b"".join(scraps)
    try:
        file = parse(data)
    except MidiFileError:
        return
    assert all(message.time >= 0 for track in file.tracks for message in track)
    assert all(one[0] <= other[0] for one, other in pairwise(timed(file)))
    for track in file.tracks:
        assert all(end >= start for voice in voices_of(track) for start, end, *_ in voice.spans)
