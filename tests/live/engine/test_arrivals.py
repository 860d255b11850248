"""Arrivals: in order, nothing lost that matters, however much comes in at once."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from live.engine.arrivals import STORM, Arrivals
from live.ipc.commands import Panic, Turn
from live.ipc.messages import Bye
from live.timing.midi_bytes import Received, control, is_note_off, is_note_on, note_off, note_on
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import Wire

MESSAGES = st.one_of(
    st.builds(note_on, st.integers(1, 2), st.integers(60, 63), st.integers(1, 127)),
    st.builds(note_off, st.integers(1, 2), st.integers(60, 63)),
    st.builds(control, st.integers(1, 2), st.sampled_from([1, 7, 64, 99]), st.integers(0, 127)),
    st.just(b"\xf8"),
)


def received(data: bytes, port: str = "keys") -> Received:
    return Received(Nanos(0), data, port)


def taken(arrivals: Arrivals) -> list[object]:
    found = []
    while (arrival := arrivals.take()) is not None:
        found.append(arrival[1])
    return found


def test_what_one_performer_does_is_taken_as_it_came() -> None:
    arrivals = Arrivals()
    items = [received(control(1, 7, number % 128)) for number in range(STORM)]
    for item in items:
        arrivals.put(item)
    assert taken(arrivals) == items
    assert arrivals.take() is None
    assert (arrivals.coalesced, arrivals.dropped) == (0, 0)


@given(st.lists(MESSAGES, max_size=200))
def test_in_a_storm_no_key_is_lost_and_the_newest_values_are_there(messages: list[bytes]) -> None:
    arrivals = Arrivals()
    for number in range(STORM):
        arrivals.put(received(control(16, number % 128, 0), "storm"))
    for data in messages:
        arrivals.put(received(data))
    found = [item.data for item in taken(arrivals) if isinstance(item, Received) and item.port == "keys"]

    def keys(all_of: list[bytes]) -> list[bytes]:
        return [data for data in all_of if is_note_on(data) or is_note_off(data)]

    assert keys(found) == keys(messages)
    pedal = [data for data in messages if data[0] & 0xF0 == 0xB0 and data[1] in (64, 99)]
    assert [data for data in found if data[0] & 0xF0 == 0xB0 and data[1] in (64, 99)] == pedal
    for place in {data[:2] for data in messages if data[0] & 0xF0 == 0xB0}:
        assert [d for d in found if d[:2] == place][-1] == [d for d in messages if d[:2] == place][-1]
    assert len(found) == len(messages) - arrivals.coalesced - arrivals.dropped
    assert b"\xf8" not in found


def test_in_a_storm_goodbyes_and_commands_come_through_and_knobs_are_coalesced() -> None:
    arrivals, wire = Arrivals(), Wire()
    for number in range(10 * STORM):
        arrivals.put(Turn("density", number / 10, source="osc"))
    arrivals.put(Panic())
    arrivals.put(Bye(), wire)
    arrivals.put(None, wire)
    found = taken(arrivals)
    assert found[-3:] == [Panic(), Bye(), None]
    assert found[STORM:-3] == [Turn("density", (10 * STORM - 1) / 10, source="osc")]
    assert arrivals.coalesced == 9 * STORM - 1


def test_two_controllers_of_one_number_are_two() -> None:
    arrivals = Arrivals()
    for _ in range(STORM):
        arrivals.put(Panic())
    for port in ("left", "right"):
        for value in (1, 2, 3):
            arrivals.put(received(control(1, 7, value), port))
    rest = [item for item in taken(arrivals) if isinstance(item, Received)]
    assert [(item.port, item.data[2]) for item in rest] == [("left", 3), ("right", 3)]


def test_threads_that_put_at_once_lose_nothing() -> None:
    arrivals, found = Arrivals(), list[object]()
    done = threading.Event()

    def put(port: str) -> None:
        for number in range(2000):
            arrivals.put(received(note_on(1, number % 128, 1 + number % 127), port))
            arrivals.put(received(control(1, 7, number % 128), port))

    threads = [threading.Thread(target=put, args=(name,)) for name in "abc"]

    def take() -> None:
        while not done.is_set():
            found.extend(taken(arrivals))

    taker = threading.Thread(target=take)
    for thread in (*threads, taker):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    taker.join()
    found += taken(arrivals)
    for name in "abc":
        mine = [item.data for item in found if isinstance(item, Received) and item.port == name]
        assert len([data for data in mine if is_note_on(data)]) == 2000
        assert [data for data in mine if not is_note_on(data)][-1] == control(1, 7, 1999 % 128)


def test_what_a_mapping_binds_to_an_action_or_an_encoder_is_not_coalesced() -> None:
    arrivals = Arrivals()
    arrivals.replaceable = lambda received: received.data[1] != 20
    for _ in range(STORM):
        arrivals.put(Panic())
    for value in (127, 0):
        arrivals.put(received(control(1, 20, value)))
        arrivals.put(received(control(1, 21, value)))
    arrivals.put(received(b""))
    rest = [item.data for item in taken(arrivals) if isinstance(item, Received)]
    assert rest == [control(1, 20, 127), control(1, 21, 0), control(1, 20, 0), b""]


def test_a_storm_takes_no_start_or_stop_of_a_master_away() -> None:
    arrivals = Arrivals()
    said = [b"\xfa", b"\xf2\x10\x00", b"\xfb", b"\xfc"]
    for data in [b"\xf8"] * 2 * STORM + said:
        arrivals.put(received(data))
    assert [item.data for item in taken(arrivals) if isinstance(item, Received)][-4:] == said
    assert arrivals.dropped == STORM
