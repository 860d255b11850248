"""Any process may be killed at any instant: on a real driver, while it plays."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from live.ipc.runtime_folder import alive
from tests.fakes.jack_harness import JackPeer, PeerMessage
from tests.fakes.jam_harness import (
    CELL_NANOS,
    CELL_STEPS,
    TUNE,
    JamProcess,
    Start,
    first_beat,
    ons,
    peer_now,
    play_tune,
    step_of,
)
from tests.fakes.standing import SPINS, stands_on_signal

pytestmark = pytest.mark.driver
SEPARATE_SERVER = True


def performed(take: Path) -> list[int]:
    """Return the pitches that a take says the performer played."""
    played = next(track for track in mido.MidiFile(take).tracks if track.name == "performer")
    return [message.note for message in played if message.type == "note_on"]


def wait_seen(peer: JackPeer) -> None:
    """Wait for two seconds of clocks: by then the engine has seen who is connected."""
    peer.wait_for(lambda received: [item.data[0] for item in received].count(0xF8) > 5 * 24, timeout=20)


def first_clock(peer: JackPeer) -> None:
    """Wait until a clock is heard."""
    peer.wait_for(lambda received: any(item.data == b"\xf8" for item in received), timeout=10)


def test_the_model_process_dies_and_comes_back(start: Start, peer: JackPeer) -> None:
    jam = start()
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 40, timeout=30)
    jam.signal("live.worker")
    received = peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 66, timeout=30)
    second = [step_of(zero, nanos) for nanos, _ in ons(received, 2) if step_of(zero, nanos) > 63]
    assert second[0] == pytest.approx(64, abs=0.2)  # still on the one
    assert min(abs(step - 3 * CELL_STEPS) for step in jam.planned(2)) < 0.2  # as it was played
    jam.wait_ready("model", times=2)
    status, _ = jam.end(signal.SIGINT)
    assert status == 0
    peer.wait_for(lambda received: any(item.data[0] == 0xFC for item in received))
    assert peer.sounding() == set()


def test_a_performers_beat_is_found_and_goes_on_while_the_model_process_is_away(
    start: Start, peer: JackPeer
) -> None:
    jam = start("--mode", "listen", "--bpm", "150")
    jam.wait_ready("model")
    eighth = 187_500_000  # at 160 beats per minute
    zero = time.monotonic_ns() + 500_000_000
    for number in range(8 * 8):
        pitch, on = (48, 64, 67, 64, 55, 64, 67, 64)[number % 8], zero + number * eighth
        peer.play_all([(on, bytes((0x90, pitch, 90))), (on + eighth // 2, bytes((0x80, pitch, 0)))])
    received = peer.wait_for(lambda received: len(beats(received)) > 20, timeout=30)
    assert min(beats(received)) > zero + 8 * eighth
    jam.signal("live.worker")
    jam.wait_ready("model", times=2)
    received = peer.wait_for(lambda received: peer_now(received) > zero + 60 * eighth, timeout=30)
    late = [nanos for nanos in beats(received) if nanos > zero + 40 * eighth]
    assert (late[-1] - late[0]) / (len(late) - 1) == pytest.approx(eighth / 12, rel=0.02)
    jam.end(signal.SIGINT)
    assert "found: 160 bpm, it follows you" in [line["text"] for line in jam.logged("notice")]


def beats(received: list[PeerMessage]) -> list[int]:
    """Return the moments of MIDI clock."""
    return [item.nanos for item in received if item.data == b"\xf8"]


def test_the_engine_dies_and_is_started_again(start: Start, peer: JackPeer) -> None:
    jam = start()
    wait_seen(peer)
    jam.signal("live.engine")
    jam.wait_ready("thru", times=2)
    peer.clear()
    first_clock(peer)  # the cables are there again
    peer.play(b"\x90\x40\x64")
    peer.wait_for(lambda received: any(item.data == b"\x90\x40\x64" for item in received), timeout=10)
    status, complaint = jam.end()
    assert status == 0
    assert "the engine died" in complaint
    peer.wait_for(lambda _: peer.sounding() == set())


def die_beside_a_model_that_stands(jam: JamProcess, _peer: JackPeer) -> None:
    jam.signal("live.worker", signal.SIGSTOP)
    jam.signal("live.engine")


def die_again_while_it_starts(jam: JamProcess, peer: JackPeer) -> None:
    first = jam.processes("live.engine")[0]
    jam.signal("live.engine")
    peer.wait_for(lambda _: [pid for pid in jam.processes("live.engine") if pid != first] != [], timeout=10)
    jam.signal("live.engine")


def die_three_times(jam: JamProcess, _peer: JackPeer) -> None:
    for times in (2, 3, 4):
        jam.signal("live.engine")
        jam.wait_ready("thru", times=times)


@pytest.mark.parametrize(
    ("die", "deaths"),
    [(die_beside_a_model_that_stands, 1), (die_again_while_it_starts, 1), (die_three_times, 3)],
)
def test_a_death_upon_another_ends_nothing(
    start: Start, peer: JackPeer, die: Callable[[JamProcess, JackPeer], None], deaths: int
) -> None:
    jam = start()
    peer.play(b"\x90\x30\x64")
    wait_seen(peer)
    die(jam, peer)
    jam.wait_ready("thru", times=deaths + 1)
    peer.wait_for(lambda _: (1, 0x30) not in peer.sounding(), timeout=10)
    peer.clear()
    first_clock(peer)
    peer.play(b"\x90\x40\x64")
    peer.wait_for(lambda received: any(item.data == b"\x90\x40\x64" for item in received), timeout=10)
    status, _ = jam.end()
    assert status == 0
    peer.wait_for(lambda _: peer.sounding() == set())


def wait_for_spare(jam: JamProcess, peer: JackPeer) -> int:
    """Return the process of the engine's spare as soon as there is one."""
    peer.wait_for(lambda _: len(jam.processes("live.engine")) == 2, timeout=30)
    return jam.processes("live.engine")[1]


