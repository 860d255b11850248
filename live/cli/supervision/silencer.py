"""The process that silences what an engine played to; what was done is one line on standard output."""

import contextlib
import sys
import time
from collections.abc import Sequence

from live.cli.supervision.silencer_process import BY_THEMSELVES, UNREACHED, named
from live.devices import ports
from live.errors import TwobarError
from live.ipc.options import Options, received
from live.timing.midi_bytes import silence

SENDING_SECONDS = 0.05  # JACK sends what it was given in its next cycles


def silence_outputs(options: Options, *, peers: Sequence[str] = ()) -> str:
    """End every note on the outputs, and on the peers of the virtual one; returns what was done, in words."""
    wanted, done = list(dict.fromkeys([*named(options), *peers])), []
    for name in wanted:
        with contextlib.suppress(TwobarError):
            port = ports.open_output(name, api=options.config.midi.api)
            try:
                for data in silence():
                    port.send(data)
                time.sleep(SENDING_SECONDS)
            finally:
                port.close()
            done.append(name)
    if done:
        return f"every note on {', '.join(done)} was ended"
    return UNREACHED if wanted else BY_THEMSELVES


def main() -> int:
    """Silence the outputs of the engine that standard input describes, and the peers named; exit status."""
    options = received()
    if options is not None:
        sys.stdout.write(f"{silence_outputs(options, peers=sys.argv[1:])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
