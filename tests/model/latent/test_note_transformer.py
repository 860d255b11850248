from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from model.codecs.base import LENGTH, OFFSET, ONSET, PITCH, TRACK, VELOCITY, table_of
from model.latent.note_transformer import FOLDER, LOWEST, NoteTransformer, note_transformer_in, without_piles
from model.latent.references import NONE, references_of
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS
from trainer.latent.note_network import REACH, NoteNetwork

GRID = Grid(1, 4, 2)
LONGEST = 9
CONSTANT = np.array([0, 0, 79, 0, 50, 0])  # velocity 80, on the step, track 0


def writer(seed: int = 0, *, columns: tuple[int, ...] = (ONSET, PITCH, LENGTH)) -> NoteNetwork:
    """Return a network whose weights are such as are kept: halves."""
    torch.manual_seed(seed)
    made = NoteNetwork(
        GRID, CONSTANT, columns, longest=LONGEST, width=8, depth=2, heads=2, dropout=0.0
    ).eval()
    for name, weight in made.named_parameters():
        if name.startswith(("strikes", "intervals", "here")):  # they begin at nothing
            torch.nn.init.normal_(weight, std=0.3)
        weight.data = (3.0 * weight.data).half().float()
    return made


class Likeliest:
    """Draws nothing by chance."""

    def gumbel(self, size: tuple[int, ...]) -> NDArray[np.float64]:
        return np.zeros(size)


def embedded(made: NoteNetwork, number: int, choice: int) -> torch.Tensor:
    found: torch.Tensor = made.embeddings[number](torch.tensor(int(choice)))
    return found


def odds_of(made: NoteNetwork, number: int, x: torch.Tensor, references: list[int]) -> torch.Tensor:
    """Return one token's log odds."""
    return made.odds(number, x[None], torch.tensor([references]))[0]


def dictated(made: NoteNetwork) -> list[list[int]]:
    """Write a phrase as `Likeliest` would, each time over all notes, with torch's own attention."""
    notes: list[list[int]] = []
    with torch.no_grad():
        for _ in range(LONGEST):
            known = [made.moves.weight[-REACH[0]]]
            known += [
                torch.stack([embedded(made, n, note[column]) for n, column in enumerate(made.chosen)]).sum(0)
                for note in notes
            ]
            x = made.blocks((torch.stack(known) + made.place.weight[: len(known)])[None])[0, -1]
            picked = next_note(made, x, notes)
            if picked is None:
                break
            notes.append(picked)
    return notes


def next_note(made: NoteNetwork, x: torch.Tensor, notes: list[list[int]]) -> list[int] | None:
    """Return the likeliest next note; None for the end of the phrase."""
    picked: list[int] = CONSTANT.tolist()
    left = {note[TRACK] for note in notes[:-1]} - {note[TRACK] for note in notes[-1:]}
    here: torch.Tensor | None = None
    for number, column in enumerate(made.chosen):
        (references,) = references_of([np.array([*notes, picked], dtype=np.int16)], GRID)
        distances = references[len(notes), :, column].tolist()
        rhythm = rhythm_beside(notes, picked[TRACK]) if column == ONSET and made.several else None
        sounds = here if column == PITCH and picked[TRACK] != DRUMS else None
        odds = made.odds(number, x[None], torch.tensor([distances]), rhythm, sounds)[0]
        if column == ONSET:
            odds[
                : max((note[ONSET] for note in notes if note[TRACK] == picked[TRACK]), default=0)
            ] = -torch.inf
        if column == TRACK:
            odds[list(left)] = -torch.inf
        if not number and not notes:
            odds[-1] = -torch.inf
        picked[column] = int(odds.argmax())
        if not number and picked[column] == len(odds) - 1:
            return None
        x = x + embedded(made, number, picked[column])
        if column == ONSET and made.several:
            here = step_beside(notes, picked)
            x = x + made.here(here)[0]
    return picked


def rhythm_beside(notes: list[list[int]], track: int) -> torch.Tensor:
    """Return which parts beside a note's own strike when, [1, parts, steps]."""
    found = torch.zeros(1, len(TRACKS), GRID.steps)
    for note in notes:
        found[0, note[TRACK], note[ONSET]] = note[TRACK] != track
    return found


