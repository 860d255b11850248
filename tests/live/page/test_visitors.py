"""Browsers: each is shown everything once and then what changes; one that does not read holds nobody up."""

import asyncio
import json
from typing import Any

import msgspec
import pytest
from starlette.websockets import WebSocketDisconnect

from live.ipc.commands import MutePart, Panic, Say, SetMode, Turn
from live.page import visitors
from live.page.broker import Broker
from live.page.messages import SOURCE
from live.page.visitors import Visitor
from live.settings.knobs import ACTIONS, KNOBS
from tests.fakes.snapshots import scene


class Browser:
    """What stands for a WebSocket: says its lines, then goes when it is let."""

    def __init__(self, *lines: str | dict[str, object], reads: bool = True) -> None:
        self.lines = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.seen: list[dict[str, Any]] = []
        self.reads = reads
        self.news = asyncio.Event()
        self.leaving = asyncio.Event()
        self.closed: tuple[int, str] | None = None

    async def send_text(self, text: str) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        self.seen.append(json.loads(text))
        self.news.set()

    async def receive_text(self) -> str:
        if self.lines:
            return self.lines.pop(0)
        await self.leaving.wait()
        raise WebSocketDisconnect

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)
        self.leaving.set()

    async def wait_for(self, kind: str) -> dict[str, Any]:
        while True:
            for message in self.seen:
                if message["type"] == kind:
                    return message
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 10)


def visiting(broker: Broker, browser: Browser) -> "asyncio.Task[None]":
    return asyncio.create_task(Visitor(broker, browser, instrument=True).stay())  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "PERIOD_SECONDS", 0.0)


async def test_a_browser_is_greeted_with_all_that_there_is_to_do() -> None:
    browser = Browser()
    staying = visiting(Broker(print), browser)
    greeting = await browser.wait_for("Welcome")
    assert set(greeting["actions"]) == set(ACTIONS)
    assert greeting["knob_names"] == list(KNOBS)
    browser.leaving.set()
    await staying


async def test_several_browsers_see_the_same_and_only_what_changes() -> None:
    broker, one, other = Broker(print), Browser(), Browser()
    tasks = [visiting(broker, one), visiting(broker, other)]
    broker.take(scene())
    for browser in (one, other):
        assert (await browser.wait_for("Snapshot"))["mode"] == "follow"
    broker.take(msgspec.structs.replace(scene(), mode="hold", nanos=2))
    for browser in (one, other):
        update = await browser.wait_for("Update")
        assert (update["changed"], "bars" in update) == ({"mode": "hold"}, False)
        browser.leaving.set()
    await asyncio.gather(*tasks)


async def test_commands_and_actions_go_to_the_engine_in_the_pages_name() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    browser = Browser(
        {"type": "Turn", "knob": "density", "value": 0.5, "source": "midi"},
        {"type": "Act", "name": "mode", "argument": "hold"},
        {"type": "MutePart", "part": "bass"},
        {"type": "Act", "name": "panic"},
        {"type": "Ping", "sent_ms": 12.5},
    )
    staying = visiting(broker, browser)
    pong = await browser.wait_for("Pong")
    assert pong["sent_ms"] == 12.5
    broker.flush()
    assert sent == [
        Turn("density", 0.5, source=SOURCE),
        SetMode("hold", source=SOURCE),
        MutePart("bass", source=SOURCE),
        Panic(source=SOURCE),
    ]
    browser.leaving.set()
    await staying


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        '{"type": "Quit"}',
        '{"type": "Turn", "knob": 3, "value": 0}',
        '{"type": "Act", "name": "modee"}',
    ],
)
async def test_nonsense_is_one_sentence_and_the_browser_stays(line: str) -> None:
    sent: list[object] = []
    browser = Browser(line, {"type": "Ping", "sent_ms": 1})
    staying = visiting(Broker(sent.append), browser)
    assert "not understood" in (await browser.wait_for("Trouble"))["text"]
    await browser.wait_for("Pong")
    assert sent == []
    browser.leaving.set()
    await staying


async def test_a_browser_that_does_not_read_holds_nobody_up_and_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visitors, "STUCK_SECONDS", 0.01)
    broker, slow, quick = Broker(print), Browser(reads=False), Browser()
    tasks = [visiting(broker, slow), visiting(broker, quick)]
    for tick in range(0, 5000, 10):
        broker.take(scene(tick=tick, nanos=tick + 1))
    await quick.wait_for("Snapshot")
    await asyncio.wait_for(slow.leaving.wait(), 10)
    assert slow.closed is not None
    assert slow.closed[0] == 1008
    quick.leaving.set()
    await asyncio.gather(*tasks)


async def test_words_are_considered_where_the_instrument_stands_and_said_to_it() -> None:
    sent: list[object] = []
    broker = Broker(sent.append)
    broker.take(scene())
    browser = Browser({"type": "Consider", "text": "much sparser, purple"}, {"type": "Say", "text": "louder"})
    staying = visiting(broker, browser)
    answer = await browser.wait_for("Considered")
    assert answer["lines"] == ["density +0.46 -> -0.24"]
    assert answer["unknown"] == ["purple"]
    browser.leaving.set()
    await staying
    broker.flush()
    assert sent == [Say("louder", source=SOURCE)]
