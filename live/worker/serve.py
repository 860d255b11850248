"""The model process: loads a checkpoint, encodes and decodes for the engine, and nothing else.

It is the only process of the instrument that imports ONNX Runtime or torch.  Beside the models it listens for
the performer's beat, on a thread of its own.  While an answer is awaited or
worked on, no ordinary process may keep it waiting; loading and writing ahead have the priority of any other.
The engine tells it what to load.  When the engine goes it waits a while for the next one at the same address,
with the model still loaded.
"""

import contextlib
import importlib
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain

import msgspec

from live.ipc.link import Address, Link, call
from live.ipc.messages import (
    Accompany,
    Bye,
    Closing,
    Decode,
    Failed,
    Load,
    Message,
    ToListener,
    ToModels,
    ToWorker,
    VaryAhead,
    Warp,
)
from live.timing.clock import ANSWERING_PRIORITY, lower_priority, raise_thread
from live.worker.handler import RequestHandler

RECONNECT_SECONDS = 10.0
RETRY_SECONDS = 0.01  # it may be the whole start that waits
FINISHED = Bye()
ABANDONED = 3  # exit status: no engine came back
NEEDED = ("model.playing.load", "onnxruntime")


def connect(address: Address, *, patience_seconds: float) -> "Link[ToWorker] | None":
    """Call the engine until it answers; None when it does not in time."""
    end = time.monotonic() + patience_seconds
    while True:
        try:
            return call(address, "worker", ToWorker)
        except OSError:
            if time.monotonic() > end:
                return None
            time.sleep(RETRY_SECONDS)


def attend(answering: bool) -> None:
    """Let the calling thread go before all ordinary ones, or no more, where the system allows it."""
    if answering:
        raise_thread(ANSWERING_PRIORITY)
    else:
        lower_priority()


def serve(
    link: "Link[ToWorker]", handler: RequestHandler, *, attend: Callable[[bool], None] = lambda _: None
) -> bool:
    """Answer until the engine says goodbye (True) or goes (False).

    Args:
        link: to the engine.
        handler: answers.
        attend: called on each thread before it waits for requests or answers them, with True, and before
            what is slow, with False, but shortly before a phrase closes.
    """
    inbox = received(link, attend)
    warping: Iterator[Message | None] = iter(())
    accompanying: Iterator[Message | None] = iter(())
    while True:
        rests_s = 0.0
        while inbox.empty():
            if rests_s := handler.pause.seconds():
                break
            attend(handler.pause.near)
            begun = time.monotonic_ns()
            done = next(chain(handler.write(), accompanying, warping), FINISHED)
            if done is FINISHED:
                break
            handler.pause.took(time.monotonic_ns() - begun)
            if done is not None:
                link.send(done)
        attend(True)
        try:
            waiting: list[ToModels | None] = [inbox.get(timeout=rests_s or None)]
        except queue.Empty:
            continue
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(inbox.get_nowait())
        for message in newest(waiting):
            if message is None:
                return False
            if isinstance(message, Bye):
                return True
            if isinstance(message, Warp):
                warping = handler.warp(message)
                continue
            if isinstance(message, Closing | VaryAhead):
                handler.look_ahead(message)
                continue
            if isinstance(message, Accompany):
                accompanying = handler.accompany(message)
                continue
            if isinstance(message, Load):
                attend(False)
                link.send(
                    handler.load(
                        message.model, message.metre, message.split, message.device, message.candidates
                    )
                )
            else:
                link.send(handler.answer(message))
            if fault := handler.card_fault():
                link.send(Failed(0, fault))


def received(link: "Link[ToWorker]", attend: Callable[[bool], None]) -> "queue.SimpleQueue[ToModels | None]":
    """Return where requests come in, None being the last; what is played is heard on a thread of its own."""
    inbox: queue.SimpleQueue[ToModels | None] = queue.SimpleQueue()
    played: queue.SimpleQueue[ToListener | None] = queue.SimpleQueue()

    def read() -> None:
        attend(True)
        hearing = threading.Thread(target=hear, name="hear", daemon=True)
        while (message := link.receive()) is not None:
            if not isinstance(message, ToListener):
                inbox.put(message)
                continue
            if hearing.ident is None:
                hearing.start()
            played.put(message)
        inbox.put(None)
        played.put(None)

    def hear() -> None:
        attend(True)
        from live.worker.listening.listener import listen  # noqa: PLC0415  one mode alone needs it

        listen(played, link.send, now=time.monotonic_ns)

    threading.Thread(target=read, name="read", daemon=True).start()
    return inbox


def newest(waiting: list[ToModels | None]) -> list[ToModels | None]:
    """Drop the decodes of a bar that a later one of the same bar replaces."""
    last = {message.bar: message.ident for message in waiting if isinstance(message, Decode)}
    return [
        message
        for message in waiting
        if not isinstance(message, Decode) or last[message.bar] == message.ident
    ]


def import_ahead() -> None:
    """Import what every model needs before anyone asks for one; what is missing is told at the loading."""
    for name in NEEDED:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def main() -> int:
    """Serve the engine that standard input names; exit status, 0 after its goodbye."""
    for name in ("SIGINT", "SIGUSR1"):  # the supervisor's and the engine's to heed
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    import_ahead()
    named = sys.stdin.buffer.read()
    if not named:
        return 0  # nobody wants to play any more
    address = msgspec.json.decode(named, type=Address)
    handler = RequestHandler()
    while (link := connect(address, patience_seconds=RECONNECT_SECONDS)) is not None:
        if serve(link, handler, attend=attend):
            return 0
    return ABANDONED
