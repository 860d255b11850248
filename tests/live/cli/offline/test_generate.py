"""sample, morph and edit on a player without a network, and every complaint of their command lines."""

import wave
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import click
import mido
import numpy as np
import pytest

from live.cli.group import run
from live.cli.offline import generate, midi_files
from live.cli.offline.commands import COMMANDS
from live.command_line import twobar
from model.errors import CheckpointError
from model.midi import file as midi
from model.music.distance import distance
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import DRUMS
from model.shipped import shipped_models
from tests.fakes.roll_player import RollPlayer
from tests.fakes.writers import random_writer
from tests.root import ROOT

GRID = Grid()
TUNE = Phrase.of(GRID, [Note(4 * beat, 60 + beat, 90, 2) for beat in range(8)])
OTHER = Phrase.of(GRID, [Note(4 * beat + 2, 80 - beat, 90, 1) for beat in range(8)])


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> RollPlayer:
    """Let every command play on a player without a network."""
    roll = RollPlayer()
    monkeypatch.setattr(generate, "load_player", lambda _name, **_: roll)
    return roll


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    midi.save(tmp_path / "a.mid", [TUNE, Phrase(GRID), OTHER], tempo_bpm=96.0)
    midi.save(tmp_path / "b.mid", [Phrase(GRID), OTHER])
    yield tmp_path
    left = [path for path in tmp_path.rglob(".*") if path.is_file()]
    assert left == []  # no unfinished file stays


def twice(arguments: list[str], out: Path) -> list[bytes]:
    """Run a command two times; returns what was written the second time, after seeing that it is the same."""
    written = []
    for _ in range(2):
        assert run(twobar, arguments) == 0
        written.append([path.read_bytes() for path in sorted(out.glob("*.mid"))])
    assert written[0] == written[1]
    return written[1]


# -- the work ------------------------------------------------------------------------------------


def test_samples_are_of_their_seed_and_independent_of_their_number() -> None:
    player = RollPlayer()
    third = generate.sample(player, number=2, seed=5, phrases=3)
    assert third == generate.sample(player, number=2, seed=5, phrases=3)
    assert third != generate.sample(player, number=2, seed=6, phrases=3)
    assert third != generate.sample(player, number=3, seed=5, phrases=3)
    assert third[:1] == generate.sample(player, number=2, seed=5)


def test_a_writer_writes_samples_whose_phrases_go_on_from_each_other() -> None:
    player, writer = RollPlayer(), random_writer()

    def samples(number: int, seed: int = 5) -> list[Sequence[Phrase]]:
        return list(generate.samples(player, number=number, seed=seed, phrases=3, writer=writer))

    three = samples(3)
    assert [len(music) for music in three] == [3, 3, 3]
    assert samples(2) == three[:2]
    assert samples(3) == three
    assert samples(3, seed=6) != three
    assert three[0] != three[1]


def test_without_a_writer_samples_are_of_the_models_prior() -> None:
    player = RollPlayer()
    found = list(generate.samples(player, number=2, seed=5, phrases=2))
    assert found == [generate.sample(player, number=one, seed=5, phrases=2) for one in range(2)]


def test_a_writer_is_for_shipped_models_of_its_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "shipped_writer", random_writer)
    assert generate.writer_for(RollPlayer(), "keys") is not None
    assert generate.writer_for(RollPlayer(), "mine.safetensors") is None


def test_samples_scatter_as_the_model_says_and_walk_without_growing() -> None:
    player = RollPlayer()
    for number in range(100):
        generate.sample(player, number=number, seed=1, phrases=4)
    z = np.stack([latent.z for latent in player.decoded]).reshape(100, 4, -1)
    assert np.allclose(z.std((0, 2)), 50.0, rtol=0.05)
    assert np.allclose(z.mean((0, 2)), 0.0, atol=3.0)
    related = np.corrcoef(z[:, 0].ravel(), z[:, 1].ravel())[0, 1]
    assert related == pytest.approx(0.8, abs=0.05)


def test_a_morph_begins_and_ends_with_its_phrases_as_the_model_hears_them() -> None:
    player = RollPlayer()
    way = generate.morph(player, [TUNE, OTHER], steps=8, seed=0)
    assert len(way) == 8
    for phrase, end in ((way[0], TUNE), (way[-1], OTHER)):
        assert [note[:2] for note in phrase.notes] == [note[:2] for note in end.notes]


