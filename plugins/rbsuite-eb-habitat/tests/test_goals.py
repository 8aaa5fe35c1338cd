"""Goals: expansion and compilation against a plain evaluator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.errors import DataError
from rbsuite_eb_habitat.goals import Lingering, Logic, alternatives, compile_expression, expand
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.pack import Episode
from rbsuite_eb_habitat.vocab import CONSTANTS, DOORS, PLACE_NUMBER, PLACES, RECEPTACLES, is_subtype
from rbsuite_eb_habitat.world import HabitatWorld

OBJECTS = {"plum_0": "plum", "plum_1": "plum", "mug_0": "mug"}
NAMES = tuple(OBJECTS)
SINK, SOFA, TABLE = RECEPTACLES[4], RECEPTACLES[7], RECEPTACLES[1]
FRIDGE, INSIDE = "fridge_push_point", "receptacle_aabb_middle_topfrl_apartment_refrigerator"


@dataclass
class Made:
    """A state of its own; see :class:`rbsuite_eb_habitat.goals.State`."""

    lies: bytearray
    held: int
    open_doors: int
    within: frozenset[int]
    picking: int
    lingering: Lingering = Lingering()


@st.composite
def states(draw: st.DrawFn) -> Made:
    held = draw(st.integers(-1, len(NAMES) - 1))
    lies = bytearray(PLACE_NUMBER[draw(st.sampled_from((SINK, SOFA, TABLE, INSIDE)))] for _ in NAMES)
    if held >= 0:
        lies[held] = 255
    within = draw(st.frozensets(st.integers(0, 15), max_size=3))
    return Made(lies, held, draw(st.integers(0, 31)), within, draw(st.sampled_from((-1, *within))))


VARIABLES = ("X", "Y")
MOST = 1000
TYPES = ("plum", "mug", "apple", "movable_entity_type", "cab_type", "fridge_type")
MOVABLE = ("plum", "mug", "apple", "movable_entity_type")


def predicates(bound: Mapping[str, str]) -> st.SearchStrategy[str]:
    things = st.sampled_from([*NAMES, *(name for name, kind in bound.items() if kind in MOVABLE)])
    places = st.sampled_from([SINK, SOFA])
    cabinets = st.sampled_from(["cab_push_point_6", *(name for name, kind in bound.items() if kind == "cab_type")])
    return st.one_of(
        st.builds("on_top({}, {})".format, things, places),
        st.builds("holding({})".format, things),
        st.just("not_holding()"),
        st.builds("robot_at({})".format, st.one_of(things, places, cabinets)),
        st.builds("robot_at_obj({})".format, things),
        st.builds("opened_cab({})".format, cabinets),
        st.just(f"closed_fridge({FRIDGE})"),
        st.builds(f"in({{}}, {FRIDGE})".format, things),
    )


@st.composite
def trees(draw: st.DrawFn, bound: Mapping[str, str] | None = None, depth: int = 2) -> Any:
    bound = dict(bound or {})
    quantifier = draw(st.sampled_from(("EXISTS", "FORALL", None)))
    inputs = []
    if quantifier is not None:
        for name in VARIABLES[: draw(st.integers(0, 2))]:
            kind = draw(st.sampled_from(TYPES))
            inputs.append({"name": name, "expr_type": kind})
            bound[name] = kind
    parts = [draw(predicates(bound)) for _ in range(draw(st.integers(0, 2)))]
    if depth:
        parts += [draw(trees(bound, depth - 1)) for _ in range(draw(st.integers(0, 2)))]
    tree: dict[str, Any] = {"expr_type": draw(st.sampled_from(("AND", "OR", "NAND", "NOR"))), "sub_exprs": parts}
    if quantifier is not None or draw(st.booleans()):
        tree |= {"quantifier": quantifier, "inputs": inputs}
    return tree


def holds(tree: Any, state: Made, bound: Mapping[str, str]) -> bool:
    """What a tree says, read off it directly."""
    if isinstance(tree, str):
        return fact(tree, state, bound)
    inputs = tree.get("inputs") or []
    if not tree.get("quantifier"):
        return combined(tree, state, bound)
    entities = {**CONSTANTS, **OBJECTS}
    pools = [[name for name, kind in entities.items() if is_subtype(kind, entry["expr_type"])] for entry in inputs]
    cases = (
        combined(tree, state, {**bound, **{entry["name"]: name for entry, name in zip(inputs, chosen, strict=True)}})
        for chosen in product(*pools)
        if len({*chosen}) == len(chosen)
    )
    return any(cases) if tree["quantifier"] == "EXISTS" else all(cases)


def combined(tree: Any, state: Made, bound: Mapping[str, str]) -> bool:
    values = [holds(part, state, bound) for part in tree["sub_exprs"]]
    return {"AND": all(values), "OR": any(values), "NAND": not all(values), "NOR": not any(values)}[tree["expr_type"]]


def fact(text: str, state: Made, bound: Mapping[str, str]) -> bool:
    name, _, rest = text.rstrip(")").partition("(")
    args = [bound.get(part.strip(), part.strip()) for part in rest.split(",") if part.strip()]
    where = {item: state.lies[number] for number, item in enumerate(NAMES)}
    held = NAMES[state.held] if state.held >= 0 else None
    if name == "on_top":
        return where[args[0]] == PLACE_NUMBER[args[1]]
    if name == "in":
        return where[args[0]] == PLACE_NUMBER[INSIDE]
    if name in ("holding", "not_holding"):
        return held == args[0] if args else held is None
    if name == "robot_at":
        place = where.get(args[0], PLACE_NUMBER.get(args[0]))
        return args[0] == held or place in state.within
    if name == "robot_at_obj":
        return args[0] == held or where[args[0]] == state.picking
    is_open = bool(state.open_doors >> DOORS.index(args[0]) & 1)
    return is_open == name.startswith("opened")


@settings(deadline=None, max_examples=400)
@given(trees(), states())
def test_compiled_goals_say_what_the_tree_says(tree: dict[str, Any], state: Made) -> None:
    assert compile_expression(expand(tree, OBJECTS), NAMES)(state) == holds(tree, state, {})


@settings(deadline=None, max_examples=200)
@given(trees(depth=1), states(), st.booleans())
def test_alternatives_are_all_ways_to_make_it_true(tree: dict[str, Any], state: Made, positive: bool) -> None:
    expression = expand(tree, OBJECTS)
    ways = first_ways(alternatives(expression, positive, MOST))
    if ways is not None:
        found = any(all(compile_expression(each, NAMES)(state) == wanted for wanted, each in way) for way in ways)
        assert found == (holds(tree, state, {}) == positive)


def first_ways(ways: Iterator[Any]) -> list[Any] | None:
    """All of them, or ``None`` where there are too many to try."""
    found = [way for way, _ in zip(ways, range(MOST), strict=False)]
    return found if len(found) < MOST else None


def quantified(quantifier: str, operator: str, kind: str, *texts: str) -> dict[str, Any]:
    inputs = [{"name": "X", "expr_type": kind}]
    return {"expr_type": operator, "quantifier": quantifier, "inputs": inputs, "sub_exprs": list(texts)}


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (quantified("FORALL", "AND", "apple", f"on_top(X, {SINK})"), True),
        (quantified("EXISTS", "AND", "apple", f"on_top(X, {SINK})"), False),
        (quantified("EXISTS", "NAND", "plum", f"on_top(X, {SINK})"), True),
        (quantified("FORALL", "NAND", "plum", f"on_top(X, {SINK})"), False),
        (quantified("EXISTS", "AND", "place_receptacle", "on_top(plum_0, X)"), True),
        (quantified("EXISTS", "AND", "goal_entity_type", "not_holding()"), False),
        (quantified("FORALL", "AND", "cab_type", "closed_cab(X)"), True),
        ({"expr_type": "AND", "sub_exprs": []}, True),
        ({"expr_type": "OR", "sub_exprs": []}, False),
        ({"expr_type": "NAND", "sub_exprs": []}, False),
        ({"expr_type": "NOR", "sub_exprs": []}, True),
    ],
)
def test_rules_of_expansion(tree: dict[str, Any], value: bool) -> None:
    state = Made(bytearray((PLACE_NUMBER[SINK], PLACE_NUMBER[SOFA], PLACE_NUMBER[SOFA])), -1, 0, frozenset(), -1)
    assert compile_expression(expand(tree, OBJECTS), NAMES)(state) is value


def test_inputs_take_distinct_objects() -> None:
    inputs = [{"name": name, "expr_type": "plum"} for name in ("X", "Y")]
    texts = [f"on_top(X, {SINK})", f"on_top(Y, {SINK})"]
    tree = {"expr_type": "AND", "quantifier": "EXISTS", "inputs": inputs, "sub_exprs": texts}
    test = compile_expression(expand(tree, OBJECTS), NAMES)
    places = [PLACE_NUMBER[SINK], PLACE_NUMBER[SOFA]]
    assert not test(Made(bytearray((places[0], places[1], places[0])), -1, 0, frozenset(), -1))
    assert test(Made(bytearray((places[0], places[0], places[1])), -1, 0, frozenset(), -1))


def test_the_first_input_changes_fastest() -> None:
    inputs = [{"name": "X", "expr_type": "plum"}, {"name": "Y", "expr_type": "movable_entity_type"}]
    tree = {"expr_type": "AND", "quantifier": "EXISTS", "inputs": inputs, "sub_exprs": ["holding(X)", "holding(Y)"]}
    found = expand(tree, OBJECTS)
    assert isinstance(found, Logic)
    pairs = [[argument for _, (argument,) in case.parts] for case in found.parts]  # type: ignore[union-attr, misc]
    assert pairs == [["plum_1", "plum_0"], ["plum_0", "plum_1"], ["plum_0", "mug_0"], ["plum_1", "mug_0"]]


def test_what_lingers_counts_beside_what_is() -> None:
    bit = 1 << DOORS.index(FRIDGE)
    lies = bytearray(PLACE_NUMBER[name] for name in (SINK, SOFA, SOFA))

    def value(text: str, held: int, doors: int, lingering: Lingering) -> bool:
        test = compile_expression(expand({"expr_type": "AND", "sub_exprs": [text]}, OBJECTS), NAMES)
        return test(Made(lies, held, doors, frozenset(), -1, lingering))

    for text, held, doors, lingering in (
        ("not_holding()", 0, 0, Lingering(free=True)),
        ("holding(plum_0)", -1, 0, Lingering(held=0)),
        (f"opened_fridge({FRIDGE})", -1, 0, Lingering(opened=bit)),
        (f"closed_fridge({FRIDGE})", -1, bit, Lingering(closed=bit)),
    ):
        assert not value(text, held, doors, Lingering())
        assert value(text, held, doors, lingering)


def nested(depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"expr_type": "AND", "sub_exprs": []}
    for _ in range(depth):
        tree = {"expr_type": "AND", "sub_exprs": [tree]}
    return tree


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"expr_type": "XOR", "sub_exprs": []}, "unknown operator 'XOR'"),
        ({"expr_type": "AND", "quantifier": "MOST", "inputs": [], "sub_exprs": []}, "unknown quantifier 'MOST'"),
        ({"expr_type": "AND"}, "neither a predicate nor an expression"),
        ({"expr_type": "AND", "sub_exprs": [5]}, "neither a predicate nor an expression"),
        ({"expr_type": "AND", "sub_exprs": ["on top"]}, "cannot be read: 'on top'"),
        ({"expr_type": "AND", "sub_exprs": [f"on_top(X, {SINK})"]}, "unknown entity 'X'"),
        ({"expr_type": "AND", "sub_exprs": ["likes(plum_0)"]}, "unknown predicate 'likes'"),
        ({"expr_type": "AND", "sub_exprs": ["on_top(plum_0)"]}, "on_top with 1 arguments instead of 2"),
        ({"expr_type": "AND", "sub_exprs": [f"holding({SINK})"]}, "of the wrong type"),
        (quantified("EXISTS", "AND", "spaceship", "not_holding()"), "unknown type 'spaceship'"),
        ({"expr_type": "AND", "quantifier": "EXISTS", "inputs": [5], "sub_exprs": []}, "inputs that are not a list"),
        (
            {
                "expr_type": "AND",
                "quantifier": "EXISTS",
                "inputs": [{"name": "X", "expr_type": "plum"}] * 2,
                "sub_exprs": [],
            },
            "two inputs with the same name",
        ),
        (
            {
                "expr_type": "AND",
                "quantifier": "EXISTS",
                "inputs": [{"name": name, "expr_type": "place_receptacle"} for name in "ABCDE"],
                "sub_exprs": [],
            },
            "too many entities",
        ),
        (nested(30), "too deep"),
        (
            {"expr_type": "AND", "inputs": [{"name": "X", "expr_type": "plum"}], "sub_exprs": ["holding(X)"]},
            "inputs without a quantifier",
        ),
        # Upstream refuses these when it reads them, before it knows whether there is any such entity.
        (quantified("EXISTS", "AND", "apple", f"on_top({SINK}, X)"), "on_top to '.*', which is of the wrong type"),
        (quantified("EXISTS", "AND", "apple", "likes(X)"), "unknown predicate 'likes'"),
        (quantified("EXISTS", "AND", "recep_type", "on_top(plum_0, X)"), "on_top to 'X', which is of the wrong type"),
        ({"expr_type": "AND", "sub_exprs": [f"on_top(plum_0, {FRIDGE})"]}, "of the wrong type"),
        ({"expr_type": "AND", "sub_exprs": [f"in(plum_0, {SINK})"]}, "of the wrong type"),
        ({"expr_type": "AND", "sub_exprs": [f"opened_cab({FRIDGE})"]}, "of the wrong type"),
    ],
)
def test_malformed_goals_are_refused_in_one_line(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        compile_expression(expand(tree, OBJECTS), NAMES)
    assert "\n" not in str(caught.value)


def test_a_world_is_such_a_state(
    make_household: Callable[..., Household], make_episode: Callable[..., Episode]
) -> None:
    things = {"plum_0": "sofa", "plum_1": "sink in the kitchen", "mug_0": "sofa"}
    world = HabitatWorld(make_household(things))
    goal = quantified("EXISTS", "AND", "plum", f"on_top(X, {SINK})")
    assert compile_expression(expand(goal, OBJECTS), NAMES)(world)
    assert len(PLACES) == 16
    assert make_episode(things).items[1].category == "plum"
