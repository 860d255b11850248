"""The memory of a step, counted before it is taken: what it counts, and that it changes nothing."""

import re
from pathlib import Path

import pytest
import torch
from msgspec import structs

from model.codecs.registry import build
from model.config import ModelConfig
from model.networks.vae import VAE
from tests.fakes.checkpoints import config
from tests.fakes.runs import assert_equal, bare
from tests.fakes.synthetic import TINY, melody, prepare
from trainer.adapt.lora import packed
from trainer.errors import OperationError
from trainer.settings import CriticConfig, FitConfig
from trainer.training import fit, memory_estimate
from trainer.training.objectives.base import Moment, Objective
from trainer.training.objectives.registry import build as choose
from trainer.training.role import TrainedRole

LAST = Moment(0, 1.0)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def objective(model: ModelConfig | None = None, **settings: float | CriticConfig) -> Objective:
    return choose(VAE(model or config()), FitConfig(**settings))  # type: ignore[arg-type]


def arrays(count: int) -> dict[str, torch.Tensor]:
    return packed(build("melody", config().grid.build()), [melody(seed) for seed in range(count)])


def estimated(made: Objective, phrases: int = 3, kind: torch.dtype = torch.float32) -> int:
    return memory_estimate.estimate(made, arrays(phrases), None, kind=kind)


def test_a_product_keeps_what_its_backward_pass_needs() -> None:
    """Of y = (x w)^2 autograd keeps x and x w, both as large as the batch; w itself is a weight."""

    class Square(Objective):
        def loss(self, role: str, batch: object, moment: Moment) -> None:  # type: ignore[override]
            rows = torch.ones(len(batch), 10)  # type: ignore[arg-type]
            (self.net(rows) ** 2).sum()

    made = Square(torch.nn.Linear(10, 5, bias=False), FitConfig())  # type: ignore[arg-type]
    found = memory_estimate.measure(
        made, memory_estimate.repeated(arrays(2), None, 8), LAST, kind=torch.float32
    )
    assert found == memory_estimate.Memory(weights=200, trained=600, fixed=0, per_phrase=4 * (10 + 5))
    assert found.total(100) == 200 + 600 + 6000


def test_batches_and_edits_cost_and_fewer_phrases_than_are_watched_do_not_matter() -> None:
    small, large = (estimated(objective(batch=size)) for size in (16, 32))
    weights = sum(4 * parameter.numel() for parameter in VAE(config()).parameters())
    assert weights * 4 < small < large
    assert 1.9 < (large - 4 * weights) / (small - 4 * weights) < 2.1
    assert estimated(objective(batch=16), 1) == small
    knobbed = structs.replace(config(), knobs=("density",))
    without, some = (estimated(objective(knobbed, batch=16, edits=count)) for count in (0, 10))
    assert some > without * 1.1


def test_a_critic_is_counted_too() -> None:
    critic = CriticConfig(width=16, depth=1, weight=1.0)
    plain, beside = objective(batch=8), objective(batch=8, critic=critic)
    extra = sum(4 * parameter.numel() for parameter in beside.networks.parameters())
    assert extra > 0
    assert estimated(beside) >= estimated(plain) + 4 * extra


def test_half_precision_keeps_less_of_a_phrase() -> None:
    made, some = objective(), memory_estimate.repeated(arrays(8), None, 8)
    full, half = (
        memory_estimate.measure(made, some, LAST, kind=kind) for kind in (torch.float32, torch.bfloat16)
    )
    assert half.per_phrase < full.per_phrase
    assert half.fixed > full.fixed  # the weights again, in half precision
    assert (half.weights, half.trained) == (full.weights, full.trained)


def test_nothing_of_a_run_is_changed_by_it() -> None:
    made = objective(word_dropout=0.3)
    weights = [parameter.detach().clone() for parameter in made.net.parameters()]
    before = torch.get_rng_state()
    estimated(made)
    assert torch.equal(torch.get_rng_state(), before)
    for parameter, held in zip(made.net.parameters(), weights, strict=True):
        assert torch.equal(parameter, held)
        assert parameter.requires_grad
        assert parameter.grad is None


