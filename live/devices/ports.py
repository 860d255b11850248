"""MIDI ports by name: opening them."""

import contextlib
import sys
import time
from collections.abc import Callable, Collection, Iterator

import rtmidi

from live import errors
from live.devices import systems
from live.devices.jack.probe import Direction, JackProbe, one_at_a_time
from live.devices.names import hardware, keyboards, match
from live.devices.rtmidi_port import (
    Deliver,
    FrameTimes,
    InputPort,
    MidiInput,
    MidiOutput,
    OutputPort,
    calls_paused,
)
from model.errors import nearest

INPUT_CLIENT, INPUT_PORT = "twobar-in", "keys"
OUTPUT_CLIENT, OUTPUT_PORT = "twobar-out", "notes"
LIGHTS_CLIENT, LIGHTS_PORT = "twobar-lights", "lights"

_GHOST_PATIENCE_S, _GHOST_PERIOD_S = 0.4, 0.02


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
    resolved = systems.resolve_api(api)
    if systems.frame_accurate(resolved):
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
    resolved = systems.resolve_api(api)
    if ahead == "off":
        return _by_loop(name, resolved, taken)
    if systems.frame_accurate(resolved):
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
            jack = JackProbe(systems.PROBE_CLIENT)
    return OutputPort(midi, actual, api=resolved, virtual=name == "virtual", jack=jack)


def open_lights(name: str, *, api: str = "auto", ahead: str = "auto") -> MidiOutput:
    """Send to a named port beside the one that is played to, under another client's name on JACK and ALSA.

    Errors and arguments as open_output.
    """
    resolved = systems.resolve_api(api)
    if resolved == "alsa" and ahead != "off":
        with contextlib.suppress(OSError):
            return _on_queue(LIGHTS_CLIENT, LIGHTS_PORT, name, ())
    if ahead == "off" or not systems.frame_accurate(resolved):
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
    resolved = systems.resolve_api(api)
    opened: list[MidiInput] = []
    for name in keyboards(systems.names("in", resolved), outputs):
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
    found = systems.names("out", "alsa")
    peer = found[_index("out", name, found, taken)]
    output = AlsaOutput(Sequencer(client, port), peer)
    if peer not in systems.names("out", "alsa"):  # its numbers may be another's by now
        output.close(silently=True)
        raise errors.PortMissingError(_not_opened("out", name, "ports come and go"))
    return output


def _on_coremidi(name: str, taken: Collection[str]) -> MidiOutput:
    """Play to a port on CoreMIDI ahead of time; raises as open_input, and OSError where there is none."""
    from live.devices.coremidi import CoreMidi, CoreMidiOutput  # noqa: PLC0415  macOS only

    system = CoreMidi(OUTPUT_CLIENT, OUTPUT_PORT)
    probe = systems.client("out", "coremidi", systems.PROBE_CLIENT)
    try:
        found = systems.listed(probe, "coremidi")
        index = _index("out", name, found, taken)
        output = CoreMidiOutput(system, index, found[index])
        present = systems.listed(probe, "coremidi")
        if present[index : index + 1] != found[index : index + 1]:  # another's by now
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
        midi = systems.client(direction, api, client)
        try:
            midi.open_virtual_port(port_name)
        except (rtmidi.RtMidiError, NotImplementedError) as reason:
            midi.delete()
            raise errors.PortMissingError(_not_opened(direction, name, reason)) from None
    actual = full_name
    if api == "alsa":
        actual = next((port for port in _numbered(direction, api) if port not in before), actual)
    elif full_name in before:
        ours = [port for port in systems.names(_other(direction), api) if port.startswith(client)]
        actual = next((port for port in ours if port not in before), actual)
    return midi, actual


def _numbered(direction: Direction, api: str) -> list[str]:
    """Return our virtual ports on ALSA, which tells them apart by the numbers in their names."""
    if api != "alsa":
        return []
    client = INPUT_CLIENT if direction == "in" else OUTPUT_CLIENT
    return [port for port in systems.names(_other(direction), api) if port.startswith(client)]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no port of ours call or be closed meanwhile; raises PortError where a JACK server stands still."""
    try:
        with calls_paused(), one_at_a_time():
            yield
    except OSError as reason:
        raise errors.PortError(systems.cannot_open("jack", str(reason))) from None


def _jack_peer(direction: Direction, name: str, taken: Collection[str]) -> str:
    """Return the port on JACK that a name means, "" for a virtual port once its name is free."""
    if name == "virtual":
        client, port = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
        _present(direction, f"{client}:{port}")
        return ""
    found = systems.names(direction, "jack")
    return found[_index(direction, name, found, taken)]


def _present(direction: Direction, full_name: str) -> frozenset[str]:
    """Return the ports that exist, after giving one of our name a moment to go.

    A process that was killed leaves its port for as long as the server needs to notice; opened meanwhile,
    ours would get a number into its name, and every connection would be lost.
    """
    existing: list[str] = []
    with contextlib.suppress(OSError):
        probe = JackProbe(systems.PROBE_CLIENT, shared=True)
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
    midi = systems.client(direction, api, client)
    try:
        for _ in range(systems.ATTEMPTS):
            found = systems.listed(midi, api)
            index = _index(direction, name, found, taken)
            midi.open_port(index, port_name)
            if systems.listed(midi, api)[index : index + 1] == found[index : index + 1]:
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
        hint = nearest(name, hardware(filter(None, found)))
        raise errors.PortMissingError(f"the MIDI {direction}put '{name}' is not there; {hint}")
    return found.index(actual)


def _not_opened(direction: Direction, name: str, reason: object) -> str:
    return f"the MIDI {direction}put '{name}' could not be opened: {reason}"
