"""MIDI ports by name: which systems and ports there are, and opening them."""

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import rtmidi

from live import errors
from live.devices.alsa import connections
from live.devices.jack.probe import Direction, JackProbe, jack_answers, one_at_a_time
from live.devices.names import hardware, keyboards, match, plain_name, unique
from live.devices.rtmidi_port import (
    Deliver,
    FrameTimes,
    InputPort,
    MidiInput,
    MidiOutput,
    OutputPort,
    calls_paused,
)
from live.devices.stderr import silence_jack, stderr_diverted
from model.errors import nearest

__all__ = [
    "APIS", "Deliver", "FrameTimes", "InputPort", "MidiInput", "MidiOutput", "OutputPort", "Probe", "answers",
    "compiled_apis", "connect", "frame_accurate", "hardware", "inputs", "keyboards", "match", "names",
    "open_input", "open_inputs", "open_lights", "open_output", "outputs", "plain_name", "resolve_api",
]  # fmt: skip

APIS: dict[str, int] = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
INPUT_CLIENT, INPUT_PORT = "twobar-in", "keys"
OUTPUT_CLIENT, OUTPUT_PORT = "twobar-out", "notes"
LIGHTS_CLIENT, LIGHTS_PORT = "twobar-lights", "lights"
PROBE_CLIENT = "twobar-probe"
QUEUE_SIZE = 8192
"""Of the messages that an input holds while ports are opened; what comes beyond is lost."""

ALSA_SEQUENCER = Path("/dev/snd/seq")

_GHOST_PATIENCE_S, _GHOST_PERIOD_S = 0.4, 0.02
_ATTEMPTS = 3


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


def frame_accurate(api: str) -> bool:
    """Tell whether ports of a resolved MIDI system keep to frames: on JACK, with the extra `jack`."""
    return api == "jack" and importlib.util.find_spec("jack") is not None


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
            jack = JackProbe(PROBE_CLIENT, shared=True)
            found = jack.ports(direction)
        except OSError as reason:
            raise errors.PortError(_cannot_open("jack", str(reason))) from None
        jack.close()
        return found
    probe = Probe(direction, api)
    try:
        return probe.names()
    finally:
        probe.close()


def connect(cables: Iterable[tuple[str, str]], *, api: str) -> None:
    """Connect ports of others and virtual ones, on JACK and ALSA; one that has gone is left out.

    Args:
        cables: names of what is heard and of what is played to.
        api: as `open_input`; on other systems nothing is done.
    """
    with contextlib.suppress(errors.TwobarError, OSError):
        resolved = resolve_api(api)
        probe = JackProbe(PROBE_CLIENT, shared=True) if resolved == "jack" else None
        for source, destination in cables:
            if probe is not None:
                probe.connect(source, destination)
            elif resolved == "alsa":
                with contextlib.suppress(OSError):
                    connections.connect(source, destination)
        if probe is not None:
            probe.close()


class Probe:
    """An unconnected client that sees the ports of one direction; raises PortError as open_input."""

    def __init__(self, direction: Direction, api: str) -> None:
        self._api = api
        self._midi = _client(direction, api, PROBE_CLIENT)

    def names(self) -> list[str]:
        """Return the names of the ports there are now."""
        try:
            return [
                name for name in _listed(self._midi, self._api) if name and not name.startswith(PROBE_CLIENT)
            ]
        except rtmidi.RtMidiError as reason:
            raise errors.PortError(f"the MIDI ports cannot be listed: {reason}") from None

    def close(self) -> None:
        """Release it."""
        self._midi.delete()


def _listed(midi: rtmidi.MidiIn | rtmidi.MidiOut, api: str) -> list[str]:
    """Return the name of each port by its index; "" for one that has gone while its name was read."""
    found = []
    for index in range(midi.get_port_count()):
        try:
            name = midi.get_port_name(index)
        except UnicodeDecodeError:  # not every driver's names are UTF-8
            name = midi.get_port_name(index, encoding=None).decode(errors="replace")
        except rtmidi.RtMidiError:
            name = ""
        found.append((name or "").removesuffix(f" {index}") if api == "winmm" else name or "")
    return unique(found)


