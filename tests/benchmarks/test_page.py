"""A measure that is taken again rewrites its own section of the page, and nothing else of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import soak
from benchmarks.figures import Row, histogram
from benchmarks.instrument import ROOT
from benchmarks.page import HEADING, Measured, rewritten
from benchmarks.scale import Scale
from model.errors import CheckpointError
from trainer.errors import OperationError

ORDER = ["Start", "Lateness", "Soak"]


def measured(title: str, figure: str, *, before: str = "0.1, 0.2, 0.3") -> Measured:
    rows = [Row(title.lower(), "<= 1 ms", figure, met=True)]
    when, machine = "2031-01-01 10:00", "a machine"
    return Measured(title, "python -m benchmarks", when, machine, before, before, (), rows)


def sections(page: str) -> list[str]:
    return [line.removeprefix(HEADING) for line in page.splitlines() if line.startswith(HEADING)]


def page_of(*titles: str) -> str:
    page = ""
    for title in titles:
        page = rewritten(page, measured(title, "1.00 ms"), ORDER)
    return page


def test_other_sections_stay_letter_by_letter() -> None:
    page = page_of("Start", "Lateness", "Soak")
    again = rewritten(page, measured("Lateness", "0.50 ms", before="9, 9, 9"), ORDER)
    before, after = page.split(HEADING), again.split(HEADING)
    assert [one == two for one, two in zip(before, after, strict=True)] == [True, True, False, True]
    assert "0.50 ms" in after[2]
    assert "1.00 ms" not in after[2]
    assert "before: 9, 9, 9" in after[2]


def test_the_same_figures_leave_the_page_as_it_is() -> None:
    page = page_of("Start", "Lateness", "Soak")
    assert rewritten(page, measured("Soak", "1.00 ms"), ORDER) == page


@pytest.mark.parametrize("titles", [("Soak", "Start", "Lateness"), ("Lateness", "Soak", "Start"), ORDER])
def test_sections_stand_in_one_order_whichever_was_measured_first(titles: tuple[str, ...]) -> None:
    assert sections(page_of(*titles)) == ORDER


def test_a_section_of_an_unknown_name_stays() -> None:
    page = page_of("Start", "Soak") + "\n## By hand\n\nSome words.\n"
    again = rewritten(page, measured("Lateness", "2.00 ms"), ORDER)
    assert sections(again) == ["Start", "Lateness", "Soak", "By hand"]
    assert again.endswith("## By hand\n\nSome words.\n")


def test_what_was_written_by_hand_under_a_section_stays() -> None:
    page = page_of("Start", "Soak").replace("\n\n## Soak", "\n\n### Beside it\n\nBy hand.\n\n## Soak")
    again = rewritten(page, measured("Start", "2.00 ms"), ORDER)
    assert "1.00 ms |" not in again.split("## Soak")[0]
    assert "### Beside it\n\nBy hand.\n\n## Soak" in again


def test_the_shipped_page_has_no_section_twice_and_those_of_measures_in_order() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text()
    assert len(set(sections(page))) == len(sections(page))
    known = [title for title in sections(page) if title in command.ORDER]
    assert known == sorted(known, key=command.ORDER.index)


@contextmanager
def no_server(folder: Path) -> Iterator[bool]:
    yield False


def test_only_one_measure_rewrites_only_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(scale: Scale) -> list[Row]:
        return [Row("soaked", "none", "7 ms")]

    monkeypatch.setattr(command, "serving", no_server)
    monkeypatch.setattr(soak, "measure", rows)
    path = tmp_path / "page.md"
    path.write_text(page_of("Start", "Lateness", "Soak"))
    result = CliRunner().invoke(command.main, ["--only", "soak", "--out", str(path)])
    assert result.exit_code == 0, result.output
    before, soaked = path.read_text().split("## Soak")
    assert before.strip() == page_of("Start", "Lateness").strip()
    assert "soaked" in soaked
    assert "1.00 ms" not in soaked


@pytest.mark.parametrize("fault", [OSError, OperationError, CheckpointError])
def test_a_measure_that_fails_is_a_line_of_its_section(
    fault: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(scale: Scale) -> list[Row]:
        raise fault("no such device")

    monkeypatch.setattr(command, "serving", no_server)
    monkeypatch.setattr(soak, "measure", rows)
    path = tmp_path / "page.md"
    assert CliRunner().invoke(command.main, ["--only", "soak", "--out", str(path)]).exit_code == 0
    assert "could not be measured: no such device" in path.read_text()


def test_what_was_counted_stands_below_the_table_as_a_histogram() -> None:
    late_ms = [0.005, 0.01, 0.3, 50.0]
    rows = [
        Row("lateness", "-", "-", late_ms={"with priority": late_ms, "a C loop": [0.3]}),
        Row("other", "-", "-"),
    ]
    lines = histogram(rows).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2] == "| with priority | 50.00% | - | - | - | - | 25.00% | - | - | - | - | 25.00% |"
    assert lines[3] == "| a C loop | - | - | - | - | - | 100.00% | - | - | - | - | - |"
    assert histogram(rows[1:]) == ""
