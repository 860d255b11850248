"""An output on ALSA's queue: what waits there, what is taken back, and at which moment it leaves."""

from collections.abc import Callable

import pytest

from live.devices.alsa.output import AlsaOutput
from live.devices.queued_output import MARGIN_NANOS
from live.errors import PortError, PortMissingError
from live.timing.midi_bytes import control, note_off, note_on
from live.timing.timeline import Nanos

BEAT, BEGUN = 160_000, 5_000_000_000  # the queue's timer; host time at which the queue began


class FakeSequencer:
    """Stands for a `live.devices.alsa.sequencer.Sequencer`, and for the time.

    Attributes:
        host: nanoseconds of host time.
        slow: by how many millionths the queue's timer goes slower than the host's.
        waiting: (queue's nanos, message, tag) in the queue.
        left: messages that were sent at once.
        fault: what the next call fails with.
    """

    beat_nanos = BEAT

    def __init__(self) -> None:
        self.host, self.slow = BEGUN, 0
        self.waiting: list[tuple[int, bytes, int]] = []
        self.left: list[bytes] = []
        self.heard_by = ""
        self.fault = ""
        self.closed = 0

    def _may_fail(self) -> None:
        if self.fault:
            raise OSError(self.fault)

    def connect_to(self, name: str) -> None:
        self._may_fail()
        self.heard_by = name

    def nanos(self) -> int:
        return self.count(self.host)

    def count(self, host: int) -> int:
        return (host - BEGUN) * (1_000_000 - self.slow) // 1_000_000

    def send(self, data: bytes) -> None:
        self._may_fail()
        self.left.append(data)

    def send_at(self, data: bytes, nanos: int, *, tag: int) -> None:
        self._may_fail()
        self.waiting.append((nanos, data, tag))

    def take_back(self, tag: int) -> None:
        self.waiting = [waiting for waiting in self.waiting if waiting[2] != tag]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def sequencer() -> FakeSequencer:
    return FakeSequencer()


@pytest.fixture
def output(sequencer: FakeSequencer) -> AlsaOutput:
    return opened(sequencer, "synth:in 28:1")


def opened(sequencer: FakeSequencer, name: str) -> AlsaOutput:
    return AlsaOutput(sequencer, name, own_name="twobar-out:notes 129:0", nanos=lambda: sequencer.host)  # type: ignore[arg-type]


def messages(sequencer: FakeSequencer) -> list[bytes]:
    return [data for _, data, _ in sequencer.waiting]


def test_a_named_port_is_connected(sequencer: FakeSequencer, output: AlsaOutput) -> None:
    assert sequencer.heard_by == "synth:in 28:1"
    assert (output.name, output.virtual, output.api) == ("synth:in 28:1", False, "alsa")
    assert output.lead_nanos == MARGIN_NANOS + BEAT


def test_without_a_name_others_connect_to_it(sequencer: FakeSequencer) -> None:
    output = opened(sequencer, "")
    assert sequencer.heard_by == ""
    assert (output.name, output.virtual) == ("twobar-out:notes 129:0", True)


def test_a_port_that_cannot_be_connected_is_reported_and_let_go(
    sequencer: FakeSequencer,
) -> None:
    sequencer.fault = "No such file"
    with pytest.raises(PortMissingError, match=r"the MIDI output 'synth:in 28:1' .* No such file"):
        opened(sequencer, "synth:in 28:1")
    assert sequencer.closed == 1


@pytest.mark.parametrize("slow", [0, 100, -100])
def test_a_message_leaves_around_its_moment_however_the_timer_drifts(
    sequencer: FakeSequencer, output: AlsaOutput, slow: int
) -> None:
    sequencer.slow = slow
    for _ in range(3_000):
        sequencer.host += 10_000_000
        output.observe(Nanos(sequencer.host))
    due = Nanos(sequencer.host + 5_000_000)
    output.send_at(note_on(2, 60, 90), due)
    ((at, _, _),) = sequencer.waiting
    assert at + BEAT // 2 == pytest.approx(sequencer.count(due), abs=12_000)
    assert output.late == 0


