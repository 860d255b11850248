"""The performer: what is played goes thru at once, is recorded in the take, and is captured.

Owns: which keys are down, and whether they sound through the instrument.
Threads: engine only.  Realtime: yes.
"""

from collections.abc import Callable, Sequence

from live.ipc.commands import ChooseSong, Command
from live.jam.input.capture import Capture, Key
from live.jam.input.controllers import Controllers, Source
from live.jam.input.first_note import FirstNote
from live.jam.input.listening import Listening
from live.jam.input.mpe import Mpe
from live.jam.notices import Notices
from live.jam.protocols import Bindings, Output
from live.timing.midi_bytes import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    CONTROL,
    OMNI_OFF,
    OMNI_ON,
    PROGRAM,
    RESET_CONTROLLERS,
    SUSTAIN,
    Received,
    Stream,
    channel_of,
    is_channel_message,
    is_note_off,
    is_note_on,
    note_off,
    note_on,
)
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport

SCREEN = "screen"
LAG_GAIN = 0.7  # of what a phrase says: two of them take out nine tenths
MOST_LAG_NANOS = 120_000_000
NOTHING_ASKED: Sequence[Command] = ()
_ENDING = (ALL_SOUND_OFF, *range(ALL_NOTES_OFF, 128))  # channel mode messages that end notes


