"""A pretended engine: realistic Snapshots at any tick, without a process behind them."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from live.ipc.messages import (
    AnchorView,
    BarView,
    Command,
    KnobView,
    LatenessView,
    ModelView,
    NoteRow,
    Notice,
    PortView,
    Snapshot,
)

SECOND = 1_000_000_000
BEAT = 480
STEP = 120

HERS: Sequence[Sequence[tuple[int, int, int, int]]] = (
    (
        (0, 3, 69, 92),
        (3, 1, 72, 70),
        (4, 2, 76, 96),
        (6, 2, 74, 80),
        (8, 4, 72, 88),
        (12, 2, 69, 76),
        (14, 2, 67, 72),
    ),
    ((0, 4, 65, 90), (4, 2, 69, 78), (6, 2, 72, 84), (8, 3, 71, 94), (11, 1, 69, 66), (12, 4, 67, 82)),
)
"""Two bars that she plays over and over: (step, steps, pitch, velocity)."""

OURS: Sequence[Sequence[tuple[int, int, int, int]]] = (
    (
        (0, 4, 45, 80), (0, 2, 60, 70), (2, 2, 64, 72), (4, 2, 69, 84), (6, 1, 67, 70), (7, 1, 64, 66),
        (8, 4, 45, 78), (8, 3, 62, 80), (11, 1, 64, 60), (12, 2, 65, 86), (14, 2, 64, 74),
    ),
    (
        (0, 4, 41, 82), (0, 3, 57, 74), (3, 1, 60, 64), (4, 2, 65, 88), (6, 2, 69, 82), (8, 4, 43, 80),
        (8, 2, 67, 90), (10, 1, 65, 68), (11, 1, 64, 66), (12, 4, 62, 84), (12, 4, 71, 70),
    ),
)  # fmt: skip
"""What twobar makes of them."""


class FakeClock:
    """Host time that stands still until it is told."""

    def __init__(self, nanos: int = 1000 * SECOND) -> None:
        self.nanos = nanos

    def __call__(self) -> int:
        return self.nanos

    def advance(self, seconds: float) -> None:
        self.nanos += int(seconds * SECOND)


class Sent:
    """Where Commands go."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    def __call__(self, command: Command) -> None:
        self.commands.append(command)

    def pairs(self) -> list[tuple[str, str]]:
        return [(command.name, command.argument) for command in self.commands]


def rows(bar: Sequence[tuple[int, int, int, int]], shift: int = 0) -> list[NoteRow]:
    return [
        (step * STEP, steps * STEP - 20, pitch + shift, velocity, 0) for step, steps, pitch, velocity in bar
    ]


def knobs(turn: float = 0.0) -> list[KnobView]:
    """All knobs, some turned, one waiting to be picked up, one that the model does not heed."""
    bipolar: dict[str, float] = {
        "density": 0.46,
        "complexity": turn,
        "register": -0.5,
        "range": 0.0,
        "dynamics": 0.12,
        "polyphony": 0.0,
        "articulation": 0.0,
    }
    views = [
        KnobView("morph", 0.35, 0.0, 1.0, 0.0, "from anchor A to anchor B", waiting=0.8),
        KnobView("xy.x", 0.5, 0.0, 1.0, 0.5, "across the pad"),
        KnobView("xy.y", 0.5, 0.0, 1.0, 0.5, "up the pad"),
    ]
    for name, value in bipolar.items():
        waiting = 0.6 if name == "range" else None
        views.append(
            KnobView(
                name, value, -1.0, 1.0, 0.0, "an attribute", waiting=waiting, available=name != "polyphony"
            )
        )
    views += [
        KnobView("stray", 0.2, 0.0, 1.0, 0.0, "how far from your phrase"),
        KnobView("temperature", 0.3, 0.0, 1.0, 0.0, "chance in the choice of notes"),
        KnobView("swing", 0.0, 0.0, 1.0, 0.0, "straight to triplet offbeats"),
        KnobView("gate", 1.0, 0.05, 2.0, 1.0, "length of notes"),
        KnobView("tempo", 120.0, 40.0, 240.0, 120.0, "beats per minute"),
        KnobView("volume", 0.8, 0.0, 1.0, 0.8, "level of the instrument's voice"),
    ]
    return views


