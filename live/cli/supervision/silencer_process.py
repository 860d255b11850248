"""Asks the process of `silencer` for silence where an engine played that cannot be asked any more.

A MIDI system that does not answer holds whoever opens a port on it, so a process of its own does it, which
is given so many seconds.
Tested in tests/live/cli/supervision/test_silencer.py.
"""

import subprocess
import sys
from collections.abc import Mapping

from live.ipc.options import Options, encoded
from live.timing.clock import hurry

PATIENCE_SECONDS = 3.0
SILENCER = ("-m", "live.cli.supervision.silencer")
BY_THEMSELVES = "its own ports and synth fell silent with it"
UNREACHED = "its outputs could not be reached"


def named(options: Options) -> list[str]:
    """Return the outputs that have a name of their own."""
    return [name for name in options.config.midi.outputs if name not in ("virtual", "fluidsynth", "none")]


def silenced(options: Options, environment: Mapping[str, str], *, peers: list[str]) -> str:
    """Let a process end every note on an engine's outputs; returns what was done, in words.

    Args:
        options: the engine's.
        environment: of the process.
        peers: ports that were connected to its virtual output.
    """
    if not named(options) and not peers:
        return BY_THEMSELVES
    try:
        silencer = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *SILENCER, *peers],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return UNREACHED
    with silencer:
        hurry(silencer.pid)  # notes ring meanwhile
        try:
            said, _ = silencer.communicate(encoded(options), PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            silencer.kill()
            return UNREACHED
    return said.decode(errors="replace").strip() or UNREACHED
