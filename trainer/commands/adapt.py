"""`twobar-train adapt`: fine-tune a model's decoder on a performer's phrases.

Tested in tests/trainer/adapt/test_adapt.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from model.command_line import FiniteRange
from trainer.commands.common import DIR, FILE, MIDI_DIR, SEED, progress_bar, room_for
from trainer.errors import OperationError, RequestError

REHEARSED = 512  # old phrases that are read for it
KINDS = {
    "prior": "samples of the prior",
    "drift": "a walk around your phrases",
    "continuation": "continuations of your phrases",
}


@click.command(
    epilog="""\b
Examples:
  twobar-train adapt keys --data takes --out mine.safetensors
  twobar-train adapt lead --data takes --out mine.safetensors --keep prepared --minutes 5 --strength 0.7"""
)
@click.argument("checkpoint", metavar="CHECKPOINT|RUN_DIR")
@click.option(
    "--data",
    required=True,
    type=MIDI_DIR,
    help="Your MIDI files: takes of the instrument, of which only your track is read, or any others.",
)
@click.option("--out", required=True, type=FILE, help="The new checkpoint's file.")
@click.option(
    "--keep", type=DIR, help="A prepared folder whose music is rehearsed; the model's own samples by default."
)
@click.option("--minutes", type=FiniteRange(0, min_open=True), default=3.0, help="At most.")
@click.option("--strength", type=FiniteRange(0, 3), default=1.0,
              help="Share of what was learned that goes in; above 1 exaggerates.")  # fmt: skip
@click.option("--seed", type=SEED, default=0, help="Of every draw.")
def adapt(
    checkpoint: str, *, data: Path, out: Path, keep: Path | None, minutes: float, strength: float, seed: int
) -> None:
    """Fine-tune a model's decoder on 10 to 20 of your phrases, and say how far it went.

    The encoder, the size and the speed stay as they are; learning stops before more than one point of what
    the model could do is lost.
    """
    from model.checkpoint import read  # noqa: PLC0415 - loads numpy
    from model.codecs.registry import build  # noqa: PLC0415
    from model.playing.load import load  # noqa: PLC0415
    from trainer.adapt.adapt import AdaptOptions, adapted_checkpoint  # noqa: PLC0415 - loads torch
    from trainer.adapt.adapt import adapt as run  # noqa: PLC0415
    from trainer.adapt.performer_phrases import read as read_performer  # noqa: PLC0415
    from trainer.evaluation.attribute_overlap import drawn, overlaps  # noqa: PLC0415
    from trainer.evaluation.heldout import phrases_on  # noqa: PLC0415
    from trainer.run.checkpoints import checked, is_half, opened, path_of, rewrite, subject  # noqa: PLC0415

    target = checked(out)
    room_for(target)
    checkpoint = subject(checkpoint).checkpoint
    player, source = load(checkpoint), path_of(checkpoint)
    known = read(source)
    grid = known.config.grid.build()
    performer = read_performer(data, build(known.config.codec, grid))
    for name, why in performer.skipped:
        click.echo(f"skipped {name}: {why}", err=True)
    for name, metre in performer.foreign:
        click.echo(f"{name} is in {metre}: it is read in bars of {grid.beats_per_bar} beats", err=True)
    of = f" of {performer.found:,}" if performer.found > len(performer.phrases) else ""
    click.echo(f"{len(performer.phrases)}{of} phrases of yours from {len(performer.files)} files")
    old = []
    if keep is not None:
        if not (keep / "meta.json").is_file():
            raise RequestError(
                f"--keep: '{keep}' was not written by 'twobar-train prepare': it has no meta.json"
            )
        old = phrases_on(known.config.codec, grid, keep, split="train", limit=REHEARSED, seed=seed)
    options = AdaptOptions(minutes, seed, strength)
    with progress_bar(f"{player.card.name}: ") as tell:
        made = run(known, performer.phrases, old, options, half=is_half(source), tell=tell)
    if not made.figures["steps"]:
        raise OperationError(
            "nothing could be learned from these phrases without losing more than a point of what the model "
            "can do, or they are played well already; nothing was written"
        )
    fresh = adapted_checkpoint(known, made)
    if not known.config.context_bars:  # else the performer's are longer than what the model answers
        for when, each in (("before", player), ("after", opened(fresh, source))):
            for kind, phrases in drawn(each, performer.phrases, seed).items():
                made.figures[f"{kind}_overlap_{when}"] = overlaps(
                    phrases, performer.phrases, known.config.codec
                )
        fresh = adapted_checkpoint(known, made)
    rewrite(fresh, target, like=source)
    for sentence in sentences(made.figures):
        click.echo(sentence)
    click.echo(f"the checkpoint is {target}")


def sentences(figures: Mapping[str, Any]) -> list[str]:
    """Tell how far it went and what it cost."""
    score = {"note_f1": "note F1", "step_accuracy": "step accuracy, each after the true ones,"}[
        figures["score"]
    ]
    rows = {
        f"your held-out phrases ({figures['held_out']})": "performer",
        "the same from points around them": "around",
        f"old skills, on {figures['old_of']}": "old",
    }
    found = [
        f"{what}: {score} {figures[f'{key}_before']:.3f} -> {figures[f'{key}_after']:.3f}"
        for what, key in rows.items()
    ]
    before, after = (figures[f"around_nats_{when}"] for when in ("before", "after"))
    found.append(
        f"loss of your held-out phrases around their points: {before:.1f} -> {after:.1f} nats a phrase"
    )
    for kind, description in KINDS.items():
        if f"{kind}_overlap_after" in figures:
            before, after = (figures[f"{kind}_overlap_{when}"]["mean"] for when in ("before", "after"))
            found.append(f"attributes of {description}: overlap with yours {before:.3f} -> {after:.3f}")
    steps, moved = figures["steps"], 100 * figures["changed"]
    if figures["performer_after"] < figures["performer_before"] - 0.005:
        found.append("from their own points they come back a little worse: a lower --strength changes less")
    return [*found, f"{steps} steps; the decoder's weights moved by {moved:.1f} %"]
