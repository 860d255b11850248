"""The page served: its routes, behind the access check, beside the link to the engine.

Tested in tests/live/page/test_serve.py.
"""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from live.cli.offline.commands import DEFAULT_MODEL
from live.ipc.page_process import PageOptions, options_of_page
from live.page.access import Access
from live.page.broker import Broker
from live.page.engine_link import EngineLink
from live.page.explorer import Explorer
from live.page.soundfont import soundfont_route
from live.page.visitors import Visitor
from live.timing.clock import lower_priority
from model.files import as_path, readable

STATIC = Path(__file__).with_name("static")
LARGEST_MESSAGE = 1 << 20
MOST_VISITORS = 32


def application(options: PageOptions, broker: Broker, explorer: Explorer | None = None) -> Starlette:
    """Return the page's routes, behind the access check."""
    explorer = explorer or Explorer(options.model or DEFAULT_MODEL)
    visitors: set[Visitor] = set()

    async def index(_request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def take(_request: Request) -> Response:
        """Send the take as it is written so far, or the one that has ended: a whole .mid at every moment."""
        path = as_path(broker.take_file)
        if not broker.take_file or not path.is_file():
            return PlainTextResponse("there is no take yet: play something first\n", HTTPStatus.NOT_FOUND)
        return FileResponse(path, media_type="audio/midi", filename=readable(path.name))

    async def live(browser: WebSocket) -> None:
        if len(visitors) >= MOST_VISITORS:
            await browser.close(1013, f"{MOST_VISITORS} browsers are connected already")
            return
        await browser.accept()
        visitor = Visitor(broker, browser, instrument=options.engine is not None, model=options.model)
        visitors.add(visitor)
        try:
            await visitor.stay()
        finally:
            visitors.discard(visitor)

    return Starlette(
        routes=[
            Route("/", index),
            Route("/take", take),
            soundfont_route(options.soundfont),
            *explorer.routes(),
            WebSocketRoute("/live", live),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(Access, options)],
    )


class PageServer(uvicorn.Server):
    """Uvicorn's server, which says when it listens."""

    def __init__(self, options: PageOptions, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=options.host,
                port=options.port,
                ws="websockets-sansio",
                ws_max_size=LARGEST_MESSAGE,
                ws_ping_interval=20.0,
                ws_per_message_deflate=False,
                log_level="critical",
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=1,
            )
        )
        self._options = options

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        if self.started and self._options.ready:
            ms = round((time.monotonic_ns() - self._options.start_nanos) / 1e6, 1)
            with contextlib.suppress(OSError):
                sys.stdout.write(json.dumps({"ready": "page", "ms": ms, "url": self._options.url}) + "\n")
                sys.stdout.flush()


async def serve(options: PageOptions) -> int:
    """Serve until the engine or a signal ends it; exit status, 1 when the port could not be had."""
    loop = asyncio.get_running_loop()
    links: list[EngineLink] = []
    broker = Broker(lambda command: [link.send(command) for link in links])
    explorer = Explorer(options.model or DEFAULT_MODEL)
    server = PageServer(options, application(options, broker, explorer))

    def end() -> None:
        server.should_exit = True

    if options.engine is not None:
        link = EngineLink(
            options.engine,
            take=lambda message: _call(loop, broker.take, message),
            connected=lambda connected: _call(loop, broker.set_connected, connected),
            over=lambda: _call(loop, end),
        )
        links.append(link)
        link.start()
    with contextlib.suppress(SystemExit):  # uvicorn's way to say that it could not listen
        await server.serve()
    explorer.close()
    return 0 if server.started else 1


def _call(loop: asyncio.AbstractEventLoop, do: Callable[..., object], *arguments: object) -> None:
    """Let the loop do something; nothing where it is over."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(do, *arguments)


def main() -> int:
    """Serve the page that the environment describes."""
    lower_priority()
    return asyncio.run(serve(options_of_page()))
