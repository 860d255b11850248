"""What the rooms promise each other, and what the documents promise the reader."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest

from live.command_line import twobar
from live.control.mappings.library import choose
from live.settings.knobs import KNOBS
from model.version import VERSION
from scripts import osc_layout, touchosc_layout
from scripts.tables import PAGES as WRITTEN
from scripts.tables import README, TABLES, filled
from trainer.__main__ import cli as trainer

ROOT = Path(__file__).parents[1]
ROOMS = ("live", "model", "trainer")
SOURCES = sorted(
    path for folder in (*ROOMS, "benchmarks", "scripts", "tests") for path in (ROOT / folder).rglob("*.py")
)
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
GROUPS: dict[str, click.Group] = {"twobar": twobar, "twobar-train": trainer}


def loaded_by(module: str) -> set[str]:
    """Return the modules that a fresh interpreter has after one import."""
    script = f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(run.stdout))


def modules(room: str) -> dict[str, Path]:
    """Return a package's files by the name of their module."""
    found = {}
    for path in sorted((ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if path.name == "__init__.py" else parts)] = path
    return found


def roots(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


# -- imports -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["live.engine.process", "live.engine.__main__"])
def test_the_engine_loads_neither_arrays_nor_a_model_runtime_nor_a_screen(module: str) -> None:
    loaded = roots(loaded_by(module))
    assert not loaded & {
        "numpy",
        "torch",
        "onnxruntime",
        "textual",
        "rich",
        "trainer",
        "pretty_midi",
        "scipy",
    }


def test_keys_wait_for_no_module_that_they_do_not_need() -> None:
    """Each of these costs the start some hundredths of what the engine loads; they come when asked for."""
    loaded = loaded_by("live.engine.process")
    late = {"asyncio", "concurrent.futures", "hashlib", "logging", "secrets", "tomlkit", "mido"}
    late |= {
        "live.control.mappings.mapping_schema",
        "live.control.mappings.mapping_writer",
        "live.control.osc.server",
    }
    late |= {"live.devices.ableton_link", "live.devices.jack.timebase", "live.devices.jack.transport"}
    late |= {"live.jam.leaders.jack_clock", "live.jam.leaders.ableton_clock", "live.session.toml_text"}
    assert not loaded & late
    assert not {name for name in loaded if name.startswith(("live.cli", "live.dashboard", "live.page"))}


def test_the_engine_is_launched_before_anything_else_is_loaded() -> None:
    ours = {name for name in loaded_by("live.__main__") if roots({name}) <= set(ROOMS)}
    assert ours == {"live", "live.__main__", "live.ipc", "live.ipc.launcher"}


def test_the_dashboard_reaches_messages_and_the_names_of_knobs_and_parts_alone() -> None:
    loaded = loaded_by("live.dashboard.app")
    ours = {module for module in loaded if roots({module}) <= set(ROOMS)}
    assert {module for module in ours if not module.startswith("live.dashboard")} == {
        "live", "live.errors", "live.ipc", "live.ipc.browser_midi", "live.ipc.commands", "live.ipc.messages",
        "live.ipc.places", "live.ipc.snapshot", "live.settings", "live.settings.knobs", "live.words",
        "live.words.clause", "live.words.intention", "live.words.lexicon", "live.words.meaning",
        "live.words.reading", "live.words.sayings", "live.words.vocabulary", "model", "model.errors",
        "model.files", "model.music", "model.music.grid", "model.music.metre", "model.music.phrase",
        "model.music.tracks", "model.shipped",
    }  # fmt: skip
    assert not roots(loaded) & {"torch", "numpy", "onnxruntime", "rtmidi"}


def test_a_phrase_needs_no_array_library() -> None:
    assert not roots(loaded_by("model.music.phrase")) & {"numpy", "torch", "onnxruntime", "mido"}


def test_the_commands_name_themselves_without_loading_what_they_use() -> None:
    assert not roots(loaded_by("live.command_line")) & {"numpy", "torch", "onnxruntime", "textual", "rtmidi"}
    assert not roots(loaded_by("trainer.__main__")) & {"torch", "onnxruntime", "symusic", "matplotlib"}


@pytest.mark.parametrize("room", ["live", "trainer"])
def test_live_and_trainer_never_name_each_other(room: str) -> None:
    other = {"live": "trainer", "trainer": "live"}[room]
    for path in (ROOT / room).rglob("*.py"):
        named = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        assert other not in named, path


def loads(body: Sequence[ast.stmt], *, checked: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield the imports outside functions, and whether the type checker alone follows them."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, checked
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden = checked or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
            for part in ("body", "orelse", "handlers", "finalbody"):
                yield from loads(getattr(node, part, []), checked=hidden)


def imports(room: str) -> dict[str, dict[str, bool]]:
    """Return which modules of its package each module loads, and whether for the type checker alone."""
    known = modules(room)
    found: dict[str, dict[str, bool]] = {name: {} for name in known}
    for name, path in known.items():
        for node, checked in loads(ast.parse(path.read_text()).body):
            named = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for full in named:
                other = full if full in known else full.rpartition(".")[0]
                if other in known and other != name:
                    found[name][other] = found[name].get(other, True) and checked
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_two_files_import_each_other_by_any_detour(room: str) -> None:
    graph = {name: set(others) for name, others in imports(room).items()}
    TopologicalSorter(graph).prepare()  # it raises with the circle if there is one


@pytest.mark.parametrize("room", ROOMS)
def test_no_import_of_ours_hides_from_the_program(room: str) -> None:
    hidden = {
        name: [other for other, only in others.items() if only] for name, others in imports(room).items()
    }
    assert {name: others for name, others in hidden.items() if others} == {}


# -- files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name == "__init__.py"], ids=str)
def test_packages_hold_a_docstring_and_exports_only(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    if not body:
        return
    if path.is_relative_to(ROOT / "tests"):
        return
    assert isinstance(body[0], ast.Expr)
    for node in body[1:]:
        names = (
            [target.id for target in node.targets if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign)
            else []
        )
        assert isinstance(node, ast.Import | ast.ImportFrom) or names == ["__all__"], ast.unparse(node)


def test_no_module_hides_one_of_the_standard_library() -> None:
    ours = {path.stem for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert not ours & (set(sys.stdlib_module_names) - {"__init__", "__main__"})


def test_no_two_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for room in ROOMS:
        for module, path in modules(room).items():
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    homes.setdefault(node.name, []).append(module)
    shared = {name: found for name, found in homes.items() if len(found) > 1}
    assert not shared


def test_the_kinds_of_the_event_log_are_documented() -> None:
    calls = [
        node
        for path in modules("live").values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("output.log", "event_log.write"))
    ]
    kinds = {call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)}
    page = (ROOT / "docs" / "on-stage.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == kinds


def test_the_version_that_is_shown_is_the_packages() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize("room", ROOMS)
def test_each_module_has_a_test_of_its_name_or_says_where_it_is_tested(room: str) -> None:
    for path in modules(room).values():
        name = path.relative_to(ROOT)
        if path.name in ("__init__.py", "__main__.py"):
            continue
        if (ROOT / "tests" / name.parent / f"test_{path.name}").is_file():
            continue
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        said = re.search(r"^Tested in (.+)\.$", doc, re.MULTILINE)
        assert said, f"{name} has no test of its name, nor a line 'Tested in tests/....py.'"
        for place in said[1].split(", "):
            assert (ROOT / place).is_file(), f"{name} is tested in {place}, which does not exist"


# -- documents ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_a_page_holds_the_tables_that_the_program_would_write(path: Path) -> None:
    page = path.read_text()
    assert filled(page, WRITTEN[path]) == page, "write them with `make docs`"


def test_the_layout_for_osc_holds_the_knobs_that_there_are() -> None:
    assert json.loads(osc_layout.OUT.read_text()) == osc_layout.layout(), "write it with `make docs`"


def test_the_layout_for_touchosc_holds_them_too() -> None:
    document = ET.fromstring(zlib.decompress(touchosc_layout.OUT.read_bytes()))
    assert ET.tostring(document) == ET.tostring(touchosc_layout.layout()), "write it with `make docs`"
    paths = {path.text for path in document.findall(".//osc/path/partial/value")}
    assert {f"/twobar/knob/{name}" for name in KNOBS if not name.startswith("xy.")} <= paths
    assert {"/twobar/xy", "/twobar/action/mode/hold", "/twobar/action/panic"} <= paths
    density = next(
        message
        for message in document.iter("osc")
        if message.findtext("path/partial/value") == "/twobar/knob/density"
    )
    scale = [density.findtext(f"arguments/partial/{end}") for end in ("scaleMin", "scaleMax")]
    assert scale == ["-1", "1"]
    for frame in document.iterfind(".//node/properties/property[key='frame']/value"):
        x, y, w, h = (float(frame.findtext(part) or 0) for part in "xywh")
        assert x + w <= touchosc_layout.WIDTH
        assert y + h <= touchosc_layout.HEIGHT


def test_a_page_without_a_place_for_a_table_is_reported() -> None:
    with pytest.raises(ValueError, match=f"no place for the table '{next(iter(TABLES))}'"):
        filled("# nothing here\n")


def helps() -> list[tuple[str, str]]:
    """Return (command, help) for both programs and every command."""
    return [
        (name, command.get_help(click.Context(command)))
        for program, group in GROUPS.items()
        for name, command in [(program, group), *group.commands.items()]
    ]


@pytest.mark.parametrize(("name", "text"), helps())
def test_help_says_you(name: str, text: str) -> None:
    assert re.findall(r"(?i)\b(?:she|her|hers)\b", text) == [], name


def code_of(page: Path) -> list[str]:
    """Return what a page shows as code: fenced lines, indented lines, and code between backticks."""
    text = page.read_text()
    fenced = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    rest = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += [line for line in rest.splitlines() if line.startswith("    ")]
    return [line.strip() for line in lines] + re.findall(r"`([^`\n]+)`", rest)


def documented() -> list[tuple[str, str]]:
    """Return (page, command line) for every call of ours in the documents."""
    return [
        (page.name, line)
        for page in PAGES
        for line in code_of(page)
        if line.split(" ", 1)[0] in GROUPS and re.match(r"\S+ [a-z-]", line)
    ]


def test_commands_are_documented() -> None:
    shown = " ".join(line for _, line in documented())
    for program, group in GROUPS.items():
        for name in group.commands:
            assert f"{program} {name}" in shown


@pytest.mark.parametrize(("page", "line"), documented())
def test_every_documented_command_and_option_exists(page: str, line: str) -> None:
    program, *words = line.partition("#")[0].split()
    name = words[0] if words and not words[0].startswith("-") else "jam"
    assert name in GROUPS[program].commands, f"{page}: {line}"
    command = GROUPS[program].commands[name]
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    used = {word.partition("=")[0] for word in words if re.match(r"--[a-z]", word)}
    assert used <= known | {"--help", "--version"}, f"{page}: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_index_has_every_page() -> None:
    listed = set(re.findall(r"\]\(([^)#]+)", (ROOT / "docs" / "README.md").read_text()))
    assert {page.name for page in PAGES if page.parent.name == "docs"} - {"README.md"} <= listed


@pytest.mark.parametrize(
    "path",
    [*PAGES, ROOT / "live.toml", ROOT / "CHANGELOG.md", *sorted((ROOT / "model" / "weights").glob("*.md"))],
    ids=lambda path: path.name,
)
def test_documents_say_you(path: Path) -> None:
    assert re.findall(r"(?i)\b(?:she|her|hers|herself)\b", path.read_text()) == []


@pytest.mark.parametrize("room", ROOMS)
def test_code_says_performer_in_names_keys_and_sentences(room: str) -> None:
    for path in modules(room).values():
        words = re.findall(r"(?i)(?<![a-z])(?:she|her|hers|herself)(?![a-z])", path.read_text())
        assert words == [], path


def names_in(path: Path) -> Iterator[str]:
    """Yield the names that a module gives to classes, functions, arguments, variables and attributes."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ClassDef(name) | ast.FunctionDef(name) | ast.arg(name):
                yield name
            case ast.Name(name, ast.Store()) | ast.Attribute(_, name, ast.Store()):
                yield name


@pytest.mark.parametrize("room", ROOMS)
def test_words_that_mean_many_things_name_nothing(room: str) -> None:
    many = {"told", "own", "heard", "kept", "given", "there"}
    for path in modules(room).values():
        assert {name.strip("_").lower() for name in names_in(path)}.isdisjoint(many), path


# -- the page that explains the house ----------------------------------------------------------------

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
WORDS = [
    (word, module)
    for words, module in re.findall(r"^\| (`[^|]+) \| `([\w.]+)` \|", ARCHITECTURE, re.MULTILINE)
    for word in re.findall(r"`(\w+)`", words)
]


@cache
def types_of(path: Path) -> set[str]:
    """Return the names that a module's top level gives to classes, new types and unions."""
    named: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            named.add(node.name)
        elif isinstance(node, ast.Assign):
            named |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            named.add(node.target.id)
    return named


@pytest.mark.parametrize(("word", "module"), WORDS)
def test_a_word_of_the_glossary_is_the_name_of_one_type(word: str, module: str) -> None:
    path = ROOT.joinpath(*module.split("."))
    home = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    others = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if word in types_of(path)]
    assert others == [home]


def test_the_glossary_has_the_words_that_everything_is_made_of() -> None:
    known = {
        "Step",
        "Tick",
        "Nanos",
        "Timeline",
        "Phrase",
        "Latent",
        "Plan",
        "Command",
        "Snapshot",
        "Checkpoint",
    }
    assert known <= {word for word, _ in WORDS}


def test_every_room_has_its_line() -> None:
    for top in ROOMS:
        section = ARCHITECTURE.partition(f"| `{top}/` |")[2].partition("\n\n")[0]
        rooms = {path.parent.name for path in (ROOT / top).glob("*/*") if path.is_file()} - {"__pycache__"}
        assert set(re.findall(r"^\| `(\w+)/` \|", section, re.MULTILINE)) == rooms


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z]\w*/[\w/]+\.py)`", ARCHITECTURE))))
def test_the_files_that_the_page_follows_exist(path: str) -> None:
    assert any((ROOT / top / path).is_file() for top in ("", *ROOMS)), path


def test_the_targets_that_the_readme_names_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for page in PAGES for line in code_of(page) for word in re.findall(r"^make ([a-z]+)", line)}
    assert {"jam", "test"} <= named <= targets


def test_the_shipped_mappings_are_documented_and_valid() -> None:
    page = (ROOT / "docs" / "mappings.md").read_text()
    for path in (ROOT / "mappings").glob("*.toml"):
        assert choose(path.stem, []).controller.name
        assert f"`{path.stem}`" in page
