"""FluidSynth heard through JACK: sound after a note-on, silence after all off."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.devices.fluidsynth import FluidSynth
from live.errors import PortError, SynthError
from live.settings.schema import SynthSettings
from live.timing.midi_bytes import control, note_off, note_on, program
from tests.fakes.jack_harness import JackPeer, JackServer, rms

pytestmark = pytest.mark.driver

PORTS = ["fluidsynth:left", "fluidsynth:right"]
SILENT, AUDIBLE = 1e-4, 1e-3


@pytest.fixture
def synth(jack_server: JackServer) -> Iterator[FluidSynth]:
    synth = FluidSynth(SynthSettings(driver="auto", reverb=0.0))
    yield synth
    synth.close()


def test_a_note_sounds_and_ends(synth: FluidSynth, peer: JackPeer) -> None:
    assert synth.driver == "jack"
    assert rms(peer.record(0.2, PORTS)) < SILENT
    synth.send(note_on(1, 60, 100))
    sounding = peer.record(0.4, PORTS)
    assert rms(sounding) > AUDIBLE
    assert np.abs(sounding).max() < 1.0
    synth.send(note_off(1, 60))
    synth.all_off()
    peer.record(0.2, PORTS)
    assert rms(peer.record(0.2, PORTS)) < SILENT


@pytest.mark.parametrize("last", [control(3, 123, 0), control(3, 120, 0), note_off(3, 64)])
def test_each_way_of_ending_a_note_ends_it(synth: FluidSynth, peer: JackPeer, last: bytes) -> None:
    synth.send(program(3, 16))  # an organ, which does not end by itself
    synth.send(note_on(3, 64, 100))
    assert rms(peer.record(0.3, PORTS)) > AUDIBLE
    synth.send(last)
    peer.record(0.8, PORTS)
    assert rms(peer.record(0.2, PORTS)) < SILENT


def test_every_kind_of_message_is_taken(synth: FluidSynth, peer: JackPeer) -> None:
    for data in (
        program(1, 40),
        control(1, 7, 100),
        b"\xe0\x00\x50",
        b"\xd0\x40",
        b"\xa0\x3c\x40",
        b"\xf8",
        b"\xf2\x00\x00",
        note_on(10, 36, 120),
    ):
        synth.send(data)
    assert rms(peer.record(0.3, PORTS)) > AUDIBLE  # the drum


def test_gain_changes_the_loudness(peer: JackPeer) -> None:
    loudness = []
    for gain in (0.6, 0.06):
        synth = FluidSynth(SynthSettings(driver="jack", reverb=0.0, gain=gain))
        synth.send(program(1, 16))
        synth.send(note_on(1, 60, 100))
        peer.record(0.2, PORTS)
        loudness.append(rms(peer.record(0.3, PORTS)))
        synth.close()
    loud, soft = loudness
    assert loud > AUDIBLE
    assert soft == pytest.approx(loud / 10, rel=0.3)


def test_a_closed_synth_says_so(synth: FluidSynth) -> None:
    synth.close()
    synth.close()
    synth.all_off()
    with pytest.raises(PortError, match="FluidSynth is closed"):
        synth.send(note_on(1, 60, 100))


def test_nothing_of_its_chatter_reaches_the_terminal(jack_server: JackServer) -> None:
    script = (
        "from live.devices.fluidsynth import FluidSynth; s = FluidSynth(); s.send(b'\\xc0\\x7f'); s.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=jack_server.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_it_outlives_its_server_and_sounds_on_the_next(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = JackServer(f"{jack_server.name}-synth", tmp_path / "jackd.log")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    server.start()
    synth = FluidSynth(SynthSettings(driver="jack"))
    server.kill()
    start = time.monotonic()
    synth.send(note_on(1, 60, 100))
    synth.all_off()
    with pytest.raises(SynthError, match="the audio driver jack does not answer"):
        synth.restart_audio()
    assert time.monotonic() - start < 5
    server.start()
    synth.restart_audio()
    synth.send(note_on(1, 60, 100))
    peer = JackPeer(server)
    assert rms(peer.record(0.3, PORTS)) > AUDIBLE
    peer.close()
    server.kill()
    start = time.monotonic()
    synth.close()
    assert time.monotonic() - start < 5
    server.stop()
