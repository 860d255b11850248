import copy
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import read, write
from model.codecs.base import COLUMNS, LENGTH, ONSET, PITCH, TRACK, table_of
from model.codecs.registry import build
from model.errors import CheckpointError
from model.latent.note_transformer import LOWEST, NoteTransformer
from model.latent.references import NONE
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.playing.load import open_player
from tests.fakes.runs import WITH_PRIOR, stopped
from tests.fakes.synthetic import prepare
from trainer.data.dataset import Phrases
from trainer.errors import OperationError, RequestError
from trainer.latent.note_network import REACH, NoteNetwork, batch, batches, encode_notes, varying
from trainer.latent.prior import Music, train_network, unseen
from trainer.run.progress import RunLog
from trainer.settings import PriorConfig
from trainer.settings import read as settings
from trainer.training.fit import run

GRID = Grid(1, 4, 4)
TUNES = (
    [Note(0, 60, 80, 4), Note(4, 64, 80, 4), Note(8, 67, 80, 8)],
    [Note(2, 72, 80, 2), Note(4, 71, 80, 2), Note(6, 69, 80, 2), Note(8, 67, 80, 1)],
)
SMALL = PriorConfig(minutes=30, steps=150, batch=200, learning_rate=1e-2, width=32, depth=2, heads=2)


def split(tunes: list[list[Note]]) -> Phrases:
    tables = [table_of(Phrase.of(GRID, tune)) for tune in tunes]
    starts = np.cumsum([0, *map(len, tables)])
    empty = np.zeros((0, len(COLUMNS)), dtype=np.int16)
    return Phrases(np.concatenate([empty, *tables]), starts, np.zeros(len(tables), dtype=np.int32))


def music(tunes: list[list[Note]], beside: list[list[Note]] | None = None, kind: str = "melody") -> Music:
    codec, train = build(kind, GRID), split(tunes)
    return Music.of(codec, train, train if beside is None else split(beside), 0, lambda: True)


def network(corpus: Music, *, dropout: float = 0.0) -> NoteNetwork:
    torch.manual_seed(0)
    constant, chosen = varying(corpus.train)
    longest = max(
        int(np.diff(part.phrases.starts).max(initial=0)) for part in (corpus.train, corpus.validation)
    )
    return NoteNetwork(GRID, constant, chosen, longest=longest, width=32, depth=2, heads=2, dropout=dropout)


def walked(corpus: Music, folder: Path, config: PriorConfig = SMALL) -> tuple[NoteNetwork, float]:
    with RunLog(folder, resume=False, quiet=True) as run_log:
        return train_network(
            network(corpus), corpus, config, np.random.default_rng(0), run_log=run_log, stop=threading.Event()
        )


def test_what_was_fitted_to_tunes_writes_them_untransposed(tmp_path: Path) -> None:
    corpus = music([*TUNES] * 20)
    before = unseen(network(corpus), corpus)
    best, loss = walked(corpus, tmp_path)
    assert before > 1.0
    assert loss < 0.4
    drawn = NoteTransformer(best.tensors(), GRID).draw(60, np.random.default_rng(1))
    known = [tuple(Phrase.of(GRID, tune).notes) for tune in TUNES]
    hits = [known.index(phrase.notes) for phrase in drawn if phrase.notes in known]
    assert len(hits) > 45
    assert 0.2 < np.mean(hits) < 0.8, "both, and about as often"


