"""What `evaluate` measures on and how it tells: phrases of a prepared split or a MIDI folder; a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from model.music.grid import Grid
from model.music.phrase import Phrase
from model.playing.player import Player
from trainer.corpus.prepare import PrepareOptions, prepare
from trainer.corpus.sources import SPLITS
from trainer.data.dataset import load
from trainer.errors import MISSING, OperationError, RequestError
from trainer.evaluation.samples import Songs
from trainer.evaluation.two_sample import Ints
from trainer.run.checkpoints import context_bars_of, parameters_in, path_of

TRAINING = "train"


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a model is measured on.

    Attributes:
        phrases: on the grid of its answers.
        contexts: what came before each of them, where the model takes context bars and the data hold them.
        whole: both in one, on the whole grid of the model; the phrases themselves where it takes none;
            None where the data do not tell.
        seen: as many phrases of the training split, where the data have one and a model takes no context: no
            prior that was fitted to them is to be told from the others less than they are.
        songs: int [phrases], which song each is of; None where each is one of its own.

    """

    phrases: list[Phrase]
    contexts: list[Phrase] | None = None
    whole: list[Phrase] | None = None
    seen: Songs | None = None
    songs: Ints | None = None

    def first(self, count: int) -> "HeldOut":
        """Return the first ones alone."""
        contexts, whole = (None if part is None else part[:count] for part in (self.contexts, self.whole))
        seen = self.seen and Songs(self.seen.phrases[:count], self.seen.songs[:count])
        songs = None if self.songs is None else self.songs[:count]
        return HeldOut(self.phrases[:count], contexts, whole, seen, songs)


