"""Teacher forcing: words dropped, draws fed back, in half precision too."""

from typing import Any

import pytest
import torch

from tests.fakes.networks import STEPWISE, code, config, network, packed


@pytest.mark.parametrize("kind", STEPWISE)
def test_teaching_drops_words_and_feeds_back_draws(kind: str) -> None:
    net = network(config(kind))
    arrays = packed(net)
    z, change, _ = code(net)

    def taught(**options: Any) -> torch.Tensor:
        made = torch.Generator().manual_seed(9)
        heads = net.teach(z, change, arrays, generator=made, **options)
        return torch.cat([heads[name].flatten(2) for name in ("state", "pitch")], dim=-1)

    plain = taught()
    deaf = taught(word_dropout=1.0)
    assert torch.equal(deaf, taught(word_dropout=1.0))
    nothing = net.head.write(
        net.decoder(
            z, change, None, torch.cat((torch.zeros(3, 1, 65), net.feeding.unheard.expand(3, 31, -1)), 1)
        )
    )
    torch.testing.assert_close(deaf[..., :3], nothing["state"], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(plain, taught(word_dropout=0.5))
    fed = taught(scheduled=1.0)
    torch.testing.assert_close(fed[:, 0], plain[:, 0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(fed, plain)
    torch.testing.assert_close(taught(scheduled=1e-9), plain, atol=1e-4, rtol=1e-4)
    gradients = torch.autograd.grad(fed.sum(), list(net.decoder.parameters()), allow_unused=True)
    assert all(gradient is not None for gradient in gradients)


def test_scheduled_sampling_feeds_what_the_model_draws() -> None:
    """Fed back always, teaching is a free run: its outputs do not depend on the truth."""
    net = network(config("gru"))
    arrays, (z, change, _) = packed(net), code(net)
    other = {name: value.flip(0) for name, value in arrays.items()}
    one = net.teach(z, change, arrays, scheduled=1.0, generator=torch.Generator().manual_seed(1))
    two = net.teach(z, change, other, scheduled=1.0, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(one["pitch"], two["pitch"])


@pytest.mark.parametrize("kind", STEPWISE)
@pytest.mark.parametrize("scheduled", [0.0, 0.5])
def test_teaching_runs_in_half_precision(kind: str, scheduled: float) -> None:
    net = network(config(kind, conditions=("key",)))
    arrays = packed(net)
    condition = torch.randn(3, net.sizes.grid.beats, net.sizes.condition_width)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mean, logvar = net.encode(arrays)
        z = net.sample(mean.float(), logvar.float())
        heads = net.teach(z, None, arrays, condition, word_dropout=0.2, scheduled=scheduled)
        loss = torch.stack([value.mean() for value in net.head.loss(heads, arrays).values()]).sum()
    gradients = torch.autograd.grad(loss, list(net.decoder.parameters()), allow_unused=True)
    found = [gradient for gradient in gradients if gradient is not None]
    assert found
    assert all(bool(torch.isfinite(gradient).all()) for gradient in found)
