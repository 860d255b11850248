"""Low-rank changes of a decoder's weights."""

import torch

from model.codecs.registry import build
from model.networks.vae import VAE
from tests.fakes.checkpoints import config
from tests.fakes.players import GRID
from tests.fakes.synthetic import melody
from trainer.adapt.lora import Changes, TeacherForcedLoss, cost, encoded, with_weights

PERFORMED = [melody(seed).moved(-5) for seed in range(100, 108)]


def test_changes_begin_as_nothing_and_leave_all_but_the_decoder_alone() -> None:
    net = VAE(config()).eval()
    pairs = encoded(net, build("melody", GRID), PERFORMED[:3])
    generator = torch.Generator().manual_seed(0)
    changes, taught = Changes(net, rank=4, generator=generator), TeacherForcedLoss(net)
    with torch.no_grad():
        plain = taught(pairs.z, pairs.arrays)
        torch.testing.assert_close(changes.loss(taught, pairs.z, pairs.arrays), plain)
    assert all(name.startswith("decoder.") for name in changes.weights())
    loss = changes.loss(taught, pairs.z, pairs.arrays).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in net.parameters())
    learned = [p for p in changes.parameters() if p.grad is not None and p.grad.abs().max() > 0]
    assert learned
    with torch.no_grad():
        for parameter in learned:
            parameter.add_(torch.as_tensor(parameter.grad), alpha=-1e-4)
    made = with_weights(net, changes.weights(), half=False)
    assert cost(made, pairs) < float(plain.mean())
    before, after = net.state_dict(), made.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} <= set(changes.base)
    assert with_weights(net, changes.weights(0.0), half=False).state_dict().keys() == before.keys()
