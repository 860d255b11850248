"""Every kind of model through the whole jam on a fake clock: real networks, tiny and never trained."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from live.ipc.commands import ChooseModel, GoTo, SetMode, Stop
from live.ipc.messages import Encode, Failed
from live.ipc.places import Point
from live.settings.config import parse
from live.worker.handler import RequestHandler
from model.codecs.drums import KEYS
from model.music.phrase import Note
from tests.fakes.real_model import RealModel, checkpoint
from tests.fakes.stage import Stage

STEP, BAR = 120, 1920
CELL = 2 * BAR
TUNE = ((0, 36), (2, 42), (4, 60), (8, 64), (10, 48), (16, 67), (20, 43), (24, 72))


def jam(path: Path, **settings: Mapping[str, object]) -> Stage:
    stage = Stage.begun(parse(dict(settings)), model=RealModel(path))
    for cell in range(2):
        for step, pitch in TUNE:
            stage.press(cell * CELL + step * STEP, 2 * STEP - 5, pitch)
    return stage


def leave(stage: Stage, tick: int = 5) -> None:
    """Sound a place far away from what is played, so that the network's own notes are heard."""
    assert stage.jam.requests.model is not None
    stage.at_tick(tick, SetMode("hold"))
    stage.at_tick(tick + 1, GoTo([1.5] * stage.jam.requests.model.latent_size))


def ended(stage: Stage) -> None:
    assert stage.jam.dialogue.bars.missed == 0
    assert not [notice for notice in stage.jam.notices.lines if notice.level == "error"]
    stage.at(stage.nanos, Stop())
    stage.run_to(stage.nanos + 1)
    assert stage.hanging() == set()


def channels(stage: Stage, **span: int) -> set[int]:
    return {(data[0] & 0x0F) + 1 for _, data in stage.instrument(**span)}


def test_drums_answer_a_keyboard_on_channel_ten(tmp_path: Path) -> None:
    stage = jam(checkpoint(tmp_path / "drums.safetensors", "drums"))
    leave(stage, CELL + STEP)
    stage.turn(CELL + 9 * STEP + 10, "density", 0.8)
    stage.run_to_tick(3 * CELL - 1)
    assert {row[5] for row in stage.model.encodes[0].notes} == {0}  # a keyboard's notes
    assert channels(stage) == {10}
    assert {pitch for _, pitch in stage.note_ons()} <= set(KEYS)
    assert {tick % STEP for tick, _ in stage.note_ons(first=CELL)} - {0}  # off the grid, as they were decoded
    ended(stage)


def test_a_band_answers_on_its_channels(tmp_path: Path) -> None:
    stage = jam(checkpoint(tmp_path / "band.safetensors", "multitrack"))
    leave(stage)
    stage.turn(CELL + 9 * STEP + 10, "density", 0.8)
    stage.turn(CELL + 20 * STEP + 10, "register", -0.5)
    stage.run_to_tick(3 * CELL - 1)
    assert 10 in channels(stage)
    assert channels(stage) <= {2, 3, 4, 10}
    assert len(channels(stage)) >= 3
    ended(stage)


def test_register_leaves_the_drums_of_a_band_where_they_are(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "band.safetensors", "multitrack")
    sounded = []
    for turn in (0.0, 0.7):
        stage = jam(path)
        leave(stage)
        stage.turn(10, "register", turn)
        stage.run_to_tick(2 * CELL - 1)
        sounded.append([item for item in stage.instrument(first=CELL) if item[1][0] & 0x0F == 9])
    assert sounded[0] == sounded[1]
    assert sounded[0]


@pytest.mark.parametrize("decoder", ["gru", "transformer"])
def test_a_language_model_continues_and_heeds_what_has_sounded(tmp_path: Path, decoder: str) -> None:
    settings = {"model": {"top_k": 5, "top_p": 0.9}, "jam": {"temperature": 1.0, "seed": 4}}
    path = checkpoint(tmp_path / "lm.safetensors", "melody", decoder, latent=False)
    stage = jam(path, **settings)
    stage.turn(CELL + 9 * STEP + 10, "temperature", 0.2)
    stage.run_to_tick(3 * CELL - 1)
    assert stage.model.ready().latent_size == 0
    assert stage.model.decodes
    for decode in stage.model.decodes:
        assert decode.context
        assert isinstance(decode.place, Point)
        assert not decode.place.z
    again = next(decode for decode in stage.model.decodes if decode.prefix_steps)
    assert all(row[0] < again.prefix_steps for row in again.prefix)
    assert stage.note_ons()
    assert channels(stage) == {2}
    ended(stage)


def test_a_step_by_step_decoder_with_a_latent_plays(tmp_path: Path) -> None:
    stage = jam(checkpoint(tmp_path / "gru.safetensors", "melody", "gru"))
    stage.act(CELL + 10, "capture", "A")
    stage.act(2 * CELL + 10, "capture", "B")
    stage.turn(2 * CELL + 9 * STEP, "morph", 0.5)
    stage.run_to_tick(4 * CELL - 1)
    assert stage.note_ons(first=CELL)
    ended(stage)


def test_conditions_reach_the_network(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "cond.safetensors", "melody", conditions=("key", "style"))
    sounded = []
    for settings in ({}, {"key": "F# minor", "style": "folk"}):
        stage = jam(path, model=settings)
        stage.run_to_tick(2 * CELL - 1)
        sounded.append(stage.instrument(first=CELL))
        ended(stage)
    assert stage.model.ready().conditions == ["key", "style"]
    assert stage.model.ready().styles == ["jazz", "folk"]
    assert stage.model.decodes[0].condition == {"key": "F# minor", "style": "folk"}
    assert sounded[0] != sounded[1]


def test_from_one_real_model_to_the_next(tmp_path: Path) -> None:
    paths = {
        "drums": checkpoint(tmp_path / "drums.safetensors", "drums"),
        "lm": checkpoint(tmp_path / "lm.safetensors", "melody", "gru", latent=False),
        "keys": checkpoint(tmp_path / "keys.safetensors", "poly"),
        "lead": checkpoint(tmp_path / "lead.safetensors", "melody", "gru"),
        "band": checkpoint(tmp_path / "band.safetensors", "multitrack"),
    }
    stage = jam(paths["keys"])
    for place, name in enumerate(("drums", "lm", "band", "lead")):
        stage.at_tick((place + 1) * CELL + BAR + 77, ChooseModel(str(paths[name]), source="osc"))
    stage.run_to_tick(7 * CELL - 1)
    assert 10 in channels(stage, first=2 * CELL, last=3 * CELL)
    ended(stage)


def test_a_desk_refuses_notes_of_no_part(tmp_path: Path) -> None:
    desk = RequestHandler()
    desk.load(str(checkpoint(tmp_path / "drums.safetensors", "drums")))
    failed = desk.answer(Encode(1, [Note(0, 36, 90, 1, track=4)]))
    assert isinstance(failed, Failed)
    assert "track" in failed.text
