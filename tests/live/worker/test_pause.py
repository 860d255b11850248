"""When the worker begins nothing: a step that takes long must not stand between a phrase and its answer."""

from live.worker.pause import GRACE_NANOS, MARGIN_NANOS, NEAR_NANOS, Pause

MS = 1_000_000


class Now:
    nanos = 5_000 * MS

    def __call__(self) -> int:
        return self.nanos


def test_it_rests_from_a_step_before_a_phrase_closes_until_its_answer() -> None:
    now = Now()
    pause = Pause(now)
    assert pause.seconds() == 0
    pause.took(30 * MS)
    pause.took(4 * MS)
    pause.expect(1_000 * MS)
    now.nanos += 960 * MS
    assert pause.seconds() == 0
    now.nanos += 10 * MS
    assert 0.1 < pause.seconds() < 0.12
    pause.answered()  # of a knob that was turned before
    assert pause.seconds() > 0
    now.nanos += 35 * MS
    assert pause.seconds() > 0
    pause.answered()
    assert pause.seconds() == 0


def test_where_nobody_asks_it_goes_on_soon() -> None:
    now = Now()
    pause = Pause(now)
    pause.expect(MARGIN_NANOS)
    assert pause.seconds() > 0
    now.nanos += MARGIN_NANOS + GRACE_NANOS + 1
    assert pause.seconds() == 0


def test_a_step_that_once_took_long_is_forgotten() -> None:
    now = Now()
    pause = Pause(now)
    pause.took(400 * MS)
    for _ in range(200):
        pause.took(5 * MS)
    pause.expect(20 * MS)
    assert pause.seconds() == 0


def test_a_phrase_is_near_shortly_before_it_closes() -> None:
    now = Now()
    pause = Pause(now)
    found = [pause.near]
    pause.expect(NEAR_NANOS + MS)
    for nanos in (0, 2 * MS, NEAR_NANOS):
        now.nanos += nanos
        found.append(pause.near)
    assert found == [False, False, True, False]
