"""MIDI ports on python-rtmidi: which there are, opening them, whole stamped messages in, bytes out.

Open outputs before inputs: python-rtmidi holds the interpreter while it opens a port, and an input that
delivers meanwhile has to wait for it.
"""

import contextlib
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import rtmidi

from live import errors, events
from live.events import Received
from live.jack_probe import JackProbe, jack_answers
from live.midi_parser import MessageParser
from live.quiet import silence_jack, stderr_kept
from live.timeline import Nanos

Api = Literal["alsa", "jack", "coremidi", "winmm"]
Direction = Literal["in", "out"]
Deliver = Callable[[Received], object]

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
_ALSA_NUMBERS = re.compile(r"\s+\d+:\d+$")
_CLOSE_PATIENCE_S = 1.5
_IN_FLIGHT_S = 0.005


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
    """Tell whether a built-in MIDI system is there to be used (quick; opens nothing that lasts)."""
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
            probe = JackProbe(PROBE_CLIENT)
        except OSError as reason:
            raise errors.PortError(_cannot_open("jack", str(reason))) from None
        found = probe.ports(direction)
        probe.close()
        return found
    midi = _client(direction, api, PROBE_CLIENT)
    try:
        return [name for name in midi.get_ports() if not name.startswith(PROBE_CLIENT)]
    finally:
        midi.delete()


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
    reason = ""
    with stderr_kept() as chatter:
        try:
            return kind(APIS[api], name=name)
        except rtmidi.RtMidiError as error:
            reason = str(error)
        finally:
            if api == "jack":
                silence_jack()
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


class InputPort:
    """An open input: every whole message is stamped and handed on, from the driver's thread.

    Attributes:
        name: the port that is listened to, as listed; virtual ports by their own name.
        virtual: others connect to it; it never vanishes by itself.
        api: the MIDI system it is on.
        faults: messages that the receiver's code failed on (never raised in the driver's thread).

    Threads: `deliver` is called on the driver's; the rest on any.
    """

    def __init__(
        self,
        midi: rtmidi.MidiIn,
        name: str,
        deliver: Deliver,
        nanos: Callable[[], int],
        *,
        api: str,
        virtual: bool,
    ) -> None:
        """Use open_input."""
        self.name = name
        self.api = api
        self.virtual = virtual
        self.faults = 0
        self._midi: rtmidi.MidiIn | None = midi
        self._deliver = deliver
        self._nanos = nanos
        self._parser = MessageParser()

    def _received(self, message_and_delta: tuple[list[int], float], _data: object = None) -> None:
        nanos = Nanos(self._nanos())  # first: everything below is lateness
        try:
            for data in self._parser.feed(message_and_delta[0]):
                self._deliver(Received(nanos, data, self.name))
        except Exception:  # noqa: BLE001 - an exception here would end in the driver's C code
            self.faults += 1

    def close(self) -> None:
        """Stop listening and release the port; safe to call twice, never hangs."""
        midi, self._midi = self._midi, None
        if midi is not None:
            midi.cancel_callback()
            _release(midi)


class OutputPort:
    """An open output; a `live.events.Sink`.

    Attributes:
        name: the port that is played to, as listed; virtual ports by their own name.
        virtual: others connect to it; it never vanishes by itself.
        api: the MIDI system it is on.

    Threads: any, one at a time.  Realtime: yes, about 1 us.
    """

    def __init__(self, midi: rtmidi.MidiOut, name: str, *, api: str, virtual: bool) -> None:
        """Use open_output."""
        self.name = name
        self.api = api
        self.virtual = virtual
        self._midi: rtmidi.MidiOut | None = midi
        self._channels = 0  # bit set of those ever played on

    def send(self, data: bytes) -> None:
        """Send one whole message now.

        Raises:
            PortError: the port is closed, or the driver refuses.

        """
        midi = self._midi
        if midi is None:
            raise errors.PortError(f"the MIDI output '{self.name}' is closed")
        if data[0] < 0xF0:
            self._channels |= 1 << (data[0] & 0x0F)
        try:
            midi.send_message(data)
        except (rtmidi.RtMidiError, ValueError) as reason:
            raise errors.PortError(f"the MIDI output '{self.name}' failed: {reason}") from None

    def close(self) -> None:
        """Silence the channels that were played on and release the port; safe to call twice."""
        midi = self._midi
        if midi is None:
            return
        used = [channel for channel in range(1, 17) if self._channels >> (channel - 1) & 1]
        with contextlib.suppress(errors.PortError):
            for channel in used:
                for data in events.silence(range(channel, channel + 1)):
                    self.send(data)
        self._midi = None
        _release(midi)


def _release(midi: rtmidi.MidiIn | rtmidi.MidiOut) -> None:
    def closing() -> None:
        time.sleep(_IN_FLIGHT_S)  # a callback already under way needs the interpreter to finish
        with contextlib.suppress(rtmidi.RtMidiError):
            midi.close_port()
            midi.delete()

    thread = threading.Thread(target=closing, name="close-port", daemon=True)
    thread.start()
    thread.join(_CLOSE_PATIENCE_S)


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
    port = InputPort(midi, actual, deliver, nanos, api=resolved, virtual=name == "virtual")
    midi.ignore_types(sysex=True, timing=False, active_sense=True)
    midi.set_callback(port._received)  # noqa: SLF001 - the class and its opener are one
    return port


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
    plugged = hardware(names("in", resolved))
    return [open_input(name, api=resolved, deliver=deliver, nanos=nanos) for name in plugged]


def _open(direction: Direction, name: str, api: str) -> tuple[rtmidi.MidiIn | rtmidi.MidiOut, str]:
    client, own = (INPUT_CLIENT, INPUT_PORT) if direction == "in" else (OUTPUT_CLIENT, OUTPUT_PORT)
    if name == "virtual" and (api == "winmm" or sys.platform == "win32"):
        raise errors.UsageError(
            "Windows has no virtual MIDI ports; make one with a loopback driver such as loopMIDI and name it"
        )
    midi = _client(direction, api, client)
    try:
        if name == "virtual":
            midi.open_virtual_port(own)
            return midi, f"{client}:{own}"
        found = midi.get_ports()
        actual = match(name, found)
        if actual is None:
            raise errors.unknown(f"MIDI {direction}put", name, found)

        midi.open_port(found.index(actual), own)
    except (rtmidi.RtMidiError, NotImplementedError) as reason:
        midi.delete()
        raise errors.PortError(f"the MIDI {direction}put '{name}' could not be opened: {reason}") from None
    except errors.UsageError:
        midi.delete()
        raise
    return midi, actual
