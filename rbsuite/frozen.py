"""Frozen dataclasses whose instances are created as fast as others.

``@dataclass(frozen=True, slots=True)`` of the standard library sets every field with ``object.__setattr__``, so creating an instance takes
four to six times as long as for a class that is not frozen (CPython 3.11). A rollout creates hundreds of them. The decorator here makes the
same class, with the same arguments, equality, hash, ``repr``, ``replace``, ``fields`` and pickles. An object is filled in as an instance of
an unfrozen class with the same slots, by a function that is written for its fields, and becomes an instance of the frozen class before
anybody sees it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Generic, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(*, frozen: bool, slots: bool) -> Any:
        """A frozen dataclass with slots; see the module's docstring.

        Args:
            frozen: always true; written out where it is used, as with the standard library's.
            slots: always true.
        """
        if not (frozen and slots):
            raise TypeError("this decorator is for frozen dataclasses with slots")
        return _quick


def _quick(plain: type) -> Any:
    own = {name: value for name, value in plain.__dict__.items() if name not in ("__dict__", "__weakref__")}
    draft: Any = dataclasses.dataclass(slots=True)(type(plain)(plain.__name__, plain.__bases__, dict(own)))
    final: Any = dataclasses.dataclass(frozen=True, slots=True)(plain)
    init, names = final.__init__, tuple(field.name for field in dataclasses.fields(final))

    def reduce(self: Any) -> tuple[type, tuple[Any, ...]]:
        return type(self), tuple(getattr(self, name) for name in names)

    def init_subclass(cls: type) -> None:
        # A subclass is filled in the standard library's way.
        if "__init__" not in cls.__dict__:
            cls.__init__ = init  # type: ignore[misc]
        if "__new__" not in cls.__dict__:
            cls.__new__ = _unfilled  # type: ignore[method-assign, assignment]

    new = _maker(draft, final)
    new.__wrapped__ = init  # for whoever asks for the signature
    final.__new__, final.__reduce__, final.__init_subclass__ = new, reduce, classmethod(init_subclass)
    del final.__init__
    return final


def _unfilled(cls: type, *args: Any, **changes: Any) -> Any:
    return object.__new__(cls)


def _maker(draft: type, final: type) -> Any:
    """The ``__new__`` of a frozen class: a function with the fields as its parameters, made as :mod:`dataclasses` makes ``__init__``."""
    known: dict[str, Any] = {"_new": object.__new__, "_draft": draft, "_unset": object()}
    parameters, lines = ["_cls"], []
    for field in dataclasses.fields(final):
        if not field.init or field.kw_only:
            raise TypeError(
                f"{final.__name__}.{field.name}: this decorator knows no fields that are not plain arguments"
            )
        default, value = "", field.name
        if field.default is not dataclasses.MISSING:
            known[f"_of_{field.name}"], default = field.default, f"=_of_{field.name}"
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_of_{field.name}"], default = field.default_factory, "=_unset"
            value = f"_of_{field.name}() if {field.name} is _unset else {field.name}"
        parameters.append(field.name + default)
        lines.append(f"_self.{field.name} = {value}")
    if hasattr(final, "__post_init__"):
        lines.append("_self.__post_init__()")
    body = "\n ".join(["_self = _new(_draft)", *lines, "_self.__class__ = _cls", "return _self"])
    exec(f"def new({', '.join(parameters)}):\n {body}", known)  # noqa: S102  # nothing in it but names of the class's fields
    new = known["new"]
    new.__qualname__ = f"{final.__qualname__}.__init__"
    return new


class Same(Generic[T]):
    """A value as a key of a cache: equal only to itself, and never compared by what it holds.

    Args:
        value: never changes.
    """

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)
