"""From the bytes of one MIDI file to windows of notes on the grid.  Runs in worker processes."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import mido
import numpy as np
from numpy.typing import NDArray

from model.errors import MidiFileError
from model.midi.file import MAX_BYTES, voices_of
from model.midi.parse import SmfFile, plain
from model.midi.parse import parse as parse_smf
from model.midi.voices import DRUM_CHANNEL, is_drums
from model.music.grid import Grid
from trainer.corpus.reading.fingerprints import fingerprints
from trainer.corpus.reading.sheets import Sheet, Sheets, SongTracks
from trainer.corpus.reading.tracks import Span, Track
from trainer.corpus.windows.bar_line import BarLine, Unbarred, find
from trainer.corpus.windows.bar_runs import Metres, bar_runs, may_be_long
from trainer.corpus.windows.drum_windows import Hits, drum_windows
from trainer.corpus.windows.ensemble_windows import multitrack_windows
from trainer.corpus.windows.phrase_windows import (
    WEAKEST_BEAT,
    Windows,
    alone,
    beat_strength,
    fewest,
    melody_windows,
    off_grid,
    poly_windows,
)

CODECS = ("melody", "poly", "drums", "multitrack")
PIECES = tuple(f"{codec} pieces" for codec in CODECS)
"""All windows of each in their order, see `Windows.every`."""
MAX_NOTES = 200_000
LONGEST_FILE = (1 << 28) - 1  # ticks, the largest time that one event can wait
VARIED = 3  # velocities from which a song counts as played or marked


class UnreadableError(ValueError):
    """A file that gives no phrases; the text says why."""


@dataclass(slots=True)
class Reading:
    """What one file gave.

    Attributes:
        windows: by codec, and by the names of `PIECES`.
        fingerprint: uint64, hashes of runs of its upper line; see `fingerprints.fingerprints`.
        varied: by codec, whether the velocities vary.
        note: what was assumed of the file, as the end of "...: bar line found from the notes"; "" nothing.
    """

    windows: dict[str, Windows]
    fingerprint: NDArray[np.uint64]
    varied: dict[str, bool]
    note: str = ""


def read(data: bytes, grid: Grid, *, metres: str = "own", metre: str = "") -> Reading:
    """Read a MIDI file's windows.

    Args:
        data: of the file.
        grid: of the windows.
        metres: `own` reads bars of the grid's length; `all` also lays its bars over music in other metres.
        metre: such as `4/4`, of all that is read, whatever the file says; "" heeds the file.

    Raises:
        UnreadableError: it is no MIDI file, too large, or holds nothing on this grid.
    """
    file = opened(data, grid, metres=metres, metre=metre)
    (found,) = read_together([file], grid, metres=metres, metre=metre)
    if isinstance(found, str):
        raise UnreadableError(found)
    return found


class OpenedFile(NamedTuple):
    """A file with notes.

    Attributes:
        tracks: those with notes.
        beaten: which of them are drums.
        metres: what the file says of its bars.
    """

    tracks: list[Track]
    beaten: list[bool]
    metres: Metres

    @property
    def size(self) -> int:
        """Count the notes."""
        return sum(len(track.notes["time"]) for track in self.tracks)

    @property
    def groups(self) -> int:
        """Count the tracks in runs of bars, if each signature begins one."""
        return len(self.tracks) * (1 + len(self.metres.signatures))

    def side(self, spans: list[Span], *, beaten: bool) -> SongTracks:
        """Return the drums in runs of bars, or all else; nothing where there is no run."""
        tracks = [t for t, is_one in zip(self.tracks, self.beaten, strict=True) if is_one is beaten]
        return SongTracks(tracks if spans else (), self.metres.tpq, spans)


def opened(data: bytes, grid: Grid, *, metres: str = "own", metre: str = "") -> OpenedFile:
    """Read a file's tracks; arguments and errors are those of `read`."""
    score = parse(data)
    tracks = Track.all_of(score.tracks)
    if not tracks:
        raise UnreadableError("no notes")
    if sum(len(track.notes["time"]) for track in tracks) > MAX_NOTES:
        raise UnreadableError(f"more than {MAX_NOTES} notes")
    written = Metres.of(score)
    if not (metres == "all" or metre or may_be_long(written, grid)):
        raise UnreadableError(_no_bars(grid))
    beaten = [is_drums(DRUM_CHANNEL * track.is_drum, track.name, track.program) for track in tracks]
    return OpenedFile(tracks, beaten, written)


def _no_bars(grid: Grid) -> str:
    return f"no {grid.bars} bars of {grid.beats_per_bar}/4 in a row"


