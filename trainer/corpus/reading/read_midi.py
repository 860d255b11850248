"""From the bytes of one MIDI file to windows of notes on the grid.  Runs in worker processes.

Two bars of half the grid's length (2/4 for 4/4) count as one, and a file without a time signature as the
grid's metre from its first tick.
"""

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
from trainer.corpus.windows.bar_line import OWN_BARS, BarLine, find, lies
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
    (found,) = read_together([opened(data, grid, metres=metres, metre=metre)], grid)
    if isinstance(found, str):
        raise UnreadableError(found)
    return found


class OpenedFile(NamedTuple):
    """A file with notes in runs of bars.

    Attributes:
        song: its tracks and runs.
        beaten: which of the tracks are drums.
        note: see `Reading`.

    """

    song: SongTracks
    beaten: list[bool]
    note: str

    @property
    def size(self) -> int:
        """Count the notes."""
        return sum(len(track.notes["time"]) for track in self.song.tracks)

    @property
    def groups(self) -> int:
        """Count the tracks in runs of bars."""
        return len(self.song.tracks) * len(self.song.spans)

    def side(self, *, beaten: bool) -> SongTracks:
        """Return the drums, or all else."""
        tracks = [t for t, is_one in zip(self.song.tracks, self.beaten, strict=True) if is_one is beaten]
        return self.song._replace(tracks=tracks)


def opened(data: bytes, grid: Grid, *, metres: str = "own", metre: str = "") -> OpenedFile:
    """Read a file's tracks, and find its runs of bars; arguments and errors are those of `read`."""
    score = parse(data)
    tracks = Track.all_of(score.tracks)
    if not tracks:
        raise UnreadableError("no notes")
    if sum(len(track.notes["time"]) for track in tracks) > MAX_NOTES:
        raise UnreadableError(f"more than {MAX_NOTES} notes")
    line, spans = OWN_BARS, list[Span]()
    if metres == "all" or metre or _may_be_long(score, grid):
        line = _bar_line(score, tracks, metre)
        spans = bar_runs(score, grid, metres=metres, line=line)
    if not spans:
        raise UnreadableError(f"no {grid.bars} bars of {grid.beats_per_bar}/4 in a row")
    beaten = [is_drums(DRUM_CHANNEL * track.is_drum, track.name, track.program) for track in tracks]
    return OpenedFile(SongTracks(tracks, score.tpq, spans), beaten, line.note)


def read_together(files: Sequence[OpenedFile], grid: Grid) -> list[Reading | str]:
    """Return of each file its windows, or why it has none; numpy looks at all of them at once."""
    songs = [file.side(beaten=False) for file in files]
    lines, drums = Sheets(songs, grid), Sheets([file.side(beaten=True) for file in files], grid)
    weak = (beat_strength(lines) < WEAKEST_BEAT).tolist()
    if any(weak):  # only the drums, which keep their places, may lie on it
        lines = Sheets(
            [song._replace(tracks=() if off else song.tracks) for song, off in zip(songs, weak, strict=True)],
            grid,
        )
    sheets, hits = [Sheet(lines, number) for number in range(len(files))], Hits(drums)
    its = [hits if drums.size_of(number) else None for number in range(len(files))]
    result = {
        "melody": melody_windows(lines),
        "poly": poly_windows(lines),
        "drums": drum_windows(drums, hits),
        "multitrack": [multitrack_windows(*both) for both in zip(sheets, its, strict=True)],
    }
    grams, pitched, hit = fingerprints(lines, drums), varied(lines), varied(drums)
    found: list[Reading | str] = []
    for number, (file, sheet) in enumerate(zip(files, sheets, strict=True)):
        windows = {codec: each[number] for codec, each in result.items()}
        if weak[number] and its[number] is None:
            found.append("its notes keep to no beat of the file: played without its click")
        elif not any(len(each.counts) for each in windows.values()):
            found.append(_why(sheet, drums.size_of(number), grid))
        else:
            either = pitched[number] or hit[number]
            velocities = dict(
                zip(CODECS, (pitched[number], pitched[number], hit[number], either), strict=True)
            )
            pieces = {
                name: windows[codec].every or Windows() for name, codec in zip(PIECES, CODECS, strict=True)
            }
            found.append(Reading(windows | pieces, grams[number], velocities, file.note))
    return found


