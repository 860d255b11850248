"""Her hands: what she plays goes thru at once, is kept in the take, and is captured.

Threads: engine only.  Realtime: yes.
"""

from typing import TYPE_CHECKING

from live.timing.midi_bytes import (
    SUSTAIN,
    Received,
    channel_of,
    control,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
)
from live.timing.timeline import Nanos, Tick

if TYPE_CHECKING:
    from live.jam.jam import Jam


class Hands:
    """Plays a jam with what comes from keyboards, and knows which keys are down.

    Attributes:
        thru: whether her keys sound through the instrument.

    """

    def __init__(self, jam: "Jam") -> None:
        """Start with no key down."""
        self.thru = jam.config.jam.thru
        self._jam = jam
        self._channel = jam.config.midi.performer_channel
        self._held: dict[tuple[str, int, int], int] = {}

    def received(self, received: Received, now: Nanos) -> None:
        """Take one message from a keyboard or controller: play it thru, keep it, obey it."""
        jam, data = self._jam, received.data
        if data and data[0] < 0xF0:
            bound = False
            if jam.mapper is not None:
                bound = jam.mapper.consumes(data)
                for command in jam.mapper.feed(data):
                    jam.controls.run(command, now)
            if not bound:
                self._play(data, received.nanos, now, port=received.port)
        jam.outlet.log("received", nanos=received.nanos, data=list(data), port=received.port)

    def _play(self, data: bytes, arrived: Nanos, now: Nanos, *, port: str) -> None:
        jam = self._jam
        self._through(data, arrived, now, port=port)
        tick = jam.transport.tick(arrived)
        jam.outlet.played(tick, data)
        if not jam.transport.running:
            return
        if is_note_on(data):
            jam.capture.on(channel_of(data), data[1], data[2], tick)
        elif is_note_off(data):
            jam.capture.off(channel_of(data), data[1], tick)

    def _through(self, data: bytes, arrived: Nanos, now: Nanos, *, port: str) -> None:
        if is_note_on(data):
            self._held[port, channel_of(data), data[1]] = data[1]
        elif is_note_off(data):
            self._held.pop((port, channel_of(data), data[1]), None)
            if data[1] in self._held.values():
                return  # another keyboard or channel still holds this key
        if self.thru:
            out = bytes((data[0] & 0xF0 | (self._channel - 1),)) + data[1:]
            self._send(out, now, due=arrived)

    def _send(self, data: bytes, now: Nanos, *, due: Nanos) -> None:
        self._jam.outlet.send(data, tick=self._jam.tick(now), due=due, voice="thru")

    def play_key(self, pitch: int, *, velocity: int, now: Nanos) -> None:
        """Play a key without a keyboard (OSC, the screen); velocity 0 lets it go."""
        if not 0 <= pitch <= 127:
            self._jam.notice("warning", f"a key is 0 to 127, not {pitch}")
            return
        data = note_on(1, pitch, velocity) if velocity else note_off(1, pitch)
        self._play(data, now, now, port="screen")

    def release(self, now: Nanos, *, port: str | None = None) -> None:
        """End every key of hers that sounds, or those of one keyboard that has gone."""
        tick = self._jam.tick(now)
        gone = [place for place in self._held if port in (None, place[0])]
        for place in gone:
            pitch = self._held.pop(place)
            self._jam.capture.off(place[1], pitch, tick)
            if self.thru and pitch not in self._held.values():
                self._send(note_off(self._channel, pitch), now, due=now)
        if self.thru and gone:
            self._send(control(self._channel, SUSTAIN, 0), now, due=now)

    def forget(self, tick: Tick) -> None:
        """Take every key as let go, after everything was silenced."""
        self._held.clear()
        self._jam.capture.release_all(tick)

    def toggle_thru(self, now: Nanos) -> None:
        """Switch thru; keys that sound are ended first."""
        self.release(now)
        self.thru = not self.thru
        self._jam.notice("info", f"thru {'on' if self.thru else 'off'}")

    def down(self) -> list[int]:
        """Return the keys that she holds down."""
        return sorted(set(self._held.values()))
