"""What lamps and rings show of a jam."""

import tomllib
from typing import Any

import msgspec
import pytest

from live.control import lights
from live.control.lights import LitState
from live.control.mappings import mapping_file
from live.errors import UsageError
from live.settings.knobs import ACTIONS, KNOBS

HEAD = '[controller]\nname = "x"\n'
REST = LitState(
    transport="stopped",
    on_beat=False,
    mode="follow",
    metre="4/4",
    phrase_bars=0,
    loop_bars=0,
    frozen=False,
    key_locked=False,
    anchors=frozenset(),
    muted=frozenset(),
    alone=frozenset(),
    metronome=False,
    recording=False,
    scenes=frozenset(),
    scene=0,
    knobs={name: spec.rest for name, spec in KNOBS.items()},
    cells=(),
    column=-1,
)


def mapping(text: str) -> mapping_file.Mapping:
    return mapping_file.parse(tomllib.loads(HEAD + text), where="desk.toml")


def shown(text: str, **state: Any) -> list[bytes]:
    return [*lights.lamps(mapping(f"[[control]]\n{text}\n"), REST._replace(**state)).values()]


def test_a_lamp_is_set_by_its_control_s_own_message_or_by_another() -> None:
    frozen: dict[str, Any] = {"frozen": True}
    assert shown('note = 36\nchannel = 10\naction = "freeze"\nlight = {}', **frozen) == [
        bytes((0x99, 36, 127))
    ]
    assert shown('cc = 41\naction = "freeze"\nlight = { on = 5, off = 1 }') == [bytes((0xB0, 41, 1))]
    text = 'cc = 41\nchannel = 3\naction = "freeze"\nlight = { note = 8, channel = 2, on = 5 }'
    assert shown(text, **frozen) == [bytes((0x91, 8, 5))]
    assert shown('program = 4\naction = "freeze"\nlight = { cc = 8 }', **frozen) == [bytes((0xB0, 8, 127))]


@pytest.mark.parametrize(("value", "number"), [(-1.0, 1), (0.0, 6), (1.0, 11)])
def test_a_ring_shows_a_knob_s_travel(value: float, number: int) -> None:
    knobs = {**REST.knobs, "density": value}
    text = 'cc = 16\nencoder = "twos_complement"\nknob = "density"\nlight = { cc = 48, ring = [1, 11] }'
    assert shown(text, knobs=knobs) == [bytes((0xB0, 48, number))]


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("capture B", {"anchors": frozenset("B")}),
        ("recall B", {"anchors": frozenset("B")}),
        ("mode hold", {"mode": "hold"}),
        ("metre 3/4", {"metre": "3/4"}),
        ("freeze", {"frozen": True}),
        ("key lock", {"key_locked": True}),
        ("mute bass", {"muted": frozenset(["bass"])}),
        ("scene 3", {"scenes": frozenset([3])}),
        ("start", {"transport": "playing"}),
        ("record", {"recording": True}),
        ("tap", {"transport": "playing", "on_beat": True}),
    ],
)
def test_a_state_is_lit_and_others_are_dark(action: str, state: dict[str, Any]) -> None:
    text = f'note = 1\naction = "{action}"\nlight = {{ on = 9, off = 2 }}'
    assert shown(text, **state) == [bytes((0x90, 1, 9))]
    assert shown(text) == [bytes((0x90, 1, 2))]


def test_what_blinks_does_so_by_value_by_channel_or_by_the_beat() -> None:
    now: dict[str, Any] = {"scene": 2, "scenes": frozenset([2])}
    scene = 'note = 1\naction = "scene 2"\nlight = { on = 9'
    assert shown(scene + ", blink = 4 }", **now) == [bytes((0x90, 1, 4))]
    assert shown(scene + ", blink_channel = 3 }", **now) == [bytes((0x92, 1, 9))]
    assert shown(scene + " }", **now) == [bytes((0x90, 1, 0))]
    assert shown(scene + " }", **now, on_beat=True) == [bytes((0x90, 1, 9))]


def test_every_action_has_a_level() -> None:
    for name, words in ACTIONS.items():
        for word in words or ("",):
            assert lights.level_of(f"{name} {word}".strip(), REST) in ("on", "off", "blink")


def test_the_roll_shows_parts_columns_and_where_it_sounds() -> None:
    text = "[roll]\nrows = [[81, 82, 83, 84], [71, 72, 73, 74]]\non = 5\noff = 1\nplayhead = 3\n"
    state = REST._replace(cells=(frozenset([0, 1]), frozenset()), column=1)
    sent = lights.lamps(mapping(text), state)
    values = [sent[0x90, note][2] for row in ((81, 82, 83, 84), (71, 72, 73, 74)) for note in row]
    assert values == [5, 3, 1, 1, 1, 3, 1, 1]
    assert {data[2] for data in lights.dark(mapping(text)).values()} == {0}
    assert lights.columns([(0, 480), (1900, 1910), (3839, 3839)], 3840) == frozenset([0, 3, 7])


def test_dark_clears_every_lamp_that_is_ever_lit() -> None:
    text = (
        '[[control]]\nnote = 1\naction = "scene 2"\nlight = { blink_channel = 3, off = 2 }\n'
        '[[control]]\ncc = 20\nknob = "gate"\nlight = {}\n'
    )
    lit = lights.lamps(mapping(text), REST._replace(scene=2))
    cleared = lights.dark(mapping(text))
    assert lit.keys() == cleared.keys()
    assert [*cleared.values()] == [bytes((0x90, 1, 0)), bytes((0xB0, 20, 0))]


@pytest.mark.parametrize(
    ("light", "words"),
    [
        (
            'cc = 1\nknob = "gate"\nlight = { on = 3 }',
            "control 1 (CC 1) has a light with on; a knob shows its",
        ),
        (
            'cc = 1\naction = "tap"\nlight = { ring = [0, 5] }',
            "has a light with ring; that belongs to a knob",
        ),
        ('pitch_bend = true\nknob = "gate"\nlight = {}', "cannot be lit by its own message"),
        ('cc = 1\naction = "tap"\nlight = { cc = 1, note = 1 }', "a light with cc and note"),
        ('cc = 1\naction = "tap"\nlight = { blnk = 1 }', "'blnk'"),
        ('cc = 1\naction = "tap"\nlight = { on = 200 }', "from 0 to 127"),
    ],
)
def test_a_light_that_cannot_be_is_one_sentence(light: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        mapping(f"[[control]]\n{light}\n")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_greeting_is_a_whole_message() -> None:
    raw = tomllib.loads('[controller]\nname = "x"\nhello = ["F0 00 20"]\n')
    with pytest.raises(UsageError, match=r"controller\.hello has 'F0 00 20'"):
        mapping_file.parse(raw, where="desk.toml")
    assert mapping_file.message("9F 0C 7F") == bytes((0x9F, 12, 127))
    assert msgspec.to_builtins(mapping_file.Light()) == {}
