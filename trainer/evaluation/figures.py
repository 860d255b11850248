"""All figures of one checkpoint on held-out phrases: what `evaluate` and `report` show."""

from typing import Any

from model.playing.player import Player
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.heldout import HeldOut, parameters_of
from trainer.evaluation.samples import Progress, silent
from trainer.evaluation.speed import speed
from trainer.run.checkpoints import is_stepwise, path_of, read

STEPWISE_SHARE = 0.2  # of knobs' phrases and pairs: a decode of 32 steps takes as long as 10 of one


def figures(
    player: Player,
    checkpoint: str,
    data: HeldOut,
    *,
    seed: int = 0,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Return what `evaluate.evaluate` measures, `evaluation.teacher_forced`'s figures, and the speed.

    Args:
        player: the checkpoint, open.
        checkpoint: its path, or the name of a shipped one.
        data: phrases held out, at least one.
        seed: of every draw.
        progress: called with (what, done, of how many).

    Raises:
        OperationError: there is no phrase.

    """
    found = evaluate(
        player,
        data.phrases,
        contexts=data.contexts,
        songs=data.songs,
        seen=data.seen,
        parameters=parameters_of(player, checkpoint),
        seed=seed,
        share=STEPWISE_SHARE if is_stepwise(path_of(checkpoint)) else 1.0,
        progress=progress,
    )
    taught = None
    if data.whole is not None and path_of(checkpoint).is_file():
        from trainer.evaluation.teacher_forced import forced  # noqa: PLC0415 - loads torch

        taught = forced(read(path_of(checkpoint)), data.whole)
    taken = speed(player, data.phrases)
    return found | {"teacher_forced": taught, "speed": taken, "checkpoint": checkpoint}
