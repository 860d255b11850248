"""What of human playing comes back: held-out phrases, performed, heard by the instrument, answered at rest.

The phrases are the shipped models' own test split: a folder that `twobar-train prepare MIDI_DIR --out DIR
--metres all` wrote from the music they were trained on.  Three figures a row: what the transcription
understands, what the network alone gives back of it, and what the instrument plays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from random import Random
from statistics import fmean
from typing import NamedTuple

import numpy as np

from benchmarks import performances
from benchmarks.figures import Row
from benchmarks.performances import Performance, Performed, Performer
from benchmarks.scale import Scale
from live.jam.input.capture import Capture
from live.timing.timeline import Tick
from model.latent.geometry import played_at
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.phrase import Note, Phrase
from model.playing.load import load
from model.playing.player import Player
from model.transcription.struck import Struck
from model.transcription.transcribe import Transcription, transcribe
from trainer.errors import OperationError, RequestError
from trainer.evaluation.heldout import phrases_on

MODELS = {"keys": "poly", "lead": "melody"}
PHRASES, SOUGHT = 100, 400
SEED = 1
ALONE, ALONE_LENGTHS = 0.97, 0.93
PREFIX = "human: "
EXPLAINED = (
    f"{PHRASES} phrases for each model, drawn by seed {SEED} from its test split (songs it has not learned),",
    "are played as `benchmarks/performances.py` says, heard by `model/transcription/` and answered with all",
    "knobs at rest. F1 on (step, pitch), or on (pitch, time) where a row names milliseconds. The figure of",
    "the transcription is of what a model is shown, that of the network of what it alone gives back of it;",
    "under *measured* stands the instrument, which keeps what the network does not change. The last row",
    f"is of {SOUGHT} phrases, from the point that `edit` and `morph` seek for each. It is measured by",
    "`python -m benchmarks --only human --data DIR`; DIR is what",
    "`twobar-train prepare MIDI_DIR --out DIR --metres all` writes.",
)
STEP = performances.STEP


class Heard(NamedTuple):
    """One performance and what became of it."""

    performance: Performance
    heard: Transcription
    network: Phrase
    answer: Phrase


class Figures(NamedTuple):
    """A measure of one model: of the transcription, the network alone, the instrument; in words beside."""

    transcription: float
    network: float
    instrument: float
    beside: str = ""


Measure = Callable[[Sequence[Heard], float], Figures]
"""(what was heard, milliseconds in a tick)."""


class Case(NamedTuple):
    """One row of the table.

    Attributes:
        least: what the instrument's figure must reach; most, where `most` is set.
        most: whether the figure must stay below.
        lag_goes_on: whether the lag of each phrase is known to the next.
        touch_ms: for how long keys are touched that a pedal holds; 0 without a pedal.
    """

    what: str
    perform: Performer
    bpm: float
    least: float
    measure: Measure
    most: bool = False
    lag_goes_on: bool = False
    touch_ms: float = 0.0
    unit: str = "F1"


def dice(one: Iterable[object], other: Iterable[object]) -> float:
    """Return the F1 of two sets of notes."""
    first, second = set(one), set(other)
    both = len(first) + len(second)
    return 2 * len(first & second) / both if both else 1.0


def on_steps(found: Sequence[Heard], _: float) -> Figures:
    """Measure which notes lie on the steps they belong to; of the instrument with every ornament."""
    rows = [
        (
            dice(
                _places(one.heard.shown), main := {(p.step, p.key.pitch) for p in one.performance if p.main}
            ),
            dice(_places(one.network), main),
            dice(_places(one.answer), {(p.step, p.key.pitch) for p in one.performance}),
        )
        for one in found
    ]
    return _figures(rows)


def _figures(rows: Sequence[Sequence[float]], beside: str = "") -> Figures:
    """Return the mean of each of three columns."""
    transcription, network, instrument = (fmean(column) for column in zip(*rows, strict=True))
    return Figures(transcription, network, instrument, beside)


def _places(phrase: Phrase) -> set[tuple[int, int]]:
    return {(note.onset, note.pitch) for note in phrase.notes}


def within(tolerance_ms: float) -> Measure:
    """Measure which notes start where they were played, to so many milliseconds."""

    def measure(found: Sequence[Heard], ms_per_tick: float) -> Figures:
        rows = [
            [
                _in_time(one.performance, phrase, tolerance_ms / ms_per_tick)
                for phrase in (one.heard.phrase, one.network, one.answer)
            ]
            for one in found
        ]
        return _figures(rows)

    return measure


def tick_of(note: Note) -> float:
    """Return where a note sounds at a feel of 1, in ticks."""
    return (note.onset + note.displacement + note.offset) * STEP


def _in_time(performance: Performance, phrase: Phrase, ticks: float) -> float:
    """Return the F1 of notes by pitch and time; each is matched once."""
    free = sorted((tick_of(note), note.pitch) for note in phrase.notes)
    count, matched = len(free), 0
    for key in sorted(one.key for one in performance):
        for place, (tick, pitch) in enumerate(free):
            if pitch == key.pitch and abs(tick - key.start) <= ticks + 0.5:
                del free[place]
                matched += 1
                break
    both = count + len(performance)
    return 2 * matched / both if both else 1.0


def swing_to(ratio: float) -> Measure:
    """Measure the notes on their steps, and beside them the share of phrases whose swing is known to .02.

    Of those with second eighths in two places: one alone, be it a chord, may as well be late.
    """

    def measure(found: Sequence[Heard], ms_per_tick: float) -> Figures:
        off_beat = [
            one
            for one in found
            if len({p.step for p in one.performance if p.step % 4 == 2}) >= 2
            and any(p.step % 4 == 0 for p in one.performance)
        ]
        near = fmean(abs(one.heard.swing - ratio) <= 0.02 for one in off_beat) if off_beat else 1.0
        figures = on_steps(found, ms_per_tick)
        return figures._replace(
            beside=f"ratio to .02 in {near:.0%} of those with second eighths in two places"
        )

    return measure


def velocities(found: Sequence[Heard], _: float) -> Figures:
    """Measure the correlation of velocities, and beside it the instrument's mean error."""
    correlations, errors = [], []
    for pairs in _pairs(found):
        played = np.array([one.key.velocity for one, _ in pairs], dtype=float)
        given = np.array([note.velocity for _, note in pairs], dtype=float)
        correlations.append(float(np.corrcoef(played, given)[0, 1]))
        errors.append(float(np.abs(played - given).mean()))
    return _figures([correlations], f"mean error {errors[2]:.1f}, of the network {errors[1]:.1f}")


