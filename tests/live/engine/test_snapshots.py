"""Snapshots: true to the jam, the same after the wire, and never large."""

import random

import msgspec
import pytest

from live.engine.snapshots import BARS_AHEAD, BARS_BEHIND
from live.ipc.snapshot import BarView, Snapshot, ToDashboard, Update, applied
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.snapshot_of import Watcher, shown, snapshot_of, snapshots_of
from tests.fakes.stage import MS, EchoModel, Stage, configured

STEP, BAR = 120, 1920
CELL = 2 * BAR
LARGEST_BYTES = 256 * 1024  # at 15 a second, 4 MB/s at the very worst; a screen needs some 10 KB


def bars(stage: Stage) -> dict[int, BarView]:
    return {view.bar: view for view in snapshot_of(stage).bars}


def jamming(*, bars_played: int = 3, model: EchoModel | None = None) -> Stage:
    stage = Stage.begun(model=model or EchoModel())
    for step in range(0, 32, 4):
        stage.press(step * STEP, 2 * STEP, 60 + step // 4)
    stage.run_to_tick(bars_played * BAR + 10)
    return stage


def crossed(message: Snapshot | Update) -> ToDashboard:
    back: ToDashboard = msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=ToDashboard)
    return back


@pytest.mark.parametrize("bars_played", [0, 1, 2, 5, 9])
def test_a_snapshot_is_the_same_after_the_wire(bars_played: int) -> None:
    snapshot = snapshot_of(jamming(bars_played=bars_played))
    assert crossed(snapshot) == snapshot


def test_a_stopped_jam_is_shown_too() -> None:
    snapshot = snapshot_of(Stage())
    assert crossed(snapshot) == snapshot
    assert (snapshot.state, snapshot.bars, snapshot.here, snapshot.model.state) == (
        "stopped",
        [],
        None,
        "loading",
    )


