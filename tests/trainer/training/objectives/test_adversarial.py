"""The adversarial objective: who learns from what, a critic that tells, an encoder that inverts."""

import numpy as np
import pytest
import torch
from msgspec import structs
from torch import Tensor

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX, Sampling
from model.config import BottleneckConfig, DecoderConfig, EncoderConfig, ModelConfig
from model.music.grid import Grid
from model.networks.vae import VAE
from tests.fakes.synthetic import melody
from tests.root import ROOT
from trainer.settings import CriticConfig, FitConfig, read
from trainer.training import memory_estimate
from trainer.training.objectives.adversarial import Adversarial, CriticTerm, heated, midpoints
from trainer.training.objectives.base import MODEL, Batch, Moment
from trainer.training.objectives.elbo import Elbo
from trainer.training.objectives.registry import build as choose
from trainer.training.validation import score

NOW = Moment(0, 0.5)
CONFIGS = ROOT / "trainer" / "configs"


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def config(law: str = "noise", encoder: str = "patch") -> ModelConfig:
    return ModelConfig(
        "tiny-gan",
        "melody",
        encoder=EncoderConfig(encoder, 32, 1, 2),
        bottleneck=BottleneckConfig("beats", 16, law),
        decoder=DecoderConfig("tracks", 32, 1, 2, conductor_width=16),
    )


def fit(**critic_settings: float) -> FitConfig:
    critic = CriticConfig(width=16, depth=1, learning_rate=2e-3, **critic_settings)  # type: ignore[arg-type]
    return FitConfig(objective="elbo" if critic_settings.get("weight") else "adversarial", critic=critic)


def batch(count: int = 16, first: int = 0) -> Batch:
    codec = build("melody", Grid())
    rows = [pack_phrase(codec, melody(seed)) for seed in range(first, first + count)]
    arrays = {name: torch.from_numpy(np.concatenate([row[name] for row in rows])) for name in rows[0]}
    none = {name: value[:0] for name, value in arrays.items()}
    return Batch(arrays, none, torch.zeros(0, 1))


def learns(module: torch.nn.Module) -> bool:
    return any(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in module.parameters())


def test_the_critic_takes_its_steps_first() -> None:
    objective = choose(VAE(config()), fit(steps=3))
    assert isinstance(objective, Adversarial)
    assert objective.rounds(NOW) == ("critic", "critic", "critic", MODEL)
    assert list(objective.networks) == ["critic"]


def test_each_loss_reaches_its_network_alone() -> None:
    net = VAE(config())
    objective = Adversarial(net, fit(answer=0.1))
    found = objective.loss("critic", batch(), NOW)
    found.total.backward()  # type: ignore[no-untyped-call]
    assert learns(objective.networks["critic"])
    assert not learns(net)
    assert found.parts.keys() == {"wasserstein", "penalty"}
    objective.networks.zero_grad()
    found = objective.loss(MODEL, batch(), NOW)
    assert found.parts.keys() == {"generator", "invert", "answer"}
    found.total.backward()  # type: ignore[no-untyped-call]
    assert learns(net.encoder)
    assert learns(net.decoder)
    for name in ("invert", "answer"):
        net.zero_grad()
        phrases = batch(4)
        part = (
            objective.invert(torch.randn(4, 16), phrases) if name == "invert" else objective.answer(phrases)
        )
        part.backward()  # type: ignore[no-untyped-call]
        assert learns(net.encoder)
        assert not learns(net.decoder), name
    assert all(parameter.requires_grad for parameter in net.decoder.parameters())


def test_the_total_weighs_its_parts() -> None:
    objective = Adversarial(VAE(config()), fit(penalty=7.0, invert=2.0, answer=3.0))
    found = objective.loss("critic", batch(), NOW)
    parts = found.parts
    torch.testing.assert_close(found.total, 7.0 * parts["penalty"] - parts["wasserstein"])
    found = objective.loss(MODEL, batch(), NOW)
    parts = found.parts
    torch.testing.assert_close(
        found.total, parts["generator"] + 2.0 * parts["invert"] + 3.0 * parts["answer"]
    )


def test_a_generator_without_an_encoder_learns_from_the_critic_alone() -> None:
    objective = Adversarial(VAE(config(encoder="none")), fit())
    assert objective.loss(MODEL, batch(), NOW).parts.keys() == {"generator"}


def test_of_a_decoder_that_goes_step_by_step_reconstructions_alone_are_judged() -> None:
    made = structs.replace(config("gaussian"), decoder=DecoderConfig("gru", 16, 1, 2))
    net = VAE(made)
    objective = choose(net, fit(weight=1.0))
    assert isinstance(objective, Elbo)
    assert isinstance(objective.term, CriticTerm)
    phrases = batch(6)
    heads = net.teach(torch.randn(6, 16), torch.zeros(6, 1), phrases.arrays, None)
    rolled = objective.term._rolled(heads, phrases)
    torch.testing.assert_close(rolled, objective.term.adversary.roll(heads))
    objective.term.parts(heads, phrases, NOW)["critic"].backward()  # type: ignore[no-untyped-call]
    assert learns(net.decoder)
    assert objective.loss("critic", phrases, NOW).parts.keys() == {"wasserstein", "penalty"}


