"""From the bytes of one MIDI file to windows of notes on the grid.  Runs in worker processes.

A window is `Grid.bars` whole bars of the grid's metre, one bar after the one before; two bars of half its
length (2/4 for 4/4) count as one, and a file without a time signature as the grid's metre from its first
tick.  Arrays of notes are int16 [n, 5]: onset step, pitch, velocity, length in steps, micro-offset in
hundredths of a step.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.grid import Grid

Notes = NDArray[np.int16]  # [n, 5]
Wide = NDArray[np.int64]  # the same columns, onset counted from the start of a run of bars

CODECS = ("melody", "poly")
MAX_BYTES = 8_000_000
MAX_NOTES = 200_000
MAX_WINDOWS = 3_000
MIN_NOTES = 4
MAX_WINDOW_NOTES = 128
ENSEMBLE_WINDOWS = 60  # windows that one song without a keyboard gives to poly: the rest would drown
SINGLE_LINE_WINDOWS = 4  # the same of a song that is one line
KEYBOARDS = frozenset(
    (*range(8), *range(16, 21), 24, 25, 46)
)  # pianos, organs, guitars that fingers pluck, harp
VOICES = ("melody", "voice", "vocal", "lead", "sopran", "solo", "singstimme", "canto", "gesang")
MONOPHONIC = 0.95  # share of onsets that stand alone in a line
LINES = 2  # monophonic lines that one song gives to melody
LOWEST_LINE = 48.0  # mean pitch below which a line is a bass
OFF_GRID = 0.2  # steps from the grid that count as off it
OFF_SHARE = 0.3  # share of off-grid onsets from which a window is triplets or rubato, not this grid
GRAM = 8  # notes in one piece of a song's fingerprint
SKETCH = 4  # one in so many of them is kept
VARIED = 3  # velocities from which a song counts as played or marked


class UnreadableError(ValueError):
    """A file that gives no phrases; the text says why."""


class Span(NamedTuple):
    """A run of bars: its first tick, its end, and whether its metre is another than the grid's."""

    start: int
    stop: int
    aside: bool


class Run(NamedTuple):
    """The notes of a run of bars."""

    notes: Wide
    bars: int
    aside: bool


@dataclass(slots=True)
class Windows:
    """The windows of one file for one codec.

    Attributes:
        notes: int16 [n, 5], of all windows one after another.
        counts: notes in each window.
        exact: 64-bit hash of (onset, pitch, length) of each window.
        shape: 64-bit hash of (onset, pitch above the lowest) of each window: equal under transposition.
        aside: whether it is good to learn from but not to be measured on: another metre, or a single line
            among keyboard music.

    """

    notes: Notes = field(default_factory=lambda: np.zeros((0, 5), dtype=np.int16))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    exact: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    shape: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    aside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))


@dataclass(slots=True)
class Reading:
    """What one file gave.

    Attributes:
        windows: by codec.
        fingerprint: uint64, hashes of runs of (interval, distance in steps) of its upper line.
        varied: whether its velocities vary.

    """

    windows: dict[str, Windows]
    fingerprint: NDArray[np.uint64]
    varied: bool


def read(data: bytes, grid: Grid, *, metres: str = "own") -> Reading:
    """Read a MIDI file's windows.

    Args:
        data: of the file.
        grid: of the windows.
        metres: `own` reads bars of the grid's length; `all` also lays its bars over music in other metres.

    Raises:
        UnreadableError: it is no MIDI file, too large, or holds nothing on this grid.

    """
    score = parse(data)
    tracks = [track for track in score.tracks if not track.is_drum and len(track.notes)]
    if not tracks:
        raise UnreadableError("no pitched notes")
    if sum(len(track.notes) for track in tracks) > MAX_NOTES:
        raise UnreadableError(f"more than {MAX_NOTES} notes")
    spans = bar_runs(score, grid, metres=metres)
    if not spans:
        raise UnreadableError(f"no {grid.bars} bars of {grid.beats_per_bar}/4 in a row")
    lines = [_Line(track, score.tpq, grid) for track in tracks]
    result = {"melody": melody_windows(lines, spans, grid), "poly": poly_windows(lines, spans, grid)}
    if not any(len(windows.counts) for windows in result.values()):
        raise UnreadableError(f"no window of {grid.bars} bars holds {MIN_NOTES} notes on the grid")
    velocities = {int(v) for line in lines for v in np.unique(line.velocity)}
    return Reading(result, fingerprint(lines), len(velocities) >= VARIED)


