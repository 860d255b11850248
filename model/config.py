"""The configuration of a model: which codec, encoder, bottleneck and decoder, and how large.

Read from TOML (`[model]` of a trainer's configuration) or from a checkpoint's metadata; strict: an
unknown key is refused with its path and the nearest allowed one.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from model.errors import ConfigError, nearest
from model.grid import Grid

Size = Annotated[int, msgspec.Meta(ge=1, le=8192)]


class GridConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bars, metre and steps of the phrases; see `model.grid.Grid`."""

    bars: int = 2
    beats_per_bar: int = 4
    steps_per_beat: int = 4

    def build(self) -> Grid:
        """Return the grid.

        Raises:
            ConfigError: a number lies outside its range.

        """
        try:
            return Grid(self.bars, self.beats_per_bar, self.steps_per_beat)
        except ValueError as error:
            raise ConfigError(f"model.grid: {error}") from error


class EncoderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What reads a phrase.

    Attributes:
        kind: `patch` (one token per beat, Transformer), `conv` (convolutions along the beats) or `bands`
            (poly only: cells of one octave and one beat, then as `patch`).
        width: of a token.
        depth: layers.
        heads: of the attention; they divide the width.
        cell: width of a cell of `bands`.

    """

    kind: str = "patch"
    width: Size = 256
    depth: Annotated[int, msgspec.Meta(ge=0, le=48)] = 2
    heads: Size = 4
    cell: Size = 64


class BottleneckConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latent and which part of the phrase each of its slices comes from.

    Attributes:
        kind: `phrase` makes z from all beats at once, `beats` gives each beat its own slice of z, `cells`
            each cell of a `bands` encoder.
        size: d, the length of the whole vector z.

    """

    kind: str = "beats"
    size: Size = 256


class DecoderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What writes a phrase: `patch` or `bands`, all beats at once; the fields are the encoder's."""

    kind: str = "patch"
    width: Size = 256
    depth: Annotated[int, msgspec.Meta(ge=0, le=48)] = 3
    heads: Size = 4
    cell: Size = 64


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole model.

    Attributes:
        name: as shown to the performer.
        codec: `melody` or `poly`.
        knobs: attributes whose wanted change conditions the decoder, in this order.

    """

    name: str
    codec: str
    grid: GridConfig = GridConfig()
    encoder: EncoderConfig = EncoderConfig()
    bottleneck: BottleneckConfig = BottleneckConfig()
    decoder: DecoderConfig = DecoderConfig()
    knobs: tuple[str, ...] = ()


T = TypeVar("T")


def convert(raw: Any, kind: type[T], *, where: str) -> T:  # noqa: ANN401 - what a TOML or JSON parser gave
    """Turn parsed TOML or JSON into a configuration.

    Raises:
        ConfigError: an unknown key, a wrong type or a number out of range; one sentence with its path.

    """
    check_keys(raw, kind, where)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        text = str(error).replace("`$.", "`")
        raise ConfigError(f"{where}: {text[:1].lower()}{text[1:]}") from error


def check_keys(raw: Any, kind: Any, where: str, path: tuple[str, ...] = ()) -> None:  # noqa: ANN401 - parsed
    """Raise ConfigError for the first key that no field has, with its path and the nearest match."""
    if not isinstance(raw, dict) or not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            place = f" in [{'.'.join(path)}]" if path else ""
            raise ConfigError(f"{where}: unknown key '{key}'{place}; {nearest(str(key), fields)}")
        check_keys(value, fields[key], where, (*path, key))
