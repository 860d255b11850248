"""Latent work on files, at leisure: what `sample`, `morph` and `edit` do with a model.

Everything goes through `model.playing.player.Player`; the command line's process loads the model itself, for
there is no clock to disturb.  Randomness comes from seeds only: the same call gives the same phrases.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from live.errors import FailureError, UsageError, unknown
from live.ipc.places import Point, Varied
from live.settings import config as settings
from live.settings.schema import AS_PLAYED, AUTO, OFF
from live.worker.accompanist import Accompanist
from live.worker.phrases import shown_of
from live.worker.variations import Origin, Variations
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import ARGMAX, Sampling
from model.edits.arrangement import at_level, laid, leading, varied_parts
from model.edits.groove import with_crash, with_fill
from model.edits.reharmonise import HARMONIC, LeadSheet
from model.errors import ConfigError, ModelError
from model.latent.geometry import Latent, PlayedPhrase, between
from model.latent.note_transformer import run_to_end
from model.music.attributes import measure
from model.music.chord_finding import GUESS, beats_of, progression
from model.music.grid import Grid
from model.music.harmony import Chord, key_named
from model.music.key import Key, key_of
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.player import Card, Player
from model.playing.variation import note_f1
from model.playing.warp import WARP_STEPS, audible_lengths, decoded_way, even_places
from model.shipped import shipped_models
from model.writing.wish import KIND_OF_CODEC, Kind, Wish, writable
from model.writing.writer import TOGETHER, Writer, shipped_writer

WALK_STEP = 0.41  # of the way to a fresh latent, for a sample's next phrase: four fifths of it stay
FINE_STEPS = 2 * WARP_STEPS  # in which a morph is listened to at least, before its own are placed
LARGEST_SEED = 2**32 - 1


def load_player(name: str, *, wanted_for: str = "") -> Player:
    """Load a shipped model by name, or a checkpoint by path.

    Args:
        name: of the model.
        wanted_for: the command that needs a latent space; "" where any model will do.

    Raises:
        UsageError: there is no such model, or it has no latent space and needs one.
        FailureError: its file cannot be used.
    """
    settings.check_model(name)
    from model.playing.load import load  # noqa: PLC0415  only now is it known that the wait is worth it

    try:
        player = load(name)
    except ModelError as error:
        raise FailureError(f"model '{name}' could not be loaded: {error}") from error
    if wanted_for and player.card.latent_size == 0:
        raise UsageError(
            f"{wanted_for} needs a latent space, and model '{player.card.name}' has none, it continues "
            f"phrases; of the shipped ones there is: {', '.join(shipped_models()) or 'none'}"
        )
    return player


def check_condition(wanted: Mapping[str, str | None], card: Card) -> dict[str, str]:
    """Return the conditions that were asked for.

    Args:
        wanted: condition name -> its text, None where it was not asked for.
        card: of the model that must heed them.

    Raises:
        UsageError: the model does not heed it or does not know the style, or the text says no such thing.
    """
    requested = {name: text for name, text in wanted.items() if text is not None}
    for name, text in requested.items():
        if name not in card.conditions:
            heeded = ", ".join(card.conditions) or "none"
            raise UsageError(f"model '{card.name}' does not heed --{name}; its conditions are: {heeded}")
        settings.check_condition(name, text, label=f"--{name}")
    if "style" in requested and requested["style"] not in card.styles:
        raise unknown("style", requested["style"], card.styles)
    return requested


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
            raise UsageError(f"{name} must be a number from -1 to 1, not {turn:g}")
        if turn and name not in card.knobs:
            heeded = ", ".join(card.knobs) or "none"
            raise UsageError(f"model '{card.name}' does not heed {name}; its knobs are: {heeded}")
    return {name: turn for name, turn in turns.items() if turn}


def sample(
    player: Player,
    *,
    number: int,
    seed: int,
    phrases: int = 1,
    sampling: Sampling = ARGMAX,
    condition: Mapping[str, str] | None = None,
) -> Sequence[Phrase]:
    """Return one sample: phrases decoded from latents of the model's prior, the later ones walking on.

    A model without a latent begins with a phrase out of nothing, and continues what it has written.

    Args:
        player: any.
        number: of the sample; each is independent of the others and of how many there are.
        seed: 0..2**32 - 1.
        phrases: how many, one after another.
        sampling: how notes are drawn; its seed does not count.
        condition: what every phrase keeps to; see `model.playing.player.Player.decode`.
    """
    rng = np.random.default_rng([seed, number])
    answers: list[Phrase] = []
    latent: Latent | None = None
    for _ in range(phrases):
        drawn, chance = (int(rng.integers(LARGEST_SEED)) for _ in range(2))
        draw = replace(sampling, seed=chance)
        if player.card.latent_size == 0:
            before = answers[-1] if answers else Phrase(player.card.grid)
            phrase = player.continuation(before, sampling=draw, condition=condition)
        else:
            (fresh,) = player.prior(1, drawn)
            latent = fresh if latent is None else between(latent, fresh, WALK_STEP)
            phrase = player.decode(latent, turns={}, sampling=draw, condition=condition)
        answers.append(phrase)
    return answers


def samples(
    player: Player,
    *,
    number: int,
    seed: int,
    phrases: int = 1,
    sampling: Sampling = ARGMAX,
    condition: Mapping[str, str] | None = None,
    writer: Writer | None = None,
) -> Iterator[Sequence[Phrase]]:
    """Yield samples: from the writer, many at once, where there is one for the model, else as `sample` does.

    A sample's phrases go on from each other.  Each sample is independent of the others and of their number.

    Args:
        player: any.
        number: how many samples.
        seed: 0..2**32 - 1; that of `sampling` does not count.
        phrases: of each.
        sampling: of the model, see `sample`; the writer's chance is that of music.
        condition: what every phrase keeps to.
        writer: writes what the model then plays; see `writer_for`.
    """
    if writer is None:
        for one in range(number):
            yield sample(
                player, number=one, seed=seed, phrases=phrases, sampling=sampling, condition=condition
            )
        return
    kind = KIND_OF_CODEC[player.card.codec]
    for first in range(0, number, TOGETHER):
        chances = [np.random.default_rng([seed, one]) for one in range(first, min(first + TOGETHER, number))]
        written: list[list[Phrase]] = [[] for _ in chances]
        answers: list[list[Phrase]] = [[] for _ in chances]
        for place in range(phrases):
            ending = phrases > 1 and place == phrases - 1
            wishes = [Wish(kind, context=tuple(before), place=place, ending=ending) for before in written]
            seeds = [int(chance.integers(LARGEST_SEED)) for chance in chances]
            for row, phrase in enumerate(writer.write_many(wishes, seed=seeds)):
                written[row].append(phrase)
                latent = player.encode(phrase)
                draw = replace(sampling, seed=seeds[row])
                answers[row].append(player.decode(latent, turns={}, sampling=draw, condition=condition))
        yield from answers


def writer_for(player: Player, model: str) -> Writer | None:
    """Return the writer that writes samples of a model: of those shipped with it; None for others."""
    card = player.card
    known = card.latent_size > 0 and card.codec in KIND_OF_CODEC and writable(card.grid)
    return shipped_writer() if known and model in shipped_models() else None


def morph(
    player: Player,
    ends: Iterable[Phrase],
    *,
    steps: int,
    seed: int,
    temperature: float = 0.0,
    condition: Mapping[str, str] | None = None,
) -> list[Phrase]:
    """Return phrases on the way between two, the ends as the model hears them, in even audible steps.

    Along a straight knob little happens near the ends and much in the middle, so the way is decoded at
    many points first, and the steps are placed by the length of the way that is audible.

    Args:
        player: with a latent.
        ends: where the way starts, and where it ends, on the model's grid; each is sought as it comes.
        steps: phrases in all, at least 2.
        seed: 0..2**32 - 1; one for all steps, so that they share their chance.
        temperature: 0 takes the likeliest notes.
        condition: what every phrase keeps to.
    """
    (a, b), sampling = (player.seek(end) for end in ends), Sampling(temperature, seed=seed)

    def at(place: float) -> Phrase:
        return player.decode(between(a, b, place), turns={}, sampling=sampling, condition=condition)

    decoded = [*decoded_way(at, max(FINE_STEPS, 2 * (steps - 1)))]
    places = even_places(audible_lengths(decoded), steps)
    return [decoded[0], *(at(float(place)) for place in places[1:-1]), decoded[-1]]


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of a piece.

    Attributes:
        phrases: one for each of the piece's.
        lost: notes that the model's codec cannot hold (a chord's lower keys in a melody).
        before: each attribute, averaged over the phrases that have notes, as the model hears them.
        after: the same of the edited phrases.
        left: F1 of the notes that the varied phrases share with the piece's; 1 where nothing was varied.
        origins: how phrases were varied, see `live.worker.variations`.
    """

    phrases: list[Phrase]
    lost: int
    before: dict[str, float]
    after: dict[str, float]
    left: float = 1.0
    origins: frozenset[Origin] = frozenset()