def _client(direction: Direction, api: str, name: str) -> rtmidi.MidiIn | rtmidi.MidiOut:
    kind = rtmidi.MidiIn if direction == "in" else rtmidi.MidiOut
    more = {"queue_size_limit": QUEUE_SIZE} if direction == "in" else {}
    for attempt in range(_ATTEMPTS):
        with stderr_diverted() as chatter:
            try:
                return kind(APIS[api], name=name, **more)
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
        return errors.NO_JACK
    if api == "alsa" and not ALSA_SEQUENCER.exists():
        return (
            f"ALSA's sequencer ({ALSA_SEQUENCER}) is not there: sudo modprobe snd-seq, or choose --api jack"
        )
    detail = chatter[-1] if chatter else reason
    return f"the MIDI system '{api}' could not be opened: {detail.rstrip('.')}"


def open_input(
    name: str,
    *,
    api: str = "auto",
    deliver: Deliver,
    nanos: Callable[[], int] = time.monotonic_ns,
    taken: Collection[str] = (),
    beside: Callable[[], FrameTimes | None] = lambda: None,
) -> MidiInput:
    """Listen to a named port, or open the virtual port `twobar-in:keys` that others connect to.

    Args:
        name: "virtual", or a port's name, or a part of it.
        api: auto, alsa, jack, coremidi or winmm.
        deliver: gets each whole message on the driver's thread; must not block.
        nanos: host time.
        taken: names of ports that are not meant, for they are open already.
        beside: finds an output of ours on JACK, by whose frames MIDI clock is stamped, if there is one.

    Raises:
        UsageError: no such MIDI system, or no virtual ports on it.
        PortMissingError: no such port, or it could not be opened.
        PortError: the MIDI system does not answer.
    """
    resolved = resolve_api(api)
    if frame_accurate(resolved):
        from live.devices.jack.input import JackInput  # noqa: PLC0415  only where it is used: it takes its time

        peer = _jack_peer("in", name, taken)
        return JackInput(INPUT_CLIENT, INPUT_PORT, deliver, peer=peer, nanos=nanos, output=beside)
    midi, actual = _open("in", name, resolved, taken)
    return InputPort(midi, actual, deliver, nanos, api=resolved, virtual=name == "virtual")


def open_output(
    name: str, *, api: str = "auto", ahead: str = "auto", taken: Collection[str] = ()
) -> MidiOutput:
    """Play to a named port, or open the virtual port `twobar-out:notes`; errors as open_input.

    Args:
        name: "virtual", or a port's name, or a part of it.
        api: auto, alsa, jack, coremidi or winmm.
        ahead: where messages are given to the system ahead of their moment, if it can keep it: "auto" on JACK
            and on ALSA, "on" also on CoreMIDI, to ports of others, "off" nowhere.
        taken: names of ports that are not meant, for they are open already.
    """
    resolved = resolve_api(api)
    if ahead == "off":
        return _by_loop(name, resolved, taken)
    if frame_accurate(resolved):
        from live.devices.jack.output import JackOutput  # noqa: PLC0415  only where it is used: it takes its time

        return JackOutput(OUTPUT_CLIENT, OUTPUT_PORT, peer=_jack_peer("out", name, taken))
    if resolved == "alsa":
        with contextlib.suppress(OSError):
            return _on_queue(OUTPUT_CLIENT, OUTPUT_PORT, name, taken)
    if resolved == "coremidi" and ahead == "on" and name != "virtual":
        with contextlib.suppress(OSError):
            return _on_coremidi(name, taken)
    return _by_loop(name, resolved, taken)


def _by_loop(name: str, resolved: str, taken: Collection[str]) -> OutputPort:
    """Play to a port that sends what it is given at once."""
    midi, actual = _open("out", name, resolved, taken)
    jack = None
    if resolved == "jack":
        with contextlib.suppress(OSError):
            jack = JackProbe(PROBE_CLIENT)
    return OutputPort(midi, actual, api=resolved, virtual=name == "virtual", jack=jack)


