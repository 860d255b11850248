"""Fine-tuning: a run that begins with another model's weights."""

from pathlib import Path

import pytest
import torch

from model.checkpoint import read
from model.networks.vae import VAE
from tests.fakes.runs import bare
from tests.fakes.synthetic import TINY, prepare
from trainer.errors import RequestError
from trainer.settings import read as settings
from trainer.training.fit import run
from trainer.training.warm_start import begin_from


def net(codec: str, *changes: str, folder: Path) -> VAE:
    path = folder / f"{codec}.toml"
    path.write_text(TINY[codec])
    return VAE(settings(path, list(changes)).model)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    torch.set_num_threads(1)
    (folder / "melody.toml").write_text(TINY["melody"])
    with pytest.MonkeyPatch.context() as patch:
        for name in ("trainer.training.loop.write_samples", "trainer.run.progress.RunLog.curves"):
            patch.setattr(name, lambda *_, **__: None)
        return run(folder / "melody.toml", prepare(folder / "data", "melody"), folder / "run")


def test_a_fresh_network_has_the_weights_of_the_other(made: Path, tmp_path: Path) -> None:
    torch.manual_seed(9)
    fresh = net("melody", folder=tmp_path)
    assert begin_from(fresh, str(made)) == "begun with the weights of tiny-lead"
    for name, value in read(made).weights.items():
        assert torch.equal(fresh.state_dict()[name], torch.from_numpy(value.copy()))


def test_a_run_remembers_whose_weights_it_began_with(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare(monkeypatch)
    (tmp_path / "melody.toml").write_text(TINY["melody"])
    data = prepare(tmp_path / "data", "melody")
    run(tmp_path / "melody.toml", data, tmp_path / "run", init=str(made), overrides=["fit.steps=2"])
    assert "begun with the weights of tiny-lead" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("codec", "change", "says"),
    [
        ("poly", "model.name=x", "its codec is melody, this configuration asks for poly"),
        ("melody", "model.encoder.kind=conv", "its encoder is patch, this configuration asks for conv"),
        ("melody", "model.encoder.width=32", "of this network's weights fit"),
    ],
)
def test_another_network_is_refused_in_one_sentence(
    made: Path, tmp_path: Path, codec: str, change: str, says: str
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        begin_from(net(codec, change, folder=tmp_path), str(made))
    assert "\n" not in str(caught.value)
    with pytest.raises(RequestError, match="there is no 'keis'"):
        begin_from(net(codec, folder=tmp_path), "keis")