def edit(
    player: Player,
    piece: Iterable[Phrase],
    turns: Mapping[str, float],
    *,
    seed: int,
    temperature: float = 0.0,
    condition: Mapping[str, str] | None = None,
    vary: float = 0.0,
    key: str | None = None,
) -> Edited:
    """Return a piece varied and with its attributes turned, phrase by phrase; silent phrases stay silent.

    Of an ensemble every part is turned together, as the model does it.  Where it is varied or held to a key,
    the piece's notes stay as they are wherever nothing changes them; else it is as the model plays it.

    Args:
        player: with a latent.
        piece: phrases on the model's grid.
        turns: knob name -> -1..1, all of them heeded by the model.
        seed: 0..2**32 - 1.
        temperature: 0 takes the likeliest notes.
        condition: what every phrase keeps to.
        vary: how much of it is to be new, 0..1.
        key: that new notes keep to, by name; None and "auto" that of the music, "off" none.
    """
    near = _Near(player, key=key, vary=vary, seed=seed) if vary > 0 or key is not None else None
    answers: list[Phrase] = []
    before: list[dict[str, float]] = []
    after: list[dict[str, float]] = []
    lost = 0
    for index, phrase in enumerate(piece):
        if not phrase.notes:
            answers.append(phrase)
            continue
        if near is not None:
            varied, latent = near.vary(phrase, index)
        else:
            lost += len(phrase) - notes_kept_by_codec(player.card, phrase)
            varied, latent = None, player.seek(phrase)
        draw = Sampling(temperature, seed=(seed + index) % LARGEST_SEED)
        answer = player.decode(latent, turns=turns, sampling=draw, condition=condition)
        if varied is None:
            varied = player.decode(latent, turns={}, condition=condition) if turns else answer
        answers.append(answer)
        before.append(measure(varied))
        after.append(measure(answer))
    averages = _average(before), _average(after)
    if near is None:
        return Edited(answers, lost, *averages)
    left = sum(near.left) / len(near.left) if near.left else 1.0
    return Edited(answers, 0, *averages, left, frozenset(near.origins))


