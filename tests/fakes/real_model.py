"""A real handler with a tiny, randomly initialised checkpoint as a stage's model."""

from pathlib import Path

from live.ipc.messages import Answer, Decode, Encode, Load, Ready, ToWorker, Warp, Warped
from live.worker.handler import RequestHandler
from model.checkpoint import write
from tests.fakes import networks
from tests.fakes.stage import EchoModel


def checkpoint(
    path: Path, codec: str, decoder: str = "patch", *, latent: bool = True, conditions: tuple[str, ...] = ()
) -> Path:
    """Write a tiny network of a family, never trained, but drawn widely enough that it is not silent."""
    context = 0 if latent else 2
    chosen = networks.config(
        decoder,
        codec,
        latent=latent,
        knobs=("density",) if latent else (),
        conditions=conditions,
        context_bars=context,
        bars=2 + context,
    )
    spread = 0.3 if codec == "multitrack" or not latent else 0.6
    write(networks.held(networks.network(chosen, spread=spread), traced=False), path)
    return path


class RealModel(EchoModel):
    """Answers as the model process does."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.handler = RequestHandler()
        self.load(str(path))

    def load(self, name: str) -> Answer:
        loaded: Answer = self.handler.load(name)  # type: ignore[assignment]
        return loaded

    def ready(self) -> Ready:
        assert self.handler.ready is not None
        return self.handler.ready

    def answer(self, message: ToWorker) -> Answer:
        answer: object
        if isinstance(message, Load):
            return self.load(message.model)
        if isinstance(message, Warp):
            answer = [*self.handler.warp(message)][-1]
            assert isinstance(answer, Warped)
            return answer
        assert isinstance(message, Encode | Decode)
        (self.encodes if isinstance(message, Encode) else self.decodes).append(message)  # type: ignore[arg-type]
        answer = self.handler.answer(message)
        return answer  # type: ignore[return-value]
