"""A run that is given folders of MIDI files: prepared for its configuration beside the run, and kept."""

from pathlib import Path

import pytest

from model.checkpoint import read
from model.music.grid import Grid
from tests.fakes.midi_files import tune, write
from trainer.__main__ import main
from trainer.corpus import meta
from trainer.errors import RequestError
from trainer.settings import read as settings
from trainer.training.auto_prepare import folder_for, prepare_for

SMALL = (
    "model.encoder.width=16",
    "model.decoder.width=16",
    "model.decoder.heads=2",
    "model.bottleneck.size=16",
    "model.knobs=[]",
    "fit.steps=2",
    "fit.batch=4",
    "fit.precision=float32",
    "fit.threads=1",
)


@pytest.fixture(scope="module")
def midi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs") / "midi"
    for number in range(9):
        write(folder / ("jazz" if number % 3 else "folk") / f"{number}.mid", [tune(number, bars=12)])
    return folder


def fit(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["fit", *map(str, arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


def test_one_command_leads_from_a_folder_to_a_model_told_the_styles_that_the_folder_has(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("trainer.training.loop.write_samples", "trainer.run.progress.RunLog.curves"):
        monkeypatch.setattr(name, lambda *_, **__: None)
    changes = [part for change in SMALL for part in ("--set", change)]
    arguments = ("--config", "conditional", "--midi", midi, "--out", tmp_path / "runs" / "one", *changes)
    assert fit(*arguments) == 0
    said = capsys.readouterr()
    data = folder_for([midi], tmp_path / "runs" / "one", Grid())
    assert data.parent == tmp_path / "runs" / "prepared"
    assert f"prepared in {data}" in said.out
    assert "9 files gave phrases" in said.out
    assert read(tmp_path / "runs" / "one" / "conditional.safetensors").config.styles == ("jazz", "folk")
    write(midi / "jazz" / "later.mid", [tune(77, bars=12)])
    assert fit(*arguments, "--set", "fit.steps=3", "--resume") == 0  # on what it began with
    assert f"what is prepared in {data}" in capsys.readouterr().err.replace("\n", "")


def test_a_family_of_four_bars_prepares_its_own_folder_beside_that_of_two(midi: Path, tmp_path: Path) -> None:
    config = Path("trainer/configs/music-vae-4.toml")
    model = settings(config, []).model
    out, report = prepare_for(model, [midi], tmp_path / "run", resume=False, jobs=1)
    assert report is not None
    assert report.phrases["melody"]["train"]
    found = meta.read(out)
    assert found is not None
    assert (found.grid, found.metres) == (Grid(4, 4, 4), "all")
    assert out != folder_for([midi], tmp_path / "run", Grid())
    assert out != folder_for([tmp_path / "other" / "midi"], tmp_path / "run", Grid(4, 4, 4))
    with pytest.raises(RequestError, match="is prepared already: give it as --data"):
        prepare_for(model, [out], tmp_path / "run", resume=False, jobs=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "or --midi (a folder of MIDI files), to learn from"),
        (("--data", "x", "--midi", "y"), "or --midi (a folder of MIDI files), not both"),
        (("--midi", "/none"), "the MIDI folder '/none' does not exist"),
    ],
)
def test_one_of_data_and_midi_is_asked_for(
    arguments: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit("--config", "lead", "--out", tmp_path / "run", *arguments) == 2
    assert says in capsys.readouterr().err