class _Near:
    """Varies a piece as live, phrase by phrase: what nothing changes stays as it was."""

    def __init__(self, player: Player, *, key: str | None, vary: float, seed: int) -> None:
        self.left: list[float] = []
        self.origins: set[Origin] = set()
        self._player, self._key, self._vary, self._seed = player, key, vary, seed
        self._codec = build(player.card.codec, player.card.grid)
        self._variations = Variations(shipped_writer)
        self._variations.kind = KIND_OF_CODEC.get(player.card.codec, Kind.KEYBOARD)
        self._present: Key | None = None

    def vary(self, written: Phrase, index: int) -> tuple[Phrase, Latent]:
        """Return the next phrase varied, and where that lies."""
        phrase = self._codec.named(written)
        self._present = key_of(phrase.notes, self._present)
        scale = _scale(self._key, phrase, self._present)
        self._variations.hear(phrase, phrase)
        how = Varied(Point([]), self._vary, index, self._seed)
        varied, origin = self._variations.settled(phrase, how, scale)
        self.origins.add(origin)
        self.left.append(note_f1(varied, phrase))
        found = self._player.encode(shown_of(varied))
        return varied, replace(found, source=PlayedPhrase(found.z, varied, scale))


def _scale(key: str | None, phrase: Phrase, present: Key | None) -> frozenset[int] | None:
    """Return the pitch classes that new notes of a phrase keep to; None for all."""
    if key == OFF:
        return None
    if key == AS_PLAYED:
        return frozenset(note.pitch % 12 for note in phrase.notes if note.track != DRUMS) or None
    if key is None or key == AUTO:
        return present.scale if present else None
    return key_named(key).scale


