"""A browser that is connected: what it is shown, at its own pace, and what it asks for.

A browser that does not read is sent nothing more until it does, and the newest then; nobody waits for it.
Threads: the event loop's only.
"""

import asyncio
import contextlib
import math
import time
from collections import deque

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from live.errors import UsageError
from live.ipc.browser_midi import MidiOut, PlayMidi, WantMidi
from live.ipc.commands import action
from live.ipc.messages import Message
from live.ipc.snapshot import Snapshot, difference
from live.page import messages
from live.page.broker import Broker
from live.words.intention import Situation, intention_of, situation_of

PERIOD_SECONDS = 1 / 30
STUCK_SECONDS = 20.0
"""A browser that reads nothing for so long is hung up on."""

MOST_ANSWERS = 64
LONGEST_COMPLAINT = 200
MOST_PLAYED = 1024
MOST_PORTS = 16
LONGEST_NAME = 60


class Visitor:
    """One browser.  `instrument`: whether one plays behind this page."""

    def __init__(self, broker: Broker, socket: WebSocket, *, instrument: bool, model: str = "") -> None:
        self._broker, self._socket = broker, socket
        self._answers: deque[Message] = deque(
            [messages.welcome(instrument=instrument, model=model)], maxlen=MOST_ANSWERS
        )
        self._shown: Snapshot | None = None
        self._state: messages.EngineState | None = None
        self._ports: set[str] = set()
        self._playing: asyncio.Queue[MidiOut] = asyncio.Queue(MOST_PLAYED)

    async def stay(self) -> None:
        """Show and listen until the browser goes."""
        with self._broker.watched() as bell:
            tasks = [asyncio.create_task(self._show(bell)), asyncio.create_task(self._sound())]
            try:
                await self._listen(bell)
            finally:
                self._broker.hear(self._hears, wanted=False)
                for port in sorted(self._ports):
                    self._broker.play(PlayMidi(port, b"", time.monotonic_ns()))
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _show(self, bell: asyncio.Event) -> None:
        """Send what is new, at most 30 times a second."""
        while True:
            await bell.wait()
            bell.clear()
            while self._answers:
                await self._say(self._answers.popleft())
            state = messages.EngineState(self._broker.connected)
            if state != self._state:
                self._state = state
                await self._say(state)
            snapshot, last = self._broker.snapshot, self._shown
            if snapshot is not None and snapshot is not last:
                self._shown = snapshot
                await self._say(snapshot if last is None else difference(last, snapshot))
            await asyncio.sleep(PERIOD_SECONDS)

    async def _sound(self) -> None:
        """Send what the instrument plays, as soon as it does."""
        while True:
            played = await self._playing.get()
            await self._say(
                messages.PlayedMidi(
                    [*played.data], played.due_nanos / 1e6, performer=played.performer, drums=played.drums
                )
            )

    def _hears(self, message: MidiOut) -> None:
        """Let a message wait for the browser; one that does not keep up misses some, and is silenced."""
        if self._playing.full():
            while not self._playing.empty():
                self._playing.get_nowait()
            message = MidiOut(b"\xb0\x7b\x00", message.due_nanos, performer=False)
        self._playing.put_nowait(message)

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
                    self._do(messages.read(text))
                except (msgspec.MsgspecError, UsageError) as error:
                    said = str(error)[:LONGEST_COMPLAINT]
                    self._answers.append(messages.Trouble(f"the page's message was not understood: {said}"))
                if self._answers:
                    bell.set()

    def _do(self, message: messages.FromBrowser) -> None:
        match message:
            case messages.Ping(sent_ms):
                self._answers.append(messages.Pong(sent_ms, time.monotonic_ns() / 1e6))
            case messages.KeyMidi(port, ()):
                name = _port_name(port)
                if name in self._ports:
                    self._ports.discard(name)
                    self._broker.play(PlayMidi(name, b"", time.monotonic_ns()))
            case messages.KeyMidi(port, data, at_ms):
                self._key(port, data, at_ms)
            case WantMidi(wanted):
                self._broker.hear(self._hears, wanted=wanted)
            case messages.Consider(text):
                self._answers.append(considered(text, self._broker.snapshot))
            case messages.Act(name, argument):
                self._broker.put(action(name, argument, source=messages.SOURCE))
            case _:
                self._broker.put(msgspec.structs.replace(message, source=messages.SOURCE))

    def _key(self, port: str, data: tuple[int, ...], at_ms: float) -> None:
        """Give the instrument a key; what is no short MIDI message is refused."""
        first = data[0] if data else 0
        if (
            not 0x80 <= first < 0xF0
            or len(data) not in (2, 3)
            or not all(0 <= byte < 128 for byte in data[1:])
        ):
            raise UsageError("a MIDI message has a status from 128 to 239 and one or two bytes from 0 to 127")
        name = _port_name(port)
        if name not in self._ports and len(self._ports) >= MOST_PORTS:
            raise UsageError(f"a browser may have {MOST_PORTS} keyboards")
        self._ports.add(name)
        now = time.monotonic_ns()
        at = round(at_ms * 1e6) if math.isfinite(at_ms) else now
        self._broker.play(PlayMidi(name, bytes(data), min(max(at, 0), now)))


def _port_name(port: str) -> str:
    """Return how a browser's keyboard is called among the instrument's ports."""
    return f"page: {port[:LONGEST_NAME]}"


def considered(text: str, snapshot: Snapshot | None) -> messages.Considered:
    """Return what words would do to the instrument that is shown."""
    asked = intention_of(text, situation_of(snapshot) if snapshot is not None else Situation({}))
    return messages.Considered(text, [*asked.lines], [*asked.unknown], asked.sentence)
