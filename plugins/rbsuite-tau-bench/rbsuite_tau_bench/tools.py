"""What a tool is, and the tools that both domains have.

Tools are classes named as upstream's, with a static ``invoke`` that has upstream's parameter names: the texts of Python's
own argument errors ("Think.invoke() missing 1 required positional argument: 'thought'") are observations, and this
makes Python produce them. Parameters are checked no more than in upstream; wrong types fail as they do there.
"""

# ruff: noqa: D102 (a tool is its class, whose docstring says what its one method does)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from rbsuite_dialogue import calculator
from rbsuite_dialogue.deviations import BOUNDED_CALCULATOR
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import Value

Kind = Literal["read", "write", "none", "terminating"]

FOURTH_CERTIFICATE = "fourth-certificate"
COPIED_ARGUMENTS = "copied-arguments"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of a domain.

    Attributes:
        name: as the model calls it.
        kind: what it does to the world; a terminating one ends the episode.
        invoke: called with ``data=`` an :class:`Overlay` and the arguments as keywords; returns the observation. Raises
            :class:`Refusal` or any Python error, whose text becomes an error observation.
    """

    name: str
    kind: Kind
    invoke: Callable[..., str]


class Calculate:
    """Arithmetic on numbers, ``+ - * / ** //`` and parentheses."""

    @staticmethod
    def invoke(data: Overlay, expression: Value) -> str:
        try:
            return calculator.calculate(expression)
        except calculator.LimitExceeded:
            data.note(BOUNDED_CALCULATOR)
            raise


class Think:
    """A place for a thought; does nothing."""

    @staticmethod
    def invoke(data: Overlay, thought: Value) -> str:
        return ""


class TransferToHumanAgents:
    """Hands the conversation over and ends the episode."""

    @staticmethod
    def invoke(data: Overlay, summary: Value) -> str:
        return "Transfer successful"


class GetUserDetails:
    """The record of a user."""

    @staticmethod
    def invoke(data: Overlay, user_id: Value) -> str:
        return show(data, "users", user_id, "user not found")


def show(data: Overlay, table: str, key: Value, missing: str) -> str:
    """The JSON text of a record. Raises :class:`Refusal` with the text ``missing`` if there is none."""
    require(data, table, key, missing)
    return data.json_text(table, key)


def require(data: Overlay, table: str, key: Value, missing: str) -> None:
    """Raise :class:`Refusal` with the text ``missing`` if the table has no such key."""
    if not data.has(table, key):
        raise Refusal(missing)
