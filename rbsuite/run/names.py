"""From references that users write to specs: what a name stands for, and the values of its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from rbsuite.errors import PluginError, is_mistake, told
from rbsuite.judges.base import FunctionJudge
from rbsuite.options import PartReference, canonical_reference
from rbsuite.plugins import Plugins
from rbsuite.specs import Spec, load_object


@dataclass(frozen=True, slots=True)
class Part:
    """A name that was looked up: its spec and the values of its options."""

    kind: str
    spec: Spec
    values: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """Its canonical form."""
        return canonical_reference(self.spec.name, self.values, self.spec.options)

    def make(self) -> Any:
        """The object that its factory makes; an ``async`` function that is a judge is wrapped as one.

        Raises:
            PluginError: the factory failed.
        """
        owner = f"{self.kind} {self.spec.name!r}"
        factory = load_object(self.spec.factory, owner)
        if self.kind == "judge" and iscoroutinefunction(factory):
            return FunctionJudge(partial(factory, **self.values))
        try:
            return factory(**self.values)
        except BaseException as error:
            if not is_mistake(error):
                raise
            raise PluginError(f"{owner} cannot be made: {told(error)}.", "Fix or reinstall the plugin.") from error


def look_up(plugins: Plugins, kind: str, reference: str) -> Part:
    """The spec and option values that a reference names.

    Raises:
        UnknownNameError: no such name or option; the nearest is suggested.
        UsageError: a bad value.
    """
    parsed = PartReference.parse(reference)
    spec = plugins.find(kind, parsed.name)
    return Part(kind, spec, parsed.values(kind, spec.options))
