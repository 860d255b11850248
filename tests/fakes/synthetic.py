"""Small music made by a formula, prepared as the trainer reads it."""

from pathlib import Path

import numpy as np

from model.music.grid import Grid
from model.music.phrase import Note, Phrase

GRID = Grid()


def melody(seed: int) -> Phrase:
    """A walk in C major on eighths and quarters."""
    rng = np.random.default_rng(seed)
    scale = (60, 62, 64, 65, 67, 69, 71, 72)
    notes, step, place = [], int(rng.integers(0, 3)), int(rng.integers(8))
    while step < GRID.steps:
        length = int(rng.choice((2, 4)))
        place = int(np.clip(place + rng.integers(-2, 3), 0, 7))
        notes.append(Note(step, scale[place], int(rng.integers(60, 100)), min(length, GRID.steps - step)))
        step += length + int(rng.choice((0, 0, 1)))
    return Phrase.of(GRID, notes)


def chords(seed: int) -> Phrase:
    """A walk above triads on the beats."""
    rng = np.random.default_rng(seed)
    upper = melody(seed).notes
    roots = rng.choice((36, 41, 43), size=GRID.beats)
    lower = [
        Note(4 * beat, int(root) + interval, 60, 4)
        for beat, root in enumerate(roots)
        for interval in (0, 4, 7)
    ]
    return Phrase.of(GRID, [*upper, *lower])


def prepare(folder: Path, codec: str, *, train: int = 48) -> Path:
    """Write splits of synthetic phrases as `twobar-train prepare` lays them out."""
    make = melody if codec == "melody" else chords
    seed = 0
    for split, count in (("train", train), ("validation", 8), ("test", 8)):
        phrases = [make(seed + index) for index in range(count)]
        seed += count
        place = folder / codec / split
        place.mkdir(parents=True)
        tables = [
            [(n.onset, n.pitch, n.velocity, n.length, 0, n.track) for n in phrase.notes] for phrase in phrases
        ]
        np.save(place / "notes.npy", np.array([row for table in tables for row in table], dtype=np.int16))
        np.save(place / "starts.npy", np.cumsum([0, *map(len, tables)]).astype(np.int64))
        np.save(place / "songs.npy", np.arange(count, dtype=np.int32))
    return folder


TINY = {
    "melody": """
[model]
name = "tiny-lead"
codec = "melody"
knobs = ["density", "range"]
encoder = { kind = "patch", width = 16, depth = 1, heads = 2 }
bottleneck = { kind = "beats", size = 32 }
decoder = { kind = "patch", width = 16, depth = 1, heads = 2 }
[fit]
batch = 8
steps = 6
warmup = 2
edits = 12
validation = 8
precision = "float32"
""",
    "poly": """
[model]
name = "tiny-keys"
codec = "poly"
knobs = ["density", "polyphony"]
encoder = { kind = "bands", width = 16, depth = 1, heads = 2, cell = 8 }
bottleneck = { kind = "cells", size = 128 }
decoder = { kind = "bands", width = 16, depth = 1, heads = 2, cell = 8 }
[fit]
batch = 8
steps = 6
warmup = 2
edits = 12
validation = 8
precision = "float32"
""",
}