def parse(data: bytes) -> Any:  # noqa: ANN401 - symusic publishes no types
    """Return a symusic score of the bytes; its times are ticks.

    Raises:
        UnreadableError: too large, no MIDI, or its division is not ticks per beat.

    """
    from symusic import Score  # noqa: PLC0415 - only the workers of prepare need the trainer extra

    if len(data) > MAX_BYTES:
        raise UnreadableError(f"larger than {MAX_BYTES // 1_000_000} MB")
    if data[:4] == b"RIFF":  # an .rmi wraps a MIDI file
        data = data[max(0, data.find(b"MThd", 0, 64)) :]
    if data[:4] != b"MThd":
        raise UnreadableError("not a MIDI file: no MThd at its start")
    if len(data) >= 14 and data[12] & 0x80:
        raise UnreadableError("its time is in SMPTE frames, not in beats")
    try:
        score: Any = Score.from_midi(data)
    except Exception as error:  # the parser raises many kinds
        text = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise UnreadableError(f"the parser refuses it: {text}") from error
    if score.tpq <= 0:
        raise UnreadableError("its division is 0 ticks per beat")
    return score


def bar_runs(score: Any, grid: Grid, *, metres: str = "own") -> list[Span]:  # noqa: ANN401 - as above
    """Return the runs of bars as long as the grid's, at least a phrase long.

    The last bars of a file are filled up with silence.  With all metres, runs of bars of another length are
    there too, marked as aside.
    """
    bar = grid.beats_per_bar * score.tpq
    signatures = sorted((max(0, s.time), s.numerator, s.denominator) for s in score.time_signatures)
    if not signatures or signatures[0][0] > 0:
        signatures.insert(0, (0, grid.beats_per_bar, 4))
    bars = max(grid.bars, -(-(int(score.end()) - signatures[-1][0]) // bar))
    end = signatures[-1][0] + bars * bar
    runs: list[Span] = []
    for index, (start, numerator, denominator) in enumerate(signatures):
        stop = signatures[index + 1][0] if index + 1 < len(signatures) else end
        quarters = 4 * numerator / denominator if numerator > 0 and denominator > 0 else 0.0
        # two bars of half the length are one: 2/4 reads as 4/4, 3/8 as 3/4
        aside = quarters not in (grid.beats_per_bar, grid.beats_per_bar / 2)
        if stop <= start or (aside and metres == "own"):
            continue
        last = runs[-1] if runs else None
        if last and last.stop == start and last.aside == aside and (start - last.start) % bar == 0:
            runs[-1] = last._replace(stop=stop)
        else:
            runs.append(Span(start, stop, aside))
    return [run for run in runs if run.stop - run.start >= grid.bars * bar]


class _Line:
    """One track's notes as arrays, in ticks."""

    def __init__(self, track: Any, tpq: int, grid: Grid) -> None:  # noqa: ANN401 - as above
        raw = track.notes.numpy()
        self.onset = raw["time"].astype(np.int64)
        self.length = raw["duration"].astype(np.int64)
        self.pitch = raw["pitch"].astype(np.int64) & 0x7F
        self.velocity = np.clip(raw["velocity"].astype(np.int64), 1, 127)
        self.program = int(track.program)
        self.name = str(track.name).lower()
        self.steps_per_tick = grid.steps_per_beat / tpq
        self._ticks_per_bar = tpq * grid.beats_per_bar
        steps = np.unique(np.rint(self.onset * self.steps_per_tick))
        self.alone = len(steps) / max(1, len(self.onset))
        self.mean = float(self.pitch.mean())
        self.voiced = any(word in self.name for word in VOICES) or self.program in (52, 53, 54, 68)

    def bars(self, span: Span) -> int:
        """Return the whole bars of a run."""
        return (span.stop - span.start) // self._ticks_per_bar

    def on_grid(self, start: int, stop: int) -> Wide:
        """Return int64 [n, 5] of the notes of a run, onsets in steps from its start."""
        inside = (self.onset >= start) & (self.onset < stop) & (self.length < 1 << 24)
        place = (self.onset[inside] - start) * self.steps_per_tick
        onset = np.rint(place)
        length = np.maximum(1, np.rint(self.length[inside] * self.steps_per_tick))
        micro = np.clip(np.rint((place - onset) * 100), -50, 50)
        columns = (onset, self.pitch[inside], self.velocity[inside], length, micro)
        return np.stack([np.asarray(column, dtype=np.int64) for column in columns], axis=1)


def merged(notes: Wide) -> Wide:
    """Return notes by (onset, pitch), the louder of two on one place, cut at the pitch's next onset."""
    if not len(notes):
        return notes
    notes = notes[np.lexsort((-notes[:, 2], notes[:, 0], notes[:, 1]))]
    first = np.ones(len(notes), dtype=bool)
    first[1:] = np.any(notes[1:, :2] != notes[:-1, :2], axis=1)
    notes = notes[first]
    same = notes[1:, 1] == notes[:-1, 1]
    gap = notes[1:, 0] - notes[:-1, 0]
    notes[:-1, 3] = np.where(same, np.minimum(notes[:-1, 3], gap), notes[:-1, 3])
    return np.asarray(notes[np.lexsort((notes[:, 1], notes[:, 0]))])


def skyline(notes: Wide) -> Wide:
    """Return the highest note of each onset step, each ending where the next one starts."""
    if not len(notes):
        return notes
    notes = notes[np.lexsort((notes[:, 1], notes[:, 0]))]
    last = np.ones(len(notes), dtype=bool)
    last[:-1] = notes[1:, 0] != notes[:-1, 0]
    notes = notes[last]
    notes[:-1, 3] = np.minimum(notes[:-1, 3], notes[1:, 0] - notes[:-1, 0])
    return notes


def melody_windows(lines: list[_Line], spans: list[Span], grid: Grid) -> Windows:
    """Return the windows of the best one or two single lines of a song, or of its voice's skyline."""
    single = [line for line in lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
    single.sort(key=lambda line: (not line.voiced, -line.mean))
    chosen = single[:LINES] or [max(lines, key=lambda line: (line.voiced, line.mean))]
    runs = [
        Run(skyline(line.on_grid(span.start, span.stop)), line.bars(span), span.aside)
        for line in chosen
        for span in spans
    ]
    return cut(runs, grid)


def poly_windows(lines: list[_Line], spans: list[Span], grid: Grid) -> Windows:
    """Return the windows of the keyboard's tracks together, or of a small ensemble's.

    A song that is a single line gives a few, aside: hands play single lines too.
    """
    keys = [line for line in lines if line.program in KEYBOARDS and not line.voiced]
    chosen = keys or ([line for line in lines if not line.voiced] if len(lines) <= 6 else [])
    if not chosen:
        return Windows()
    runs = []
    for span in spans:
        notes = merged(np.concatenate([line.on_grid(span.start, span.stop) for line in chosen]))
        runs.append(Run(notes, chosen[0].bars(span), span.aside))
    count = sum(len(run.notes) for run in runs)
    onsets = sum(len(np.unique(run.notes[:, 0])) for run in runs)
    if not count:
        return Windows()
    if onsets > 0.95 * count:
        return cut([run._replace(aside=True) for run in runs], grid, most=SINGLE_LINE_WINDOWS)
    return cut(runs, grid, most=MAX_WINDOWS if keys else ENSEMBLE_WINDOWS)


def cut(runs: list[Run], grid: Grid, *, most: int = MAX_WINDOWS) -> Windows:
    """Cut runs into windows, one bar apart, all distinct.

    Each has 4 to 128 notes near enough to the grid, one of them in its first bar.
    """
    found: dict[int, tuple[Notes, int, bool]] = {}
    for run, bars, aside in runs:
        for bar in np.unique(run[:, 0] // grid.steps_per_bar).tolist():
            if bar > bars - grid.bars:
                break
            first = bar * grid.steps_per_bar
            low, high = np.searchsorted(run[:, 0], (first, first + grid.steps))
            if not MIN_NOTES <= high - low <= MAX_WINDOW_NOTES:
                continue
            window = run[low:high].copy()
            if np.mean(np.abs(window[:, 4]) > 100 * OFF_GRID) > OFF_SHARE:
                continue
            window[:, 0] -= first
            window[:, 3] = np.minimum(window[:, 3], grid.steps - window[:, 0])
            exact = _hash(window[:, (0, 1, 3)])
            if exact not in found:
                relative = np.stack((window[:, 0], window[:, 1] - window[:, 1].min()), axis=1)
                found[exact] = (window.astype(np.int16), _hash(relative), aside)
            if len(found) >= MAX_WINDOWS:
                break
    if not found:
        return Windows()
    hashes = list(found)
    if len(hashes) > most:
        hashes = [hashes[round(place)] for place in np.linspace(0, len(hashes) - 1, most)]
    kept = [found[exact][0] for exact in hashes]
    return Windows(
        np.concatenate(kept),
        np.array([len(window) for window in kept], dtype=np.int64),
        np.array(hashes, dtype=np.uint64),
        np.array([found[exact][1] for exact in hashes], dtype=np.uint64),
        np.array([found[exact][2] for exact in hashes], dtype=bool),
    )


def fingerprint(lines: list[_Line]) -> NDArray[np.uint64]:
    """Return hashes of runs of notes of the upper line: intervals and distances, whatever key or bar line.

    One in four, the same ones in every song, so that two songs with much in common share many.
    """
    upper = max(lines, key=lambda line: (line.voiced, line.mean))
    notes = skyline(upper.on_grid(0, 1 << 40))
    steps = np.stack((np.diff(notes[:, 1]), np.minimum(np.diff(notes[:, 0]), 64)), axis=1)
    hashes = {_hash(steps[start : start + GRAM]) for start in range(min(len(steps) - GRAM + 1, 20_000))}
    return np.array(sorted(h for h in hashes if h % SKETCH == 0), dtype=np.uint64)


def _hash(values: NDArray[np.int64]) -> int:
    """Return a 64-bit hash that is the same on every machine."""
    data = np.ascontiguousarray(values, dtype="<i2").tobytes()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
