"""What `evaluate` tells of ensembles: each part by itself, one part heard alone, the music beside data."""

import json
from collections.abc import Collection, Generator, Mapping
from typing import Any

import numpy as np
import pytest

from model.latent.geometry import Latent
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS
from tests.fakes.players import GRID, Memory, Sure
from tests.fakes.synthetic import chords, melody
from trainer.evaluation.evaluate import evaluate, evaluate_checkpoint, music
from trainer.evaluation.heldout import HeldOut
from trainer.evaluation.parts import ALONE, Parts, accompanied, alone, exchanged
from trainer.evaluation.speed import speed
from trainer.reports.compare import page
from trainer.reports.table import lines, show


def band(seed: int, *, drums: bool = True) -> Phrase:
    """A tune, triads, their lowest notes again as a bass, and a beat."""
    whole = chords(seed).notes
    notes = list(melody(seed).notes)
    notes += [note._replace(track=CHORDS) for note in whole if note.pitch < 60]
    notes += [
        note._replace(pitch=note.pitch - 12, track=BASS) for note in whole if note.pitch in (36, 41, 43)
    ]
    if drums:
        notes += [Note(step, 38 if step % 8 else 36, 90, 1, track=DRUMS) for step in range(0, 32, 4)]
    return Phrase.of(GRID, notes)


BANDS = [band(seed, drums=seed % 2 == 0) for seed in range(6)]


class Band(Sure):
    """Remembers; to one part that it hears alone it adds a bass note on every beat, and drops nothing."""

    def decode(self, latent: Latent, *, turns: Mapping[str, float], **options: Any) -> Phrase:
        found = super().decode(latent, turns=turns, **options)
        if len({note.track for note in found.notes}) != 1:
            return found
        added = [Note(step, 30, 70, 4, track=BASS) for step in range(0, 32, 4)]
        return Phrase.of(GRID, [*found.notes, *added])


class Going(Memory):
    """A player without a latent that goes on with what it heard, moved; drums stay."""

    def __init__(self) -> None:
        super().__init__(codec="multitrack", knobs=())
        object.__setattr__(self.card, "latent_size", 0)


def test_figures_of_parts_are_those_counted_by_hand() -> None:
    wanted = Phrase.of(
        GRID,
        [Note(0, 60, 80, 4, track=MELODY), Note(4, 62, 80, 4, track=MELODY), Note(0, 40, 80, 32, track=BASS)],
    )
    played = Phrase.of(
        GRID,
        [
            Note(0, 60, 80, 4, track=MELODY),
            Note(4, 64, 80, 4, track=MELODY),
            Note(0, 40, 80, 32, track=BASS),
            Note(0, 36, 80, 1, track=DRUMS),
        ],
    )
    plain, none = Parts(), Parts()
    plain.add(played, wanted)
    plain.add(wanted.part(MELODY), wanted.part(MELODY))
    found = plain.figures(none)
    assert list(found) == list(TRACKS)
    assert found["melody"] == {
        "sounds": 1.0,
        "sounds_answered": 1.0,
        "note_f1": 3 / 4,
        "note_f1_sampled": None,
        "exact": 0.5,
        "step_accuracy": (31 / 32 + 1) / 2,
        "step_accuracy_sampled": None,
    }
    # the second phrase, in which nobody plays a bass, says nothing of how well it comes back
    assert found["bass"]["sounds"] == 0.5
    assert found["bass"]["note_f1"] == found["bass"]["step_accuracy"] == 1.0
    # a hit that nobody played
    assert found["drums"]["sounds"] == 0.0
    assert found["drums"]["sounds_answered"] == 0.5
    assert found["drums"]["note_f1"] == 0.0
    assert found["drums"]["step_accuracy"] == 31 / 32
    # chords that never sound have no figures
    assert found["chords"]["note_f1"] is None
    assert "step_accuracy" not in found["chords"]
    again = plain.figures(plain)
    assert again["melody"]["note_f1_sampled"] == again["melody"]["note_f1"]
    assert Parts().figures(Parts())["melody"]["sounds"] is None


