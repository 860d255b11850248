"""What it brings to choose an answer from more candidates: on phrases of songs that were not learned.

Two choices: of the network's answers to a turned knob (before the closed loop edits what is left), and of
drafts of what comes next.
"""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.figures import Row
from benchmarks.scale import Scale
from model.checkpoint import read
from model.latent.note_transformer import run_to_end
from model.music import attributes
from model.music.phrase import Phrase
from model.playing.alternatives import Material, following
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.inference.candidates import factors
from model.playing.inference.closed_loop import error, limits, steering, targets
from model.runtimes.registry import open_runtime
from model.shipped import SUFFIX, WEIGHTS, shipped_models
from model.writing.ranker import Ranker, shipped_ranker
from model.writing.wish import Kind
from model.writing.writer import Writer, shipped_writer
from trainer.corpus.pieces import load_pieces
from trainer.errors import OperationError
from trainer.evaluation.heldout import phrases_on
from trainer.evaluation.writing import PhraseInPiece, in_scale, phrases_in_pieces

TURNS = (-0.8, -0.4, 0.4, 0.8)
ANSWERS = (1, 2, 4, 16, 64)
DRAFTS = (1, 4, 16, 64)
PHRASES, CONTEXTS = 40, 20
SEED = 1
EXPLAINED = (
    "`python -m benchmarks --only candidates --data DIR`, on the test split. *Error*: how far the chosen",
    "answer of the network is from what the knob asks for, in standard deviations, a change of the other",
    "attributes counted at .15, before it is edited; what is played has next to none. *Score*: the",
    "ranker's, in nats, by which it is chosen; that of the phrase that follows in the song stands beside",
    "it. The share of notes in the scale of what came before judges without it.",
)


def measure(scale: Scale) -> list[Row]:
    """Return the rows of knobs, then those of drafts."""
    return [*_knobs(scale), *_drafts(scale)]


def _knobs(scale: Scale) -> Iterator[Row]:
    """Measure the network's answers to its own knobs."""
    for name in shipped_models():
        path = WEIGHTS / f"{name}{SUFFIX}"
        checkpoint = read(path)
        player = CheckpointPlayer(checkpoint, open_runtime(checkpoint, path, "cpu"))
        try:
            phrases = phrases_on(
                player.card.codec,
                player.card.grid,
                scale.data,
                split="test",
                limit=scale.count(PHRASES, least=4),
                seed=SEED,
            )
        except OperationError as reason:
            yield Row(f"knobs: {name}", "-", str(reason), met=False)
            continue
        latents = player.encode_all(phrases)
        plain = player.decode_all([(latent, {}) for latent in latents])
        asked = [
            (latent.z, base, {knob: turn})
            for latent, base in zip(latents, plain, strict=True)
            if base.notes
            for knob in checkpoint.config.knobs
            for turn in TURNS
        ]
        words = []
        for count in ANSWERS if asked else ():
            found = [pair for one in asked if (pair := _answered(player, *one, count)) is not None]
            away, seconds = np.mean(found, axis=0)
            words.append(f"{count}: {away:.3f} ({1000 * seconds:.1f} ms)")
        if words:
            yield Row(f"knobs: {name}, error of the answer chosen from N", "less", ", ".join(words))


def _answered(
    player: CheckpointPlayer, z: np.ndarray, plain: Phrase, turns: dict[str, float], count: int
) -> tuple[float, float] | None:
    """Return the error of the answer chosen from so many, and the seconds; None where none is asked for."""
    calibration = player.decoder.calibration
    learned = player.network.steered
    began = time.perf_counter()
    try:
        changes = next(
            steering(plain, turns, calibration=calibration, learned=learned, factors=factors(count))
        )
    except StopIteration:
        return None
    answers = player.decoder.answers_all([(z, change) for change in changes])
    base = attributes.measure(plain)
    wanted = targets(base, turns, calibration, limits(plain, base))
    errors = [error(attributes.measure(one, voices=False), wanted, base, calibration) for one in answers]
    return min(errors), time.perf_counter() - began


def _drafts(scale: Scale) -> Iterator[Row]:
    """Measure what comes next, chosen from so many drafts."""
    writer, ranker = shipped_writer(), shipped_ranker()
    if writer is None or ranker is None:
        yield Row("drafts", "-", "the writer's weights are not there", met=False)
        return
    try:
        pieces = load_pieces(scale.data, "test")
    except OperationError as reason:
        yield Row("drafts", "-", str(reason), met=False)
        return
    for kind in Kind:
        rng = np.random.default_rng(SEED)
        held_out = [
            t for t in phrases_in_pieces(pieces, kind, scale.count(CONTEXTS, least=3), rng) if t.context
        ]
        yield Row(
            f"drafts: {kind.name.lower()}, score of what is chosen from N; notes in the scale",
            "more",
            ", ".join(_chosen(writer, ranker, kind, held_out, count) for count in DRAFTS),
            f"the true next phrase {_truth(ranker, kind, held_out):.2f}",
        )


def _chosen(writer: Writer, ranker: Ranker, kind: Kind, held_out: list[PhraseInPiece], count: int) -> str:
    """Write what comes next of so many drafts, in words."""
    scores, inside, seconds = [], np.zeros(2), []
    for number, turn in enumerate(held_out):
        began = time.perf_counter()
        material = Material(turn.context[-1], context=tuple(turn.context[:-1]))
        phrase = run_to_end(following(writer, kind, material, 1000 * number, count))
        seconds.append(time.perf_counter() - began)
        scores.append(float(ranker.scores(kind, turn.context, [phrase])[0]))
        inside += in_scale(turn, phrase.notes)
    share = inside[0] / max(1.0, inside[1])
    return f"{count}: {np.mean(scores):.2f}, {share:.3f} ({np.median(seconds):.1f} s)"


def _truth(ranker: Ranker, kind: Kind, held_out: list[PhraseInPiece]) -> float:
    return float(np.mean([ranker.scores(kind, turn.context, [turn.phrase])[0] for turn in held_out]))
