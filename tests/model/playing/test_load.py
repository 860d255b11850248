"""Playing the shipped checkpoints: a phrase comes back, knobs move what they say, torch stays out."""

import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.checkpoint import read, write
from model.codecs.base import pack_phrase
from model.codecs.registry import build
from model.codecs.sampling import Sampling
from model.errors import CheckpointError
from model.latent.geometry import Latent, between
from model.midi import file as midi_file
from model.music.attributes import measure
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.load import load
from model.playing.player import Player
from model.runtimes.base import DecodeInputs
from model.runtimes.onnx import OnnxRuntime
from model.runtimes.torch_net import TorchRuntime
from model.shipped import WEIGHTS, shipped_models
from tests.root import ROOT

DOCUMENTED = (ROOT / "docs" / "checkpoints.md").read_text().partition("```python\n")[2].partition("```")[0]

# two bars made for this test: a melody with an upbeat and a syncopation, and broken chords under it
MELODY = Phrase.of(
    Grid(),
    [
        Note(0, 67, 92, 3),
        Note(3, 69, 80, 1),
        Note(4, 71, 88, 2),
        Note(6, 74, 96, 4),
        Note(10, 72, 84, 2),
        Note(12, 71, 80, 4),
        Note(16, 69, 90, 2),
        Note(18, 67, 78, 2),
        Note(20, 64, 84, 4),
        Note(26, 66, 76, 2),
        Note(28, 67, 88, 4),
    ],
)
KEYS = Phrase.of(
    Grid(),
    [
        *MELODY.notes,
        *(
            Note(4 * beat + 2 * half, pitch, 64, 2)
            for beat, chord in enumerate(((43, 50), (47, 55), (48, 55), (47, 55)) * 2)
            for half, pitch in enumerate(chord)
        ),
    ],
)
PHRASES = {"lead": MELODY, "keys": KEYS}


@cache
def player(name: str) -> Player:
    return load(name)


def held(name: str) -> Phrase:
    """What the codec holds of the phrase."""
    codec = build(player(name).card.codec, Grid())
    return codec.unpack(pack_phrase(codec, PHRASES[name]), 0)


def f1(got: Phrase, wanted: Phrase) -> float:
    a, b = ({(note.onset, note.pitch) for note in phrase.notes} for phrase in (got, wanted))
    return 2 * len(a & b) / (len(a) + len(b))


def test_lead_and_keys_are_shipped_small_enough() -> None:
    assert {"keys", "lead"} <= set(shipped_models())
    weights = ROOT / "model" / "weights"
    for name in shipped_models():
        assert (weights / f"{name}.safetensors").stat().st_size <= 20e6
        assert (weights / f"{name}.md").is_file()


@pytest.mark.parametrize("name", PHRASES)
def test_shipped_weights_compute_the_same_in_torch_as_in_their_graphs(name: str) -> None:
    path = WEIGHTS / f"{name}.safetensors"
    checkpoint = read(path)
    fast, plain = OnnxRuntime(checkpoint, path), TorchRuntime(checkpoint, path)
    arrays = pack_phrase(build(checkpoint.config.codec, Grid()), PHRASES[name])
    z = fast.encode(arrays)
    np.testing.assert_allclose(plain.encode(arrays), z, atol=1e-4)
    inputs = DecodeInputs(np.linspace(-1, 1, len(checkpoint.config.knobs), dtype=np.float32)[None])
    for head, value in fast.decode(z, inputs).items():
        np.testing.assert_allclose(plain.decode(z, inputs)[head], value, atol=1e-3)


@pytest.mark.parametrize("name", PHRASES)
def test_a_played_phrase_comes_back(name: str) -> None:
    phrase = held(name)
    answer = player(name).decode(player(name).encode(PHRASES[name]), turns={})
    assert f1(answer, phrase) >= 0.9
    levels = {(note.onset, note.pitch): note.velocity for note in phrase.notes}
    errors = [
        abs(n.velocity - levels[n.onset, n.pitch]) for n in answer.notes if (n.onset, n.pitch) in levels
    ]
    assert np.mean(errors) < 12


@pytest.mark.parametrize("name", PHRASES)
@pytest.mark.parametrize("knob", ["density", "complexity", "register", "range", "dynamics", "polyphony"])
def test_a_knob_moves_its_attribute_monotonically(name: str, knob: str) -> None:
    played = player(name)
    if knob not in played.card.knobs:
        assert (name, knob) == ("lead", "polyphony")
        return
    latent = played.encode(PHRASES[name])
    turns = [-1.0, -0.5, 0.0, 0.5, 1.0]
    values = [measure(played.decode(latent, turns={knob: turn}))[knob] for turn in turns]
    assert all(second >= first - 1e-9 for first, second in pairwise(values)), values
    assert values[-1] > values[0]


@pytest.mark.parametrize("name", PHRASES)
def test_a_knob_at_rest_changes_nothing(name: str) -> None:
    played = player(name)
    latent = played.encode(PHRASES[name])
    assert played.decode(latent, turns=dict.fromkeys(played.card.knobs, 0.0)) == played.decode(
        latent, turns={}
    )


def test_what_the_network_makes_of_a_knob_can_be_had_without_what_the_loop_mends() -> None:
    played = player("lead")
    assert isinstance(played, CheckpointPlayer)
    latent = played.encode(PHRASES["lead"])
    plain = played.decode(latent, turns={})
    fewer, more = (len(played.unmended(latent, {"density": turn}).notes) for turn in (-1.0, 1.0))
    assert fewer < len(plain.notes) < more
    assert played.unmended(latent, {}) == plain
    assert played.unmended(latent, {"register": 1.0}) == plain  # an exact edit, which no network learned