def test_what_is_added_to_one_part_is_counted() -> None:
    reports: list[tuple[str, int, int]] = []
    found = alone(Band(codec="multitrack"), BANDS, lambda *report: reports.append(report))
    assert list(found) == list(TRACKS)
    tune, beat, bass = found["melody"], found["drums"], found["bass"]
    assert (tune["phrases"], beat["phrases"]) == (6, 3)
    assert tune["kept"] == beat["kept"] == bass["kept"] == 1.0
    assert tune["added.bass"] == beat["added.bass"] == 8.0
    assert tune["added.chords"] == tune["added.drums"] == bass["added.melody"] == 0.0
    assert tune["played.drums"] == 4.0  # eight hits in every other phrase
    lines = [len(phrase.part(BASS)) for phrase in BANDS if phrase.part(DRUMS).notes]
    assert beat["played.bass"] == pytest.approx(sum(lines) / 3)
    assert "added.melody" not in tune
    assert {what for what, _, _ in reports} == {"one part alone"}
    assert all(done <= of_all for _, done, of_all in reports)
    few = alone(Band(codec="multitrack"), BANDS, share=2 / ALONE)
    assert few["melody"]["phrases"] == 2


def test_a_note_that_was_played_is_not_added_whoever_plays_it() -> None:
    class Keyboard(Memory):
        """Gives what lies below C3 to the bass, as the codec does with a keyboard's notes."""

        def decode(self, latent: Latent, *, turns: Mapping[str, float], **options: Any) -> Phrase:
            found = super().decode(latent, turns=turns, **options)
            return Phrase.of(GRID, [n._replace(track=BASS) if n.pitch < 48 else n for n in found.notes])

    low = [Note(0, 45, 80, 4), Note(4, 60, 80, 4), Note(0, 55, 80, 4, track=CHORDS)]
    found = alone(Keyboard(codec="multitrack"), [Phrase.of(GRID, low)])
    assert found["melody"]["added.bass"] == 0.0
    assert found["melody"]["kept"] == 1.0
    assert found["bass"]["phrases"] == 0
    assert found["bass"]["kept"] is None
    assert found["bass"]["added.chords"] is None


def test_an_ensemble_is_measured_part_by_part_and_beside_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    player = Band(codec="multitrack", knobs=())
    found = evaluate(player, BANDS, share=0.01)
    assert all(part["note_f1"] == part["note_f1_sampled"] == 1.0 for part in found["parts"].values())
    assert found["parts"]["drums"]["sounds"] == 0.5
    assert found["one_part_alone"]["melody"]["added.bass"] == 8.0
    assert list(found["music"]) == ["held_out", "answers", "samples"]
    assert found["music"]["answers"] == found["music"]["held_out"]
    assert found["music"]["held_out"]["empty_bars.drums"] == 0.5
    assert found["music"]["samples"].keys() <= found["music"]["held_out"].keys()
    decoded = [player.decode(player.encode(phrase), turns={}) for phrase in BANDS]
    assert music(player, BANDS, decoded, [], share=0.01) == found["music"]
    json.dumps(found)
    show([found, evaluate(Memory(knobs=()), [melody(0)])])
    shown = capsys.readouterr().out
    for words in ("note F1 / sampled", "bass heard", "held out / answers", "tonal distance melody bass"):
        assert words in shown
    rows = lines([found, found | {"parts": None, "one_part_alone": None, "music": None}])
    assert dict(rows["parts"])["drums"] == ["1.000 / 1.000 / 1.000 / 0.500", "-"]
    assert dict(rows["parts"])["chords"][0] == "1.000 / 1.000 / - / 1.000"
    assert dict(rows["one part alone"])["melody heard"] == [
        "1.000; chords 0.000, bass 8.000, drums 0.000",
        "-",
    ]
    assert dict(rows["music"])["empty bars drums"][1] == "-"
    assert dict(rows["music"])["empty bars drums"][0].startswith("0.500 / 0.500 / ")


