"""Settings: what does not go together is refused in one sentence that names the key and what is allowed."""

import tomllib
from operator import attrgetter
from pathlib import Path

import pytest

from tests.fakes.runs import LANGUAGE, STEPWISE
from tests.fakes.synthetic import TINY
from trainer import settings
from trainer.errors import RequestError

NOISE = (
    TINY["melody"]
    .replace('knobs = ["density", "range"]', "knobs = []")
    .replace(
        'bottleneck = { kind = "beats", size = 32 }',
        'bottleneck = { kind = "beats", size = 32, law = "noise" }',
    )
)


@pytest.mark.parametrize(
    ("text", "changes", "sentence"),
    [
        (STEPWISE, ["fit.objective=elbow"], r"fit\.objective cannot be 'elbow'; .*did you mean 'elbo'"),
        (STEPWISE, ["fit.anneal=lineal"], r"fit\.anneal cannot be 'lineal'; .*did you mean 'linear'"),
        (STEPWISE, ["fit.precision=float"], r"fit\.precision cannot be 'float'; there is: auto, bfloat16"),
        (STEPWISE, ["fit.critic.kind=rhytm"], r"fit\.critic\.kind cannot be 'rhytm'; .*'rhythm'"),
        (STEPWISE, ["fit.critic.wieght=1"], r"unknown key 'wieght' in \[fit\.critic\].*'weight'"),
        (STEPWISE, ["fit.objective=language"], r"model\.encoder\.kind must be 'none', not 'gru'"),
        (STEPWISE, ["fit.accumulate=0"], "accumulate"),
        (STEPWISE, ["fit.word_dropout=1.5"], "word_dropout"),
        (STEPWISE, ["fit.transpose=[3, -3]"], r"the lower one first, not \[3, -3\]"),
        (STEPWISE, ["fit.objective=adversarial"], r"model\.bottleneck\.law must be 'noise', not 'gaussian'"),
        (STEPWISE, ["fit.drop_parts=0.2"], "drop_parts needs codec 'multitrack'; with 'melody' it must be 0"),
        (STEPWISE, ["fit.alone=0.2"], "alone needs codec 'poly' or 'roll'; with 'melody' it must be 0"),
        (STEPWISE, ["fit.condition_dropout=0.2"], r"condition_dropout needs model\.conditions"),
        (STEPWISE, ["model.bottleneck.law=none"], "free_bits needs .*law 'gaussian': 'none' has no KL"),
        (STEPWISE, ["model.knobs=['polyphony']"], "no attribute 'polyphony' of codec 'melody'"),
        (LANGUAGE, ["fit.objective=elbo"], r"fit\.objective 'elbo' needs an encoder.*set it to 'language'"),
        (LANGUAGE, ["model.knobs=['density']"], r"model\.knobs needs a latent.*must be \[\]"),
        (LANGUAGE, ["model.decoder.kind=patch"], "writes step by step, not 'patch'; allowed are: rnn, gru"),
        (LANGUAGE, ["fit.critic.weight=1"], r"fit\.critic\.weight .* with 'language' it must be 0"),
        (TINY["melody"], ["fit.word_dropout=0.1"], r"fit\.word_dropout .*decoder 'patch' writes all at once"),
        (TINY["melody"], ["fit.scheduled_sampling=9"], r"fit\.scheduled_sampling .*it must be 0"),
        (
            NOISE,
            ["fit.objective=adversarial", "model.decoder.kind=gru"],
            "fit.objective 'adversarial' needs a decoder that writes all at once, not 'gru'",
        ),
        (NOISE, ["fit.objective=elbo"], r"fit\.objective 'elbo' needs an encoder.*set it to 'adversarial'"),
        (
            NOISE,
            ["fit.objective=adversarial", "model.knobs=['density']"],
            r"model\.knobs needs fit\.objective 'elbo'",
        ),
    ],
)
def test_what_does_not_go_together_is_reported(
    tmp_path: Path, text: str, changes: list[str], sentence: str
) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    with pytest.raises(RequestError, match=sentence) as caught:
        settings.read(path, changes)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("fit.batch=lots", r"fit\.batch must be a whole number from 1 up, not 'lots'$"),
        ("fit.batch=0", r"fit\.batch must be a whole number from 1 up, not 0$"),
        ("fit.rotate=1.5", r"fit\.rotate must be a number from 0 to 1, not 1\.5$"),
        ("fit.clip=0", r"fit\.clip must be a number above 0, not 0$"),
        ("fit.seed=4294967296", r"fit\.seed must be a whole number from 0 to 4294967295, not 4294967296$"),
        ("fit.transpose=[1, 'two']", r"fit\.transpose 2 must be a whole number, not 'two'$"),
        ("fit.transpose=[1]", r"fit\.transpose must be a list of 2 items, not of 1$"),
        ("fit.transpose=1", r"fit\.transpose must be a list of 2 items, each a whole number, not 1$"),
        ("model.knobs=['density', 3]", r"model\.knobs 2 must be text, not 3$"),
        ("model.knobs=3", r"model\.knobs must be a list of texts, not 3$"),
        ("model.encoder.width=true", r"model\.encoder\.width must be a whole number .*, not true$"),
        ("fit.steps=" + "9x" * 100, r", not '(9x){28}9\.\.\.'$"),
        ("fit.critic=1", r"fit\.critic must be a table, not 1$"),
    ],
)
def test_a_value_of_another_type_or_size_is_shown(tmp_path: Path, change: str, sentence: str) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(STEPWISE)
    with pytest.raises(RequestError, match=sentence):
        settings.read(path, [change])


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (STEPWISE, {}),
        (LANGUAGE, {"fit.word_dropout": 0.1, "fit.scheduled_sampling": 100, "model.context_bars": 1}),
        (TINY["melody"], {"fit.critic.weight": 0.1, "fit.accumulate": 4}),
        (TINY["poly"], {"fit.alone": 0.3, "fit.anneal": "cyclical", "fit.free_bits": 3}),
        (NOISE, {"fit.objective": "adversarial", "model.encoder.kind": "none"}),
    ],
)
def test_what_goes_together_is_taken(tmp_path: Path, text: str, changes: dict[str, object]) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(text)
    taken = settings.read(path, [f"{key}={value}" for key, value in changes.items()])
    assert taken.model.name == tomllib.loads(text)["model"]["name"]
    for key, value in changes.items():
        assert attrgetter(key)(taken) == value


@pytest.mark.parametrize(
    "name", ["", "../precious", "a/b", "a\\\\b", ".hidden", "-o", "a b", "..", "tab\\t", "end\\n", "x" * 49]
)
def test_a_name_that_is_none_for_a_file_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(STEPWISE)
    with pytest.raises(RequestError, match=r"model\.name cannot be '.*allowed are 1 to 48 letters") as caught:
        settings.read(path, [f'model.name="{name}"'])
    assert caught.value.exit_code == 2
    assert "with --set" in str(caught.value)


@pytest.mark.parametrize("name", ["keys", "lead-16", "cat_mel.2", "flügel", "9", "_x"])
def test_a_name_for_a_file_is_taken(tmp_path: Path, name: str) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(STEPWISE)
    assert settings.read(path, [f'model.name="{name}"']).model.name == name


def test_shipped_configurations_are_taken() -> None:
    shipped = sorted((Path(settings.__file__).parent / "configs").glob("*.toml"))
    assert {"keys", "lead"} <= {path.stem for path in shipped}
    for path in shipped:
        settings.read(path, [])
