"""Step-by-step decoders: a step computes what the taught sequence does; what is drawn is what is fed."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
import torch

from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.config import ModelConfig
from model.errors import ConfigError, ModelError
from model.networks.decoders.base import AutoregressiveDecoder, ParallelDecoder, delayed
from model.networks.encoders.base import Encoder
from model.networks.heads.base import Chance, Head
from model.networks.layers.part_io import PartReader, PartWriter
from model.networks.vae import VAE
from tests.fakes.networks import LATENTLESS, STEPWISE, code, config, network, packed

EVERY = (
    [
        pytest.param(config(kind, codec, neck=neck), id=f"{kind} {codec}")
        for kind, (codec, neck) in product(STEPWISE, (("melody", "phrase"), ("poly", "beats")))
    ]
    + [
        pytest.param(
            config(kind, "melody", latent=False, conditions=("chords", "style")), id=f"{kind} language"
        )
        for kind in LATENTLESS
    ]
    + [
        pytest.param(config(kind, codec), id=f"{kind} {codec}")
        for kind, codec in (("gru", "drums"), ("transformer", "multitrack"))
    ]
)


@pytest.mark.parametrize(
    "base", [ParallelDecoder, AutoregressiveDecoder, Encoder, Head, PartReader, PartWriter]
)
def test_what_lacks_a_function_cannot_be_built(base: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="abstract"):
        base()


@pytest.mark.parametrize("chosen", EVERY)
def test_steps_compute_what_the_taught_sequence_does(chosen: ModelConfig) -> None:
    net = network(chosen)
    assert isinstance(net.decoder, AutoregressiveDecoder)
    before = delayed(net.head.read(packed(net)))
    asked = code(net)
    with torch.no_grad():
        taught = net.decoder(*asked, before)
        shorter = net.decoder(*asked, before[:, :11])
        state = net.decoder.start(*asked)
        names = list(state)
        for step in range(net.sizes.grid.steps):
            assert state["place"].tolist() == [step] * 3
            logits, state = net.decoder.step(state, before[:, step])
            torch.testing.assert_close(logits, taught[:, step], atol=1e-4, rtol=1e-4)
            assert list(state) == names
            assert all(value.shape[0] == 3 for value in state.values())
    torch.testing.assert_close(shorter, taught[:, :11], atol=1e-4, rtol=1e-4)
    later = before.clone()
    later[:, 20:] += 1
    with torch.no_grad():
        torch.testing.assert_close(net.decoder(*asked, later)[:, :20], taught[:, :20])


@pytest.mark.parametrize("kind", STEPWISE)
def test_z_and_knobs_and_conditions_reach_every_step(kind: str) -> None:
    net = network(config(kind, conditions=("key",)))
    z, change, condition = code(net)
    assert condition is not None
    before = torch.zeros(3, 32, net.sizes.features)
    with torch.no_grad():
        plain = net.decoder(z, change, condition, before)
        for other in ((z + 1, change, condition), (z, change + 1, condition), (z, change, condition + 1)):
            moved = net.decoder(*other, before)
            assert ((moved - plain).abs().amax((0, 2)) > 1e-4).all()


@pytest.mark.parametrize("kind", STEPWISE)
def test_untrained_knobs_and_conditions_are_silent(kind: str) -> None:
    torch.manual_seed(0)
    net = VAE(config(kind, conditions=("key",)))
    z, change, condition = code(net)
    before = torch.randn(3, 32, net.sizes.features)
    torch.testing.assert_close(
        net.decoder(z, change, condition, before), net.decoder(z, 0 * change, None, before)
    )


@pytest.mark.parametrize("chosen", EVERY)
def test_what_is_drawn_is_what_a_codec_would_pack(chosen: ModelConfig) -> None:
    net = network(chosen)
    codec = build(chosen.codec, net.sizes.grid)
    z, change, condition = code(net)
    drawn = net.generate(z, change, Sampling(1.0, seed=3), condition=condition)
    for row in range(3):
        phrase = codec.unpack({name: value.numpy() for name, value in drawn.items()}, row)
        again = pack_phrase(codec, phrase)
        for name, value in drawn.items():
            # a velocity becomes one of 127, an offset a hundredth of a step
            np.testing.assert_allclose(value[row].numpy(), again[name][0], atol=0.00501)


@pytest.mark.parametrize("chosen", EVERY)
def test_what_was_drawn_is_what_was_fed(chosen: ModelConfig) -> None:
    """The free run's own outputs are those of teaching it its result."""
    net = network(chosen)
    z, change, condition = code(net)
    noise = torch.rand(3, net.sizes.grid.steps, net.head.chances)
    drawn = net.generate(z, change, Sampling(1.0), condition=condition, noise=noise)
    with torch.no_grad():
        logits = net.decoder(z, change, condition, delayed(net.head.read(drawn)))
    last = net.head.blank(3, z.device)
    for step in range(net.sizes.grid.steps):
        now = net.head.draw(logits[:, step], Chance.of(Sampling(1.0), noise[:, step]), last)
        for name, value in now.items():
            torch.testing.assert_close(value, drawn[name][:, step : step + 1], atol=1e-4, rtol=1e-4)
        last = now


