"""Writes phrases note by note, and says how likely a phrase is: numpy alone, one thread.

The same seed, wish and temperature give the same notes.  What may come next is a manuscript's to say, how
surprising notes are is said in `surprise`.  Times, for a network of the shipped one's size, are in its card.

Threads: any, one writing each.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from model.latent.note_transformer import run_to_end
from model.music.phrase import Phrase
from model.music.tracks import DRUMS
from model.shipped import WEIGHTS
from model.writing import tokens as t
from model.writing.manuscript import LONGEST, Manuscript, shift_of
from model.writing.notes_around import NotesAround
from model.writing.odds import NEVER, drawn, in_scale, onset_odds, value_odds
from model.writing.recall import keep, recalled
from model.writing.surprise import nats_a_note
from model.writing.transformer import AttentionMemory, Transformer
from model.writing.wish import STEPS, Wish

FILE = WEIGHTS / "writer.safetensors"
TEMPERATURE, TOP_P = 1.0, 0.98
TOGETHER = 32  # wishes that are written at once
PORTION = 32  # notes of what is known that are read at once: others wait no longer than for a few new ones


class Writer:
    """A fitted writer."""

    def __init__(self, network: Transformer) -> None:
        self._network = network

    def write(
        self, wish: Wish, *, seed: int, temperature: float = TEMPERATURE, top_p: float = TOP_P
    ) -> Generator[None, None, Phrase]:
        """Write a phrase: yields after each note, and while it reads; returns all, fixed notes included.

        Args:
            wish: what is wanted.
            seed: of the choices.
            temperature: 0 takes the likeliest of each choice; 1 draws from the music's own odds.
            top_p: see `model.codecs.sampling.Sampling`.
        """
        (phrase,) = yield from self._writing([Manuscript(self._network, wish, seed)], temperature, top_p)
        return phrase

    def write_drafts(self, wish: Wish, seeds: Sequence[int]) -> Generator[None, None, list[Phrase]]:
        """Write a wish several times side by side: yields after each note of all, returns one for each seed.

        What is known is read once, so that four take less than twice as long as one.
        """
        first = Manuscript(self._network, wish, seeds[0])
        return self._writing([first, *map(first.another, seeds[1:])], TEMPERATURE, TOP_P)

    def write_now(
        self, wish: Wish, *, seed: int, temperature: float = TEMPERATURE, top_p: float = TOP_P
    ) -> Phrase:
        """Return what `write` comes to."""
        return run_to_end(self.write(wish, seed=seed, temperature=temperature, top_p=top_p))

    def write_many(
        self,
        wishes: Sequence[Wish],
        *,
        seed: int | Sequence[int],
        temperature: float = TEMPERATURE,
        top_p: float = TOP_P,
    ) -> list[Phrase]:
        """Write phrases side by side, which takes much less time than one after another.

        Each is as `write` has it with the same seed, but for what rounding decides.

        Args:
            wishes: what is wanted.
            seed: of the choices of each; a single one counts up from the first.
            temperature: as in `write`.
            top_p: likewise.
        """
        seeds = range(seed, seed + len(wishes)) if isinstance(seed, int) else seed
        found: list[Phrase] = []
        for first in range(0, len(wishes), TOGETHER):
            part = slice(first, first + TOGETHER)
            rows = [
                Manuscript(self._network, wish, one)
                for wish, one in zip(wishes[part], seeds[part], strict=True)
            ]
            found += run_to_end(self._writing(rows, temperature, top_p))
        return found

    def score(self, phrases: Sequence[Phrase], wish: Wish) -> list[float]:
        """Return how surprising phrases are where a wish is made: nats for each new note, the end included.

        Counted are onsets, tracks, pitches and lengths.  Of phrases after one context that with the least
        follows it best; `follows` also leaves out how common it is by itself.

        Args:
            phrases: on the writer's grid.
            wish: their context and what is known; its fixed notes are not counted.
        """
        return self._scores(phrases, wish, shift_of(wish))

    def follows(self, phrases: Sequence[Phrase], wish: Wish) -> list[float]:
        """Return how much more likely phrases are after a wish's context than without it, nats a note."""
        shift = shift_of(wish)  # in one key both times
        after = self._scores(phrases, wish, shift)
        alone = self._scores(phrases, replace(wish, context=(), place=None), shift)
        return [without - with_ for with_, without in zip(after, alone, strict=True)]

    def _scores(self, phrases: Sequence[Phrase], wish: Wish, shift: int) -> list[float]:
        """Return nats a new note of phrases under a wish, whose context is read once."""
        network = self._network
        base = Manuscript(network, wish, 0, shift)
        memory = AttentionMemory(network, np.array([len(base.x)]), 0)
        begin = network.prefix(base.x[None], base.times[None], memory)[0, -1]
        found = []
        for first in range(0, len(phrases), TOGETHER):
            rows = [
                Manuscript(network, wish, 0, shift, phrase) for phrase in phrases[first : first + TOGETHER]
            ]
            entering, times = zip(*(row.entering_new(network) for row in rows), strict=True)
            x, steps, _ = _side_by_side(entering, times)
            several = memory.repeated(len(rows), x.shape[1])
            seen = network.prefix(x, steps, several)
            keys, values = several.seen(network.depth)
            for number, row in enumerate(rows):
                known = np.concatenate((begin[None], seen[number, : len(entering[number])]))
                found.append(
                    nats_a_note(row, network, known, (keys[number], values[number]), len(base.x) - 1)
                )
        return found

    def _writing(
        self, every: Sequence[Manuscript], temperature: float, top_p: float
    ) -> Generator[None, None, list[Phrase]]:
        """Write phrases side by side; yields after each note of all of them."""
        network = self._network
        around = NotesAround(len(every))
        for number, row in enumerate(every):
            row.show(around, number)
        active = np.arange(len(every))
        alike = all(row.x is every[0].x for row in every)  # what is known is read once
        read = every[:1] if alike else every
        x, times, lengths = _side_by_side([row.x for row in read], [row.times for row in read])
        memory = AttentionMemory(network, lengths, LONGEST if len(read) == len(every) else 0)
        portion = PORTION if len(read) == 1 else x.shape[1]
        for first in range(0, x.shape[1], portion):
            part = slice(first, first + portion)
            seen = network.prefix(x[:, part], times[:, part], memory)
            yield
        if len(read) < len(every):
            memory = memory.repeated(len(every), LONGEST)
        x = np.broadcast_to(seen[np.arange(len(read)), (lengths - 1) % portion], (len(every), network.width))
        for _ in range(LONGEST):
            rows = [every[number] for number in active.tolist()]
            notes = _choose(network, x, rows, active, around=around, memory=memory, heat=(temperature, top_p))
            on = notes[:, t.ONSET] < t.END
            if not on.all():
                active, notes, x = active[on], notes[on], x[on]
                memory.keep(on)
                rows = [every[number] for number in active.tolist()]
            if not len(active):
                break
            for row, number, note in zip(rows, active.tolist(), notes.tolist(), strict=True):
                row.take(note)
                around.add_one(number, note)
            left = network.left(np.array([row.left() for row in rows]))
            kinds = np.array([row.wish.kind for row in rows])
            entering = network.known(notes, kinds, np.array(t.NEW)) + left
            x = network.step(entering, np.array([row.begins for row in rows]) + notes[:, t.ONSET], memory)
            yield
        return [row.phrase() for row in every]


