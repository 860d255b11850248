from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.codecs.base import LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY, table_of
from model.grid import Grid
from model.prior import FOLDER, LOWEST, Prior, held
from model.references import NONE, references_of
from trainer.notewise import REACH, Writer

GRID = Grid(1, 4, 2)
LONGEST = 9
CONSTANT = np.array([0, 0, 79, 0, 50, 0])  # velocity 80, on the step, track 0


def writer(seed: int = 0, *, columns: tuple[int, ...] = (ONSET, PITCH, LENGTH)) -> Writer:
    """Return a network whose weights are such as are kept: halves."""
    torch.manual_seed(seed)
    made = Writer(GRID, CONSTANT, columns, longest=LONGEST, width=8, depth=2, heads=2, dropout=0.0).eval()
    for weight in made.parameters():
        weight.data = (3.0 * weight.data).half().float()
    return made


class Likeliest:
    """Draws nothing by chance."""

    def gumbel(self, size: tuple[int, ...]) -> NDArray[np.float64]:
        return np.zeros(size)


def told(made: Writer, number: int, choice: int) -> torch.Tensor:
    found: torch.Tensor = made.told[number](torch.tensor(int(choice)))
    return found


def odds_of(made: Writer, number: int, x: torch.Tensor, references: list[int]) -> torch.Tensor:
    """Return one token's log odds."""
    return made.odds(number, x[None], torch.tensor([references]))[0]


def dictated(made: Writer) -> list[list[int]]:
    """Write a phrase as `Likeliest` would, each time over all notes, with torch's own attention."""
    notes: list[list[int]] = []
    with torch.no_grad():
        for _ in range(LONGEST):
            known = [made.moves.weight[-REACH[0]]]
            known += [
                torch.stack([told(made, n, note[column]) for n, column in enumerate(made.chosen)]).sum(0)
                for note in notes
            ]
            x = made.blocks((torch.stack(known) + made.place.weight[: len(known)])[None])[0, -1]
            picked = CONSTANT.tolist()
            for number, column in enumerate(made.chosen):
                given = references_of([*notes, picked], GRID)[len(notes), :, column].tolist()
                odds = odds_of(made, number, x, given)
                if column == ONSET:
                    odds[: notes[-1][ONSET] if notes else 0] = -torch.inf
                    if not notes:
                        odds[-1] = -torch.inf
                picked[column] = int(odds.argmax())
                x = x + told(made, number, picked[column])
            if picked[ONSET] == GRID.steps:
                break
            notes.append(picked)
    return notes


def test_numpy_writes_what_torch_would() -> None:
    found = set()
    for seed in range(12):
        made = writer(seed)
        prior = Prior(made.tensors(), GRID)
        (own,) = prior.draw(1, Likeliest())  # type: ignore[arg-type]
        wanted = dictated(made)
        places = {(note[ONSET], note[PITCH]) for note in wanted}
        assert {(note.onset, note.pitch) for note in own.notes} == places
        assert {(note.velocity, note.offset, note.track) for note in own.notes} == {(79, 0.0, 0)}
        found.add(len(wanted))
    assert len(found) > 2, "phrases of several lengths"
    assert max(found) > 3


def test_draws_have_the_odds_that_the_network_gives() -> None:
    made = writer(1)
    drawn = Prior(made.tensors(), GRID).draw(3000, np.random.default_rng(0))
    with torch.no_grad():
        x = made.blocks((made.moves.weight[-REACH[0]] + made.place.weight[0])[None, None])[0, 0]
        odds = odds_of(made, 0, x, [0, NONE])[:-1].softmax(0).numpy()
    first = np.bincount([phrase.notes[0].onset for phrase in drawn], minlength=GRID.steps) / len(drawn)
    assert np.abs(first - odds).max() < 0.03
    assert odds.max() - odds.min() > 0.1


def test_a_draw_depends_on_its_seed_alone_and_is_never_empty() -> None:
    prior = Prior(writer(2, columns=(ONSET, TRACK, PITCH, LENGTH, VELOCITY, OFFSET)).tensors(), GRID)
    first = prior.draw(80, np.random.default_rng(7))
    assert len(first) == 80
    assert all(0 < len(phrase.notes) <= LONGEST for phrase in first)
    assert first == prior.draw(80, np.random.default_rng(7))
    assert first != prior.draw(80, np.random.default_rng(8))
    assert prior.draw(0, np.random.default_rng(0)) == []
    table = np.concatenate([table_of(phrase) for phrase in first])
    assert len(np.unique(table[:, TRACK])) == 4
    assert np.ptp(table[:, VELOCITY]) > 60
    assert np.ptp(table[:, OFFSET]) > 60
    assert (table >= np.maximum(LOWEST, (0, 0, 1, 1, -50, 0))).all()


def test_long_phrases_find_room() -> None:
    """Notes that never end their phrase: more than the memory has room for at first."""
    torch.manual_seed(0)
    made = Writer(GRID, CONSTANT, (ONSET, PITCH), longest=150, width=8, depth=1, heads=2, dropout=0.0)
    onsets = made.outs[0]
    assert isinstance(onsets, torch.nn.Linear)
    onsets.bias.data[: GRID.steps + 1] = torch.tensor([9.0] * (GRID.steps - 1) + [-99.0] * 2)
    (phrase,) = Prior(made.tensors(), GRID).draw(1, np.random.default_rng(0))
    assert len(phrase.notes) > 64


def test_a_checkpoint_without_a_prior_has_none() -> None:
    assert held({"directions/mean": np.zeros(3)}, GRID) is None


def test_a_prior_that_does_not_fit_is_told() -> None:
    extras: dict[str, NDArray[Any]] = {f"{FOLDER}{n}": value for n, value in writer().tensors().items()}
    assert held(extras, GRID) is not None
    with pytest.raises(ValueError, match="its prior chooses of 9 onsets, not 17"):
        held(extras, Grid(2, 4, 2))
    with pytest.raises(KeyError, match="begin"):
        held({name: value for name, value in extras.items() if "begin" not in name}, GRID)
    with pytest.raises(KeyError, match=r"onset\.weight"):
        held({name: value for name, value in extras.items() if name != "prior/onset.weight"}, GRID)
    with pytest.raises(ValueError, match="do not fit together"):
        held({**extras, "prior/heads": np.array([3.0])}, GRID)