def test_a_critic_learns_to_tell_music_from_an_untrained_generator() -> None:
    objective = Adversarial(VAE(config()), fit())
    optimiser = objective.optimiser("critic")
    phrases = batch(16)
    for _ in range(20):
        found = objective.loss("critic", phrases, NOW)
        optimiser.zero_grad()
        found.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    adversary, held = objective.adversary, batch(32, first=500)
    with torch.no_grad():
        fake = adversary.roll(adversary.decode(adversary.drawn(held), held))
        real, made = adversary.critic(adversary.real(held)), adversary.critic(fake)
    assert (real[:, None] > made).float().mean() > 0.95


def test_a_generator_goes_where_its_critic_points() -> None:
    net = VAE(config())
    objective = Adversarial(net, fit(invert=0.0, answer=0.0))
    optimiser = torch.optim.Adam(net.parameters(), 3e-3, betas=(0.0, 0.9))
    scores, phrases = [], batch()
    for _ in range(12):
        found = objective.loss(MODEL, phrases, NOW)
        optimiser.zero_grad()
        found.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        scores.append(-float(found.parts["generator"].detach()))
    assert np.mean(scores[-3:]) > np.mean(scores[:3]) + 0.02


def test_an_encoder_learns_to_invert_its_generator() -> None:
    """E alone learns; G stays as it is, scaled so that its music varies with z."""
    net = VAE(config())
    with torch.no_grad():
        for parameter in net.decoder.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2.5)
    objective = Adversarial(net, fit(answer=0.0))
    net.decoder.requires_grad_(False)
    z = torch.randn(64, 16, generator=torch.Generator().manual_seed(9))

    def again() -> tuple[float, float]:
        with torch.no_grad():
            made = net.generate(z)
            mean, _ = net.encode(made)
            same = (net.generate(mean)["token"] == made["token"]).float().mean()
            return float(((mean - z) ** 2).mean()), float(same)

    before, phrases = again(), batch(2)
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 5e-3)
    for _ in range(50):
        loss = objective.invert(torch.randn(32, 16), phrases)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    after = again()
    assert before[0] > 0.95
    assert after[0] < 0.8 * before[0]
    assert after[1] > before[1] + 0.1


def test_an_encoder_learns_which_z_answers_a_real_phrase() -> None:
    net = VAE(config())
    objective = Adversarial(net, fit())
    optimiser = torch.optim.Adam(net.encoder.parameters(), 5e-3)
    nats, phrases = [], batch(8)
    for _ in range(12):
        loss = objective.answer(phrases)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        nats.append(float(loss.detach()))
    assert nats[-1] < nats[0]


def test_no_threshold_is_tuned_for_a_generator() -> None:
    """Its keys lie close to the edge: a threshold tuned on answers would switch all of them on."""
    for law, tuned in (("noise", False), ("gaussian", True)):
        net = VAE(structs.replace(config(law), codec="drums")).eval()
        empty = build("drums", Grid()).pack(np.zeros((0, 6), dtype=np.int16), np.zeros(0, dtype=np.int64), 4)
        _, levels = score(net, {name: torch.from_numpy(value) for name, value in empty.items()})
        assert bool(levels) is tuned


def test_heat_and_noise_act_on_logits_alone() -> None:
    heads = {"bass.pitch": torch.tensor([[[2.0, 0.0, -9.0]]]), "bass.velocity": torch.tensor([[0.3]])}
    cold = heated(heads, 2.0, 0.0)
    torch.testing.assert_close(cold["bass.pitch"], -torch.tensor([[[0.0, 1.0, 5.5]]]).log1p())
    assert cold["bass.velocity"] is heads["bass.velocity"]
    many = {"pitch": heads["bass.pitch"].expand(4000, -1, -1), "chords.onset": torch.full((4000, 1, 1), 1.0)}
    drawn = heated(many, 0.5, 1.0)
    chosen = torch.bincount(drawn["pitch"].argmax(-1).flatten(), minlength=3) / 4000
    torch.testing.assert_close(chosen, torch.softmax(torch.tensor([2.0, 0.0, -9.0]), 0), atol=0.03, rtol=0)
    struck = float((drawn["chords.onset"] > 0).float().mean())
    assert struck == pytest.approx(float(torch.sigmoid(torch.tensor(1.0))), abs=0.03)


def test_a_switch_far_out_still_has_a_slope() -> None:
    logits = torch.tensor([-30.0, -1e-3, 0.5, 30.0], requires_grad=True)
    found = heated({"hit": logits}, 1.0, 0.0)["hit"]
    assert [bool(x) for x in found > 0] == [False, False, True, True]
    soft = torch.sigmoid(found)
    soft.sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(logits.grad, 1 / (2 + logits.detach().abs()) ** 2)


def test_a_class_far_behind_still_has_a_slope() -> None:
    logits = torch.tensor([[3.0, 40.0, -60.0]], requires_grad=True)
    found = heated({"pitch": logits}, 1.0, 0.0)["pitch"]
    assert found.argsort().tolist() == [[2, 0, 1]]
    torch.softmax(found, -1)[0, 2].backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 2] > 1e-5  # of a plain softmax it is e^-100


