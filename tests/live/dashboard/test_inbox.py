"""The inbox: the newest snapshot, updates, notices, one wake."""

from live.dashboard.inbox import MOST_NOTICES, Inbox
from live.ipc.messages import Bye
from live.ipc.snapshot import Notice, difference
from tests.fakes.snapshots import scene


def test_the_inbox_keeps_the_newest_snapshot_and_wakes_once() -> None:
    inbox = Inbox()
    wakes: list[int] = []
    inbox.connect(lambda: wakes.append(1))
    for tempo in (60.0, 70.0, 80.0):
        inbox.put(scene(tempo_bpm=tempo))
    assert len(wakes) == 1
    post = inbox.take()
    assert post.snapshot is not None
    assert post.snapshot.tempo_bpm == 80.0
    assert inbox.take() == (None, (), False)
    inbox.put(Bye())
    assert len(wakes) == 2
    assert inbox.take().bye


def test_updates_change_the_snapshot_that_came_before_also_when_that_was_taken() -> None:
    inbox = Inbox()
    snapshots = [scene(tick, mode=mode) for tick, mode in ((0, "follow"), (500, "follow"), (1000, "hold"))]
    inbox.put(difference(*snapshots[:2]))
    assert inbox.take().snapshot is None  # there is nothing yet that it could change
    inbox.put(snapshots[0])
    inbox.put(difference(*snapshots[:2]))
    assert inbox.take().snapshot == snapshots[1]
    inbox.put(difference(*snapshots[1:]))
    assert inbox.take().snapshot == snapshots[2]


def test_what_came_before_the_screen_wakes_it_when_it_connects() -> None:
    inbox = Inbox()
    wakes: list[int] = []
    inbox.put(Notice(0, "info", "early"))
    inbox.connect(lambda: wakes.append(1))
    assert len(wakes) == 1
    assert [notice.text for notice in inbox.take().notices] == ["early"]


def test_a_flood_of_notices_is_bounded() -> None:
    inbox = Inbox()
    for k in range(10 * MOST_NOTICES):
        inbox.put(Notice(k, "info", str(k)))
    assert len(inbox.take().notices) == MOST_NOTICES
