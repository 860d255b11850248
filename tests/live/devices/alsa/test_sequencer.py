"""A client of ALSA's sequencer on a libasound of the test's own: what is asked of it, and in which form."""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from live.devices.alsa import sequencer as alsa
from live.devices.alsa.sequencer import QueueEvent, RealTime, Sequencer, beat_nanos

QUEUE, PORT, CLIENT = 2, 0, 129
TIMERS = """\
Timer for queue 0 : system timer
  Period time : 0.004000000
  Skew : 65536 / 65536
Timer for queue 2 : HR timer
  Period time : 0.000160000
  Skew : 65536 / 65536
"""


class FakeLibrary:
    """Stands for libasound: a function that has no method here succeeds.

    Attributes:
        events: that were put out, as they were.
        put_out: what the encoder held of each of them then, as it does of an exclusive message.
        calls: names of the functions that were called, in their order.
        failing: name of a function that fails.
    """

    def __init__(self) -> None:
        self.events: list[QueueEvent] = []
        self.put_out: list[bytes] = []
        self.encoded = b""
        self.calls: list[str] = []
        self.taken_back: list[int] = []
        self.resolution = 0
        self.heard_by: tuple[int, ...] = ()
        self.failing = ""
        self.time = RealTime(3, 500)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            self.calls.append(name)
            if name == self.failing:
                return -2
            return getattr(self, f"_{name}", lambda *_: 0)(*arguments)

        if name.startswith("_"):
            raise AttributeError(name)
        return called

    def _snd_seq_open(self, seq: Any, *_mode: object) -> int:
        seq._obj.value = 1
        return 0

    def _snd_midi_event_new(self, _size: int, encoder: Any) -> int:
        encoder._obj.value = 2
        return 0

    _snd_seq_queue_status_malloc = _snd_seq_remove_events_malloc = _snd_seq_open

    def _snd_seq_client_id(self, _seq: object) -> int:
        return CLIENT

    def _snd_seq_alloc_named_queue(self, *_names: object) -> int:
        return QUEUE

    def _snd_seq_queue_timer_set_resolution(self, _timer: object, resolution: int) -> None:
        self.resolution = resolution

    def _snd_seq_queue_status_get_real_time(self, _status: object) -> Any:
        return ctypes.pointer(self.time)

    def _snd_midi_event_encode(self, _encoder: object, data: bytes, length: int, event: Any) -> int:
        """Encode three bytes at most into an event, of which the flags of a length stay."""
        assert length == len(data)
        event._obj.type, event._obj.flags = data[0] >> 4, 0b0111
        self.encoded = data[:3]
        event._obj.data[0] = int.from_bytes(self.encoded, "big")
        return min(3, length)

    def _snd_seq_event_output_direct(self, _seq: object, event: Any) -> int:
        self.events.append(QueueEvent.from_buffer_copy(event._obj))
        self.put_out.append(self.encoded)
        return 28

    def _snd_seq_remove_events_set_tag(self, _removal: object, tag: int) -> None:
        self.taken_back.append(tag)

    def _snd_seq_connect_to(self, _seq: object, *ports: int) -> int:
        self.heard_by = ports
        return 0

    def _snd_strerror(self, _number: int) -> bytes:
        return b"No such file or directory"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLibrary:
    timers = tmp_path / "timer"
    timers.write_text(TIMERS)
    monkeypatch.setattr(alsa, "TIMERS", timers)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return FakeLibrary()


@pytest.fixture
def client(library: FakeLibrary) -> Sequencer:
    return Sequencer("twobar-out", "notes", library=library)


def test_the_structures_are_laid_out_as_alsa_lib_s_headers_say() -> None:
    assert ctypes.sizeof(QueueEvent) == 28
    places = {field[0]: getattr(QueueEvent, field[0]).offset for field in QueueEvent._fields_}
    assert places == {
        "type": 0, "flags": 1, "tag": 2, "queue": 3, "time": 4, "source_client": 12, "source_port": 13,
        "destination_client": 14, "destination_port": 15, "data": 16,
    }  # fmt: skip
    assert ctypes.sizeof(RealTime) == 8


