"""Who leads the jam from outside, by Ableton Link or JACK's transport; loaded only by who wants it."""

from live.jam.jam import Jam
from live.jam.protocols import Leader
from live.settings.schema import Config


def leader_of(config: Config, jam: Jam) -> Leader | None:
    """Return the leader that the settings name; None for the jam's own beat, or MIDI clock."""
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
