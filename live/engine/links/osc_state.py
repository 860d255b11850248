"""The state that OSC subscribers are told: all of it when they come, afterwards each change.

Beats, notes, knobs, key, chord and metre tell of themselves when they change; the rest is looked at here, a
few times a second.
Owns: what was told last.  Threads: engine only.
"""

from collections.abc import Callable, Mapping

from live.jam.jam import Jam
from live.settings.knobs import ANCHORS
from live.settings.schema import AUTO
from live.timing.timeline import Nanos
from model.music.metre import name_of
from model.music.tracks import TRACKS

Value = float | str
State = Mapping[str, Value]
"""By address below /twobar/."""

LOOK_NANOS, LOOK_TAKES_NANOS = 100_000_000, 400_000


class OscState:
    """Looks what has changed, and tells it."""

    def __init__(self, jam: Jam, tell: Callable[[str, Value], None]) -> None:
        self._jam, self._tell = jam, tell
        self._published: State = {}
        self._looked = 0

    def look(self, now: Nanos, coming: int) -> None:
        """Tell what has changed, where there is time before what is coming."""
        if now - self._looked < LOOK_NANOS or coming - now < LOOK_TAKES_NANOS:
            return
        self._looked = now
        state = changing(self._jam, now)
        for address, value in state.items():
            if self._published.get(address) != value:
                self._tell(address, value)
        self._published = state

    def whole(self, now: Nanos) -> State:
        """Return everything, for a subscriber who has just come."""
        jam = self._jam
        harmony = jam.band.harmony
        return {
            **changing(jam, now),
            "metre": name_of(jam.plan.lines.grid),
            "key": (jam.dialogue.key if jam.requests.key == AUTO else jam.requests.key) or "none",
            "recognised": jam.dialogue.recognised or "none",
            "chord": (harmony.shown if jam.transport.running else "") or "none",
            **{f"knob/{name}": value for name, value in jam.knobs.items()},
        }


def changing(jam: Jam, now: Nanos) -> dict[str, Value]:
    """Return the part of a jam's state that does not tell of itself."""
    state = jam.history.state
    return {
        "mode": state.mode,
        "phrase": jam.plan.lines.period_bars,
        "loop": state.loop_bars,
        "transport": jam.state(now),
        "tempo": round(jam.listening.tempo_bpm(now), 3),
        "model": jam.model_choice.shown,
        "mapping": _mappings(jam),
        "model/state": jam.model_choice.state,
        "key/locked": int(jam.requests.key != AUTO),
        "frozen": int(state.frozen),
        "thru": int(jam.performer.thru.on),
        "scene": jam.scenery.called if jam.scenery is not None else 0,
        **{f"anchor/{name}": int(name in state.anchors) for name in ANCHORS},
        "metronome": int(jam.sender.metronome.on),
        **{f"solo/{part}": int(part == jam.mixer.mutes.solo) for part in TRACKS},
        **{f"mute/{part}": int(track in jam.plan.silent) for track, part in enumerate(TRACKS)},
    }


def _mappings(jam: Jam) -> str:
    """Return each controller's mapping in one text, as "nanoKONTROL2: korg-nanokontrol2"."""
    chosen = jam.mappings.chosen() if jam.mappings is not None else {}
    return "; ".join(f"{port}: {name}" for port, name in chosen.items()) or "none"
