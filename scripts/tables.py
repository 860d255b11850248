"""Writes the documents' tables from the program itself: options, knobs, keys, commands.

Each stands between `<!-- NAME -->` and `<!-- /NAME -->`.  `make docs` writes them anew; a test compares.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from live.command_line import twobar
from live.dashboard.keys import KEYS, Hotkey, key_label
from live.settings.knobs import KNOBS
from live.words import vocabulary
from scripts import families, osc_layout, touchosc_layout
from trainer.__main__ import cli as trainer

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

Rows = list[tuple[str, ...]]


def markdown(head: tuple[str, ...], rows: Rows) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def options() -> str:
    """Return the options of `twobar jam`."""
    rows: Rows = []
    for option in twobar.commands["jam"].params:
        if not isinstance(option, click.Option):
            continue
        names = "/".join([*option.opts, *option.secondary_opts])
        plain = option.is_flag or option.metavar is None
        wanted = "" if option.is_flag else " FILE" if plain else f" {option.metavar}"
        rows.append((f"`{names}{wanted}`", (option.help or "").rstrip(".")))
    return markdown(("option", "what it does"), rows)


def knobs() -> str:
    """Return the knobs with their ranges."""
    rows: Rows = [
        (f"`{knob.name}`", f"{knob.low:g} to {knob.high:g}", f"{knob.rest:g}", knob.text)
        for knob in KNOBS.values()
    ]
    return markdown(("knob", "range", "at rest", "what it does"), rows)


def keys() -> str:
    """Return the dashboard's keys; anchors and scenes, which count on, take one line each."""
    rows: Rows = []
    counted: dict[str, list[Hotkey]] = {}
    for key in KEYS:
        if not key.keys:  # only a keymap gives it one
            continue
        kind = key.ident.rpartition("-")[0]
        if kind not in ("capture", "recall", "scene"):
            rows.append((f"`{key_label(key.keys.split(',')[0])}`", key.text, key.tip))
            continue
        if kind not in counted:
            rows.append((kind, "", ""))
        counted.setdefault(kind, []).append(key)
    for number, (kind, *_) in enumerate(rows):
        if kind in counted:
            first, last = counted[kind][0], counted[kind][-1]
            until = f" to {last.text.rpartition(' ')[2]}"
            label = f"`{key_label(first.keys)}` to `{key_label(last.keys)}`"
            rows[number] = (label, first.text + until, first.tip + until)
    return markdown(("key", "does", "that is"), rows)


def commands() -> str:
    """Return the commands of both programs with their first sentences."""
    rows: Rows = []
    for program, group in (("twobar", twobar), ("twobar-train", trainer)):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            rows.append((f"`{program} {name}`", command.get_short_help_str(200)))
    return markdown(("command", "what it does"), rows)


def words() -> str:
    """Return the vocabulary, knob by knob, then moods and modes."""
    rows: Rows = [
        (f"`{knob}`", _plain(quality.up), _plain(quality.down))
        for knob, quality in vocabulary.QUALITIES.items()
        if knob in KNOBS
    ]
    for listed, moved in vocabulary.MOODS.items():
        name = " ".join(f"`{knob}`" for knob, _ in moved)
        rows.append((name, _plain(listed), "") if moved[0][1] > 0 else (name, "", _plain(listed)))
    rows += [(f"mode {mode}", _plain(listed), "") for mode, listed in vocabulary.MODES.items()]
    return markdown(("what", "words", "the other way"), rows)


def _plain(listed: str) -> str:
    return ", ".join(" ".join(phrase.split()) for phrase in listed.split(","))


TABLES: dict[str, Callable[[], str]] = {
    "options": options,
    "knobs": knobs,
    "keys": keys,
    "commands": commands,
}
PAGES = {
    README: TABLES,
    families.PAGE: {"families": families.table},
    ROOT / "docs" / "words.md": {"words": words},
}


def filled(page: str, tables: Mapping[str, Callable[[], str]] = TABLES) -> str:
    """Return a page with every table in it written anew.

    Raises:
        ValueError: a table has no place in the page.
    """
    for name, write in tables.items():
        place = re.compile(f"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not place.search(page):
            raise ValueError(f"the page has no place for the table '{name}'")
        text = write()
        page = place.sub(lambda found, text=text: f"{found[1]}{text}\n{found[2]}", page)  # type: ignore[misc]
    return page


@click.command()
def main() -> None:
    """Write the tables of all pages, and the layout for OSC."""
    for page, tables in PAGES.items():
        page.write_text(filled(page.read_text(), tables))
    osc_layout.write()
    touchosc_layout.write()


if __name__ == "__main__":
    main()