def microtiming(found: Sequence[Heard], ms_per_tick: float) -> Figures:
    """Measure the mean error of onsets in milliseconds, with what was taken for a lag as an error."""
    errors = [
        ms_per_tick * fmean(abs(tick_of(note) - one.key.start) for one, note in pairs)
        for pairs in _pairs(found)
    ]
    return _figures([errors])


def _spans(phrase: Phrase) -> set[tuple[int, int, int]]:
    return {(note.onset, note.pitch, note.length) for note in phrase.notes}


def sounding(found: Sequence[Heard], _: float) -> Figures:
    """Measure the share of the sounding length that is kept."""
    rows = []
    for one in found:
        whole = sum(performed.key.end - performed.key.start for performed in one.performance)
        row = []
        for phrase in (one.heard.phrase, one.network, one.answer):
            ticks = {(note.onset, note.pitch): (note.length + note.release) * STEP for note in phrase.notes}
            row.append(
                sum(
                    min(ticks.get((step, key.pitch), 0.0), key.end - key.start)
                    for key, step, _ in one.performance
                )
                / whole
            )
        rows.append(row)
    return _figures(rows)


def _pairs(found: Sequence[Heard]) -> list[list[tuple[Performed, Note]]]:
    """Return keys and the notes on their steps: of the transcription, of the network, of the instrument."""
    columns: list[list[tuple[Performed, Note]]] = [[], [], []]
    for one in found:
        for column, phrase in zip(columns, (one.heard.phrase, one.network, one.answer), strict=True):
            notes = {(note.onset, note.pitch): note for note in phrase.notes}
            for performed in one.performance:
                note = notes.get((performed.step, performed.key.pitch))
                if note is not None:
                    column.append((performed, note))
    return columns