def test_the_best_on_unseen_phrases_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer one of two tunes is learned, the worse the other is known."""
    monkeypatch.setattr("trainer.latent.prior.CHECKED", 5)
    corpus = music([TUNES[0]] * 20, [TUNES[1]])
    looks: list[float] = []

    def look(writer: NoteNetwork, checked: Music) -> float:
        looks.append(unseen(writer, checked))
        return looks[-1]

    monkeypatch.setattr("trainer.latent.prior.unseen", look)
    best, loss = walked(corpus, tmp_path)
    assert loss == min(looks) < looks[-1]
    assert unseen(best, corpus) == pytest.approx(loss)


def test_what_is_saved_drops_nothing_out(tmp_path: Path) -> None:
    corpus = music([*TUNES] * 20)
    made = network(corpus, dropout=0.5)
    assert len({unseen(made.train(), corpus) for _ in range(3)}) > 1
    config = PriorConfig(minutes=1, steps=5, batch=400, width=32, depth=2, heads=2)
    with RunLog(tmp_path, resume=False, quiet=True) as run_log:
        best, loss = train_network(
            made, corpus, config, np.random.default_rng(0), run_log=run_log, stop=threading.Event()
        )
    assert {unseen(best, corpus) for _ in range(3)} == {loss}


def test_without_unseen_phrases_the_loss_is_of_those_that_are_learned() -> None:
    corpus = music([*TUNES] * 3, [])
    assert len(corpus.validation) == 0
    assert unseen(network(corpus), corpus) == pytest.approx(
        unseen(network(corpus), music([*TUNES] * 3)), rel=1e-3
    )


def test_a_signal_ends_it_with_what_it_has(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    corpus = music([*TUNES])
    made = network(corpus)
    weights = copy.deepcopy(made.state_dict())
    with RunLog(tmp_path, resume=False, quiet=True) as run_log:
        best, loss = train_network(made, corpus, SMALL, np.random.default_rng(0), run_log=run_log, stop=stop)
    assert loss == unseen(made, corpus)
    assert all(torch.equal(value, weights[name]) for name, value in best.state_dict().items())


def test_a_loss_that_is_no_number_is_reported(tmp_path: Path) -> None:
    corpus = music([*TUNES])
    made = network(corpus)
    made.place.weight.data[:] = float("nan")
    with (
        RunLog(tmp_path, resume=False, quiet=True) as run_log,
        pytest.raises(OperationError, match=r"no number at step 0: lower prior\.learning_rate"),
    ):
        train_network(made, corpus, SMALL, np.random.default_rng(0), run_log=run_log, stop=threading.Event())


def test_phrases_are_learned_as_the_codec_keeps_them() -> None:
    chord = [Note(4, 60, 80, 4), Note(4, 72, 80, 4), Note(0, 50, 80, 1)]
    corpus = music([chord])
    table = corpus.train.phrases.notes + LOWEST
    assert table[:, [ONSET, PITCH, LENGTH]].tolist() == [[0, 50, 1], [4, 72, 4]], "a melody has one line"
    _, chosen = varying(corpus.train)
    assert [int(column) for column in chosen] == [0, 1, 3], "onsets, pitches and lengths alone differ"
    assert len(music([chord] * 1500).train) == 1500
    assert (
        len(encode_notes(build("melody", GRID), split([chord] * 1500), np.arange(1500), lambda: False)) == 500
    )


def test_transposing_moves_all_parts_but_drums_and_says_how_far() -> None:
    band = [Note(0, 60, 80, 4, 0.0, 0), Note(0, 38, 80, 1, 0.0, DRUMS), Note(4, 43, 80, 4, 0.0, 2)]
    corpus = music([band], kind="multitrack")
    still = batch(
        corpus.train, "multitrack", np.zeros(200, dtype=np.int64), np.random.default_rng(1), moved=0.0
    )
    many = batch(
        corpus.train, "multitrack", np.zeros(200, dtype=np.int64), np.random.default_rng(1), moved=1.0
    )
    semitones = (many.moved + REACH[0]).numpy()
    assert set(semitones.tolist()) == set(range(REACH[0], REACH[1] + 1))
    away = (many.notes - still.notes)[..., PITCH].numpy()
    drums = many.notes[..., TRACK].numpy() == DRUMS
    assert (away == semitones[:, None] * ~drums).all()
    assert (many.notes[..., ONSET] == still.notes[..., ONSET]).all()


def test_tracks_come_one_after_another_in_any_order() -> None:
    band = [Note(0, 60, 80, 4, 0.0, 0), Note(4, 38, 80, 1, 0.0, DRUMS), Note(2, 43, 80, 4, 0.0, 2)]
    corpus = music([[*band, Note(6, 64, 80, 2, 0.0, 0)]], kind="multitrack")
    many = batch(
        corpus.train, "multitrack", np.zeros(300, dtype=np.int64), np.random.default_rng(0), moved=0.0
    )
    orders = [tuple(dict.fromkeys(tracks)) for tracks in many.notes[..., TRACK].tolist()]
    assert len(set(orders)) == 6
    assert many.here is not None
    assert many.rhythm is not None
    rhythm = many.rhythm.reshape(300, 4, 4, -1)
    for order, tracks, before_each, rhythms in zip(
        orders, many.notes[..., TRACK].tolist(), many.references[:, :, 0, TRACK].tolist(), rhythm, strict=True
    ):
        assert sum(a != b for a, b in pairwise(tracks)) == 2, "none comes twice"
        assert before_each == [NONE, *tracks], "each refers to the one before"
        for track, earlier in zip(tracks, rhythms, strict=True):
            before = order[: order.index(track)]
            assert earlier.any(1).nonzero().flatten().tolist() == sorted(before)
    bass_after_melody = next(i for i, order in enumerate(orders) if order == (0, 2, DRUMS))
    row = many.here.reshape(300, 4, -1)[bass_after_melody, 2]
    assert row.nonzero().flatten().tolist() == [4 + 60 % 12], "at its onset the melody's note sounds on"


def test_batches_hold_every_phrase_once_and_about_so_many_notes() -> None:
    corpus = music([*TUNES] * 50)
    found = list(batches(corpus.train, "melody", 60, np.random.default_rng(0), moved=0.0))
    assert sum(len(part.counts) for part in found) == 100
    assert all(len(part.counts) * (int(part.counts.max()) + 1) <= 60 for part in found)
    assert sum(int(part.counts.sum()) for part in found) == 50 * 7
    (whole,) = batches(music([TUNES[0]]).train, "melody", 1, np.random.default_rng(0), moved=0.0)
    assert whole.notes.shape == (1, 3, 6), "one that is longer than a batch still comes"


def test_a_prior_that_cannot_be_built_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    with pytest.raises(RequestError, match=r"prior.heads 2 do not divide prior.width 7"):
        settings(path, ["prior.width=7"])


def test_a_prior_without_an_encoder_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    with pytest.raises(RequestError, match=r"prior.minutes needs latents that an encoder finds"):
        settings(path, ["fit.objective=language", "model.decoder.kind=gru", "model.encoder.kind=none"])


def test_fit_puts_it_into_the_checkpoint_and_the_player_draws_from_it(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "data", "melody")
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    made = run(path, prepared, tmp_path / "run", overrides=["prior.draws=0"])
    checkpoint = read(made)
    assert "prior/begin" in checkpoint.extras
    assert checkpoint.figures["prior_loss"] > 0
    player = open_player(made)
    drawn = player.prior(2, seed=3)
    tensors = {n.removeprefix("prior/"): v for n, v in checkpoint.extras.items()}
    wanted = NoteTransformer(tensors, player.card.grid).draw(2, np.random.default_rng(3))
    for latent, phrase in zip(drawn, wanted, strict=True):
        np.testing.assert_array_equal(latent.z, player.encode(phrase).z)
    assert not any(name.startswith("weigher/") for name in checkpoint.extras)

    encode_notes = {name: value for name, value in checkpoint.extras.items() if name != "prior/begin"}
    write(replace(checkpoint, extras=encode_notes), tmp_path / "cut.safetensors")
    with pytest.raises(CheckpointError, match=r"cannot be played: a tensor 'begin' is missing"):
        open_player(tmp_path / "cut.safetensors")


def test_a_network_goes_on_from_what_another_of_its_kind_has_learned(tmp_path: Path) -> None:
    corpus = music([*TUNES] * 20)
    learned, loss = walked(corpus, tmp_path)
    longer = music([*TUNES, [Note(step, 60, 80, 1) for step in range(12)]], kind="melody")
    fresh = network(longer)
    assert fresh.take_over(learned.tensors())
    assert unseen(fresh, corpus) == pytest.approx(loss, abs=0.05)
    weights = copy.deepcopy(fresh.state_dict())
    wider = NoteNetwork(GRID, *varying(corpus.train), longest=4, width=64, depth=2, heads=2, dropout=0.0)
    assert not fresh.take_over(wider.tensors())
    assert not network(corpus).take_over(fresh.tensors()), "its phrases are longer"
    assert all(torch.equal(weights[name], value) for name, value in fresh.state_dict().items())


def test_a_run_that_begins_with_a_model_begins_with_its_prior(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "data", "melody")
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    first = run(path, prepared, tmp_path / "first", overrides=["prior.draws=0"])
    checkpoint = read(first)
    weigher = {"weigher/0.0.weight": np.ones((1, 1), dtype=np.float32)}
    write(replace(checkpoint, extras={**checkpoint.extras, **weigher}), first)
    changes = ["prior.draws=8", "prior.minutes=0.0000001"]  # too few to learn weights from
    second = read(run(path, prepared, tmp_path / "second", init=str(first), overrides=changes))
    for name, value in {**checkpoint.extras, **weigher}.items():
        np.testing.assert_array_equal(second.extras[name], value)
    changes = ["prior.draws=0", *changes[1:]]
    third = read(run(path, prepared, tmp_path / "third", init=str(first), overrides=changes))
    assert third.extras.keys() == checkpoint.extras.keys(), "no weights of draws are wanted"


def test_a_run_that_is_resumed_keeps_its_prior_and_goes_on_from_it(tmp_path: Path) -> None:
    prepared, out = prepare(tmp_path / "data", "melody"), tmp_path / "run"
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    changes = ["prior.draws=0", "fit.steps=4"]
    before = read(run(path, prepared, out, overrides=changes)).extras
    with pytest.MonkeyPatch.context() as patch:
        stopped(patch, 5)  # before a prior is fitted
        ended = read(run(path, prepared, out, resume=True, overrides=["prior.draws=0", "fit.steps=8"])).extras
    assert before.keys() == ended.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(ended[name], value)
    changes = ["prior.draws=0", "fit.steps=6", "prior.minutes=0.0000001"]
    after = read(run(path, prepared, out, resume=True, overrides=changes)).extras
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)
    (out / "tiny.safetensors").write_bytes(b"cut short")
    run(path, prepared, out, resume=True, overrides=changes)


def test_music_without_notes_is_reported(tmp_path: Path) -> None:
    prepared = prepare(tmp_path / "data", "melody")
    place = prepared / "melody" / "train"
    starts = np.load(place / "starts.npy")
    np.save(place / "notes.npy", np.load(place / "notes.npy")[:0])
    np.save(place / "starts.npy", np.zeros_like(starts))
    path = tmp_path / "config.toml"
    path.write_text(WITH_PRIOR)
    with pytest.raises(OperationError, match="no note that a prior could learn"):
        run(path, prepared, tmp_path / "run", overrides=["prior.draws=0"])