@pytest.mark.parametrize("name", PHRASES)
def test_temperature_is_drawn_by_the_seed_and_zero_needs_none(name: str) -> None:
    played = player(name)
    latent = played.encode(PHRASES[name])
    assert played.decode(latent, turns={}) == played.decode(latent, turns={}, sampling=Sampling(seed=2))
    wild = Latent(latent.model, latent.z + 2 * played.card.scale, latent.attributes)
    hot = [Sampling(1.0, seed=seed) for seed in (1, 1, 2, 3)]
    drawn = [played.decode(wild, turns={"density": 0.3}, sampling=each) for each in hot]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize("name", PHRASES)
@pytest.mark.parametrize("step", [1, 7, 16, 31, 32])
def test_what_has_sounded_stays(name: str, step: int) -> None:
    played = player(name)
    latent = played.encode(PHRASES[name])
    sounded = held(name)
    answer = played.decode(latent, turns={"density": 1.0}, prefix=sounded, prefix_steps=step)
    before = [(n.onset, n.pitch, n.velocity) for n in answer.notes if n.onset < step]
    assert before == [(n.onset, n.pitch, n.velocity) for n in sounded.notes if n.onset < step]
    free = played.decode(latent, turns={"density": 1.0})
    assert [n.onset for n in answer.from_step(step)] == [n.onset for n in free.from_step(step)]
    if name == "lead":
        for first, second in pairwise(answer.notes):
            assert first.onset + first.length <= second.onset


@pytest.mark.parametrize("name", PHRASES)
def test_halfway_between_two_phrases_is_music(name: str) -> None:
    played = player(name)
    a = played.encode(PHRASES[name])
    b = played.encode(Phrase.of(Grid(), [Note(4 * beat, 60 + 2 * (beat % 4), 70, 4) for beat in range(8)]))
    counts = [len(played.decode(between(a, b, t), turns={})) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert min(counts) >= 4
    assert max(counts) <= 1.5 * len(PHRASES[name])


@pytest.mark.parametrize("name", PHRASES)
def test_silence_and_storms_are_answered(name: str) -> None:
    played = player(name)
    silence = Phrase(Grid())
    for phrase in (
        silence,
        Phrase.of(Grid(), [Note(s, p, 100, 1) for s in range(32) for p in range(20, 110, 9)]),
    ):
        latent = played.encode(phrase)
        assert np.isfinite(latent.z).all()
        played.decode(latent, turns={"density": 1.0, "range": -1.0, "register": 1.0})
    x, y = played.place(played.encode(PHRASES[name]))
    assert -1 <= x <= 1
    assert -1 <= y <= 1


@pytest.mark.parametrize("name", PHRASES)
def test_a_phrase_is_carried_across_the_map_by_the_shortest_way(name: str) -> None:
    played = player(name)
    latent = played.encode(PHRASES[name])
    there = played.carried(latent, 0.3, -0.4)
    assert played.place(there) == pytest.approx((0.3, -0.4), abs=1e-3)
    assert np.allclose(played.carried(latent, *played.place(latent)).z, latent.z, atol=1e-3)
    assert there.attributes == latent.attributes
    assert len(played.decode(there, turns={})) > 0


def test_what_cannot_be_played_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"unknown model 'kesy'; there is: .*did you mean 'keys'"):
        load("kesy")
    with pytest.raises(CheckpointError, match=r"the checkpoint '.*' does not exist"):
        load(str(tmp_path / "none.safetensors"))
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(CheckpointError, match="damaged or no safetensors file"):
        load(str(tmp_path / "text.safetensors"))
    played = player("lead")
    latent = played.encode(MELODY)
    with pytest.raises(ValueError, match="another model"):
        player("keys").decode(latent, turns={})
    with pytest.raises(ValueError, match="unknown attribute 'loudness'"):
        played.decode(latent, turns={"loudness": 1.0})
    with pytest.raises(ValueError, match="another grid"):
        played.encode(Phrase(Grid(4)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prior/begin", np.float32(1.0)),
        ("prior/heads", np.zeros(0, dtype=np.float32)),
        ("prior/heads", np.zeros(1, dtype=np.float32)),
    ],
)
def test_tensors_that_nobody_thought_of_are_a_sentence(
    tmp_path: Path, name: str, value: NDArray[np.float32]
) -> None:
    path = tmp_path / "odd.safetensors"
    shipped = read(WEIGHTS / "keys.safetensors")
    write(replace(shipped, extras={**shipped.extras, name: np.asarray(value)}), path)
    with pytest.raises(CheckpointError, match="cannot be played: "):
        load(str(path))


def test_playing_loads_no_torch() -> None:
    code = (
        "import sys\n"
        "from model.playing.load import load\n"
        "from model.music.phrase import Note, Phrase\n"
        "player = load('keys')\n"
        "phrase = Phrase.of(player.card.grid, [Note(0, 60, 90, 4)])\n"
        "player.decode(player.encode(phrase), turns={'density': 0.5})\n"
        "assert not {'torch', 'onnx', 'scipy', 'matplotlib'} & sys.modules.keys(), sorted(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


def test_the_lines_of_python_in_the_documents_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    midi_file.save(Path("tune.mid"), [MELODY])
    exec(DOCUMENTED, names := dict[str, object]())
    assert isinstance(latent := names["latent"], Latent)
    assert latent.z.shape == (512,)
    assert len(midi_file.load(Path("busier.mid"), Grid())[0]) > len(MELODY)


@pytest.mark.parametrize("package", ["live", "model", "trainer"])
def test_the_types_are_there_for_who_imports_it(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