def cases() -> list[Case]:
    """Return all rows."""
    play = performances
    found = [Case("as written", play.plain, 120, 0.97, on_steps)]
    found += [
        Case("each key a normal deviate of 20 ms beside", play.jittered(20), bpm, least, on_steps)
        for bpm, least in ((60, 0.97), (120, 0.97), (180, 0.95))
    ]
    found += [
        Case(
            "40 ms late, each lag known to the next phrase",
            play.late(40),
            bpm,
            0.97,
            on_steps,
            lag_goes_on=True,
        )
        for bpm in (90, 120, 180)
    ]
    found += [
        Case(f"swung {ratio:.0%}", play.swung(ratio), 120, 0.95, swing_to(ratio))
        for ratio in (0.58, 0.62, 0.66)
    ]
    for what, perform in (
        ("triplet eighths", play.triplets()),
        ("quarter triplets", play.quarter_triplets()),
        ("sextuplets", play.sextuplets()),
        ("shuffle", play.shuffle()),
    ):
        found.append(Case(f"{what}, on their steps", perform, 120, 0.95, on_steps))
        found.append(Case(f"{what}, where played to 5 ms", perform, 120, 0.95, within(5)))
    found.append(Case("sixteenths and triplets beat by beat", play.mixed(), 120, 0.93, on_steps))
    found += [
        Case("grace notes 45 ms before", play.graced(45), bpm, 0.95, on_steps) for bpm in (60, 120, 180)
    ]
    found += [
        Case("trills in thirty-seconds, to 15 ms", play.trilled, 120, 0.90, within(15)),
        Case("trills in thirty-seconds, on their steps", play.trilled, 120, 0.90, on_steps),
        Case("a run of chromatic sixteenths, 10 ms beside", play.chromatic, 120, 0.95, on_steps),
    ]
    found += [
        Case(f"chords rolled over {roll} ms", play.rolled(roll), bpm, 0.97, on_steps)
        for roll in (60, 100)
        for bpm in (60, 120, 180)
    ]
    found.append(
        Case(
            "keys touched for 90 ms, held by a pedal that changes at half bars",
            play.pedalled,
            120,
            0.95,
            sounding,
            touch_ms=90,
            unit="of the length",
        )
    )
    found += [
        Case(
            "the last keys held over the bar line",
            play.tied,
            120,
            0.95,
            sounding,
            unit="of the length",
        ),
        Case("a pick-up of an eighth, where played to 5 ms", play.picked_up, 120, 0.95, within(5)),
    ]
    found += [
        Case("velocities by chance, 20 to 127", play.struck_by_chance, 120, 0.97, velocities, unit="r"),
        Case(
            "each key a normal deviate of 10 ms beside",
            play.jittered(10),
            120,
            3.0,
            microtiming,
            most=True,
            unit="ms",
        ),
        Case("A0, C8, a smear of 25 keys, a chord of ten", play.extreme, 120, 0.95, on_steps),
    ]
    found += [
        Case(f"rubato of {share:.0%}", play.rubato(share), 120, least, on_steps)
        for share, least in ((0.05, 0.97), (0.1, 0.9))
    ]
    return found


def measure(scale: Scale) -> list[Row]:
    """Measure every case with both models.

    Raises:
        RuntimeError: there are no held-out phrases.
    """
    players = {name: load(name) for name in MODELS}
    phrases = {
        name: held_out(scale.data, codec, players[name], scale.count(PHRASES, least=10))
        for name, codec in MODELS.items()
    }
    rows = []
    for case in cases():
        ms_per_tick = 60_000 / (case.bpm * TICKS_PER_BEAT)
        figures = {
            name: case.measure(perform(players[name], phrases[name], case), ms_per_tick) for name in MODELS
        }
        rows.append(_row(case, figures))
    return [*rows, _sought(players, scale)]