def test_the_spare_of_the_engine_takes_its_place_and_ends_with_everything(
    start: Start, peer: JackPeer
) -> None:
    jam = start()
    spare = wait_for_spare(jam, peer)
    jam.signal("live.engine")
    jam.wait_ready("thru", times=2)
    assert jam.processes("live.engine") == [spare]
    first_clock(peer)
    second = wait_for_spare(jam, peer)
    status, _ = jam.end()
    assert status == 0
    assert not alive(second)


def test_an_engine_that_stands_still_is_silenced_and_followed(start: Start, peer: JackPeer) -> None:
    jam = start()
    peer.play(b"\x90\x40\x64")
    wait_seen(peer)
    assert peer.sounding() >= {(1, 0x40)}
    jam.signal("live.engine", signal.SIGSTOP)
    peer.wait_for(lambda _: peer.sounding() == set(), timeout=10)
    status, complaint = jam.end(signal.SIGINT)
    assert status == 0
    assert "stood still and was killed; it is started again" in complaint
    assert f"the engine is back; every note on {peer.midi_in} was ended" in complaint


FREEZES = "import ctypes; ctypes.PyDLL(None).pause()  # which never lets go of the interpreter"


@pytest.mark.parametrize(
    "stands",
    [(FREEZES, "stood still and was killed"), (SPINS, "was caught in a loop and was ended")],
    ids=["freezes", "spins"],
)
def test_an_engine_whose_interpreter_stands_is_silenced_and_followed(
    start: Start, peer: JackPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stands: tuple[str, str]
) -> None:
    how, said = stands
    monkeypatch.setenv("PYTHONPATH", str(stands_on_signal(tmp_path / "hook", how)))
    jam = start()
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 40, timeout=30)
    peer.play(b"\x90\x30\x64")
    peer.wait_for(lambda _: (1, 0x30) in peer.sounding(), timeout=10)
    jam.signal("live.engine", signal.SIGUSR2)
    peer.wait_for(lambda _: peer.sounding() == set(), timeout=10)
    jam.wait_ready("thru", times=2)
    peer.clear()
    again = peer.wait_for(lambda received: len(ons(received, 2)) > 8, timeout=30)
    assert {pitch for _, pitch in ons(again, 2)} <= {pitch for _, pitch in TUNE}
    status, complaint = jam.end(signal.SIGINT)
    assert status == 0
    assert max(abs(step - round(step / 4) * 4) for step in jam.planned(2)[-8:]) < 0.5  # on the old beat
    assert f"{said}; it is started again" in complaint
    assert f"the engine is back; every note on {peer.midi_in} was ended" in complaint


def test_a_killed_supervisor_leaves_silence_and_a_whole_take(start: Start, peer: JackPeer) -> None:
    jam = start("--record", "set.mid")
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 40, timeout=30)
    jam.process.kill()
    peer.wait_for_ports("twobar-out:notes", present=False)
    assert peer.sounding() == set()
    assert performed(jam.folder / "set.mid")[:8] == [pitch for _, pitch in TUNE]


def test_a_killed_engine_loses_at_most_a_second_of_the_take(start: Start, peer: JackPeer) -> None:
    jam = start("--record", "set.mid")
    zero = first_beat(peer) + CELL_NANOS
    play_tune(peer, zero)
    peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 44, timeout=30)
    jam.signal("live.engine")
    jam.wait_ready("thru", times=2)
    jam.end()
    assert performed(jam.folder / "set.1.mid")[:8] == [pitch for _, pitch in TUNE]
