"""Links: messages cross whole, a full pipe never blocks, garbage hangs up, strangers are refused."""

import queue
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc import link as link_module
from live.ipc import messages as ipc
from live.ipc import places
from live.ipc.commands import Command, FromDashboard, Panic, Turn
from live.ipc.link import (
    LARGEST_BACKLOG,
    LARGEST_FRAME,
    LENGTH,
    Address,
    Link,
    Switchboard,
    call,
    new_address,
    remove_place,
)
from live.ipc.messages import Message
from live.ipc.snapshot import Notice
from tests.fakes.any_notes import any_notes

PATIENCE_S = 20.0
ANY = (
    ipc.Hello | Command | ipc.Encode | ipc.Decode | ipc.Failed | ipc.LoadFailed | ipc.Load | Notice | ipc.Bye
)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(any_notes(offsets=FINITE, tracks=st.integers(0, 3), displacements=FINITE, releases=FINITE))
OF_TYPE: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(0, 127),
    float: FINITE,
    list[float]: st.lists(FINITE),
}
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    *[
        st.builds(kind, **{field.name: OF_TYPE[field.type] for field in msgspec.structs.fields(kind)})
        for kind in get_args(Command)
    ]
)
PLACES: st.SearchStrategy[places.Place] = st.recursive(
    st.builds(places.Point, st.lists(FINITE), st.dictionaries(st.text(), FINITE)),
    lambda inner: st.one_of(
        st.builds(places.Between, inner, inner, FINITE),
        st.builds(places.Blend, st.lists(inner, max_size=4), st.lists(FINITE, max_size=4)),
        st.builds(
            places.Moved,
            inner,
            st.integers(0, 9999),
            FINITE,
            st.integers(0, 99),
            st.booleans(),
            st.integers(0, 2**32),
        ),
    ),
    max_leaves=6,
)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    COMMANDS,
    st.builds(ipc.Encode, st.integers(0, 2**40), ROWS, st.lists(st.integers(0, 3))),
    st.builds(
        ipc.Decode,
        st.integers(0, 2**40),
        st.integers(-9, 10**6),
        PLACES,
        st.dictionaries(st.text(), FINITE),
        FINITE,
        st.integers(0, 2**62),
        prefix=ROWS,
        condition=st.dictionaries(st.text(), st.text()),
    ),
    st.builds(ipc.Failed, st.integers(0, 99), st.text()),
    st.builds(ipc.LoadFailed, st.text()),
    st.builds(Notice, st.integers(0, 2**62), st.just("info"), st.text()),
    st.just(ipc.Bye()),
)


@pytest.fixture
def pair() -> Iterator[tuple[Link[Any], Link[Any]]]:
    ends = [Link[Any](end, ANY) for end in socket.socketpair()]
    yield ends[0], ends[1]
    for end in ends:
        end.close()


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, Link[Any]]]:
    """A caller of no manners, and the link that reads from it."""
    theirs, end = socket.socketpair()
    ours: Link[Any] = Link(end, ANY)
    yield theirs, ours
    theirs.close()
    ours.close()


@given(st.lists(MESSAGES, max_size=10))
def test_messages_arrive_whole_and_in_order(messages: list[Message]) -> None:
    near, far = (Link[Any](end, ANY) for end in socket.socketpair())
    for message in messages:
        assert near.send(message)
    near.close()
    assert list(iter(far.receive, None)) == messages
    far.close()


def test_the_name_of_a_file_that_is_no_utf_8_stops_no_message(pair: tuple[Link[Any], Link[Any]]) -> None:
    near, far = pair
    assert near.send(Notice(5, "error", "no take can be written to 'caf\udce9.mid'"))
    assert far.receive() == Notice(5, "error", "no take can be written to 'caf?.mid'")


def fill(link: Link[Any], message: Message) -> int:
    """Send until the pipe takes no more; returns how many messages were sent."""
    count = 0
    while link._flush():
        assert link.send(message)
        count += 1
        assert count < 100_000
    return count


BIG = Notice(0, "info", "x" * 10_000)


@pytest.mark.parametrize("flagged", [True, False])
def test_a_full_pipe_never_blocks_and_loses_nothing(
    pair: tuple[Link[Any], Link[Any]], monkeypatch: pytest.MonkeyPatch, *, flagged: bool
) -> None:
    near, far = pair
    if not flagged:  # a system on which no flag says that a send is not to wait
        monkeypatch.setattr(link_module, "DONT_WAIT", 0)
    sent = fill(near, BIG)
    for number in range(10):
        assert near.send(Turn("density", number))
    received = []
    while not near._flush():
        received.append(far.receive())
    while len(received) < sent + 10:
        received.append(far.receive())
    assert received == [BIG] * sent + [Turn("density", number) for number in range(10)]


