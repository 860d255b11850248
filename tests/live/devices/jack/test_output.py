"""An output on JACK-Client: on which frame each message leaves, without a server."""

import pytest

from live.devices.jack.output import MARGIN_NANOS, JackOutput
from live.errors import PortError
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.jack_client import FRAME, PERIOD, WRAP, FakeClient


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    made = FakeClient()
    made.stand_in(monkeypatch)
    return made


@pytest.fixture
def output(server: FakeClient) -> JackOutput:
    return JackOutput("twobar-out", "notes", nanos=lambda: server.nanos)


def test_what_is_given_ahead_leaves_on_its_frame_however_late_cycles_begin(
    server: FakeClient, output: JackOutput
) -> None:
    assert output.lead_nanos == round(PERIOD * FRAME) + MARGIN_NANOS
    server.cycle()
    frames = [70, 71, 127, 128, 500, 500]
    for place, frame in enumerate(frames):
        output.send_at(bytes((0x90, place, 100)), Nanos(server.moment(frame)))
    for cycle in range(10):
        server.cycle(late=cycle % 3 * 400_000)
    assert server.left == [(frame, bytes((0x90, place, 100))) for place, frame in enumerate(frames)]
    assert output.late == 0


def test_frames_go_on_where_jack_counts_from_0_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = WRAP - 2 * PERIOD
    server = FakeClient(frame=first)
    server.stand_in(monkeypatch)
    output = JackOutput("twobar-out", "notes", nanos=lambda: server.nanos)
    for frame in (first + 100, first + 200):
        output.send_at(b"\xf8", Nanos(server.moment(frame)))
    for _ in range(6):
        server.cycle()
    assert [frame for frame, _ in server.left] == [first + 100, first + 200]
    for frame in (first + 100, first + 200, first + 400):
        moment = output.moment(frame % WRAP)
        assert moment == pytest.approx(server.moment(frame), abs=FRAME / 2)


def test_before_the_first_cycle_it_knows_of_no_frame_when_it_is(output: JackOutput) -> None:
    assert output.moment(64) is None


def test_what_is_late_leaves_with_the_next_cycle_and_is_counted(
    server: FakeClient, output: JackOutput
) -> None:
    for _ in range(4):
        server.cycle()
    output.send_at(note_on(2, 60, 90), Nanos(server.moment(10)))
    output.send_at(note_off(2, 60), Nanos(server.moment(server.first + 20)))
    server.cycle()
    assert [frame for frame, _ in server.left] == [256, 276]
    assert output.late == 1


def test_what_is_sent_at_once_leaves_with_the_next_cycle_before_what_was_planned(
    server: FakeClient, output: JackOutput
) -> None:
    output.send_at(note_on(2, 61, 90), Nanos(server.moment(0)))
    output.send(note_on(1, 60, 90))
    server.cycle()
    assert server.left == [(0, note_on(1, 60, 90)), (0, note_on(2, 61, 90))]


def test_what_finds_no_room_in_a_cycle_leaves_with_the_next(server: FakeClient, output: JackOutput) -> None:
    notes = [note_on(1, pitch, 90) for pitch in range(3)]
    for note in notes:
        output.send(note)
    output.send_at(b"\xf8", Nanos(server.moment(0)))
    server.rooms = [2, 1, 1]
    for _ in range(4):
        server.cycle()
    assert server.left == [(0, notes[0]), (0, notes[1]), (64, notes[2]), (128, b"\xf8")]


def test_a_call_that_jack_makes_up_for_leaves_what_was_written_to_whoever_reads_it(
    server: FakeClient, output: JackOutput
) -> None:
    server.cycle()
    output.send(note_on(1, 60, 90))
    server.cycle(calls=3)
    assert server.left == [(64, note_on(1, 60, 90))]


def test_an_output_that_is_closed_or_whose_server_has_died_or_stands_still_says_so(
    server: FakeClient, output: JackOutput
) -> None:
    for _ in range(4_097):
        output.send(b"\xf8")
    with pytest.raises(PortError, match="stands still"):
        output.send(b"\xf8")
    server.cycle()
    server.alive = False
    with pytest.raises(PortError, match="closed"):
        output.send(b"\xf8")
    output.close()
    output.close()
    assert server.used is None


def test_closing_silences_what_was_played_on_and_leaves(
    server: FakeClient, output: JackOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: server.cycle())
    output.send(note_on(3, 60, 90))
    output.close()
    assert (0xB2, 123) in {(data[0], data[1]) for _, data in server.left}
    assert {data[0] & 0x0F for _, data in server.left} == {2}
    assert server.used is None
