"""The band under held-out melodies: in their harmony, in time, from phrase to phrase.

A scripted performer plays the melodies of ensembles that nothing was trained on, on a fake clock, to the jam
and the shipped model that accompanies.  What left on the channels of chords, bass and drums is measured
against the bar that was played meanwhile, beside what the musicians themselves play there and beside the
band of another piece (chance).  No port, no process: only the costs depend on the machine.
"""

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Row, percentile
from benchmarks.scale import Scale
from live.cli.offline import generate
from live.ipc.messages import Accompany, Answer, Decode, Encode, ToWorker
from live.worker.accompanist import Accompanist
from live.worker.handler import RequestHandler
from model.edits.arrangement import SECTION
from model.edits.groove import CRASH
from model.latent.note_transformer import run_to_end
from model.music.accompaniment import FIGURES, figures
from model.music.chord_finding import GUESS, beats_of, progression, triad_index
from model.music.grid import Grid
from model.music.harmony import Chord
from model.music.key import Key, key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.real_model import RealModel
from tests.fakes.stage import Stage, configured

PREFIX = "band: "
MODEL = "multitrack"
CHANNELS = {3: CHORDS, 4: BASS, 10: DRUMS}
PIECES, PHRASES, WRITTEN = 64, 4, 3
ALL = (CHORDS, BASS, DRUMS)
Music = Sequence[Sequence[Phrase]]
GRID = Grid()
STEP, BEAT = GRID.ticks_per_step, GRID.ticks_per_beat
CELL = GRID.ticks
EXPLAINED = (
    "*In the bar's harmony*: share of the time that chords and bass sound with a pitch class that the melody",
    "has in that bar; *a semitone beside*: with one a semitone beside what the melody has in that beat, and",
    "not in it. The melodies are held out, their musicians' chords taken away; the patterns are three that",
    "the model wrote to other pieces; the band enters with the third bar.",
    "`python -m benchmarks --only band --data PREPARED` measures it.",
)


