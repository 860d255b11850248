"""From meanings to commands: how far each knob turns from where it stands, and what to show before."""

from collections.abc import Mapping
from typing import NamedTuple

from live.ipc import commands as ask
from live.ipc.commands import Command, action
from live.ipc.snapshot import Snapshot
from live.settings.knobs import ATTRIBUTE_KNOBS, KNOBS, KnobSpec
from live.words.meaning import Meaning
from live.words.reading import read_words
from live.words.vocabulary import SHARES, TEMPO_BPM
from model.music.tracks import TRACKS

RESTING = (*ATTRIBUTE_KNOBS, "stray", "temperature", "swing")
EXAMPLES = "try: sparser, a bit higher, like B but softer, no drums"


class Situation(NamedTuple):
    """Where the instrument stands.

    Attributes:
        knobs: their values by name.
        muted: the parts that are.
        empty: the anchors in which nothing is stored.
        running: whether the transport is: what runs is not started again, for that would be from bar 1.
    """

    knobs: Mapping[str, float]
    muted: frozenset[str] = frozenset()
    empty: frozenset[str] = frozenset()
    running: bool = False


def situation_of(snapshot: Snapshot) -> Situation:
    """Return where the instrument of a snapshot stands."""
    return Situation(
        {knob.name: knob.value for knob in snapshot.knobs},
        frozenset(snapshot.muted),
        frozenset(anchor.name for anchor in snapshot.anchors if anchor.xy is None),
        snapshot.state in ("playing", "count-in"),
    )


class Intention(NamedTuple):
    """What a text asks for.

    Attributes:
        commands: to be carried out in this order, in the name of the source.
        lines: what each does, for the human: "density 0.00 -> -0.40".
        unknown: words that were not understood.
        understood: whether anything was, also where nothing is left to be done for it.
    """

    commands: tuple[Command, ...]
    lines: tuple[str, ...]
    unknown: tuple[str, ...]
    understood: bool = False

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        parts = ["; ".join(self.lines)] if self.lines else []
        if self.unknown:
            words = ", ".join(f"'{word}'" for word in self.unknown)
            parts.append(f"not understood: {words}")
        if not self.lines:
            parts.append("it is so already" if self.understood and not self.unknown else EXAMPLES)
        return "; ".join(parts)


def intention_of(text: str, situation: Situation, *, source: str = "") -> Intention:
    """Return what a text asks for, where the instrument stands."""
    reading = read_words(text)
    commands: list[Command] = []
    lines: list[str] = []
    knobs = dict(situation.knobs)
    for meaning in reading.meanings:
        for command, line in _commands_of(meaning, situation._replace(knobs=knobs), source):
            commands.append(command)
            lines.append(line)
            if isinstance(command, ask.Turn):
                knobs[command.knob] = command.value
    return Intention(tuple(commands), tuple(lines), reading.unknown, bool(reading.meanings))


def _commands_of(meaning: Meaning, situation: Situation, source: str) -> list[tuple[Command, str]]:
    kind, name, knobs = meaning.kind, meaning.name, situation.knobs
    match kind:
        case "knob" | "value":
            return [_turned(meaning, knobs, source)]
        case "rest":
            return [
                (ask.Turn(each, KNOBS[each].rest, source=source), f"{each} at rest")
                for each in RESTING
                if each in knobs and knobs[each] != KNOBS[each].rest
            ] or [(ask.Turn("stray", KNOBS["stray"].rest, source=source), "every knob is at rest")]
        case "recall":
            lacks = " (empty: store it first)" if name in situation.empty else ""
            return [(ask.RecallAnchor(name, source=source), f"play from anchor {name}{lacks}")]
        case "store":
            return [(ask.StoreAnchor(name, source=source), f"store anchor {name}")]
        case "mode":
            return [(ask.SetMode(name, source=source), f"mode {name}")]
        case "metre":
            return [(ask.SetMetre(name, source=source), f"metre {name}")]
        case "key" | "chords":
            return [(ask.SetCondition(kind, name, source=source), f"{kind} {name}")]
        case "scene":
            return [(ask.CallScene(int(name), source=source), f"scene {name}")]
        case "mute" | "unmute" | "only":
            return _parts(kind, name, situation.muted, source)
        case "keep":
            return []
        case "action" if name == "start" and situation.running:
            return []
        case "action":
            first, _, argument = name.partition(" ")
            return [(action(first, argument, source=source), name)]


def _turned(meaning: Meaning, knobs: Mapping[str, float], source: str) -> tuple[Command, str]:
    """Return the turn of a knob, and what it shows."""
    spec = KNOBS[meaning.name]
    before = knobs.get(spec.name, spec.rest)
    after = meaning.value if meaning.kind == "value" else before + meaning.sign * reach(spec, meaning)
    after = round(spec.clip(after), 4)
    if after == before:
        return ask.Turn(spec.name, after, source=source), f"{spec.name} stays at {_shown(spec, after)}"
    return ask.Turn(
        spec.name, after, source=source
    ), f"{spec.name} {_shown(spec, before)} -> {_shown(spec, after)}"


def reach(spec: KnobSpec, meaning: Meaning) -> float:
    """Return how far a knob turns, in its own range."""
    if spec.name == "tempo":
        return TEMPO_BPM[meaning.degree]
    bipolar, unipolar = SHARES[meaning.degree]
    return (bipolar if spec.bipolar else unipolar) * (spec.high - spec.low)


def _shown(spec: KnobSpec, value: float) -> str:
    if spec.name == "tempo":
        return f"{value:g}"
    return f"{value:+.2f}" if spec.bipolar and round(value, 2) else f"{abs(value):.2f}"


def _parts(kind: str, name: str, muted: frozenset[str], source: str) -> list[tuple[Command, str]]:
    """Return what mutes or lets play; a part that is as it shall be is left alone."""
    named = frozenset(TRACKS) if name == "all" else frozenset((name,))
    wanted = {"mute": muted | named, "unmute": muted - named, "only": frozenset(TRACKS) - named}[kind]
    return [
        (ask.MutePart(part, source=source), f"{part} {'muted' if part in wanted else 'plays again'}")
        for part in TRACKS
        if (part in wanted) != (part in muted)
    ]
