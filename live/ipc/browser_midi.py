"""MIDI of browsers: what crosses between the page's process and the engine.

page -> engine: PlayMidi, WantMidi.  engine -> page: MidiOut.
Tested in tests/live/ipc/test_link.py.
"""

from live.ipc.messages import Message


class PlayMidi(Message, frozen=True):
    """A message of a keyboard elsewhere: taken as if it came in on a port of that name.

    Attributes:
        port: its name; empty data says that it has gone.
        data: one whole MIDI message.
        nanos: when it was played, on the engine's clock.
    """

    port: str
    data: bytes
    nanos: int


class WantMidi(Message, frozen=True):
    """Ask for all that leaves, or for no more of it."""

    wanted: bool


class MidiOut(Message, frozen=True):
    """What leaves, and when it is due.

    Attributes:
        performer: whether the performer's own keys sound through.
        drums: whether it goes to the drums, whatever their channel.
    """

    data: bytes
    due_nanos: int
    performer: bool
    drums: bool = False