def test_a_morph_moves_evenly() -> None:
    player = RollPlayer()
    way = generate.morph(player, [TUNE, TUNE.moved(40)], steps=6, seed=0)
    jumps = [distance(before, after) for before, after in pairwise(way)]
    assert min(jumps) > 0
    from_start = [np.mean([note.pitch for note in phrase.notes]) for phrase in way]
    assert from_start == sorted(from_start)


def test_a_morph_between_phrases_that_are_one_to_the_model_stays() -> None:
    player = RollPlayer()
    louder = Phrase.of(GRID, [note._replace(velocity=127) for note in TUNE.notes])
    assert len(set(generate.morph(player, [TUNE, louder], steps=4, seed=0))) == 1


def test_an_edit_turns_sounding_phrases_and_leaves_silence_alone() -> None:
    player = RollPlayer()
    edited = generate.edit(player, [TUNE, Phrase(GRID), OTHER], {"density": 0.8}, seed=0)
    assert edited.phrases[1] == Phrase(GRID)
    assert player.encoded == [TUNE, OTHER]
    assert edited.after["density"] > edited.before["density"]
    assert edited.before["density"] == 1.0


def test_an_edit_without_turns_is_the_piece_as_the_model_hears_it() -> None:
    edited = generate.edit(RollPlayer(), [TUNE], {}, seed=0)
    assert [note[:2] for note in edited.phrases[0].notes] == [note[:2] for note in TUNE.notes]
    assert edited.before == edited.after


def test_what_a_melody_cannot_hold_is_counted() -> None:
    chords = Phrase.of(GRID, [Note(0, pitch, 90, 4) for pitch in (60, 64, 67)])
    assert generate.edit(RollPlayer(codec="melody"), [chords, TUNE], {}, seed=0).lost == 2
    assert generate.edit(RollPlayer(codec="poly"), [chords, TUNE], {}, seed=0).lost == 0


def test_a_checkpoint_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"no checkpoint at all")
    status = run(twobar, ["sample", "--model", str(tmp_path / "mine.safetensors"), "--out", str(tmp_path)])
    printed = capsys.readouterr().err
    assert status == 1
    assert printed.startswith("twobar: model '")
    assert printed.count("\n") == 1


