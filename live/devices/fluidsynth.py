"""FluidSynth as a sink: raw MIDI in, sound out of the machine's audio driver.

The library is loaded when a synth is opened, never before: without it the instrument still plays
MIDI out.
"""

import contextlib
import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from live.devices.jack.probe import JackProbe, one_at_a_time
from live.devices.stderr import silence_jack, stderr_diverted
from live.devices.synth_queue import SynthQueue
from live.errors import PortError, SynthError, unknown
from live.settings.schema import SynthSettings
from live.timing.timeline import Nanos
from model.errors import SoundError
from model.files import as_path
from model.midi.synth import SOUNDFONT_NAME, check_soundfont, default_soundfont, load_library, send

DRIVERS = (
    "auto",
    "none",
    "jack",
    "alsa",
    "pulseaudio",
    "pipewire",
    "sdl2",
    "oss",
    "coreaudio",
    "dsound",
    "wasapi",
    "file",
)
CHANNELS = 16
SAMPLE_RATE = 48000.0  # where JACK has none of its own
JACK_NAME = "fluidsynth"
PERIOD_FRAMES, PERIODS = 128, 3  # that the driver queues: the latency, where JACK does not set its own

_CLOSE_PATIENCE_S = 1.5
_DRUM_CHANNEL, _DRUM_BANK = 1, 128  # FluidSynth's names for a type of channel, and where its kits are
_FAULT = "fluidsynth: error"
_LOG_LEVELS = 5  # panic, error, warning, info, debug


def check_driver(driver: str) -> None:
    """Raise UsageError when no audio driver has that name."""
    if driver not in DRIVERS:
        raise unknown("audio driver", driver, DRIVERS)


def drivers_to_try(driver: str) -> list[str]:
    """Return the audio drivers to try, best first; raises as check_driver."""
    check_driver(driver)
    if driver != "auto":
        return [driver]
    if sys.platform == "darwin":
        return ["coreaudio"]
    if sys.platform == "win32":
        return ["wasapi", "dsound"]
    return ["jack", "pipewire", "pulseaudio", "alsa"]  # without its server each says no in milliseconds


