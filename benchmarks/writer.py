"""How good the writer of notes is, and how fast: on pieces of songs that it has not learned.

Next phrases are ranked and written after what a piece has played; draws are written after nothing.
"""

import time

import numpy as np

from benchmarks.figures import Row, percentile
from benchmarks.scale import Scale
from model.latent.note_transformer import run_to_end
from model.music.phrase import Phrase
from model.playing.alternatives import Material, following
from model.writing.ranker import Ranker, shipped_ranker
from model.writing.wish import GRID, Kind, Wish
from model.writing.writer import Writer, shipped_writer
from trainer.corpus.pieces import Pieces, load_pieces
from trainer.errors import OperationError
from trainer.evaluation.writing import (
    CANDIDATES,
    PhraseInPiece,
    distinguished,
    in_scale,
    phrases_in_pieces,
    reciprocal_rank,
    taken_up,
)

PREFIX = "writer: "
RANKED = {Kind.MELODY: 400, Kind.KEYBOARD: 200, Kind.DRUMS: 150, Kind.BAND: 150}
WRITTEN = {Kind.MELODY: 500, Kind.KEYBOARD: 250, Kind.DRUMS: 250, Kind.BAND: 200}
TIMED = 20
ANSWERED = 200
STRIDE = 97  # between the seeds of two answers: more than one has drafts
BUDGET_MS = {Kind.MELODY: 60.0, Kind.KEYBOARD: 250.0, Kind.DRUMS: 250.0, Kind.BAND: 400.0}
SEED = 1
EXPLAINED = (
    "`python -m benchmarks --only writer --data DIR`, on the test split of what",
    "`twobar-train prepare MIDI_DIR --out DIR --metres all` writes: songs that were not learned. Areas under",
    "the curve are of the better of two classifiers on songs that it has not seen either (.5 cannot tell, 1",
    "always); a rank is that of the ranker, which chooses what is played of several drafts. Figures are",
    "three moves of the upper line, by direction, size and time; what is asked is which share of a phrase's",
    "figures the one before it has.",
)


def measure(scale: Scale) -> list[Row]:
    """Return the rows of all kinds."""
    writer, ranker = shipped_writer(), shipped_ranker()
    if writer is None or ranker is None:
        return [Row(PREFIX + "weights", "-", "are not there", met=False)]
    try:
        pieces = load_pieces(scale.data, "test")
    except OperationError as reason:
        return [Row(PREFIX + "pieces", "-", str(reason), met=False)]
    return [row for kind in Kind for row in _rows(writer, ranker, pieces, kind, scale)]