def test_the_roll_shows_what_was_played_what_sounded_and_what_is_planned() -> None:
    stage = jamming(bars_played=3)
    roll = bars(stage)
    assert sorted(roll) == list(range(3 - BARS_BEHIND, 3 + BARS_AHEAD))
    assert [(row[0], row[2]) for row in roll[1].performed] == [
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
        lengths += [row[1] for row in bars(stage)[2].performed if row[2] == 48]
    assert lengths == [100, 200]
    assert snapshot_of(stage).held_keys == [48]


@pytest.mark.parametrize(("knobs", "available"), [(["density"], {"density"}), ([], set())])
def test_knobs_that_the_model_does_not_heed_are_not_available(knobs: list[str], available: set[str]) -> None:
    stage = Stage()
    stage.jam.from_worker(msgspec.structs.replace(stage.model.ready(), knobs=knobs), Nanos(0))
    views = {view.name: view for view in snapshot_of(stage).knobs}
    assert views.keys() == KNOBS.keys()
    heeded = {name for name in ("density", "complexity", "register", "range") if views[name].available}
    assert heeded == available
    assert views["tempo"].available
    assert views["morph"].available


def test_without_a_latent_there_is_nothing_to_morph() -> None:
    stage = Stage()
    stage.jam.from_worker(msgspec.structs.replace(stage.model.ready(), latent_size=0), Nanos(0))
    views = {view.name: view.available for view in snapshot_of(stage).knobs}
    assert [views[name] for name in ("morph", "xy.x", "xy.y", "stray", "swing")] == [False] * 4 + [True]


def test_anchors_mode_and_transport_are_shown() -> None:
    stage = jamming(bars_played=3)
    stage.act(3 * BAR + 20, "capture", "B")
    stage.act(3 * BAR + 20, "mode", "hold")
    stage.act(3 * BAR + 20, "freeze")
    stage.run_to_tick(3 * BAR + 40)
    snapshot = snapshot_of(stage)
    assert [view.name for view in snapshot.anchors if view.xy is not None] == ["B"]
    assert (snapshot.mode, snapshot.frozen, snapshot.state, snapshot.origin) == (
        "hold",
        True,
        "playing",
        "played",
    )
    assert snapshot.tick == 3 * BAR + 40
    assert snapshot.notices[-1].text == "anchor B set"


@pytest.mark.parametrize(
    ("mode", "speakers"),
    [
        ("follow", ["performer"] * 3),
        ("answer", ["performer", "instrument", "performer"]),
        ("hold", ["instrument"] * 3),
        ("drift", ["instrument"] * 3),
    ],
)
def test_whose_turn_it_is_and_until_when(mode: str, speakers: list[str]) -> None:
    stage = jamming(bars_played=0)
    stage.act(1, "mode", mode)
    for cell, speaker in enumerate(speakers):
        stage.run_to_tick(cell * CELL + BAR)
        snapshot = snapshot_of(stage)
        assert (snapshot.speaker, snapshot.speaker_until) == (speaker, (cell + 1) * CELL)
    stage.act(len(speakers) * CELL, "stop")
    stage.run_to_tick(len(speakers) * CELL + BAR)
    assert snapshot_of(stage).speaker == ""


def test_a_storm_of_notes_stays_a_small_snapshot() -> None:
    stage = Stage.begun(configured(bpm=240.0))
    for tick in range(0, 3 * CELL, 60):
        for pitch in range(tick % 7, 128, 16):
            stage.press(tick, 25, pitch)
    for _ in range(6):
        stage.run_to(stage.nanos + 800 * MS)
        snapshot = snapshot_of(stage)
        assert len(msgspec.msgpack.encode(snapshot)) < LARGEST_BYTES
        assert len(snapshot.notices) <= 8
    assert stage.jam.transport.tick(Nanos(stage.nanos)) > 2 * CELL


def test_an_ordinary_snapshot_has_a_few_kilobytes() -> None:
    assert len(msgspec.msgpack.encode(snapshot_of(jamming(bars_played=5)))) < 16 * 1024


# -- what has changed --------------------------------------------------------------------------------


def test_updates_make_of_the_first_snapshot_what_a_new_dashboard_would_get() -> None:
    stage = Stage.begun()
    snapshots, watcher = snapshots_of(stage), Watcher()
    snapshots.watch(watcher)
    rng = random.Random(5)
    latest: Snapshot | None = None
    for step in range(140):
        stage.press(step * STEP + 7, rng.randrange(30, 300), rng.randrange(40, 80))
        if step % 9 == 4:
            stage.turn(step * STEP + 20, rng.choice(["density", "swing", "stray", "volume"]), rng.random())
        if step % 31 == 30:
            stage.act(step * STEP + 30, "capture", rng.choice("ABCD"))
        stage.run_to_tick(step * STEP + 100)
        watcher.sent.clear()
        shown(snapshots, stage.nanos)
        for message in watcher.sent:
            back = crossed(message)
            latest = back if isinstance(back, Snapshot) else applied(back, latest)  # type: ignore[arg-type]
            assert msgspec.structs.replace(latest, lateness=snapshot_of(stage).lateness) == snapshot_of(stage)
    assert latest is not None
    assert latest.bars


def test_what_is_static_crosses_once() -> None:
    stage = jamming(bars_played=3)
    snapshots, watcher = snapshots_of(stage), Watcher()
    snapshots.watch(watcher)
    shown(snapshots, stage.nanos)
    stage.run_to_tick(3 * BAR + 200)
    shown(snapshots, stage.nanos)
    first, second = watcher.sent
    assert isinstance(first, Snapshot)
    assert isinstance(second, Update)
    assert not second.changed.keys() & {"map_points", "ports", "notices"}
    assert not second.knob_states
    assert len(msgspec.msgpack.encode(second)) < len(msgspec.msgpack.encode(first)) / 10


def test_a_dashboard_that_did_not_keep_up_gets_everything_again() -> None:
    stage = jamming(bars_played=3)
    snapshots, slow, quick = snapshots_of(stage), Watcher(), Watcher()
    for watcher in (slow, quick):
        snapshots.watch(watcher)
    shown(snapshots, stage.nanos)
    slow.full = True
    for bar in (4, 5):
        stage.run_to_tick(bar * BAR)
        shown(snapshots, stage.nanos)
    slow.full = False
    stage.run_to_tick(6 * BAR)
    shown(snapshots, stage.nanos)
    assert [type(message) for message in slow.sent] == [Snapshot, Snapshot]
    assert [type(message) for message in quick.sent] == [Snapshot, Update, Update, Update]


def test_a_new_run_shows_nothing_of_the_one_before() -> None:
    stage = jamming(bars_played=5)
    snapshots, watcher = snapshots_of(stage), Watcher()
    snapshots.watch(watcher)
    shown(snapshots, stage.nanos)
    snapshots.leave(watcher)
    stage.act(5 * BAR + 20, "mute", "melody")
    stage.jam.places.set_bases((), Tick(5 * BAR))
    stage.run_to_tick(5 * BAR + 40)
    stage.jam.start(Nanos(stage.nanos))
    stage.run_to_tick(5 * BAR + 10)
    snapshots.watch(watcher)
    shown(snapshots, stage.nanos)
    latest = watcher.sent[-1]
    assert isinstance(latest, Snapshot)
    assert latest.bars == snapshot_of(stage).bars
    assert all(view.notes == [] for view in latest.bars if view.bar < 5)


def test_a_dashboard_that_comes_later_is_not_shown_what_another_left_half_drawn() -> None:
    stage = jamming(bars_played=3)
    snapshots, first, second = snapshots_of(stage), Watcher(), Watcher()
    snapshots.watch(first)
    snapshots.show(Nanos(stage.nanos), stage.nanos + 10**9)
    snapshots.leave(first)
    stage.run_to_tick(9 * BAR)
    snapshots.watch(second)
    shown(snapshots, stage.nanos)
    assert [message.tick for message in second.sent] == [9 * BAR]


def test_after_a_fault_in_drawing_everyone_gets_everything_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = jamming(bars_played=3)
    snapshots, watcher = snapshots_of(stage), Watcher()
    snapshots.watch(watcher)
    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "_snapshot", lambda _now: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown(snapshots, stage.nanos)
    stage.run_to_tick(4 * BAR)
    shown(snapshots, stage.nanos)
    assert [type(message) for message in watcher.sent] == [Snapshot]
