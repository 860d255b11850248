import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.files import all_readable, as_path, as_text, atomic_write, missing, readable


@pytest.mark.parametrize("durable", [False, True])
def test_the_new_file_replaces_the_old_one_when_it_is_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with atomic_write(path, durable=durable) as draft:
        draft.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def broken_off() -> None:
        with atomic_write(path) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "none" / "file.txt") as draft:
        draft.write_text("new")


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_any_bytes_of_a_path_cross_as_text(name: bytes) -> None:
    path = Path(os.fsdecode(name))
    text = msgspec.json.decode(msgspec.json.encode(as_text(path)), type=str)
    assert os.fsencode(as_path(text)) == os.fsencode(path)
    assert readable(text).encode()


def test_latin_1_is_shown_readably() -> None:
    path = Path(os.fsdecode(b"caf\xe9.mid"))
    assert readable(str(path)) == readable(as_text(path)) == "caf?.mid"
    assert readable("café.mid") == "café.mid"
    assert all_readable({"a": [str(path), 1, None, (str(path),)]}) == {
        "a": ["caf?.mid", 1, None, ["caf?.mid"]]
    }


def test_the_nearest_of_those_beside_a_missing_file_is_named(tmp_path: Path) -> None:
    for name in ("verse.mid", "chorus.mid", "notes.txt"):
        (tmp_path / name).touch()
    wanted, near = tmp_path / "vers.mid", tmp_path / "verse.mid"
    assert missing("the file", wanted) == f"the file '{wanted}' does not exist; did you mean '{near}'?"
    assert missing("the data folder", near) == f"the data folder '{near}' is a file"
    assert missing("the file", tmp_path) == f"the file '{tmp_path}' is a folder"


def test_a_missing_file_with_nothing_like_it_or_in_no_folder_is_named_alone(tmp_path: Path) -> None:
    (tmp_path / "other.mid").touch()
    for path in (tmp_path / "verse.mid", tmp_path / "none" / "verse.mid", Path("x" * 5000) / "y"):
        assert missing("the file", path) == f"the file '{path}' does not exist"
