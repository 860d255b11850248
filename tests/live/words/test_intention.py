"""Intentions: from where the knobs stand, within their ranges, with a line to show before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc.commands import (
    CallScene,
    Loop,
    MutePart,
    Panic,
    RecallAnchor,
    SetCondition,
    SetMode,
    Start,
    StoreAnchor,
    Turn,
)
from live.settings.knobs import KNOBS
from live.words.intention import EXAMPLES, Situation, intention_of, situation_of
from tests.fakes.snapshots import scene

AT_REST = Situation({name: spec.rest for name, spec in KNOBS.items()})


def test_sparser_darker_like_b_but_higher() -> None:
    asked = intention_of("sparser, a bit darker, like B but much louder", AT_REST, source="page")
    assert asked.commands == (
        Turn("density", -0.4, source="page"),
        Turn("register", -0.2, source="page"),
        RecallAnchor("B", source="page"),
        Turn("dynamics", 0.7, source="page"),
    )
    assert asked.lines == (
        "density 0.00 -> -0.40",
        "register 0.00 -> -0.20",
        "play from anchor B",
        "dynamics 0.00 -> +0.70",
    )


def test_a_knob_stops_at_its_end_and_says_so() -> None:
    asked = intention_of("busier", AT_REST._replace(knobs={**AT_REST.knobs, "density": 1.0}))
    assert asked.commands == (Turn("density", 1.0),)
    assert asked.lines == ("density stays at +1.00",)


@pytest.mark.parametrize(
    ("text", "bpm"),
    [("faster", 130), ("a bit slower", 116), ("much faster", 145), ("at 96 bpm", 96), ("at 999 bpm", 300)],
)
def test_tempo_turns_by_beats_per_minute(text: str, bpm: float) -> None:
    assert intention_of(text, AT_REST).commands == (Turn("tempo", bpm),)


def test_what_runs_is_not_started_again_from_bar_1() -> None:
    assert intention_of("play", AT_REST).commands == (Start(),)
    asked = intention_of("play", AT_REST._replace(running=True))
    assert (asked.commands, asked.sentence) == ((), "it is so already")
    assert situation_of(scene()).running


def test_chords_a_loop_and_all_parts_are_said_too() -> None:
    assert intention_of("play C Am F G", AT_REST).commands == (SetCondition("chords", "C Am F G"),)
    assert intention_of("loop 4 bars", AT_REST).commands == (Loop(4),)
    assert intention_of("stop looping", AT_REST).commands == (Loop(0),)
    muted = AT_REST._replace(muted=frozenset(["drums", "bass"]))
    assert intention_of("unmute everything", muted).commands == (MutePart("bass"), MutePart("drums"))


def test_a_part_that_is_muted_already_is_left_alone() -> None:
    muted = AT_REST._replace(muted=frozenset(["drums"]))
    assert intention_of("no drums", muted).commands == ()
    assert intention_of("no drums", muted).sentence == "it is so already"
    assert intention_of("no drums", AT_REST).commands == (MutePart("drums"),)
    assert intention_of("bring the drums back", muted).commands == (MutePart("drums"),)
    assert intention_of("only the bass", muted).commands == (MutePart("melody"), MutePart("chords"))


def test_back_to_normal_puts_to_rest_what_is_not() -> None:
    turned = AT_REST._replace(knobs={**AT_REST.knobs, "density": 0.3, "stray": 0.5, "volume": 0.2})
    assert intention_of("back to normal", turned).commands == (Turn("density", 0.0), Turn("stray", 0.0))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("take turns", SetMode("answer")),
        ("in D minor", SetCondition("key", "D minor")),
        ("scene 3", CallScene(3)),
        ("silence", Panic()),
        ("remember this as C", StoreAnchor("C")),
    ],
)
def test_the_rest_becomes_the_instruments_own_commands(text: str, command: object) -> None:
    assert intention_of(text, AT_REST).commands == (command,)


def test_nothing_understood_is_one_sentence_with_examples() -> None:
    assert intention_of("purple", AT_REST).sentence == f"not understood: 'purple'; {EXAMPLES}"
    assert (
        intention_of("purple, louder", AT_REST).sentence == "dynamics 0.00 -> +0.40; not understood: 'purple'"
    )


@given(st.text(max_size=80), st.dictionaries(st.sampled_from([*KNOBS]), st.floats(-1000, 1000)))
def test_whatever_is_said_turns_knobs_within_their_ranges(text: str, values: dict[str, float]) -> None:
    knobs = {name: KNOBS[name].clip(value) for name, value in values.items()}
    for command in intention_of(f"busier {text}", Situation({**AT_REST.knobs, **knobs})).commands:
        if isinstance(command, Turn):
            assert KNOBS[command.knob].low <= command.value <= KNOBS[command.knob].high


def test_an_anchor_that_holds_nothing_is_named_before_it_is_asked_for() -> None:
    shown = situation_of(scene())  # of its anchors C is empty
    assert intention_of("like C", shown).lines == ("play from anchor C (empty: store it first)",)
    assert intention_of("like B", shown).lines == ("play from anchor B",)
