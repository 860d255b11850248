"""sample, morph and edit with drums, several parts, conditions, and models without a latent."""

import io
import re
import sys
from pathlib import Path

import mido
import pytest

from live.cli.group import run
from live.cli.offline import generate, midi_files
from live.command_line import twobar
from model.midi import file as midi
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.playing import load as play
from tests.fakes.roll_player import RollPlayer

GRID = Grid()
TUNE = Phrase.of(GRID, [Note(4 * beat, 60 + beat, 90, 2) for beat in range(8)])
OTHER = Phrase.of(GRID, [Note(4 * beat + 2, 80 - beat, 90, 1) for beat in range(8)])


@pytest.fixture
def files(tmp_path: Path) -> Path:
    midi.save(tmp_path / "a.mid", [TUNE, Phrase(GRID), OTHER], tempo_bpm=96.0)
    midi.save(tmp_path / "b.mid", [Phrase(GRID), OTHER])
    return tmp_path


def written(arguments: list[str], out: Path) -> list[bytes]:
    assert run(twobar, arguments) == 0
    return [path.read_bytes() for path in sorted(out.glob("*.mid"))]


def playing(monkeypatch: pytest.MonkeyPatch, player: RollPlayer) -> RollPlayer:
    monkeypatch.setattr(generate, "load_player", lambda _name, **_: player)
    return player


def parts_of(path: Path) -> dict[str, set[int]]:
    """Return the channels, 1..16, that sound on each track of a file that has any."""
    file = mido.MidiFile(path)
    sounding = {t.name: {m.channel + 1 for m in t if m.type == "note_on"} for t in file.tracks}
    return {name: channels for name, channels in sounding.items() if channels}


def test_samples_of_drums_stand_on_channel_ten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    playing(monkeypatch, RollPlayer(codec="drums"))
    assert run(twobar, ["sample", "-n", "2", "--out", str(tmp_path)]) == 0
    assert parts_of(tmp_path / "sample-00.mid") == {"roll sample-00": {10}}


def test_samples_of_a_band_have_a_track_for_each_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    playing(monkeypatch, RollPlayer(codec="multitrack"))
    assert run(twobar, ["sample", "-n", "1", "--out", str(tmp_path)]) == 0
    path = tmp_path / "sample-00.mid"
    assert parts_of(path) == {"melody": {1}, "bass": {4}, "drums": {10}}
    assert [track.name for track in mido.MidiFile(path).tracks][1:] == ["melody", "chords", "bass", "drums"]


def test_a_morph_of_drums_reads_and_writes_channel_ten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    player = playing(monkeypatch, RollPlayer(codec="drums"))
    beat = Phrase.of(GRID, [Note(step, 36, 90, 1, 0.0, DRUMS) for step in range(0, 32, 4)])
    fill = Phrase.of(GRID, [Note(step, 45, 90, 1, 0.0, DRUMS) for step in range(0, 32, 2)])
    for name, phrase in (("a", beat), ("b", fill)):
        midi.save(tmp_path / f"{name}.mid", [phrase])
    ends = [str(tmp_path / f"{name}.mid") for name in "ab"]
    assert run(twobar, ["morph", *ends, "--steps", "3", "--out", str(tmp_path / "way")]) == 0
    assert player.encoded == [beat, fill]
    assert parts_of(tmp_path / "way" / "step-01.mid") == {"step-01": {10}}


def test_an_edit_of_a_band_keeps_its_parts_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player = playing(monkeypatch, RollPlayer(codec="multitrack"))
    band = Phrase.of(
        GRID,
        [
            *TUNE.notes,
            Note(0, 40, 90, 4, 0.0, BASS),
            Note(0, 52, 90, 4, 0.0, CHORDS),
            Note(0, 55, 90, 4, 0.0, CHORDS),
            Note(4, 38, 90, 1, 0.0, DRUMS),
        ],
    )
    midi.save(tmp_path / "band.mid", [band])
    out = tmp_path / "new.mid"
    assert run(twobar, ["edit", str(tmp_path / "band.mid"), "--density", "0.5", "--out", str(out)]) == 0
    assert player.encoded == [band]
    assert parts_of(out) == {"melody": {1}, "bass": {4}, "drums": {10}}
    assert capsys.readouterr().err == ""  # nothing was left out


