"""`prepare`: folders of MIDI files to phrases, split by song; interrupted, refused, done again."""

import dataclasses
import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import phrase_of
from model.music.grid import Grid
from model.music.phrase import Phrase
from tests.fakes.interrupted import interrupted
from tests.fakes.midi_files import chords, tune, write
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.pieces import load_pieces
from trainer.corpus.pool import outcomes
from trainer.corpus.prepare import prepare
from trainer.corpus.reading.read_midi import CODECS, Reading, read
from trainer.corpus.reading.sources import SPLITS
from trainer.errors import EmptyCorpusError, OperationError, RequestError

GRID = Grid()
OPTIONS = PrepareOptions(GRID)


def table(out: Path, codec: str, split: str) -> list[Phrase]:
    folder = out / codec / split
    notes, starts = np.load(folder / "notes.npy", mmap_mode="r"), np.load(folder / "starts.npy")
    assert notes.dtype == np.int16
    assert starts.dtype == np.int64
    assert starts[0] == 0
    assert starts[-1] == len(notes)
    assert (
        np.load(folder / "songs.npy").shape == np.load(folder / "velocities.npy").shape == (len(starts) - 1,)
    )
    rows = [notes[a:b] for a, b in pairwise(starts)]
    made = [phrase_of(GRID, row) for row in rows]
    assert all(len(phrase) == len(row) for phrase, row in zip(made, rows, strict=True))
    return made


def shapes(phrases: list[Phrase]) -> set[tuple[tuple[int, int], ...]]:
    return {
        tuple((n.onset, n.pitch - min(m.pitch for m in phrase.notes)) for n in phrase.notes)
        for phrase in phrases
    }


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(12):
        velocities = (60, 80, 100) if seed % 2 else (80,)
        write(folder / f"{seed}.mid", chords(seed), velocities=velocities)
    write(folder / "deep" / "0 again.MID", chords(0), shift=3)
    (folder / "cover.jpg").write_bytes(b"no music")
    (folder / "broken.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk\0\0\xff\xff\0")
    return folder


