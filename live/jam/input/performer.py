"""The performer: what is played goes thru at once, is recorded in the take, and is captured.

Owns: which keys are down.
Threads: engine only.  Realtime: yes.
"""

from collections.abc import Sequence

from live.ipc.commands import ChooseSong, Command
from live.jam.input.capture import Capture, Key
from live.jam.input.controllers import Source
from live.jam.input.first_note import FirstNote
from live.jam.input.listening import Listening
from live.jam.input.thru import Thru
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
        lag_ms: by how much the keyboard is late.

    Attributes:
        thru: the way of the keys to the outputs.
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
        thru: Thru,
        output: Output,
        notices: Notices,
        lag_ms: float = 0.0,
    ) -> None:
        self.thru = thru
        self.calls_songs = False
        self.bindings: Bindings | None = None
        self._capture, self._transport, self._listening = capture, transport, listening
        self._first_note = first_note
        self._output, self._notices = output, notices
        self.lag_nanos = round(lag_ms * 1e6)
        self._down: dict[Key, int] = {}

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
            self._down[key] = key[2]
            self.thru.strike(key, data, received.nanos, now)
            self._first_note.played(played, now)
        elif key:
            self._down.pop(key, None)
            self.thru.let_go(key, data, received.nanos, now)
        elif data[0] & 0xF0 == CONTROL and data[1] >= ALL_SOUND_OFF:
            self._mode(source, data, self._transport.tick(played), now)
        else:
            held = any(key[:2] == source for key in self._down)
            self.thru.move(source, data, received.nanos, now, held=held)
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
            for each in self.thru.governed(source):
                self._capture.pedal(*each, data[2], tick)

    def _mode(self, source: Source, data: bytes, tick: Tick, now: Nanos) -> None:
        """Let a channel mode message do to its own source's keys and controllers what it says, to no other's.

        Some keyboards send "all notes off" whenever their last key is let go.  What would cut the others
        leaves only while there is nothing of theirs; where the receiver listens is not a keyboard's to set.
        """
        number, governed = data[1], self.thru.governed(source)
        if number == RESET_CONTROLLERS:
            self.thru.rest(governed.__contains__, now)
            for each in governed:
                self._capture.pedal(*each, 0, tick)
            if not self.thru.at_rest:
                return
        elif number in _ENDING:
            for key in [key for key in self._down if key[:2] in governed]:
                self._end(key, tick, now)
            if not self.thru.silent or number in (ALL_NOTES_OFF, OMNI_OFF, OMNI_ON):
                return
        self.thru.mode(source, data, now)

    def _end(self, key: Key, tick: Tick, now: Nanos) -> None:
        """End a key that nobody lets go."""
        self._down.pop(key, None)
        self.thru.hush(key, now)
        self._capture.off(key, tick)
        self._listening.played(key, 0, now)

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
        for message in self.thru.resting(leaves):
            self._output.played(tick, message)
        self.thru.rest(leaves, now)
        if port is None:
            self._capture.release_all(date)
        else:
            self._capture.release_port(port, date)
            self.thru.unplug(port, now)

    def forget(self, tick: Tick) -> None:
        """Take every key as let go and every controller as at rest, after everything was silenced."""
        self._down.clear()
        self.thru.forget()
        self._capture.release_all(tick)

    def down(self) -> list[int]:
        """Return the keys that are held down."""
        return sorted(set(self._down.values()))
