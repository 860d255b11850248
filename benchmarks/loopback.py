"""The bare loopback: python-rtmidi in, the same bytes out on channel 16, nothing between.

Its ports are `bare-in:keys` and `bare-out:notes`; it ends with its stdin.
"""

import sys

import click
import rtmidi

from live.timing.clock import raise_priority


@click.command()
def main() -> None:
    """Loop until stdin ends."""
    raise_priority()
    output = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, "bare-out")
    output.open_virtual_port("notes")
    listener = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "bare-in")

    def back(arrived: tuple[list[int], float], _data: object = None) -> None:
        message = arrived[0]
        output.send_message([message[0] & 0xF0 | 15, *message[1:]])

    listener.set_callback(back)
    listener.open_virtual_port("keys")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    listener.cancel_callback()
    listener.close_port()
    output.close_port()


if __name__ == "__main__":
    main()
