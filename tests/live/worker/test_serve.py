"""The model process's desk: an answer or one sentence; the newest decode wins; goodbye is no hang-up."""

import gc
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from live.ipc import messages
from live.ipc.link import Link, Switchboard, new_address
from live.ipc.messages import Message
from live.ipc.model_process import spawn_worker
from live.ipc.places import Moved, Place, Point
from live.worker import handler as worker
from live.worker.handler import RequestHandler
from live.worker.pause import Pause
from live.worker.place_solver import PlaceSolver, point_of
from live.worker.serve import newest, serve
from model.errors import CheckpointError, sentence
from model.music.grid import Grid
from model.music.metre import METRES, grid_in
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, MELODY
from model.playing import load as play
from model.playing.player import Player
from model.playing.warp import WARP_STEPS
from tests.fakes.roll_player import RollPlayer

PATIENCE_S = 20.0
TUNE = [Note(0, 60, 90, 2), Note(8, 64, 80, 2, 0.25), Note(8, 48, 80, 2)]


class Broken(RollPlayer):
    """Loads, and then cannot answer."""

    calls = 0

    def decode(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls > 2:  # the two that warm it up
            raise RuntimeError("a tensor\nof no shape")
        return super().decode(*arguments, **options)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ship two models, neither a network."""

    def load(name: str, device: str) -> Player:
        if name == "roll":
            return RollPlayer()
        if name == "broken":
            return Broken()
        raise CheckpointError(f"'{name}' is not one of ours")

    monkeypatch.setattr(play, "load", load)
    yield
    gc.unfreeze()


@pytest.fixture
def desk() -> RequestHandler:
    made = RequestHandler()
    assert isinstance(made.load("roll"), messages.Ready)
    return made


SILENT = Point([0.0] * 32)


def decode(ident: int, *, bar: int = 2, place: Place = SILENT) -> messages.Decode:
    return messages.Decode(ident, bar, place, turns={}, temperature=0.0, seed=0)


def test_ready_says_what_the_card_says() -> None:
    ready = RequestHandler().load("roll")
    assert isinstance(ready, messages.Ready)
    assert (ready.model, ready.ident, ready.codec, ready.latent_size) == ("roll", "roll-1", "poly", 32)
    assert (ready.bars, ready.beats_per_bar, ready.steps_per_beat) == (2, 4, 4)


def test_a_phrase_is_encoded_and_decoded_again(desk: RequestHandler) -> None:
    encoded = desk.answer(messages.Encode(7, TUNE))
    assert isinstance(encoded, messages.Encoded)
    assert (encoded.ident, encoded.attributes["density"]) == (7, 0.25)
    place = Point(encoded.z, encoded.attributes)
    decoded = desk.answer(decode(8, place=place))
    assert isinstance(decoded, messages.Decoded)
    assert [row[:2] for row in decoded.notes] == [(0, 60), (8, 64)]
    assert (decoded.ident, decoded.point) == (8, place)


def test_it_divides_a_keyboard_as_it_is_told_the_loaded_model_too() -> None:
    made = RequestHandler()
    phrase = Phrase.of(Grid(), [Note(0, 72, 90, 4), Note(0, 50, 90, 4)])
    for split, tracks in (("line", [BASS, MELODY]), ("C3", [CHORDS, MELODY]), ("C-1", [CHORDS, MELODY])):
        assert isinstance(made.load("roll", split=split), messages.Ready)
        assert made.player is not None
        assert made.player.divide is not None
        assert [note.track for note in made.player.divide(phrase).notes] == tracks
    refused = made.load("roll", split="C99")
    assert isinstance(refused, messages.LoadFailed)
    assert "'C99' divides no keyboard" in refused.text


def test_a_place_is_worked_out_with_the_ident_and_the_scale_of_the_card(desk: RequestHandler) -> None:
    place = Moved(Point([60.0] * 32, {"density": 0.5}), cell=3, stray=1.0, number=2, drifting=True, seed=9)
    decoded = desk.answer(decode(8, place=place))
    assert isinstance(decoded, messages.Decoded)
    assert decoded.point == point_of(
        PlaceSolver("roll-1", np.full(32, 50.0, np.float32), Grid()).latent(place)
    )
    assert isinstance(desk.player, RollPlayer)
    assert desk.player.decoded[-1].model == "roll-1"


def test_answers_say_what_they_cost(desk: RequestHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "since_ms", lambda _start: 7.5)
    encoded, decoded = desk.answer(messages.Encode(1, TUNE)), desk.answer(decode(2))
    assert isinstance(encoded, messages.Encoded)
    assert isinstance(decoded, messages.Decoded)
    assert (encoded.ms, decoded.ms) == (7.5, 7.5)


def test_milliseconds_are_a_millionth_of_nanoseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic_ns", lambda: 12_345_678)
    assert worker.since_ms(10_000_000) == 2.346


def test_what_is_loaded_is_not_loaded_again_unless_its_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = tmp_path / "mine.safetensors"
    checkpoint.touch()
    loaded: list[str] = []

    def load(name: str, device: str) -> Player:
        loaded.append(name)
        return RollPlayer()

    monkeypatch.setattr(play, "load", load)
    desk, name = RequestHandler(), str(checkpoint)
    assert desk.load(name) == desk.load(name)
    assert loaded == [name]
    os.utime(checkpoint, ns=(1, 1))
    desk.load(name)
    assert loaded == [name, name]
    desk.load("roll")
    desk.load(name)
    assert loaded == [name, name, "roll", name]


def test_a_model_that_does_not_load_is_a_sentence_and_the_old_one_stays(desk: RequestHandler) -> None:
    failed = desk.load("foreign")
    assert failed == messages.LoadFailed("model 'foreign' could not be loaded: 'foreign' is not one of ours")
    assert isinstance(desk.answer(messages.Encode(1, TUNE)), messages.Encoded)


def test_a_card_that_is_not_there_is_said_and_the_processor_plays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(name: str, device: str) -> Player:
        if device == "cuda":
            raise CheckpointError("there is no device 'cuda' here")
        if name == "foreign":
            raise CheckpointError("'foreign' is not one of ours")
        return RollPlayer()

    monkeypatch.setattr(play, "load", load)
    handler = RequestHandler()
    assert isinstance(handler.load("roll", device="cuda"), messages.Ready)
    assert handler.card_fault() == "there is no device 'cuda' here; the processor plays"
    assert handler.card_fault() == ""
    assert isinstance(handler.answer(messages.Encode(1, TUNE)), messages.Encoded)
    refused = handler.load("foreign", device="cuda")
    assert isinstance(refused, messages.LoadFailed)
    assert "'foreign' is not one of ours" in refused.text
    assert isinstance(handler.load("roll", device="auto"), messages.Ready)
    assert handler.card_fault() == ""


def test_without_a_model_requests_are_refused() -> None:
    assert RequestHandler().answer(decode(3)) == messages.Failed(3, "no model is loaded")


def test_a_model_that_breaks_says_so_in_one_line() -> None:
    desk = RequestHandler()
    assert isinstance(desk.load("broken"), messages.Ready)
    assert desk.answer(decode(3)) == messages.Failed(3, "the model could not answer: a tensor of no shape")


@pytest.mark.parametrize(
    "row", [Note(40, 60, 90, 1), Note(0, 200, 90, 1), Note(0, 60, 90, 0), Note(0, 60, 90, 1, track=4)]
)
def test_notes_off_the_grid_are_a_sentence(desk: RequestHandler, row: Note) -> None:
    failed = desk.answer(messages.Encode(5, [row]))
    assert isinstance(failed, messages.Failed)
    assert failed.ident == 5
    assert "must be" in failed.text


def test_an_error_without_words_is_named() -> None:
    assert sentence(KeyError()) == "KeyError"


@pytest.fixture
def lonely(monkeypatch: pytest.MonkeyPatch) -> RollPlayer:
    """What is loaded has no latent and heeds a style."""
    player = RollPlayer(latent=False, conditions=("style",), styles=("waltz",))
    monkeypatch.setattr(play, "load", lambda _name, _device: player)
    return player


def test_a_model_without_a_latent_says_so_and_continues(lonely: RollPlayer) -> None:
    desk = RequestHandler()
    ready = desk.load("lonely")
    assert isinstance(ready, messages.Ready)
    assert (ready.latent_size, ready.map_points) == (0, [])
    assert (ready.conditions, ready.styles) == (["style"], ["waltz"])
    encoded = desk.answer(messages.Encode(1, TUNE))
    assert isinstance(encoded, messages.Encoded)
    assert (encoded.z, encoded.xy) == ([], (0.0, 0.0))
    request = messages.Decode(
        2, 2, Point([]), {}, 0.5, 7, context=TUNE, condition={"style": "waltz"}, top_k=4, top_p=0.8
    )
    decoded = desk.answer(request)
    assert isinstance(decoded, messages.Decoded)
    assert {row[1] for row in decoded.notes} == {62, 66, 50}  # a tone higher
    assert (decoded.point, decoded.xy) == (Point([]), (0.0, 0.0))
    assert lonely.chosen[-1] == (4, 0.8, {"style": "waltz"})


def test_what_holds_the_choice_of_notes_reaches_a_model_with_a_latent_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    player = RollPlayer()
    monkeypatch.setattr(play, "load", lambda _name, _device: player)
    desk = RequestHandler()
    desk.load("roll")
    desk.answer(msgspec.structs.replace(decode(1), top_k=3, top_p=0.5))
    desk.answer(decode(2))
    assert player.chosen[-2:] == [(3, 0.5, None), (0, 1.0, None)]


def test_a_warp_walks_the_whole_way_a_decode_at_a_time(desk: RequestHandler) -> None:
    ends = [Point([key] * 16 + [0.0] * 16) for key in (60.0, 90.0)]
    steps = list(desk.warp(messages.Warp(9, *ends)))
    assert steps[:-1] == [None] * (WARP_STEPS + 1)
    answer = steps[-1]
    assert isinstance(answer, messages.Warped)
    assert answer.ident == 9
    assert len(answer.lengths) == WARP_STEPS + 1
    assert answer.lengths[0] == 0.0
    assert answer.lengths[-1] == 1.0
    assert answer.lengths == sorted(set(answer.lengths))


def test_of_a_bar_s_decodes_only_the_newest_is_done() -> None:
    first, second, other, encode = decode(1), decode(2), decode(3, bar=4), messages.Encode(4, [])
    assert newest([first, encode, second, other]) == [encode, second, other]
    assert newest([first, None]) == [first, None]


# -- over the wire -------------------------------------------------------------------------------


class Call:
    """A desk that serves in a thread, and the engine's end of its link."""

    def __init__(self, desk: RequestHandler, attend: Callable[[bool], None] = lambda _: None) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(PATIENCE_S)
        self.link: Link[Any] = Link(ours, messages.FromWorker)
        self.ended: list[bool] = []
        served: Link[messages.ToWorker] = Link(theirs, messages.ToWorker)
        self.thread = threading.Thread(
            target=lambda: self.ended.append(serve(served, desk, attend=attend)), daemon=True
        )
        self.thread.start()

    def end(self) -> list[bool]:
        self.thread.join(PATIENCE_S)
        self.link.close()
        return self.ended


def test_it_answers_at_once_and_loads_and_writes_ahead_as_any_other() -> None:
    attending = threading.local()
    done: list[tuple[str, bool]] = []
    wrote = threading.Event()

    class Watched(RequestHandler):
        def load(self, *arguments: Any, **options: Any) -> Message:
            done.append(("load", attending.now))
            return super().load(*arguments, **options)

        def answer(self, request: messages.Encode | messages.Decode) -> Message:
            done.append(("answer", attending.now))
            return super().answer(request)

        def write(self) -> Iterator[Message | None]:
            done.append(("write", attending.now))
            wrote.set()
            yield from super().write()

    call = Call(Watched(), lambda now: setattr(attending, "now", now))
    call.link.send(messages.Load("roll"))
    assert isinstance(call.link.receive(), messages.Ready)
    call.link.send(messages.Encode(1, TUNE))
    assert isinstance(call.link.receive(), messages.Encoded)
    assert wrote.wait(10)
    call.link.send(messages.Bye())
    assert call.end() == [True]
    assert set(done) == {("load", False), ("answer", True), ("write", False)}


def test_nothing_is_written_ahead_while_a_phrase_closes() -> None:
    desk = RequestHandler()
    assert isinstance(desk.load("roll"), messages.Ready)
    desk.pause = Pause(lambda: 0)
    call = Call(desk)
    for in_nanos, rests in ((10**12, False), (1_000, True)):
        call.link.send(messages.Closing(in_nanos))
        call.link.send(messages.Encode(1, TUNE))
        assert isinstance(call.link.receive(), messages.Encoded)
        assert (desk.pause.seconds() > 0) is rests
    call.link.send(messages.Bye())
    assert call.end() == [True]


def test_a_model_process_says_nothing_before_it_is_asked_to_load() -> None:
    arrived: queue.SimpleQueue[tuple[Link[Any], Any]] = queue.SimpleQueue()
    board = Switchboard(new_address(), messages.FromWorker, lambda *item: arrived.put(item))
    process = spawn_worker(board.address)
    try:
        link, hello = arrived.get(timeout=PATIENCE_S)
        assert (hello.role, hello.pid) == ("worker", process.pid)
        link.send(messages.Load("lead"))
        _, ready = arrived.get(timeout=PATIENCE_S)
        assert isinstance(ready, messages.Ready)
        assert ready.model == "lead"
        link.send(messages.Bye())
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        board.close()


def test_nothing_slow_is_imported_before_the_priority_is_lowered() -> None:
    slow = "{'numpy', 'msgspec', 'live.worker.serve'}"
    script = f"import sys, live.worker.__main__; sys.exit(bool({slow} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", script], timeout=PATIENCE_S, check=False).returncode == 0


