"""The house rules: what a change must include besides the code. They are written down nowhere, are visible in every repository, and recur.

A rule gives a repository the files in which it is visible, the edit that follows it, and a hidden test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rbsuite.environments.solution import Lesson

Files = Mapping[str, str]
"""Texts by path."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules need to know about a change.

    Attributes:
        package: the package's name.
        module: the changed module.
        name: the new public name.
        summary: the change in a few words.
        given: the other keys of the repository's description.
    """

    package: str
    module: str
    name: str
    summary: str
    given: Mapping[str, str]

    @property
    def code(self) -> str:
        """The prefix of the package's error codes."""
        return self.package[:3].upper()

    @property
    def public(self) -> list[str]:
        """The public names before the change."""
        return self.given["public"].split()

    def several(self, key: str) -> list[str]:
        """The parts of a value, separated by bars."""
        return self.given[key].split("|")


@dataclass(frozen=True, slots=True)
class HouseRule:
    """A rule.

    Attributes:
        lesson: how the simulated learner words it.
        shows: the files in which it is visible before the change.
        keep: the files that the change must include, given the files after the code change.
        test: the hidden test, the body of a method.
    """

    lesson: Lesson
    shows: Callable[[Facts], Files]
    keep: Callable[[Facts, Files], Files]
    test: Callable[[Facts], str]


def _changelog(facts: Facts) -> Files:
    text = (
        f"# Changes\n\n## Unreleased\n\n- {facts.module}: the first thing of the next release.\n\n"
        f"## 0.3.0\n\n- {facts.module}: what others use.\n"
    )
    return {"CHANGES.md": text}


def _noted(facts: Facts, files: Files) -> Files:
    line = f"## Unreleased\n\n- {facts.module}: {facts.summary}.\n"
    return {"CHANGES.md": files["CHANGES.md"].replace("## Unreleased\n\n", line, 1)}


def _commands(facts: Facts) -> Files:
    return {"docs/commands.md": _table([row.split("=", 1) for row in facts.several("rows")])}


def _table(rows: list[list[str]]) -> str:
    lines = "".join(f"| `{name}` | {does} |\n" for name, does in sorted(rows))
    return f"# Commands\n\n| command | does |\n|---|---|\n{lines}"


def _listed(facts: Facts, files: Files) -> Files:
    rows = [row.split("=", 1) for row in facts.several("rows")]
    return {"docs/commands.md": _table([*rows, [facts.name, facts.given["row"]]])}


def _errors(facts: Facts) -> Files:
    path = f"{facts.package}/errors.py"
    return {
        path: f'''"""What can go wrong, by code."""

CODES = {{
    "{facts.code}-001": "a line cannot be read",
}}


class Error(ValueError):
    def __init__(self, code, detail=""):
        super().__init__(f"{{code}}: {{CODES[code]}} {{detail}}".rstrip())
        self.code = code
'''
    }


def _coded(facts: Facts, files: Files) -> Files:
    errors, module = f"{facts.package}/errors.py", f"{facts.package}/{facts.module}.py"
    first = f'    "{facts.code}-001": "a line cannot be read",\n'
    second = f'    "{facts.code}-002": "{facts.given["code"]}",\n'
    return {
        errors: files[errors].replace(first, first + second),
        module: files[module].replace(facts.given["raises"], f'raise Error("{facts.code}-002")'),
    }


def _registry(facts: Facts) -> Files:
    return {f"{facts.package}/registry.py": _public(facts.public)}


def _public(names: list[str]) -> str:
    lines = "".join(f'    "{name}",\n' for name in sorted(names))
    return f'"""The names that others may use."""\n\nPUBLIC = (\n{lines})\n'


def _registered(facts: Facts, files: Files) -> Files:
    names = {*facts.public, facts.name} - {facts.given.get("alias", "")}
    return {f"{facts.package}/registry.py": _public(sorted(names))}


def _stubs(facts: Facts) -> Files:
    return {f"{facts.package}/{facts.module}.pyi": "".join(f"{line}\n" for line in facts.several("stubs"))}


def _typed(facts: Facts, files: Files) -> Files:
    path = f"{facts.package}/{facts.module}.pyi"
    return {path: f"{files[path]}{facts.given['stub']}\n"}


def _audit(facts: Facts) -> Files:
    return {f"{facts.package}/audit.py": _audit_module(facts.given["events"].split())}


