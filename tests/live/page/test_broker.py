"""The broker: the newest snapshot for all, storms of knobs gathered; the link outlives its engine."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest
from starlette.websockets import WebSocket

from live.ipc.browser_midi import MidiOut, WantMidi
from live.ipc.commands import GoOnMap, Panic, ToEngine, Turn
from live.ipc.link import Switchboard, new_address
from live.ipc.messages import Bye, Decode, Encode, Hello, ToWorker, Warp
from live.ipc.snapshot import difference
from live.page import engine_link
from live.page.broker import MOST_WAITING, Broker
from live.page.engine_link import EngineLink
from live.page.messages import read
from live.page.visitors import Visitor
from live.timing.midi_bytes import Received, note_off, note_on
from live.timing.timeline import Tick
from tests.fakes.engine_stage import Ear, FakeClock, Wire, built, hello, run_to
from tests.fakes.snapshots import scene
from tests.fakes.stage import MS, EchoModel

PATIENCE_S = 20.0


async def test_a_drag_becomes_few_turns_and_the_last_one_counts() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    for step in range(1000):
        broker.put(Turn("density", step / 1000))
        broker.put(Turn("stray", step / 2000))
    assert sent == []
    broker.flush()
    assert sent == [Turn("density", 0.999), Turn("stray", 0.4995)]


async def test_a_drag_across_the_map_becomes_its_newest_point() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    for step in range(100):
        broker.put(GoOnMap(step / 100, 0.0))
    broker.flush()
    assert sent == [GoOnMap(0.99, 0.0)]


async def test_turns_never_pass_another_command() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    for command in (Turn("density", 0.1), Panic(), Turn("density", 0.2), Turn("density", 0.3)):
        broker.put(command)
    broker.flush()
    assert sent == [Turn("density", 0.1), Panic(), Turn("density", 0.3)]


async def test_what_waits_is_sent_by_itself_after_a_moment() -> None:
    sent: asyncio.Queue[object] = asyncio.Queue()
    Broker(sent.put_nowait).put(Panic())
    assert await asyncio.wait_for(sent.get(), PATIENCE_S) == Panic()


async def test_a_storm_of_commands_is_cut_off_and_counted() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    for _ in range(MOST_WAITING + 10):
        broker.put(Panic())
    broker.flush()
    assert (len(sent), broker.dropped) == (MOST_WAITING, 10)


async def test_updates_are_put_upon_the_snapshot_and_ring_for_all() -> None:
    broker = Broker(lambda _command: None)
    first, second = scene(), scene(tick=3000, mode="hold")
    with broker.watched() as one, broker.watched() as other:
        one.clear()
        other.clear()
        broker.take(difference(first, second))  # of a snapshot that was never seen: nothing to put it upon
        broker.take(first)
        broker.take(difference(first, second))
        assert broker.snapshot == second
        assert one.is_set()
        assert other.is_set()


async def test_a_browser_that_joins_later_gets_the_programs_and_levels_too() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    first: list[MidiOut] = []
    second: list[MidiOut] = []
    broker.hear(first.append, wanted=True)
    setup = [MidiOut(bytes(data), 1, performer=False) for data in ((0xC1, 4), (0xB1, 7, 102), (0xB1, 7, 90))]
    for message in (*setup, MidiOut(b"\x91\x3c\x40", 2, performer=False)):
        broker.take(message)
    broker.hear(second.append, wanted=True)
    assert (len(first), second) == (4, [setup[0], setup[2]])
    assert sent == [WantMidi(wanted=True)]


def test_the_link_calls_again_when_an_engine_has_died_and_ends_with_its_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_link, "RETRY_SECONDS", 0.01)
    address = new_address()
    arrived: queue.Queue[tuple[Any, object]] = queue.Queue()
    states: queue.Queue[bool] = queue.Queue()
    seen: queue.Queue[object] = queue.Queue()
    over = threading.Event()
    link = EngineLink(address, take=seen.put, connected=states.put, over=over.set)
    link.start()
    for engine in range(2):
        board = Switchboard(
            address, ToEngine, lambda caller, message: arrived.put((caller, message)) if message else None
        )
        caller, hello = arrived.get(timeout=PATIENCE_S)
        assert isinstance(hello, Hello)
        assert states.get(timeout=PATIENCE_S)
        assert link.send(Panic())
        assert arrived.get(timeout=PATIENCE_S)[1] == Panic()
        caller.send(scene())
        assert seen.get(timeout=PATIENCE_S) == scene()
        if engine == 0:
            board.close()
            caller.close()
            assert not states.get(timeout=PATIENCE_S)
        else:
            caller.send(Bye())
            assert over.wait(PATIENCE_S)
            board.close()


def test_a_page_that_no_engine_will_ever_call_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_link, "LONELY_SECONDS", 0.0)
    over = threading.Event()
    EngineLink(new_address(), take=print, connected=print, over=over.set).start()
    assert over.wait(PATIENCE_S)


# -- from a finger to a note -------------------------------------------------------------------------

FRAMES, FRAME_NANOS, STEP_NANOS, CELL_NANOS = 60, 1_000_000_000 // 60, 125 * MS, 4_000 * MS


class Dragged:
    """A page before a jam at 120 bpm, which has heard a phrase in quarters; all on one fake clock."""

    def __init__(self, answer_ms: float) -> None:
        self.clock, self.model, self.sounded = FakeClock(), EchoModel(), list[tuple[int, bytes]]()
        self.engine = built(self.clock)
        self.engine.output.sinks.append(self._ear())
        self.turns: list[Turn] = []
        self._due: list[tuple[int, Callable[[], object]]] = []
        self._answer_ms = answer_ms
        self.broker = Broker(
            self._command, later=lambda seconds, do: self.at(self.clock.nanos + seconds * 1e9, do)
        )
        self.visitor = Visitor(self.broker, cast("WebSocket", None), instrument=True)
        self.worker = self._worker()
        self.engine._arrived(self.worker, hello())
        self.engine._arrived(self.worker, self.model.ready())
        run_to(self.engine, self.clock, self.clock.nanos)
        self.begun = self.engine.jam.transport.timeline.nanos(Tick(0))
        for beat in range(8):
            for data, ms in ((note_on(1, 60 + beat, 90), 0), (note_off(1, 60 + beat), 200)):
                moment = self.begun + 500 * MS * beat + ms * MS
                self.at(moment, partial(self._key, data))

    def _key(self, data: bytes) -> None:
        self.engine.arrivals.put(Received(self.clock.now(), data, "keys"))

    def _ear(self) -> Ear:
        ear = Ear()
        ear.send = lambda data: self.sounded.append((self.clock.nanos, data))  # type: ignore[method-assign]
        return ear

    def _worker(self) -> Wire:
        wire = Wire()

        def send(message: ToWorker, *, droppable: bool = False) -> bool:
            wire.sent.append(message)
            if isinstance(message, Encode | Decode | Warp):
                answer = self.model.answer(message)
                self.at(self.clock.nanos + self._answer_ms * MS, lambda: self.engine._arrived(wire, answer))
            return True

        wire.send = send  # type: ignore[method-assign, assignment]
        return wire

    def _command(self, command: object) -> None:
        if isinstance(command, Turn):
            self.turns.append(command)
        self.engine._arrived(Wire(), command)

    def at(self, moment: float, do: Callable[[], object]) -> None:
        self._due.append((round(moment), do))

    def run_to(self, moment: int) -> None:
        """Let everything happen in its order, up to a moment."""
        while self.clock.nanos < moment:
            run_to(self.engine, self.clock, min(self.clock.nanos + MS, moment))
            ready = [entry for entry in self._due if entry[0] <= self.clock.nanos]
            self._due = [entry for entry in self._due if entry[0] > self.clock.nanos]
            for _, do in sorted(ready, key=lambda entry: entry[0]):
                do()

    def says(self, value: float) -> None:
        """Let the browser send a knob's value."""
        text = json.dumps({"type": "Turn", "knob": "density", "value": value})
        self.visitor._do(read(text))