def test_what_is_late_leaves_at_once_and_is_counted(sequencer: FakeSequencer, output: AlsaOutput) -> None:
    output.send_at(note_on(2, 60, 90), Nanos(BEGUN - 1))
    assert sequencer.waiting[0][0] == 0
    assert output.late == 1


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (note_off(2, 60), [note_off(2, 60), note_on(2, 61, 90), note_on(3, 60, 90), b"\xf8"]),
        (control(2, 123, 0), [note_off(2, 60), note_on(3, 60, 90), b"\xf8"]),
        (control(2, 120, 0), [note_off(2, 60), note_on(3, 60, 90), b"\xf8"]),
        (b"\xfc", [note_on(2, 60, 90), note_off(2, 60), note_on(2, 61, 90), note_on(3, 60, 90)]),
        (
            control(2, 1, 0),
            [note_on(2, 60, 90), note_off(2, 60), note_on(2, 61, 90), note_on(3, 60, 90), b"\xf8"],
        ),
    ],
)
def test_what_ends_something_now_takes_back_what_would_begin_it_and_no_end(
    sequencer: FakeSequencer, output: AlsaOutput, end: bytes, left: list[bytes]
) -> None:
    for data in (note_on(2, 60, 90), note_off(2, 60), note_on(2, 61, 90), note_on(3, 60, 90), b"\xf8"):
        output.send_at(data, Nanos(BEGUN + 4_000_000))
    output.send(end)
    assert messages(sequencer) == left
    assert sequencer.left == [end]
    output.send_at(note_on(2, 60, 91), Nanos(BEGUN + 5_000_000))  # given since: not meant
    assert messages(sequencer)[-1] == note_on(2, 60, 91)


def test_what_has_left_is_forgotten_and_tags_come_round(sequencer: FakeSequencer, output: AlsaOutput) -> None:
    for number in range(600):
        sequencer.host += output.lead_nanos
        output.send_at(note_on(2, number % 100, 90), Nanos(sequencer.host + MARGIN_NANOS))
    tags = [tag for _, _, tag in sequencer.waiting]
    assert (min(tags), max(tags)) == (1, 255)
    output.send(control(2, 123, 0))
    assert len(sequencer.waiting) > 590  # no more was looked for than what can be waiting yet


@pytest.mark.parametrize("send", [lambda out: out.send(b"\xf8"), lambda out: out.send_at(b"\xf8", Nanos(0))])
def test_a_failing_or_closed_output_says_so(
    sequencer: FakeSequencer, output: AlsaOutput, send: Callable[[AlsaOutput], None]
) -> None:
    sequencer.fault = "Resource temporarily unavailable"
    with pytest.raises(PortError, match=r"synth:in 28:1.*temporarily unavailable"):
        send(output)
    output.abandon()
    with pytest.raises(PortError, match="closed"):
        send(output)
    output.observe(Nanos(BEGUN + 1_000_000_000))


def test_closing_silences_what_was_played_on_and_lets_the_ends_leave(
    sequencer: FakeSequencer, output: AlsaOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        assert sequencer.closed == 0
        sequencer.host += round(seconds * 1e9)

    monkeypatch.setattr("time.sleep", sleep)
    output.send_at(note_on(3, 60, 90), Nanos(BEGUN + 4_000_000))
    output.send_at(note_off(3, 60), Nanos(BEGUN + 6_000_000))
    output.close()
    output.close()
    assert messages(sequencer) == [note_off(3, 60)]
    assert {data[0] & 0x0F for data in sequencer.left} == {2}
    assert control(3, 123, 0) in sequencer.left
    assert sequencer.host > BEGUN + 6_000_000
    assert sequencer.closed == 1


def test_closing_silently_sends_nothing(sequencer: FakeSequencer, output: AlsaOutput) -> None:
    output.send(note_on(3, 60, 90))
    output.close(silently=True)
    assert sequencer.left == [note_on(3, 60, 90)]
    assert sequencer.closed == 1