def test_what_may_be_dropped_is_dropped_while_older_ones_wait(pair: tuple[Link[Any], Link[Any]]) -> None:
    near, far = pair
    sent = fill(near, BIG)
    assert not near.send(Notice(1, "info", "old news"), droppable=True)
    assert near.open
    for _ in range(sent):
        assert far.receive() == BIG
        near._flush()
    assert near.send(Notice(2, "info", "news"), droppable=True)
    assert far.receive() == Notice(2, "info", "news")


def test_who_never_reads_is_hung_up_on_before_memory_runs_out(pair: tuple[Link[Any], Link[Any]]) -> None:
    near, _ = pair
    big = Notice(0, "info", "x" * 1_000_000)
    sent = 0
    while near.send(big):
        sent += 1
        assert sent * 1_000_000 < 4 * LARGEST_BACKLOG
    assert not near.open
    assert not near.send(ipc.Bye())


def test_the_other_side_going_is_none_and_false(pair: tuple[Link[Any], Link[Any]]) -> None:
    near, far = pair
    far.close()
    assert near.receive() is None
    assert not near.open
    assert not near.send(ipc.Bye())
    near.close()  # twice does no harm


GARBAGE = [
    struct.pack(">I", LARGEST_FRAME + 1) + b"x",
    b"\xff\xff\xff\xff",
    LENGTH.pack(3) + b"\xc1\xc1\xc1",
    LENGTH.pack(0),
    LENGTH.pack(1) + b"\x80",
    LENGTH.pack(len(msgspec.msgpack.encode({"type": "Nothing"})))
    + msgspec.msgpack.encode({"type": "Nothing"}),
    LENGTH.pack(len(msgspec.msgpack.encode({"type": "Load", "model": 5})))
    + msgspec.msgpack.encode({"type": "Load", "model": 5}),
    b"GET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_hangs_up(raw: tuple[socket.socket, Link[Any]], data: bytes) -> None:
    theirs, ours = raw
    theirs.sendall(data)
    theirs.shutdown(socket.SHUT_WR)
    assert ours.receive() is None
    assert not ours.open


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", LENGTH.pack(1) + b"\x80"])
def test_garbage_hangs_up_at_once(raw: tuple[socket.socket, Link[Any]], data: bytes) -> None:
    theirs, ours = raw
    theirs.sendall(data)  # and the caller stays on the line
    assert ours.receive() is None
    theirs.settimeout(PATIENCE_S)
    assert theirs.recv(1) == b""


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    theirs, end = socket.socketpair()
    ours: Link[Any] = Link(end, ANY)
    theirs.sendall(data)
    theirs.close()
    while ours.receive() is not None:
        pass
    assert not ours.open


@pytest.mark.parametrize("cut", [1, 4, 5, 9])
def test_a_frame_that_breaks_off_is_none(raw: tuple[socket.socket, Link[Any]], cut: int) -> None:
    theirs, ours = raw
    body = msgspec.msgpack.encode(ipc.Load("keys"))
    theirs.sendall((LENGTH.pack(len(body)) + body)[:cut])
    theirs.close()
    assert ours.receive() is None


def test_a_frame_in_pieces_is_one_message(raw: tuple[socket.socket, Link[Any]]) -> None:
    theirs, ours = raw
    body = msgspec.msgpack.encode(ipc.Load("keys"))
    for byte in LENGTH.pack(len(body)) + body:
        theirs.sendall(bytes((byte,)))
    assert ours.receive() == ipc.Load("keys")


# -- the switchboard -----------------------------------------------------------------------------


class Desk:
    """A switchboard, and what arrived at it."""

    def __init__(self, address: Address) -> None:
        self.arrived: queue.SimpleQueue[tuple[Link[Any], Any]] = queue.SimpleQueue()
        self.board = Switchboard(address, FromDashboard, lambda *item: self.arrived.put(item))

    def next(self) -> tuple[Link[Any], Any]:
        return self.arrived.get(timeout=PATIENCE_S)


@pytest.fixture(params=["unix", "loopback"])
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(link_module, "HAS_UNIX", request.param == "unix")
    made = Desk(new_address())
    yield made
    made.board.close()


def test_a_caller_with_the_token_is_let_in_and_answered(desk: Desk) -> None:
    caller = call(desk.board.address, "dashboard", ipc.ToWorker)
    link, hello = desk.next()
    assert isinstance(hello, ipc.Hello)
    assert hello.role == "dashboard"
    caller.send(Panic())
    assert desk.next() == (link, Panic())
    link.send(ipc.Load("keys"))
    assert caller.receive() == ipc.Load("keys")
    caller.close()
    assert desk.next() == (link, None)


@pytest.mark.parametrize("token", ["", "0" * 32, "wrong", "é\N{SNOWMAN}"])
def test_a_stranger_is_hung_up_on(desk: Desk, token: str) -> None:
    stranger = call(Address(desk.board.address.place, token), "dashboard", ipc.ToWorker)
    assert stranger.receive() is None
    known = call(desk.board.address, "dashboard", ipc.ToWorker)
    assert isinstance(desk.next()[1], ipc.Hello)  # the first to be let in is the second that called
    known.close()
    stranger.close()


def test_who_does_not_introduce_itself_is_hung_up_on(desk: Desk) -> None:
    rude: Link[Any] = Link(desk.board.address.connect(), ipc.ToWorker)
    rude.send(Panic())
    assert rude.receive() is None
    assert desk.arrived.empty()
    rude.close()


def test_several_callers_are_distinct(desk: Desk) -> None:
    callers = [call(desk.board.address, "dashboard", ipc.ToWorker) for _ in range(3)]
    links = {id(desk.next()[0]) for _ in callers}
    assert len(links) == 3
    for caller in callers:
        caller.close()
    assert {id(desk.next()[0]) for _ in callers} == links


def test_nobody_listens_any_more_after_close() -> None:
    desk = Desk(new_address())
    place = Path(desk.board.address.place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    desk.board.close()
    assert not place.exists()
    with pytest.raises(OSError):
        call(desk.board.address, "dashboard", ipc.ToWorker)


def test_a_closed_loopback_port_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "HAS_UNIX", False)
    desk = Desk(new_address())
    desk.board.close()
    with pytest.raises(OSError):
        call(desk.board.address, "dashboard", ipc.ToWorker)


@pytest.mark.parametrize("folder", ["f" * 90, "a:b"])
def test_a_folder_that_no_socket_fits_in_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    unfit = tmp_path / folder
    unfit.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(unfit))
    desk = Desk(new_address())
    caller = call(desk.board.address, "dashboard", ipc.ToWorker)
    assert isinstance(desk.next()[1], ipc.Hello)
    assert list(unfit.iterdir()) == []
    caller.close()
    desk.board.close()


