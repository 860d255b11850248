"""Real phrases that come with a model: music that somebody wrote or played, for its map.

They lie beside the checkpoint, `NAME.phrases.json`: a list of {"name", "source", "notes"}, notes as in
`model.music.phrase.Note`.  Your own checkpoint may have such a file, too.
"""

from pathlib import Path

import msgspec

from live.errors import FailureError
from model.files import as_path
from model.music.phrase import Note
from model.shipped import model_file

SUFFIX = ".phrases.json"
MOST = 512


class KnownPhrase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phrase, what it is the opening of, and where that comes from."""

    name: str
    source: str
    notes: list[Note]


def phrases_file(model: str) -> Path:
    """Return where a model's real phrases lie, whether there are any or not."""
    path = model_file(model) or as_path(model)
    return path.with_name(path.stem + SUFFIX)


def known_phrases(model: str) -> list[KnownPhrase]:
    """Return a model's real phrases, none where no file has them.

    Raises:
        FailureError: the file is damaged.
    """
    path = phrases_file(model)
    try:
        known = msgspec.json.decode(path.read_bytes(), type=list[KnownPhrase])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise FailureError(f"the phrases of '{path}' cannot be read: {error}") from None
    return known[:MOST]
