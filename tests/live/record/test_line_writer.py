"""Lines to a pipe that nobody reads."""

import os

from live.record.line_writer import LineWriter


def test_a_full_pipe_keeps_nobody_waiting() -> None:
    reading, writing = os.pipe()
    lines = LineWriter(writing, prefix="twobar: ")
    for _ in range(100):
        lines("x" * 10_000)
    lines("last")
    with os.fdopen(reading, "rb") as read:
        received = [read.readline() for _ in range(101)]
    assert received[-1] == b"twobar: last\n"
    lines.close()
    os.close(writing)
