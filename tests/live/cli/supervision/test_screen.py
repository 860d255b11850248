"""A screen that fails: another follows, and after too many of them the music goes on without."""

from collections.abc import Callable
from itertools import count

import pytest

from live.cli.supervision.screen import MOST_FAULTS, keep_shown
from live.dashboard.app import Dashboard
from live.dashboard.inbox import Inbox
from live.ipc.snapshot import Notice
from tests.fakes.snapshots import Sent, scene


class Fails:
    """A screen that ends at once, with a fault or without."""

    def __init__(self, fault: Exception | None, *, raises: bool = False) -> None:
        self.fault, self.raises = fault, raises

    def run(self, *, mouse: bool) -> None:
        if self.raises and self.fault is not None:
            raise self.fault


def shown(
    screens: list[Fails], *, ending: Callable[[], bool] = lambda: False, apart: float = 0.0
) -> tuple[str, list[str], int]:
    """Show these, one after the other; returns why it ended, what was said, how many were not needed."""
    said: list[Notice] = []
    clock = count(step=apart) if apart else count(step=0)
    why = keep_shown(
        lambda: screens.pop(0), ending=ending, notify=said.append, seconds=lambda: float(next(clock))
    )
    return why, [notice.text for notice in said], len(screens)


def test_a_screen_that_ends_in_order_is_the_last() -> None:
    assert shown([Fails(None), Fails(None)]) == ("", [], 1)


@pytest.mark.parametrize("raises", [False, True])
def test_a_screen_that_fails_is_followed_by_another(raises: bool) -> None:
    why, said, left = shown([Fails(KeyError("x"), raises=raises), Fails(None)])
    assert (why, left) == ("", 0)
    assert said == ["the screen failed and was opened again (KeyError: 'x'); the music went on"]


def test_screens_that_all_fail_are_given_up_and_the_reason_is_told() -> None:
    why, said, left = shown([Fails(ValueError("a\nb"))] * (MOST_FAULTS + 2))
    assert why == "ValueError: a b"
    assert (len(said), left) == (MOST_FAULTS - 1, 2)


def test_a_fault_now_and_then_is_no_reason_to_give_up() -> None:
    why, said, _ = shown([*[Fails(ValueError("x"))] * 10, Fails(None)], apart=20.0)
    assert (why, len(said)) == ("", 10)


def test_none_follows_when_everything_is_to_end() -> None:
    assert shown([Fails(OSError("gone")), Fails(None)], ending=lambda: True) == ("", [], 1)


def test_an_exception_in_a_handler_is_held_and_not_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    inbox = Inbox()
    app = Dashboard(inbox, Sent())

    def broken(_snapshot: object) -> None:
        raise ZeroDivisionError("in a handler")

    monkeypatch.setattr(app.shown, "accept", broken)
    inbox.put(scene())
    app.run(headless=True, size=(80, 24))
    assert isinstance(app.fault, ZeroDivisionError)
    assert "Traceback" not in "".join(capfd.readouterr())
