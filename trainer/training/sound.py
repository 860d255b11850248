"""What a run's samples sound like: a .mid to a .wav through FluidSynth, without an audio device."""

import contextlib
import ctypes
import importlib.util
import io
import os
import wave
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from trainer.errors import TrainerError

SOUNDFONT = "TimGM6mb.sf2"
SAMPLE_RATE = 44_100
GAIN = 0.6
PEAK = 0.89  # -1 dBFS
TAIL_S = 1.5
LONGEST_S = 600.0
LOG_LEVELS = 5  # panic, error, warning, info, debug


class SilentError(TrainerError):
    """There is nothing here to render with."""


def render(mid: Path, wav: Path) -> None:
    """Write what a .mid sounds like as 16-bit stereo; the .wav appears whole or not at all.

    Raises:
        SilentError: FluidSynth's library or the soundfont is missing.
        OSError: the .mid cannot be read or the .wav not be written.

    """
    synth = _synth()
    try:
        audio = _play(synth, mid)
    finally:
        synth.delete()
    loudest = float(np.abs(audio.astype(np.int32)).max(initial=0)) / 32768
    scaled = audio * (PEAK / max(loudest, PEAK))
    beside = wav.with_name(f".{wav.name}.part")
    try:
        with beside.open("wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(SAMPLE_RATE)
            out.writeframes(np.rint(scaled).astype("<i2").tobytes())
        beside.replace(wav)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _synth() -> Any:  # noqa: ANN401 - pyfluidsynth publishes no types
    """Open a synthesizer with its soundfont."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # under CI=... it prints where it found the library
            import fluidsynth  # noqa: PLC0415 - loads the shared library, which may be missing
    except (ImportError, OSError, AttributeError, TypeError) as error:
        raise SilentError(f"FluidSynth's library is missing ({error})") from error
    library: ctypes.CDLL = fluidsynth._fl  # noqa: SLF001 - pyfluidsynth leaves this call unwrapped
    library.fluid_set_log_function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    library.fluid_set_log_function.restype = ctypes.c_void_p
    for level in range(LOG_LEVELS):
        library.fluid_set_log_function(level, None, None)  # a progress bar has no place for its chatter
    spec = importlib.util.find_spec("pretty_midi")
    places = [
        Path(folder) / SOUNDFONT for folder in (spec.submodule_search_locations if spec else None) or []
    ]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise SilentError(f"the soundfont {SOUNDFONT} is missing: pip install pretty_midi")
    synth = fluidsynth.Synth(gain=GAIN, samplerate=float(SAMPLE_RATE))
    if synth.sfload(os.fspath(found), 1) < 0:
        synth.delete()
        raise SilentError(f"the soundfont '{found}' is broken")
    return synth


def _play(synth: Any, mid: Path) -> NDArray[np.int16]:  # noqa: ANN401 - as above
    """Return samples int16 [frames, 2]: the file and a tail."""
    blocks: list[NDArray[np.int16]] = []
    seconds, made = 0.0, 0
    for message in mido.MidiFile(mid):
        seconds += message.time
        if seconds > LONGEST_S:
            break
        due = round(seconds * SAMPLE_RATE)
        if due > made:
            blocks.append(synth.get_samples(due - made))
            made = due
        if message.type == "note_on":
            synth.noteon(message.channel, message.note, message.velocity)
        elif message.type == "note_off":
            synth.noteoff(message.channel, message.note)
        elif message.type == "program_change":
            synth.program_change(message.channel, message.program)
    blocks.append(synth.get_samples(round(TAIL_S * SAMPLE_RATE)))
    return np.concatenate(blocks).reshape(-1, 2)