def test_a_beat_is_found_while_a_model_loads(desk: RequestHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr(desk, "load", lambda *_: free.wait(PATIENCE_S) and messages.LoadFailed("free"))
    call = Call(desk)
    call.link.send(messages.Load("slow"))
    eighths = [(300_000_000 * at, 48 if at % 8 == 0 else 64 + at % 3, 80) for at in range(33)]
    call.link.send(messages.Listen(5, METRES["4/4"], 100.0, onsets=eighths))
    heard = call.link.receive()
    assert isinstance(heard, messages.BeatFound)
    assert heard.number == 5
    free.set()
    while not isinstance(call.link.receive(), messages.LoadFailed):
        pass
    call.link.send(messages.Bye())
    assert call.end() == [True]


def test_what_listens_is_imported_when_somebody_is_to_be_heard() -> None:
    script = (
        "import sys, live.worker.serve; sys.exit(any('worker.listening' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=PATIENCE_S, check=False).returncode == 0


def test_goodbye_ends_it(desk: RequestHandler) -> None:
    call = Call(desk)
    call.link.send(messages.Bye())
    assert call.end() == [True]


def test_an_engine_that_has_gone_is_not_a_goodbye(desk: RequestHandler) -> None:
    call = Call(desk)
    call.link.close()
    assert call.end() == [False]


def test_requests_are_answered_in_turn_and_a_warp_between_them(desk: RequestHandler) -> None:
    call = Call(desk)
    call.link.send(messages.Warp(1, Point([60.0] * 32), Point([90.0] * 32)))
    call.link.send(messages.Encode(2, TUNE))
    call.link.send(messages.Load("foreign"))
    call.link.send(decode(3))
    answers = [call.link.receive() for _ in range(4)]
    assert sorted(type(message).__name__ for message in answers) == [
        "Decoded", "Encoded", "LoadFailed", "Warped"
    ]  # fmt: skip
    others = [message for message in answers if not isinstance(message, messages.Warped)]
    assert [type(message) for message in others] == [messages.Encoded, messages.LoadFailed, messages.Decoded]
    call.link.send(messages.Bye())
    assert call.end() == [True]


# -- metres ----------------------------------------------------------------------------------------


def test_a_model_that_does_not_play_the_metre_is_refused_and_the_one_before_stays(
    desk: RequestHandler,
) -> None:
    before = desk.player
    for name in ("roll", "broken"):  # loaded already, and another
        refused = desk.load(name, "3/4")
        assert isinstance(refused, messages.LoadFailed)
        assert refused.text == "roll does not play 3/4; it plays: 4/4; keys plays 3/4"
    assert desk.player is before
    assert isinstance(desk.load("roll", "4/4"), messages.Ready)


def test_a_phrase_in_another_metre_is_read_answered_and_kept_as_it_was_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the shipped one
    desk = RequestHandler()
    ready = desk.load("lead", "6/8")
    assert isinstance(ready, messages.Ready)
    assert ready.metres == list(METRES)
    grid = grid_in(ready.grid, METRES["6/8"])
    assert grid is not None
    struck = [(240 * eighth, 240 * eighth + 200, 60 + eighth, 80) for eighth in range(12)]
    encoded = desk.answer(messages.Encode(1, [], [], struck, 1_041_667, grid=grid))
    assert isinstance(encoded, messages.Encoded)
    assert [(note.onset, note.pitch) for note in encoded.notes] == [(2 * at, 60 + at) for at in range(12)]
    here = Point(encoded.z, encoded.attributes, encoded.played, grid)
    for place in (
        here,
        Point(encoded.z, encoded.attributes),
    ):  # as it was played, and as the network has it
        decoded = desk.answer(messages.Decode(2, 2, place, turns={}, temperature=0.0, seed=0, grid=grid))
        assert isinstance(decoded, messages.Decoded)
        assert [(note.onset, note.pitch) for note in decoded.notes] == [(2 * at, 60 + at) for at in range(12)]
    other = desk.answer(messages.Decode(3, 2, here, turns={}, temperature=0.0, seed=0))  # in 4/4, bar by bar
    assert isinstance(other, messages.Decoded)
    assert [note.onset for note in other.notes] == [*range(0, 12, 2), *range(16, 28, 2)]
    denied = desk.answer(messages.Decode(4, 2, here, turns={}, temperature=0.0, seed=0, grid=Grid(4, 3)))
    assert isinstance(denied, messages.Failed)
    assert "lead has no phrases of 4 bars of 3/4" in denied.text


def test_a_phrase_that_goes_on_is_answered_and_nothing_is_learned_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()  # the shipped one
    desk = RequestHandler()
    desk.load("lead")
    scale = [
        (240 * eighth, 240 * eighth + 200, pitch, 80) for eighth, pitch in enumerate((62, 66, 69, 74) * 2)
    ]
    begun = desk.answer(messages.Encode(1, [], [], scale, 1_041_667, begun=True))
    assert isinstance(begun, messages.Encoded)
    assert len(begun.notes) == len(scale)
    assert begun.key == ""
    whole = desk.answer(messages.Encode(2, [], [], scale, 1_041_667))
    assert isinstance(whole, messages.Encoded)
    assert whole.key
