"""A prepared folder that grows: what is new is read, and put beside what is there."""

import io
import json
import os
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from model.music.grid import Grid
from tests.fakes.midi_files import chords, write
from trainer.corpus import pool
from trainer.corpus import prepare as preparing
from trainer.corpus.index import Index
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.reading import sources
from trainer.corpus.reading.read_midi import CODECS
from trainer.corpus.reading.sources import SPLITS, Source

OPTIONS = PrepareOptions(Grid())


def arrays(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.npy"))}


def same(out: Path, other: Path) -> bool:
    """Tell whether two folders hold the same; how pieces of several files follow each other is not said."""
    first, second = arrays(out), arrays(other)
    phrases = [name for name in first if not name.startswith("pieces")]
    return all(first[name] == second[name] for name in phrases) and all(
        sorted(first[name]) == sorted(second[name])
        for name in first
        if name.endswith(("kinds.npy", "songs.npy"))
    )


def prepare(songs: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Report, int]:
    """Prepare in this process; return the report and how many files were read."""
    read = []

    def results(chunks: object, grid: Grid, *, jobs: int, metres: str, metre: str) -> object:
        for chunk in chunks:  # type: ignore[attr-defined]
            read.extend(chunk.items)
            yield chunk, pool.read_chunk(chunk, grid, metres=metres, metre=metre)

    monkeypatch.setattr(pool, "results", results)
    return preparing.prepare([songs], out, OPTIONS), len(read)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    for seed in range(12):
        write(tmp_path / "songs" / f"{seed:02}.mid", chords(seed))
    return tmp_path / "songs"


def test_what_came_since_alone_is_read_and_comes_behind_the_rest(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MANY", 10)
    out = tmp_path / "out"
    assert prepare(songs, out, monkeypatch)[1] == 12
    before = arrays(out)
    report, read = prepare(songs, out, monkeypatch)
    assert (read, report.resumed) == (0, 12)
    assert arrays(out) == before
    write(songs / "new" / "a.mid", chords(40))
    write(songs / "new" / "b.mid", chords(41))
    write(songs / "again.mid", chords(3), shift=2)  # of a song that is there
    (songs / "broken.mid").write_bytes(b"MThd")
    report, read = prepare(songs, out, monkeypatch)
    assert (read, report.read) == (4, 15)
    for name, held in before.items():  # headers apart, every array goes on from what it was
        if not name.endswith("starts.npy"):
            assert arrays(out)[name][128:].startswith(held[128:])
    ids = {int(n) for codec in ("poly",) for s in SPLITS for n in np.load(out / codec / s / "songs.npy")}
    assert len(ids) == 14  # the copy is no song of its own
    meta = json.loads((out / "meta.json").read_text())
    assert meta["styles"] == ["songs", "new"]
    for codec in CODECS:
        for split in SPLITS:
            starts = np.load(out / codec / split / "starts.npy")
            assert starts[-1] == len(np.load(out / codec / split / "notes.npy"))
            assert len(starts) - 1 == meta["phrases"][codec][split]
            assert np.all(np.diff(starts) > 0)


def test_a_file_that_changed_or_went_leaves_nothing_behind(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MANY", 5)
    out = tmp_path / "out"
    prepare(songs, out, monkeypatch)
    (songs / "03.mid").unlink()
    write(songs / "05.mid", chords(77))
    os.utime(songs / "05.mid", ns=(1, 1))
    assert prepare(songs, out, monkeypatch)[1] == 1
    prepare(songs, tmp_path / "anew", monkeypatch)
    assert same(out, tmp_path / "anew")


def test_broken_off_behind_the_rest_it_is_put_together_anew(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "MANY", 5)
    out = tmp_path / "out"
    prepare(songs, out, monkeypatch)
    write(songs / "99.mid", chords(40))
    with monkeypatch.context() as broken:

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        broken.setattr("trainer.corpus.assemble.Assembly._write_pieces", fail)
        with pytest.raises(KeyboardInterrupt):
            prepare(songs, out, broken)
    assert prepare(songs, out, monkeypatch)[1] == 0
    prepare(songs, tmp_path / "anew", monkeypatch)
    assert same(out, tmp_path / "anew")


def test_archives_are_read_as_folders_are(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    with zipfile.ZipFile(packed / "a.zip", "w") as archive:
        for number in range(6):
            archive.write(songs / f"{number:02}.mid", f"rock/{number:02}.mid")
        archive.writestr("notes.txt", "no music")
        archive.writestr("bad.mid", b"MThd")
    with tarfile.open(packed / "b.tar.gz", "w:gz") as tar:
        for number in range(6, 12):
            data = (songs / f"{number:02}.mid").read_bytes()
            info = tarfile.TarInfo(f"../folk/{number:02}.mid")  # nothing is ever unpacked
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    (packed / "c.zip").write_bytes(b"PK no zip")
    report, read = prepare(packed, tmp_path / "out", monkeypatch)
    assert (read, report.read) == (13, 12)
    assert sum(report.phrases["poly"].values()) == sum(
        prepare(songs, tmp_path / "plain", monkeypatch)[0].phrases["poly"].values()
    )
    listed = {
        row["file"]: row["reason"] for row in json.loads((tmp_path / "out/report.json").read_text())["files"]
    }
    assert listed["packed/a.zip/bad.mid"].startswith("not a MIDI file")
    assert listed["packed/c.zip"].startswith("the archive cannot be read")
    assert prepare(packed, tmp_path / "out", monkeypatch)[1] == 0
    assert not list(tmp_path.rglob("folk"))


def test_an_archive_that_could_not_be_read_is_tried_again(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, refusing = tmp_path / "packed", [True]
    packed.mkdir()
    for name in ("a", "b"):
        with zipfile.ZipFile(packed / f"{name}.zip", "w") as archive:
            archive.write(songs / "00.mid", f"{name}.mid")
    members = sources._members

    def refused(path: Path) -> Iterator[str]:
        if refusing and path.name == "b.zip":
            raise PermissionError(13, "Permission denied")
        return members(path)

    monkeypatch.setattr(sources, "_members", refused)
    assert prepare(packed, tmp_path / "out", monkeypatch)[0].read == 1
    refusing.clear()
    assert prepare(packed, tmp_path / "out", monkeypatch)[0].read == 2


def test_what_an_older_prepare_went_on_learning_from_though_refused_is_left_out(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prepare(songs, tmp_path / "out", monkeypatch)[0].read == 12
    with sqlite3.connect(tmp_path / "out/.index/files.sqlite") as table:
        table.execute(
            "UPDATE files SET refused = 'its licence is not permissive: GPL' WHERE name LIKE '%03.mid'"
        )
    assert prepare(songs, tmp_path / "out", monkeypatch)[0].read == 11


def test_a_damaged_index_is_begun_anew(tmp_path: Path) -> None:
    with Index(tmp_path / "index", "x") as index:
        index.see([Source(tmp_path / "a.mid", "a.mid")])
        index.compare()
        assert index.count() == 1
    with Index(tmp_path / "index", "other options") as index:
        assert index.count() == 0
    for name in ("files.sqlite-wal", "files.sqlite-shm"):
        (tmp_path / "index" / name).unlink(missing_ok=True)
    (tmp_path / "index" / "files.sqlite").write_bytes(
        b"no database, but long enough to be taken for one" * 100
    )
    with Index(tmp_path / "index", "x") as index:
        assert index.count() == 0


def test_only_what_is_new_is_described_again(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[str] = []
    see = Index.see

    def counted(index: Index, sources: Iterable[Source]) -> None:
        found = list(sources)
        described.extend(source.name for source in found)
        see(index, found)

    monkeypatch.setattr(Index, "see", counted)
    out = tmp_path / "out"
    prepare(songs, out, monkeypatch)
    assert len(described) == 12
    described.clear()
    write(songs / "new.mid", chords(50))
    (songs / "link.mid").symlink_to(songs / "00.mid")  # the same file by another name: once
    assert prepare(songs, out, monkeypatch)[1] == 1
    assert sorted(described) == ["songs/link.mid", "songs/new.mid"]
    assert prepare(songs, out, monkeypatch)[0].read == 13


def test_a_manifest_that_says_otherwise_is_heeded_though_no_file_changed(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number:02}" for number in range(12)]

    def manifest(style: str) -> None:
        rows = [f"{name}.mid,CC0,{style if name == '11' else 'folk'}" for name in names]
        (songs / "MANIFEST.csv").write_text("\n".join(["path,licence,dataset", *rows]))

    manifest("folk")
    out = tmp_path / "out"
    prepare(songs, out, monkeypatch)
    manifest("rock")
    report, read = prepare(songs, out, monkeypatch)
    assert (read, report.read) == (0, 12)
    assert json.loads((out / "meta.json").read_text())["styles"] == ["folk", "rock"]


def test_a_file_whose_licence_is_taken_back_is_learned_from_no_more(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def manifest(licence: str) -> None:
        rows = [f"{number:02}.mid,{licence if number == 11 else 'CC0'}" for number in range(12)]
        (songs / "MANIFEST.csv").write_text("\n".join(["path,licence", *rows]))

    manifest("CC0")
    out = tmp_path / "out"
    assert prepare(songs, out, monkeypatch)[0].read == 12
    manifest("all rights reserved")
    report, read = prepare(songs, out, monkeypatch)
    assert (read, report.read) == (0, 11)
    ((_, name, reason),) = report.skipped.values()
    assert (name, reason) == ("songs/11.mid", "its licence is not permissive: all rights reserved")
    manifest("CC0")
    report, read = prepare(songs, out, monkeypatch)
    assert (read, report.read) == (1, 12)


@pytest.mark.parametrize("bits", ["", "-3"])
def test_what_an_earlier_version_knows_in_other_buckets_is_put_together_anew(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: str
) -> None:
    monkeypatch.setattr(preparing, "MANY", 5)
    out = tmp_path / "out"
    prepare(songs, out, monkeypatch)
    with sqlite3.connect(out / ".index" / "files.sqlite") as table:
        table.execute("DELETE FROM facts WHERE name = 'bits'")
        table.executemany("INSERT INTO facts VALUES ('bits', ?)", [(bits,)] if bits else [])
    table.close()
    write(songs / "05a.mid", chords(77))
    assert prepare(songs, out, monkeypatch)[1] == 1
    prepare(songs, tmp_path / "anew", monkeypatch)
    assert same(out, tmp_path / "anew")
