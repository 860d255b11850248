from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoint import read
from model.codecs.base import ONSET, PITCH
from model.codecs.registry import build
from model.latent.note_transformer import FOLDER, LOWEST
from model.midi import file as midi
from model.music.phrase import Phrase
from model.networks.vae import VAE
from model.playing.load import open_player
from tests.fakes.checkpoints import checkpoint, written
from tests.fakes.players import GRID
from tests.fakes.synthetic import melody
from trainer.__main__ import main
from trainer.adapt import adapt as adapting
from trainer.adapt.adapt import AdaptOptions, FineTuning, adapt
from trainer.adapt.lora import EncodedPhrases, encoded, skill
from trainer.errors import OperationError, RequestError
from trainer.latent.note_network import NoteNetwork

OLD = [melody(seed) for seed in range(24)]
PERFORMED = [melody(seed).moved(-5) for seed in range(100, 108)]


def save(folder: Path, phrases: list[Phrase]) -> Path:
    for number, phrase in enumerate(phrases):
        midi.save(folder / f"{number:02}.mid", [phrase])
    return folder


@pytest.mark.parametrize("family", ["vae", "gru", "language"])
def test_a_few_phrases_tune_a_decoder_and_the_old_ones_stay(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "STEPS", 4)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    made = checkpoint(OLD[:8], family=family, steps=4)
    found = adapt(made, PERFORMED, OLD[:8], AdaptOptions(minutes=5.0), half=False)
    figures = found.figures
    assert figures["steps"] > 0
    assert figures["held_out"] == 2
    assert figures["old_after"] >= figures["old_before"] - 0.01
    if family == "vae":
        assert figures["around_nats_after"] < figures["around_nats_before"]
    state = found.net.state_dict()
    still = [name for name in made.weights if not name.startswith("decoder.")]
    assert all(np.array_equal(state[name].numpy(), made.weights[name]) for name in still)
    assert any(not np.array_equal(state[name].numpy(), value) for name, value in made.weights.items())


def test_the_steps_are_those_of_the_decoder_that_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def learn(self: FineTuning, _: EncodedPhrases, watched: EncodedPhrases | None, **_more: object) -> Any:
        return self._net, 0 if watched is None else 6  # with all the phrases the old skills went at once

    monkeypatch.setattr(FineTuning, "learn", learn)
    assert adapt(checkpoint(OLD[:8]), PERFORMED, OLD[:8], AdaptOptions()).figures["steps"] == 0


def test_it_learns_on_as_many_threads_as_its_own_steps_are_quickest_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapting, "STEPS", 2)
    torch.set_flush_denormal(False)
    torch.set_num_threads(2)
    taken: list[float] = []

    def quickest(step: Callable[[], float]) -> int:
        taken.append(step())
        return 1

    monkeypatch.setattr(adapting, "quickest_threads", quickest)
    adapt(checkpoint(OLD[:8], steps=2), PERFORMED, OLD[:8], AdaptOptions(minutes=5.0), half=False)
    assert taken[0] > 0
    assert torch.get_num_threads() == 1
    assert torch.tensor(1e-39) * 1.0 == 0.0, "numbers next to 0 are 0"


def test_it_stops_before_the_old_skill_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    made = checkpoint(OLD[:8], steps=4)
    values = iter([0.9, 0.895, 0.88, *[0.9] * 20])
    monkeypatch.setattr(adapting, "VALIDATED_EVERY", 2)
    monkeypatch.setattr(adapting, "STEPS", 6)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    costs = iter(range(100, 0, -1))
    monkeypatch.setattr(adapting, "cost", lambda *_: next(costs))
    monkeypatch.setattr(adapting, "skill", lambda *_: next(values))
    assert adapt(made, PERFORMED, OLD[:8], AdaptOptions(minutes=5.0)).figures["steps"] == 2


def test_without_music_to_keep_samples_of_the_model_are_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "STEPS", 1)
    monkeypatch.setattr(adapting, "REHEARSED", 12)
    monkeypatch.setattr(adapting, "CHECKED", 4)
    found = adapt(checkpoint(OLD[:8], steps=12), PERFORMED, [], AdaptOptions(minutes=5.0))
    assert found.figures["old_of"] == "the model's own samples"


def test_what_cannot_be_adapted_is_reported() -> None:
    with pytest.raises(OperationError, match="3 different phrases are too few to learn from: it takes 4"):
        adapt(checkpoint(OLD[:2]), PERFORMED[:3], OLD, AdaptOptions())
    with pytest.raises(RequestError, match="nothing encodes for"):
        adapt(checkpoint(OLD[:2], family="noise"), PERFORMED, OLD, AdaptOptions())


def test_the_command_writes_a_model_that_plays_and_says_how_far_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapting, "VALIDATED_EVERY", 2)
    monkeypatch.setattr(adapting, "STEPS", 4)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    monkeypatch.setattr(adapting, "LOSS", 1.0)
    monkeypatch.setattr("trainer.evaluation.attribute_overlap.SAMPLES", 4)
    source = written(tmp_path / "tiny.safetensors", checkpoint(OLD[:8], steps=12), half=True)
    target = tmp_path / "mine.safetensors"
    arguments = ["adapt", str(source), "--out", str(target), "--minutes", "5", "--strength", "0.5"]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--data", str(save(tmp_path / "performed", PERFORMED))])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    assert "8 phrases of yours from 8 files" in said.out
    assert "your held-out phrases (2): note F1" in said.out
    assert "overlap with yours" in said.out
    old, new = read(source), read(target)
    assert new.figures["adapted"]["strength"] == 0.5
    assert new.ident != old.ident
    assert abs(target.stat().st_size - source.stat().st_size) < 4000
    player = open_player(target)
    np.testing.assert_array_equal(player.encode(PERFORMED[0]).z, open_player(source).encode(PERFORMED[0]).z)
    net = VAE(new.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in new.weights.items()})
    codec = build("melody", GRID)
    assert 0 <= skill(net.eval(), codec, encoded(net, codec, PERFORMED), {}) <= 1


def test_a_keep_folder_that_was_not_prepared_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    performed = save(tmp_path / "performed", PERFORMED[:4])
    with pytest.raises(SystemExit) as left:
        main(
            [
                "adapt",
                "lead",
                "--data",
                str(performed),
                "--out",
                str(tmp_path / "x.safetensors"),
                "--keep",
                str(performed),
            ]
        )
    said = capsys.readouterr()
    assert left.value.code == 2
    assert "was not written by 'twobar-train prepare'" in said.err


def test_what_is_rehearsed_is_drawn_from_the_learned_prior() -> None:
    made, codec = checkpoint(OLD), build("melody", GRID)
    model = made.config
    net = VAE(model).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in made.weights.items()})
    wide = adapting.sampled(net, codec, made, 12, 1)
    table = np.array([[0, 60, 80, 4, 0, 0], [8, 64, 80, 4, 0, 0]]) - LOWEST
    writer = NoteNetwork(
        GRID, table[0], (ONSET, PITCH), longest=1, width=8, depth=1, heads=2, dropout=0.0
    )  # of one note, always the same
    for out, wanted in zip(writer.outs, (0, 60), strict=True):
        assert isinstance(out, torch.nn.Linear)
        out.weight.data.zero_()
        out.bias.data.zero_()
        out.bias.data[wanted] = 99.0
    extras = {f"{FOLDER}{name}": value for name, value in writer.tensors().items()}
    drawn_twice = adapting.sampled(net, codec, replace(made, extras={**made.extras, **extras}), 12, 1)
    assert len(set(wide)) > 1
    assert len(set(drawn_twice)) == 1
