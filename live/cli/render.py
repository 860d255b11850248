"""A .mid file to a .wav file: FluidSynth played faster than time, with no audio device."""

import contextlib
import ctypes
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import mido
import numpy as np
import numpy.typing as npt

from live.devices.fluidsynth import FluidSynth, FluidSynthSettings
from live.errors import FailureError, UsageError
from live.timing.midi_bytes import silence

PEAK = 0.89  # -1 dBFS: room for what a player's filter adds
QUIET = 1e-4  # -80 dBFS: a tail below it has ended
BLOCK = 4096
LONGEST_TAIL_S = 8.0
SHORTEST_TAIL_S = 0.5
LONGEST_S = 4 * 3600.0

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
        UsageError: the .mid cannot be read, or the sample rate is out of range.
        SynthError: FluidSynth or the soundfont is missing or broken.
        FailureError: the .wav cannot be written.

    """
    if not 8000 <= sample_rate <= 96000:
        raise UsageError(f"the sample rate must be in 8000..96000 Hz, not {sample_rate}")
    timed = read_timed(mid)
    synth = FluidSynth(
        FluidSynthSettings(soundfont=soundfont, driver="none", sample_rate=sample_rate, gain=gain)
    )
    try:
        with tempfile.TemporaryFile() as raw:
            peak = 0.0
            for block in _sound(synth, timed, sample_rate):
                peak = max(peak, float(np.abs(block).max(initial=0.0)))
                raw.write(block.tobytes())
            frames = raw.tell() // 8
            raw.seek(0)
            _write(wav, raw, scale=min(1.0, PEAK / peak) if peak else 1.0, sample_rate=sample_rate)
    except OSError as reason:
        raise FailureError(f"'{wav}' cannot be written: {reason.strerror or reason}") from None
    finally:
        synth.close()
    return frames / sample_rate


def read_timed(mid: Path) -> list[tuple[float, bytes]]:
    """Return (seconds since the start, channel message) of a .mid file, in order.

    Raises:
        UsageError: it cannot be read, or lasts longer than four hours.

    """
    try:
        file = mido.MidiFile(mid, clip=True)
        if file.ticks_per_beat <= 0:
            raise ValueError(f"it counts time in {file.ticks_per_beat} ticks per beat")  # noqa: TRY301  named below
        seconds, timed = 0.0, list[tuple[float, bytes]]()
        for message in file:
            seconds += message.time
            if not message.is_meta and message.type != "sysex":
                timed.append((seconds, bytes(message.bytes())))
    except OSError as reason:
        raise FailureError(f"'{mid}' cannot be read: {reason.strerror or 'it is not a MIDI file'}") from None
    except Exception as reason:  # noqa: BLE001 - a stranger's file breaks mido in many ways
        raise FailureError(
            f"'{mid}' is not a MIDI file that can be read: {str(reason) or 'it ends too early'}"
        ) from None
    if seconds > LONGEST_S:
        raise UsageError(
            f"'{mid}' lasts {seconds / 3600:.1f} hours; at most {LONGEST_S / 3600:g} are rendered"
        )
    return timed


def _sound(synth: FluidSynth, timed: list[tuple[float, bytes]], sample_rate: int) -> Iterator[Audio]:
    """Yield blocks [frames, 2] from the first message to the end of the tail."""
    made = 0
    for seconds, data in timed:
        due = round(seconds * sample_rate)
        while made < due:
            count = min(BLOCK, due - made)
            made += count
            yield _block(synth, count)
        synth.send(data)
    for data in silence():
        if data[1] != 120:  # tails may ring
            synth.send(data)
    tail = 0
    while tail < LONGEST_TAIL_S * sample_rate:
        block = _block(synth, BLOCK)
        tail += BLOCK
        yield block
        if tail >= SHORTEST_TAIL_S * sample_rate and np.abs(block).max() < QUIET:
            return


def _block(synth: FluidSynth, frames: int) -> Audio:
    audio = np.zeros((frames, 2), np.float32)
    start = ctypes.c_void_p(audio.ctypes.data)
    synth.library.fluid_synth_write_float(ctypes.c_void_p(synth.handle), frames, start, 0, 2, start, 1, 2)
    return audio


def _write(path: Path, raw: IO[bytes], *, scale: float, sample_rate: int) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(sample_rate)
            while data := raw.read(BLOCK * 8 * 16):
                samples = np.frombuffer(data, np.float32) * (scale * 32767)
                out.writeframes(np.rint(samples).astype("<i2").tobytes())
        part.replace(path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
