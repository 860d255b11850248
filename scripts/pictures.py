"""Takes the documents' pictures anew: `python -m scripts.pictures docs`.

The instrument plays itself a tune.  The dashboard's are Textual's own drawing, as pixels by rsvg-convert,
with a font that every Linux has; the page's is Chromium's.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from live.dashboard.app import Dashboard
from live.dashboard.inbox import Inbox
from live.ipc.commands import CallScene, Command, StoreAnchor, StoreScene, Turn
from live.ipc.instances import instances
from live.ipc.link import Link, call
from live.ipc.snapshot import Snapshot, ToDashboard

ROOT = Path(__file__).parents[1]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DASHBOARDS = {"dashboard": ((120, 40), 1600), "dashboard-80x24": ((80, 24), 1200)}
PAGE = (1180, 1000)
FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"
SCENES = """
[[scene]]
number = 1
name = "verse"

[[scene]]
number = 2
name = "chorus"
knobs = { density = 0.4 }
"""
PATIENCE_S = 120.0
BARS = 12  # that the jam has played, at least
DEEDS: dict[int, tuple[Command, ...]] = {
    4: (StoreAnchor("A"), Turn("dynamics", 0.3), StoreScene(1)),
    8: (StoreAnchor("C"), CallScene(2)),
}
"""What is done as someone does who plays for a while, by the bar that it follows."""


class Jam(NamedTuple):
    """An instrument without a screen, and the address of its page."""

    pid: int
    url: str


@contextmanager
def playing() -> Iterator[Jam]:
    """Start an instrument that plays a tune into itself, with a band and a page; end it at the end."""
    words = "jam --headless --in none --out none --demo --model multitrack --mode answer --bpm 112"
    words += " --page 127.0.0.1:0 --osc-port 0 --seed 3"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "live.toml").write_text(SCENES, encoding="utf-8")
        process = subprocess.Popen(  # noqa: S603  our own words
            [sys.executable, "-m", "live", *words.split()],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        ready: dict[str, dict[str, Any]] = {}
        while not {"page", "model"} <= ready.keys():
            line = json.loads(process.stdout.readline())
            ready[line["ready"]] = line
        try:
            yield Jam(process.pid, ready["page"]["url"])
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def linked(jam: Jam) -> Link[Any]:
    """Return a link to the instrument, as a dashboard has one."""
    (instance,) = [one for one in instances() if one.pid == jam.pid]
    return call(instance.address, "dashboard", ToDashboard)


def worth_a_picture(shown: Snapshot | None) -> bool:
    """Tell whether a beat of the performer's turn sounds, in a known key, with a next chord."""
    if shown is None or bar_of(shown) < BARS:
        return False
    beat = shown.tick // shown.ticks_per_beat % shown.beats_per_bar
    return bool(shown.key and shown.next_chord and shown.speaker == "performer" and beat == 2)


def bar_of(shown: Snapshot) -> int:
    """Return the bar that sounds, from 0."""
    return shown.tick // (shown.beats_per_bar * shown.ticks_per_beat)


async def drawn(jam: Jam, size: tuple[int, int]) -> str:
    """Return a dashboard of that size at a good moment, as an SVG that keeps its spaces and fits its font."""
    link, inbox = linked(jam), Inbox()
    app = Dashboard(inbox, link.send)

    def read() -> None:
        while (message := link.receive()) is not None:
            inbox.put(message)

    async with app.run_test(size=size) as pilot:
        threading.Thread(target=read, daemon=True).start()
        end, done = time.monotonic() + PATIENCE_S, -1
        while not worth_a_picture(app.shown.snapshot) and time.monotonic() < end:
            await pilot.pause(0.02)
            bar = bar_of(app.shown.snapshot) if app.shown.snapshot is not None else -1
            for command in DEEDS.get(bar, ()) if bar > done else ():
                link.send(command)
            done = max(bar, done)
        text = app.export_screenshot(title="twobar")
    link.close()
    text = re.sub(r"@font-face \{.*?\}", "", text, flags=re.DOTALL)  # a picture fetches nothing
    text = re.sub(r"font-family: Fira Code[^;]*;", f"font-family: {FONTS};", text)
    text = text.replace("font-size: 20px", "font-size: 20.26px")  # as wide as the cells that were laid out
    return text.replace("<svg class", '<svg xml:space="preserve" class')


def photograph(url: str, path: Path) -> None:
    """Take the page's picture, with the map, and words that are not said yet."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  only this needs it

    width, height = PAGE
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        page.click("[data-latent=map]")
        page.wait_for_selector(".phrase-button")
        page.fill("#words", "a bit sparser, darker, like A")
        page.wait_for_selector("#wordpreview:has-text('anchor A')")
        page.wait_for_selector("#turn.you")
        page.screenshot(path=path)
        browser.close()


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write the pictures into a folder; it takes a minute.

    Example: python -m scripts.pictures docs
    """
    for program, found in (("rsvg-convert", shutil.which("rsvg-convert")), ("chromium", CHROMIUM)):
        if not found:
            raise click.ClickException(f"{program} is needed, and it is not installed")
    os.environ["COLORTERM"] = "truecolor"  # whatever terminal this runs in
    with playing() as jam:
        for name, (size, width) in DASHBOARDS.items():
            text = asyncio.run(drawn(jam, size))
            target = folder / f"{name}.png"
            convert = ["rsvg-convert", "-w", str(width), "-o", str(target)]
            subprocess.run(convert, input=text, text=True, check=True)  # noqa: S603  as above
        photograph(jam.url, folder / "page.png")


if __name__ == "__main__":
    main()
