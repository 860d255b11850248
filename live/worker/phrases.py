"""Phrases between the performer and the model: what of one the model is shown, and what its notes say.  Pure.

Tested in tests/live/worker/test_serve.py, tests/live/jam/test_feel.py.
"""

from collections.abc import Sequence

from live.ipc.messages import Encode
from model.codecs.registry import build
from model.latent.geometry import Latent
from model.music.chord_finding import GUESS, beats_of, progression
from model.music.grid import Grid
from model.music.harmony import chord_number
from model.music.key import Key, blues_of, key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.inference.splice import overlapping
from model.playing.player import Player
from model.transcription.struck import Struck
from model.transcription.transcribe import Transcription, transcribe


def transcribed(request: Encode, grid: Grid) -> Transcription:
    """Return a phrase as it was played, on the grid that fits it, and what of it a model is shown.

    A phrase that has its places keeps them.
    """
    if request.struck:
        return transcribe(
            [Struck(*row) for row in request.struck],
            grid,
            swing=request.swing,
            ms_per_tick=request.tick_nanos / 1e6,
        )
    phrase = Phrase.of(grid, request.notes)
    return Transcription(phrase, shown_of(phrase), 0.0, request.swing, 1.0)


def named(phrase: Phrase, player: Player) -> Phrase:
    """Return all of a phrase's notes by the tracks and keys that a model's answers have for them."""
    if player.card.codec == "multitrack" and player.divide is not None:
        return player.divide(phrase)
    return build(player.card.codec, player.card.grid).named(phrase)


def shown_of(phrase: Phrase) -> Phrase:
    """Return what a model is shown of a phrase whose notes have their places."""
    if not any(note.displacement for note in phrase.notes):
        return phrase
    size = phrase.grid.ticks_per_step
    struck = []
    for note in phrase.notes:
        start = round((note.onset + note.displacement + note.offset) * size)
        end = start + max(1, round((note.length + note.release) * size))
        struck.append(Struck(start, end, note.pitch, note.velocity))
    return transcribe(struck, phrase.grid).shown


def with_parts(played: Phrase, joined: Phrase, parts: Sequence[int]) -> Phrase:
    """Return what was played with those parts of a phrase that joined it."""
    present = {note.track for note in played.notes}
    beside = (note for note in joined.notes if note.track in parts and note.track not in present)
    return Phrase.of(played.grid, [*played.notes, *beside])


def chordal_tracks(latent: Latent) -> list[int]:
    """Return the tracks in which what was played at a latent is more than one voice."""
    return [] if latent.source is None else [t for t in range(4) if overlapping(latent.source.phrase, t)]


def chords_in(notes: Sequence[Note], grid: Grid, key: Key | None = None) -> list[int]:
    """Return the chord of each beat of a phrase's notes as numbers, see `Point`.

    Args:
        notes: of the phrase; drums count for nothing.
        grid: of the phrase.
        key: that it is in; without one, the notes' own is guessed.
    """
    pitched = [note for note in notes if note.track != DRUMS]
    beats = beats_of(pitched, grid)
    found = progression(
        beats, blues_of(pitched) or key or key_of(pitched, clear=GUESS), beats_per_bar=grid.beats_per_bar
    )
    return [*map(chord_number, found)]
