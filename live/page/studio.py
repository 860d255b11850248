"""Work with a model for the explorer, in a process of its own: phrases drawn, carried, turned, exported.

What `twobar sample`, `edit` and `morph` do, on phrases instead of files.  Whatever fails is a `TwobarError`
of one sentence.
"""

import contextlib
import functools
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from live.cli.offline import generate, midi_files
from live.errors import FailureError, UsageError
from live.page.known_phrases import known_phrases
from model.codecs.sampling import Sampling
from model.files import as_path
from model.latent.geometry import Latent
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.player import Player

LONGEST_MIDI = 1 << 20
MOST_STEPS = 64


class Drawing(msgspec.Struct, frozen=True):
    """A phrase as the page draws, plays and sends back.

    Attributes:
        notes: (onset in steps, length in steps, pitch, velocity, track), onsets with their micro-offsets.
        exact: the same as the model wrote them, for export.
        z: where it lies, empty for a model without a latent.
        attributes: measured, by name; they belong to z.
        xy: its place on the map.
    """

    notes: list[tuple[float, float, int, int, int]]
    exact: list[Note]
    z: list[float]
    attributes: dict[str, float]
    xy: tuple[float, float]


class ModelSheet(msgspec.Struct, frozen=True):
    """What the page must know of a model."""

    name: str
    knobs: list[str]
    bars: int
    beats_per_bar: int
    steps_per_beat: int
    latent_size: int
    map_points: list[tuple[float, float]]


class Known(msgspec.Struct, frozen=True):
    """A real phrase: what it is the opening of, where that comes from, and what is to be drawn and heard."""

    name: str
    source: str
    drawing: Drawing


class MidiExport(msgspec.Struct, frozen=True):
    """A .mid file."""

    data: bytes


@functools.lru_cache(maxsize=2)
def loaded(model: str) -> Player:
    """Return a model, which stays loaded."""
    return generate.load_player(model)


def sheet(model: str) -> ModelSheet:
    """Return what the page must know of a model."""
    card = loaded(model).card
    return ModelSheet(
        card.name,
        [*card.knobs],
        card.grid.bars,
        card.grid.beats_per_bar,
        card.grid.steps_per_beat,
        card.latent_size,
        [*card.map_points],
    )


@functools.lru_cache(maxsize=2)
def known(model: str) -> list[Known]:
    """Return a model's real phrases, as they were written or played, and where they lie."""
    player = loaded(model)
    phrases = [(each, _phrase(player.card.grid, each.notes)) for each in known_phrases(model)]
    if player.card.latent_size == 0:
        return []
    return [
        Known(each.name, each.source, _drawing(player, phrase, player.encode(phrase)))
        for each, phrase in phrases
    ]


def draw(model: str, *, number: int, seed: int, temperature: float = 0.0) -> Drawing:
    """Return a phrase that nobody played; see `twobar sample`."""
    player = loaded(model)
    if player.card.latent_size == 0:
        music = generate.sample(player, number=number, seed=seed, sampling=Sampling(max(temperature, 0.5)))
        return _drawing(player, music[0], None)
    (latent,) = player.prior(1, int(np.random.default_rng([seed, number]).integers(2**32 - 1)))
    return _decoded(player, _measured(player, latent), {}, temperature=temperature, seed=seed)


def turned(
    model: str,
    z: Sequence[float],
    attributes: Mapping[str, float],
    turns: Mapping[str, float],
    *,
    temperature: float = 0.0,
    seed: int = 0,
) -> Drawing:
    """Return the phrase at a latent, with knobs turned."""
    player = loaded(model)
    wanted = generate.check_turns(dict(turns), player.card)
    return _decoded(player, _latent(player, z, attributes), wanted, temperature=temperature, seed=seed)


def carried(model: str, x: float, y: float, z: Sequence[float], attributes: Mapping[str, float]) -> Drawing:
    """Return the phrase at a place of the map: one that is carried there, or else the plainest."""
    player = loaded(model)
    _needs_latent(player, "the map")
    if not all(np.isfinite((x, y))):
        raise UsageError("a place on the map has two finite numbers")
    start = _latent(player, z or [0.0] * player.card.latent_size, attributes)
    moved = player.carried(start, x, y)
    return _decoded(player, moved if z else _measured(player, moved), {})


