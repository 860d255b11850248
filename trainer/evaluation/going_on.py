"""What the shipped writer and ranker make of phrases held out: how a phrase is varied, and what comes next.

A model plays what they write, so that their figures belong to it as its knobs' do.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from model.latent.geometry import PlayedPhrase
from model.latent.note_transformer import run_to_end
from model.music.phrase import Phrase
from model.playing.alternatives import Material, another_groove, can_write, following
from model.playing.player import Player
from model.playing.variation import MEASURED, course, note_f1
from model.writing.ranker import shipped_ranker
from model.writing.wish import KIND_OF_CODEC, Kind
from model.writing.writer import shipped_writer
from trainer.corpus.pieces import Pieces
from trainer.evaluation.samples import Progress, no_progress
from trainer.evaluation.writing import CANDIDATES, phrases_in_pieces, reciprocal_rank

AMOUNTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
"""Of vary, at which is looked."""
VARIED, RANKED = 24, 60  # phrases
STRIDE = 97  # between the seeds of two phrases: more than one has drafts

Figures = dict[str, Any]


def dial_error(f1: Sequence[float], amount: float) -> float:
    """Return how far the F1s of phrases with what they were varied to lie from what an amount asks for.

    Args:
        f1: one of each phrase.
        amount: 0 to .7, where what is left of a phrase is 1 less it.
    """
    return float(np.mean(np.abs(np.asarray(f1) - 1 + amount)))


def variation(
    player: Player, phrases: Sequence[Phrase], *, seed: int = 0, progress: Progress = no_progress
) -> Figures | None:
    """Vary phrases by more and more, as an instrument does that has heard nothing before them.

    Args:
        player: of the phrases' grid.
        phrases: held out; the first two dozen that the writer can vary are.
        seed: of all choices.
        progress: called with (what, done, of how many).

    Returns:
        vary, f1: the amounts, and the mean F1 of the notes, by onset and pitch, with the phrases at each.
        f1_half, f1_full: at .5 and at 1.
        error: the largest mean error of the dial up to .7.
        phrases: how many were varied.

        None where no writer knows such phrases.
    """
    writer, kind = shipped_writer(), KIND_OF_CODEC.get(player.card.codec)
    if writer is None or kind is None or not player.card.encodes:
        return None
    chosen = [phrase for phrase in phrases if can_write(kind, Material(phrase))][:VARIED]
    rows: list[list[float]] = []
    for number, phrase in enumerate(chosen):
        material, chance = Material(phrase), seed + number * STRIDE
        writing = (
            another_groove(writer, material, chance)
            if kind is Kind.DRUMS
            else following(writer, kind, material, chance)
        )
        way = course(phrase, [run_to_end(writing)], seed=chance)
        answers = []
        for amount in (0.0, *AMOUNTS):
            varied = way.at(amount)
            found = player.encode(varied)
            answers.append(player.decode(replace(found, source=PlayedPhrase(found.z, varied)), turns={}))
        rows.append([note_f1(answer, phrase) for answer in answers])
        progress("variation", number + 1, len(chosen))
    if not rows:
        return None
    by_amount = dict(zip((0.0, *AMOUNTS), zip(*rows, strict=True), strict=True))
    f1 = {amount: float(np.mean(found)) for amount, found in by_amount.items()}
    return {
        "vary": [*f1],
        "f1": [*f1.values()],
        "f1_half": f1[0.5],
        "f1_full": f1[1.0],
        "error": max(dial_error(found, at) for at, found in by_amount.items() if at <= MEASURED),
        "phrases": len(rows),
    }


def next_phrase(codec: str, pieces: Pieces, *, seed: int = 0) -> Figures | None:
    """Ask the ranker which of many phrases goes on from what a piece has played.

    Args:
        codec: of the phrases.
        pieces: held out.
        seed: of the choice of phrases.

    Returns:
        rank: mean reciprocal rank of the true next phrase among others of other songs; None without phrases.
        chance: what it is by chance.
        phrases: how many were asked for.

        None where no ranker knows such phrases.
    """
    ranker, kind = shipped_ranker(), KIND_OF_CODEC.get(codec)
    if ranker is None or kind is None:
        return None
    asked, others = (
        phrases_in_pieces(pieces, kind, count, np.random.default_rng((seed, number)))
        for number, count in enumerate((RANKED, CANDIDATES + RANKED))
    )
    ranks = reciprocal_rank(ranker, kind, asked, others)
    return {
        "rank": float(np.mean(ranks)) if ranks else None,
        "chance": float(np.mean(1 / np.arange(1, CANDIDATES + 1))),
        "phrases": len(ranks),
    }