def test_its_queue_beats_as_often_as_a_sequencer_s_can(client: Sequencer, library: FakeLibrary) -> None:
    assert library.resolution == 6_250
    assert client.beat_nanos == 160_000
    assert client.address == "129:0"
    assert library.calls.index("snd_seq_set_queue_timer") < library.calls.index("snd_seq_control_queue")


def test_a_message_for_now_goes_past_the_queue_to_whoever_is_connected(
    client: Sequencer, library: FakeLibrary
) -> None:
    client.send(b"\x90\x3c\x5a")
    (event,) = library.events
    assert (event.queue, event.destination_client, event.destination_port) == (253, 254, 253)
    assert event.data[0] == 0x903C5A
    assert event.flags == 0b0100  # as long as the encoder says, and no time


def test_a_message_for_later_has_its_time_and_tag(client: Sequencer, library: FakeLibrary) -> None:
    client.send_at(b"\x90\x3c\x5a", 7_000_000_123, tag=200)
    (event,) = library.events
    assert (event.queue, event.tag, event.time.seconds, event.time.nanos) == (QUEUE, 200, 7, 123)
    assert event.flags == 0b0101  # real time, counted from the queue's beginning


def test_what_is_longer_than_an_event_is_sent_in_several(client: Sequencer, library: FakeLibrary) -> None:
    client.send(b"\xf0\x01\x02\x03\xf7")
    assert [event.data[0] for event in library.events] == [0xF00102, 0x03F7]
    assert library.put_out == [b"\xf0\x01\x02", b"\x03\xf7"]  # each before the next is encoded


def test_the_queue_s_count_is_in_nanoseconds(client: Sequencer) -> None:
    assert client.nanos() == 3_000_000_500


def test_what_waits_is_taken_back_by_its_tag(client: Sequencer, library: FakeLibrary) -> None:
    client.take_back(17)
    assert library.taken_back == [17]
    assert library.calls[-1] == "snd_seq_remove_events"


def test_a_receiver_that_takes_nothing_more_does_not_end_what_the_others_hear(
    client: Sequencer, library: FakeLibrary
) -> None:
    library.failing = "snd_seq_event_output_direct"
    client.send(b"\x90\x3c\x5a")
    with pytest.raises(OSError, match="snd_seq_event_output_direct: No such file"):
        client.send_at(b"\x90\x3c\x5a", 0, tag=1)  # that would be our own queue


@pytest.mark.parametrize(
    "failing",
    ["snd_seq_open", "snd_seq_alloc_named_queue", "snd_seq_set_queue_timer", "snd_midi_event_new"],
)
def test_what_cannot_be_had_is_reported_in_libasound_s_words_and_nothing_stays_open(
    library: FakeLibrary, failing: str
) -> None:
    library.failing = failing
    with pytest.raises(OSError, match=f"{failing}: No such file or directory"):
        Sequencer("twobar-out", "notes", library=library)
    assert ("snd_seq_close" in library.calls) == (failing != "snd_seq_open")


@pytest.mark.parametrize(
    ("timers", "told"),
    [(TIMERS.replace("0.000160000", "0.004000000"), "beats too rarely here: 4 ms"), ("", "unknown")],
)
def test_a_queue_that_beats_too_rarely_is_none(library: FakeLibrary, timers: str, told: str) -> None:
    alsa.TIMERS.write_text(timers)
    with pytest.raises(OSError, match=told):
        Sequencer("twobar-out", "notes", library=library)
    assert library.calls[-1] == "snd_seq_close"


def test_a_port_is_found_by_the_numbers_in_its_name(client: Sequencer, library: FakeLibrary) -> None:
    client.connect_to("Synth 2:in 1 28:1")
    assert library.heard_by == (PORT, 28, 1)
    with pytest.raises(OSError, match="'Synth' has no address"):
        client.connect_to("Synth")


def test_closing_twice_leaves_once(client: Sequencer, library: FakeLibrary) -> None:
    client.close()
    client.close()
    assert library.calls.count("snd_seq_close") == 1


def test_how_a_queue_s_timer_beats_is_read_from_what_the_kernel_tells(
    library: FakeLibrary, tmp_path: Path
) -> None:
    assert beat_nanos(0, alsa.TIMERS) == 4_000_000
    assert beat_nanos(1, alsa.TIMERS) == beat_nanos(0, tmp_path / "none") == 0
