"""Finds, loads, disables and lists plugins.

Built-in memories, judges, agents, models, embedders and scalings are plugins like any other: they come through the same hooks. A plugin
that cannot be loaded is kept with its error and never stops another; the error is raised when something is asked for that nobody else
provides. A name that two plugins claim belongs to neither, and only asking for it is an error.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import Any, TypeVar

import pluggy

from rbsuite import hookspecs
from rbsuite.distributions import GROUP, SEPARATE, how_to_install, misfit, origin
from rbsuite.errors import PluginError, RbsuiteError, UnknownNameError, in_words, is_failure, told, words_of
from rbsuite.specs import (
    AgentSpec,
    EmbedderSpec,
    EnvironmentSpec,
    JudgeSpec,
    MemorySpec,
    ModelSpec,
    ScalingSpec,
    SelectorSpec,
    Spec,
    UserSpec,
    plain_name,
)

DISABLE_VARIABLE = "RBSUITE_DISABLE_PLUGINS"
BY_HAND = "registered by hand"
"""Shown in place of the distribution of a plugin that was registered as an object."""
BUILT_IN = "built in"
"""Shown in place of the distribution of the core's own plugins."""
BUILTIN = (
    "rbsuite.agents.builtin",
    "rbsuite.environments.builtin",
    "rbsuite.judges.builtin",
    "rbsuite.learner.builtin",
    "rbsuite.memories.builtin",
    "rbsuite.retrieval.builtin",
    "rbsuite.scaling.builtin",
)
SLOW_SECONDS = 1.0
"""A plugin that takes longer to load and to declare what it provides slows down every command, and is reported."""
_log = logging.getLogger(__name__)

_S = TypeVar("_S", bound=Spec)
_D = TypeVar("_D")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """One plugin as ``rbsuite plugins`` shows it.

    Attributes:
        name: name of its entry point, or of its module if built in.
        distribution: ``"name version"`` of the installed distribution; ``"built in"`` for the core's own.
        status: ``loaded``, ``disabled`` or ``failed``.
        error: one line, if it failed: when it was loaded, or when one of its hooks was first called.
        api: the version of the hooks that it says it is built for; empty if it says nothing.
        seconds: how long it took to load and to declare what it provides.
        provides: the names that it declares, by kind in the plural.
    """

    name: str
    distribution: str
    status: str
    error: str = ""
    api: str = ""
    seconds: float = 0.0
    provides: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def slow(self) -> bool:
        """Whether it slows down every command."""
        return self.seconds > SLOW_SECONDS

    @property
    def remedy(self) -> str:
        """What to do if it failed or is slow, one line; else empty."""
        if self.status == "failed":
            return f"Upgrade, reinstall or fix {self.distribution}, or set {DISABLE_VARIABLE}={self.name}."
        if self.slow:
            return (
                "Import what is slow in the factories, not in the module that declares them (`rbsuite plugin check`)."
            )
        return ""


