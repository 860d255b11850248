"""The commands `jam` and `attach`: settings, supervisor, dashboard, and sentences for the human."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from live.cli import sessions
from live.cli.group import Begun
from live.cli.offline.parameters import MIDI_SUFFIXES, check_suffix
from live.cli.sessions import Opened
from live.cli.supervision.screen import keep_shown
from live.cli.supervision.signals import EndSignals, lead_panic_to
from live.cli.supervision.supervisor import Supervisor
from live.dashboard.inbox import Inbox
from live.devices import ableton_link
from live.errors import FailureError, UsageError, unknown
from live.ipc.commands import Panic, Quit
from live.ipc.instances import Instance, instances, write_instance
from live.ipc.launcher import Launcher, has_screen
from live.ipc.link import Address, Link, call, new_address
from live.ipc.messages import Bye
from live.ipc.options import Options
from live.ipc.page_process import PageOptions, drawn_code, page_options, read_place
from live.ipc.snapshot import Notice, ToDashboard
from live.record import event_log
from live.session import folder
from live.session.keeper import SessionKeeper
from live.settings.config import OPTIONS, check_model, load, with_options
from live.settings.schema import Config, PageSettings
from model.files import as_text, readable

PATHS = frozenset(("config", "log", "mapping", "model", "record", "soundfont"))
NAMES = frozenset(("inputs", "outputs", "soundfont"))  # of which "" is none
SCREEN_PATIENCE_SECONDS = 3.0
WITHOUT_SCREEN = "the music goes on; `twobar attach` opens another screen, Ctrl-C ends the jam"
LONGEST_SECONDS = 1_000_000_000  # of a jam that ends by itself: 31 years, and the clock's numbers hold it
END_PATIENCE_SECONDS = 15.0  # for a long take on a slow disk


def settings(arguments: dict[str, Any]) -> Config:
    """Return the settings of the files and the command line together; raises UsageError."""
    check_texts(arguments)
    config = load(arguments["config"])
    if arguments["page"] is not None:
        place = arguments["page"]
        host, port = read_place(place) if place else (config.page.host, config.page.port)
        config = msgspec.structs.replace(config, page=PageSettings(enabled=True, host=host, port=port))
    chosen = {name: arguments[name] for name in OPTIONS if name in arguments and name != "record"}
    chosen |= {name: _text(arguments[name]) for name in ("model", "mapping", "soundfont")}
    chosen |= {"input": arguments["inputs"] or None, "output": arguments["outputs"] or None}
    if arguments["temperature"] is None and arguments["headless"]:
        chosen["temperature"] = 0.0
    return with_options(config, **chosen)


def _text(path: str | None) -> str | None:
    return None if path is None else as_text(path)


def check_texts(arguments: Mapping[str, object]) -> None:
    """Refuse names that are empty, and options other than paths whose bytes are no UTF-8."""
    for name, value in arguments.items():
        option = {"inputs": "in", "outputs": "out"}.get(name, name.replace("_", "-"))
        for text in value if isinstance(value, tuple) else (value,):
            if text == "" and name in NAMES:
                raise UsageError(f"--{option} takes a name, and '' is none")
            try:
                str(text).encode()
            except UnicodeEncodeError:
                if name in PATHS:
                    continue
                shown = readable(str(text))
                raise UsageError(f"--{option}: '{shown}' is not written in UTF-8; use another name") from None


def jam(arguments: dict[str, Any], *, begun: Begun, signals: EndSignals) -> int:
    """Run a jam from the command line's options, until a signal or more; returns the exit status."""
    config = settings(arguments)
    if arguments["duration"] is not None and not 0 <= arguments["duration"] <= LONGEST_SECONDS:
        raise UsageError(
            f"--duration must be a number of seconds from 0 to {LONGEST_SECONDS}, "
            f"not {arguments['duration']:g}"
        )
    if arguments["record"] is not None:
        check_suffix(arguments["record"], MIDI_SUFFIXES, option="--record")
    headless = arguments["headless"] or not has_screen()
    if headless and not arguments["headless"]:
        sys.stderr.write("twobar: standard output or error is no terminal, so there is no dashboard\n")
    check_model(config.jam.model)
    if config.midi.clock == "link":
        ableton_link.check_installed()
    check_keymap(config.dashboard.keymap)
    with sessions.opened(arguments, config, headless=headless) as opened:
        return _jam(arguments, opened, headless=headless, begun=begun, signals=signals)


