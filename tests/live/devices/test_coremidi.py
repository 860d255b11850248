"""Outputs on CoreMIDI, on a stand-in: what the system is given, and what it is asked to take back."""

import pytest

from live.devices.coremidi import CoreMidi, CoreMidiOutput
from live.devices.queued_output import MARGIN_NANOS
from live.errors import PortError, PortMissingError
from live.timing.midi_bytes import ALL_NOTES_OFF, CLOCK, CONTROL, STOP, note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.coremidi import KNOWN, Framework

PITCH, OTHER = 60, 64
MS = 1_000_000


class Time:
    """Host time."""

    def __init__(self) -> None:
        self.nanos = Nanos(1_000 * MS)

    def __call__(self) -> int:
        self.nanos = Nanos(self.nanos + MS // 100)  # time goes on, so that a wait for it ends
        return self.nanos


@pytest.fixture
def framework() -> Framework:
    return Framework()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def output(framework: Framework, time: Time, monkeypatch: pytest.MonkeyPatch) -> CoreMidiOutput:
    monkeypatch.setattr("live.devices.queued_output.time.sleep", lambda _seconds: None)
    return CoreMidiOutput(CoreMidi("twobar-out", "notes", library=framework), 0, "Synth", nanos=time)


def ticks(due: int) -> int:
    return due * 3 // 125


def test_a_message_goes_with_its_moment_and_one_for_now_without(
    output: CoreMidiOutput, framework: Framework, time: Time
) -> None:
    due = Nanos(time.nanos + 5 * MS)
    output.send_at(note_on(1, PITCH, 90), due)
    output.send(note_on(2, PITCH, 80))
    assert framework.sent == [(ticks(due), note_on(1, PITCH, 90)), (0, note_on(2, PITCH, 80))]
    assert (output.late, output.lead_nanos) == (0, MARGIN_NANOS)
    assert [*framework.names.values()] == [b"twobar-out", b"notes"]


def test_what_is_given_too_late_is_counted(output: CoreMidiOutput, time: Time) -> None:
    output.send_at(note_on(1, PITCH, 90), Nanos(time.nanos - MS))
    assert output.late == 1


@pytest.mark.parametrize(
    ("end", "gone"),
    [
        (note_off(1, PITCH), [note_on(1, PITCH, 90)]),
        (bytes((CONTROL, ALL_NOTES_OFF, 0)), [note_on(1, PITCH, 90), note_on(1, OTHER, 90)]),
        (bytes((STOP,)), [bytes((CLOCK,))]),
    ],
)
def test_an_end_takes_back_what_would_begin_and_gives_the_rest_again(
    output: CoreMidiOutput, framework: Framework, time: Time, end: bytes, gone: list[bytes]
) -> None:
    waiting = [note_on(1, PITCH, 90), note_off(1, OTHER), note_on(1, OTHER, 90), bytes((CLOCK,))]
    due = Nanos(time.nanos + 5 * MS)
    for data in waiting:
        output.send_at(data, due)
    framework.sent.clear()
    output.send(end)
    assert framework.flushed == [KNOWN]
    assert framework.sent == [*((ticks(due), data) for data in waiting if data not in gone), (0, end)]


def test_nothing_is_flushed_for_what_has_left_or_is_not_concerned(
    output: CoreMidiOutput, framework: Framework, time: Time
) -> None:
    output.send_at(note_on(1, PITCH, 90), Nanos(time.nanos + 5 * MS))
    output.send(note_off(2, PITCH))
    time.nanos = Nanos(time.nanos + 10 * MS)
    output.send(note_off(1, PITCH))
    assert not framework.flushed


def test_a_long_exclusive_message_goes_in_parts_and_whole(
    output: CoreMidiOutput, framework: Framework
) -> None:
    data = b"\xf0" + bytes(70_000) + b"\xf7"
    output.send(data)
    assert len(framework.sent) == 3
    assert b"".join(part for _, part in framework.sent) == data


def test_closed_it_has_silenced_its_channels_and_takes_nothing(
    output: CoreMidiOutput, framework: Framework
) -> None:
    output.send(note_on(3, PITCH, 90))
    framework.sent.clear()
    output.close()
    output.close()
    assert {data[0] & 0x0F for _, data in framework.sent} == {2}
    assert framework.disposed == 1
    with pytest.raises(PortError, match="the MIDI output 'Synth' is closed"):
        output.send(note_on(1, PITCH, 90))


def test_a_refusal_is_told(output: CoreMidiOutput, framework: Framework) -> None:
    framework.fault["MIDISend"] = -10842
    with pytest.raises(PortError, match="'Synth' failed: MIDISend: status -10842"):
        output.send(note_on(1, PITCH, 90))


def test_a_destination_that_has_gone_is_told(framework: Framework) -> None:
    with pytest.raises(PortMissingError, match="'Synth' could not be opened: there is no destination 4"):
        CoreMidiOutput(CoreMidi("twobar-out", "notes", library=framework), 4, "Synth")


@pytest.mark.parametrize(("function", "disposed"), [("MIDIClientCreate", 0), ("MIDIOutputPortCreate", 1)])
def test_a_client_that_cannot_be_had_leaves_nothing_behind(
    framework: Framework, function: str, disposed: int
) -> None:
    framework.fault[function] = -10839
    with pytest.raises(OSError, match=f"{function}: status -10839"):
        CoreMidi("twobar-out", "notes", library=framework)
    assert framework.disposed == disposed
