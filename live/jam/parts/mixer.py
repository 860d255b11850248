"""The mixer: which of the model's parts play, and how loud each is.

Owns: the level that each channel was sent last, and which parts are left out.
Threads: engine only.
Tested in tests/live/jam/parts/test_parts.py.
"""

from collections.abc import Iterable, Mapping

from live.jam.parts.mutes import Mutes
from live.jam.parts.parts import Channels
from live.jam.protocols import Output
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.sender import Sender
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import Stream, control
from live.timing.timeline import Nanos, Tick
from live.timing.transport import Transport
from model.music.tracks import TRACKS

VOLUME_CONTROL = 7


class Mixer:
    """Mutes parts and sets the volumes of their channels.

    Args:
        knobs: present values by name; read, never written.
        channels: of the tracks, 1..16.

    Attributes:
        mutes: which parts are left out.
    """

    def __init__(
        self,
        plan: Plan,
        sender: Sender,
        transport: Transport,
        *,
        knobs: Mapping[str, float],
        channels: Channels,
        output: Output,
    ) -> None:
        self._plan, self._sender, self._transport, self._output = plan, sender, transport, output
        self._knobs, self._channels = knobs, channels
        self._sent = dict.fromkeys(channels, _midi(knobs["volume"]))
        self._turned = False
        self.mutes = Mutes()

    def restore(self, mutes: Mutes) -> None:
        """Leave these parts out before anything plays."""
        self.mutes, self._plan.muted = mutes, mutes.left_out

    def mute(self, mutes: Mutes, now: Nanos) -> None:
        """Leave these of the model's parts out from now on, and no others."""
        self.mutes, muted = mutes, mutes.left_out
        changed = self._plan.muted ^ muted
        tick = self._sender.sent_to(now) if self._transport.running else Tick(0)
        self._plan.mute(muted, self._plan.next_step(tick), now=tick)
        for track in sorted(changed):
            text = f"{'mute' if track in muted else 'unmute'} {TRACKS[track]}"
            self._output.marker(self._transport.tick(now), text)

    def send_levels(self, now: Nanos, *, every_part: bool = False) -> None:
        """Send the level of every part that plays, or also of those that only another model plays.

        Until the knob was turned, it is a matter of setting up: some outputs keep the levels they have.
        """
        self._turned |= any(
            value != KNOBS[name].rest for name, value in self._knobs.items() if name.startswith("volume")
        )
        levels = self._levels(range(len(TRACKS)) if every_part else self._plan.tracks)
        self._send(levels, now, stream=Stream.INSTRUMENT if self._turned else Stream.SETUP)

    def send_missed(self, now: Nanos) -> None:
        """Send the levels of the parts whose channels were sent others last."""
        levels = self._levels(self._plan.tracks)
        missed = {channel: level for channel, level in levels.items() if self._sent[channel] != level}
        self._send(missed, now, stream=Stream.INSTRUMENT)

    def present(self) -> list[bytes]:
        """Return what sets every channel to the level that it has, for a synth that joins late."""
        return _messages(self._sent)

    def _send(self, levels: dict[int, int], now: Nanos, *, stream: Stream) -> None:
        self._sent.update(levels)
        self._sender.send_now(_messages(levels), now, stream=stream)

    def _levels(self, tracks: Iterable[int]) -> dict[int, int]:
        """Return the level of each channel that tracks play on; of two on a channel the first has its own."""
        levels: dict[int, int] = {}
        for track in tracks:
            part = self._knobs[f"volume.{TRACKS[track]}"] if len(self._plan.tracks) > 1 else 1.0
            levels.setdefault(self._channels[track], _midi(self._knobs["volume"] * part))
        return levels


def _messages(levels: Mapping[int, int]) -> list[bytes]:
    return [control(channel, VOLUME_CONTROL, level) for channel, level in levels.items()]


def _midi(volume: float) -> int:
    return round(volume * 127)
