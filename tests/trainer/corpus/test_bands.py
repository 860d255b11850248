"""`prepare` on bands: every codec's phrases, their styles, and what is damaged on the way."""

import json
import shutil
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from model.codecs.base import PITCH, TRACK, phrase_of
from model.music.grid import Grid
from model.music.tracks import DRUMS
from tests.fakes.interrupted import interrupted
from tests.fakes.midi_files import band, write_band
from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.prepare import prepare
from trainer.corpus.reading.read_midi import CODECS
from trainer.corpus.reading.sources import SPLITS
from trainer.data.dataset import load, styles_of
from trainer.errors import TrainerError

GRID = Grid()


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    for seed in range(9):
        write_band(folder / ("rock", "folk")[seed % 2] / f"{seed}.mid", band(seed))
    moved = [
        t._replace(notes=[(a, k + 2 * (t.channel != 9), n, v) for a, k, n, v in t.notes]) for t in band(3)
    ]
    write_band(folder / "folk" / "again" / "3.mid", moved)
    write_band(folder / "loose.mid", band(20))
    return folder


@pytest.fixture(scope="module")
def prepared(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    out = tmp_path_factory.mktemp("prepared") / "corpus"
    return out, prepare([songs], out, PrepareOptions(GRID))


def test_every_codec_has_phrases_on_every_side(prepared: tuple[Path, Report]) -> None:
    out, report = prepared
    meta = json.loads((out / "meta.json").read_text())
    assert meta["format"] == 6
    for codec in CODECS:
        for split in SPLITS:
            found = load(out, codec, split)
            assert len(found) == report.phrases[codec][split] == meta["phrases"][codec][split] > 0
            assert all(len(found.phrase(n, GRID)) == b - a for n, (a, b) in enumerate(pairwise(found.starts)))


def test_no_shape_lies_on_two_sides(prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    for codec in ("drums", "multitrack"):
        seen: list[set[bytes]] = []
        for split in SPLITS:
            found = load(out, codec, split)
            shapes = set()
            for begin, end in pairwise(found.starts):
                rows = found.notes[begin:end].copy()
                if codec == "multitrack":
                    rows = rows[rows[:, TRACK] != DRUMS]
                    rows[:, PITCH] -= rows[:, PITCH].min()
                shapes.add(rows[:, (0, 1, 5)].tobytes())
            seen.append(shapes)
        assert not seen[0] & seen[1]
        assert not seen[0] & seen[2]
        assert not seen[1] & seen[2]


def test_styles_are_the_folders_names(songs: Path, prepared: tuple[Path, Report]) -> None:
    out, _ = prepared
    names = styles_of(out)
    assert sorted(names) == sorted({"rock", "folk", songs.name})
    counts = dict.fromkeys(names, 0)
    for split in SPLITS:
        styles = load(out, "multitrack", split, styled=True).styles
        assert styles is not None
        assert styles.dtype == np.int32
        for style in styles.tolist():
            counts[names[style]] += 1
    assert all(count > 0 for count in counts.values())


def test_a_manifest_s_data_set_is_the_style(tmp_path: Path) -> None:
    rows = ["path,licence,dataset"]
    for seed in range(4):
        write_band(tmp_path / "in" / f"{seed}.mid", band(seed))
        rows.append(f"{seed}.mid,CC0,{'jazz' if seed else 'funk'}")
    (tmp_path / "in" / "MANIFEST.csv").write_text("\n".join(rows))
    prepare([tmp_path / "in"], tmp_path / "out", PrepareOptions(GRID))
    assert styles_of(tmp_path / "out") == ("funk", "jazz")


def test_missing_or_short_styles_are_a_sentence(tmp_path: Path, prepared: tuple[Path, Report]) -> None:
    shutil.copytree(prepared[0], tmp_path / "out")
    place = tmp_path / "out" / "drums" / "train" / "styles.npy"
    held = np.load(place)
    np.save(place, held[:-1])
    with pytest.raises(TrainerError, match="is cut short or damaged: run twobar-train prepare MIDI_DIR"):
        load(tmp_path / "out", "drums", "train")
    place.unlink()
    assert load(tmp_path / "out", "drums", "train").styles is None
    with pytest.raises(TrainerError, match=r"styles\.npy \(the labels of a style condition\) is missing"):
        load(tmp_path / "out", "drums", "train", styled=True)
    (tmp_path / "out" / "meta.json").write_text(json.dumps({"grid": asdict(GRID)}))
    with pytest.raises(TrainerError, match=r"meta\.json names no styles: run twobar-train prepare"):
        styles_of(tmp_path / "out")


@pytest.mark.parametrize("name", ["notes", "starts", "songs", "styles"])
def test_a_truncated_split_is_a_sentence(tmp_path: Path, name: str, prepared: tuple[Path, Report]) -> None:
    shutil.copytree(prepared[0], tmp_path / "out")
    place = tmp_path / "out" / "multitrack" / "train" / f"{name}.npy"
    place.write_bytes(place.read_bytes()[:-10])
    with pytest.raises(TrainerError, match=r"cannot be read: .*; run twobar-train prepare MIDI_DIR"):
        load(tmp_path / "out", "multitrack", "train")


def test_a_truncated_part_is_read_again(
    songs: Path, tmp_path: Path, prepared: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = interrupted(songs, tmp_path / "out", PrepareOptions(GRID), monkeypatch)
    part = min((tmp_path / "out" / ".index" / "parts").glob("*.part"))
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    report = go_on()
    assert report.resumed == 7
    assert report.phrases == prepared[1].phrases


@pytest.mark.parametrize("grid", [Grid(1), Grid(4), Grid(16), Grid(2, 4, 6)])
def test_other_grids(tmp_path: Path, grid: Grid) -> None:
    for seed in range(4):
        write_band(tmp_path / "in" / f"{seed}.mid", band(seed, bars=24))
    report = prepare([tmp_path / "in"], tmp_path / "out", PrepareOptions(grid))
    for codec in CODECS:
        assert report.phrases[codec]["train"] > 0, codec
    found = load(tmp_path / "out", "multitrack", "train")
    assert found.phrase(0, grid) == phrase_of(grid, found.notes[: found.starts[1]])
