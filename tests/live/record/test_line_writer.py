"""Lines to a pipe that nobody reads."""

import os

import pytest

from live.devices.stderr import stderr_diverted
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


def test_who_begins_while_standard_error_is_diverted_writes_to_it_all_the_same(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with stderr_diverted() as lines:
        writer = LineWriter(2)
    writer("the sound server has gone")
    writer.close()
    assert lines == []
    assert capfd.readouterr().err == "the sound server has gone\n"
