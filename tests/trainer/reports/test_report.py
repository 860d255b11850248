import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.checkpoints import checkpoint, written
from tests.fakes.players import GRID, Memory, Sure
from tests.fakes.synthetic import melody
from trainer.errors import OperationError, RequestError
from trainer.evaluation.evaluate import evaluate, evaluate_checkpoint
from trainer.evaluation.heldout import HeldOut, held_out
from trainer.evaluation.speed import speed
from trainer.evaluation.teacher_forced import forced
from trainer.reports.compare import page
from trainer.reports.html_page import Page, canvas, panels, piano_roll, span_of
from trainer.reports.plots import atlas, curves
from trainer.reports.report import log_of, report
from trainer.reports.table import titles
from trainer.run.checkpoints import subject

PHRASES = [melody(seed) for seed in range(22)]
LOG = [
    {"step": n, "seconds": 60.0 * n, "note_f1": 0.1 * n, "loss_kl": 5.0 - n, "loss_pitch": 9.0}
    for n in range(4)
]


class Going(Memory):
    """A player without a latent."""

    def __init__(self) -> None:
        super().__init__(knobs=())
        object.__setattr__(self.card, "latent_size", 0)


def self_contained(text: str) -> None:
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|<script|<link|@import|url\((?!#)", text)
    assert set(re.findall(r'(?:href|src)="(.)', text)) <= {"#", "d"}  # parts of itself, and data
    assert "#010203" not in text


# -- the page ----------------------------------------------------------------------------------------


def test_a_page_holds_all_that_it_shows_and_escapes_its_texts(tmp_path: Path) -> None:
    made = Page("A < B", "lead & keys")
    made.section("One", "note")
    made.table(["", "a"], {"": [("x", "1")], "more": [("<y>", "2")]})
    figure = canvas(4, 2)
    (axes,) = panels(figure, 1, 1)
    piano_roll(axes, PHRASES[0], title="roll")
    made.plot(figure, "caption")
    made.write(tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text()
    self_contained(text)
    assert "A &lt; B" in text
    assert "&lt;y&gt;" in text
    assert "currentColor" in text
    assert ">roll</text>" in text
    assert "prefers-color-scheme: dark" in text
    with pytest.raises(OperationError, match="cannot write"):
        made.write(tmp_path)


def test_a_roll_shows_an_octave_at_least() -> None:
    assert span_of([Phrase(GRID)]) == (54, 66)
    assert span_of([Phrase.of(GRID, [Note(0, 0, 80, 1), Note(0, 127, 80, 1)])]) == (0, 127)


# -- evaluate --compare ------------------------------------------------------------------------------


def test_models_of_any_family_stand_on_one_page() -> None:
    one = evaluate(Sure(knobs=("register",)), PHRASES, parameters=12_000)
    other = evaluate(Going(), PHRASES)
    results = [one | {"speed": speed(Sure(), PHRASES[:3])}, other | {"speed": speed(Going(), PHRASES[:3])}]
    text = page(results, data="somewhere", split="test").html()
    self_contained(text)
    assert text.count("<svg") == 6
    assert "memory (1)" in text
    assert "register" in text
    assert "None of these models" in page([other], data="x", split="test").html()
    json.dumps(results)


def test_models_of_one_name_are_distinguished() -> None:
    twice = [{"name": "b", "checkpoint": "runs/x/b.safetensors"}, {"name": "b", "checkpoint": "keys"}]
    assert titles([{"name": "a"}, *twice, {"name": "b"}]) == ["a", "b (x/b)", "b (keys)", "b (4)"]


def test_what_has_no_latent_gets_what_applies_and_nothing_else() -> None:
    found = evaluate(Going(), PHRASES)
    assert set(found["reconstruction"].values()) == {None}
    assert (found["knobs"], found["interpolation"]) == ({}, None)
    assert 0 <= found["samples"]["auc"] <= 1
    assert found["samples"]["consistent"] == 1.0
    times = speed(Going(), PHRASES[:2])
    assert times["encode_ms"] is None
    assert times["total_ms"] is not None
    assert times["total_ms"] > 0
    assert set(speed(Memory(), PHRASES[:2])) == {"encode_ms", "decode_ms", "total_ms"}


# -- teacher-forced figures and what comes before ----------------------------------------------------


def test_step_by_step_decoders_are_also_measured_teacher_forced() -> None:
    assert forced(checkpoint(PHRASES[:2]), PHRASES[:4]) is None
    made = checkpoint(PHRASES[:6], family="language")
    begun = forced(made, PHRASES[:6])
    learned = forced(checkpoint(PHRASES[:6], family="language", steps=25), PHRASES[:6])
    assert begun is not None
    assert learned is not None
    assert learned["bits_per_step"] < begun["bits_per_step"]
    assert learned["step_accuracy"] > begun["step_accuracy"]
    assert learned["phrases"] == 6


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


# -- report ------------------------------------------------------------------------------------------


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


def test_curves_and_maps_of_next_to_nothing() -> None:
    assert curves([]) is None
    assert curves([{"step": 1, "seconds": 2.0}]) is None
    assert len(curves(LOG[:1]).axes) == 2
    rng = np.random.default_rng(0)
    assert atlas(rng.standard_normal((19, 4)), rng.standard_normal((19, 2)), ["a", "b"]) is None
    assert atlas(np.zeros((20, 1)), np.zeros((20, 2)), ["a", "b"]) is None
    assert len(atlas(rng.standard_normal((20, 1)), np.zeros((20, 2)), ["a", "b"]).axes) >= 2
