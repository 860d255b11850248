"""The devices: what is shown of the synth and the ports, and what is said when a disk is full."""

from pathlib import Path
from typing import Any

import pytest

from live.devices import hotplug
from live.devices.fluidsynth import FluidSynth
from live.devices.hotplug import Change, SystemLister
from live.devices.port import OutputPort
from live.engine.closing import Guard
from live.engine.devices import Devices
from live.engine.output import EngineOutput
from live.errors import PortError, SynthError
from live.ipc.link import Address
from live.ipc.options import Options
from live.ipc.snapshot import Notice
from live.jam.jam import Jam
from live.record.event_log import EventLog
from live.timing.midi_bytes import Received, note_on
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import Ended, FakeClock
from tests.fakes.stage import configured

NOW = Nanos(0)


class Synth(FluidSynth):
    """A synth on JACK, without the library."""

    def __init__(self) -> None:
        self.name, self.driver = "fluidsynth (jack)", "jack"
        self.restarts, self.received = 0, list[bytes]()
        self.fault = ""

    def send(self, data: bytes) -> None:
        self.received.append(data)

    def restart_audio(self) -> None:
        self.restarts += 1
        if self.fault:
            raise SynthError(self.fault)

    def close(self) -> None: ...


class Stage:
    """Devices, their jam, and what they post to the engine."""

    def __init__(self, **options: Any) -> None:
        self.output = EngineOutput(FakeClock())
        self.arrivals: list[Any] = []
        config = configured(input=["none"], output=["none"], osc_port=0)
        options = {"config": config, "address": Address("", ""), **options}
        self.devices = Devices(Options(**options), self.output, self.arrivals.append)
        self.jam = Jam(config, self.output)
        self.synth = Synth()
        self.output.sinks.append(self.synth)

    def said(self) -> list[tuple[str, str]]:
        """Carry out what was posted; returns the notices among it."""
        posted, self.arrivals[:] = [*self.arrivals], []
        for item in posted:
            if callable(item):
                item(NOW)
        return [(item.level, item.text) for item in posted if isinstance(item, Notice)]

    def shown(self) -> list[tuple[str, str]]:
        return [(view.name, view.state) for view in self.devices.port_views()]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_the_synth_is_missing_while_its_server_is_and_sounds_again_with_it(stage: Stage) -> None:
    stage.devices._synths_lost()
    assert [level for level, _ in stage.said()] == ["error"]
    assert stage.shown() == [("fluidsynth", "missing")]
    assert stage.devices._restart_synths([stage.synth])
    assert stage.synth.restarts == 1
    assert [level for level, _ in stage.said()] == ["info"]
    assert stage.shown() == [("fluidsynth", "ok")]


def test_a_synth_that_does_not_start_again_is_said_once_and_tried_again(stage: Stage) -> None:
    stage.devices._synths_lost()
    stage.said()
    stage.synth.fault = "the audio driver jack does not answer"
    for _ in range(2):
        assert not stage.devices._restart_synths([stage.synth])
    assert stage.said() == [
        ("error", "the built-in synth stays silent: the audio driver jack does not answer")
    ]
    assert stage.shown() == [("fluidsynth", "missing")]
    stage.synth.fault = ""
    assert stage.devices._restart_synths([stage.synth])
    assert len(stage.said()) == 1
    assert stage.shown() == [("fluidsynth", "ok")]


@pytest.mark.parametrize("api", ["jack", "alsa", None])
def test_the_server_that_a_synth_sounds_through_is_watched(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, api: str | None
) -> None:
    def resolve(_api: str) -> str:
        if api is None:
            raise PortError("no MIDI system answers")
        return api

    monkeypatch.setattr("live.devices.ports.resolve_api", resolve)
    monkeypatch.setattr(hotplug.PortWatch, "start", lambda _watch: None)
    stage.devices._watch(stage.jam)
    reviving = [watch for watch in stage.devices._watchers if watch._revived is not None]
    assert len(reviving) == 1
    assert reviving[0]._revived is not None
    assert reviving[0]._revived()
    assert stage.synth.restarts == 1
    stage.devices.close(Guard(lambda _text: None))


def test_a_synth_that_fails_is_shown_in_its_own_row(stage: Stage) -> None:
    stage.devices._show_synth("ok", "")
    stage.devices._sink_lost(stage.jam, stage.synth, "FluidSynth is closed")
    assert stage.shown() == [("fluidsynth", "missing")]


def test_unplugging_one_keyboard_leaves_the_other_s_keys(stage: Stage) -> None:
    for port, key in (("left", 40), ("right", 60)):
        stage.jam.performer.play(Received(NOW, note_on(1, key, 90), port), NOW)

    class Port:
        name, virtual = "left", False

        def close(self) -> None: ...

        def abandon(self) -> None: ...

    stage.devices._changed(stage.jam, Change("in", "left", "left", "gone", Port()), NOW)
    assert stage.jam.performer.down() == [60]
    assert bytes((0x80, 40, 64)) in stage.synth.received
    assert bytes((0x80, 60, 64)) not in stage.synth.received


def test_a_log_on_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(log=str(tmp_path / "log.jsonl"))

    def full(_log: EventLog, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(EventLog, "_write_all", full)
    stage.devices.open(stage.jam, NOW)
    log = stage.output.event_log
    assert log is not None
    stage.said()
    log.flush()
    assert stage.said() == [
        ("warning", f"the log '{tmp_path / 'log.jsonl'}' has ended: No space left on device")
    ]
    stage.devices.close(Guard(lambda _text: None))


def test_a_take_that_is_lost_at_the_end_is_said(stage: Stage) -> None:
    take, said = Ended(), list[str]()
    take.fault = "the take 'x.mid' cannot be written now: No space left on device"
    stage.output.take = take  # type: ignore[assignment]
    stage.devices.close(Guard(said.append))
    assert said == [take.fault]


@pytest.mark.parametrize("headless", [False, True])
def test_the_end_says_where_the_take_lies_but_not_to_a_program(tmp_path: Path, *, headless: bool) -> None:
    stage, said = Stage(record=str(tmp_path / "set.mid"), headless=headless), list[str]()
    stage.devices._open_take(stage.jam)
    stage.devices.close(Guard(said.append))
    assert said == ([] if headless else [f"the take is in '{tmp_path / 'set.mid'}'"])
    assert not stage.devices.take_lost


@pytest.mark.parametrize("record", ["", "file/set.mid"])
def test_a_take_that_was_asked_for_and_not_kept_is_known_as_lost(tmp_path: Path, record: str) -> None:
    (tmp_path / "file").write_text("no folder")
    stage = Stage(record=record and str(tmp_path / record))
    if record:
        stage.devices._open_take(stage.jam)
    stage.devices.close(Guard(lambda _text: None))
    assert stage.devices.take_lost is bool(record)


def test_who_is_connected_to_a_virtual_output_is_known(stage: Stage) -> None:
    class Out(OutputPort):
        def __init__(self, name: str, *, virtual: bool) -> None:
            self.name, self.virtual = name, virtual

    class Lister(SystemLister):
        def connections(self, name: str) -> frozenset[str] | None:
            return frozenset({"synth:in", "looper:in"}) if name == "twobar-out:notes" else frozenset({"no"})

    stage.output.sinks += [Out("twobar-out:notes", virtual=True), Out("hardware", virtual=False)]
    stage.devices._see_peers(Lister("jack"))
    assert stage.devices.peers == ["looper:in", "synth:in"]
