"""Imports point one way (DESIGN, section 3), no package is in a cycle, no class name stands for two, and the core knows no plugin."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rbsuite

PACKAGE = Path(str(rbsuite.__file__)).parent
REPOSITORY = Path(__file__).parents[1]

LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        [
            "errors",
            "fencing",
            "files",
            "frozen",
            "inert",
            "jsonable",
            "redact",
            "scrub",
            "seeds",
            "options",
            "specs",
            "hookspecs",
            "distributions",
            "plugins",
            "processes",
            "task",
            "twins",
            "trajectory",
            "verdict",
            "experience",
            "record",
            "oplog",
            "tokens",
            "transcript",
            "events",
        ]
    ),
    frozenset(
        [
            "data",
            "environments",
            "models",
            "reading",
            "retrieval",
            "prompts",
            "templating",
            "sandboxes",
            "store",
            "pages",
        ]
    ),
    frozenset(["agents", "judges", "memories", "scaling"]),
    frozenset(["learner"]),
    frozenset(["statistics", "run", "gym", "adapters"]),
    frozenset(["report", "leaderboard", "serve"]),
    frozenset(["tables", "notebook", "export", "view"]),
    frozenset(["api"]),
    frozenset(["cli", "scaffold", "testing"]),
    frozenset(["__main__"]),
)
"""Parts of the core, lowest first. A part imports from its own layer and from those below."""

EXCEPTIONS: dict[tuple[str, str], str] = {}
"""(module, part it imports) that point the other way at run time, with the reason."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_prompts" not in path.parts)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part(module: str) -> str:
    """The part of the core that a module belongs to: ``rbsuite.models.base`` to ``models``."""
    return module.split(".")[1] if "." in module else ""


def imported(node: ast.AST, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        base = node.module or ""
        for alias in node.names:
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(path: Path, *, inside_functions: bool) -> Iterator[str]:
    """What a module imports at run time: at module level, and inside functions if asked for."""
    known = frozenset(name_of(module) for module in MODULES)

    def walk(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if is_type_checking(child):
                continue
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not inside_functions:
                continue
            yield from imported(child, known)
            yield from walk(child)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")))


def layer(name: str) -> int:
    found = [number for number, parts in enumerate(LAYERS) if name in parts]
    assert found, f"the part {name!r} of the core belongs to no layer: add it to LAYERS"
    return found[0]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    importer = name_of(path)
    if not part(importer):
        return
    own = layer(part(importer))
    against = {
        (importer, part(target))
        for target in imports(path, inside_functions=True)
        if target.startswith("rbsuite.") and layer(part(target)) > own
    }
    assert against <= set(EXCEPTIONS)


def test_exceptions_are_still_needed() -> None:
    by_name = {name_of(path): path for path in MODULES}
    for importer, target in EXCEPTIONS:
        assert target in {part(found) for found in imports(by_name[importer], inside_functions=True)}


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name_of(path))
    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_packages_form_no_cycle_at_module_level() -> None:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        own = part(name_of(path))
        if own:
            targets = {part(found) for found in imports(path, inside_functions=False) if found.startswith("rbsuite.")}
            graph.setdefault(own, set()).update(targets - {own})
    done: set[str] = set()

    def visit(node: str, trail: tuple[str, ...]) -> None:
        assert node not in trail, " -> ".join([*trail[trail.index(node) :], node])
        if node not in done:
            for target in sorted(graph.get(node, ())):
                visit(target, (*trail, node))
            done.add(node)

    for node in sorted(graph):
        visit(node, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_the_core_knows_no_plugin(path: Path) -> None:
    plugins = {home.name for home in (REPOSITORY / "plugins").glob("*/*") if (home / "__init__.py").exists()}
    assert plugins
    used = {found.partition(".")[0] for found in imports(path, inside_functions=True)}
    assert not used & plugins
    text = path.read_text(encoding="utf-8")
    assert not [name for name in plugins if f"{name}." in text or f'"{name}' in text]
