"""The page that compares checkpoints."""

import json
import re

from tests.fakes.players import Memory, Sure
from tests.fakes.synthetic import melody
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.speed import speed
from trainer.reports.compare import page

PHRASES = [melody(seed) for seed in range(22)]


class Going(Memory):
    """A player without a latent."""

    def __init__(self) -> None:
        super().__init__(knobs=())
        object.__setattr__(self.card, "latent_size", 0)


def self_contained(text: str) -> None:
    assert text.startswith("<!DOCTYPE html>")
    assert not re.search(r"https?:|<script|<link|@import|url\((?!#)", text)
    assert set(re.findall(r'(?:href|src)="(.)', text)) <= {"#", "d"}  # parts of itself, and data
    assert "#010203" not in text


def test_models_of_any_family_stand_on_one_page() -> None:
    one = evaluate(Sure(knobs=("register",)), PHRASES, parameters=12_000)
    other = evaluate(Going(), PHRASES)
    results = [one | {"speed": speed(Sure(), PHRASES[:3])}, other | {"speed": speed(Going(), PHRASES[:3])}]
    text = page(results, data="somewhere", split="test").html()
    self_contained(text)
    assert text.count("<svg") == 6
    assert "memory (1)" in text
    assert "register" in text
    assert "None of these models" in page([other], data="x", split="test").html()
    json.dumps(results)
