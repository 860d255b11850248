"""The supervisor: an end that is asked for at any moment is orderly, and nothing is left behind."""

import os
import queue
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from live.cli.supervision import heartbeat, supervisor
from live.cli.supervision.silencer_process import BY_THEMSELVES
from live.cli.supervision.supervisor import EngineEndedError, Supervisor, orderly_status, suspected
from live.dashboard.drawing.status import standing
from live.engine.guard import CRASHED
from live.ipc import launcher
from live.ipc.jam_memory import Anchor, Base, JamMemory, JamState
from live.ipc.link import new_address
from live.ipc.options import Options
from live.ipc.page_process import page_options
from live.ipc.places import Between, Moved, Point
from live.ipc.snapshot import Notice
from live.settings.schema import Config
from live.timing.bar_lines import BarLines
from live.timing.timeline import Nanos, Tick, Timeline
from model.music.grid import Grid
from model.music.phrase import Note, Phrase

PATIENCE_S = 20.0
DEAF = "import time; time.sleep(60)"
PROCESS = """
import os, sys, threading
from pathlib import Path
from live.ipc.commands import FromDashboard
from live.ipc.link import Switchboard
from live.ipc.messages import Beat, Bye, Hello
from live.ipc.options import received
from live.ipc.snapshot import Notice
options, ending = received(), threading.Event()
{first}
def arrived(link, item):
    if isinstance(item, Hello):
        {hello}
    elif isinstance(item, Bye):
        {bye}
board = Switchboard(options.address, FromDashboard, arrived)
ending.wait(60)
{last}
"""
BEAT = "link.send(Beat(worker=True))"
SHOW = "link.send(Notice(0, 'info', 'back')) if options.revived else None"


def process(*, first: str = "", hello: str = "pass", bye: str = "ending.set()", last: str = "") -> str:
    """Return an engine that does these when it begins, is called, is told to end, and has ended."""
    return PROCESS.format(first=first, hello=hello, bye=bye, last=last)


LISTENS = process()
REMEMBERS = """
import threading
from live.ipc.link import Switchboard
from live.ipc.jam_memory import JamMemory
from live.ipc.messages import Bye, Hello
from live.ipc.options import received
from live.ipc.snapshot import Notice
from tests.live.cli.supervision.test_supervisor import MEMORY
ending = threading.Event()
options = received()
def arrived(link, item):
    if isinstance(item, Hello) and not options.revived:
        link.send(MEMORY)
        link.send(Notice(0, "info", "remembered"))
    elif isinstance(item, JamMemory):
        link.send(Notice(0, "info", "the same" if item == MEMORY else repr(item)))
    elif isinstance(item, Bye):
        ending.set()
board = Switchboard(options.address, Hello | JamMemory | Bye, arrived)
ending.wait(60)
"""
BASE = Base(
    Moved(Point([0.5, -1.0]), cell=3, stray=0.5, number=1, drifting=False, seed=7),
    "played",
    Phrase.of(Grid(2, 3, 4), [Note(0, 60, 90, 2)]),
    1,
)
ANCHOR = Anchor(Between(Point([1.0]), Point([0.0]), 0.5), Phrase(Grid()), (0.25, -0.5))
MEMORY = JamMemory(
    state=JamState(
        knobs={"density": 0.25},
        mode="hold",
        frozen=True,
        muted=[2],
        conditions={"key": "D minor"},
        model="lead",
        model_ident="lead-1",
        metre="3/4",
        base=BASE,
        anchors={"A": ANCHOR},
    ),
    thru=False,
    chosen_model="lead",
    lines=BarLines(Grid(2, 3, 4), Tick(3840), 2, 2, 32),
    timeline=Timeline(Tick(1920), Nanos(10**12), 120.0),
    started=True,
    demo=False,
)
BEATS = process(hello=f"link.send(Notice(0, 'info', 'here')); {BEAT}")
STANDS = process(hello=f"{SHOW}; options.revived or {BEAT}", bye="ending.set() if options.revived else None")
UNPLUGGED = process(
    first="""
if options.revived and not Path(os.environ["PLUG"]).exists():
    sys.exit(sys.stderr.write("twobar: no such keyboard\\n") and 2)
""",
    hello=SHOW,
)
CRASHES = "import sys; sys.exit(70)"
CRASHES_WHEN_CALLED = process(hello="ending.set()", last="sys.exit(70)")
GIVES_UP_WHEN_CALLED = process(hello="ending.set()", last="sys.exit(2)")


