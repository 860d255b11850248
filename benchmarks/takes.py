"""Ten takes of two minutes: a scripted performer plays tunes, twobar and its band play with them.

`python -m benchmarks.takes --data PREPARED --out DIR` writes each as a .mid, a picture of its roll and, with
FluidSynth, a .wav, and prints their figures as a table.  Folk tunes, ballads and chorales are of songs that
nothing was trained on; riffs and blues are written below.  On a fake clock, in musical time.
"""

import random
import sys
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi, sin
from pathlib import Path

import click
import mido
import numpy as np
from msgspec.structs import replace

from benchmarks.band import GRID, MODEL
from benchmarks.instrument import ROOT
from benchmarks.take_figures import CELL, EXPLAINED, STEP, Sounded, figures
from live.ipc.messages import FOR_EVER_NANOS, Accompany, Answer, Decode, Decoded, Encode, ToWorker
from live.worker.handler import RequestHandler
from model.codecs.base import phrase_of
from model.errors import ModelError
from model.midi.wav import render
from model.music.phrase import Note, Phrase
from model.music.tracks import MELODY
from model.writing.wish import Kind
from tests.fakes.real_model import RealModel
from tests.fakes.stage import Stage, configured
from trainer.corpus.pieces import Pieces, load_pieces
from trainer.evaluation.writing import MOST_NOTES

MINUTES = 2.0
PROGRAMS = {1: 0, 2: 11, 3: 4, 4: 33}  # piano, vibraphone, electric piano, bass
ANSWERED = 0.35  # vary, where it answers
HUMAN_TICKS = 9.0  # standard deviation of the performer's onsets
SWELL, SWELL_CELLS = 18, 8  # velocities by which the performer swells and dies away, once in so many phrases
RIFFS = (
    "40:0:3 40:3:1 43:4:2 45:6:2 40:10:2 43:12:2 46:14:1 45:15:1|40:0:3 40:3:1 43:4:2 45:6:4 43:12:2 40:14:2",
    "45:0:2 45:2:1 48:3:3 50:6:2 45:8:2 52:10:2 50:12:2 48:14:2|45:0:2 45:2:1 48:3:3 50:6:2 43:8:4 43:12:4",
)
BLUES = (
    "60:0:3 63:3:3 65:6:2 66:8:2 65:10:2 63:12:4|60:0:2 63:2:2 60:4:8",
    "67:0:2 70:2:2 72:4:4 70:8:2 67:10:2 66:12:2 65:14:2|63:0:4 60:4:10",
)
FOURTHS = (0, 0, 5, 0, 7, 0)  # two bars each of a blues of twelve


@dataclass(frozen=True, slots=True)
class Tune:
    """What the performer plays: two bars after another, at a tempo, in a mode."""

    name: str
    bpm: int
    mode: str
    phrases: tuple[Phrase, ...]


class TakePlayer(RealModel):
    """The shipped model, which waits until what it varies is written."""

    def __init__(self, handler: RequestHandler) -> None:
        super(RealModel, self).__init__()
        self.handler = handler

    def answer(self, message: ToWorker) -> Answer:
        """Answer as the model process does when all is there."""
        if not isinstance(message, Encode | Decode):
            return super().answer(message)
        if isinstance(message, Decode):  # as long as it takes: nothing is too late in musical time
            message = replace(message, begins_nanos=0, ends_nanos=FOR_EVER_NANOS)
        found: Answer = self.handler.answer(message)  # type: ignore[assignment]
        while isinstance(found, Decoded) and found.vary == "awaited":
            for _ in self.handler.write():
                pass
            found = self.handler.answer(message)  # type: ignore[assignment]
        return found


class Take(Stage):
    """A stage whose model accompanies at once."""

    def ask(self, message: ToWorker) -> bool:
        """Let an accompaniment be there when it is asked for."""
        if isinstance(message, Accompany) and isinstance(self.model, TakePlayer):
            for _ in self.model.handler.accompany(message):
                pass
        return super().ask(message)


