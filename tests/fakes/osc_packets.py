"""OSC as it is on the wire, and the commands that it asks for."""

import struct

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from live.ipc.commands import Turn


def message(address: str, *arguments: object) -> bytes:
    dgram: bytes = build_msg(address, list(arguments)).dgram
    return dgram


def bundle(due: float, *contents: bytes) -> bytes:
    """A bundle for a time in seconds since 1970; contents are messages or bundles."""
    head: bytes = OscBundleBuilder(due).build().dgram  # type: ignore[arg-type]
    return head + b"".join(struct.pack(">i", len(content)) + content for content in contents)


def knob(name: str, value: float) -> Turn:
    return Turn(name, value, source="osc")
