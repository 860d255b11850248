"""Pieces made up for tests: lines of windows whose notes are of chance, one line of each kind a song."""

from pathlib import Path

import numpy as np

from model.codecs.base import TRACK
from trainer.corpus.pieces import FOLDER, PieceWriter
from trainer.corpus.reading.read_midi import CODECS
from trainer.corpus.reading.tracks import merged
from trainer.corpus.windows.phrase_windows import Windows

TRACKS_OF = {"melody": (0,), "poly": (0,), "drums": (3,), "multitrack": (0, 1, 2, 3)}


def windows_of(kind: str, count: int, rng: np.random.Generator) -> Windows:
    """Return a line's windows, each cut from one run of bars of chance."""
    notes = []
    for onset in range(16 * (count + 1)):
        for track in TRACKS_OF[kind]:
            if rng.random() < 0.4:
                chord = rng.choice(12, 2 if kind == "poly" else 1, replace=False)
                for pitch in chord:
                    key = 36 if track == 3 else 60 + int(pitch)
                    notes.append((onset, key, int(rng.integers(40, 100)), int(rng.integers(1, 5)), 0, track))
    table = np.array(notes)
    parts = [table[table[:, TRACK] == track] for track in TRACKS_OF[kind]]
    table = np.concatenate([merged(part, np.zeros(len(part), dtype=np.int64))[0] for part in parts])
    cut = [table[(table[:, 0] >= 16 * bar) & (table[:, 0] < 16 * bar + 32)] for bar in range(count)]
    for bar, window in enumerate(cut):
        window[:, 0] -= 16 * bar
        window[:, 3] = np.minimum(window[:, 3], 32 - window[:, 0])
        if kind == "drums":
            window[:, 3] = 1
        assert set(window[:, TRACK]) <= set(TRACKS_OF[kind])
    numbers = np.arange(count)
    return Windows(
        np.concatenate(cut).astype(np.int16),
        np.array([len(window) for window in cut]),
        numbers.astype(np.uint64),
        numbers.astype(np.uint64),
        np.zeros(count, dtype=bool),
        numbers.astype(np.int32),
        np.zeros(count, dtype=np.int32),
    )


def write_pieces(folder: Path, *, songs: int = 3, windows: int = 9) -> None:
    """Write pieces of every kind for all three splits."""
    for number, split in enumerate(("train", "validation", "test")):
        writer = PieceWriter(folder / FOLDER / split)
        rng = np.random.default_rng(number)
        for song in range(songs):
            for kind, codec in enumerate(CODECS):
                found = windows_of(codec, windows, rng)
                every = np.ones(windows, dtype=bool)
                writer.add(found, every, kind=kind, song=song + 10 * number, varied=bool(song % 2))
        writer.close()
