import pytest
import torch

from trainer.writing.muon import FloatMuon, orthogonal


@pytest.mark.parametrize("shape", [(12, 30), (30, 12), (16, 16)])
def test_singular_values_come_near_one_and_their_vectors_stay(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.T @ orthogonal(matrix) @ right.T
    assert inner.diagonal().sub(1).abs().max() < 0.4
    assert (inner - torch.diag(inner.diagonal())).abs().max() < 1e-3


def test_steps_go_down() -> None:
    wanted = torch.randn(8, 12, generator=torch.Generator().manual_seed(1))
    found = torch.nn.Parameter(torch.zeros(8, 12))
    muon = FloatMuon([found], lr=0.05)
    for _ in range(150):
        muon.zero_grad()
        (found - wanted).square().sum().backward()  # type: ignore[no-untyped-call]
        muon.step()
    assert (found - wanted).abs().mean() < 0.1 * wanted.abs().mean()
