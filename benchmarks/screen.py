"""What the dashboard costs: fed with 15 snapshots a second in a terminal, without an engine.

As a program, `python -m benchmarks.screen SECONDS FILE`, it is that dashboard and writes its share to FILE.
"""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
import time
from itertools import pairwise
from pathlib import Path

import click

from benchmarks.figures import Row
from benchmarks.instrument import ROOT, drain
from benchmarks.scale import Scale

BUDGET = 0.06
FEED_HZ = 15
SIZES = ((80, 24), (120, 40), (200, 50))
SETTLE_SECONDS = 3.0
TICKS_PER_SECOND = 960  # at 120 beats per minute


def measure(scale: Scale) -> list[Row]:
    """Measure at three sizes of the terminal."""
    rows = []
    for columns, lines in SIZES:
        share = _share(scale, columns, lines)
        rows.append(
            Row(
                f"dashboard, {FEED_HZ} snapshots a second, {columns}x{lines}",
                f"<= {BUDGET:.0%} of one core",
                f"{share:.1%}",
                met=share <= BUDGET,
            )
        )
    return rows


def _share(scale: Scale, columns: int, lines: int) -> float:
    result = scale.fresh("screen") / "share"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    words = [sys.executable, "-m", "benchmarks.screen", f"{scale.seconds(20):g}", str(result)]
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(words, cwd=ROOT, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    threading.Thread(target=drain, args=(ours,), daemon=True).start()
    process.wait()
    return float(result.read_text())


@click.command()
@click.argument("seconds", type=click.FloatRange(0))
@click.argument("result", type=click.Path(path_type=Path))
def main(seconds: float, result: Path) -> None:
    """Be the dashboard; decoding what crosses the link, a snapshot and then updates, is part of its cost."""
    import msgspec  # noqa: PLC0415  only this program draws

    from live.dashboard.app import Dashboard  # noqa: PLC0415  as above
    from live.dashboard.inbox import Inbox  # noqa: PLC0415  as above
    from live.ipc.snapshot import ToDashboard, difference  # noqa: PLC0415  as above
    from tests.fakes.snapshots import Sent, scene  # noqa: PLC0415  as above

    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(ToDashboard)
    start, first_tick = time.monotonic() + SETTLE_SECONDS, 6 * 1920
    notices = scene(nanos=round(start * 1e9)).notices
    snapshots = [
        scene(
            first_tick + round(number / FEED_HZ * TICKS_PER_SECOND),
            nanos=round((start + number / FEED_HZ) * 1e9),
            notices=notices,
        )
        for number in range(round(seconds * FEED_HZ))
    ]
    frames = [encoder.encode(snapshots[0])]
    frames += [encoder.encode(difference(before, now)) for before, now in pairwise(snapshots)]
    app = Dashboard(Inbox(), Sent())

    def feed() -> None:
        time.sleep(max(0.0, start - time.monotonic()))
        spent = time.process_time()
        for number, frame in enumerate(frames, 1):
            app.deliver(decoder.decode(frame))
            time.sleep(max(0.0, start + number / FEED_HZ - time.monotonic()))
        share = (time.process_time() - spent) / (time.monotonic() - start)
        result.write_text(f"{share}")
        app.call_from_thread(app.exit)

    threading.Thread(target=feed, daemon=True).start()
    app.run()


if __name__ == "__main__":
    main()
