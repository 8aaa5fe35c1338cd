"""The rules for environments."""

from __future__ import annotations

from typing import Any

from rbsuite.environments.base import Environment
from rbsuite.testing.environments import declared, grading, hiding, playing
from rbsuite.testing.environments.subject import KIND
from rbsuite.testing.rules import Rule
from rbsuite.testing.subjects import common_rules


def _missing(made: Any) -> str:
    return "" if isinstance(made, Environment) else f"the base rbsuite.Environment ({type(made).__name__})"


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, _missing),
    *declared.RULES,
    *playing.RULES,
    *grading.RULES,
    *hiding.RULES,
)
"""The rules, in the order in which they are checked."""
