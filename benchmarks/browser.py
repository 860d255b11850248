"""A keyboard at a browser: from its key to what leaves the instrument, beside a bare WebSocket echo.

Chromium, a pretended MIDI keyboard in it, the page's process and the instrument run on this machine; the
echo answers in the same browser, between the same keys.  Clocks are matched by the page's best ping.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import click

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.instrument import ROOT, playing
from benchmarks.scale import Scale
from tests.fakes.page_served import FAKE_MIDI

BUDGET_MS = 5.0
KEYS_PER_SECOND = 20
PLAYED = """async ([port, count, gap]) => {
  const echo = new WebSocket(`ws://127.0.0.1:${port}`), trips = [], keys = [];
  await new Promise((resolve, reject) => { echo.onopen = resolve; echo.onerror = reject; });
  echo.onmessage = ({ data }) => trips.push(performance.now() - Number(data));
  const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  for (let number = 0; number < count; number++) {
    const pitch = 36 + number % 48;
    keys.push([performance.now(), pitch]);
    fakeKey([0x90, pitch, 80]);
    await rest(gap * (0.2 + 0.3 * Math.random()));
    fakeKey([0x80, pitch, 0]);
    echo.send(String(performance.now()));
    await rest(gap * (0.2 + 0.3 * Math.random()));
  }
  await rest(500);
  const { offset, roundtrip } = window.twobar.link;
  return { keys, trips, offset, roundtrip, shown: document.getElementById("latency").textContent };
}"""


def measure(scale: Scale) -> list[Row]:
    """Measure with a browser that plays."""
    title = "a key at a browser to what leaves twobar, one machine"
    budget = f"p99 <= {BUDGET_MS:g} ms above half a bare echo's way there and back"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or find_spec("playwright") is None:
        return [Row(title, budget, "needs Chromium and playwright")]
    played, sent = _played(scale, chromium)
    strikes = [line["nanos"] for line in sent if line["voice"] == "thru" and line["data"][0] & 0xF0 == 0x90]
    way = [
        nanos / NANOS_PER_MS - struck - played["offset"]
        for nanos, (struck, _pitch) in zip(strikes, played["keys"], strict=True)
    ]
    echo = [trip / 2 for trip in played["trips"]]
    above = percentile(way, 0.99) - percentile(echo, 0.99)
    middle = percentile(way, 0.5) - percentile(echo, 0.5)
    return [
        Row(
            title,
            budget,
            f"p50 {middle:+.2f}, p99 {above:+.2f} ms above it: {spread(way)}",
            f"half of a bare WebSocket echo: {spread(echo)}; clocks are matched to "
            f"{played['roundtrip'] / 2:.2f} ms; the page shows '{played['shown']}'",
            above <= BUDGET_MS,
        )
    ]


def _played(scale: Scale, chromium: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Play keys in a browser; returns what it has measured, and what the instrument sent."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  an extra of developers

    port = free_port()
    options = ["--in", "none", "--out", "none", "--osc-port", "0", "--page", f"127.0.0.1:{port}"]
    count = max(20, round(scale.seconds(30) * KEYS_PER_SECOND))
    with playing(scale.fresh("browser"), *options, screen=None) as instrument, echoing() as echo_port:
        instrument.wait_ready("model")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.add_init_script(FAKE_MIDI)
            page.goto(f"http://127.0.0.1:{port}/")
            page.click("text=Play from this browser's keyboard")
            page.wait_for_selector("text=plays: Fake Keys")
            page.wait_for_timeout(5000)  # a few pings, so that the clocks are matched
            instrument.take("sent")
            played: dict[str, Any] = page.evaluate(PLAYED, [echo_port, count, 1000 / KEYS_PER_SECOND])
            browser.close()
        return played, instrument.take("sent")


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        number: int = trial.getsockname()[1]
        return number


@contextmanager
def echoing() -> Iterator[int]:
    """Run the bare echo; its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.browser", str(port)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield port
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@click.command()
@click.argument("port", type=int)
def main(port: int) -> None:
    """Be the bare echo on a port, until it is killed."""
    asyncio.run(_echo(port))


async def _echo(port: int) -> None:
    from websockets.asyncio.server import ServerConnection, serve  # noqa: PLC0415  of the extra `page`

    async def answer(browser: ServerConnection) -> None:
        async for message in browser:
            await browser.send(message)

    async with serve(answer, "127.0.0.1", port, compression=None) as server:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    main()
