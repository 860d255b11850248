"""Whether this computer is fit for a stage: how it is set up, and how late and how slow it is just now.

`settings_of` reads what the system says of itself; `lateness` waits for ten seconds, `decoding` for
the models.  All return rows of the doctor's report.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from live.cli.diagnostics.check import Check
from live.devices.fluidsynth import PERIOD_FRAMES, PERIODS
from live.devices.jack.probe import JackProbe
from live.timing.clock import Clock
from live.timing.timeline import Nanos

SYSTEM, PROCESSES = Path("/sys"), Path("/proc")
UNFIT = "unfit"
LONGEST_BUFFER_MS = 12.0
LATE_MS, LATE_WORST_MS = 1.0, 5.0
SLOW_MS = 20.0
LISTEN_S, STEP_NANOS = 10.0, 5_000_000
DECODES, FIRST_DECODES = 40, 5
SAMPLE_RATE = 48_000

_AUDIO_CLASS = "01"  # of USB interfaces: sound and MIDI
_PHRASE = ((0, 60), (4, 64), (8, 67), (12, 72), (16, 67), (20, 64))  # step, pitch


def settings_of(*, system: Path = SYSTEM, processes: Path = PROCESSES) -> list[Check]:
    """Return what the system says of the processor's speed, of USB, of the buffer and of a card."""
    return [*_governor(system), *_usb(system), _buffer(), _card(processes)]


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _governor(system: Path) -> list[Check]:
    files = sorted(system.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
    found = sorted({_read(file) for file in files} - {""})
    if not found:
        return []  # the system does not let it be chosen, as in a virtual machine
    text = f"the processor's governor is {' and '.join(found)}"
    if found == ["performance"]:
        return [Check("governor", True, text)]
    slow = "; it slows down between notes, and they may be late"
    fix = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    return [Check("governor", False, text + slow, fix, otherwise=UNFIT)]


def _usb(system: Path) -> list[Check]:
    """Look for sound and MIDI devices that the system may put to sleep."""
    sleepy: dict[str, Path] = {}
    devices = 0
    for file in sorted(system.glob("bus/usb/devices/*/bInterfaceClass")):
        if _read(file) != _AUDIO_CLASS:
            continue
        device = system / "bus/usb/devices" / file.parent.name.partition(":")[0]
        if str(device) in sleepy:
            continue
        devices += 1
        if _read(device / "power" / "control") == "auto":
            sleepy[str(device)] = device
    if not devices:
        return []
    if not sleepy:
        return [Check("USB", True, "no keyboard or sound card is put to sleep")]
    names = [_read(device / "product") or device.name for device in sleepy.values()]
    fix = "; ".join(f"echo on | sudo tee {device / 'power' / 'control'}" for device in sleepy.values())
    text = f"{', '.join(names)}: the system may put it to sleep (USB autosuspend), and a first key gets lost"
    return [Check("USB", False, text, fix, otherwise=UNFIT)]


def _buffer() -> Check:
    """Look at how much sound is made at once."""
    frames, rate, where = PERIOD_FRAMES * PERIODS, SAMPLE_RATE, "FluidSynth"
    try:
        probe = JackProbe()
    except OSError:
        pass
    else:
        frames, rate, where = probe.period_frames, probe.sample_rate, "JACK"
        probe.close()
    return buffer_check(frames, rate, where)


def buffer_check(frames: int, rate: int, where: str) -> Check:
    """Return the row for a buffer of so many frames."""
    ms = frames / rate * 1000
    text = f"{where} makes {frames} frames at once, {ms:.1f} ms"
    if ms <= LONGEST_BUFFER_MS:
        return Check("audio buffer", True, text)
    text += "; your keys sound that much later"
    return Check("audio buffer", False, text, "jackd -d alsa -p 128", otherwise=UNFIT)


def _card(processes: Path) -> Check:
    cards = sorted((processes / "driver/nvidia/gpus").glob("*/information"))
    names = [
        line.partition(":")[2].strip()
        for card in cards
        for line in _read(card).splitlines()
        if line.startswith("Model")
    ]
    if names:
        return Check("graphics card", True, f"{', '.join(names)}; the shipped models do not need it")
    return Check("graphics card", True, "none was found; the shipped models need none")


# -- measured ------------------------------------------------------------------------------------------


def decoding(models: Iterable[str], *, decode_ms: Callable[[str], float] | None = None) -> list[Check]:
    """Return how long each model takes for two bars.

    Args:
        models: names.
        decode_ms: measures a model; a test's own.
    """
    how_long = decode_ms or decoding_ms
    return [_decoding(name, how_long(name)) for name in models]


def lateness(clock: Clock, seconds: float = LISTEN_S) -> Check:
    """Wait again and again for a few milliseconds, and see by how much the waking is late."""
    late: list[int] = []
    due = clock.now() + STEP_NANOS
    end = due + round(seconds * 1e9)
    while due < end:
        while clock.now() < due:
            clock.wait_until(Nanos(due))
        late.append(clock.now() - due)
        due = max(due, clock.now() - STEP_NANOS) + STEP_NANOS
    ranked = sorted(late)
    p99, worst = ranked[int(0.99 * len(ranked))] / 1e6, ranked[-1] / 1e6
    text = f"over {seconds:g} s it woke late by {p99:.2f} ms (99 of 100 times), at worst by {worst:.1f} ms"
    if p99 <= LATE_MS and worst <= LATE_WORST_MS:
        return Check("lateness", True, text)
    text += ": close other programs, and see to the rows above"
    return Check("lateness", False, text, otherwise=UNFIT)


def _decoding(name: str, ms: float) -> Check:
    text = f"{name} takes {ms:.1f} ms for two bars"
    if ms <= SLOW_MS:
        return Check("model", True, text)
    return Check("model", False, f"{text}: answers may miss their bar at a quick tempo", otherwise=UNFIT)


def decoding_ms(name: str) -> float:
    """Return how long a model takes for two bars, or to go on from them: the median, in milliseconds."""
    from model.music.phrase import Note, Phrase  # noqa: PLC0415  only here: keys sound before a model is loaded
    from model.playing.load import load  # noqa: PLC0415  as above

    player = load(name)
    grid = player.card.grid
    phrase = Phrase.of(grid, [Note(step, pitch, 90, 2) for step, pitch in _PHRASE if step < grid.steps])
    taken: list[float] = []
    for _ in range(FIRST_DECODES + DECODES):
        start = time.perf_counter_ns()
        if player.card.latent_size:
            player.decode(player.encode(phrase), turns={})
        else:
            player.continuation(phrase)
        taken.append((time.perf_counter_ns() - start) / 1e6)
    return sorted(taken[FIRST_DECODES:])[DECODES // 2]
