"""Draws the README's pictures of the dashboard: `python -m tests.fakes.dashboard_pictures docs`.

The SVG is Textual's own; the PNGs are made from it by rsvg-convert, with a font that every Linux has.
"""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from live.dashboard.app import Dashboard
from tests.fakes.dashboard_stage import Stage
from tests.fakes.snapshots import BEAT, scene

TICK = 6 * 4 * BEAT + 2 * BEAT + 200
POSE = {"speaker": "performer", "speaker_until": 8 * 4 * BEAT, "key": "A minor", "chord": "Am"}
PICTURES = {"dashboard": ((120, 40), 1600), "dashboard-80x24": ((80, 24), 1200)}
FONTS = "DejaVu Sans Mono, Menlo, Consolas, monospace"


def posed() -> Dashboard:
    """Return a dashboard in the middle of a jam, its first picture in the inbox."""
    stage = Stage()
    for earlier in range(24, -1, -1):
        stage.app.shown.accept(scene(TICK - earlier * 300, nanos=stage.clock.nanos, **POSE))
    stage.app.deliver(scene(TICK, nanos=stage.clock.nanos, **POSE))
    return stage.app


async def svg(size: tuple[int, int]) -> str:
    """Return the screen at a size, as an SVG that keeps its spaces and fits its font."""
    app = posed()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = app.export_screenshot(title="twobar")
    text = re.sub(r"@font-face \{.*?\}", "", text, flags=re.DOTALL)  # a picture fetches nothing
    text = re.sub(r"font-family: Fira Code[^;]*;", f"font-family: {FONTS};", text)
    text = text.replace("font-size: 20px", "font-size: 20.26px")  # as wide as the cells that were laid out
    return text.replace("<svg class", '<svg xml:space="preserve" class')


def main(folder: Path) -> None:
    """Write the pictures into a folder."""
    os.environ["COLORTERM"] = "truecolor"  # whatever terminal this runs in
    for name, (size, width) in PICTURES.items():
        path = folder / f"{name}.svg"
        path.write_text(asyncio.run(svg(size)), encoding="utf-8")
        subprocess.run(["rsvg-convert", "-w", str(width), path, "-o", path.with_suffix(".png")], check=True)
        if name != "dashboard":
            path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
