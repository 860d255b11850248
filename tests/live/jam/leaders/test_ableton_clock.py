"""A jam in an Ableton Link session: one bar line, one tempo, one start and stop, whoever says so."""

import pytest

from live.devices.ableton_link import LinkSession
from live.ipc.commands import Start, Stop, Turn
from live.jam.leaders.ableton_clock import AbletonClock
from live.timing.timeline import Nanos
from tests.fakes.clocked_stage import LedStage
from tests.fakes.link_network import FakeLink, LinkNetwork
from tests.fakes.stage import MS

SECOND = 1_000_000_000


class LinkedStage(LedStage):
    """A jam on a fake clock in a session, and perhaps another member that was first."""

    def __init__(self, *, bpm: float = 120.0, peer_bpm: float | None = None, **options: object) -> None:
        self.network = LinkNetwork()
        self.peer = LinkSession(FakeLink(self.network, peer_bpm or 120.0), self.network.now)
        if peer_bpm is None:
            self.peer.close()
        super().__init__(bpm=bpm, **options)
        self.stage.nanos = self.network.nanos = self.network.nanos + 1_300 * MS  # the session is in its bar
        self.link = AbletonClock(self.jam, LinkSession(FakeLink(self.network, bpm), self.network.now))
        self.jam.leader = self.link
        self.jam.from_worker(self.stage.model.ready(), self.now)

    def run(self, nanos: int) -> None:
        """Let time go by, on all clocks."""
        end = self.stage.nanos + nanos
        while self.stage.nanos < end:
            self.stage.run_to(min(end, self.stage.nanos + 5 * MS))
            self.network.nanos = self.stage.nanos

    def bars_off(self) -> float:
        """Return how far our bar line lies from the session's, in beats, -2..2."""
        line = self.jam.transport.timeline
        place = (line.origin_tick + (self.now - line.origin_nanos) / line.nanos_per_tick) / 480
        return (self.network.session.at(self.network.micros) - place + 2) % 4 - 2


def test_alone_it_starts_at_once_as_without_link() -> None:
    linked = LinkedStage(bpm=97.0)
    linked.link.begin_by_itself(linked.now)
    linked.run(SECOND)
    assert linked.running()
    assert linked.jam.tick(linked.now) == pytest.approx(round(0.98 * 97 / 60 * 480), abs=3)
    assert abs(linked.bars_off()) < 0.002
    assert linked.link.shown(linked.now) == "Link: nobody else"


