"""Goals: expression trees with quantifiers, expanded to plain logic and compiled to a function of the state.

A tree is ``{"expr_type": AND|OR|NAND|NOR, "quantifier": EXISTS|FORALL|null, "inputs": [{"name", "expr_type"}], "sub_exprs": [...]}``, where
a sub-expression is a predicate's text or a tree. As in habitat-lab's ``PddlDomain.expand_quantifiers``, on which upstream's
``predicate_task.py`` relies (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04): sub-trees are expanded first; inputs
take distinct entities of the type or a subtype; FORALL is the conjunction of the expression over all assignments, EXISTS the disjunction.
So NAND under EXISTS says that it holds for some entity, which is weaker than "for none"; over no entities FORALL is true and EXISTS false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Protocol, TypeAlias

from rbsuite.errors import DataError
from rbsuite_eb_habitat.pack import Predicate, parse_predicate
from rbsuite_eb_habitat.vocab import CONSTANTS, DOORS, FRIDGE, PARENTS, PLACE_NUMBER, REFRIGERATOR, is_subtype

MOST_PARTS = 100_000
"""A goal with more predicates, expressions and assignments than this is refused."""
DEEPEST = 20
"""A deeper tree is refused."""

_OPERATORS = ("AND", "OR", "NAND", "NOR")
_QUANTIFIERS = ("EXISTS", "FORALL", None)
_REMEDY = "Import the data again, or fix the goal."


@dataclass(frozen=True, slots=True)
class Logic:
    """An expression without quantifiers: ``AND``, ``OR``, ``NAND`` or ``NOR`` of others. With no operands, AND is true and OR false."""

    operator: str
    parts: tuple[Expression, ...]


Expression: TypeAlias = Logic | Predicate
Way: TypeAlias = tuple[tuple[bool, Predicate], ...]
"""Predicates that must hold (``True``) or must not (``False``), all of them."""


@dataclass(frozen=True, slots=True)
class Lingering:
    """What the last action changed but still counts as it was before, until the next action.

    habitat-lab caches the truth of predicates that it has evaluated (``PddlSimInfo.pred_truth_cache``), and upstream's task
    (``predicate_task.py``) empties that cache before an action, not after it. So if a precondition asked for something that the action then
    changed, goal and subgoals see the old value: not holding anything after picking up, holding the object after placing it, closed after
    opening, opened after closing.

    Attributes:
        free: nothing was held.
        held: the object that was held, or -1.
        opened, closed: bit sets of the doors that were open or closed.
    """

    free: bool = False
    held: int = -1
    opened: int = 0
    closed: int = 0


class State(Protocol):
    """What predicates are evaluated on. Places are numbers as in :data:`rbsuite_eb_habitat.vocab.PLACES`."""

    lies: bytearray
    """For each object, the place it lies on, or a number that is not a place while it is held."""
    held: int
    """The object in the hand, or -1."""
    open_doors: int
    """Bit set of the open doors, by their index in :data:`rbsuite_eb_habitat.vocab.DOORS`."""
    within: frozenset[int]
    """The places within reach."""
    picking: int
    """The place that objects can be picked up from, or -1."""
    lingering: Lingering
    """What additionally counts, from before the last action."""


Test: TypeAlias = Callable[[State], bool]


def expand(tree: Mapping[str, Any], objects: Mapping[str, str]) -> Expression:
    """A goal without its quantifiers.

    Args:
        tree: the goal.
        objects: the category of each object, by instance, in the order of entities.

    Raises:
        DataError: the tree is malformed, names something unknown, or is too large.
    """
    entities = {**CONSTANTS, **objects}
    _check(tree, entities, DEEPEST)
    return _Expansion(entities).expand(tree, {}, DEEPEST)


def compile_expression(expression: Expression, objects: Sequence[str]) -> Test:
    """A function that says whether an expression holds in a state.

    Args:
        expression: without quantifiers.
        objects: the objects by number, as states number them.

    Raises:
        DataError: a predicate is unknown, or has the wrong arguments.
    """
    numbers = {instance: number for number, instance in enumerate(objects)}
    return _compile(expression, numbers)


@dataclass(slots=True)
class _Expansion:
    """Expands the quantifiers of one tree, and stops if the result grows too large."""

    entities: Mapping[str, str]
    left: int = MOST_PARTS

    def expand(self, tree: Any, bound: Mapping[str, str], depth: int) -> Expression:
        self.left -= 1
        if self.left < 0:
            raise _malformed("has quantifiers over too many entities")
        if isinstance(tree, str):
            name, given = _parsed(tree)
            arguments = tuple(bound.get(argument, argument) for argument in given)
            for argument in arguments:
                if argument not in self.entities:
                    raise _malformed(f"names the unknown entity {argument!r}")
            return (name, arguments)
        operator, quantifier, inputs, parts = _checked(tree, depth)
        if quantifier is None:
            return self._all(operator, parts, bound, depth)
        return Logic(
            "AND" if quantifier == "FORALL" else "OR",
            tuple(self._all(operator, parts, {**bound, **case}, depth) for case in self._cases(inputs)),
        )

    def _all(self, operator: str, parts: Sequence[Any], bound: Mapping[str, str], depth: int) -> Logic:
        return Logic(operator, tuple(self.expand(part, bound, depth - 1) for part in parts))

    def _cases(self, inputs: Sequence[tuple[str, str]]) -> Iterator[Mapping[str, str]]:
        """The assignments of distinct entities to the inputs, in upstream's order: the first input changes fastest."""
        names = [name for name, _ in reversed(inputs)]
        pools = [
            [entity for entity, kind in self.entities.items() if is_subtype(kind, wanted)]
            for _, wanted in reversed(inputs)
        ]
        for chosen in product(*pools):
            self.left -= 1
            if self.left < 0:
                raise _malformed("has quantifiers over too many entities")
            if len(set(chosen)) == len(chosen):
                yield dict(zip(names, chosen, strict=True))