def held_out(
    player: Player,
    checkpoint: str,
    data: Path,
    *,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> HeldOut:
    """Return what a checkpoint is measured on; arguments and errors as `phrases_for`.

    A model that continues context bars is measured on data of its whole grid, or of its answers' grid: then
    nobody knows what came before them.
    """
    context_bars, grid = context_bars_of(path_of(checkpoint)), player.card.grid
    if not context_bars:
        held = songs_on(player.card.codec, grid, data, split=split, limit=limit, seed=seed, jobs=jobs)
        seen = None if split == TRAINING else _seen(player, data, len(held.phrases), seed)
        return HeldOut([*held.phrases], None, [*held.phrases], seen, held.songs)
    whole_grid = Grid(grid.bars + context_bars, grid.beats_per_bar, grid.steps_per_beat)
    if (data / "meta.json").is_file() and _grid_of(data) == grid:
        held = songs_on(player.card.codec, grid, data, split=split, limit=limit, seed=seed)
        return HeldOut([*held.phrases], songs=held.songs)
    held = songs_on(player.card.codec, whole_grid, data, split=split, limit=limit, seed=seed, jobs=jobs)
    whole = [*held.phrases]
    size = context_bars * grid.steps_per_bar
    before = Grid(context_bars, grid.beats_per_bar, grid.steps_per_beat)
    contexts = [_part(phrase, 0, before) for phrase in whole]
    return HeldOut([_part(phrase, size, grid) for phrase in whole], contexts, whole, None, held.songs)


def _seen(player: Player, data: Path, count: int, seed: int) -> Songs | None:
    """Return training phrases, drawn by the seed; None where the folder holds none."""
    card = player.card
    if not (data / card.codec / TRAINING).is_dir():  # any MIDI files, or the split that is measured alone
        return None
    train = load(data, card.codec, TRAINING, may_be_empty=True)
    order = np.random.default_rng(seed).permutation(len(train))[:count]
    found = [train.phrase(index, card.grid) for index in order.tolist()]
    return Songs(found, train.songs[order].astype(np.int64)) if found else None


def _part(phrase: Phrase, begin: int, grid: Grid) -> Phrase:
    """Return the part of a phrase that begins at a step, on a grid of its own."""
    end = begin + grid.steps
    inside = (note for note in phrase.notes if begin <= note.onset < end)
    cut = (
        note._replace(onset=note.onset - begin, length=min(note.length, end - note.onset)) for note in inside
    )
    return Phrase.of(grid, cut)


def phrases_for(
    player: Player, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> list[Phrase]:
    """Return held-out phrases for a player, drawn by the seed where there are more than the limit.

    Args:
        player: tells codec and grid.
        data: a folder that `prepare` wrote, or any folder of MIDI files: then all that it holds is used.
        split: train, validation or test, of a prepared folder.
        limit: phrases at most; None for all.
        seed: of the draw.
        jobs: processes that read MIDI files.

    Raises:
        RequestError: the folder does not exist, or was prepared for another grid or codec.
        OperationError: there is no phrase in it.

    """
    card = player.card
    return phrases_on(card.codec, card.grid, data, split=split, limit=limit, seed=seed, jobs=jobs)


def phrases_on(
    codec: str, grid: Grid, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> list[Phrase]:
    """Return phrases of a codec on a grid; the rest as `phrases_for`."""
    return [*songs_on(codec, grid, data, split=split, limit=limit, seed=seed, jobs=jobs).phrases]


def songs_on(
    codec: str, grid: Grid, data: Path, *, split: str, limit: int | None, seed: int, jobs: int = 1
) -> Songs:
    """Return phrases of a codec on a grid and which songs they are of; the rest as `phrases_for`."""
    if not data.is_dir():
        raise RequestError(f"the data folder '{data}' does not exist")
    if (data / "meta.json").is_file():
        return _prepared(data, codec, grid, [split], limit=limit, seed=seed)
    with TemporaryDirectory(prefix="twobar-") as folder:
        prepare([data], Path(folder), PrepareOptions(grid, licences="all", jobs=jobs))
        return _prepared(Path(folder), codec, grid, SPLITS, limit=limit, seed=seed)


def _grid_of(folder: Path) -> Grid:
    """Return the grid that a folder was prepared for."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        return Grid(**meta["grid"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperationError(f"'{folder / 'meta.json'}' is damaged: {error}") from error


def _prepared(
    folder: Path, codec: str, grid: Grid, splits: Sequence[str], *, limit: int | None, seed: int
) -> Songs:
    """Read phrases of some splits of a prepared folder."""
    found = _grid_of(folder)
    if found != grid:
        raise RequestError(
            f"'{folder}' was prepared for {_words(found)}, the checkpoint needs {_words(grid)}"
        )
    if not (folder / codec).is_dir():
        raise RequestError(f"'{folder}' holds no phrases for the codec '{codec}'")
    held = [load(folder, codec, split, may_be_empty=True) for split in splits]
    rows = [(part, index) for part in held for index in range(len(part))]
    if not rows:
        raise OperationError(f"'{folder}' holds no {codec} phrase in {' or '.join(splits)}")
    order = np.random.default_rng(seed).permutation(len(rows))[: limit or len(rows)]
    chosen = [rows[index] for index in order.tolist()]
    songs = np.array([part.songs[index] for part, index in chosen], dtype=np.int64)
    return Songs([part.phrase(index, grid) for part, index in chosen], songs)


def _words(grid: Grid) -> str:
    """Say a grid in words."""
    return f"{grid.bars} bars of {grid.beats_per_bar} beats in {grid.steps_per_beat} steps"


def parameters_of(player: Player, checkpoint: str) -> int | None:
    """Return the number of weights: what the player says, or what its safetensors file holds."""
    said = getattr(player, "parameters", None)
    if isinstance(said, int):
        return said
    return parameters_in(path_of(checkpoint))


def show(results: Sequence[Mapping[str, Any]]) -> None:
    """Print the results side by side, a column for each checkpoint.

    Raises:
        OperationError: rich is not installed.

    """
    try:
        from rich.console import Console  # noqa: PLC0415 - the trainer extra
        from rich.table import Table  # noqa: PLC0415
    except ImportError as error:
        raise OperationError(MISSING.format("rich")) from error
    table = Table(title="free-running, on phrases held out", title_justify="left")
    table.add_column("", no_wrap=True)
    for title in titles(results):
        table.add_column(title, justify="right")
    for section, rows in lines(results).items():
        table.add_section()
        if section:
            table.add_row(f"[bold]{section}[/]")
        for label, cells in rows:
            table.add_row(label, *cells)
    Console().print(table)


def titles(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the models' names, those that are there twice with their checkpoints, or their places."""
    names = [str(result["name"]) for result in results]
    found = []
    for number, (name, result) in enumerate(zip(names, results, strict=True)):
        path = Path(str(result.get("checkpoint", number + 1)))
        place = f"{path.parent.name}/{path.stem}".lstrip("/")
        found.append(name if names.count(name) == 1 else f"{name} ({place})")
    return found


def lines(results: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[str, list[str]]]]:
    """Return the table's rows by section: a label, and a cell for each checkpoint."""
    rows: dict[str, list[tuple[str, list[str]]]] = {
        "": [
            (key, [_cell(result.get(key)) for result in results])
            for key in ("codec", "parameters", "phrases")
        ]
    }
    for section in ("reconstruction", "teacher_forced", "baselines"):
        rows[section] = _rows(results, section)
    rows["parts"] = _parts([result.get("parts") or {} for result in results])
    rows["one_part_alone"] = _alone([result.get("one_part_alone") or {} for result in results])
    names = list(dict.fromkeys(name for result in results for name in result["knobs"]))
    rows["knobs"] = [(name, [_knob(result["knobs"].get(name)) for result in results]) for name in names]
    if names:
        rows["knobs"].insert(0, ("", ["Spearman / pooled / leak"] * len(results)))
    learned = [
        name for name in names if any("leak_network" in result["knobs"].get(name, {}) for result in results)
    ]
    rows["the network's own answers to knobs"] = [
        (name, [_knob(result["knobs"].get(name), "_network") for result in results]) for name in learned
    ]
    for section in ("interpolation", "samples"):
        rows[section] = _rows(results, section)
    rows["music"] = _music([result.get("music") or {} for result in results])
    rows["speed"] = _rows(results, "speed")
    return {section.replace("_", " "): cells for section, cells in rows.items() if cells}


def _rows(results: Sequence[Mapping[str, Any]], section: str) -> list[tuple[str, list[str]]]:
    """Return a section's rows: what any checkpoint has a figure for; curves are for plots alone."""
    found = [result.get(section) or {} for result in results]
    keys = dict.fromkeys(
        key for figures in found for key, value in figures.items() if not isinstance(value, list)
    )
    return [
        (key.replace("_", " "), [_cell(figures.get(key)) for figures in found])
        for key in keys
        if any(figures.get(key) is not None for figures in found)
    ]


def _parts(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each part."""
    keys = ("note_f1", "note_f1_sampled", "step_accuracy", "sounds")
    names = list(dict.fromkeys(name for found in results for name in found))
    rows = [
        (
            name,
            [" / ".join(_cell(found[name].get(key)) for key in keys) if found else "-" for found in results],
        )
        for name in names
    ]
    return [("", ["note F1 / sampled / steps / sounds"] * len(results)), *rows] if rows else []


def _alone(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each part that was heard alone: what was kept of it, what was added in the others."""
    names = list(dict.fromkeys(name for found in results for name in found))
    rows = []
    for name in names:
        others = [other for other in names if other != name]
        cells = []
        for found in results:
            figures = found.get(name, {})
            added = ", ".join(f"{other} {_cell(figures.get(f'added.{other}'))}" for other in others)
            cells.append(f"{_cell(figures['kept'])}; {added}" if figures else "-")
        rows.append((f"{name} heard", cells))
    return [("", ["kept; notes added"] * len(results)), *rows] if rows else []


def _music(results: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return a row for each figure: of held-out phrases, of the answers to them, of samples."""
    names = dict.fromkeys(name for found in results for figures in found.values() for name in figures)
    kinds = ["held_out", "answers", "samples"]
    kinds += [kind for kind in ("accompanied", "exchanged") if any(kind in found for found in results)]
    rows = [
        (
            name.replace("_", " ").replace(".", " "),
            [
                " / ".join(_cell(found.get(kind, {}).get(name)) for kind in kinds) if found else "-"
                for found in results
            ],
        )
        for name in names
    ]
    title = " / ".join(kinds).replace("_", " ")
    return [("", [title] * len(results)), *rows] if rows else []


def _knob(found: Mapping[str, Any] | None, what: str = "") -> str:
    """Return one knob's cell."""
    if found is None or f"leak{what}" not in found:
        return "-"
    pair = f"{found[f'spearman{what}']:.3f} / {found[f'spearman_pooled{what}']:.3f}"
    return f"{pair} / {found[f'leak{what}']:.3f} {found[f'leak_name{what}']}"


def _cell(value: object) -> str:
    """Return a value as the table shows it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
