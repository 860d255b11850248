"""The devices: what is shown of the synth and the ports, and what is said when a disk is full."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from live.dashboard.drawing.status import standing
from live.devices import hotplug
from live.devices.alsa.connections import RefusedEvents
from live.devices.fluidsynth import FluidSynth
from live.devices.hotplug import Change, SystemLister
from live.devices.names import match
from live.devices.rtmidi_port import InputPort, OutputPort
from live.engine.devices.devices import Devices
from live.engine.devices.losses import Losses, LossNotices
from live.engine.guard import Guard
from live.engine.output import EngineOutput
from live.errors import FailureError, PortError, PortMissingError, SynthError, UsageError
from live.ipc.link import Address
from live.ipc.options import Options
from live.ipc.snapshot import Notice
from live.jam.commands import Commands
from live.jam.jam import Jam
from live.record.event_log import EventLog
from live.settings.config import parse
from live.timing.midi_bytes import Received, Stream, control, note_off, note_on, silence
from live.timing.timeline import Nanos, Tick
from tests.fakes.engine_stage import Ended, FakeClock
from tests.fakes.stage import EchoModel, configured

NOW = Nanos(0)


class Driver:
    """Stands for python-rtmidi's object."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send_message(self, data: bytes) -> None:
        self.sent.append(data)

    def set_callback(self, _callback: object) -> None: ...

    def ignore_types(self, **_kinds: bool) -> None: ...

    def cancel_callback(self) -> None: ...

    def get_message(self) -> None: ...

    def close_port(self) -> None: ...

    def delete(self) -> None: ...


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
    stage.devices.synth.lost()
    assert [level for level, _ in stage.said()] == ["error"]
    assert stage.shown() == [("fluidsynth", "missing")]
    assert stage.devices.synth.restart([stage.synth])
    assert stage.synth.restarts == 1
    assert [level for level, _ in stage.said()] == ["info"]
    assert stage.shown() == [("fluidsynth", "ok")]


def test_a_synth_that_does_not_start_again_is_said_once_and_tried_again(stage: Stage) -> None:
    stage.devices.synth.lost()
    stage.said()
    stage.synth.fault = "the audio driver jack does not answer"
    for _ in range(2):
        assert not stage.devices.synth.restart([stage.synth])
    assert stage.said() == [
        ("error", "the built-in synth stays silent: the audio driver jack does not answer")
    ]
    assert stage.shown() == [("fluidsynth", "missing")]
    stage.synth.fault = ""
    assert stage.devices.synth.restart([stage.synth])
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

    monkeypatch.setattr("live.devices.systems.resolve_api", resolve)
    monkeypatch.setattr(hotplug.PortWatch, "start", lambda _watch: None)
    stage.devices._watch(stage.jam)
    reviving = [watch for watch in stage.devices._watchers if watch._revived is not None]
    assert len(reviving) == 1
    assert reviving[0]._revived is not None
    assert reviving[0]._revived()
    assert stage.synth.restarts == 1
    stage.devices.close(Guard(lambda _text: None))


def test_a_synth_that_fails_is_shown_in_its_own_row(stage: Stage) -> None:
    stage.devices._show_synth("")
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


