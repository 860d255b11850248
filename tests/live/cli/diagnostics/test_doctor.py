"""The examination: judged on findings of the test's own, and once on this very machine."""

import re
from dataclasses import replace

import pytest

from live.cli.diagnostics import doctor
from live.cli.diagnostics.check import Check
from live.cli.diagnostics.doctor import Findings, judge

WELL = Findings(
    apis=("alsa", "jack"),
    answering=("alsa",),
    inputs=("MPK mini 3 24:0",),
    outputs=("synth 28:0",),
    jack_installed=True,
    jack_running=True,
    jack_client="0.5.7",
    fluidsynth="2.3.1",
    audio="alsa",
    soundfont="/fonts/TimGM6mb.sf2",
    realtime=True,
    models=("keys", "lead"),
    onnxruntime="1.31.1",
    torch="2.13.0",
    columns=120,
    lines=40,
    colours=True,
)


def row(found: Findings, what: str) -> Check:
    (one,) = [row for row in judge(found) if row.what == what]
    return one


def test_on_a_good_machine_all_is_well() -> None:
    rows = judge(WELL)
    assert all(row.ok for row in rows), rows
    assert not any(row.fix for row in rows)
    assert row(WELL, "keyboard").text == "MPK mini 3 24:0"


@pytest.mark.parametrize(
    ("fault", "told", "fix"),
    [
        ("", "at its moment", ""),
        (
            "a queue's timer beats too rarely here: 4 ms",
            "when they are due.*4 ms",
            "sudo modprobe snd-hrtimer",
        ),
        ("libasound.so.2: cannot open", "when they are due.*libasound", ""),
    ],
)
def test_it_says_whether_messages_on_alsa_leave_from_a_queue(fault: str, told: str, fix: str) -> None:
    found = row(replace(WELL, queue_fault=fault), "ALSA")
    assert (found.ok, found.fix) == (True, fix)
    assert re.search(told, found.text)


def test_on_a_bare_machine_each_missing_part_has_its_cure() -> None:
    bare = Findings(apis=("alsa", "jack"))
    cures = {row.what: row.fix for row in judge(bare) if not row.ok}
    assert cures == {
        "MIDI": "sudo modprobe snd-seq",
        "JACK": "sudo apt-get install jackd2",
        "FluidSynth": "sudo apt-get install libfluidsynth3",
        "soundfont": "pip install pretty_midi",
        "sound": "",
        "priority": doctor._REALTIME_FIX,
        "models": "pip install --force-reinstall .",
        "runtime": "pip install onnxruntime",
        "terminal": "",
    }
    assert [row.what for row in judge(bare) if row.needed and not row.ok] == ["models", "runtime"]
    assert all("\n" not in row.text and row.text for row in judge(bare))


@pytest.mark.parametrize(
    ("installer", "fix"),
    [("brew", "brew install fluid-synth"), ("pacman", "sudo pacman -S fluidsynth"), ("", "")],
)
def test_the_cure_speaks_the_machines_language(installer: str, fix: str) -> None:
    assert row(replace(WELL, fluidsynth="", installer=installer), "FluidSynth").fix == fix


def test_what_only_makes_it_better_is_not_needed() -> None:
    found = replace(
        WELL, inputs=(), jack_running=False, realtime=False, onnxruntime="", audio="", audio_reason="no card"
    )
    missing = {row.what for row in judge(found) if not row.ok}
    assert missing == {"keyboard", "JACK", "priority", "sound"}
    assert not any(row.needed for row in judge(found) if not row.ok)
    assert row(found, "JACK").fix == "jackd -d alsa"
    assert row(found, "sound").text == "no card"


def test_jack_keeps_frames_with_its_extra() -> None:
    assert "on its frame" in row(WELL, "JACK").text
    without = row(replace(WELL, jack_client=""), "JACK")
    assert (without.ok, without.fix) == (True, "pip install JACK-Client")


@pytest.mark.parametrize(
    ("columns", "lines", "ok"), [(80, 24, True), (79, 24, False), (80, 23, False), (0, 0, False)]
)
def test_the_terminal_must_be_large_enough(*, columns: int, lines: int, ok: bool) -> None:
    assert row(replace(WELL, columns=columns, lines=lines), "terminal").ok is ok


def test_few_colours_and_old_encodings_are_reported() -> None:
    found = replace(WELL, colours=False, encoding="ISO-8859-1")
    assert row(found, "colours").fix == "export TERM=xterm-256color"
    assert row(found, "characters").text == "ISO-8859-1, not UTF-8"


def test_elsewhere_than_on_linux_priority_has_no_cure() -> None:
    assert row(replace(WELL, platform="darwin", realtime=False), "priority").fix == ""


def test_this_machine_can_be_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "twobar-nobody")
    rows = doctor.examine()
    assert {row.what for row in rows} >= {"MIDI", "FluidSynth", "soundfont", "sound", "priority", "models"}
    assert not next(row for row in rows if row.what == "JACK").ok
