"""TOML read strictly: the first fault in one sentence with the file and the key's path."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from model import strict
from model.errors import ConfigError


class Section(msgspec.Struct):
    whole: Annotated[int, msgspec.Meta(ge=0, lt=256)] = 0
    share: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    pair: tuple[int, int] = (0, 0)
    names: tuple[str, ...] = ()
    items: list[int] = msgspec.field(default_factory=list)
    ways: dict[str, float] = msgspec.field(default_factory=dict)


class File(msgspec.Struct):
    first: Section
    second: Section = msgspec.field(default_factory=Section)
    third: Section | None = None


def test_what_is_allowed_is_read() -> None:
    raw = {"first": {"whole": 255, "share": 0.5, "pair": [1, 2], "names": ["a"], "ways": {"x": 1}}}
    found = strict.build(raw, File, "f.toml")
    assert found.first == Section(255, 0.5, (1, 2), ("a",), [], {"x": 1.0})
    assert found.second == Section()


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ([], "f: it must be a table, not a list"),
        ({}, "f: first is missing"),
        ({"fist": {}}, "unknown key 'fist' in f; there is: first, second, third; did you mean 'first'?"),
        (
            {"first": {}, "third": {"whole": 256}},
            "f: third.whole must be a whole number from 0 to 255, not 256",
        ),
        ({"first": {"hole": 1}}, "unknown key 'hole' in [first] of f; there is: .*; did you mean 'whole'?"),
        ({"first": {"whole": 256}}, "f: first.whole must be a whole number from 0 to 255, not 256"),
        ({"first": {"share": 0}}, "f: first.share must be a number above 0, not 0"),
        ({"first": {"share": float("nan")}}, "f: first.share must be a number above 0, not nan"),
        ({"first": {"pair": [1]}}, "f: first.pair must be a list of 2 items, not of 1"),
        ({"first": {"pair": [1, "x"]}}, "f: first.pair 2 must be a whole number, not 'x'"),
        ({"first": {"pair": 1}}, "f: first.pair must be a list of 2 items, each a whole number, not 1"),
        ({"first": {"names": ["a", 3]}}, "f: first.names 2 must be text, not 3"),
        ({"first": {"names": "a"}}, "f: first.names must be a list of texts, not 'a'"),
        ({"first": {"items": [1, True]}}, "f: first.items 2 must be a whole number, not true"),
        ({"first": {"ways": {"x": "far"}}}, "f: first.ways.x must be a number, not 'far'"),
    ],
)
def test_the_first_fault_is_named(raw: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        strict.build(raw, File, "f")
    before, _, after = sentence.partition(".*")
    assert str(caught.value).startswith(before)
    assert str(caught.value).endswith(after)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a = \xff", "byte 5 is not UTF-8 text"),
        (b"a = density", "not valid TOML: invalid value (at line 1, column 5); a word stands in quotes"),
        (b"a = [1,\n", "at line 2, column 1, the end of the file"),
        (b"a = " + b"[" * 5000, "a value is too long or nested too deep"),
    ],
)
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        strict.read_toml(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)


def test_the_mark_that_some_editors_begin_a_file_with_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert strict.read_toml(path) == {"a": 1}


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        strict.read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "hint", "value"),
    [
        ("12", int, 12),
        ("1.5", int, 1.5),  # no whole number, and named as it is
        ("1.5", float, 1.5),
        ("3", float, 3.0),
        ("fast", float, "fast"),
        ("4", Literal["auto", 1, 2, 4], 4),
        ("auto", Literal["auto", 1, 2, 4], "auto"),
        ("3", Literal["auto", 1, 2, 4], 3),
        ("two", Literal["auto", 1, 2, 4], "two"),
        ("8", Annotated[int, msgspec.Meta(ge=1)] | Literal["auto"], 8),
        ("auto", Annotated[float, msgspec.Meta(ge=0)] | Literal["auto"], "auto"),
        ("12", str, "12"),
    ],
)
def test_a_text_of_the_command_line_is_what_the_type_takes(text: str, hint: object, value: object) -> None:
    found = strict.from_text(text, hint)
    assert found == value
    assert type(found) is type(value)
