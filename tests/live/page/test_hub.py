"""The hub: the newest snapshot for all, storms of knobs gathered; the link outlives its engine."""

import asyncio
import queue
import threading
from pathlib import Path
from typing import Any

import pytest

from live.ipc.commands import GoOnMap, Panic, ToEngine, Turn
from live.ipc.link import Switchboard, new_address
from live.ipc.messages import Bye, Hello, MidiOut, WantMidi
from live.ipc.snapshot import difference
from live.page import hub as hub_module
from live.page.hub import MOST_WAITING, EngineLink, Hub
from tests.fakes.snapshots import scene

PATIENCE_S = 20.0


async def test_a_drag_becomes_few_turns_and_the_last_one_counts() -> None:
    sent: list[object] = []
    hub = Hub(sent.append)
    for step in range(1000):
        hub.put(Turn("density", step / 1000))
        hub.put(Turn("stray", step / 2000))
    assert sent == []
    hub.flush()
    assert sent == [Turn("density", 0.999), Turn("stray", 0.4995)]


async def test_a_drag_across_the_map_becomes_its_newest_point() -> None:
    sent: list[object] = []
    hub = Hub(sent.append)
    for step in range(100):
        hub.put(GoOnMap(step / 100, 0.0))
    hub.flush()
    assert sent == [GoOnMap(0.99, 0.0)]


async def test_turns_never_pass_another_command() -> None:
    sent: list[object] = []
    hub = Hub(sent.append)
    for command in (Turn("density", 0.1), Panic(), Turn("density", 0.2), Turn("density", 0.3)):
        hub.put(command)
    hub.flush()
    assert sent == [Turn("density", 0.1), Panic(), Turn("density", 0.3)]


async def test_what_waits_is_sent_by_itself_after_a_moment() -> None:
    sent: asyncio.Queue[object] = asyncio.Queue()
    Hub(sent.put_nowait).put(Panic())
    assert await asyncio.wait_for(sent.get(), PATIENCE_S) == Panic()


async def test_a_storm_of_commands_is_cut_off_and_counted() -> None:
    sent: list[object] = []
    hub = Hub(sent.append)
    for _ in range(MOST_WAITING + 10):
        hub.put(Panic())
    hub.flush()
    assert (len(sent), hub.dropped) == (MOST_WAITING, 10)


async def test_updates_are_put_upon_the_snapshot_and_ring_for_all() -> None:
    hub = Hub(lambda _command: None)
    first, second = scene(), scene(tick=3000, mode="hold")
    with hub.watched() as one, hub.watched() as other:
        one.clear()
        other.clear()
        hub.take(difference(first, second))  # of a snapshot that was never seen: nothing to put it upon
        hub.take(first)
        hub.take(difference(first, second))
        assert hub.snapshot == second
        assert one.is_set()
        assert other.is_set()


async def test_a_browser_that_joins_later_gets_the_programs_and_levels_too() -> None:
    sent: list[object] = []
    hub = Hub(sent.append)
    first: list[MidiOut] = []
    second: list[MidiOut] = []
    hub.hear(first.append, wanted=True)
    setup = [MidiOut(bytes(data), 1, performer=False) for data in ((0xC1, 4), (0xB1, 7, 102), (0xB1, 7, 90))]
    for message in (*setup, MidiOut(b"\x91\x3c\x40", 2, performer=False)):
        hub.take(message)
    hub.hear(second.append, wanted=True)
    assert (len(first), second) == (4, [setup[0], setup[2]])
    assert sent == [WantMidi(wanted=True)]


def test_the_link_calls_again_when_an_engine_has_died_and_ends_with_its_goodbye(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "RETRY_SECONDS", 0.01)
    address = new_address()
    arrived: queue.Queue[tuple[Any, object]] = queue.Queue()
    states: queue.Queue[bool] = queue.Queue()
    seen: queue.Queue[object] = queue.Queue()
    over = threading.Event()
    link = EngineLink(address, take=seen.put, connected=states.put, over=over.set)
    link.start()
    for engine in range(2):
        Path(address.place).parent.mkdir(exist_ok=True)  # an engine that ends in order takes it with it
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
    monkeypatch.setattr(hub_module, "LONELY_SECONDS", 0.0)
    over = threading.Event()
    EngineLink(new_address(), take=print, connected=print, over=over.set).start()
    assert over.wait(PATIENCE_S)
