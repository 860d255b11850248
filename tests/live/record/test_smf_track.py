"""One track of a MIDI file; whole takes are in test_take.py."""

from hypothesis import given
from hypothesis import strategies as st

from live.record.smf_track import variable_length


@given(st.integers(0, 2**28 - 1))
def test_variable_length_numbers_are_read_back(value: int) -> None:
    data = variable_length(value)
    assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(reversed(data))) == value
    assert [byte >> 7 for byte in data] == [1] * (len(data) - 1) + [0]
    assert len(data) == max(1, -(-value.bit_length() // 7))