def test_a_batch_of_few_repeats_its_phrases() -> None:
    few_phrases = arrays(3)
    made = memory_estimate.repeated(few_phrases, torch.arange(3.0).reshape(3, 1, 1), 8, edits=2, knobs=4)
    assert len(made) == 8
    assert torch.equal(made.arrays["token"][3:6], few_phrases["token"])
    assert made.condition is not None
    assert made.condition.flatten().tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert len(made.edited["token"]) == 2
    assert made.change.shape == (2, 4)


@pytest.mark.parametrize(
    ("size", "words"), [(10, "1 MB"), (3_400_000, "3 MB"), (999_000_000, "999 MB"), (1_540_000_000, "1.5 GB")]
)
def test_bytes_are_said_in_their_unit(size: int, words: str) -> None:
    assert memory_estimate.in_words(size) == words


def test_a_step_larger_than_what_is_free_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody", train=16)
    path = tmp_path / "lead.toml"
    path.write_text(TINY["melody"].replace('"float32"', '"auto"'))
    monkeypatch.setattr(memory_estimate, "available", lambda: 20_000_000)
    monkeypatch.setattr(TrainedRole, "timed", lambda *_: pytest.fail("a step was taken"))
    monkeypatch.setattr(TrainedRole, "learn", lambda *_, **__: pytest.fail("a step was taken"))
    said = (
        r"a step of fit\.batch 1000000 takes about \d+\.\d GB of memory, and 20 MB are free: lower "
        r"fit\.batch and raise fit\.accumulate"
    )
    with pytest.raises(OperationError, match=said):
        fit.run(path, data, tmp_path / "run", overrides=["fit.batch=1000000", "fit.edits=10"])
    assert "million parameters" not in "".join(capsys.readouterr())


def test_what_is_free_is_not_known_everywhere() -> None:
    memory_estimate.check(10**15, None, batch=8)
    memory_estimate.check(10, 10, batch=8)
    with pytest.raises(OperationError, match=r"fit\.batch 8 takes about 2 MB of memory, and 1 MB are free"):
        memory_estimate.check(2_000_000, 1_000_000, batch=8)


@pytest.mark.parametrize(
    ("system", "group", "free"),
    [
        ("MemTotal: 900 kB\nMemAvailable:     500 kB\n", None, 512_000),
        ("MemTotal: 900 kB\n", None, None),
        ("nonsense", None, None),
        (None, None, None),
        ("MemAvailable: 500 kB\n", ("300000", "200000", 50_000), 150_000),
        ("MemAvailable: 100 kB\n", ("300000", "100000", 0), 102_400),
        ("MemAvailable: 500 kB\n", ("max", "200000", 50_000), 512_000),
        (None, ("100", "200", 50), 0),
    ],
)
def test_what_is_free_is_the_least_of_what_the_system_says(
    tmp_path: Path, system: str | None, group: tuple[str, str, int] | None, free: int | None
) -> None:
    if system is not None:
        (tmp_path / "meminfo").write_text(system)
    if group is not None:
        for name, text in (
            ("memory.max", group[0]),
            ("memory.current", group[1]),
            ("memory.stat", f"anon 3\ninactive_file {group[2]}\n"),
        ):
            (tmp_path / name).write_text(text)
    assert memory_estimate.available(tmp_path / "meminfo", tmp_path) == free


def test_a_run_says_it_at_the_start_and_goes_as_it_would_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)
    data = prepare(tmp_path / "data", "melody", train=16)
    path = tmp_path / "lead.toml"
    path.write_text(TINY["melody"])
    fit.run(path, data, tmp_path / "one", overrides=["fit.steps=2"])
    said = "".join(capsys.readouterr())
    assert re.search(
        r"million parameters, 16 phrases, cpu float32 on 1 thread, about \d+ MB of memory for a step of 8\n",
        said,
    )
    monkeypatch.setattr(memory_estimate, "estimate", lambda *_, **__: 0)
    fit.run(path, data, tmp_path / "other", overrides=["fit.steps=2"])
    assert_equal(tmp_path / "one", tmp_path / "other")