@pytest.mark.parametrize("answer_ms", [3.0, 40.0])
def test_a_drag_at_60_hz_is_heard_at_the_next_step_and_none_of_it_is_lost(answer_ms: float) -> None:
    drag = Dragged(answer_ms)
    start = drag.begun + CELL_NANOS + 4 * STEP_NANOS + 10 * MS  # just after a step on which a note sounded
    values = [round((frame + 1) / FRAMES, 4) for frame in range(FRAMES)]
    for frame, value in enumerate(values):
        drag.at(start + frame * FRAME_NANOS, partial(drag.says, value))
    drag.run_to(start)
    before = len(drag.model.decodes)
    drag.run_to(start + 2_000 * MS)
    assert drag.turns == [Turn("density", value, source="page") for value in values]
    assert drag.engine.jam.knobs["density"] == values[-1]
    now = [decode for decode in drag.model.decodes[before:] if decode.turns["density"]]
    assert now[0].turns["density"] in values[:4]  # an answer that was under way is waited for
    assert now[0].prefix_steps == 5
    assert now[-1].turns["density"] == values[-1]
    new = [at for at, data in drag.sounded if data[0] == 0x91 and data[2] and data[1] >= 72 and at >= start]
    step = (new[0] - drag.begun - CELL_NANOS) / STEP_NANOS
    assert step == pytest.approx(5, abs=0.02)  # the next one, though 59 values were still to come
    assert not drag.broker.dropped + drag.engine.arrivals.coalesced + drag.engine.arrivals.dropped
    drag.engine.close()
