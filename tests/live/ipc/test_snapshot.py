"""Updates: small, and applied one after another they give the very snapshots that they were made from."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from live.ipc.messages import Message
from live.ipc.snapshot import (
    AnchorView,
    BarView,
    KnobState,
    LatenessView,
    ModelView,
    Notice,
    PortView,
    Snapshot,
    ToDashboard,
    Update,
    applied,
    difference,
)
from tests.fakes.snapshots import BEAT, band, scene

BAR = 4 * BEAT
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SPOTS = st.tuples(st.floats(-1, 1), st.floats(-1, 1))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["stopped", "count-in", "playing"]),
        "tempo_bpm": FINITE,
        "beats_per_bar": st.integers(1, 12),
        "mode": st.text(max_size=3),
        "frozen": st.booleans(),
        "thru": st.booleans(),
        "model": st.builds(ModelView, st.text(max_size=3), st.just("ready"), latent_size=st.integers(0, 9)),
        "ports": st.lists(st.builds(PortView, st.just("in"), st.text(max_size=3), st.just("ok")), max_size=2),
        "anchors": st.lists(st.builds(AnchorView, st.text(max_size=1), st.none() | SPOTS), max_size=2),
        "here": st.none() | SPOTS,
        "performer_xy": st.none() | SPOTS,
        "origin": st.text(max_size=3),
        "lateness": st.builds(LatenessView, st.integers(0, 9), FINITE),
        "missed_bars": st.integers(0, 9),
        "dropped_notes": st.integers(0, 9),
        "held_keys": st.lists(st.integers(0, 127), max_size=3),
        "recording": st.text(max_size=3),
        "priority": st.text(max_size=3),
        "mapping": st.text(max_size=3),
        "notices": st.lists(st.builds(Notice, st.integers(0, 9), st.just("info"), st.text()), max_size=2),
        "map_points": st.lists(SPOTS, max_size=3),
        "muted": st.lists(st.sampled_from(["bass", "drums"]), max_size=2),
    },
)
KNOB_MOVES = st.dictionaries(
    st.integers(0, len(scene().knobs) - 1), st.tuples(FINITE, st.none() | FINITE, st.booleans())
)
ROLLS = st.lists(
    st.builds(
        BarView,
        st.just(0),
        st.sampled_from(["decoded", "repeated"]),
        st.lists(st.tuples(*[st.integers(0, 9)] * 5), max_size=2),
        st.lists(st.tuples(*[st.integers(0, 9)] * 5), max_size=2),
    ),
    max_size=5,
)


@st.composite
def pictures(draw: st.DrawFn) -> Snapshot:
    """Return a snapshot with any of its fields changed; its bars follow each other, as those of a roll do."""
    snapshot = scene(draw(st.integers(0, 99_999)), nanos=draw(st.integers(0, 2**62)), **draw(CHANGES))
    views = list(snapshot.knobs)
    for place, (value, waiting, available) in draw(KNOB_MOVES).items():
        views[place] = msgspec.structs.replace(
            views[place], value=value, waiting=waiting, available=available
        )
    first = draw(st.integers(0, 5))
    bars = [msgspec.structs.replace(view, bar=first + place) for place, view in enumerate(draw(ROLLS))]
    return msgspec.structs.replace(snapshot, knobs=views, bars=draw(st.sampled_from([bars, snapshot.bars])))


def wired(message: Message) -> object:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=ToDashboard)


@given(st.lists(pictures(), min_size=2, max_size=4))
def test_updates_over_the_wire_give_the_snapshots_that_they_were_made_from(snapshots: list[Snapshot]) -> None:
    shown = wired(snapshots[0])
    for before, now in itertools.pairwise(snapshots):
        update = wired(difference(before, now))
        assert isinstance(shown, Snapshot)
        assert isinstance(update, Update)
        shown = applied(update, shown)
        assert shown == now


def test_what_has_not_changed_is_not_sent() -> None:
    before = scene()
    same = scene(nanos=before.nanos + 1)
    same = msgspec.structs.replace(same, notices=before.notices)
    assert difference(before, same) == Update(same.nanos, same.tick)
    assert len(msgspec.msgpack.encode(difference(before, same))) < 40


def test_a_turned_knob_is_sent_without_its_text_and_the_others_not_at_all() -> None:
    before = scene()
    views = [
        msgspec.structs.replace(view, value=0.25, waiting=0.5) if view.name == "stray" else view
        for view in before.knobs
    ]
    update = difference(before, msgspec.structs.replace(before, knobs=views))
    assert update == Update(
        before.nanos, before.tick, knob_states={"stray": KnobState(0.25, 0.5, available=True)}
    )


def test_a_roll_that_moves_on_sends_its_new_bar_only() -> None:
    before, now = band(6 * BAR + 10), band(7 * BAR + 10)
    quiet = [msgspec.structs.replace(view, performed=[]) for view in before.bars]
    ahead = [msgspec.structs.replace(view, performed=[]) for view in now.bars]
    update = difference(
        msgspec.structs.replace(before, bars=quiet), msgspec.structs.replace(before, bars=ahead)
    )
    assert update.roll == (5, 9)
    assert [view.bar for view in update.bars] == [9]


def test_a_stopped_transport_has_an_empty_roll_and_gets_a_new_one() -> None:
    before = scene()
    stopped = msgspec.structs.replace(before, bars=[])
    assert applied(difference(before, stopped), before).bars == []
    assert applied(difference(stopped, before), stopped).bars == before.bars
