"""Single MIDI files to phrases and back, through mido.  Bulk reading is the trainer's business.

Written files have 480 ticks per beat; read ones may have any number.  Times in a file are ticks.
"""

import math
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import mido

from model.errors import ModelError
from model.grid import TICKS_PER_BEAT, Grid
from model.phrase import Note, Phrase

MAX_BYTES = 8_000_000
MAX_PHRASES = 10_000
DRUM_CHANNEL = 9

Span = tuple[int, int, int, int]  # onset tick, end tick, pitch, velocity


class MidiFileError(ModelError):
    """A MIDI file that is missing, damaged or holds nothing to play."""


def to_midi(
    phrases: Sequence[Phrase],
    *,
    tempo_bpm: float = 120.0,
    channel: int = 0,
    program: int = 0,
    name: str = "",
) -> mido.MidiFile:
    """Return phrases one after another as a MIDI file of one track.

    Micro-offsets are kept to the tick; on one tick note-offs come before note-ons.

    Args:
        phrases: all on grids of one metre.
        tempo_bpm: quarter notes per minute, 4..1000.
        channel: 0..15.
        program: General MIDI program, 0..127.
        name: of the track.

    """
    events: list[tuple[int, int, mido.Message]] = []
    start = 0
    for phrase in phrases:
        for onset, end, pitch, velocity in _ticks(phrase):
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
            off = mido.Message("note_off", channel=channel, note=pitch, velocity=0)
            events += [(start + onset, 1, on), (start + end, 0, off)]
        start += phrase.grid.ticks
    track = mido.MidiTrack()
    if name:
        track.append(mido.MetaMessage("track_name", name=name.encode("latin-1", "replace").decode("latin-1")))
    beats = phrases[0].grid.beats_per_bar if phrases else 4
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    track.append(mido.MetaMessage("time_signature", numerator=beats, denominator=4))
    track.append(mido.Message("program_change", channel=channel, program=program))
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, start - now)))
    return mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track])


def _ticks(phrase: Phrase) -> list[Span]:
    """Return the notes in ticks of the phrase; a note ends at the latest where its key starts again."""
    size = phrase.grid.ticks_per_step
    following: dict[int, int] = {}
    spans: list[Span] = []
    for note in reversed(phrase.notes):
        onset = max(0, note.onset * size + round(note.offset * size))
        end = min((note.onset + note.length) * size, following.get(note.pitch, phrase.grid.ticks))
        spans.append((onset, max(onset + 1, end), note.pitch, note.velocity))
        following[note.pitch] = onset
    return spans


def save(
    path: Path,
    phrases: Sequence[Phrase],
    *,
    tempo_bpm: float = 120.0,
    channel: int = 0,
    program: int = 0,
    name: str = "",
) -> None:
    """Write phrases one after another to a .mid file: the whole new one or, on failure, the old one.

    Raises:
        MidiFileError: it cannot be written.

    """
    file = to_midi(phrases, tempo_bpm=tempo_bpm, channel=channel, program=program, name=name)
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file.save(str(beside))
        os.replace(beside, path)  # noqa: PTH105 - the atomic one
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise MidiFileError(f"cannot write '{path}': {error.strerror or error}") from error


def load(path: Path, grid: Grid, *, drums: bool = False) -> list[Phrase]:
    """Read a .mid file as phrases, one after another from its first tick, the last one filled with rests.

    All its tracks and channels are put together (drums apart); the file's metre is not heeded.

    Args:
        path: of a Standard MIDI File, at most 8 MB.
        grid: to lay the notes on; distances from it become micro-offsets.
        drums: read channel 10 instead of all the others.

    Raises:
        MidiFileError: it is missing, no MIDI file, or holds no notes.

    """
    file = _open(path)
    spans = [span for track in file.tracks for span in _spans(track, drums=drums)]
    if not spans:
        kind = "drum notes (channel 10)" if drums else "pitched notes"
        raise MidiFileError(f"'{path}' holds no {kind}")
    phrases = on_grid(spans, file.ticks_per_beat, grid)
    if len(phrases) > MAX_PHRASES:
        raise MidiFileError(f"'{path}' is longer than {MAX_PHRASES * grid.bars} bars")
    return phrases


def _open(path: Path) -> mido.MidiFile:
    """Parse a file, whatever it holds."""
    if not path.is_file():
        kind = "is not a regular file" if path.exists() else "does not exist"
        raise MidiFileError(f"the MIDI file '{path}' {kind}")
    try:
        large = path.stat().st_size > MAX_BYTES
        file = None if large else mido.MidiFile(str(path), clip=True)
    except Exception as error:  # the parser raises many kinds
        raise MidiFileError(f"'{path}' is not a MIDI file that can be read: {_plain(error)}") from error
    if file is None:
        raise MidiFileError(f"the MIDI file '{path}' is larger than {MAX_BYTES // 1_000_000} MB")
    if file.ticks_per_beat <= 0:
        raise MidiFileError(
            f"'{path}' counts time in {file.ticks_per_beat} ticks per beat; that needs 1 or more"
        )
    return file


def _plain(error: Exception) -> str:
    """Return the parser's words, or what an empty message means."""
    text = str(error).splitlines()
    return text[0][:120] if text else "it ends too early"


def _spans(track: Iterable[mido.Message], *, drums: bool) -> list[Span]:
    """Pair the note-ons and note-offs of a track; what still sounds ends with it."""
    sounding: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    spans: list[Span] = []
    now = 0
    for message in track:
        now += int(message.time)
        if message.type not in {"note_on", "note_off"} or (message.channel == DRUM_CHANNEL) != drums:
            continue
        key = (message.channel, message.note)
        if message.type == "note_on" and message.velocity:
            sounding[key].append((now, message.velocity))
        elif sounding[key]:
            onset, velocity = sounding[key].pop(0)
            spans.append((onset, now, message.note, velocity))
    for (_, pitch), started in sounding.items():
        spans += [(onset, now, pitch, velocity) for onset, velocity in started]
    return spans


def on_grid(spans: Iterable[Span], ticks_per_beat: int, grid: Grid) -> list[Phrase]:
    """Lay notes in ticks on phrases of a grid, one after another from tick 0.

    A note belongs to the phrase in which its nearest step lies, and is cut at that phrase's end.

    Args:
        spans: (onset tick, end tick, pitch, velocity) in any order.
        ticks_per_beat: of those ticks.
        grid: of the phrases.

    """
    scale = grid.steps_per_beat / ticks_per_beat
    notes: defaultdict[int, list[Note]] = defaultdict(list)
    for onset, end, pitch, velocity in spans:
        place = onset * scale
        step = math.floor(place + 0.5)
        number, within = divmod(step, grid.steps)
        length = max(1, round(end * scale) - step)
        offset = min(0.5, max(-0.5, place - step))
        notes[number].append(Note(within, pitch, velocity, min(length, grid.steps - within), offset))
    # an endless gap (a delta of 2^28) makes no endless list: load refuses it by its last number
    last = min(max(notes, default=-1), MAX_PHRASES)
    return [Phrase.of(grid, notes.get(number, ())) for number in range(last + 1)]
