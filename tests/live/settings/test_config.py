"""live.toml: defaults, what is refused and in which words, overriding."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.errors import UsageError
from live.settings import config as settings
from live.settings.knobs import KNOBS
from live.settings.schema import Config, JamSettings, PartName
from model import strict
from model.music.tracks import TRACKS
from tests.root import ROOT

BPM = f"from {KNOBS['tempo'].low:g} to {KNOBS['tempo'].high:g}"


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without settings, and a home without settings."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / "home" / name))
    return tmp_path


def fault(folder: Path, text: str) -> str:
    path = folder / "live.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        settings.load(path)
    sentence = str(caught.value)
    assert "live.toml" in sentence
    assert "\n" not in sentence
    assert caught.value.exit_code == 2
    return sentence


def test_the_shipped_file_says_the_defaults() -> None:
    assert settings.load(ROOT / "live.toml") == Config()


def test_the_shipped_file_documents_every_key() -> None:
    text = (ROOT / "live.toml").read_text(encoding="utf-8")
    raw = strict.read_toml(ROOT / "live.toml")
    for section in strict.field_hints(Config):
        if section in ("scene", "song"):
            continue
        kind = type(getattr(Config(), section))
        assert list(raw[section]) == list(kind.__struct_fields__)
        for key in raw[section]:
            assert re.search(rf"^{key} = .*# \S", text, re.MULTILINE), f"{section}.{key} has no comment"


def test_the_shipped_file_says_the_range_of_the_tempo() -> None:
    assert BPM.removeprefix("from ") in (ROOT / "live.toml").read_text(encoding="utf-8")


def test_the_scene_in_the_shipped_file_is_right_once_uncommented(tmp_path: Path) -> None:
    text = (ROOT / "live.toml").read_text(encoding="utf-8")
    _, marker, example = text.partition("# [[scene]]")
    path = tmp_path / "live.toml"
    path.write_text(re.sub(r"^# ", "", marker + example, flags=re.MULTILINE), encoding="utf-8")
    text = re.sub(r"^Songs are .*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path.write_text(text, encoding="utf-8")
    (scene,), (song,) = settings.load(path).scene, settings.load(path).song
    assert scene.knobs == {"density": -0.5, "stray": 0.2}
    assert [(link.scene, link.bars, link.over) for link in song.chain] == [(1, 8, 0), (2, 16, 2), (3, 0, 0)]


def test_parts_are_the_tracks() -> None:
    assert get_args(PartName) == TRACKS


def test_without_any_file_the_defaults_hold(nowhere: Path) -> None:
    assert settings.load() == Config()


def test_the_folder_comes_before_home(nowhere: Path) -> None:
    home = nowhere / "home" / "twobar"
    home.mkdir(parents=True)
    (home / "live.toml").write_text("[jam]\nbpm = 90\n")
    assert settings.load().jam.bpm == 90
    Path("live.toml").write_text("[jam]\nbpm = 100\n")
    assert settings.load().jam.bpm == 100


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is no file that can be read; leave --config away"):
        settings.load(tmp_path)


def test_a_named_file_must_exist(nowhere: Path) -> None:
    with pytest.raises(UsageError, match=r"the settings file 'stage\.toml' does not exist; leave"):
        settings.load(Path("stage.toml"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[jam]\nbmp = 1", ["'bmp'", "[jam]", "horizon_bars", "did you mean 'bpm'"]),
        ("[jma]\nbpm = 1", ["'jma'", "dashboard, jam", "did you mean 'jam'"]),
        ("[jam]\nbpm = 500", ["jam.bpm", BPM, "not 500"]),
        ("[jam]\nbpm = nan", ["jam.bpm", "not nan"]),
        ("[jam]\nbpm = 'fast'", ["jam.bpm", "a number", "not 'fast'"]),
        ("[jam]\nmode = 'folow'", ["jam.mode", "'hold'", "not 'folow'", "did you mean 'follow'"]),
        ("[jam]\nmetre = '3/5'", ["jam.metre", "'3/5'", "12/8, 2/4, 3/4", "auto", "did you mean '3/4'"]),
        ("[jam]\nmetre = 3", ["jam.metre", "text", "not 3"]),
        ("[jam]\nthru = 1", ["jam.thru", "true or false", "not 1"]),
        ("[jam]\nseed = -1", ["jam.seed", "from 0 to 4294967295", "not -1"]),
        ("[jam]\nmodel = ''", ["jam.model", "not empty"]),
        ("jam = 3", ["jam must be a table", "not 3"]),
        ("[midi]\nperformer_channel = 17", ["midi.performer_channel", "from 1 to 16", "not 17"]),
        ("[midi]\napi = 'oss'", ["midi.api", "'jack'", "not 'oss'"]),
        ("[midi]\nclock = 'mdi'", ["midi.clock", "'midi'", "not 'mdi'", "did you mean 'midi'"]),
        ("[midi]\nclock_source = ''", ["midi.clock_source", "not empty"]),
        (
            "[midi]\ntime_code_start = '1:00'",
            ["midi.time_code_start", "'1:00' is no time code", "from 00"],
        ),
        ("[midi]\noutput = 3", ["midi.output", "text that is not empty or a list of texts", "not 3"]),
        ("[midi]\noutput = ['']", ["midi.output 1", "text that is not empty", "not ''"]),
        (
            "[midi]\noutput_latency_ms = { synth = 'x' }",
            ["midi.output_latency_ms.synth", "a number", "not 'x'"],
        ),
        ("[[song]]\nname = 'x'\nchain = []", ["song 1, chain must be a list", "not an empty one"]),
        ("[midi]\nbass_channel = 0", ["midi.bass_channel", "from 1 to 16", "not 0"]),
        ("[midi]\nchord_channel = 3", ["'chord_channel'", "did you mean 'chords_channel'"]),
        ("[synth]\ndrum_program = 128", ["synth.drum_program", "from 0 to 127"]),
        ("[model]\ntop_k = -1", ["model.top_k", "from 0 to 1000", "not -1"]),
        ("[model]\ntop_p = 0", ["model.top_p", "from 0.01 to 1", "not 0"]),
        ("[model]\nkey = 'H'", ["model.key", "unknown key 'H'", "A to G"]),
        ("[model]\nchords = 'C Amx'", ["model.chords", "unknown chord 'Amx'"]),
        ("[model]\nsplit = 'lines'", ["model.split", "'lines'", "C-1 to G9", "did you mean 'line'"]),
        ("[model]\nsplit = 48", ["model.split", "text", "not 48"]),
        ("[osc]\nport = 70000", ["osc.port", "65535"]),
        ("[dashboard]\nfps = 30", ["dashboard.fps", "from 1 to 15", "not 30"]),
        ("[dashboard]\nkeymap = { panic = 3 }", ["dashboard.keymap.panic", "text", "not 3"]),
        ("[[scene]]\nname = 'x'", ["scene 1", "number is missing"]),
        ("[[scene]]\nnumber = 10", ["scene 1, number", "from 1 to 9"]),
        ("[[scene]]\nnumber = 1\nknob = {}", ["'knob'", "scene 1", "did you mean 'knobs'"]),
        ("[[scene]]\nnumber = 1\n[[scene]]\nnumber = 1", ["scene 2", "number 1", "scene 1"]),
        ("[[scene]]\nnumber = 1\nknobs = { densty = 0 }", ["'densty'", "scene 1", "did you mean 'density'"]),
        ("[[scene]]\nnumber = 1\nknobs = { stray = -0.5 }", ["scene 1, knobs.stray", "from 0 to 1", "-0.5"]),
        ("[jam]\nbpm 120", ["not valid TOML", "line 2, column 5"]),
        ("[jam", ["not valid TOML", "line 1, column 5"]),
        ("a = " + "[" * 5000, ["not valid TOML"]),
    ],
)
def test_what_is_wrong_is_reported_in_one_sentence(tmp_path: Path, text: str, words: list[str]) -> None:
    sentence = fault(tmp_path, text)
    for word in words:
        assert word in sentence


def test_bytes_that_are_no_text_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "live.toml"
    path.write_bytes(b"[jam]\n\xff")
    with pytest.raises(UsageError, match="byte 7 is not UTF-8"):
        settings.load(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    st.sampled_from([*Config.__struct_fields__, "other"]),
    st.sampled_from(["bpm", "mode", "output", "number", "knobs", "keymap", ""]),
)
def test_any_tables_give_settings_or_a_sentence(value: object, section: str, key: str) -> None:
    raw = {section: {key: value} if key else value}
    try:
        settings.parse(raw)
    except UsageError as error:
        assert "live.toml" in str(error)  # noqa: PT017 - either outcome is right


def test_one_port_or_several() -> None:
    one = settings.parse({"midi": {"output": "fluidsynth"}})
    two = settings.parse({"midi": {"output": ["Digitone", "virtual"], "input": []}})
    assert one.midi.outputs == ("fluidsynth",)
    assert two.midi.outputs == ("Digitone", "virtual")
    assert two.midi.inputs == ()


def test_the_take_folder_knows_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert JamSettings(take_folder="~/takes").take_path == tmp_path / "takes"


def test_settings_cross_processes() -> None:
    config = settings.parse({"scene": [{"number": 2, "knobs": {"stray": 1}}], "midi": {"input": ["a"]}})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(config), type=Config) == config


def test_the_command_line_wins() -> None:
    assert settings.with_options(Config(), metre="3/4").jam.metre == "3/4"
    with pytest.raises(UsageError, match=r"--metre: unknown metre '34'; there is: 12/8, 2/4, .*auto"):
        settings.with_options(Config(), metre="34")
    assert settings.with_options(Config(), phrase="4").jam.bars == 4
    assert settings.with_options(Config(), phrase="auto").jam.bars == 0
    assert settings.with_options(Config(), candidates="64").model.candidates_wanted == 64
    assert settings.with_options(Config(), candidates="auto").model.candidates_wanted == 0
    for wrong in ("0", "257"):
        said = f"--candidates must be a whole number from 1 to 256 or 'auto', not {wrong}"
        with pytest.raises(UsageError, match=said):
            settings.with_options(Config(), candidates=wrong)
    with pytest.raises(UsageError, match="--phrase must be 1, 2, 4, 8 or 'auto', not 3"):
        settings.with_options(Config(), phrase="3")
    config = settings.with_options(
        Config(), bpm=90.0, mode="hold", output=("virtual", "none"), thru=False, seed=None, clock="internal"
    )
    assert (config.jam.bpm, config.jam.mode, config.jam.thru) == (90.0, "hold", False)
    assert config.midi.outputs == ("virtual", "none")
    assert config.jam.seed == Config().jam.seed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bpm": 999.0}, ["--bpm", BPM, "999"]),
        ({"mode": "hodl"}, ["--mode", "did you mean 'hold'"]),
        ({"clock": "lnik"}, ["--clock", "did you mean 'link'"]),
        ({"api": "jak"}, ["--api", "did you mean 'jack'"]),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        settings.with_options(Config(), **options)
    for word in words:
        assert word in str(caught.value)


def test_every_option_names_a_key() -> None:
    for option, section, key in settings.OPTIONS.values():
        assert option.startswith("--")
        assert key in type(getattr(Config(), section)).__struct_fields__
