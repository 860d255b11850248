"""MIDI files of the offline commands: what a piece holds beside its notes, and writing it back.

Notes and grids are `model.midi.file`'s business; here are tempo maps, and what an edit leaves out.
Tested in tests/live/cli/offline/test_generate.py.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import mido

from live.errors import FailureError, UsageError
from live.jam.parts.parts import tracks_of
from model.errors import ModelError
from model.files import atomic_write
from model.midi import file as midi
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.phrase import Phrase

ENSEMBLE = "multitrack"
LONGEST_GRID_BARS = 64
MOST_ODDITIES = 3  # of a file that are named one by one
DEFAULT_TEMPO = 500_000  # microseconds per beat, where a file names none (MIDI 1.0: 120 bpm)


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a .mid file holds beside the notes that a phrase can keep.

    Attributes:
        tempos: (tick of 480 to the beat, microseconds per beat), in order; the first on tick 0.
        metres: the distinct time signatures, as "3/4", in order of appearance.
        program: General MIDI program of most notes, 0..127.
        tracks: how many tracks have pitched notes.
        notes: pitched notes.
        drums: notes of drums.
        gestures: pedal and other control changes, pitch bends and pressures.
        oddities: what was not as a MIDI file should be; see `model.midi.parse`.
    """

    tempos: tuple[tuple[int, int], ...]
    metres: tuple[str, ...]
    program: int
    tracks: int
    notes: int
    drums: int
    gestures: int
    oddities: tuple[str, ...] = ()

    @property
    def tempo_bpm(self) -> float:
        """The tempo at the start."""
        return float(mido.tempo2bpm(self.tempos[0][1]))


