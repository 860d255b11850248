"""The performer: what is played goes thru at once, is recorded in the take, and is captured.

Owns: which keys are down, and whether they sound through the instrument.
Threads: engine only.  Realtime: yes.
Tested in tests/live/jam/test_jam.py, tests/live/jam/test_trouble.py.
"""

from collections.abc import Sequence

from live.ipc.commands import Command
from live.jam.capture import Capture, Key
from live.jam.listening import Listening
from live.jam.notices import Notices
from live.jam.protocols import Bindings, Output
from live.timing.midi_bytes import (
    SUSTAIN,
    Received,
    Stream,
    channel_of,
    control,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
)
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport

SCREEN = "screen"
NOTHING_ASKED: Sequence[Command] = ()


class Performer:
    """Whoever plays on keyboards, on the screen or by OSC.

    Args:
        capture: takes what is played while the transport runs.
        transport: tells when.
        listening: takes it too, to find the beat in it.
        output: where thru and the take are.
        notices: for the human.
        channel: 1..16, on which the keys leave.
        thru: whether they do.

    Attributes:
        thru: as above.
        bindings: what a controller's bytes mean; None where there is no mapping.

    """

    def __init__(
        self,
        capture: Capture,
        transport: Transport,
        listening: Listening,
        *,
        output: Output,
        notices: Notices,
        channel: int,
        thru: bool,
    ) -> None:
        """Start with no key down."""
        self.thru = thru
        self.bindings: Bindings | None = None
        self._capture, self._transport, self._listening = capture, transport, listening
        self._output, self._notices = output, notices
        self._channel = channel
        self._down: dict[Key, int] = {}

    def received(self, received: Received, now: Nanos) -> Sequence[Command]:
        """Play one message of a keyboard or controller, or return the commands that it is bound to.

        They are to be carried out before the next message: soft takeover compares them with the knobs.
        """
        data, asked = received.data, NOTHING_ASKED
        if data and data[0] < 0xF0:
            bound = self.bindings is not None and self.bindings.consumes(data)
            if self.bindings is not None:
                asked = self.bindings.feed(data)
            if not bound:
                self.play(received, now)
        self._output.log("received", nanos=received.nanos, data=list(data), port=received.port)
        return asked

    def play(self, received: Received, now: Nanos) -> None:
        """Play one message: thru first, then the take and the capture."""
        data = received.data
        on = is_note_on(data)
        off = not on and is_note_off(data)
        key = (received.port, channel_of(data), data[1]) if on or off else None
        if on and key:
            self._down[key] = key[2]
        elif off and key:
            self._down.pop(key, None)
        if not off or data[1] not in self._down.values():  # else another keyboard or channel holds this key
            self._send(bytes((data[0] & 0xF0 | (self._channel - 1),)) + data[1:], now, due=received.nanos)
        tick = self._transport.tick(received.nanos)
        self._output.played(tick, data)
        if key:
            self._listening.played(key, data[2] if on else 0, received.nanos)
        if key and self._transport.running:
            if on:
                self._capture.on(key, data[2], tick)
            else:
                self._capture.off(key, tick)

    def _send(self, data: bytes, now: Nanos, *, due: Nanos) -> None:
        if self.thru:
            self._output.send(data, tick=self._transport.tick(now), due=due, voice=Stream.THRU)

    def play_key(self, pitch: int, *, velocity: int, now: Nanos) -> None:
        """Play a key without a keyboard (OSC, the screen); velocity 0 lets it go."""
        if not 0 <= pitch <= 127:
            self._notices.add("warning", f"a key is 0 to 127, not {pitch}")
            return
        data = note_on(1, pitch, min(127, velocity)) if velocity > 0 else note_off(1, pitch)
        self.play(Received(now, data, SCREEN), now)

    def release(self, now: Nanos, *, port: str | None = None) -> None:
        """End every key that sounds, or those of one keyboard that has gone."""
        tick = self._transport.tick(now)
        gone = [key for key in self._down if port in (None, key[0])]
        for key in gone:
            pitch = self._down.pop(key)
            self._capture.off(key, tick)
            self._listening.played(key, 0, now)
            if pitch not in self._down.values():
                self._send(note_off(self._channel, pitch), now, due=now)
        if gone:
            self._send(control(self._channel, SUSTAIN, 0), now, due=now)

    def forget(self, tick: Tick) -> None:
        """Take every key as let go, after everything was silenced."""
        self._down.clear()
        self._capture.release_all(tick)

    def toggle_thru(self, now: Nanos) -> None:
        """Switch thru; keys that sound are ended first."""
        self.release(now)
        self.thru = not self.thru
        self._notices.add("info", f"thru {'on' if self.thru else 'off'}")

    def down(self) -> list[int]:
        """Return the keys that are held down."""
        return sorted(set(self._down.values()))
