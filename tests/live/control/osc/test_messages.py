"""OSC: what each address asks for, and what is made of datagrams, broken ones too."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY

from live.control.osc.messages import ADDRESSES, BadPacketError, commands_of, unpack
from live.ipc import commands as ask
from live.ipc.commands import Command
from live.settings.knobs import KNOBS
from tests.fakes.osc_packets import bundle, knob, message
from tests.root import ROOT

# -- what each address asks for ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "arguments", "commands"),
    [
        ("/twobar/knob/density", (0.5,), [knob("density", 0.5)]),
        ("/twobar/knob/xy.x", (1,), [knob("xy.x", 1.0)]),
        ("/twobar/knob/stray", (7.0,), [knob("stray", 1.0)]),
        ("/twobar/knob/density", (-7,), [knob("density", -1.0)]),
        ("/twobar/xy", (0.25, 2.0), [knob("xy.x", 0.25), knob("xy.y", 1.0)]),
        ("/twobar/tempo", (96,), [knob("tempo", 96.0)]),
        ("/twobar/tempo", (1e9,), [knob("tempo", KNOBS["tempo"].high)]),
        ("/twobar/latent", (0.5, -3, 1.0), [ask.GoTo([0.5, -3.0, 1.0], source="osc")]),
        ("/twobar/note", (60, 100), [ask.PlayKey(60, 100, source="osc")]),
        ("/twobar/note", (60, 300), [ask.PlayKey(60, 127, source="osc")]),
        ("/twobar/note", (60, 0), [ask.PlayKey(60, 0, source="osc")]),
        ("/twobar/note", (60, -1), [ask.PlayKey(60, 0, source="osc")]),
        ("/twobar/model", ("lead",), [ask.ChooseModel("lead", source="osc")]),
        ("/twobar/mapping", ("footswitch",), [ask.ChooseMapping("footswitch", source="osc")]),
        ("/twobar/mapping", ("auto", "Old keys"), [ask.ChooseMapping("auto", "Old keys", source="osc")]),
        ("/twobar/metre", ("3/4",), [ask.SetMetre("3/4", source="osc")]),
        ("/twobar/metre", ("auto",), [ask.SetMetre("auto", source="osc")]),
        ("/twobar/action/metre", ("6/8",), [ask.SetMetre("6/8", source="osc")]),
        ("/twobar/words", ("a bit sparser",), [ask.Say("a bit sparser", source="osc")]),
        ("/twobar/action/metre/6/8", (1.0,), [ask.SetMetre("6/8", source="osc")]),
        ("/twobar/condition/key", ("F# minor",), [ask.SetCondition("key", "F# minor", source="osc")]),
        ("/twobar/condition/style", ("auto",), [ask.SetCondition("style", "auto", source="osc")]),
        ("/twobar/action/panic", (), [ask.Panic(source="osc")]),
        ("/twobar/action/panic", (1.0,), [ask.Panic(source="osc")]),
        ("/twobar/action/panic", (0.0,), []),
        ("/twobar/action/capture", ("A",), [ask.StoreAnchor("A", source="osc")]),
        ("/twobar/action/capture", ("b",), [ask.StoreAnchor("B", source="osc")]),
        ("/twobar/action/scene", (3,), [ask.CallScene(3, source="osc")]),
        ("/twobar/action/scene", (3.0,), [ask.CallScene(3, source="osc")]),
        ("/twobar/action/mode", ("hold",), [ask.SetMode("hold", source="osc")]),
        ("/twobar/action/mode/hold", (1.0,), [ask.SetMode("hold", source="osc")]),
        ("/twobar/action/mode/hold", (0,), []),
        ("/twobar/action/capture A", (), [ask.StoreAnchor("A", source="osc")]),
        ("/twobar/action/scene 3 over 4 bars", (), [ask.CallScene(3, 4, source="osc")]),
        ("/twobar/action/scene/3 over 4 bars", (1,), [ask.CallScene(3, 4, source="osc")]),
        ("/twobar/action/scene", ("3 over 4 bars",), [ask.CallScene(3, 4, source="osc")]),
        ("/twobar/action/tempo/140 over 8 bars", (), [ask.RampTempo(140.0, 8, source="osc")]),
    ],
)
def test_addresses(address: str, arguments: tuple[object, ...], commands: list[Command]) -> None:
    assert commands_of(address, arguments) == commands


@pytest.mark.parametrize(
    ("address", "arguments", "words"),
    [
        ("/twobar/knob/densty", (0.5,), ["'densty'", "did you mean 'density'"]),
        ("/twobar/knob/density", (), ["takes 1 number"]),
        ("/twobar/knob/density", ("loud",), ["takes 1 number"]),
        ("/twobar/knob/density", (True,), ["takes 1 number"]),
        ("/twobar/knob/density", (math.nan,), ["NaN"]),
        ("/twobar/knob/density", (math.inf,), ["NaN and infinity"]),
        ("/twobar/xy", (0.5,), ["takes 2 numbers"]),
        ("/twobar/latent", (), ["1 to 2048 numbers"]),
        ("/twobar/latent", (0.0, -math.inf), ["infinity"]),
        ("/twobar/note", (128, 100), ["0 to 127", "128"]),
        ("/twobar/note", (60.5, 100), ["whole number", "60.5"]),
        ("/twobar/model", (3,), ["the model's name"]),
        ("/twobar/mapping", ("a", 3), ["a mapping's name or auto"]),
        ("/twobar/condition/key", (), ["takes one text"]),
        ("/twobar/metre", (3,), ["takes one text, as 3/4, or auto"]),
        ("/twobar/words", (), ["takes one text, as 'sparser, a bit higher'"]),
        ("/twobar/action/metre", ("3/5",), ["'3/5'", "did you mean '3/4'"]),
        ("/twobar/condition", ("C",), ["unknown OSC address"]),
        ("/twobar/action/pnic", (), ["'pnic'", "did you mean 'panic'"]),
        ("/twobar/action/capture", (), ["A, B, C, D"]),
        ("/twobar/action/capture", ("E",), ["'E'", "A, B, C, D"]),
        ("/twobar/action/panic", ("now",), ["does not take"]),
        ("/twobar/action/panic/now", (), ["takes no argument"]),
        ("/twobar/knbo/density", (0.5,), ["unknown OSC address", "/twobar/knob/NAME"]),
        ("/other/knob/density", (0.5,), ["unknown OSC address"]),
        ("/twobar/knob/", (0.5,), ["unknown OSC address"]),
    ],
)
def test_what_is_not_understood_is_named(
    address: str, arguments: tuple[object, ...], words: list[str]
) -> None:
    with pytest.raises(BadPacketError) as caught:
        commands_of(address, arguments)
    for word in words:
        assert word in str(caught.value)


def test_the_page_names_every_address() -> None:
    page = (ROOT / "docs" / "osc.md").read_text(encoding="utf-8")
    for address in ADDRESSES:
        assert f"| `/twobar/{address}`" in page


# -- datagrams -----------------------------------------------------------------------------------


def test_bundles_nest_and_inner_ones_are_never_due_first() -> None:
    first, second, third = (message("/twobar/tempo", number) for number in (1, 2, 3))
    messages = unpack(bundle(IMMEDIATELY, first, bundle(2000.0, second, bundle(1000.0, third))))
    assert [each.arguments for each in messages] == [(1,), (2,), (3,)]
    assert messages[0].due is None
    assert messages[1].due == messages[2].due == pytest.approx(2000.0, abs=1e-3)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0",
        b"/",
        b"hello",
        b"#bundle\0",
        bundle(IMMEDIATELY) + struct.pack(">i", -4),
        bundle(IMMEDIATELY) + struct.pack(">i", 0),
        bundle(IMMEDIATELY) + struct.pack(">i", 400) + message("/a"),
        bundle(IMMEDIATELY) + b"\0\0",
        message("/twobar/tempo", 1)[:-2],
        b"/\xff\xfe\0,i\0\0\0\0\0\1",
        b"/abc\0\0\0\0,q\0\0",
        b"/abc\0\0\0\0xyz\0",
        b"/abc\0\0\0\0,[\0\0",
        message("/twobar/latent", *[0.5] * 5000),
    ],
)
def test_broken_datagrams_are_refused(datagram: bytes) -> None:
    with pytest.raises(BadPacketError):
        unpack(datagram)


def test_endless_nesting_is_refused() -> None:
    datagram = message("/twobar/tempo", 1)
    for _ in range(2000):
        datagram = bundle(IMMEDIATELY, datagram)
    with pytest.raises(BadPacketError, match="nested deeper"):
        unpack(datagram)


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"#bundle\0" + tail))
def test_any_bytes_are_messages_or_refused(datagram: bytes) -> None:
    try:
        messages = unpack(datagram)
    except BadPacketError:
        return
    for each in messages:
        try:
            commands = commands_of(each.address, each.arguments)
        except BadPacketError:
            continue
        assert all(isinstance(command, Command) for command in commands)


@given(
    st.sampled_from(
        ["knob/density", "xy", "latent", "note", "tempo", "model", "action/mode", "action/panic"]
    ),
    st.lists(
        st.integers(-(2**31), 2**31 - 1)
        | st.floats(width=32)
        | st.text(max_size=3)
        | st.booleans()
        | st.none()
    ),
)
def test_any_arguments_give_values_in_range_or_are_refused(address: str, arguments: list[object]) -> None:
    try:
        commands = commands_of("/twobar/" + address, arguments)
    except BadPacketError:
        return
    for command in commands:
        match command:
            case ask.Turn(name, value):
                assert KNOBS[name].low <= value <= KNOBS[name].high
            case ask.PlayKey(pitch, velocity):
                assert 0 <= pitch <= 127
                assert 0 <= velocity <= 127
            case ask.GoTo(z):
                assert all(map(math.isfinite, z))