def step_beside(notes: list[list[int]], picked: list[int]) -> torch.Tensor:
    """Return which parts beside a note's own strike with it, and the pitch classes of each, [1, HERE]."""
    sounds = torch.zeros(len(TRACKS), 12)
    for onset, pitch, _, length, _, track in notes:
        if track not in (picked[TRACK], DRUMS) and onset <= picked[ONSET] <= onset + length:
            sounds[track, pitch % 12] = 1
    strikes = rhythm_beside(notes, picked[TRACK])[0, :, picked[ONSET]]
    return torch.cat((strikes, sounds.flatten()))[None]


def test_numpy_writes_what_torch_would() -> None:
    found = set()
    for seed in range(12):
        made = writer(seed)
        prior = NoteTransformer(made.tensors(), GRID)
        (phrase,) = prior.draw(1, Likeliest())  # type: ignore[arg-type]
        wanted = dictated(made)
        places = {(note[ONSET], note[PITCH]) for note in wanted}
        assert {(note.onset, note.pitch) for note in phrase.notes} == places
        assert {(note.velocity, note.offset, note.track) for note in phrase.notes} == {(79, 0.0, 0)}
        found.add(len(wanted))
    assert len(found) > 2, "phrases of several lengths"
    assert max(found) > 3


def test_numpy_writes_several_tracks_as_torch_would() -> None:
    tracks = set()
    for seed in range(12):
        made = writer(seed, columns=(TRACK, ONSET, PITCH, LENGTH))
        (phrase,) = NoteTransformer(made.tensors(), GRID).draw(1, Likeliest())  # type: ignore[arg-type]
        wanted = dictated(made)
        assert {(note.track, note.onset, note.pitch) for note in phrase.notes} == {
            (note[TRACK], note[ONSET], note[PITCH]) for note in wanted
        }
        tracks.add(len({note[TRACK] for note in wanted}))
    assert max(tracks) > 1, "some write several"


def along(
    prior: NoteTransformer, context: Phrase, wanted: tuple[int, ...], seed: int = 0
) -> tuple[Phrase, int]:
    """Let it write tracks to a phrase; return all, and how often it gave others a turn."""
    writing, turns = prior.along(context, wanted, np.random.default_rng(seed)), 0
    while True:
        try:
            next(writing)
        except StopIteration as done:
            return done.value, turns
        turns += 1


def test_tracks_are_written_to_a_context_which_stays() -> None:
    prior = NoteTransformer(writer(2, columns=(TRACK, ONSET, PITCH, LENGTH)).tensors(), GRID)
    context = Phrase.of(GRID, [Note(0, 60, 93, 2), Note(2, 64, 40, 2, 0.1)])
    full = 0
    for seed in range(20):
        whole, turns = along(prior, context, (BASS, DRUMS), seed)
        assert whole.part(MELODY).notes == context.notes
        sounding = {note.track for note in whole.notes}
        assert sounding <= {MELODY, BASS, DRUMS}
        assert len(sounding) == 3 or turns == LONGEST, "both, as far as there is room"
        assert len(context) < turns <= LONGEST
        full += len(sounding) == 3
    assert full > 3
    again = along(prior, context, (BASS, DRUMS), 3)
    assert again == along(prior, context, (BASS, DRUMS), 3)
    assert along(prior, context, (MELODY,))[0] is context, "nothing is missing"
    crowded = Phrase.of(GRID, [Note(step, 60, 80, 1) for step in range(GRID.steps)] + [Note(0, 48, 80, 1)])
    assert along(prior, crowded, (BASS,))[0] is crowded, "there is no room"
    with pytest.raises(ValueError, match="cannot write along"):
        along(NoteTransformer(writer().tensors(), GRID), context, (BASS,))
    with pytest.raises(ValueError, match="cannot write along"):
        along(prior, Phrase.of(Grid(2, 4, 2), context.notes), (BASS,))


