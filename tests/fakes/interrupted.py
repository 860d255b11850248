"""A `prepare` that is stopped on its way."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from trainer.corpus.meta import PrepareOptions, Report
from trainer.corpus.prepare import prepare


def interrupted(
    songs: Path, out: Path, options: PrepareOptions, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Report]:
    """Prepare in batches of four, be stopped at the ninth file, and return what goes on from there."""
    monkeypatch.setattr("trainer.corpus.prepare.BATCH", 4)

    def stop(done: int, files: int) -> None:
        if done >= 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare([songs], out, options, progress=stop)
    assert not (out / "meta.json").exists()
    return partial(prepare, [songs], out, options)
