import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model.errors import CheckpointError
from model.version import VERSION
from tests.fakes.midi_files import chords, write
from tests.fakes.players import Memory, Sure
from tests.root import ROOT
from trainer.__main__ import cli, main
from trainer.commands import fit as fitting


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, said.out, said.err


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    for seed in range(6):
        write(folder / f"{seed}.mid", chords(seed))
    (folder / "broken.mid").write_bytes(b"MThd")
    return folder


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in cli.commands:
        code, out, _ = run(capsys, name, "--help")
        assert code == 0
        assert "Example" in out
        assert "twobar-train" in out


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_no_command_begins_with_threads_that_wait_for_each_other(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(variable, "to be put back")
        monkeypatch.delenv(variable)
    run(capsys, name, "--help")
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    times_its_steps = name in ("adapt", "fit", "fit-writer")
    assert os.environ.get("OMP_NUM_THREADS") == (None if times_its_steps else "1")


def test_threads_are_limited_before_numpy_reads_how_many() -> None:
    code = "import sys, trainer.__main__; print({'numpy', 'torch'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_prepare_says_what_it_read_and_names_what_it_did_not(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "prepare", music, "--out", tmp_path / "out", "--jobs", 1)
    assert code == 0
    assert "melody: " in out
    assert "6 files gave phrases; 1 were skipped" in out
    assert "broken.mid" in err
    assert str(tmp_path / "out" / "report.json") in err


def test_latin_1_names_are_read_and_shown(
    music: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = (tmp_path / os.fsdecode(name) for name in (b"m\xe9lodies", b"pr\xeat"))
    folder.mkdir()
    for number, path in enumerate((*music.glob("[0-9].mid"), music / "broken.mid")):
        (folder / os.fsdecode(b"\xe9%d.mid" % number)).write_bytes(path.read_bytes())
    code, _, err = run(capsys, "prepare", folder, "--out", out, "--jobs", 1)
    assert code == 0
    assert "m\\udce9lodies/\\udce96.mid" in err  # so that no two names become one
    assert "pr?t/report.json" in err
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["read"] == 6


def test_an_empty_corpus_is_one_sentence_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "prepare", tmp_path, "--out", tmp_path / "out")
    assert (code, out) == (1, "")
    assert err == "twobar-train: no MIDI file (.mid, .midi) lies in the folders given\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["prepar"], "export, fit, fit-ranker, fit-writer, prepare, report; did you mean 'prepare'?"),
        (["--versoin"], "unknown option '--versoin'"),
        (["prepare", "x", "--ot", "y"], "did you mean '--out'?"),
        (["prepare", "--out", "y"], "prepare: missing argument 'MIDI_DIR...'"),
        (["prepare", "x"], "prepare: missing option '--out'"),
        (["prepare", "/none", "--out", "y"], "the MIDI folder '/none' does not exist"),
        (["prepare", "x", "--out", "y", "--bars", "0"], "a grid has 1 to 64 bars, not 0"),
        (["prepare", "x", "--out", "y", "--bars", "two"], "--bars must be a whole number, not 'two'"),
        (
            ["fit", "--config", "keys", "--data", "x", "--out", "y", "--max-minutes", "ten"],
            "--max-minutes must be a number above 0, not 'ten'",
        ),
        (["prepare", "x", "--out", "y", "--jobs", "0"], "--jobs must be a whole number from 1 to 256, not 0"),
        (
            ["prepare", "x", "--out", "y", "--licences", "permisive"],
            "--licences must be 'all' or 'permissive', not 'permisive'; did you mean 'permissive'?",
        ),
        (["fit", "--config", "/none/k.toml", "--data", "x", "--out", "y"], "'/none/k.toml' does not exist"),
        (
            ["fit", "--config", "kees", "--data", "x", "--out", "y"],
            "unknown configuration 'kees'; there is: keys",
        ),
        (
            ["fit", "--config", "keys", "--data", "/none", "--out", "y"],
            "the data folder '/none' does not exist",
        ),
        (["fit", "--config", "keys", "--data", "x", "--out", "y", "--set", "beta"], "KEY=VALUE, not 'beta'"),
        (
            ["fit", "--config", "keys", "--data", "x", "--out", "y", "--max-minutes", "0"],
            "--max-minutes must be a number above 0, not 0",
        ),
        (["evaluate", "--data", "x"], "evaluate: missing argument 'CHECKPOINT...'"),
        (["evaluate", "keys", "--data", "/none"], "the data folder '/none' does not exist"),
        (["evaluate", "keys", "--data", "x", "--split", "tst"], "did you mean 'test'?"),
        (["export", "kesy", "--onnx", "x"], "unknown model 'kesy'; there is: drums, keys, lead"),
        (["adapt", "keys", "--data", "x", "--out", "y"], "--out must end in .safetensors"),
        (["adapt", "keys", "--data", "/none", "--out", "y.safetensors"], "'/none' does not exist"),
        (["adapt", "keys", "--data", "x"], "adapt: missing option '--out'"),
        (["directions"], "directions: missing argument 'CHECKPOINT|RUN_DIR'"),
        (["report", "runs", "--data", "/none"], "the data folder '/none' does not exist"),
        (["report", "tests", "--data", "docs"], "the run folder 'tests' holds no checkpoint"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_2(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "keys.toml").write_text("")
    monkeypatch.setattr(fitting, "CONFIGS", tmp_path)
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert err.startswith("twobar-train: ")
    assert err.count("\n") == 1


def test_fit_hands_over_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments: dict[str, Any] = {}

    def fake(config: Path, data: Path, out: Path, **rest: object) -> Path:
        arguments.update(config=config, data=data, out=out, **rest)
        return out / "model.safetensors"

    monkeypatch.setitem(sys.modules, "trainer.training.fit", SimpleNamespace(run=fake))
    monkeypatch.setattr(fitting, "CONFIGS", tmp_path)
    (tmp_path / "keys.toml").write_text("")
    (tmp_path / "meta.json").write_text("{}")
    options = [
        "--max-minutes",
        "1.5",
        "--resume",
        "--seed",
        "3",
        "--set",
        "fit.beta=1",
        "--set",
        "fit.batch=2",
    ]
    code, out, _ = run(
        capsys, "fit", "--config", "keys", "--data", tmp_path, "--out", tmp_path / "r", *options
    )
    assert code == 0
    assert "model.safetensors" in out
    assert arguments == {
        "config": tmp_path / "keys.toml",
        "data": tmp_path,
        "out": tmp_path / "r",
        "max_minutes": 1.5,
        "resume": True,
        "seed": 3,
        "init": None,
        "overrides": ["fit.beta=1", "fit.batch=2"],
    }


def test_configurations_of_published_models_are_found_by_their_names() -> None:
    assert fitting.find_config("reference/cat-mel-2bar-big").name == "cat-mel-2bar-big.toml"


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"twobar-train, version {VERSION}\n", "")


def test_evaluate_prints_a_table_and_writes_the_figures(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    players = {"one": Memory(codec="poly", knobs=("register",)), "two": Sure(codec="poly", knobs=())}
    monkeypatch.setitem(sys.modules, "model.playing.load", SimpleNamespace(load=players.__getitem__))
    target = tmp_path / "figures.json"
    code, out, _ = run(
        capsys, "evaluate", "one", "two", "--data", music, "--json", target, "--limit", 12, "--seed", 1
    )
    assert code == 0
    assert "step accuracy" in out
    first, second = json.loads(target.read_text())
    assert {
        "name",
        "codec",
        "parameters",
        "phrases",
        "reconstruction",
        "knobs",
        "interpolation",
        "samples",
    } <= set(first)
    figures = "step_accuracy step_accuracy_sampled note_f1 note_f1_sampled exact kl_bits active_units"
    assert set(figures.split()) <= set(first["reconstruction"])
    assert {"spearman", "spearman_pooled", "leak"} <= set(first["knobs"]["register"])
    assert (first["phrases"], first["reconstruction"]["note_f1"]) == (12, 1.0)
    assert first["reconstruction"]["kl_bits"] is None
    assert second["reconstruction"]["kl_bits"] > 0
    assert "auc" in first["samples"]
    assert not (tmp_path / "compare.html").exists()
    code, out, _ = run(
        capsys, "evaluate", "--compare", "one", "two", "--data", music, "--json", target, "--limit", 4
    )
    assert code == 0
    page = (tmp_path / "compare.html").read_text()
    assert f"the page is {tmp_path / 'compare.html'}" in " ".join(out.split())
    assert page.count("<svg") >= 4


def test_figures_that_cannot_be_written_are_shown_all_the_same(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(
        sys.modules, "model.playing.load", SimpleNamespace(load=lambda _: Memory(codec="poly", knobs=()))
    )

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    data = tmp_path / "data"
    assert run(capsys, "prepare", music, "--out", data, "--jobs", 1)[0] == 0
    monkeypatch.setattr("os.replace", full)
    target = tmp_path / "new" / "figures.json"
    code, out, err = run(capsys, "evaluate", "one", "--data", data, "--json", target, "--limit", 2)
    assert code == 1
    assert "step accuracy" in out
    assert err == f"twobar-train: cannot write '{target}': No space left on device\n"
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "keys", "--json", "{file}/figures.json"),
        ("report", "keys", "--out", "{file}/page.html"),
        ("directions", "keys", "--out", "{file}/keys.safetensors"),
        ("adapt", "keys", "--out", "{file}/keys.safetensors"),
    ],
)
def test_what_cannot_be_written_is_reported_before_the_work(
    arguments: tuple[str, ...],
    music: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "model.playing.load", SimpleNamespace(load=None))  # is not called
    (tmp_path / "file").write_text("")
    options = [argument.format(file=tmp_path / "file") for argument in arguments]
    code, _, err = run(capsys, *options, "--data", music)
    assert code == 1
    assert err.startswith(f"twobar-train: cannot write '{options[-1]}': ")
    assert err.count("\n") == 1