def test_an_unknown_model_is_named_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(twobar, ["sample", "--model", "kezs", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("twobar: unknown model 'kezs'; there is: ")


# -- files ---------------------------------------------------------------------------------------


def test_the_opening_starts_with_the_bar_of_the_first_note(tmp_path: Path) -> None:
    path = tmp_path / "late.mid"
    late = Phrase.of(GRID, [Note(20, 60, 90, 12), Note(30, 62, 90, 2)])  # in its second bar
    midi.save(path, [Phrase(GRID), late, TUNE])
    opening = midi_files.read_opening(path, GRID)
    assert [(note.onset, note.pitch) for note in opening.notes] == [
        (4, 60),
        (14, 62),
        *((16 + step, pitch) for step, pitch, *_ in TUNE.notes if step < 16),
    ]


@pytest.mark.parametrize("silent", [31, 32, 63])
def test_the_opening_is_found_wherever_it_lies(tmp_path: Path, silent: int) -> None:
    path = tmp_path / "late.mid"
    midi.save(path, [*[Phrase(GRID)] * silent, TUNE])
    assert midi_files.read_opening(path, GRID) == TUNE


def take(path: Path) -> mido.MidiFile:
    """Write a file with all that a phrase cannot keep."""
    file = mido.MidiFile(ticks_per_beat=96)
    keys, drums = mido.MidiTrack(), mido.MidiTrack()
    keys.append(mido.MetaMessage("set_tempo", tempo=400_000))
    keys.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    keys.append(mido.Message("program_change", program=5))
    keys.append(mido.Message("control_change", control=64, value=127))
    for pitch in (60, 60, 64):
        keys.append(mido.Message("note_on", note=pitch, velocity=90))
    for pitch in (60, 60, 64):
        keys.append(mido.Message("note_off", note=pitch, time=48))
    keys.append(mido.MetaMessage("set_tempo", tempo=800_000, time=48))
    keys.append(mido.Message("note_on", note=72, velocity=90, time=0))
    keys.append(mido.Message("note_off", note=72, time=96))
    drums.append(mido.Message("note_on", channel=9, note=36, velocity=90))
    drums.append(mido.Message("note_off", channel=9, note=36, time=10))
    file.tracks += [keys, drums]
    file.save(str(path))
    return file


def test_what_phrases_leave_out_is_reported(tmp_path: Path) -> None:
    take(tmp_path / "take.mid")
    summary = midi_files.summarise(tmp_path / "take.mid")
    assert summary.tempos == ((0, 400_000), (960, 800_000))
    assert (summary.tempo_bpm, summary.program, summary.notes, summary.drums) == (150.0, 5, 4, 1)
    retained = sum(map(len, midi_files.read(tmp_path / "take.mid", GRID)))
    printed = midi_files.left_out(summary, GRID, retained=retained, lost=3)
    assert printed == [
        "1 drum note left out",
        "1 note left out: another note has the same key on the same step",
        "3 notes left out: the model's codec cannot hold them",
        "1 pedal, bend or other control message left out",
        "the metre 3/4 is heard in bars of 4 beats",
    ]


def test_several_metres_are_told_as_several(tmp_path: Path) -> None:
    track = mido.MidiTrack(
        [
            mido.MetaMessage("time_signature", numerator=5, denominator=4),
            mido.MetaMessage("time_signature", numerator=7, denominator=8, time=480),
            mido.Message("note_on", note=60, velocity=80),
            mido.Message("note_off", note=60, time=480),
        ]
    )
    mido.MidiFile(tracks=[track]).save(str(tmp_path / "odd.mid"))
    said = midi_files.left_out(midi_files.summarise(tmp_path / "odd.mid"), GRID, retained=1, lost=0)
    assert said == ["the metres 5/4, 7/8 are heard in bars of 4 beats"]


def test_an_ordinary_file_leaves_nothing_to_tell(files: Path) -> None:
    summary = midi_files.summarise(files / "a.mid")
    assert midi_files.left_out(summary, GRID, retained=16, lost=0) == []


# -- the commands --------------------------------------------------------------------------------


def test_sample_writes_its_files(player: RollPlayer, tmp_path: Path) -> None:
    out = tmp_path / "new" / "samples"
    arguments = ["sample", "-n", "3", "--out", str(out), "--seed", "4", "--bars", "3", "--bpm", "90"]
    assert len(set(twice(arguments, out))) == 3
    assert sorted(path.name for path in out.iterdir()) == ["sample-00.mid", "sample-01.mid", "sample-02.mid"]
    file = mido.MidiFile(str(out / "sample-00.mid"))
    assert sum(message.time for message in file.tracks[0]) == 4 * 1920  # whole phrases: two of two bars
    assert [m.tempo for m in file.tracks[0] if m.type == "set_tempo"] == [mido.bpm2tempo(90)]


def test_samples_without_a_note_are_no_success(
    player: RollPlayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(player, "decode", lambda *_arguments, **_options: Phrase(player.card.grid))
    assert run(twobar, ["sample", "-n", "2", "--out", str(tmp_path)]) == 1
    assert "model 'roll' wrote no note into the 2 files" in capsys.readouterr().err


def test_a_model_that_cannot_answer_is_one_sentence(
    player: RollPlayer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_arguments: object, **_options: object) -> Phrase:
        raise CheckpointError("the network answers with numbers that are not finite (onset)")

    monkeypatch.setattr(player, "decode", broken)
    assert run(twobar, ["sample", "-n", "2", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "twobar: the network answers with numbers that are not finite (onset)\n"


def test_morph_writes_its_steps_and_all_of_them(player: RollPlayer, files: Path) -> None:
    out = files / "between"
    twice(["morph", str(files / "a.mid"), str(files / "b.mid"), "--steps", "4", "--out", str(out)], out)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["all.mid", "step-00.mid", "step-01.mid", "step-02.mid", "step-03.mid"]
    steps = [midi.load(out / name, GRID)[0] for name in names[1:]]
    assert midi.load(out / "all.mid", GRID) == steps
    assert [note[:2] for note in steps[0].notes] == [note[:2] for note in TUNE.notes]
    assert [note[:2] for note in steps[-1].notes] == [note[:2] for note in OTHER.notes]
    assert midi_files.summarise(out / "all.mid").tempo_bpm == pytest.approx(96.0, abs=0.01)


def test_edit_puts_the_piece_back_together(
    player: RollPlayer, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = files / "out" / "busier.mid"
    command = ["edit", str(files / "a.mid"), "--density", "+0.5", "--register", "-0.5", "--out", str(out)]
    twice(command, out.parent)
    edited = midi.load(out, GRID)
    assert len(edited) == 3
    assert len(edited[0]) > len(TUNE)
    assert edited[1].notes == ()
    assert midi_files.summarise(out).tempo_bpm == pytest.approx(96.0, abs=0.01)
    printed = capsys.readouterr()
    assert "6 bars by roll" in printed.out
    assert "; density 1.00 -> " in printed.out
    assert printed.err == ""


def test_edit_varies_in_a_key_and_says_by_how_much(
    player: RollPlayer, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, "shipped_writer", lambda: None)
    out = files / "out" / "other.mid"
    command = ["edit", str(files / "a.mid"), "--vary", "1", "--key", "C", "--out", str(out)]
    first = twice(command, out.parent)
    varied = midi.load(out, GRID)
    assert varied[1].notes == ()
    assert {note.pitch % 12 for note in varied[0].notes} <= {0, 2, 4, 5, 7, 9, 11}
    printed = capsys.readouterr()
    assert "; F1 of the notes with the piece 0.0" in printed.out
    assert "vary has no writer for this" in printed.err
    assert twice([*command, "--seed", "1"], out.parent) != first
    assert run(twobar, ["edit", str(files / "a.mid"), "--vary", "1.5", "--out", str(out)]) == 2
    assert run(twobar, ["edit", str(files / "a.mid"), "--key", "H", "--out", str(out)]) == 2
    assert "unknown key 'H'" in capsys.readouterr().err


def test_edit_keeps_the_tempo_map_and_says_what_is_left_out(
    player: RollPlayer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    take(tmp_path / "take.mid")
    out = tmp_path / "new.mid"
    assert run(twobar, ["edit", str(tmp_path / "take.mid"), "--out", str(out)]) == 0
    summary = midi_files.summarise(out)
    assert summary.tempos == ((0, 400_000), (960, 800_000))
    assert summary.program == 5
    placed = [(note.onset, note.pitch) for note in midi.load(out, GRID)[0].notes]
    assert placed == [(0, 64), (8, 72)]
    printed = capsys.readouterr().err.splitlines()
    assert f"twobar: {tmp_path / 'take.mid'}: 1 drum note left out" in printed


@pytest.mark.parametrize(
    "case",
    [
        (["edit", "a.mid", "--density", "1.5", "--out", "x.mid"], 2, "number from -1 to 1, not 1.5\n"),
        (["edit", "a.mid", "--density", "nan", "--out", "x.mid"], 2, "number from -1 to 1, not nan\n"),
        (["edit", "a.mid", "--density", "lots", "--out", "x.mid"], 2, "number from -1 to 1, not 'lots'\n"),
        (["edit", "a.mid", "--range", "1", "--out", "x.mid"], 2, "'roll' does not heed range"),
        (["edit", "a.mid", "--densty", "1", "--out", "x.mid"], 2, "did you mean '--density'"),
        (["edit", "a.mid"], 2, "missing option '--out'"),
        (["edit", "none.mid", "--out", "x.mid"], 1, "'none.mid' does not exist"),
        (["edit", "folder", "--out", "x.mid"], 1, "'folder' is not a regular file"),
        (["edit", "noise.mid", "--out", "x.mid"], 1, "'noise.mid' is not a MIDI file that can be read"),
        (["edit", "empty.mid", "--out", "x.mid"], 1, "'empty.mid' holds no pitched notes"),
        (["edit", "a.mid", "--out", "folder"], 2, "'folder' is a folder"),
        (["edit", "a.mid", "--out", "a.mid/x.mid"], 1, "cannot write 'a.mid/x.mid': "),
        (["edit", "a.mid", "--temperature", "2", "--out", "x.mid"], 2, "number from 0 to 1, not 2\n"),
        (["morph", "a.mid", "empty.mid", "--out", "x"], 1, "'empty.mid' holds no pitched notes"),
        (["morph", "a.mid", "b.mid", "--steps", "1", "--out", "x"], 2, "number from 2 to 1024, not 1\n"),
        (["morph", "a.mid", "--out", "x"], 2, "missing argument 'B.mid'"),
        (["sample", "--out", "a.mid"], 2, "'a.mid' is a file"),
        (["sample", "--out", "a.mid/deep"], 1, "cannot make the folder 'a.mid/deep': "),
        (["render", "none.mid", "--out", "x.wav"], 1, "the MIDI file 'none.mid' does not exist"),
        (["render", "noise.mid", "--out", "x.wav"], 1, "'noise.mid' "),
        (["render", "empty.mid", "--out", "x.wav"], 1, "'empty.mid' holds no notes"),
        (["render", "a.mid", "--out", "folder"], 2, "'folder' is a folder"),
        (["render", "a.mid", "--soundfont", "a.mid", "--out", "x.wav"], 1, "'a.mid' is not a soundfont"),
        (["sample", "-n", "0", "--out", "x"], 2, "--number must be a whole number from 1 to 10000, not 0"),
        (["sample", "--seed", "-1", "--out", "x"], 2, "number from 0 to 4294967295, not -1\n"),
    ],
)  # fmt: skip
def test_every_complaint_is_one_sentence(
    player: RollPlayer,
    files: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[list[str], int, str],
) -> None:
    arguments, status, printed = case
    monkeypatch.chdir(files)
    (files / "folder").mkdir()
    (files / "noise.mid").write_bytes(bytes(range(256)))
    mido.MidiFile().save("empty.mid")
    before = (files / "a.mid").read_bytes()
    assert run(twobar, arguments) == status
    said = capsys.readouterr().err
    assert printed in said
    assert said.count("\n") == 1
    assert said.startswith("twobar: ")
    assert (files / "a.mid").read_bytes() == before
    assert not (files / "x.mid").exists()


def test_render_writes_sound(files: Path) -> None:
    assert run(twobar, ["render", str(files / "a.mid"), "--out", str(files / "new" / "a.wav")]) == 0
    with wave.open(str(files / "new" / "a.wav")) as sound:
        seconds = sound.getnframes() / sound.getframerate()
        level = np.abs(np.frombuffer(sound.readframes(sound.getnframes()), "<i2")).max()
    assert 6 * 4 * 60 / 96 < seconds < 25
    assert level > 1000


@pytest.mark.parametrize("name", ["sample", "morph", "edit", "render"])
def test_help_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(twobar, [name, "--help"]) == 0
    printed = capsys.readouterr().out
    assert f"Example: twobar {name} " in printed
    assert "--seed" in printed


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_option_is_documented(command: click.Command) -> None:
    text = (ROOT / "docs" / "offline.md").read_text()
    assert f"## {command.name}" in text
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
    assert options
    documented = {option for option in options if f"{option} " in text or f"{option}`" in text}
    assert options - documented <= {"--number"}  # it is written -n


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_edits_and_morphs_music(name: str, files: Path) -> None:
    out = files / "real"
    codec = name if name in ("drums", "multitrack") else ""
    if name == "drums":
        beat, fill = (
            Phrase.of(
                GRID,
                [Note(step, 36 + 2 * (step % 4 == 0), 90, 1, 0.0, DRUMS) for step in range(0, 32, every)],
            )
            for every in (4, 2)
        )
        midi.save(files / "a.mid", [beat, Phrase(GRID), fill])
        midi.save(files / "b.mid", [Phrase(GRID), fill])
    arguments = ["edit", str(files / "a.mid"), "--model", name, "--density", "0.5"]
    assert run(twobar, [*arguments, "--out", str(out / "edit.mid")]) == 0
    before, after = (midi.load(folder, GRID, codec=codec) for folder in (files / "a.mid", out / "edit.mid"))
    assert sum(map(len, after)) > sum(map(len, before))
    assert after[1].notes == ()
    ends = [str(files / "a.mid"), str(files / "b.mid")]
    assert run(twobar, ["morph", *ends, "--model", name, "--steps", "3", "--out", str(out)]) == 0
    assert run(twobar, ["sample", "--model", name, "-n", "2", "--out", str(out)]) == 0
