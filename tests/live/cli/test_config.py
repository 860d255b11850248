"""`twobar config`: a file that says everything, where it is read, and never over another."""

from pathlib import Path

import platformdirs
import pytest

from live.cli import config as command
from live.cli.group import run
from live.command_line import twobar
from live.settings import config as settings
from live.settings.config import default_path, load, user_path
from live.settings.schema import Config

TOP = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, as a user with an empty home."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / "home" / name))
    return folder


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert run(twobar, ["config", *arguments]) == status
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_it_is_written_where_it_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == f"wrote {user_path()}: twobar reads it wherever you start it\n"
    assert user_path().read_bytes() == (TOP / "live.toml").read_bytes()
    assert default_path() == user_path()
    assert load() == Config()


def test_a_file_that_exists_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    user_path().parent.mkdir(parents=True)
    user_path().write_text("[jam]\nbpm = 96\n")
    line = printed(capsys, status=1)
    assert line == (
        f"twobar: '{user_path()}' exists and is left as it is; edit it, or name another file with --out\n"
    )
    assert user_path().read_text() == "[jam]\nbpm = 96\n"


def test_it_says_that_the_file_of_this_folder_goes_first(capsys: pytest.CaptureFixture[str]) -> None:
    Path("live.toml").touch()
    assert "but in this folder, which has a live.toml of its own" in printed(capsys)


@pytest.mark.parametrize(
    ("name", "when"),
    [("live.toml", "when you start it in this folder"), ("sets/duo.toml", "with --config sets/duo.toml")],
)
def test_another_file_can_be_named(name: str, when: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "--out", name) == f"wrote {name}: twobar reads it {when}\n"
    assert load(Path(name)) == Config()
    assert not user_path().exists()


def test_a_name_that_is_no_settings_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean 'live.toml'" in printed(capsys, "--out", "live.txt", status=2)
    assert "is a folder" in printed(capsys, "--out", ".", status=2)
    Path("file").touch()
    assert "'file' is no folder" in printed(capsys, "--out", "file/live.toml", status=1)


def test_a_broken_installation_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "a" / "b" / "c" / "config.py"))
    assert "install twobar again" in printed(capsys, status=1)


def test_the_wheel_holds_it_beside_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "live" / "settings"
    package.mkdir(parents=True)
    (package / "live.toml").touch()
    monkeypatch.setattr(settings, "__file__", str(package / "config.py"))
    assert command.shipped() == package / "live.toml"
