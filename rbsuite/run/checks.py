"""What plugins return, checked where it enters the core. Each check gives the value, typed, or raises; whose it is says who calls it."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from rbsuite.errors import PluginError
from rbsuite.experience import MemoryOp, Recall
from rbsuite.scaling.base import Group
from rbsuite.trajectory import Action
from rbsuite.verdict import Label, Verdict

_T = TypeVar("_T")


def check_recall(value: Any) -> Recall:
    """What ``recall`` returned."""
    return _of(Recall, value, "recall")


def check_ops(value: Any) -> tuple[MemoryOp, ...]:
    """What ``absorb`` returned."""
    if not isinstance(value, list | tuple) or not all(isinstance(op, MemoryOp) for op in value):
        wrong = next((op for op in value if not isinstance(op, MemoryOp)), value) if isinstance(value, list) else value
        raise PluginError(
            f"absorb returned {_shown(wrong)}, not a list of MemoryOp.",
            "Return a list; an empty one if nothing is learnt.",
        )
    return tuple(value)


def check_verdict(value: Any) -> Verdict:
    """What ``judge`` returned."""
    verdict = _of(Verdict, value, "judge")
    if verdict.label not in get_args(Label):
        raise PluginError(
            f"judge returned a Verdict with the label {verdict.label!r}.", f"Use one of {', '.join(get_args(Label))}."
        )
    return verdict


def check_action(value: Any) -> Action:
    """What ``act`` returned."""
    return _of(Action, value, "act")


def check_group(value: Any) -> Group:
    """What a scaling's ``run`` returned."""
    group = _of(Group, value, "run")
    if not group.rollouts:
        raise PluginError("run returned a Group without rollouts.", "Return at least one.")
    check_index(group.selected, len(group.rollouts))
    return group


def check_index(value: Any, n: int) -> int:
    """What ``select`` returned: the index of one of ``n`` rollouts."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < n:
        raise PluginError(
            f"the chosen rollout is {_shown(value)}.", f"Give the index of one of {n}, from 0 to {n - 1}."
        )
    return value


def _of(kind: type[_T], value: Any, method: str) -> _T:
    if not isinstance(value, kind):
        raise PluginError(f"{method} returned {_shown(value)}, not a {kind.__name__}.", f"Return a {kind.__name__}.")
    return value


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}" if value is not None else "None"
