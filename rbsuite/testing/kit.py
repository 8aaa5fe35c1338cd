"""The contract kit: every rule, checked on what plugins declare.

    from rbsuite.testing import check_memory, require_kept

    require_kept(check_memory("recent"))

``rbsuite plugin check`` and the pytest plugin call the same functions.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from rbsuite.distributions import GROUP
from rbsuite.errors import UnknownNameError, UsageError, shortened
from rbsuite.files import Unusable, is_address, parse_toml, read_file
from rbsuite.options import PartReference
from rbsuite.plugins import Plugins, load_plugins
from rbsuite.run.names import look_up
from rbsuite.testing import agents, embedders, environments, judges, memories, models, plugins
from rbsuite.testing.agents import AgentSubject
from rbsuite.testing.embedders import EmbedderSubject
from rbsuite.testing.environments.subject import EnvironmentSubject
from rbsuite.testing.judges import JudgeSubject
from rbsuite.testing.models import ModelSubject
from rbsuite.testing.plugins import PluginSubject, entry_of
from rbsuite.testing.rules import Finding, Rule, try_rules
from rbsuite.testing.streams import MemorySubject
from rbsuite.testing.subjects import Subject

SUBJECTS: Mapping[str, type[Subject[Any]]] = {
    "environment": EnvironmentSubject,
    "memory": MemorySubject,
    "judge": JudgeSubject,
    "agent": AgentSubject,
    "embedder": EmbedderSubject,
    "model": ModelSubject,
}
"""The subjects of rules, by kind."""

RULES: Mapping[str, Sequence[Rule[Any]]] = {
    "plugin": plugins.RULES,
    "environment": environments.RULES,
    "memory": memories.RULES,
    "judge": judges.RULES,
    "agent": agents.RULES,
    "embedder": embedders.RULES,
    "model": models.RULES,
}
"""The rules of each kind, in the order in which they are checked."""


_PROJECT = "pyproject.toml"
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Something to check.

    Attributes:
        kind: a kind of :data:`RULES`.
        name: its name as a user writes it; for a plugin, the name of its entry point.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Targets:
    """What to check, and where names are looked up.

    Attributes:
        plugins: the plugins.
        targets: what to check.
    """

    plugins: Plugins
    targets: Sequence[Target]


async def acheck(kind: str, reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check all rules of a kind on what a reference names. For code in an event loop; otherwise see :func:`check`.

    Args:
        kind: a kind of :data:`RULES`.
        reference: a name, with options if needed, e.g. ``"reasoningbank:k=2"``; for a plugin, the name of its entry point.
        known: where names are looked up; ``None``: everything that is installed.

    Raises:
        UnknownNameError: there is no such thing.
        UsageError: an option is invalid.
    """
    found = known or load_plugins()
    subject: Any = (
        _plugin(reference, found) if kind == "plugin" else SUBJECTS[kind](look_up(found, kind, reference), found)
    )
    try:
        return await try_rules(RULES[kind], subject, reference)
    finally:
        with suppress(Exception):  # by now a failure to close has been reported
            await subject.aclose()


