"""Batches drawn ahead are those that would have been drawn; a saved state is that of the last one taken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainer.data.test_batches import fed
from trainer.data.batches import Feed
from trainer.data.prefetch import Prefetch
from trainer.settings import FitConfig

FIT = FitConfig(batch=4, transpose=(-6, 5), rotate=0.5, edit_share=0.5)


def tokens(source: Prefetch, count: int, *, edits: bool = False) -> list[bytes]:
    return [source.draw(edits=edits).arrays["token"].tobytes() for _ in range(count)]


def feed(tmp_path: Path, name: str, **more: Any) -> Feed:
    (tmp_path / name).mkdir()
    return fed(tmp_path / name, "melody", FIT, **more)


def test_what_is_drawn_ahead_is_what_would_have_been_drawn(tmp_path: Path) -> None:
    plain = Prefetch(feed(tmp_path, "a"))
    ahead = Prefetch(feed(tmp_path, "b"), depth=3)
    try:
        assert tokens(ahead, 20) == tokens(plain, 20)
    finally:
        ahead.close()


def test_the_state_is_that_after_the_last_batch_that_was_taken(tmp_path: Path) -> None:
    plain, ahead = Prefetch(feed(tmp_path, "a")), Prefetch(feed(tmp_path, "b"), depth=3)
    for source in (plain, ahead):
        tokens(source, 7)
    one, other = plain.state(), ahead.state()
    np.testing.assert_array_equal(one.order, other.order)
    assert (one.shared, one.chance) == (other.shared, other.chance)
    resumed = feed(tmp_path, "c")
    resumed.restore(other)
    after = tokens(Prefetch(resumed, depth=2), 5)
    ahead.close()
    assert after == tokens(plain, 5) == tokens(ahead, 5)
    ahead.close()


def test_a_feed_that_is_asked_for_edits_from_a_batch_on_gives_them_from_there(tmp_path: Path) -> None:
    more = {"edits": True, "knobs": ("density",)}
    plain, ahead = Prefetch(feed(tmp_path, "a", **more)), Prefetch(feed(tmp_path, "b", **more), depth=3)
    assert tokens(plain, 3) + tokens(plain, 3, edits=True) == tokens(ahead, 3) + tokens(ahead, 3, edits=True)
    ahead.close()


def test_a_fault_in_drawing_is_raised_where_the_batch_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Prefetch(feed(tmp_path, "a"), depth=3)

    def broken(self: Feed, *, edits: bool) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(Feed, "draw", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        source.draw(edits=False)
    assert source.waited > 0
