"""Edit pairs: phrases beside a musical edit of them along one attribute, made once before training.

They are what the decoder learns its knobs from: decode(z(x), c(x') - c(x)) -> x'.

Tested in tests/trainer/data/test_dataset.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from model.codecs.base import COLUMNS, Codec, Table, pack_phrase, table_of
from model.edits.transforms import edit
from model.files import atomic_write
from model.music.attributes import measure
from trainer.data.augment import Ints
from trainer.data.dataset import Phrases
from trainer.errors import OperationError


@dataclass(frozen=True, slots=True)
class EditPairs:
    """Edited phrases, where each came from, and what the edit changed.

    Attributes:
        edited: the phrases x'.
        source: int64 [pairs], index of x in the split.
        change: float32 [pairs, knobs], change of each knob's attribute in standard deviations.
    """

    edited: Phrases
    source: Ints
    change: NDArray[np.float32]

    def __len__(self) -> int:
        """Count the pairs."""
        return len(self.source)


def make(
    phrases: Phrases,
    codec: Codec,
    *,
    knobs: Sequence[str],
    spread: NDArray[np.float32],
    count: int,
    seed: int,
    going: Callable[[int], bool] = lambda _: True,
) -> EditPairs:
    """Edit `count` phrases, one attribute each.

    Args:
        phrases: a split.
        codec: what it cannot hold of an edit is left out of x' and of the change.
        knobs: attributes to edit, in the order of the columns of `change`.
        spread: float32 [knobs], a standard deviation of each over the data.
        count: pairs wanted; the same phrase comes again when there are fewer.
        seed: of the choice of phrases, attributes and amounts.
        going: called now and then with the number made so far; False ends it with those.
    """
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(len(phrases)) for _ in range(-(-count // len(phrases)))])[:count]
    tables: list[Table] = []
    sources: list[int] = []
    changes: list[list[float]] = []
    for number, index in enumerate(order.tolist()):
        if number and number % 64 == 0 and not going(number):
            break
        before = codec.unpack(pack_phrase(codec, phrases.phrase(index, codec.grid)), 0)
        name = knobs[int(rng.integers(len(knobs)))]
        amount = float(rng.uniform(0.05, 1.0) * rng.choice((-1.0, 1.0)))
        after = codec.unpack(pack_phrase(codec, edit(before, name, amount, rng)), 0)
        old, new = measure(before), measure(after)
        sources.append(index)
        tables.append(table_of(after))
        changes.append([new[knob] - old[knob] for knob in knobs])
    starts = np.cumsum([0, *map(len, tables)])
    songs = phrases.songs[np.array(sources)]
    change = np.array(changes, dtype=np.float32) / spread
    return EditPairs(
        Phrases(np.concatenate(tables), starts, songs), np.array(sources), np.clip(change, -4, 4)
    )


def save(pairs: EditPairs, path: Path, *, data: str = "", knobs: Sequence[str] = ()) -> None:
    """Write pairs to an .npz beside a run, whole or not at all.

    Args:
        pairs: to write.
        path: of the file.
        data: fingerprint of the phrases that they were made from.
        knobs: names of the changes' columns.

    Raises:
        OSError: the disk refuses.
    """
    with atomic_write(path) as draft, draft.open("wb") as file:
        np.savez(
            file,
            notes=pairs.edited.notes,
            starts=pairs.edited.starts,
            songs=pairs.edited.songs,
            source=pairs.source,
            change=pairs.change,
            data=np.array(data),
            knobs=np.array(knobs, dtype=str),
        )


def load(
    path: Path, *, data: str = "", phrases: int | None = None, knobs: Sequence[str] = ()
) -> EditPairs | None:
    """Read pairs that `save` wrote; None if they were made from other phrases, or for other knobs.

    Args:
        path: of the file.
        data: fingerprint of the phrases that they must have been made from; "" any.
        phrases: how many these are.
        knobs: that they must have been made for, in this order; of files that name none, as many; () any.

    Raises:
        OperationError: the file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            notes = held["notes"]
            if notes.shape[1] == len(COLUMNS) - 1:  # made before notes had tracks
                notes = np.concatenate((notes, np.zeros((len(notes), 1), dtype=notes.dtype)), axis=1)
            before = str(held["data"]) if "data" in held else ""
            if (data and before and before != data) or int(held["source"].max(initial=-1)) >= (
                phrases if phrases is not None else np.inf
            ):
                return None
            edited, change = Phrases(notes, held["starts"], held["songs"]), held["change"]
            made_for = held["knobs"].tolist() if "knobs" in held else [*knobs]
            if knobs and (made_for != [*knobs] or change.shape[1] != len(knobs)):
                return None
            return EditPairs(edited, held["source"], change)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise OperationError(f"{path} is damaged: delete it, and its edit pairs are made again") from error
