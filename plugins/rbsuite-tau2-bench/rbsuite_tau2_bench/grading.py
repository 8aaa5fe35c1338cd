"""The reward of a tau2-bench rollout, component by component.

Follows ``src/tau2/evaluator`` (sierra-research/tau2-bench, a2c0247). The reward is the product of the components that the task's basis
names; the others are computed as well, for reports.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.trajectory import Grade
from rbsuite_tau2_bench.scenario import Basis, Call, Function, Scenario
from rbsuite_tau2_bench.world import World

UNSCORED = "not scored: no judge"
"""The entry in the truth for natural-language assertions that no judge has checked."""


@dataclass(frozen=True, slots=True)
class Played:
    """The results of a rollout.

    Attributes:
        world: the world at the end.
        reference: the world to which the reference actions lead.
        calls: the tool calls of both sides, including those of an earlier conversation.
        said: what the agent said, including in an earlier conversation.
        termination: why it ended, by upstream's name.
        errors: tool calls that failed.
    """

    world: World
    reference: World
    calls: Sequence[Call]
    said: Sequence[str]
    termination: str
    errors: int


def grade(scenario: Scenario, played: Played, nl: Sequence[bool] | None = None) -> Grade:
    """The grade of a rollout.

    Args:
        scenario: the task.
        played: its results.
        nl: what a judge says about the natural-language assertions; ``None``: none was asked.
    """
    fixed = played.world.fidelity == "fixed"
    made = [any(recognised(want, call, fixed) for call in played.calls) for want in scenario.actions or ()]
    heard = [text.lower().replace(",", "") for text in played.said]
    told = {info: any(info.lower() in text for text in heard) for info in scenario.communicate}
    met = [holds(played.world, check) for check in scenario.assertions or ()]
    same = not scenario.graded or played.world.same_state(played.reference)
    components: dict[Basis, float | None] = {
        "DB": float(same),
        "ACTION": float(all(made)),
        "COMMUNICATE": float(all(told.values())),
        "ENV_ASSERTION": float(all(met)),
        "NL_ASSERTION": 1.0 if not scenario.nl_assertions else None if nl is None else float(all(nl)),
    }
    ended = played.termination in ("user_stop", "agent_stop")
    unmet = any(components[basis] == 0.0 for basis in scenario.basis)
    truth: dict[str, Any] = {
        **{name.lower(): value for name, value in components.items()},
        "basis": list(scenario.basis),
        "actions": made,
        "communicated": told,
        "env_assertions": met,
        "nl_assertions": UNSCORED if nl is None and scenario.nl_assertions else list(nl or ()),
        "termination": played.termination,
        "tool_errors": played.errors,
        "deviations": sorted(played.world.deviations),
    }
    return Grade(float(ended and not unmet), truth=truth)


def recognised(want: Call, call: Call, fixed: bool) -> bool:
    """Whether a call is a reference action. Who made it does not matter."""
    if want.name != call.name:
        return False
    # Upstream compares the arguments that the call gives, so a call that leaves some out can pass.
    given: Collection[str] = call.arguments.keys()
    if want.compared is not None:
        given = want.compared
    elif fixed:
        given = {*want.arguments, *call.arguments}
    return _only(call, given) == _only(want, given)


def holds(world: World, check: Function) -> bool:
    """Whether a check of the world holds; one that cannot be made does not. The world is left unchanged."""
    try:
        return bool(world.fork().run(check) == check.expected)
    except Exception:
        return False


def _only(call: Call, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in call.arguments.items() if name in names}
