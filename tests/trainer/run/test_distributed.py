"""Several processes: what they share, and that they learn what one process with all their phrases learns."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fakes import two_processes
from tests.fakes.runs import assert_equal, rows
from tests.fakes.synthetic import TINY, prepare
from tests.root import ROOT
from trainer.errors import RequestError
from trainer.run.distributed import World, joined

pytestmark = pytest.mark.timeout(400)  # processes that start processes, on a machine that may be busy


def launched(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Start two processes as a user does."""
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    return subprocess.run(
        [*launch, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        timeout=190,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("two")
    prepare(made / "data", "melody", train=16)
    text = TINY["melody"].replace("edits = 12", "edits = 6").replace("batch = 8", "batch = 4")
    (made / "tiny.toml").write_text(text)
    script = str(ROOT / "tests" / "fakes" / "two_processes.py")
    ended = launched(script, str(made / "tiny.toml"), str(made / "data"), str(made))
    assert ended.returncode == 0, ended.stderr
    return made


def facts_of(folder: Path, rank: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"found{rank}.json").read_text())
    return found


def test_what_processes_tell_each_other(folder: Path) -> None:
    first, second = facts_of(folder, 0), facts_of(folder, 1)
    assert first["highest"] == second["highest"] == [1.0, 0.0]
    assert first["gathered"] == [["from", 0], ["from", 1]]
    assert first["shared"] == second["shared"] == "made by 0"
    assert first["refused"] == second["refused"] == "no such thing"


def test_both_processes_end_with_equal_weights(folder: Path) -> None:
    for mode in ("whole", "stopped", "resumed"):
        one, other = (torch.load(folder / f"{mode}{rank}.pt", weights_only=True) for rank in (0, 1))
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert torch.equal(value, other[name]), name


def test_two_processes_learn_what_one_learns_from_all_their_phrases(folder: Path) -> None:
    one, other = (torch.load(folder / f"update{rank}.pt", weights_only=True) for rank in (0, 1))
    # two processes x two batches of four phrases, as one batch of sixteen
    whole = two_processes.update(folder / "tiny.toml", World(), batches=1, size=4 * two_processes.EACH)
    for name, value in whole.items():
        assert torch.equal(one[name], other[name]), name
        torch.testing.assert_close(one[name], value, atol=1e-5, rtol=1e-5)


def test_each_process_takes_other_phrases_of_the_same_order(folder: Path) -> None:
    first, second = facts_of(folder, 0), facts_of(folder, 1)
    assert first["whole order"] == second["whole order"]
    assert first["whole phrases"] == second["whole phrases"] == 6 * 4 * 2


def test_a_signal_to_one_process_stops_all_and_resuming_is_exact(folder: Path) -> None:
    assert facts_of(folder, 0)["stopped phrases"] == 3 * 4 * 2
    assert_equal(folder / "whole", folder / "parts")


def test_the_first_process_alone_logs_and_saves(folder: Path) -> None:
    assert [row["step"] for row in rows(folder / "whole")] == [6]
    assert [row["step"] for row in rows(folder / "parts")] == [3, 6]
    boards = list((folder / "whole" / "tensorboard").iterdir())
    assert len(boards) == 1
    assert (folder / "whole" / "tiny-lead.safetensors").is_file()


def test_the_command_of_the_documentation_runs(tmp_path: Path) -> None:
    data = prepare(tmp_path / "data", "melody", train=8)
    (data / "meta.json").write_text(
        json.dumps(
            {
                "grid": {"bars": 2, "beats_per_bar": 4, "steps_per_beat": 4},
                "phrases": {"melody": {"train": 8, "validation": 8, "test": 8}},
            }
        )
    )
    chosen = tmp_path / "tiny.toml"
    chosen.write_text(TINY["melody"])
    options = ("--config", str(chosen), "--data", str(data), "--out", str(tmp_path / "run"))
    ended = launched("-m", "trainer", "fit", *options, "--set", "fit.steps=2", "--set", "fit.edits=0")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("2 processes") == 1
    assert ended.stderr.count("wrote ") == 1


def test_alone_nothing_is_asked_of_others() -> None:
    with joined({}) as world:
        assert (world.rank, world.size, world.first) == (0, 1, True)
        assert world.highest(1.0, 2.0) == (1.0, 2.0)
        assert world.gather("a") == ["a"]
        assert world.shared(lambda: 3) == 3


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"RANK": "two", "WORLD_SIZE": "2"}, "must be numbers"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, r"RANK must be in 0\.\.1"),
    ],
)
def test_a_place_that_cannot_be_is_reported(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence), joined(environment):
        pass
