"""What was learned lands in the performer's own file, and its comments stay."""

from pathlib import Path

import platformdirs
import pytest

from live.control.mappings import library, mapping_writer
from live.control.mappings.mapping_file import Control, read
from live.errors import FailureError

PORT = "Old keys:Old keys MIDI 1 28:0"
DENSITY = Control(cc=20, channel=3, knob="density")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own mappings folder, which is not there yet."""
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda name: str(tmp_path / name))
    return tmp_path / "twobar" / "mappings"


def test_a_shipped_mapping_is_copied_with_its_comments_and_hidden(home: Path) -> None:
    source = library.shipped()["akai-mpk-mini-mk3"]
    written = mapping_writer.write(source, PORT, DENSITY, fitting=True)
    assert written.path == home / source.name
    assert library.known()["akai-mpk-mini-mk3"] == written.path
    assert "# Pads of bank A" in written.text
    assert "schema.json" not in written.text
    assert read(written.path).control == [*read(source).control, DENSITY]
    again = mapping_writer.write(source, PORT, Control(cc=21, knob="gate"), fitting=True)
    assert again.before == written.text
    mapping_writer.take_back(again)
    mapping_writer.take_back(written)
    assert not written.path.exists()


def test_a_controller_without_a_mapping_gets_one_of_its_own(home: Path) -> None:
    default = library.shipped()["default"]
    written = mapping_writer.write(default, PORT, DENSITY, fitting=False)
    assert written.path == home / "old-keys-midi-1.toml"
    mapping = read(written.path)
    assert library.Library().file_for("Old keys:Old keys MIDI 1 40:0") == written.path
    assert mapping.controller.name == "Old keys MIDI 1"
    rest = [control for control in read(default).control if control.cc != 20]
    assert [control for control in mapping.control if control.cc != 20] == rest
    assert [control for control in mapping.control if control.cc == 20] == [DENSITY]


def test_what_listened_to_the_same_makes_room_in_its_place(home: Path) -> None:
    text = (
        "# mine\n[controller]\nname = 'x' # a name\n\n# first\n[[control]]\ncc = 20 # a pot\nknob = 'stray'\n"
        "takeover = 'jump'\n\n# second\n[[control]]\ncc14 = 20\nchannel = 4\nknob = 'gate'\n"
    )
    home.mkdir(parents=True)
    (marked := home / "mine.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(mapping_writer.write(marked, PORT, DENSITY, fitting=True).path).control[0] == DENSITY
    assert mapping_writer.with_control(text, DENSITY) == (
        "# mine\n[controller]\nname = 'x' # a name\n\n# first\n[[control]]\n"
        'cc = 20 # a pot\nknob = "density"\nchannel = 3\n'
        "\n# second\n[[control]]\ncc14 = 20\nchannel = 4\nknob = 'gate'\n"
    )
    pair = mapping_writer.with_control(text, Control(cc14=20, knob="feel"))
    assert pair.count("[[control]]") == 1
    assert "# first" in pair


def test_a_new_control_stands_at_the_end_behind_a_blank_line() -> None:
    text = "[controller]\nname = 'x'\n"
    first = mapping_writer.with_control(text, Control(cc=1, knob="gate"))
    assert first == "[controller]\nname = 'x'\n\n[[control]]\ncc = 1\nknob = \"gate\"\n"
    second = mapping_writer.with_control(first, Control(cc=2, action="tap"))
    assert second == first + '\n[[control]]\ncc = 2\naction = "tap"\n'


def test_a_file_that_was_edited_meanwhile_is_left_alone(home: Path) -> None:
    written = mapping_writer.write(library.shipped()["default"], PORT, DENSITY, fitting=True)
    written.path.write_text(written.text + "# more\n")
    with pytest.raises(FailureError, match="was edited meanwhile"):
        mapping_writer.take_back(written)
    assert written.path.read_text().endswith("# more\n")


def test_a_file_that_cannot_be_written_is_told_in_one_sentence(home: Path) -> None:
    home.parent.mkdir()
    home.write_text("no folder")
    with pytest.raises(FailureError, match=r"holds until the end only: .* cannot be written"):
        mapping_writer.write(library.shipped()["default"], PORT, DENSITY, fitting=True)
    home.unlink()
    home.mkdir()
    (home / "default.toml").write_text("[controller\n")
    with pytest.raises(FailureError, match="not valid TOML"):
        mapping_writer.write(library.shipped()["default"], PORT, DENSITY, fitting=True)