class Joining(Band):
    """Writes a bass note on every beat to what it hears, where a bass is wanted."""

    def __init__(self) -> None:
        super().__init__(codec="multitrack", knobs=())
        object.__setattr__(self.card, "accompanies", True)

    def accompany(
        self, phrase: Phrase, parts: Collection[int], **_seed: Any
    ) -> Generator[None, None, Phrase]:
        yield
        added = [Note(step, 30, 70, 4, track=BASS) for step in range(0, 32, 4)]
        return Phrase.of(GRID, [*phrase.notes, *(added if BASS in parts else [])])


def test_what_is_written_to_melodies_is_counted_beside_the_data() -> None:
    alone = Phrase.of(GRID, [note for note in BANDS[0].notes if note.track == MELODY])
    joined = accompanied(Joining(), [*BANDS, alone])
    assert len(joined) == len(BANDS), "a melody without a band has nothing to be compared with"
    for whole, phrase in zip(joined, BANDS, strict=True):
        assert whole.part(MELODY) == phrase.part(MELODY)
        assert len(whole.part(BASS)) == (8 if phrase.part(BASS).notes else 0)
    assert len(accompanied(Joining(), BANDS, share=0.01)) == 2
    assert accompanied(Band(codec="multitrack", knobs=()), BANDS) == []
    found = evaluate(Joining(), BANDS, share=0.01)
    assert found["music"]["accompanied"]["notes.bass"] == 4.0
    swapped = exchanged([*BANDS, alone])
    for number, whole in enumerate(swapped):
        assert whole.part(MELODY) == BANDS[number].part(MELODY)
        assert whole.part(BASS).notes == BANDS[number - 1].part(BASS).notes
    assert found["music"]["exchanged"]["notes.melody"] == found["music"]["accompanied"]["notes.melody"]
    taken = speed(Joining(), BANDS)
    assert taken["accompany_notes"] == np.mean([8 + len(phrase.part(MELODY)) for phrase in BANDS])
    assert 0 < (taken["accompany_ms"] or 0) <= (taken["accompany_most_ms"] or 0)
    assert "accompany_ms" not in speed(Band(codec="multitrack", knobs=()), BANDS)
    title = "held out / answers / samples / accompanied / exchanged"
    assert lines([found])["music"][0] == ("", [title])


def test_of_drums_the_music_is_counted_and_of_a_single_line_nothing() -> None:
    beats = [band(seed).part(DRUMS) for seed in range(4)]
    found = evaluate(Sure(codec="drums", knobs=()), beats)
    assert found["parts"] is None
    assert found["one_part_alone"] is None
    assert found["music"]["held_out"] == {
        "empty_bars.drums": 0.0,
        "notes.drums": 4.0,
        "rhythm_entropy.drums": 2.0,
        "drum_kinds": 2.0,
        "drum_pattern": 1.0,
    }
    single = evaluate(Sure(knobs=()), [melody(seed) for seed in range(3)])
    assert single["music"] is single["parts"] is None
    assert not {"parts", "music", "one part alone"} & lines([single]).keys()


def test_a_model_without_a_latent_is_counted_by_what_it_goes_on_with() -> None:
    contexts = [band(seed + 100) for seed in range(6)]
    found = evaluate(Going(), BANDS, contexts=contexts)
    assert found["parts"] is None
    assert "answers" not in found["music"]
    assert found["music"]["samples"] == music(Going(), contexts, contexts, contexts)["held_out"]
    few = music(Going(), BANDS, [], contexts, share=0.2)
    assert few["samples"] == music(Going(), BANDS[:1], [], contexts)["samples"]


def test_models_of_ensembles_have_their_plots_on_the_page() -> None:
    made = evaluate_checkpoint(Band(codec="multitrack", knobs=()), "none", HeldOut(BANDS))
    text = page([made, evaluate(Going(), BANDS)], data="somewhere", split="test").html()
    for words in (">Parts</h2>", ">Music</h2>", "tonal distance melody bass", "note F1, sampled"):
        assert words in text