def _sought(players: Mapping[str, Player], scale: Scale) -> Row:
    """Measure what networks give back where there is time to seek a point, and beside it at once."""
    phrases = {
        name: held_out(scale.data, MODELS[name], player, scale.count(SOUGHT, least=10))
        for name, player in players.items()
    }
    texts, met = {True: "", False: ""}, True
    for (name, player), sought in product(players.items(), texts):
        where = player.seek if sought else player.encode
        pairs = [(player.decode(where(phrase), turns={}), phrase) for phrase in phrases[name]]
        notes, lengths = (
            fmean(dice(key(one), key(other)) for one, other in pairs) for key in (_places, _spans)
        )
        texts[sought] += f"{', ' * bool(texts[sought])}{name} {notes:.3f}, with lengths {lengths:.3f}"
        met = met and (not sought or (notes >= ALONE and lengths >= ALONE_LENGTHS))
    return Row(
        f"{PREFIX}as written, of the network alone, from a point that was sought",
        f">= {ALONE:g} F1, with lengths >= {ALONE_LENGTHS:g}",
        texts[True],
        f"from the posterior's mean: {texts[False]}",
        met,
    )


def held_out(data: Path, codec: str, player: Player, limit: int) -> list[Phrase]:
    """Return phrases of a prepared folder's test split; raises RuntimeError where there are none."""
    try:
        return phrases_on(codec, player.card.grid, data, split="test", limit=limit, seed=SEED)
    except (RequestError, OperationError) as reason:
        raise RuntimeError(f"{reason}; --data names a folder that `twobar-train prepare` wrote") from None


def perform(player: Player, phrases: Sequence[Phrase], case: Case) -> list[Heard]:
    """Play phrases to the instrument, one after another."""
    ms_per_tick = 60_000 / (case.bpm * TICKS_PER_BEAT)
    chance, lag = Random(SEED), 0.0
    found = []
    for phrase in phrases:
        performance = case.perform(phrase, chance, ms_per_tick)
        keys = [one.key for one in performance]
        if case.touch_ms:
            keys = held_by_pedal(keys, phrase.grid, round(case.touch_ms / ms_per_tick))
        heard = transcribe(keys, phrase.grid, lag=lag, ms_per_tick=ms_per_tick)
        lag = heard.lag if case.lag_goes_on else 0.0
        latent = player.encode(heard.shown)
        network = player.decode(latent, turns={})
        answer = player.decode(played_at(latent, heard.phrase), turns={})
        found.append(Heard(performance, heard, network, answer))
    return found


def held_by_pedal(keys: Iterable[Struck], grid: Grid, touch: int) -> list[Struck]:
    """Return keys as they are captured that are touched for so many ticks, and held by a pedal."""
    capture, port = Capture(), "keys"
    feet = [(tick, 0, 127) for tick in range(0, grid.ticks, performances.PEDALLED)]
    feet += [(tick, 0, 0) for tick, _, _ in feet[1:]] + [(grid.ticks, 0, 0)]
    hands = [(start, pitch, velocity) for start, _, pitch, velocity in keys]
    hands += [(start + touch, pitch, 0) for start, pitch, _ in hands]
    for tick, pitch, value in sorted([*feet, *hands], key=lambda event: (event[0], event[2])):
        if not pitch:
            capture.pedal(port, 0, value, Tick(tick))
        elif value:
            capture.on((port, 0, pitch), value, Tick(tick))
        else:
            capture.off((port, 0, pitch), Tick(tick))
    return [Struck(*row) for row in capture.struck(grid, Tick(0), Tick(0), Tick(grid.ticks))]


def _row(case: Case, figures: dict[str, Figures]) -> Row:
    met = all(
        one.instrument <= case.least if case.most else one.instrument >= case.least
        for one in figures.values()
    )
    return Row(
        f"{PREFIX}{case.what}, {case.bpm:g} bpm",
        f"{'<=' if case.most else '>='} {case.least:g} {case.unit}",
        ", ".join(f"{name} {one.instrument:.3f}" for name, one in figures.items()),
        "; ".join(
            f"{name}: transcription {one.transcription:.3f}, network alone {one.network:.3f}"
            + (f", {one.beside}" if one.beside else "")
            for name, one in figures.items()
        ),
        met,
    )
