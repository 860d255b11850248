"""The parts that a model plays: which tracks, each on its channel, in one voice or in many.

Tracks are those of `model.music.tracks`; channels are 1..16.  Owns: nothing.  Threads: any.
"""

from live.settings.schema import Config, MidiSettings
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

Channels = tuple[int, int, int, int]
"""The channel of each track, in the order of `model.music.tracks`."""

ALONE = (MELODY,)
CODEC_TRACKS: dict[str, tuple[int, ...]] = {"drums": (DRUMS,), "multitrack": (MELODY, CHORDS, BASS, DRUMS)}
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


def programs_of(config: Config) -> dict[int, int]:
    """Return the program of each channel; of two voices on one, the first has its own."""
    midi, synth = config.midi, config.synth
    voices = zip(
        (midi.performer_channel, *channels_of(midi)),
        (
            synth.performer_program,
            synth.instrument_program,
            synth.chords_program,
            synth.bass_program,
            synth.drum_program,
        ),
        strict=True,
    )
    chosen: dict[int, int] = {}
    for channel, number in voices:
        chosen.setdefault(channel, number)
    return chosen
