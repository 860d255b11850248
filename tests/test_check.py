"""scripts/check.sh: the tests run in two parts, and either's failure is the whole's; what the parts are."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import HERE, SERIAL, is_serial
from tests.root import ROOT

PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> asked
case "$*" in *"--part parallel"*) exit $PARALLEL;; *"--part serial"*) exit $SERIAL;; esac
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="the script is bash's")
@pytest.mark.parametrize(
    ("parallel", "serial", "status"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 5, 0), (5, 0, 0), (5, 5, 5), (5, 1, 1), (2, 1, 2)],
)
def test_either_part_s_failure_is_the_whole_s(
    tmp_path: Path, parallel: int, serial: int, status: int
) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "check.sh", tmp_path / "scripts")
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("ruff", "mypy", "lint-imports", "pytest"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    ended = subprocess.run(
        ["bash", tmp_path / "scripts" / "check.sh", "tests/live", "-x"],
        env={"PATH": "/usr/bin:/bin", "PARALLEL": str(parallel), "SERIAL": str(serial)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == status
    asked = (tmp_path / "asked").read_text().splitlines()
    tests = [line for line in asked if line.startswith("pytest")]
    assert [line.partition("--part ")[2].split()[0] for line in tests] == ["parallel", "serial"]
    assert all("tests/live -x" in line for line in tests)


def test_the_serial_tests_exist() -> None:
    assert [path for path in SERIAL if not path.exists()] == []


def test_tests_that_start_an_instrument_are_serial() -> None:
    starts = re.compile(r'"-m", "live"(?:, "jam"|\))|\bJamProcess\(|\bJackServer\(')
    files = [path for path in HERE.rglob("test_*.py") if starts.search(path.read_text(encoding="utf-8"))]
    assert {HERE / "live" / "cli" / "test_group.py", HERE / "live" / "cli" / "test_terminal.py"} <= {*files}
    assert [path for path in files if not is_serial(path) and path != Path(__file__)] == []