def test_the_next_engine_listens_where_the_last_one_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "HAS_UNIX", False)
    address = new_address()
    for _ in range(2):
        desk = Desk(address)
        caller = call(address, "dashboard", ipc.ToWorker)
        link, _ = desk.next()
        link.close()  # the engine's side first, as when it is killed: its port then waits for a minute
        assert caller.receive() is None
        caller.close()
        desk.board.close()


def test_what_a_killed_engine_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    address = new_address()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(address.place)
    remove_place(address)
    remove_place(address)
    assert not Path(address.place).exists()
    other = tmp_path / "engine.sock"
    other.touch()
    remove_place(Address(str(other), ""))
    remove_place(Address("127.0.0.1:1", ""))
    assert other.exists()


def test_a_socket_that_a_killed_engine_left_is_taken_over(tmp_path: Path) -> None:
    place = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    desk = Desk(Address(str(place), "secret"))
    caller = call(desk.board.address, "dashboard", ipc.ToWorker)
    assert isinstance(desk.next()[1], ipc.Hello)
    caller.close()
    desk.board.close()


def test_a_door_that_was_stuck_for_a_moment_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "ACCEPT_SECONDS", 0.001)
    arrived: queue.SimpleQueue[object] = queue.SimpleQueue()
    real, stuck = socket.socket.accept, [True] * 3

    def accept(listener: socket.socket) -> tuple[socket.socket, Any]:
        if stuck:
            stuck.pop()
            raise OSError(24, "Too many open files")
        return real(listener)

    monkeypatch.setattr(socket.socket, "accept", accept)
    board = Switchboard(new_address(), FromDashboard, lambda _link, message: arrived.put(message))
    caller = call(board.address, "dashboard", Notice)
    assert isinstance(arrived.get(timeout=PATIENCE_S), ipc.Hello)
    caller.close()
    board.close()


def test_two_threads_never_read_the_types_of_messages_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """msgspec remembers a type before it has read all of it; who decodes by that crashes."""
    both, met = threading.Barrier(2), list[bool]()

    def decoder(kind: Any) -> Any:
        try:
            both.wait(0.1)
            met.append(True)
        except threading.BrokenBarrierError:
            met.append(False)
        return msgspec.json.Decoder(kind)

    monkeypatch.setattr(msgspec.msgpack, "Decoder", decoder)
    ends = [end for _ in range(2) for end in socket.socketpair()]
    threads = [threading.Thread(target=Link, args=(end, ipc.Bye)) for end in ends[::2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for end in ends:
        end.close()
    assert met == [False, False]
