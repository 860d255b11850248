"""What the instrument finds on this machine, what is missing, and the command that gets it.

`look` asks the machine, `judge` turns what it found into rows; only the first touches anything.
"""

import importlib.metadata
import locale
import os
import shutil
import sys
from dataclasses import dataclass

from live.cli.diagnostics.check import Check
from live.cli.diagnostics.machine import decoding, lateness, settings_of
from live.devices import systems
from live.devices.alsa.sequencer import no_queue
from live.devices.fluidsynth import FluidSynth, library_version
from live.devices.jack.probe import Direction, jack_answers
from live.devices.names import hardware, keyboards
from live.errors import TwobarError
from live.timing.clock import FIFO_PRIORITY, MonotonicClock, lower_priority, raise_priority
from model.errors import SoundError
from model.midi.synth import default_soundfont, load_library
from model.shipped import shipped_models

SMALLEST_COLUMNS, SMALLEST_LINES = 80, 24
_REALTIME_FIX = (
    "echo '@audio - rtprio 95' | sudo tee /etc/security/limits.d/95-audio.conf"
    " && sudo usermod -aG audio $USER, then log in again"
)
_PACKAGES = {
    "fluidsynth": {
        "apt-get": "libfluidsynth3",
        "dnf": "fluidsynth-libs",
        "pacman": "fluidsynth",
        "zypper": "libfluidsynth3",
        "brew": "fluid-synth",
    },
    "jack": {
        "apt-get": "jackd2",
        "dnf": "jack-audio-connection-kit",
        "pacman": "jack2",
        "zypper": "jack",
        "brew": "jack",
    },
}
_INSTALLERS = {
    "apt-get": "sudo apt-get install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
    "brew": "brew install",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found on the machine.

    Attributes:
        platform: as `sys.platform`.
        installer: the package manager's command, "" unknown.
        apis: MIDI systems that python-rtmidi was built for.
        answering: those that answer.
        inputs, outputs: port names, this instrument's own left out.
        queue_fault: why outputs on ALSA are not on a queue of the sequencer's, "" where they are.
        jack_installed, jack_running: the JACK server.
        jack_client: JACK-Client's version, "" when it is not installed.
        fluidsynth: libfluidsynth's version, "" when it cannot be loaded.
        audio: the audio driver that FluidSynth could open, "" none.
        audio_reason: why none.
        soundfont: path, "" none.
        realtime: whether real-time priority is granted.
        models: names of the shipped models.
        onnxruntime, torch: versions, "" when they are not installed.
        columns, lines: the terminal's size; 0 when output is no terminal.
        colours: whether the terminal shows many colours.
        encoding: of the terminal.
    """

    platform: str = "linux"
    installer: str = "apt-get"
    apis: tuple[str, ...] = ()
    answering: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    queue_fault: str = ""
    jack_installed: bool = False
    jack_running: bool = False
    jack_client: str = ""
    fluidsynth: str = ""
    audio: str = ""
    audio_reason: str = ""
    soundfont: str = ""
    realtime: bool = False
    models: tuple[str, ...] = ()
    onnxruntime: str = ""
    torch: str = ""
    columns: int = 0
    lines: int = 0
    colours: bool = False
    encoding: str = "utf-8"


def examine(*, measure: bool = False) -> list[Check]:
    """Look at this machine and judge it; takes a fraction of a second, or with `measure` ten and more."""
    found = look()
    rows = [*judge(found), *settings_of()]
    if not measure:
        return rows
    raise_priority()  # as the engine does
    late = lateness(MonotonicClock())
    lower_priority()
    return [*rows, late, *decoding(found.models)]


def judge(found: Findings) -> list[Check]:
    """Return the rows for what was found."""
    return [
        _midi(found),
        *_keyboards(found),
        *_alsa(found),
        *_jack(found),
        _fluidsynth(found),
        _soundfont(found),
        _audio(found),
        _priority(found),
        _models(found),
        _runtime(found),
        *_terminal(found),
    ]


def _install(found: Findings, part: str) -> str:
    package = _PACKAGES[part].get(found.installer, "")
    return f"{_INSTALLERS[found.installer]} {package}" if package else ""


def _midi(found: Findings) -> Check:
    if found.answering:
        return Check("MIDI", True, f"{' and '.join(found.answering)} can be used")
    fix = "sudo modprobe snd-seq" if "alsa" in found.apis else ""
    return Check("MIDI", False, f"no MIDI system answers (looked for {', '.join(found.apis) or 'none'})", fix)


def _keyboards(found: Findings) -> list[Check]:
    if not found.answering:
        return []
    rows = [Check("keyboard", False, "none is plugged in; `twobar jam --demo` plays without one")]
    if found.inputs:
        rows = [Check("keyboard", True, ", ".join(found.inputs))]
    if found.outputs:
        rows.append(Check("MIDI out", True, ", ".join(found.outputs)))
    return rows


def _alsa(found: Findings) -> list[Check]:
    if "alsa" not in found.answering:
        return []
    if not found.queue_fault:
        return [Check("ALSA", True, "every message leaves from the sequencer's queue at its moment")]
    text = f"messages leave when they are due, not from the sequencer's queue: {found.queue_fault}"
    return [Check("ALSA", True, text, "sudo modprobe snd-hrtimer" if "timer" in found.queue_fault else "")]


def _jack(found: Findings) -> list[Check]:
    if "jack" not in found.apis:
        return []
    if found.jack_running and found.jack_client:
        return [Check("JACK", True, "a server is running; every message leaves on its frame")]
    if found.jack_running:
        text = "a server is running; with the extra `jack` every message leaves on its frame"
        return [Check("JACK", True, text, "pip install JACK-Client")]
    if found.jack_installed:
        return [
            Check("JACK", False, "installed, but no server runs; only needed for --api jack", "jackd -d alsa")
        ]
    return [Check("JACK", False, "not installed; only needed for --api jack", _install(found, "jack"))]


def _fluidsynth(found: Findings) -> Check:
    if found.fluidsynth:
        return Check("FluidSynth", True, f"libfluidsynth {found.fluidsynth}")
    text = "libfluidsynth is missing: nothing sounds here, but MIDI out works"
    return Check("FluidSynth", False, text, _install(found, "fluidsynth"))


def _soundfont(found: Findings) -> Check:
    if found.soundfont:
        return Check("soundfont", True, found.soundfont)
    return Check("soundfont", False, "the default one is missing", "pip install pretty_midi")


def _audio(found: Findings) -> Check:
    if found.audio:
        return Check("sound", True, f"through {found.audio}")
    if not found.fluidsynth:
        return Check("sound", False, "not tried without FluidSynth")
    return Check("sound", False, found.audio_reason or "no audio device answers")


def _priority(found: Findings) -> Check:
    if found.realtime:
        return Check("priority", True, "real-time priority is granted")
    if found.platform != "linux":
        return Check(
            "priority", False, "real-time priority is used on Linux only; notes may be a little later"
        )
    text = "real-time priority is not granted; notes may be late when the machine is busy"
    return Check("priority", False, text, _REALTIME_FIX)


def _models(found: Findings) -> Check:
    if found.models:
        return Check("models", True, ", ".join(found.models), needed=True)
    return Check(
        "models", False, "none is installed: nothing answers", "pip install --force-reinstall .", True
    )


def _runtime(found: Findings) -> Check:
    runtimes = [("ONNX Runtime", found.onnxruntime), ("torch", found.torch)]
    installed = [f"{name} {version}" for name, version in runtimes if version]
    if found.onnxruntime:
        return Check("runtime", True, " and ".join(installed), needed=True)
    fix = "pip install onnxruntime"
    if found.torch:
        return Check("runtime", True, f"{installed[0]}; with ONNX Runtime the model answers sooner", fix)
    return Check("runtime", False, "neither ONNX Runtime nor torch is installed: nothing answers", fix, True)


def _terminal(found: Findings) -> list[Check]:
    if not found.columns:
        return [
            Check("terminal", False, "output is no terminal: no dashboard, `twobar jam --headless` works")
        ]
    size = f"{found.columns} x {found.lines}"
    rows = [Check("terminal", True, size)]
    if found.columns < SMALLEST_COLUMNS or found.lines < SMALLEST_LINES:
        wanted = f"{SMALLEST_COLUMNS} x {SMALLEST_LINES}"
        rows = [Check("terminal", False, f"{size} is small; the dashboard wants {wanted}")]
    if not found.colours:
        rows.append(Check("colours", False, "the terminal shows few", "export TERM=xterm-256color"))
    if found.encoding.lower().replace("-", "") != "utf8":
        rows.append(Check("characters", False, f"{found.encoding}, not UTF-8", "export LC_ALL=C.UTF-8"))
    return rows


# -- the machine ---------------------------------------------------------------------------------------


def look() -> Findings:
    """Ask the machine; nothing stays open, nothing is changed."""
    apis = tuple(systems.compiled_apis())
    answering = tuple(api for api in apis if systems.answers(api))
    fluidsynth, audio, reason = _look_at_sound()
    size = shutil.get_terminal_size((0, 0)) if sys.stdout.isatty() else os.terminal_size((0, 0))
    return Findings(
        platform=sys.platform,
        installer=next((name for name in _INSTALLERS if shutil.which(name)), ""),
        apis=apis,
        answering=answering,
        inputs=_names("in", answering),
        outputs=_names("out", answering),
        queue_fault=no_queue() if "alsa" in answering else "",
        jack_installed=shutil.which("jackd") is not None,
        jack_running=jack_answers(),
        jack_client=_version("JACK-Client"),
        fluidsynth=fluidsynth,
        audio=audio,
        audio_reason=reason,
        soundfont=_soundfont_path(),
        realtime=_realtime_granted(),
        models=tuple(shipped_models()),
        onnxruntime=_version("onnxruntime"),
        torch=_version("torch"),
        columns=size.columns,
        lines=size.lines,
        colours=_many_colours(os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")),
        encoding=locale.getencoding(),
    )


def _names(direction: Direction, apis: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for api in apis:
        try:
            present = systems.names(direction, api)
            found += keyboards(present) if direction == "in" else hardware(present)
        except TwobarError:
            continue
    return tuple(dict.fromkeys(found))


def _look_at_sound() -> tuple[str, str, str]:
    """Return libfluidsynth's version, the audio driver that opens, and why none does."""
    try:
        version = library_version(load_library())
    except SoundError as reason:
        return "", "", str(reason)
    try:
        synth = FluidSynth()
    except TwobarError as reason:
        return version, "", str(reason)
    synth.close()
    return version, synth.driver, ""


def _soundfont_path() -> str:
    try:
        return str(default_soundfont())
    except SoundError:
        return ""


def _realtime_granted() -> bool:
    """Try it in this process and give it back."""
    if sys.platform != "linux":
        return False
    policy, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        os.sched_setscheduler(0, policy, parameter)
    except OSError:
        return False
    return True


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _many_colours(term: str, colorterm: str) -> bool:
    return bool(colorterm) or "256color" in term or term in ("xterm-kitty", "alacritty", "foot")
