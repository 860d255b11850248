import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.checkpoints import checkpoint, written
from tests.fakes.players import GRID, Going, Memory, Sure
from tests.fakes.synthetic import melody
from tests.trainer.reports.test_html_page import self_contained
from trainer.errors import RequestError
from trainer.evaluation.evaluate import evaluate, evaluate_checkpoint
from trainer.evaluation.heldout import HeldOut, held_out
from trainer.reports.report import report
from trainer.run.checkpoints import log_of, subject

PHRASES = [melody(seed) for seed in range(22)]
LOG = [
    {"step": n, "seconds": 60.0 * n, "note_f1": 0.1 * n, "loss_kl": 5.0 - n, "loss_pitch": 9.0}
    for n in range(4)
]


def test_figures_of_a_checkpoint_name_it_and_count_its_weights(tmp_path: Path) -> None:
    made = checkpoint(PHRASES[:2], family="language")
    path = written(tmp_path / "lm.safetensors", made)
    found = evaluate_checkpoint(Going(), str(path), HeldOut(PHRASES[:3], None, PHRASES[:3]))
    assert found["teacher_forced"]["phrases"] == 3
    assert found["checkpoint"] == str(path)
    player = Going()
    del player.parameters
    count = sum(value.size for value in made.weights.values())
    assert evaluate_checkpoint(player, str(path), HeldOut(PHRASES[:3]))["parameters"] == count


def test_a_model_with_context_bars_is_asked_to_go_on_from_them(tmp_path: Path) -> None:
    data = tmp_path / "data"
    place = data / "melody" / "test"
    place.mkdir(parents=True)
    rows = [(0, 60, 80, 20, 0, 0), (16, 62, 80, 4, 0, 0), (32, 64, 80, 4, 0, 0)]
    np.save(place / "notes.npy", np.array(rows, dtype=np.int16))
    np.save(place / "starts.npy", np.array([0, 3]))
    np.save(place / "songs.npy", np.array([7]))
    (data / "meta.json").write_text(
        json.dumps({"format": 4, "grid": {"bars": 4, "beats_per_bar": 4, "steps_per_beat": 4}})
    )
    header = json.dumps({"__metadata__": {"config": json.dumps({"context_bars": 2})}})
    path = tmp_path / "lm.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    found = held_out(Going(), str(path), data)
    assert found.contexts == [Phrase.of(GRID, [Note(0, 60, 80, 20), Note(16, 62, 80, 4)])]
    assert found.phrases == [Phrase.of(GRID, [Note(0, 64, 80, 4)])]
    assert found.whole is not None
    assert found.whole[0].grid == Grid(4, 4, 4)
    assert found.songs is not None
    assert found.songs.tolist() == [7]
    none = found.first(0)
    assert (none.phrases, none.contexts, none.whole) == ([], [], [])
    with pytest.raises(RequestError, match="prepared for 4 bars"):
        held_out(Going(), "keys", data)


class Generating(Memory):
    """A player without an encoder."""

    def __init__(self) -> None:
        super().__init__(knobs=())
        self.card = replace(self.card, encodes=False)
        self.encode(PHRASES[0])  # something to play


@pytest.mark.parametrize(
    "player", [Sure(knobs=("register",)), Memory(codec="poly", knobs=()), Going(), Generating()]
)
def test_a_report_tells_of_any_player(player: Any) -> None:
    few = HeldOut(PHRASES, None, None)
    found = evaluate(player, PHRASES[:3])
    text = report(player, few, found, log=LOG).html()
    self_contained(text)
    for title in ("Training", "Reconstructions", "Glides", "Knobs", "Map", "Figures"):
        assert f"<h2>{title}</h2>" in text
    assert ("This model has no latent" in text) == (not player.card.latent_size)
    assert ("so no reconstruction" in text) == (not player.card.encodes)
    assert text.count("<svg") >= (4 + player.card.encodes if player.card.latent_size else 2)
    assert ">losses, nats</text>" in text


def test_one_phrase_and_no_log_make_a_report_all_the_same() -> None:
    text = report(Memory(), HeldOut(PHRASES[:1]), evaluate(Memory(), PHRASES[:1])).html()
    for sentence in ("There is no log", "nowhere to go", "A map needs 20 phrases"):
        assert sentence in text


def test_a_run_s_folder_is_found_and_its_log_read_as_far_as_it_goes(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no checkpoint"):
        subject(str(tmp_path))
    (tmp_path / "a.safetensors").write_bytes(b"")
    lines = [json.dumps(row) for row in LOG]
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, lines[0][:9], "[1]"]))
    assert subject(str(tmp_path)).checkpoint == str(tmp_path / "a.safetensors")
    found = subject(str(tmp_path / "a.safetensors"))
    assert log_of(found.run) == LOG
    assert log_of(None) == []
    (tmp_path / "b.safetensors").write_bytes(b"")
    with pytest.raises(RequestError, match=r"several checkpoints \(a.safetensors, b.safetensors\)"):
        subject(str(tmp_path))
    assert subject("keys").run is None
