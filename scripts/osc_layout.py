"""A layout for Open Stage Control, written from the program's own knobs and actions to docs/."""

import json
from pathlib import Path
from typing import Any

from live.settings.knobs import ACTIONS, ANCHORS, KNOBS, MODES
from model.music.tracks import TRACKS

OUT = Path(__file__).parents[1] / "docs" / "open-stage-control.json"
TARGET, OWN_PORT = "127.0.0.1:9000", 9001
SUBSCRIBE = f'send("/twobar/subscribe", "127.0.0.1", {OWN_PORT})'
PAD = ("xy.x", "xy.y")
TRANSPORT = ("start", "stop", "arm", "metronome", "tap", "record", "undo", "panic")
ROWS: dict[str, list[tuple[str, str, str]]] = {
    "modes": [(mode, "mode", mode) for mode in MODES],
    "recall": [(f"play {name}", "recall", name) for name in ANCHORS],
    "store": [(f"store {name}", "capture", name) for name in ANCHORS],
    "parts": [(f"mute {part}", "mute", part) for part in TRACKS],
    "solo": [(f"{part} alone", "solo", part) for part in TRACKS],
    "vary": [(f"vary {way}", "vary", way) for way in ACTIONS["vary"]],
    "scenes": [(f"scene {number}", "scene", str(number)) for number in range(1, 10)],
    "transport": [(name, name, "") for name in TRANSPORT],
}
"""Buttons side by side: label, action, argument."""


def layout() -> dict[str, Any]:
    """Return the session: knobs as faders, a pad, buttons for modes, anchors, parts and the transport."""
    faders = [fader(name) for name in KNOBS if name not in PAD]
    pad = widget("xy", "pad", address="/twobar/xy", width=360, height=360, rangeX=unit(), rangeY=unit())
    rows = [row(ident, [button(*each) for each in buttons]) for ident, buttons in ROWS.items()]
    shown = row("state", [text(name) for name in ("transport", "mode", "key", "chord", "model", "tempo")])
    root = {
        "type": "root",
        "id": "root",
        "layout": "vertical",
        "onCreate": SUBSCRIBE,
        "widgets": [shown, row("knobs", faders), pad, *rows],
    }
    return {"createdWith": "Open Stage Control", "version": "1.27.0", "type": "session", "content": root}


def unit() -> dict[str, float]:
    """Return a range from 0 to 1."""
    return {"min": 0.0, "max": 1.0}


def widget(kind: str, ident: str, **more: object) -> dict[str, Any]:
    """Return a widget that speaks to the instrument."""
    return {"type": kind, "id": ident, "target": TARGET, **more}


def fader(name: str) -> dict[str, Any]:
    """Return a knob's fader."""
    spec = KNOBS[name]
    return widget(
        "fader",
        name.replace(".", "_"),
        label=name,
        address=f"/twobar/knob/{name}",
        range={"min": spec.low, "max": spec.high},
        origin=spec.rest,
        default=spec.rest,
        doubleTap=True,
        expand=True,
    )


def address_of(action: str, argument: str) -> str:
    """Return the address that calls an action."""
    return f"/twobar/action/{action}" + (f"/{argument}" if argument else "")


def button(label: str, action: str, argument: str = "") -> dict[str, Any]:
    """Return a button that calls an action when it is pressed; its release, a 0, does nothing."""
    address = address_of(action, argument)
    ident = f"{action}_{argument}".rstrip("_")
    return widget("button", ident, label=label, address=address, mode="push", expand=True)


def text(name: str) -> dict[str, Any]:
    """Return what shows a part of the state."""
    return widget("text", f"state_{name}", label=name, address=f"/twobar/{name}", bypass=True, expand=True)


def row(ident: str, widgets: list[dict[str, Any]]) -> dict[str, Any]:
    """Return widgets side by side."""
    return {"type": "panel", "id": ident, "layout": "horizontal", "expand": True, "widgets": widgets}


def write() -> None:
    """Write the file."""
    OUT.write_text(json.dumps(layout(), indent=1) + "\n", encoding="utf-8")