def check(kind: str, reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check all rules of a kind on what a reference names. See :func:`acheck`."""
    return asyncio.run(acheck(kind, reference, known))


def check_plugin(name: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for plugins on one, and all others on what it declares. See :func:`acheck`."""
    found = known or load_plugins()
    targets = find_targets(name, found)
    return [finding for target in targets.targets for finding in check(target.kind, target.name, targets.plugins)]


def check_environment(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for environments. See :func:`acheck`."""
    return check("environment", reference, known)


def check_memory(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for memories. See :func:`acheck`."""
    return check("memory", reference, known)


def check_judge(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for judges. See :func:`acheck`."""
    return check("judge", reference, known)


def check_agent(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for agents. See :func:`acheck`."""
    return check("agent", reference, known)


def check_embedder(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for embedders. See :func:`acheck`."""
    return check("embedder", reference, known)


def check_model(reference: str, known: Plugins | None = None) -> list[Finding]:
    """Check the rules for models. See :func:`acheck`."""
    return check("model", reference, known)


def require_kept(findings: Sequence[Finding]) -> None:
    """Assert that no rule is broken; for tests.

    Raises:
        AssertionError: some rules are; the message says which, what was found, and what to do.
    """
    broken = [
        f"{one.kind} {one.subject}: {one.rule}: {one.requires}\n    {one.detail}\n    -> {one.remedy}"
        for one in findings
        if one.outcome == "broken"
    ]
    assert not broken, "\n".join(broken)


def find_targets(text: str, known: Plugins) -> Targets:
    """What a user wants to check.

    Args:
        text: the name of a plugin or its distribution, the name of something that a plugin declares (with options if needed), or the path
            of a plugin's directory or module; empty: everything.
        known: the installed plugins.

    Raises:
        UnknownNameError: there is no such thing; the nearest names are suggested.
        UsageError: the path contains no plugin.
    """
    infos = known.infos
    if not text:
        return Targets(known, _with_specs(known, [info.name for info in infos if info.status != "disabled"]))
    named = [info.name for info in infos if text == info.name or text == info.distribution.partition(" ")[0]]
    if named:
        return Targets(known, _with_specs(known, named))
    exists = _exists(text)
    name = "" if exists else PartReference.parse(text).name
    kinds = [kind for kind in SUBJECTS if name and name in _names(known, kind)]
    if kinds:
        return Targets(known, [Target(kind, text) for kind in kinds])
    if exists:
        return load_path(Path(text), known)
    names = [*(info.name for info in infos), *(one for kind in SUBJECTS for one in _names(known, kind))]
    raise UnknownNameError("plugin or path", text, sorted(set(names)), "rbsuite plugins")


def _exists(text: str) -> bool:
    """Whether there is a file or directory; what is too long for a path may still be a name with options."""
    if is_address(text):
        raise UsageError(f"{shortened(text)!r} is an address, not a path.", "Name a plugin's directory or module.")
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def _names(known: Plugins, kind: str) -> Sequence[str]:
    return [*known.of_kind(kind), *known.clashes(kind), *(known.aliases if kind == "environment" else ())]


def _with_specs(known: Plugins, names: Sequence[str]) -> list[Target]:
    """Plugins, each followed by what it declares."""
    made = []
    for name in names:
        made.append(Target("plugin", name))
        clashing = {(kind, one) for kind in SUBJECTS for one in known.clashes(kind)}
        made += [
            Target(kind, spec.name)
            for kind, spec in known.specs_of(name)
            if kind in SUBJECTS and (kind, spec.name) not in clashing
        ]
    return made


def load_path(path: Path, known: Plugins) -> Targets:
    """The plugins of a directory with a ``pyproject.toml``, or of a module, installed or not. Their code is run.

    Args:
        path: the directory or module.
        known: the installed plugins; plugins of the path that are among them are loaded from the path.

    Raises:
        UsageError: there is no plugin, or its name belongs to another plugin.
    """
    place = path.resolve()
    entries = {place.stem: place.stem} if place.is_file() else _entries(place)
    for directory in (place.parent,) if place.is_file() else (place / "src", place):
        if directory.is_dir() and str(directory) not in sys.path:
            sys.path.insert(0, str(directory))
    extended = known.extended([])
    for name, target in entries.items():
        info = next((info for info in known.infos if info.name == name), None)
        loaded: Any = known.plugin(name)
        if info is not None and loaded is not None and _lies_in(loaded, place):
            continue
        if info is not None and not _is_of(info.distribution, place):
            raise UsageError(
                f"{path}: another plugin is named {name!r}: the one from {info.distribution}.",
                "Rename one, or uninstall the other.",
            )
        if info is not None:  # a copy of it is installed, but the path was requested
            extended.remove(name)
            _forget(target)
        extended.add(name, f"{place.name} (by its path)", lambda target=target: _load(target))  # type: ignore[misc]
    return Targets(extended, _with_specs(extended, list(entries)))


def _is_of(distribution: str, place: Path) -> bool:
    """Whether an installed distribution is the one of a project's directory."""
    if place.is_file():
        return False
    return bool(_project(place).get("name") == distribution.partition(" ")[0])


def _forget(target: str) -> None:
    """Make the package of an entry point be imported again."""
    package = target.partition(":")[0].partition(".")[0]
    for module in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[module]
    invalidate_caches()


def _lies_in(plugin: Any, place: Path) -> bool:
    module = plugin if hasattr(plugin, "__file__") else sys.modules.get(type(plugin).__module__)
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve().is_relative_to(place)


def _entries(directory: Path) -> Mapping[str, str]:
    """The entry points that a project declares."""
    points = _project(directory).get("entry-points")
    entries = points.get(GROUP) if isinstance(points, dict) else None
    if not isinstance(entries, dict) or not all(isinstance(one, str) for one in entries.values()):
        raise UsageError(
            f"{directory / _PROJECT} declares no entry point in the group {GROUP}.",
            f'Add [project.entry-points.{GROUP}] NAME = "module".',
        )
    return entries


def _project(directory: Path) -> Mapping[str, Any]:
    """What a ``pyproject.toml`` says about its project; empty if nothing."""
    file = directory / _PROJECT
    try:
        project = parse_toml(read_file(file, most=_MOST_BYTES)).get("project")
    except (OSError, Unusable) as error:
        what = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else f"is {error}"
        raise UsageError(f"{file} {what}.", "Name a plugin's directory or module.") from error
    return project if isinstance(project, dict) else {}


def _load(target: str) -> object:
    module, _, attribute = target.partition(":")
    found: Any = import_module(module)
    for name in filter(None, attribute.split(".")):
        found = getattr(found, name)
    return found


def _plugin(name: str, known: Plugins) -> PluginSubject:
    """The subject for a plugin's name."""
    infos = {info.name: info for info in known.infos}
    if name not in infos:
        raise UnknownNameError("plugin", name, infos, "rbsuite plugins")
    owner = infos[name].distribution.partition(" ")[0]
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    point = next((one for one in points if one.dist is not None and one.dist.name == owner), None)
    if point is not None:
        return PluginSubject(name, known, lambda: known.load(name), point.value, point.dist)
    loaded = known.plugin(name)
    return PluginSubject(name, known, lambda: known.load(name), "" if loaded is None else entry_of(loaded))
