"""Whether every note lies on its own of JACK's frames, in steady state."""

from benchmarks import busy
from benchmarks.figures import Row
from benchmarks.jack_server import serving
from benchmarks.lateness import may_be_realtime
from benchmarks.on_frames import row
from benchmarks.scale import Scale

EXPLAINED = (
    "Notes at 240 bpm beside a grid that is laid once on JACK's frames, two minutes after the start. The",
    "server has cycles of 1,024 frames, JACK's own default: of shorter ones a machine like this loses some,",
    "and then JACK's frames themselves do not go on evenly.",
)
PERIOD = 1024
SETTLE_SECONDS = 125.0  # until the line from host time to frames is known


def measure(scale: Scale) -> list[Row]:
    """Measure with real-time priority."""
    title = "note-on frames on JACK, screen and model running, with priority"
    if not (scale.jack and may_be_realtime()):
        return [Row(title, "0 frames", "needs JACK and real-time priority")]
    with serving(scale.folder, period=PERIOD):
        found = busy.play(
            scale, scale.seconds(90), realtime=True, settle_seconds=scale.seconds(SETTLE_SECONDS)
        )
    return [row(title, found.onsets, found.rate, lost_cycles=found.lost_cycles)]
