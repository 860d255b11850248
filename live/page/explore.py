"""The command `explore`: the page without an instrument, in this process.

Tested in tests/live/page/test_explore.py.
"""

import asyncio
import sys
import webbrowser

import msgspec

from live.cli.jam import check_texts
from live.ipc.page_process import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    PageOptions,
    check_installed,
    drawn_code,
    page_options,
    read_place,
)
from live.settings.config import check_model


def explorer_options(model: str, page: str, port: int | None, *, start_nanos: int) -> PageOptions:
    """Return how the explorer is served; raises TwobarError."""
    check_texts({"model": model, "page": page})
    check_model(model)
    check_installed()
    host, number = read_place(page) if page else (DEFAULT_HOST, DEFAULT_PORT)
    options = page_options(host, number if port is None else port)
    return msgspec.structs.replace(options, model=model, ready=True, start_nanos=start_nanos)


def explore(model: str, page: str, port: int | None, *, show: bool, start_nanos: int) -> int:
    """Serve the explorer until Ctrl-C; returns the exit status."""
    options = explorer_options(model, page, port, start_nanos=start_nanos)
    from live.page.serve import serve  # noqa: PLC0415  a wrong option is told before this is loaded

    if options.token:
        sys.stderr.write(f"{drawn_code(options.url)}\n")
    else:
        sys.stderr.write(f"twobar: open {options.url} in your browser; Ctrl-C ends it\n")
    if show and sys.stdout.isatty():
        webbrowser.open(options.url)
    try:
        return asyncio.run(serve(options))
    except KeyboardInterrupt:
        return 0