def tunes(pieces: Pieces) -> Iterator[Tune]:
    """Yield the ten tunes."""
    folk, ballads, chorales = (
        list(lines(pieces, kind, seed))
        for kind, seed in ((Kind.MELODY, 3), (Kind.BAND, 4), (Kind.KEYBOARD, 5))
    )
    chorales.sort(key=lambda line: -np.mean([polyphony(phrase) for phrase in line]))
    for name, found, tempi in (
        ("folk tune", folk, (112, 160)),
        ("ballad", ballads, (70, 84)),
        ("chorale", chorales, (76, 92)),
    ):
        for line, bpm, mode in zip(found[:2], tempi, ("follow", "answer"), strict=True):
            yield Tune(name, bpm, mode, line)
    for riff, bpm, mode in zip(RIFFS, (126, 144), ("follow", "answer"), strict=True):
        yield Tune("rock riff", bpm, mode, (written_out(riff),) * 3 + (written_out(riff).moved(5),))
    for lick, bpm, mode in zip(BLUES, (96, 120), ("follow", "answer"), strict=True):
        yield Tune("blues", bpm, mode, tuple(written_out(lick).moved(by) for by in FOURTHS))


def lines(pieces: Pieces, kind: Kind, seed: int, fewest: int = 6) -> Iterator[tuple[Phrase, ...]]:
    """Yield what a performer can play of long pieces: the longest run of each song, in any order."""
    later = {int(one): index for index, one in enumerate(pieces.before) if one >= 0}
    songs: dict[int, list[int]] = {}
    for window in np.flatnonzero((pieces.kinds == kind) & (pieces.before < 0)).tolist():
        run = [window]
        while (following := later.get(run[-1])) is not None:
            run.append(following)
        song = int(pieces.songs[window])
        if len(run) > len(songs.get(song, ())):
            songs[song] = run
    names = sorted(songs)
    random.Random(seed).shuffle(names)
    for song in names:
        found = [phrase_of(GRID, pieces.window(window)).part(MELODY) for window in songs[song]]
        if len(found) >= fewest and all(3 <= len(phrase) <= MOST_NOTES for phrase in found):
            yield tuple(found)


def polyphony(phrase: Phrase) -> float:
    """Return the mean number of notes an onset."""
    return len(phrase) / max(1, len({note.onset for note in phrase.notes}))


def written_out(text: str) -> Phrase:
    """Return a phrase of pitch:step:length, its bars divided by |."""
    notes = [
        Note(bar * GRID.steps_per_bar + step, pitch, 96 if step % 4 == 0 else 80, length)
        for bar, half in enumerate(text.split("|"))
        for pitch, step, length in (map(int, note.split(":")) for note in half.split())
    ]
    return Phrase.of(GRID, notes)


def taken(tune: Tune, handler: RequestHandler, minutes: float) -> list[Sounded]:
    """Play a tune for so long and return all that sounded, the performer on channel 1."""
    config = configured(bpm=float(tune.bpm), mode=tune.mode, vary=ANSWERED if tune.mode == "answer" else 0.0)
    stage = Take(config, model=TakePlayer(handler))
    stage.begin()
    rng, every = random.Random(tune.bpm), 2 if tune.mode == "answer" else 1
    cells = max(2, round(minutes * tune.bpm * GRID.ticks_per_beat / CELL))
    for number, cell in enumerate(range(0, cells, every)):
        for note in tune.phrases[number % len(tune.phrases)].notes:
            late = round(rng.gauss(0, HUMAN_TICKS)) if cell or note.onset else 2
            swell = SWELL * sin(2 * pi * number / SWELL_CELLS)
            velocity = max(1, min(127, note.velocity + round(swell + rng.gauss(0, 6))))
            start = max(0, cell * CELL + note.onset * STEP + late)
            stage.press(start, max(20, note.length * STEP - 12), note.pitch, velocity)
    stage.run_to_tick(cells * CELL)
    return sounded([(sent.tick, sent.data) for sent in stage.sent], cells * CELL)


def sounded(sent: Sequence[tuple[int, bytes]], last: int) -> list[Sounded]:
    """Return the notes of messages; what was not ended ends with the take."""
    down: dict[tuple[int, int], tuple[int, int]] = {}
    found: list[Sounded] = []

    def end(place: tuple[int, int], tick: int) -> None:
        start, velocity = down.pop(place)
        if tick > start:
            found.append(Sounded(*place, velocity, start, tick))

    for tick, data in sorted(sent, key=lambda one: one[0]):
        status, place = data[0] & 0xF0, ((data[0] & 0x0F) + 1, data[1] if len(data) > 1 else 0)
        if status not in (0x80, 0x90) or tick >= last:
            continue
        if place in down:
            end(place, tick)
        if status == 0x90 and data[2]:
            down[place] = tick, data[2]
    for place in [*down]:
        end(place, last)
    return sorted(found, key=lambda note: (note.start, note.channel, note.pitch))


