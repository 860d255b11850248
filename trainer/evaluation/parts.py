"""The parts of an ensemble by themselves: how well each comes back, and what is added to one alone."""

from collections.abc import Sequence

from model.latent.note_transformer import run_to_end
from model.music.phrase import Phrase
from model.music.tracks import DRUMS, MELODY, TRACKS
from model.playing.player import Player
from trainer.evaluation.batched import at_rest, encoded, portions
from trainer.evaluation.measures import Position, Score, key_of
from trainer.evaluation.samples import Progress, no_progress

CODECS = ("melody", "poly", "melody", "drums")
"""Whose symbols stand on the steps of each track, in the order of `TRACKS`."""
STEPPED = ("melody", "drums")
ALONE = 200  # phrases of which each part is played alone

Figures = dict[str, dict[str, float | None]]


class Parts:
    """Sums by part over decoded phrases beside those they came from."""

    def __init__(self) -> None:
        self._scores = [Score(codec) for codec in CODECS]
        self._wanted = [0] * len(TRACKS)
        self._played = [0] * len(TRACKS)
        self._both = [0] * len(TRACKS)
        self._phrases = 0

    def add(self, played: Phrase, wanted: Phrase) -> None:
        """Count one phrase; a part that is silent in both counts for nothing."""
        self._phrases += 1
        for track, score in enumerate(self._scores):
            one, other = played.part(track), wanted.part(track)
            self._played[track] += bool(one.notes)
            self._wanted[track] += bool(other.notes)
            if one.notes or other.notes:
                self._both[track] += 1
                score.add(one, other)

    def figures(self, sampled: "Parts") -> Figures:
        """Return the figures by part; None where there is nothing to count.

        Args:
            sampled: the same phrases from one sample of the posterior; empty where there is none.

        Returns, by part:
            sounds: share of the phrases in which it sounds.
            sounds_answered: share of the answers.
            note_f1, note_f1_sampled: as of the whole (`trainer.evaluation.evaluate.reconstruction`), pooled.
            exact: share of the phrases in which it sounds that have it right in onsets, pitches and lengths.
            step_accuracy, step_accuracy_sampled: share of equal steps, of the phrases in which it sounds, be
                it in the answer alone; not for chords.
        """
        found: Figures = {}
        for track, (name, codec) in enumerate(zip(TRACKS, CODECS, strict=True)):
            plain, drawn = self._scores[track], sampled._scores[track]  # noqa: SLF001 - its own kind
            sounding, again = self._both[track], sampled._both[track]  # noqa: SLF001
            figures: dict[str, float | None] = {
                "sounds": self._wanted[track] / self._phrases if self._phrases else None,
                "sounds_answered": self._played[track] / self._phrases if self._phrases else None,
                "note_f1": plain.notes.f1 if sounding else None,
                "note_f1_sampled": drawn.notes.f1 if again else None,
                "exact": plain.exact if sounding else None,
            }
            if codec in STEPPED:
                figures["step_accuracy"] = plain.steps if sounding else None
                figures["step_accuracy_sampled"] = drawn.steps if again else None
            found[name] = figures
        return found


def alone(
    player: Player, phrases: Sequence[Phrase], progress: Progress = no_progress, *, share: float = 1.0
) -> Figures:
    """Let a player hear one part of a phrase, the others silent, and count what it adds.

    The player hears it as live: notes of the melody alone are a keyboard's, which the codec divides by its
    rule.  So a note that was heard is not added, whichever pitched part plays it.

    Args:
        player: with a latent, of the multitrack codec.
        phrases: held out.
        progress: called with (what, done, of how many).
        share: of `ALONE` phrases, for a model whose decodes take long.

    Returns, by the part that is heard, in the first 200 phrases in which it and another one sound:
        phrases: how many there were.
        retained: share of its notes, by (onset, pitch), that the answer has in any part.
        added.TRACK: notes a phrase that the answer has in another part beside those heard.
        played.TRACK: notes a phrase that the musicians play there.
    """
    found: Figures = {}
    most = max(1, round(share * ALONE))
    for track, name in enumerate(TRACKS):
        chosen = [p for p in phrases if 0 < len(p.part(track)) < len(p)][:most]
        others = [other for other in range(len(TRACKS)) if other != track]
        added, played = dict.fromkeys(others, 0), dict.fromkeys(others, 0)
        retained = wanted = 0
        for done, portion in portions(chosen):
            parts = [phrase.part(track) for phrase in portion]
            answers = at_rest(player, encoded(player, parts))
            for phrase, part, answer in zip(portion, parts, answers, strict=True):
                known = keys(part)
                retained += len(known & keys(answer))
                wanted += len(known)
                for other in others:
                    added[other] += len(keys(answer.part(other)) - known)
                    played[other] += len(keys(phrase.part(other)))
            progress("one part alone", track * most + done, len(TRACKS) * most)
        count = len(chosen)
        found[name] = {
            "phrases": count,
            "kept": retained / wanted if wanted else None,
            **{f"added.{TRACKS[other]}": added[other] / count if count else None for other in others},
            **{f"played.{TRACKS[other]}": played[other] / count if count else None for other in others},
        }
    return found


def accompanied(
    player: Player,
    phrases: Sequence[Phrase],
    *,
    seed: int = 0,
    share: float = 1.0,
    progress: Progress = no_progress,
) -> list[Phrase]:
    """Return melodies, and beside each the parts that the model writes to it.

    Args:
        player: of the multitrack codec; of one that does not accompany there are none.
        phrases: held out; those with a melody and another part count, 200 at most.  The parts that are
            written to a melody are those that the musicians play there.
        seed: of the first; each phrase has its own.
        share: of the phrases.
        progress: called with (what, done, of how many).
    """
    if not player.card.accompanies:
        return []
    chosen, found = _with_band(phrases, share), []
    for number, phrase in enumerate(chosen):
        parts = {note.track for note in phrase.notes} - {MELODY}
        found.append(run_to_end(player.accompany(phrase.part(MELODY), parts, seed=seed + number)))
        progress("accompaniments", number + 1, len(chosen))
    return found


def exchanged(phrases: Sequence[Phrase], *, share: float = 1.0) -> list[Phrase]:
    """Return the melodies of `accompanied`, each with the parts of the phrase before: what fits by chance."""
    chosen = _with_band(phrases, share)
    others = [tuple(note for note in phrase.notes if note.track != MELODY) for phrase in chosen]
    return [
        Phrase.of(phrase.grid, (*phrase.part(MELODY).notes, *others[number - 1]))
        for number, phrase in enumerate(chosen)
    ]


def _with_band(phrases: Sequence[Phrase], share: float) -> list[Phrase]:
    """Return the phrases with a melody and another part, so many at most."""
    chosen = [phrase for phrase in phrases if 0 < len(phrase.part(MELODY)) < len(phrase)]
    return chosen[: max(1, round(share * ALONE))]


def keys(phrase: Phrase) -> set[Position]:
    """Return the (onset, pitch) of every note, drums told from pitches, parts not told apart."""
    return {(note.onset, key_of(note), int(note.track == DRUMS)) for note in phrase.notes}
