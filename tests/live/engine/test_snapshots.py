"""Snapshots: true to the jam, the same after the wire, and never large."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.engine.snapshots import BARS_AHEAD, BARS_BEHIND, lateness, picture
from live.ipc.messages import BarView, PortView, Snapshot, ToDashboard
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import note_on
from live.timing.timeline import Nanos
from tests.fakes.stage import MS, EchoModel, Stage, configured

STEP, BAR = 120, 1920
CELL = 2 * BAR
LARGEST_BYTES = 256 * 1024  # at 15 a second, 4 MB/s at the very worst; a screen needs some 10 KB


def shot(stage: Stage) -> Snapshot:
    return picture(
        stage.jam,
        Nanos(stage.nanos),
        ports=[PortView("in", "keys", "ok")],
        recording="take.mid",
        priority="realtime",
        mapping="default",
    )


def bars(stage: Stage) -> dict[int, BarView]:
    return {view.bar: view for view in shot(stage).bars}


def jamming(*, bars_played: int = 3, model: EchoModel | None = None) -> Stage:
    stage = Stage(model=model or EchoModel())
    stage.begin()
    for step in range(0, 32, 4):
        stage.press(step * STEP, 2 * STEP, 60 + step // 4)
    stage.run_to_tick(bars_played * BAR + 10)
    return stage


def crossed(snapshot: Snapshot) -> ToDashboard:
    back: ToDashboard = msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=ToDashboard)
    return back


@pytest.mark.parametrize("bars_played", [0, 1, 2, 5, 9])
def test_a_snapshot_is_the_same_after_the_wire(bars_played: int) -> None:
    snapshot = shot(jamming(bars_played=bars_played))
    assert crossed(snapshot) == snapshot


def test_a_stopped_jam_has_a_picture_too() -> None:
    snapshot = shot(Stage())
    assert crossed(snapshot) == snapshot
    assert (snapshot.state, snapshot.bars, snapshot.here, snapshot.model.state) == (
        "stopped",
        [],
        None,
        "loading",
    )


def test_the_roll_shows_what_she_played_what_was_heard_and_what_is_planned() -> None:
    stage = jamming(bars_played=3)
    roll = bars(stage)
    assert sorted(roll) == list(range(3 - BARS_BEHIND, 3 + BARS_AHEAD))
    assert [(row[0], row[2]) for row in roll[1].hers] == [
        (step * STEP, 64 + step // 4) for step in (0, 4, 8, 12)
    ]
    assert roll[1].notes == []
    assert [(row[0], row[2]) for row in roll[2].notes] == [
        (step * STEP, 60 + step // 4) for step in (0, 4, 8, 12)
    ]
    assert roll[2].origin == "decoded"
    assert [(row[0], row[2]) for row in roll[3].notes] == [
        (step * STEP, 64 + step // 4) for step in (0, 4, 8, 12)
    ]
    assert (roll[4].origin, roll[4].notes) == ("decoded", roll[2].notes)


def test_a_key_that_is_down_is_shown_growing() -> None:
    stage = jamming(bars_played=2)
    stage.at_tick(2 * BAR + 100, note_on(1, 48, 90))
    lengths = []
    for tick in (200, 300):
        stage.run_to_tick(2 * BAR + tick)
        lengths += [row[1] for row in bars(stage)[2].hers if row[2] == 48]
    assert lengths == [100, 200]
    assert shot(stage).held_keys == [48]


@pytest.mark.parametrize(("knobs", "available"), [(["density"], {"density"}), ([], set())])
def test_knobs_that_the_model_does_not_heed_are_not_available(knobs: list[str], available: set[str]) -> None:
    stage = Stage()
    stage.jam.from_worker(msgspec.structs.replace(stage.model.ready(), knobs=knobs), Nanos(0))
    views = {view.name: view for view in shot(stage).knobs}
    assert views.keys() == KNOBS.keys()
    heeded = {name for name in ("density", "complexity", "register", "range") if views[name].available}
    assert heeded == available
    assert views["tempo"].available
    assert views["morph"].available


def test_without_a_latent_there_is_nothing_to_morph() -> None:
    stage = Stage()
    stage.jam.from_worker(msgspec.structs.replace(stage.model.ready(), latent_size=0), Nanos(0))
    views = {view.name: view.available for view in shot(stage).knobs}
    assert [views[name] for name in ("morph", "xy.x", "xy.y", "stray", "swing")] == [False] * 4 + [True]


def test_anchors_mode_and_transport_are_told() -> None:
    stage = jamming(bars_played=3)
    stage.act(3 * BAR + 20, "capture", "B")
    stage.act(3 * BAR + 20, "mode", "hold")
    stage.act(3 * BAR + 20, "freeze")
    stage.run_to_tick(3 * BAR + 40)
    snapshot = shot(stage)
    assert [view.name for view in snapshot.anchors if view.xy is not None] == ["B"]
    assert (snapshot.mode, snapshot.frozen, snapshot.state, snapshot.origin) == (
        "hold",
        True,
        "playing",
        "played",
    )
    assert snapshot.tick == 3 * BAR + 40
    assert snapshot.notices[-1].text == "anchor B set"


def test_a_storm_of_notes_stays_a_small_picture() -> None:
    stage = Stage(configured(bpm=240.0))
    stage.begin()
    for tick in range(0, 3 * CELL, 60):
        for pitch in range(tick % 7, 128, 16):
            stage.press(tick, 25, pitch)
    for _ in range(6):
        stage.run_to(stage.nanos + 800 * MS)
        snapshot = shot(stage)
        assert len(msgspec.msgpack.encode(snapshot)) < LARGEST_BYTES
        assert len(snapshot.notices) <= 8
    assert stage.jam.transport.tick(Nanos(stage.nanos)) > 2 * CELL


def test_an_ordinary_picture_has_a_few_kilobytes() -> None:
    assert len(msgspec.msgpack.encode(shot(jamming(bars_played=5)))) < 16 * 1024


@given(st.lists(st.integers(-(10**6), 10**9), max_size=600))
def test_lateness_is_told_in_percentiles_of_microseconds(values: list[int]) -> None:
    view = lateness(values)
    assert view.count == len(values)
    if values:
        assert view.worst == max(values) / 1e3
        assert view.p50 <= view.p99 <= view.worst
        assert sum(value / 1e3 <= view.p50 for value in values) >= len(values) / 2
        assert sum(value / 1e3 > view.p99 for value in values) <= len(values) * 0.01 + 1


def test_lateness_of_nothing_is_zero() -> None:
    assert lateness([]).count == 0
