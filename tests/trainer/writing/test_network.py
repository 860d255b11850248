from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.codecs.base import phrase_of
from model.music.phrase import Note
from model.writing import tokens as t
from model.writing.transformer import Transformer
from model.writing.wish import GRID, Kind, Wish
from model.writing.writer import Writer
from tests.fakes.pieces import write_pieces
from trainer.corpus.pieces import load_pieces
from trainer.writing import examples as module
from trainer.writing.examples import ExampleSource
from trainer.writing.network import WriterNetwork

Rows = Callable[..., t.Ints]


@pytest.mark.parametrize("kind", Kind)
def test_the_player_of_a_writer_computes_what_was_trained(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pieces(tmp_path)
    for name, value in (
        ("COUNTED", 0),
        ("MOVED", 0),
        ("FOUND_AHEAD", 1),
        ("UNKNOWN_PLACE", 0),
        ("EARLIER", 0),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "UNKNOWN_ENDING", 1)
    monkeypatch.setattr(module, "LAST", (1.0, 0, 0, 0, 0, 0))
    pieces = load_pieces(tmp_path, "train")
    source = ExampleSource(pieces)
    window = int(np.flatnonzero((pieces.kinds == kind) & (pieces.bars == 6))[0])
    run = source.run(window, 3)
    torch.manual_seed(1)
    network = WriterNetwork(16, 2, 2)
    for parameter in network.parameters():  # odds that tell
        torch.nn.init.normal_(parameter, std=0.2)
    batch = source.examples(kind, [run], np.random.default_rng(2))
    only_last = batch.times[batch.choosing[:, 0], batch.choosing[:, 1]] >= 2 * 32
    phrases = [phrase_of(GRID, pieces.window(index)) for index in run.tolist()]
    tracks = frozenset(note.track for note in phrases[-1].notes)
    writer = Writer(Transformer(network.tensors(source.keys())))
    monkeypatch.setattr(t, "rows_of", _velocities_of(batch.tokens[0], t.rows_of))
    wish = Wish(kind, context=tuple(phrases[:-1]), tracks=tracks, place=3)
    (score,) = writer.score([phrases[-1]], wish)
    without = ExampleSource(pieces).examples(kind, [run], np.random.default_rng(2))
    with torch.no_grad():
        nats, _ = network(_last(without, only_last))
    assert score == pytest.approx(float(nats[:4].sum()) / int(only_last.sum()), rel=5e-3)


def _velocities_of(tokens: t.Ints, rows_of: Rows) -> Rows:
    """Return `rows_of` with the velocities that an example drew for the same notes."""

    def found(some: Iterable[Note], shift: int = 0) -> t.Ints:
        rows = rows_of(some, shift)
        places = range(len(tokens) - len(rows) + 1)
        same = [
            place
            for place in places
            if np.array_equal(tokens[place : place + len(rows), : t.VELOCITY], rows[:, : t.VELOCITY])
        ]
        rows[:, t.VELOCITY] = tokens[same[0] : same[0] + len(rows), t.VELOCITY]
        return rows

    return found


def _last(batch: module.Examples, chosen: NDArray[np.bool_]) -> module.Examples:
    """Return an example of which only some choices count."""
    keep = chosen[batch.going_on]
    going_on = (np.cumsum(chosen) - 1)[batch.going_on[keep]]
    per_choice = {
        name: getattr(batch, name)[chosen] for name in ("choosing", "left", "onset", "previous", "rhythm")
    }
    per_note = {
        name: getattr(batch, name)[keep]
        for name in ("ahead", "here", "wanted", "notes", "references", "varied")
    }
    # what is left is added to the tokens of all choices: none is known here, so that the others' is the same
    return replace(batch, **per_choice, **per_note, going_on=going_on)
