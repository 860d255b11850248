"""The self-contained page: text, tables, rolls."""

import re
from pathlib import Path

import pytest

from model.music.phrase import Note, Phrase
from tests.fakes.players import GRID
from tests.fakes.synthetic import melody
from trainer.errors import OperationError
from trainer.reports.html_page import Page, canvas, panels, piano_roll, span_of

PHRASES = [melody(seed) for seed in range(22)]


def self_contained(text: str) -> None:
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|<script|<link|@import|url\((?!#)", text)
    assert set(re.findall(r'(?:href|src)="(.)', text)) <= {"#", "d"}  # parts of itself, and data
    assert "#010203" not in text


def test_a_page_holds_all_that_it_shows_and_escapes_its_texts(tmp_path: Path) -> None:
    made = Page("A < B", "lead & keys")
    made.section("One", "note")
    made.table(["", "a"], {"": [("x", "1")], "more": [("<y>", "2")]})
    figure = canvas(4, 2)
    (axes,) = panels(figure, 1, 1)
    piano_roll(axes, PHRASES[0], title="roll")
    made.plot(figure, "caption")
    made.write(tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text()
    self_contained(text)
    assert "A &lt; B" in text
    assert "&lt;y&gt;" in text
    assert "currentColor" in text
    assert ">roll</text>" in text
    assert "prefers-color-scheme: dark" in text
    with pytest.raises(OperationError, match="cannot write"):
        made.write(tmp_path)


def test_a_roll_shows_an_octave_at_least() -> None:
    assert span_of([Phrase(GRID)]) == (54, 66)
    assert span_of([Phrase.of(GRID, [Note(0, 0, 80, 1), Note(0, 127, 80, 1)])]) == (0, 127)
