import torch

from model.networks.bottleneck import divergence


def test_divergence_is_that_of_two_gaussians() -> None:
    mean, logvar = torch.tensor([[0.3, -1.0]]), torch.tensor([[0.2, -2.0]])
    q = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    p = torch.distributions.Normal(torch.zeros(1, 2), torch.ones(1, 2))
    torch.testing.assert_close(divergence(mean, logvar), torch.distributions.kl_divergence(q, p))
