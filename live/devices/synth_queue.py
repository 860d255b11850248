"""FluidSynth's sequencer: notes given ahead, each begun in the block of samples nearest to its moment.

FluidSynth renders what its driver asks for, a period of the audio system or more at once, in blocks of 64
samples.  A note sent to it begins with the next block that is rendered: by a period sooner or later.  Its
sequencer goes on block by block, so a note that lies there in time begins half a block off at most, .67 ms at
48 kHz.  It counts whole milliseconds; each block begins in one of its own.
Threads: engine only, but for the audio driver's, which is FluidSynth's.  Realtime: yes, a few us a message.
"""

import ctypes
from typing import Any

from live.timing.host_line import HostLine
from live.timing.midi_bytes import ALL_NOTES_OFF, ALL_SOUND_OFF, CONTROL, is_note_off
from live.timing.timeline import Nanos

BLOCK = 64  # FLUID_BUFSIZE, fixed when FluidSynth is built
AHEAD = 1.5  # blocks after the last one rendered: no sooner can a note be sure to find its block
MARGIN_NANOS = 6_000_000
CHANNELS = 16

_NOTE_ON, _ALL = 1, -1  # fluid_seq_event_type
_EVENTS: dict[int, tuple[str, tuple[type, ...]]] = {
    0x80: ("fluid_event_noteoff", (ctypes.c_short,)),
    0x90: ("fluid_event_noteon", (ctypes.c_short, ctypes.c_short)),
    0xA0: ("fluid_event_key_pressure", (ctypes.c_short, ctypes.c_int)),
    0xB0: ("fluid_event_control_change", (ctypes.c_short, ctypes.c_int)),
    0xC0: ("fluid_event_program_change", (ctypes.c_int,)),
    0xD0: ("fluid_event_channel_pressure", (ctypes.c_int,)),
    0xE0: ("fluid_event_pitch_bend", (ctypes.c_int,)),
}


class SynthQueue:
    """A sequencer before a synth.

    Args:
        api: pyfluidsynth.
        synth: FluidSynth's pointer.
        rate: samples a second.
        period_nanos: what is rendered at once.

    Attributes:
        lead_nanos: so long before it is due a message must be given.
    """

    def __init__(self, api: Any, synth: int, *, rate: float, period_nanos: int) -> None:  # noqa: ANN401
        library = self._library = api._fl  # noqa: SLF001  pyfluidsynth leaves some calls unwrapped
        for name, types in _EVENTS.values():
            function = getattr(library, name)
            function.argtypes, function.restype = [ctypes.c_void_p, ctypes.c_int, *types], None
        library.fluid_sequencer_remove_events.argtypes = [
            ctypes.c_void_p,
            *[ctypes.c_short] * 2,
            ctypes.c_int,
        ]
        library.fluid_sequencer_remove_events.restype = None
        library.fluid_sequencer_unregister_client.argtypes = [ctypes.c_void_p, ctypes.c_short]
        library.fluid_sequencer_unregister_client.restype = None
        library.fluid_sequencer_register_client.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        library.fluid_sequencer_register_client.restype = ctypes.c_short
        self._api, self._rate = api, rate
        self._sequencer: int | None = api.new_fluid_sequencer2(0)
        self._synth = api.fluid_sequencer_register_fluidsynth(self._sequencer, synth)
        # a source for each channel: by it the notes of one channel can be taken back
        self._sources = [
            library.fluid_sequencer_register_client(self._sequencer, b"channel", None, None)
            for _ in range(CHANNELS)
        ]
        self._event: int | None = api.new_fluid_event()
        self._last_due = [0] * CHANNELS
        self.timed(period_nanos)

    def timed(self, period_nanos: int) -> None:
        """Know that so much is rendered at once from now on."""
        self._line = HostLine(1e6, coarse_nanos=period_nanos)
        self.lead_nanos = period_nanos + MARGIN_NANOS

    def observe(self, now: int) -> None:
        """See how far it has rendered; the oftener it is done, the better it is known where it will be."""
        self._line.observe(self._api.fluid_sequencer_get_tick(self._sequencer), now)

    def send_at(self, data: bytes, due: Nanos, now: int) -> None:
        """Let a channel message play at a moment; what is no channel message is left out."""
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind not in _EVENTS or self._sequencer is None:
            return
        self.observe(now)
        block = round(self._line.count(due) * self._rate / (1000 * BLOCK) + AHEAD)
        tick = int(1000 * BLOCK * block // self._rate)
        if kind == 0xE0:
            values: tuple[int, ...] = (data[1] | data[2] << 7,)
        elif is_note_off(data):
            kind, values = 0x80, (data[1],)
        else:
            values = tuple(data[1:])
        api = self._api
        api.fluid_event_set_source(self._event, self._sources[channel])
        api.fluid_event_set_dest(self._event, self._synth)
        getattr(self._library, _EVENTS[kind][0])(self._event, channel, *values)
        api.fluid_sequencer_send_at(self._sequencer, self._event, max(0, tick), 1)
        self._last_due[channel] = max(self._last_due[channel], due)

    def take_back(self, data: bytes, now: int) -> None:
        """Take back the notes that have not begun on a channel, where a message sent now ends some of it."""
        channel = data[0] & 0x0F
        ends = is_note_off(data) or (data[0] & 0xF0 == CONTROL and data[1] in (ALL_SOUND_OFF, ALL_NOTES_OFF))
        if ends and self._last_due[channel] > now - self.lead_nanos:
            self._remove(self._sources[channel], _NOTE_ON)

    def clear(self) -> None:
        """Take back everything."""
        self._remove(_ALL, _ALL)

    def _remove(self, source: int, kind: int) -> None:
        if self._sequencer is not None:
            self._library.fluid_sequencer_remove_events(self._sequencer, source, self._synth, kind)

    def close(self) -> None:
        """Leave the synth; safe to call twice."""
        sequencer, self._sequencer = self._sequencer, None
        if sequencer is not None:
            self._library.fluid_sequencer_remove_events(sequencer, _ALL, _ALL, _ALL)
            self._library.fluid_sequencer_unregister_client(sequencer, self._synth)
            self._api.delete_fluid_event(self._event)
            self._api.delete_fluid_sequencer(sequencer)
