"""A browser that is connected: what it is shown, at its own pace, and what it asks for.

A browser that does not read is sent nothing more until it does, and the newest then; nobody waits for it.
Threads: the event loop's only.
"""

import asyncio
import contextlib
import time
from collections import deque

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from live.errors import UsageError
from live.ipc.commands import action
from live.ipc.messages import Message
from live.ipc.snapshot import Snapshot, difference
from live.page.hub import Hub
from live.page.messages import (
    SOURCE,
    Act,
    Consider,
    Considered,
    EngineState,
    FromBrowser,
    Ping,
    Pong,
    Trouble,
    read,
    welcome,
)
from live.settings.knobs import KNOBS
from live.words.intention import Situation, intention_of

PERIOD_SECONDS = 1 / 30
STUCK_SECONDS = 20.0
"""A browser that reads nothing for so long is hung up on."""

MOST_ANSWERS = 64
LONGEST_COMPLAINT = 200


class Visitor:
    """One browser.

    Args:
        hub: where the news comes from and the commands go.
        socket: accepted.
        instrument: whether one plays behind this page.

    """

    def __init__(self, hub: Hub, socket: WebSocket, *, instrument: bool) -> None:
        """Show nothing yet."""
        self._hub, self._socket = hub, socket
        self._answers: deque[Message] = deque([welcome(instrument=instrument)], maxlen=MOST_ANSWERS)
        self._shown: Snapshot | None = None
        self._state: EngineState | None = None

    async def stay(self) -> None:
        """Show and listen until the browser goes."""
        with self._hub.watched() as bell:
            showing = asyncio.create_task(self._show(bell))
            try:
                await self._listen(bell)
            finally:
                showing.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await showing

    async def _show(self, bell: asyncio.Event) -> None:
        """Send what is new, at most 30 times a second."""
        while True:
            await bell.wait()
            bell.clear()
            while self._answers:
                await self._say(self._answers.popleft())
            state = EngineState(self._hub.connected)
            if state != self._state:
                self._state = state
                await self._say(state)
            snapshot, last = self._hub.snapshot, self._shown
            if snapshot is not None and snapshot is not last:
                self._shown = snapshot
                await self._say(snapshot if last is None else difference(last, snapshot))
            await asyncio.sleep(PERIOD_SECONDS)

    async def _say(self, message: Message) -> None:
        """Send a message; hang up on a browser that takes none for long."""
        text = msgspec.json.encode(message).decode()
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await self._socket.send_text(text)
        except TimeoutError:
            await self._socket.close(1008, "this page did not read for long")
            raise

    async def _listen(self, bell: asyncio.Event) -> None:
        """Do what the browser asks for."""
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                text = await self._socket.receive_text()
                try:
                    self._do(read(text))
                except (msgspec.MsgspecError, UsageError) as error:
                    said = str(error)[:LONGEST_COMPLAINT]
                    self._answers.append(Trouble(f"the page's message was not understood: {said}"))
                if self._answers:
                    bell.set()

    def _do(self, message: FromBrowser) -> None:
        match message:
            case Ping(sent_ms):
                self._answers.append(Pong(sent_ms, time.monotonic_ns() / 1e6))
            case Consider(text):
                self._answers.append(considered(text, self._hub.snapshot))
            case Act(name, argument):
                self._hub.put(action(name, argument, source=SOURCE))
            case _:
                self._hub.put(msgspec.structs.replace(message, source=SOURCE))


def considered(text: str, snapshot: Snapshot | None) -> Considered:
    """Return what words would do to the instrument that is shown."""
    knobs = {name: spec.rest for name, spec in KNOBS.items()}
    muted: frozenset[str] = frozenset()
    if snapshot is not None:
        knobs |= {knob.name: knob.value for knob in snapshot.knobs}
        muted = frozenset(snapshot.muted)
    asked = intention_of(text, Situation(knobs, muted))
    return Considered(text, [*asked.lines], [*asked.unknown], asked.sentence)
