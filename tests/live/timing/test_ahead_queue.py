"""What was given ahead: in which order it leaves, and what is taken back."""

import pytest

from live.timing.ahead_queue import AheadQueue
from live.timing.midi_bytes import control, note_off, note_on
from live.timing.timeline import Nanos

CLOCK, START, STOP = b"\xf8", b"\xfa", b"\xfc"


def left(queue: AheadQueue, before: int = 1_000) -> list[bytes]:
    """Take what leaves at once, then what is due before a moment, as a driver does."""
    found = []
    while (data := queue.take_now()) is not None:
        found.append(data)
    while (planned := queue.take_due(before)) is not None:
        found.append(planned.data)
    return found


def test_messages_leave_in_the_order_of_their_moments_and_equal_ones_as_they_were_given() -> None:
    queue = AheadQueue()
    later = [(20, note_on(2, 61, 90)), (10, note_off(2, 60)), (10, note_on(2, 60, 90)), (30, note_off(2, 61))]
    for due, data in later:
        queue.later(data, Nanos(due))
    queue.now(note_on(1, 40, 90))
    assert queue.next_due() == 10
    assert left(queue, before=30) == [note_on(1, 40, 90), later[1][1], later[2][1], later[0][1]]
    assert left(queue, before=31) == [note_off(2, 61)]
    assert not queue
    assert queue.next_due() is None


def test_nothing_is_due_before_its_moment() -> None:
    queue = AheadQueue()
    queue.later(CLOCK, Nanos(500))
    assert queue.take_due(500) is None
    assert queue
    assert queue.take_due(501) is not None


@pytest.mark.parametrize("end", [note_off(2, 60), note_on(2, 60, 0), control(2, 120, 0), control(2, 123, 0)])
def test_what_ends_a_key_now_takes_back_its_beginning_and_leaves_its_end(end: bytes) -> None:
    queue = AheadQueue()
    queue.later(note_on(2, 60, 90), Nanos(10))
    queue.later(note_off(2, 60), Nanos(20))
    queue.later(note_on(3, 60, 90), Nanos(10))
    queue.now(end)
    queue.later(note_on(2, 60, 70), Nanos(30))  # begins after the end
    assert left(queue) == [end, note_on(3, 60, 90), note_off(2, 60), note_on(2, 60, 70)]


def test_a_stop_takes_back_the_clock_and_nothing_else() -> None:
    queue = AheadQueue()
    for data in (CLOCK, START, note_on(2, 60, 90)):
        queue.later(data, Nanos(10))
    queue.now(STOP)
    queue.later(START, Nanos(20))
    assert left(queue) == [STOP, note_on(2, 60, 90), START]


def test_what_could_not_leave_is_the_next_to_leave() -> None:
    queue = AheadQueue()
    queue.now(note_on(1, 1, 1))
    queue.later(note_on(2, 2, 2), Nanos(10))
    data, planned = queue.take_now(), queue.take_due(100)
    assert data is not None
    assert planned is not None
    queue.put_first(data)
    queue.put_back(planned)
    assert left(queue) == [note_on(1, 1, 1), note_on(2, 2, 2)]
