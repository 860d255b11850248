"""Frames that were heard, beside the grid of what was due."""

import random

import pytest

from benchmarks.on_frames import frames_off, longest_stretch, onsets, row

RATE = 48_000
STEP_NANOS = 125_000_160  # no whole number of frames


def played(
    count: int, *, shift: float = 0.3, slower: float = 0.0
) -> tuple[list[dict[str, object]], list[tuple[int, int, str]]]:
    """Return what was sent and what was heard of notes that all lie on their frame."""
    sent, heard = [], []
    for number in range(count):
        due, data = 10**9 + number * STEP_NANOS, (0x91, 60 + number % 3, 90)
        sent.append({"data": list(data), "due_nanos": due})
        heard.append((round(due * RATE / 1e9 * (1 - slower) + shift), due + 20_000, bytes(data).hex()))
    return sent, heard


def test_what_lies_on_its_frame_is_0_off_wherever_the_grid_lies() -> None:
    for shift in (0.0, 0.3, 0.49, 0.9):
        found = onsets(*played(400, shift=shift))
        assert len(found) == 400
        assert set(frames_off(found, RATE)) == {0}


@pytest.mark.parametrize("slower", [2e-7, -9e-7, 5e-6])
def test_a_grid_by_another_second_than_the_hosts_is_still_one(slower: float) -> None:
    assert set(frames_off(onsets(*played(600, slower=slower)), RATE)) == {0}


def test_notes_beside_it_are_found_and_the_others_stay_on_it() -> None:
    sent, heard = played(100)
    heard[40] = (heard[40][0] + 3, heard[40][1], heard[40][2])
    off = frames_off(onsets(sent, heard), RATE)
    assert (off.count(0), off[40]) == (99, 3)
    assert row("x", onsets(sent, heard), RATE, lost_cycles=2).measured == (
        "99.0% on their frame, p99 3, worst 3 frames (n 100)"
    )


def test_a_note_that_was_not_heard_is_left_out_and_shifts_no_other() -> None:
    sent, heard = played(90)
    chance = random.Random(1)
    some = sorted(chance.sample(range(90), 70))
    found = onsets(sent, [heard[number] for number in some])
    assert [one.due_nanos for one in found] == [sent[number]["due_nanos"] for number in some]


def test_the_longest_stretch_lies_between_lost_cycles() -> None:
    sent, heard = played(90)
    heard = [
        (frame + 64 * ((number >= 20) + (number >= 30)), nanos, data)
        for number, (frame, nanos, data) in enumerate(heard)
    ]
    found = onsets(sent, heard)
    stretch = longest_stretch(found, RATE)
    assert stretch == found[30:]
    assert set(frames_off(stretch, RATE)) == {0}
    assert "the longest stretch without: 100.0% (n 60)" in row("x", found, RATE, lost_cycles=2).beside


def test_nothing_heard_is_said() -> None:
    assert row("x", [], RATE, lost_cycles=0).met is False
