"""The heartbeat: an engine stands when it has not beaten for a while in which the watchdog itself ran."""

import pytest

from live.cli.supervision.heartbeat import (
    ASKED_SECONDS,
    CLOSING_SECONDS,
    OPENING_SECONDS,
    STANDING_SECONDS,
    WATCH_SECONDS,
    Heart,
)


class Watch:
    """Looks at a heart as often as the watchdog does."""

    def __init__(self) -> None:
        self.heart, self.now = Heart(), 0.0

    def still(self, *, ending: bool = False) -> float:
        """Return the seconds after which the heart counts as standing, if it does not beat."""
        begun = self.now
        while not self.heart.stands(self.now, ending=ending):
            assert self.now - begun < 100
            self.now += WATCH_SECONDS
        return self.now - begun


@pytest.mark.parametrize(
    ("begun", "closing", "ending", "patience"),
    [
        (False, False, False, OPENING_SECONDS),
        (False, False, True, ASKED_SECONDS),
        (True, False, False, STANDING_SECONDS),
        (True, False, True, STANDING_SECONDS),
        (True, True, True, CLOSING_SECONDS),
    ],
)
def test_each_part_of_an_engine_s_life_has_a_patience(
    begun: bool, closing: bool, ending: bool, patience: float
) -> None:
    watch = Watch()
    if begun:
        watch.heart.beat(worker=True, peers=[], sources=[])
    if closing:
        watch.heart.closing()
    assert watch.still(ending=ending) == pytest.approx(patience, abs=2 * WATCH_SECONDS)


def test_an_engine_that_beats_never_stands() -> None:
    watch = Watch()
    for _ in range(200):
        watch.heart.beat(worker=True, peers=[], sources=[])
        assert not watch.heart.stands(watch.now, ending=False)
        watch.now += WATCH_SECONDS
    assert watch.heart.lived_seconds == pytest.approx(199 * WATCH_SECONDS)


def test_a_machine_that_slept_has_no_dead_engine() -> None:
    watch = Watch()
    watch.heart.beat(worker=True, peers=[], sources=[])
    watch.heart.stands(watch.now, ending=False)
    watch.now += 3600.0  # suspended, or stopped together with its engine
    assert not watch.heart.stands(watch.now, ending=False)
    assert watch.still() <= STANDING_SECONDS


def test_an_engine_without_a_model_process_is_lonely() -> None:
    watch = Watch()
    for worker in (False, False, False, True):
        watch.heart.beat(worker=worker, peers=[], sources=[])
        watch.heart.stands(watch.now, ending=False)
        watch.now += WATCH_SECONDS
        if not worker:
            lonely = watch.heart.lonely_seconds
    assert lonely == pytest.approx(2 * WATCH_SECONDS)
    assert watch.heart.lonely_seconds == 0.0
