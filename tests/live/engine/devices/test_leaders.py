"""Whose beat the engine keeps: MIDI clock, Link, or its own."""

import pytest

from live.devices import ableton_link
from live.devices.ableton_link import LinkSession
from live.engine.engine import Engine
from live.timing.midi_bytes import Received
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import SECOND, FakeClock, built, run_to
from tests.fakes.link_network import FakeLink, LinkNetwork
from tests.fakes.stage import MS, EchoModel, configured


def test_with_midi_clock_the_jam_starts_when_the_master_does(clock: FakeClock) -> None:
    engine = built(clock, config=configured(input=["none"], output=["none"], clock="midi"))
    engine._handle(None, EchoModel().ready(), clock.now())
    run_to(engine, clock, clock.nanos + 2 * SECOND)
    assert not engine.jam.transport.running
    engine.arrivals.put(Received(clock.now(), bytes((0xFA,)), "box"))
    zero = clock.nanos + 25 * MS
    for number in range(49):
        run_to(engine, clock, zero + number * 25 * MS)  # 100 bpm
        engine.arrivals.put(Received(Nanos(zero + number * 25 * MS), bytes((0xF8,)), "box"))
    run_to(engine, clock, zero + 48 * 25 * MS + MS)
    assert engine.jam.tick(Nanos(zero + 48 * 25 * MS)) == pytest.approx(2 * 480, abs=2)
    assert engine.jam.transport.tempo_bpm == pytest.approx(100, rel=1e-3)
    run_to(engine, clock, clock.nanos + SECOND)
    assert any(
        "MIDI clock of box is lost: the tempo stays" in notice.text for notice in engine.jam.notices.lines
    )


def test_with_its_own_clock_a_master_s_bytes_mean_nothing(engine: Engine, clock: FakeClock) -> None:
    for status in (0xFA, 0xF8, 0xFB, 0xFC):
        engine.arrivals.put(Received(clock.now(), bytes((status,)), "box"))
    run_to(engine, clock, clock.nanos + SECOND // 10)
    assert not engine.jam.transport.running
    assert engine.jam.leader is None


def test_with_link_the_jam_begins_in_the_session_and_leaves_it_at_the_end(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = LinkNetwork(nanos=clock.nanos)

    def opened(bpm: float) -> LinkSession:
        return LinkSession(FakeLink(network, bpm), clock.now)

    monkeypatch.setattr(ableton_link, "open_session", opened)
    engine = built(clock, config=configured(input=["none"], output=["none"], clock="link", record=False))
    engine.open()
    engine._handle(None, EchoModel().ready(), clock.now())
    for _ in range(300):
        run_to(engine, clock, clock.nanos + 10 * MS)
        network.nanos = clock.nanos
    assert engine.jam.transport.running
    assert network.session.playing
    engine.close()
    assert network.members == []
