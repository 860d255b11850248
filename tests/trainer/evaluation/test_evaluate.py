import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.latent.geometry import Latent
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.checkpoint_player import CheckpointPlayer
from model.runtimes.base import open_runtime
from tests.fakes.checkpoints import checkpoint
from tests.fakes.midi_files import chords, tune, write
from tests.fakes.players import GRID, SIZE, Memory, Sure
from trainer.corpus.prepare import PrepareOptions, prepare
from trainer.errors import OperationError, RequestError, TrainerError
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.heldout import held_out, parameters_of, phrases_for
from trainer.evaluation.knobs import knobs
from trainer.evaluation.measures import (
    Matches,
    agreement,
    consistent,
    distance,
    kl_bits,
    places,
    spans,
    spearman,
    symbols,
)
from trainer.evaluation.samples import PlayerOutput, Songs, samples
from trainer.evaluation.two_sample import Side, classify, half
from trainer.reports.table import lines, show


def phrase_of(seed: int) -> Phrase:
    notes = [Note(tick // 120, pitch, 80, length // 120) for tick, pitch, length in tune(seed, bars=2)]
    return Phrase.of(GRID, [note for note in notes if note.onset < 32])


PHRASES = [phrase_of(seed) for seed in range(24)]


def test_a_perfect_memory_gets_perfect_figures() -> None:
    turned = ("density", "register", "dynamics")
    found = evaluate(Sure(knobs=turned), PHRASES, parameters=7)
    made = found["reconstruction"]
    for key in (
        "step_accuracy",
        "step_accuracy_sampled",
        "note_f1",
        "note_f1_sampled",
        "note_f1_length",
        "exact",
    ):
        assert made[key] == 1.0, key
    assert made["velocity_error"] == 0.0
    assert made["active_units"] == SIZE
    assert made["kl_bits"] > 50
    assert (found["name"], found["codec"], found["parameters"], found["phrases"]) == (
        "memory",
        "melody",
        7,
        24,
    )
    for name, knob in found["knobs"].items():
        assert knob["spearman"] > 0.9, name
        assert knob["reach"] > 0
        assert knob["kept"] == 1.0
    assert found["knobs"]["register"]["spearman"] == pytest.approx(1.0)
    assert found["knobs"]["register"]["leak"] < 0.05
    assert found["interpolation"]["consistent"] == 1.0
    assert found["interpolation"]["note_ratio"] == pytest.approx(1.0, abs=0.15)
    assert found["interpolation"]["spearman"] > 0.5
    assert 0.0 <= found["samples"]["auc"] < 0.9
    assert found == evaluate(Sure(knobs=turned), PHRASES, parameters=7)
    json.dumps(found)


def test_one_that_does_not_listen_is_seen_through() -> None:
    found = evaluate(Memory(deaf=True), PHRASES)
    made, floor = found["reconstruction"], found["baselines"]
    assert made["note_f1"] < 0.5
    assert made["note_f1"] == pytest.approx(floor["note_f1_shuffled"])
    assert made["step_accuracy"] == pytest.approx(floor["step_accuracy_shuffled"])
    assert all(knob["spearman"] == knob["leak"] == 0.0 for knob in found["knobs"].values())
    assert found["samples"]["auc"] > 0.9
    assert found["interpolation"]["spearman"] == 0.0
    for unknown in ("kl_bits", "active_units", "step_accuracy_sampled", "note_f1_sampled"):
        assert made[unknown] is None


def test_a_generator_without_an_encoder_has_no_reconstruction() -> None:
    made = checkpoint(PHRASES[:2], family="noise")
    player = CheckpointPlayer(made, open_runtime(made, Path("noise.safetensors")))
    assert np.any(player.encode(PHRASES[0]).z)  # what sounds most like it is no answer of an encoder
    found = evaluate(player, PHRASES[:2], share=0.1)
    assert set(found["reconstruction"].values()) == {None}
    assert not any(name.endswith("shuffled") for name in found["baselines"])
    assert found["knobs"]["density"]["phrases"] == 2
    assert found["interpolation"]["pairs"] == 2


class Taught(Sure):
    """One whose network turns the register by itself, and has learned nothing of the density."""

    def unmended(self, latent: Latent, turns: dict[str, float]) -> Phrase:
        return self.decode(latent, turns={name: turn for name, turn in turns.items() if name == "register"})


def test_what_a_network_has_learned_of_its_knobs_stands_beside_the_closed_loop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    player = Taught(knobs=("density", "register"))
    found = knobs(player, PHRASES[:6], [player.encode(phrase) for phrase in PHRASES[:6]])
    register = found["register"]
    assert register["spearman_network"] == pytest.approx(1.0)
    assert register["leak_network"] == register["leak_turns"]
    assert not [key for key in found["density"] if key.endswith("_network")]
    table = lines([evaluate(player, PHRASES[:2]) | {"knobs": found}, {"knobs": {}}])[
        "the network's own answers to knobs"
    ]
    assert [(name, cells[1]) for name, cells in table] == [("register", "-")]


def sampled(**options: Any) -> dict[str, Any]:
    player = Sure()
    for phrase in PHRASES:
        player.encode(phrase)
    return samples(player, PHRASES, PlayerOutput(), np.random.default_rng(0), **options)


def test_training_phrases_are_judged_beside_the_samples() -> None:
    high = [Phrase.of(GRID, [n._replace(pitch=n.pitch + 24) for n in phrase.notes]) for phrase in PHRASES]
    each = np.arange(24)
    alike = Songs([phrase_of(seed) for seed in range(24, 48)], each)
    likely = sampled(seen=alike)
    assert likely["auc_training"] < 0.9
    assert sampled(seen=Songs(high, each))["auc_training"] > 0.9
    assert "auc_training" not in sampled(seen=Songs(high[:3], each[:3]))


def test_samples_are_classified_on_songs_that_the_classifiers_did_not_see() -> None:
    four = np.arange(24) % 4
    found = sampled(songs=four)
    assert found["songs"] == 4
    assert found["auc_least"] <= found["auc"] <= found["auc_most"]
    assert 0 <= found["auc_by_phrase"] <= 1
    few = sampled(songs=four % 2)
    assert few["auc"] is None
    assert few["auc_by_phrase"] == found["auc_by_phrase"]


def test_no_phrase_is_reported() -> None:
    with pytest.raises(OperationError, match="no phrase"):
        evaluate(Memory(), [])


def test_few_phrases_and_no_knobs_still_give_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluate(Memory(knobs=()), PHRASES[:1])
    assert found["knobs"] == {}
    assert found["interpolation"] is None
    assert found["samples"]["auc"] is None
    show([found, evaluate(Memory(), PHRASES[:2])])
    printed = capsys.readouterr().out
    assert "step accuracy" in printed
    assert "register" in printed
    assert lines([found])["reconstruction"][0] == ("step accuracy", ["1.000"])


def test_symbols_are_the_field_s_classes() -> None:
    phrase = Phrase.of(Grid(1, 2, 4), [Note(1, 60, 80, 3), Note(4, 62, 80, 1)])
    assert symbols(phrase, "melody") == [129, 60, 128, 128, 62, 129, 129, 129]
    assert symbols(phrase, "poly")[1:3] == [frozenset({60}), frozenset()]
    assert agreement([1, 2, 3, 4], [1, 2, 0, 0]) == 0.5


def test_note_scores_on_a_known_pair() -> None:
    wanted = Phrase.of(GRID, [Note(0, 60, 80, 4), Note(4, 62, 80, 4), Note(8, 64, 80, 4)])
    played = Phrase.of(
        GRID, [Note(0, 60, 80, 4), Note(4, 62, 80, 2), Note(9, 64, 80, 4), Note(20, 64, 80, 4)]
    )
    on, whole = Matches(), Matches()
    on.add(places(played), places(wanted))
    whole.add(spans(played), spans(wanted))
    assert on.precision == 0.5
    assert on.recall == pytest.approx(2 / 3)
    assert on.f1 == pytest.approx(4 / 7)
    assert whole.f1 == pytest.approx(2 / 7)
    assert Matches().f1 == 1.0


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 40], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3], [5, 5, 5], 0.0),
        ([1, 2, 3, 4, 5], [1, 2, 3, 5, 4], 0.9),
        ([1, 1, 2, 2], [1, 2, 3, 4], 0.8944271909999159),
    ],
)
def test_spearman(one: list[float], other: list[float], expected: float) -> None:
    assert spearman(one, other) == pytest.approx(expected)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_spearman_heeds_order_alone(values: list[int]) -> None:
    varies = len(set(values)) > 1
    assert spearman(values, [value**3 for value in values]) == pytest.approx(1.0 if varies else 0.0)


