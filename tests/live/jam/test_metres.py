"""Other metres on the fake clock: answers lie on the bar line, a change begins on one, and nothing hangs."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.settings.schema import Config
from live.timing.midi_bytes import CLOCK
from live.timing.timeline import Nanos
from model.music.grid import Grid
from model.music.metre import METRES, grid_in
from tests.fakes.commands import command
from tests.fakes.stage import ContinuingModel, EchoModel, Stage, configured

STEP = 120
HALF = STEP // 2
FOUR = 1920


def grid_of(metre: str) -> Grid:
    grid = grid_in(Grid(), METRES[metre])
    assert grid is not None
    return grid


def jam(
    metre: str = "auto", *, count_in_bars: int = 0, output_latency_ms: float = 0.0, **options: object
) -> Stage:
    return Stage.begun(lasting(configured(metre=metre, **options), count_in_bars, output_latency_ms))


def lasting(config: Config, count_in_bars: int, output_latency_ms: float) -> Config:
    """Return settings with what no option sets."""
    return msgspec.structs.replace(
        config,
        midi=msgspec.structs.replace(config.midi, output_latency_ms=output_latency_ms),
        jam=msgspec.structs.replace(config.jam, count_in_bars=count_in_bars),
    )


def play(stage: Stage, start: int, grid: Grid, *, pitch: int = 60) -> list[tuple[int, int]]:
    """Press a key on every beat of a phrase, each a tone higher; returns (tick within the phrase, pitch)."""
    notes = [(beat * grid.ticks_per_beat, pitch + 2 * beat) for beat in range(grid.beats)]
    for tick, key in notes:
        stage.press(start + tick, grid.ticks_per_beat - 20, key)
    return notes


def notices(stage: Stage) -> list[str]:
    return [str(fields["text"]) for kind, fields in stage.logged if kind == "notice"]


# -- in one metre ----------------------------------------------------------------------------------


@pytest.fixture
def stage() -> Stage:
    return jam()


@pytest.mark.parametrize("metre", METRES)
def test_in_every_metre_a_phrase_is_answered_on_the_bar_line(metre: str) -> None:
    stage, grid = jam(metre), grid_of(metre)
    played = play(stage, 0, grid)
    stage.run_to_tick(3 * grid.ticks)
    answer = [(tick + grid.ticks, pitch) for tick, pitch in played]
    assert stage.note_ons(first=0, last=2 * grid.ticks) == answer
    assert stage.note_ons(first=2 * grid.ticks) == [(tick + grid.ticks, pitch) for tick, pitch in answer] + [
        (3 * grid.ticks, 60)
    ]
    assert {request.grid for request in stage.model.decodes} == {grid}
    assert stage.jam.dialogue.bars.missed == 0


@pytest.mark.parametrize("metre", ["3/4", "6/8", "5/4"])
def test_a_start_in_another_metre_repeats_nothing_that_is_longer_than_its_bars(metre: str) -> None:
    stage = jam()
    stage.press(2 * STEP, 3 * FOUR // 2, 64)
    stage.run_to_tick(3 * FOUR)
    for asked in (command("stop"), command("metre", metre), command("start")):
        stage.commands.run(asked, Nanos(stage.nanos))
    stage.answer_ms = 3000.0  # the last good phrase repeats meanwhile
    stage.run_to(stage.nanos + 2 * 1_000_000_000)
    assert stage.jam.plan.lines.grid == grid_of(metre)
    assert (2 * STEP, 64) in stage.note_ons()
    stage.commands.run(command("stop"), Nanos(stage.nanos))
    assert not stage.hanging()


@pytest.mark.parametrize("metre", METRES)
def test_in_every_metre_answer_takes_turns(metre: str) -> None:
    stage, grid = jam(metre, mode="answer"), grid_of(metre)
    played = play(stage, 0, grid)
    stage.run_to_tick(4 * grid.ticks - 1)
    assert stage.note_ons() == [
        *((tick + grid.ticks, pitch) for tick, pitch in played),
        *((tick + 3 * grid.ticks, pitch) for tick, pitch in played),
    ]


def test_beats_and_bars_are_told_in_the_metre() -> None:
    stage = jam("6/8")
    stage.run_to_tick(4 * 720)
    told = [(topic, values[0]) for topic, values in stage.published if topic in ("beat", "bar", "metre")]
    assert told[:4] == [("metre", "6/8"), ("beat", 1), ("bar", 1), ("beat", 2)]
    assert told[4:] == [("beat", 1), ("bar", 2), ("beat", 2), ("beat", 1), ("bar", 3)]


def test_midi_clock_counts_quarters_in_every_metre() -> None:
    stage = jam("7/8", clock_out=True)
    stage.run_to_tick(2 * 1680)
    assert [sent.tick for sent in stage.sent if sent.data[0] == CLOCK][:4] == [0, 20, 40, 60]


def test_a_count_in_clicks_the_beats_of_the_metre() -> None:
    stage = jam("7/8", count_in_bars=1)
    stage.run_to_tick(10)
    clicks = [sent.tick for sent in stage.sent if sent.data[0] == 0x99]
    assert clicks == [-1680 + 240 * beat for beat in range(7)]


def test_swing_moves_every_second_sixteenth_in_compound_time() -> None:
    stage = jam("6/8")
    for step in range(4):
        stage.press(step * STEP, STEP - 10, 60 + step)
    stage.turn(2000, "swing", 1.0)
    stage.run_to_tick(2 * 2880)
    assert [tick - 2880 for tick, _ in stage.note_ons(first=2880, last=5760)] == [0, 160, 240, 400]


# -- a change at a bar line ------------------------------------------------------------------------


@pytest.mark.parametrize("metre", [name for name in METRES if name != "4/4"])
@pytest.mark.parametrize("asked", [2 * FOUR + 700, 3 * FOUR - 200, 3 * FOUR + 1, 3 * FOUR + 1500])
def test_a_metre_begins_on_the_next_bar_line_and_phrases_with_it(metre: str, asked: int) -> None:
    stage, grid = jam(), grid_of(metre)
    play(stage, 0, Grid())
    stage.act(asked, "metre", metre)
    line = -(-(asked + 1) // FOUR) * FOUR
    played = play(stage, line, grid, pitch=40)
    stage.run_to_tick(line + 2 * grid.ticks - 1)
    lines = stage.jam.plan.lines
    assert (lines.start, lines.bar, lines.grid) == (line, line // FOUR, grid)
    assert f"{metre} from bar {line // FOUR + 1} on" in notices(stage)
    answer = [(tick + line + grid.ticks, pitch) for tick, pitch in played]
    assert stage.note_ons(first=line + grid.ticks) == answer
    assert stage.metres == [(0, "4/4"), (line, metre)]
    assert stage.jam.dialogue.bars.missed == 0


def test_what_sounded_goes_on_bar_by_bar_and_begins_on_the_one(stage: Stage) -> None:
    play(stage, 0, Grid())  # 60 62 64 66 | 68 70 72 74
    stage.act(2 * FOUR + 100, "metre", "3/4")
    stage.run_to_tick(3 * FOUR + 2 * 1440 - 1)
    sounded = stage.note_ons(first=2 * FOUR)
    assert [pitch for tick, pitch in sounded if tick < 3 * FOUR] == [60, 62, 64, 66]
    left = (60, 62, 64, 68, 70, 72)  # as a real model, whose phrase is cut
    assert sounded[4:] == [
        (3 * FOUR + step * STEP, pitch) for step, pitch in zip(range(0, 24, 4), left, strict=True)
    ]


def test_the_phrase_that_ends_where_the_metre_does_is_still_taken(stage: Stage) -> None:
    play(stage, 0, Grid())
    stage.act(FOUR + 100, "metre", "3/4")
    stage.run_to_tick(2 * FOUR + 1440)
    assert [pitch for _, pitch in stage.note_ons(first=2 * FOUR)][:3] == [60, 62, 64]


def test_the_phrase_before_is_taken_to_its_end_where_the_output_is_late() -> None:
    stage = jam(output_latency_ms=200.0)
    played = play(stage, 0, Grid())
    stage.press(2 * FOUR - STEP, 100, 90)  # in the time between what leaves and what is heard
    stage.act(FOUR + 100, "metre", "3/4")
    stage.run_to_tick(2 * FOUR + 1440)
    assert [note.pitch for note in stage.model.encodes[0].notes] == [*(pitch for _, pitch in played), 90]
    assert stage.model.encodes[0].grid == Grid()


def test_a_change_during_the_count_in_begins_on_the_one() -> None:
    stage = jam(count_in_bars=2)
    stage.act(-3000, "metre", "3/4")
    stage.run_to_tick(1440)
    assert stage.jam.plan.lines.start == 0
    assert stage.jam.plan.grid == grid_of("3/4")


def test_a_change_while_it_stands_still_is_there_at_once_and_starts_at_bar_0(stage: Stage) -> None:
    stage.act(FOUR, "stop")
    stage.run_to_tick(FOUR)
    stage.at(stage.nanos, command("metre", "5/4"))
    stage.run_to(stage.nanos + 1)
    assert stage.jam.plan.grid == grid_of("5/4")
    assert notices(stage)[-1] == "metre 5/4"
    stage.at(stage.nanos, command("start"))
    stage.run_to(stage.nanos + 1)
    played = play(stage, 0, grid_of("5/4"))
    stage.sent.clear()
    stage.run_to_tick(2 * 2400 - 1)
    assert stage.note_ons() == [(tick + 2400, pitch) for tick, pitch in played]


def test_a_new_start_stays_in_the_metre_and_begins_at_bar_0(stage: Stage) -> None:
    stage.act(100, "metre", "3/4")
    stage.act(FOUR + 500, "start")
    stage.run_to_tick(FOUR + 500)
    stage.run_to_tick(100)
    assert (stage.jam.plan.lines.start, stage.jam.plan.grid) == (0, grid_of("3/4"))


def test_asked_for_again_before_it_begins_the_last_one_counts(stage: Stage) -> None:
    stage.act(100, "metre", "3/4")
    stage.act(200, "metre", "7/8")
    stage.act(300, "metre", "4/4")
    stage.run_to_tick(2 * FOUR)
    assert stage.jam.plan.lines.start == 0
    assert stage.metres == [(0, "4/4")]
    stage.act(2 * FOUR + 100, "metre", "3/4")
    stage.act(3 * FOUR - 30, "metre", "7/8")  # the other one has been planned, and is left after a bar
    stage.run_to_tick(3 * FOUR + 2000)
    assert stage.metres[1:] == [(3 * FOUR, "3/4"), (3 * FOUR + 1440, "7/8")]


def test_a_panic_in_another_metre_rests_until_a_phrase_of_it() -> None:
    stage = jam("3/4")
    play(stage, 0, grid_of("3/4"))
    stage.act(2880 + 500, "panic")
    stage.run_to_tick(4 * 2880 - 1)
    assert not stage.note_ons(first=2880 + 501, last=2 * 2880)
    assert stage.note_ons(first=2 * 2880)[0][0] == 2 * 2880


# -- anchors and models ----------------------------------------------------------------------------


def test_anchors_stay_through_a_metre_and_back(stage: Stage) -> None:
    play(stage, 0, Grid())
    stage.act(2 * FOUR + 500, "capture", "A")
    stage.act(2 * FOUR + 600, "metre", "3/4")
    stage.run_to_tick(5 * FOUR)
    assert set(stage.jam.history.state.anchors) == {"A"}
    stage.at(stage.nanos, command("recall", "A"))
    stage.run_to(stage.nanos + 1)
    assert stage.jam.history.state.base is not None
    stage.at(stage.nanos, command("metre", "4/4"))
    stage.run_to_tick(9 * FOUR)
    assert set(stage.jam.history.state.anchors) == {"A"}
    assert stage.jam.plan.grid == Grid()
    assert not [text for text in notices(stage) if "empty" in text]


def test_another_model_finds_the_anchors_of_every_metre_again(stage: Stage) -> None:
    other = EchoModel(ident="echo-2")
    stage.model.others["two"] = other
    play(stage, 0, Grid())
    stage.act(2 * FOUR + 500, "capture", "A")
    stage.act(2 * FOUR + 600, "metre", "3/4")
    stage.at_tick(4 * FOUR, command("model", "two"))
    stage.run_to_tick(5 * FOUR)
    assert set(stage.jam.history.state.anchors) == {"A"}
    assert {encode.grid for encode in other.encodes} == {Grid()}
    assert stage.jam.plan.grid == grid_of("3/4")


def test_a_model_that_does_not_play_a_metre_says_which_it_does() -> None:
    stage = Stage.begun(model=ContinuingModel())
    stage.act(100, "metre", "3/4")
    stage.run_to_tick(2 * FOUR)
    assert "lm does not play 3/4; it plays: 4/4; lead plays 3/4" in notices(stage)
    assert stage.jam.plan.grid == Grid()
    assert stage.jam.dialogue.metre == "auto"


def test_an_unknown_metre_is_told_with_the_nearest(stage: Stage) -> None:
    stage.at_tick(100, command("metre", "3/5"))
    stage.run_to_tick(200)
    assert notices(stage)[-1].startswith("unknown metre '3/5'; there is: 12/8, 2/4, 3/4")
    assert notices(stage)[-1].endswith("did you mean '3/4'?")


def test_a_model_is_asked_whether_it_plays_the_metre() -> None:
    stage = jam("6/8")
    stage.at_tick(100, command("model", "two"))
    stage.run_to_tick(200)
    assert [getattr(message, "metre", "") for message in stage.asked if hasattr(message, "model")] == ["6/8"]


def test_a_model_of_another_metre_of_its_own_begins_on_the_next_bar_line(stage: Stage) -> None:
    play(stage, 0, Grid())
    stage.run_to_tick(2 * FOUR + 700)
    waltz = msgspec.structs.replace(stage.model.ready(), ident="waltz", beats_per_bar=3, metres=["3/4"])
    stage.jam.from_worker(waltz, Nanos(stage.nanos))
    stage.run_to_tick(4 * FOUR)
    assert (stage.jam.plan.lines.start, stage.jam.plan.grid) == (3 * FOUR, Grid(2, 3))


def test_without_a_model_process_the_metre_changes_all_the_same(stage: Stage) -> None:
    play(stage, 0, Grid())
    stage.run_to_tick(2 * FOUR + 100)
    stage.worker_present = False
    stage.jam.worker_lost()
    stage.act(2 * FOUR + 200, "metre", "3/4")
    stage.run_to_tick(3 * FOUR + 2880)
    repeated = [pitch for _, pitch in stage.note_ons(first=3 * FOUR, last=3 * FOUR + 2880)]
    assert repeated == [60, 62, 64, 68, 70, 72]
    assert stage.jam.dialogue.bars.missed


# -- sets drawn at random --------------------------------------------------------------------------

KEYS = st.tuples(st.just("key"), st.integers(0, 20_000), st.integers(1, 3000), st.integers(24, 96))
ACTS = st.tuples(
    st.just("act"),
    st.integers(-1900, 20_000),
    st.sampled_from(
        [
            *(("metre", name) for name in METRES),
            *(("mode", mode) for mode in ("follow", "answer", "hold", "drift")),
            ("capture", "A"),
            ("recall", "A"),
            ("panic", ""),
            ("undo", ""),
            ("start", ""),
        ]
    ),
    st.just(0),
)
TURNS = st.tuples(
    st.just("turn"),
    st.integers(0, 20_000),
    st.sampled_from(["density", "swing", "gate", "tempo"]),
    st.floats(-1, 1),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.lists(st.one_of(KEYS, KEYS, ACTS, TURNS), max_size=30),
    st.sampled_from(["auto", *METRES]),
    st.floats(0, 300),
    st.floats(0, 100),
)
def test_whatever_changes_every_note_ends(
    events: list[tuple[str, int, object, object]], metre: str, latency_ms: float, answer_ms: float
) -> None:
    config = lasting(configured(metre=metre), 1, latency_ms)
    stage = Stage.begun(config, answer_ms=answer_ms)
    for kind, tick, what, value in events:
        if kind == "key":
            assert isinstance(what, int)
            assert isinstance(value, int)
            stage.press(tick, what, value)
        elif isinstance(what, tuple):
            stage.act(tick, *what)
        elif isinstance(value, float):
            stage.turn(tick, str(what), 120 + 100 * value if what == "tempo" else value)
    stage.run_to_tick(20_000)
    lines = stage.jam.plan.lines
    for index, cell in stage.jam.plan.cells.items():
        assert index >= lines.cell
        assert cell.phrase is None or cell.phrase.grid == lines.grid
    stage.at(stage.nanos, command("stop"))
    stage.run_to(stage.nanos + 1)
    stage.jam.performer.release(Nanos(stage.nanos))
    assert stage.hanging() == set()
