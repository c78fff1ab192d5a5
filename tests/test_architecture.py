"""The walls of the house: who may import whom, and who alone may do certain things.

Read from the syntax trees, so that imports inside functions count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import memos_cli

PACKAGE = Path(memos_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
OPEN = {"errors", "schema", "prompts"}
"""Rooms everyone may enter."""
HALL = {"settings", "location"}

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "schema": set(),
    "prompts": set(),
    "settings": set(),
    # Which folder is a cube is told by the name of its config file, which layout alone spells.
    "location": {"settings", "cube.layout"},
    "stores": set(),
    "cube": {"stores"},
    "providers": HALL,
    # The grammar of dates is one for what is asked and what is told: both rooms read it, it reads none.
    "dates": set(),
    "reader": {"dates", "providers"},
    "retrieval": {"cube", "dates", "providers"},
    # Numbers and words in, groups and titles out: knows no cube.
    "organize": set(),
    "users": HALL,
    "cron": HALL,
    "session": {"cube", "providers", "users"} | HALL,
    "operations": {"session", "cube", "reader", "retrieval", "providers", "organize"} | HALL,
    "evaluation": {"operations", "session", "users"},
    "interfaces": {"evaluation", "operations", "session", "users", "cron"} | HALL,
    "__main__": {"interfaces"},
    "__init__": {"operations", "session", "cube", "reader", "retrieval", "providers"} | HALL,
}
EXCEPTIONS = {
    "organize": {"stores.analysis"},
    # `memos help format` prints the specification, and times and files typed on the command line
    # are read by the room that reads them everywhere else.
    "interfaces": {"cube.layout", "reader.times", "reader.files"},
    # Values and pure functions, no engine: what makes two texts the same, what one says of another,
    # what a turn is, what a preference is about, how often a memory was found, how a text is quoted
    # in a condition, which column holds the vectors.
    "operations": {
        "stores.analysis",
        "stores.facts",
        "stores.nearness",
        "stores.claims",
        "stores.subjects",
        "stores.english.words",
        "stores.heap",
        "stores.usage.Used",
        "stores.verdicts",
        "stores.table.quoted",
        "stores.keyword_recency.latest_first",
        "stores.table_files.newest_version",
        "stores.table_rows.VectorColumn",
    },
    "retrieval": {
        "stores.vectors.VectorHits",
        "stores.keyword_query.KeywordHits",
        "stores.facts",
        "stores.analysis",
    },
}


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")


def _room(module: str) -> str:
    return module.split(".")[0]


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), filename=str(file))


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    """Modules of the package that the file imports, without the leading `memos_cli.`."""
    here = ["memos_cli", *_name(file).split(".")]
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(here[: -node.level]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            # `from package import module` names the module in the second half.
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def _inside(file: Path) -> Iterator[tuple[str, int]]:
    for module, line in _imports(file):
        if module.startswith("memos_cli."):
            yield module.removeprefix("memos_cli."), line


def _allowed(room: str, target: str) -> bool:
    if _room(target) in OPEN | {room}:
        return True
    if not (PACKAGE / f"{_room(target)}.py").exists() and not (PACKAGE / _room(target)).is_dir():
        return True  # a name of the package itself, such as memos_cli.__version__
    permitted = MAY_IMPORT[room] | EXCEPTIONS.get(room, set())
    return any(target == one or target.startswith(f"{one}.") for one in permitted)


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_rooms_import_only_what_they_may(file: Path) -> None:
    room = _room(_name(file))
    wrong = [f"line {line}: {target}" for target, line in _inside(file) if not _allowed(room, target)]
    assert not wrong, f"{_name(file)} imports {wrong}"


def test_every_room_has_a_rule() -> None:
    assert {_room(_name(file)) for file in FILES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_every_file_says_what_it_is_for(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    if source.strip():
        assert ast.get_docstring(_tree(file)), f"{_name(file)} has no module docstring"


def _attributes(tree: ast.Module, owner: str, names: set[str]) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in names
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    ]


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_only_settings_reads_the_environment(file: Path) -> None:
    tree = _tree(file)
    uses = _attributes(tree, "os", {"environ", "environb", "getenv", "putenv"})
    named = [line for module, line in _imports(file) if module in ("os.environ", "os.getenv")]
    assert _name(file) == "settings" or not uses + named


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_only_output_prints(file: Path) -> None:
    tree = _tree(file)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
    streams = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"write", "writelines"}
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in {"stdout", "stderr"}
    ]
    echoes = _attributes(tree, "typer", {"echo", "secho"})
    assert _name(file) == "interfaces.cli.output" or not prints + streams + echoes


PARTS = {"memories.lance", "keywords", "vectors", "graph", "kv", "lora", "skills", ".memos", "config.json"}


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_only_layout_spells_paths_inside_a_cube(file: Path) -> None:
    def spells(node: ast.AST) -> bool:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            words = [node.right]
        elif isinstance(node, ast.Call) and _called(node) in {"Path", "joinpath", "PurePath"}:
            words = list(node.args)
        else:
            return False
        return any(isinstance(word, ast.Constant) and word.value in PARTS for word in words)

    # A model's folder from the Hub has a config.json too; that one is no part of a cube.
    if _name(file) == "cube.layout" or _room(_name(file)) == "providers":
        return
    assert not [node.lineno for node in ast.walk(_tree(file)) if spells(node)]


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


ENGINES = {
    "lancedb": "stores.table",
    "lance": "stores.table",
    "tantivy": "stores.keyword",
    "kuzu": "stores.graph",
}
"""Each engine's store, by the beginning of the file's name; the analyzer is the keyword store's too."""


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_each_engine_is_known_to_one_store(file: Path) -> None:
    name = "stores.keyword_analysis" if _name(file) == "stores.analysis" else _name(file)
    for module, line in _imports(file):
        owner = ENGINES.get(module.split(".")[0])
        assert owner is None or name.startswith(owner), f"{_name(file)}:{line} imports {module}"


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_damage_is_never_swallowed(file: Path) -> None:
    """`except Exception` must end in a raise."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            assert any(isinstance(inner, ast.Raise) for inner in ast.walk(node)), (
                f"{_name(file)}:{node.lineno} swallows every exception"
            )


def _is_broad(caught: ast.expr | None) -> bool:
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or (isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"})
        for name in names
    )
