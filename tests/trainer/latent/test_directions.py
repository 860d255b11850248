import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.checkpoint import read
from model.latent.directions import KNOTS, Directions
from model.latent.geometry import Latent
from model.music.attributes import measure
from model.music.phrase import Note, Phrase
from model.playing.load import open_player
from tests.fakes.checkpoints import checkpoint, written
from tests.fakes.players import GRID, Memory
from tests.fakes.synthetic import melody, prepare
from trainer.__main__ import main
from trainer.errors import OperationError, RequestError
from trainer.evaluation.samples import Songs
from trainer.latent.directions import DirectionReport, FoundDirections, apart, checked, find

PHRASES = [melody(seed) for seed in range(90)]


class Slider(Memory):
    """A player whose latent is four numbers: loudness, height, and two that move both."""

    def __init__(self) -> None:
        super().__init__(codec="melody")
        object.__setattr__(self.card, "latent_size", 4)
        self._rng = np.random.default_rng(0)

    def encode(self, phrase: Phrase) -> Latent:
        z = self._rng.standard_normal(4).astype(np.float32)
        return Latent("0", z, {})

    def decode(self, latent: Latent, *, turns: Mapping[str, float], **_: Any) -> Phrase:
        loud = np.clip(70 + 12 * (latent.z[0] + latent.z[2]), 1, 127)
        high = round(60 + 6 * (latent.z[1] + latent.z[2]))
        notes = [Note(step, int(np.clip(high + step % 5, 0, 127)), int(loud), 4) for step in (0, 4, 8, 12)]
        return Phrase.of(GRID, notes)


class Listening(Slider):
    """One whose measured phrases are what it plays, so that pairs are labelled by its own decodes."""

    def __init__(self) -> None:
        super().__init__()
        self.card = replace(self.card, encodes=False)


def test_directions_move_one_attribute_alone_and_evenly() -> None:
    calibration = checkpoint(PHRASES[:2]).calibration
    found = find(Listening(), calibration, PHRASES[:80], PHRASES[:24], count=8)
    lines = {line.name: line for line in found.lines}
    assert set(lines) == {"register", "dynamics"}  # what these phrases vary in
    assert found.directions is not None
    assert found.directions.names == ("register", "dynamics")
    for line in lines.values():
        assert line.fit > 0.9
        assert line.after is not None
        assert line.after["spearman"] > 0.95
        assert line.after["leak"] < 0.05 < line.before["leak"]
        assert line.after["bend"] <= line.before["bend"] + 0.02
    loud = found.directions.moved(np.zeros(4, dtype=np.float32), {"dynamics": 0.5})
    calm, moved = (Slider().decode(Latent("0", z, {}), turns={}) for z in (np.zeros(4, np.float32), loud))
    assert measure(moved)["dynamics"] - measure(calm)["dynamics"] == pytest.approx(10, abs=5)
    assert measure(moved)["register"] == pytest.approx(measure(calm)["register"], abs=1.1)


def test_the_command_writes_a_checkpoint_that_the_player_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "tiny.safetensors", checkpoint(PHRASES[:16], steps=40), half=True)
    data = prepare(tmp_path / "data", "melody", train=60)
    (data / "meta.json").write_text(
        json.dumps({"format": 4, "grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4}})
    )
    way = np.linspace(-40, 40, KNOTS).astype(np.float32)[None]
    vector = np.ones((1, 64), dtype=np.float32)
    directions = Directions(("density",), vector, np.float32(0.05) * way, way)
    after = {"spearman": 0.9, "leak": 0.1, "bend": 0.1, "reach": 2.0}
    line = DirectionReport("density", 0.8, "orthogonal", after, after)
    monkeypatch.setattr(
        "trainer.latent.directions.find", lambda *_, **__: FoundDirections(directions, (line,))
    )
    target = tmp_path / "out" / "knobs.safetensors"
    with pytest.raises(SystemExit) as left:
        main(["directions", str(source), "--data", str(data), "--out", str(target)])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    assert "density" in said.out
    old, new = read(source), read(target)
    assert new.ident == old.ident
    assert new.figures["directions"][0]["after"] == after
    before, player = open_player(source), open_player(target)
    latent = player.encode(PHRASES[0])
    assert player.decode(latent, turns={}) == before.decode(latent, turns={})
    assert player.network.steered == ("density",)
    assert np.abs(player.network.moved(latent.z, {"density": 1.0}) - latent.z).max() > 1
    np.testing.assert_array_equal(before.network.moved(latent.z, {"density": 1.0}), latent.z)
    monkeypatch.setattr(
        "trainer.latent.directions.find", lambda *_, **__: FoundDirections(None, (replace(line, after=None),))
    )
    with pytest.raises(SystemExit) as left:
        main(["directions", str(source), "--data", str(data), "--out", str(tmp_path / "none.safetensors")])
    assert left.value.code == 1
    assert "no attribute has a direction in this latent space" in capsys.readouterr().err
    assert not (tmp_path / "none.safetensors").exists()


def test_no_song_is_both_learned_from_and_tried() -> None:
    phrases = [melody(number) for number in range(8)]
    learned, tried = apart(Songs(phrases, np.array([3, 1, 1, 1, 2, 3, 2, 1])), 3)
    assert tried == [phrases[0], phrases[5]]
    assert learned == [phrases[place] for place in (1, 2, 3, 4, 6, 7)]
    learned, tried = apart(Songs(phrases, np.zeros(8, dtype=np.int64)), 3)  # one song: better than nothing
    assert (learned, tried) == (phrases[3:], phrases[:3])


def test_nothing_to_find_is_reported() -> None:
    latentless = Memory()
    object.__setattr__(latentless.card, "latent_size", 0)
    calibration = checkpoint(PHRASES[:4]).calibration
    with pytest.raises(RequestError, match="'memory' has no latent"):
        find(latentless, calibration, PHRASES[:60], PHRASES[60:])
    with pytest.raises(OperationError, match="7 phrases are too few to find directions by: it takes 50"):
        find(Memory(), calibration, PHRASES[:7], PHRASES[60:])


def test_what_a_direction_does_is_counted() -> None:
    asked = np.linspace(-1, 1, 5)
    table = np.zeros((3, 5, 2))
    table[:, :, 0] = asked * 2
    table[:, :, 1] = asked * 0.5
    found = checked(table, asked, 0)
    assert found == pytest.approx({"spearman": 1.0, "leak": 0.25, "bend": 0.0, "reach": 4.0})
    table[:, :, 0] = np.sign(asked)
    assert checked(table, asked, 0)["bend"] == pytest.approx(0.25)
    assert checked(np.zeros((3, 5, 2)), asked, 0)["leak"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["directions", "keys", "--data", "/none", "--out", "x.safetensors"], "'/none' does not exist", 2),
        (["directions", "keys", "--data", ".", "--out", "x.pt"], "--out must end in .safetensors", 2),
        (["directions", "keys", "--data", ".", "--out", "tests"], "'tests' is a folder", 2),
        (["directions", "kees", "--data", ".", "--out", "x.safetensors"], "unknown model 'kees'", 2),
        (["directions", "keys", "--data", "x"], "missing option '--out'", 2),
    ],
)
def test_wrong_use_is_one_sentence(
    arguments: list[str], says: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (code, "")
    assert says in said.err
    assert said.err.count("\n") == 1
