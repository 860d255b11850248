"""Membership in a Link session: the library's clock beside ours, and plain sentences where it is missing."""

import sys
from types import ModuleType

import pytest

from live.devices import ableton_link
from live.devices.ableton_link import LinkSession, check_installed, open_session
from live.errors import UsageError
from live.timing.timeline import Nanos
from tests.fakes.link_network import FakeLink, LinkNetwork, library


def test_beats_are_told_at_moments_of_the_host_s_clock() -> None:
    network = LinkNetwork()
    session = LinkSession(FakeLink(network, 120.0), network.now)
    assert session.state(Nanos(network.nanos + 1_500_000_000), 4).beat == pytest.approx(3.0, abs=1e-5)
    network.library_ahead += 10_000_000  # it drifts
    assert session.state(Nanos(network.nanos), 4).beat == pytest.approx(0.02, abs=1e-5)


def test_members_share_tempo_start_and_stop() -> None:
    network = LinkNetwork()
    one, other = (LinkSession(FakeLink(network, 120.0), network.now) for _ in range(2))
    one.set_tempo(97.0, Nanos(network.nanos))
    one.start(Nanos(network.nanos + 5_000_000), 4)
    state = other.state(Nanos(network.nanos), 4)
    assert (state.tempo_bpm, state.playing, state.peers) == (97.0, True, 1)
    assert state.since == pytest.approx(network.nanos + 5_000_000, abs=1000)
    other.stop(Nanos(network.nanos))
    assert not one.state(Nanos(network.nanos), 4).playing
    one.close()
    one.close()
    assert other.state(Nanos(network.nanos), 4).peers == 0


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ableton_link, "LIBRARY", "no_such_library")
    for open_it in (check_installed, lambda: open_session(120.0)):
        with pytest.raises(UsageError, match=r"^the clock 'link' needs.*pip install 'twobar\[link\]'$"):
            open_it()


def test_a_session_is_opened_with_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    network = LinkNetwork()
    monkeypatch.setattr(ableton_link, "check_installed", lambda: None)
    monkeypatch.setitem(sys.modules, "link", library(network))
    session = open_session(133.0)
    assert network.session.bpm == 133.0
    session.close()
    assert network.members == []


@pytest.mark.parametrize("made", [None, object])
def test_another_library_of_the_same_name_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, made: type[object] | None
) -> None:
    module = ModuleType("link")
    if made is not None:
        module.Link = lambda _bpm: made()  # type: ignore[attr-defined]
    monkeypatch.setattr(ableton_link, "check_installed", lambda: None)
    monkeypatch.setitem(sys.modules, "link", module)
    with pytest.raises(UsageError, match=r"^the clock 'link': "):
        open_session(120.0)