def accompany(player: Player, piece: Sequence[Phrase], parts: Sequence[int], *, seed: int) -> list[Phrase]:
    """Return a piece with the parts that it lacks, phrase by phrase; silent phrases stay silent.

    What is written stays for some phrases and is arranged as live: in the chords that the piece means, varied
    from phrase to phrase, with fills.

    Args:
        player: one that accompanies.
        piece: phrases on the model's grid.
        parts: tracks that may be written.
        seed: 0..2**32 - 1.
    """
    band, grid = Accompanist(player), player.card.grid
    present, key = chords_of_piece(piece, grid)
    found: list[Phrase] = []
    landing = False
    for number, phrase in enumerate(piece):
        if not phrase.notes:
            found.append(phrase)
            landing = False
            continue
        whole = run_to_end(band.write(phrase, parts, number=number, seed=seed))
        joined = frozenset(note.track for note in whole.notes) - {note.track for note in phrase.notes}
        pattern = [note for note in whole.notes if note.track in joined]
        chords = present[number]
        written = progression_of([note for note in pattern if note.track in HARMONIC], grid)
        notes = laid(
            varied_parts(pattern, joined, written, grid=grid, number=number, seed=seed),
            LeadSheet(
                [chords[step // grid.steps_per_beat] for step in range(grid.steps)],
                grid,
                key.scale if key is not None else None,
            ),
        )
        drums = [note for note in notes if note.track == DRUMS]
        if drums:
            for first, last in leading(number * grid.bars, grid):
                drums = with_fill(drums, grid, first, last, seed=seed + number)
            if landing:
                drums = with_crash(drums, 0)
            notes = [note for note in notes if note.track != DRUMS] + drums
        level = round(fmean(note.velocity for note in phrase.notes))
        notes = at_level(notes, pattern, joined, level)
        landing = bool(drums) and bool(leading(number * grid.bars, grid))
        found.append(Phrase.of(grid, [*(note for note in whole.notes if note.track not in joined), *notes]))
    return found


def chords_of_piece(piece: Sequence[Phrase], grid: Grid) -> tuple[list[list[Chord | None]], Key | None]:
    """Return the chord of each beat of each phrase of a piece, and its key as far as it helps with them."""
    pitched = [[note for note in phrase.notes if note.track != DRUMS] for phrase in piece]
    key = key_of((note for notes in pitched for note in notes), clear=GUESS)
    beats = [beat for notes in pitched for beat in beats_of(notes, grid)]
    chords = progression(beats, key, beats_per_bar=grid.beats_per_bar)
    size = grid.beats
    return [chords[place * size : (place + 1) * size] for place in range(len(piece))], key


def progression_of(notes: Sequence[Note], grid: Grid) -> list[Chord | None]:
    """Return the chord of each beat of a phrase's notes."""
    key = key_of(notes, clear=GUESS)
    return progression(beats_of(notes, grid), key, beats_per_bar=grid.beats_per_bar)


def _average(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = rows[0].keys() if rows else ()
    return {name: sum(row[name] for row in rows) / len(rows) for name in names}


def notes_kept_by_codec(card: Card, phrase: Phrase) -> int:
    """Return how many of a phrase's notes the model's codec can hold (all, for a codec unknown here)."""
    try:
        codec = build(card.codec, card.grid)
    except ConfigError:
        return len(phrase)
    return len(codec.unpack(pack_phrase(codec, phrase), 0))
