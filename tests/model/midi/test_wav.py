"""Rendering without an audio device: there is sound, it is not clipped, it lies where it was written."""

import importlib.util
import sys
import wave
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pytest

from model.errors import ConfigError, MidiFileError, SoundError
from model.midi.synth import default_soundfont
from model.midi.wav import render


def write_mid(
    path: Path, chords: list[tuple[int, list[int]]], *, velocity: int = 100, tempo_bpm: float = 120
) -> Path:
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    now = 0
    for tick, pitches in chords:
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch, velocity=velocity, time=tick - now))
            now = tick
        for pitch in pitches:
            track.append(mido.Message("note_off", note=pitch, time=tick + 240 - now))
            now = tick + 240
    file.save(path)
    return path


def read_wav(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return frames.reshape(-1, 2) / 32768, file.getframerate()


def test_a_note_sounds_when_it_was_written(tmp_path: Path) -> None:
    mid = write_mid(tmp_path / "tune.mid", [(960, [60])], tempo_bpm=60)  # two seconds in
    seconds = render(mid, tmp_path / "tune.wav", sample_rate=22050)
    audio, rate = read_wav(tmp_path / "tune.wav")
    assert rate == 22050
    assert seconds == pytest.approx(len(audio) / rate)
    onset = int(np.argmax(np.abs(audio).max(axis=1) > 0.01)) / rate
    assert onset == pytest.approx(2.0, abs=0.05)
    assert 2.5 < seconds < 11
    assert np.abs(audio[-rate // 20 :]).max() < 0.001
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["tune.mid", "tune.wav"]


def test_a_file_of_many_hours_is_refused_as_one_that_cannot_be_read_is(tmp_path: Path) -> None:
    mid = write_mid(tmp_path / "long.mid", [(0, [60]), (480 * 60 * 60 * 5, [60])], tempo_bpm=60)
    with pytest.raises(MidiFileError, match=r"lasts 5.0 hours; at most 4 are rendered"):
        render(mid, tmp_path / "long.wav")


def test_the_loudest_chord_is_not_clipped(tmp_path: Path) -> None:
    mid = write_mid(tmp_path / "loud.mid", [(0, list(range(36, 96)))], velocity=127)
    render(mid, tmp_path / "loud.wav", gain=5.0)
    audio, _ = read_wav(tmp_path / "loud.wav")
    assert np.abs(audio).max() == pytest.approx(0.89, abs=0.001)
    assert (np.abs(audio) > 0.88).sum() < 20


def test_an_empty_file_is_a_short_silence(tmp_path: Path) -> None:
    seconds = render(write_mid(tmp_path / "empty.mid", []), tmp_path / "empty.wav")
    audio, _ = read_wav(tmp_path / "empty.wav")
    assert seconds < 1
    assert not audio.any()


@pytest.mark.parametrize("content", [b"", b"not music", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk"])
def test_what_is_not_midi_is_reported_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    mid = tmp_path / "bad.mid"
    mid.write_bytes(content)
    with pytest.raises(MidiFileError, match=r"bad\.mid'") as caught:
        render(mid, tmp_path / "bad.wav")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bad.wav").exists()


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match=r"none\.mid' does not exist"):
        render(tmp_path / "none.mid", tmp_path / "none.wav")


def test_a_place_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    mid = write_mid(tmp_path / "tune.mid", [(0, [60])])
    with pytest.raises(SoundError, match=r"tune\.wav' cannot be written: No such file or directory"):
        render(mid, tmp_path / "missing" / "tune.wav")


def test_a_wrong_soundfont_is_reported(tmp_path: Path) -> None:
    mid = write_mid(tmp_path / "tune.mid", [(0, [60])])
    with pytest.raises(SoundError, match=r"tune\.mid' is not a soundfont"):
        render(mid, tmp_path / "tune.wav", soundfont=mid)


def test_a_sample_rate_out_of_range_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the sample rate must be in 8000\.\.96000 Hz, not 1"):
        render(tmp_path / "x.mid", tmp_path / "x.wav", sample_rate=1)


def test_without_the_library_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mid = write_mid(tmp_path / "tune.mid", [(0, [60])])
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(SoundError, match=r"FluidSynth's library is missing.*get it: .*install"):
        render(mid, tmp_path / "tune.wav")
    assert not (tmp_path / "tune.wav").exists()


def test_without_the_soundfont_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mid = write_mid(tmp_path / "tune.mid", [(0, [60])])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SoundError, match=r"the soundfont TimGM6mb\.sf2 is missing"):
        render(mid, tmp_path / "tune.wav")


def test_a_broken_soundfont_says_so_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mid, cut = write_mid(tmp_path / "tune.mid", [(0, [60])]), tmp_path / "cut.sf2"
    cut.write_bytes(default_soundfont().read_bytes()[:10_000])
    with pytest.raises(SoundError, match=r"the soundfont '.*cut\.sf2' is broken"):
        render(mid, tmp_path / "tune.wav", soundfont=cut)
    assert capfd.readouterr().err == ""
