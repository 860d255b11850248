"""The key that the performer plays in, and the key that what is new keeps to.

Owns: the key of each of the last phrases.
Tested in tests/live/worker/test_serve.py.
"""

from dataclasses import replace

from live.settings.schema import AS_PLAYED
from model.latent.geometry import Latent
from model.music.harmony import key_named
from model.music.key import Key, key_of
from model.music.phrase import Phrase
from model.music.tracks import DRUMS

MOST_KEYS = 64


class PlayedKeys:
    """Learns keys from what was played.  `present`: that the performer plays in; None for none."""

    def __init__(self) -> None:
        self.present: Key | None = None
        self._keys: dict[bytes, Key | None] = {}  # by the vectors of the phrases

    @property
    def name(self) -> str:
        """The name of the present key, "" for none."""
        return self.present.name if self.present else ""

    def hear(self, phrase: Phrase, latent: Latent) -> None:
        """Take what was played, and where it lies."""
        self.present = key_of(phrase.notes, self.present)
        self._keys[latent.z.tobytes()] = self.present
        for old in list(self._keys)[:-MOST_KEYS]:
            del self._keys[old]

    def keep(self, latent: Latent, wanted: str) -> Latent:
        """Return a latent near which what is new keeps to a key: a named one, or that which was played in."""
        source = latent.source
        if source is None or wanted == "off" or source.scale is not None:
            return latent
        if wanted == AS_PLAYED:
            scale = frozenset(note.pitch % 12 for note in source.phrase.notes if note.track != DRUMS)
            return replace(latent, source=replace(source, scale=scale)) if scale else latent
        if wanted == "auto":
            place = source.z.tobytes()
            key = self._keys[place] if place in self._keys else key_of(source.phrase.notes)
        else:
            key = key_named(wanted)
        return replace(latent, source=replace(source, scale=key.scale)) if key else latent
