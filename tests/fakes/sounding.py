"""Which notes sound on after some messages."""

from collections.abc import Iterable

from live.timing.midi_bytes import is_note_off, is_note_on


def sounding(messages: Iterable[bytes], *, all_off: bool = False) -> set[tuple[int, int]]:
    """Return (channel 0..15, pitch) of the notes that were begun and not ended.

    Args:
        messages: in their order.
        all_off: whether CC 120 and 123 end notes, too, as at a synth.
    """
    notes: set[tuple[int, int]] = set()
    for data in messages:
        channel = data[0] & 0x0F
        if is_note_on(data):
            notes.add((channel, data[1]))
        elif is_note_off(data):
            notes.discard((channel, data[1]))
        elif all_off and data[0] & 0xF0 == 0xB0 and data[1] in (120, 123):
            notes = {note for note in notes if note[0] != channel}
    return notes