def test_kl_of_known_posteriors() -> None:
    zero = np.zeros(4, dtype=np.float32)
    assert kl_bits(zero, zero) == 0.0
    assert kl_bits(zero + 1, zero) == pytest.approx(4 * 0.5 / np.log(2))


def test_distance_and_rules() -> None:
    one, other = PHRASES[0], PHRASES[1]
    for codec in ("melody", "poly"):
        assert distance(one, one, codec) == 0.0
        assert 0 < distance(one, other, codec) <= 1
    assert distance(Phrase(GRID), Phrase(GRID), "poly") == 0.0
    chord = Phrase.of(GRID, [Note(0, 60, 80, 4), Note(0, 64, 80, 4)])
    assert consistent(chord, "poly")
    assert not consistent(chord, "melody")
    assert not consistent(Phrase(GRID, (Note(0, 60, 80, 40),)), "poly")
    assert not consistent(Phrase(GRID, (Note(0, 160, 80, 4),)), "poly")


def test_classifiers_tell_what_differs_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    real = Side(rng.standard_normal((200, 6)))
    same = classify(real, Side(rng.standard_normal((200, 6))), 0)
    other = classify(real, Side(rng.standard_normal((200, 6)) + 1.5), 0)
    assert same is not None
    assert same.best < 0.65
    assert min(same.each) <= same.best <= max(same.each)
    assert other is not None
    assert min(other.logistic, other.boosting) > 0.95


