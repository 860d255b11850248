"""Clicks in recorded sound: found where they begin, and measured beside an even grid."""

import numpy as np
import pytest

from benchmarks.audio import BPM, beside_grid, onsets
from benchmarks.jack_server import DEFAULT_PERIOD
from tests.fakes.jack_harness import SAMPLE_RATE

BEAT = SAMPLE_RATE * 60 // BPM


def test_a_click_begins_where_it_is_loud_after_silence() -> None:
    sound = np.full((4 * BEAT, 2), 1e-3, np.float32)
    for number in range(4):
        sound[number * BEAT + 100 : number * BEAT + 900, number % 2] = 0.5 - 0.1 * number
    assert onsets(sound) == [
        number * BEAT + 100 for number in (1, 2, 3)
    ]  # what lies before the first is unknown


def test_a_block_to_and_fro_is_half_a_block_and_a_slower_sound_card_nothing() -> None:
    heard = [round(number * BEAT * 1.0001) + 64 * (number % 2) for number in range(100)]
    late_ms = beside_grid(heard)
    assert max(late_ms) == pytest.approx(32e3 / SAMPLE_RATE, abs=0.05)


def test_over_a_lost_cycle_nothing_is_compared() -> None:
    heard = [number * BEAT - DEFAULT_PERIOD * (number > 30) for number in range(100)]
    late_ms = beside_grid(heard)
    assert len(late_ms) == 69
    assert max(late_ms) == pytest.approx(0.0, abs=1e-6)
