"""Where sessions lie: names, what is put aside, and one jam for each."""

import os
from pathlib import Path

import pytest

from live.errors import UsageError
from live.session import folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folder, "folder", lambda: tmp_path / "sessions")
    return tmp_path / "sessions"


@pytest.mark.parametrize(
    "name", ["friday", "Blue Note, set 2".replace(",", ""), "2026-11-30", "Größe", "a.b+c"]
)
def test_a_name_is_a_file_in_the_folder(home: Path, name: str) -> None:
    assert folder.path_of(name) == home / f"{name}.toml"


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", " x", "x ", "x.", ".x", "a\nb", "x" * 65, "a:b"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--session takes a name of letters"):
        folder.path_of(name)


def test_there_is_none_before_the_first() -> None:
    assert folder.names() == []


def test_the_one_that_was_saved_last_comes_first_and_other_files_are_none(home: Path) -> None:
    home.mkdir()
    for moment, name in enumerate(("old.toml", "new.toml", "note.txt", "a:b.toml")):
        (home / name).touch()
        os.utime(home / name, (moment, moment))
    assert folder.names() == ["new", "old"]


def test_what_is_put_aside_takes_no_other_s_name(home: Path) -> None:
    home.mkdir()
    path = folder.path_of("friday")
    assert folder.aside(path) == home / "friday-old-1.toml"
    (home / "friday-old-1.toml").touch()
    assert folder.aside(path) == home / "friday-old-2.toml"


@pytest.mark.parametrize(("name", "before"), [("last", "before"), ("last-2", "before-2")])
def test_of_jams_without_a_name_one_before_stays(home: Path, name: str, before: str) -> None:
    path = folder.path_of(name)
    for _ in range(2):
        assert folder.aside(path) == home / f"{before}.toml"
        folder.aside(path).parent.mkdir(parents=True, exist_ok=True)
        folder.aside(path).touch()


def test_a_session_has_one_jam() -> None:
    path = folder.path_of("friday")
    with folder.claimed(path) as first, folder.claimed(path) as second:
        assert (first, second) == (True, False)
    with folder.claimed(path) as again:
        assert again


def test_where_nothing_can_be_written_nothing_is_claimed(home: Path) -> None:
    home.parent.joinpath("sessions").write_text("a file, and no folder")
    with folder.claimed(folder.path_of("friday")) as free:
        assert free
