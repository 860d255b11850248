"""Bytes into messages, as MIDI 1.0 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.devices.parser import MessageParser


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        ("903c40", ["903c40"]),
        ("903c40 3e41 4042", ["903c40", "903e41", "904042"]),  # running status
        ("c005 06", ["c005", "c006"]),
        ("90f83c40", ["f8", "903c40"]),  # clock inside a message
        ("903cfe40", ["fe", "903c40"]),
        ("f00102f7903c40", ["903c40"]),  # sysex
        ("f0f80102f7", ["f8"]),
        ("f00102903c40", ["903c40"]),  # sysex cut short by a status
        ("903c40f001f73c40", ["903c40"]),  # sysex ends running status
        ("3c40", []),  # data that belongs to nothing
        ("903c803c40", ["803c40"]),  # a message cut short
        ("f7903c40", ["903c40"]),
        ("f20102f6f105f302", ["f20102", "f6", "f105", "f302"]),
        ("f4f5f9fd", []),  # undefined
        ("f07f7f010121020304f7", ["f07f7f010121020304f7"]),  # a full frame of time code
        ("f07ff87f010121020304f7903c40", ["f8", "f07f7f010121020304f7", "903c40"]),
        ("f07f7f010121020304903c40", ["903c40"]),  # one that is cut short
        ("f07f7f01012102030405f7", []),  # and one that is none
        ("803c40", ["803c40"]),  # a note-off without its note-on is for others to judge
    ],
)
def test_streams(stream: str, messages: list[str]) -> None:
    data = bytes.fromhex(stream)
    assert [message.hex() for message in MessageParser().feed(data)] == messages
    parser = MessageParser()
    assert [m.hex() for byte in data for m in parser.feed([byte])] == messages


channel_messages = st.one_of(
    st.tuples(st.integers(0x80, 0xBF), st.integers(0, 127), st.integers(0, 127)).map(bytes),
    st.tuples(st.integers(0xC0, 0xDF), st.integers(0, 127)).map(bytes),
    st.tuples(st.integers(0xE0, 0xEF), st.integers(0, 127), st.integers(0, 127)).map(bytes),
    st.tuples(st.just(0xF2), st.integers(0, 127), st.integers(0, 127)).map(bytes),
)


@given(st.binary(), st.lists(channel_messages), st.data())
def test_after_any_garbage_messages_come_out_as_they_went_in(
    garbage: bytes, messages: list[bytes], data: st.DataObject
) -> None:
    parser = MessageParser()
    for message in parser.feed(garbage):
        assert message[0] >= 0x80
        assert all(byte < 0x80 for byte in message[1:])
    stream = bytearray(b"".join(messages))
    for place in data.draw(st.lists(st.integers(0, len(stream)), max_size=5)):
        stream[place:place] = b"\xf8"
    parsed = parser.feed(bytes(stream))
    assert [message for message in parsed if message != b"\xf8"] == messages


@pytest.mark.parametrize(
    ("stream", "broken"),
    [
        ("90 3c 40 80 3c 40", 0),
        ("90 3c 40 3e 41 f8 3f 42", 0),
        ("f0 7e 7f 06 01 f7 90 3c 40", 0),
        ("90 3c 80 3c 40", 1),
        ("3c 40 90 3c 40", 2),
        ("f0 01 90 3c 40 f7 22", 1),
    ],
)
def test_what_was_lost_before_it_came_here_is_counted(stream: str, broken: int) -> None:
    parser = MessageParser()
    parser.feed(bytes.fromhex(stream))
    assert parser.broken == broken
