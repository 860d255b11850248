"""Attaching to an instrument that plays, and ending it."""

import io
import os
import queue
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.cli import jam as jam_command
from live.cli.group import run
from live.cli.jam import attach, chosen, known_by
from live.cli.sessions import Opened
from live.command_line import twobar
from live.errors import FailureError, UsageError
from live.ipc.commands import FromDashboard, Panic, Quit
from live.ipc.instances import Instance, write_instance
from live.ipc.link import Address, Switchboard, new_address
from live.ipc.messages import Bye, Hello
from live.ipc.options import Options, encoded, received
from model.files import as_path
from tests.fakes.stage import configured

PATIENCE_S = 20.0


@pytest.fixture
def deaf_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[queue.SimpleQueue[Any]]:
    """An engine that takes everything and does nothing."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    received: queue.SimpleQueue[Any] = queue.SimpleQueue()
    board = Switchboard(new_address(), FromDashboard, lambda link, item: received.put((link, item)))
    write_instance(board.address, "of a test")
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


def test_an_instrument_has_ended_when_its_process_is_gone(
    deaf_engine: "queue.SimpleQueue[Any]", capsys: pytest.CaptureFixture[str]
) -> None:
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=lambda: done.put(attach(end=True)), daemon=True).start()
    deaf_engine.get(timeout=PATIENCE_S)
    link, command = deaf_engine.get(timeout=PATIENCE_S)
    assert command == Quit(source="attach")
    link.send(Bye())  # it says so first, and closes its files then
    assert done.empty()
    link.close()
    assert done.get(timeout=PATIENCE_S) == 0
    assert capsys.readouterr().out == f"ended {os.getpid()} (of a test)\n"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")
def test_a_signal_to_an_attached_screen_is_panic_too(
    deaf_engine: "queue.SimpleQueue[Any]", monkeypatch: pytest.MonkeyPatch
) -> None:
    before, got = signal.getsignal(signal.SIGUSR1), list[Any]()

    def shown(_screen: object, **_more: object) -> str:
        signal.raise_signal(signal.SIGUSR1)
        got.extend(deaf_engine.get(timeout=PATIENCE_S)[1] for _ in range(2))
        return ""

    monkeypatch.setattr(jam_command, "has_screen", lambda: True)
    monkeypatch.setattr(jam_command, "keep_shown", shown)
    try:
        assert attach() == 0
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert isinstance(got[0], Hello)
    assert got[1] == Panic(source="signal")


def test_no_instrument_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="no instrument is playing"):
        attach(end=True)


INSTANCES = [Instance(Address("newest", ""), 42), Instance(Address("older", ""), 7)]


@pytest.mark.parametrize(
    ("found", "pid", "answer", "place"),
    [
        (INSTANCES[1:], None, None, "older"),
        (INSTANCES, 7, None, "older"),
        (INSTANCES, None, "42\n", "newest"),
    ],
)
def test_of_several_instruments_one_is_chosen(
    found: list[Instance], pid: int | None, answer: str | None, place: str
) -> None:
    assert chosen(found, pid, None if answer is None else lambda _question: answer).address.place == place


def test_several_instruments_are_told_apart_by_what_the_performer_knows() -> None:
    config = configured(input=["keystep"], output=["juno", "fluidsynth"])
    about = known_by(Opened("/sessions/tuesday.toml", config, None, False, []))
    assert re.fullmatch(
        r"session tuesday, from keystep, to juno and fluidsynth, began at \d\d:\d\d with keys", about
    )
    assert known_by(Opened("/sessions/last-2.toml", config, None, False, [])).startswith("from keystep, to")
    found, questions = [Instance(Address("newest", ""), 42, about), *INSTANCES[1:]], list[str]()

    def asked(question: str) -> str:
        questions.append(question)
        return "7"

    assert chosen(found, None, asked).pid == 7
    assert questions == [
        f"2 instruments are playing, newest first:\n  42  {about}\n  7  \nWhich (its number)? "
    ]
    with pytest.raises(UsageError) as caught:
        chosen(found, None, None)
    assert str(caught.value) == f"2 instruments play; choose one with --pid, newest first: 42 ({about}), 7"


@pytest.mark.parametrize(
    ("pid", "answer", "sentence"),
    [
        (None, None, "2 instruments play; choose one with --pid, newest first: 42, 7"),
        (8, None, "no instrument has the number 8; there is: 42, 7"),
        (None, "\n", "no instrument has the number 0; there is: 42, 7"),
    ],
)
def test_an_instrument_that_is_not_said_or_not_there(
    pid: int | None, answer: str | None, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(INSTANCES, pid, None if answer is None else lambda _question: answer)
    assert str(caught.value) == sentence


def test_every_option_that_the_settings_take_reaches_them() -> None:
    given = {
        "bpm": 93.0,
        "metre": "3/4",
        "mode": "drift",
        "key": "D minor",
        "vary": 0.4,
        "seed": 7,
        "temperature": 0.2,
    }
    assert (
        jam_command.settings(twobar.commands["jam"].make_context("jam", ["--phrase", "8"]).params).jam.bars
        == 8
    )
    named = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    context = twobar.commands["jam"].make_context("jam", named)
    config = jam_command.settings(context.params)
    assert config.model.key == "D minor"
    assert {name: getattr(config.jam, name) for name in given if name != "key"} == {
        name: value for name, value in given.items() if name != "key"
    }


def test_paths_in_latin_1_reach_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    started: list[Options] = []

    def start(options: Options, *_: object) -> int:
        started.append(options)
        return 0

    monkeypatch.setattr(jam_command, "_headless", start)
    monkeypatch.setattr("live.cli.supervision.signals.EndSignals.install", lambda self: self)
    (tmp_path / os.fsdecode(b"m\xe9.safetensors")).touch()
    names = [os.fsdecode(name) for name in (b"m\xe9.safetensors", b"\xe9.sf2", b"\xe9.mid", b"\xe9.jsonl")]
    model, soundfont, take, log = names
    arguments = ["--model", model, "--soundfont", soundfont, "--record", take, "--log", log]
    assert run(twobar, ["jam", "--headless", *arguments]) == 0
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(encoded(started[0]))))
    options = received()
    assert options is not None
    texts = (options.config.jam.model, options.config.synth.soundfont, options.record, options.log)
    assert [as_path(text).name for text in texts] == names


@pytest.mark.parametrize(
    "option",
    ["--in", "--out", "--session", "--soundfont", "--config", "--log", "--record", "--model", "--key"],
)
def test_a_variable_that_is_not_set_is_no_name(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("live.cli.supervision.signals.EndSignals.install", lambda self: self)
    assert run(twobar, ["jam", "--headless", option, ""]) == 2
    said = capsys.readouterr().err
    assert option in said
    assert "empty" in said or f"{option} takes a name, and '' is none" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--in", "--mode"])
def test_a_name_in_latin_1_is_a_sentence(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = os.fsdecode(b"caf\xe9.mid")
    monkeypatch.setattr("live.cli.supervision.signals.EndSignals.install", lambda self: self)
    assert run(twobar, ["jam", "--headless", option, name]) == 2
    said = capsys.readouterr().err
    assert said == f"twobar: {option}: 'caf?.mid' is not written in UTF-8; use another name\n"
    assert list(tmp_path.iterdir()) == []