def begin(one: Supervisor) -> None:
    one.start()
    one.call()


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Supervisor]]:
    """Make a supervisor whose engine is a script of a few lines, and whose model process only sleeps."""
    made: list[Supervisor] = []

    monkeypatch.setattr(launcher, "WORKER", ("-c", DEAF))

    def make(script: str, notify: Callable[[str], object] = lambda _text: None, **more: Any) -> Supervisor:
        more["notify"] = lambda notice: notify(notice.text)
        monkeypatch.setattr(launcher, "ENGINE", ("-c", script))
        made.append(Supervisor(Options(config=Config(), address=new_address(), headless=True), **more))
        return made[-1]

    yield make
    for one in made:
        one.abandon()
        if one._launcher._said is not None:
            one._launcher._said.close()


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and have little patience."""
    monkeypatch.setattr(supervisor, "WATCH_SECONDS", 0.02)
    for name in ("STANDING_SECONDS", "CLOSING_SECONDS"):
        monkeypatch.setattr(heartbeat, name, 0.2)


def test_an_end_before_the_engine_listens_is_orderly(play: Callable[..., Supervisor]) -> None:
    one = play(DEAF)
    place = Path(one._options.address.place)
    caught: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

    def start() -> None:
        try:
            begin(one)
        except EngineEndedError as ended:
            caught.put(ended)

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    one.end()
    ended = caught.get(timeout=PATIENCE_S)
    assert isinstance(ended, EngineEndedError)
    assert (str(ended), ended.exit_code) == ("", 0)
    one.abandon()
    assert not place.exists()
    assert one._engine is None or one._engine.poll() is not None


def test_an_end_before_anything_was_started_starts_nothing(play: Callable[..., Supervisor]) -> None:
    one = play(DEAF)
    one.end()
    with pytest.raises(EngineEndedError) as caught:
        begin(one)
    assert caught.value.exit_code == 0
    assert one._engine is None


def test_an_end_before_the_first_snapshot_is_orderly(play: Callable[..., Supervisor]) -> None:
    one = play(LISTENS, deliver=lambda _message: None)
    begin(one)
    one.end()
    with pytest.raises(EngineEndedError) as caught:
        one.wait_shown()
    assert (str(caught.value), caught.value.exit_code) == ("", 0)


def test_an_end_is_heeded_and_leaves_nothing(play: Callable[..., Supervisor]) -> None:
    one = play(LISTENS)
    begin(one)
    one.end()
    one.end()
    assert one.wait() == 0
    assert not Path(one._options.address.place).exists()
    assert one._worker._process is not None
    assert one._worker._process.poll() is not None


def test_an_end_while_the_engine_is_started_again_is_orderly(play: Callable[..., Supervisor]) -> None:
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        one.end()  # at the worst moment: the old engine is dead, the new one not there

    one = play(LISTENS, notify=notify)
    begin(one)
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    assert len(notices) == 1


def test_the_memory_of_an_engine_that_died_is_handed_to_the_next(play: Callable[..., Supervisor]) -> None:
    notices: list[str] = []

    def deliver(message: object) -> None:
        assert isinstance(message, Notice), "the memory is no dashboard's business"
        notices.append(message.text)
        if len(notices) == 1:
            assert one._engine is not None
            one._engine.kill()
        else:
            one.end()

    one = play(REMEMBERS, deliver=deliver)
    begin(one)
    assert one.wait() == 0
    assert notices == ["remembered", "the same"]


def test_an_engine_that_keeps_crashing_is_started_again_and_again(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES_SECONDS", (0.0, 0.001, 0.002))
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        if len(notices) == 4:
            one.end()

    one = play(CRASHES_WHEN_CALLED, notify=notify)
    begin(one)
    assert one.wait() == 0
    assert len(notices) == 4
    assert notices[0].endswith("; it is started again")
    assert notices[-1].endswith("; it is started again in 0.002 s")


def plugging_in(folder: Path) -> tuple[list[str], Callable[[str], None]]:
    """Return what is said, and what takes it and plugs the keyboard in after three sentences."""
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        if len(notices) == 3:
            (folder / "plugged").touch()

    return notices, notify


def test_an_engine_that_comes_back_too_early_is_tried_again(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES_SECONDS", (0.0,))
    monkeypatch.setenv("PLUG", str(tmp_path / "plugged"))
    notices, notify = plugging_in(tmp_path)
    one: Supervisor = play(UNPLUGGED, notify=notify, deliver=lambda _message: one.end())
    begin(one)
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    assert notices[1:] == ["the engine could not start again: no such keyboard; it is started again"] * 2


def test_an_engine_that_stands_still_is_killed_and_followed(
    play: Callable[..., Supervisor], watchful: None
) -> None:
    notices: list[str] = []
    one: Supervisor = play(STANDS, notify=notices.append, deliver=lambda _message: one.end())
    begin(one)
    assert one.wait() == 0
    assert notices == [f"the engine stood still and was killed; {BY_THEMSELVES}; it is started again"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing limits an engine's turns")
def test_an_engine_that_its_limit_has_ended_is_said_to_have_been_caught(
    play: Callable[..., Supervisor],
) -> None:
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        one.end()

    one = play(BEATS, notify=notify)
    begin(one)
    assert one._engine is not None
    os.kill(one._engine.pid, signal.SIGVTALRM)
    assert one.wait() == 0
    assert notices == [f"the engine was caught in a loop and was ended; {BY_THEMSELVES}; it is started again"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process does not tell that it was stopped")
def test_an_engine_that_was_stopped_is_killed_before_others_would_be(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "STANDING_SECONDS", 3600.0)
    one: Supervisor = play(process(hello=f"{SHOW}; {BEAT}"), deliver=lambda _message: one.end())
    begin(one)
    while not one._heart.begun:
        one._over.wait(0.01)
    assert one._engine is not None
    os.kill(one._engine.pid, signal.SIGSTOP)
    assert one.wait() == 0
    assert one._options.revived


def test_when_another_engine_plays_the_line_about_the_death_of_the_last_has_gone(
    play: Callable[..., Supervisor],
) -> None:
    lines: list[Notice] = []
    one: Supervisor = play(BEATS)

    def notify(notice: Notice) -> None:
        lines.append(notice)
        if len(lines) == 2:
            one.end()

    one._notify = notify
    begin(one)
    while not one._heart.begun:
        one._over.wait(0.01)
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    assert [(line.level, line.text) for line in lines[1:]] == [("info", "the engine is back")]
    assert standing(lines) == lines[1:]


def test_an_engine_that_stands_still_does_not_hold_up_the_end(
    play: Callable[..., Supervisor], watchful: None
) -> None:
    notices: list[str] = []
    one = play(STANDS, notify=notices.append)
    begin(one)
    while not one._heart.begun:
        one._over.wait(0.01)
    one.end()
    one.end()
    assert one.wait() == 0
    assert notices == [f"the engine stood still at the end and was killed; {BY_THEMSELVES}"]


def test_panic_goes_past_an_engine_that_does_not_beat(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[str] = []
    one = play(DEAF, notify=notices.append)
    one.panic()
    assert notices == []
    monkeypatch.setattr(one._heart, "_still", 1.0)
    monkeypatch.setattr(supervisor, "silenced", lambda *_args, peers: "silence")
    one.panic()
    assert notices == ["panic, past an engine that does not answer: silence"]


def test_the_engine_that_follows_ends_the_notes_and_only_where_none_does_somebody_else_is_asked(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES_SECONDS", (0.0,))
    monkeypatch.setattr(supervisor, "silenced", lambda *_args, peers: f"silence on {peers}")
    monkeypatch.setenv("PLUG", str(tmp_path / "plugged"))
    notices, notify = plugging_in(tmp_path)
    one: Supervisor = play(UNPLUGGED, notify=notify, deliver=lambda _message: one.end())
    one._options = msgspec.structs.replace(one._options, peers=["synth:in"])
    begin(one)
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    failed = "the engine could not start again: no such keyboard"
    assert notices == [
        "the engine died; it is started again",
        f"{failed}; silence on ['synth:in']; it is started again",
        f"{failed}; it is started again",
    ]


def test_before_a_pause_somebody_else_is_asked_to_end_the_notes(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES_SECONDS", (0.001,))
    monkeypatch.setattr(supervisor, "silenced", lambda *_args, peers: f"silence on {peers}")
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        one.end()

    one: Supervisor = play(BEATS, notify=notify)
    one._options = msgspec.structs.replace(one._options, peers=["synth:in"])
    begin(one)
    assert one._engine is not None
    one._engine.kill()
    assert one.wait() == 0
    assert notices == ["the engine died; silence on ['synth:in']; it is started again in 0.001 s"]


def test_what_rings_is_ended_before_a_pause_where_the_engine_that_follows_gave_up_in_order(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "PAUSES_SECONDS", (0.001,))
    monkeypatch.setattr(supervisor, "silenced", lambda *_args, peers: f"silence on {peers}")
    notices: list[str] = []

    def notify(text: str) -> None:
        notices.append(text)
        one.end()

    one: Supervisor = play(GIVES_UP_WHEN_CALLED, notify=notify)
    one._options = msgspec.structs.replace(one._options, peers=["synth:in"], revived=True)
    begin(one)
    assert one.wait() == 0
    (notice,) = notices
    assert notice.startswith("the engine could not start again")
    assert notice.endswith("; silence on ['synth:in']; it is started again in 0.001 s")


def test_the_spare_of_an_engine_that_has_played_for_a_while_takes_its_place(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, watchful: None
) -> None:
    monkeypatch.setattr(supervisor, "SPARE_SECONDS", 0.01)
    one: Supervisor = play(process(hello=f"options.revived or {SHOW}; {BEAT}; {BEAT}"))
    begin(one)
    while (spare := one._launcher._waiting) is None:
        one._over.wait(0.01)
    first = one._engine
    assert first is not None
    first.kill()
    playing = threading.Thread(target=one.wait, daemon=True)
    playing.start()
    while one._engine is first or not one._heart.begun:
        one._over.wait(0.01)
    assert one._engine is spare
    while (third := one._launcher._waiting) is None:
        one._over.wait(0.01)
    assert third is not spare
    one.end()
    playing.join(PATIENCE_S)
    assert third.poll() is not None


def test_a_screen_that_breaks_does_not_stop_the_heart(play: Callable[..., Supervisor]) -> None:
    def deliver(_message: object) -> None:
        raise ZeroDivisionError("in a handler")

    one = play(BEATS, deliver=deliver)
    begin(one)
    while not one._heart.begun:
        one._over.wait(0.01)
    one.end()
    assert one.wait() == 0


def test_memory_that_may_break_engines_is_dropped_bit_by_bit() -> None:
    assert suspected(MEMORY, 1) == MEMORY
    second = suspected(MEMORY, 2)
    assert second is not None
    assert (second.state.base, second.state.anchors, second.timeline) == (None, {}, MEMORY.timeline)
    fourth = suspected(MEMORY, 4)
    assert fourth is not None
    assert (fourth.timeline, fourth.started, fourth.state.knobs) == (None, False, MEMORY.state.knobs)


def test_a_crash_has_one_exit_status() -> None:
    assert supervisor.CRASHED == CRASHED


def test_a_first_engine_that_crashes_is_reported(play: Callable[..., Supervisor]) -> None:
    with pytest.raises(EngineEndedError, match="ended at once with status 70") as caught:
        begin(play(CRASHES))
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("always", [False, True])
def test_a_first_engine_that_a_signal_ends_is_tried_again_once(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, always: bool
) -> None:
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    ends = """
begun = Path(os.environ["BEGUN"])
if not begun.exists() or len(begun.read_text()) < {limit}:
    with begun.open("a") as file:
        file.write("+")
    os.kill(os.getpid(), 11)