def _check(tree: Any, kinds: Mapping[str, str], depth: int) -> None:
    """Refuse what upstream refuses before it expands anything: predicates that are unknown or have the wrong arguments.

    Args:
        tree: the goal, or a part of it.
        kinds: the type of each entity and of each input in scope.
        depth: how deep the part may be.
    """
    if not isinstance(tree, str):
        _, _, inputs, parts = _checked(tree, depth)
        for part in parts:
            _check(part, {**kinds, **dict(inputs)}, depth - 1)
        return
    name, arguments = _parsed(tree)
    if name not in _SIGNATURES:
        raise _malformed(f"has an unknown predicate {name!r}")
    wanted = _SIGNATURES[name]
    if len(arguments) != len(wanted):
        raise _malformed(f"has {name} with {len(arguments)} arguments instead of {len(wanted)}")
    for argument, kind in zip(arguments, wanted, strict=True):
        if argument not in kinds:
            raise _malformed(f"names the unknown entity {argument!r}")
        if not is_subtype(kinds[argument], kind):
            raise _malformed(f"applies {name} to {argument!r}, which is of the wrong type")


def _checked(tree: Any, depth: int) -> tuple[str, str | None, Sequence[tuple[str, str]], Sequence[Any]]:
    """Operator, quantifier, inputs (name, type) and sub-expressions of a tree."""
    if not depth:
        raise _malformed("is nested too deeply")
    if not isinstance(tree, dict) or not isinstance(tree.get("sub_exprs"), list):
        raise _malformed("has a part that is neither a predicate nor an expression")
    operator, quantifier, inputs = tree.get("expr_type"), tree.get("quantifier"), tree.get("inputs") or []
    if operator not in _OPERATORS:
        raise _malformed(f"has an unknown operator {operator!r}")
    if quantifier not in _QUANTIFIERS:
        raise _malformed(f"has an unknown quantifier {quantifier!r}")
    if not isinstance(inputs, list) or not all(isinstance(entry, dict) for entry in inputs):
        raise _malformed("has inputs that are not a list of objects")
    if inputs and quantifier is None:
        raise _malformed("has inputs without a quantifier")
    pairs = [(entry.get("name"), entry.get("expr_type")) for entry in inputs]
    for name, kind in pairs:
        if not isinstance(name, str) or kind not in PARENTS:
            raise _malformed(f"has an input {name!r} of an unknown type {kind!r}")
    if len({name for name, _ in pairs}) < len(pairs):
        raise _malformed("has two inputs with the same name")
    return operator, quantifier, [(str(name), str(kind)) for name, kind in pairs], tree["sub_exprs"]


def _parsed(text: str) -> Predicate:
    found = parse_predicate(text)
    if found is None:
        raise _malformed(f"has a predicate that cannot be read: {text!r}")
    return found


def _compile(expression: Expression, numbers: Mapping[str, int]) -> Test:
    if not isinstance(expression, Logic):
        return _compile_predicate(expression, numbers)
    tests = tuple(_compile(part, numbers) for part in expression.parts)
    if len(tests) == 1 and expression.operator in ("AND", "OR"):
        return tests[0]
    if expression.operator in ("AND", "NAND"):
        return _all(tests) if expression.operator == "AND" else _not(_all(tests))
    return _any(tests) if expression.operator == "OR" else _not(_any(tests))


