"""MIDI ports by name: which systems and ports there are, and opening them."""

import contextlib
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import rtmidi

from live import errors
from live.devices.jack import Direction, JackProbe, jack_answers
from live.devices.port import Deliver, InputPort, OutputPort, inputs_paused
from live.devices.stderr import silence_jack, stderr_diverted

__all__ = [
    "APIS", "Deliver", "InputPort", "OutputPort", "Probe", "answers", "compiled_apis",
    "hardware", "inputs", "match", "names", "open_input", "open_inputs", "open_output", "outputs",
    "plain_name", "resolve_api",
]  # fmt: skip

APIS: dict[str, int] = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
INPUT_CLIENT, INPUT_PORT = "twobar-in", "keys"
OUTPUT_CLIENT, OUTPUT_PORT = "twobar-out", "notes"
PROBE_CLIENT = "twobar-probe"
ALSA_SEQUENCER = Path("/dev/snd/seq")

_NOT_HARDWARE = (INPUT_CLIENT, OUTPUT_CLIENT, PROBE_CLIENT, "midi through", "midi-bridge:midi through")
_GHOST_PATIENCE_S, _GHOST_PERIOD_S = 0.4, 0.02
_ATTEMPTS = 3
_ALSA_NUMBERS = re.compile(r"\s+\d+:\d+$")


def compiled_apis() -> list[str]:
    """Return the names of the MIDI systems that python-rtmidi was built for here."""
    numbers = rtmidi.get_compiled_api()
    return [name for name, number in APIS.items() if number in numbers]


def resolve_api(api: str) -> str:
    """Return the MIDI system to use; "auto" is the first built-in one that answers.

    Raises:
        UsageError: an unknown name, or one that is not built in here.
        PortError: "auto", and no MIDI system answers.

    """
    compiled = compiled_apis()
    if api == "auto":
        answering = next((name for name in compiled if answers(name)), None)
        if answering is None:
            raise errors.PortError(_nothing_answers(compiled))
        return answering
    if api not in APIS:
        raise errors.unknown("MIDI system", api, ["auto", *APIS])
    if api not in compiled:
        raise errors.UsageError(
            f"the MIDI system '{api}' is not built into python-rtmidi here; there is: {', '.join(compiled)}"
        )
    return api


def answers(api: str) -> bool:
    """Tell whether a built-in MIDI system can be used now (quick; opens nothing that lasts)."""
    if api == "alsa":
        return ALSA_SEQUENCER.exists()
    if api == "jack":
        return jack_answers()
    return True


def _nothing_answers(compiled: list[str]) -> str:
    ways = {
        "alsa": f"ALSA's sequencer ({ALSA_SEQUENCER}) is not there: sudo modprobe snd-seq",
        "jack": "no JACK server runs: jackd -d alsa, or jackd -d dummy without a sound card",
    }
    reasons = "; ".join(ways[name] for name in compiled if name in ways)
    return f"no MIDI system answers{': ' + reasons if reasons else ''}"


def inputs(api: str = "auto") -> list[str]:
    """Return the names of the ports that can be listened to; errors as resolve_api, and PortError."""
    return names("in", resolve_api(api))


def outputs(api: str = "auto") -> list[str]:
    """Return the names of the ports that can be played to; errors as resolve_api, and PortError."""
    return names("out", resolve_api(api))


def names(direction: Direction, api: str) -> list[str]:
    """Return the names of the ports of one direction on a resolved MIDI system."""
    if api == "jack":
        try:
            jack = JackProbe(PROBE_CLIENT)
        except OSError as reason:
            raise errors.PortError(_cannot_open("jack", str(reason))) from None
        found = jack.ports(direction)
        jack.close()
        return found
    probe = Probe(direction, api)
    try:
        return probe.names()
    finally:
        probe.close()


class Probe:
    """An unconnected client that sees the ports of one direction; raises PortError as open_input."""

    def __init__(self, direction: Direction, api: str) -> None:
        """Open it on a resolved MIDI system other than JACK (there a JackProbe is cheaper)."""
        self._midi = _client(direction, api, PROBE_CLIENT)

    def names(self) -> list[str]:
        """Return the names of the ports there are now."""
        try:
            return [name for name in self._midi.get_ports() if not name.startswith(PROBE_CLIENT)]
        except rtmidi.RtMidiError as reason:
            raise errors.PortError(f"the MIDI ports cannot be listed: {reason}") from None

    def close(self) -> None:
        """Release it."""
        self._midi.delete()


def hardware(found: list[str]) -> list[str]:
    """Return the names that are neither this instrument's own ports nor ALSA's loopback."""
    return [name for name in found if not name.lower().startswith(_NOT_HARDWARE)]


def plain_name(name: str) -> str:
    """Return a port's name without the numbers that ALSA gives anew at every plugging in."""
    return _ALSA_NUMBERS.sub("", name)


def match(wanted: str, found: list[str]) -> str | None:
    """Return the port that a name means: exact, else without regard to case, else the first that holds it."""
    low = plain_name(wanted).lower()
    for test in (
        lambda name: name == wanted,
        lambda name: plain_name(name).lower() == low,
        lambda name: low in name.lower(),
    ):
        fitting = next((name for name in found if test(name)), None)
        if fitting is not None:
            return fitting
    return None


