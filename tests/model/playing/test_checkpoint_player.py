"""Players of every family: graphs as torch, with a prefix, without a latent, of noise."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from model.checkpoint import read, write
from model.codecs.base import LENGTH, ONSET, PITCH, TRACK
from model.codecs.keyboard import division
from model.codecs.sampling import Sampling
from model.config import ModelConfig
from model.latent.directions import KNOTS, Directions
from model.latent.geometry import Latent, played_at
from model.latent.note_transformer import FOLDER, NoteTransformer, run_to_end
from model.music.accompaniment import unusual
from model.music.distance import unmatched
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.inference.batch import AT_ONCE
from model.playing.load import load
from model.runtimes.base import DecodeInputs, Floats, Runtime
from model.runtimes.registry import open_runtime
from tests.fakes.networks import STEPWISE, config, held, network, phrase, player
from tests.fakes.synthetic import chords, melody
from trainer.latent.note_network import NoteNetwork


def hot(seed: int) -> Sampling:
    return Sampling(1.0, seed=seed)


@cache
def of(chosen: ModelConfig) -> CheckpointPlayer:
    return player(network(chosen))


@pytest.mark.parametrize(
    ("kind", "codec"),
    [*product(STEPWISE, ("melody",)), ("gru", "poly"), ("lstm", "drums"), ("hierarchical", "multitrack")],
)
def test_a_latent_plays_with_what_has_sounded(kind: str, codec: str) -> None:
    played = of(config(kind, codec))
    made = phrase(codec, 2)
    latent = played.encode(made)
    assert latent.z.shape == (32,)
    assert played.decode(latent, turns={}) == played.decode(latent, turns={}, sampling=Sampling(seed=5))
    wild = [played.decode(latent, turns={}, sampling=hot(seed)) for seed in (1, 1, 2)]
    assert wild[0] == wild[1] != wild[2]
    assert played.decode(latent, turns={}, sampling=Sampling(1.0, top_k=1, seed=1)) == played.decode(
        latent, turns={}
    )
    sounded = Phrase(made.grid, tuple(note for note in made.notes if note.onset < 12))
    for turns in ({}, {"density": 0.6}):
        answer = played.decode(latent, turns=turns, sampling=hot(1), prefix=sounded, prefix_steps=12)
        early = [note for note in answer.notes if note.onset < 12]
        assert [(n.onset, n.pitch, n.velocity, n.track) for n in early] == [
            (n.onset, n.pitch, n.velocity, n.track) for n in sounded.notes
        ]


def test_a_prefix_changes_what_a_step_by_step_decoder_plays_next() -> None:
    played = of(config("gru"))
    latent = played.encode(melody(2))
    answers = {
        tuple(
            note
            for note in played.decode(
                latent,
                turns={},
                sampling=Sampling(1.0),
                prefix=Phrase.of(Grid(), [Note(0, pitch, 90, 4), Note(4, pitch + 2, 90, 4)]),
                prefix_steps=8,
            ).notes
            if note.onset >= 8
        )
        for pitch in (36, 60, 84)
    }
    assert len(answers) > 1


@pytest.mark.parametrize("kind", ["gru", "transformer"])
@pytest.mark.parametrize("traced", [True, False])
def test_a_model_without_a_latent_continues(kind: str, traced: bool) -> None:
    chosen = config(kind, "poly", latent=False, knobs=(), context_bars=2, bars=4)
    played = of(chosen) if traced else player(network(chosen), traced=False)
    card = played.card
    assert (card.latent_size, card.grid, card.scale.shape, card.map_points) == (0, Grid(2), (0,), ())
    latent = played.encode(chords(1))
    assert latent.z.shape == (0,)
    assert latent.attributes["density"] > 0
    assert played.place(latent) == (0.0, 0.0)
    one = played.continuation(chords(1), sampling=hot(4))
    assert one.grid == Grid(2)
    assert one == played.continuation(chords(1), sampling=hot(4))
    assert one != played.continuation(chords(2), sampling=hot(4))
    assert one != played.continuation(chords(1), sampling=hot(5))
    prefixed = played.continuation(
        chords(1), sampling=hot(4), prefix=Phrase(Grid(), chords(3).notes[:9]), prefix_steps=5
    )
    early = [(n.onset, n.pitch) for n in chords(3).notes[:9] if n.onset < 5]
    assert [(n.onset, n.pitch) for n in prefixed.notes if n.onset < 5] == early
    assert played.decode(latent, turns={}, sampling=hot(1)).grid == Grid(2)


def test_a_continuation_hears_the_last_bars_that_it_was_taught_with() -> None:
    played = of(config("gru", "poly", latent=False, knobs=(), context_bars=2, bars=4))
    four = Phrase.of(Grid(4), [*chords(5).notes, *(n._replace(onset=n.onset + 32) for n in chords(1).notes)])
    wanted = played.continuation(chords(1), sampling=hot(4))
    assert played.continuation(four, sampling=hot(4)) == wanted
    bar = Phrase.of(Grid(1), [n for n in chords(1).notes if n.onset < 16])
    late = Phrase.of(Grid(2), [n._replace(onset=n.onset + 16) for n in bar.notes])
    assert played.continuation(bar, sampling=hot(2)) == played.continuation(late, sampling=hot(2))
    with pytest.raises(ValueError, match="metre"):
        played.continuation(Phrase(Grid(2, 3)))


def test_knobs_turn_what_a_model_without_a_latent_continues() -> None:
    played = of(config("gru", "poly", latent=False, knobs=(), context_bars=2, bars=4))
    plain = played.continuation(chords(1), sampling=hot(4))
    higher = played.continuation(chords(1), sampling=hot(4), turns={"register": 1.0, "density": -0.5})
    assert np.mean([n.pitch for n in higher.notes]) > np.mean([n.pitch for n in plain.notes])
    assert len({n.onset for n in higher.notes}) < len({n.onset for n in plain.notes})
    with pytest.raises(ValueError, match="unknown attribute 'loudness'"):
        played.continuation(chords(1), turns={"loudness": 1.0})


def test_a_model_with_a_latent_continues_by_its_answer() -> None:
    played = of(config("patch", "melody"))
    answer = played.decode(played.encode(melody(1)), turns={"density": 0.3})
    assert played.continuation(melody(1), turns={"density": 0.3}) == answer


def test_top_k_bounds_the_heads_of_a_decoder_at_once() -> None:
    for codec, make in (("melody", melody), ("poly", chords)):
        played = of(config("patch", codec))
        latent = played.encode(make(1))
        plain = played.decode(latent, turns={})
        assert played.decode(latent, turns={}, sampling=hot(1)) != plain
        one = played.decode(latent, turns={}, sampling=Sampling(1.0, top_k=1, seed=1))
        assert one == plain
        assert played.decode(latent, turns={}, sampling=Sampling(1.0, top_p=1e-6, seed=1)) == plain


def test_the_prior_is_drawn_by_the_seed() -> None:
    played = of(config("gru"))
    one, again, other = played.prior(400, 1), played.prior(400, 1), played.prior(400, 2)
    assert all(np.array_equal(a.z, b.z) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0].z, other[0].z)
    points = np.stack([latent.z for latent in one])
    assert abs(points.mean()) < 0.05
    assert abs(points.std() - 1) < 0.05
    assert played.decode(one[0], turns={}).grid == Grid()


@pytest.mark.parametrize(("name", "drafts"), [("multitrack", 8), ("drums", 16), ("lead", 4)])
def test_a_draw_is_one_of_so_many_drafts(name: str, drafts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    written = NoteTransformer.draw

    def counted(self: NoteTransformer, count: int, rng: np.random.Generator) -> list[Phrase]:
        counts.append(count)
        return written(self, count, rng)

    monkeypatch.setattr(NoteTransformer, "draw", counted)
    assert len(load(name).prior(2, seed=1)) == 2
    assert counts == [2 * drafts]


def test_a_prior_of_several_parts_writes_those_that_are_missing() -> None:
    net = network(config("transformer", "multitrack"))
    grid = of(config("transformer", "multitrack")).card.grid
    torch.manual_seed(0)
    columns = (TRACK, ONSET, PITCH, LENGTH)
    constant = np.array([0, 0, 79, 0, 50, 0])
    writer = NoteNetwork(grid, constant, columns, longest=200, width=8, depth=1, heads=2, dropout=0.0)
    extras = {f"{FOLDER}{name}": value for name, value in writer.tensors().items()}
    checkpoint = replace(held(net), extras=extras)
    band = CheckpointPlayer(checkpoint, open_runtime(checkpoint, "here"))
    assert band.card.accompanies
    played = Phrase.of(grid, [Note(0, 72, 90, 4), Note(0, 64, 90, 4), Note(8, 74, 90, 4)])
    whole = run_to_end(band.accompany(played, (BASS, DRUMS), seed=4))
    assert [note.pitch for note in whole.part(MELODY).notes] == [72, 74]
    assert [note.pitch for note in whole.part(CHORDS).notes] == [64], (
        "what was played is divided as the codec does"
    )
    assert {note.track for note in whole.notes} == {MELODY, CHORDS, BASS, DRUMS}
    assert whole == run_to_end(band.accompany(played, (BASS, DRUMS), seed=4))
    assert whole != run_to_end(band.accompany(played, (BASS, DRUMS), seed=5))
    again = run_to_end(band.accompany(played, (BASS, DRUMS), seed=5, keep=whole.part(DRUMS)))
    assert again.part(DRUMS) == whole.part(DRUMS)
    assert again.part(BASS) != whole.part(BASS)
    assert run_to_end(band.accompany(played, (BASS, DRUMS), seed=5, keep=whole)) == whole
    once, often = (
        [
            unusual(
                run_to_end(band.accompany(played, (BASS, DRUMS), seed=seed, tries=range(tries))),
                (BASS, DRUMS),
            )
            for seed in range(8)
        ]
        for tries in (1, 4)
    )
    assert all(one >= other for one, other in zip(once, often, strict=True))
    assert sum(often) < sum(once)
    assert not run_to_end(band.accompany(Phrase(grid), (BASS,))).notes, "nothing to go by"
    with pytest.raises(ValueError, match="another grid"):
        run_to_end(band.accompany(Phrase(Grid(4, 4, 4)), (BASS,)))


def test_who_has_no_such_prior_gives_a_phrase_back_as_the_codec_holds_it() -> None:
    alone = of(config("gru", "melody"))
    assert not alone.card.accompanies
    chord = Phrase.of(alone.card.grid, [Note(0, 72, 90, 4), Note(0, 64, 90, 4)])
    assert [note.pitch for note in run_to_end(alone.accompany(chord, (BASS,))).notes] == [72]


def test_noise_that_nothing_encodes_answers_with_the_most_similar_phrase() -> None:
    played = of(config("patch", "melody", latent=False, law="noise"))
    assert played.card.latent_size == 32
    known = played.prior(64, 0)
    target = played.decode(known[17], turns={})
    found = played.encode(target)
    assert played.decode(found, turns={}) == target
    mean, logvar = played.posterior(target)
    np.testing.assert_array_equal(mean, found.z)
    assert (logvar < -20).all()


def test_checkpoints_of_every_family_come_back_from_disk(tmp_path: Path) -> None:
    for chosen in (
        config("transformer"),
        config("gru", latent=False, knobs=(), context_bars=1),
        config("patch", latent=False, law="noise"),
    ):
        path = tmp_path / "tiny.safetensors"
        write(held(network(chosen)), path, half=False)
        found = read(path)
        assert found.config == chosen
        again = CheckpointPlayer(found, open_runtime(found, path))
        latent = again.encode(melody(1) if not chosen.context_bars else Phrase(Grid(1)))
        mine = of(chosen)
        assert again.decode(latent, turns={}, sampling=hot(2)) == mine.decode(
            Latent(mine.card.ident, latent.z), turns={}, sampling=hot(2)
        )


def test_a_step_by_step_checkpoint_with_graphs_loads_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    write(held(network(config("transformer", latent=False, knobs=()))), path)
    code = (
        "import sys\n"
        "from model.playing.load import load\n"
        "from model.codecs.sampling import Sampling\n"
        "from model.music.phrase import Phrase\n"
        f"played = load({str(path)!r})\n"
        "played.continuation(Phrase(played.card.grid), sampling=Sampling(1.0, seed=1))\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(config("patch", knobs=("density",), conditions=("key",)), id="at once"),
        pytest.param(config("gru", knobs=("density",), conditions=("chords", "key")), id="step by step"),
        pytest.param(config("gru", latent=False, knobs=(), conditions=("key",)), id="no latent"),
    ],
)
def test_what_a_conditioned_network_makes_of_its_knobs_can_be_asked_too(chosen: ModelConfig) -> None:
    played = of(chosen)
    latent = Latent(played.card.ident, np.zeros(played.card.latent_size, dtype=np.float32), {})
    assert played.unmended(latent, {}) == played.decode(latent, turns={})
    assert played.unmended(latent, {"density": 1.0}).grid == played.card.grid


def test_a_direction_moves_what_the_network_was_not_taught() -> None:
    """The latent goes along it by the change that is wanted, and only for its own attribute."""
    net = network(config("patch", knobs=("density",)))
    line = np.zeros((2, 32), dtype=np.float32)
    line[0, 3], line[1, 5] = 1.0, 1.0
    steps = np.linspace(-2, 2, KNOTS, dtype=np.float32)
    found = Directions(("density", "range"), line, np.stack((steps, steps)), np.stack((steps, 3 * steps)))
    checkpoint = replace(held(net), extras=found.tensors())
    played = CheckpointPlayer(checkpoint, open_runtime(checkpoint, "here"))
    z = np.zeros(32, dtype=np.float32)
    moved = played.network.moved(z, {"density": 1.0, "range": 0.5})
    assert moved[5] == pytest.approx(1.5)
    assert np.count_nonzero(moved) == 1
    assert played.network.steered == ("density", "range")
    assert of(config("patch")).network.moved(z, {"density": 1.0}) is z


@pytest.mark.parametrize(("kind", "codec"), [("gru", "melody"), ("patch", "poly"), ("patch", "multitrack")])
def test_what_was_played_stays_at_rest_and_goes_along_with_the_knobs(kind: str, codec: str) -> None:
    playing = of(config(kind, codec))
    notes = [
        Note(0, 72, 101, 2, 0.2, release=-0.3),
        Note(0, 36, 33, 9),
        Note(2, 74, 55, 2, displacement=2 / 3),
        Note(9, 71, 80, 3, -0.4),
        Note(20, 76, 1, 2),
    ]
    played = Phrase.of(playing.card.grid, notes)
    latent = played_at(playing.encode(played), played)
    assert [note._replace(track=0) for note in playing.decode(latent, turns={}).notes] == sorted(notes)
    louder = playing.decode(latent, turns={"dynamics": 0.5})
    assert [(n.onset, n.offset, n.displacement) for n in louder.notes] == [
        (n.onset, n.offset, n.displacement) for n in played.notes
    ]
    assert sum(n.velocity for n in louder.notes) > sum(n.velocity for n in notes)
    higher = playing.decode(latent, turns={"register": 0.5})
    ways = {
        b.pitch - a.pitch for a, b in zip(playing.decode(latent, turns={}).notes, higher.notes, strict=True)
    }
    assert len(ways) == 1
    assert min(ways) > 0
    half = playing.decode(latent, turns={}, prefix=played, prefix_steps=16)
    assert [note.pitch for note in half.notes] == [note.pitch for note in played.notes]


LEFT = [Note(step, pitch, 80, 4) for step, pitch in zip(range(0, 32, 4), (48, 52, 55, 52) * 2, strict=True)]
RIGHT = [
    Note(0, 76, 90, 8),
    Note(8, 79, 90, 8),
    Note(24, 74, 90, 8),
]  # rests for two beats over the left hand
HANDS, MELODY_ALONE = Phrase.of(Grid(), LEFT + RIGHT), Phrase.of(Grid(), RIGHT)


def test_a_model_of_one_line_is_shown_the_melody_of_two_hands() -> None:
    played = of(config("patch", "melody"))
    alone = played.encode(MELODY_ALONE)
    assert played.encode(HANDS).attributes != alone.attributes  # as training packs it: the highest keys
    played.divide = division("line")
    shown = played.encode(HANDS)
    assert (shown.z == alone.z).all()
    assert shown.attributes == alone.attributes
    low = Phrase.of(Grid(), [Note(0, 36, 90, 8), Note(8, 41, 90, 8)])
    assert played.encode(low).attributes["register"] == 38.5  # no melody: then all of it


def test_what_goes_on_is_the_melody_of_two_hands() -> None:
    played = of(config("gru", "melody", latent=False, knobs=(), context_bars=2, bars=4))
    played.divide = division("line")
    wanted = played.continuation(MELODY_ALONE, sampling=hot(4))
    assert played.continuation(HANDS, sampling=hot(4)) == wanted


def test_a_band_is_shown_the_parts_of_two_hands_divided_once() -> None:
    played = of(config("hierarchical", "multitrack"))
    dips = Phrase.of(Grid(), [Note(0, 52, 90, 8), Note(8, 47, 90, 8), Note(16, 55, 90, 8)])
    assert {n.track for n in run_to_end(played.accompany(dips, ())).notes} == {MELODY, BASS}  # as in training
    played.divide = division("line")
    assert {n.track for n in run_to_end(played.accompany(dips, ())).notes} == {MELODY}
    held = run_to_end(played.accompany(HANDS, ()))
    assert {(n.onset, n.pitch) for n in held.part(BASS).notes} == {(n.onset, n.pitch) for n in LEFT}
    assert {(n.onset, n.pitch) for n in held.part(MELODY).notes} == {(n.onset, n.pitch) for n in RIGHT}
    played.divide = division("D3")
    assert {n.pitch for n in run_to_end(played.accompany(HANDS, ())).part(BASS).notes} == {48}


@pytest.mark.parametrize(
    ("kind", "codec"),
    [("patch", "melody"), ("gru", "poly"), ("hierarchical", "melody"), ("patch", "multitrack")],
)
@pytest.mark.parametrize("traced", [True, False])
def test_many_phrases_together_are_those_of_one_after_another(kind: str, codec: str, traced: bool) -> None:
    played = player(network(config(kind, codec)), traced=traced)
    phrases = [phrase(codec, seed % 5) for seed in range(AT_ONCE + 3)]  # more than a portion; some come again
    latents = played.encode_all(phrases)
    assert [latent.attributes for latent in latents] == [played.encode(p).attributes for p in phrases]
    for latent, one in zip(latents[:6], phrases, strict=False):
        np.testing.assert_allclose(latent.z, played.encode(one).z, atol=1e-5)
        together, alone = played.posterior_all([one, phrases[1]])[0], played.posterior(one)
        np.testing.assert_allclose(np.stack(together), np.stack(alone), atol=1e-5)
    few_turns = ({"density": 0.6}, {"range": -0.5, "density": -1.0}, {"dynamics": 1.0})
    turns: tuple[dict[str, float], ...] = ({}, *few_turns)
    asked = [(latent, turn) for latent in latents[:5] for turn in turns] + [(z, {}) for z in latents[5:]]
    assert played.decode_all(asked) == [played.decode(latent, turns=turn) for latent, turn in asked]
    few = asked[:12]
    assert played.unmended_all(few) == [played.unmended(latent, turn) for latent, turn in few]
    assert played.decode_all([]) == []
    with pytest.raises(ValueError, match="another model"):
        played.decode_all([(replace(latents[0], model="other"), {})])
    with pytest.raises(ValueError, match="unknown attribute 'loudness'"):
        played.decode_all([(latents[0], {"loudness": 1.0})])


@pytest.mark.parametrize("codec", ["melody", "multitrack"])
def test_a_point_that_is_sought_gives_a_phrase_back_better(codec: str) -> None:
    played = of(config("patch", codec))
    phrases = [phrase(codec, seed) for seed in range(6)]
    sought = [played.seek(one) for one in phrases]
    found = played.encode_all(phrases)
    assert [latent.attributes for latent in sought] == [latent.attributes for latent in found]
    apart = [
        sum(unmatched(played.decode(latent, turns={}), p) for latent, p in zip(latents, phrases, strict=True))
        for latents in (found, sought)
    ]
    assert apart[1] < apart[0]
    np.testing.assert_array_equal(played.seek(phrases[1]).z, sought[1].z)


def test_where_a_decoder_writes_step_by_step_no_point_is_sought() -> None:
    played = of(config("gru"))
    np.testing.assert_array_equal(played.seek(melody(2)).z, played.encode(melody(2)).z)


class Counted:
    """A runtime that says it is a card's, until it has failed, and counts the rows that it decodes."""

    def __init__(self, runtime: Runtime, name: str) -> None:
        self._runtime, self.name = runtime, name
        self.rows: list[int] = []

    def decode(self, z: Floats, inputs: DecodeInputs) -> dict[str, Floats]:
        self.rows.append(len(z))
        return self._runtime.decode(z, inputs)

    def __getattr__(self, name: str) -> object:
        return getattr(self._runtime, name)


def test_of_many_answers_to_a_knob_in_one_batch_the_nearest_is_taken() -> None:
    checkpoint = held(network(config("patch", "melody")))
    card = Counted(open_runtime(checkpoint, "", "cpu"), "torch cuda")
    played = CheckpointPlayer(checkpoint, cast("Runtime", card))
    latent = played.encode(phrase("melody", 2))
    played.decode(latent, turns={"density": 0.8})
    assert card.rows == [1, 64], "one at rest, and one batch"
    played.candidates = 5
    played.decode_all([(latent, {"density": 0.8})])
    assert card.rows[-1] == 5
    played.candidates, card.name = 0, "onnxruntime"  # the card is given up in the middle
    played.decode(latent, turns={"density": 0.8})
    assert card.rows[-1] == 2
