"""Samples of a run: heard as a .wav, seen as a piano roll in the parts' colours."""

import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.figure import Figure

from model.codecs.melody import MelodyCodec
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from tests.fakes.players import Memory
from tests.fakes.synthetic import GRID, prepare
from trainer.data.dataset import load
from trainer.run.progress import RunLog
from trainer.training.preview import draw, write_samples


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 44_100)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def test_without_matplotlib_the_samples_sound_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("trainer.training.preview.open_player", lambda _checkpoint: Memory())
    phrases = load(prepare(tmp_path / "data", "melody", train=4), "melody", "train")
    with RunLog(tmp_path) as run_log:
        write_samples(tmp_path / "none.safetensors", MelodyCodec(GRID), phrases, tmp_path, run_log)
    assert "matplotlib is not installed: sample.png is not drawn" in "".join(capsys.readouterr())
    assert np.abs(samples(tmp_path / "sample.wav").astype(int)).max() > 500
    assert not (tmp_path / "sample.png").exists()


def test_every_part_has_its_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    saved = Figure.savefig

    def keep(self: Figure, *rest: Any, **more: Any) -> None:
        figures.append(self)
        saved(self, *rest, **more)

    monkeypatch.setattr(Figure, "savefig", keep)
    notes = [Note(0, 60, 127, 4), Note(0, 36, 127, 4, 0.0, BASS), Note(8, 36, 127, 1, 0.25, DRUMS)]
    draw({"data": Phrase.of(GRID, notes)}, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 0
    bars: Any = figures[0].axes[0].patches
    found = {(round(bar.get_x(), 2), round(bar.get_width(), 2), bar.get_facecolor()[:3]) for bar in bars}
    first, bass, drums = (colors.to_rgb(f"C{track}") for track in (0, BASS, DRUMS))
    assert found == {(0.0, 3.9, first), (0.0, 3.9, bass), (8.25, 0.9, drums)}
