"""The page that compares checkpoints."""

import json

from tests.fakes.players import Going, Sure
from tests.fakes.synthetic import melody
from tests.trainer.reports.test_html_page import self_contained
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.speed import speed
from trainer.reports.compare import page

PHRASES = [melody(seed) for seed in range(22)]


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
