"""What click complains of becomes one plain sentence: what was given, what is allowed, the nearest match."""

import click
import pytest

from model.command_line import FiniteRange, sentence


@click.group()
def tool() -> None:
    """Stand for a command line."""


@tool.command()
@click.option("-n", "--number", type=click.IntRange(1, 9))
@click.option("--least", type=click.IntRange(5))
@click.option("--whole", type=int)
@click.option("--any", "anything", type=float)
@click.option("--share", type=FiniteRange(0, 1))
@click.option("--minutes", type=FiniteRange(0, min_open=True))
@click.option("--split", type=click.Choice(("train", "test")))
@click.option("--only", type=click.Choice(("one",)))
@click.option("--name", required=True)
@click.argument("file", type=click.Path())
def work(**_: object) -> None:
    """Take everything that a command may take."""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("work f --name x -n 0", "--number must be a whole number from 1 to 9, not 0"),
        ("work f --name x -n 1.5", "--number must be a whole number from 1 to 9, not 1.5"),
        ("work f --name x -n ten", "--number must be a whole number from 1 to 9, not 'ten'"),
        ("work f --name x --least 4", "--least must be a whole number from 5 up, not 4"),
        ("work f --name x --whole a", "--whole must be a whole number, not 'a'"),
        ("work f --name x --any a", "--any must be a number, not 'a'"),
        ("work f --name x --any it's", "--any must be a number, not 'it's'"),
        ("work f --name x --share 2", "--share must be a number from 0 to 1, not 2"),
        ("work f --name x --share nan", "--share must be a number from 0 to 1, not nan"),
        ("work f --name x --minutes 0", "--minutes must be a number above 0, not 0"),
        ("work f --name x --minutes inf", "--minutes must be a number above 0, not inf"),
        ("work f --name x --split tst", "--split must be 'test' or 'train', not 'tst'; did you mean 'test'?"),
        ("work f --name x --only two", "--only must be 'one', not 'two'"),
        ("work f", "work: missing option '--name'"),
        ("work --name x", "work: missing argument 'FILE'"),
        ("work f g --name x", "work: got unexpected extra argument (g)"),
        ("work f --name", "option '--name' requires an argument"),
        ("wrok", "unknown command 'wrok'; there is: work; did you mean 'work'?"),
    ],
)
def test_a_complaint_says_what_is_allowed(line: str, said: str) -> None:
    with pytest.raises(click.ClickException) as caught:
        tool.main(line.split(), standalone_mode=False)
    assert sentence(caught.value) == said


def test_an_unknown_option_lists_those_of_its_command() -> None:
    with pytest.raises(click.NoSuchOption) as caught:
        tool.main(["work", "--nmae", "x"], "tool", standalone_mode=False)
    said = sentence(caught.value)
    assert said.startswith("unknown option '--nmae' in 'tool work'; there is: --any, --help, --least, ")
    assert said.endswith("; did you mean '--name'?")