def _all(tests: Sequence[Test]) -> Test:
    def holds(state: State) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs several times as much here
            if not test(state):
                return False
        return True

    return holds


def _any(tests: Sequence[Test]) -> Test:
    def holds(state: State) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs several times as much here
            if test(state):
                return True
        return False

    return holds


def _not(test: Test) -> Test:
    return lambda state: not test(state)


def _compile_predicate(predicate: Predicate, numbers: Mapping[str, int]) -> Test:
    name, arguments = predicate
    known = _PREDICATES.get(name)
    if known is None:
        raise _malformed(f"has an unknown predicate {name!r}")
    kinds, build = known
    if len(arguments) != len(kinds):
        raise _malformed(f"has {name} with {len(arguments)} arguments instead of {len(kinds)}")
    return build(*(_number(name, argument, kind, numbers) for argument, kind in zip(arguments, kinds, strict=True)))


def _number(predicate: str, argument: str, kind: str, numbers: Mapping[str, int]) -> int:
    """An argument as a number: an object, a place, a door, or for ``either`` a place or ``-1 - number`` of an object."""
    if kind == "object" and argument in numbers:
        return numbers[argument]
    if kind == "door" and argument in DOORS:
        return DOORS.index(argument)
    if kind in ("place", "either") and argument in PLACE_NUMBER:
        return PLACE_NUMBER[argument]
    if kind == "either" and argument in numbers:
        return -1 - numbers[argument]
    raise _malformed(f"applies {predicate} to {argument!r}, which is of the wrong type")


def _lies_on(item: int, place: int) -> Test:
    # The door stands for what is behind it; nothing is ever in a cabinet.
    number = PLACE_NUMBER[REFRIGERATOR] if place == PLACE_NUMBER[FRIDGE] else place
    return lambda state: state.lies[item] == number


def _robot_at(what: int) -> Test:
    if what >= 0:
        return lambda state: what in state.within
    item = -1 - what
    return lambda state: state.held == item or state.lies[item] in state.within


def _robot_at_object(item: int) -> Test:
    return lambda state: state.held == item or state.lies[item] == state.picking


def _holding(item: int) -> Test:
    return lambda state: state.held == item or state.lingering.held == item


def _not_holding() -> Test:
    return lambda state: state.held < 0 or state.lingering.free


def _open(door: int) -> Test:
    bit = 1 << door
    return lambda state: bool((state.open_doors | state.lingering.opened) & bit)


def _closed(door: int) -> Test:
    bit = 1 << door
    return lambda state: bool((~state.open_doors | state.lingering.closed) & bit)


_PREDICATES: Mapping[str, tuple[tuple[str, ...], Callable[..., Test]]] = {
    "on_top": (("object", "place"), _lies_on),
    "in": (("object", "place"), _lies_on),
    "at": (("object", "place"), _lies_on),
    "holding": (("object",), _holding),
    "not_holding": ((), _not_holding),
    "opened_fridge": (("door",), _open),
    "closed_fridge": (("door",), _closed),
    "opened_cab": (("door",), _open),
    "closed_cab": (("door",), _closed),
    "robot_at": (("either",), _robot_at),
    "robot_at_obj": (("object",), _robot_at_object),
}

_SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "on_top": ("movable_entity_type", "static_receptacle_entity_type"),
    "in": ("movable_entity_type", "art_receptacle_entity_type"),
    "at": ("movable_entity_type", "recep_type"),
    "holding": ("movable_entity_type",),
    "not_holding": (),
    "opened_fridge": ("fridge_type",),
    "closed_fridge": ("fridge_type",),
    "opened_cab": ("cab_type",),
    "closed_cab": ("cab_type",),
    "robot_at": ("static_obj_type",),
    "robot_at_obj": ("movable_entity_type",),
}
"""The types of the arguments, as ``config/task/pddl_domain_replica_cad.yaml`` declares them."""


def alternatives(expression: Expression, positive: bool = True, most: int = 5_000) -> Iterator[Way]:
    """The ways to make an expression true (or false), or at least the first ones.

    Args:
        expression: without quantifiers.
        positive: whether it should be true.
        most: no more ways than this are considered for each part, so that the effort is bounded.
    """
    if not isinstance(expression, Logic):
        yield ((positive, expression),)
        return
    wanted = positive != (expression.operator in ("NAND", "NOR"))
    ways = ([*islice(alternatives(part, wanted, most), most)] for part in expression.parts)
    if (expression.operator in ("AND", "NAND")) == wanted:
        yield from (tuple(literal for way in chosen for literal in way) for chosen in product(*ways))
    else:
        yield from (way for each in ways for way in each)


def _malformed(what: str) -> DataError:
    return DataError(f"EB-Habitat data: a goal {what}.", _REMEDY)
