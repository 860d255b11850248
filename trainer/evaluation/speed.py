"""How long one phrase takes a checkpoint: the part of `evaluate` that another machine answers otherwise."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np

from model.codecs.sampling import Sampling
from model.latent.note_transformer import run_to_end
from model.music.phrase import Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.playing.player import Player

TIMED = 60
ACCOMPANIED = 20  # melodies: the parts beside one take as long as fifty answers
WARMED = 3
BAND = (CHORDS, BASS, DRUMS)


def speed(player: Player, phrases: Sequence[Phrase]) -> dict[str, float | None]:
    """Time single phrases on one thread, the first few apart.

    Args:
        player: the checkpoint.
        phrases: of its grid, at least one; at most 60 are timed.

    Returns:
        encode_ms, decode_ms, total_ms: medians, milliseconds; total is encode and decode of one phrase.  A
            model without a latent has only total_ms: one continuation at temperature 1.
        accompany_ms, accompany_most_ms, accompany_notes: only of a model that accompanies, for chords, bass
            and drums to the phrases' melodies: median and most of the time, and how many notes the phrase
            then has on average; of 20 melodies at most.
    """
    chosen = [phrases[number % len(phrases)] for number in range(WARMED + min(TIMED, len(phrases)))]
    with _one_thread():
        if not player.card.latent_size:
            taken = [_ms(partial(player.continuation, phrase, sampling=Sampling(1.0))) for phrase in chosen]
            return {"encode_ms": None, "decode_ms": None, "total_ms": float(np.median(taken[WARMED:]))}
        rows = []
        for phrase in chosen:
            encode = _ms(partial(player.encode, phrase))
            decode = _ms(partial(player.decode, player.encode(phrase), turns={}))
            rows.append((encode, decode, encode + decode))
        joined = _accompanying(player, chosen[WARMED:])
    encode, decode, total = (float(value) for value in np.median(rows[WARMED:], axis=0))
    return {"encode_ms": encode, "decode_ms": decode, "total_ms": total} | joined


def _accompanying(player: Player, phrases: Sequence[Phrase]) -> dict[str, float | None]:
    """Time how long the parts beside melodies take, if the player writes any."""
    melodies = [phrase.part(MELODY) for phrase in phrases if phrase.part(MELODY).notes]
    if not melodies or not player.card.accompanies:
        return {}
    taken: list[float] = []
    notes = 0
    for number, melody in enumerate(melodies[:ACCOMPANIED]):
        began = time.perf_counter_ns()
        notes += len(run_to_end(player.accompany(melody, BAND, seed=number)))
        taken.append((time.perf_counter_ns() - began) / 1e6)
    return {
        "accompany_ms": float(np.median(taken)),
        "accompany_most_ms": max(taken),
        "accompany_notes": notes / len(taken),
    }


def _ms(what: Callable[[], object]) -> float:
    """Return how long a call takes, milliseconds."""
    began = time.perf_counter_ns()
    what()
    return (time.perf_counter_ns() - began) / 1e6


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch, where it is loaded, use one thread; ONNX Runtime is opened with one already."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
