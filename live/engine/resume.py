"""A jam's memory made, and a jam that has just begun set to one: what the engine after a crash goes on with.

Threads: engine only.
"""

from live.ipc.jam_memory import JamFindings, JamMemory, SetPlace
from live.jam.jam import Jam
from live.jam.parts.mutes import mutes_of
from live.jam.scenes.jam_state import path_of, state_of
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos


def remembered(jam: Jam, *, started: bool, demo: bool, recording: bool | None = None) -> JamMemory:
    """Return what of a jam must outlive its engine."""
    return JamMemory(
        state=state_of(jam),
        thru=jam.performer.thru.on,
        chosen_model=jam.model_choice.wanted,
        lines=jam.plan.lines,
        timeline=jam.transport.timeline if jam.transport.running else None,
        started=started,
        demo=demo,
        recording=recording,
        zones=jam.performer.thru.zones(),
        listening=jam.listening.waits,
        armed=jam.first_note.armed,
        scene=jam.scenery.called if jam.scenery is not None else 0,
        place=jam.scenery.place if jam.scenery is not None else SetPlace(),
        findings=JamFindings(
            swing=jam.requests.swing,
            lag_nanos=jam.performer.lag_nanos,
            key=jam.dialogue.key,
            bases=jam.places.bases,
            here=jam.decoding.here,
        ),
    )


def restore(jam: Jam, memory: JamMemory, now: Nanos) -> None:
    """Let a jam that has just begun go on as another one was: on its timeline, with its knobs and base."""
    jam.stop(now)
    jam.dialogue.restart()
    state, findings = memory.state, memory.findings
    jam.knobs.update({name: KNOBS[name].clip(value) for name, value in state.knobs.items() if name in KNOBS})
    jam.requests.conditions.clear()
    jam.requests.conditions.update(state.conditions)
    jam.performer.thru.on = memory.thru
    jam.performer.thru.go_on(memory.zones, now)
    jam.mixer.restore(mutes_of(state.muted, state.solo))
    jam.sender.metronome.on = state.metronome
    if state.mapping and jam.mappings is not None:
        jam.mappings.choose(state.mapping)
    jam.plan.lines, jam.dialogue.metre = memory.lines, state.metre
    jam.history.state, jam.vary_set = path_of(state), state.vary_set
    jam.requests.swing, jam.performer.lag_nanos = findings.swing, findings.lag_nanos
    jam.dialogue.key, jam.decoding.here, jam.places.bases = findings.key, findings.here, findings.bases
    jam.transport.set_tempo(jam.knobs["tempo"], now)
    jam.resume(memory.timeline, now, model=memory.chosen_model, model_ident=state.model_ident)
    if jam.scenery is not None:
        jam.scenery.go_on(memory.scene, memory.place)
    if memory.listening:
        jam.listening.wait(jam.plan.grid)
    jam.first_note.armed = memory.armed
