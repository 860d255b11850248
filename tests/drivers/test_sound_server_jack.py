"""The sound server dies under the instrument and is started again: the synth sounds again by itself."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.jack_harness import JackPeer, JackServer, rms
from tests.fakes.jam_harness import JamProcess, beside

pytestmark = pytest.mark.driver

PORTS = ["fluidsynth:left", "fluidsynth:right"]


@pytest.fixture
def mortal(jack_server: JackServer, tmp_path: Path) -> Iterator[JackServer]:
    """A server to be killed."""
    yield from beside(jack_server, tmp_path / "jackd.log")


def loudness(server: JackServer) -> float:
    """Return how loud a key sounds."""
    peer = JackPeer(server)
    peer.wait_for_ports("twobar-in:keys", *PORTS, timeout=30)
    peer.connect(peer.midi_out, "twobar-in:keys")
    soon = time.monotonic_ns()  # a busy server loses cycles: the key is struck a few times
    peer.play_all([(soon + strike * 50_000_000, bytes((0x90, 60, 110))) for strike in range(8)])
    loud = rms(peer.record(0.5, PORTS))
    peer.close()
    return loud


def test_the_synth_sounds_again_when_its_server_is_back(mortal: JackServer, tmp_path: Path) -> None:
    with JamProcess(mortal, tmp_path, "--out", "fluidsynth") as jam:
        jam.wait_ready("thru")
        assert loudness(mortal) > 0.001
        mortal.kill()
        mortal.start()
        # the ports are there before the synth behind them is wired: what is struck at once may be lost
        assert any(loudness(mortal) > 0.001 for _ in range(4))
        status, complaint = jam.end()
        assert status == 0
        assert "the sound server has gone" in complaint
        assert any("sounds again" in line["text"] for line in jam.logged("notice"))