def test_a_tune_gets_a_band_in_its_chords_with_a_fill_before_every_fifth_bar(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    player = playing(monkeypatch, RollPlayer(codec="multitrack"))
    midi.save(tmp_path / "tune.mid", [TUNE, Phrase(GRID), *[TUNE] * 4], tempo_bpm=96.0)
    arguments = ["accompany", str(tmp_path / "tune.mid"), "--seed", "7", "--out"]
    assert run(twobar, [*arguments, str(tmp_path / "band.mid")]) == 0
    assert re.search(r"12 bars by roll, [1-9][0-9]* notes added", capsys.readouterr().out)
    phrases = midi_files.read(tmp_path / "band.mid", player.card.grid, codec="multitrack")
    assert [len(phrase.part(MELODY)) for phrase in phrases] == [8, 0, 8, 8, 8, 8], (
        "the melody stays, silence too"
    )
    assert all(phrase.part(CHORDS) and phrase.part(DRUMS) for phrase in phrases if phrase)
    for phrase in (phrases[3], phrases[5]):
        assert len([note for note in phrase.part(DRUMS).notes if note.onset >= 28]) > 1, "a fill"
    assert {36, 49} <= {note.pitch for note in phrases[4].part(DRUMS).notes if not note.onset}, "and lands"
    assert midi_files.summarise(tmp_path / "band.mid").tempo_bpm == pytest.approx(96.0)

    assert run(twobar, [*arguments, str(tmp_path / "duo.mid"), "--parts", " Bass "]) == 0
    assert set(parts_of(tmp_path / "duo.mid")) == {"melody", "bass"}


def test_a_band_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*more: str, out: str = "band.mid") -> str:
        assert run(twobar, ["accompany", str(files / "a.mid"), "--out", str(files / out), *more]) == 2
        return capsys.readouterr().err

    playing(monkeypatch, RollPlayer())
    assert "model 'roll' does not accompany" in refused()
    assert "unknown part 'bas'" in refused("--parts", "drums,bas")
    assert "--parts names at least one of melody, chords, bass, drums" in refused("--parts", ",")
    assert "is a folder" in refused(out=".")


@pytest.mark.parametrize("command", ["morph", "edit"])
def test_without_a_latent_neither_a_way_nor_a_knob_exists(
    monkeypatch: pytest.MonkeyPatch, files: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr(play, "load", lambda _name: RollPlayer(latent=False))
    ends = [str(files / "a.mid"), str(files / "b.mid")][: 2 if command == "morph" else 1]
    arguments = [command, *ends, "--model", "lead", "--out", str(files / "x.mid")]
    assert run(twobar, arguments) == 2
    sentence = capsys.readouterr().err
    assert f"{command} needs a latent space, and model 'roll' has none" in sentence
    assert sentence.count("\n") == 1


def test_samples_of_a_model_without_a_latent_go_on_from_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    playing(monkeypatch, RollPlayer(latent=False))
    arguments = ["sample", "-n", "3", "--bars", "6", "--out", str(tmp_path)]
    first, second, third = written(arguments, tmp_path)
    assert first != second != third  # at temperature 1 by itself
    keys = [note.pitch for phrase in midi.load(tmp_path / "sample-00.mid", GRID) for note in phrase.notes]
    assert keys == [keys[0], keys[0] + 2, keys[0] + 4]
    written([*arguments, "--temperature", "0"], tmp_path)
    loaded = [midi.load(path, GRID) for path in sorted(tmp_path.glob("*.mid"))]
    assert loaded[0] == loaded[1] == loaded[2]


@pytest.mark.parametrize("latent", [True, False])
def test_chance_in_samples_is_held_to_likely_notes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, latent: bool
) -> None:
    player = playing(monkeypatch, RollPlayer(latent=latent))
    arguments = ["sample", "-n", "1", "--bars", "4", "--temperature", "0.5", "--out", str(tmp_path)]
    written(arguments, tmp_path)
    written([*arguments, "--top-k", "5", "--top-p", "0.9"], tmp_path)
    assert [held[:2] for held in player.chosen] == [(0, 1.0)] * 2 + [(5, 0.9)] * 2


