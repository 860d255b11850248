"""How many candidates there are: as many as were set, else what suits the processor or the card."""

import pytest

from model.playing.inference.candidates import AUTO, DRAFTS, MOST, ON_CARD, answers_for, drafts_for, factors


@pytest.mark.parametrize("count", [1, 2, 4, 16, 64, MOST])
def test_so_many_multiples_around_the_wanted_change(count: int) -> None:
    found = list(factors(count))
    assert len(set(found)) == count
    assert found == sorted(found)
    assert 0.5 <= found[0] <= 1 <= found[-1] <= 2


@pytest.mark.parametrize(
    ("setting", "runtime", "count"),
    [
        (AUTO, "onnxruntime", 2),
        (AUTO, "torch cpu", 2),
        (AUTO, "torch cuda (a card), 0.4 ms; the processor 1.9", ON_CARD),
        (AUTO, "torch mps", ON_CARD),
        (7, "onnxruntime", 7),
        (1, "torch cuda", 1),
    ],
)
def test_a_card_gets_more_unless_they_are_counted(setting: int, runtime: str, count: int) -> None:
    assert answers_for(setting, runtime) == count


def test_drafts_are_written_by_the_processor_whatever_else_computes() -> None:
    assert [drafts_for(setting) for setting in (AUTO, 1, 64)] == [DRAFTS, 1, 64]
