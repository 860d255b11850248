"""Commands: each, whoever gives it, is carried out or answered with a notice, never raised."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc import commands as ask
from live.ipc.commands import Command
from live.ipc.places import Varied
from live.settings.knobs import ANCHORS, ANSWERING, KNOBS, MODES
from live.settings.schema import Config, Scene
from live.timing.timeline import Nanos
from model.music.phrase import Note
from model.music.tracks import TRACKS
from tests.fakes.commands import command
from tests.fakes.stage import MS, EchoModel, Stage, configured

STEP, BAR = 120, 1920
CELL = 2 * BAR
FINITE = "latent takes finite numbers only, none beyond 3.4e+38"
NAMES = st.sampled_from([*KNOBS, "volume ", "Density", "", "tempos"])
VALUES = st.floats(-1e6, 1e6) | st.sampled_from([float("inf"), float("-inf"), float("nan")])
WORDS = st.sampled_from([*ANCHORS, *MODES, *TRACKS, "key", "1", ""])
COMMANDS = st.one_of(
    st.builds(ask.Turn, NAMES, VALUES),
    st.builds(ask.Nudge, NAMES, VALUES),
    st.builds(ask.GoTo, st.lists(VALUES, max_size=3)),
    st.builds(ask.PlayKey, st.integers(-300, 300), st.integers(-5, 200)),
    st.builds(ask.StoreAnchor, WORDS),
    st.builds(ask.RecallAnchor, WORDS),
    st.builds(ask.SetMode, WORDS),
    st.builds(ask.MutePart, WORDS),
    st.builds(ask.SetCondition, WORDS, WORDS),
    st.builds(ask.CallScene, st.integers(-1, 12), st.integers(-1, 3)),
    st.builds(ask.StoreScene, st.integers(-1, 5)),
    st.builds(
        ask.Say, st.text(max_size=40) | st.sampled_from(["sparser", "like B", "stop", "back to normal"])
    ),
    st.sampled_from(
        [
            ask.Freeze(),
            ask.Undo(),
            ask.Redo(),
            ask.TapTempo(),
            ask.Start(),
            ask.Stop(),
            ask.Panic(),
            ask.SwitchThru(),
        ]
    ),
)


def with_scenes(*scenes: Scene) -> Config:
    return msgspec.structs.replace(Config(), scene=list(scenes))


def run(stage: Stage, *commands: Command) -> None:
    for each in commands:
        stage.commands.run(each, Nanos(stage.nanos))


def said(stage: Stage) -> str:
    return stage.jam.notices.lines[-1].text if stage.jam.notices.lines else ""


def listening() -> Stage:
    """A stage on which two bars have been played and answered."""
    stage = Stage.begun()
    for step in range(0, 32, 4):
        stage.press(step * STEP, 100, 60 + step // 4)
    stage.run_to_tick(CELL + 50)
    return stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@given(st.lists(COMMANDS, max_size=25), st.booleans())
def test_no_command_raises_and_no_knob_leaves_its_travel(commands: list[Command], playing: bool) -> None:
    stage = Stage()
    stage.model.phrases.append([Note(0, 60, 90, 4)])  # what it answers to a vector before it had a phrase
    if playing:
        stage.begin()
        stage.press(0, 500, 60)
    for each in commands:
        run(stage, each)
        stage.run_to(stage.nanos + 40 * MS)
        for name, value in stage.jam.knobs.items():
            assert KNOBS[name].low <= value <= KNOBS[name].high
    run(stage, command("panic"))
    stage.run_to(stage.nanos + 10 * MS)
    assert {place for place in stage.hanging() if place[0] == 1} == set()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (command("knob", "densty", 1.0), "unknown knob 'densty'; there is: "),
        (command("nudge", "densty", 1.0), "unknown knob 'densty'; there is: "),
        (ask.StoreAnchor("E"), "unknown capture 'E'; there is: A, B, C, D"),
        (ask.SetMode("folow"), "unknown mode 'folow'; there is: answer, drift, follow, hold"),
        (command("recall", "C"), "anchor C is empty: store it first"),
        (command("capture", "A"), "nothing to store as A yet: play two bars first"),
        (command("knob", "stray", float("nan")), "knob stray takes finite numbers only"),
        (command("latent", values=[float("inf"), 1.0]), FINITE),
        (command("latent", values=[float("nan"), 1.0]), FINITE),
        (command("latent", values=[-1e39, 1.0]), FINITE),
        (command("scene", "3"), "scene 3 is empty: store it first"),
        (command("undo"), "nothing to undo"),
        (command("note", "on", 128.0), "a key is 0 to 127, not 128"),
        (command("latent", values=[1.0]), "a latent has 2 numbers here, not 1"),
        (command("knob", "xy.x", 0.7), "the pad lies between the anchors A to D: set one near it first"),
    ],
)
def test_what_cannot_be_done_is_reported(asked: Command, sentence: str) -> None:
    stage = Stage.begun()
    run(stage, asked)
    assert said(stage).startswith(sentence)


def test_a_misspelt_name_gets_the_nearest_match(stage: Stage) -> None:
    run(stage, command("knob", "densty", 1.0))
    assert said(stage).endswith("; did you mean 'density'?")


def test_a_knob_stops_at_the_end_of_its_travel(stage: Stage) -> None:
    run(stage, command("knob", "density", 9.0), command("knob", "gate", -3.0))
    assert stage.jam.knobs["density"] == 1.0
    assert stage.jam.knobs["gate"] == KNOBS["gate"].low


def test_nudges_come_back_to_the_centre(stage: Stage) -> None:
    for _ in range(7):
        run(stage, command("nudge", "density", 0.1))
    assert stage.jam.knobs["density"] == 1.0
    for _ in range(5):
        run(stage, command("nudge", "density", -0.1))
    assert stage.jam.knobs["density"] == 0.0


def test_a_knob_that_stays_asks_for_nothing() -> None:
    stage = listening()
    asked = len(stage.model.decodes)
    run(stage, command("knob", "density", 0.0))
    stage.run_to_tick(CELL + 100)
    assert len(stage.model.decodes) == asked
    run(stage, command("knob", "density", 0.5))
    stage.run_to_tick(CELL + 150)
    assert stage.model.decodes[asked].turns == {"density": 0.5}


def test_a_knob_storm_is_coalesced_and_the_newest_wins() -> None:
    stage = listening()
    asked = len(stage.model.decodes)
    for number in range(1000):
        run(stage, command("knob", "density", number / 999))
    stage.run_to_tick(CELL + 240)
    assert len(stage.model.decodes) - asked <= 4
    assert stage.model.decodes[-1].turns["density"] == 1.0


def test_knobs_are_logged_and_published(stage: Stage) -> None:
    run(stage, command("knob", "stray", 0.25, source="osc"))
    assert ("knob/stray", (0.25,)) in stage.published
    kind, fields = stage.logged[-1]
    assert kind == "knob"
    assert (fields["name"], fields["value"], fields["source"]) == ("stray", 0.25, "osc")


def test_volume_is_sent_to_the_instrument_s_channel(stage: Stage) -> None:
    run(stage, command("knob", "volume", 0.5))
    assert stage.sent[-1].data == bytes((0xB1, 7, 64))


def test_a_scene_turns_its_knobs_and_mode() -> None:
    scene = Scene(number=3, name="quiet", mode="hold", knobs={"density": -0.5, "volume": 0.25})
    stage = Stage(with_scenes(scene))
    run(stage, command("scene", "3"))
    assert stage.jam.knobs["density"] == -0.5
    assert stage.jam.history.state.mode == "hold"
    assert said(stage) == "scene 3: quiet"
    run(stage, command("scene", "4"))
    assert said(stage) == "scene 4 is empty: store it first; there is: 3"


def test_taps_set_the_tempo(stage: Stage) -> None:
    for number in range(4):
        stage.at(1 + number * 400 * MS, command("tap"))
    stage.run_to(1300 * MS)
    assert stage.jam.knobs["tempo"] == pytest.approx(150.0)
    assert stage.jam.transport.tempo_bpm == pytest.approx(150.0)


def test_a_knob_of_the_screen_starts_where_the_settings_say() -> None:
    stage = Stage(configured(bpm=93.0, temperature=0.3))
    assert stage.jam.knobs["tempo"] == 93.0
    assert stage.jam.knobs["temperature"] == 0.3


@pytest.mark.parametrize("name", ["density", "stray", "temperature"])
def test_a_model_is_asked_for_no_more_than_it_heeds(name: str) -> None:
    stage = listening()
    run(stage, command("knob", "register", 0.7), command("knob", name, 0.5))
    stage.run_to_tick(CELL + 240)
    last = stage.model.decodes[-1]
    assert "register" not in last.turns
    assert last.temperature == (0.5 if name == "temperature" else 0.0)


def test_freeze_and_thru_toggle() -> None:
    stage = Stage(model=EchoModel())
    states = []
    for _ in range(3):
        states.append((stage.jam.history.state.frozen, stage.jam.performer.thru.on))
        run(stage, command("freeze"), command("thru"))
    assert states == [(False, True), (True, False), (False, True)]


# -- vary ----------------------------------------------------------------------------------------


def test_answer_varies_until_somebody_says_how_much(stage: Stage) -> None:
    run(stage, command("mode", "answer"))
    assert stage.jam.knobs["vary"] == ANSWERING
    run(stage, command("mode", "follow"))
    assert stage.jam.knobs["vary"] == 0.0
    run(stage, command("mode", "answer"), command("undo"))
    assert stage.jam.knobs["vary"] == 0.0
    run(stage, command("knob", "vary", 0.0), command("mode", "answer"))
    assert stage.jam.knobs["vary"] == 0.0


@pytest.mark.parametrize("wanted", [0.0, 0.6])
def test_what_the_settings_or_a_scene_say_of_vary_stays_in_every_mode(wanted: float) -> None:
    scene = Scene(number=1, mode="answer", knobs={"vary": wanted})
    for stage in (Stage(configured(vary=wanted)), Stage(with_scenes(scene))):
        run(stage, command("scene", "1") if stage.config.scene else command("mode", "answer"))
        assert stage.jam.knobs["vary"] == wanted
        run(stage, command("mode", "drift"))
        assert stage.jam.knobs["vary"] == wanted
    assert Stage(configured(mode="answer", vary=wanted)).jam.knobs["vary"] == wanted
    assert Stage(configured(mode="answer")).jam.knobs["vary"] == ANSWERING


def variations(stage: Stage) -> list[tuple[float, int]]:
    """Return how much of each phrase was asked to be new, and as which of its variations."""
    places = [decode.place for decode in stage.model.decodes]
    return [(place.amount, place.turn) for place in places if isinstance(place, Varied)]


def test_every_cell_has_a_variation_of_its_own_and_a_held_phrase_keeps_one() -> None:
    stage = listening()
    run(stage, command("knob", "vary", 0.5))
    stage.run_to_tick(3 * CELL + 240)
    following = variations(stage)
    assert {amount for amount, _ in following} == {0.5}
    assert {turn for _, turn in following} >= {1, 2, 3, 4}
    for gesture in (command("mode", "hold"), command("freeze")):
        run(stage, gesture)
        held = stage.jam.history.state.turn
        assert held == stage.jam.plan.cell_of(stage.jam.tick(Nanos(stage.nanos)))
        before = len(variations(stage))
        stage.run_to_tick((held + 3) * CELL + 240)
        assert {turn for _, turn in variations(stage)[before:]} == {held}
        run(stage, command("mode", "follow"), *([command("freeze")] if gesture == command("freeze") else []))
        assert stage.jam.history.state.turn is None


def test_vary_is_heard_at_the_next_step_and_an_anchor_has_the_variation_that_sounded() -> None:
    stage = listening()
    stage.run_to_tick(CELL + 240)
    run(stage, command("knob", "vary", 0.25))
    stage.run_to(stage.nanos + 100 * MS)
    now = [decode for decode in stage.model.decodes if isinstance(decode.place, Varied) and decode.bar == 2]
    assert [decode.prefix_steps for decode in now] == [3]
    run(stage, command("capture", "A"))
    anchor = stage.jam.history.state.anchors["A"].place
    assert isinstance(anchor, Varied)
    assert (anchor.amount, anchor.turn) == (0.25, 1)


def test_words_do_what_they_say_and_the_rest_of_it_where_one_thing_cannot_be_done() -> None:
    stage = listening()
    run(stage, ask.Say("sparser, a bit darker, like B, hold that"))
    assert stage.jam.knobs["density"] == pytest.approx(-0.4)
    assert stage.jam.knobs["register"] == pytest.approx(-0.2)
    assert stage.jam.history.state.mode == "hold"
    texts = [notice.text for notice in stage.jam.notices.lines]
    assert "anchor B is empty: store it first" in texts
    assert texts[-1] == "density 0.00 -> -0.40; register 0.00 -> -0.20; mode hold"
    run(stage, ask.Say("like C"))
    assert said(stage) == "anchor C is empty: store it first"


def test_words_that_mean_nothing_are_a_notice_with_examples(stage: Stage) -> None:
    before = dict(stage.jam.knobs)
    run(stage, ask.Say("purple"))
    assert stage.jam.knobs == before
    assert said(stage).startswith("not understood: 'purple'; try: ")


def test_words_are_one_gesture_and_undo_may_be_said() -> None:
    stage = listening()
    run(stage, ask.Turn("stray", 0.5), ask.Say("sparser, darker"))
    run(stage, ask.Undo())
    assert said(stage) == 'undone: "sparser, darker"'
    assert (stage.jam.knobs["density"], stage.jam.knobs["register"]) == (0.0, 0.0)
    run(stage, ask.Say("busier"), ask.Say("undo that"))
    assert said(stage) == 'undone: "busier"'
    assert stage.jam.knobs["density"] == 0.0
    run(stage, ask.Say("undo that"))
    assert said(stage) == "undone: stray"
