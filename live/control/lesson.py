"""A lesson: what is touched next is bound to a knob or an action.

Owns: what is to be bound, and what each port has sent since.  Threads: engine only.  Realtime: yes.
Tested in tests/live/control/test_desk.py.
"""

import msgspec

from live.control.mappings.mapping_file import NRPN_CONTROLLERS, Control, Mapping, check_all, wires
from live.control.recogniser import Recognised, Recogniser
from live.errors import unknown
from live.ipc.snapshot import LessonView
from live.settings.knobs import KNOBS, bindable
from live.timing.midi_bytes import CONTROL, NOTE_OFF, NOTE_ON, Received, is_channel_message

REST_NANOS = 500_000_000
"""A control that has been quiet for so long is touched anew."""

Source = tuple[str, int, int]


def source_of(received: Received) -> Source:
    """Return the port, the status and the number of the control that sent a message."""
    numbered = len(received.data) == 3 and received.data[0] & 0xF0 == CONTROL
    return received.port, received.data[0], received.data[1] if numbered else 0


class Lost(Exception):  # noqa: N818  a state of the lesson, told in its text
    """What was touched cannot do what it is to learn; one sentence."""


class Lesson:
    """What is touched next is bound.

    Args:
        target: a knob's name, or an action with its argument.
        moving: when each control was last heard of before; one that moves on from then is not touched anew.

    Attributes:
        target: as above.
        listening: whether it waits for a touch.

    Raises:
        UsageError: there is neither knob nor action of that name.
    """

    def __init__(self, target: str, *, moving: dict[Source, int] | None = None) -> None:
        name = " ".join(target.split())
        if name not in bindable():
            raise unknown("knob or action", target, bindable())
        self.target = name
        self.listening = True
        self._text = (
            "turn a knob to the right and back" if name in KNOBS else "press a button, a pad or a pedal twice"
        )
        self._state = "listening"
        self._ports: dict[str, Recogniser] = {}
        self._moving = moving if moving is not None else {}

    def feed(self, received: Received) -> None:
        """Take one message of a port."""
        source = source_of(received)
        last = self._moving.pop(source, None)
        if last is not None and received.nanos - last < REST_NANOS:
            self._moving[source] = received.nanos
            return
        if received.port not in self._ports:
            self._ports[received.port] = Recogniser(presses=2 if self.target in KNOBS else 1)
        self._ports[received.port].feed(received.data, received.nanos)

    @staticmethod
    def consumes(data: bytes) -> bool:
        """Tell whether a message is a control's, and not music, while it listens."""
        return is_channel_message(data) and data[0] & 0xF0 not in (NOTE_ON, NOTE_OFF)

    def settle(self, now: int) -> tuple[str, Recognised] | None:
        """Return the port and the control that was touched, as soon as it is clear which."""
        if not self.listening:
            return None
        for port, recogniser in self._ports.items():
            found = recogniser.settle(now)
            if found is not None:
                return port, found
        return None

    def learned(self, text: str) -> None:
        """End it: a control is bound."""
        self.listening, self._state, self._text = False, "learned", text

    def refuse(self, text: str) -> None:
        """Say why what was touched will not do, and listen on."""
        self._ports.clear()
        self._state, self._text = "refused", text

    def view(self) -> LessonView:
        """Return it as the screen shows it."""
        return LessonView(self.target, self._state, self._text)  # type: ignore[arg-type]


def control_for(target: str, found: Recognised) -> Control:
    """Return the control that binds what was touched.

    Raises:
        Lost: it cannot do that; one sentence.
    """
    fields: dict[str, object] = {found.source: found.number or True if _nameless(found) else found.number}
    fields["channel"] = found.channel
    if target in KNOBS:
        if found.source in ("note", "program"):
            raise Lost(f"{found.name} turns no knob: turn or slide something for '{target}'")
        fields |= {"encoder": found.encoder} if found.encoder else {}
        fields |= {"takeover": "jump"} if found.button else {}
        return Control(**fields, knob=target)  # type: ignore[arg-type]
    if found.encoder is not None:
        raise Lost(f"{found.name} calls no action: press a button, a pad or a pedal for '{target}'")
    if found.source == "pitch_bend":
        raise Lost(f"{found.name} springs back: press a button, a pad or a pedal for '{target}'")
    fields |= {"button": "toggle"} if found.button == "toggle" else {}
    return Control(**fields, action=target)  # type: ignore[arg-type]


def bound_to(mapping: Mapping, control: Control) -> Mapping:
    """Return a mapping with one more control; what listened to the same does no more.

    Raises:
        UsageError: it cannot stand beside the others.
    """
    rest = [one for one in mapping.control if not clashes(one, control)]
    lit = next((one.light for one in mapping.control if clashes(one, control) and one.light), None)
    if lit is not None and lit.ring is None and (lit.on is None) == (control.knob is not None):
        control = msgspec.structs.replace(control, light=lit)
    check_all([*rest, control], mapping.controller.name)
    return msgspec.structs.replace(mapping, control=[*rest, control])


def clashes(one: Control, other: Control) -> bool:
    """Tell whether two controls listen to one thing."""
    return any(
        not set(wires(first)).isdisjoint([*wires(second), *_parts(second)])
        for first, second in ((one, other), (other, one))
    )


def _parts(control: Control) -> list[tuple[str, int, int]]:
    """Return the controllers that an NRPN is made of."""
    made = NRPN_CONTROLLERS if control.nrpn is not None else ()
    return [("cc", number, channel) for number in made for channel in control.channels]


def _nameless(found: Recognised) -> bool:
    return found.source in ("pitch_bend", "aftertouch")