@pytest.fixture(scope="module")
def prepared(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("prepared") / "corpus"
    return out, prepare([songs], out, OPTIONS)


def test_all_splits_are_filled_and_the_broken_file_is_named(prepared: tuple[Path, Report]) -> None:
    out, report = prepared
    assert report.read == 13
    ((kind, (count, name, reason)),) = report.skipped.items()
    assert (kind, count, Path(name).name, reason) == ("no notes", 1, "broken.mid", "no notes")
    written = json.loads((out / "report.json").read_text())
    assert written["files"][0]["reason"] == "no notes"
    meta = json.loads((out / "meta.json").read_text())
    assert meta["grid"] == {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}
    for codec in ("melody", "poly"):
        for split in SPLITS:
            assert meta["phrases"][codec][split] == len(table(out, codec, split)) > 0
    assert sorted(path.name for path in out.iterdir()) == [
        ".index",
        "drums",
        "melody",
        "meta.json",
        "multitrack",
        "pieces",
        "poly",
        "report.json",
    ]


def test_pieces_hold_every_window_in_its_order(prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    for split in SPLITS:
        pieces = load_pieces(out, split)
        for kind, codec in enumerate(CODECS):
            chosen = np.flatnonzero(pieces.kinds == kind).tolist()
            windows = {phrase_of(GRID, pieces.window(index)) for index in chosen}
            assert set(table(out, codec, split)) <= windows
        for window, before in enumerate(pieces.before.tolist()):
            if before >= 0 and pieces.kinds[window] == CODECS.index("poly"):
                between = [one for one in range(len(pieces)) if pieces.lines[one] == pieces.lines[window]
                           and pieces.bars[one] == pieces.bars[window] - 1]  # fmt: skip
                for middle in between:  # the second bar of one window is the first of the next
                    second = [n[:2] for n in pieces.window(before).tolist() if n[0] >= 16]
                    assert [[n[0] + 16, n[1]] for n in pieces.window(middle).tolist() if n[0] < 16] == second


def test_no_shape_lies_on_two_sides(prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    for codec in ("melody", "poly"):
        train, validation, test = (shapes(table(out, codec, split)) for split in SPLITS)
        assert not train & validation
        assert not train & test
        assert not validation & test


def test_a_transposed_copy_is_the_same_song(prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    ids = {int(song) for split in SPLITS for song in np.load(out / "melody" / split / "songs.npy")}
    assert len(ids) == 12


def test_velocities_that_vary_are_marked(prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    marks = np.concatenate([np.load(out / "poly" / split / "velocities.npy") for split in SPLITS])
    phrases = [phrase for split in SPLITS for phrase in table(out, "poly", split)]
    assert {bool(mark) for mark in marks} == {True, False}
    for mark, phrase in zip(marks, phrases, strict=True):
        assert bool(mark) == (len({note.velocity for note in phrase.notes}) > 1)


def test_interrupted_it_goes_on_and_gives_the_same(
    songs: Path, tmp_path: Path, prepared: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = interrupted(songs, tmp_path / "out", OPTIONS, monkeypatch)()
    assert report.resumed == 12
    for codec in ("melody", "poly"):
        for split in SPLITS:
            assert table(tmp_path / "out", codec, split) == table(prepared[0], codec, split)


def test_however_many_processes_read_the_pieces_lie_in_one_order(
    songs: Path, tmp_path: Path, prepared: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare([songs], tmp_path / "three", PrepareOptions(GRID, jobs=3))
    interrupted(songs, tmp_path / "out", OPTIONS, monkeypatch)()
    for split in SPLITS:
        wanted = load_pieces(prepared[0], split)
        for out in ("three", "out"):
            found = load_pieces(tmp_path / out, split)
            for field in dataclasses.fields(wanted):
                np.testing.assert_array_equal(getattr(found, field.name), getattr(wanted, field.name))


def test_the_manifest_gives_clusters_licences_and_splits(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    rows = ["path,licence,cluster,split"]
    plan = {
        "a": ("CC0 1.0", "x", "train"),
        "b": ("CC0 1.0", "x", "train"),
        "c": ("Public Domain", "y", "test"),
        "d": ("CC BY-SA 4.0", "z", "train"),
    }
    for number, (name, fields) in enumerate(plan.items()):
        write(folder / f"{name}.mid", [tune(number)])
        rows.append(f"set/{name}.mid,{','.join(fields)}")
    write(folder / "stray.mid", [tune(9)])
    (folder / "MANIFEST.csv").write_text("\n".join(rows))
    report = prepare([folder], tmp_path / "out", OPTIONS)
    assert report.phrases["melody"]["validation"] == 0
    assert len(set(np.load(tmp_path / "out/melody/train/songs.npy").tolist())) == 1
    assert report.phrases["melody"]["test"] > 0
    listed = json.loads((tmp_path / "out" / "report.json").read_text())["files"]
    assert {Path(row["file"]).name: row["reason"] for row in listed} == {
        "d.mid": "its licence is not permissive: CC BY-SA 4.0",
        "stray.mid": "MANIFEST.csv names no licence for it",
    }
    assert prepare([folder], tmp_path / "all", PrepareOptions(GRID, licences="all")).read == 5


def test_other_metres_are_learned_from_but_never_measured_on(tmp_path: Path) -> None:
    for seed in range(9):
        write(tmp_path / "in" / f"{seed}.mid", [tune(seed)], metre=(3, 4) if seed % 3 else (4, 4))
    same_metre = prepare([tmp_path / "in"], tmp_path / "own", OPTIONS)
    both = prepare([tmp_path / "in"], tmp_path / "all", PrepareOptions(GRID, metres="all"))
    assert (same_metre.read, both.read) == (3, 9)
    assert both.phrases["melody"]["train"] > same_metre.phrases["melody"]["train"]
    native = set()
    for path in (tmp_path / "in").glob("[036].mid"):
        windows = read(path.read_bytes(), GRID).windows["melody"]
        ends = np.cumsum(windows.counts)
        native |= {phrase_of(GRID, rows).notes for rows in np.split(windows.notes, ends[:-1])}
    for split in ("validation", "test"):
        assert {phrase.notes for phrase in table(tmp_path / "all", "melody", split)} <= native
    assert not {phrase.notes for phrase in table(tmp_path / "all", "melody", "train")} <= native


def test_nothing_to_learn_from_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyCorpusError, match=r"no MIDI file"):
        prepare([tmp_path / "empty"], tmp_path / "out", OPTIONS)
    (tmp_path / "empty" / "a.mid").write_bytes(b"")
    with pytest.raises(
        EmptyCorpusError, match=r"none of 1 files gave a phrase .* empty/a\.mid: not a MIDI file"
    ):
        prepare([tmp_path / "empty"], tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_without_symusic_no_file_is_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in" / "a.mid", [tune(0)])
    monkeypatch.setitem(sys.modules, "symusic", None)
    with pytest.raises(OperationError, match=r"symusic is not installed.*pip install"):
        prepare([tmp_path / "in"], tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()


def test_folders_that_are_not_are_reported(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="does not exist"):
        prepare([tmp_path / "none"], tmp_path / "out", OPTIONS)
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="is a file"):
        prepare([tmp_path / "file"], tmp_path / "out", OPTIONS)
    (tmp_path / "other" / "poly").mkdir(parents=True)
    with pytest.raises(RequestError, match="was not made by prepare"):
        prepare([tmp_path], tmp_path / "other", OPTIONS)
    assert (tmp_path / "other" / "poly").is_dir()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (PrepareOptions(Grid(4, 4, 4)), "--bars 2, not with --bars 4: give another --out"),
        (
            PrepareOptions(Grid(2, 3, 6)),
            "--beats-per-bar 4 --steps-per-beat 4, not with --beats-per-bar 3 --steps-",
        ),
        (PrepareOptions(GRID, licences="all"), "--licences permissive, not with --licences all"),
        (PrepareOptions(GRID, metres="all"), "--metres own, not with --metres all"),
        (PrepareOptions(GRID, seed=3), "--seed 0, not with --seed 3"),
        (PrepareOptions(GRID, metre="4/4"), "--assume-metre none, not with --assume-metre 4/4"),
    ],
)
def test_a_corpus_of_other_options_is_not_replaced(
    tmp_path: Path, options: PrepareOptions, says: str
) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.mid", chords(0))
    prepare([tmp_path / "in"], tmp_path / "out", OPTIONS)
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(RequestError, match=says) as caught:
        prepare([tmp_path / "in"], tmp_path / "out", options)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_a_corpus_of_the_same_options_and_a_damaged_one_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.mid", chords(0))
    prepare([tmp_path / "in"], tmp_path / "out", OPTIONS)
    write(tmp_path / "in" / "b.mid", chords(1))
    assert prepare([tmp_path / "in"], tmp_path / "out", PrepareOptions(GRID, jobs=2)).read == 2
    old = {"grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}}  # before the others were named
    (tmp_path / "out" / "meta.json").write_text(json.dumps(old))
    assert prepare([tmp_path / "in"], tmp_path / "out", OPTIONS).read == 2
    (tmp_path / "out" / "meta.json").write_text("[")
    assert prepare([tmp_path / "in"], tmp_path / "out", PrepareOptions(Grid(1, 4, 4))).read == 2


def test_two_processes_read_what_one_reads(songs: Path) -> None:
    paths = sorted(songs.glob("*.mid"))
    one = dict(outcomes(paths, GRID, jobs=1))
    two = dict(outcomes(paths, GRID, jobs=2))
    assert one.keys() == two.keys() == set(paths)
    for path in paths:
        a, b = one[path], two[path]
        assert type(a) is type(b)
        if isinstance(a, Reading) and isinstance(b, Reading):
            assert np.array_equal(a.windows["poly"].notes, b.windows["poly"].notes)