class FluidSynth:
    """A running synthesizer; a `live.timing.midi_bytes.TimedSink`.

    Attributes:
        lead_nanos: so long before it is due a message must be given.
        name: for the dashboard.
        driver: the audio driver in use, "none" without one.
        soundfont: the file in use.
        version: of libfluidsynth.

    Threads: any.  Realtime: yes, a few us per message; rendering is on the driver's own thread.
    """

    def __init__(self, settings: SynthSettings | None = None) -> None:
        """Open FluidSynth, its soundfont and its audio driver.

        Raises:
            SynthError: the library, the soundfont or the audio device is missing or broken.
            UsageError: an unknown driver.
        """
        chosen = settings or SynthSettings()
        self._abandoned, self._rate = False, SAMPLE_RATE
        self._synth: int | None = None
        self._driver: int | None = None
        self._queue: SynthQueue | None = None
        drivers = drivers_to_try(chosen.driver)
        try:
            named = chosen.soundfont
            self.soundfont = as_path(named).expanduser() if named else default_soundfont()
            check_soundfont(self.soundfont)
            self._api = api = load_library()
        except SoundError as error:
            raise SynthError(str(error)) from None
        library: ctypes.CDLL = api._fl  # noqa: SLF001 - pyfluidsynth leaves some calls unwrapped
        self._library = library
        self.version = library_version(api)
        with self._chatter() as chatter:
            self._settings = api.new_fluid_settings()
            self._configure(chosen)
            self._synth = api.new_fluid_synth(self._settings)
            loaded = self._synth and api.fluid_synth_sfload(self._synth, os.fsencode(self.soundfont), 1) >= 0
        self.driver = self._start(drivers, chatter) if loaded else ""
        if not loaded:
            self.close()
            raise SynthError(f"the soundfont '{self.soundfont}' is broken: {_reason(chatter)}")
        if not self.driver:
            self.close()
            raise SynthError(
                "no audio device answers: plug one in, start JACK (jackd -d alsa), or play to MIDI out with"
                f" --out (tried {', '.join(drivers)}: {_reason(chatter)})"
            )
        self.name = f"fluidsynth ({self.driver})"
        rate, period_nanos = self._timing()
        self._queue = SynthQueue(api, self.handle, rate=rate, period_nanos=period_nanos)
        self.lead_nanos = self._queue.lead_nanos

    def _timing(self) -> tuple[float, int]:
        """Return how many samples a second there are, and how long the period is that is rendered at once."""
        frames = PERIOD_FRAMES * PERIODS
        if self.driver == "jack":
            with contextlib.suppress(OSError):
                probe = JackProbe("twobar-synth-probe")
                self._rate, frames = probe.sample_rate, probe.period_frames
                probe.close()
        return self._rate, round(frames / self._rate * 1e9)

    def _configure(self, chosen: SynthSettings) -> None:
        self._set("synth.gain", chosen.gain)
        self._set("synth.sample-rate", SAMPLE_RATE)
        self._set("synth.midi-channels", CHANNELS)
        self._set("synth.cpu-cores", 1)  # the deadline thread needs the other one
        self._set("synth.reverb.active", int(chosen.reverb > 0))
        self._set("synth.reverb.level", chosen.reverb)
        self._set("synth.chorus.active", int(chosen.chorus > 0))
        self._set("synth.chorus.level", chosen.chorus * 10)  # FluidSynth's own scale ends at 10
        self._set("audio.period-size", PERIOD_FRAMES)
        self._set("audio.periods", PERIODS)
        self._set("audio.jack.id", JACK_NAME)
        self._set("audio.jack.autoconnect", 1)
        os.environ["JACK_NO_START_SERVER"] = "1"  # a server is the performer's to start

    def _set(self, key: str, value: float | str) -> None:
        api, name = self._api, key.encode()
        if isinstance(value, str):
            api.fluid_settings_setstr(self._settings, name, value.encode())
        elif isinstance(value, int):
            api.fluid_settings_setint(self._settings, name, value)
        else:
            api.fluid_settings_setnum(self._settings, name, value)

    def _start(self, drivers: list[str], chatter: list[str]) -> str:
        """Open the first driver that answers; returns its name, "" for none."""
        for driver in drivers:
            if driver == "none":
                return driver
            self._set("audio.driver", driver)
            try:
                with _by_itself(driver), self._chatter() as said:
                    self._driver = self._api.new_fluid_audio_driver(self._settings, self._synth)
                    if driver == "jack":
                        silence_jack()
            except OSError as reason:
                chatter.append(f"{_FAULT}: {reason}")
                continue
            chatter += said
            if self._driver:
                return driver
        return ""

    @contextlib.contextmanager
    def _chatter(self) -> Iterator[list[str]]:
        """Catch what FluidSynth says meanwhile; a full-screen terminal has no place for it."""
        with stderr_diverted() as chatter:
            self._log_to(self._library.fluid_default_log_function)
            try:
                yield chatter
            finally:
                self._log_to(None)

    def _log_to(self, function: Any) -> None:  # noqa: ANN401 - a pointer to C code; None is nowhere
        for level in range(_LOG_LEVELS):
            self._library.fluid_set_log_function(level, function, None)

    def send(self, data: bytes) -> None:
        """Play one whole message now; what FluidSynth has no use for (clock, sysex) is left out.

        Raises:
            PortError: it is closed.
        """
        if self._synth is None or self._queue is None:
            raise PortError("FluidSynth is closed")
        self._queue.take_back(data, time.monotonic_ns())
        send(self._api, self._synth, data)

    def send_at(self, data: bytes, due: Nanos) -> None:
        """Play one whole message at a moment; raises as `send`."""
        if self._synth is None or self._queue is None:
            raise PortError("FluidSynth is closed")
        self._queue.send_at(data, due, time.monotonic_ns())

    def observe(self, now: Nanos) -> None:
        """See how far it has rendered; costs a microsecond or two."""
        if self._synth is not None and self._queue is not None:
            self._queue.observe(now)

    def play_drums(self, channel: int) -> None:
        """Let a channel, 1..16, choose among the soundfont's drum kits, as channel 10 always does."""
        if self._synth is not None:
            function = self._library.fluid_synth_set_channel_type
            function.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
            function(self._synth, channel - 1, _DRUM_CHANNEL)
            self._api.fluid_synth_bank_select(self._synth, channel - 1, _DRUM_BANK)
            self._api.fluid_synth_program_change(self._synth, channel - 1, 0)

    def restart_audio(self) -> None:
        """Open the audio driver anew after its server or card came back; sounds, programs and font stay.

        A JACK client whose server has died is let go of: to close it when another server runs under the
        same name crashes in libjack (measured), once a second client of ours has met that server.

        Raises:
            SynthError: it does not answer; the synth stays as it is and can be restarted later.
        """
        if self._synth is None or self.driver == "none":
            return
        old, self._driver = self._driver, None
        with self._chatter() as chatter:
            if old and self.driver != "jack":
                self._api.delete_fluid_audio_driver(old)
        self._abandoned = self._abandoned or bool(old and self.driver == "jack")
        if not self._start([self.driver], chatter):
            raise SynthError(f"the audio driver {self.driver} does not answer: {_reason(chatter)}")
        if self._queue is not None:
            self._queue.timed(self._timing()[1])
            self.lead_nanos = self._queue.lead_nanos

    def all_off(self) -> None:
        """End every sound at once."""
        if self._synth is not None:
            if self._queue is not None:
                self._queue.clear()
            for channel in range(CHANNELS):
                self._api.fluid_synth_cc(self._synth, channel, 64, 0)
            self._api.fluid_synth_all_sounds_off(self._synth, -1)

    @property
    def handle(self) -> int:
        """FluidSynth's own pointer."""
        if self._synth is None:
            raise SynthError("FluidSynth is closed")
        return self._synth

    def close(self) -> None:
        """Silence and release; safe to call twice."""
        self.all_off()
        driver, self._driver = self._driver, None
        synth, self._synth = self._synth, None
        if synth is None:
            return

        def closing() -> None:
            try:
                with _by_itself(self.driver):
                    if driver:
                        self._api.delete_fluid_audio_driver(driver)
            except OSError:
                return  # its server stands still, and what it calls must stay
            if self._abandoned:
                return  # what was let go of may still refer to it
            if self._queue is not None:
                self._queue.close()
            self._api.delete_fluid_synth(synth)
            self._api.delete_fluid_settings(self._settings)

        thread = threading.Thread(target=closing, name="close-synth", daemon=True)
        thread.start()
        thread.join(_CLOSE_PATIENCE_S)  # a dead sound server must not keep anyone waiting


