"""Attaching to an instrument that plays, and ending it."""

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.cli import jam as jam_command
from live.cli.jam import attach
from live.errors import FailureError, UsageError
from live.ipc.commands import FromDashboard, Quit
from live.ipc.link import Switchboard, new_address
from live.ipc.messages import Bye
from live.ipc.session import write_session

PATIENCE_S = 20.0


@pytest.fixture
def deaf_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.SimpleQueue[Any]]:
    """An engine that takes everything and does nothing."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    received: queue.SimpleQueue[Any] = queue.SimpleQueue()
    board = Switchboard(new_address(), FromDashboard, lambda link, item: received.put((link, item)))
    write_session(board.address)
    yield received
    board.close()


def test_an_instrument_that_does_not_end_is_reported(
    deaf_engine: "queue.SimpleQueue[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jam_command, "END_PATIENCE_SECONDS", 0.05)
    with pytest.raises(
        FailureError, match=rf"still runs after 0.05 seconds; end it with: kill {os.getpid()}$"
    ):
        attach(end=True)


def test_an_instrument_has_ended_when_its_process_is_gone(deaf_engine: "queue.SimpleQueue[Any]") -> None:
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(attach(end=True)), daemon=True).start()
    deaf_engine.get(timeout=PATIENCE_S)
    link, command = deaf_engine.get(timeout=PATIENCE_S)
    assert command == Quit(source="attach")
    link.send(Bye())  # it says so first, and closes its files then
    assert done.empty()
    link.close()
    assert done.get(timeout=PATIENCE_S) == 0


def test_no_instrument_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="no instrument is playing"):
        attach(end=True)
