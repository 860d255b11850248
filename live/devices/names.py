"""Names of ports: what tells two apart, what of one stays the same, and which are keyboards.

A name as listed is the whole identity of a port while it is plugged in: ALSA and a2j put the client's number
into it, JACK sees to it that none is there twice, and where a system lists equal names each gets a number of
ours.  What stays when a port is plugged in again is the name without those numbers.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable

OUR_NAME = "twobar-"
TWIN = " #"

_ALSA_NUMBERS = re.compile(r"\s+\d+:\d+$")
_BRIDGE_NUMBERS = re.compile(r"\s*\[\d+\]")
_TWIN_NUMBER = re.compile(rf"{TWIN}\d+$")
_OURS_OR_THROUGH = re.compile(rf"(?<![a-z0-9])({OUR_NAME}(in|out|lights|probe)|midi through)", re.IGNORECASE)
_LOOPBACK = re.compile(r"midi through|loopmidi|loopbe|(?<![a-z])iac(?![a-z])", re.IGNORECASE)
_SIDE = re.compile(r"(?<![a-z])(in|out|input|output|capture|playback|source|sink)(?![a-z])")
_NUMBERED_SIDE = re.compile(r"midi(?:in|out)(\d*)")
_BRIDGED = re.compile(
    r"(?:a2j|alsa_midi|Midi-Bridge):(?P<device>[^:(]+?):?\s*"
    r"\((?:capture|playback|in|out)[_0-9]*\):?(?P<port>.*)"
)
_CONTROL = re.compile(r"(?<![a-z])(mcu|daw|hui|mackie|incontrol)(?![a-z])", re.IGNORECASE)


def unique(names: Iterable[str]) -> list[str]:
    """Return names of which none is there twice: the second of equal ones ends in #2; "" stays."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 or not name else f"{name}{TWIN}{seen[name]}")
    return found


def twin_name(name: str) -> str:
    """Return the name that equal ports share in the system's own list."""
    return _TWIN_NUMBER.sub("", name)


def plain_name(name: str) -> str:
    """Return a port's name without the numbers that it gets anew at every plugging in."""
    return _BRIDGE_NUMBERS.sub("", _ALSA_NUMBERS.sub("", twin_name(name)))


def partner(name: str, found: Iterable[str]) -> str | None:
    """Return the output that belongs to the same device as an input; None where there is none."""
    names = [other for other in found if not _OURS_OR_THROUGH.search(other)]
    for same in (lambda text: text, plain_name, _sideless):
        fitting = next((other for other in names if same(other) == same(name)), None)
        if fitting is not None:
            return fitting
    return None


def _sideless(name: str) -> str:
    """Return a port's name without what tells its direction."""
    numbered = _NUMBERED_SIDE.sub(r"midi\1", plain_name(name).lower())
    return " ".join(_SIDE.sub(" ", numbered).split())


def spoken_name(name: str) -> str:
    """Return a port's name as a human says it: without numbers, and the client's only where it tells more.

    What bridges to JACK put around a name, and a port that is called by its direction alone, tells nothing.
    It is always a part of the name.
    """
    plain = plain_name(name)
    bridged = _BRIDGED.fullmatch(plain)
    client, _, port = plain.partition(":")
    if bridged is not None:
        client, port = bridged["device"].strip(), bridged["port"]
        port = port if client in port else ""
    port = port.strip()
    if not port or not _sideless(port) or client.lower() in port.lower():
        return port if _sideless(port) else client
    return client if port.lower() in client.lower() else f"{client}:{port}"


def match(wanted: str, found: Iterable[str], taken: Collection[str] = ()) -> str | None:
    """Return the port that a name means, of those that are not taken.

    Exact, else without regard to case, else the first that holds it; a port for a DAW only if no other does.
    """
    low = plain_name(wanted).lower()
    free = [name for name in found if name and name not in taken]
    for test in (
        lambda name: name == wanted,
        lambda name: plain_name(name).lower() == low,
        lambda name: low in name.lower() and not for_daw(name),
        lambda name: low in name.lower(),
    ):
        fitting = next((name for name in free if test(name)), None)
        if fitting is not None:
            return fitting
    return None


def for_daw(name: str) -> bool:
    """Tell whether a port speaks to a DAW's transport and mixer (Mackie, HUI, InControl), not of music."""
    return _CONTROL.search(name) is not None


def hardware(found: Iterable[str]) -> list[str]:
    """Return the names that are neither this instrument's own ports nor ALSA's loopback, however bridged."""
    return [name for name in found if not _OURS_OR_THROUGH.search(name)]


def keyboards(found: Iterable[str], outputs: Iterable[str] = ()) -> list[str]:
    """Return the names that `auto` listens to.

    Args:
        found: the inputs there are.
        outputs: what is played to; the other end of a loopback among them is no keyboard.
    """
    loops = {plain_name(name) for name in outputs if _LOOPBACK.search(name)}
    return [name for name in hardware(found) if not for_daw(name) and plain_name(name) not in loops]