def save(path: Path, notes: Sequence[Sounded], bpm: int) -> None:
    """Write a take as a .mid."""
    song = mido.MidiFile(ticks_per_beat=GRID.ticks_per_beat)
    head = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    song.tracks.append(head)
    for channel in sorted({note.channel for note in notes}):
        track, reached = mido.MidiTrack(), 0
        if channel in PROGRAMS:
            track.append(mido.Message("program_change", channel=channel - 1, program=PROGRAMS[channel]))
        events = [(note.start, 1, note) for note in notes if note.channel == channel]
        events += [(note.end, 0, note) for note in notes if note.channel == channel]
        for tick, on, note in sorted(events, key=lambda one: one[:2]):
            kind, velocity = ("note_on", note.velocity) if on else ("note_off", 0)
            track.append(
                mido.Message(
                    kind, channel=channel - 1, note=note.pitch, velocity=velocity, time=tick - reached
                )
            )
            reached = tick
        song.tracks.append(track)
    song.save(path)


def level(path: Path) -> tuple[float, float]:
    """Return the mean level and the peak of a .wav of 16 bits, in dBFS."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32768
    mean, peak = np.sqrt(np.mean(samples**2)), np.abs(samples).max(initial=0.0)
    return float(20 * np.log10(max(mean, 1e-9))), float(20 * np.log10(max(peak, 1e-9)))


def draw(path: Path, notes: Sequence[Sounded], title: str) -> None:
    """Draw a take's roll, 32 bars a row."""
    import matplotlib as mpl  # noqa: PLC0415 - the trainer extra

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    colours = {1: "#222222", 2: "#d1495b", 3: "#2e86ab", 4: "#4f772d", 10: "#bbbbbb"}
    bar = CELL // GRID.bars
    rows = 1 + max((note.start for note in notes), default=0) // (32 * bar)
    figure, axes = plt.subplots(rows, 1, figsize=(20, 3.2 * rows), squeeze=False)
    for row, axis in enumerate(axes[:, 0]):
        for note in notes:
            if 32 * row <= note.start / bar < 32 * (row + 1):
                axis.plot(
                    [note.start / bar, max(note.end, note.start + STEP // 2) / bar],
                    [note.pitch] * 2,
                    color=colours.get(note.channel, "#888888"),
                    linewidth=2.5,
                )
        axis.set_xlim(32 * row, 32 * (row + 1))
        axis.set_xticks(range(32 * row, 32 * (row + 1) + 1, 2))
        axis.grid(visible=True, axis="x", linewidth=0.3)
    axes[0, 0].set_title(title)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", type=click.Path(path_type=Path), default=ROOT / "prepared",
              help="What `twobar-train prepare MIDI_DIR --metres all` wrote.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the takes.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.1), default=MINUTES, show_default=True, help="Of each."
)
@click.option("--only", default="", metavar="NAME", help="Takes whose name and tempo begin so: 'chorale-76'.")
@click.option("--wav/--no-wav", default=True, help="Render them with FluidSynth.")
def main(data: Path, out: Path, *, minutes: float, only: str, wav: bool) -> None:
    """Play ten tunes with the band and write what sounded.

    Example: python -m benchmarks.takes --data prepared --out takes
    """
    out.mkdir(parents=True, exist_ok=True)
    click.echo(" | ".join(("| take", "bpm", "mode", *EXPLAINED, "level, peak |")))
    click.echo("|---" * (4 + len(EXPLAINED)) + "|")
    for number, tune in enumerate(tunes(load_pieces(data, "test"))):
        name = f"{tune.name.replace(' ', '-')}-{tune.bpm}"
        if not name.startswith(only):
            continue
        handler = RequestHandler()
        handler.load(MODEL)
        for _ in handler.write():
            pass  # the writer is opened
        notes = taken(tune, handler, minutes)
        path = out / f"{number:02d}-{name}.mid"
        save(path, notes, tune.bpm)
        draw(path.with_suffix(".png"), notes, f"{tune.name}, {tune.bpm} bpm, {tune.mode}")
        loud = "-"
        if wav:
            try:
                render(path, path.with_suffix(".wav"))
                loud = "{:.1f}, {:.1f} dBFS".format(*level(path.with_suffix(".wav")))
            except ModelError as reason:
                click.echo(f"not rendered: {reason}", err=True)
        found = figures(notes, max(2, round(minutes * tune.bpm * GRID.ticks_per_beat / CELL)))
        told = (f"{found[name]:.{places}f}" for name, places in EXPLAINED.values())
        click.echo(" | ".join((f"| {tune.name}", str(tune.bpm), tune.mode, *told, f"{loud} |")))


if __name__ == "__main__":
    sys.exit(main())
