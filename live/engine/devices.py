"""The devices: everything plugged into the engine, opened, watched and closed in one place.

What is missing and can be done without becomes a notice; what the user asked for by name and is not
there is a UsageError.
Owns: the open inputs, how each port is shown, the watches, and the model process where no supervisor has it.
Threads: engine only; the port watch hands over on the engine's arrivals.
"""

import contextlib
import datetime as dt
import difflib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

from live.control.mapper import AUTO, Mapper, choose
from live.devices import ports
from live.devices.fluidsynth import FluidSynth, FluidSynthSettings, open_synth
from live.devices.hotplug import Change, PortWatch, SystemLister
from live.engine.closing import Guard
from live.engine.output import EngineOutput
from live.errors import FailureError, PortError, SynthError, UsageError, unknown
from live.ipc.model_process import WorkerKeeper, spawn_worker
from live.ipc.options import Options
from live.ipc.snapshot import Notice, PortView
from live.jam.jam import Jam
from live.jam.parts import channels_of, take_parts
from live.record.event_log import EventLog
from live.record.take import Take, take_path
from live.settings.config import Config
from live.timing.midi_bytes import Sink, Stream, program, silence
from live.timing.timeline import Nanos

Post = Callable[[object], None]
SYNTH = "fluidsynth"


class Devices:
    """Ports, synth, mapping, log, take, OSC.

    Args:
        options: what was asked for.
        output: gets the sinks.
        post: puts anything among the engine's arrivals, from any thread.

    """

    def __init__(self, options: Options, output: EngineOutput, post: Post) -> None:
        """Open nothing yet."""
        self._options, self._output, self._post = options, output, post
        self._notices: list[tuple[str, str]] = []
        self._views: dict[tuple[str, str], PortView] = {}
        self._inputs: dict[str, ports.InputPort] = {}
        self._worker = WorkerKeeper(
            lambda: spawn_worker(options.address), needed=lambda: output.worker is None
        )
        self._watchers: list[PortWatch] = []
        self._synth_fault = ""
        self.mapping_name = ""
        self.recording = ""

    @property
    def listening(self) -> bool:
        """Tell whether any input is open."""
        return bool(self._inputs)

    def port_views(self) -> list[PortView]:
        """Return every port and its state."""
        return list(self._views.values())

    def mapper(self, knobs: Mapping[str, float]) -> Mapper:
        """Find the mapping, and bind it to the knobs' values.  Raises UsageError."""
        name, present = self._options.config.mapping.name, list[str]()
        if name == AUTO:
            with contextlib.suppress(PortError):
                present = ports.inputs(self._options.config.midi.api)
        mapping = choose(name, present)
        self.mapping_name = mapping.controller.name
        return Mapper(mapping, knobs.__getitem__)

    # -- what must be there before thru works ------------------------------------------------------

    def open(self, jam: Jam, now: Nanos) -> None:
        """Open outputs, then inputs.

        Raises:
            UsageError: a port, driver or system that was named is not there.
            PortError: a MIDI system that was named does not answer.

        """
        config = self._options.config
        if config.midi.api != "auto":
            ports.resolve_api(config.midi.api)
        if self._options.log:
            self._output.event_log = EventLog(Path(self._options.log), on_fault=self._warn)
        self._output.sink_lost = lambda sink, reason: self._sink_lost(jam, sink, reason)
        for name in config.midi.outputs:
            if name == SYNTH:
                self._open_synth(jam)
            elif name != "none":
                self._open_output(jam, name)
        for name in config.midi.inputs:
            self._open_inputs(jam, name)
        self._say_what_is_missing(jam)
        self.set_up(jam, now)

    def _open_synth(self, jam: Jam) -> None:
        chosen = self._options.config.synth
        settings = FluidSynthSettings(
            soundfont=Path(chosen.soundfont).expanduser() if chosen.soundfont else None,
            driver=chosen.driver,
            gain=chosen.gain,
            reverb=chosen.reverb,
            chorus=chosen.chorus,
        )
        try:
            synth, said = open_synth(settings)
        except SynthError as reason:
            jam.notices.add("error", str(reason))
            self._views["out", SYNTH] = PortView("out", SYNTH, "missing", str(reason))
            return
        for text in said:
            jam.notices.add("warning", text)
        synth.play_drums(self._options.config.midi.drum_channel)
        self._output.sinks.append(synth)
        self._views["out", SYNTH] = PortView("out", SYNTH, "ok")

    def _open_output(self, jam: Jam, name: str) -> None:
        try:
            port = ports.open_output(name, api=self._options.config.midi.api)
        except (PortError, UsageError) as reason:
            self._port_missing(jam, "out", name, reason)
            return
        self._output.sinks.append(port)
        self._views["out", port.name] = PortView("out", port.name, "ok")

    def _open_inputs(self, jam: Jam, name: str) -> None:
        try:
            opened = ports.open_inputs(name, api=self._options.config.midi.api, deliver=self._post)
        except (PortError, UsageError) as reason:
            self._port_missing(jam, "in", name, reason)
            return
        for port in opened:
            self._inputs[port.name] = port
            self._views["in", port.name] = PortView("in", port.name, "ok")

    def _port_missing(self, jam: Jam, direction: str, name: str, reason: PortError | UsageError) -> None:
        """Go on without a port that nobody named; one that was named is the user's to mend."""
        words = ("virtual", "none", "auto") if direction == "in" else ("virtual", SYNTH, "none")
        if difflib.get_close_matches(name, words, 1, 0.7) and name not in words:
            raise unknown(f"MIDI {direction}put", name, words) from reason
        if name != "auto" or self._options.config.midi.api != "auto":
            raise reason
        jam.notices.add("warning", f"no MIDI {direction}: {reason}")

    def _say_what_is_missing(self, jam: Jam) -> None:
        wanted = self._options.config.midi.inputs
        if not self._inputs and wanted != ("none",):
            self._views["in", "keyboard"] = PortView("in", "keyboard", "missing", "plug one in")
            jam.notices.add(
                "warning", "no keyboard found: plug one in, or choose one with --in (see `twobar ports`)"
            )

    def set_up(self, jam: Jam, now: Nanos) -> None:
        """Send the programs and levels of the performer's voice and of every part."""
        config = self._options.config
        for channel, number in programs(config).items():
            self._output.send(program(channel, number), tick=jam.tick(now), due=now, voice=Stream.SETUP)
        jam.send_levels(now, every_part=True)

    def _warn(self, text: str) -> None:
        """Say a line on the dashboard; from any thread."""
        self._post(Notice(0, "warning", text))

    def _sink_lost(self, jam: Jam, sink: Sink, reason: str) -> None:
        name = SYNTH if isinstance(sink, FluidSynth) else sink.name
        self._views["out", name] = PortView("out", name, "missing", reason)
        jam.notices.add("error", f"{reason}; the music goes on without it")

    # -- what may come a moment later ----------------------------------------------------------------

    def open_rest(self, jam: Jam) -> None:
        """Open the take, OSC and the watch over the ports."""
        config = self._options.config
        self._watch(jam)
        if self._options.record or config.jam.record:
            self._open_take(jam)
        if config.osc.enabled:
            from live.control.osc_server import OscServer  # noqa: PLC0415  keys sound before this is loaded

            try:
                osc = OscServer(config.osc, self._post, self._warn)
            except FailureError as reason:
                jam.notices.add("warning", f"{reason}; OSC is off")
            else:
                osc.start()
                self._output.osc = osc

    def _open_take(self, jam: Jam) -> None:
        chosen = Path(self._options.record) if self._options.record else None
        try:
            path = chosen or take_path(self._options.config.jam.take_path, dt.datetime.now().astimezone())
            self._output.take = Take(
                path,
                keep_empty=chosen is not None,
                tempo_bpm=jam.transport.tempo_bpm,
                grid=jam.plan.grid,
                parts=take_parts(self._options.config.midi),
                on_fault=self._warn,
            )
        except FailureError as reason:
            jam.notices.add("error", str(reason))
        else:
            self.recording = str(path)

    # -- ports that come and go ----------------------------------------------------------------------

    def _watch(self, jam: Jam) -> None:
        """Look after the ports that are open, and for keyboards that are plugged in later."""
        config = self._options.config.midi
        synths = [sink for sink in self._output.sinks if isinstance(sink, FluidSynth)]
        on_jack = [synth for synth in synths if synth.driver == "jack"]
        with contextlib.suppress(PortError):  # said already; there is no MIDI system to watch
            api = ports.resolve_api(config.api)
            watch = self._watch_system(jam, api, on_jack if api == "jack" else [])
            for port in self._inputs.values():
                watch.add("in", port, self._reopen_input)
            for sink in self._output.sinks:
                if isinstance(sink, ports.OutputPort):
                    watch.add("out", sink, lambda name: ports.open_output(name, api=api))
            on_jack = [] if api == "jack" else on_jack
        if on_jack:  # MIDI comes from elsewhere, the synth's sound goes there
            self._watch_system(jam, "jack", on_jack, adopting=False)
        for watcher in self._watchers:
            watcher.start()

    def _watch_system(
        self, jam: Jam, api: str, synths: list[FluidSynth], *, adopting: bool = True
    ) -> PortWatch:
        """Make the watch over one MIDI system, and over the synths that sound through it."""
        adopting = adopting and "auto" in self._options.config.midi.inputs
        watch = PortWatch(
            lambda change: self._post(lambda now: self._changed(jam, change, now)),
            lister=SystemLister(api),
            adopt=self._reopen_input if adopting else None,
            died=self._synths_lost if synths else lambda: None,
            failed=self._warn,
            revived=(lambda: self._restart_synths(synths)) if synths else None,
        )
        self._watchers.append(watch)
        return watch

    def _synths_lost(self) -> None:
        """Say that the sound server has gone; on a watch's thread, as the next one."""
        self._synth_fault = ""
        self._post(lambda _now: self._show_synth("missing", "the sound server has gone"))
        self._post(
            Notice(0, "error", "the sound server has gone: the built-in synth is silent until it is back")
        )

    def _restart_synths(self, synths: list[FluidSynth]) -> bool:
        """Let the synths sound through the server that is back; False to be asked again."""
        try:
            for synth in synths:
                synth.restart_audio()
        except SynthError as fault:
            reason = str(fault)
            if reason != self._synth_fault:
                self._synth_fault = reason
                self._post(lambda _now: self._show_synth("missing", reason))
                self._post(Notice(0, "error", f"the built-in synth stays silent: {reason}"))
            return False
        self._post(lambda _now: self._show_synth("ok", ""))
        self._post(Notice(0, "info", "the sound server is back: the built-in synth sounds again"))
        return True

    def _show_synth(self, state: Literal["ok", "missing"], detail: str) -> None:
        self._views["out", SYNTH] = PortView("out", SYNTH, state, detail)

    def _reopen_input(self, name: str) -> ports.InputPort:
        return ports.open_input(name, api=self._options.config.midi.api, deliver=self._post)

    def _changed(self, jam: Jam, change: Change, now: Nanos) -> None:
        """Take a port out of use, or into it again; runs on the engine's thread."""
        direction, key = change.direction, (change.direction, change.was or change.name)
        if change.state == "gone":
            self._views[key] = PortView(direction, change.name, "missing", "unplugged")
            if direction == "in":
                self._inputs.pop(change.name, None)
                jam.performer.release(now, port=change.name)
            else:
                gone: object = change.port
                self._output.sinks = [sink for sink in self._output.sinks if sink is not gone]
            jam.notices.add("error", f"{change.name} has gone: the music goes on, plug it in again")
            return
        self._views.pop(key, None)
        self._views.pop(("in", "keyboard"), None) if direction == "in" else None
        self._views[direction, change.name] = PortView(direction, change.name, "ok")
        if isinstance(change.port, ports.InputPort):
            self._inputs[change.name] = change.port
        elif isinstance(change.port, ports.OutputPort):
            self._output.sinks.append(change.port)
            self.set_up(jam, now)
        jam.notices.add("info", f"{change.name} is {'back' if change.state == 'back' else 'here'}")

    # -- a model process without a supervisor --------------------------------------------------------

    def keep_worker(self) -> None:
        """Keep a model process alive from here, on another thread; nothing while that is done already."""
        self._worker.start()

    # -- the end -------------------------------------------------------------------------------------

    def silence(self, guard: Guard) -> None:
        """End every sound on each sink by itself."""
        for sink in self._output.sinks:
            guard(f"{sink.name} could not be silenced", partial(_silence, sink))

    def close(self, guard: Guard) -> None:
        """Close everything; what is recorded is written down first."""
        output = self._output
        if output.take is not None:
            guard("the take could not be finished", output.take.close)
            guard.report(output.take.fault)
        for watcher in self._watchers:
            guard("the watch over the ports could not be ended", watcher.close)
        for port in self._inputs.values():
            guard(f"{port.name} could not be closed", port.close)
        for sink in output.sinks:
            guard(f"{sink.name} could not be closed", sink.close)
        guard("the model process could not be ended", self._worker.end)
        if output.osc is not None:
            guard("OSC could not be closed", output.osc.close)
        if output.event_log is not None:
            known = output.event_log.fault
            guard("the log could not be finished", output.event_log.close)
            guard.report("" if known else output.event_log.fault)


def programs(config: Config) -> dict[int, int]:
    """Return the program of each channel; of two voices on one, the first has its own."""
    midi, synth = config.midi, config.synth
    voices = zip(
        (midi.performer_channel, *channels_of(midi)),
        (
            synth.performer_program,
            synth.instrument_program,
            synth.chords_program,
            synth.bass_program,
            synth.drum_program,
        ),
        strict=True,
    )
    chosen: dict[int, int] = {}
    for channel, number in voices:
        chosen.setdefault(channel, number)
    return chosen


def _silence(sink: Sink) -> None:
    for data in silence():
        sink.send(data)
