"""What playing needs is the core, without torch; the wheel asks for ranges, `make` installs exact ones."""

import dataclasses
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from model.checkpoint import read, write
from model.shipped import WEIGHTS, shipped_models

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
BEYOND = ("torch", "onnx", "scipy", "sklearn", "symusic", "tensorboard", "matplotlib")
ALONE = f"import sys; sys.modules.update(dict.fromkeys({BEYOND!r}))\n"  # importing one of them fails


def alone(script: str, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a script in an interpreter that has the core's libraries only."""
    run = subprocess.run(
        [sys.executable, "-c", ALONE + script, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert run.returncode == status, run.stderr
    return run


def twobar(*arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return alone("from live.__main__ import main; main()", *arguments, status=status)


def name_of(requirement: str) -> str:
    """Return a requirement's or a pin's name as registries compare it."""
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


# -- playing -----------------------------------------------------------------------------------------


def test_the_model_process_answers_without_torch() -> None:
    script = """
import json
from live.ipc.messages import Ready
from live.worker.handler import RequestHandler
for name in json.loads(sys.argv[1]):
    ready = RequestHandler().load(name)  # which encodes and decodes twice
    assert isinstance(ready, Ready), ready
    print(ready.model, ready.runtime)
"""
    shipped = shipped_models()
    assert len(shipped) == 4
    answered = alone(script, json.dumps(shipped)).stdout.splitlines()
    assert answered == [f"{name} onnxruntime" for name in shipped]


def test_the_offline_commands_work_without_torch(tmp_path: Path) -> None:
    samples = tmp_path / "samples"
    twobar("sample", "-n", "2", "--out", str(samples))
    one, other = sorted(str(path) for path in samples.iterdir())
    twobar("morph", one, other, "--steps", "2", "--out", str(tmp_path / "way"))
    twobar("edit", one, "--density", "0.5", "--out", str(tmp_path / "edited.mid"))
    twobar("accompany", one, "--parts", "bass", "--out", str(tmp_path / "band.mid"))


def test_a_checkpoint_without_graphs_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "bare.safetensors"
    write(dataclasses.replace(read(WEIGHTS / "lead.safetensors"), graphs={}), path)
    refusal = twobar("sample", "-n", "1", "--model", str(path), "--out", str(tmp_path / "x"), status=1)
    assert refusal.stderr.count("\n") == 1
    assert f"{path} holds no graphs, so it needs torch" in refusal.stderr
    assert refusal.stderr.endswith("which is not installed: pip install 'twobar[gpu]'\n")


@pytest.mark.parametrize("command", [("adapt", "keys", "--data", ".", "--out", "x.safetensors")])
def test_the_trainer_without_its_libraries_says_so_in_one_sentence(command: tuple[str, ...]) -> None:
    refusal = alone("from trainer.__main__ import main; main()", *command, status=1).stderr
    assert refusal.count("\n") == 1
    assert "is not installed; the trainer needs it: pip install 'twobar[trainer]'" in refusal


# -- installing --------------------------------------------------------------------------------------


def test_playing_needs_no_torch() -> None:
    names = {name_of(line) for line in PROJECT["dependencies"]}
    assert not names & set(BEYOND)
    assert {name_of(line) for line in EXTRAS["gpu"]} == {"torch"}


@pytest.mark.parametrize("part", ["core", *EXTRAS])
def test_the_wheel_asks_for_ranges_and_make_for_exact_versions(part: str) -> None:
    asked = PROJECT["dependencies"] if part == "core" else EXTRAS[part]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    exact = {name_of(line) for line in pins if re.fullmatch(r"[\w.-]+==[\w.]+", line)}
    assert len(exact) == len([line for line in pins if not line.startswith("#")])
    for line in asked:
        if not line.startswith(PROJECT["name"]):
            assert re.fullmatch(r"[\w-]+>=[\w.]+,<[\w.]+", line), line
            assert name_of(line) in exact | {"torch"}, line
