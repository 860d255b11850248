"""The machine with ALSA's sequencer: what it runs, without booting one."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts import alsa_machine


def test_its_first_program_loads_the_modules_in_order_and_keeps_the_command_s_words(tmp_path: Path) -> None:
    script = alsa_machine.init_script(["snd.ko", "snd-seq.ko"], ["python", "-c", "print('a b')"], tmp_path)
    assert script.index("insmod /modules/snd.ko") < script.index("insmod /modules/snd-seq.ko")
    path = tmp_path / "init"
    path.write_text(script)
    subprocess.run(["bash", "-n", str(path)], check=True)
    (line,) = [line for line in script.splitlines() if line.startswith("chroot")]
    words = shlex.split(line)
    inside = shlex.split(words[words.index("-c") + 1])
    assert inside[-3:] == ["python", "-c", "print('a b')"]
    assert f"{tmp_path};" in inside


def test_modules_come_after_those_they_rest_on_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        alsa_machine, "_run", lambda *words: f"insmod /k/snd.ko \ninsmod /k/{words[-1]}.ko \nbuiltin ext4\n"
    )
    found = alsa_machine.modules_of(tmp_path, "6.1")
    assert found[0] == Path("/k/snd.ko")
    assert [path.stem for path in found[1:]] == list(alsa_machine.MODULES)


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "cpio" else name)
    said = CliRunner().invoke(alsa_machine.main, ["--kernel", str(tmp_path), "true"])
    assert (said.exit_code, "not installed: cpio" in said.output) == (1, True)
    monkeypatch.setattr(shutil, "which", lambda name: name)
    said = CliRunner().invoke(alsa_machine.main, ["--kernel", str(tmp_path), "true"])
    assert (said.exit_code, "boot/vmlinuz-*" in said.output) == (1, True)
