"""What a tool is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rbsuite_toolsandbox.arguments import NOT_GIVEN, Parameter, Value, bind, check_type
from rbsuite_toolsandbox.world import Phone


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Attributes:
        name: upstream's name.
        module: the upstream module that contains it; scrambled names are made from it.
        parameters: in order.
        run: called with the phone and every argument by name; returns a JSON value, or raises
            :class:`~rbsuite_toolsandbox.arguments.ToolError` or a plain Python error.
        checked: whether types are checked before it runs.
    """

    name: str
    module: str
    parameters: tuple[Parameter, ...]
    run: Callable[..., Any]
    checked: bool = True

    def call(self, phone: Phone, arguments: dict[str, Value]) -> tuple[Any, dict[str, Value]]:
        """The result, and the arguments as upstream traces them: with defaults filled in, and arguments that were not given left out.

        Raises:
            ToolError: the tool refuses.
        """
        bound = bind(self.parameters, arguments)
        if self.checked:
            for parameter in self.parameters:
                check_type(parameter.name, parameter.kind, bound[parameter.name])
        result = self.run(phone, **bound)
        return result, {name: value for name, value in bound.items() if value is not NOT_GIVEN}
