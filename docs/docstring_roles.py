"""Cross references of docstrings, for the reference: a griffe extension that mkdocs.yml names.

Docstrings refer to code with Sphinx roles, e.g. ``:class:`Task` `` or ``:meth:`rbsuite.Environment.load` ``. What is public becomes a
link, the rest its name. A reference to what does not exist is a warning, which fails the build.
"""

from __future__ import annotations

import logging
import pydoc
import re
import sys
from collections.abc import Iterator
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod|obj):`~?(?P<target>[\w.]+)`")
_LONGEST_VALUE = 400  # characters
_log = logging.getLogger("mkdocs.docstring_roles")

Thing = griffe.Object | griffe.Alias


class DocstringRoles(griffe.Extension):
    """Turns roles into links, lists what a module re-exports, and leaves out what is no help."""

    def on_class_instance(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """See dataclasses in those of :mod:`rbsuite.frozen`, so that their arguments are listed."""
        for decorator in cls.decorators:
            call = decorator.value
            if isinstance(call, griffe.ExprCall) and call.canonical_path == "rbsuite.frozen.dataclass":
                decorator.value = griffe.ExprCall(griffe.ExprName("dataclasses.dataclass"), call.arguments)

    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **kwargs: Any) -> None:
        """Rewrite the docstrings of a package that has just been loaded."""
        things = list(_below(pkg))
        for name in _packages_used(things) - set(loader.modules_collection.members):
            loader.load(name)
        for thing in things:
            if thing.docstring is not None:
                thing.docstring.value = _linked(thing)
        for thing in things:
            if isinstance(thing, griffe.Module):
                _list_exports(thing)
            if isinstance(thing, griffe.Module | griffe.Class):
                _hide_what_needs_no_entry(thing)
            if isinstance(thing, griffe.Attribute):
                _shorten(thing)


def _below(thing: griffe.Object) -> Iterator[griffe.Object]:
    """A module or class, and all that is defined in it."""
    yield thing
    for member in thing.members.values():
        if not isinstance(member, griffe.Alias):
            yield from _below(member)


def _packages_used(things: list[griffe.Object]) -> set[str]:
    """The packages of this repository that things import from."""
    imported = {
        member.target_path for thing in things for member in thing.members.values() if isinstance(member, griffe.Alias)
    }
    return {path.split(".")[0] for path in imported if path.startswith("rbsuite")}


def _linked(thing: griffe.Object) -> str:
    """The docstring of something, with links in place of roles."""
    assert thing.docstring is not None

    def link(match: re.Match[str]) -> str:
        target = match["target"]
        found = _find(thing, target)
        if found is not None:
            return _link(found, _shown(found, target))
        if target.split(".")[0] not in sys.stdlib_module_names or pydoc.locate(target) is None:
            _log.warning(
                "%s:%s: %s refers to %r, which does not exist", thing.filepath, thing.lineno, thing.path, target
            )
        return f"`{target}`"

    return _ROLE.sub(link, thing.docstring.value)


def _shown(found: Thing, target: str) -> str:
    """What a reference is called: without the module, unless it is one."""
    return target if found.is_module else target.removeprefix(f"{found.module.path}.").removeprefix("rbsuite.")


def _link(found: Thing, name: str) -> str:
    path = found.canonical_path
    if any(part.startswith("_") for part in path.split(".")):
        return f"`{name}`"
    if found.is_attribute and not found.docstring and found.parent is not None and found.parent.is_class:
        path = found.parent.canonical_path  # its class describes it
    return f"[`{name}`][{path}]"


def _find(scope: griffe.Object, target: str) -> Thing | None:
    """What a name means in a docstring: seen from the thing itself, from what it is defined in, or from the outside.

    A leading dot stands for the package that the module is in.
    """
    if target.startswith("."):
        target = scope.module.path.rpartition(".")[0] + target
    around: griffe.Object | None = scope
    while around is not None:
        found = _member(around, target)
        if found is not None:
            return found
        around = None if around.is_module else around.parent
    package, _, rest = target.partition(".")
    if package not in scope.modules_collection:
        return None
    outermost = scope.modules_collection[package]
    return _member(outermost, rest) if rest else outermost


def _member(thing: Thing, path: str) -> Thing | None:
    for name in path.split("."):
        members = thing.all_members if thing.is_class else thing.members
        if name not in members:
            return None
        thing = members[name]
        if isinstance(thing, griffe.Alias):
            try:
                thing = thing.final_target
            except griffe.AliasResolutionError:
                return None  # imported from a package that is not loaded
    return thing


def _list_exports(module: griffe.Module) -> None:
    """Describe what a module exports from elsewhere by links to where it is defined; it is not shown twice."""
    lines = []
    for name, member in module.members.items():
        if not isinstance(member, griffe.Alias):
            continue
        # The names of the top level are a computed list, which griffe does not read: there everything counts.
        if name in module.exports if module.exports else module.path == "rbsuite":
            found = _member(module, name)
            if found is not None and found.canonical_path.startswith("rbsuite"):
                about = found.docstring.value.partition("\n")[0] if found.docstring else ""
                lines.append(f"- {_link(found, name)}: {about}" if about else f"- {_link(found, name)}")
        member.public = False
    if lines:
        text = module.docstring.value if module.docstring else ""
        module.docstring = griffe.Docstring("\n".join([text, "", "Exports:", "", *lines]).strip(), parent=module)


def _hide_what_needs_no_entry(thing: griffe.Module | griffe.Class) -> None:
    """Magic methods mean what Python says, type variables nothing, and attributes may be told of by their class."""
    for member in thing.members.values():
        if isinstance(member, griffe.Alias) or member.docstring:
            continue
        type_variable = isinstance(member, griffe.Attribute) and str(member.value).startswith("TypeVar(")
        told = isinstance(thing, griffe.Class) and isinstance(member, griffe.Attribute) and _is_told(thing, member)
        if member.is_special or type_variable or told:
            member.public = False


def _is_told(cls: griffe.Class, attribute: griffe.Attribute) -> bool:
    """Whether an attribute is in its class's docstring or signature, or belongs to instances alone and is nobody's concern."""
    if cls.docstring and re.search(rf"^ +{attribute.name}: ", cls.docstring.value, re.MULTILINE):
        return True
    if any(decorator.callable_path == "dataclasses.dataclass" for decorator in cls.decorators):
        return "instance-attribute" in attribute.labels
    return "class-attribute" not in attribute.labels and not any(str(base) == "Protocol" for base in cls.bases)


def _shorten(attribute: griffe.Attribute) -> None:
    """Leave out values that tell a reader nothing: whole tables, and what private helpers make."""
    value = attribute.value
    made = isinstance(value, griffe.ExprCall) and str(value.function).startswith("_")
    if made or len(str(value)) > _LONGEST_VALUE:
        attribute.value = "..."