def test_who_knows_the_songs_tells_even_music_from_music() -> None:
    rng = np.random.default_rng(4)
    each = np.repeat(np.arange(20), 20)
    one, two = (
        rng.standard_normal((20, 6))[each] + 0.1 * rng.standard_normal((400, 6)) for _ in range(2)
    )  # songs of one kind all; each song's phrases are alike
    known = classify(Side(one), Side(two), 0)
    unknown = classify(Side(one, each), Side(two, each), 0)
    assert known is not None
    assert known.best > 0.95
    assert unknown is not None
    assert unknown.best < 0.75


def test_a_song_is_never_on_both_sides() -> None:
    songs = np.array([5] * 50 + [1, 2, 2, 3, 3, 3])
    for seed in range(20):
        taken = half(Side(np.zeros((56, 1)), songs), np.random.default_rng(seed))
        assert 0 < taken.sum() < 56
        assert not set(songs[taken]) & set(songs[~taken])
    assert half(Side(np.zeros((57, 1))), np.random.default_rng(0)).sum() in (28, 29)
    assert classify(Side(np.zeros((56, 1)), songs % 3), Side(np.zeros((56, 1))), 0) is None


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        write(folder / f"{seed}.mid", chords(seed))
    return folder


def test_phrases_come_from_a_prepared_split_or_from_any_folder(music: Path, tmp_path: Path) -> None:
    report = prepare([music], tmp_path / "out", PrepareOptions(GRID))
    player = Memory(codec="poly")
    held_out = phrases_for(player, tmp_path / "out", split="test", limit=None, seed=0)
    assert len(held_out) == report.phrases["poly"]["test"]
    everything = phrases_for(player, music, split="test", limit=None, seed=0)
    assert len(everything) == sum(report.phrases["poly"].values())
    assert set(map(str, held_out)) <= set(map(str, everything))
    few = phrases_for(player, music, split="test", limit=3, seed=1)
    assert few == phrases_for(player, music, split="test", limit=3, seed=1)
    assert few != phrases_for(player, music, split="test", limit=3, seed=2)


def test_training_phrases_come_along_where_they_were_prepared(music: Path, tmp_path: Path) -> None:
    prepare([music], tmp_path / "out", PrepareOptions(GRID))
    player = Memory(codec="poly")
    seen = phrases_for(player, tmp_path / "out", split="train", limit=2, seed=0)
    found = held_out(player, "keys", tmp_path / "out", limit=2)
    assert found.seen is not None
    assert found.seen.phrases == seen
    assert found.songs is not None
    prepared_songs = np.load(tmp_path / "out" / "poly" / "test" / "songs.npy")
    assert set(found.songs) <= set(prepared_songs)
    assert not set(found.songs) & set(found.seen.songs)
    assert len(found.first(1).songs or ()) == 1
    assert held_out(player, "keys", tmp_path / "out", limit=2, split="train").seen is None
    assert held_out(player, "keys", music, limit=2).seen is None
    starts = tmp_path / "out" / "poly" / "train" / "starts.npy"
    whole = starts.read_bytes()
    starts.write_bytes(whole[:-8])
    with pytest.raises(TrainerError, match="train cannot be read"):
        held_out(player, "keys", tmp_path / "out", limit=2)
    shutil.rmtree(tmp_path / "out" / "poly" / "train")
    assert held_out(player, "keys", tmp_path / "out", limit=2).seen is None


def test_what_does_not_fit_is_reported(music: Path, tmp_path: Path) -> None:
    prepare([music], tmp_path / "short", PrepareOptions(Grid(1, 4, 4)))
    with pytest.raises(
        RequestError, match="prepared for 1 bars of 4 beats in 4 steps, the checkpoint needs 2"
    ):
        phrases_for(Memory(), tmp_path / "short", split="test", limit=None, seed=0)
    with pytest.raises(RequestError, match="does not exist"):
        phrases_for(Memory(), tmp_path / "none", split="test", limit=None, seed=0)
    prepare([music], tmp_path / "out", PrepareOptions(GRID))
    with pytest.raises(RequestError, match="no phrases for the codec 'trio'"):
        phrases_for(Memory(codec="trio"), tmp_path / "out", split="test", limit=None, seed=0)
    (tmp_path / "out" / "melody" / "test" / "notes.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(OperationError, match=r"cannot be read: .*; run twobar-train prepare"):
        phrases_for(Memory(), tmp_path / "out", split="test", limit=None, seed=0)
    (tmp_path / "out" / "meta.json").write_text("{}")
    with pytest.raises(OperationError, match=r"meta\.json is damaged"):
        phrases_for(Memory(), tmp_path / "out", split="test", limit=None, seed=0)


def test_weights_are_counted_from_the_file_where_the_player_does_not_say(tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}, "__metadata__": {}})
    path = tmp_path / "m.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(48))
    silent = Memory()
    del silent.parameters
    assert parameters_of(silent, str(path)) == 12
    assert parameters_of(silent, str(tmp_path / "none")) is None
    path.write_bytes(b"short")
    assert parameters_of(silent, str(path)) is None
    assert parameters_of(Memory(), str(path)) == 0
