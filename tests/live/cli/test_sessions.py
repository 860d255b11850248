"""Sessions on the command line: begun, gone on with, begun anew, overridden by options, and listed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from live.cli import sessions
from live.cli.sessions import Opened, listed, opened, overridden
from live.errors import UsageError
from live.ipc.jam_memory import JamMemory
from live.session import folder
from live.session.keeper import SessionKeeper
from live.settings.config import with_options
from live.settings.schema import Config
from tests.live.session.test_keeper import MEMORY, SCENES

OPTIONS = (
    "session",
    "bpm",
    "metre",
    "model",
    "mode",
    "thru",
    "seed",
    "temperature",
    "vary",
    "key",
    "mapping",
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folder, "folder", lambda: tmp_path)
    return tmp_path


def given_options(**options: Any) -> tuple[dict[str, Any], Config]:
    """Return the arguments of a command line, and the settings with them."""
    arguments = {**dict.fromkeys(OPTIONS), "fresh": False, **options}
    settings = {name: value for name, value in options.items() if name not in ("session", "fresh")}
    return arguments, with_options(Config(), **settings)


def jam(**options: Any) -> Opened:
    arguments, config = given_options(**options)
    with opened(arguments, config, headless=False) as found:
        return found


def save(name: str, memory: JamMemory = MEMORY) -> Path:
    path = folder.path_of(name)
    keeper = SessionKeeper(path, seed=7, spare=False, say=lambda line: pytest.fail(line.text))
    keeper.update(memory)
    keeper.update(SCENES)
    keeper.close()
    return path


def test_a_name_that_is_new_begins_a_session(home: Path) -> None:
    found = jam(session="friday")
    assert found == Opened(str(home / "friday.toml"), Config(), None, False, [])
    assert found.model == ""


def test_a_name_that_is_there_goes_on(home: Path) -> None:
    save("friday")
    found = jam(session="friday")
    assert found.begins_with is not None
    memory, scenes = found.begins_with
    assert (memory.state, scenes) == (MEMORY.state, SCENES)
    assert (found.model, found.config.jam.seed, found.spare, found.remarks) == ("keys", 7, False, [])


def test_fresh_begins_clean_and_spares_the_old_one(home: Path) -> None:
    save("friday")
    found = jam(session="friday", fresh=True)
    assert (found.begins_with, found.spare) == (None, True)


def test_a_jam_without_a_name_begins_clean_and_is_saved_as_the_last(home: Path) -> None:
    save("last")
    found = jam()
    assert (found.path, found.begins_with, found.spare) == (str(home / "last.toml"), None, True)
    assert found.remarks == []
    assert jam(session="last").begins_with is not None


def test_a_jam_that_was_cut_off_is_offered(home: Path) -> None:
    keeper = SessionKeeper(
        folder.path_of("last"), seed=7, spare=False, say=lambda line: pytest.fail(line.text)
    )
    keeper.update(MEMORY)
    keeper.update(SCENES)
    keeper.save()
    assert jam().remarks == ["your last jam was cut off: `twobar jam --session last` goes on with it"]


def test_a_script_s_jam_is_not_saved(home: Path) -> None:
    arguments, config = given_options()
    with opened(arguments, config, headless=True) as found:
        assert found.path == ""
    arguments, config = given_options(session="friday")
    with opened(arguments, config, headless=True) as found:
        assert found.path == str(home / "friday.toml")


def test_one_session_has_one_jam_and_jams_without_a_name_have_one_each(home: Path) -> None:
    arguments, config = given_options(session="friday")
    with opened(arguments, config, headless=False), pytest.raises(UsageError, match="in use by another jam"):
        jam(session="friday")
    arguments, config = given_options()
    with opened(arguments, config, headless=False):
        assert jam().path == str(home / "last-2.toml")


@pytest.mark.parametrize("text", ["no = toml = at all", "version = 99\n"])
def test_what_cannot_be_read_is_told_and_put_aside(home: Path, text: str) -> None:
    (home / "friday.toml").write_text(text)
    found = jam(session="friday")
    assert (found.begins_with, found.spare) == (None, True)
    (remark,) = found.remarks
    assert remark.startswith(f"{home / 'friday.toml'}: ")
    assert remark.endswith("; it is put aside, and this jam begins clean")


def test_a_model_that_is_gone_is_told_and_the_settings_own_plays(home: Path) -> None:
    state = msgspec.structs.replace(MEMORY.state, model="kees", model_ident="kees-1")
    save("friday", msgspec.structs.replace(MEMORY, state=state))
    found = jam(session="friday")
    assert found.begins_with is not None
    assert (found.model, found.spare) == ("keys", True)
    assert found.begins_with[0].state.model_ident == "kees-1"
    (remark,) = found.remarks
    assert remark.startswith("session 'friday': unknown model 'kees'")
    assert remark.endswith("did you mean 'keys'?; keys plays, and finds its places anew")


def test_what_the_command_line_says_wins() -> None:
    own = {"bpm": 90.0, "metre": "3/4", "model": "lead", "mode": "drift", "thru": False}
    arguments, config = given_options(**own, temperature=0.5, vary=0.25, key="D minor")
    memory = overridden(MEMORY, arguments, config)
    state = memory.state
    assert (state.mode, state.metre, state.model, memory.thru) == ("drift", "3/4", "lead", False)
    assert state.knobs == {"density": 0.25, "tempo": 90.0, "temperature": 0.5, "vary": 0.25}
    assert (state.conditions, state.vary_set, memory.chosen_model) == ({"key": "D minor"}, True, "lead")


def test_what_it_does_not_say_is_the_session_s() -> None:
    arguments, config = given_options()
    memory = overridden(MEMORY, arguments, config)
    assert memory == msgspec.structs.replace(MEMORY, chosen_model="keys")
    state = msgspec.structs.replace(MEMORY.state, conditions={"key": "C", "style": "waltz"})
    arguments, config = given_options(key="auto")
    changed = overridden(msgspec.structs.replace(MEMORY, state=state), arguments, config)
    assert changed.state.conditions == {"style": "waltz"}


def test_a_mapping_on_the_command_line_holds_for_every_controller() -> None:
    state = msgspec.structs.replace(MEMORY.state, mapping={"keys": "mine"})
    memory = msgspec.structs.replace(MEMORY, state=state)
    for name, left in ((None, {"keys": "mine"}), ("footswitch", {}), ("auto", {})):
        arguments, config = given_options(**({} if name is None else {"mapping": name}))
        assert overridden(memory, arguments, config).state.mapping == left


@pytest.mark.parametrize(("name", "sentence"), [("", "''"), ("a/b", "not 'a/b'")])
def test_what_is_no_name_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        jam(session=name)


def test_they_are_listed(home: Path) -> None:
    assert listed() == [sessions.NOTHING]
    save("friday")
    (home / "bad.toml").write_text("what")
    with folder.claimed(folder.path_of("friday")):
        lines = {line.partition(":")[0]: line for line in listed()}
    assert lines["friday"].endswith(", keys, hold, 1 scene")
    assert "not valid TOML" in lines["bad"]
