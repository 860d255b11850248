"""A dashboard under Textual's Pilot, with a pretended engine and a clock that stands still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from live.dashboard.app import Dashboard
from live.dashboard.inbox import Inbox
from live.ipc.snapshot import Snapshot
from tests.fakes.snapshots import BEAT, FakeClock, Sent, scene

WINDOW = (120, 40)
POSED_TICK = 6 * 4 * BEAT + 2 * BEAT + 200
POSE = {"speaker": "performer", "speaker_until": 8 * 4 * BEAT, "key": "A minor", "chord": "Am"}


class Stage:
    """A dashboard under the Pilot, and all that surrounds it."""

    def __init__(self, **options: object) -> None:
        self.clock = FakeClock()
        self.sent = Sent()
        self.quits: list[bool] = []
        self.app = Dashboard(
            Inbox(),
            self.sent,
            on_quit=lambda: self.quits.append(True),
            clock=self.clock,
            **options,  # type: ignore[arg-type]
        )
        self.pilot: Pilot[None]

    @asynccontextmanager
    async def run(
        self, size: tuple[int, int] = WINDOW, *, first: Snapshot | None = None
    ) -> AsyncIterator["Stage"]:
        self.app.deliver(first or scene(nanos=self.clock.nanos))
        async with self.app.run_test(size=size) as pilot:
            self.pilot = pilot
            await pilot.pause()
            yield self

    async def show(self, **changes: Any) -> None:
        """Deliver a snapshot, and let it be drawn."""
        self.app.deliver(scene(nanos=self.clock.nanos, **changes))
        await self.pilot.pause()

    async def press(self, *names: str) -> list[tuple[str, str]]:
        self.sent.commands.clear()
        await self.pilot.press(*names)
        await self.pilot.pause()
        return self.sent.pairs()

    def ended(self) -> bool:
        """Whether the App has ended."""
        return not self.app.is_running

    def window(self) -> type[object]:
        """The kind of the screen on top."""
        return type(self.app.screen)

    def screen(self) -> list[str]:
        """What the terminal shows, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return [strip.text for strip in strips]

    def text(self) -> str:
        return "\n".join(self.screen())


def posed() -> Dashboard:
    """Return a dashboard in the middle of a jam, its first picture in the inbox."""
    stage = Stage()
    for earlier in range(24, -1, -1):
        stage.app.shown.accept(scene(POSED_TICK - earlier * 300, nanos=stage.clock.nanos, **POSE))
    stage.app.deliver(scene(POSED_TICK, nanos=stage.clock.nanos, **POSE))
    return stage.app
