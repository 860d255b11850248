"""scripts/setup.sh: what it asks pip for, on which machine."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/asked"
case "$*" in *"import torch"*) exit 1;; *"pip index"*) echo "torch (2.13.0)";; esac
"""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the script is bash's")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Lay out a checkout whose environment's Python only writes down what it is asked."""
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "twobar"):
        (programs / name).write_text(PYTHON)
        (programs / name).chmod(0o755)
    return tmp_path


def installed(checkout: Path, part: str, **variables: str) -> list[str]:
    """Run the script; return the lines that install the project, "" behind a dot that names no extras."""
    asked = checkout / ".venv" / "bin" / "asked"
    asked.unlink(missing_ok=True)
    environment = {**os.environ, "TWOBAR_NO_SYSTEM": "1", **variables}
    subprocess.run(
        [checkout / "scripts" / "setup.sh", part],
        env=environment,
        capture_output=True,
        timeout=60,
        check=True,
    )
    lines = asked.read_text().splitlines() if asked.exists() else []
    return [line.rpartition(" ")[2] for line in lines if "--editable" in line]


@pytest.mark.parametrize(
    ("part", "card", "project"),
    [
        ("core", "no", ".[page]"),
        ("core", "yes", ".[gpu,page]"),
        ("dev", "no", ".[dev]"),
        ("dev", "yes", ".[dev]"),
    ],
)
def test_torch_comes_with_a_card_or_for_developers(
    checkout: Path, part: str, card: str, project: str
) -> None:
    assert installed(checkout, part, TWOBAR_GPU=card) == [project]
    assert installed(checkout, part, TWOBAR_GPU=card) == []  # nothing new


def test_a_card_that_came_later_is_seen(checkout: Path) -> None:
    assert installed(checkout, "core", TWOBAR_GPU="no") == [".[page]"]
    assert installed(checkout, "core", TWOBAR_GPU="yes") == [".[gpu,page]"]


def test_the_driver_says_whether_there_is_a_card(checkout: Path) -> None:
    programs = checkout / "programs"
    programs.mkdir()
    driver = programs / "nvidia-smi"
    driver.write_text("#!/bin/sh\nexit 0\n")
    driver.chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    assert installed(checkout, "core", PATH=path, TWOBAR_GPU="") == [".[gpu,page]"]


def test_exact_versions_are_installed(checkout: Path) -> None:
    installed(checkout, "core", TWOBAR_GPU="no")
    asked = (checkout / ".venv" / "bin" / "asked").read_text().splitlines()
    assert [line for line in asked if "pip install" in line and "-c constraints.txt" not in line] == []


def test_another_word_than_yes_or_no_is_refused(checkout: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        installed(checkout, "core", TWOBAR_GPU="maybe")
    assert refusal.value.returncode == 2
    assert refusal.value.stderr.decode() == "twobar: TWOBAR_GPU is yes or no, not 'maybe'\n"
