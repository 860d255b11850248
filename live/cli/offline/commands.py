"""The commands that work on files: `sample`, `morph`, `edit`, `accompany` and `render`.

Nothing slow is imported until a command runs, so that `--help` is quick.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import click

from live.cli.offline.parameters import (
    MIDI_SUFFIXES,
    SOUND_SUFFIXES,
    NonEmptyPath,
    check_folder,
    check_parts,
    check_steps,
    check_target,
)
from live.errors import FailureError, UsageError, model_faults
from live.settings import config as settings
from live.settings.knobs import ATTRIBUTE_KNOBS
from live.settings.schema import AS_PLAYED, AUTO, OFF
from model.command_line import FiniteRange, WholeRange

DEFAULT_MODEL = "keys"
KEYLESS = (AUTO, OFF, AS_PLAYED)
BAND = "multitrack"
ATTRIBUTE_TEXTS = {
    "density": "fewer or more onsets",
    "complexity": "on the beat or against it",
    "register": "lower or higher",
    "range": "narrower or wider",
    "dynamics": "softer or louder",
    "polyphony": "single notes or chords",
    "articulation": "staccato or legato",
}

CONDITION_TEXTS = {
    "style": "A style, for a model that knows styles.",
    "key": "A key, as 'C' or 'F# minor', for a model that heeds keys.",
    "chords": "Chords, as 'C Am F G', for a model that heeds chords.",
}

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

PATH = NonEmptyPath()


def with_seed(command: F) -> F:
    """Give a command `--seed`."""
    return click.option("--seed", type=WholeRange(0, 2**32 - 1), default=0, help="Of every random choice.")(
        command
    )


def with_model(command: F) -> F:
    """Give a command `--model`, `--temperature` and `--seed`."""
    command = with_seed(command)
    command = click.option(
        "--temperature", type=FiniteRange(0, 1), metavar="T", help="Chance in the choice of notes; 0."
    )(command)
    return click.option(
        "--model",
        default=DEFAULT_MODEL,
        metavar="NAME|PATH",
        help=f"A shipped model or a checkpoint; {DEFAULT_MODEL} by default.",
    )(command)


def with_knobs(command: F) -> F:
    """Give a command an option for every attribute knob."""
    for name in reversed(ATTRIBUTE_KNOBS):
        text = f"{ATTRIBUTE_TEXTS[name].capitalize()}; 0 leaves it."
        kind = FiniteRange(-1, 1)
        command = click.option(f"--{name}", type=kind, default=0.0, metavar="TURN", help=text)(command)
    return command


def with_conditions(command: F) -> F:
    """Give a command an option for every condition that a model may heed."""
    for name, text in reversed(CONDITION_TEXTS.items()):
        command = click.option(f"--{name}", metavar="TEXT", help=text)(command)
    return command


@click.command()
@with_conditions
@with_model
@click.option("-n", "--number", type=WholeRange(1, 10_000), default=10, help="How many files; 10.")
@click.option("--bars", type=WholeRange(1, 1024), help="Bars in each, in whole phrases; one phrase.")
@click.option("--bpm", type=FiniteRange(20, 400), default=120.0, help="Tempo in the files.")
@click.option("--top-k", type=WholeRange(0, 1000), default=0, metavar="K",
              help="Chance picks among the so many likeliest values; 0, all.")  # fmt: skip
@click.option("--top-p", type=FiniteRange(0.01, 1), default=1.0, metavar="P",
              help="Chance picks among the likeliest values that make up this share; 1, all.")  # fmt: skip
@click.option("--out", type=PATH, required=True, metavar="DIR", help="Folder for the .mid files.")
def sample(
    *,
    model: str,
    number: int,
    bars: int | None,
    bpm: float,
    top_k: int,
    top_p: float,
    out: Path,
    temperature: float | None,
    seed: int,
    **conditions: str | None,
) -> int:
    """Write phrases that nobody played, from random places of the latent space.

    A model without a latent writes out of nothing and goes on from there, at temperature 1 by itself.
    Above temperature 0, --top-k and --top-p keep chance to likely notes.

    Example: twobar sample --model lead -n 10 --out samples --seed 7
    """
    check_folder(out)
    from live.cli.offline import generate, midi_files  # noqa: PLC0415  the same
    from model.codecs.sampling import Sampling  # noqa: PLC0415  the same

    player = generate.load_player(model)
    condition = generate.check_condition(conditions, player.card)
    chance = temperature if temperature is not None else 0.0 if player.card.latent_size else 1.0
    grid = player.card.grid
    phrases = -(-(bars or grid.bars) // grid.bars)
    digits = len(str(max(number - 1, 10)))
    total = 0
    every = generate.samples(
        player,
        number=number,
        seed=seed,
        phrases=phrases,
        sampling=Sampling(chance, top_k, top_p),
        condition=condition,
        writer=generate.writer_for(player, model),
    )
    with progress(every, number, "writing") as writing:
        for index, music in enumerate(writing):
            total += sum(map(len, music))
            name = f"sample-{index:0{digits}}"
            title = f"{player.card.name} {name}"
            midi_files.write(out / f"{name}.mid", music, name=title, tempo_bpm=bpm, codec=player.card.codec)
    if not total:
        raise FailureError(f"model '{player.card.name}' wrote no note into the {number} files in '{out}'")
    click.echo(
        f"{out}: {number} file{'s' * (number != 1)} of {phrases * grid.bars} bars by {player.card.name}, "
        f"{total / number:.1f} notes each"
    )
    return 0


@click.command()
@click.argument("first", type=PATH, metavar="A.mid")
@click.argument("last", type=PATH, metavar="B.mid")
@with_conditions
@with_model
@click.option("--steps", type=WholeRange(2, 1024), default=8, metavar="N",
              help="Phrases on the way, both ends included; 8.")  # fmt: skip
@click.option("--out", type=PATH, required=True, metavar="DIR", help="Folder for the .mid files.")
def morph(
    *,
    first: Path,
    last: Path,
    model: str,
    steps: int,
    out: Path,
    temperature: float | None,
    seed: int,
    **conditions: str | None,
) -> int:
    """Write the way from one phrase to another, in steps that sound equally large.

    Of each file the first bars with notes are taken, as many as the model's phrase has.  Writes
    step-00.mid and so on, and all.mid with all of them in a row, in the tempo of A.mid.

    Example: twobar morph verse.mid chorus.mid --steps 8 --out between
    """
    digits = len(str(max(steps - 1, 10)))
    names = [*(f"step-{index:0{digits}}" for index in range(steps)), "all"]
    check_steps(out, [f"{name}.mid" for name in names], sources=[first, last])
    check_folder(out)
    from live.cli.offline import generate, midi_files  # noqa: PLC0415  the same

    player = generate.load_player(model, wanted_for="morph")
    codec = player.card.codec
    condition = generate.check_condition(conditions, player.card)
    ends = []
    for path in (first, last):
        phrase = midi_files.read_opening(path, player.card.grid, codec=codec)
        lost = len(phrase) - generate.notes_kept_by_codec(player.card, phrase)
        if lost:
            say(f"{path}: {lost} of {len(phrase)} notes left out: the model's codec cannot hold them")
        ends.append(phrase)
    tempo_bpm = midi_files.summarise(first).tempo_bpm
    with progress(ends, len(ends), "seeking") as sought:
        music = generate.morph(
            player, sought, steps=steps, seed=seed, temperature=temperature or 0.0, condition=condition
        )
    for name, phrases in zip(names, [*([phrase] for phrase in music), music], strict=True):
        midi_files.write(out / f"{name}.mid", phrases, name=name, tempo_bpm=tempo_bpm, codec=codec)
    click.echo(f"{out}: {steps} steps from {first} to {last} by {player.card.name}, and all.mid")
    return 0


@click.command()
@click.argument("source", type=PATH, metavar="IN.mid")
@with_knobs
@click.option("--vary", type=FiniteRange(0, 1), default=0.0, metavar="V", help="How much is new; 0, nothing.")
@with_conditions
@with_model
@click.option("--out", type=PATH, required=True, metavar="OUT.mid", help="The file to write.")
def edit(
    *,
    source: Path,
    model: str,
    out: Path,
    temperature: float | None,
    seed: int,
    vary: float,
    style: str | None,
    key: str | None,
    chords: str | None,
    **turns: float,
) -> int:
    """Turn a piece's knobs: busier, higher, softer, phrase by phrase.

    The piece is cut at the bar lines of the model's phrases, each is found in the latent space and
    decoded again with its attributes turned, and all are put back together on the same tempo.  With
    every knob at 0 it is the piece as the model hears it.  With --vary or --key the piece's own notes stay
    wherever nothing changes them, and what is new keeps to the key: --key is one, auto or off.

    Example: twobar edit tune.mid --density +0.5 --out busier.mid
    """
    check_target(out, suffixes=MIDI_SUFFIXES, sources=[source])
    from live.cli.offline import generate, midi_files  # noqa: PLC0415  the same

    player = generate.load_player(model, wanted_for="edit")
    grid, codec = player.card.grid, player.card.codec
    wanted = generate.check_turns(turns, player.card)
    if key is not None and key != AUTO:
        settings.check_condition("key", key, label="--key")
    heeded = key if "key" in player.card.conditions and key not in KEYLESS else None
    condition = generate.check_condition({"style": style, "key": heeded, "chords": chords}, player.card)
    piece = midi_files.read(source, grid, codec=codec)
    summary = midi_files.summarise(source)
    with progress(piece, len(piece), "editing") as phrases:
        edited = generate.edit(
            player,
            phrases,
            wanted,
            seed=seed,
            temperature=temperature or 0.0,
            condition=condition,
            vary=vary,
            key=key,
        )
    midi_files.write(out, edited.phrases, name=out.stem, like=summary, codec=codec)
    retained = sum(map(len, piece))
    for sentence in midi_files.left_out(summary, grid, retained=retained, lost=edited.lost, codec=codec):
        say(f"{source}: {sentence}")
    changes = "".join(f"; {name} {edited.before[name]:.2f} -> {edited.after[name]:.2f}" for name in wanted)
    if vary:
        changes += f"; F1 of the notes with the piece {edited.left:.2f}"
    if "recombined" in edited.origins:
        say("vary has no writer for this: its variations are made of the piece's own notes alone")
    notes = sum(map(len, edited.phrases))
    click.echo(f"{out}: {len(piece) * grid.bars} bars by {player.card.name}, {notes} notes{changes}")
    return 0


@click.command()
@click.argument("source", type=PATH, metavar="IN.mid")
@click.option("--model", default=BAND, metavar="NAME|PATH",
              help=f"A shipped model or a checkpoint of several parts; {BAND} by default.")  # fmt: skip
@click.option("--parts", default="chords,bass,drums", metavar="NAMES",
              help="Which may join, of melody, chords, bass and drums; chords,bass,drums.")  # fmt: skip
@with_seed
@click.option("--out", type=PATH, required=True, metavar="OUT.mid", help="The file to write.")
def accompany(*, source: Path, model: str, parts: str, seed: int, out: Path) -> int:
    """Give a tune a band: the parts that the piece does not have.

    The piece is cut at the bar lines of the model's phrases; where a phrase has no chords, no bass or no
    drums, the model writes what goes with the rest.  What is there stays.

    Example: twobar accompany tune.mid --parts bass,drums --out band.mid
    """
    wanted = check_parts(parts)
    check_target(out, suffixes=MIDI_SUFFIXES, sources=[source])
    from live.cli.offline import generate, midi_files  # noqa: PLC0415  the same

    player = generate.load_player(model)
    if not player.card.accompanies:
        raise UsageError(
            f"model '{player.card.name}' does not accompany: it has one part, or no prior that writes "
            f"several; {BAND} does"
        )
    grid, codec = player.card.grid, player.card.codec
    piece = midi_files.read(source, grid, codec=codec)
    summary = midi_files.summarise(source)
    lost = sum(len(phrase) - generate.notes_kept_by_codec(player.card, phrase) for phrase in piece)
    music = generate.accompany(player, piece, wanted, seed=seed)
    midi_files.write(out, music, name=out.stem, like=summary, codec=codec)
    retained = sum(map(len, piece))
    for sentence in midi_files.left_out(summary, grid, retained=retained, lost=lost, codec=codec):
        say(f"{source}: {sentence}")
    added = sum(map(len, music)) - retained + lost
    click.echo(f"{out}: {len(piece) * grid.bars} bars by {player.card.name}, {added} notes added")
    return 0


@click.command()
@click.argument("source", type=PATH, metavar="IN.mid")
@click.option("--soundfont", type=PATH, metavar="FILE.sf2", help="What FluidSynth plays with.")
@with_seed
@click.option("--out", type=PATH, required=True, metavar="OUT.wav", help="The file to write.")
def render(*, source: Path, soundfont: Path | None, seed: int, out: Path) -> int:
    """Render a .mid file to a .wav file with FluidSynth.

    Nothing here is left to chance: --seed is taken, and changes nothing.

    Example: twobar render tune.mid --out tune.wav
    """
    del seed
    check_target(out, suffixes=SOUND_SUFFIXES, sources=[source])
    from live.cli.offline import midi_files  # noqa: PLC0415  see sample
    from model.midi.wav import render as play  # noqa: PLC0415  see sample

    summary = midi_files.summarise(source)
    if not summary.notes + summary.drums:
        raise FailureError(f"'{source}' holds no notes")
    for sentence in midi_files.odd(summary):
        say(f"{source}: {sentence}")
    check_folder(out.parent)
    with model_faults():
        length_s = play(source, out, soundfont=soundfont)
    click.echo(f"{out}: {length_s:.1f} s of sound")
    return 0


def progress(items: Iterable[T], length: int, label: str) -> AbstractContextManager[Iterable[T]]:
    """Return the same items inside `with`, with a bar on a terminal that says how far they have come."""
    bar: AbstractContextManager[Iterable[T]] = click.progressbar(
        items, length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()
    )
    return bar


def say(text: str) -> None:
    """Tell what the human should know beside the result, on stderr."""
    click.echo(f"twobar: {text}", err=True)


COMMANDS = (sample, morph, edit, accompany, render)
