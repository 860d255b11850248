"""Which model is wanted, which is shown, and what has become of it.

Owns: all of that; the model that plays is `Requests.model`.  Threads: engine only.
Tested in tests/live/jam/test_trouble.py, tests/live/engine/links/test_worker_link.py.
"""

from typing import Literal

from live.ipc.messages import Load, Ready
from live.jam.notices import Notices
from live.jam.protocols import Output
from live.settings.schema import Config

MODEL = "model"
"""What notices are about that tell of the model process."""


class ModelChoice:
    """The performer's choice of a model, and the model process's answer to it.

    Args:
        config: names the model that is played where nobody has chosen another.

    Attributes:
        wanted: that was chosen while it played, "" for the settings' own.
        shown: name of the model that plays or is being loaded.
        state: of the one that is shown.
        detail: what computes it, or why it does not play.
    """

    def __init__(self, config: Config, *, output: Output, notices: Notices) -> None:
        self._config, self._output, self._notices = config, output, notices
        self.shown = config.jam.model
        self.wanted = self._good = ""
        self.state: Literal["loading", "ready", "lost", "none"] = "loading"
        self.detail = ""

    @property
    def name(self) -> str:
        """The name of the model that is wanted."""
        return self.wanted or self._config.jam.model

    def load(self, name: str, metre: str) -> None:
        """Play another model; the present one plays on until it is ready."""
        self.shown, self.state = name, "loading"
        self.wanted = name
        settings = self._config.model
        if not self._output.ask(
            Load(name, metre, settings.split, settings.device, settings.candidates_wanted)
        ):
            self._notices.add(
                "warning", f"model {name} will be loaded when the model process is back", about=MODEL
            )

    def resume(self, wanted: str) -> None:
        """Want what was wanted of an engine before this one."""
        self.wanted, self._good = wanted, ""
        self.shown = self.name

    def give_up(self, instead: str) -> None:
        """Want another model in place of one that hangs."""
        self.wanted = self._good = self.shown = instead

    def ready(self, ready: Ready) -> None:
        """Take that a model plays."""
        self.state, self.detail = "ready", ready.runtime
        self.shown, self._good = ready.model, self.wanted

    def failed(self, text: str, playing: Ready | None) -> None:
        """Go on with the model that plays, if there is one; a wrong name is not asked for again."""
        self.state, self.detail = ("ready" if playing else "none"), text
        self.wanted = self._good
        self.shown = playing.model if playing else self._config.jam.model
        self._notices.add("error", text)