class Player(RealModel):
    """The shipped model as a stage's; what it accompanies with are patterns that it wrote before."""

    def __init__(self, handler: RequestHandler, patterns: Sequence[Phrase]) -> None:
        super(RealModel, self).__init__()
        self.handler, self.patterns = handler, patterns

    def write(self, number: int) -> None:
        """Have a pattern ready for a phrase."""
        assert self.handler.player is not None
        band = self.handler._accompanist(self.handler.player)  # noqa: SLF001
        band._written = self.patterns[number // SECTION % len(self.patterns)]  # noqa: SLF001

    def answer(self, message: ToWorker) -> Answer:
        """Answer as the model process does."""
        if isinstance(message, Encode | Decode):
            found: Answer = self.handler.answer(message)  # type: ignore[assignment]
            return found
        return super().answer(message)


class Set(Stage):
    """A stage whose model accompanies."""

    def ask(self, message: ToWorker) -> bool:
        """Let an accompaniment be there at once."""
        if isinstance(message, Accompany) and isinstance(self.model, Player):
            self.model.write(message.number)
        return super().ask(message)


@dataclass(frozen=True, slots=True)
class Played:
    """What sounded of a band.

    Attributes:
        notes: (start tick, end tick, pitch) by track.
        costs: of laying it anew, in milliseconds.
        chords: index of the triad that the band followed in each beat of each phrase, -1 for none.
    """

    notes: dict[int, list[tuple[int, int, int]]]
    costs: list[float]
    chords: list[list[int]]

    def cell(self, index: int, tracks: Iterable[int]) -> list[Note]:
        """Return what tracks sound in a cell, on the grid."""
        zero, found = index * CELL, []
        for track in tracks:
            for start, end, pitch in self.notes[track]:
                low, high = max(start - zero, 0), min(end - zero, CELL)
                if start < zero + CELL and end > zero and high - low > 10:
                    step = round(low / STEP)
                    if step < GRID.steps:
                        length = max(1, min(GRID.steps - step, round((high - low) / STEP)))
                        found.append(Note(step, pitch, 80, length, track=track))
        return sorted(found)


def performed(handler: RequestHandler, melody: Sequence[Phrase], patterns: Sequence[Phrase]) -> Played:
    """Play phrases of a melody, one after another, and return what the band played to them."""
    stage = Set(configured(), model=Player(handler, patterns))
    costs: list[float] = []
    relay = stage.jam.band.relay

    def timed(now: object) -> None:
        begun = time.thread_time()
        relay(now)  # type: ignore[arg-type]
        costs.append((time.thread_time() - begun) * 1e3)

    stage.jam.band.relay = timed  # type: ignore[method-assign]
    stage.begin()
    for index, phrase in enumerate(melody):
        for note in phrase.notes:
            stage.press(
                index * CELL + note.onset * STEP + 3, note.length * STEP - 10, note.pitch, note.velocity
            )
    chords: list[list[int]] = []
    for index in range(len(melody)):
        stage.run_to_tick((index + 1) * CELL - STEP)
        beats = stage.jam.band.harmony.steps(index)[GRID.steps_per_beat - 1 :: GRID.steps_per_beat]
        chords.append([triad_index(chord) if isinstance(chord, Chord) else -1 for chord in beats])
    stage.run_to_tick(len(melody) * CELL)
    down: dict[tuple[int, int], int] = {}
    notes: dict[int, list[tuple[int, int, int]]] = {track: [] for track in CHANNELS.values()}
    for tick, data in [
        *stage.instrument(),
        *((len(melody) * CELL, bytes((0x80 | (c - 1), p, 0))) for c in CHANNELS for p in range(128)),
    ]:
        channel, pitch = (data[0] & 0x0F) + 1, data[1]
        if channel not in CHANNELS:
            continue
        begun = down.pop((channel, pitch), None)
        if begun is not None:
            notes[CHANNELS[channel]].append((begun, tick, pitch))
        if data[0] & 0xF0 == 0x90 and data[2]:
            down[channel, pitch] = tick
    return Played(notes, costs, chords)


def classes(notes: Iterable[Note], span: int) -> list[set[int]]:
    """Return the pitch classes that sound in the span of steps that each step lies in."""
    found: list[set[int]] = [set() for _ in range(GRID.steps)]
    for note in notes:
        for step in range(note.onset, min(GRID.steps, note.onset + note.length)):
            found[step].add(note.pitch % 12)
    whole = [set().union(*found[first : first + span]) for first in range(0, GRID.steps, span)]
    return [whole[step // span] for step in range(GRID.steps)]


def together(
    pairs: Iterable[tuple[Sequence[Note], Sequence[Note]]], *, since: int | Sequence[int] = 0
) -> tuple[float, float]:
    """Return how much of bands' time lies in their melodies' harmony, and a semitone beside them.

    Args:
        pairs: melody and band of a phrase each.
        since: step from which is measured, of all or of each.
    """
    inside = bars = beside = beats = 0
    begins = itertools.repeat(since) if isinstance(since, int) else since
    for (melody, band), begin in zip(pairs, begins, strict=False):
        of_bar, of_beat = classes(melody, GRID.steps_per_bar), classes(melody, GRID.steps_per_beat)
        for note in band:
            pitch = note.pitch % 12
            for step in range(max(begin, note.onset), min(GRID.steps, note.onset + note.length)):
                if of_bar[step]:
                    bars += 1
                    inside += pitch in of_bar[step]
                if of_beat[step]:
                    beats += 1
                    near = {(pitch + 1) % 12, (pitch - 1) % 12}
                    beside += pitch not in of_beat[step] and bool(near & of_beat[step])
    return inside / max(1, bars), beside / max(1, beats)


def likeness(one: set[tuple[int, int]], other: set[tuple[int, int]]) -> float:
    """Return the F1 of two sets."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


def chords_of(notes: Sequence[Note]) -> list[int]:
    """Return the triad of each beat, -1 for none."""
    found = progression(beats_of(notes, GRID), key_of(notes, clear=GUESS), beats_per_bar=GRID.beats_per_bar)
    return [-1 if chord is None else triad_index(chord) for chord in found]


def pieces(scale: Scale) -> list[list[Phrase]]:
    """Return whole pieces of so many phrases, held out, of ensembles in which a melody and others play."""
    from trainer.data.dataset import load  # noqa: PLC0415  the other benchmarks do without the trainer

    known = load(scale.data, MODEL, "test")
    by_song: dict[int, list[Phrase]] = {}
    for index, song in enumerate(known.songs.tolist()):
        phrase = known.phrase(index, GRID)
        tracks = {note.track for note in phrase.notes}
        if {MELODY, CHORDS, BASS} <= tracks and len(phrase.part(MELODY)) >= 4:
            by_song.setdefault(song, []).append(phrase)
    found = [phrases[:PHRASES] for phrases in by_song.values() if len(phrases) >= PHRASES]
    order = np.random.default_rng(0).permutation(len(found))
    return [found[place] for place in order[: scale.count(PIECES, least=3)]]


def melody_of(phrase: Phrase) -> Phrase:
    """Return a phrase's melody as a keyboard plays it."""
    return phrase.part(MELODY)


def written(handler: RequestHandler, music: Music) -> list[Phrase]:
    """Return what the model writes to the beginning of some pieces, without its melody."""
    assert handler.player is not None
    return [
        run_to_end(Accompanist(handler.player).write(melody_of(piece[0]), ALL, number=0, seed=number)).part(
            *ALL
        )
        for number, piece in enumerate(music)
    ]


def plain_tunes() -> list[list[Phrase]]:
    """Return tunes of the C major scale alone, two phrases each, that outline I, IV, V and vi."""
    tunes = (
        (
            "60 64 67 64 65 69 72 69 67 71 74 71 72 67 64 60",
            "69 72 76 72 65 69 72 69 67 74 71 67 72 71 72 72",
        ),
        (
            "67 67 69 67 72 71 67 67 67 67 69 67 74 72 72 72",
            "67 67 79 76 72 71 69 69 77 77 76 72 74 72 72 72",
        ),
        (
            "64 62 60 62 64 64 64 64 62 62 62 62 64 67 67 67",
            "64 62 60 62 64 64 64 64 62 62 64 62 60 60 60 60",
        ),
        (
            "60 60 67 67 69 69 67 67 65 65 64 64 62 62 60 60",
            "67 67 65 65 64 64 62 62 67 67 65 65 64 64 62 62",
        ),
    )
    return [
        [
            Phrase.of(
                GRID, [Note(2 * place, pitch, 90, 2) for place, pitch in enumerate(map(int, half.split()))]
            )
            for half in tune
        ]
        for tune in tunes
    ]


def measure(scale: Scale) -> list[Row]:
    """Measure the band of the shipped model that accompanies."""
    handler = RequestHandler()
    handler.load(MODEL)
    music = pieces(scale)
    patterns = written(handler, music[:WRITTEN])
    rows = [
        *_under(handler, music, patterns),
        *_moved(handler, music, patterns),
        *_again(handler, music, patterns),
    ]
    rows += _like_music(handler, music)
    rows += _offline(handler)
    return [Row(PREFIX + row.what, row.budget, row.measured, row.beside, row.met) for row in rows]


def _words(figures: tuple[float, float]) -> str:
    return f"{figures[0]:.2f}, {figures[1]:.3f}"


def _under(handler: RequestHandler, music: Music, patterns: Sequence[Phrase]) -> list[Row]:
    pairs, real, chance, costs = [], [], [], []
    bands: list[list[Note]] = []
    for piece in music:
        played = performed(handler, [*map(melody_of, piece)], patterns)
        costs += played.costs
        for index in range(1, len(piece)):
            melody = melody_of(piece[index]).notes
            band = played.cell(index, (CHORDS, BASS))
            pairs.append((melody, band))
            bands.append(band)
            real.append((melody, piece[index].part(CHORDS, BASS).notes))
    for place, (melody, _) in enumerate(pairs):
        chance.append((melody, bands[(place + len(bands) // 2) % len(bands)]))
    found = together(pairs)
    silent = sum(not band for _, band in pairs) / len(pairs)
    return [
        Row(
            "in the bar's harmony, a semitone beside",
            ">= .50, <= .07",
            f"{_words(found)} ({len(pairs)} phrases, {silent:.0%} of them without chords and bass)",
            f"musicians {_words(together(real))}, another piece's band {_words(together(chance))}",
            found[0] >= 0.50 and found[1] <= 0.07,
        ),
        Row(
            "laying what is to come anew",
            "p50 <= 1 ms",
            f"p50 {percentile(costs, 0.5):.2f}, p99 {percentile(costs, 0.99):.2f} ms (n {len(costs)})",
            "processor time",
            percentile(costs, 0.5) <= 1.0,
        ),
    ]


def _moved(handler: RequestHandler, music: Music, patterns: Sequence[Phrase]) -> list[Row]:
    """Play two phrases, then the same in a far key, or as they were; measure the third phrase of both.

    Nobody can hear of another key before its first note: two beats are counted from that one.
    """
    moved, stayed, after = [], [], []
    for place, piece in enumerate(music):
        melody = [melody_of(piece[0]), melody_of(piece[1])]
        far = [phrase.moved((6, 3, -3, 1)[place % 4]) for phrase in melody]
        played = performed(handler, [*melody, *far, far[1]], patterns)
        moved.append((far[0].notes, played.cell(2, (CHORDS, BASS))))
        after.append((far[1].notes, played.cell(3, (CHORDS, BASS))))
        played = performed(handler, [*melody, *melody], patterns)
        stayed.append((melody[0].notes, played.cell(2, (CHORDS, BASS))))
    two = 2 * GRID.steps_per_beat
    since = [notes[0].onset + two for notes, _ in moved]
    found, settled = together(moved, since=since), together(stayed, since=since)
    return [
        Row(
            "from two beats after the first note in a far key on",
            "as without the change, .05 less at most; <= .07",
            _words(found),
            f"without {_words(settled)}; from two beats after the bar line on "
            f"{_words(together(moved, since=two))}, without {_words(together(stayed, since=two))}; "
            f"a phrase later {_words(together(after))}",
            found[0] >= settled[0] - 0.05 and found[1] <= 0.07,
        )
    ]


def _again(handler: RequestHandler, music: Music, patterns: Sequence[Phrase]) -> list[Row]:
    """Play the same two bars five times, and look at the band of the second to the fifth time."""
    same, read_alike, chords_alike, drums_alike, varied, filled, landed = [], [], [], [], [], [], []
    for piece in music:
        tune = melody_of(piece[0])
        played = performed(handler, [tune] * 5, patterns)
        cells = [played.cell(index, (CHORDS, BASS)) for index in range(1, 5)]
        same += _alike(played.chords[1:])
        read_alike += _alike([chords_of(cell) for cell in cells])
        sounding = [{(n.onset // 4, n.pitch % 12) for n in cell if n.track == CHORDS} for cell in cells]
        chords_alike += [likeness(one, other) for one, other in itertools.pairwise(sounding) if one or other]
        struck = [{(n.onset, n.pitch) for n in cell if n.track == CHORDS} for cell in cells]
        varied += [one != other for one, other in itertools.pairwise(struck) if one or other]
        drums = [{(n.onset, n.pitch) for n in played.cell(index, (DRUMS,))} for index in range(1, 5)]
        drums_alike += [likeness(one, other) for one, other in itertools.pairwise(drums[:3]) if one and other]
        if drums[0]:
            filled.append(any(key in (43, 47, 50) or step % 4 for step, key in drums[0] if step >= 28))
            landed.append((0, CRASH) in drums[1])
    progression_stays = float(np.mean(same)) if same else 0.0
    drum_f1 = float(np.mean(drums_alike)) if drums_alike else 0.0
    return [
        Row(
            "the same two bars again: same chord in a beat",
            ">= .90",
            f"{progression_stays:.2f}",
            f"read from the notes alone {float(np.mean(read_alike)):.2f}; their pitch classes alike "
            f"{float(np.mean(chords_alike)):.2f} (F1); "
            f"voiced or struck otherwise {float(np.mean(varied)):.0%}",
            progression_stays >= 0.90,
        ),
        Row(
            "drums, two bars and the next two (F1)",
            ".46 to .66",
            f"{drum_f1:.2f}",
            "real drummers .56",
            0.46 <= drum_f1 <= 0.66,
        ),
        Row(
            "fills before bar 5, and lands on it",
            "always",
            f"{float(np.mean(filled)):.0%}, {float(np.mean(landed)):.0%}",
            met=bool(filled) and all(filled) and all(landed),
        ),
    ]


def _alike(cells: Sequence[Sequence[int]]) -> list[bool]:
    """Tell of each beat that has a chord whether the same beat of the next cell has it, too."""
    return [
        one == other
        for cell, following in itertools.pairwise(cells)
        for one, other in zip(cell, following, strict=True)
        if one >= 0 and other >= 0
    ]


def _like_music(handler: RequestHandler, music: Music) -> list[Row]:
    """Write chords and bass to melodies as `twobar accompany` does, and compare them with the musicians'."""
    assert handler.player is not None
    ours: list[dict[str, float]] = []
    theirs: list[dict[str, float]] = []
    for number, piece in enumerate(music):
        tune = [melody_of(phrase) for phrase in piece]
        ours += map(figures, generate.accompany(handler.player, tune, [CHORDS, BASS], seed=number))
        theirs += map(figures, piece)
    rows = []
    for name in (name for name, (track, _) in FIGURES.items() if track in (CHORDS, BASS)):
        found, known = ([row[name] for row in side if name in row] for side in (ours, theirs))
        mean, spread = float(np.mean(known)), float(np.std(known))
        rows.append(
            Row(
                f"accompaniments, {name}",
                "within 1 sd of music",
                f"{np.mean(found):.2f}",
                f"musicians {mean:.2f}, 1 sd {spread:.2f}",
                bool(abs(np.mean(found) - mean) <= spread),
            )
        )
    return rows


def _offline(handler: RequestHandler, tunes: int = 2) -> list[Row]:
    """Let plain tunes in C be accompanied as `twobar accompany` does it."""
    assert handler.player is not None
    scale, inside = Key(0, 0).scale, {CHORDS: [0, 0], BASS: [0, 0]}
    for tune in plain_tunes()[:tunes]:
        for phrase in generate.accompany(
            handler.player, [one.part(MELODY) for one in tune], [CHORDS, BASS, DRUMS], seed=0
        ):
            for note in phrase.notes:
                if note.track in inside:
                    inside[note.track][0] += note.pitch % 12 in scale
                    inside[note.track][1] += 1
    shares = {track: good / max(1, of) for track, (good, of) in inside.items()}
    return [
        Row(
            "`accompany` on plain tunes in C: chords, bass in key",
            ">= 95 %",
            f"{shares[CHORDS]:.0%}, {shares[BASS]:.0%}",
            f"notes {inside[CHORDS][1]}, {inside[BASS][1]}",
            min(shares.values()) >= 0.95,
        )
    ]