def cloud(points: int = 220) -> list[tuple[float, float]]:
    """Known phrases on the map: three soft heaps, the same every time."""
    places = []
    for k in range(points):
        angle, spread = k * 2.399963, math.sqrt((k % 74 + 0.5) / 74)
        x0, y0, size = ((-0.45, 0.35, 0.45), (0.45, 0.1, 0.5), (-0.05, -0.55, 0.4))[k % 3]
        places.append((x0 + size * spread * math.cos(angle), y0 + size * spread * math.sin(angle)))
    return places


def scene(
    tick: int = 6 * 4 * BEAT + 2 * BEAT + 200, *, nanos: int = 1000 * SECOND, **changes: object
) -> Snapshot:
    """Return the engine in the middle of a jam: two bars heard, one sounding, two ahead."""
    now = tick // (4 * BEAT)
    within = tick - now * 4 * BEAT
    bars = []
    for bar in range(max(0, now - 2), now + 3):
        hers = rows(HERS[bar % 2]) if bar <= now else []
        if bar == now:
            hers = [note for note in hers if note[0] <= within]
        origin: Literal["decoded", "repeated"] = "repeated" if bar % 8 == 5 else "decoded"
        bars.append(BarView(bar, origin, rows(OURS[bar % 2]), hers))
    turn = round(math.sin(tick / 9000), 2)
    held = [note[2] for note in bars[min(2, now)].hers if note[0] <= within < note[0] + note[1]]
    snapshot = Snapshot(
        nanos=nanos,
        state="playing",
        tempo_bpm=120.0,
        tick=tick,
        beats_per_bar=4,
        mode="follow",
        frozen=False,
        thru=True,
        model=ModelView("keys", "ready", latent_size=64, decode_ms=2.1),
        ports=[
            PortView("in", "MPK mini 3", "ok"),
            PortView("in", "nanoKONTROL2", "missing", "unplugged"),
            PortView("out", "FluidSynth", "ok", "TimGM6mb"),
        ],
        knobs=knobs(turn),
        anchors=[
            AnchorView("A", (-0.5, 0.45)),
            AnchorView("B", (0.55, 0.2)),
            AnchorView("C", None),
            AnchorView("D", (0.0, -0.7)),
        ],
        bars=bars,
        here=(0.42 * math.cos(tick / 4000) + 0.05, 0.42 * math.sin(tick / 4000)),
        hers=(-0.32, -0.15),
        origin="played",
        lateness=LatenessView(412, 90.0, 310.0, 1240.0),
        missed_bars=1,
        dropped_notes=0,
        held_keys=held,
        recording="takes/2026-03-14_21-05-33.mid",
        priority="realtime",
        mapping="Akai MPK mini mk3",
        notices=[
            Notice(nanos - 75 * SECOND, "info", "keys: ready after 1.4 s, ONNX Runtime on one core"),
            Notice(nanos - 31 * SECOND, "warning", "bar 6 was not there in time; bar 4 is played again"),
            Notice(nanos - 12 * SECOND, "error", "nanoKONTROL2 is gone; the music goes on, plug it in again"),
            Notice(nanos - 3 * SECOND, "info", "anchor D holds this phrase"),
        ],
        map_points=cloud(),
    )
    return msgspec.structs.replace(snapshot, **changes)


BAND: Sequence[NoteRow] = (
    (0, 460, 72, 92, 0), (480, 220, 74, 84, 0), (720, 220, 76, 88, 0), (960, 700, 79, 94, 0),
    *((0, 940, pitch, 70, 1) for pitch in (60, 64, 67)),
    *((960, 940, pitch, 66, 1) for pitch in (60, 65, 69)),
    (0, 460, 36, 90, 2), (720, 220, 43, 84, 2), (960, 460, 41, 90, 2), (1680, 220, 43, 80, 2),
    *((eighth * 240 + 9, 60, 42, 70, 3) for eighth in range(7)), (1690, 60, 46, 84, 3), (0, 60, 49, 96, 3),
    (0, 60, 36, 110, 3), (840, 60, 36, 96, 3), (488, 60, 38, 104, 3), (1447, 60, 38, 108, 3),
)  # fmt: skip
"""A bar of four parts: (tick, ticks, pitch, velocity, track)."""


def band(tick: int = 6 * 4 * BEAT + 2 * BEAT + 200, **changes: object) -> Snapshot:
    """Return the engine in the middle of a jam with a model of four parts."""
    bars = [msgspec.structs.replace(bar, notes=list(BAND)) for bar in scene(tick).bars]
    model = ModelView("multitrack", "ready", latent_size=256, decode_ms=3.4)
    return msgspec.structs.replace(scene(tick), **{"bars": bars, "model": model, **changes})
