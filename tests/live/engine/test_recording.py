"""Takes begun and ended while it plays: each a whole file, from the bar on in which it began."""

from pathlib import Path

import mido

from live.engine.guard import Guard
from live.engine.output import EngineOutput
from live.engine.recording import Recording
from live.ipc.link import Address
from live.ipc.options import Options
from live.settings.schema import Config, JamSettings
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos, Tick
from tests.fakes.engine_stage import FakeClock
from tests.fakes.stage import EchoModel, Stage

BAR = 1920


def notes_of(path: Path) -> list[tuple[int, int]]:
    """Return the tick and pitch of every note that a take's track of the performer begins."""
    now, found = 0, []
    for message in next(track for track in mido.MidiFile(path).tracks if track.name == "performer"):
        now += message.time
        if message.type == "note_on" and message.velocity:
            found.append((now, message.note))
    return found


def test_a_take_begun_in_the_middle_begins_with_its_bar(tmp_path: Path) -> None:
    stage, output, said = Stage(model=EchoModel()), EngineOutput(FakeClock()), list[str]()
    config = Config(jam=JamSettings(take_folder=str(tmp_path)))
    options = Options(address=Address("", ""), config=config, headless=True)
    takes = Recording(options, output, lambda _level, text, _about: said.append(text))
    stage.begin()
    stage.run_to_tick(5 * BAR + 480)
    takes.switch_take(stage.jam, Nanos(stage.nanos))
    first = Path(takes.shown)
    for step, data in ((0, note_on(1, 60, 90)), (240, note_off(1, 60)), (480, note_on(1, 62, 90))):
        output.played(Tick(5 * BAR + 480 + step), data)
    takes.switch_take(stage.jam, Nanos(stage.nanos))
    assert takes.shown == ""
    takes.switch_take(stage.jam, Nanos(stage.nanos))
    second = Path(takes.shown)
    takes.close_take(Guard(said.append))
    assert notes_of(first) == [(480, 60), (960, 62)]
    assert said == [f"the take is in '{first}'"]
    assert second != first
    assert not second.exists()  # nothing was played in it


def test_a_take_that_was_asked_for_by_name_stays_when_another_is_begun(tmp_path: Path) -> None:
    stage, output = Stage(model=EchoModel()), EngineOutput(FakeClock())
    wanted = tmp_path / "set.mid"
    takes = Recording(
        Options(address=Address("", ""), config=Config(), record=str(wanted)), output, lambda *_: None
    )
    stage.begin()
    takes.open_take(stage.jam, Nanos(0))
    output.played(Tick(0), note_on(1, 60, 90))
    takes.switch_take(stage.jam, Nanos(stage.nanos))
    takes.switch_take(stage.jam, Nanos(stage.nanos))
    assert Path(takes.shown).name == "set.2.mid"
    output.played(Tick(0), note_on(1, 64, 90))
    takes.close_take(Guard(print))
    assert not takes.take_lost
    assert [notes_of(path) for path in (wanted, tmp_path / "set.2.mid")] == [[(0, 60)], [(0, 64)]]
