"""Cables to our virtual ports: who is connected to them, and laid again by the engine that follows.

Owns: the names of who is connected, which the supervisor hands to the next engine.
Threads: any; the engine's where it opens, then the watch's.
Tested in tests/live/engine/devices/test_devices.py.
"""

from collections.abc import Mapping

from live.devices import systems
from live.devices.hotplug import SystemLister
from live.devices.rtmidi_port import MidiInput, MidiOutput
from live.engine.output import EngineOutput
from live.ipc.options import Options


class Cables:
    """The connections that others made to virtual ports.

    Attributes:
        peers: ports that the virtual outputs play to.
        sources: ports that the virtual inputs hear.
    """

    def __init__(self, options: Options, inputs: Mapping[str, MidiInput], output: EngineOutput) -> None:
        self.peers, self.sources = [*options.peers], [*options.sources]
        self._inputs, self._output = inputs, output
        self._api, self._due = options.config.midi.api, options.revived

    def remake(self) -> None:
        """Connect virtual ports as they were before, as soon as there are any; once."""
        inputs, outputs = self._virtual_ports()
        if self._due and (inputs or outputs):
            self._due = False
            cables = [(source, name) for name in inputs for source in self.sources]
            cables += [(name, peer) for name in outputs for peer in self.peers]
            systems.connect(cables, api=self._api)

    def look(self, lister: SystemLister) -> None:
        """Take down who is connected, at first as before."""
        self.remake()
        inputs, outputs = self._virtual_ports()
        self.peers = [peer for name in outputs for peer in sorted(lister.connections(name) or ())]
        self.sources = [peer for name in inputs for peer in sorted(lister.connections(name) or ())]

    def _virtual_ports(self) -> tuple[list[str], list[str]]:
        """Return the names of the virtual inputs and outputs that are open."""
        sinks = [sink for sink in tuple(self._output.sinks) if isinstance(sink, MidiOutput)]
        return (
            [port.name for port in tuple(self._inputs.values()) if port.virtual],
            [sink.name for sink in sinks if sink.virtual],
        )
