"""What goes on while the engine's modules are loaded: its options are waited for, its synth is opened.

Owns: the synth, until the engine takes it.  Threads: its own, and the engine's.
"""

import threading
from collections.abc import Callable

from live.devices.fluidsynth import FluidSynth, open_synth
from live.ipc.options import Options, received
from live.settings.schema import SYNTH, SynthSettings
from live.timing.clock import raise_priority

OpenSynth = Callable[[SynthSettings], tuple[FluidSynth, list[str]]]


class Preparation:
    """Options that come, and the synth that they ask for.

    Attributes:
        priority: what `raise_priority` returned: threads that were started before it would not have it.
    """

    def __init__(
        self, receive: Callable[[], Options | None] = received, opening: OpenSynth = open_synth
    ) -> None:
        self.priority = raise_priority()
        self._receive, self._opening = receive, opening
        self._options: Options | None = None
        self._synth: tuple[FluidSynth, list[str]] | None = None
        self._fault: Exception | None = None
        self._read = threading.Event()
        self._thread = threading.Thread(target=self._prepare, name="prepare", daemon=True)
        self._thread.start()

    def _prepare(self) -> None:
        try:
            self._options = options = self._receive()
            self._read.set()
            if options is not None and SYNTH in options.config.midi.outputs:
                self._synth = self._opening(options.config.synth)
        except Exception as fault:  # noqa: BLE001  raised where it is missed
            self._fault = fault
        self._read.set()

    def options(self) -> Options | None:
        """Wait for the options; None where whoever was to send them has gone."""
        self._read.wait()
        if self._options is None and self._fault is not None:
            raise self._fault
        return self._options

    def synth(self, chosen: SynthSettings) -> tuple[FluidSynth, list[str]]:
        """Return the synth, once, or raise what its opening raised; an `OpenSynth`."""
        self._thread.join()
        if self._fault is not None:
            raise self._fault
        synth, self._synth = self._synth, None
        return synth or self._opening(chosen)

    def close(self) -> None:
        """Close a synth that nobody took."""
        self._thread.join()
        if self._synth is not None:
            self._synth[0].close()
