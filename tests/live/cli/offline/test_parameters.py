"""What the offline commands refuse before any work: a piece as its own target, wrong names, odd numbers."""

import os
from pathlib import Path

import click
import pytest

from live.cli.group import run
from live.cli.offline import generate
from live.command_line import twobar
from model.midi import file
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.roll_player import RollPlayer

GRID = Grid()
TUNE = Phrase.of(GRID, [Note(4 * beat, 60 + beat, 90, 2) for beat in range(8)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a.mid and b.mid to work in, where whoever begins to work fails."""

    def begun(*_: object, **__: object) -> None:
        pytest.fail("work was begun")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(generate, "load_player", begun)
    monkeypatch.setattr("model.midi.wav.read_timed", begun)
    for name in "ab":
        file.save(tmp_path / f"{name}.mid", [TUNE])
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


# -- the piece stays -----------------------------------------------------------------------------------


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
    sentence = refused([command, str(source), "--out", str(out)], capsys)
    assert f"--out '{out}' would replace '{source}', which is read; name another file" in sentence


def test_the_piece_that_is_rendered_is_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.wav").symlink_to("a.mid")
    sentence = refused(["render", "a.mid", "--out", "a.wav"], capsys)
    assert "--out 'a.wav' would replace 'a.mid', which is read" in sentence


@pytest.mark.parametrize("name", ["step-00.mid", "step-03.mid", "all.mid"])
@pytest.mark.parametrize("place", [0, 1])
def test_the_ends_of_a_morph_are_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, place: int
) -> None:
    Path("way").mkdir()
    file.save(Path("way", name), [TUNE])
    ends = ["a.mid", "b.mid"]
    ends[place] = str(folder / "way" / name)
    sentence = refused(["morph", *ends, "--steps", "4", "--out", "way"], capsys)
    assert f"'way/{name}' would replace '{ends[place]}', which is read; name another folder" in sentence


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
    sentence = refused([command, "a.mid", "--out", out], capsys)
    assert sentence == f"twobar: --out must end in {allowed}, not '{out}'; did you mean '{meant}'?\n"


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


# -- numbers -------------------------------------------------------------------------------------------


FLOATS = [
    (name, parameter.opts[0])
    for name, command in twobar.commands.items()
    for parameter in command.params
    if isinstance(parameter.type, click.types.FloatParamType)
] + [("jam", option) for option in ("--bpm", "--temperature", "--vary")]  # checked as live.toml's
ARGUMENTS = {
    "jam": ["--headless"],
    "sample": ["--out", "new"],
    "morph": ["a.mid", "b.mid", "--out", "new"],
    "edit": ["a.mid", "--out", "new.mid"],
}


def test_every_command_with_numbers_is_known() -> None:
    assert {name for name, _ in FLOATS} == set(ARGUMENTS)
    assert len(FLOATS) == 4 + 3 + 1 + 9


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize(("command", "option"), FLOATS)
def test_what_is_no_finite_number_is_refused(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    command: str,
    option: str,
    value: str,
) -> None:
    monkeypatch.setattr(generate, "load_player", lambda _name, **_: RollPlayer())
    sentence = refused([command, *ARGUMENTS[command], option, value], capsys)
    assert option in sentence
    assert str(float(value)) in sentence
    assert not Path("new").exists()


# -- what else is mistyped -----------------------------------------------------------------------------


LONG = "x" * 300


@pytest.mark.parametrize(
    ("line", "status", "sentence"),
    [
        (f"edit a.mid --out {LONG}.mid", 1, "File name too long"),
        (f"edit a.mid --out {LONG}/x.mid", 1, "File name too long"),
        (f"render a.mid --out {LONG}.wav", 1, "File name too long"),
        (f"sample --out {LONG}", 1, "File name too long"),
        (f"morph a.mid b.mid --out {LONG}", 1, "File name too long"),
        ("render a.mid --out b.mid/new/x.wav", 1, "cannot write 'b.mid/new/x.wav': 'b.mid' is no folder"),
        ("accompany a.mid --out b.mid/x.mid", 1, "cannot write 'b.mid/x.mid': 'b.mid' is no folder"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_refused_before_any_work(
    folder: Path, capsys: pytest.CaptureFixture[str], line: str, status: int, sentence: str
) -> None:
    assert sentence in refused(line.split(), capsys, status=status)


@pytest.mark.parametrize("command", ["sample", "morph", "edit", "accompany", "render"])
def test_an_empty_path_is_no_place(folder: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    sources = {"sample": [], "morph": ["a.mid", "b.mid"]}.get(command, ["a.mid"])
    assert "'--out': the path is empty" in refused([command, *sources, "--out", ""], capsys)


def test_a_name_that_no_file_can_have_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "unknown model 'xxx" in refused(["sample", "--model", LONG, "--out", "."], capsys)
    monkeypatch.setattr(generate, "load_player", lambda _name, **_: RollPlayer())
    sentence = refused(["edit", f"{LONG}.mid", "--out", "new.mid"], capsys, status=1)
    assert "cannot be read: File name too long" in sentence


@pytest.mark.parametrize(
    ("division", "reason"),
    [
        (b"\x00\x00", "its division is 0 ticks per beat; that needs 1 or more"),
        (b"\xe7\x28", "its time is in SMPTE frames, not in ticks per beat"),  # 25 frames of 40 ticks a second
    ],
)
def test_time_that_is_not_counted_in_beats_is_not_rendered(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    division: bytes,
    reason: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    file.save(Path("a.mid"), [TUNE])
    whole = Path("a.mid").read_bytes()
    Path("a.mid").write_bytes(whole[:12] + division + whole[14:])
    sentence = refused(["render", "a.mid", "--out", "a.wav"], capsys, status=1)
    assert f"'a.mid' is not a MIDI file that can be read: {reason}" in sentence


@pytest.mark.parametrize("out", [".", "/", "..", "taken.mid"])
def test_a_take_is_no_folder(folder: Path, capsys: pytest.CaptureFixture[str], out: str) -> None:
    (folder / "taken.mid").mkdir()
    assert "--record names a .mid file to write" in refused(["jam", "--headless", "--record", out], capsys)
