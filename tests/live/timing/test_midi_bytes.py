"""MIDI messages: what each means, and the order of those that are due on one tick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.timing.midi_bytes import (
    Event,
    Rank,
    channel_of,
    control,
    is_channel_message,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
    program,
    rank_of,
    silence,
)
from live.timing.timeline import Tick

CHANNELS = st.integers(1, 16)
SEVEN = st.integers(0, 127)
MESSAGES = st.one_of(
    st.builds(note_on, CHANNELS, SEVEN, SEVEN),
    st.builds(note_off, CHANNELS, SEVEN, SEVEN),
    st.builds(control, CHANNELS, SEVEN, SEVEN),
    st.builds(program, CHANNELS, SEVEN),
    st.sampled_from([b"\xf8", b"\xfa", b"\xfc", b"\xf2\x01\x02"]),
)


@given(CHANNELS, SEVEN, SEVEN)
def test_a_message_says_what_it_was_made_of(channel: int, pitch: int, velocity: int) -> None:
    on, off = note_on(channel, pitch, velocity), note_off(channel, pitch, velocity)
    for data in (on, off, control(channel, pitch, velocity), program(channel, pitch)):
        assert channel_of(data) == channel
        assert data[1] == pitch
        assert all(byte < 0x80 for byte in data[1:])
    assert is_note_on(on) == (velocity > 0)
    assert is_note_off(on) == (velocity == 0)  # running status ends notes so
    assert is_note_off(off)
    assert not is_note_on(off)


@given(st.binary(max_size=5))
def test_no_bytes_are_both_a_start_and_an_end(data: bytes) -> None:
    assert not (is_note_on(data) and is_note_off(data))


@pytest.mark.parametrize(
    ("data", "rank"),
    [
        (b"\xf8", Rank.TRANSPORT),
        (b"\xfa", Rank.TRANSPORT),
        (note_off(1, 60), Rank.NOTE_OFF),
        (note_on(1, 60, 0), Rank.NOTE_OFF),
        (control(1, 64, 0), Rank.CONTROL),
        (b"\xe0\x00\x40", Rank.CONTROL),
        (b"\xd0\x40", Rank.CONTROL),
        (program(1, 5), Rank.PROGRAM),
        (note_on(1, 60, 1), Rank.NOTE_ON),
    ],
)
def test_what_goes_first_on_one_tick(data: bytes, rank: Rank) -> None:
    assert rank_of(data) == rank


EVENTS = st.builds(
    lambda tick, sequence, data: Event(Tick(tick), rank_of(data), sequence, data),
    st.integers(-2, 2),
    st.integers(0, 3),
    MESSAGES,
)


@given(st.lists(EVENTS, max_size=12))
def test_events_sort_by_tick_then_rank_then_planning(events: list[Event]) -> None:
    ordered = sorted(events)
    places = [(event.tick, event.rank, event.sequence) for event in ordered]
    assert places == sorted(places)


def test_silence_ends_every_sound_before_it_brings_controllers_to_rest() -> None:
    messages = silence()
    assert [data[1:].hex(" ") for data in messages[:3]] == ["40 00", "7b 00", "78 00"]
    assert [data[1:].hex(" ") for data in messages[48:51]] == ["79 00", "0b 7f", "00 40"]
    assert [channel_of(data) for data in messages] == 2 * [channel for channel in range(1, 17) for _ in "abc"]
    assert {channel_of(data) for data in silence(range(2, 3))} == {2}


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        ("903c40", True), ("c005", True), ("d040", True), ("e00040", True), ("903c", False),
        ("c00506", False), ("903c80", False), ("90803c", False), ("f20102", False), ("3c40", False),
        ("90", False), ("", False),
    ],
)  # fmt: skip
def test_a_whole_channel_message_has_its_number_of_data_bytes(data: str, *, whole: bool) -> None:
    assert is_channel_message(bytes.fromhex(data)) == whole
