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
from model.midi import file as midi
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, DRUMS
from tests.fakes.players import Memory
from tests.fakes.synthetic import GRID, melody, prepare
from trainer.data.dataset import load
from trainer.run.progress import RunLog
from trainer.training.preview import draw, show
from trainer.training.sound import SAMPLE_RATE, SilentError, render


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, SAMPLE_RATE)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)


def test_a_phrase_sounds_where_its_notes_are(tmp_path: Path) -> None:
    # silence on the first bar, a note on the second: two seconds at 120 bpm
    midi.save(tmp_path / "a.mid", [Phrase.of(GRID, [Note(16, 69, 100, 8)])])
    render(tmp_path / "a.mid", tmp_path / "a.wav")
    level = np.abs(samples(tmp_path / "a.wav").astype(int)).max(1)
    assert level[: 2 * SAMPLE_RATE - 100].max() < 50
    assert level[2 * SAMPLE_RATE : 3 * SAMPLE_RATE].max() > 500
    assert len(level) > 4 * SAMPLE_RATE
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_loud_music_does_not_clip(tmp_path: Path) -> None:
    cluster = [Note(0, pitch, 127, 16) for pitch in range(30, 100)]
    midi.save(tmp_path / "a.mid", [Phrase.of(GRID, cluster)])
    render(tmp_path / "a.mid", tmp_path / "a.wav")
    assert np.abs(samples(tmp_path / "a.wav").astype(int)).max() <= round(0.9 * 32767)


def test_without_the_library_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    midi.save(tmp_path / "a.mid", [melody(0)])
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(SilentError, match="FluidSynth's library is missing"):
        render(tmp_path / "a.mid", tmp_path / "a.wav")
    assert not (tmp_path / "a.wav").exists()


def test_without_the_soundfont_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    midi.save(tmp_path / "a.mid", [melody(0)])
    monkeypatch.setattr("trainer.training.sound.SOUNDFONT", "another.sf2")
    with pytest.raises(SilentError, match=r"another\.sf2 is missing"):
        render(tmp_path / "a.mid", tmp_path / "a.wav")


def test_without_matplotlib_the_samples_sound_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setattr("trainer.training.preview.open_player", lambda _checkpoint: Memory())
    phrases = load(prepare(tmp_path / "data", "melody", train=4), "melody", "train")
    with RunLog(tmp_path) as run_log:
        show(tmp_path / "none.safetensors", MelodyCodec(GRID), phrases, tmp_path, run_log)
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
