"""Models of several parts and without a latent, heard over JACK: tiny networks that were never trained."""

import socket
from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from model.shipped import shipped_models
from tests.fakes.jack_harness import JackPeer, PeerMessage
from tests.fakes.jam_harness import (
    CELL_NANOS,
    STEP_NANOS,
    Start,
    first_beat,
    free_port,
    ons,
    osc,
    peer_now,
    play_tune,
    step_of,
)
from tests.fakes.real_model import checkpoint

pytestmark = pytest.mark.driver
SEPARATE_SERVER = True


def until(zero: int, step: int) -> Callable[[list[PeerMessage]], bool]:
    return lambda received: step_of(zero, peer_now(received)) > step


def test_a_band_then_drums_then_a_model_that_continues(start: Start, peer: JackPeer, tmp_path: Path) -> None:
    band = checkpoint(tmp_path / "band.safetensors", "multitrack")
    drums = checkpoint(tmp_path / "drums.safetensors", "drums")
    lonely = checkpoint(tmp_path / "lonely.safetensors", "melody", "gru", latent=False)
    port = free_port()
    jam = start("--model", str(band), "--osc-port", str(port), "--temperature", "1")
    zero = first_beat(peer)
    jam.wait_ready("model")
    zero += CELL_NANOS
    channels: list[set[int]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
        for cell, model in ((0, drums), (2, lonely), (4, None)):
            play_tune(peer, zero, cell=cell)
            end = 32 * (cell + 1)  # of the phrase; the answer sounds in the next 32 steps
            received = peer.wait_for(until(zero, end + 28), timeout=30)
            channels.append(
                {
                    number
                    for number in range(2, 17)
                    for nanos, _ in ons(received, number)
                    if end - 0.6 < step_of(zero, nanos) < end + 28
                }
            )
            if model is not None:
                hand.sendto(osc("/twobar/model", str(model)), ("127.0.0.1", port))
    assert channels[0] == {2, 3, 4, 10}
    assert channels[1] == {10}
    assert channels[2] == {2}
    status, complaint = jam.end()
    assert status == 0, complaint
    peer.wait_for(lambda received: any(item.data[0] == 0xFC for item in received))
    assert peer.sounding() == set()
    assert any("has no latent" in line["text"] for line in jam.logged("notice"))
    take = mido.MidiFile(next((jam.folder / "takes").glob("*.mid")))
    names = [track.name for track in take.tracks]
    assert names[1:] == ["performer", "twobar", "twobar chords", "twobar bass", "twobar drums", "knobs"]


GROOVE = (
    *((step, 1, 42) for step in range(0, 32, 2)),
    *((step, 1, 36) for step in (0, 6, 8, 16, 22, 24)),
    *((step, 1, 38) for step in (4, 12, 20, 28)),
)
SONG = (
    *((0, 4, 72), (4, 4, 74), (8, 8, 76), (16, 4, 77), (20, 4, 76), (24, 7, 74)),
    *((step, 15, pitch) for step in (0, 16) for pitch in (60, 64, 67)),
    *((0, 8, 36), (8, 8, 36), (16, 8, 41), (24, 7, 43)),
)
SHIPPED = {"drums": (GROOVE, {10}), "multitrack": (SONG, {2, 3, 4})}
"""What is played to each shipped model of other parts, and where its answer must sound."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if name in shipped_models()])
def test_a_shipped_model_answers_with_what_was_played(start: Start, peer: JackPeer, name: str) -> None:
    tune, channels = SHIPPED[name]
    jam = start("--model", name)
    zero = first_beat(peer)
    jam.wait_ready("model")
    zero += CELL_NANOS
    margin = 3_000_000
    messages = [
        (zero + (step + shift) * STEP_NANOS + margin - after, bytes((kind, pitch, 96)))
        for step, length, pitch in tune
        for kind, shift, after in ((0x90, 0, 0), (0x80, length, 10_000_000))
    ]
    peer.play_all(sorted(messages))
    received = peer.wait_for(until(zero, 32 + 30), timeout=30)
    answer = {
        (round(step_of(zero, nanos)) - 32, pitch, channel)
        for channel in (2, 3, 4, 10)
        for nanos, pitch in ons(received, channel)
        if step_of(zero, nanos) > 32 - 0.6
    }
    assert channels <= {channel for *_, channel in answer}
    shared = {place[:2] for place in answer} & {(step, pitch) for step, _, pitch in tune}
    assert len(shared) > len(tune) / 2, answer
    status, complaint = jam.end()
    assert (status, complaint) == (0, "")
    peer.wait_for(lambda received: any(item.data[0] == 0xFC for item in received))
    assert peer.sounding() == set()
    assert jam.logged("summary")[0]["missed_bars"] == 0
