"""The page's process, seen from outside: where it is served, whether it can be, and how it is started.

Imports nothing that is slow, so that the keys sound first.
"""

import errno
import io
import ipaddress
import os
import socket
import subprocess
import sys
from importlib.util import find_spec

import msgspec

from live.errors import FailureError, UsageError
from live.ipc.link import Address

PAGE_VARIABLE = "TWOBAR_PAGE"
NEEDED = ("starlette", "uvicorn", "websockets", "segno")
NOT_INSTALLED = "the page needs packages that are not installed: get them with pip install 'twobar[page]'"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 9080
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  named here to be told apart


class PageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a page is served.

    Attributes:
        host, port: where it listens.
        engine: whose instrument it shows; None for the explorer alone.
        token: that a browser must show, "" for none: only this machine can come in.
        model: that the explorer starts with.
        soundfont: path of the one that browsers may play with, "" for the default one.
        ready: whether a line on stdout says when it is served.
        start_nanos: `time.monotonic_ns()` from which `ready` counts.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    engine: Address | None = None
    token: str = ""
    model: str = ""
    soundfont: str = ""
    ready: bool = False
    start_nanos: int = 0

    @property
    def url(self) -> str:
        """What to type into a browser, with the token where one is asked for."""
        host = reachable_host() if self.host in EVERYWHERE else self.host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def page_options(host: str, port: int) -> PageOptions:
    """Return the options of a page that can be served there: port 0 becomes a free one.

    Raises:
        FailureError: a package is missing, the port is busy, or the host is not this machine's.
    """
    check_installed()
    number = free_port(host, port)
    return PageOptions(host=host, port=number, token="" if is_loopback(host) else os.urandom(9).hex())


def check_installed() -> None:
    """Refuse to go on without the extra's packages; raises FailureError."""
    if any(find_spec(name) is None for name in NEEDED):
        raise FailureError(NOT_INSTALLED)


def read_place(text: str) -> tuple[str, int]:
    """Return the host and the port of "HOST:PORT", where either may be left away.

    Raises:
        UsageError: it is neither.
    """
    host, colon, port = text.strip().rpartition(":")
    if text.strip().isdecimal():
        host, port = "", text.strip()
    elif not colon or text.strip().endswith("]"):
        host, port = text.strip(), ""
    host = host.removeprefix("[").removesuffix("]") or DEFAULT_HOST
    number = int(port) if port.isdecimal() and port.isascii() else -1 if port else DEFAULT_PORT
    if not 0 <= number <= 65535 or any(each.isspace() or each in "/@?#" for each in host):
        raise UsageError(
            f"--page takes HOST:PORT, as {DEFAULT_HOST}:{DEFAULT_PORT}, ports from 0 to 65535, not '{text}'"
        )
    return host, number


def free_port(host: str, port: int) -> int:
    """Return the port if nobody listens there, for 0 a free one.

    Raises:
        FailureError: somebody does, or the host is not this machine's.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        with socket.socket(family, kind, protocol) as trial:
            if os.name == "posix":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            number: int = trial.getsockname()[1]
    except (OSError, UnicodeError) as error:
        busy = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        allowed = not (isinstance(error, OSError) and error.errno == errno.EACCES)
        reason = (
            f"another program listens there; choose another port, as --page {host}:{port + 1}"
            if busy
            else "that host is not this machine's"
            if allowed
            else "that port is the system's; choose one from 1024 on"
        )
        raise FailureError(f"the page cannot be served on {place}: {reason}") from None
    return number


def drawn_code(url: str) -> str:
    """Return an address as a QR code for a terminal, with the address below it."""
    import segno  # noqa: PLC0415  only whom others may reach waits for it

    picture = io.StringIO()
    segno.make(url, error="m").terminal(picture, border=2, compact=True)
    return f"{picture.getvalue()}\n{url}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host's ports."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def reachable_host() -> str:
    """Return the address by which others in the network most likely reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of no one (RFC 5737), and nothing is sent: the route tells
            host: str = probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
    return host


def spawn_page(options: PageOptions, *, quiet: bool = True) -> "subprocess.Popen[bytes]":
    """Start a page's process; quiet, nothing of it reaches this process's terminal."""
    stream = subprocess.DEVNULL if quiet else None
    return subprocess.Popen(
        [sys.executable, "-m", "live.page"],
        env={**os.environ, PAGE_VARIABLE: msgspec.json.encode(options).decode()},
        stdin=subprocess.DEVNULL,
        stdout=stream,
        stderr=stream,
        start_new_session=True,
    )


def options_of_page() -> PageOptions:
    """Return the options that whoever started this process left for it."""
    return msgspec.json.decode(os.environ[PAGE_VARIABLE], type=PageOptions)
