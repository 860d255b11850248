"""The metronome: a click on every beat while it is on, a bar of it before a start, and none that hangs."""

import msgspec
import pytest

from live.timing.clicks import FIRST
from live.timing.timeline import Nanos, Tick
from tests.fakes.commands import command
from tests.fakes.stage import MS, Stage, configured

BEAT, BAR = 480, 1920


def clicking(*, metronome: bool = True, **options: object) -> Stage:
    config = configured(**options)
    jam = msgspec.structs.replace(config.jam, metronome=metronome)
    return Stage.begun(msgspec.structs.replace(config, jam=jam))


def clicks(stage: Stage) -> list[int]:
    """Return the ticks of the clicks."""
    return [sent.tick for sent in stage.sent if sent.voice == "click" and sent.data[0] == 0x99]


def test_it_counts_a_bar_in_and_clicks_on_every_beat_on_time() -> None:
    stage = clicking()
    stage.run_to_tick(2 * BAR)
    assert clicks(stage) == [*range(-BAR, 2 * BAR + 1, BEAT)]
    high = [sent.tick for sent in stage.sent if sent.data[:2] == bytes((0x99, FIRST[0]))]
    assert high == [-BAR, 0, BAR, 2 * BAR]
    line = stage.jam.transport.timeline
    assert all(sent.moment == line.nanos(Tick(sent.tick)) for sent in stage.sent if sent.data[0] == 0x99)


def test_it_is_switched_while_it_plays_and_the_next_start_is_counted_in() -> None:
    stage = clicking(metronome=False)
    stage.act(BEAT + 10, "metronome")
    stage.act(3 * BEAT + 10, "metronome")
    stage.run_to_tick(BAR)
    assert clicks(stage) == [2 * BEAT, 3 * BEAT]
    assert not stage.hanging()
    stage.sent.clear()
    for name in ("metronome", "start"):
        stage.commands.run(command(name), Nanos(stage.nanos))
    stage.run_to_tick(BEAT)
    assert clicks(stage) == [*range(-BAR, BEAT + 1, BEAT)]


@pytest.mark.parametrize(("bars", "beats"), [(0, 0), (2, 8)])
def test_a_count_in_that_is_set_is_the_one_that_is_given(bars: int, beats: int) -> None:
    config = configured()
    jam = msgspec.structs.replace(config.jam, metronome=True, count_in_bars=bars)
    stage = Stage.begun(msgspec.structs.replace(config, jam=jam))
    stage.run_to_tick(10)
    assert clicks(stage) == [*range(-beats * BEAT, 1, BEAT)]


def test_it_follows_another_metre_from_its_bar_line_on() -> None:
    stage = clicking()
    stage.act(BAR + 10, "metre", "6/8")
    stage.run_to_tick(3 * BAR)
    assert [tick for tick in clicks(stage) if BAR <= tick <= 2 * BAR + 1440] == [
        *range(BAR, 2 * BAR, BEAT),
        2 * BAR,
        2 * BAR + 720,
        2 * BAR + 1440,
    ]


@pytest.mark.parametrize("name", ["stop", "panic"])
def test_what_ends_every_note_ends_the_click(name: str) -> None:
    stage = clicking()
    stage.act(2 * BAR + 10, name)
    stage.run_to(stage.nanos + 30_000 * MS)
    assert not stage.hanging()
    later = [tick for tick in clicks(stage) if tick > 2 * BAR + 10]
    assert (later[0] == 4 * BAR) if name == "panic" else not later


def test_clicks_that_are_too_late_are_left_out_and_the_next_is_on_the_beat() -> None:
    stage = clicking()
    stage.run_to_tick(BEAT + 10)
    stage.nanos += 1800 * MS
    stage.run_to_tick(2 * BAR)
    assert clicks(stage)[-4:] == [BAR + BEAT, BAR + 2 * BEAT, BAR + 3 * BEAT, 2 * BAR]
    assert not {2 * BEAT, 3 * BEAT, BAR} & {*clicks(stage)}


def test_it_is_undone_and_says_so() -> None:
    stage = clicking()
    for name in ("metronome", "undo"):
        stage.commands.run(command(name), Nanos(stage.nanos))
    assert stage.jam.sender.metronome.on
    said = [fields["text"] for kind, fields in stage.logged if kind == "notice"]
    assert said[-1] == "undone: metronome off"