def _client(direction: Direction, api: str, name: str) -> rtmidi.MidiIn | rtmidi.MidiOut:
    kind = rtmidi.MidiIn if direction == "in" else rtmidi.MidiOut
    for attempt in range(_ATTEMPTS):
        with stderr_diverted() as chatter:
            try:
                return kind(APIS[api], name=name)
            except rtmidi.RtMidiError as error:
                reason = str(error)
            finally:
                if api == "jack":
                    silence_jack()
        if api != "jack" or attempt + 1 == _ATTEMPTS or not jack_answers():
            break  # a busy JACK server may refuse once; one that is missing is reported at once
    raise errors.PortError(_cannot_open(api, reason, chatter))


def _cannot_open(api: str, reason: str, chatter: list[str] | None = None) -> str:
    if api == "jack":
        return f"no JACK server answers ({reason.rstrip('.')}); start one, or choose another with --api"
    if api == "alsa" and not ALSA_SEQUENCER.exists():
        return (
            f"ALSA's sequencer ({ALSA_SEQUENCER}) is not there: sudo modprobe snd-seq, or choose --api jack"
        )
    detail = chatter[-1] if chatter else reason
    return f"the MIDI system '{api}' could not be opened: {detail.rstrip('.')}"


def open_input(
    name: str, *, api: str = "auto", deliver: Deliver, nanos: Callable[[], int] = time.monotonic_ns
) -> InputPort:
    """Listen to a named port, or open the virtual port `twobar-in:keys` that others connect to.

    Args:
        name: "virtual", or a port's name, or a part of it.
        api: auto, alsa, jack, coremidi or winmm.
        deliver: gets each whole message on the driver's thread; must not block.
        nanos: host time.

    Raises:
        UsageError: no such port, no such MIDI system, or no virtual ports on it.
        PortError: the MIDI system does not answer or refuses.

    """
    resolved = resolve_api(api)
    midi, actual = _open("in", name, resolved)
    return InputPort(midi, actual, deliver, nanos, api=resolved, virtual=name == "virtual")


def open_output(name: str, *, api: str = "auto") -> OutputPort:
    """Play to a named port, or open the virtual port `twobar-out:notes`; errors as open_input."""
    resolved = resolve_api(api)
    midi, actual = _open("out", name, resolved)
    return OutputPort(midi, actual, api=resolved, virtual=name == "virtual")


def open_inputs(
    wanted: str, *, api: str = "auto", deliver: Deliver, nanos: Callable[[], int] = time.monotonic_ns
) -> list[InputPort]:
    """Open what `--in` asks for: "none", "virtual", a name, or "auto": every keyboard that is plugged in.

    "auto" with nothing plugged in is an empty list.  Raises as open_input.
    """
    if wanted == "none":
        return []
    if wanted != "auto":
        return [open_input(wanted, api=api, deliver=deliver, nanos=nanos)]
    resolved = resolve_api(api)
    opened: list[InputPort] = []
    for name in hardware(names("in", resolved)):
        with contextlib.suppress(errors.PortError):  # another program holds it: the others are opened
            opened.append(open_input(name, api=resolved, deliver=deliver, nanos=nanos))
    return opened


def _open(direction: Direction, name: str, api: str) -> tuple[rtmidi.MidiIn | rtmidi.MidiOut, str]:
    client, port_name = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
    if name == "virtual" and (api == "winmm" or sys.platform == "win32"):
        raise errors.UsageError(
            "Windows has no virtual MIDI ports; make one with a loopback driver such as loopMIDI and name it"
        )
    full_name = f"{client}:{port_name}"
    taken = _taken(direction, full_name) if name == "virtual" and api == "jack" else frozenset()
    with inputs_paused():
        midi, actual = _open_client(direction, name, api, client, port_name)
    if full_name in taken:
        new = [
            port for port in names(_other(direction), api) if port.startswith(client) and port not in taken
        ]
        actual = new[0] if new else actual
    return midi, actual


def _taken(direction: Direction, full_name: str) -> frozenset[str]:
    """Return the ports that exist, after giving one of our name a moment to go.

    A process that was killed leaves its port for as long as the server needs to notice; opened meanwhile,
    ours would get a number into its name, and every connection would be lost.
    """
    try:
        probe = JackProbe(PROBE_CLIENT)
    except OSError:
        return frozenset()
    deadline = time.monotonic() + _GHOST_PATIENCE_S
    while full_name in (existing := probe.ports(_other(direction))) and time.monotonic() < deadline:
        time.sleep(_GHOST_PERIOD_S)
    probe.close()
    return frozenset(existing)


def _other(direction: Direction) -> Direction:
    """Return where our own virtual port stands in the eyes of others."""
    return "out" if direction == "in" else "in"


def _open_client(
    direction: Direction, name: str, api: str, client: str, port_name: str
) -> tuple[rtmidi.MidiIn | rtmidi.MidiOut, str]:
    midi = _client(direction, api, client)
    try:
        if name == "virtual":
            midi.open_virtual_port(port_name)
            return midi, f"{client}:{port_name}"
        found = midi.get_ports()
        actual = match(name, found)
        if actual is None:
            raise errors.unknown(f"MIDI {direction}put", name, hardware(found))
        midi.open_port(found.index(actual), port_name)
    except (rtmidi.RtMidiError, NotImplementedError) as reason:
        midi.delete()
        raise errors.PortError(f"the MIDI {direction}put '{name}' could not be opened: {reason}") from None
    except errors.UsageError:
        midi.delete()
        raise
    return midi, actual
