"""What it costs to listen: a key's share of the engine's thread, and how soon the model process tells of it.

Tunes are made: a march in eighths, varied, at 60 to 180 bpm, the tempo swaying by a twentieth.  The model
process is a real one, which encodes, decodes and writes variations meanwhile.
"""

import math
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.scale import Scale
from live.ipc.link import Link, Switchboard, new_address
from live.ipc.messages import (
    BeatFound,
    Bye,
    Decode,
    Decoded,
    Encode,
    Encoded,
    FromWorker,
    Hello,
    Listen,
    Load,
    Onset,
    Ready,
    ToListener,
    ToWorker,
)
from live.ipc.model_process import spawn_worker
from live.ipc.places import Point, Varied
from live.timing.clock import raise_thread
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos
from model.errors import ModelError
from model.music.metre import METRES
from tests.fakes.stage import Stage, configured

TUNES, BARS = 8, 20
BUDGET_MS = 0.2  # of a key in the engine, see `thru`
PATIENCE_S = 30.0
SECONDS, BEATS_A_SECOND, CHORD_NANOS = 50, 5 / 3, 50_000_000
TICK_NANOS = 1_041_667
MARCH: tuple[tuple[float, int, int], ...] = (
    (0.0, 48, 90), (0.0, 64, 80), (0.0, 67, 95), (0.5, 69, 70), (1.0, 67, 75), (1.5, 65, 70), (2.0, 64, 84),
    (3.0, 60, 78), (4.0, 43, 90), (4.0, 62, 80), (4.0, 67, 95), (5.0, 65, 75), (5.5, 64, 70), (6.0, 62, 84),
)  # fmt: skip
"""Beat, pitch and velocity."""


def measure(scale: Scale) -> list[Row]:
    """Return a row for the engine, and one for the model process."""
    costs = [cost for seed in range(scale.count(TUNES)) for cost in engine_costs(seed)]
    told, owed = answers(scale.count(SECONDS, least=10))
    return [
        Row(
            "listen: a key's share of the engine's thread",
            f"p99 <= {BUDGET_MS} ms",
            spread(costs),
            met=percentile(costs, 0.99) <= BUDGET_MS,
        ),
        Row(
            "listen: from a chord's end to what the model process tells of it, at work on phrases",
            "-",
            spread(told),
            f"its answers meanwhile: {spread(owed)}",
        ),
    ]


