"""What several tests of figures share."""

import pytest


@pytest.fixture
def two_divisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide the songs twice instead of ten times: how steady that is, is not asked here."""
    monkeypatch.setattr("trainer.evaluation.two_sample.DIVISIONS", 2)
