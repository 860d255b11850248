"""Anchors recognised when they are played again."""

from msgspec.structs import replace

from live.ipc.messages import Encode
from model.music.phrase import Note
from model.music.tracks import CHORDS
from tests.fakes.stage import EchoModel, Stage, configured

BEAT, BAR = 480, 1920
A = (60, 62, 64, 65, 67, 65, 64, 62)
B = (72, 71, 69, 67, 69, 71, 72, 74)
BAND = [Note(0, 50, 80, 4, track=CHORDS)]


def play(stage: Stage, pitches: tuple[int, ...], first: int) -> None:
    for beat, pitch in enumerate(pitches):
        stage.press(first * BAR + beat * BEAT, BEAT - 20, pitch)


def stage_of(*, recall_band: bool = True) -> Stage:
    """Store A while it sounds, then B, and play A again with a wrong note."""
    config = configured()
    config = replace(config, model=replace(config.model, recall_band=recall_band))
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = BAND
    stage = Stage.begun(config, model=model)
    for place, pitches in enumerate((A, B, (*A[:3], 66, *A[4:]), tuple(pitch + 6 for pitch in A))):
        play(stage, pitches, 2 * place)
    stage.act(3 * BAR, "capture", "A")
    stage.act(5 * BAR, "capture", "B")
    return stage


def test_an_anchor_that_is_played_again_is_told() -> None:
    stage = stage_of()
    stage.run_to_tick(6 * BAR - BEAT)
    assert stage.jam.dialogue.recognised == ""
    stage.run_to_tick(8 * BAR - BEAT)
    assert stage.jam.dialogue.recognised == "A"
    stage.run_to_tick(9 * BAR)
    assert stage.jam.dialogue.recognised == "", "in another key it is another phrase"
    assert [values for topic, values in stage.published if topic == "recognised"] == [("A",), ("none",)]
    assert ("encode", "played A") in [(kind, fields.get("why")) for kind, fields in stage.logged]


def test_its_band_and_its_chords_come_back_with_it() -> None:
    stage = stage_of()
    stage.run_to_tick(7 * BAR)
    played = [message for message in stage.asked if isinstance(message, Encode)]
    known = stage.jam.history.state.anchors["A"]
    assert [message.band for message in played[:2]] == [[], []]
    assert played[2].band == BAND
    base = stage.jam.history.state.base
    assert base is not None
    assert base.place.chords == known.place.chords  # type: ignore[union-attr]


def test_the_band_stays_as_it_is_where_that_is_set() -> None:
    stage = stage_of(recall_band=False)
    stage.run_to_tick(7 * BAR)
    assert stage.jam.dialogue.recognised == "A"
    assert not any(message.band for message in stage.asked if isinstance(message, Encode))
