"""A .mid file to a .wav file: FluidSynth played faster than time, with no audio device."""

import contextlib
import ctypes
import os
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from model.errors import ConfigError, MidiFileError, SoundError
from model.files import atomic_write
from model.midi.file import open_file
from model.midi.parse import timed
from model.midi.synth import check_soundfont, default_soundfont, load_library, send

PEAK = 0.89  # -1 dBFS: room for what a player's filter adds
QUIET = 1e-4  # -80 dBFS: a tail below it has ended
BLOCK = 4096
LONGEST_TAIL_S = 8.0
SHORTEST_TAIL_S = 0.5
LONGEST_S = 4 * 3600.0
LOG_LEVELS = 5  # panic, error, warning, info, debug
SUSTAIN, ALL_NOTES_OFF = 64, 123

Audio = npt.NDArray[np.float32]


def render(
    mid: Path, wav: Path, *, soundfont: Path | None = None, sample_rate: int = 44100, gain: float = 0.6
) -> float:
    """Write what a .mid file sounds like as 16-bit stereo, and return its length in seconds.

    The level is FluidSynth's own unless that would clip: then all of it is turned down to -1 dBFS.  The
    tail rings until it has faded, at most 8 s.  The .wav appears whole or not at all.

    Args:
        mid: a standard MIDI file of type 0 or 1.
        wav: the file to write; one that is there is replaced.
        soundfont: None is the one that comes with pretty_midi.
        sample_rate: in Hz, 8000..96000.
        gain: FluidSynth's, 0..10.

    Raises:
        ConfigError: the sample rate is out of range.
        MidiFileError: the .mid cannot be read, or lasts longer than four hours.
        SoundError: FluidSynth or the soundfont is missing or broken, or the .wav cannot be written.
    """
    if not 8000 <= sample_rate <= 96000:
        raise ConfigError(f"the sample rate must be in 8000..96000 Hz, not {sample_rate}")
    timed = read_timed(mid)
    api, synth = _opened(soundfont or default_soundfont(), sample_rate, gain)
    try:
        with tempfile.TemporaryFile() as raw:
            peak = 0.0
            for block in _sound(api, synth.synth, timed, sample_rate):
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                raw.write(block.tobytes())
            frames = raw.tell() // 8
            raw.seek(0)
            _write(wav, raw, scale=min(1.0, PEAK / peak) if peak else 1.0, sample_rate=sample_rate)
    except OSError as reason:
        raise SoundError(f"'{wav}' cannot be written: {reason.strerror or reason}") from None
    finally:
        synth.delete()
    return frames / sample_rate


def read_timed(mid: Path) -> list[tuple[float, bytes]]:
    """Return (seconds since the start, channel message) of a .mid file, in order.

    Raises:
        MidiFileError: it cannot be read, or lasts longer than four hours.
    """
    seconds, sounding = 0.0, list[tuple[float, bytes]]()
    try:
        for seconds, message in timed(open_file(mid)):
            if not message.is_meta:
                sounding.append((seconds, bytes(message.bytes())))
    except OSError as reason:
        raise MidiFileError(f"'{mid}' cannot be read: {reason.strerror or reason}") from None
    if seconds > LONGEST_S:
        raise MidiFileError(
            f"'{mid}' lasts {seconds / 3600:.1f} hours; at most {LONGEST_S / 3600:g} are rendered"
        )
    return sounding


def _opened(soundfont: Path, sample_rate: int, gain: float) -> tuple[Any, Any]:
    """Return pyfluidsynth and a synthesizer without an audio driver, with the room that live playing has."""
    check_soundfont(soundfont)
    api = load_library()
    for level in range(LOG_LEVELS):
        api._fl.fluid_set_log_function(level, None, None)  # noqa: SLF001 - a screen has no place for it
    room = {"reverb.active": 1, "reverb.level": 0.3, "chorus.active": 0, "cpu-cores": 1}
    settings = {f"synth.{name}": value for name, value in room.items()}
    synth = api.Synth(gain=float(gain), samplerate=float(sample_rate), channels=16, **settings)
    with _muted():
        loaded = synth.sfload(os.fspath(soundfont), 1) >= 0
    if not loaded:
        synth.delete()
        raise SoundError(f"the soundfont '{soundfont}' is broken")
    return api, synth


@contextlib.contextmanager
def _muted() -> Iterator[None]:
    """Keep what C libraries write to stderr meanwhile off the screen."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _sound(api: Any, synth: int, timed: list[tuple[float, bytes]], sample_rate: int) -> Iterator[Audio]:  # noqa: ANN401
    """Yield blocks [frames, 2] from the first message to the end of the tail."""
    made = 0
    for seconds, data in timed:
        due = round(seconds * sample_rate)
        while made < due:
            count = min(BLOCK, due - made)
            made += count
            yield _block(api, synth, count)
        send(api, synth, data)
    for channel in range(16):
        for number in (SUSTAIN, ALL_NOTES_OFF):  # tails may ring
            send(api, synth, bytes((0xB0 | channel, number, 0)))
    tail = 0
    while tail < LONGEST_TAIL_S * sample_rate:
        block = _block(api, synth, BLOCK)
        tail += BLOCK
        yield block
        if tail >= SHORTEST_TAIL_S * sample_rate and np.abs(block).max() < QUIET:
            return


def _block(api: Any, synth: int, frames: int) -> Audio:  # noqa: ANN401 - pyfluidsynth has no types
    audio = np.zeros((frames, 2), np.float32)
    start = ctypes.c_void_p(audio.ctypes.data)
    write = api._fl.fluid_synth_write_float  # noqa: SLF001 - pyfluidsynth leaves it unwrapped
    write(ctypes.c_void_p(synth), frames, start, 0, 2, start, 1, 2)
    return audio


def _write(path: Path, raw: IO[bytes], *, scale: float, sample_rate: int) -> None:
    with atomic_write(path) as draft, draft.open("wb") as file, wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        while data := raw.read(BLOCK * 8 * 16):
            samples = np.frombuffer(data, np.float32) * (scale * 32767)
            out.writeframes(np.rint(samples).astype("<i2").tobytes())
