import torch

from model.networks.layers.layout import Layout


def test_cells_are_cut_and_joined_without_loss() -> None:
    layout = Layout(beats=8, steps=4, channels=3, keys=88)
    features = torch.randn(2, 8, 4 * 3 * 88)
    cells = layout.cut(features)
    assert cells.shape == (2, 8, 8, 144)
    torch.testing.assert_close(layout.join(cells), features)
    roll = features.reshape(2, 32, 3, 88)
    torch.testing.assert_close(cells[1, 2, 3].reshape(4, 3, 12), roll[1, 8:12, :, 36:48])
