"""Latent work on files, at leisure: what `sample`, `morph` and `edit` do with a model.

Everything goes through `model.player.Player`; the command line's process loads the model itself, for
there is no clock to disturb.  Randomness comes from seeds only: the same call gives the same phrases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from live.errors import FailureError, UsageError, unknown
from live.models import shipped_models
from model.attributes import measure
from model.codecs.base import build, pack_phrase
from model.errors import ConfigError, ModelError
from model.latent import Latent, between, way_lengths
from model.phrase import Phrase
from model.player import Card, Player

WALK_MEMORY = 0.8  # of a sample's next phrase: neighbours are related, and the scatter stays the same
FINE_POINTS = 33  # where a morph is listened to before its steps are placed
LARGEST_SEED = 2**32 - 1


def open_player(name: str) -> Player:
    """Load a shipped model by name, or a checkpoint by path.

    Raises:
        UsageError: there is no such model, or it has no latent space to work in.
        FailureError: its file cannot be used.

    """
    known = shipped_models()
    if name not in known and not Path(name).is_file():
        raise unknown("model", name, known)
    from model.play import load  # noqa: PLC0415  only now is it known that the wait is worth it

    try:
        player = load(name)
    except ModelError as error:
        raise FailureError(f"model '{name}' could not be loaded: {error}") from error
    if player.card.latent_size == 0:
        raise UsageError(f"model '{player.card.name}' has no latent space: take one that has")
    return player


def check_turns(turns: Mapping[str, float], card: Card) -> dict[str, float]:
    """Return the knobs that are turned at all.

    Args:
        turns: knob name -> -1..1.
        card: of the model that must heed them.

    Raises:
        UsageError: one lies outside -1..1, or the model does not heed it.

    """
    for name, turn in turns.items():
        if not -1 <= turn <= 1:  # NaN lies nowhere
            raise UsageError(f"--{name} must be in -1..1, not {turn:g}")
        if turn and name not in card.knobs:
            heeded = ", ".join(card.knobs) or "none"
            raise UsageError(f"model '{card.name}' does not heed {name}; its knobs are: {heeded}")
    return {name: turn for name, turn in turns.items() if turn}


def sample(
    player: Player, *, number: int, seed: int, phrases: int = 1, temperature: float = 0.0
) -> Sequence[Phrase]:
    """Return one sample: phrases decoded from random latents, the later ones walking on from the first.

    The latents are normal around zero with the model's own scale per dimension.  That is the aggregate
    posterior only as far as it is normal and centred; how good such samples are is the model's business.

    Args:
        player: with a latent.
        number: of the sample; each is independent of the others and of how many there are.
        seed: 0..2**32 - 1.
        phrases: how many, one after another.
        temperature: 0 takes the likeliest notes of each latent.

    """
    card = player.card
    rng = np.random.default_rng([seed, number])
    answers: list[Phrase] = []
    z = np.zeros(card.latent_size)
    for index in range(phrases):
        fresh = rng.standard_normal(card.latent_size) * card.scale
        z = fresh if index == 0 else WALK_MEMORY * z + np.sqrt(1 - WALK_MEMORY**2) * fresh
        latent = Latent(card.ident, z.astype(np.float32))
        chance = int(rng.integers(LARGEST_SEED))
        answers.append(player.decode(latent, turns={}, temperature=temperature, seed=chance))
    return answers


def morph(
    player: Player, first: Phrase, last: Phrase, *, steps: int, seed: int, temperature: float = 0.0
) -> list[Phrase]:
    """Return phrases on the way between two, the ends as the model hears them, in even audible steps.

    Along a straight knob little happens near the ends and much in the middle, so the way is decoded at
    many points first, and the steps are placed by the length of what is heard.

    Args:
        player: with a latent.
        first: where the way starts, on the model's grid.
        last: where it ends, on the same grid.
        steps: phrases in all, at least 2.
        seed: 0..2**32 - 1; one for all steps, so that they share their chance.
        temperature: 0 takes the likeliest notes.

    """
    a, b = player.encode(first), player.encode(last)

    def at(t: float) -> Phrase:
        return player.decode(between(a, b, t), turns={}, temperature=temperature, seed=seed)

    fine = np.linspace(0.0, 1.0, max(FINE_POINTS, 2 * steps - 1))
    heard = [at(float(t)) for t in fine]
    way = way_lengths([distance(before, after) for before, after in pairwise(heard)])
    places = np.interp(np.linspace(0.0, 1.0, steps), way, fine)
    return [heard[0], *(at(float(t)) for t in places[1:-1]), heard[-1]]


def distance(a: Phrase, b: Phrase) -> float:
    """Return how much two phrases differ, 0..1: the share of (onset, pitch) that only one of them has.

    The Jaccard distance of the two sets; two empty phrases are the same.
    """
    ours, theirs = ({(note.onset, note.pitch) for note in phrase.notes} for phrase in (a, b))
    union = len(ours | theirs)
    return len(ours ^ theirs) / union if union else 0.0


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a piece.

    Attributes:
        phrases: one for each of the piece's.
        lost: notes that the model's codec cannot hold (a chord's lower keys in a melody).
        before: each attribute, averaged over the phrases that have notes, as the model hears them.
        after: the same of the edited phrases.

    """

    phrases: list[Phrase]
    lost: int
    before: dict[str, float]
    after: dict[str, float]


def edit(
    player: Player,
    piece: Sequence[Phrase],
    turns: Mapping[str, float],
    *,
    seed: int,
    temperature: float = 0.0,
) -> Edited:
    """Return a piece with its attributes turned, phrase by phrase; silent phrases stay silent.

    Args:
        player: with a latent.
        piece: phrases on the model's grid.
        turns: knob name -> -1..1, all of them heeded by the model.
        seed: 0..2**32 - 1.
        temperature: 0 takes the likeliest notes.

    """
    answers: list[Phrase] = []
    before: list[dict[str, float]] = []
    after: list[dict[str, float]] = []
    lost = 0
    for index, phrase in enumerate(piece):
        if not phrase.notes:
            answers.append(phrase)
            continue
        lost += len(phrase) - held(player.card, phrase)
        latent = player.encode(phrase)
        answer = player.decode(
            latent, turns=turns, temperature=temperature, seed=(seed + index) % LARGEST_SEED
        )
        answers.append(answer)
        before.append(measure(player.decode(latent, turns={}) if turns else answer))
        after.append(measure(answer))
    return Edited(answers, lost, _average(before), _average(after))


def _average(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = rows[0].keys() if rows else ()
    return {name: sum(row[name] for row in rows) / len(rows) for name in names}


def held(card: Card, phrase: Phrase) -> int:
    """Return how many of a phrase's notes the model's codec can hold (all, for a codec unknown here)."""
    try:
        codec = build(card.codec, card.grid)
    except ConfigError:
        return len(phrase)
    return len(codec.unpack(pack_phrase(codec, phrase), 0))
