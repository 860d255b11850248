"""What the offline commands refuse before any work: her own piece as the target, wrong names, odd numbers."""

import os
from pathlib import Path

import pytest

from live import offline
from live.__main__ import twobar
from live.command_line import run
from model import midi
from model.grid import Grid
from model.phrase import Note, Phrase

GRID = Grid()
TUNE = Phrase.of(GRID, [Note(4 * beat, 60 + beat, 90, 2) for beat in range(8)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a.mid and b.mid to work in, where whoever begins to work fails."""

    def begun(*_: object, **__: object) -> None:
        pytest.fail("work was begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(offline, "open_player", begun)
    monkeypatch.setattr("live.render.read_timed", begun)
    for name in "ab":
        midi.save(tmp_path / f"{name}.mid", [TUNE])
    return tmp_path


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *, status: int = 2) -> str:
    """Return the one sentence with which a command is refused, after seeing that no file was touched."""
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert run(twobar, arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("twobar: ")
    assert err.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    return err


# -- her piece stays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["edit", "accompany"])
@pytest.mark.parametrize(
    "how", ["as it is", "spelt otherwise", "by a symlink", "by a hard link", "read by one"]
)
def test_the_piece_that_is_read_is_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, how: str
) -> None:
    source, out = Path("a.mid"), Path("link.mid")
    match how:
        case "as it is":
            out = source
        case "spelt otherwise":
            out = folder / "new" / ".." / "a.mid"
            (folder / "new").mkdir()
        case "by a symlink":
            out.symlink_to("a.mid")
        case "by a hard link":
            os.link(source, out)
        case _:
            out.symlink_to("a.mid")
            source, out = out, source
    told = refused([command, str(source), "--out", str(out)], capsys)
    assert f"--out '{out}' would replace '{source}', which is read; name another file" in told


def test_the_piece_that_is_rendered_is_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.wav").symlink_to("a.mid")
    told = refused(["render", "a.mid", "--out", "a.wav"], capsys)
    assert "--out 'a.wav' would replace 'a.mid', which is read" in told


@pytest.mark.parametrize("name", ["step-00.mid", "step-03.mid", "all.mid"])
@pytest.mark.parametrize("place", [0, 1])
def test_the_ends_of_a_morph_are_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, place: int
) -> None:
    Path("way").mkdir()
    midi.save(Path("way", name), [TUNE])
    ends = ["a.mid", "b.mid"]
    ends[place] = str(folder / "way" / name)
    told = refused(["morph", *ends, "--steps", "4", "--out", "way"], capsys)
    assert f"'way/{name}' would replace '{ends[place]}', which is read; name another folder" in told


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "out", "meant"),
    [
        ("edit", "e.wav", "e.mid"),
        ("edit", "e", "e.mid"),
        ("edit", "e.json", "e.mid"),
        ("accompany", "take-1.2", "take-1.2.mid"),
        ("accompany", ".mid", ".mid.mid"),
        ("render", "x.mp3", "x.wav"),
        ("render", "new/x.mid", "new/x.wav"),
    ],
)
def test_a_file_is_called_what_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str, out: str, meant: str
) -> None:
    allowed = ".wav" if command == "render" else ".mid or .midi"
    told = refused([command, "a.mid", "--out", out], capsys)
    assert told == f"twobar: --out must end in {allowed}, not '{out}'; did you mean '{meant}'?\n"


@pytest.mark.parametrize("out", ["new.MID", "new.midi", "new.Midi"])
def test_every_way_to_end_a_name_is_taken(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    monkeypatch.undo()
    arguments = ["edit", str(folder / "none.mid"), "--model", "nobody's", "--out", str(folder / out)]
    assert run(twobar, arguments) == 2
    assert "unknown model" in capsys.readouterr().err  # what is looked at next


def test_a_wav_may_be_shouted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(pytest.fail.Exception, match="work was begun"):
        run(twobar, ["render", "a.mid", "--out", "A.WAV"])
