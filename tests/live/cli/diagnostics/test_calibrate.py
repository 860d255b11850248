"""How late keys arrive: from taps, from a loop cable, and when nothing can be said."""

from itertools import pairwise

import pytest

from live.cli.diagnostics import calibrate as calibration
from live.cli.diagnostics.calibrate import BEAT_NANOS, CLICK, CLICKS, LISTEN_FIRST, calibrate, clicks, latency
from live.errors import FailureError
from live.timing.midi_bytes import Received, note_off, note_on
from live.timing.timeline import Nanos

SENT = [Nanos(10**9 + number * BEAT_NANOS) for number in range(CLICKS)]
MS = 1_000_000


def taps(late_ms: list[float], *, data: bytes = note_on(1, 60, 80)) -> list[Received]:
    pressed = zip(SENT, late_ms, strict=False)
    return [
        Received(Nanos(round(sent + late * MS + ago)), message, "keys")
        for sent, late in pressed
        for ago, message in ((0, data), (90 * MS, note_off(1, data[1])))
    ]


def test_the_middle_of_the_taps_is_the_figure_and_the_first_ones_do_not_count() -> None:
    found = latency(SENT, taps([200, -150, 90, 180, *([38, 40, 42, 45] * 4)]))
    assert found.ms == pytest.approx(41, abs=1)
    assert found.taps == CLICKS - LISTEN_FIRST
    assert not found.looped
    assert "input_latency_ms = 41.0" in found.text


def test_a_hand_that_is_ahead_gives_a_negative_figure() -> None:
    assert latency(SENT, taps([-20.0] * CLICKS)).ms == pytest.approx(-20)


def test_a_loop_cable_brings_the_clicks_themselves() -> None:
    found = latency(SENT, taps([3.0] * CLICKS, data=CLICK))
    assert found.looped
    assert found.taps == CLICKS
    assert found.text.startswith("the loop cable: +3.0 ms")


@pytest.mark.parametrize(
    ("late", "why"),
    [([], "0 taps are too few"), ([10.0] * 7, "3 taps are too few"), ([0, 80] * 10, "too uneven")],
)
def test_what_says_nothing_is_said_in_one_sentence(late: list[float], why: str) -> None:
    with pytest.raises(FailureError, match=why):
        latency(SENT, taps(late))


class SteppingClock:
    """Goes where it is waited for."""

    def __init__(self) -> None:
        self.nanos = 0

    def now(self) -> Nanos:
        return Nanos(self.nanos)

    def wait_until(self, moment: Nanos) -> None:
        self.nanos = moment

    def watch(self, moment: Nanos) -> None:
        self.nanos = moment

    def wake(self) -> None: ...


def test_the_clicks_are_even_and_each_is_ended() -> None:
    sent: list[bytes] = []
    moments = clicks(sent.append, SteppingClock())
    assert {later - sooner for sooner, later in pairwise(moments)} == {BEAT_NANOS}
    assert sent == [CLICK, note_off(10, 37)] * CLICKS


def test_without_a_keyboard_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "open_inputs", lambda *_, **__: [])
    with pytest.raises(FailureError, match="no keyboard is plugged in"):
        calibrate("auto", "fluidsynth", api="auto")
