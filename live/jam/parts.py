"""The parts that a model plays: which tracks, each on its channel, in one voice or in many, and how loud.

Tracks are those of `model.music.tracks`; channels are 1..16.
Owns: the level that each channel was sent last.  Threads: any for the functions, engine only for `Levels`.
"""

from collections.abc import Callable, Iterable

from live.settings.config import MidiSettings
from live.timing.midi_bytes import control
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

Channels = tuple[int, int, int, int]
"""The channel of each track, in the order of `model.music.tracks`."""

VOLUME_CONTROL = 7
ALONE = (MELODY,)
CODEC_TRACKS: dict[str, tuple[int, ...]] = {
    "drums": (DRUMS,),
    "multitrack": (MELODY, CHORDS, BASS, DRUMS),
}
"""The tracks that a codec's phrases have; those of the others are one part, MELODY, whatever it holds."""

ONE_VOICE: dict[str, frozenset[int]] = {
    "melody": frozenset((MELODY,)),
    "multitrack": frozenset((MELODY, BASS)),
}
"""The tracks of a codec in which a note ends where the next one starts."""


def channels_of(midi: MidiSettings) -> Channels:
    """Return the channel of each track."""
    return midi.instrument_channel, midi.chords_channel, midi.bass_channel, midi.drum_channel


def tracks_of(codec: str) -> tuple[int, ...]:
    """Return the tracks that a codec's phrases have."""
    return CODEC_TRACKS.get(codec, ALONE)


def one_voice(codec: str) -> frozenset[int]:
    """Return the tracks of a codec that never sound two notes at once."""
    return ONE_VOICE.get(codec, frozenset())


def take_parts(midi: MidiSettings) -> dict[int, str]:
    """Return the channels of the parts beside the melody, with their names, that get tracks in a take."""
    named = zip(channels_of(midi), TRACKS, strict=True)
    return {channel: name for channel, name in named if channel != midi.instrument_channel}


class Levels:
    """Volume controllers for the channels that parts leave on.

    Args:
        channels: of the tracks, 1..16.
        volume: 0..1, that every channel is taken to have.

    """

    def __init__(self, channels: Channels, volume: float) -> None:
        """Take every channel as set."""
        self._channels = channels
        self._sent = dict.fromkeys(channels, round(volume * 127))

    def messages(
        self, tracks: Iterable[int], volume: Callable[[int], float], *, all_over: bool = True
    ) -> list[bytes]:
        """Return what sets the channels of some tracks to their volumes, each channel once.

        Args:
            tracks: see `model.music.tracks`; of two on a channel the first has its volume.
            volume: 0..1 of a track.
            all_over: also to channels that have it already.

        """
        wanted: dict[int, int] = {}
        for track in tracks:
            wanted.setdefault(self._channels[track], round(volume(track) * 127))
        late = {
            channel: level for channel, level in wanted.items() if all_over or self._sent[channel] != level
        }
        self._sent.update(late)
        return [control(channel, VOLUME_CONTROL, level) for channel, level in late.items()]

    def present(self) -> list[bytes]:
        """Return what sets every channel to the volume that it has."""
        return [control(channel, VOLUME_CONTROL, level) for channel, level in self._sent.items()]
