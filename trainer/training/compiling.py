"""`fit.compile`: the encoder and the decoder compiled by torch where that is quicker; else as they are."""

import time
import warnings
from collections.abc import Callable

from torch import nn

from model.networks.vae import VAE

REASON = 200  # letters
TIMED = 3  # steps in each way; the quickest counts


def compile_where_quicker(net: VAE, step: Callable[[], float], *, backend: str = "inductor") -> str:
    """Compile a network's encoder and decoder and keep that if steps are quicker; return what came of it.

    A module is compiled in place: its weights, their names and whoever holds it stay.  Compiled steps round
    otherwise than the others.

    Args:
        net: on its device.
        step: takes a step that changes nothing; returns its seconds.
        backend: of torch.compile.
    """
    modules = [getattr(net, name) for name in ("encoder", "decoder") if hasattr(net, name)]
    before = min(step() for _ in range(TIMED))
    began = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler, about what it does not do
            for module in modules:
                module.compile(backend=backend)
            step()
            spent = time.monotonic() - began
            after = min(step() for _ in range(TIMED))
    except Exception as error:  # noqa: BLE001 - the compiler has errors of many kinds; none ends a run
        as_it_was(modules)
        reason = " ".join(str(error).split()) or type(error).__name__
        return f"it cannot be compiled here and goes on without: {reason[:REASON]}"
    if after >= before:
        as_it_was(modules)
        return f"compiled, a step takes {after / before:.2f} of its time: it goes on without"
    return f"compiled in {spent:.0f} s: a step takes {after / before:.2f} of its time"


def as_it_was(modules: list[nn.Module]) -> None:
    """Take back what `compile` did to modules."""
    for module in modules:
        module._compiled_call_impl = None  # noqa: SLF001 - torch has no public way back