def _by_itself(driver: str) -> AbstractContextManager[None]:
    """Let no other thread open or close a client of JACK meanwhile; raises OSError when that stands still.

    Always taken before standard error is diverted, as ports on JACK do.
    """
    return one_at_a_time() if driver == "jack" else contextlib.nullcontext()


def open_synth(settings: SynthSettings | None = None) -> tuple[FluidSynth, list[str]]:
    """Open FluidSynth; a wrong soundfont is a sentence in the list, and the default one plays instead.

    Raises:
        SynthError: the library, the default soundfont or the audio device is missing.
        UsageError: an unknown driver.
    """
    chosen = settings or SynthSettings()
    try:
        return FluidSynth(chosen), []
    except SynthError as reason:
        if not chosen.soundfont:
            raise
        synth = FluidSynth(
            msgspec.structs.replace(chosen, soundfont="")
        )  # raises if it was not the soundfont
        return synth, [f"{reason}; {SOUNDFONT_NAME} plays instead"]


def library_version(api: Any) -> str:  # noqa: ANN401 - pyfluidsynth has no types
    """Return libfluidsynth's version, as "2.3.1"."""
    numbers = [ctypes.c_int() for _ in range(3)]
    with contextlib.suppress(ctypes.ArgumentError, TypeError):
        api.fluid_version(*numbers)
    return ".".join(str(number.value) for number in numbers)


def _reason(chatter: list[str]) -> str:
    """Return the line of FluidSynth's log that says most."""
    errors = [line.removeprefix(f"{_FAULT}: ") for line in chatter if line.startswith(_FAULT)]
    return (errors[-1] if errors else "no reason given").rstrip(".")