"""
    one: Supervisor = play(process(first=ends.format(limit=9 if always else 1)))
    if always:
        with pytest.raises(EngineEndedError, match="ended at once with status -11"):
            begin(one)
    else:
        begin(one)
    assert (tmp_path / "begun").read_text() == ("++" if always else "+")


def test_a_first_engine_that_a_signal_ends_while_it_opens_its_ports_is_tried_again(
    play: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BEGUN", str(tmp_path / "begun"))
    opens = """
        from tests.fakes.snapshots import scene
        begun = Path(os.environ["BEGUN"])
        link.send(scene()) if begun.exists() else (begun.touch(), os.kill(os.getpid(), 11))
"""
    one: Supervisor = play(process(hello=opens.strip()), deliver=lambda _message: None)
    begin(one)
    one.wait_shown()
    one.end()
    assert one.wait() == 0


@pytest.mark.parametrize(("status", "code"), [(0, 0), (-15, 0), (-9, 0), (1, 1), (2, 2), (70, 1)])
def test_the_status_of_a_session_that_was_asked_to_end(status: int, code: int) -> None:
    assert orderly_status(status) == code


def served(url: str) -> None:
    """Wait until a page is there."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            threading.Event().wait(0.05)
    raise AssertionError(url)


def test_a_page_that_is_killed_is_served_again(play: Callable[..., Supervisor]) -> None:
    one = play(BEATS)
    page = msgspec.structs.replace(page_options("127.0.0.1", 0), engine=one._options.address)
    one._options = msgspec.structs.replace(one._options, page=page)
    begin(one)
    served(page.url)
    first = one._page._process
    assert first is not None
    first.kill()
    first.wait(PATIENCE_S)
    served(page.url)
    assert one._page._process is not first
    one.end()
