"""Notices: a line about a state goes when the state is over, and every line can be read at 80 x 24."""

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import msgspec

import live
from live.dashboard.drawing.status import notice_rows, standing
from live.ipc.commands import Arm, Start, Turn
from live.ipc.messages import Answer, Decoded, ToWorker
from live.ipc.snapshot import Notice
from live.timing.timeline import Nanos
from tests.fakes.stage import EchoModel, Stage
from tests.live.jam.test_jam import CELL, STEP, after_two_bars
from tests.live.jam.test_trouble import come_back, die

ROOMS = ("jam", "engine", "devices", "control", "record", "session", "cli/supervision", "dashboard")
SAYS = {
    "Notice",
    "add",
    "end",
    "note",
    "_say",
    "say",
    "_warn",
    "_tell",
    "_on_fault",
    "PortError",
    "SynthError",
}
SCREEN_ROWS, SCREEN_CELLS = 2, 80  # of the notices on the smallest screen that shows everything
NAME = "Launchkey Mini"  # what stands for what is filled in


def stands(stage: Stage) -> list[str]:
    return [notice.text for notice in standing(stage.jam.notices.lines)]


def test_a_model_process_that_has_gone_is_told_until_it_answers_again() -> None:
    stage = after_two_bars()
    stage.at_tick(CELL + 10, lambda: die(stage))
    stage.run_to_tick(CELL + 20)
    assert stands(stage) == ["the model process has gone: bars repeat until it is back"]
    come_back(stage)
    assert stands(stage) == ["the model is back"]
    come_back(stage)
    assert stands(stage) == ["the model is back"]


def test_a_panic_is_told_until_the_instrument_comes_in_again() -> None:
    stage = after_two_bars()
    stage.act(CELL + 9 * STEP, "panic")
    stage.run_to_tick(2 * CELL - 10)
    assert stands(stage) == ["panic: everything is silent; it comes in again on the next phrase"]
    stage.run_to_tick(2 * CELL + 10)
    assert stands(stage) == []


def test_what_a_start_waits_for_is_told_until_it_starts() -> None:
    stage = Stage()
    stage.commands.run(Arm(), Nanos(stage.nanos))
    assert stands(stage) == ["armed: it starts with your first note"]
    stage.commands.run(Start(), Nanos(stage.nanos))
    assert stands(stage) == []


def test_a_model_that_answers_with_nothing_is_told_until_it_answers_with_notes() -> None:
    class Mute(EchoModel):
        mute = True

        def answer(self, message: ToWorker) -> Answer:
            reply = super().answer(message)
            if isinstance(reply, Decoded) and self.mute:
                return msgspec.structs.replace(reply, notes=[])
            return reply

    model = Mute()
    stage = after_two_bars(model=model)
    stage.run_to_tick(2 * CELL)
    assert stands(stage) == ["the model answers with no notes at all: play, or turn a knob back"]
    model.mute = False
    stage.commands.run(Turn("density", 0.3), Nanos(stage.nanos))
    stage.run_to_tick(4 * CELL)
    assert stands(stage) == []


def test_nothing_is_said_of_the_end_of_a_state_that_nobody_was_told_of() -> None:
    stage = Stage()
    stage.jam.notices.end("model", "the model is back")
    assert not stage.jam.notices.lines
    assert not stage.logged


def test_the_end_of_a_state_without_words_is_not_logged() -> None:
    stage = Stage()
    stage.jam.notices.add("error", "gone", about="keys")
    stage.jam.notices.add("info", "", about="keys")
    assert stands(stage) == []
    assert [fields["text"] for kind, fields in stage.logged if kind == "notice"] == ["gone"]


def texts(node: ast.expr) -> Iterator[str]:
    """Yield what an expression can say, with a name for whatever is filled in."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.JoinedStr(values):
            said = [""]
            for value in values:
                said = [before + after for before in said for after in [*texts(value)] or [NAME]]
            yield from said
        case ast.FormattedValue(value):
            yield from texts(value)
        case ast.IfExp(_, one, other):
            yield from texts(one)
            yield from texts(other)


def test_every_notice_can_be_read_on_the_smallest_screen() -> None:
    found = 0
    for room in ROOMS:
        for path in (Path(live.__file__).parent / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                for text in (text for part in node.args for text in texts(part) if called in SAYS):
                    found += 1
                    assert len(wrap(text, SCREEN_CELLS - 8)) <= SCREEN_ROWS, (path.name, node.lineno, text)
    assert found > 100


def test_the_line_about_an_engine_that_died_loses_no_word_at_80_columns() -> None:
    text = "the engine died; every note on Launchkey Mini, FLUID Synth (1234) was ended; it is started again"
    lines = [Notice(1, "info", "anchor A set"), Notice(2, "error", text)]
    rows = notice_rows(lines, 3, width=SCREEN_CELLS, height=SCREEN_ROWS)
    assert " ".join("".join(span for span, _ in row)[7:].strip() for row in rows) == text