def read_together(
    files: Sequence[OpenedFile], grid: Grid, *, metres: str = "own", metre: str = ""
) -> list[Reading | str]:
    """Return of each file its windows, or why it has none; numpy looks at all of them at once."""
    bars = _bar_lines(files, metre)
    spans = [
        bar_runs(file.metres, grid, other=metres == "all", line=line)
        for file, line in zip(files, bars, strict=True)
    ]
    songs, beats = (
        [file.side(runs, beaten=beaten) for file, runs in zip(files, spans, strict=True)]
        for beaten in (False, True)
    )
    lines, drums = Sheets(songs, grid), Sheets(beats, grid)
    weak = (beat_strength(lines) < WEAKEST_BEAT).tolist()
    if any(weak):  # only the drums, which keep their places, may lie on it
        lines = Sheets(
            [song._replace(tracks=() if off else song.tracks) for song, off in zip(songs, weak, strict=True)],
            grid,
        )
    hits = Hits(drums)
    result = {
        "melody": melody_windows(lines),
        "poly": poly_windows(lines),
        "drums": drum_windows(drums, hits),
        "multitrack": multitrack_windows(lines, drums, hits),
    }
    grams, pitched, hit = fingerprints(lines, drums), varied(lines), varied(drums)
    found: list[Reading | str] = []
    for number in range(len(files)):
        windows = {codec: each[number] for codec, each in result.items()}
        if not spans[number]:
            found.append(_no_bars(grid))
        elif weak[number] and not drums.size_of(number):
            found.append("its notes keep to no beat of the file: played without its click")
        elif not any(len(each.counts) for each in windows.values()):
            found.append(_why(Sheet(lines, number), drums.size_of(number), grid))
        else:
            either = pitched[number] or hit[number]
            velocities = dict(
                zip(CODECS, (pitched[number], pitched[number], hit[number], either), strict=True)
            )
            pieces = {
                name: windows[codec].every or Windows() for name, codec in zip(PIECES, CODECS, strict=True)
            }
            found.append(Reading(windows | pieces, grams[number], velocities, bars[number].note))
    return found


def _bar_lines(files: Sequence[OpenedFile], metre: str) -> list[BarLine]:
    """Return where the bars lie, by the notes with pitches; with a metre that is assumed, in that."""
    assumed: tuple[int, int] | None = None
    if metre:
        numerator, denominator = (int(number) for number in metre.split("/"))
        assumed = numerator, denominator
    lines = find(
        [
            Unbarred(
                [track for track in file.tracks if not track.is_drum],
                file.metres.tpq,
                [(0, *assumed)] if assumed else file.metres.signatures,
            )
            for file in files
        ]
    )
    if assumed is None:
        return lines
    notes = [f"metre taken as {metre}" + (f", {line.note}" if line.note else "") for line in lines]
    return [line._replace(signature=assumed, note=note) for line, note in zip(lines, notes, strict=True)]


def _why(lines: Sheet, drums: int, grid: Grid) -> str:
    """Say why a file with notes and bars gives no window."""
    notes, _ = lines.notes()
    if off_grid(alone(notes), grid)[0]:
        return f"its notes are on another grid than {grid.steps_per_beat} steps to the beat: triplets, say"
    if len(notes) + drums < fewest(grid):
        return f"it holds fewer than {fewest(grid)} notes"
    holds = f"holds {fewest(grid)} notes or more on the grid, with one in every other bar"
    return f"no window of {grid.bars} bars {holds}"


def varied(sheets: Sheets) -> list[bool]:
    """Tell of each song whether velocities vary."""
    counts = np.bincount(sheets.song << 7 | sheets.velocities, minlength=len(sheets) << 7)
    return [bool(each) for each in np.count_nonzero(counts.reshape(-1, 128), axis=1) >= VARIED]


def parse(data: bytes) -> Any:  # noqa: ANN401 - symusic publishes no types
    """Return a symusic score of the bytes; its times are ticks.

    Raises:
        UnreadableError: too large, no MIDI, or its division is not ticks per beat.
    """
    from symusic import Score  # noqa: PLC0415 - only the workers of prepare need the trainer extra

    if len(data) > MAX_BYTES:
        raise UnreadableError(f"larger than {MAX_BYTES // 1_000_000} MB")
    score: Any = None
    if plain(data):
        with suppress(Exception):  # the parser raises many kinds; ours says what is wrong
            score = Score.from_midi(data)
    if score is None or any(track.start() < 0 for track in score.tracks):  # times beyond 32 bits
        try:
            score = Score.from_midi(tidy(parse_smf(data)))
        except MidiFileError as error:
            raise UnreadableError(f"not a MIDI file that can be read: {error}") from error
    return score


def tidy(file: SmfFile) -> bytes:
    """Return a file as bytes that keep to the format, with all drums on channel 10.

    Raises:
        UnreadableError: it is endless.
    """
    for track in file.tracks:
        if sum(message.time for message in track) > LONGEST_FILE:
            raise UnreadableError(f"longer than {LONGEST_FILE} ticks")
        drums = {voice.channel for voice in voices_of(track) if voice.is_drums}
        for message in track if drums else ():
            if not message.is_meta and message.channel in drums:
                message.channel = DRUM_CHANNEL
    data = BytesIO()
    mido.MidiFile(ticks_per_beat=file.ticks_per_beat, tracks=file.tracks).save(file=data)
    return data.getvalue()