def _may_be_long(score: Any, grid: Grid) -> bool:  # noqa: ANN401 - as below
    """Tell whether any bar can be as long as the grid's, or its time signature says nothing."""
    signatures = [(s.time, s.numerator, s.denominator) for s in score.time_signatures]
    return (
        min(signatures, default=(1,))[0] > 0
        or all(lies(*each[1:]) for each in signatures)
        or any(_is_long(*each[1:], grid) for each in signatures)
    )


def _is_long(numerator: int, denominator: int, grid: Grid) -> bool:
    """Tell whether bars are as long as the grid's; two of half the length are one: 2/4 reads as 4/4."""
    quarters = 4 * numerator / denominator if numerator > 0 and denominator > 0 else 0.0
    return quarters in (grid.beats_per_bar, grid.beats_per_bar / 2)


def _bar_line(score: Any, tracks: list[Track], metre: str) -> BarLine:  # noqa: ANN401 - as below
    """Return where the bars lie, by the notes with pitches; with a metre that is assumed, in that."""
    signatures = sorted((s.time, s.numerator, s.denominator) for s in score.time_signatures)
    if metre:
        numerator, denominator = (int(number) for number in metre.split("/"))
        signatures = [(0, numerator, denominator)]
    line = find([track for track in tracks if not track.is_drum], score.tpq, signatures)
    if not metre:
        return line
    note = f"metre taken as {metre}" + (f", {line.note}" if line.note else "")
    return line._replace(signature=(signatures[0][1], signatures[0][2]), note=note)


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


def bar_runs(
    score: Any,  # noqa: ANN401 - as above
    grid: Grid,
    *,
    metres: str = "own",
    line: BarLine = OWN_BARS,
) -> list[Span]:
    """Return the runs of bars as long as the grid's, at least a phrase long.

    The last bars of a file are filled up with silence.  With all metres, runs of bars of another length are
    there too, marked as aside.

    Args:
        score: symusic's.
        grid: whose bars are asked for.
        metres: see `read`.
        line: where the bars lie, if not where the file says; a pick-up before the first is a bar by itself.

    """
    bar = grid.beats_per_bar * score.tpq
    signatures = sorted((max(0, s.time), s.numerator, s.denominator) for s in score.time_signatures)
    if line.signature is not None:
        signatures = [(0, *line.signature)]
    if not signatures or signatures[0][0] > 0:
        signatures.insert(0, (0, grid.beats_per_bar, 4))
    if line.first:
        _, numerator, denominator = signatures[0]
        own = 4 * numerator * score.tpq // denominator if numerator > 0 and denominator > 0 else bar
        begin = line.first - (own if line.first > 0 else 0)
        signatures = [
            (begin, numerator, denominator),
            *((t + line.beside, n, d) for t, n, d in signatures[1:]),
        ]
    bars = max(grid.bars, -(-(int(score.end()) - signatures[-1][0]) // bar))
    end = signatures[-1][0] + bars * bar
    runs: list[Span] = []
    for index, (start, numerator, denominator) in enumerate(signatures):
        stop = signatures[index + 1][0] if index + 1 < len(signatures) else end
        aside = not _is_long(numerator, denominator, grid)
        if stop <= start or (aside and metres == "own"):
            continue
        last = runs[-1] if runs else None
        if last and last.stop == start and last.aside == aside and (start - last.start) % bar == 0:
            runs[-1] = last._replace(stop=stop)
        else:
            runs.append(Span(start, stop, aside))
    return [run for run in runs if run.stop - run.start >= grid.bars * bar]
