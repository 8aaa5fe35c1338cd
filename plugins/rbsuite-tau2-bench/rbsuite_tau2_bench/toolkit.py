"""What a toolkit is: the tools of one side in a domain, over that side's database.

Toolkits and their tools are named as in upstream, with its parameter names, because the texts of Python's own argument errors
(``MockTools.create_task() missing 1 required positional argument: 'title'``) are observations. Parameters are checked no more than in
upstream; wrong types fail as they do there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

from rbsuite_dialogue import calculator
from rbsuite_dialogue.deviations import BOUNDED_CALCULATOR
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import Value

Kind = Literal["read", "write", "generic"]
Side = Literal["assistant", "user"]

BOUNDED_HISTORY = "bounded-history"
COUNTED_BILL_IDS = "counted-bill-ids"

_F = TypeVar("_F", bound=Callable[..., Any])
_MARK = "_tool_kind"


def tool(kind: Kind) -> Callable[[_F], _F]:
    """Declare a method to be a tool: its kind says what it does to the state."""

    def mark(method: _F) -> _F:
        setattr(method, _MARK, kind)
        return method

    return mark


class Toolkit:
    """The tools of one side.

    A method marked by :func:`tool` is a tool. The other public methods of a subclass are functions that only the initial states and checks
    of tasks may call.

    Args:
        db: the state.
        fixed: whether the quirks listed in the documentation are repaired.
    """

    kinds: ClassVar[Mapping[str, Kind]] = MappingProxyType({})
    """The tools, in upstream's order, and their kinds."""
    functions: ClassVar[frozenset[str]] = frozenset()
    """The names of everything that may be called."""

    __slots__ = ("db", "fixed")

    def __init_subclass__(cls) -> None:
        """Collect the tools and functions."""
        own = {name: method for name, method in vars(cls).items() if not name.startswith("_") and callable(method)}
        cls.kinds = MappingProxyType({name: getattr(one, _MARK) for name, one in own.items() if hasattr(one, _MARK)})
        cls.functions = frozenset(own)

    def __init__(self, db: Overlay, *, fixed: bool = False) -> None:
        self.db = db
        self.fixed = fixed

    def forked(self, db: Overlay) -> Toolkit:
        """The same toolkit over another state."""
        return type(self)(db, fixed=self.fixed)

    def use(self, name: str, arguments: Mapping[str, Value]) -> str:
        """Call a tool; returns its observation.

        Raises:
            Refusal: there is no such tool, or a check failed.
            Exception: whatever Python raises on arguments that do not fit.
        """
        if name not in self.kinds:
            raise Refusal(f"Tool '{name}' not found.")
        result: str = getattr(self, name)(**arguments)
        return result


def evaluated(db: Overlay, expression: Value) -> str:
    """The observation of ``calculate``."""
    try:
        return calculator.calculate(expression)
    except calculator.ForbiddenCharacters:
        raise Refusal("Invalid characters in expression") from None
    except calculator.LimitExceeded:
        db.note(BOUNDED_CALCULATOR)
        raise


def listed(texts: list[str]) -> str:
    """The JSON text of a list whose elements have these texts."""
    return f"[{', '.join(texts)}]"


def shown(fields: Mapping[str, str | None]) -> str:
    """The JSON text of an object whose values are texts."""
    return json.dumps(dict(fields))
