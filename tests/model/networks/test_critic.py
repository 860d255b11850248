"""Critics: rhythm features on rolls whose figures are counted by hand, and the gradient penalty."""

import pytest
import torch
from torch import Tensor, nn

from model.errors import ConfigError
from model.music.grid import Grid
from model.networks.critic import Critic, Rhythm, gradient_penalty

GRID = Grid(bars=2, beats_per_bar=2, steps_per_beat=2)  # 8 steps
KEYS = 3


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def rolls(*tracks: list[int], extra: int = 1) -> tuple[Tensor, tuple[tuple[int, int], ...]]:
    """Make one roll of tracks given by the steps of their onsets; each has a channel that is no onset."""
    width = KEYS + extra
    roll = torch.zeros(1, GRID.steps, width * len(tracks))
    for track, steps in enumerate(tracks):
        for number, step in enumerate(steps):
            roll[0, step, track * width + number % KEYS] = 1.0
        roll[0, :, track * width + KEYS : (track + 1) * width] = 0.7
    return roll, tuple((track * width, track * width + KEYS) for track in range(len(tracks)))


def test_rhythm_features_are_those_counted_by_hand() -> None:
    roll, places = rolls([0, 1, 4], [0, 4, 5, 6])
    rhythm = Rhythm(places, GRID)
    onset = rhythm.onsets(roll)
    assert onset[0].T.tolist() == [[1, 1, 0, 0, 1, 0, 0, 0], [1, 0, 0, 0, 1, 1, 1, 0]]
    # intervals: 1 and 3 of three onsets; 4, 1, 1 of four
    expected = torch.tensor([[1 / 3, 0, 1 / 3, 0], [2 / 4, 0, 0, 1 / 4]])
    torch.testing.assert_close(rhythm.intervals(onset)[0], expected, atol=1e-3, rtol=0)
    # two bars of four steps: on the first step of both bars, on the second of one
    assert rhythm.places(onset)[0].tolist() == [[1.0, 0.5, 0, 0], [1.0, 0.5, 0.5, 0]]
    assert rhythm.together(onset)[0, :, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    steps = rhythm.steps(roll)
    assert steps.shape == (1, 8, rhythm.per_step)
    # density over a beat of two steps: this one and the one before
    assert steps[0, :, 4].tolist() == [0.5, 1, 0.5, 0, 0.5, 0.5, 0, 0]
    phrase = rhythm.phrase(roll)
    assert phrase.shape == (1, rhythm.whole)
    assert phrase[0, -1] == 2 / 8


def test_a_chord_is_one_onset_of_several_notes() -> None:
    roll, places = rolls([0])
    roll[0, 0, :KEYS] = 1.0
    steps = Rhythm(places, GRID).steps(roll)
    assert steps[0, 0, 0] == 1.0
    assert steps[0, 0, 1] == KEYS / 4


def test_rhythm_features_heed_nothing_but_onsets_and_are_differentiable() -> None:
    roll, places = rolls([0, 3], [2])
    rhythm = Rhythm(places, GRID)
    soft = (roll * 0.8 + 0.1).requires_grad_()
    (rhythm.phrase(soft).square().sum() + rhythm.steps(soft).square().sum()).backward()  # type: ignore[no-untyped-call]
    slope = soft.grad
    assert slope is not None
    assert slope[..., KEYS].abs().max() == 0  # no onset
    assert slope[0, 0, 0] != 0
    other = roll.clone()
    other[..., KEYS] = 0
    torch.testing.assert_close(rhythm.phrase(roll), rhythm.phrase(other))


def test_the_rhythm_of_one_track_has_no_pairs() -> None:
    roll, places = rolls([0, 2])
    rhythm = Rhythm(places, GRID)
    assert rhythm.phrase(roll).shape == (1, rhythm.whole)
    assert Critic(roll.shape[-1], places, GRID, width=8, depth=1)(roll).shape == (1,)


class Linear(nn.Module):
    """A critic whose gradient is the same everywhere."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, roll: Tensor, condition: Tensor | None = None) -> Tensor:
        return (roll * self.weight).sum((1, 2))


def test_the_penalty_of_a_linear_critic_is_that_of_its_weight() -> None:
    # |w| = 5 wherever it is asked: (5 - 1)^2, and its slope is 2 (|w| - 1) w / |w|
    weight = torch.zeros(4, 2)
    weight[0, 0], weight[3, 1] = 3.0, 4.0
    critic = Linear(weight)
    penalty = gradient_penalty(critic, torch.rand(6, 4, 2), torch.rand(6, 4, 2))
    torch.testing.assert_close(penalty, torch.tensor(16.0))
    penalty.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(critic.weight.grad, 2 * 4.0 * weight / 5.0)


def test_the_penalty_is_taken_between_real_and_fake() -> None:
    seen: list[Tensor] = []

    class Keeps(Linear):
        def forward(self, roll: Tensor, condition: Tensor | None = None) -> Tensor:
            seen.append(roll.detach())
            return super().forward(roll)

    gradient_penalty(Keeps(torch.ones(2, 3)), torch.zeros(50, 2, 3), torch.ones(50, 2, 3))
    way = seen[0]
    assert (way[:, :1, :1] == way).all()  # one place a phrase
    assert 0 < way.min() < 0.2
    assert 0.8 < way.max() < 1


def test_the_penalty_is_in_float32_under_autocast() -> None:
    kinds: list[torch.dtype] = []

    class Watched(Linear):
        def forward(self, roll: Tensor, condition: Tensor | None = None) -> Tensor:
            score = nn.functional.linear(roll.flatten(1), self.weight.reshape(1, -1))[:, 0]
            kinds.append(score.dtype)
            return score

    critic = Watched(torch.ones(2, 3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        critic(torch.ones(2, 2, 3))
        penalty = gradient_penalty(critic, torch.ones(2, 2, 3), torch.zeros(2, 2, 3))
    assert kinds == [torch.bfloat16, torch.float32]
    assert penalty.dtype == torch.float32
    torch.testing.assert_close(penalty, torch.tensor((6**0.5 - 1) ** 2))


@pytest.mark.parametrize("kind", ["rhythm", "roll"])
@pytest.mark.parametrize("grid", [GRID, Grid(2, 3, 4), Grid(1, 4, 3), Grid(2, 3, 1)])
def test_a_critic_scores_each_phrase_by_itself(kind: str, grid: Grid) -> None:
    critic = Critic(10, ((0, 3), (5, 8)), grid, kind=kind, width=8, depth=1, condition_width=2)
    roll, condition = torch.rand(4, grid.steps, 10), torch.rand(4, grid.beats, 2)
    scores = critic(roll, condition)
    assert scores.shape == (4,)
    torch.testing.assert_close(critic(roll[1:2], condition[1:2]), scores[1:2])
    assert not torch.allclose(critic(roll), scores)  # the condition counts
    gradient_penalty(critic, roll, torch.rand_like(roll), condition).backward()  # type: ignore[no-untyped-call]
    used = [
        parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        for parameter in critic.parameters()
    ]
    assert sum(used) > 0.7 * len(used)  # biases of the last layers have no slope's slope


def test_a_critic_learns_to_tell_rhythm_from_noise() -> None:
    """Two kinds of rolls with the same pitches and the same number of onsets: on the beat, and anywhere."""
    critic = Critic(KEYS, ((0, KEYS),), GRID, width=8, depth=1)
    optimiser = torch.optim.Adam(critic.parameters(), 5e-3, betas=(0.0, 0.9))

    def drawn(on_beat: bool) -> Tensor:
        roll = torch.zeros(32, GRID.steps, KEYS)
        for row in range(32):
            steps = torch.arange(0, 8, 2) if on_beat else torch.randperm(8)[:4]
            roll[row, steps, torch.randint(KEYS, (4,))] = 1.0
        return roll

    for _ in range(45):
        real, fake = drawn(True), drawn(False)
        loss = critic(fake).mean() - critic(real).mean() + 10 * gradient_penalty(critic, real, fake)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        real, fake = critic(drawn(True)), critic(drawn(False))
    assert (real[:, None] > fake).float().mean() > 0.9


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({"kind": "rythm"}, "did you mean 'rhythm'"), ({"width": 10}, "width 10 is no multiple of 4")],
)
def test_a_critic_that_cannot_be_is_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Critic(3, ((0, 3),), GRID, **settings)  # type: ignore[arg-type]
