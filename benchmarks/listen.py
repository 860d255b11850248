"""How well the beat follower finds a performer's beat: songs played as a person would, without a click.

Sixteen bars of each song, from a bar on or from its start, at 60 to 180 bpm, each note 15 ms (standard
deviation) beside its place, the tempo going up and down as a sine of two to eight bars.  What counts is what
the instrument's transport does: where its beats and bar lines fall after the performer's first two bars,
before or while the note on them is played.

What notes alone do not say is counted apart: the same notes can be written in eighths or in sixteenths (twice
or half the tempo), and many tunes sound as well with their bar lines half a bar later.  Beside it
stands how it goes where the tempo is about known, and where tempo and first bar line are given.

The instrument is told the metre, as by `--metre`.  The tempo of 6/8 is in quarters, too; its
beats are dotted ones.
"""

import hashlib
import math
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

from benchmarks.figures import Row
from benchmarks.scale import Scale
from live.timing.steady_tempo import steady_bars
from live.timing.timeline import Nanos, Tick, Timeline
from live.timing.transport import Transport
from live.worker.listening.beat_follower import BeatFollower
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import METRES, Metre
from trainer.corpus.reading.read_midi import UnreadableError, parse
from trainer.corpus.reading.sheets import Sheet
from trainer.corpus.reading.sources import discover
from trainer.corpus.reading.tracks import Span, Wide
from trainer.corpus.windows.bar_runs import Metres, bar_runs
from trainer.corpus.windows.phrase_windows import KEYBOARDS, LOWEST_LINE, MONOPHONIC, alone, off_grid

SONGS = 60
BARS, LEARNING_BARS = 16, 2
FEWEST = 3  # notes a bar
SIGNATURES = {
    METRES["4/4"]: {(4, 4), (2, 2)},  # bars of two quarters have no one bar line
    METRES["3/4"]: {(3, 4)},
    METRES["6/8"]: {(6, 8)},
    METRES["2/4"]: {(2, 4)},
}
JITTER = 0.015
RUBATO_BARS = (2, 3, 4, 6, 8)
RUBATOS = (0.0, 0.05, 0.1)
TEMPI = (60.0, 180.0)
USUAL_BPM = 120.0
KNOWN = 0.2  # share by which a tempo knob is off that was set by ear
TOLERANCE = 0.07
ANSWER_NANOS = 6_000_000  # from a chord's end to what is told of it, as a rule: see `heard`
NEAR = 0.85  # share of a tempo from which on it is that tempo
SPLIT, HELD_OUT = 10, (8, 9)  # of so many parts of all songs, those that no table was fitted on
ENOUGH = 0.95
SECOND = 1_000_000_000


