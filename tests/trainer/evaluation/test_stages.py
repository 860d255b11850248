"""Seconds by part add up, also of one that fails."""

import time

import pytest

from trainer.evaluation.stages import Stages


def test_seconds_add_up_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((0.0, 1.5, 10.0, 10.25, 20.0, 22.0))
    monkeypatch.setattr(time, "process_time", lambda: next(moments))
    stages = Stages()
    with stages.of("knobs"):
        pass
    with stages.of("samples"):
        pass
    with pytest.raises(ValueError, match="broken"), stages.of("knobs"):
        raise ValueError("broken")
    assert stages.seconds == {"knobs": 3.5, "samples": 0.25}
    assert stages.in_words() == "3.8 s of the processor: knobs 3.5, samples 0.2"