class Plugins:
    """The plugins of one process, and what they declare."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._infos: dict[str, PluginInfo] = {}
        self._owners: dict[int, str] = {}
        self._specs: dict[str, dict[str, Sequence[Any]]] = {}
        self._loaders: dict[str, Callable[[], object]] = {}
        self._clashes: dict[str, dict[str, str]] = {}

    @property
    def hook(self) -> Any:
        """The hook callers, e.g. ``plugins.hook.rbsuite_run_finished(run=...)``. An observer that raises stops its caller."""
        return self._manager.hook

    @property
    def infos(self) -> Sequence[PluginInfo]:
        """All plugins that were found, in the order they were found. By then, every hook has been called."""
        for plural in _PLURAL.values():
            getattr(self, plural)
        _ = self.prompt_dirs
        return tuple(replace(info, provides=self._provided(info)) for info in self._infos.values())

    def _provided(self, info: PluginInfo) -> Mapping[str, tuple[str, ...]]:
        declared = self._specs.get(info.name, {}) if info.status == "loaded" else {}
        return {
            hook.removeprefix("rbsuite_"): tuple(str(getattr(one, "name", one)) for one in made)
            for hook, made in declared.items()
            if made
        }

    def specs_of(self, name: str) -> Sequence[tuple[str, Spec]]:
        """What a plugin declares: kinds and specs, including those whose names clash."""
        _ = self.infos
        declared = self._specs.get(name, {})
        return [(_KINDS[hook], spec) for hook, made in declared.items() if hook in _KINDS for spec in made]

    def plugin(self, name: str) -> object | None:
        """The module or object of a plugin; ``None`` if it is not loaded."""
        found: object | None = self._manager.get_plugin(name)
        return found

    def load(self, name: str) -> object:
        """The module or object of a plugin, loaded again if it could not be used.

        Raises:
            PluginError: nobody knows how to load it.
            Exception: whatever loading it raises.
        """
        found = self.plugin(name)
        if found is None and name in self._loaders:
            found = self._loaders[name]()
        if found is None:
            raise PluginError(f"plugin {name!r}: {self._infos[name].error}")
        return found

    def extended(self, extra: Sequence[tuple[str, object]]) -> Plugins:
        """A new object with the same plugins and further ones; this one is not changed.

        Args:
            extra: names and objects of plugins.

        Raises:
            PluginError: one has a name that is taken, or does not fit this version.
        """
        made = Plugins()
        for info in self._infos.values():
            plugin = self.plugin(info.name)
            if plugin is None:
                made._infos[info.name] = info
                made._loaders |= {name: load for name, load in self._loaders.items() if name == info.name}
            else:
                made.register(plugin, info.name, info.distribution)
        for name, plugin in extra:
            made.register(plugin, name)
        return made

    def register(self, plugin: object, name: str, distribution: str = BY_HAND) -> None:
        """Add a plugin object.

        Raises:
            PluginError: the name is taken, or the plugin is built for another version, implements a hook that does not exist or takes an
                argument a hook lacks, or has a function that is named like a hook but not marked as one.
        """
        taken = self._infos.get(name)
        if taken is not None:
            raise PluginError(
                f"two plugins are named {name!r}: one from {taken.distribution}, one from {distribution}.",
                f"Uninstall one, or set {DISABLE_VARIABLE}={name}.",
            )
        api = getattr(plugin, "api_version", None)
        try:
            if api is not None and api != hookspecs.API_VERSION:
                raise PluginError(
                    f"it is built for version {api} of the hooks, but this rbsuite has version {hookspecs.API_VERSION}"
                )
            self._manager.register(plugin, name)
            self._manager.check_pending()
            _refuse_unmarked(plugin)
        except BaseException as error:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            if not is_failure(error):
                raise
            words = words_of(error)
            raise PluginError(f"plugin {name!r} ({distribution}) does not fit this version: {words}") from error
        self._infos[name] = PluginInfo(name, distribution, "loaded", api="" if api is None else str(api))
        self._forget()

    def remove(self, name: str) -> None:
        """Remove a plugin, whether it could be loaded or not."""
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        del self._infos[name]
        self._forget()

    def add(self, name: str, distribution: str, load: Callable[[], object]) -> None:
        """Load and register a plugin; if that fails, keep the error. If two plugins have the same name, neither is kept."""
        taken = self._infos.get(name)
        if taken is not None:
            if self._manager.has_plugin(name):
                self._manager.unregister(name=name)
            both = f"{taken.distribution}, {distribution}"
            error = f"several plugins have this name, so none of them is used: {both}"
            self._infos[name] = PluginInfo(name, both, "failed", error)
            self._forget()
            return
        self._loaders[name] = load
        started = time.perf_counter()
        try:
            self.register(load(), name, distribution)
        except BaseException as error:
            if not is_failure(error):
                raise
            # There is no need to repeat whose error it is.
            cause = error.__cause__ if isinstance(error, PluginError) and error.__cause__ is not None else error
            self._infos[name] = PluginInfo(name, distribution, "failed", _line(cause))
        self._infos[name] = replace(self._infos[name], seconds=time.perf_counter() - started)

    def explain(self, name: str, distribution: Distribution | None) -> None:
        """If the distribution of a failed plugin requires another version of rbsuite, add that to the plugin's error."""
        info = self._infos[name]
        words = misfit(distribution) if info.status == "failed" and distribution is not None else ""
        if words:
            self._infos[name] = replace(info, error=f"{info.error}; {words}")

    def skip(self, name: str, distribution: str) -> None:
        """Note a plugin that the user has disabled."""
        self._infos.setdefault(name, PluginInfo(name, distribution, "disabled"))

    @cached_property
    def environments(self) -> Mapping[str, EnvironmentSpec]:
        """Declared environments by name."""
        return self._collect("rbsuite_environments", EnvironmentSpec)

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """Further names of environments, each with the name it stands for: their aliases, and their names without brackets.

        A name that several environments claim stands for none of them, see :meth:`clashes`.
        """
        claims: dict[str, list[EnvironmentSpec]] = {name: [spec] for name, spec in self.environments.items()}
        for spec in self.environments.values():
            for alias in dict.fromkeys((plain_name(spec.name), *spec.aliases)):
                if spec not in claims.setdefault(alias, []):
                    claims[alias].append(spec)
        for alias, specs in claims.items():
            if len(specs) > 1:
                self._clash("environment", alias, [self.owner(spec) for spec in specs])
        return {
            alias: specs[0].name
            for alias, specs in claims.items()
            if len(specs) == 1 and alias not in self.environments and alias not in self._clashes.get("environment", {})
        }

    def clashes(self, kind: str) -> Mapping[str, str]:
        """The names of a kind that several plugins claim, each with who claims it; e.g. ``clashes("memory")``."""
        _ = getattr(self, _PLURAL[kind])
        if kind == "environment":
            _ = self.aliases
        return dict(sorted(self._clashes.get(kind, {}).items()))

    def _clash(self, kind: str, name: str, owners: Sequence[str]) -> None:
        self._clashes.setdefault(kind, {})[name] = f"declared {_times(len(owners))}: by {' and by '.join(owners)}"

    @cached_property
    def memories(self) -> Mapping[str, MemorySpec]:
        """Declared memories by name."""
        return self._collect("rbsuite_memories", MemorySpec)

    @cached_property
    def judges(self) -> Mapping[str, JudgeSpec]:
        """Declared judges by name."""
        return self._collect("rbsuite_judges", JudgeSpec)

    @cached_property
    def agents(self) -> Mapping[str, AgentSpec]:
        """Declared agents by name."""
        return self._collect("rbsuite_agents", AgentSpec)

    @cached_property
    def users(self) -> Mapping[str, UserSpec]:
        """Declared simulated users by name."""
        return self._collect("rbsuite_users", UserSpec)

    @cached_property
    def scalings(self) -> Mapping[str, ScalingSpec]:
        """Declared scalings by name."""
        return self._collect("rbsuite_scalings", ScalingSpec)

    @cached_property
    def selectors(self) -> Mapping[str, SelectorSpec]:
        """Declared selectors by name."""
        return self._collect("rbsuite_selectors", SelectorSpec)

    @cached_property
    def models(self) -> Mapping[str, ModelSpec]:
        """Declared in-process models by name."""
        return self._collect("rbsuite_models", ModelSpec)

    @cached_property
    def embedders(self) -> Mapping[str, EmbedderSpec]:
        """Declared embedders by name."""
        return self._collect("rbsuite_embedders", EmbedderSpec)

    @cached_property
    def prompt_dirs(self) -> Sequence[Path]:
        """Declared template directories, those of the last registered plugin first."""
        declared = [paths for _, paths in self._declared("rbsuite_prompt_dirs", Path)]
        return tuple(path for paths in reversed(declared) for path in paths)

    def find(self, kind: str, name: str) -> Spec:
        """The spec of a name, e.g. ``find("memory", "none")``.

        Raises:
            PluginError: several plugins claim the name; all are named.
            UnknownNameError: nobody provides the name; the nearest are suggested, and plugins that failed to load are named.
        """
        clashes = self.clashes(kind)
        if name in clashes:
            raise PluginError(
                f"the {kind} name {name!r} is {clashes[name]}.",
                f"Uninstall all but one, or set {DISABLE_VARIABLE} to the name of a plugin (`rbsuite plugins`).",
            )
        known = self.of_kind(kind)
        if kind == "environment":
            known = {**known, **{alias: known[stands_for] for alias, stands_for in self.aliases.items()}}
        if name in known:
            return known[name]
        error = UnknownNameError(kind, name, known, f"rbsuite list {_PLURAL[kind]}")
        missing = SEPARATE.get(name.partition("/")[0], "")
        if missing and not any(info.distribution.startswith(f"{missing} ") for info in self.infos):
            error.remedy = f"It comes with a plugin of its own. {how_to_install(missing)}"
        failed = [info for info in self.infos if info.status == "failed"]
        if failed:
            listing = "; ".join(f"{info.name} ({info.distribution}): {info.error}" for info in failed)
            error.remedy += f" Plugins that failed to load: {listing}."
        raise error

    def of_kind(self, kind: str) -> Mapping[str, Spec]:
        """The declared specs of a kind by name, e.g. ``of_kind("memory")``."""
        known: Mapping[str, Spec] = getattr(self, _PLURAL[kind])
        return known

    def owner(self, spec: Spec) -> str:
        """The distribution that declares a spec, ``"name version"``."""
        return self._owners[id(spec)]

    def environment(self, name: str) -> EnvironmentSpec:
        """The spec of an environment; see :meth:`find`."""
        spec = self.find("environment", name)
        assert isinstance(spec, EnvironmentSpec)
        return spec

    def _collect(self, hook: str, type_: type[_S]) -> Mapping[str, _S]:
        kind = _KINDS[hook]
        claims: dict[str, list[_S]] = {}
        for owner, declared in self._declared(hook, type_):
            for spec in declared:
                claims.setdefault(spec.name, []).append(spec)
                self._owners[id(spec)] = owner
        self._clashes[kind] = {}
        for name, specs in claims.items():
            if len(specs) > 1:
                self._clash(kind, name, [self._owners[id(spec)] for spec in specs])
        return {name: specs[0] for name, specs in sorted(claims.items()) if len(specs) == 1}

    def _declared(self, hook: str, kind: type[_D]) -> Iterator[tuple[str, Sequence[_D]]]:
        """What each plugin declares through a hook, with its distribution; a plugin that fails is kept with its error."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name, started = implementation.plugin_name, time.perf_counter()
            declared: Sequence[_D] = ()
            error = ""
            try:
                declared = _checked(hook, implementation.function(), kind)
            except BaseException as failure:
                if not is_failure(failure):
                    raise
                error = _line(failure)
            info = self._infos[name]
            info = replace(info, seconds=info.seconds + time.perf_counter() - started)
            self._infos[name] = replace(info, status="failed", error=error) if error else info
            if not error:
                self._specs.setdefault(name, {})[hook] = declared
                yield info.distribution, declared

    def _forget(self) -> None:
        for name, value in vars(type(self)).items():
            if isinstance(value, cached_property):
                self.__dict__.pop(name, None)


_PLURAL = {
    "environment": "environments",
    "memory": "memories",
    "judge": "judges",
    "agent": "agents",
    "user": "users",
    "scaling": "scalings",
    "selector": "selectors",
    "model": "models",
    "embedder": "embedders",
}

_KINDS = {f"rbsuite_{plural}": kind for kind, plural in _PLURAL.items()}


def load_plugins(extra: Sequence[tuple[str, object]] = ()) -> Plugins:
    """The built-in plugins, then the installed ones, then ``extra`` (name, object) pairs.

    ``RBSUITE_DISABLE_PLUGINS`` lists entry points that are not loaded, separated by commas.

    Raises:
        PluginError: one of ``extra`` has a name that is taken, or does not fit this version.
    """
    disabled = {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",")}
    plugins = Plugins()
    for module in BUILTIN:
        plugins.register(import_module(module), module, BUILT_IN)
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, origin(entry))):
        if entry.name in disabled:
            plugins.skip(entry.name, origin(entry))
        else:
            plugins.add(entry.name, origin(entry), entry.load)
            plugins.explain(entry.name, entry.dist)
    for name, plugin in extra:
        plugins.register(plugin, name)
    return plugins


def _checked(hook: str, declared: object, kind: type[_D]) -> Sequence[_D]:
    """What a hook returned, as a list.

    Raises:
        PluginError: it is not a list, or contains something of another kind, or a directory that does not exist.
    """
    if isinstance(declared, str | bytes | Mapping) or not isinstance(declared, Iterable):
        raise PluginError(f"{hook} must return a list of {kind.__name__}, not {in_words(declared)}")
    items = list(declared)
    for item in items:
        if not isinstance(item, kind):
            raise PluginError(f"{hook} must return a list of {kind.__name__}, but it contains {in_words(item)}")
        if isinstance(item, Path) and not item.is_dir():
            raise PluginError(f"{hook} names the directory {item}, which does not exist")
    return items


def _refuse_unmarked(plugin: object) -> None:
    """Refuse a function that is named like a hook but not marked as one: nobody would ever call it.

    Raises:
        PluginError: there is one.
    """
    for name in dir(plugin):
        if not name.startswith(f"{hookspecs.PROJECT}_"):
            continue
        function = getattr(plugin, name)
        marked = any(hasattr(function, f"{hookspecs.PROJECT}_{mark}") for mark in ("impl", "spec"))
        if callable(function) and hasattr(hookspecs, name) and not marked:
            raise PluginError(f"{name} is not marked with @rbsuite.hookimpl, so it would never be called")


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _line(error: BaseException) -> str:
    """An error on one line; without its class if it is one of ours, as that says nothing."""
    words = words_of(error) if isinstance(error, RbsuiteError) else told(error)
    return " ".join(words.split()).rstrip(".")