def grid_of(metre: Metre) -> Grid:
    """Return the grid of sixteenths that songs in a metre are read on, a beat a quarter."""
    return Grid(beats_per_bar=metre.beats_per_bar * metre.ticks_per_beat // TICKS_PER_BEAT)


class Played(NamedTuple):
    """A performance: metre, onsets (seconds, pitch, velocity), each beat's moment and tempo."""

    metre: Metre
    onsets: list[tuple[float, int, int]]
    beats: list[float]
    tempi: list[float]


class Score(NamedTuple):
    """How near a transport came.

    Attributes:
        beats: F1 of the beats.
        lines: F1 of the bar lines.
        tempo: the median of its error, as a share.
        over: the same of the mean tempo over some bars: `_spans`.
        octave: share of the performer's beats at which it has about half or twice the tempo.
        half: share of them at which it has the tempo, and its bar lines half a bar off.
    """

    beats: float
    lines: float
    tempo: float
    over: tuple[float, ...]
    octave: float
    half: float


def measure(scale: Scale) -> list[Row]:
    """Play held-out songs of the music folder to the follower."""
    title = "listen: beats found without a click"
    if scale.music is None:
        return [Row(title, "-", "not measured: --music names no folder of MIDI files")]
    rows = []
    for name, kind in product(("4/4", "3/4", "6/8", "2/4"), ("melody", "keyboard")):
        metre = METRES[name]
        songs = list(_songs(scale.music, metre, kind, scale.count(SONGS, least=4)))
        for rubato in RUBATOS:
            blind, known, given = (
                [_score(song, metre, number, rubato, hint) for number, song in enumerate(songs)]
                for hint in ("none", "tempo", "line")
            )
            rows.append(
                Row(
                    f"{title}, {name}, {kind}, rubato {rubato:.0%}",
                    f"bar lines F1 >= {ENOUGH}; tempo within 1 %",
                    _text(blind, metre) + f" ({len(songs)} songs)",
                    f"the tempo knob within {KNOWN:.0%}: {_text(known, metre)}; "
                    f"tempo and first bar line given: {_text(given, metre)}",
                    mean(score.lines for score in blind) >= ENOUGH and median(s.tempo for s in blind) <= 0.01,
                )
            )
    return rows


def _spans(metre: Metre) -> tuple[int, int]:
    """Return the bars over which a mean tempo is taken: two, and what the screen shows."""
    return LEARNING_BARS, steady_bars(metre)


def _text(scores: Sequence[Score], metre: Metre) -> str:
    lines = [score.lines for score in scores]
    return (
        f"beats F1 {mean(score.beats for score in scores):.3f}, "
        f"bar lines F1 {mean(lines):.3f} (standard error {stdev(lines) / math.sqrt(len(lines)):.3f}), "
        f"tempo off by {median(score.tempo for score in scores):.1%}"
        + "".join(
            f", over {bars} bars by {median(score.over[place] for score in scores):.1%}"
            for place, bars in enumerate(_spans(metre))
        )
        + "; "
        f"half or double tempo {mean(score.octave for score in scores):.0%}, "
        f"half a bar off {mean(score.half for score in scores):.0%}"
    )


# -- the music -------------------------------------------------------------------------------------


def _songs(folder: Path, metre: Metre, kind: str, most: int) -> Iterator[Wide]:
    """Yield excerpts of held-out songs, one of each, notes as `trainer.corpus.reading.tracks` has them."""
    sources, _ = discover([folder], licences="all")
    random.Random(1).shuffle(sources)
    seen: set[str] = set()
    for source in sources:
        song = source.cluster or source.name
        if len(seen) >= most:
            return
        if song in seen or _part_of(song) not in HELD_OUT:
            continue
        excerpt = _excerpt(source.path, metre, kind, random.Random(song))
        if excerpt is not None:
            seen.add(song)
            yield excerpt


def _part_of(song: str) -> int:
    return int(hashlib.md5(song.encode()).hexdigest(), 16) % SPLIT


def _excerpt(path: Path, metre: Metre, kind: str, chance: random.Random) -> Wide | None:
    """Return sixteen bars in a row of a file in a metre, or None where there are none."""
    try:
        score = parse(path.read_bytes())
    except (OSError, UnreadableError):
        return None
    signatures = {(signature.numerator, signature.denominator) for signature in score.time_signatures}
    tracks = [track for track in score.tracks if len(track.notes) and not track.is_drum]
    if not tracks or not signatures or not signatures <= SIGNATURES[metre]:
        return None
    grid = grid_of(metre)
    whole, length = Sheet.of(tracks, score.tpq, (), grid), grid.beats_per_bar * score.tpq
    places = [
        Span(run.start + bar * length, run.start + (bar + BARS) * length, aside=False)
        for run in bar_runs(Metres.of(score), grid)
        for bar in range(whole.bars(run) - BARS + 1)
    ]
    for span in chance.sample(places, min(8, len(places))):
        notes = _part(Sheet.of(tracks, score.tpq, (span,), grid), kind)
        if notes is not None and _fits(notes, grid):
            return notes
    return None


def _part(sheet: Sheet, kind: str) -> Wide | None:
    """Return the melody of a run of bars, or what the keyboard plays."""
    if kind == "melody":
        single = [line for line in sheet.lines if line.alone >= MONOPHONIC and line.mean >= LOWEST_LINE]
        return sheet.line(0, max(single or sheet.lines, key=lambda line: (line.voiced, line.mean)))
    keys = [line for line in sheet.lines if line.program in KEYBOARDS and not line.voiced]
    notes = sheet.chords(keys)[0]
    if not len(notes) or len(set(notes[:, 0].tolist())) > MONOPHONIC * len(notes):
        return None
    return notes


def _fits(notes: Wide, grid: Grid) -> bool:
    """Tell whether an excerpt has notes enough, all over, on sixteenths."""
    bars = set((notes[:, 0] // grid.steps_per_bar).tolist()) if len(notes) else set()
    return (
        len(notes) >= FEWEST * BARS
        and {0, 1} <= bars
        and len(bars) >= BARS - 3
        and not off_grid(alone(notes), grid)[0]
    )


# -- the performer ---------------------------------------------------------------------------------


def perform(notes: Wide, metre: Metre, chance: random.Random, *, bpm: float, rubato: float) -> Played:
    """Play an excerpt as a person would.

    Args:
        notes: on the grid of the metre.
        metre: of the bars.
        chance: of the jitter and of the rubato's length and phase.
        bpm: mean tempo, in quarters.
        rubato: by which share it goes up and down.
    """
    grid = grid_of(metre)
    quarters_of_sine = chance.choice(RUBATO_BARS) * grid.beats_per_bar
    phase = chance.uniform(0, 2 * math.pi)
    parts = 48  # of a quarter, in which the tempo is taken as even

    def tempo(quarter: float) -> float:
        return bpm * (1 + rubato * math.sin(2 * math.pi * quarter / quarters_of_sine + phase))

    moments = [1.0]
    for part in range(BARS * grid.beats_per_bar * parts + parts):
        moments.append(moments[-1] + 60 / tempo(part / parts) / parts)

    def moment(quarter: float) -> float:
        part = max(0, int(quarter * parts))
        return moments[part] + (quarter * parts - part) * (moments[part + 1] - moments[part])

    onsets = [
        (
            moment((onset + micro / 100) / grid.steps_per_beat) + chance.gauss(0, JITTER),
            int(pitch),
            int(velocity),
        )
        for onset, pitch, velocity, _, micro, _ in notes.tolist()
    ]
    beats = [beat * metre.ticks_per_beat / TICKS_PER_BEAT for beat in range(BARS * metre.beats_per_bar)]
    return Played(metre, sorted(onsets), [moment(beat) for beat in beats], [tempo(beat) for beat in beats])


def _score(notes: Wide, metre: Metre, number: int, rubato: float, hint: str) -> Score:
    chance = random.Random(number)
    bpm = chance.uniform(*TEMPI)
    knob = bpm * math.exp(chance.uniform(-KNOWN, KNOWN))
    played = perform(notes, metre, chance, bpm=bpm, rubato=rubato)
    if hint == "line":
        line = Nanos(round(played.beats[0] * SECOND))
        return followed(played, BeatFollower(metre, tempo_bpm=bpm), Timeline(Tick(0), line, played.tempi[0]))
    known = hint == "tempo"
    return followed(played, BeatFollower(metre, tempo_bpm=knob if known else USUAL_BPM, chosen=known))


# -- the instrument --------------------------------------------------------------------------------


def followed(played: Played, follower: BeatFollower, given: Timeline | None = None) -> Score:
    """Let a transport follow a performance, and compare its beats with the performer's.

    Args:
        played: the performance.
        follower: that has heard nothing yet.
        given: a timeline that runs from the first on, which the performer plays to.
    """
    transport = Transport(tempo_bpm=USUAL_BPM)
    if given is not None:
        follower.join(given)
        transport.resume(given)
    beats, ticks = played.metre
    begin = played.beats[LEARNING_BARS * beats] - TOLERANCE
    end = Nanos(round((played.beats[-1] + 2 * TOLERANCE) * SECOND))
    found: list[tuple[float, int, float]] = []  # seconds, beat, bpm
    probes = [Nanos(round(time * SECOND)) for time in played.beats]
    at: list[tuple[float, float]] = []  # the transport's beat and bpm at each of the performer's, 0 bpm: none
    moments = [(Nanos(round(time * SECOND)), pitch, velocity) for time, pitch, velocity in played.onsets]
    beat = 0
    for now, pitch, velocity in [*moments, (end, 0, 0)]:
        while follower.due is not None and follower.due <= now:
            told = Nanos(follower.due + ANSWER_NANOS)
            beat = _pass_beats(transport, ticks, beat, told, found)
            _probe(transport, ticks, probes, told, at)
            if follower.advance(follower.due) and follower.found is not None:
                if transport.running:
                    transport.follow(follower.found.timeline, told)
                else:
                    transport.resume(follower.found.timeline)
                    beat = transport.tick(told) // ticks + 1
        beat = _pass_beats(transport, ticks, beat, now, found)
        _probe(transport, ticks, probes, now, at)
        if velocity:
            follower.onset(now, pitch, velocity)
    counted = [entry for entry in found if entry[0] >= begin]
    true = [(time, index) for index, time in enumerate(played.beats) if time >= begin]
    lines = f1(
        [time for time, count, _ in counted if count % beats == 0], [t for t, i in true if i % beats == 0]
    )
    errors = [abs(tempo / played.tempi[_nearest(played.beats, time)] - 1) for time, _, tempo in counted]
    over = tuple(
        _error_over(bars * beats, [time for time, _, _ in found], played.beats)
        for bars in _spans(played.metre)
    )
    octave, half = _confusions(at, played.tempi, beats)
    return Score(
        f1([entry[0] for entry in counted], [time for time, _ in true]),
        lines,
        median(errors or [1.0]),
        over,
        octave,
        half,
    )


def _error_over(beats: int, found: Sequence[float], true: Sequence[float]) -> float:
    """Return the median error of the mean tempo over so many beats, as a share.

    Args:
        beats: of the transport.
        found: their moments, in seconds.
        true: moments of the performer's.
    """
    errors = [
        abs(beats / (_place(true, end) - _place(true, begin)) - 1)
        for begin, end in zip(found, found[beats:], strict=False)
        if true[0] <= begin and end <= true[-1]
    ]
    return median(errors or [1.0])


def _place(moments: Sequence[float], moment: float) -> float:
    """Return how many of the moments have gone by, with shares of those around."""
    after = min(max(1, bisect_left(moments, moment)), len(moments) - 1)
    before = after - 1
    return before + (moment - moments[before]) / (moments[after] - moments[before])


def _probe(
    transport: Transport, ticks: int, probes: Sequence[Nanos], now: Nanos, at: list[tuple[float, float]]
) -> None:
    """Note where the transport is at the performer's beats up to now."""
    while len(at) < len(probes) and probes[len(at)] <= now:
        beat = transport.tick(probes[len(at)]) / ticks
        at.append((beat, transport.tempo_bpm if transport.running else 0.0))


def _confusions(at: Sequence[tuple[float, float]], tempi: Sequence[float], beats: int) -> tuple[float, float]:
    """Return the shares of beats after the first bars with half or twice the tempo, and half a bar off."""
    octave, half = 0, 0
    first = LEARNING_BARS * beats
    for index, (beat, bpm) in enumerate(at[first:], first):
        ratio = bpm / tempi[index]
        octave += NEAR < ratio / 2 < 1 / NEAR or NEAR < ratio * 2 < 1 / NEAR
        half += NEAR < ratio < 1 / NEAR and abs((beat - index) % beats - beats / 2) < beats / 16
    counted = max(1, len(at) - first)
    return octave / counted, half / counted


def _pass_beats(
    transport: Transport, ticks: int, beat: int, now: Nanos, found: list[tuple[float, int, float]]
) -> int:
    """Note the moments of the transport's beats up to now; returns the next beat."""
    while transport.running and transport.timeline.nanos(Tick(beat * ticks)) <= now:
        moment = transport.timeline.nanos(Tick(beat * ticks))
        found.append((moment / SECOND, beat, transport.tempo_bpm))
        beat += 1
    return beat


def _nearest(moments: Sequence[float], moment: float) -> int:
    return min(range(len(moments)), key=lambda index: abs(moments[index] - moment))


def f1(found: Sequence[float], true: Sequence[float]) -> float:
    """Return the F1 of moments in seconds, each matched once within the tolerance."""
    left = list(true)
    hits = 0
    for moment in found:
        first = bisect_left(left, moment - TOLERANCE)
        if first < len(left) and left[first] <= moment + TOLERANCE:
            del left[first]
            hits += 1
    return 2 * hits / (len(found) + len(true)) if found or true else 1.0
