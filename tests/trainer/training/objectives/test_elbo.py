"""The bound: its parts, free bits, hidden parts, a critic's term; accumulated batches are one large one."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from model.networks.vae import VAE
from tests.fakes import two_processes
from tests.fakes.objectives import HALF, batch, built
from tests.fakes.runs import STEPWISE
from tests.fakes.synthetic import TINY
from trainer import settings
from trainer.run.distributed import World
from trainer.settings import FitConfig
from trainer.training.objectives.base import MODEL, Batch, Loss, Moment
from trainer.training.objectives.elbo import Elbo


def test_the_bound_is_the_sum_of_its_weighted_parts(tmp_path: Path) -> None:
    net, fit = built(TINY["melody"], tmp_path, "fit.beta=0.3", "fit.ramp=0", "fit.edit_weight=0.25")
    loss = Elbo(net, fit).loss(MODEL, batch(edits=3), HALF)
    parts = {name: float(value.detach()) for name, value in loss.parts.items()}
    assert set(parts) == {"state", "pitch", "velocity", "kl", "edit"}
    wanted = parts["state"] + parts["pitch"] + parts["velocity"] + 0.3 * parts["kl"] + 0.25 * parts["edit"]
    assert float(loss.total.detach()) == pytest.approx(wanted, rel=1e-5)
    assert parts["edit"] > 0


@pytest.mark.parametrize("text", [TINY["melody"], STEPWISE], ids=["at once", "step by step"])
def test_free_bits_are_a_total_per_phrase(tmp_path: Path, text: str) -> None:
    net, _ = built(text, tmp_path)
    made = batch(knobs=max(1, len(net.config.knobs)))
    mean, logvar = net.encode(made.arrays)
    price = net.divergence(mean, logvar).sum(1).detach()
    free = float(price.median())

    def total(nats: float) -> float:
        torch.manual_seed(0)
        fit = FitConfig(beta=1.0, ramp=0.0, free_bits=nats)
        return float(Elbo(net, fit).loss(MODEL, made, HALF).total.detach())

    # each phrase above the free nats pays the rest, each below nothing
    saved = float(torch.minimum(price, torch.tensor(free)).mean())
    assert total(0.0) - total(free) == pytest.approx(saved, rel=1e-4)
    assert total(0.0) - total(1e9) == pytest.approx(float(price.mean()), rel=1e-4)


def test_below_its_free_bits_the_encoder_is_not_pulled_to_the_prior(tmp_path: Path) -> None:
    net, _ = built(STEPWISE, tmp_path)
    made = batch(knobs=1)

    def pull(nats: float) -> float:
        net.zero_grad()
        fit = FitConfig(beta=1e6, ramp=0.0, free_bits=nats)
        Elbo(net, fit).loss(MODEL, made, HALF).total.backward()  # type: ignore[no-untyped-call]
        gradient = net.bottleneck.out.weight.grad
        assert gradient is not None
        return float(gradient.norm())

    assert pull(0.0) > 100 * pull(1e9)


def test_parts_that_are_hidden_are_asked_for_all_the_same(tmp_path: Path) -> None:
    net, fit = built(TINY["melody"], tmp_path)
    net.sample = lambda mean, *_: mean  # type: ignore[method-assign]
    made = batch()
    silent = {
        name: torch.full_like(value, 129 if name == "token" else 0) for name, value in made.arrays.items()
    }
    deaf = Elbo(net, fit).loss(MODEL, replace(made, encoder_input=silent), HALF)
    empty = Elbo(net, fit).loss(MODEL, Batch(silent, made.edited, made.change), HALF)
    assert float(deaf.parts["kl"].detach()) == pytest.approx(
        float(empty.parts["kl"].detach())
    )  # z is of what was heard
    assert float(deaf.parts["pitch"].detach()) > 0  # the notes are asked for
    assert float(empty.parts["pitch"].detach()) == 0


def test_a_summary_without_a_law_has_no_price(tmp_path: Path) -> None:
    net, fit = built(STEPWISE, tmp_path, "model.bottleneck.law=none", "fit.free_bits=0")
    loss = Elbo(net, fit).loss(MODEL, batch(knobs=1), HALF)
    assert float(loss.parts["kl"].detach()) == 0.0
    loss.total.backward()  # type: ignore[no-untyped-call]


class Nudge:
    """A term with a network of its own that asks for louder decodes."""

    def __init__(self) -> None:
        self.networks = torch.nn.ModuleDict({"nudge": torch.nn.Linear(1, 1)})
        self.seen: list[tuple[str, bool, int]] = []

    def optimiser(self, role: str) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.networks[role].parameters())

    def rounds(self, moment: Moment) -> tuple[str, ...]:
        return ("nudge", "nudge")

    def loss(self, role: str, heads: dict[str, Tensor], batch: Batch, moment: Moment) -> Loss:
        self.seen.append((role, heads["velocity"].requires_grad, len(heads["velocity"])))
        total = self.networks[role](torch.ones(1)).sum()
        return Loss(total, {"nudge": total})

    def parts(self, heads: dict[str, Tensor], batch: Batch, moment: Moment) -> dict[str, Tensor]:
        self.seen.append(("parts", heads["velocity"].requires_grad, len(heads["velocity"])))
        return {"louder": -heads["velocity"].mean()}


def test_a_critics_term_joins_from_its_start_on(tmp_path: Path) -> None:
    net, fit = built(TINY["melody"], tmp_path, "fit.critic.start=0.6")
    nudge = Nudge()
    objective = Elbo(net, fit, nudge)
    assert objective.rounds(Moment(0, 0.5)) == (MODEL,)
    assert objective.rounds(Moment(0, 0.6)) == ("nudge", "nudge", MODEL)
    made = batch(edits=2)
    assert "louder" not in objective.loss(MODEL, made, Moment(0, 0.5)).parts
    objective.loss("nudge", made, Moment(0, 0.7))
    assert "louder" in objective.loss(MODEL, made, Moment(0, 0.7)).parts
    # a critic's round gets heads without gradients; the model's round gets them with, the plain decodes alone
    assert nudge.seen[0][:2] == ("nudge", False)
    assert nudge.seen[-1] == ("parts", True, len(made))


@pytest.mark.parametrize("text", [TINY["melody"], STEPWISE], ids=["at once", "step by step"])
def test_accumulated_batches_are_one_large_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    overrides = ["fit.word_dropout=0", "fit.scheduled_sampling=0"]
    one = two_processes.update(path, World(), batches=1, size=12, overrides=overrides)
    three = two_processes.update(path, World(), batches=3, size=4, overrides=overrides)
    torch.manual_seed(0)
    begun = VAE(settings.read(path, overrides).model).state_dict()
    assert any(not torch.equal(one[name], value) for name, value in begun.items())
    for name, value in one.items():
        torch.testing.assert_close(three[name], value, atol=1e-5, rtol=1e-5)
