import json
import os
import signal
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
from trainer.corpus import pool
from trainer.corpus.pool import attempt, outcomes
from trainer.corpus.prepare import PrepareOptions, Report, prepare
from trainer.corpus.read_midi import Reading, UnreadableError, read
from trainer.corpus.sources import SPLITS, permissive
from trainer.corpus.splits import fill_sides, split_songs
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
    assert [name for name, _ in report.skipped] == ["broken.mid"] or report.skipped[0][0].endswith(
        "/broken.mid"
    )
    written = json.loads((out / "report.json").read_text())
    assert written["files"][0]["reason"].startswith("the parser refuses it")
    meta = json.loads((out / "meta.json").read_text())
    assert meta["grid"] == {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}
    for codec in ("melody", "poly"):
        for split in SPLITS:
            assert meta["phrases"][codec][split] == len(table(out, codec, split)) > 0
    assert sorted(path.name for path in out.iterdir()) == [
        "drums",
        "melody",
        "meta.json",
        "multitrack",
        "poly",
        "report.json",
    ]


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
    assert report.resumed == 8
    for codec in ("melody", "poly"):
        for split in SPLITS:
            assert table(tmp_path / "out", codec, split) == table(prepared[0], codec, split)


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
    assert {Path(name).name: reason for name, reason in report.skipped} == {
        "d.mid": "its licence is not permissive: CC BY-SA 4.0",
        "stray.mid": "MANIFEST.csv names no licence for it",
    }
    assert prepare([folder], tmp_path / "all", PrepareOptions(GRID, licences="all")).read == 5


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Public Domain", True),
        ("PD tunes (1903); encoding via a corpus", True),
        ("CC0 1.0 (scores)", True),
        ("CC BY 4.0", True),
        ("someone [CC-BY]", True),
        ("Creative Commons Attribution 3.0", True),
        ("BSD-3-Clause", True),
        ("PD (traditional); repo MIT", True),
        ("Artistic License", True),
        ("Creative Commons Attribution-ShareAlike 4.0", False),
        ("CC BY-SA Germany", False),
        ("cc-by-nc 4.0", False),
        ("tunes traditional/PD; repo GPL-3.0", False),
        ("all rights reserved", False),
        ("", False),
    ],
)
def test_permissive_licences(licence: str, *, expected: bool) -> None:
    assert permissive(licence) is expected


@pytest.mark.parametrize(
    ("metre", "grid", "windows"),
    [
        ((4, 4), GRID, 5),
        ((2, 2), GRID, 5),
        ((2, 4), GRID, 5),
        (None, GRID, 5),
        ((3, 4), GRID, 0),
        ((3, 4), Grid(2, 3, 4), 7),
        ((6, 8), Grid(2, 3, 4), 7),
        ((4, 4), Grid(1, 4, 4), 6),
    ],
)
def test_metres(tmp_path: Path, metre: tuple[int, int] | None, grid: Grid, windows: int) -> None:
    path = write(tmp_path / "tune.mid", [tune(1)], metre=metre)
    if not windows:
        with pytest.raises(UnreadableError, match="no 2 bars of 4/4"):
            read(path.read_bytes(), grid)
        return
    assert len(read(path.read_bytes(), grid).windows["melody"].counts) == windows


def test_a_line_is_melody_and_hands_together_are_poly(tmp_path: Path) -> None:
    single = read(write(tmp_path / "1.mid", [tune(1)]).read_bytes(), GRID).windows
    assert len(single["melody"].counts) == 5
    assert not single["melody"].aside.any()
    assert len(single["poly"].counts) == 4
    assert single["poly"].aside.all()
    both = read(write(tmp_path / "2.mid", chords(1)).read_bytes(), GRID).windows
    assert both["poly"].notes[:, 1].min() < 48 <= both["melody"].notes[:, 1].min()
    first = phrase_of(GRID, both["melody"].notes[: both["melody"].counts[0]])
    assert [(n.onset * 120, n.pitch, n.length * 120) for n in first.notes][:4] == tune(1)[:4]


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


def test_drums_are_no_pitches_and_triplets_are_not_bent(tmp_path: Path) -> None:
    drums = read(write(tmp_path / "drums.mid", [tune(1)], channel=9).read_bytes(), GRID).windows
    assert [codec for codec, windows in drums.items() if len(windows.counts)] == ["drums"]
    triplets = [(160 * n, 60 + n % 5, 160) for n in range(72)]
    path = write(tmp_path / "triplets.mid", [triplets])
    with pytest.raises(UnreadableError, match="on the grid"):
        read(path.read_bytes(), GRID)
    assert len(read(path.read_bytes(), Grid(2, 4, 3)).windows["melody"].counts) > 0


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
    old = {"grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}}  # before the others were told
    (tmp_path / "out" / "meta.json").write_text(json.dumps(old))
    assert prepare([tmp_path / "in"], tmp_path / "out", OPTIONS).read == 2
    (tmp_path / "out" / "meta.json").write_text("[")
    assert prepare([tmp_path / "in"], tmp_path / "out", PrepareOptions(Grid(1, 4, 4))).read == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no MThd"),
        (b"MThd\0\0\0\6\0\0\0\0\0\0", "0 ticks per beat"),
        (b"MThd\0\0\0\6\0\0\0\0\xe7\x28", "SMPTE"),
        (b"MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (b"RIFF\0\0\0\0RMIDdata\0\0\0\0MThd\0\0\0\6\0\0\0\0\1\xe0", "no notes"),
        (b"MThd" + bytes(8_000_001), "larger than 8 MB"),
    ],
)
def test_hostile_bytes_give_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        read(data, GRID)


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    assert attempt(tmp_path / "pipe.mid", GRID) == "not a regular file"
    assert "not a regular file" in str(attempt(tmp_path / "gone.mid", GRID))
    odd = tmp_path / os.fsdecode(b"\xff\xfe.mid")
    odd.write_bytes(write(tmp_path / "tune.mid", [tune(1)]).read_bytes())
    report = prepare([tmp_path], tmp_path / "out", OPTIONS)
    assert report.read == 2
    assert "pipe.mid" in (tmp_path / "out" / "report.json").read_text(encoding="utf-8")


def crash_or_hang(path: Path, grid: Grid, *, metres: str) -> str:
    """Stand in for a parser that dies on one file and never ends on another."""
    if path.name == "crash.mid":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == "hang.mid":
        signal.pause()
    return f"read {path.name}"


def test_a_crash_and_a_hang_cost_no_other_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "attempt", crash_or_hang)
    names = ["a.mid", "crash.mid", "b.mid", "hang.mid", "c.mid"]
    found = {
        path.name: outcome
        for path, outcome in outcomes([Path(name) for name in names], GRID, jobs=1, seconds=0.2)
    }
    assert found == {
        "a.mid": "read a.mid",
        "b.mid": "read b.mid",
        "c.mid": "read c.mid",
        "crash.mid": "crashes the parser",
        "hang.mid": "takes longer than 0.2 seconds",
    }


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


@pytest.mark.parametrize("seed", range(20))
def test_every_codec_has_a_song_on_every_side_where_three_hold_it(seed: int) -> None:
    names = {song: f"song {song}" for song in range(30)}
    rare = {song: names[song] for song in (4, 9, 17)}
    sides = split_songs(names, seed)
    fill_sides(sides, rare, seed)
    assert {sides[song] for song in rare} == {"train", "validation", "test"}