def read(path: Path, grid: Grid, *, codec: str = "") -> list[Phrase]:
    """Return a .mid file's notes, those that a codec is for, as phrases of a grid, one after another.

    Raises:
        FailureError: it is missing, damaged, too long or holds no notes.
    """
    with _faults(path):
        return midi.load(path, grid, codec=codec)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Tell what is wrong with a file, or with its place."""
    try:
        yield
    except ModelError as error:
        raise FailureError(str(error)) from error
    except OSError as error:  # a name that is too long, say
        raise FailureError(f"'{path}' cannot be read: {error.strerror or error}") from error


def read_opening(path: Path, grid: Grid, *, codec: str = "") -> Phrase:
    """Return the grid's bars from the first bar in which a note starts.

    Raises:
        FailureError: as `read`.
    """
    bars = LONGEST_GRID_BARS // grid.bars * grid.bars
    long = replace(grid, bars=bars)
    placed = [
        (index * long.steps + note.onset, note)
        for index, piece in enumerate(read(path, long, codec=codec))
        for note in piece.notes
    ]
    start = placed[0][0] // grid.steps_per_bar * grid.steps_per_bar
    return Phrase.of(
        grid, [note._replace(onset=step - start) for step, note in placed if step < start + grid.steps]
    )


def summarise(path: Path) -> FileSummary:
    """Return what a file holds beside its notes.

    Raises:
        FailureError: it is missing, damaged or no MIDI file.
    """
    with _faults(path):
        file = midi.open_file(path)
    tempos: dict[int, int] = {0: DEFAULT_TEMPO}
    metres: dict[str, None] = {}
    programs: Counter[int] = Counter()
    tracks = drums = gestures = 0
    for track in file.tracks:
        now = 0
        voices = midi.voices_of(track)
        pitched = [voice for voice in voices if not voice.is_drums]
        for voice in pitched:
            programs[voice.program] += len(voice.spans)
        tracks += bool(pitched)
        drums += sum(len(voice.spans) for voice in voices if voice.is_drums)
        for message in track:
            now += int(message.time)
            if message.type == "set_tempo":
                tempos[round(now * TICKS_PER_BEAT / file.ticks_per_beat)] = message.tempo
            elif message.type == "time_signature":
                metres[f"{message.numerator}/{message.denominator}"] = None
            elif message.type in ("control_change", "pitchwheel", "aftertouch", "polytouch"):
                gestures += 1
    program = programs.most_common(1)[0][0] if programs else 0
    ordered = tuple(sorted(tempos.items()))
    oddities = tuple(file.oddities)
    return FileSummary(ordered, tuple(metres), program, tracks, programs.total(), drums, gestures, oddities)


def odd(file: FileSummary) -> list[str]:
    """Return a sentence for each thing in which a file is not as the format says, few of them."""
    more = len(file.oddities) - MOST_ODDITIES
    said = [f"read as it is, though {oddity}" for oddity in file.oddities[:MOST_ODDITIES]]
    return said + [f"{_count(more, 'other thing')} not as the format says"] * (more > 0)


def left_out(file: FileSummary, grid: Grid, *, retained: int, lost: int, codec: str = "") -> list[str]:
    """Return a sentence for each thing that phrases of the grid do not keep of a file.

    Args:
        file: what it holds beside its notes.
        grid: of the model.
        retained: notes that the phrases hold.
        lost: of them, how many the model's codec cannot hold.
        codec: what the notes were read for.
    """
    sentences = odd(file)
    drums = codec == "drums"
    other, kind = (file.notes, "pitched") if drums else (file.drums, "drum")
    if other and codec != ENSEMBLE:
        sentences.append(f"{_count(other, f'{kind} note')} left out")
    read_of = file.notes + file.drums if codec == ENSEMBLE else file.drums if drums else file.notes
    doubled = read_of - retained
    if doubled > 0:
        sentences.append(
            f"{_count(doubled, 'note')} left out: another note has the same key on the same step"
        )
    if lost > 0:
        sentences.append(f"{_count(lost, 'note')} left out: the model's codec cannot hold them")
    if file.gestures:
        sentences.append(f"{_count(file.gestures, 'pedal, bend or other control message')} left out")
    if file.tracks > (3 if codec == ENSEMBLE else 1) and not drums:
        parts = "melody, chords and bass" if codec == ENSEMBLE else "one"
        sentences.append(f"{file.tracks} tracks put into {parts}")
    foreign = [metre for metre in file.metres if not _same_bar(metre, grid)]
    if foreign:
        metres = f"metre {foreign[0]} is" if len(foreign) == 1 else f"metres {', '.join(foreign)} are"
        sentences.append(f"the {metres} heard in bars of {grid.beats_per_bar} beats")
    return sentences


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _same_bar(metre: str, grid: Grid) -> bool:
    numerator, denominator = map(int, metre.split("/"))
    return numerator * 4 == grid.beats_per_bar * denominator


def write(
    path: Path,
    phrases: Sequence[Phrase],
    *,
    name: str,
    tempo_bpm: float = 120.0,
    like: FileSummary | None = None,
    codec: str = "",
) -> None:
    """Write phrases one after another to a .mid file: the whole new one or, on failure, the old one.

    Args:
        path: its folders are made.
        phrases: on grids of one metre.
        name: of the track.
        tempo_bpm: quarter notes per minute.
        like: gives the tempo map and the program instead.
        codec: of the model; each of its parts gets a track, drums stand on channel 10.

    Raises:
        UsageError: the path is a folder.
        FailureError: it cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder; name a .mid file to write")
    file = midi.to_midi(
        phrases,
        tempo_bpm=like.tempo_bpm if like else tempo_bpm,
        program=like.program if like else 0,
        name=name,
        tracks=tracks_of(codec),
    )
    if like:
        file.tracks[0] = _with_tempos(file.tracks[0], like.tempos)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            file.save(str(draft))
    except OSError as error:
        raise FailureError(f"cannot write '{path}': {error.strerror or error}") from error


def _with_tempos(track: mido.MidiTrack, tempos: Sequence[tuple[int, int]]) -> mido.MidiTrack:
    """Return the track with another tempo map, as far as the track lasts."""
    placed: list[tuple[int, mido.Message]] = []
    now = 0
    for message in track:
        now += int(message.time)
        if message.type != "set_tempo":
            placed.append((now, message))
    end = now
    ahead = [
        (tick, mido.MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in tempos if tick < max(end, 1)
    ]
    merged = sorted(
        [*ahead, *placed], key=lambda entry: entry[0]
    )  # stable: a tempo goes before its tick's notes
    result, now = mido.MidiTrack(), 0
    for tick, message in merged:
        result.append(message.copy(time=tick - now))
        now = tick
    return result
