"""The commands `jam` and `attach`: settings, supervisor, dashboard, and what the human is told."""

import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from live.config import Config, load, with_options
from live.errors import UsageError
from live.link import call, new_address
from live.messages import Bye, Command, Notice, ToDashboard
from live.options import Options
from live.supervisor import Supervisor, on_end_signals, sessions, write_session

SCREEN_PATIENCE_SECONDS = 3.0

if TYPE_CHECKING:
    pass


def settings(given: dict[str, Any]) -> Config:
    """Return the settings of the files and the command line together; raises UsageError."""
    config = load(given["config"])
    return with_options(
        config,
        api=given["api"],
        input=list(given["inputs"]) or None,
        output=list(given["outputs"]) or None,
        clock=given["clock"],
        clock_out=given["clock_out"],
        bpm=given["bpm"],
        model=given["model"],
        mapping=given["mapping"],
        mode=given["mode"],
        thru=given["thru"],
        seed=given["seed"],
        temperature=given["temperature"]
        if given["temperature"] is not None
        else (0.0 if given["headless"] else None),
        soundfont=given["soundfont"],
        osc_port=given["osc_port"],
    )


def jam(given: dict[str, Any], *, start_nanos: int) -> int:
    """Run a jam from the command line's options; returns the exit status."""
    config = settings(given)
    if given["duration"] is not None and given["duration"] < 0:
        raise UsageError(f"--duration must be 0 seconds or more, not {given['duration']:g}")
    headless = given["headless"] or not sys.stdout.isatty()
    if headless and not given["headless"]:
        sys.stderr.write("twobar: standard output is no terminal, so there is no dashboard (--headless)\n")
    check_model(config.jam.model)
    address = new_address()
    options = Options(
        config=config,
        address=address,
        headless=headless,
        demo="on" if given["demo"] else "off" if headless else "auto",
        duration_s=given["duration"],
        log=str(given["log"].absolute()) if given["log"] else "",
        record=str(given["record"].absolute()) if given["record"] else "",
        session=write_session(address),
        start_nanos=start_nanos,
    )
    try:
        return _headless(options) if headless else _on_screen(options)
    finally:
        if options.session:
            Path(options.session).unlink(missing_ok=True)


def check_model(name: str) -> None:
    """Refuse a model that is not there; what is in its file is the model process's business."""
    from live.models import shipped_models  # noqa: PLC0415  keep `--help` quick

    known = shipped_models()
    if name in known or Path(name).is_file():
        return
    from live.errors import unknown  # noqa: PLC0415  as above

    raise unknown("model", name, known)


def _headless(options: Options) -> int:
    def told(text: str) -> None:
        sys.stderr.write(f"twobar: {text}\n")

    supervisor = Supervisor(options, told=told)
    on_end_signals(supervisor.end)
    try:
        supervisor.start()
    except BaseException:
        supervisor.abandon()
        raise
    return supervisor.wait()


def _on_screen(options: Options) -> int:
    from live.dashboard import Dashboard, Inbox  # noqa: PLC0415  the engine starts while Textual is imported

    inbox = Inbox()
    app: Dashboard | None = None

    def deliver(message: ToDashboard) -> None:
        if app is not None:
            app.deliver(message)
        else:
            inbox.put(message)

    def told(text: str) -> None:
        deliver(Notice(time.monotonic_ns(), "error", text))

    supervisor = Supervisor(options, deliver=deliver, told=told)
    on_end_signals(supervisor.end)
    try:
        supervisor.start()
        supervisor.wait_shown()
    except BaseException:
        supervisor.abandon()
        raise
    app = Dashboard(inbox, supervisor.send, on_quit=supervisor.end, keymap=options.config.dashboard.keymap)
    status: list[int] = []
    closed = threading.Event()

    def watch() -> None:
        status.append(supervisor.wait())
        app.deliver(Bye())
        if not closed.wait(SCREEN_PATIENCE_SECONDS):
            # its terminal was closed under it: Textual waits for ever to write there
            Path(options.session).unlink(missing_ok=True)
            os._exit(status[0])

    watcher = threading.Thread(target=watch, name="supervise", daemon=True)
    watcher.start()
    app.run(mouse=False)
    closed.set()
    supervisor.end()
    watcher.join()
    return status[0] if status else 0


def attach(*, end: bool = False) -> int:
    """Show the dashboard of the newest running instrument, or end it; leaving lets the music go on."""
    found = sessions()
    if not found:
        raise UsageError("no instrument is playing on this machine; start one with `twobar jam`")
    link = call(found[0].address, "dashboard", ToDashboard)
    if end:
        link.send(Command("quit", source="attach"))
        while not isinstance(link.receive(), Bye | None):
            pass  # snapshots, until it says goodbye or is gone
        return 0
    from live.dashboard import Dashboard, Inbox  # noqa: PLC0415  only when there is something to show

    inbox = Inbox()

    def send(command: Command) -> None:
        link.send(command)

    app = Dashboard(inbox, send)

    def read() -> None:
        while (message := link.receive()) is not None:
            app.deliver(message)
            if isinstance(message, Bye):
                return
        app.lost("the engine has gone")

    threading.Thread(target=read, name="read", daemon=True).start()
    app.run(mouse=False)
    link.close()
    return 0