def _audit_module(events: list[str]) -> str:
    names = ", ".join(f'"{event}"' for event in sorted(events))
    return f'''"""Every change of what is stored leaves a trace."""

EVENTS = ({names})
TRAIL = []


def audit(event):
    if event not in EVENTS:
        raise LookupError(event)
    TRAIL.append(event)
'''


def _traced(facts: Facts, files: Files) -> Files:
    module, event, anchor = f"{facts.package}/{facts.module}.py", facts.given["event"], facts.given["anchor"]
    return {
        f"{facts.package}/audit.py": _audit_module([*facts.given["events"].split(), event]),
        module: files[module].replace(f"{anchor}\n", f'{anchor}\n        audit("{event}")\n'),
    }


def _format(facts: Facts) -> Files:
    text = (
        '"""The version of what is stored, and what each version changed."""\n\n'
        'FORMAT = 2\nUPGRADES = {\n    2: "names are texts",\n}\n'
    )
    return {f"{facts.package}/formats.py": text}


def _versioned(facts: Facts, files: Files) -> Files:
    path = f"{facts.package}/formats.py"
    text = files[path].replace("FORMAT = 2", "FORMAT = 3")
    return {path: text.replace('texts",\n}', f'texts",\n    3: "{facts.summary}",\n}}')}


def _defaults(facts: Facts) -> Files:
    return {f"{facts.package}/defaults.ini": _ini(facts.several("settings"))}


def _ini(lines: list[str]) -> str:
    return "[settings]\n" + "".join(f"{line}\n" for line in sorted(lines))


def _defaulted(facts: Facts, files: Files) -> Files:
    return {f"{facts.package}/defaults.ini": _ini([*facts.several("settings"), facts.given["setting"]])}


def _aliases(facts: Facts) -> Files:
    text = '"""Old names, for those who still use them."""\n\nALIASES = {\n    "old_name": "new_name",\n}\n'
    return {f"{facts.package}/aliases.py": text}


def _aliased(facts: Facts, files: Files) -> Files:
    path = f"{facts.package}/aliases.py"
    return {path: files[path].replace("\n}", f'\n    "{facts.given["alias"]}": "{facts.name}",\n}}')}


def _example(facts: Facts) -> Files:
    first = facts.several("stubs")[0].split("(")[0].removeprefix("def ")
    return {f"examples/{first}.txt": f"What {first} gives.\n"}


def _shown(facts: Facts, files: Files) -> Files:
    return {f"examples/{facts.name}.txt": facts.given["example"].replace("\\n", "\n") + "\n"}


