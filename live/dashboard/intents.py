"""What a key or a click on the screen asks for, by what is shown.  Pure.

Tested in tests/live/dashboard/test_pointer.py, tests/live/dashboard/test_app.py.
"""

from live.dashboard.keys import SOURCE
from live.ipc.commands import Command, Freeze, Loop, Nudge, SetPhrase, Start, Stop, SwitchThru, Turn, action
from live.ipc.snapshot import KnobView, Snapshot
from live.settings.knobs import ANCHORS, MODES, PHRASE_BARS

NUDGE = 0.02  # of a knob's range, for a step
WIDE = 10  # a range from which on a step is one unit


def start_stop(snapshot: Snapshot | None) -> Command:
    """Return start, or stop when it plays."""
    playing = snapshot is not None and snapshot.state != "stopped"
    return (Stop if playing else Start)(source=SOURCE)


def phrase(snapshot: Snapshot, step: int) -> Command:
    """Return longer or shorter phrases, as far as there are any."""
    bars = sum(one <= snapshot.phrase_bars for one in PHRASE_BARS) - 1 + step
    return SetPhrase(PHRASE_BARS[max(0, min(len(PHRASE_BARS) - 1, bars))], source=SOURCE)


def loop(snapshot: Snapshot) -> Command:
    """Return a loop of as many bars as a phrase has, or the end of the one that there is."""
    return Loop(0 if snapshot.loop_bars else snapshot.phrase_bars, source=SOURCE)


def nudge(knob: KnobView, steps: int) -> Command:
    """Return a turn by a fiftieth of the knob's range a step, or by one unit where the range is wide."""
    size = knob.high - knob.low
    return Nudge(knob.name, steps / size if size > WIDE else steps * NUDGE, source=SOURCE)


def turned_to(knob: KnobView, share: float) -> Command:
    """Return a turn to a share of the knob's range, 0..1."""
    return Turn(knob.name, knob.low + share * (knob.high - knob.low), source=SOURCE)


def of_word(word: str, snapshot: Snapshot | None) -> Command | None:
    """Return what a word of the modes' row stands for; None where it stands for nothing."""
    if word.lower() in MODES:
        return action("mode", word.lower(), source=SOURCE)
    if word in ANCHORS and snapshot is not None:
        taken = any(anchor.name == word and anchor.xy for anchor in snapshot.anchors)
        return action("recall" if taken else "capture", word, source=SOURCE)
    if word in ("freeze off", "FROZEN"):
        return Freeze(source=SOURCE)
    return SwitchThru(source=SOURCE) if word == "thru" else None
