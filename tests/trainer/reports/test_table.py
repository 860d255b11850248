"""The table of evaluate."""

from trainer.reports.table import titles


def test_models_of_one_name_are_distinguished() -> None:
    twice = [{"name": "b", "checkpoint": "runs/x/b.safetensors"}, {"name": "b", "checkpoint": "keys"}]
    assert titles([{"name": "a"}, *twice, {"name": "b"}]) == ["a", "b (x/b)", "b (keys)", "b (4)"]