def march(seed: int) -> Iterator[tuple[int, int, int]]:
    """Yield the notes of a march: nanoseconds, pitch and velocity."""
    chance = random.Random(seed)
    length = 60 / chance.uniform(60, 180)
    for turn in range(BARS // 2):
        for beat, pitch, velocity in MARCH:
            at = 8 * turn + beat
            sway = 0.05 * 8 / math.pi * math.sin(math.pi * at / 8)
            second = 1 + (at + sway) * length + chance.gauss(0, 0.012)
            yield round(second * 1e9), pitch + chance.choice((0, 0, 0, 2, -1)), velocity


class WiredStage(Stage):
    """A stage that sends what it asks over a socket, too, and counts no time of the model process's.

    Attributes:
        spent: nanoseconds of this thread.
    """

    def __post_init__(self) -> None:
        """Let somebody read what is sent."""
        self.spent = 0
        ours, theirs = socket.socketpair()
        self.link: Link[Any] = Link(ours, FromWorker)
        other: Link[ToWorker] = Link(theirs, ToWorker)
        threading.Thread(target=lambda: [*iter(other.receive, None)], daemon=True).start()
        super().__post_init__()

    def ask(self, message: ToWorker) -> bool:
        """Send; what is heard is worked out beside the count."""
        self.link.send(message)
        begun = time.thread_time_ns()
        asked = super().ask(message)
        self.spent -= time.thread_time_ns() - begun
        return asked

    def counted(self, do: Callable[..., object]) -> Callable[..., object]:
        """Return the same with its time counted."""

        def timed(*told: object) -> object:
            begun = time.thread_time_ns()
            done = do(*told)
            self.spent += time.thread_time_ns() - begun
            return done

        return timed


def engine_costs(seed: int) -> list[float]:
    """Return the milliseconds of each key: it is told, and what it implies is heard and followed."""
    stage = WiredStage(configured(mode="listen"))
    stage.jam.from_worker(stage.model.ready(), Nanos(0))
    stage.jam.start(Nanos(0))
    listening = stage.jam.listening
    listening.played = stage.counted(listening.played)  # type: ignore[method-assign,assignment]
    stage.jam._take_beat = stage.counted(stage.jam._take_beat)  # type: ignore[method-assign,assignment]  # noqa: SLF001
    notes = sorted(march(seed))
    for nanos, pitch, velocity in notes:
        stage.at(nanos, note_on(1, pitch, velocity))
        stage.at(nanos + 150_000_000, note_off(1, pitch))
    costs = []
    for nanos, *_ in notes:
        stage.run_to(nanos - 1)
        costs.append(stage.spent / NANOS_PER_MS)
        stage.spent = 0
    stage.link.close()
    return costs[1:]


def answers(seconds: int) -> tuple[list[float], list[float]]:
    """Play to a model process that is kept at work: milliseconds to what it tells, and of its answers.

    Raises:
        ModelError: it did not come, or tells nothing.
    """
    arrived: queue.SimpleQueue[tuple[int, Link[Any], object]] = queue.SimpleQueue()

    def take(link: Link[Any], message: object) -> None:
        raise_thread()
        arrived.put((time.monotonic_ns(), link, message))

    board = Switchboard(new_address(), FromWorker, take)
    process = spawn_worker(board.address)
    try:
        return _played_to(arrived, seconds)
    except queue.Empty:
        raise ModelError("the model process says nothing") from None
    finally:
        process.kill()
        process.wait()
        board.close()


def _played_to(
    arrived: "queue.SimpleQueue[tuple[int, Link[Any], object]]", seconds: int
) -> tuple[list[float], list[float]]:
    _, link, hello = arrived.get(timeout=PATIENCE_S)
    assert isinstance(hello, Hello)
    link.send(Load("keys"))
    _, _, ready = arrived.get(timeout=PATIENCE_S)
    assert isinstance(ready, Ready)
    link.send(Listen(1, METRES["4/4"], 60 * BEATS_A_SECOND, chosen=True))
    begun, onsets = time.monotonic_ns(), list[int]()
    keys = threading.Thread(target=_play, args=(link, seconds, onsets), daemon=True)
    keys.start()
    told, owed, asked, number = list[float](), list[float](), 0, 0
    struck = [(120 * at, 120 * at + 100, 60 + at * 5 % 13, 80) for at in range(32)]
    while time.monotonic_ns() - begun < seconds * 1e9:
        if not asked:
            number, asked = number + 1, time.monotonic_ns()
            link.send(Encode(number, [], [], struck, TICK_NANOS))
        now, _, message = arrived.get(timeout=PATIENCE_S)
        match message:
            case BeatFound():
                ends = [onset + CHORD_NANOS for onset in onsets if onset + CHORD_NANOS <= now]
                told.append((now - ends[-1]) / NANOS_PER_MS)
            case Encoded():
                place = Varied(Point(message.z, message.attributes, message.played), 0.5, number, 1)
                link.send(Decode(number, 2, place, {"density": 0.3}, 0.5, number))
            case Decoded():
                owed.append((now - asked) / NANOS_PER_MS)
                asked = 0
    keys.join()
    link.send(Bye())
    return told, owed


def _play(link: Link[Any], seconds: int, onsets: list[int]) -> None:
    """Play eighths in real time."""
    begun, chance = time.monotonic_ns(), random.Random(3)
    for at in range(round(2 * BEATS_A_SECOND * seconds)):
        moment = begun + round((at / 2 / BEATS_A_SECOND + chance.gauss(0, 0.01)) * 1e9)
        time.sleep(max(0, moment - time.monotonic_ns()) / 1e9)
        onsets.append(time.monotonic_ns())
        message: ToListener = Onset(onsets[-1], 48 if at % 8 == 0 else chance.choice((60, 64, 67)), 80)
        link.send(message)
