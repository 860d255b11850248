"""Tells apart what kind of control is touched, by what it sends within two seconds.

A turned pot sends numbers near the last one, an encoder steps around its own centre, a button one number and
then none.  Of a controller's numbers each kind says how likely they are, and the likeliest wins as soon as it
is clearly ahead; a player's keys are told from a pad by there being several of them.
Owns: what was received since it was begun.  Threads: one.  Realtime: yes.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from live.control.curves import EncoderKind, detents
from live.control.hysteresis import SwitchKind
from live.control.mappings.mapping_file import SourceName
from live.timing.midi_bytes import (
    CHANNEL_PRESSURE,
    CONTROL,
    KEY_PRESSURE,
    PITCH_BEND,
    PROGRAM,
    channel_of,
    is_channel_message,
    is_note_on,
)

WINDOW_NANOS = 2_000_000_000
"""After so long the likeliest kind it is, however near the next one."""

QUIET_NANOS = 700_000_000
"""A control that is let alone for so long has said enough, if one kind is clearly ahead."""

PEDALS = range(64, 70)
AHEAD = 4.0  # natural logarithm: some fifty times as likely
_NEVER = -100.0
_ENOUGH, _MOST = 6, 64
_PAIR_NANOS = 12_000_000
_PRESS_NANOS = 150_000_000  # fingers press no button twice sooner
_HOLD_NANOS = 230_000_000  # a press that is told to end later than this is two presses of one that toggles
_SEVERAL_KEYS = 3
_BANKS = (0, 32)
_NRPN, _RPN = (99, 98), (101, 100)
_DATA, _STEPS = (6, 38), (96, 97)
_NAMES = {"pitch_bend": "a pitch wheel", "aftertouch": "pressure", "poly_aftertouch": "a pad's pressure"}
_RELATIVE: tuple[EncoderKind, ...] = (
    "twos_complement", "binary_offset", "sign_magnitude", "offset_16", "up_down",
)  # fmt: skip
"""The commoner first: with one direction alone, the first one that fits it is taken."""


class Recognised(NamedTuple):
    """A control.

    Attributes:
        source: its kind in mapping files.
        number: of the controller, note or program; 0 where the kind has none.
        channel: 1..16.
        encoder: how it counts, where it is endless.
        button: what it tells, where it is a switch.
        name: what it is, in words.
    """

    source: SourceName
    number: int
    channel: int
    encoder: EncoderKind | None
    button: SwitchKind | None
    name: str


class _Values(NamedTuple):
    """What one source has sent: moments and numbers, oldest first."""

    nanos: list[int]
    numbers: list[int]

    def add(self, nanos: int, number: int) -> None:
        if len(self.nanos) < _MOST:
            self.nanos.append(nanos)
            self.numbers.append(number)


class Recogniser:
    """Listens to one port until it knows what was touched.

    Args:
        presses: of one key or pad, before it counts as touched.
    """

    def __init__(self, *, presses: int = 1) -> None:
        self._presses = presses
        self._sources: dict[tuple[SourceName, int, int], _Values] = {}
        self._parameter: dict[int, list[int]] = {}  # by channel: the NRPN that is chosen, -1 for unknown
        self._first = self._last = 0

    def feed(self, data: bytes, nanos: int) -> None:
        """Take one message."""
        if not is_channel_message(data):
            return
        kind, channel = data[0] & 0xF0, channel_of(data)
        if kind == CONTROL:
            self._controller(channel, data[1], data[2], nanos)
        elif kind == PROGRAM:
            self._add("program", data[1], channel, nanos, 0)
        elif kind == PITCH_BEND:
            self._add("pitch_bend", 0, channel, nanos, data[2] << 7 | data[1])
        elif kind == CHANNEL_PRESSURE:
            self._add("aftertouch", 0, channel, nanos, data[1])
        elif kind == KEY_PRESSURE:
            self._add("poly_aftertouch", data[1], channel, nanos, data[2])
        else:
            self._add("note", data[1], channel, nanos, 127 if is_note_on(data) else 0)

    def _controller(self, channel: int, number: int, value: int, nanos: int) -> None:
        """Put NRPNs together; leave registered parameters alone, which no control is."""
        chosen = self._parameter.setdefault(channel, [-1, -1])
        if number in _NRPN:
            chosen[_NRPN.index(number)] = value
        elif number in _RPN:
            self._parameter[channel] = [-2, -2]
        elif number in (*_DATA, *_STEPS) and chosen[0] == -2:
            return
        elif number in (*_DATA, *_STEPS) and min(chosen) >= 0:
            parameter = chosen[0] << 7 | chosen[1]
            self._add("nrpn", parameter, channel, nanos, -1 if number in _STEPS else value)
        else:
            self._add("cc", number, channel, nanos, value)

    def _add(self, source: SourceName, number: int, channel: int, nanos: int, value: int) -> None:
        self._first = self._first or nanos
        self._last = nanos
        self._sources.setdefault((source, number, channel), _Values([], [])).add(nanos, value)

    @property
    def busy(self) -> bool:
        """Whether anything has come that may be a control."""
        return bool(self._sources)

    def settle(self, now: int) -> Recognised | None:
        """Return what was touched as soon as that is clear, at the latest two seconds after it began.

        None while it is not, and where only a player's keys were struck, which are forgotten.
        """
        if not self._sources:
            return None
        over = now - self._first >= WINDOW_NANOS
        self._leave_out_playing()
        ranked = sorted(self._sources, key=lambda key: len(self._sources[key].nanos), reverse=True)
        for wanted in ("program", "nrpn"):  # their companions are controllers, too
            for source, number, channel in ranked:
                if source == wanted:
                    return self._plain(source, number, channel, now, over=over)
        others = [key for key in ranked if key[0] not in ("note", "poly_aftertouch", "aftertouch")]
        for source, number, channel in others or ranked:
            if source == "cc":
                return self._cc(number, channel, now, over=over)
            return self._plain(source, number, channel, now, over=over)
        self._first = 0
        return None

    def _leave_out_playing(self) -> None:
        """Forget keys where several were struck on one channel, with their pressure."""
        keys: dict[int, set[int]] = {}
        for source, number, channel in self._sources:
            if source == "note":
                keys.setdefault(channel, set()).add(number)
        for channel, struck in keys.items():
            if len(struck) >= _SEVERAL_KEYS:
                for key in [key for key in self._sources if key[2] == channel]:
                    if key[0] in ("note", "poly_aftertouch", "aftertouch"):
                        del self._sources[key]

    def _plain(
        self, source: SourceName, number: int, channel: int, now: int, *, over: bool
    ) -> Recognised | None:
        """Recognise what says by its status what it is."""
        values = self._sources[source, number, channel]
        count, quiet = len(values.nanos), now - self._last > QUIET_NANOS
        if source == "program":
            return Recognised(source, number, channel, None, None, "a program button")
        if source == "nrpn":
            steps = all(value < 0 for value in values.numbers)
            if not (over or quiet or count >= _ENOUGH):
                return None
            encoder: EncoderKind | None = "increment" if steps else None
            name = "an encoder that steps an NRPN" if steps else "a knob or fader on an NRPN"
            return Recognised(source, number, channel, encoder, None, name)
        if source == "note":
            presses = sum(value > 0 for value in values.numbers)
            if presses < self._presses and over:
                self._first = 0
                del self._sources[source, number, channel]
            if presses < self._presses or not (over or (quiet and presses)):
                return None
            button = _switch_kind(values)
            name = "a pad that toggles" if button == "toggle" else "a pad or key"
            return Recognised(source, number, channel, None, button if button == "toggle" else None, name)
        names = {
            "pitch_bend": "a pitch wheel",
            "aftertouch": "pressure",
            "poly_aftertouch": "a pad's pressure",
        }
        enough = over or quiet or count >= _ENOUGH
        return Recognised(source, number, channel, None, None, names[source]) if enough else None

    def _cc(self, number: int, channel: int, now: int, *, over: bool) -> Recognised | None:
        """Recognise a controller by its numbers."""
        values = self._sources["cc", number, channel]
        quiet, count = now - self._last > QUIET_NANOS, len(values.nanos)
        upper = self._pair_of(number, channel)
        if upper is not None:
            if over or quiet or count >= _ENOUGH:
                return Recognised("cc14", upper, channel, None, None, "a knob or fader of 14 bits")
            return None
        scores = {"absolute": absolute(values.numbers), "button": button(values.nanos, values.numbers)}
        scores |= {kind: relative(kind, values.nanos, values.numbers) for kind in _RELATIVE}
        best = max(scores, key=scores.__getitem__)
        second = max(score for kind, score in scores.items() if kind != best)
        clear = scores[best] - second >= AHEAD
        one_way = [kind for kind in _RELATIVE if _one_way(kind, values.numbers)]
        if best in one_way:  # the way back tells more
            best, clear = one_way[0], False
        if not (over or (clear and count >= _ENOUGH and best != "button") or (clear and quiet)):
            return None
        if best == "button":
            kind = _switch_kind(values)
            noun = "a pedal" if number in PEDALS else "a button"
            manner = {"toggle": " that toggles", "trigger": " that tells presses only"}
            return Recognised("cc", number, channel, None, kind, noun + manner.get(kind, ""))
        if best == "absolute":
            noun = "a pedal" if number in PEDALS else "a knob or fader"
            return Recognised("cc", number, channel, None, None, noun)
        name = f"an endless encoder ({best.replace('_', ' ')})"
        return Recognised("cc", number, channel, next(k for k in _RELATIVE if k == best), None, name)

    def _pair_of(self, number: int, channel: int) -> int | None:
        """Return the number of the 14-bit pair that a controller is half of; None where it is none."""
        upper = number % 32
        if number >= 64:
            return None
        halves = [self._sources.get(("cc", half, channel)) for half in (upper, upper + 32)]
        first, second = halves
        if first is None or second is None or min(len(first.nanos), len(second.nanos)) < 2:
            return None
        near = sum(
            any(abs(moment - other) <= _PAIR_NANOS for other in second.nanos) for moment in first.nanos
        )
        return upper if near >= 0.6 * len(first.nanos) else None


# -- how likely each kind makes some numbers -----------------------------------------------------


def absolute(numbers: Sequence[int]) -> float:
    """Return the log-likelihood of numbers 0..127 of a pot: each near the last one, going on its way."""
    score, way = -math.log(128), 0
    for before, number in pairwise(numbers):
        change = number - before
        size = abs(change)
        if not size:
            score += math.log(0.01)
            continue
        near = 0.6 * 0.5**size + (0.38 / 32 if size <= 32 else 0.02 / 95)
        here = 1 if change > 0 else -1
        score += math.log(near) + math.log(0.5 if not way else 0.9 if here == way else 0.1)
        way = here
    return score


def relative(kind: EncoderKind, nanos: Sequence[int], numbers: Sequence[int]) -> float:
    """Return the log-likelihood of numbers 0..127 of an encoder: small steps, several one way in a row."""
    score, way = math.log(0.5), 0
    for index, number in enumerate(numbers):
        step = detents(number, kind)
        size = abs(step)
        if kind == "up_down":
            score += 0.0 if number in (0, 127) else _NEVER
        elif not 0 < size <= 32:
            score += math.log(1e-4)
        else:
            score += math.log(0.9 * 0.5**size + 0.1 / 32)
        here = 1 if step > 0 else -1
        if index:
            score += math.log(0.9 if here == way else 0.1)
            score += math.log(0.3) if nanos[index] - nanos[index - 1] > 2 * _PRESS_NANOS else 0.0
        way = here
    return score


def _one_way(kind: EncoderKind, numbers: Sequence[int]) -> bool:
    """Tell whether an encoder of that kind was turned one way only: others may count alike."""
    steps = [detents(number, kind) for number in numbers]
    possible = kind != "up_down" or all(number in (0, 127) for number in numbers)
    return possible and (all(0 < step <= 32 for step in steps) or all(-32 <= step < 0 for step in steps))


def button(nanos: Sequence[int], numbers: Sequence[int]) -> float:
    """Return the log-likelihood of numbers 0..127 of a switch: some number, then none, and again."""
    score = math.log(0.5)
    for index, number in enumerate(numbers):
        score += 0.0 if not number else math.log(0.8 if number == 127 else 0.2 / 126)
        if index and (number > 0) == (numbers[index - 1] > 0):
            slow = number == numbers[index - 1] and nanos[index] - nanos[index - 1] > _PRESS_NANOS
            score += math.log(0.5 if slow else 0.01)
        elif index:
            score += math.log(0.95)
    return score


def _switch_kind(values: _Values) -> SwitchKind:
    """Return what a switch tells: by its releases, and how long after its presses they come."""
    pressed = [number > 0 for number in values.numbers]
    if all(pressed):
        return "trigger" if len(pressed) > 1 else "momentary"
    falls = [
        later - earlier
        for (earlier, down), (later, still) in pairwise(zip(values.nanos, pressed, strict=True))
        if down and not still
    ]
    if not pressed[0] and not falls:
        rise = values.nanos[pressed.index(True)] - values.nanos[0] if any(pressed) else _HOLD_NANOS
        return "momentary" if rise < _HOLD_NANOS else "toggle"
    return "momentary" if sorted(falls)[len(falls) // 2] < _HOLD_NANOS else "toggle"