def _choose(
    network: Transformer,
    x: t.Floats,
    rows: Sequence[Manuscript],
    numbers: t.Ints,
    *,
    around: NotesAround,
    memory: AttentionMemory,
    heat: tuple[float, float],
) -> t.Ints:
    """Choose the next note of each row, int64 [B, 6]; of those that end, the onset alone."""
    count = len(rows)
    chance = np.array([row.chances() for row in rows])
    notes = np.zeros((count, len(t.TOKEN_COLUMNS)), dtype=np.int64)
    previous = np.array([row.previous for row in rows])
    odds = onset_odds(network.head(t.ONSET, x), previous, around.rhythm(numbers, previous))
    odds = np.where([row.onsets() for row in rows], odds, NEVER)
    followers = [row.followers() for row in rows]
    notes[:, t.ONSET] = drawn(recalled(t.ONSET, odds, followers), chance[:, t.ONSET], *heat)
    keep(t.ONSET, notes[:, t.ONSET], followers)
    onset = np.minimum(notes[:, t.ONSET], STEPS - 1)
    at = onset.tolist()
    here = around.here(
        numbers, onset, np.array([row.beside(step) for row, step in zip(rows, at, strict=True)])
    )
    times = np.array([row.begins for row in rows]) + onset
    x = network.look(x, onset, times, here, memory)
    odds = np.where(
        [row.tracks(step) for row, step in zip(rows, at, strict=True)], network.head(t.TRACK, x), NEVER
    )
    notes[:, t.TRACK] = drawn(recalled(t.TRACK, odds, followers), chance[:, t.TRACK], *heat)
    keep(t.TRACK, notes[:, t.TRACK], followers)
    x = x + network.embeddings[t.TRACK][notes[:, t.TRACK]]
    chords = [
        row.chord(step, track) for row, step, track in zip(rows, at, notes[:, t.TRACK].tolist(), strict=True)
    ]
    rank = np.array([len(chord) for chord in chords])
    above = np.array([[chord[-1][c] if chord else 0 for c in t.REFERENCED] for chord in chords])
    references = around.references(numbers, onset, notes[:, t.TRACK], rank, above)
    for place, column in enumerate(t.REFERENCED):
        odds = value_odds(column, network.head(column, x), references[:, :, place], here)
        if column == t.PITCH:
            possible = [
                row.pitches(step, track)
                for row, step, track in zip(rows, at, notes[:, t.TRACK].tolist(), strict=True)
            ]
            strange = np.array([row.strange for row in rows]) * (notes[:, t.TRACK] != DRUMS)[:, None]
            odds = in_scale(recalled(column, np.where(possible, odds, NEVER), followers), strange)
        elif column == t.LENGTH:
            odds = recalled(column, odds, followers)
        notes[:, column] = drawn(odds, chance[:, column], *heat)
        if column == t.PITCH:
            keep(column, notes[:, column], followers)
        x = x + network.embeddings[column][notes[:, column]]
    return notes


def _side_by_side(entering: Sequence[t.Floats], steps: Sequence[t.Ints]) -> tuple[t.Floats, t.Ints, t.Ints]:
    """Return rows of tokens [B, L, width], their steps [B, L] and lengths [B], the shorter ones filled up."""
    lengths = np.array([len(row) for row in entering])
    x = np.zeros((len(entering), int(lengths.max()), entering[0].shape[1]), dtype=np.float32)
    times = np.zeros(x.shape[:2], dtype=np.int64)
    for number, (row, of_row) in enumerate(zip(entering, steps, strict=True)):
        x[number, : len(row)], times[number, : len(row)] = row, of_row
    return x, times, lengths


@cache
def shipped_writer() -> Writer | None:
    """Return the writer that came with the instrument; None where it did not."""
    return read_writer(FILE) if FILE.is_file() else None


def read_writer(path: Path) -> Writer:
    """Open a writer's file.

    Raises:
        OSError, KeyError, ValueError: it cannot be read, or is none.
    """
    return Writer(Transformer(load_file(path)))
