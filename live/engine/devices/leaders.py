"""Who leads the jam from outside; what needs a library is loaded only by who wants it."""

from live.jam.jam import Jam
from live.jam.leaders.midi_clock import MidiClock
from live.jam.leaders.time_code_clock import TimeCodeClock
from live.jam.protocols import Leader
from live.settings.schema import Config
from live.timing.midi_clock.time_code import read_time


def message_leader_of(config: Config, jam: Jam) -> MidiClock | TimeCodeClock | None:
    """Return the leader that the settings name where it leads by MIDI messages; else None."""
    midi = config.midi
    if midi.clock == "midi":
        return MidiClock(jam, wanted=midi.clock_source)
    if midi.clock == "mtc":
        return TimeCodeClock(jam, begins=read_time(midi.time_code_start), wanted=midi.clock_source)
    return None


def leader_of(config: Config, jam: Jam) -> Leader | None:
    """Return the leader that the settings name; None for the jam's own beat, or one by MIDI messages."""
    if config.midi.clock == "link":
        from live.devices.ableton_link import open_session  # noqa: PLC0415  as above
        from live.jam.leaders.ableton_clock import AbletonClock  # noqa: PLC0415

        return AbletonClock(jam, open_session(config.jam.bpm))
    if config.midi.clock == "jack":
        from live.devices.jack.timebase import open_timebase  # noqa: PLC0415
        from live.devices.jack.transport import open_transport  # noqa: PLC0415
        from live.jam.leaders.jack_clock import JackClock  # noqa: PLC0415

        return JackClock(jam, open_transport(), open_timebase())
    return None