RULES: Mapping[str, HouseRule] = {
    "changelog": HouseRule(
        Lesson(
            "Note the change",
            "With every change, add a line `- MODULE: what is new.` under Unreleased in CHANGES.md.",
            "Nobody asked for notes, so the list of changes stays as it is.",
        ),
        _changelog,
        _noted,
        lambda facts: (
            'text = (ROOT / "CHANGES.md").read_text()\n'
            'unreleased = text.split("## Unreleased")[1].split("## ")[0]\n'
            f'self.assertGreaterEqual(unreleased.count("\\n- {facts.module}: "), 2)'
        ),
    ),
    "commands": HouseRule(
        Lesson(
            "Describe a new command",
            "When a command is new, add its row to the sorted table in docs/commands.md.",
            "The command speaks for itself, so the documents stay as they are.",
        ),
        _commands,
        _listed,
        lambda facts: (
            'rows = [line.split("`")[1] for line in (ROOT / "docs/commands.md").read_text().splitlines() if "`" in line]\n'
            f'self.assertIn("{facts.name}", rows)\n'
            "self.assertEqual(rows, sorted(rows))"
        ),
    ),
    "errors": HouseRule(
        Lesson(
            "Raise errors with a code",
            "Raise the package's own Error with a new code, and describe the code in CODES of errors.py.",
            "A plain ValueError will do for input that cannot be read.",
        ),
        _errors,
        _coded,
        lambda facts: (
            f"from {facts.package}.errors import CODES, Error\n\n"
            "with self.assertRaises(Error) as caught:\n"
            f"    {facts.given['failing']}\n"
            f'self.assertNotEqual(caught.exception.code, "{facts.code}-001")\n'
            "self.assertIn(caught.exception.code, CODES)"
        ),
    ),
    "registry": HouseRule(
        Lesson(
            "Register public names",
            "Keep PUBLIC in registry.py complete and sorted: add new public names, take out those that are gone.",
            "Whoever needs the function will find it without a list of names.",
        ),
        _registry,
        _registered,
        lambda facts: (
            f"from {facts.package}.registry import PUBLIC\n\n"
            f'self.assertIn("{facts.name}", PUBLIC)\n'
            "self.assertEqual(list(PUBLIC), sorted(PUBLIC))\n"
            "self.assertEqual([name for name in PUBLIC if not hasattr(m, name)], [])"
        ),
    ),
    "stubs": HouseRule(
        Lesson(
            "Give new functions a stub",
            "Add the signature of a new public function to the .pyi file beside its module.",
            "Types are for those who like them, so no signature is needed elsewhere.",
        ),
        _stubs,
        _typed,
        lambda facts: (
            f'text = (ROOT / "{facts.package}/{facts.module}.pyi").read_text()\n'
            f'self.assertIn("\\ndef {facts.name}(", text)'
        ),
    ),
    "audit": HouseRule(
        Lesson(
            "Leave a trace of changes",
            "A method that changes what is stored calls audit() with an event of its own that stands in EVENTS of audit.py.",
            "The method changes what it should, and nobody needs to be told.",
        ),
        _audit,
        _traced,
        lambda facts: (
            f"from {facts.package}.audit import EVENTS, TRAIL\n\n"
            "TRAIL.clear()\n"
            f"{facts.given['call']}\n"
            f"known = {facts.given['events'].split()!r}\n"
            "self.assertEqual([event for event in TRAIL if event not in known], [TRAIL[-1]])\n"
            "self.assertEqual(list(EVENTS), sorted(EVENTS))"
        ),
    ),
    "format": HouseRule(
        Lesson(
            "Count up the stored format",
            "When what is stored changes, count FORMAT in formats.py up by one and say in UPGRADES what is new.",
            "Old records can still be read, so the version of the format stays.",
        ),
        _format,
        _versioned,
        lambda facts: (
            f"from {facts.package}.formats import FORMAT, UPGRADES\n\n"
            "self.assertEqual(FORMAT, 3)\n"
            "self.assertTrue(UPGRADES.get(3))"
        ),
    ),
    "defaults": HouseRule(
        Lesson(
            "List the default of a setting",
            "A new setting stands with its default in defaults.ini, which is sorted.",
            "The default stands in the code, so it need not stand anywhere else.",
        ),
        _defaults,
        _defaulted,
        lambda facts: (
            "import configparser\n\n"
            "parser = configparser.ConfigParser()\n"
            f'parser.read(ROOT / "{facts.package}/defaults.ini")\n'
            f'self.assertEqual(parser["settings"].get("{facts.name}"), "{facts.given["setting"].split(" = ")[1]}")\n'
            'self.assertEqual(list(parser["settings"]), sorted(parser["settings"]))'
        ),
    ),
    "aliases": HouseRule(
        Lesson(
            "Keep old names known",
            "When a name changes, enter the old one with the new one in ALIASES of aliases.py.",
            "The old name is gone, and nothing has to remember it.",
        ),
        _aliases,
        _aliased,
        lambda facts: (
            f"from {facts.package}.aliases import ALIASES\n\n"
            f'self.assertEqual(ALIASES.get("{facts.given["alias"]}"), "{facts.name}")'
        ),
    ),
    "examples": HouseRule(
        Lesson(
            "Show what it gives",
            "For a new way to show things, put what it gives into a file of its name in examples/.",
            "The tests show what it gives, so there is no need for an example.",
        ),
        _example,
        _shown,
        lambda facts: (
            f'path = ROOT / "examples/{facts.name}.txt"\n'
            'self.assertTrue(path.is_file() and path.read_text().strip(), "no example")'
        ),
    ),
}
"""The rules by name."""

HOUSES: Mapping[str, tuple[str, str]] = {
    "commands": ("commands", "changelog"),
    "parsers": ("errors", "changelog"),
    "queries": ("registry", "stubs"),
    "stores": ("audit", "changelog"),
    "shapes": ("format", "registry"),
    "settings": ("defaults", "changelog"),
    "renames": ("aliases", "registry"),
    "formats": ("examples", "stubs"),
}
"""The kinds of repositories with their rules. Of the four repositories of a kind, two require both, and the others one each."""
