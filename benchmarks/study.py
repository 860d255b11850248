"""A shipped model as it plays live, and phrases held out that its knobs are turned on."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.scale import Scale
from live.ipc.jam_memory import Base
from live.ipc.messages import Decode, Decoded, Encode, Encoded, Ready
from live.ipc.places import Place, Point
from live.jam.latent.path import moved
from live.worker.handler import RequestHandler
from model.music.key import key_of
from model.music.phrase import Phrase
from trainer.evaluation.features import features
from trainer.evaluation.heldout import over_songs, songs_on
from trainer.evaluation.samples import Songs
from trainer.evaluation.two_sample import Side, classify

PHRASES, COMPARED = 120, 400
"""Phrases that are tried, and those that classifiers are shown: their areas' error is about .02 then."""
TURNS = 32  # of which no two are to be alike
AT_REST = {"vary": 0.0, "stray": 0.0, "temperature": 0.0}

Turns = Mapping[str, float]


class Area(NamedTuple):
    """An area under a classifier's curve and its standard error; both NaN where there are too few songs."""

    value: float
    error: float


class Study:
    """One model and the phrases that it is tried on.

    Attributes:
        music: the split's phrases, spread over its songs: first one of each, then a second one of each.
        phrases: of them those that are in a key, as the instrument heard them; of drums any.
        points: where each of these lies.
        songs: int [phrases], which song each is of.
        tried: the first of them.
        how: phrases were varied.
    """

    def __init__(self, name: str, scale: Scale) -> None:
        self.name, self._desk = name, RequestHandler()
        ready = self._desk.load(name)
        if not isinstance(ready, Ready):
            raise RuntimeError(f"model {name} is not there")  # noqa: TRY004  a message that reports a fault
        self.codec, self._grid = ready.codec, ready.grid
        for _ in self._desk.write():
            pass  # the writer is opened
        self._data = scale.data
        held = self.held("test")
        order = over_songs(held.songs)
        self.music = Songs([held.phrases[place] for place in order], held.songs[order])
        found = [
            place
            for place, phrase in enumerate(self.music.phrases)
            if self.codec == "drums" or key_of(phrase.notes)
        ][: scale.count(COMPARED, least=8)]
        self.songs = self.music.songs[found]
        self.points = [self._placed(self.music.phrases[place]) for place in found]
        self.phrases = [Phrase(self._grid, tuple(point.played)) for point in self.points]
        self.tried = range(min(len(found), scale.count(PHRASES, least=8)))
        self.how: set[str] = set()

    def held(self, split: str, limit: int | None = None) -> Songs:
        """Return the phrases of a split, or so many of them by chance."""
        return songs_on(self.codec, self._grid, self._data, split=split, limit=limit, seed=1)

    def _placed(self, phrase: Phrase) -> Point:
        """Return where a phrase lies."""
        found = self._desk.answer(Encode(0, [*phrase.notes]))
        if not isinstance(found, Encoded):
            raise RuntimeError(f"a phrase was not found: {found}")  # noqa: TRY004  a message that reports a fault
        return Point(found.z, found.attributes, found.played, self._grid)

    def transposed(self, number: int, semitones: int) -> Point:
        """Return where a phrase lies in another key."""
        return self._placed(self.phrases[number].moved(semitones))

    def answer(self, place: Place, temperature: float = 0.0, **turns: float) -> Phrase:
        """Return what is played at a place when all that it waits for is written."""
        while True:
            found = self._desk.answer(Decode(0, 2, place, turns, temperature, seed=0))
            if not isinstance(found, Decoded):
                raise RuntimeError(f"a place was not decoded: {found}")  # noqa: TRY004  a message that reports a fault
            if found.vary != "awaited":
                self.how |= {found.vary} - {""}
                return Phrase(self._grid, tuple(found.notes))
            for _ in self._desk.write():
                pass

    def turned(
        self, *settings: Turns, turn: int = 0, phrases: Sequence[int] | None = None
    ) -> list[list[Phrase]]:
        """Return phrases, those that are tried where none are named, in one of their turns: by setting.

        No two phrases are varied in turns of one number: with the same choices for all of them, answers would
        be alike in a way that no jam has.  What is written for a phrase serves all settings.
        """
        found: list[list[Phrase]] = [[] for _ in settings]
        for number in self.tried if phrases is None else phrases:
            base = Base(self.points[number], "played", None, number)
            of_turn = turn + TURNS * number
            for knobs, answers in zip(settings, found, strict=True):
                present = {name: knobs.get(name, rest) for name, rest in AT_REST.items()}
                turns = {name: value for name, value in knobs.items() if name not in AT_REST}
                place = moved(base, of_turn, present, drifting=False, turn=of_turn, seed=0)
                answers.append(self.answer(place, present["temperature"], **turns))
        return found

    def apart(self, music: Songs, answers: Songs, *, paired: bool = True) -> Area:
        """Return how well answers are told from music, by songs that the classifier has not learned from.

        Paired are those of the same songs.
        """
        found = classify(self._side(music), self._side(answers), 0, paired=paired)
        return Area(found.best, found.error) if found else Area(float("nan"), float("nan"))

    def _side(self, songs: Songs) -> Side:
        """Return the features of those that have notes."""
        whole = [place for place, phrase in enumerate(songs.phrases) if phrase.notes]
        rows = np.array([features(songs.phrases[place], self.codec) for place in whole])
        return Side(rows, songs.songs[whole])