class Performer:
    """Whoever plays on keyboards, on the screen or by OSC.

    Args:
        channel: 1..16, on which the keys leave.
        thru: whether they do.
        lag_ms: by how much the keyboard is late.

    Attributes:
        thru: as above.
        calls_songs: whether program changes that nothing is bound to choose songs, and leave the sound alone.
        bindings: what a controller's bytes mean; None where there is no mapping.
        lag_nanos: by how much what is played arrives late, all the time: what is captured is dated back.
    """

    def __init__(
        self,
        capture: Capture,
        transport: Transport,
        listening: Listening,
        first_note: FirstNote,
        *,
        output: Output,
        notices: Notices,
        channel: int,
        thru: bool,
        lag_ms: float = 0.0,
    ) -> None:
        self.thru = thru
        self.calls_songs = False
        self.bindings: Bindings | None = None
        self._capture, self._transport, self._listening = capture, transport, listening
        self._first_note = first_note
        self._output, self._notices = output, notices
        self._channel = channel
        self.lag_nanos = round(lag_ms * 1e6)
        self._down: dict[Key, int] = {}
        self._sounding: dict[Key, int] = {}  # of these, what left thru and has not been ended
        self._controllers, self._mpe = Controllers(), Mpe()
        self._with_mpe: set[str] = set()  # keyboards of which that was said

    def received(self, received: Received, now: Nanos) -> Sequence[Command]:
        """Play one message of a keyboard or controller, or return the commands that it is bound to.

        They are to be carried out before the next message: soft takeover compares them with the knobs.
        """
        data, asked, bindings = received.data, NOTHING_ASKED, self.bindings
        if data and data[0] < 0xF0:
            bound = bindings is not None and bindings.consumes(received)
            calls = not bound and self.calls_songs and data[0] & 0xF0 == PROGRAM
            if not bound and not calls:
                self.play(received, now)  # before all that can wait
            if bindings is not None:
                asked = bindings.feed(received)
            if calls:
                asked = [ChooseSong(data[1] + 1, source="midi")]
        self._output.log("received", nanos=received.nanos, data=list(data), port=received.port)
        return asked

    def play(self, received: Received, now: Nanos) -> None:
        """Play one message: thru first, then the take and the capture."""
        data = received.data
        if not is_channel_message(data):
            return
        played = Nanos(received.nanos - self.lag_nanos)
        source = (received.port, channel_of(data))
        on = is_note_on(data)
        key = (*source, data[1]) if on or is_note_off(data) else None
        if key and on:
            self._strike(key, data, received.nanos, now)
            self._first_note.played(played, now)
        elif key:
            self._let_go(key, data, received.nanos, now)
        elif data[0] & 0xF0 == CONTROL and data[1] >= ALL_SOUND_OFF:
            self._mode(source, data, self._transport.tick(played), now)
        elif not self._of_one_finger(source, data, now):
            moved = self._controllers.move(source, data)
            if moved is not None:
                self._send(data[0] & 0xF0, moved, now, due=received.nanos)
        tick = self._transport.tick(played)
        self._output.played(self._transport.tick(received.nanos), data)
        if key:
            self._listening.played(key, data[2] if on else 0, received.nanos)
        if key and self._transport.running:
            if on:
                self._capture.on(key, data[2], tick)
            else:
                self._capture.off(key, tick)
        elif data[0] & 0xF0 == CONTROL and data[1] == SUSTAIN:
            self._capture.pedal(received.port, channel_of(data), data[2], tick)

    def _of_one_finger(self, source: Source, data: bytes, now: Nanos) -> bool:
        """Tell whether a controller bends one key of an MPE keyboard; said once, for it cannot be heard."""
        port, had_zone = source[0], self._mpe.has_zone(source[0])
        held = any(key[:2] == source for key in self._down)
        concerns = self._mpe.concerns(source, data, held=held)
        if not had_zone and self._mpe.has_zone(port):
            self._rest(lambda other: other[0] == port and self._mpe.finger(other), now)
            if port not in self._with_mpe:
                self._with_mpe.add(port)
                self._notices.add(
                    "warning",
                    f"{port} plays MPE: bends and pressure of single fingers are not heeded, only what all"
                    " share; switch MPE off there to bend",
                )
        return concerns

    def _strike(self, key: Key, data: bytes, due: Nanos, now: Nanos) -> None:
        self._down[key] = key[2]
        if self.thru:
            self._sounding[key] = key[2]
        self._send(data[0] & 0xF0, data[1:], now, due=due)

    def _let_go(self, key: Key, data: bytes, due: Nanos, now: Nanos) -> None:
        self._down.pop(key, None)
        self._hush(key, data, due, now)

    def _hush(self, key: Key, data: bytes, due: Nanos, now: Nanos) -> None:
        """End the sound of a key, unless another keyboard or channel holds it."""
        self._sounding.pop(key, None)
        if key[2] not in self._sounding.values():
            self._send(data[0] & 0xF0, data[1:], now, due=due)

    def _mode(self, source: Source, data: bytes, tick: Tick, now: Nanos) -> None:
        """Let a channel mode message do to its own source's keys and controllers what it says, to no other's.

        Some keyboards send "all notes off" whenever their last key is let go.  What would cut the others
        leaves only while there is nothing of theirs; where the receiver listens is not a keyboard's to set.
        """
        number = data[1]
        if number == RESET_CONTROLLERS:
            self._rest(lambda other: other == source, now)
            self._capture.pedal(*source, 0, tick)
            if self._controllers.away():
                return
        elif number in _ENDING:
            for key in [key for key in self._down if key[:2] == source]:
                self._end(key, tick, now)
            if self._sounding or number in (ALL_NOTES_OFF, OMNI_OFF, OMNI_ON):
                return
        self._send(CONTROL, data[1:], now, due=now)

    def _end(self, key: Key, tick: Tick, now: Nanos) -> None:
        """End a key that nobody lets go."""
        self._down.pop(key, None)
        if key in self._sounding:
            self._hush(key, note_off(1, key[2]), now, now)
        self._capture.off(key, tick)
        self._listening.played(key, 0, now)

    def _rest(self, leaves: Callable[[Source], bool], now: Nanos) -> None:
        """Bring the controllers of some sources to rest."""
        for status, data in self._controllers.lift(leaves):
            self._send(status, data, now, due=now)

    def _send(self, status: int, data: bytes, now: Nanos, *, due: Nanos) -> None:
        """Send on the performer's channel; `status` is without a channel, `data` what follows it."""
        if self.thru:
            message = bytes((status | (self._channel - 1),)) + data
            self._output.send(message, tick=self._transport.tick(now), due=due, voice=Stream.THRU)

    def play_key(self, pitch: int, *, velocity: int, now: Nanos) -> None:
        """Play a key without a keyboard (OSC, the screen); velocity 0 lets it go."""
        if not 0 <= pitch <= 127:
            self._notices.add("warning", f"a key is 0 to 127, not {pitch}")
            return
        data = note_on(1, pitch, min(127, velocity)) if velocity > 0 else note_off(1, pitch)
        self.play(Received(now, data, SCREEN), now)

    def learn_lag(self, more_nanos: float) -> None:
        """Take it that what was played lay so much later behind its grid than was taken out of it."""
        learned = self.lag_nanos + LAG_GAIN * more_nanos
        self.lag_nanos = round(min(MOST_LAG_NANOS, max(-MOST_LAG_NANOS, learned)))

    def release(self, now: Nanos, *, port: str | None = None) -> None:
        """End every key and bring every controller to rest, or those of one keyboard that has gone."""
        tick, date = self._transport.tick(now), self._transport.tick(Nanos(now - self.lag_nanos))

        def leaves(source: Source) -> bool:
            return port in (None, source[0])

        for key in [key for key in self._down if leaves(key[:2])]:
            self._end(key, date, now)
            self._output.played(tick, note_off(*key[1:]))
        for source, status, data in self._controllers.resting(leaves):
            self._output.played(tick, bytes((status | (source[1] - 1),)) + data)
        self._rest(leaves, now)
        if port is None:
            self._capture.release_all(date)
        else:
            self._capture.release_port(port, date)
        if port is not None:
            self._mpe.forget(port)

    def forget(self, tick: Tick) -> None:
        """Take every key as let go and every controller as at rest, after everything was silenced."""
        self._down.clear()
        self._sounding.clear()
        self._controllers.clear()
        self._capture.release_all(tick)

    def toggle_thru(self, now: Nanos) -> None:
        """Switch thru; keys that sound are ended first, pedals and wheels are where they are afterwards."""
        for key in list(self._sounding):
            self._hush(key, note_off(1, key[2]), now, now)
        away = self._controllers.away()
        if self.thru:
            for status, _, rest in away:
                self._send(status, rest, now, due=now)
        self.thru = not self.thru
        for status, data, _ in away:
            self._send(status, data, now, due=now)  # nothing where it was switched off
        self._notices.add("info", f"thru {'on' if self.thru else 'off'}")

    def down(self) -> list[int]:
        """Return the keys that are held down."""
        return sorted(set(self._down.values()))
