"""Every shipped configuration, made tiny: it trains, writes a checkpoint, and that one plays."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from model.codecs.sampling import Sampling
from model.config import DECODERS, ENCODERS, LAWS
from model.music.phrase import Note, Phrase
from model.networks.vae import VAE
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.load import open_player
from tests.fakes.families import REFERENCES, SHIPPED, corpus, model_of, music, tiny
from trainer import settings
from trainer.run.progress import RunLog
from trainer.training import preview
from trainer.training.fit import run


@pytest.fixture
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    # they take longer than all the rest; tests/trainer/training/test_fit.py looks at them
    monkeypatch.setattr(preview, "draw", lambda _phrases, _path: None)
    monkeypatch.setattr(RunLog, "curves", lambda _watch: None)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpora")


@pytest.mark.usefixtures("_without_pictures")
@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_a_family_trains_end_to_end_and_plays(config: Path, corpora: Path, tmp_path: Path) -> None:
    model = model_of(config)
    grid = model.grid.build()
    data = corpus(corpora / f"{grid.bars}-bars", model.codec, grid)
    made = run(config, data, tmp_path / "run", overrides=tiny(config))
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 3
    losses = {name: value for name, value in rows[-1].items() if name.startswith("loss_")}
    assert losses
    assert all(np.isfinite(value) for value in losses.values())
    player = open_player(made)
    assert (player.card.name, player.card.codec) == (model.name, model.codec)
    assert player.card.grid == model.answer_grid
    phrase = music(model.codec, player.card.grid, 99)
    if player.card.latent_size:
        remembers(player, phrase)
    else:
        continues(player, phrase)


def remembers(player: CheckpointPlayer, phrase: Phrase) -> None:
    """Show that a model with a latent encodes, decodes, samples and keeps what has sounded."""
    latent = player.encode(phrase)
    assert latent.z.shape == (player.card.latent_size,)
    assert np.isfinite(latent.z).all()
    assert player.encode(phrase).z.tolist() == latent.z.tolist()
    plain = player.decode(latent, turns={})
    assert plain.grid == player.card.grid
    assert player.decode(latent, turns={}) == plain
    sampled = player.decode(latent, turns={}, sampling=Sampling(1.0, seed=5))
    assert player.decode(latent, turns={}, sampling=Sampling(1.0, seed=5)) == sampled
    others = [player.decode(latent, turns={}, sampling=Sampling(1.0, seed=seed)) for seed in range(6, 12)]
    if (
        player.card.codec != "poly"
    ):  # untrained, no key reaches the one chance in twenty from which it is drawn
        assert any(other != sampled for other in others)
    spliced = player.decode(latent, turns={}, prefix=phrase, prefix_steps=8)
    assert [_start(note) for note in spliced.notes if note.onset < 8] == [
        _start(note) for note in phrase.notes if note.onset < 8
    ]
    if player.card.conditions:
        said = {"chords": "C Am F G", "key": "C major", "style": player.card.styles[0]}
        condition = {name: said[name] for name in player.card.conditions}
        assert player.decode(latent, turns={}, condition=condition).grid == player.card.grid
    drawn = player.prior(3, 7)
    assert [each.z.tolist() for each in player.prior(3, 7)] == [each.z.tolist() for each in drawn]
    assert len({tuple(each.z.tolist()) for each in drawn}) == 3
    assert all(player.decode(each, turns={}).grid == player.card.grid for each in drawn)


def continues(player: CheckpointPlayer, phrase: Phrase) -> None:
    """Show that a model without a latent says so and goes on from what it is given."""
    assert player.encode(phrase).z.shape == (0,)
    answer = player.continuation(phrase)
    assert answer.grid == player.card.grid
    assert player.continuation(phrase) == answer

    def sampled(seed: int) -> Phrase:
        return player.continuation(phrase, sampling=Sampling(1.0, top_k=20, top_p=0.95, seed=seed))

    assert sampled(5) == sampled(5)
    assert any(sampled(seed) != sampled(5) for seed in range(6, 12))


def _start(note: Note) -> tuple[int, int, int]:
    """Return a note without its length, which a later onset may cut, and its micro-offset."""
    return note.onset, note.pitch, note.track


@pytest.mark.parametrize("config", [*SHIPPED, *REFERENCES], ids=lambda path: path.stem)
def test_a_shipped_configuration_is_valid_and_can_be_built(config: Path) -> None:
    configuration = settings.read(config, [])
    assert configuration.model.name == config.stem
    with torch.device("meta"):
        VAE(configuration.model)


@pytest.mark.parametrize("config", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_configuration_says_how_it_is_trained(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    head = re.match(r"(#.*\n)+", text)
    assert head is not None
    assert head[0].startswith(f"# {config.stem}: ")
    assert f"twobar-train fit --config {config.stem} --data" in head[0].replace(
        "trainer/configs/", ""
    ).replace(".toml", "")
    prepared = re.search(r"twobar-train prepare MIDI_DIR --out (\S+)(.*)", head[0])
    assert prepared is not None
    assert f"--data {prepared[1]} " in head[0]
    bars = model_of(config).grid.bars
    assert (f"--bars {bars}" in prepared[2]) == (bars != 2)


def test_every_part_that_can_be_configured_is_in_some_shipped_configuration() -> None:
    models = [model_of(path) for path in SHIPPED]
    assert {model.encoder.kind for model in models} == set(ENCODERS)
    assert {model.decoder.kind for model in models} == set(DECODERS)
    assert {model.bottleneck.law for model in models} == set(LAWS)
    assert {model.codec for model in models} == {"melody", "poly", "drums", "multitrack"}
    assert {model.grid.bars for model in models} == {2, 4, 16}


def test_the_large_keys_are_ten_times_the_keys() -> None:
    with torch.device("meta"):
        sizes = [
            sum(p.numel() for p in VAE(model_of(path)).parameters())
            for path in SHIPPED
            if path.stem in {"keys", "keys-large"}
        ]
    assert 9.5 < max(sizes) / min(sizes) < 10.5
