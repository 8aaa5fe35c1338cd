"""Goals, subgoals and single predicates: how upstream reads, expands and evaluates them, beside the engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rbsuite.errors import DataError
from rbsuite_eb_habitat.goals import Expression, Logic, compile_expression, expand
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.pack import Episode
from rbsuite_eb_habitat.vocab import PLACE_NUMBER

from .states import Situation, situations
from .trees import tree
from .upstream import Upstream


@dataclass(slots=True)
class Goals:
    """What a comparison of goals found.

    Attributes:
        expanded: goals that both expanded.
        refused: goals that both refused.
        limited: goals that the engine refuses for their size, and upstream would expand.
        evaluated: truth values compared.
        true: how many of them were true.
        differences: what differed, in words.
    """

    expanded: int = 0
    refused: int = 0
    limited: int = 0
    evaluated: int = 0
    true: int = 0
    differences: list[str] = field(default_factory=list)


def compare_goal(
    upstream: Upstream, episode: Episode, household: Household, found: Goals, *, states: int, seed: int
) -> None:
    """An episode's own goal and the predicates of its subgoals, in random states. Upstream must have been reset to the episode."""
    rng = random.Random(seed)
    _same_expansion(upstream.task.goal_expr, household.goal, f"goal of {episode.instruction!r}", found)
    names = [item.instance for item in episode.items]
    parts = sorted({predicate for subgoal in episode.subgoals for predicate in subgoal})
    theirs = [upstream.task.pddl.parse_predicate(_text(part), upstream.task.pddl.all_entities) for part in parts]
    ours = [compile_expression(part, names) for part in parts]
    wanted = sorted(set(_wanted(household.goal, {name: number for number, name in enumerate(names)})))
    for situation in situations(household, wanted, rng, states):
        upstream.simulator.set_situation(situation)
        pairs = [(upstream.task.is_goal_satisfied(), household.solved(situation), "the goal")]
        info = upstream.task.pddl.sim_info
        pairs += [
            (their.is_true(info), our(situation), _text(part))
            for their, our, part in zip(theirs, ours, parts, strict=True)
        ]
        for their_value, our_value, what in pairs:
            _same_value(bool(their_value), our_value, f"{what} of {episode.instruction!r} in {situation}", found)


def compare_trees(
    upstream: Upstream, episode: Episode, household: Household, found: Goals, *, trees: int, states: int, seed: int
) -> None:
    """Goals made up over an episode's objects. Upstream must have been reset to the episode."""
    rng = random.Random(seed)
    items = {item.instance: item.category for item in episode.items}
    for _ in range(trees):
        made = tree(items, rng)
        try:
            ours = _ours(made, items)
            theirs = _theirs(upstream, made)
        except _TooLarge:
            found.limited += 1
            continue
        if theirs is None or ours is None:
            if (theirs is None) != (ours is None):
                found.differences.append(f"{made} is refused by {'upstream' if theirs is None else 'the engine'} alone")
            found.refused += 1
            continue
        _same_expansion(theirs, ours, str(made), found)
        test = compile_expression(ours, list(items))
        for situation in situations(household, (), rng, states):
            upstream.simulator.set_situation(situation)
            value = upstream.task.pddl.is_expr_true(theirs)
            _same_value(bool(value), test(situation), f"{made} in {situation}", found)


def _same_expansion(theirs: Any, ours: Expression, what: str, found: Goals) -> None:
    found.expanded += 1
    if _plain(theirs) != ours:
        found.differences.append(f"{what} is expanded to {theirs.compact_str} by upstream, to {ours} by the engine")


def _same_value(theirs: bool, ours: bool, what: str, found: Goals) -> None:
    found.evaluated += 1
    found.true += theirs
    if theirs != ours:
        found.differences.append(f"{what} is {theirs} for upstream, {ours} for the engine")


def _plain(expression: Any) -> Expression:
    """Upstream's expression in the engine's form."""
    if hasattr(expression, "sub_exprs"):
        return Logic(expression.expr_type.name, tuple(_plain(part) for part in expression.sub_exprs))
    return expression.name, tuple(entity.name for entity in expression._arg_values)


class _TooLarge(Exception):
    """The engine bounds what a goal may grow to."""


def _theirs(upstream: Upstream, made: Any) -> Any:
    pddl = upstream.task.pddl
    try:
        expression = pddl.expand_quantifiers(pddl.parse_only_logical_expr(made, pddl.all_entities))[0]
    except (ValueError, KeyError, IndexError):
        return None
    return expression


def _ours(made: Any, items: dict[str, str]) -> Expression | None:
    try:
        expression = expand(made, items)
        compile_expression(expression, list(items))
    except DataError as error:
        if "too many entities" in str(error):
            raise _TooLarge from None
        return None
    return expression


def _wanted(expression: Expression, numbers: dict[str, int]) -> Iterator[tuple[int, int]]:
    if isinstance(expression, Logic):
        for part in expression.parts:
            yield from _wanted(part, numbers)
    elif expression[0] in ("on_top", "at"):
        yield numbers[expression[1][0]], PLACE_NUMBER[expression[1][1]]


def _text(predicate: tuple[str, tuple[str, ...]]) -> str:
    return f"{predicate[0]}({','.join(predicate[1])})"


__all__ = ["Goals", "Situation", "compare_goal", "compare_trees"]