def test_with_others_it_joins_on_their_bar_line_in_their_tempo() -> None:
    linked = LinkedStage(bpm=97.0, peer_bpm=110.0)
    linked.run(SECOND // 10)
    assert linked.jam.transport.tempo_bpm == pytest.approx(110.0)
    linked.link.begin_by_itself(linked.now)
    assert linked.jam.transport.state(linked.now) == "count-in"  # until the bar line
    linked.run(4 * SECOND)
    assert linked.jam.transport.state(linked.now) == "playing"
    assert abs(linked.bars_off()) < 0.002
    assert not linked.network.session.playing  # nobody else was started
    assert "Ableton Link: 1 other" in linked.notices()


def test_a_start_of_another_member_starts_it_on_the_bar_line_and_its_stop_stops_it() -> None:
    linked = LinkedStage(peer_bpm=120.0)
    linked.run(SECOND // 10)
    linked.peer.start(Nanos(linked.now + 20 * MS), 4)
    linked.run(SECOND // 10)
    assert linked.running()
    linked.run(5 * SECOND)
    assert abs(linked.bars_off()) < 0.002
    assert 0 < linked.jam.tick(linked.now) <= 480 * 10.5
    linked.peer.stop(linked.now)
    linked.run(SECOND // 10)
    assert not linked.running()
    assert not linked.stage.hanging()


def test_a_stop_of_a_member_that_had_started_before_it_came_stops_it() -> None:
    linked = LinkedStage(peer_bpm=120.0)
    linked.link.begin_by_itself(linked.now)
    linked.run(4 * SECOND)
    linked.network.session.since = linked.network.micros - 60_000_000  # two sessions have become one
    linked.run(SECOND // 10)
    assert linked.running()
    linked.peer.stop(linked.now)  # of whose start the library tells nobody who comes later
    linked.run(SECOND // 10)
    assert not linked.running()
    linked.stage.commands.run(Start(), linked.now)
    linked.run(3 * SECOND)
    assert linked.running()


def test_the_performer_starts_and_stops_the_others_too() -> None:
    linked = LinkedStage(peer_bpm=120.0)
    linked.run(SECOND // 10)
    linked.stage.commands.run(Start(), linked.now)
    linked.run(3 * SECOND)
    assert linked.peer.state(linked.now, 4).playing
    assert linked.running()
    assert abs(linked.bars_off()) < 0.002
    linked.stage.commands.run(Stop(), linked.now)
    linked.run(SECOND // 10)
    assert not linked.peer.state(linked.now, 4).playing
    assert not linked.running()


def test_the_tempo_goes_both_ways() -> None:
    linked = LinkedStage(peer_bpm=120.0)
    linked.link.begin_by_itself(linked.now)
    linked.run(3 * SECOND)
    linked.peer.set_tempo(132.0, linked.now)
    linked.run(2 * SECOND)
    assert linked.jam.transport.timeline.tempo_bpm == pytest.approx(132.0, rel=1e-3)
    assert linked.jam.knobs["tempo"] == pytest.approx(132.0)
    linked.stage.commands.run(Turn("tempo", 90.0), linked.now)
    linked.run(2 * SECOND)
    assert linked.peer.state(linked.now, 4).tempo_bpm == 90.0
    assert linked.jam.transport.timeline.tempo_bpm == pytest.approx(90.0, rel=1e-3)
    assert abs(linked.bars_off()) < 0.002


def test_a_session_whose_bar_line_jumps_is_come_to_without_a_jump() -> None:
    linked = LinkedStage(peer_bpm=120.0)
    linked.link.begin_by_itself(linked.now)
    linked.run(3 * SECOND)
    linked.network.session.beat += 1.3  # two sessions have become one
    before = linked.jam.tick(linked.now)
    ticks = []
    for _ in range(200):
        linked.run(20 * MS)
        ticks.append(linked.jam.tick(linked.now))
    steps = [later - sooner for sooner, later in zip([before, *ticks], ticks, strict=False)]
    assert min(steps) > 0
    assert max(steps) <= 20 * 0.96 * 1.5 + 2
    assert abs(linked.bars_off()) < 0.002


def test_the_latency_of_the_output_is_compensated() -> None:
    linked = LinkedStage(peer_bpm=120.0, clock_out=True)
    linked.jam.sender.latency_nanos = 30 * MS
    linked.link.begin_by_itself(linked.now)
    linked.run(4 * SECOND)
    sent = [one for one in linked.stage.sent if one.data == b"\xf8" and one.tick % 1920 == 0 and one.tick]
    session, ahead = linked.network.session, linked.network.library_ahead
    for one in sent:
        beat = session.at((one.moment + 30 * MS + ahead) // 1000)
        assert (beat + 2) % 4 - 2 == pytest.approx(0, abs=0.003)
    assert sent


def test_a_jam_that_an_engine_has_taken_over_takes_the_session_along() -> None:
    linked = LinkedStage()
    linked.jam.start(Nanos(linked.now - 3 * SECOND))
    linked.run(SECOND)
    line = linked.jam.transport.timeline
    assert line.tempo_bpm == pytest.approx(120.0, rel=1e-3)
    assert abs(linked.bars_off()) < 0.002


def test_a_tempo_beyond_ours_is_no_fault() -> None:
    linked = LinkedStage(peer_bpm=999.0)
    linked.link.begin_by_itself(linked.now)
    linked.run(SECOND)
    assert linked.jam.transport.tempo_bpm == 400.0