@pytest.mark.parametrize("chosen", EVERY)
def test_a_prefix_stays_exactly_and_is_heeded(chosen: ModelConfig) -> None:
    net = network(chosen)
    z, change, condition = code(net)
    prefix = packed(net)
    free = net.generate(z, change, Sampling(1.0, seed=1), condition=condition)
    continued = net.generate(z, change, Sampling(1.0, seed=1), prefix, 13, condition=condition)
    for name, value in continued.items():
        torch.testing.assert_close(value[:, :13], prefix[name][:, :13], rtol=0, atol=0)
    assert any(not torch.equal(continued[name][:, 13:], free[name][:, 13:]) for name in continued)
    before = delayed(net.head.read(continued))
    with torch.no_grad():
        logits = net.decoder(z, change, condition, before)
    chance = Chance.of(Sampling(), torch.full((3, net.head.chances), 0.5))
    greedy = net.generate(z, change, Sampling(), continued, 20, condition=condition)
    last = {name: value[:, 19:20] for name, value in continued.items()}
    now = net.head.draw(logits[:, 20], chance, last)
    for name, value in now.items():
        torch.testing.assert_close(value, greedy[name][:, 20:21], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", [*STEPWISE, "patch"])
@pytest.mark.parametrize("codec", ["melody", "poly"])
def test_a_seed_fixes_the_draw_and_top_k_of_one_is_the_likeliest(kind: str, codec: str) -> None:
    net = network(config(kind, codec))
    z, change, _ = code(net)

    def same(a: Sampling, b: Sampling) -> bool:
        one, other = net.generate(z, change, a), net.generate(z, change, b)
        return all(torch.equal(one[name], other[name]) for name in one)

    assert same(Sampling(1.0, seed=4), Sampling(1.0, seed=4))
    assert not same(Sampling(1.0, seed=4), Sampling(1.0, seed=5))
    assert same(Sampling(0.0, seed=4), Sampling(0.0, seed=5))
    assert same(Sampling(1.0, top_k=1, seed=4), Sampling(0.0))
    assert same(Sampling(1.0, top_p=1e-6, seed=4), Sampling(0.0))


def test_a_decoder_at_once_generates_what_its_heads_spell() -> None:
    for codec in ("melody", "poly"):
        net = network(config("patch", codec))
        z, change, _ = code(net)
        played = build(codec, net.sizes.grid)
        heads = {name: value.detach().numpy() for name, value in net.decode(z, change).items()}
        drawn = {name: value.numpy() for name, value in net.generate(z, change).items()}
        for row in range(3):
            wanted = played.read({name: value[row] for name, value in heads.items()})
            assert played.unpack(drawn, row) == wanted


def test_top_k_and_top_p_bound_what_is_drawn() -> None:
    net = network(config("gru"))
    logits = torch.zeros(400, net.head.step_logits)
    logits[:, 0] = 5.0  # an onset
    logits[:, 3:131] = torch.arange(128) * -0.05
    last = net.head.blank(400, logits.device)
    noise = torch.rand(400, net.head.chances, generator=torch.Generator().manual_seed(0))

    def tokens(choice: Sampling) -> set[int]:
        token = net.head.draw(logits, Chance.of(choice, noise), last)["token"]
        return {int(value) for value in token.flatten() if value < 128}

    assert tokens(Sampling(1.0, top_k=4)) == {0, 1, 2, 3}
    mass = torch.softmax(logits[0, 3:131], -1).cumsum(-1)
    inside = int((mass < 0.2).sum()) + 1
    assert tokens(Sampling(1.0, top_p=0.2)) == set(range(inside))
    assert len(tokens(Sampling(1.0))) > 40
    assert tokens(Sampling(0.0)) == {0}


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (config("attention", latent=False), "attends to a latent"),
        (config("hierarchical", latent=False), "needs a latent"),
        (config("patch", latent=False), "needs a latent"),
        (config("gru", context_bars=1), "only a model without a latent"),
        (config("gru", latent=False, context_bars=2), "leave none to answer"),
        (config("grub"), "did you mean 'gru'"),
    ],
)
def test_what_does_not_fit_is_refused(chosen: ModelConfig, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        VAE(chosen)


def test_heads_before_drawing_are_refused() -> None:
    net = network(config("gru"))
    with pytest.raises(ModelError, match="step by step"):
        net.decode(torch.zeros(1, 32))


def test_what_was_taught_is_written_free_running() -> None:
    torch.manual_seed(0)
    net = VAE(config("transformer", law="none", knobs=()))
    arrays = packed(net, 3)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(100):
        z = net.sample(*net.encode(arrays))
        losses = net.head.loss(net.teach(z, None, arrays, word_dropout=0.2), arrays)
        loss = torch.stack([value.mean() for value in losses.values()]).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    drawn = net.generate(net.encode(arrays)[0])
    assert (drawn["token"] == arrays["token"]).float().mean() > 0.9
