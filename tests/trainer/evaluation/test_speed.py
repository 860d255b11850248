"""How long one phrase takes."""

from tests.fakes.players import Memory
from tests.fakes.synthetic import melody
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.speed import speed

PHRASES = [melody(seed) for seed in range(22)]


class Going(Memory):
    """A player without a latent."""

    def __init__(self) -> None:
        super().__init__(knobs=())
        object.__setattr__(self.card, "latent_size", 0)


def test_what_has_no_latent_gets_what_applies_and_nothing_else() -> None:
    found = evaluate(Going(), PHRASES)
    assert set(found["reconstruction"].values()) == {None}
    assert (found["knobs"], found["interpolation"]) == ({}, None)
    assert 0 <= found["samples"]["auc"] <= 1
    assert found["samples"]["consistent"] == 1.0
    times = speed(Going(), PHRASES[:2])
    assert times["encode_ms"] is None
    assert times["total_ms"] is not None
    assert times["total_ms"] > 0
    assert set(speed(Memory(), PHRASES[:2])) == {"encode_ms", "decode_ms", "total_ms"}
