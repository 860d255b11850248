"""What the processes of test_distributed run: started by torchrun, tells what it found as JSON.

python -m torch.distributed.run ... two_processes.py CONFIG DATA FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.networks.vae import VAE
from tests.fakes.runs import bare
from tests.fakes.synthetic import GRID, melody
from trainer import settings
from trainer.errors import RequestError
from trainer.run.distributed import World, joined
from trainer.training import fit, loop
from trainer.training.objectives.base import MODEL, Batch, Moment
from trainer.training.objectives.elbo import Elbo
from trainer.training.role import TrainedRole

EACH = 4  # phrases of a process


def fixed(begin: int, end: int, *, knobs: int) -> Batch:
    """Return phrases that are always the same."""
    codec = build("melody", GRID)
    packed = [pack_phrase(codec, melody(seed)) for seed in range(begin, end)]
    arrays = {name: torch.cat([torch.from_numpy(each[name]) for each in packed]) for name in packed[0]}
    return Batch(arrays, {name: value[:0] for name, value in arrays.items()}, torch.zeros(0, knobs))


def update(
    config: Path, world: World, *, batches: int, size: int, overrides: list[str] | None = None
) -> dict[str, Tensor]:
    """Take one step of plain gradient descent over `batches` batches, without chance; return the weights."""
    configuration = settings.read(config, overrides or [])
    torch.manual_seed(world.rank)  # the others begin with what the first one has
    net = VAE(configuration.model)
    net.sample = lambda mean, *_: mean  # type: ignore[method-assign]
    trained = TrainedRole(
        role=MODEL,
        network=net,
        objective=Elbo(net, configuration.fit),
        optimiser=torch.optim.SGD(net.parameters(), lr=1e-3),
        device=torch.device("cpu"),
        kind=torch.float32,
        world=world,
    )
    begins = [(world.rank * batches + number) * size for number in range(batches)]
    knobs = max(1, len(configuration.model.knobs))
    batches_left = iter([fixed(begin, begin + size, knobs=knobs) for begin in begins])
    trained.learn(lambda: next(batches_left), Moment(0, 0.5), rate=1.0, accumulate=batches, clip=1e9)
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def main() -> None:
    """Check what they tell each other, one update, and three runs: whole, stopped, and that one resumed."""
    torch.set_num_threads(1)
    config, data, folder = map(Path, sys.argv[1:4])
    with joined() as world:
        found: dict[str, object] = {
            "highest": world.highest(float(world.rank), -float(world.rank)),
            "gathered": world.gather(("from", world.rank)),
            "shared": world.shared(lambda: f"made by {world.rank}"),
        }
        try:
            world.shared(_refuse)
        except RequestError as error:
            found["refused"] = str(error)
        torch.save(update(config, world, batches=2, size=EACH), folder / f"update{world.rank}.pt")
        setattr(fit, "joined", lambda: nullcontext(world))  # noqa: B010 - these are joined already
        setattr(loop.TrainingLoop, "step", watched(folder, world, found))  # noqa: B010 - watched
        for mode, out in (("whole", "whole"), ("stopped", "parts"), ("resumed", "parts")):
            found["mode"] = mode
            with pytest.MonkeyPatch.context() as patch:
                if mode != "whole":
                    bare(patch)
                fit.run(config, data, folder / out, resume=mode == "resumed")
        (folder / f"found{world.rank}.json").write_text(json.dumps(found))


def watched(
    folder: Path, world: World, found: dict[str, object]
) -> Callable[[loop.TrainingLoop], dict[str, Tensor]]:
    """Return a step that keeps what came of it, and signals the second process in a run to be stopped."""
    step = loop.TrainingLoop.step

    def stepped(self: loop.TrainingLoop) -> dict[str, Tensor]:
        parts = step(self)
        mode = found["mode"]
        if mode == "stopped" and world.rank == 1 and self.progress.step == 3:
            os.kill(os.getpid(), signal.SIGINT)
        torch.save(self.net.state_dict(), folder / f"{mode}{world.rank}.pt")
        found[f"{mode} phrases"], found[f"{mode} order"] = self.progress.phrases, self.feed.order[:5].tolist()
        return parts

    return stepped


def _refuse() -> None:
    raise RequestError("no such thing")


if __name__ == "__main__":
    main()