def open_lights(name: str, *, api: str = "auto", ahead: str = "auto") -> MidiOutput:
    """Send to a named port beside the one that is played to, under another client's name on JACK and ALSA.

    Errors and arguments as open_output.
    """
    resolved = resolve_api(api)
    if resolved == "alsa" and ahead != "off":
        with contextlib.suppress(OSError):
            return _on_queue(LIGHTS_CLIENT, LIGHTS_PORT, name, ())
    if ahead == "off" or not frame_accurate(resolved):
        return open_output(name, api=resolved, ahead="off")
    from live.devices.jack.output import JackOutput  # noqa: PLC0415  only where it is used: it takes its time

    return JackOutput(LIGHTS_CLIENT, LIGHTS_PORT, peer=_jack_peer("out", name, ()))


def open_inputs(
    wanted: str,
    *,
    api: str = "auto",
    deliver: Deliver,
    nanos: Callable[[], int] = time.monotonic_ns,
    taken: Collection[str] = (),
    outputs: Collection[str] = (),
    beside: Callable[[], FrameTimes | None] = lambda: None,
) -> list[MidiInput]:
    """Open what `--in` asks for: "none", "virtual", a name, or "auto": every keyboard that is plugged in.

    "auto" with nothing plugged in is an empty list; `outputs` are the ports that are played to, see
    `names.keyboards`.  Raises as open_input.
    """
    if wanted == "none":
        return []
    if wanted != "auto":
        return [open_input(wanted, api=api, deliver=deliver, nanos=nanos, taken=taken, beside=beside)]
    resolved = resolve_api(api)
    opened: list[MidiInput] = []
    for name in keyboards(names("in", resolved), outputs):
        if name not in taken:
            with contextlib.suppress(errors.PortError):  # gone again, or another program holds it
                opened.append(open_input(name, api=resolved, deliver=deliver, nanos=nanos, beside=beside))
    return opened


def _on_queue(client: str, port: str, name: str, taken: Collection[str]) -> MidiOutput:
    """Play to a port on ALSA ahead of time; raises as open_input, and OSError where no queue can be had."""
    from live.devices.alsa.output import AlsaOutput  # noqa: PLC0415  Linux only
    from live.devices.alsa.sequencer import Sequencer  # noqa: PLC0415

    if name == "virtual":
        sequencer = Sequencer(client, port)
        return AlsaOutput(sequencer, "", own_name=f"{client}:{port} {sequencer.address}")
    found = names("out", "alsa")
    peer = found[_index("out", name, found, taken)]
    output = AlsaOutput(Sequencer(client, port), peer)
    if peer not in names("out", "alsa"):  # its numbers may be another's by now
        output.close(silently=True)
        raise errors.PortMissingError(_not_opened("out", name, "ports come and go"))
    return output


def _on_coremidi(name: str, taken: Collection[str]) -> MidiOutput:
    """Play to a port on CoreMIDI ahead of time; raises as open_input, and OSError where there is none."""
    from live.devices.coremidi import CoreMidi, CoreMidiOutput  # noqa: PLC0415  macOS only

    system, probe = CoreMidi(OUTPUT_CLIENT, OUTPUT_PORT), _client("out", "coremidi", PROBE_CLIENT)
    try:
        found = _listed(probe, "coremidi")
        index = _index("out", name, found, taken)
        output = CoreMidiOutput(system, index, found[index])
        if _listed(probe, "coremidi")[index : index + 1] != found[index : index + 1]:  # another's by now
            raise errors.PortMissingError(_not_opened("out", name, "ports come and go"))
    except errors.TwobarError:
        system.close()
        raise
    finally:
        probe.delete()
    return output


