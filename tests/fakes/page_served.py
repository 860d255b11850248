"""A page in a thread with a pretended engine behind it, and how Chromium opens it with pretended MIDI."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from live.ipc.link import Address
from live.ipc.page_process import PageOptions
from live.page.broker import Broker
from live.page.serve import PageServer, application
from tests.fakes.snapshots import scene

SIZES = {"small": (360, 640), "phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
PATIENCE_S = 20.0
FAKE_MIDI = """
window.sent = [];
const input = { id: "in", name: "Fake Keys", state: "connected", onmidimessage: null };
const output = { id: "out", name: "Fake Synth", send: (data, at) => window.sent.push([...data]), clear() {} };
window.fakeKey = (data) => input.onmidimessage({ data, timeStamp: performance.now() });
const access = { inputs: new Map([["in", input]]), outputs: new Map([["out", output]]) };
navigator.requestMIDIAccess = async () => access;
"""


class Served:
    """A page in a thread, behind which there is a pretended engine."""

    def __init__(self, *, soundfont: str = "", port: int = 0, token: str = "") -> None:
        self.sent: list[Any] = []
        self.pages: list[Any] = []
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind(("127.0.0.1", port))
            port = free.getsockname()[1]
        self.options = PageOptions(
            port=port, engine=Address("nowhere", "x"), token=token, model="lead", soundfont=soundfont
        )
        self.broker = Broker(self.sent.append)
        self.loop = asyncio.new_event_loop()
        self.server = PageServer(self.options, application(self.options, self.broker))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.wait(lambda: self.server.started)
        self.call(self.broker.set_connected, True)
        self.call(self.broker.take, scene(nanos=time.monotonic_ns()))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.server._serve())
        self.loop.close()

    def call(self, do: Callable[..., object], *arguments: object) -> None:
        self.loop.call_soon_threadsafe(do, *arguments)

    @staticmethod
    def wait(done: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end
            threading.Event().wait(0.01)

    def got(self, kind: type) -> list[Any]:
        """Wait for something of a kind to reach the engine; return all of it."""
        self.wait(lambda: any(isinstance(each, kind) for each in self.sent))
        return [each for each in self.sent if isinstance(each, kind)]

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)


def opened(
    browser: Any, served: Served, size: str = "desktop", *, midi: bool = True, script: str = ""
) -> Any:
    """Open the page at a size; a script of a test's runs before the page's own."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on("console", lambda line: page.faults.append(line.text) if "Security Policy" in line.text else None)
    page.add_init_script(FAKE_MIDI if midi else "delete Navigator.prototype.requestMIDIAccess;")
    page.add_init_script(script)
    served.pages.append(page)
    page.goto(served.options.url)
    page.wait_for_selector("[data-knob=density]")
    return page
