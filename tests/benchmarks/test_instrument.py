"""The instrument under measurement is nobody else's."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.instrument import Instrument


class NotStartedError(Exception):
    """The program would have been started here."""


def test_attach_finds_no_instrument_that_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = {}

    def start(*_: object, env: dict[str, str], **__: Any) -> None:
        given.update(env)
        raise NotStartedError

    monkeypatch.setenv("XDG_RUNTIME_DIR", "/of/the/user")
    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(NotStartedError):
        Instrument(tmp_path / "soak", screen=None)
    assert given["XDG_RUNTIME_DIR"] == str(tmp_path / "soak")
