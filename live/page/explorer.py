"""The explorer's routes: requests of a browser, worked on in the studio's process, one after another.

Threads: the event loop's only.  Nothing of a model is loaded before the first request.
"""

import asyncio
import functools
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from live.errors import TwobarError
from live.page.messages import Trouble
from live.page.studio_process import begin, run
from model.music.phrase import Note

LARGEST_BODY = 1 << 21
MOST_WAITING = 16
GONE = "the model's process has died twice over this; another model may do"
BUSY = f"{MOST_WAITING} requests wait already; try again in a moment"


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all requests: a shipped model or a path, "" for the page's own."""

    model: str = ""


class SheetAsked(Asked, frozen=True):
    """What is the model like?"""


class KnownAsked(Asked, frozen=True):
    """Which real phrases lie on the map?"""


class DrawAsked(Asked, frozen=True, kw_only=True):
    """A phrase that nobody played."""

    number: int
    seed: int = 0
    temperature: float = 0.0


class TurnedAsked(Asked, frozen=True, kw_only=True):
    """A phrase with knobs turned."""

    z: list[float]
    attributes: dict[str, float] = {}
    turns: dict[str, float] = {}
    temperature: float = 0.0
    seed: int = 0


class CarriedAsked(Asked, frozen=True, kw_only=True):
    """A phrase at a place of the map."""

    x: float
    y: float
    z: list[float] = []
    attributes: dict[str, float] = {}


class OpeningAsked(Asked, frozen=True, kw_only=True):
    """A .mid file, in base64."""

    name: str
    data: bytes


class WayAsked(Asked, frozen=True, kw_only=True):
    """The way from one phrase to another."""

    first: list[Note]
    last: list[Note]
    steps: int = 8
    seed: int = 0


class ExportAsked(Asked, frozen=True, kw_only=True):
    """A .mid file of phrases, one after another."""

    phrases: list[list[Note]]
    tempo_bpm: float = 120.0
    name: str = "twobar"


VERBS: dict[str, type[Asked]] = {
    "sheet": SheetAsked,
    "known": KnownAsked,
    "draw": DrawAsked,
    "turned": TurnedAsked,
    "carried": CarriedAsked,
    "opening": OpeningAsked,
    "way": WayAsked,
    "exported": ExportAsked,
}
"""What `live.page.studio` can do, by the names of its functions."""


class Explorer:
    """Answers requests; its process is started with the first, and again after a death.

    Args:
        model: where a request names none.
        pool: makes the process; a test's own.
    """

    def __init__(self, model: str, *, pool: "Callable[[], Any] | None" = None) -> None:
        self._model, self._make = model, pool or _process
        self._pool: Any = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return a route for each verb."""
        return [Route("/explore/{verb}", self.answer, methods=["POST"])]

    async def answer(self, request: Request) -> Response:
        """Answer one request with JSON; a fault is one sentence and 422."""
        verb = request.path_params["verb"]
        if verb not in VERBS:
            return _json(Trouble(f"the explorer does not know '{verb}'"), HTTPStatus.NOT_FOUND)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                return _json(Trouble("that is too much at once"), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if self._waiting >= MOST_WAITING:
            return _json(Trouble(BUSY), HTTPStatus.SERVICE_UNAVAILABLE)
        self._waiting += 1
        try:
            asked = msgspec.json.decode(bytes(body), type=VERBS[verb])
            async with self._turn:
                return Response(await self._work(verb, asked), media_type="application/json")
        except (msgspec.MsgspecError, TwobarError) as error:
            return _json(Trouble(str(error)), HTTPStatus.UNPROCESSABLE_ENTITY)
        except BrokenProcessPool:
            return _json(Trouble(GONE), HTTPStatus.INTERNAL_SERVER_ERROR)
        finally:
            self._waiting -= 1

    async def _work(self, verb: str, asked: Asked) -> bytes:
        fields = {name: getattr(asked, name) for name in asked.__struct_fields__ if name != "model"}
        call = functools.partial(run, verb, asked.model or self._model, fields)
        loop = asyncio.get_running_loop()
        for again in (True, False):
            if self._pool is None:
                self._pool = self._make()
            try:
                answer: bytes = await loop.run_in_executor(self._pool, call)
            except BrokenProcessPool:
                self.close()
                if not again:
                    raise
            else:
                return answer
        raise AssertionError

    def close(self) -> None:
        """End the process."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)


def _process() -> ProcessPoolExecutor:
    """Start a process for the studio."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=context, initializer=begin, initargs=(os.getpid(),))


def _json(answer: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")