def _jam(
    arguments: dict[str, Any], opened: Opened, *, headless: bool, begun: Begun, signals: EndSignals
) -> int:
    config = opened.config
    log = event_log.begin(arguments["log"]) if arguments["log"] else None
    address = new_address()
    page, without_page = page_of(config, address, headless=headless, start_nanos=begun.start_nanos)
    options = Options(
        config=config,
        model=opened.model,
        saves=opened.path,
        address=address,
        headless=headless,
        demo="on" if arguments["demo"] else "off" if headless else "auto",
        duration_s=arguments["duration"],
        log=as_text(arguments["log"].absolute()) if arguments["log"] else "",
        record=as_text(arguments["record"].absolute()) if arguments["record"] else "",
        instance=write_instance(address, known_by(opened)),
        start_nanos=begun.start_nanos,
        page=page,
    )
    try:
        remarks = [*opened.remarks, *([without_page] if without_page else [])]
        if headless:
            return _headless(options, signals, opened, remarks, begun.launcher)
        return _on_screen(options, signals, opened, remarks, begun.launcher)
    finally:
        if options.instance:
            Path(options.instance).unlink(missing_ok=True)
        if log is not None:
            log.close()  # until here it was reserved


def known_by(opened: Opened) -> str:
    """Return what a performer knows an instrument by that begins now: session, ports, model, time of day."""
    midi, model = opened.config.midi, opened.model or opened.config.jam.model
    path = Path(opened.path)
    words = [f"session {path.stem}"] if opened.path and not folder.is_unnamed(path) else []
    words += [f"from {' and '.join(midi.inputs)}", f"to {' and '.join(midi.outputs)}"]
    words.append(f"began at {datetime.now().astimezone():%H:%M} with {model}")
    return readable(", ".join(words))


def page_of(
    config: Config, address: Address, *, headless: bool, start_nanos: int
) -> tuple[PageOptions | None, str]:
    """Return how the page is served, None for not at all, and the sentence why it cannot be."""
    if not config.page.enabled:
        return None, ""
    try:
        page = page_options(config.page.host, config.page.port)
    except FailureError as reason:
        return None, f"{reason}; the instrument plays without a page"
    of_jam = {"engine": address, "model": config.jam.model, "soundfont": config.synth.soundfont}
    return msgspec.structs.replace(page, ready=headless, start_nanos=start_nanos, **of_jam), ""


def check_keymap(keymap: Mapping[str, str]) -> None:
    """Refuse a name of something that no key does."""
    if not keymap:
        return
    from live.dashboard.keys import KEYS  # noqa: PLC0415  only who binds keys anew waits for Textual here

    idents = [key.ident for key in KEYS]
    for name in keymap:
        if name not in idents:
            raise unknown("key", name, idents, where="[dashboard.keymap]")


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads any more
        sys.stderr.write(f"{readable(line)}\n")


def _say_notice(notice: Notice) -> None:
    _say(f"twobar: {notice.text}")


def supervised(
    options: Options,
    opened: Opened,
    notify: Callable[[Notice], None],
    launcher: Launcher,
    *,
    deliver: Callable[[ToDashboard], None] | None = None,
) -> Supervisor:
    """Return the supervisor of a jam, which goes on from its session and saves it."""
    if launcher.quiet != (deliver is not None):
        launcher.close()
        launcher = Launcher(quiet=deliver is not None)
    keeper = None
    if options.saves:
        seed = options.config.jam.seed
        keeper = SessionKeeper(Path(options.saves), seed=seed, spare=opened.spare, say=notify)
        keeper.start()
    return Supervisor(
        options,
        launcher=launcher,
        deliver=deliver,
        notify=notify,
        begins_with=opened.begins_with,
        keeper=keeper,
    )


def _headless(
    options: Options, signals: EndSignals, opened: Opened, remarks: list[str], launcher: Launcher
) -> int:
    for remark in remarks:
        _say(f"twobar: {remark}")
    if options.page is not None and options.page.token:
        _say(drawn_code(options.page.url))
    supervisor = supervised(options, opened, _say_notice, launcher)
    signals.lead_to(supervisor.end, supervisor.panic)
    try:
        supervisor.start()
        supervisor.call()
    except BaseException:
        supervisor.abandon()
        raise
    return supervisor.wait()


