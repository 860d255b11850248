"""The programs beside the commands: each answers --help, and takes no option for a file."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.root import ROOT

PROGRAMS = sorted(
    path
    for room in ("scripts", "benchmarks")
    for path in (ROOT / room).glob("*.py")
    if "__main__" in path.read_text(encoding="utf-8")
)
PARSERS = {"click.command", "argparse.ArgumentParser"}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_what_is_given_to_a_program_is_parsed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert names & PARSERS
    assert "sys.argv" not in names


@pytest.mark.parametrize(("words", "code", "told"), [
    (["--help"], 0, "python -m scripts.pictures docs"),
    (["nowhere"], 2, "'nowhere' does not exist"),
    (["--hlep"], 2, "No such option"),
])  # fmt: skip
def test_the_pictures_folder_is_no_option(words: list[str], code: int, told: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "scripts.pictures", *words],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == code
    assert told in run.stdout + run.stderr
