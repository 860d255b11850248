"""What share of a training step goes into products of matrices."""

import time

import numpy as np
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from benchmarks.figures import Row
from benchmarks.instrument import ROOT
from benchmarks.scale import Scale
from model.codecs.registry import build as codec_of
from model.networks.vae import VAE
from trainer import settings
from trainer.data.dataset import batch, load
from trainer.errors import OperationError
from trainer.run.device import keep_freed_memory
from trainer.training import memory_estimate
from trainer.training.objectives.base import MODEL, Moment
from trainer.training.objectives.registry import build
from trainer.training.role import adamw

CONFIGS = ("lead", "keys")
PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::_scaled_dot_product", "mkldnn")
WARM_UP, STEPS = 2, 6
WANTED = 0.85
EXPLAINED = (
    "`python -m benchmarks --only training_step --data DIR`: of forward, backward and the optimiser's step",
    "of a batch with edits, on one thread in float32, without what the feed takes. The time of the products",
    "is that of torch's profiler, the time of a step that without it: the profiler takes some microseconds",
    "of every small operation, of which there are two thousand. Beside it the share in the profile, and what",
    "is dear.",
)


def measure(scale: Scale) -> list[Row]:
    """Return a row for each configuration."""
    rows = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    keep_freed_memory()  # as `fit` does
    try:
        for name in CONFIGS:
            try:
                share, within, dear = products(name, scale)
            except OperationError as reason:
                rows.append(Row(f"step: {name}", "-", str(reason), met=False))
                continue
            beside = f"in the profile {within:.3f}; " + ", ".join(f"{what} {part:.3f}" for what, part in dear)
            title = f"step: {name}, share of products of matrices"
            rows.append(Row(title, f">= {WANTED}", f"{share:.3f}", beside, share >= WANTED))
    finally:
        torch.set_num_threads(threads)
    return rows


def products(name: str, scale: Scale) -> tuple[float, float, list[tuple[str, float]]]:
    """Return the share of a step's time that products take, that of the profile's, and the dearest others."""
    chosen = settings.read(ROOT / "trainer" / "configs" / f"{name}.toml", [])
    torch.manual_seed(0)
    net = VAE(chosen.model)
    objective = build(net, chosen.fit)
    codec = codec_of(chosen.model.codec, chosen.model.grid.build())
    phrases = load(scale.data, chosen.model.codec, "train")
    arrays = batch(phrases, codec, np.arange(chosen.fit.batch), rng=None)
    tensors: dict[str, Tensor] = {key: torch.from_numpy(value) for key, value in arrays.items()}
    edits = round(chosen.fit.batch * chosen.fit.edit_share)
    made = memory_estimate.repeated(
        tensors, None, chosen.fit.batch, edits=edits, knobs=len(chosen.model.knobs)
    )
    optimiser = adamw(net, chosen.fit, objective.betas)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        objective.loss(MODEL, made, Moment(0, 0.5)).total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    for _ in range(WARM_UP):
        step()
    steps = scale.count(STEPS, least=2)
    taken = []
    for _ in range(steps):
        begun = time.perf_counter()
        step()
        taken.append(time.perf_counter() - begun)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(steps):
            step()
    spent = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    total = sum(spent.values())
    other = {key: value for key, value in spent.items() if not key.startswith(PRODUCTS)}
    multiplied = total - sum(other.values())
    dear = sorted(other.items(), key=lambda pair: -pair[1])[:4]
    share = multiplied / steps * 1e-6 / float(np.median(taken))
    return share, multiplied / total, [(key, value / total) for key, value in dear]
