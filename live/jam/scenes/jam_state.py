"""The present state: what a scene stores and undo takes back, read from a jam and put back into it.

Read in two forms: whole, as a JamState, and in slots, one for each thing that a gesture can change.
Owns: nothing; what it reads and sets is the jam's.  Threads: engine only.
Tested in tests/live/jam/scenes/test_scenes.py, tests/live/jam/scenes/test_undo.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from live.errors import UsageError
from live.ipc.jam_memory import Base, JamState
from live.jam.jam import Jam
from live.jam.latent.path import PathState
from live.jam.parts.mutes import mutes_of
from live.settings.knobs import ANCHORS, KNOBS
from live.timing.timeline import Nanos

Turning = Callable[[str, float, Nanos], None]
"""Turns a knob: name, value, moment."""

PLACED_KNOBS = ("morph", "xy.x", "xy.y")
"""They take the base where they point; what puts the base back itself sets them without that."""

KNOB, ANCHOR = "knob ", "anchor "
Slots = dict[str, Any]


def bases_of(state: JamState) -> tuple[Base, ...]:
    """Return the bases of a state."""
    return (state.base, *state.rest) if state.base is not None else ()


def state_of(jam: Jam) -> JamState:
    """Return the whole state of a jam."""
    path = jam.history.state
    return JamState(
        knobs=dict(jam.knobs),
        mode=path.mode,
        frozen=path.frozen,
        muted=sorted(jam.mixer.mutes.muted),
        solo=jam.mixer.mutes.solo,
        metronome=jam.sender.metronome.on,
        conditions=dict(jam.requests.conditions),
        model=jam.model_choice.name,
        model_ident=jam.places.ident,
        metre=jam.dialogue.metre,
        base=path.base,
        rest=path.bases[1:],
        phrase_bars=path.phrase_bars,
        loop_bars=path.loop_bars,
        anchors=dict(sorted(path.anchors.items())),
        turn=path.turn,
        vary_set=jam.vary_set,
        mapping=jam.mappings.chosen() if jam.mappings is not None else {},
    )


def path_of(state: JamState) -> PathState:
    """Return the path of a state."""
    return PathState(
        bases_of(state),
        dict(state.anchors),
        state.mode,
        state.frozen,
        state.turn,
        state.phrase_bars,
        state.loop_bars,
    )


class StateSlots:
    """A jam's state, read and set while it plays."""

    def __init__(self, jam: Jam, turn: Turning) -> None:
        self._jam, self._turn = jam, turn

    # -- slot by slot: for undo ------------------------------------------------------------------

    def slots(self) -> Slots:
        """Return the present value of each thing that a gesture can change; none of them is ever altered."""
        jam, path = self._jam, self._jam.history.state
        found: Slots = {KNOB + name: value for name, value in jam.knobs.items()}
        for name in ANCHORS:
            found[ANCHOR + name] = path.anchors.get(name)
        found["base"], found["mode"], found["frozen"], found["turn"] = (
            path.bases,
            path.mode,
            path.frozen,
            path.turn,
        )
        found["mutes"], found["thru"], found["vary set"] = (
            jam.mixer.mutes,
            jam.performer.thru.on,
            jam.vary_set,
        )
        found["metronome"] = jam.sender.metronome.on
        found["mapping"] = tuple(jam.mappings.chosen().items()) if jam.mappings is not None else ()
        found["conditions"] = tuple(sorted(jam.requests.conditions.items()))
        found["model"], found["metre"] = jam.model_choice.name, jam.dialogue.metre
        found["lengths"] = path.phrase_bars, path.loop_bars
        found["ident"] = jam.places.ident
        return found

    def put(self, slots: Slots, now: Nanos) -> None:
        """Set some slots, the base last; another model's places come with the model.

        Args:
            slots: by name, with "ident", the weights that their places belong to; names that are not of
                the jam are left to others.
            now: the present moment.
        """
        jam, path = self._jam, self._jam.history.state
        anchors = {name.removeprefix(ANCHOR): one for name, one in slots.items() if name.startswith(ANCHOR)}
        another = "model" in slots and slots["model"] != jam.model_choice.name
        if another:
            filled = {name: anchor for name, anchor in anchors.items() if anchor is not None}
            jam.places.expect(slots.get("base", ()), filled, slots["ident"])
            jam.model_choice.load(slots["model"], jam.dialogue.metre)
        if "metre" in slots:
            self._set_metre(slots["metre"], now)
        if "lengths" in slots:
            phrase_bars, loop_bars = slots["lengths"]
            self._set_lengths(phrase_bars, loop_bars, now)
        if "conditions" in slots:
            self._set_conditions(dict(slots["conditions"]), now)
        if "mutes" in slots:
            jam.mixer.mute(slots["mutes"], now)
        if "thru" in slots and slots["thru"] != jam.performer.thru.on:
            jam.performer.thru.toggle(now)
        if slots.get("mapping") and jam.mappings is not None:
            jam.mappings.choose(dict(slots["mapping"]))
        if slots.get("metronome", jam.sender.metronome.on) != jam.sender.metronome.on:
            jam.switch_metronome(now, on=slots["metronome"])
        path.frozen = slots.get("frozen", path.frozen)
        if "mode" in slots:
            jam.gestures.set_mode(slots["mode"], jam.sent_to(now))
        if "turn" in slots:
            path.turn = slots["turn"]
            jam.plan.mark_stale(jam.sent_to(now))
        knobs = {name.removeprefix(KNOB): value for name, value in slots.items() if name.startswith(KNOB)}
        self.set_knobs(knobs, now)
        jam.vary_set = slots.get("vary set", jam.vary_set)
        if anchors and not another:
            jam.places.put_anchors(anchors, slots["ident"])
            jam.gestures.prepare_morph()
        if "base" in slots and not another:
            jam.places.put_bases(slots["base"], slots["ident"], jam.sent_to(now))

    # -- whole: for scenes -----------------------------------------------------------------------

    def slots_of(self, state: JamState) -> Slots:
        """Return a state as slots: all of it but thru; a state without a base leaves the one there is."""
        slots: Slots = {KNOB + name: value for name, value in state.knobs.items() if name in KNOBS}
        slots |= {ANCHOR + name: state.anchors.get(name) for name in ANCHORS}
        slots |= {
            "metre": state.metre,
            "lengths": (state.phrase_bars, state.loop_bars),
            "conditions": tuple(sorted(state.conditions.items())),
            "mutes": mutes_of(state.muted, state.solo),
            "metronome": state.metronome,
            "mapping": tuple(state.mapping.items()),
            "frozen": state.frozen,
            "mode": state.mode,
            "turn": state.turn,
            "vary set": state.vary_set,
            "model": state.model,
            "ident": state.model_ident,
        }
        if state.base is not None:
            slots["base"] = bases_of(state)
        return slots

    def set_knobs(self, values: Mapping[str, float], now: Nanos) -> None:
        """Turn knobs to where they were; those that place the base leave it where it is."""
        jam = self._jam
        for name, value in values.items():
            if name not in KNOBS or jam.knobs[name] == value:
                continue
            if name in PLACED_KNOBS:
                jam.knobs[name] = KNOBS[name].clip(value)
                jam.record_knob(name, jam.knobs[name], "scene", now)
            else:
                self._turn(name, value, now)

    def _set_metre(self, metre: str, now: Nanos) -> None:
        jam = self._jam
        if metre == jam.dialogue.metre:
            return
        try:
            jam.lengths.set_metre(metre, now)
        except UsageError as error:
            jam.notices.add("warning", str(error))

    def _set_lengths(self, phrase_bars: int, loop_bars: int, now: Nanos) -> None:
        """Take up so long phrases and let so long a loop repeat, of what the bases are."""
        jam, path = self._jam, self._jam.history.state
        if (phrase_bars, loop_bars) == (path.phrase_bars, path.loop_bars):
            return
        try:
            jam.lengths.set(phrase_bars, loop_bars, now)
        except UsageError as error:
            jam.notices.add("warning", str(error))

    def _set_conditions(self, wanted: dict[str, str], now: Nanos) -> None:
        """Hold answers to these conditions and to no others; a model is asked for those that it heeds."""
        jam = self._jam
        if wanted != jam.requests.conditions:
            jam.requests.conditions.clear()
            jam.requests.conditions.update(wanted)
            jam.plan.mark_stale(jam.sent_to(now))
