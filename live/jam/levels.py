"""The parts' levels: a volume controller on each channel that a part leaves on.  Threads: engine only."""

from collections.abc import Iterable

from live.jam.parts import Channels
from live.timing.midi_bytes import control

VOLUME_CONTROL = 7


class Levels:
    """Knows which level each channel was told last.

    Args:
        channels: of the tracks, 1..16.
        volume: 0..1, that every channel is taken to have.

    """

    def __init__(self, channels: Channels, volume: float) -> None:
        """Take every channel as told."""
        self._channels = channels
        self._told = dict.fromkeys(channels, round(volume * 127))

    def messages(self, tracks: Iterable[int], volume: float, *, all_over: bool = True) -> list[bytes]:
        """Return what tells the channels of some tracks a volume, each channel once.

        Args:
            tracks: see `model.music.tracks`.
            volume: 0..1.
            all_over: also to channels that have it already.

        """
        level = round(volume * 127)
        wanted = dict.fromkeys(self._channels[track] for track in tracks)
        late = [channel for channel in wanted if all_over or self._told[channel] != level]
        self._told.update(dict.fromkeys(late, level))
        return [control(channel, VOLUME_CONTROL, level) for channel in late]
