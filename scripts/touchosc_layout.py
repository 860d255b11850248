"""A layout for TouchOSC (of 2021 and later), written from the program's own knobs and actions to docs/.

A .tosc file is XML under zlib: nodes with typed properties, values and messages.  The facts are those that
Hexler's scripting reference and the public descriptions of the format name; version 3, which later ones read.
"""

import uuid
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from live.settings.knobs import KNOBS
from scripts.osc_layout import PAD, ROWS, address_of

OUT = Path(__file__).parents[1] / "docs" / "touchosc.tosc"
WIDTH, HEIGHT, GAP, LINE = 1024, 768, 6, 22
FADERS_HEIGHT, PAD_SIDE = 330, 390
COLOURS = {
    "FADER": (0.21, 0.76, 1.0),
    "XY": (1.0, 0.76, 0.28),
    "BUTTON": (0.24, 0.29, 0.4),
    "LABEL": (0.0, 0.0, 0.0),
}
VALUES = {"FADER": ("x",), "XY": ("x", "y"), "BUTTON": ("x",)}
CONNECTIONS = "00001"  # the first of five

Frame = tuple[float, float, float, float]


def layout() -> ET.Element:
    """Return the document: knobs as faders, the pad, and the buttons of the other layout."""
    document = ET.Element("lexml", version="3")
    root = node(document, "GROUP", "twobar", (0, 0, WIDTH, HEIGHT))
    children = ET.SubElement(root, "children")
    faders = [name for name in KNOBS if name not in PAD]
    width = (WIDTH - GAP) / len(faders)
    for number, name in enumerate(faders):
        frame = (GAP + number * width, LINE + GAP, width - GAP, FADERS_HEIGHT - LINE)
        spec = KNOBS[name]
        made = control(
            children, "FADER", name, frame, ranges=[(spec.low, spec.high)], address=f"/twobar/knob/{name}"
        )
        default = made.find("values/value[key='x']/default")
        assert default is not None
        default.text = f"{spec.to_unit(spec.rest):g}"
        label(children, name, (frame[0], GAP, frame[2], LINE))
    top = FADERS_HEIGHT + 3 * GAP
    control(
        children, "XY", "pad", (GAP, top, PAD_SIDE, PAD_SIDE), ranges=[(0, 1), (0, 1)], address="/twobar/xy"
    )
    left, height = PAD_SIDE + 2 * GAP, (HEIGHT - top) / (len(ROWS) + 1)
    connect = (left, top, WIDTH - left - GAP, height - GAP)
    control(children, "BUTTON", "hear from twobar", connect, ranges=[], address="/twobar/subscribe")
    label(children, "hear from twobar", connect)
    for line, buttons in enumerate(ROWS.values(), 1):
        wide = (WIDTH - left) / len(buttons)
        for number, (words, action, argument) in enumerate(buttons):
            place = (left + number * wide, top + line * height, wide - GAP, height - GAP)
            control(children, "BUTTON", words, place, ranges=[(0, 1)], address=address_of(action, argument))
            label(children, words, place)
    return document


def node(parent: ET.Element, kind: str, name: str, frame: Frame) -> ET.Element:
    """Add a node with a name, a place and a colour."""
    ident = str(uuid.uuid5(uuid.NAMESPACE_URL, f"twobar {kind} {name} {frame}"))
    made = ET.SubElement(parent, "node", ID=ident, type=kind)
    properties = ET.SubElement(made, "properties")
    colour = dict(zip("rgba", (*COLOURS.get(kind, (0.04, 0.05, 0.08)), 1.0), strict=True))
    stated(properties, "c", "color", colour)
    stated(properties, "r", "frame", dict(zip("xywh", frame, strict=True)))
    stated(properties, "s", "name", name)
    return made


def stated(properties: ET.Element, kind: str, key: str, value: "str | dict[str, float]") -> None:
    """Add a property: a text, a number, or the parts of a place or a colour."""
    made = ET.SubElement(properties, "property", type=kind)
    ET.SubElement(made, "key").text = key
    content = ET.SubElement(made, "value")
    if isinstance(value, str):
        content.text = value
        return
    for name, part in value.items():
        ET.SubElement(content, name).text = f"{part:g}"


def control(
    parent: ET.Element, kind: str, name: str, frame: Frame, *, ranges: list[tuple[float, float]], address: str
) -> ET.Element:
    """Add what is touched: it sends its values, each in its range, and follows what comes back."""
    made = node(parent, kind, name, frame)
    values = ET.SubElement(made, "values")
    for axis in VALUES[kind]:
        valued(values, axis, "0")
    message = ET.SubElement(ET.SubElement(made, "messages"), "osc")
    for key, text in (
        ("enabled", "1"),
        ("send", "1"),
        ("receive", "0" if kind == "BUTTON" else "1"),
        ("feedback", "0"),
        ("connections", CONNECTIONS),
    ):
        ET.SubElement(message, key).text = text
    triggers = ET.SubElement(message, "triggers")
    for axis in VALUES[kind]:
        trigger = ET.SubElement(triggers, "trigger")
        ET.SubElement(trigger, "var").text = axis
        ET.SubElement(trigger, "condition").text = "RISE" if kind == "BUTTON" else "ANY"
    partial(ET.SubElement(message, "path"), "CONSTANT", "STRING", address, (0, 1))
    arguments = ET.SubElement(message, "arguments")
    for axis, range_ in zip(VALUES[kind], ranges, strict=False):
        partial(arguments, "VALUE", "FLOAT", axis, range_)
    return made


def label(parent: ET.Element, words: str, frame: Frame) -> None:
    """Add words that let touches through."""
    made = node(parent, "LABEL", f"{words} label", frame)
    properties = made.find("properties")
    assert properties is not None
    for kind, key, text in (("b", "background", "0"), ("b", "interactive", "0"), ("i", "textSize", "14")):
        stated(properties, kind, key, text)
    valued(ET.SubElement(made, "values"), "text", words)


def valued(values: ET.Element, key: str, default: str) -> None:
    """Add a value and what it is at first."""
    made = ET.SubElement(values, "value")
    fields = {"key": key, "locked": "0", "lockedDefaultCurrent": "0", "default": default, "defaultPull": "0"}
    for name, text in fields.items():
        ET.SubElement(made, name).text = text


def partial(parent: ET.Element, kind: str, conversion: str, value: str, scale: tuple[float, float]) -> None:
    """Add a piece of a message: a constant, or a value of the control."""
    made = ET.SubElement(parent, "partial")
    low, high = (f"{end:g}" for end in scale)
    fields = {"type": kind, "conversion": conversion, "value": value, "scaleMin": low, "scaleMax": high}
    for name, text in fields.items():
        ET.SubElement(made, name).text = text


def packed() -> bytes:
    """Return the file."""
    text = ET.tostring(layout(), encoding="UTF-8", xml_declaration=True)
    return zlib.compress(text, 9)


def write() -> None:
    """Write the file."""
    OUT.write_bytes(packed())