def test_a_shipped_model_samples_among_likely_notes(tmp_path: Path) -> None:
    def drawn(*options: str) -> list[bytes]:
        return written(["sample", "--model", "keys", "-n", "3", *options, "--out", str(tmp_path)], tmp_path)

    likeliest, free = drawn(), drawn("--temperature", "1")
    held = [drawn("--temperature", "1", *option) for option in (["--top-k", "1"], ["--top-p", "0.01"])]
    assert held == [likeliest, likeliest]
    assert likeliest != free
    assert drawn("--top-k", "3", "--top-p", "0.5") == likeliest  # at temperature 0 they change nothing


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        (("--top-k", "-1"), "--top-k must be a whole number from 0 to 1000, not -1\n"),
        (("--top-k", "1001"), "--top-k must be a whole number from 0 to 1000, not 1001\n"),
        (("--top-k", "2.5"), "--top-k must be a whole number from 0 to 1000, not 2.5\n"),
        (("--top-p", "0"), "--top-p must be a number from 0.01 to 1, not 0\n"),
        (("--top-p", "1.1"), "--top-p must be a number from 0.01 to 1, not 1.1\n"),
        (("--top-p", "nan"), "--top-p must be a number from 0.01 to 1, not nan\n"),
    ],
)
def test_how_likely_a_note_must_be_has_a_range(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str], sentence: str
) -> None:
    assert run(twobar, ["sample", "--out", str(tmp_path / "new"), *option]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert option[0] in said
    assert not (tmp_path / "new").exists()


def test_conditions_go_to_the_model(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    player = playing(monkeypatch, RollPlayer(conditions=("style", "key"), styles=("waltz", "blues")))
    conditions = ["--style", "waltz", "--key", "F# minor"]
    commands = (
        ["sample", "-n", "1", "--out", str(files / "s")],
        ["morph", str(files / "a.mid"), str(files / "b.mid"), "--steps", "2", "--out", str(files / "m")],
        ["edit", str(files / "a.mid"), "--density", "0.5", "--out", str(files / "e.mid")],
    )
    for command in commands:
        player.chosen.clear()
        assert run(twobar, [*command, *conditions]) == 0
        assert [held for *_, held in player.chosen] == [{"style": "waltz", "key": "F# minor"}] * len(
            player.chosen
        )
        assert player.chosen


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--chords", "C F"], "model 'roll' does not heed --chords; its conditions are: style"),
        (["--style", "walz"], "did you mean 'waltz'"),
        (["--key", "H"], "model 'roll' does not heed --key"),
    ],
)
def test_a_condition_that_the_model_does_not_heed_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    playing(monkeypatch, RollPlayer(conditions=("style",), styles=("waltz", "blues")))
    assert run(twobar, ["sample", "--out", str(tmp_path), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_articulation_is_a_knob_of_an_edit(monkeypatch: pytest.MonkeyPatch, files: Path) -> None:
    player = playing(monkeypatch, RollPlayer(knobs=("articulation",)))
    out = str(files / "e.mid")
    assert run(twobar, ["edit", str(files / "a.mid"), "--articulation", "-0.5", "--out", out]) == 0
    assert player.encoded


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("looked_at", [True, False])
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["edit", "a.mid", "--density", "+0.5", "--out", "out.mid"], "editing"),
        (["morph", "a.mid", "b.mid", "--out", "between"], "seeking"),
    ],
)
def test_what_takes_long_says_on_a_terminal_how_far_it_has_come(
    command: list[str], said: str, looked_at: bool, monkeypatch: pytest.MonkeyPatch, files: Path
) -> None:
    playing(monkeypatch, RollPlayer())
    monkeypatch.chdir(files)
    stderr = Terminal() if looked_at else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    assert run(twobar, command) == 0
    assert (said in stderr.getvalue()) == looked_at
