"""From the bytes of one MIDI file to windows of notes on the grid.  Runs in worker processes.

Two bars of half the grid's length (2/4 for 4/4) count as one, and a file without a time signature as the
grid's metre from its first tick.
"""

from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from model.errors import MidiFileError
from model.midi.file import MAX_BYTES, voices_of
from model.midi.parse import SmfFile, plain
from model.midi.parse import parse as parse_smf
from model.midi.voices import DRUM_CHANNEL, is_drums
from model.music.grid import Grid
from trainer.corpus.reading.tracks import Sheet, Span, fingerprint
from trainer.corpus.windows.bar_line import OWN_BARS, BarLine, find, lies
from trainer.corpus.windows.drum_windows import drum_windows
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
        fingerprint: uint64, hashes of runs of its upper line; see `tracks.fingerprint`.
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
    score = parse(data)
    tracks = [track for track in score.tracks if len(track.notes)]
    if not tracks:
        raise UnreadableError("no notes")
    if sum(len(track.notes) for track in tracks) > MAX_NOTES:
        raise UnreadableError(f"more than {MAX_NOTES} notes")
    line, spans = OWN_BARS, list[Span]()
    if metres == "all" or metre or _may_be_long(score, grid):
        line = _bar_line(score, tracks, metre)
        spans = bar_runs(score, grid, metres=metres, line=line)
    if not spans:
        raise UnreadableError(f"no {grid.bars} bars of {grid.beats_per_bar}/4 in a row")
    beaten = [is_drums(DRUM_CHANNEL * track.is_drum, track.name, track.program) for track in tracks]
    lines, drums = (
        Sheet([t for t, is_one in zip(tracks, beaten, strict=True) if is_one is side], score.tpq, spans, grid)
        for side in (False, True)
    )
    if len(lines) and beat_strength(lines) < WEAKEST_BEAT:
        lines = Sheet((), score.tpq, spans, grid)  # only the drums, which keep their places, may lie on it
        if not len(drums):
            raise UnreadableError("its notes keep to no beat of the file: played without its click")
    result = {
        "melody": melody_windows(lines),
        "poly": poly_windows(lines),
        "drums": drum_windows(drums),
        "multitrack": multitrack_windows(lines, drums),
    }
    if not any(len(windows.counts) for windows in result.values()):
        raise UnreadableError(_why(lines, drums, grid))
    pitched, hit = varied(lines), varied(drums)
    velocities = {"melody": pitched, "poly": pitched, "drums": hit, "multitrack": pitched or hit}
    pieces = {name: result[codec].every or Windows() for name, codec in zip(PIECES, CODECS, strict=True)}
    return Reading(result | pieces, fingerprint(lines, drums), velocities, line.note)


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


def _bar_line(score: Any, tracks: list[Any], metre: str) -> BarLine:  # noqa: ANN401 - as below
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


def _why(lines: Sheet, drums: Sheet, grid: Grid) -> str:
    """Say why a file with notes and bars gives no window."""
    notes, _ = lines.notes()
    if off_grid(alone(notes), grid)[0]:
        return f"its notes are on another grid than {grid.steps_per_beat} steps to the beat: triplets, say"
    if len(notes) + len(drums) < fewest(grid):
        return f"it holds fewer than {fewest(grid)} notes"
    holds = f"holds {fewest(grid)} notes or more on the grid, with one in every other bar"
    return f"no window of {grid.bars} bars {holds}"


def varied(sheet: Sheet) -> bool:
    """Tell whether velocities vary."""
    return bool(np.count_nonzero(np.bincount(sheet.velocities)) >= VARIED)


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
