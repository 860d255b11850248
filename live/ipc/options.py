"""What the supervisor tells an engine when it starts one: one JSON text on its standard input.

Tested in tests/live/cli/supervision/test_supervisor.py.
"""

import sys

import msgspec

from live.ipc.link import Address
from live.ipc.page_process import PageOptions
from live.settings.schema import Config


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """A jam as the command line asked for it.

    Attributes:
        config: settings, the command line's options already in them.
        address: where the engine listens.
        headless: no dashboard; ready lines on stdout; ends with its supervisor.
        demo: "on", "off", or "auto": when no keyboard is there.
        duration_s: ends by itself so many seconds after `start_nanos`; None never.
        log: path of the event log, which is appended to; "" none.
        record: path of the take, "" for one in the take folder.
        instance: file that tells `twobar attach` where the engine is, "" none; its writer, who is not the
            engine, removes it at the end, or else the next `twobar attach` that finds nobody there.
        saves: path of the file that the jam is saved in, "" none; the supervisor's business.
        revived: whether an engine before this one died, with notes perhaps sounding.
        model: that was chosen while that one played, "" for the settings' own.
        peers: ports of others that its virtual output was connected with,
        sources: and its virtual input.
        page: how the page is served; None for no page.
        start_nanos: `time.monotonic_ns()` at which the command began.
    """

    config: Config
    address: Address
    headless: bool = False
    demo: str = "auto"
    duration_s: float | None = None
    log: str = ""
    record: str = ""
    instance: str = ""
    saves: str = ""
    revived: bool = False
    model: str = ""
    peers: list[str] = []
    sources: list[str] = []
    start_nanos: int = 0
    page: PageOptions | None = None


def encoded(options: Options) -> bytes:
    """Return the text."""
    return msgspec.json.encode(options)


def received() -> Options | None:
    """Return the options that come on standard input; None where whoever was to write them has gone."""
    text = sys.stdin.buffer.read()
    return msgspec.json.decode(text, type=Options) if text else None
