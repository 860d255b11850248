"""FluidSynth fed ahead: what is heard, of audio that is rendered here, period by period."""

import random
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from live.devices.fluidsynth import FluidSynth
from live.devices.synth_queue import BLOCK, SynthQueue
from live.settings.schema import SynthSettings
from live.timing.midi_bytes import control, note_off, note_on, program
from live.timing.timeline import Nanos
from model.midi.wav import _block

RATE = 48_000
SAMPLE = 1e9 / RATE
CLAVES = 75
BEGIN = 5_000_000_000
LOUD = 2e-3


class Stage:
    """A synth whose audio driver is this test: a period is rendered at once when its time has come."""

    def __init__(self, period: int) -> None:
        self.period, self.samples, self.chance = period, 0, random.Random(period + 1)
        self.synth = FluidSynth(SynthSettings(driver="none", reverb=0.0))
        assert self.synth._queue is not None
        self.queue: SynthQueue = self.synth._queue
        self.queue.timed(round(period * SAMPLE))
        self.sound: list[npt.NDArray[np.float32]] = []

    @property
    def now(self) -> int:
        """The moment at which the next period is rendered."""
        return BEGIN + round(self.samples * SAMPLE)

    def render(self, seconds: float) -> None:
        for _ in range(round(seconds * RATE / self.period)):
            for _ in range(self.period // BLOCK):
                self.sound.append(np.abs(_block(self.synth._api, self.synth.handle, BLOCK)).max(axis=1))
            begun = self.now + round(self.chance.expovariate(1 / 100_000))
            self.samples += self.period
            for _ in range(3):  # turns of the loop
                self.queue.observe(begun + round(self.chance.random() * (self.now - begun)))

    def onsets(self) -> list[int]:
        """Return the samples on which sound begins after a twentieth of a second of little."""
        loud = np.flatnonzero(np.concatenate(self.sound) > LOUD)
        return [int(one) for one, last in zip(loud, [-RATE, *loud], strict=False) if one - last > RATE // 20]


@pytest.fixture(params=[64, 256, 1024])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    made = Stage(request.param)
    yield made
    made.synth.close()


def test_onsets_keep_the_grid_to_half_a_block_whatever_the_period_is(stage: Stage) -> None:
    stage.render(4.0)
    grid = [stage.now + 20_000_000 + beat * 173_456_789 for beat in range(24)]
    waiting = [(due - 10_000_000 - stage.queue.lead_nanos, due) for due in grid]
    while waiting:
        while waiting and waiting[0][0] <= stage.now:
            _, due = waiting.pop(0)
            stage.queue.send_at(note_on(10, CLAVES, 120), Nanos(due), stage.now)
            stage.queue.send_at(note_off(10, CLAVES), Nanos(due + 40_000_000), stage.now)
        stage.render(stage.period / RATE)
    stage.render(0.3)
    onsets = stage.onsets()
    assert len(onsets) == len(grid)
    away = [BEGIN + onset * SAMPLE - due for onset, due in zip(onsets, grid, strict=True)]
    middle = (max(away) + min(away)) / 2
    assert max(abs(one - middle) for one in away) < (BLOCK / 2 + 8) * SAMPLE
    assert (
        0 < middle < (stage.period + 4 * BLOCK) * SAMPLE
    )  # the same latency as ever, and never before it is due


@pytest.mark.parametrize("end", [note_off(10, 75), control(10, 120, 0), control(10, 123, 0)])
def test_what_ends_a_note_now_takes_back_what_was_given_ahead(end: bytes) -> None:
    stage = Stage(256)
    stage.render(0.5)
    due = Nanos(stage.now + 10_000_000)
    stage.queue.send_at(note_on(10, CLAVES, 120), due, stage.now)
    stage.queue.take_back(end, stage.now)
    stage.render(0.3)
    assert stage.onsets() == []
    stage.queue.send_at(note_on(10, CLAVES, 120), Nanos(stage.now + 10_000_000), stage.now)
    stage.queue.take_back(control(10, 64, 0), stage.now)
    stage.queue.take_back(note_off(2, 72), stage.now)
    stage.render(0.3)
    assert len(stage.onsets()) == 1
    stage.synth.close()


def test_every_kind_of_channel_message_is_taken_and_no_other() -> None:
    stage = Stage(64)
    stage.render(0.1)
    for data in (
        program(1, 40),
        control(1, 7, 100),
        b"\xe0\x00\x50",
        b"\xd0\x40",
        b"\xa0\x3c\x40",
        b"\xf8",
        b"\xf2\x00\x00",
    ):
        stage.queue.send_at(data, Nanos(stage.now), stage.now)
    stage.queue.send_at(note_on(10, 36, 120), Nanos(stage.now), stage.now)
    stage.render(0.2)
    assert len(stage.onsets()) == 1
    stage.synth.close()
    stage.queue.send_at(note_on(1, 60, 90), Nanos(0), 0)  # closed: nothing happens
