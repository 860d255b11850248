from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
import torch

from model.checkpoint import read
from model.codecs.base import ONSET, PITCH, build
from model.latent.note_transformer import FOLDER, LOWEST
from model.midi import file as midi
from model.music.phrase import Note, Phrase
from model.networks.vae import VAE
from model.playing.load import open_player
from tests.fakes.checkpoints import checkpoint, config, written
from tests.fakes.midi_files import tune, write
from tests.fakes.players import GRID, Memory
from tests.fakes.synthetic import melody
from trainer.__main__ import main
from trainer.adapt import adapt as adapting
from trainer.adapt.adapt import AdaptOptions, adapt
from trainer.adapt.lora import Changes, Taught, cost, encoded, leaned, skill
from trainer.adapt.performer_phrases import read as read_performer
from trainer.errors import OperationError, RequestError
from trainer.evaluation.attribute_overlap import drawn, overlap, overlaps
from trainer.latent.note_network import NoteNetwork

OLD = [melody(seed) for seed in range(24)]
PERFORMED = [melody(seed).moved(-5) for seed in range(100, 108)]


def save(folder: Path, phrases: list[Phrase]) -> Path:
    for number, phrase in enumerate(phrases):
        midi.save(folder / f"{number:02}.mid", [phrase])
    return folder