def _rows(writer: Writer, ranker: Ranker, pieces: Pieces, kind: Kind, scale: Scale) -> list[Row]:
    """Return the rows of one kind."""
    rng = np.random.default_rng(SEED)
    count = scale.count(WRITTEN[kind], least=40)
    held_out = phrases_in_pieces(pieces, kind, count, rng)
    songs = np.array([turn.song for turn in held_out])
    name = PREFIX + kind.name.lower()
    if len(set(songs.tolist())) < 4:
        return [Row(name, "-", "too few songs", met=False)]
    real = [turn.phrase for turn in held_out]
    written = writer.write_many([turn.wish(kind) for turn in held_out], seed=SEED)
    draws = writer.write_many([Wish(kind, tracks=turn.wish(kind).tracks) for turn in held_out], seed=SEED)
    ranked = held_out[: scale.count(RANKED[kind], least=4)]
    others = phrases_in_pieces(pieces, kind, CANDIDATES + 100, np.random.default_rng(SEED + 1))
    ranks = reciprocal_rank(ranker, kind, ranked, others)
    next_auc = distinguished(kind, real, written, songs)
    draw_auc = distinguished(kind, real, draws, songs, paired=False)
    rows = [
        Row(
            f"{name}, the true next phrase among {CANDIDATES} of other songs",
            "mean reciprocal rank > .8",
            f"{np.mean(ranks):.3f} (n {len(ranks)})",
            f"chance {np.mean(1 / np.arange(1, CANDIDATES + 1)):.3f}",
            bool(np.mean(ranks) > 0.8),
        ),
        Row(
            f"{name}, next phrases written, beside the true ones",
            "AUC <= .60",
            f"{next_auc:.3f} (n {count})",
            f"the phrase before again {_echo(kind, held_out, songs):.3f}",
            next_auc <= 0.6,
        ),
        Row(
            f"{name}, draws without a context, beside music",
            "AUC <= .60",
            f"{draw_auc:.3f}",
            met=draw_auc <= 0.6,
        ),
    ]
    if kind != Kind.DRUMS:
        shares = []
        for phrases in (written, real):
            counts = np.array(
                [in_scale(turn, one.notes) for turn, one in zip(held_out, phrases, strict=True)]
            )
            shares.append(float(counts[:, 0].sum() / max(1, counts[:, 1].sum())))
        rows.append(
            Row(
                f"{name}, share of the written notes in the scale of what came before",
                ">= music - .02",
                f"{shares[0]:.3f}",
                f"music {shares[1]:.3f}",
                shares[0] >= shares[1] - 0.02,
            )
        )
    if kind in (Kind.MELODY, Kind.KEYBOARD):
        rows.append(_motifs(writer, kind, held_out[: scale.count(ANSWERED, least=8)]))
    return [*rows, _speed(writer, kind, held_out[:TIMED])]


def _motifs(writer: Writer, kind: Kind, held_out: list[PhraseInPiece]) -> Row:
    """Return how much of the phrase before what is played next takes up, beside music and other songs."""
    taken: dict[str, list[float]] = {"played": [], "music": [], "others": []}
    for number, turn in enumerate(held_out):
        *context, before = turn.context
        material = Material(before, context=tuple(context))
        other = held_out[(number + len(held_out) // 2) % len(held_out)].phrase
        next_one = run_to_end(following(writer, kind, material, SEED + number * STRIDE))
        for name, phrase in (("played", next_one), ("music", turn.phrase), ("others", other)):
            taken[name].append(taken_up(before, phrase))
    played, music, others = (float(np.mean(each)) for each in taken.values())
    return Row(
        f"{PREFIX}{kind.name.lower()}, figures that the next phrase takes up from the one before",
        "as in music, .05 less at most",
        f"{played:.3f} (n {len(held_out)})",
        f"true next phrases {music:.3f}, those of other songs {others:.3f}",
        played >= music - 0.05,
    )


def _echo(kind: Kind, held_out: list[PhraseInPiece], songs: np.ndarray) -> float:
    """Return how far the phrase before is from the next one, in the same measure."""
    return distinguished(
        kind, [turn.phrase for turn in held_out], [turn.context[-1] for turn in held_out], songs
    )


def _speed(writer: Writer, kind: Kind, held_out: list[PhraseInPiece]) -> Row:
    """Return how long one phrase takes after four, and a note of it; beside it 32 at once."""
    lengths, notes = [], 0
    wishes = [turn.wish(kind) for turn in held_out]
    writer.write_now(wishes[0], seed=0)
    for number, wish in enumerate(wishes):
        began = time.perf_counter()
        notes += len(writer.write_now(wish, seed=number))
        lengths.append(1000 * (time.perf_counter() - began))
    began = time.perf_counter()
    together: list[Phrase] = writer.write_many([*wishes, *wishes][:32], seed=0)
    each = 1000 * (time.perf_counter() - began) / len(together)
    median = percentile(lengths, 0.5)
    assert together[0].grid == GRID
    return Row(
        f"{PREFIX}{kind.name.lower()}, one phrase after four, one thread",
        f"<= {BUDGET_MS[kind]:g} ms",
        f"p50 {median:.0f}, p99 {percentile(lengths, 0.99):.0f} ms; {sum(lengths) / notes:.1f} ms a note",
        f"of 32 at once {each:.0f} ms each",
        median <= BUDGET_MS[kind],
    )
