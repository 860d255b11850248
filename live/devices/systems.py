"""MIDI systems: which there are, and which ports each has now.

Tested in tests/live/devices/test_ports.py.
"""

import contextlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

import rtmidi

from live import errors
from live.devices.alsa import connections
from live.devices.jack.probe import Direction, JackProbe, jack_answers
from live.devices.names import unique
from live.devices.stderr import silence_jack, stderr_diverted

APIS: dict[str, int] = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}
PROBE_CLIENT = "twobar-probe"
QUEUE_SIZE = 8192
"""Of the messages that an input holds while ports are opened; what comes beyond is lost."""

ALSA_SEQUENCER = Path("/dev/snd/seq")
ATTEMPTS = 3


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
            raise errors.PortError(cannot_open("jack", str(reason))) from None
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
        self._midi = client(direction, api, PROBE_CLIENT)

    def names(self) -> list[str]:
        """Return the names of the ports there are now."""
        try:
            return [
                name for name in listed(self._midi, self._api) if name and not name.startswith(PROBE_CLIENT)
            ]
        except rtmidi.RtMidiError as reason:
            raise errors.PortError(f"the MIDI ports cannot be listed: {reason}") from None

    def close(self) -> None:
        """Release it."""
        self._midi.delete()


def listed(midi: rtmidi.MidiIn | rtmidi.MidiOut, api: str) -> list[str]:
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


def client(direction: Direction, api: str, name: str) -> rtmidi.MidiIn | rtmidi.MidiOut:
    """Return a client of python-rtmidi that is not connected yet; raises PortError where none can be had."""
    kind = rtmidi.MidiIn if direction == "in" else rtmidi.MidiOut
    more = {"queue_size_limit": QUEUE_SIZE} if direction == "in" else {}
    for attempt in range(ATTEMPTS):
        with stderr_diverted() as chatter:
            try:
                return kind(APIS[api], name=name, **more)
            except rtmidi.RtMidiError as error:
                reason = str(error)
            finally:
                if api == "jack":
                    silence_jack()
        if api != "jack" or attempt + 1 == ATTEMPTS or not jack_answers():
            break  # a busy JACK server may refuse once; one that is missing is reported at once
    raise errors.PortError(cannot_open(api, reason, chatter))


def cannot_open(api: str, reason: str, chatter: list[str] | None = None) -> str:
    """Return why a system could not be opened, in one sentence."""
    if api == "jack":
        return errors.NO_JACK
    if api == "alsa" and not ALSA_SEQUENCER.exists():
        return (
            f"ALSA's sequencer ({ALSA_SEQUENCER}) is not there: sudo modprobe snd-seq, or choose --api jack"
        )
    detail = chatter[-1] if chatter else reason
    return f"the MIDI system '{api}' could not be opened: {detail.rstrip('.')}"
