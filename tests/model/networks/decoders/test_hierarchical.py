"""The conductor and its segments: one result both ways, fresh states, z that is all they share."""

import pytest
import torch

from model.config import DecoderConfig
from model.errors import ConfigError
from model.music.grid import Grid
from model.networks.decoders.hierarchical import HierarchicalDecoder
from model.networks.sizes import Sizes

CONFIG = DecoderConfig(
    "hierarchical", width=10, depth=2, conductor_width=8, conductor_depth=2, segment_beats=2
)


def decoder(*, knobs: int = 2, condition_width: int = 0, trained: bool = True) -> HierarchicalDecoder:
    torch.manual_seed(3)
    sizes = Sizes(
        grid=Grid(),
        features=5,
        logits=7,
        latent=6,
        neck="phrase",
        knobs=knobs,
        condition_width=condition_width,
    )
    made = HierarchicalDecoder(CONFIG, sizes).eval()
    if trained:
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    return made


def inputs(condition_width: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, torch.Tensor]:
    condition = torch.randn(3, 8, condition_width) if condition_width else None
    return torch.randn(3, 6), torch.randn(3, 2), condition, torch.randn(3, 32, 5)


@pytest.mark.parametrize("condition_width", [0, 4])
@pytest.mark.parametrize("steps", [32, 21, 8])
def test_step_by_step_is_what_all_segments_at_once_are(condition_width: int, steps: int) -> None:
    made = decoder(condition_width=condition_width)
    z, change, condition, before = inputs(condition_width)
    with torch.no_grad():
        whole = made(z, change, condition, before[:, :steps])
        state = made.start(z, change, condition)
        assert state["place"].tolist() == [0, 0, 0]
        out = []
        for step in range(steps):
            logits, after = made.step(state, before[:, step])
            assert list(after) == list(state)
            assert all(value.shape == state[name].shape for name, value in after.items())
            out.append(logits)
            state = after
    assert whole.shape == (3, steps, 7)
    assert whole.std() > 0.1
    torch.testing.assert_close(torch.stack(out, dim=1), whole)


def test_a_segment_knows_of_another_only_through_z() -> None:
    made = decoder()
    z, change, _, before = inputs()
    other = before.clone()
    other[:, :8] += 2.0  # all of the first segment of two beats
    with torch.no_grad():
        a, b = made(z, change, None, before), made(z, change, None, other)
        moved = made(z + 1.0, change, None, before)
    assert not torch.allclose(a[:, :8], b[:, :8])
    torch.testing.assert_close(a[:, 8:], b[:, 8:])
    assert all(
        not torch.allclose(a[:, begin : begin + 8], moved[:, begin : begin + 8]) for begin in (0, 8, 24)
    )


def test_within_a_segment_the_past_counts_and_the_future_does_not() -> None:
    made = decoder()
    z, change, _, before = inputs()
    other = before.clone()
    other[:, 10] += 2.0
    with torch.no_grad():
        a, b = made(z, change, None, before), made(z, change, None, other)
    torch.testing.assert_close(a[:, :10], b[:, :10])
    assert not torch.allclose(a[:, 15], b[:, 15])


def test_knobs_and_conditions_begin_silent_and_can_learn() -> None:
    made = decoder(condition_width=4, trained=False)
    z, change, condition, before = inputs(4)
    plain = made(z, torch.zeros_like(change), None, before)
    torch.testing.assert_close(made(z, change, condition, before), plain)
    made(z, change, condition, before).square().sum().backward()
    above, below = (each.net.get_parameter("weight_ih_l0").grad for each in (made.conductor, made.cells))
    assert above is not None
    assert above.abs().sum() > 0
    assert below is not None
    assert below[:, -4:].abs().sum() > 0


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        (
            Sizes(grid=Grid(1, 3, 4), features=5, logits=7, latent=6),
            "segments of 2 beats do not fill 3 beats",
        ),
        (Sizes(grid=Grid(), features=5, logits=7, latent=0), "needs a latent"),
    ],
)
def test_what_cannot_be_conducted_is_refused(sizes: Sizes, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        HierarchicalDecoder(CONFIG, sizes)
