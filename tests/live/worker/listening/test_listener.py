"""The listener: what the engine tells becomes beats, by message and on a thread of its own."""

import queue
import threading
from pathlib import Path

import pytest

from live.ipc.messages import BeatFound, BeatReport, CannotListen, ExpectTempo, Listen, Message, Onset
from live.timing.timeline import Nanos
from live.worker.listening import metre_network
from live.worker.listening.listener import Listener, listen
from model.music.metre import METRES
from tests.live.worker.listening.test_beat_follower import MARCH, even, onsets

PATIENCE_S = 20.0


def played(listener: Listener, bars: int, *, bpm: float = 100) -> list[BeatReport]:
    """Play a march to a listener; returns what it tells."""
    told: list[BeatReport | None] = []
    for nanos, pitch, velocity in onsets(MARCH, 8, bars // 2, even(bpm)):
        if listener.due is not None and listener.due <= nanos:
            told.append(listener.advance(listener.due))
        told.append(listener.take(Onset(nanos, pitch, velocity)))
    return [heard for heard in told if heard is not None]


def test_it_tells_the_number_that_was_asked_for_and_the_timeline() -> None:
    listener = Listener()
    assert listener.take(Onset(0, 60, 80)) is None
    assert listener.take(Listen(7, METRES["4/4"], 120.0)) is None
    *_, heard = played(listener, 8)
    assert isinstance(heard, BeatFound)
    assert heard.number == 7
    assert heard.tempo_bpm == pytest.approx(100, rel=0.01)
    lines = (heard.nanos / 1e9 - even(100)(0)) / 2.4 - heard.tick / 1920
    assert abs(lines - round(lines)) < 0.02


def test_what_was_played_before_is_heard_at_once() -> None:
    listener = Listener()
    march = onsets(MARCH, 8, 2, even(100))
    heard = listener.take(Listen(1, METRES["4/4"], 120.0, onsets=[*march]))
    assert isinstance(heard, BeatFound)
    assert heard.tempo_bpm == pytest.approx(100, rel=0.02)


def test_a_tempo_that_is_set_is_expected_of_who_has_not_begun() -> None:
    for expected, tempo_bpm in ((50.0, 50), (100.0, 100)):
        listener = Listener()
        listener.take(Listen(1, METRES["4/4"], 120.0))
        listener.take(ExpectTempo(expected))
        *_, heard = played(listener, 8)
        assert isinstance(heard, BeatFound)
        assert heard.tempo_bpm == pytest.approx(tempo_bpm, rel=0.01)


def test_a_line_that_runs_is_followed() -> None:
    listener = Listener()
    listener.take(Listen(1, METRES["4/4"], 96.0, line=(0, round(even(100)(0) * 1e9), 96.0)))
    first, *_, last = played(listener, 8)
    assert isinstance(first, BeatFound)
    assert isinstance(last, BeatFound)
    assert abs((last.nanos / 1e9 - even(100)(0)) / 0.6 - last.tick / 480) < 0.1


@pytest.mark.parametrize("damage", [None, b"", b"\xff" * 64])
def test_weights_that_are_damaged_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: bytes | None
) -> None:
    path = tmp_path / "listen.safetensors"
    if damage is not None:
        path.write_bytes(damage)
    whole = metre_network.metre_network
    monkeypatch.setattr("live.worker.listening.metre_judge.metre_network", lambda metre: whole(metre, path))
    listener = Listener()
    heard = listener.take(Listen(3, METRES["4/4"], 120.0))
    assert isinstance(heard, CannotListen)
    assert heard.number == 3
    assert str(path) in heard.text
    assert played(listener, 4) == []


def test_a_fault_is_one_sentence_and_the_next_listen_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = Listener()
    listener.take(Listen(1, METRES["4/4"], 120.0))
    with monkeypatch.context() as broken:
        broken.setattr("live.worker.listening.beat_follower.best", lambda *_: 1 / 0)
        assert played(listener, 2) == [CannotListen(1, "division by zero")]
    listener.take(Listen(2, METRES["4/4"], 120.0))
    assert {heard.number for heard in played(listener, 8)} == {2}


def test_its_thread_hears_a_chord_that_is_complete_and_ends_with_none() -> None:
    messages: queue.SimpleQueue[Listen | Onset | ExpectTempo | None] = queue.SimpleQueue()
    told: queue.SimpleQueue[Message] = queue.SimpleQueue()
    march = onsets(MARCH, 8, 2, even(100))
    at = Nanos(march[-1][0])
    thread = threading.Thread(target=listen, args=(messages, told.put), kwargs={"now": lambda: at})
    thread.start()
    messages.put(Listen(1, METRES["4/4"], 120.0, onsets=[*march[:-1]]))
    assert told.get(timeout=PATIENCE_S)
    at = Nanos(at + 10**9)
    messages.put(Onset(*march[-1]))
    heard = told.get(timeout=PATIENCE_S)
    assert isinstance(heard, BeatFound)
    messages.put(None)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