class Desk:
    """Ports that are plugged in or not, and what was opened of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> None:
        self.names = names
        self.fault: PortError | None = None
        monkeypatch.setattr("live.devices.systems.resolve_api", lambda _api: "alsa")
        monkeypatch.setattr("live.devices.systems.names", lambda direction, _api: self.names[direction])
        monkeypatch.setattr("live.devices.ports._open", self._open)
        monkeypatch.setattr(hotplug.PortWatch, "start", lambda _watch: None)
        monkeypatch.setattr(hotplug.SystemLister, "__call__", lambda _lister, way: self.names[way])

    def _open(self, direction: str, name: str, _api: str, taken: Collection[str]) -> tuple[Driver, str]:
        if self.fault is not None:
            raise self.fault
        actual = match(name, self.names[direction], taken)
        if actual is None:
            raise PortMissingError(f"the MIDI {direction}put '{name}' is not there; there is: none")
        return Driver(), actual


def opened(**options: Any) -> Stage:
    """Return a stage whose ports are open and watched, but looked at only when the test does."""
    revived = options.pop("revived", False)
    options = {"input": ["none"], "output": ["none"], **options}
    stage = Stage(config=configured(osc=False, record=False, **options), revived=revived)
    stage.devices.open(stage.jam, NOW)
    stage.devices.open_rest(stage.jam, NOW)
    return stage


def look(stage: Stage) -> None:
    for watcher in stage.devices._watchers:
        watcher.look()
    stage.said()


def notices(stage: Stage) -> list[str]:
    return [notice.text for notice in stage.jam.notices.lines]


def test_ports_that_were_named_and_are_not_there_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, **{"in": [], "out": []})
    stage = opened(input=["keystep"], output=["juno"])
    assert stage.shown() == [("juno", "missing"), ("keystep", "missing")]
    assert notices(stage) == [
        "the MIDI output 'juno' is not there; there is: none; it is waited for",
        "the MIDI input 'keystep' is not there; there is: none; it is waited for",
    ]
    look(stage)
    desk.names = {"in": ["KeyStep 24:0"], "out": ["JUNO-DS 28:0"]}
    look(stage)
    assert stage.shown() == [("JUNO-DS 28:0", "ok"), ("KeyStep 24:0", "ok")]
    assert notices(stage)[2:] == ["JUNO-DS 28:0 is here", "KeyStep 24:0 is here"]
    assert [line.about for line in stage.jam.notices.lines] == ["juno", "keystep"] * 2
    assert [sink.name for sink in stage.output.sinks] == ["fluidsynth (jack)", "JUNO-DS 28:0"]


def test_a_keyboard_that_is_missing_is_no_more_urgent_once_one_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, **{"in": [], "out": []})
    stage = opened(input=["auto"])
    assert notices(stage) == ["no keyboard found: plug one in, or press k to play on the computer's"]
    stage.devices._port_missing(stage.jam, "in", "auto", PortError("no MIDI system answers"))
    assert len(standing(stage.jam.notices.lines)) == 2
    look(stage)
    desk.names = {"in": ["KeyStep 24:0"], "out": []}
    look(stage)
    assert stage.shown() == [("KeyStep 24:0", "ok")]
    assert [line.text for line in standing(stage.jam.notices.lines)] == ["KeyStep 24:0 is here"]
    assert standing(stage.jam.notices.lines)[0].about == "keyboard"


def test_a_slip_in_a_word_is_no_port_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    Desk(monkeypatch, **{"in": [], "out": []})
    with pytest.raises(UsageError, match=r"unknown MIDI input 'virtaul'.*did you mean 'virtual'\?"):
        opened(input=["virtaul"])


def test_a_system_that_does_not_answer_ends_the_first_engine_and_none_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, **{"in": ["KeyStep 24:0"], "out": ["JUNO-DS 28:0"]})
    desk.fault = PortError("no JACK server answers")
    asked = {"input": ["keystep"], "output": ["juno"], "api": "jack"}
    with pytest.raises(PortError):
        opened(**asked)
    stage = opened(**asked, revived=True)
    assert stage.shown() == [("juno", "missing"), ("keystep", "missing")]
    desk.fault = None
    look(stage)
    assert stage.shown() == [("JUNO-DS 28:0", "ok"), ("KeyStep 24:0", "ok")]


def test_a_keyboard_that_is_named_beside_auto_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Desk(monkeypatch, **{"in": ["KeyStep 24:0", "Pads 28:0", "Pads DAW 28:1"], "out": []})
    stage = opened(input=["auto", "keystep"])
    assert stage.shown() == [("KeyStep 24:0", "ok"), ("Pads 28:0", "ok")]
    look(stage)
    assert stage.shown() == [("KeyStep 24:0", "ok"), ("Pads 28:0", "ok")]


def test_the_other_end_of_a_loopback_is_not_taken_for_a_keyboard(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, **{"in": ["loopMIDI Port"], "out": ["loopMIDI Port"]})
    stage = opened(input=["auto"], output=["loopmidi"])
    assert ("in", "loopMIDI Port") not in stage.devices._views
    desk.names["in"] = ["loopMIDI Port", "Keys"]
    look(stage)
    assert [view.name for view in stage.devices.port_views() if view.direction == "in"] == ["Keys"]


def test_an_engine_after_another_ends_what_that_left_sounding(monkeypatch: pytest.MonkeyPatch) -> None:
    Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})
    for revived in (False, True):
        stage = opened(output=["juno"], revived=revived)
        port = stage.output.sinks[-1]
        assert isinstance(port, OutputPort)
        assert isinstance(port._midi, Driver)
        assert (port._midi.sent[:96] == silence()) is revived
        assert stage.devices.silenced == ["JUNO-DS 28:0"] * revived


def test_what_an_engine_left_sounding_outside_is_ended_before_the_built_in_synth_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})
    midi = {"input": "none", "output": ["fluidsynth", "juno"]}
    stage = Stage(
        config=parse({"midi": midi, "osc": {"enabled": False}, "jam": {"record": False}}), revived=True
    )
    silenced_by_then: list[list[str]] = []
    monkeypatch.setattr(
        stage.devices.synth, "open", lambda _notices: silenced_by_then.append([*stage.devices.silenced])
    )
    stage.devices.open(stage.jam, NOW)
    assert silenced_by_then == [["JUNO-DS 28:0"]]


def test_an_engine_after_another_does_not_say_that_it_silenced_what_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})

    def refuse(_port: OutputPort, _data: bytes) -> None:
        raise PortError("no such device")

    monkeypatch.setattr(OutputPort, "send", refuse)
    assert opened(output=["juno"], revived=True).devices.silenced == []


def test_a_synth_that_comes_back_is_silenced_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})
    stage = opened(output=["juno"])
    stage.jam.performer.play(Received(NOW, note_on(1, 60, 90), "keys"), NOW)
    desk.names["out"] = []
    look(stage)
    stage.jam.performer.play(Received(NOW, note_off(1, 60), "keys"), NOW)
    desk.names["out"] = ["JUNO-DS 32:0"]
    look(stage)
    stage.jam.performer.play(Received(NOW, note_on(1, 62, 90), "keys"), NOW)
    port = stage.output.sinks[-1]
    assert isinstance(port, OutputPort)
    assert isinstance(port._midi, Driver)
    assert port._midi.sent[:96] == silence()
    assert port._midi.sent[-1] == note_on(1, 62, 90)


@pytest.mark.parametrize("send_sounds", [False, True])
def test_an_external_synth_keeps_its_sounds_unless_it_is_to_take_them(
    monkeypatch: pytest.MonkeyPatch, *, send_sounds: bool
) -> None:
    Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})
    midi = {"input": "none", "output": "juno", "send_sounds": send_sounds}
    stage = Stage(config=parse({"midi": midi, "osc": {"enabled": False}, "jam": {"record": False}}))
    stage.devices.open(stage.jam, NOW)
    port = stage.output.sinks[-1]
    assert isinstance(port, OutputPort)
    assert isinstance(port._midi, Driver)
    stage.jam.panic(NOW)
    model = EchoModel(codec="multitrack")
    stage.jam.from_worker(model.ready(), NOW)
    assert stage.synth.received
    assert {data[0] & 0xF0 for data in stage.synth.received} >= {0xC0}
    sounds = [data for data in port._midi.sent if data[0] & 0xF0 == 0xC0 or data[1] == 7]
    assert bool(sounds) == send_sounds
    Commands(stage.jam).turn("volume", 0.5, NOW)
    assert control(2, 7, 64) in port._midi.sent


def test_an_output_that_fails_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    Desk(monkeypatch, **{"in": [], "out": ["JUNO-DS 28:0"]})
    stage = opened(output=["juno"])
    failing = stage.output.sinks[-1]
    assert isinstance(failing, OutputPort)
    failing.abandon()
    stage.output.send(note_on(1, 60, 90), tick=Tick(0), due=NOW, voice=Stream.THRU)
    assert stage.shown() == [("JUNO-DS 28:0", "missing")]
    look(stage)
    assert stage.shown() == [("JUNO-DS 28:0", "ok")]
    assert stage.output.sinks[-1] is not failing


def test_what_the_drivers_lose_is_counted_and_said_once_a_minute(stage: Stage) -> None:
    losses, said = LossNotices(), []
    for second, cycles, messages in ((0, 9, 9), (1, 12, 9), (30, 90, 9), (62, 100, 9), (130, 100, 19)):
        losses.tell(Losses(cycles, messages, 0), stage.jam.notices, Nanos(second * 1_000_000_000))
        said.append([text.partition(" of ")[0] for text in notices(stage)])
    assert [len(texts) for texts in said] == [0, 1, 1, 2, 3]
    assert said[-1] == ["JACK was too late for 12", "JACK was too late for 88", "19 messages"]


def test_messages_that_came_broken_are_counted_of_inputs_that_have_gone_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk(monkeypatch, **{"in": ["KeyStep 24:0"], "out": []})
    stage = opened(input=["keystep"])
    port = stage.devices._inputs["KeyStep 24:0"]
    assert isinstance(port, InputPort)
    port._received(([0x90, 0x80, 0x3C, 0x40, 0x90, 0x3C, 0x80], 0.0))
    assert stage.devices.losses().broken_messages == 1
    desk.names["in"] = []
    look(stage)
    assert stage.devices.losses() == Losses(0, 1, 0)


def test_keys_are_let_go_where_alsa_had_no_room_for_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(monkeypatch, **{"in": ["KeyStep 24:0"], "out": []})
    assert desk.names["in"]
    stage = opened(input=["keystep"])
    counted = [0]
    monkeypatch.setattr(RefusedEvents, "count", lambda _events: counted[0])
    stage.jam.performer.received(Received(NOW, note_on(1, 60, 90), "KeyStep 24:0"), NOW)
    for number, held in ((0, 1), (3, 0), (3, 0)):
        counted[0] = number
        look(stage)
        assert len(stage.jam.performer._down) == held
    assert [text for text in notices(stage) if "no room" in text] == [
        "ALSA had no room for 3 messages or more of your keyboards: all keys were let go"
    ]
    for number in (0, 2):  # an input was closed, whose losses ALSA counts no more
        counted[0] = number
        look(stage)
    assert stage.devices.losses().refused_messages == 5


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
    stage.devices.recording.open_take(stage.jam, NOW)
    stage.devices.close(Guard(said.append))
    assert said == ([] if headless else [f"the take is in '{tmp_path / 'set.mid'}'"])
    assert not stage.devices.recording.take_lost


@pytest.mark.parametrize("record", ["", "file/set.mid"])
def test_a_take_that_was_asked_for_and_not_kept_is_known_as_lost(tmp_path: Path, record: str) -> None:
    (tmp_path / "file").write_text("no folder")
    stage = Stage(record=record and str(tmp_path / record))
    if record:
        stage.devices.recording.open_take(stage.jam, NOW)
    stage.devices.close(Guard(lambda _text: None))
    assert stage.devices.recording.take_lost is bool(record)


def test_who_is_connected_to_a_virtual_port_is_known_and_connected_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Out(OutputPort):
        def __init__(self, name: str, *, virtual: bool) -> None:
            self.name, self.virtual = name, virtual

    class In(InputPort):
        virtual = True

        def __init__(self, name: str) -> None:
            self.name = name

    class Lister(SystemLister):
        def connections(self, name: str) -> frozenset[str] | None:
            return frozenset({"synth:in", "looper:in"}) if name == "twobar-out:notes" else frozenset({"no"})

    made: list[tuple[str, str]] = []
    monkeypatch.setattr("live.devices.systems.connect", lambda cables, api: made.extend(cables))
    stage.output.sinks += [Out("twobar-out:notes", virtual=True), Out("hardware", virtual=False)]
    stage.devices.cables.look(Lister("jack"))
    assert stage.devices.cables.peers == ["looper:in", "synth:in"]
    assert made == []
    again = Stage(revived=True, peers=["synth:in"], sources=["keys:out"])
    again.output.sinks += stage.output.sinks
    again.devices._inputs["twobar-in:keys"] = In("twobar-in:keys")
    for _ in range(2):
        again.devices.cables.look(Lister("jack"))
    assert made == [("keys:out", "twobar-in:keys"), ("twobar-out:notes", "synth:in")]
    assert again.devices.cables.sources == ["no"]


@pytest.mark.parametrize("revived", [False, True])
def test_an_engine_after_another_does_without_what_has_gone_meanwhile(
    tmp_path: Path, *, revived: bool
) -> None:
    config = configured(input=["none"], output=["none"], mapping=str(tmp_path / "gone.toml"))
    stage = Stage(config=config, log=str(tmp_path / "gone" / "log.jsonl"), revived=revived)
    if not revived:
        with pytest.raises(UsageError):
            stage.devices.set_desk(stage.jam.knobs)
        with pytest.raises(FailureError):
            stage.devices.open(stage.jam, NOW)
        return
    assert stage.devices.set_desk(stage.jam.knobs)
    stage.devices.open(stage.jam, NOW)
    said = [text for level, text in stage.said() if level == "warning"]
    assert "; the default mapping is used" in said[0]
    assert "log.jsonl' cannot be written" in said[1]
    assert stage.output.event_log is None
