"""Figures of a player on held-out phrases, through the `Player` protocol alone."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.latent.geometry import Latent
from model.music.phrase import Phrase
from model.playing.checkpoint_player import CheckpointPlayer
from model.runtimes.registry import open_runtime
from tests.fakes.checkpoints import checkpoint
from tests.fakes.midi_files import tune_phrase
from tests.fakes.players import SIZE, Memory, Sure
from trainer.errors import OperationError
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.knobs import knobs
from trainer.reports.table import lines, show

pytestmark = pytest.mark.usefixtures("two_divisions")

PHRASES = [tune_phrase(seed) for seed in range(24)]


def test_a_perfect_memory_gets_perfect_figures() -> None:
    turned = ("density", "register", "dynamics")
    found = evaluate(Sure(knobs=turned), PHRASES, parameters=7)
    made = found["reconstruction"]
    for key in (
        "step_accuracy",
        "step_accuracy_sampled",
        "note_f1",
        "note_f1_sampled",
        "note_f1_length",
        "exact",
    ):
        assert made[key] == 1.0, key
    assert made["velocity_error"] == 0.0
    assert made["active_units"] == SIZE
    assert made["kl_bits"] > 50
    assert (found["name"], found["codec"], found["parameters"], found["phrases"]) == (
        "memory",
        "melody",
        7,
        24,
    )
    for name, knob in found["knobs"].items():
        assert knob["spearman"] > 0.9, name
        assert knob["reach"] > 0
        assert knob["kept"] == 1.0
    assert found["knobs"]["register"]["spearman"] == pytest.approx(1.0)
    assert found["knobs"]["register"]["leak"] < 0.05
    assert found["interpolation"]["consistent"] == 1.0
    assert found["interpolation"]["note_ratio"] == pytest.approx(1.0, abs=0.15)
    assert found["interpolation"]["spearman"] > 0.5
    assert 0.0 <= found["samples"]["auc"] < 0.9
    assert found == evaluate(Sure(knobs=turned), PHRASES, parameters=7)
    json.dumps(found)


def test_one_that_does_not_listen_is_seen_through() -> None:
    found = evaluate(Memory(deaf=True), PHRASES)
    made, floor = found["reconstruction"], found["baselines"]
    assert made["note_f1"] < 0.5
    assert made["note_f1"] == pytest.approx(floor["note_f1_shuffled"])
    assert made["step_accuracy"] == pytest.approx(floor["step_accuracy_shuffled"])
    assert all(knob["spearman"] == knob["leak"] == 0.0 for knob in found["knobs"].values())
    assert found["samples"]["auc"] > 0.9
    assert found["interpolation"]["spearman"] == 0.0
    for unknown in ("kl_bits", "active_units", "step_accuracy_sampled", "note_f1_sampled"):
        assert made[unknown] is None


def test_a_generator_without_an_encoder_has_no_reconstruction() -> None:
    made = checkpoint(PHRASES[:2], family="noise")
    player = CheckpointPlayer(made, open_runtime(made, Path("noise.safetensors")))
    assert np.any(player.encode(PHRASES[0]).z)  # what sounds most like it is no answer of an encoder
    found = evaluate(player, PHRASES[:2], share=0.1)
    assert set(found["reconstruction"].values()) == {None}
    assert not any(name.endswith("shuffled") for name in found["baselines"])
    assert found["knobs"]["density"]["phrases"] == 2
    assert found["interpolation"]["pairs"] == 2


class Taught(Sure):
    """One whose network turns the register by itself, and has learned nothing of the density."""

    def unmended(self, latent: Latent, turns: dict[str, float]) -> Phrase:
        return self.decode(latent, turns={name: turn for name, turn in turns.items() if name == "register"})


def test_what_a_network_has_learned_of_its_knobs_stands_beside_the_closed_loop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    player = Taught(knobs=("density", "register"))
    found = knobs(player, PHRASES[:6], [player.encode(phrase) for phrase in PHRASES[:6]])
    register = found["register"]
    assert register["spearman_network"] == pytest.approx(1.0)
    assert register["leak_network"] == register["leak_turns"]
    assert not [key for key in found["density"] if key.endswith("_network")]
    table = lines([evaluate(player, PHRASES[:2]) | {"knobs": found}, {"knobs": {}}])[
        "the network's own answers to knobs"
    ]
    assert [(name, cells[1]) for name, cells in table] == [("register", "-")]


def test_no_phrase_is_reported() -> None:
    with pytest.raises(OperationError, match="no phrase"):
        evaluate(Memory(), [])


def test_few_phrases_and_no_knobs_still_give_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluate(Memory(knobs=()), PHRASES[:1])
    assert found["knobs"] == {}
    assert found["interpolation"] is None
    assert found["samples"]["auc"] is None
    show([found, evaluate(Memory(), PHRASES[:2])])
    printed = capsys.readouterr().out
    assert "step accuracy" in printed
    assert "register" in printed
    assert lines([found])["reconstruction"][0] == ("step accuracy", ["1.000"])
