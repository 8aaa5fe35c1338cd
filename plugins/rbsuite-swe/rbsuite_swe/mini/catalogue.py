"""The repositories of swe-mini, as described in ``repositories/``, and the instances made from them."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources

from rbsuite_swe.instance import Instance
from rbsuite_swe.mini.rules import HOUSES, RULES, Facts, Files

VERSION = "1"
TESTS = "tests/test_hidden.py"
"""The file that the test patch adds."""
_IGNORED = "__pycache__/\n*.pyc\n"


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the reference.

    Attributes:
        rule: the house rule that it follows; empty for the code change.
        patch: its unified diff, against the result of the steps before it.
    """

    rule: str
    patch: str


@dataclass(frozen=True, slots=True)
class MiniInstance:
    """An instance, along with what only the simulated learner and the grader see.

    Attributes:
        instance: the row.
        kind: the kind of its repository.
        files: the repository before the change.
        steps: the reference in parts.
        module: path of the changed file.
    """

    instance: Instance
    kind: str
    files: Files
    steps: tuple[Step, ...]
    module: str


@dataclass(frozen=True, slots=True)
class _Described:
    repo: str
    keys: Mapping[str, str]
    parts: tuple[tuple[str, str], ...]

    def part(self, name: str) -> str:
        return next((text for found, text in self.parts if found == name), "")


@cache
def catalogue() -> Mapping[str, MiniInstance]:
    """All instances by id, in the order of the kinds."""
    found: dict[str, MiniInstance] = {}
    directory = resources("rbsuite_swe.mini") / "repositories"
    for kind, rules in HOUSES.items():
        text = (directory / f"{kind}.txt").read_text(encoding="utf-8")
        for number, described in enumerate(_descriptions(text)):
            asked = {1: rules[:1], 3: rules[1:]}.get(number % 4, rules)
            made = _instance(kind, described, rules, asked, number)
            found[made.instance.instance_id] = made
    return found


def _descriptions(text: str) -> Iterator[_Described]:
    for block in text.split("==== ")[1:]:
        head, *parts = block.split("---- ")
        repo, *lines = head.strip().splitlines()
        keys = dict(line.split(": ", 1) for line in lines)
        named = [part.partition("\n") for part in parts]
        yield _Described(repo, keys, tuple((name.strip(), body.rstrip("\n")) for name, _, body in named))


def _instance(
    kind: str, described: _Described, shown: tuple[str, ...], asked: tuple[str, ...], number: int
) -> MiniInstance:
    keys = described.keys
    facts = Facts(keys["package"], keys["module"], keys.get("new_name", keys["name"]), keys["summary"], keys)
    module = f"{facts.package}/{facts.module}.py"
    before = {
        ".gitignore": _IGNORED,
        "README.md": f"# {facts.package}\n\nRun the tests: python3 -m unittest discover -s tests -t .\n",
        f"{facts.package}/__init__.py": "",
        module: described.part("source") + "\n",
        "tests/__init__.py": "",
        f"tests/test_{facts.module}.py": _tests(facts, f"{facts.module.title()}Test", [described.part("tests")]),
    }
    for rule in shown:
        before |= RULES[rule].shows(facts)
    steps = [("", {module: _changed(described, before[module])})]
    state = before | steps[0][1]
    for rule in asked:
        kept = RULES[rule].keep(facts, state)
        steps.append((rule, dict(kept)))
        state |= kept
    hidden = [described.part("hidden")]
    for rule in asked:
        hidden.append(f"def test_{rule}_is_kept(self):\n{textwrap.indent(RULES[rule].test(facts), '    ')}")
    test_file = _tests(facts, "HiddenTest", hidden)
    parts, current = [], before
    for rule, changed in steps:
        parts.append(Step(rule, diff(current, current | changed)))
        current = current | changed
    owner, name = described.repo.split("/")
    instance = Instance(
        repo=described.repo,
        instance_id=f"{owner}__{name}-1",
        base_commit="HEAD",
        patch=diff(before, current),
        test_patch=diff(current, current | {TESTS: test_file}),
        problem_statement=described.part("issue").strip(),
        fail_to_pass=tuple(f"tests.test_hidden.HiddenTest.{name}" for name in _names(hidden)),
        pass_to_pass=tuple(
            f"tests.test_{facts.module}.{facts.module.title()}Test.{name}" for name in _names([described.part("tests")])
        ),
        version=VERSION,
        created_at=f"2026-01-{number + 1:02}T00:00:00Z",
    )
    return MiniInstance(instance, kind, before, tuple(parts), module)


def _changed(described: _Described, source: str) -> str:
    """The source with each old text replaced by the new one, or with the new one appended."""
    for (kind, old), (_, new) in zip(described.parts, described.parts[1:], strict=False):
        if kind == "old":
            source = source.replace(f"{old}\n", f"{new}\n", 1)
    if not described.part("old"):
        new = described.part("new")
        source += f"{'' if new.startswith('    ') else chr(10)}\n{new}\n"
    return source


def _tests(facts: Facts, name: str, bodies: list[str]) -> str:
    methods = "\n\n".join(textwrap.indent(body, "    ") for body in bodies)
    return (
        f"import unittest\nfrom pathlib import Path\n\nfrom {facts.package} import {facts.module} as m\n\n"
        f"ROOT = Path(__file__).parents[1]\n\n\nclass {name}(unittest.TestCase):\n{methods}\n"
    )


def _names(bodies: list[str]) -> Iterator[str]:
    for body in bodies:
        yield from (line[4:].split("(")[0] for line in body.splitlines() if line.startswith("def test_"))


def diff(before: Files, after: Files) -> str:
    """The unified diff between two states, in git's format."""
    made = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        made.append(f"diff --git a/{path} b/{path}\n")
        if old is None:
            made.append("new file mode 100644\n")
        names = ("/dev/null" if old is None else f"a/{path}", f"b/{path}")
        lines = difflib.unified_diff((old or "").splitlines(True), (new or "").splitlines(True), *names)
        made += [line if line.endswith("\n") else f"{line}\n" for line in lines]
    return "".join(made)
