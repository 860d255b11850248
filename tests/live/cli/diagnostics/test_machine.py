"""Whether a computer is fit: what its system says, and what is measured."""

from pathlib import Path

import pytest

from live.cli.diagnostics import machine
from live.cli.diagnostics.machine import buffer_check, decoding, decoding_ms, lateness, settings_of
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import FakeClock


def written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def rows(tmp_path: Path) -> dict[str, tuple[bool, str, str]]:
    found = settings_of(system=tmp_path / "sys", processes=tmp_path / "proc")
    return {row.what: (row.ok, row.text, row.fix) for row in found}


def test_a_system_that_says_nothing_is_not_blamed(tmp_path: Path) -> None:
    assert rows(tmp_path).keys() == {"audio buffer", "graphics card"}
    assert rows(tmp_path)["graphics card"][0]


@pytest.mark.parametrize(
    ("governors", "ok"),
    [(["performance"] * 2, True), (["powersave"] * 2, False), (["performance", "ondemand"], False)],
)
def test_a_governor_that_saves_power_is_named_with_its_cure(
    tmp_path: Path, governors: list[str], *, ok: bool
) -> None:
    for number, governor in enumerate(governors):
        written(tmp_path / f"sys/devices/system/cpu/cpu{number}/cpufreq/scaling_governor", governor)
    found = rows(tmp_path)["governor"]
    assert found[0] is ok
    assert governors[-1] in found[1]
    assert found[2].startswith("echo performance") is not ok


def test_a_keyboard_that_may_be_put_to_sleep_is_named_once_and_other_devices_are_not(tmp_path: Path) -> None:
    devices = tmp_path / "sys/bus/usb/devices"
    for interface in ("1-2:1.0", "1-2:1.1"):
        written(devices / interface / "bInterfaceClass", "01")
    written(devices / "1-3:1.0" / "bInterfaceClass", "03")
    written(devices / "1-2/product", "KeyStep 37")
    written(devices / "1-2/power/control", "auto")
    written(devices / "1-3/power/control", "auto")
    ok, text, fix = rows(tmp_path)["USB"]
    assert not ok
    assert text.startswith("KeyStep 37: ")
    assert fix == f"echo on | sudo tee {devices}/1-2/power/control"
    written(devices / "1-2/power/control", "on")
    assert rows(tmp_path)["USB"][0]


def test_a_large_buffer_is_late(tmp_path: Path) -> None:
    assert buffer_check(256, 48_000, "JACK").ok
    large = buffer_check(1024, 48_000, "JACK")
    assert (large.ok, large.fix) == (False, "jackd -d alsa -p 128")
    assert "21.3 ms" in large.text


def test_a_graphics_card_is_named(tmp_path: Path) -> None:
    written(
        tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t GeForce RTX 4060\nIRQ: 16"
    )
    assert rows(tmp_path)["graphics card"][1].startswith("GeForce RTX 4060")


class Tardy(FakeClock):
    """Wakes late, and very late once."""

    def __init__(self, late: int, worst: int = 0) -> None:
        super().__init__()
        self.late, self.worst = late, worst

    def wait_until(self, moment: Nanos) -> None:
        super().wait_until(Nanos(moment + self.late + self.worst))
        self.worst = 0


@pytest.mark.parametrize(
    ("late", "worst", "ok"),
    [(100_000, 0, True), (100_000, 4_000_000, True), (100_000, 40_000_000, False), (2_000_000, 0, False)],
)
def test_lateness_is_that_of_the_clock(late: int, worst: int, *, ok: bool) -> None:
    row = lateness(Tardy(late, worst), 10.0)
    assert row.ok is ok
    assert f"{late / 1e6:.2f} ms" in row.text


def test_each_model_has_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    found = decoding(["keys", "drums"], decode_ms={"keys": 2.0, "drums": 80.0}.__getitem__)
    assert [(row.what, row.ok, row.otherwise) for row in found] == [
        ("model", True, "missing"),
        ("model", False, "unfit"),
    ]
    assert "drums takes 80.0 ms" in found[1].text
    monkeypatch.setattr(machine, "DECODES", 2)
    assert 0 < decoding_ms("drums") < 10_000
