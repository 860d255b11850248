"""The configuration of a model: which codec, encoder, bottleneck and decoder, and how large.

Read from TOML (`[model]` of a trainer's configuration) or from a checkpoint's metadata, by `model.strict`.

Tested in tests/model/networks/test_vae.py, tests/trainer/test_settings.py.
"""

from collections.abc import Collection
from typing import Annotated

import msgspec

from model.errors import ConfigError, nearest
from model.music.grid import Grid

Size = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Depth = Annotated[int, msgspec.Meta(ge=0, le=48)]

ENCODERS = ("none", "patch", "conv", "bands", "rnn", "gru", "lstm", "cnn", "transformer", "parts")
BOTTLENECKS = ("phrase", "beats", "cells", "parts")
LAWS = ("gaussian", "none", "noise")
AT_ONCE = ("patch", "bands", "parts", "cnn", "tracks")
STEP_BY_STEP = ("rnn", "gru", "lstm", "hierarchical", "transformer", "attention")
DECODERS = AT_ONCE + STEP_BY_STEP
CONDITIONS = ("chords", "key", "style")


class GridConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bars, metre and steps of the phrases; see `model.music.grid.Grid`."""

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
        kind: one of `ENCODERS`: `none`; `patch` (one token per beat, Transformer); `conv` (convolutions along
            the beats); `bands` (poly: cells of one octave and one beat, then as `patch`); `rnn`, `gru`,
            `lstm` (bidirectional, step by step); `cnn` (2-D, on the piano roll); `transformer` (one token
            per step); `parts` (multitrack: a token per beat and track).
        width: of a token, or of each direction's state.
        depth: layers.
        heads: of the attention; they divide the width.
        cell: width of a cell of `bands`, channels of the first layer of `cnn`.
    """

    kind: str = "patch"
    width: Size = 256
    depth: Depth = 2
    heads: Size = 4
    cell: Size = 64


class BottleneckConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latent and which part of the phrase each of its slices comes from.

    Attributes:
        kind: `phrase` makes z from all beats at once, `beats` gives each beat its own slice of z, `cells`
            each cell of a `bands` encoder, `parts` each beat of each part of a `parts` encoder.
        size: d, the length of the whole vector z.  Not read where there is no latent: with encoder `none`
            and any law but `noise`.
        law: `gaussian` (a variational autoencoder), `none` (z is the summary itself, as in seq2seq) or
            `noise` (z is drawn from N(0, I), as in a GAN; an encoder, if there is one, guesses it).
    """

    kind: str = "beats"
    size: Size = 256
    law: str = "gaussian"


class DecoderConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What writes a phrase.

    Attributes:
        kind: one of `DECODERS`.  At once: `patch`, `bands`, `parts`, `cnn`, `tracks` (a Transformer beside an
            LSTM, as the GAN's generator).  Step by step: `rnn`, `gru`, `lstm` (flat), `hierarchical`
            (conductor and LSTM), `transformer`, `attention` (GRU that attends to z's slices).
        width: of a token, or of the state.
        depth: layers.
        heads: of the attention; they divide the width.
        cell: width of a cell of `bands`, channels of the last layer of `cnn`.
        conductor_width: of the conductor's state (`hierarchical`).
        conductor_depth: layers of the conductor.
        segment_beats: beats that one state of the conductor stands for.
    """

    kind: str = "patch"
    width: Size = 256
    depth: Depth = 3
    heads: Size = 4
    cell: Size = 64
    conductor_width: Size = 256
    conductor_depth: Annotated[int, msgspec.Meta(ge=1, le=48)] = 1
    segment_beats: Size = 4


class ModelConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole model.

    Attributes:
        name: as shown to the performer.
        codec: `melody`, `poly`, `drums` or `multitrack`.
        grid: of the phrases, the given bars of a language model included.
        knobs: attributes whose wanted change conditions the decoder, in this order.
        conditions: what else the decoder is conditioned on, of `CONDITIONS`.
        styles: names of the style labels, where `style` is a condition.
        context_bars: of the grid's bars, how many at its beginning are given and not answered.
        timing: whether a `poly` model heeds and writes micro-offsets, too; otherwise all it plays is on the
            steps.  Drums always have them, melodies never.
    """

    name: str
    codec: str
    grid: GridConfig = GridConfig()
    encoder: EncoderConfig = EncoderConfig()
    bottleneck: BottleneckConfig = BottleneckConfig()
    decoder: DecoderConfig = DecoderConfig()
    knobs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    context_bars: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    timing: bool = False

    @property
    def latent_size(self) -> int:
        """d, or 0 without a latent."""
        silent = self.encoder.kind == "none" and self.bottleneck.law != "noise"
        return 0 if silent else self.bottleneck.size

    @property
    def answer_grid(self) -> Grid:
        """Grid of what the model answers: its own without the given bars."""
        grid = self.grid.build()
        return Grid(grid.bars - self.context_bars, grid.beats_per_bar, grid.steps_per_beat)

    def check(self) -> None:
        """Check what no single field can say.

        Raises:
            ConfigError: a kind, law or condition is unknown, or fields contradict each other; one sentence.
        """
        self.grid.build()
        known("model.encoder", "kind", self.encoder.kind, ENCODERS)
        known("model.bottleneck", "kind", self.bottleneck.kind, BOTTLENECKS)
        known("model.bottleneck", "law", self.bottleneck.law, LAWS)
        known("model.decoder", "kind", self.decoder.kind, DECODERS)
        if self.bottleneck.kind == "cells" and self.encoder.kind != "bands":
            raise ConfigError("model.bottleneck: kind 'cells' needs an encoder of kind 'bands'")
        if self.bottleneck.kind == "parts" and self.encoder.kind not in ("parts", "none"):
            raise ConfigError("model.bottleneck: kind 'parts' needs an encoder of kind 'parts'")
        for name in self.conditions:
            known("model", "condition", name, CONDITIONS)
        if len(set(self.conditions)) < len(self.conditions):
            raise ConfigError("model.conditions: a condition is named twice")
        if len(set(self.styles)) < len(self.styles):
            raise ConfigError("model.styles: a style is named twice")
        if ("style" in self.conditions) != bool(self.styles):
            raise ConfigError("model.styles: they are named where, and only where, 'style' is a condition")
        if self.timing and (self.codec != "poly" or "cnn" in (self.encoder.kind, self.decoder.kind)):
            raise ConfigError("model.timing: it needs codec 'poly', and neither encoder nor decoder 'cnn'")
        if self.context_bars >= self.grid.bars:
            raise ConfigError(
                f"model.context_bars: {self.context_bars} given bars of {self.grid.bars} leave none to answer"
            )
        if self.context_bars and self.latent_size:
            raise ConfigError("model.context_bars: only a model without a latent continues given bars")


def known(where: str, what: str, value: str, allowed: Collection[str]) -> None:
    """Raise ConfigError with the nearest allowed name if the value is none of them."""
    if value not in allowed:
        raise ConfigError(f"{where}: unknown {what} '{value}'; {nearest(value, allowed)}")
