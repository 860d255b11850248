"""Every drum key has a lane."""

from hypothesis import given
from hypothesis import strategies as st

from live.dashboard.drawing import drum_lanes


@given(st.integers(0, 127), st.integers(1, 5))
def test_every_drum_key_has_a_lane(pitch: int, lanes: int) -> None:
    lane = drum_lanes.lane_of(pitch, lanes)
    assert lane is not None
    assert 0 <= lane < lanes
    assert len(drum_lanes.lane_name(lane, lanes)) == 2
