"""A performer's phrases out of their MIDI files: takes that the instrument recorded, or any other files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.codecs.base import Codec, pack_phrase
from model.errors import MidiFileError
from model.files import missing
from model.midi import file
from model.midi.file import SUFFIXES
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from trainer.errors import OperationError, RequestError

PERFORMER = "performer"  # the track of a take that holds what the performer played
FEWEST_NOTES = 2
MOST_PHRASES = 400


@dataclass(frozen=True, slots=True)
class PerformerPhrases:
    """What was read.

    Attributes:
        phrases: distinct, as the codec holds them.
        files: that gave any.
        skipped: (file, one sentence why) of the others.
        foreign: files that gave some, in another metre than the codec's, each with its metre.
        found: distinct phrases that there were; of more than `MOST_PHRASES` some of every file are taken.
    """

    phrases: list[Phrase]
    files: list[str]
    skipped: list[tuple[str, str]]
    foreign: list[tuple[str, str]]
    found: int


def read(folder: Path, codec: Codec) -> PerformerPhrases:
    """Read a performer's phrases, one after another, none overlapping.

    Of a take that the instrument recorded only the performer's track is read.

    Args:
        folder: of MIDI files, folders below it too; or one file.
        codec: of the model, on the grid of its phrases.

    Raises:
        RequestError: the folder does not exist.
        OperationError: it holds no MIDI file, or none that gives a phrase; with the first reason.
    """
    if not folder.exists():
        raise RequestError(missing("the MIDI folder", folder))
    paths = (
        [folder]
        if folder.is_file()
        else sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    )
    if not paths:
        raise OperationError(f"no MIDI file (.mid, .midi) lies in '{folder}'")
    found: dict[tuple[Note, ...], Phrase] = {}
    files: list[str] = []
    skipped: list[tuple[str, str]] = []
    foreign: list[tuple[str, str]] = []
    for path in paths:
        try:
            phrases = phrases_of(path, codec)
        except MidiFileError as error:
            skipped.append((path.name, str(error)))
            continue
        if not phrases:
            skipped.append((path.name, f"'{path}' holds no phrase of {FEWEST_NOTES} notes or more"))
            continue
        files.append(path.name)
        metre = _foreign(path, codec.grid)
        if metre:
            foreign.append((path.name, metre))
        for phrase in phrases:
            found.setdefault(phrase.notes, phrase)
    if not found:
        raise OperationError(f"nothing to learn from: {skipped[0][1]}")
    every = list(found.values())
    evenly = np.linspace(0, len(every) - 1, min(MOST_PHRASES, len(every))).round().astype(int)
    return PerformerPhrases([every[place] for place in evenly], files, skipped, foreign, len(every))


def phrases_of(path: Path, codec: Codec) -> list[Phrase]:
    """Return one file's phrases as the codec holds them, those without music left out.

    Keys that the performer played in a take are one part whatever the codec: it takes them as drums or as an
    ensemble, as it does on the stage.

    Raises:
        MidiFileError: it is no MIDI file, or holds nothing for this codec.
    """
    names = {str(track.name) for track in file.open_file(path).tracks}
    if PERFORMER not in names:
        return _held(file.load(path, codec.grid, codec=codec.kind), codec)
    try:
        return _held(file.load(path, codec.grid, only=PERFORMER), codec)
    except MidiFileError:
        if codec.kind not in {"drums", "multitrack"}:
            raise
        return _held(file.load(path, codec.grid, codec="drums", only=PERFORMER), codec)


def _foreign(path: Path, grid: Grid) -> str:
    """Return the first metre of a file whose bars are not as long as the grid's; "" where all are."""
    for track in file.open_file(path).tracks:
        for message in track:
            if message.type == "time_signature":
                above, below = message.numerator, message.denominator
                if 4 * above != grid.beats_per_bar * below:
                    return f"{above}/{below}"
    return ""


def _held(phrases: Sequence[Phrase], codec: Codec) -> list[Phrase]:
    """Return what the codec keeps of phrases with music in them."""
    coded = (codec.unpack(pack_phrase(codec, phrase), 0) for phrase in phrases if len(phrase) >= FEWEST_NOTES)
    return [phrase for phrase in coded if len(phrase) >= FEWEST_NOTES]
