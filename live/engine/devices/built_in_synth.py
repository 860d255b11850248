"""The built-in synth: opened where it can be, silent while the sound server is away, and back with it.

Owns: why it stays silent.  Threads: the engine's; `lost` and `restart` are called on a port watch's.
Tested in tests/live/engine/devices/test_devices.py.
"""

from collections.abc import Callable, Iterable, Sequence

from live.devices.fluidsynth import FluidSynth
from live.engine.preparation import OpenSynth
from live.errors import SynthError
from live.ipc.options import Options
from live.ipc.snapshot import Notice, NoticeLevel
from live.jam.notices import Notices
from live.settings.schema import SYNTH
from live.timing.midi_bytes import Sink


class BuiltInSynth:
    """Opens the synth and follows its sound server.

    Args:
        opening: opens it.
        post: puts anything among the engine's arrivals, from any thread.
        show: gets why it is silent, "" while it sounds.
    """

    def __init__(
        self,
        options: Options,
        opening: OpenSynth,
        post: Callable[[object], None],
        show: Callable[[str], None],
    ) -> None:
        self._config, self._opening = options.config, opening
        self._post, self._show = post, show
        self._fault = ""

    def open(self, notices: Notices) -> FluidSynth | None:
        """Return the synth, open; None where it cannot be, which is said."""
        try:
            synth, said = self._opening(self._config.synth)
        except SynthError as reason:
            notices.add("error", str(reason), about=SYNTH)
            self._show(str(reason))
            return None
        for text in said:
            notices.add("warning", text)
        synth.play_drums(self._config.midi.drum_channel)
        self._show("")
        return synth

    def lost(self) -> None:
        """Say that the sound server has gone."""
        self._fault = ""
        self._say(
            "error",
            "the sound server has gone: the built-in synth is silent until it is back",
            shown="the sound server has gone",
        )

    def restart(self, synths: Sequence[FluidSynth]) -> bool:
        """Let synths sound through the server that is back; False to be asked again."""
        try:
            for synth in synths:
                synth.restart_audio()
        except SynthError as fault:
            if str(fault) != self._fault:
                self._fault = str(fault)
                self._say("error", f"the built-in synth stays silent: {fault}", shown=self._fault)
            return False
        self._say("info", "the sound server is back: the built-in synth sounds again", shown="")
        return True

    def _say(self, level: NoticeLevel, text: str, *, shown: str) -> None:
        self._post(lambda _now: self._show(shown))
        self._post(Notice(0, level, text, SYNTH))


def on_jack(sinks: Iterable[Sink]) -> list[FluidSynth]:
    """Return the synths among sinks that sound through JACK."""
    return [sink for sink in sinks if isinstance(sink, FluidSynth) and sink.driver == "jack"]
