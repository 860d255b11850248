"""Two instruments on a JACK server: one leads by its MIDI clock, the other follows."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from benchmarks.pair import clocks
from tests.fakes.jack_harness import JackPeer, JackServer
from tests.fakes.jam_harness import BEAT_NANOS, JamProcess

pytestmark = pytest.mark.driver

BEATS = 24
LOOSE_NANOS = BEAT_NANOS // 8  # a busy machine bends JACK's time: exactness is for benchmarks/pair.py


def test_one_follows_the_other_s_clock_in_its_beat_and_stops_with_it(
    jack_server: JackServer, peer: JackPeer, tmp_path: Path
) -> None:
    jams: list[JamProcess] = []
    with ExitStack() as running:
        for name, options in (("follower", ["--clock", "midi"]), ("leader", [])):
            folder = tmp_path / name
            folder.mkdir()
            jam = JamProcess(jack_server, folder, "--out", "virtual", *options)
            jams.append(running.enter_context(jam))
            jam.wait_ready("thru")
        follower, leader = jams
        peer.connect("twobar-out-01:notes", "twobar-in:keys")  # before the leader's model, and the beat
        peer.connect("twobar-out:notes", peer.midi_in)
        peer.wait_for(lambda received: sum(one.data == b"\xf8" for one in received) > 24 * BEATS, timeout=40)
        assert leader.end() == (0, "")
        peer.wait_for(lambda received: any(one.data == b"\xfc" for one in received), timeout=10)
        assert follower.end() == (0, "")
    led, followed = clocks(leader.logged("sent")), clocks(follower.logged("sent"))
    apart = [followed[tick] - due for tick, due in led.items() if tick in followed]
    assert len(apart) >= 24 * (BEATS - 2)
    assert abs(median(apart[24 * 4 :])) < LOOSE_NANOS
