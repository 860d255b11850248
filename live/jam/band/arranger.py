"""The arranger: what of a cell's phrase is heard, with the band's parts in the chords of the moment.

Owns: nothing; what it arranges lies in the cells.  Threads: engine only.
Tested in tests/live/jam/band/test_band.py.
"""

from live.jam.band.harmony import ChordsInPlay
from live.jam.plan import Cell
from model.edits.reharmonise import HARMONIC, reharmonised
from model.music.phrase import Phrase


class Arranger:
    """Arranges cells.

    Args:
        harmony: tells the chords.

    """

    def __init__(self, harmony: ChordsInPlay) -> None:
        """Arrange as the harmony says."""
        self._harmony = harmony

    def arranged(self, cell: Cell) -> Phrase | None:
        """Return what of a cell is to be heard."""
        phrase = cell.phrase
        if phrase is None or not cell.band & HARMONIC:
            return phrase
        present = self._harmony.steps(cell.index)
        if not any(present):
            return phrase
        pattern = [note for note in phrase.notes if note.track in cell.band]
        others = [note for note in phrase.notes if note.track not in cell.band]
        written = cell.written or (None,) * phrase.grid.beats
        key = self._harmony.key
        laid = reharmonised(
            pattern,
            written,
            present,
            grid=phrase.grid,
            scale=key.scale if key is not None else None,
            avoided=self._harmony.avoided(cell.index),
        )
        return Phrase.of(phrase.grid, [*others, *laid])