def _open(
    direction: Direction, name: str, api: str, taken: Collection[str]
) -> tuple[rtmidi.MidiIn | rtmidi.MidiOut, str]:
    client, port_name = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
    if name != "virtual":
        with _undisturbed():
            return _open_named(direction, name, api, taken)
    if api == "winmm" or sys.platform == "win32":
        raise errors.UsageError(
            "Windows has no virtual MIDI ports; make one with a loopback driver such as loopMIDI and name it"
        )
    full_name = f"{client}:{port_name}"
    before = _present(direction, full_name) if api == "jack" else frozenset(_numbered(direction, api))
    with _undisturbed():
        midi = _client(direction, api, client)
        try:
            midi.open_virtual_port(port_name)
        except (rtmidi.RtMidiError, NotImplementedError) as reason:
            midi.delete()
            raise errors.PortMissingError(_not_opened(direction, name, reason)) from None
    actual = full_name
    if api == "alsa":
        actual = next((port for port in _numbered(direction, api) if port not in before), actual)
    elif full_name in before:
        ours = [port for port in names(_other(direction), api) if port.startswith(client)]
        actual = next((port for port in ours if port not in before), actual)
    return midi, actual


def _numbered(direction: Direction, api: str) -> list[str]:
    """Return our virtual ports on ALSA, which tells them apart by the numbers in their names."""
    own = INPUT_CLIENT if direction == "in" else OUTPUT_CLIENT
    return [port for port in names(_other(direction), api) if port.startswith(own)] if api == "alsa" else []


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no port of ours call or be closed meanwhile; raises PortError where a JACK server stands still."""
    try:
        with calls_paused(), one_at_a_time():
            yield
    except OSError as reason:
        raise errors.PortError(_cannot_open("jack", str(reason))) from None


def _jack_peer(direction: Direction, name: str, taken: Collection[str]) -> str:
    """Return the port on JACK that a name means, "" for a virtual port once its name is free."""
    if name == "virtual":
        client, port = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
        _present(direction, f"{client}:{port}")
        return ""
    found = names(direction, "jack")
    return found[_index(direction, name, found, taken)]


def _present(direction: Direction, full_name: str) -> frozenset[str]:
    """Return the ports that exist, after giving one of our name a moment to go.

    A process that was killed leaves its port for as long as the server needs to notice; opened meanwhile,
    ours would get a number into its name, and every connection would be lost.
    """
    existing: list[str] = []
    with contextlib.suppress(OSError):
        probe = JackProbe(PROBE_CLIENT, shared=True)
        deadline = time.monotonic() + _GHOST_PATIENCE_S
        while full_name in (existing := probe.ports(_other(direction))) and time.monotonic() < deadline:
            time.sleep(_GHOST_PERIOD_S)
        probe.close()
    return frozenset(existing)


def _other(direction: Direction) -> Direction:
    """Return where our own virtual port stands in the eyes of others."""
    return "out" if direction == "in" else "in"


def _open_named(
    direction: Direction, name: str, api: str, taken: Collection[str]
) -> tuple[rtmidi.MidiIn | rtmidi.MidiOut, str]:
    client, port_name = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
    midi = _client(direction, api, client)
    try:
        for _ in range(_ATTEMPTS):
            found = _listed(midi, api)
            index = _index(direction, name, found, taken)
            midi.open_port(index, port_name)
            if _listed(midi, api)[index : index + 1] == found[index : index + 1]:
                return midi, found[index]
            midi.close_port()  # ports came or went meanwhile: that index was another's
    except (rtmidi.RtMidiError, NotImplementedError) as reason:
        midi.delete()
        raise errors.PortMissingError(_not_opened(direction, name, reason)) from None
    except errors.PortMissingError:
        midi.delete()
        raise
    midi.delete()
    raise errors.PortMissingError(_not_opened(direction, name, "ports come and go"))


def _index(direction: Direction, name: str, found: list[str], taken: Collection[str]) -> int:
    actual = match(name, found, taken)
    if actual is None:
        there = nearest(name, hardware(filter(None, found)))
        raise errors.PortMissingError(f"the MIDI {direction}put '{name}' is not there; {there}")
    return found.index(actual)


def _not_opened(direction: Direction, name: str, reason: object) -> str:
    return f"the MIDI {direction}put '{name}' could not be opened: {reason}"