def _on_screen(
    options: Options, signals: EndSignals, opened: Opened, remarks: list[str], launcher: Launcher
) -> int:
    inbox = Inbox()
    closed = threading.Event()

    def notify(notice: Notice) -> None:
        if closed.is_set():
            _say_notice(notice)
        else:
            inbox.put(notice)

    supervisor = supervised(options, opened, notify, launcher, deliver=inbox.put)
    signals.lead_to(supervisor.end, supervisor.panic)
    try:
        supervisor.start()
        from live.dashboard.app import Dashboard  # noqa: PLC0415  Textual is loaded while the engine starts

        supervisor.call()
        supervisor.wait_shown()
    except BaseException:
        supervisor.abandon()
        raise
    for remark in remarks:
        inbox.put(Notice(time.monotonic_ns(), "warning", remark))
    if options.page is not None:
        inbox.put(Notice(time.monotonic_ns(), "info", f"the page: {options.page.url}"))
    status: list[int] = []

    def watch() -> None:
        status.append(supervisor.wait())
        inbox.put(Bye())
        if not closed.wait(SCREEN_PATIENCE_SECONDS):
            # its terminal was closed under it: Textual waits for ever to write there
            Path(options.instance).unlink(missing_ok=True)
            os._exit(status[0])

    code = drawn_code(options.page.url) if options.page is not None and options.page.token else ""

    def screen() -> Dashboard:
        inbox.connect(None)  # from the one that has failed
        keymap = options.config.dashboard.keymap
        return Dashboard(inbox, supervisor.send, on_quit=supervisor.end, keymap=keymap, code=code)

    watcher = threading.Thread(target=watch, name="supervise", daemon=True)
    watcher.start()
    failed = keep_shown(screen, ending=lambda: supervisor.ending, notify=notify)
    closed.set()
    inbox.connect(None)
    if failed:
        _say(f"twobar: the screen keeps failing ({failed}); {WITHOUT_SCREEN}")
    else:
        supervisor.end()
    watcher.join()
    for line in supervisor.last_words():
        _say(line)
    return status[0] if status else 0


def chosen(found: list[Instance], pid: int | None, ask: Callable[[str], str] | None) -> Instance:
    """Return the instrument that is meant.

    Args:
        found: those that play.
        pid: number of the process that started it, None for the only one there is.
        ask: puts a question to the human, None where there is none.

    Raises:
        UsageError: it is not there, or it is not said which.
    """
    if not found:
        raise UsageError("no instrument is playing on this machine; start one with `twobar jam`")
    by_pid = {instance.pid: instance for instance in found}
    listed = ", ".join(map(str, found))
    if pid is None and len(found) == 1:
        return found[0]
    if pid is None and ask is not None:
        lines = "".join(f"\n  {instance.pid}  {instance.about}" for instance in found)
        answer = ask(f"{len(found)} instruments are playing, newest first:{lines}\nWhich (its number)? ")
        pid = int(answer) if answer.strip().isdecimal() else 0
    if pid is None:
        raise UsageError(f"{len(found)} instruments play; choose one with --pid, newest first: {listed}")
    if pid not in by_pid:
        raise UsageError(f"no instrument has the number {pid}; there is: {listed}")
    return by_pid[pid]


def asked(question: str) -> str:
    """Put a question to the human; an empty answer where there is none."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def attach(*, end: bool = False, pid: int | None = None) -> int:
    """Show the dashboard of a running instrument, or end it; leaving lets the music go on."""
    instance = chosen(instances(), pid, asked if has_screen() and sys.stdin.isatty() else None)
    try:
        link = call(instance.address, "dashboard", ToDashboard)
    except OSError:
        raise UsageError("the instrument has just ended; start one with `twobar jam`") from None
    if end:
        return _end(link, instance)
    if not has_screen():
        link.close()
        raise UsageError(
            "a dashboard needs a terminal; `twobar attach --end` ends the instrument without one"
        )
    from live.dashboard.app import Dashboard  # noqa: PLC0415  only when there is something to show

    inbox = Inbox()
    screens: list[Dashboard] = []

    def screen() -> Dashboard:
        inbox.connect(None)  # from the one that has failed
        screens.append(Dashboard(inbox, link.send))
        return screens[-1]

    def read() -> None:
        while (message := link.receive()) is not None:
            inbox.put(message)
            if isinstance(message, Bye):
                return
        for last in screens[-1:]:
            last.lost("the engine has gone")

    threading.Thread(target=read, name="read", daemon=True).start()
    lead_panic_to(lambda: link.send(Panic(source="signal")))
    failed = keep_shown(screen, ending=lambda: not link.open, notify=inbox.put)
    link.close()
    if failed:
        raise FailureError(f"the screen keeps failing ({failed}); the music goes on")
    return 0


def _end(link: Link[Any], instance: Instance) -> int:
    """Tell an instrument to end and wait until it has: its process is gone, its files are closed."""
    link.send(Quit(source="attach"))
    gone = threading.Event()

    def read() -> None:
        while link.receive() is not None:
            pass  # snapshots, and its goodbye
        gone.set()

    threading.Thread(target=read, name="read", daemon=True).start()
    in_time = gone.wait(END_PATIENCE_SECONDS)
    link.close()
    if not in_time:
        raise FailureError(
            f"the instrument was told to end, but still runs after {END_PATIENCE_SECONDS:g} seconds; "
            f"end it with: kill {instance.pid}"
        )
    sys.stdout.write(f"ended {instance}\n")
    return 0
