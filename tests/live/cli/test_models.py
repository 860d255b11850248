"""`twobar models`: what there is, where it lies, and what is none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from live.cli.models import listing
from live.errors import UsageError
from live.settings.config import check_model
from model import shipped
from model.library import look
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.load import load
from tests.fakes.checkpoints import checkpoint, written

PHRASE = Phrase.of(Grid(), [Note(0, 60, 90, 2), Note(8, 64, 80, 4)])


@pytest.fixture(autouse=True)
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home" / "models"
    monkeypatch.setattr("model.shipped.platformdirs.user_data_dir", lambda _: str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return folder


def test_shipped_models_are_listed_with_codec_size_and_figures() -> None:
    lines = listing(()).splitlines()
    assert lines[0].split() == ["name", "codec", "bars", "parameters", "file", "latent", "score"]
    assert lines[1] == "shipped:"
    keys = next(line for line in lines if line.startswith("  keys "))
    assert keys.split()[:2] == ["keys", "poly"]
    assert "note_f1 0.9" in keys
    assert [line.split()[0] for line in lines if line.startswith("  ")][1:] == shipped.shipped_models()
    assert lines[-1].endswith("models: none")


def test_a_model_in_your_folder_is_played_by_its_name(user_folder: Path) -> None:
    with pytest.raises(UsageError, match="unknown model 'mine'"):
        check_model("mine")
    written(user_folder / "mine.safetensors", checkpoint([PHRASE]))
    check_model("mine")
    assert load("mine").card.name == "tiny-vae"
    assert "  mine " in listing(())
    shutil.copy(user_folder / "mine.safetensors", user_folder / "keys.safetensors")
    assert load("keys").card.name == "keys"  # a shipped name stays the shipped model's


def test_runs_and_what_is_no_model_are_listed_and_nothing_raises(tmp_path: Path) -> None:
    written(tmp_path / "runs" / "one" / "tiny.safetensors", checkpoint([PHRASE]))
    broken = {"short": b"x", "long": b"\xff" * 64, "empty": b"", "json": b"\x02" + b"\0" * 7 + b"[]"}
    for name, content in broken.items():
        (tmp_path / "runs" / f"{name}.safetensors").write_bytes(content)
    save_file({"a": np.zeros(3, dtype=np.float32)}, tmp_path / "runs" / "one" / "writer.safetensors")
    text = listing(())
    assert "tiny.safetensors  melody" in text
    assert "writer.safetensors" not in text  # nothing to play, and no fault of anybody's
    assert text.count("damaged, or no safetensors file") == 4
    facts = json.loads(listing([tmp_path / "runs"], as_json=True))
    assert {fact["codec"] for fact in facts if not fact["fault"]} == {"melody", "poly", "drums", "multitrack"}
    with pytest.raises(UsageError, match="the folder 'nowhere' does not exist"):
        listing([Path("nowhere")])


def test_another_programs_weights_are_no_model_of_ours(tmp_path: Path) -> None:
    save_file({"a": np.zeros(3, dtype=np.float32)}, tmp_path / "other.safetensors")
    assert look(tmp_path / "other.safetensors", "other").fault == "no twobar checkpoint"
    assert look(tmp_path / "gone.safetensors", "gone").fault == "No such file or directory"