def test_draws_have_the_odds_that_the_network_gives() -> None:
    made = writer(1)
    drawn = NoteTransformer(made.tensors(), GRID).draw(3000, np.random.default_rng(0))
    with torch.no_grad():
        x = made.blocks((made.moves.weight[-REACH[0]] + made.place.weight[0])[None, None])[0, 0]
        odds = odds_of(made, 0, x, [0, NONE])[:-1].softmax(0).numpy()
    first = np.bincount([phrase.notes[0].onset for phrase in drawn], minlength=GRID.steps) / len(drawn)
    assert np.abs(first - odds).max() < 0.03
    assert odds.max() - odds.min() > 0.1


def test_a_draw_depends_on_its_seed_alone_and_is_never_empty() -> None:
    prior = NoteTransformer(
        writer(2, columns=(TRACK, ONSET, PITCH, LENGTH, VELOCITY, OFFSET)).tensors(), GRID
    )
    first = prior.draw(80, np.random.default_rng(7))
    assert len(first) == 80
    assert all(0 < len(phrase.notes) <= LONGEST for phrase in first)
    assert first == prior.draw(80, np.random.default_rng(7))
    assert first != prior.draw(80, np.random.default_rng(8))
    assert prior.draw(0, np.random.default_rng(0)) == []
    table = np.concatenate([table_of(phrase) for phrase in first])
    assert len(np.unique(table[:, TRACK])) == 4
    assert np.ptp(table[:, VELOCITY]) > 60
    assert np.ptp(table[:, OFFSET]) > 60
    assert (table >= np.maximum(LOWEST, (0, 0, 1, 1, -50, 0))).all()


def test_long_phrases_find_room() -> None:
    """Notes that never end their phrase: more than the memory has room for at first."""
    torch.manual_seed(0)
    made = NoteNetwork(GRID, CONSTANT, (ONSET, PITCH), longest=150, width=8, depth=1, heads=2, dropout=0.0)
    onsets = made.outs[0]
    assert isinstance(onsets, torch.nn.Linear)
    onsets.bias.data[: GRID.steps + 1] = torch.tensor([9.0] * (GRID.steps - 1) + [-99.0] * 2)
    (phrase,) = NoteTransformer(made.tensors(), GRID).draw(1, np.random.default_rng(0))
    assert len(phrase.notes) > 64


def test_a_checkpoint_without_a_prior_has_none() -> None:
    assert note_transformer_in({"directions/mean": np.zeros(3)}, GRID) is None


def test_a_prior_that_does_not_fit_is_refused() -> None:
    several = writer(columns=(TRACK, ONSET, PITCH)).tensors()
    with pytest.raises(KeyError, match="intervals"):
        NoteTransformer({name: value for name, value in several.items() if "intervals" not in name}, GRID)
    extras: dict[str, NDArray[Any]] = {f"{FOLDER}{n}": value for n, value in writer().tensors().items()}
    assert note_transformer_in(extras, GRID) is not None
    with pytest.raises(ValueError, match="its prior chooses of 9 onsets, not 17"):
        note_transformer_in(extras, Grid(2, 4, 2))
    with pytest.raises(KeyError, match="begin"):
        note_transformer_in({name: value for name, value in extras.items() if "begin" not in name}, GRID)
    with pytest.raises(KeyError, match=r"onset\.weight"):
        note_transformer_in(
            {name: value for name, value in extras.items() if name != "prior/onset.weight"}, GRID
        )
    for heads in (3.0, 0.0, -2.0):
        with pytest.raises(ValueError, match="do not fit together"):
            note_transformer_in({**extras, "prior/heads": np.array([heads])}, GRID)


def test_no_part_strikes_more_notes_at_once_than_it_can_play() -> None:
    bass = [Note(0, 40, 80, 4, track=BASS), *(Note(31, 30 + pitch, 80, 1, track=BASS) for pitch in range(9))]
    chord = [Note(4, pitch, 80, 4, track=CHORDS) for pitch in (60, 64, 67)]
    drums = [Note(31, pitch, 80, 1, track=DRUMS) for pitch in range(36, 44)]
    assert without_piles([*bass, *chord, *drums]) == [*chord, bass[0], *drums]
    assert without_piles(bass[1:]) == bass[1:3]