def test_midpoints_keep_the_norm() -> None:
    mean = torch.tensor([[3.0, 0.0], [0.0, 5.0]])
    found = midpoints(mean)
    torch.testing.assert_close(found.norm(dim=1), torch.tensor([4.0, 4.0]))
    torch.testing.assert_close(found[0], found[1])


def term(**critic_settings: float) -> tuple[VAE, CriticTerm]:
    net = VAE(config("gaussian"))
    objective = choose(net, fit(**critic_settings))
    assert isinstance(objective, Elbo)
    assert isinstance(objective.term, CriticTerm)
    return net, objective.term


def test_a_term_waits_for_its_share_of_the_run() -> None:
    net, found = term(weight=2.0, start=0.4, steps=2)
    phrases = batch()
    heads = net.decode(torch.randn(16, 16))
    assert found.rounds(Moment(0, 0.39)) == ()
    assert found.parts(heads, phrases, Moment(0, 0.39)) == {}
    assert found.rounds(Moment(0, 0.4)) == ("critic", "critic")
    assert found.parts(heads, phrases, Moment(0, 0.4)).keys() == {"critic"}


def test_a_term_hears_reconstructions_prior_and_midpoints() -> None:
    net, found = term(weight=2.0)
    phrases = batch(12)
    heads = net.decode(torch.randn(12, 16))
    heads = {name: value.detach().requires_grad_() for name, value in heads.items()}
    part = found.parts(heads, phrases, NOW)["critic"]
    part.backward()  # type: ignore[no-untyped-call]
    gradient = heads["state"].grad
    assert gradient is not None
    assert [bool(row.abs().sum() > 0) for row in gradient] == [True, False, False] * 4
    assert learns(net.decoder)  # by the other two thirds
    assert not learns(net.encoder)
    roll = found.adversary.roll(heads)
    torch.testing.assert_close(found._rolled(heads, phrases)[::3], roll[::3])


def test_a_term_counts_by_its_weight() -> None:
    net, found = term(weight=2.0)
    heads, phrases = net.decode(torch.randn(6, 16)), batch(6)
    torch.manual_seed(1)
    part = found.parts(heads, phrases, NOW)["critic"]
    torch.manual_seed(1)
    torch.testing.assert_close(part, -2.0 * found.adversary.score(found._rolled(heads, phrases), phrases))


def drawn(net: VAE, choice: Sampling) -> Tensor:
    return net.generate(torch.ones(1, 16).expand(200, -1), sampling=choice)["token"]


def test_notes_are_drawn_by_top_k_and_top_p() -> None:
    net = VAE(config()).eval()
    likeliest = drawn(net, ARGMAX)
    assert torch.equal(drawn(net, Sampling(1.0, top_k=1)), likeliest)
    assert torch.equal(drawn(net, Sampling(1.0, top_p=1e-6)), likeliest)
    free = drawn(net, Sampling(1.0))
    assert len({tuple(row) for row in free.tolist()}) > 100
    heads = net.decode(torch.ones(1, 16))
    state, pitch = heads["state"][0, 0], heads["pitch"][0, 0]
    pairs = drawn(net, Sampling(1.0, top_k=2))[:, 0]
    allowed = {int(index) for index in pitch.topk(2).indices}
    assert {int(token) for token in pairs if token < 128} == allowed
    # nucleus: the likeliest pitches that together reach the share
    ordered, order = torch.softmax(pitch, -1).sort(descending=True)
    inside = int((ordered.cumsum(0) - ordered < 0.3).sum())
    sampled = {int(token) for token in drawn(net, Sampling(1.0, top_p=0.3))[:, 0] if token < 128}
    assert sampled <= {int(index) for index in order[:inside]}
    assert state.shape == (3,)


@pytest.mark.parametrize("name", ["transformer-gan", "vae-gan"])
def test_the_shipped_configurations_fit_a_small_graphics_card(name: str) -> None:
    configuration = read(CONFIGS / f"{name}.toml", [])
    net = VAE(configuration.model)
    objective = choose(net, configuration.fit)
    codec = build(configuration.model.codec, configuration.model.grid.build())
    empty = codec.pack(np.zeros((0, 6), dtype=np.int16), np.zeros(0, dtype=np.int64), 2)
    arrays = {key: torch.from_numpy(value) for key, value in empty.items()}
    none = {key: value[:0] for key, value in arrays.items()}
    phrases = Batch(arrays, none, torch.zeros(0, max(1, len(configuration.model.knobs))))
    found = memory_estimate.measure(objective, phrases, Moment(0, 1.0), kind=torch.float32)
    # in float32, which is more than half precision takes; two gigabytes are left to the device itself
    assert found.total(configuration.fit.batch) < 6 * 2**30
    weights = sum(parameter.numel() for parameter in net.parameters())
    critic = sum(parameter.numel() for parameter in objective.networks.parameters())
    assert found.weights == 4 * (weights + critic)
    assert found.per_phrase > 0
