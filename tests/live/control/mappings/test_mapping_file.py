"""The mapping file: what is wrong is said in one sentence."""

import tomllib

import pytest

from live.control.mappings import mapping_file
from live.errors import UsageError

HEAD = '[controller]\nname = "x"\n'


def one(text: str) -> str:
    return f"[[control]]\n{text}\n"


def fault(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        mapping_file.parse(tomllib.loads(HEAD + text), where="desk.toml")
    sentence = str(caught.value)
    assert "desk.toml" in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (one('cc = 1\nknobb = "density"'), ["'knobb'", "control 1", "knob", "did you mean 'knob'"]),
        (
            one('cc = 1\nknob = "densty"'),
            ["'densty'", "control 1 (CC 1)", "complexity", "did you mean 'density'"],
        ),
        (
            one('cc = 1\naction = "pnic"'),
            ["'pnic'", "control 1 (CC 1)", "break, capture", "did you mean 'panic'"],
        ),
        (one('cc = 1\naction = "capture E"'), ["'E'", "'capture'", "A, B, C, D"]),
        (one('cc = 1\naction = "capture"'), ["''", "'capture'", "A, B, C, D"]),
        (one('cc = 1\naction = "mode folow"'), ["'folow'", "did you mean 'follow'"]),
        (one('cc = 1\naction = "panic now"'), ["control 1", "'panic' takes no argument", "'now'"]),
        (
            one('cc = 1\nknob = "density"\ncurve = "lin"'),
            ["control 1, curve", "'lin'", "did you mean 'linear'"],
        ),
        (
            one('cc = 1\nknob = "density"\ntakeover = "pick"'),
            ["control 1, takeover", "did you mean 'pickup'"],
        ),
        (one('cc = 128\nknob = "density"'), ["control 1, cc", "from 0 to 127", "128"]),
        (one('cc14 = 32\nknob = "density"'), ["control 1, cc14", "from 0 to 31", "32"]),
        (one('nrpn = 16384\nknob = "density"'), ["control 1, nrpn", "from 0 to 16383"]),
        (one('cc = 1\nchannel = 0\nknob = "density"'), ["control 1, channel", "from 1 to 16", "not 0"]),
        (one('knob = "density"'), ["control 1", "exactly one of: cc, cc14, nrpn, note"]),
        (one('cc = 1\nnote = 2\nknob = "density"'), ["control 1 has cc and note", "exactly one"]),
        (one("cc = 1"), ["control 1 (CC 1)", "exactly one of: knob, action"]),
        (one('cc = 1\nknob = "density"\naction = "panic"'), ["both knob and action"]),
        (one('note = 1\nknob = "density"'), ["control 1 (note 1)", "calls an action"]),
        (one('pitch_bend = true\naction = "panic"'), ["control 1 (pitch bend)", "bind it to a knob"]),
        (one('pitch_bend = false\nknob = "density"'), ["pitch_bend must be true", "not false"]),
        (one('cc = 1\nknob = "density"\nrange = [-2, 1]'), ["range [-2, 1]", "[-1, 1]", "'density'"]),
        (one('cc = 1\nknob = "density"\nrange = [0.5, 0.5]'), ["range [0.5, 0.5]", "must rise"]),
        (one('cc = 1\nknob = "density"\nrange = [0.5]'), ["control 1, range", "a list of 2 items"]),
        (one('cc = 1\nknob = "density"\nstep = 0.1'), ["step = 0.1", "only an encoder"]),
        (one('cc = 1\nencoder = "binary_offset"\nknob = "density"\nstep = 0'), ["step must be", "not 0"]),
        (one('cc = 1\nencoder = "binary_offset"\nknob = "density"\ncurve = "s"'), ["has curve", "encoder"]),
        (one('cc = 1\nencoder = "binary"\nknob = "density"'), ["encoder", "did you mean 'binary_offset'"]),
        (
            one('aftertouch = true\nencoder = "binary_offset"\nknob = "density"'),
            ["only a cc can be an encoder"],
        ),
        (one('cc = 1\naction = "panic"\ncurve = "s"'), ["has curve", "belongs to a knob"]),
        (one('cc = 1\nknob = "stray"') * 2, ["control 2 (CC 1)", "control 1", "one thing"]),
        (one('cc = 1\nknob = "stray"') + one('cc = 1\nchannel = 3\nknob = "gate"'), ["CC 1 on channel 3"]),
        (one('cc14 = 1\nknob = "stray"') + one('cc = 33\nknob = "gate"'), ["control 2 (CC 33)", "control 1"]),
        (
            one('nrpn = 1\nknob = "stray"') + one('cc = 38\nknob = "gate"'),
            ["made of cc 99", "control 2 has cc 38"],
        ),
        ('[controler]\nname = "y"', ["'controler'", "did you mean 'controller'"]),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, words: list[str]) -> None:
    sentence = fault(text)
    for word in words:
        assert word in sentence


def test_a_controller_needs_a_name() -> None:
    with pytest.raises(UsageError, match=r"desk\.toml: controller\.name is missing"):
        mapping_file.parse({"controller": {}}, where="desk.toml")