def opening(model: str, name: str, data: bytes) -> Drawing:
    """Return the opening of a .mid file as the model hears it."""
    player = loaded(model)
    _needs_latent(player, "a .mid file here")
    with _file(name, data) as path:
        phrase = midi_files.read_opening(path, player.card.grid, codec=player.card.codec)
    return _decoded(player, player.seek(phrase), {})


def way(
    model: str, first: Sequence[Note], last: Sequence[Note], *, steps: int, seed: int = 0
) -> list[Drawing]:
    """Return the way from one phrase to another, both ends included; see `twobar morph`."""
    player = loaded(model)
    _needs_latent(player, "morph")
    if not 2 <= steps <= MOST_STEPS:
        raise UsageError(f"a way has 2 to {MOST_STEPS} steps, not {steps}")
    ends = [_phrase(player.card.grid, notes) for notes in (first, last)]
    music = generate.morph(player, ends, steps=steps, seed=seed)
    return [_drawing(player, phrase, player.encode(phrase)) for phrase in music]


def exported(model: str, phrases: Sequence[Sequence[Note]], *, tempo_bpm: float, name: str) -> MidiExport:
    """Return phrases one after another as a .mid file."""
    player = loaded(model)
    if not 20 <= tempo_bpm <= 400:
        raise UsageError(f"a tempo lies between 20 and 400, not {tempo_bpm:g}")
    music = [_phrase(player.card.grid, notes) for notes in phrases]
    with tempfile.TemporaryDirectory(prefix="twobar-page-") as folder:
        path = Path(folder) / "phrase.mid"
        midi_files.write(path, music, name=name[:60], tempo_bpm=tempo_bpm, codec=player.card.codec)
        return MidiExport(path.read_bytes())


@contextlib.contextmanager
def _file(name: str, data: bytes) -> Iterator[Path]:
    """Yield a file with some data; a sentence about it names what the browser calls it."""
    if len(data) > LONGEST_MIDI:
        raise UsageError(f"'{name}' has {len(data)} bytes; the largest .mid that is taken has {LONGEST_MIDI}")
    with tempfile.TemporaryDirectory(prefix="twobar-page-") as folder:
        path = as_path(str(Path(folder) / "dropped.mid"))
        path.write_bytes(data)
        try:
            yield path
        except (UsageError, FailureError) as error:
            raise type(error)(str(error).replace(str(path), name)) from None


def _needs_latent(player: Player, what: str) -> None:
    if player.card.latent_size == 0:
        raise UsageError(f"{what} needs a latent space, and model '{player.card.name}' has none")


def _latent(player: Player, z: Sequence[float], attributes: Mapping[str, float]) -> Latent:
    card = player.card
    vector = np.asarray(z, dtype=np.float32)
    if vector.shape != (card.latent_size,) or not np.isfinite(vector).all():
        raise UsageError(f"a latent of model '{card.name}' has {card.latent_size} finite numbers")
    return Latent(card.ident, vector, dict(attributes))


def _measured(player: Player, latent: Latent) -> Latent:
    """Return a latent with the attributes of the phrase that it decodes to, from which knobs turn."""
    return Latent(latent.model, latent.z, player.encode(player.decode(latent, turns={})).attributes)


def _decoded(
    player: Player, latent: Latent, turns: Mapping[str, float], *, temperature: float = 0.0, seed: int = 0
) -> Drawing:
    if not 0 <= temperature <= 1:
        raise UsageError(f"temperature lies between 0 and 1, not {temperature:g}")
    phrase = player.decode(latent, turns=turns, sampling=Sampling(temperature, seed=seed))
    return _drawing(player, phrase, latent)


def _drawing(player: Player, phrase: Phrase, latent: Latent | None) -> Drawing:
    attributes = {} if latent is None else {name: float(value) for name, value in latent.attributes.items()}
    return Drawing(
        [
            (
                n.onset + n.displacement + n.offset,
                max(0.1, n.length + n.release),
                n.pitch,
                n.velocity,
                n.track,
            )
            for n in phrase.notes
        ],
        [*phrase.notes],
        [] if latent is None else latent.z.tolist(),
        attributes,
        (0.0, 0.0) if latent is None else player.place(latent),
    )


def _phrase(grid: Grid, notes: Sequence[Note]) -> Phrase:
    try:
        return Phrase.of(grid, notes)
    except ValueError as error:
        raise UsageError(f"these notes are no phrase of the model: {error}") from None