def test_evaluate_takes_the_folder_of_a_run(
    music: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "keys.safetensors").write_bytes(b"")
    asked: list[str] = []

    def load(name: str) -> Memory:
        asked.append(name)
        return Memory(codec="poly", knobs=())

    monkeypatch.setitem(sys.modules, "model.playing.load", SimpleNamespace(load=load))
    _, _, err = run(capsys, "evaluate", tmp_path, "--data", music, "--limit", 1)
    assert "keys.safetensors is damaged" in err  # it is read as a checkpoint, and is none
    assert asked == [str(tmp_path / "keys.safetensors")]


@pytest.mark.parametrize("name", ["fit", "evaluate", "directions", "report", "adapt", "prepare"])
@pytest.mark.parametrize("seed", ["-1", "99999999999999999999"])
def test_a_seed_that_no_generator_takes_is_reported(
    name: str, seed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, name, "--seed", seed)
    assert code == 2
    assert f"--seed must be a whole number from 0 to 4294967295, not {seed}" in err


@pytest.mark.parametrize(("name", "option"), [("adapt", "--minutes"), ("fit", "--max-minutes")])
def test_nan_is_no_number_of_minutes(name: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for value in ("nan", "inf"):
        code, _, err = run(capsys, name, option, value)
        assert code == 2
        assert f"{option} must be a number above 0, not {value}" in err


def test_a_checkpoint_that_is_none_is_one_sentence_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> None:
        raise CheckpointError(f"'{name}' is no checkpoint")

    monkeypatch.setitem(sys.modules, "model.playing.load", SimpleNamespace(load=load))
    code, _, err = run(capsys, "evaluate", "a.mid", "--data", tmp_path)
    assert (code, err) == (1, "twobar-train: 'a.mid' is no checkpoint\n")


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", stop)
    assert run(capsys, "prepare") == (130, "", "twobar-train: stopped\n")


def test_help_loads_neither_torch_nor_numpy() -> None:
    program = (
        "import sys\nfrom trainer.__main__ import main\n"
        "try:\n    main(['--help'])\nfinally:\n"
        "    print(sorted({'torch', 'numpy', 'symusic', 'sklearn'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


def test_every_command_in_the_guide_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = ROOT / "docs" / "training.md"
    shown = [
        line.split() for line in guide.read_text(encoding="utf-8").splitlines() if "    twobar-train " in line
    ]
    assert len(shown) >= 8
    for _, name, *arguments in shown:
        command = cli.commands[name]
        context = command.make_context(name, list(arguments), resilient_parsing=True)
        options = {option for parameter in command.params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("--")} <= options
        wanted = {"prepare": "out", "export": "checkpoint"}.get(
            name, "midi" if "--midi" in arguments else "data"
        )
        assert context.params[wanted]


def test_the_guide_names_every_option() -> None:
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    plain = {"--jobs", "--split"}  # plain from --help
    for name in cli.commands:
        options = {option for parameter in cli.commands[name].params for option in parameter.opts}
        missing = [o for o in options if o.startswith("--") and o not in text and o not in plain]
        assert not missing, (name, missing)


def test_data_elsewhere_that_is_not_there_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(
        capsys, "fit", "--config", "lead", "--data", "memory://nowhere", "--out", tmp_path / "a"
    )
    assert (code, err.count("\n")) == (2, 1)
    assert "'memory://nowhere' was not written by 'twobar-train prepare'" in err


def test_a_ranker_that_could_not_be_written_is_not_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "ranker.safetensors"
    code, out, said = run(capsys, "fit-ranker", "--data", tmp_path, "--out", target)
    assert (code, out) == (1, "")
    assert said.startswith(f"twobar-train: cannot write '{target}': ")
