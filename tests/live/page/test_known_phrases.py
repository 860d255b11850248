"""Real phrases beside the shipped models, and their way to the page."""

from pathlib import Path

import pytest

from live.errors import FailureError
from live.page import studio
from live.page.known_phrases import known_phrases, phrases_file
from model.shipped import shipped_models


@pytest.mark.parametrize("model", shipped_models())
def test_every_shipped_model_has_real_phrases_from_named_sources(model: str) -> None:
    known = known_phrases(model)
    assert len(known) == 48
    assert all(each.name and each.source and len(each.notes) >= 6 for each in known)
    notice = (Path(__file__).parents[3] / "NOTICE").read_text()
    for source in {each.source.partition(",")[0] for each in known}:
        assert source in notice


def test_they_reach_the_map_as_they_were_written() -> None:
    model = "lead"
    for written, shown in zip(known_phrases(model), studio.known(model), strict=True):
        assert shown.name == written.name
        assert shown.drawing.exact == written.notes
        assert len(shown.drawing.z) == studio.sheet(model).latent_size
    places = {each.drawing.xy for each in studio.known(model)}
    assert len(places) > 40  # spread, not in a heap


def test_a_checkpoint_without_phrases_has_none_and_damaged_ones_are_a_sentence(tmp_path: Path) -> None:
    checkpoint = tmp_path / "mine.safetensors"
    assert known_phrases(str(checkpoint)) == []
    phrases_file(str(checkpoint)).write_text('[{"name": 3}]')
    with pytest.raises(FailureError, match=r"the phrases of '.*mine.phrases.json' cannot be read"):
        known_phrases(str(checkpoint))
