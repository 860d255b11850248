"""Opening FluidSynth: what is missing is said; no audio device is needed."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from ctypes import byref, c_int
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from live.devices import fluidsynth
from live.devices.fluidsynth import FluidSynth, drivers_to_try, open_synth
from live.devices.jack.probe import one_at_a_time
from live.devices.stderr import stderr_diverted
from live.errors import SynthError, UsageError
from live.settings.schema import SynthSettings
from live.timing.midi_bytes import note_off, note_on, program
from model.midi.synth import default_soundfont
from model.midi.wav import BLOCK, _block

T = TypeVar("T")
SILENT = SynthSettings(driver="none")


def test_the_default_soundfont_is_found_without_importing_its_package() -> None:
    assert default_soundfont().name == "TimGM6mb.sf2"


def test_notes_take_and_free_voices() -> None:
    synth = FluidSynth(SILENT)

    def voices() -> int:
        return int(synth._api.fluid_synth_get_active_voice_count(synth.handle))

    assert synth.name == "fluidsynth (none)"
    synth.send(note_on(1, 60, 100))
    assert voices() > 0
    synth.send(note_off(1, 60))
    synth.all_off()
    _block(synth._api, synth.handle, BLOCK)
    assert voices() == 0
    synth.close()
    with pytest.raises(SynthError, match="FluidSynth is closed"):
        voices()


def test_a_missing_library_is_one_sentence_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(SynthError, match=r"FluidSynth's library is missing.*get it: .*install") as caught:
        FluidSynth(SILENT)
    assert "\n" not in str(caught.value)


def test_a_missing_default_soundfont_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SynthError, match=r"the soundfont TimGM6mb\.sf2 is missing"):
        FluidSynth(SILENT)


def test_wrong_soundfonts_are_reported(tmp_path: Path) -> None:
    with pytest.raises(SynthError, match=r"the soundfont '.*none\.sf2' cannot be read: No such file"):
        FluidSynth(SynthSettings(driver="none", soundfont=str(tmp_path / "none.sf2")))
    text = tmp_path / "text.sf2"
    text.write_text("not a soundfont at all")
    with pytest.raises(SynthError, match=r"text\.sf2' is not a soundfont; an \.sf2"):
        FluidSynth(SynthSettings(driver="none", soundfont=str(text)))


def test_a_truncated_soundfont_is_reported_and_says_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.sf2"
    cut.write_bytes(default_soundfont().read_bytes()[:10_000])
    with pytest.raises(SynthError, match=r"the soundfont '.*cut\.sf2' is broken: "):
        FluidSynth(SynthSettings(driver="none", soundfont=str(cut)))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_wrong_soundfont_is_said_and_the_default_one_plays(tmp_path: Path, size: int) -> None:
    wrong = tmp_path / "wrong.sf2"
    wrong.write_bytes(default_soundfont().read_bytes()[:size])
    synth, said = open_synth(SynthSettings(driver="none", soundfont=str(wrong)))
    assert synth.soundfont == default_soundfont()
    assert len(said) == 1
    assert said[0].endswith("TimGM6mb.sf2 plays instead")
    synth.close()


def test_an_unknown_driver_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown audio driver 'jakc'.*did you mean 'jack'\?"):
        FluidSynth(SynthSettings(driver="jakc"))


def test_a_driver_that_is_not_built_in_is_reported() -> None:
    with pytest.raises(SynthError, match=r"no audio device answers: plug one in, .* \(tried dsound: .*\)$"):
        FluidSynth(SynthSettings(driver="dsound"))


def test_a_client_of_jack_is_opened_by_itself_and_only_then_is_standard_error_diverted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = list[str]()

    @contextmanager
    def noted(name: str, really: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
        order.append(name)
        with really() as found:
            yield found
        order.append(f"{name} over")

    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    monkeypatch.setattr(fluidsynth, "one_at_a_time", partial(noted, "alone", one_at_a_time))
    monkeypatch.setattr(fluidsynth, "stderr_diverted", partial(noted, "diverted", stderr_diverted))
    with pytest.raises(SynthError, match=r"no audio device answers: .* \(tried jack: "):
        FluidSynth(SynthSettings(driver="jack"))
    assert order[2:6] == ["alone", "diverted", "diverted over", "alone over"]


def test_where_a_jack_server_stands_still_the_synth_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def standing() -> AbstractContextManager[None]:
        raise OSError("the JACK server stands still")

    monkeypatch.setattr(fluidsynth, "one_at_a_time", standing)
    with pytest.raises(SynthError, match=r"\(tried jack: the JACK server stands still\)"):
        FluidSynth(SynthSettings(driver="jack"))


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", ["jack", "pipewire", "pulseaudio", "alsa"]),
        ("darwin", ["coreaudio"]),
        ("win32", ["wasapi", "dsound"]),
    ],
)
def test_auto_tries_the_best_first(
    monkeypatch: pytest.MonkeyPatch, platform: str, expected: list[str]
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert drivers_to_try("auto") == expected


def test_a_channel_is_made_a_drummer_s() -> None:
    synth = FluidSynth(SILENT)

    def bank(channel: int) -> int:
        font, number, preset = c_int(), c_int(), c_int()
        synth._api.fluid_synth_get_program(
            synth.handle, channel - 1, byref(font), byref(number), byref(preset)
        )
        return number.value

    assert (bank(5), bank(10)) == (0, 128)
    synth.play_drums(5)
    synth.send(program(5, 0))
    assert bank(5) == 128
    synth.close()
    synth.play_drums(5)  # too late, and no harm
