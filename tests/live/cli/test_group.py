"""Wrong use gets one plain sentence and exit 2, never a traceback; right use that fails exits 1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from live.cli.group import run
from live.command_line import twobar
from live.devices import ableton_link

WRONG = {
    "jma": ["unknown command 'jma'", "did you mean 'jam'?"],
    "jam --bmp 3": ["unknown option '--bmp'", "did you mean '--bpm'?"],
    "jam --bpm 900": ["--bpm", "30 to 300", "900"],
    "jam --bpm fast": ["--bpm must be a number from 30 to 300, not 'fast'\n"],
    "jam --vary lots": ["--vary must be a number from 0 to 1 or 'auto', not 'lots'\n"],
    "jam --seed 1.5": ["--seed must be a whole number from 0 to 4294967295, not 1.5\n"],
    "jam --osc-port x": ["--osc-port must be a whole number from 0 to 65535, not 'x'\n"],
    "jam --duration long": ["--duration must be a number, not 'long'\n"],
    "jam --record take.wav": ["--record must end in .mid or .midi, not 'take.wav'; did you mean 'take.mid'?"],
    "jam --in": ["option '--in' requires an argument\n"],
    "jam --mode folow": ["--mode", "'folow'", "did you mean 'follow'?"],
    "jam --clock mdi": ["--clock", "'mdi'", "did you mean 'midi'?"],
    "jam --model kees": ["unknown model 'kees'", "did you mean 'keys'?"],
    "jam --config nope.toml": ["nope.toml"],
    "jam --duration -1": ["--duration"],
    "jam --duration 1e300": ["--duration must be a number of seconds from 0 to 1000000000, not 1e+300"],
    f"jam --model {'m' * 300}": ["unknown model 'mmm"],
    "sample -n ten --out x": ["--number must be a whole number from 1 to 10000, not 'ten'\n"],
    "edit a.mid --density much --out x": ["--density must be a number from -1 to 1, not 'much'\n"],
    "--sed 3": ["unknown option '--sed'", "did you mean '--seed'?"],
    "learn densty": ["unknown knob or action 'densty'", "did you mean 'density'?"],
    "explore --model kees": ["unknown model 'kees'", "did you mean 'keys'?"],
}


def test_link_without_its_extra_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ableton_link, "LIBRARY", "no_such_library")
    assert run(twobar, ["jam", "--headless", "--clock", "link"]) == 2
    assert "pip install 'twobar[link]'" in capsys.readouterr().err


@pytest.mark.parametrize("line", WRONG)
def test_wrong_use_is_one_sentence(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(twobar, line.split()) == 2
    out, err = capsys.readouterr()
    said = [text for text in err.splitlines() if "no dashboard" not in text]
    assert out == ""
    assert len(said) == 1
    assert said[0].startswith("twobar: ")
    for part in WRONG[line]:
        assert part in f"{said[0]}\n"


def jam(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "live", "jam", "--headless", "--osc-port", "0", *options]
    path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "JACK_NO_START_SERVER": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--mapping", "defalt"], ["unknown mapping 'defalt'", "did you mean 'default'?"]),
        (["--out", "fluidsinth", "--in", "none"], ["'fluidsinth'", "did you mean 'fluidsynth'?"]),
        (["--in", "virtuel", "--out", "none"], ["'virtuel'", "did you mean 'virtual'?"]),
    ],
)
def test_what_only_the_engine_can_know_is_one_sentence_too(
    tmp_path: Path, options: list[str], parts: list[str]
) -> None:
    done = jam(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


def test_an_unknown_key_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "live.toml").write_text("[jam]\nbmp = 100\n")
    done = jam(tmp_path)
    assert done.returncode == 2
    for part in ("'bmp'", "[jam]", "live.toml", "did you mean 'bpm'?"):
        assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_corrupt_checkpoint_is_said_and_the_instrument_starts(tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"\x00" * 100)
    done = jam(tmp_path, "--model", "broken.safetensors", "--in", "none", "--out", "none", "--duration", "4")
    assert done.returncode == 0
    assert '"ready": "thru"' in done.stdout
    assert "broken.safetensors" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_take_that_cannot_be_written_is_said_and_the_instrument_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = jam(
        tmp_path, "--record", "file/take.mid", "--in", "none", "--out", "none", "--duration", "1", "--no-thru"
    )
    assert done.returncode == 1  # what was asked for was not done
    assert "take.mid" in done.stderr


def test_the_short_form_asks_for_the_same_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(twobar, ["--help"]) == 0
    wanted = capsys.readouterr().out
    assert "Commands:" in wanted
    assert run(twobar, ["-h"]) == 0
    assert capsys.readouterr().out == wanted


def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for name in twobar.commands:
        assert run(twobar, [name, "--help"]) == 0
        assert "Example: twobar" in " ".join(capsys.readouterr().out.split())