def take(path: Path, performed: list[Phrase], answers: list[Phrase]) -> Path:
    """Write a take as the instrument records it: conductor, performer, twobar, knobs."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="twobar take 1")]))
    for name, phrases, channel in (("performer", performed, 0), ("twobar", answers, 1)):
        track = midi.to_midi(phrases, channel=channel, name=name).tracks[0]
        track.name = name
        file.tracks.append(track)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name="knobs")]))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(str(path))
    return path


# -- the performer's phrases -------------------------------------------------------------------------


def test_music_in_another_metre_is_named(tmp_path: Path) -> None:
    for name, metre in (("waltz", (3, 4)), ("march", (4, 4)), ("alla breve", (2, 2))):
        write(tmp_path / f"{name}.mid", [tune(1, bars=4)], metre=metre)
    found = read_performer(tmp_path, build("melody", GRID))
    assert found.foreign == [("waltz.mid", "3/4")]
    assert len(found.files) == 3


def test_of_a_take_only_the_performers_track_is_read(tmp_path: Path) -> None:
    codec = build("melody", GRID)
    take(tmp_path / "takes" / "evening.mid", PERFORMED[:3], [phrase.moved(12) for phrase in PERFORMED[:3]])
    found = read_performer(tmp_path / "takes", codec)
    assert found.phrases == PERFORMED[:3]
    assert found.files == ["evening.mid"]


def test_any_files_are_read_once_each_phrase_and_what_is_none_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path, [*PERFORMED[:3], PERFORMED[0]])
    (folder / "broken.mid").write_bytes(b"MThd")
    found = read_performer(folder, build("melody", GRID))
    assert found.phrases == PERFORMED[:3]
    assert [name for name, _ in found.skipped] == ["broken.mid"]
    assert read_performer(folder / "00.mid", build("melody", GRID)).phrases == PERFORMED[:1]


def test_keys_that_the_performer_played_are_drums_to_the_drums(tmp_path: Path) -> None:
    beat = Phrase.of(GRID, [Note(step, 36 if step % 8 == 0 else 38, 90, 1) for step in range(0, 32, 4)])
    take(tmp_path / "take.mid", [beat], PERFORMED[:1])
    found = read_performer(tmp_path, build("drums", GRID))
    assert [note.onset for note in found.phrases[0].notes] == list(range(0, 32, 4))


@pytest.mark.parametrize(
    ("made", "codec", "says"),
    [
        ("none", "melody", "no MIDI file"),
        ("silent", "melody", "nothing to learn from"),
        ("pitched", "drums", "drum notes"),
    ],
)
def test_a_folder_that_gives_nothing_is_reported_in_one_sentence(
    tmp_path: Path, made: str, codec: str, says: str
) -> None:
    if made == "silent":
        midi.save(tmp_path / "a.mid", [Phrase(GRID)])
    if made == "pitched":
        save(tmp_path, PERFORMED[:2])
    with pytest.raises(OperationError, match=says):
        read_performer(tmp_path, build(codec, GRID))
    with pytest.raises(RequestError, match="does not exist"):
        read_performer(tmp_path / "nowhere", build(codec, GRID))


# -- leaning -----------------------------------------------------------------------------------------


def test_changes_begin_as_nothing_and_leave_all_but_the_decoder_alone() -> None:
    net = VAE(config()).eval()
    pairs = encoded(net, build("melody", GRID), PERFORMED[:3])
    generator = torch.Generator().manual_seed(0)
    changes, taught = Changes(net, rank=4, generator=generator), Taught(net)
    with torch.no_grad():
        plain = taught(pairs.z, pairs.arrays)
        torch.testing.assert_close(changes.loss(taught, pairs.z, pairs.arrays), plain)
    assert all(name.startswith("decoder.") for name in changes.weights())
    loss = changes.loss(taught, pairs.z, pairs.arrays).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in net.parameters())
    learned = [p for p in changes.parameters() if p.grad is not None and p.grad.abs().max() > 0]
    assert learned
    with torch.no_grad():
        for parameter in learned:
            parameter.add_(torch.as_tensor(parameter.grad), alpha=-1e-4)
    made = leaned(net, changes.weights(), half=False)
    assert cost(made, pairs) < float(plain.mean())
    before, after = net.state_dict(), made.state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} <= set(changes.base)
    assert leaned(net, changes.weights(0.0), half=False).state_dict().keys() == before.keys()


@pytest.mark.parametrize("family", ["vae", "gru", "language"])
def test_a_few_phrases_lean_a_decoder_and_the_old_ones_stay(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapting, "STEPS", 4)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    made = checkpoint(OLD[:8], family=family, steps=4)
    found = adapt(made, PERFORMED, OLD[:8], AdaptOptions(minutes=5.0), half=False)
    figures = found.figures
    assert figures["steps"] > 0
    assert figures["held_out"] == 2
    assert figures["old_after"] >= figures["old_before"] - 0.01
    if family == "vae":
        assert figures["around_nats_after"] < figures["around_nats_before"]
    state = found.net.state_dict()
    still = [name for name in made.weights if not name.startswith("decoder.")]
    assert all(np.array_equal(state[name].numpy(), made.weights[name]) for name in still)
    assert any(not np.array_equal(state[name].numpy(), value) for name, value in made.weights.items())


def test_it_stops_before_the_old_skill_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    made = checkpoint(OLD[:8], steps=4)
    values = iter([0.9, 0.895, 0.88, *[0.9] * 20])
    monkeypatch.setattr(adapting, "LOOK", 2)
    monkeypatch.setattr(adapting, "STEPS", 6)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    costs = iter(range(100, 0, -1))
    monkeypatch.setattr(adapting, "cost", lambda *_: next(costs))
    monkeypatch.setattr(adapting, "skill", lambda *_: next(values))
    assert adapt(made, PERFORMED, OLD[:8], AdaptOptions(minutes=5.0)).figures["steps"] == 2


def test_without_music_to_keep_samples_of_the_model_are_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapting, "STEPS", 1)
    monkeypatch.setattr(adapting, "REHEARSED", 12)
    monkeypatch.setattr(adapting, "CHECKED", 4)
    found = adapt(checkpoint(OLD[:8], steps=12), PERFORMED, [], AdaptOptions(minutes=5.0))
    assert found.figures["old_of"] == "the model's own samples"


def test_what_cannot_be_leaned_is_reported() -> None:
    with pytest.raises(OperationError, match="3 different phrases are too few to learn from: it takes 4"):
        adapt(checkpoint(OLD[:2]), PERFORMED[:3], OLD, AdaptOptions())
    with pytest.raises(RequestError, match="nothing encodes for"):
        adapt(checkpoint(OLD[:2], family="noise"), PERFORMED, OLD, AdaptOptions())


# -- how far it went ---------------------------------------------------------------------------------


def test_overlap_is_one_for_the_same_and_none_for_what_is_apart() -> None:
    values = np.random.default_rng(0).standard_normal(200)
    assert overlap(values, values, least=0.1) == pytest.approx(1.0)
    assert overlap(values, values + 50, least=0.1) < 0.01
    near, far = (overlap(values, values + step, least=0.1) for step in (0.5, 2.0))
    assert 1 > near > far > 0
    assert overlaps(OLD, OLD, "melody")["mean"] == pytest.approx(1.0)
    assert overlaps(OLD, [p.moved(24) for p in OLD], "melody")["register"] < 0.1


def test_what_a_model_plays_is_drawn_from_its_prior_and_around_the_performer() -> None:
    found = drawn(Memory(), PERFORMED, 0, count=5)
    assert {name: len(phrases) for name, phrases in found.items()} == {"prior": 5, "drift": 5}


def test_the_command_writes_a_model_that_plays_and_says_how_far_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapting, "LOOK", 2)
    monkeypatch.setattr(adapting, "STEPS", 4)
    monkeypatch.setattr(adapting, "DEARER", 1e9)
    monkeypatch.setattr(adapting, "LOSS", 1.0)
    monkeypatch.setattr("trainer.evaluation.attribute_overlap.SAMPLES", 4)
    source = written(tmp_path / "tiny.safetensors", checkpoint(OLD[:8], steps=12), half=True)
    target = tmp_path / "mine.safetensors"
    arguments = ["adapt", str(source), "--out", str(target), "--minutes", "5", "--strength", "0.5"]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--data", str(save(tmp_path / "performed", PERFORMED))])
    said = capsys.readouterr()
    assert left.value.code == 0, said.err
    assert "8 phrases of yours from 8 files" in said.out
    assert "your held-out phrases (2): note F1" in said.out
    assert "overlap with yours" in said.out
    old, new = read(source), read(target)
    assert new.figures["adapted"]["strength"] == 0.5
    assert new.ident != old.ident
    assert abs(target.stat().st_size - source.stat().st_size) < 4000
    player = open_player(target)
    np.testing.assert_array_equal(player.encode(PERFORMED[0]).z, open_player(source).encode(PERFORMED[0]).z)
    net = VAE(new.config)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in new.weights.items()})
    codec = build("melody", GRID)
    assert 0 <= skill(net.eval(), codec, encoded(net, codec, PERFORMED), {}) <= 1


def test_a_keep_folder_that_was_not_prepared_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    performed = save(tmp_path / "performed", PERFORMED[:4])
    with pytest.raises(SystemExit) as left:
        main(
            [
                "adapt",
                "lead",
                "--data",
                str(performed),
                "--out",
                str(tmp_path / "x.safetensors"),
                "--keep",
                str(performed),
            ]
        )
    said = capsys.readouterr()
    assert left.value.code == 2
    assert "was not written by 'twobar-train prepare'" in said.err


def test_what_is_rehearsed_is_drawn_from_the_learned_prior() -> None:
    made, codec = checkpoint(OLD), build("melody", GRID)
    model = made.config
    net = VAE(model).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in made.weights.items()})
    wide = adapting.sampled(net, codec, made, 12, 1)
    table = np.array([[0, 60, 80, 4, 0, 0], [8, 64, 80, 4, 0, 0]]) - LOWEST
    writer = NoteNetwork(
        GRID, table[0], (ONSET, PITCH), longest=1, width=8, depth=1, heads=2, dropout=0.0
    )  # of one note, always the same
    for out, wanted in zip(writer.outs, (0, 60), strict=True):
        assert isinstance(out, torch.nn.Linear)
        out.weight.data.zero_()
        out.bias.data.zero_()
        out.bias.data[wanted] = 99.0
    extras = {f"{FOLDER}{name}": value for name, value in writer.tensors().items()}
    drawn_twice = adapting.sampled(net, codec, replace(made, extras={**made.extras, **extras}), 12, 1)
    assert len(set(wide)) > 1
    assert len(set(drawn_twice)) == 1
