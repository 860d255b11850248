"""A session saves itself: when something has changed, whole, and never over what is to be left."""

import threading
from pathlib import Path

import msgspec
import pytest

from live.dashboard.drawing.status import standing
from live.ipc.jam_memory import JamMemory, JamState, ScenesMemory, StoredScene
from live.ipc.snapshot import Notice
from live.session import keeper as module
from live.session.keeper import SessionKeeper
from live.session.saved import load
from live.timing.bar_lines import BarLines
from model.music.grid import Grid

STATE = JamState(mode="hold", model="keys", knobs={"density": 0.25})
MEMORY = JamMemory(
    state=STATE, thru=True, chosen_model="", lines=BarLines(Grid()), timeline=None, started=False, demo=False
)
SCENES = ScenesMemory([StoredScene(1, STATE)])


def turned(density: float) -> JamMemory:
    state = msgspec.structs.replace(STATE, knobs={"density": density})
    return msgspec.structs.replace(MEMORY, state=state)


class Desk:
    """A keeper and what it says."""

    def __init__(self, path: Path, *, spare: bool = False) -> None:
        self.said: list[Notice] = []
        self.keeper = SessionKeeper(path, seed=7, spare=spare, say=self.said.append)


def test_what_has_changed_is_saved_and_what_has_not_is_left(tmp_path: Path) -> None:
    path = tmp_path / "made" / "friday.toml"
    desk = Desk(path)
    desk.keeper.save()
    assert not path.exists()
    desk.keeper.update(MEMORY)
    desk.keeper.update(SCENES)
    desk.keeper.save()
    session = load(path).session
    assert (session.state, session.scenes, session.seed, session.ended) == (STATE, SCENES.scenes, 7, False)
    path.unlink()
    desk.keeper.save()
    assert not path.exists()
    desk.keeper.update(turned(0.5))
    desk.keeper.save()
    assert load(path).session.state.knobs == {"density": 0.5}
    assert desk.said == []
    assert [entry.name for entry in path.parent.iterdir()] == ["friday.toml"]


def test_at_the_end_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "friday.toml"
    desk = Desk(path)
    desk.keeper.update(MEMORY)
    desk.keeper.save()
    desk.keeper.close()
    assert load(path).session.ended


def test_it_saves_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAVE_SECONDS", 0.001)
    desk, saved = Desk(tmp_path / "friday.toml"), threading.Event()
    whole = desk.keeper.save

    def save(*, ended: bool = False) -> None:
        whole(ended=ended)
        if desk.keeper.path.exists():
            saved.set()

    monkeypatch.setattr(desk.keeper, "save", save)
    desk.keeper.update(MEMORY)
    desk.keeper.start()
    assert saved.wait(30)
    desk.keeper.close()


def test_what_is_to_be_spared_is_put_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "friday.toml"
    path.write_text("by hand")
    desk = Desk(path, spare=True)
    desk.keeper.update(MEMORY)
    desk.keeper.save()
    desk.keeper.update(turned(0.5))
    desk.keeper.save()
    assert (tmp_path / "friday-old-1.toml").read_text() == "by hand"
    assert not (tmp_path / "friday-old-2.toml").exists()
    desk.keeper.spare()
    desk.keeper.update(turned(0.75))
    desk.keeper.save()
    assert load(tmp_path / "friday-old-2.toml").session.state.knobs == {"density": 0.5}


def test_the_last_jam_becomes_the_one_before_as_soon_as_there_is_something(tmp_path: Path) -> None:
    path = tmp_path / "last.toml"
    path.write_text("the last one")
    desk = Desk(path, spare=True)
    desk.keeper.update(MEMORY)  # knobs alone
    desk.keeper.close()
    assert path.read_text() == "the last one"
    desk = Desk(path, spare=True)
    desk.keeper.update(MEMORY)
    desk.keeper.update(SCENES)
    desk.keeper.close()
    assert (tmp_path / "before.toml").read_text() == "the last one"
    assert load(path).session.scenes == SCENES.scenes


def test_where_it_cannot_be_saved_that_is_said_once_and_when_it_can_again(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.write_text("a file where the folder was to be")
    desk = Desk(folder / "friday.toml")
    for density in (0.1, 0.2):
        desk.keeper.update(turned(density))
        desk.keeper.save()
    (said,) = desk.said
    assert said.text.startswith(f"the session cannot be saved: {folder / 'friday.toml'}: ")
    assert folder.read_text() == "a file where the folder was to be"
    folder.unlink()
    desk.keeper.save()
    assert [line.text for line in standing(desk.said)] == ["the session is saved again"]
    assert load(folder / "friday.toml").session.state.knobs == {"density": 0.2}
