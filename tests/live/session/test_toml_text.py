"""TOML that is written is read back as it was, and stands as a person would write it."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.session.toml_text import toml_text

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
PLAIN = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
TABLES = st.recursive(
    st.dictionaries(NAMES, PLAIN, max_size=4),
    lambda inner: st.dictionaries(
        NAMES, st.one_of(PLAIN, st.lists(PLAIN, max_size=4), inner, st.lists(inner, max_size=3)), max_size=4
    ),
    max_leaves=12,
)


@given(TABLES)
def test_what_is_written_is_read_back(tree: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(tree)) == tree


def test_it_stands_as_a_person_would_write_it() -> None:
    tree = {
        "saved": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "grid": {"bars": 2, "beats": 4},
        "nothing": None,
        "state": {"knobs": {"xy.x": 0.5, "density": 1.0}, "z": [0.25, -1.5]},
        "scenes": [{"number": 1, "notes": [[0, 60, 90, 4], [4, 62, 90, 4]]}, {"number": 2}],
    }
    assert toml_text(tree, comment="a line\nand another") == (
        "# a line\n# and another\n"
        "saved = 2026-01-02T03:04:05+00:00\n"
        "grid = { bars = 2, beats = 4 }\n"
        "\n[state]\nz = [0.25, -1.5]\n"
        '\n[state.knobs]\n"xy.x" = 0.5\ndensity = 1.0\n'
        "\n[[scenes]]\nnumber = 1\nnotes = [[0, 60, 90, 4], [4, 62, 90, 4]]\n"
        "\n[[scenes]]\nnumber = 2\n"
    )


def test_what_toml_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="TOML has no object"):
        toml_text({"what": object()})
