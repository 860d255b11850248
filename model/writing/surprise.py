"""How surprising the notes of a phrase are to the writer's network.

Tested in tests/model/writing/test_writer.py.
"""

import numpy as np

from model.music.tracks import DRUMS
from model.writing import tokens as t
from model.writing.manuscript import Manuscript
from model.writing.notes_around import CLASSES, PARTS, NotesAround, chord_ranks
from model.writing.odds import NEVER, onset_odds, value_odds
from model.writing.transformer import Transformer


def nats_a_note(
    manuscript: Manuscript,
    network: Transformer,
    seen: t.Floats,
    looked_at: tuple[t.Floats, t.Floats],
    begin: int,
) -> float:
    """Return nats for each new note of a manuscript, the end counted as one; see `Writer.score`.

    Args:
        manuscript: with the new notes of the phrase.
        network: of the writer.
        seen: what the blocks made of the token before the new notes, and of these, [notes + 1, width].
        looked_at: keys and values of the last block, of all tokens, each [heads, L, size].
        begin: place of the first of them.
    """
    new = manuscript.new
    count = len(new)
    zero = np.zeros(count + 1, dtype=np.int64)
    around = NotesAround(1)
    manuscript.show(around, 0)
    x = seen
    previous = np.r_[manuscript.wish.span[0], new[:, t.ONSET]]
    odds = onset_odds(network.head(t.ONSET, x), previous, around.rhythm(zero, previous))
    wanted = np.r_[new[:, t.ONSET], t.END]
    nats = _surprise(odds, wanted)
    if count:
        rank = chord_ranks(zero[:-1], new)
        onset, track = new[:, t.ONSET], new[:, t.TRACK]
        above = np.roll(new, 1, axis=0)[:, t.REFERENCED]
        here = around.here(zero[:-1], onset, _beside(new))
        until = begin + 1 + np.arange(count)
        x = network.look_all(x[:-1], onset, onset + manuscript.begins, here, looked_at=looked_at, until=until)
        tracks = network.head(t.TRACK, x)
        tracks = np.where(np.isin(np.arange(PARTS), list(manuscript.wish.wanted)), tracks, NEVER)
        nats += _surprise(tracks, track)
        x = x + network.embeddings[t.TRACK][track]
        references = around.references(zero[:-1], onset, track, rank, above)
        for column in (t.PITCH, t.LENGTH):
            numbers = network.head(column, x)
            refers = references[:, :, t.REFERENCED.index(column)]
            nats += _surprise(value_odds(column, numbers, refers, here), new[:, column])
            x = x + network.embeddings[column][new[:, column]]
    return nats / (count + 1)


def _beside(notes: t.Ints) -> t.Floats:
    """Return what stands before each note on its step, see `NotesAround.here`."""
    found = np.zeros((len(notes), PARTS, 1 + CLASSES), dtype=np.float32)
    for number in range(1, len(notes)):
        onset, track, pitch = notes[number - 1, : t.PITCH + 1].tolist()
        if notes[number, t.ONSET] == onset:
            found[number] = found[number - 1]
            found[number, track, 0] = 1
            if track != DRUMS:
                found[number, track, 1 + pitch % CLASSES] = 1
    return found


def _surprise(odds: t.Floats, values: t.Ints) -> float:
    """Return the nats of values by their odds, together."""
    top = odds.max(1, keepdims=True)
    total = np.log(np.exp(odds - top).sum(1)) + top[:, 0]
    return float((total - odds[np.arange(len(values)), values]).sum())
