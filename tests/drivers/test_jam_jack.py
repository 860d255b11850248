"""The whole instrument on a real driver: three processes, JACK, a performer at the other end."""

import socket
from typing import Any

import mido
import pytest
from pythonosc.osc_message import OscMessage

from tests.fakes.jack_harness import JackPeer, rms
from tests.fakes.jam_harness import (
    CELL_NANOS,
    CELL_STEPS,
    TUNE,
    Start,
    first_beat,
    free_port,
    ons,
    osc,
    peer_now,
    play_tune,
    step_of,
)

pytestmark = pytest.mark.driver
SEPARATE_SERVER = True


def test_a_set(start: Start, peer: JackPeer) -> None:
    jam = start()
    zero = first_beat(peer)
    assert jam.wait_ready("model")["ms"] > 0
    zero += CELL_NANOS  # by then everyone is ready
    play_tune(peer, zero)
    received = peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 50, timeout=30)
    assert [pitch for _, pitch in ons(received, 1)] == [pitch for _, pitch in TUNE]  # thru
    answer = ons(received, 2)
    assert answer, "no answer"
    assert step_of(zero, answer[0][0]) == pytest.approx(32, abs=0.2)  # on the bar line
    assert jam.planned(2)[0] == 2 * CELL_STEPS  # to the tick
    shared = {pitch for _, pitch in answer} & {pitch for _, pitch in TUNE}
    assert len(shared) >= 3, (answer, jam.logged("sent")[-20:])  # recognisably the tune
    peer.clear()
    peer.play(b"\xb0\x18\x7f")  # CC 24: register, to the right
    received = peer.wait_for(lambda received: step_of(zero, peer_now(received)) > 64 + 40, timeout=30)
    moved = [pitch for nanos, pitch in ons(received, 2) if step_of(zero, nanos) > 64]
    before = [pitch for _, pitch in answer]
    assert sum(moved) / len(moved) > sum(before) / len(before) + 3
    status, complaint = jam.end()
    assert (status, complaint) == (0, "")
    peer.wait_for(lambda received: any(item.data[0] == 0xFC for item in received))
    assert peer.sounding() == set()
    take = mido.MidiFile(next((jam.folder / "takes").glob("*.mid")))
    assert {"performer", "twobar", "knobs"} <= {track.name for track in take.tracks}
    assert jam.logged("summary")[0]["missed_bars"] == 0


def test_osc_turns_knobs_and_publishes_beats(start: Start, peer: JackPeer) -> None:
    jam = start("--osc-port", str(free_port()))
    port = int(jam.options[jam.options.index("--osc-port") + 1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(10)
        ear.sendto(osc("/twobar/subscribe", "127.0.0.1", ear.getsockname()[1]), ("127.0.0.1", port))
        first_beat(peer)
        ear.sendto(osc("/twobar/knob/density", 0.5), ("127.0.0.1", port))
        published: dict[str, list[Any]] = {}
        while not {"/twobar/beat", "/twobar/bar", "/twobar/knob/density"} <= published.keys():
            message = OscMessage(ear.recv(4096))
            published[message.address] = message.params
    assert published["/twobar/knob/density"] == [0.5]
    assert jam.end()[0] == 0
    assert [line["value"] for line in jam.logged("knob") if line["name"] == "density"] == [0.5]


def test_fluidsynth_sounds_what_is_played(start: Start, peer: JackPeer) -> None:
    jam = start(out="fluidsynth")
    peer.play(bytes((0x90, 60, 110)))
    sound = peer.record(0.5, ["fluidsynth:left", "fluidsynth:right"])
    assert 0.001 < rms(sound) < 0.7
    assert abs(sound).max() < 1.0
    assert jam.end()[0] == 0
