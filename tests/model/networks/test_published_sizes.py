"""Our configurations of the published models, counted: every difference is named, the rest is equal.

Published: magenta's configs.py and lstm_models.py (Roberts et al. 2018).  There an LSTM has one bias vector
(torch: two), reads and writes 90 one-hot classes (88 pitches, hold, rest) and a dense layer starts it from z.
Ours reads an embedding of 130 classes beside the velocity (65 features) and writes three states, 128 pitches
and a velocity (132 outputs).
"""

import tomllib

import pytest
import torch
from torch import nn

from model import strict
from model.codecs.melody import CLASSES, HOLD, REST
from model.config import ModelConfig
from model.networks.decoders.hierarchical import HierarchicalDecoder
from model.networks.vae import VAE
from tests.root import ROOT

CONFIGS = ROOT / "trainer" / "configs"

# one line each, layer by layer: inputs + state + 1 bias, times 4 gates times width
SMALL = (
    2 * 4 * 512 * (90 + 512 + 1)  # encoder, both directions
    + 2 * (1024 * 256 + 256)  # mu and sigma
    + 256 * 1024 + 1024  # z to h and c of two layers
    + 4 * 256 * (90 + 256 + 256 + 1) + 4 * 256 * (256 + 256 + 1)  # decoder, z beside each step
    + 256 * 90 + 90  # classes
)  # fmt: skip
BIG = (
    2 * 4 * 2048 * (90 + 2048 + 1)
    + 2 * (4096 * 512 + 512)
    + 512 * 12288 + 12288
    + 4 * 2048 * (90 + 512 + 2048 + 1) + 2 * 4 * 2048 * (2048 + 2048 + 1)
    + 2048 * 90 + 90
)  # fmt: skip
HIERARCHICAL = (
    2 * 4 * 2048 * (90 + 2048 + 1) + 2 * 4 * 2048 * (4096 + 2048 + 1)  # encoder, two layers
    + 2 * (4096 * 512 + 512)  # mu and sigma
    + 512 * 4096 + 4096  # z to the conductor's h and c
    + 4 * 1024 * (1 + 1024 + 1) + 4 * 1024 * (1024 + 1024 + 1)  # conductor: its input is one zero
    + 1024 * 4096 + 4096  # a conductor's output to the decoder's h and c
    + 4 * 1024 * (90 + 1024 + 1024 + 1) + 4 * 1024 * (1024 + 1024 + 1)  # decoder, fed that output
    + 1024 * 90 + 90  # classes
)  # fmt: skip
GROOVAE = (
    2 * 4 * 512 * (27 + 512 + 1)
    + 2 * (1024 * 256 + 256)
    + 256 * 1024 + 1024
    + 4 * 256 * (27 + 256 + 256 + 1) + 4 * 256 * (256 + 256 + 1)
    + 256 * 27 + 27
)  # fmt: skip


def model_of(name: str) -> ModelConfig:
    raw = tomllib.loads((CONFIGS / f"{name}.toml").read_text())["model"]
    return strict.build(raw, ModelConfig, name)


def shaped(name: str) -> VAE:
    with torch.device("meta"):
        return VAE(model_of(name)).eval()


def as_published(net: VAE, classes: int) -> int:
    """Count the parameters as the published model has them."""
    features, logits = net.sizes.features, net.sizes.logits
    named = dict(net.named_parameters())
    reading = [p for name, p in named.items() if name.startswith("encoder.") and "weight_ih_l0" in name]
    reading += [
        p for name, p in named.items() if name.startswith("decoder.cells.") and "weight_ih_l0" in name
    ]
    added = sum(
        p.numel() for name, p in named.items() if ".steer." in name
    )  # the knobs' way in; there are none
    assert len(reading) == 3
    second = sum(p.numel() for name, p in named.items() if "bias_hh" in name)
    ours = sum(p.numel() for p in named.values())
    alone = sum(p.numel() for name, p in named.items() if name.startswith(("head.", "feeding.")))
    rows = sum(layer.shape[0] for layer in reading)
    head = net.decoder.head
    assert isinstance(head, nn.Linear)
    published: int = (
        ours
        - second  # torch's second bias vectors
        - added  # the knobs' way in; there are none
        - alone  # the embedding of the classes, and what stands for a step that is hidden
        + (classes - features) * rows  # one-hot classes in
        + (classes - logits) * (head.in_features + 1)  # and out
    )
    return published


@pytest.mark.parametrize(
    ("name", "classes", "derived", "published"),
    [
        ("cat-mel-2bar-small", 90, SMALL, 4_423_770),
        ("reference/cat-mel-2bar-big", 90, BIG, 134_571_098),
        ("reference/hierdec-mel-16bar", 90, HIERARCHICAL, 176_061_530),
        ("drums-groovae", 27, GROOVAE, 4_085_019),
    ],
)
def test_parameters_are_those_of_the_published_model_but_for_what_is_named(
    name: str, classes: int, derived: int, published: int
) -> None:
    assert derived == published
    assert as_published(shaped(name), classes) == published


def test_the_published_totals_round_to_what_is_reported() -> None:
    # of hierdec-mel_16bar and GrooVAE no total is reported: theirs follow from the shapes alone
    assert (round(SMALL / 1e6, 2), round(BIG / 1e6, 1)) == (4.42, 134.6)


@pytest.mark.parametrize(
    ("name", "latent", "steps"),
    [
        ("cat-mel-2bar-small", 256, 32),
        ("reference/cat-mel-2bar-big", 512, 32),
        ("reference/hierdec-mel-16bar", 512, 256),
    ],
)
def test_shapes_are_those_of_the_published_model(name: str, latent: int, steps: int) -> None:
    net = shaped(name)
    assert net.sizes.grid.steps == steps
    summary = torch.zeros(2, net.encoder.tokens, net.encoder.width, device="meta")
    mean, logvar = net.bottleneck(summary)
    assert mean.shape == logvar.shape == (2, latent)
    none = torch.zeros(2, 1, device="meta")
    bar = torch.zeros(
        2, 16, net.sizes.features, device="meta"
    )  # one of them: shapes alone take long to follow
    heads = net.head.write(net.decoder(mean, none, None, bar))
    assert heads["state"].shape == (2, 16, 3)
    assert heads["pitch"].shape == (2, 16, 128)
    if isinstance(net.decoder, HierarchicalDecoder):
        asked = net.decoder.conduct(mean, none)
        assert asked.shape == (2, 16, 1024)  # a segment a bar
        assert net.decoder.length == 16
        assert net.decoder.begun(asked[:, 0]).shape == (2, 2, 2 * 1024)  # h and c of two layers


def test_the_melody_classes_are_the_papers_130() -> None:
    # 128 onsets, hold, rest (section 4 of the paper); magenta's shipped 90 are the same with 88 pitches
    assert (CLASSES, HOLD, REST) == (130, 128, 129)
    assert 88 + 2 == 90
