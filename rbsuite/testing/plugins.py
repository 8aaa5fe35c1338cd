"""The rules for plugins: the module or object that an entry point names."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import Any

from rbsuite import hookspecs
from rbsuite.distributions import misfit
from rbsuite.errors import PluginError, RbsuiteError, is_failure, told
from rbsuite.plugins import SLOW_SECONDS, Plugins
from rbsuite.prompts import Prompts
from rbsuite.testing.elsewhere import Elsewhere, elsewhere
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.testing.subjects import require_importable

KIND = "plugin"
_PREFIX = f"{hookspecs.PROJECT}_"


@dataclass
class PluginSubject:
    """A plugin.

    Attributes:
        name: the name of its entry point.
        plugins: all plugins, including this one.
        load: returns its module or object.
        entry: ``"module:attribute"`` if it can be imported; else empty.
        distribution: the distribution it comes from; ``None`` if it is not installed.
    """

    name: str
    plugins: Plugins
    load: Callable[[], object]
    entry: str = ""
    distribution: Distribution | None = None

    @cached_property
    def loaded(self) -> object:
        """Its module or object."""
        return self.load()

    @property
    def hooks(self) -> Sequence[tuple[str, Callable[..., Any]]]:
        """The functions that it marks as hooks, by name."""
        named = [(name, getattr(self.loaded, name)) for name in dir(self.loaded) if not name.startswith("__")]
        return [(name, value) for name, value in named if hasattr(value, f"{_PREFIX}impl")]

    async def aclose(self) -> None:
        """Nothing is kept."""


@rule(
    KIND,
    "loads",
    "Correct the entry point in pyproject.toml, or what keeps the module from being imported.",
)
async def loads(subject: PluginSubject) -> None:
    """Its entry point names a module that can be imported, or something in one."""
    try:
        _ = subject.loaded
    except SyntaxError as error:
        where = f"{Path(error.filename or '?').name}, line {error.lineno}"
        raise Broken(f"it cannot be imported: {error.msg} ({where})") from error
    except BaseException as error:
        if not is_failure(error):
            raise
        raise Broken(f"it cannot be imported: {told(error)}") from error


@rule(
    KIND,
    "version",
    "Set `api_version` and the requirement on rbsuite to what you have tested it with.",
    after=("loads",),
)
async def version(subject: PluginSubject) -> None:
    """It is built for this version of the hooks, and its distribution requires this rbsuite."""
    declared = getattr(subject.loaded, "api_version", hookspecs.API_VERSION)
    require(declared == hookspecs.API_VERSION, f"it is for version {declared}, but this is {hookspecs.API_VERSION}")
    words = misfit(subject.distribution) if subject.distribution is not None else ""
    require(not words, words)


@rule(
    KIND,
    "marked",
    "Put @rbsuite.hookimpl above it: without that it is never called.",
    after=("loads",),
)
async def marked(subject: PluginSubject) -> None:
    """Every function that is named like a hook is marked as one."""
    for name in dir(subject.loaded):
        value = getattr(subject.loaded, name)
        if name.startswith(_PREFIX) and hasattr(hookspecs, name) and callable(value):
            is_marked = any(hasattr(value, f"{_PREFIX}{mark}") for mark in ("impl", "spec"))
            require(is_marked, f"{name} is not marked with @hookimpl")


@rule(
    KIND,
    "hooks",
    "See docs/hooks.md for the hooks and their arguments.",
    after=("loads", "version", "marked"),
)
async def hooks(subject: PluginSubject) -> None:
    """It implements hooks that exist, with arguments that they have, and at least one."""
    require(subject.hooks, "it implements no hook")
    try:
        Plugins().register(subject.loaded, subject.name)
    except PluginError as error:
        raise Broken(error.message) from error


@rule(
    KIND,
    "declares",
    "Return a list of specs, and raise nothing: the spec's `needs` says what is missing on a machine.",
    after=("hooks",),
)
async def declares(subject: PluginSubject) -> None:
    """Every hook that declares something gives a list of the right specs."""
    alone = Plugins()
    alone.register(subject.loaded, subject.name)
    (info,) = alone.infos
    require(info.status == "loaded", info.error)


@rule(
    KIND,
    "own-names",
    "Choose other names: one that two plugins claim belongs to neither.",
    after=("declares",),
)
async def own_names(subject: PluginSubject) -> None:
    """No other plugin has its name, or declares the same names."""
    mine = {(kind, spec.name) for kind, spec in subject.plugins.specs_of(subject.name)}
    for kind in sorted({kind for kind, _ in mine}):
        for name, who in subject.plugins.clashes(kind).items():
            require((kind, name) not in mine, f"the {kind} {name!r} is {who}")
    for info in subject.plugins.infos:
        require(info.name != subject.name or "several plugins have this name" not in info.error, info.error)


@rule(
    KIND,
    "cheap",
    "Import numpy and the like in the modules of the factories, not in the one that declares them.",
    after=("declares",),
)
async def cheap(subject: PluginSubject) -> None:
    """Loading it and asking what it declares takes less than 1 s, and imports no heavy package."""
    module = subject.entry.partition(":")[0]
    if not module:
        raise NotTried("it was registered as an object")
    require_importable(module)
    try:
        found = await elsewhere("declare", entry=subject.entry)
        if found["seconds"] >= SLOW_SECONDS:  # the disk may have been slow the first time
            found = await elsewhere("declare", entry=subject.entry)
    except Elsewhere as error:
        raise Broken(str(error)) from error
    require(not found["heavy"], f"it imports {', '.join(found['heavy'])}")
    require(found["seconds"] < SLOW_SECONDS, f"it takes {found['seconds']:.1f} s")


@rule(
    KIND,
    "templates",
    "Correct the template; `rbsuite prompts show NAME` renders it.",
    after=("declares",),
)
async def templates(subject: PluginSubject) -> None:
    """Its prompt directories hold templates that can be read."""
    alone = Plugins()
    alone.register(subject.loaded, subject.name)
    if not alone.prompt_dirs:
        raise NotTried("it has no prompt directories")
    for directory in alone.prompt_dirs:
        found = sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*.j2"))
        require(found, f"{directory.name} holds no template")
        prompts = Prompts([directory])
        for name in found:
            try:
                prompts.check(name)
            except RbsuiteError as error:
                raise Broken(error.message) from error


def entry_of(plugin: object) -> str:
    """How another process can find a plugin; empty if it cannot."""
    if isinstance(plugin, ModuleType):
        return plugin.__name__
    module = sys.modules.get(type(plugin).__module__)
    found = [key for key, value in vars(module).items() if value is plugin] if inspect.ismodule(module) else []
    return f"{type(plugin).__module__}:{found[0]}" if found else ""


RULES: tuple[Rule[Any], ...] = (loads, version, marked, hooks, declares, own_names, cheap, templates)
"""The rules, in the order in which they are checked."""
