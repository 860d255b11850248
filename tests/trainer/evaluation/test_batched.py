"""What a player answers to many phrases at once."""

from collections.abc import Mapping

from model.latent.geometry import Latent
from model.music.phrase import Phrase
from tests.fakes.players import Memory, Sure
from tests.fakes.synthetic import melody
from trainer.evaluation import batched
from trainer.evaluation.evaluate import evaluate

PHRASES = [melody(seed) for seed in range(3)]


class Quick(Memory):
    """One that answers several at once, and counts how often it is asked."""

    asked = 0

    def decode_all(self, asked: list[tuple[Latent, Mapping[str, float]]]) -> list[Phrase]:
        self.asked += 1
        return [super(Quick, self).decode(latent, turns=turns) for latent, turns in asked]

    def decode(self, *_args: object, **_options: object) -> Phrase:
        raise AssertionError("asked for one alone")


def test_a_player_that_answers_several_at_once_is_asked_so_with_the_same_figures() -> None:
    quick = Quick(knobs=("density", "register"))
    found = evaluate(quick, PHRASES)
    assert found == evaluate(Memory(knobs=("density", "register")), PHRASES)
    assert quick.asked < 20


def test_any_other_is_asked_for_one_after_another() -> None:
    player = Sure()
    latents = batched.encoded(player, PHRASES)
    told: list[tuple[int, int]] = []
    answers = batched.at_rest(player, latents, lambda done, of_all: told.append((done, of_all)))
    assert answers == [player.decode(latent, turns={}) for latent in latents]
    assert told == [(3, 3)]
    assert len(batched.posteriors(player, PHRASES)) == 3
    assert batched.posteriors(Memory(), PHRASES) == []
    assert batched.unmended(player, [(latents[0], {})]) is None
    assert [done for done, _ in batched.portions(range(2 * batched.PORTION + 1))] == [64, 128, 129]
