"""What is written to standard error by C code is caught, and nothing of it reaches the terminal."""

import contextlib
import os

import pytest

from live.devices.stderr import copy_of_stderr, stderr_diverted


def test_what_is_written_meanwhile_is_caught_line_by_line(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_diverted() as lines:
        os.write(2, b"first\n\n  second\n")
        assert lines == []
    os.write(2, b"after\n")
    assert lines == ["first", "second"]
    assert capfd.readouterr().err == "after\n"


def test_an_exception_leaves_standard_error_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(RuntimeError), stderr_diverted() as lines:
        os.write(2, b"caught\n")
        raise RuntimeError
    os.write(2, b"after\n")
    assert lines == ["caught"]
    assert capfd.readouterr().err == "after\n"


def test_who_takes_a_copy_meanwhile_writes_to_standard_error_itself(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with stderr_diverted() as outer:
        with stderr_diverted() as lines:
            copy = copy_of_stderr()
            os.write(copy, b"said\n")
        os.write(copy, b"said on\n")
    os.close(copy)
    assert (lines, outer) == ([], [])
    assert capfd.readouterr().err == "said\nsaid on\n"
