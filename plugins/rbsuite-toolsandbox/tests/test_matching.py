"""The search for the best mapping, against all mappings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbsuite.seeds import rng
from rbsuite_toolsandbox.matching import Matcher
from rbsuite_toolsandbox.scenario import Graph


@dataclass
class Case:
    """Milestones with similarities that nothing makes easy."""

    graph: Graph
    length: int
    worth: Callable[[int, int], float]
    factor: Callable[[int, int, int, int], float]
    roots: list[int]
    references: list[frozenset[int]]

    def matcher(self) -> Matcher:
        return Matcher(self.graph, self.length, self.worth, self.factor, self.roots, self.references)


def case(seed: int, milestones: int, length: int, shape: str, levels: list[float]) -> Case:
    """A case in which every milestone refers to all before it: by tables that must be equal, and by graded similarities."""
    chance = rng(seed, "matching")
    last = milestones - 1
    edges = {
        "chain": tuple((node, node + 1) for node in range(last)),
        "fan": tuple((node, last) for node in range(last)),
        "any": tuple((a, b) for b in range(milestones) for a in range(b) if chance.random() < 0.4) or ((0, 1),),
    }[shape]
    nodes = tuple(dict.fromkeys(node for edge in edges for node in edge))
    before: list[set[int]] = [set() for _ in range(milestones)]
    for first, second in sorted(edges, key=lambda edge: edge[1]):
        before[second] |= {first} | before[first]
    values = {(node, place): chance.choice(levels) for node in range(milestones) for place in range(length)}
    tables = [[chance.randrange(3) if chance.random() < 0.5 else 0 for _ in range(length)] for _ in range(3)]
    kinds = {(a, b): (chance.randrange(3), chance.random() < 0.3) for a in range(milestones) for b in before[a]}

    def factor(node: int, reference: int, place: int, reached: int) -> float:
        table, graded = kinds[node, reference]
        if graded:
            return ((tables[table][place] * 7 + reached * 5 + node) % 11) / 10
        return float(tables[table][place] == tables[table][reached])

    return Case(
        Graph(((),) * milestones, nodes, edges),
        length,
        lambda node, place: values[node, place],
        factor,
        [chance.choice([1, 2]) for _ in range(milestones)],
        [frozenset(earlier) for earlier in before],
    )


def best_of_all(one: Case) -> float:
    """The best sum over all mappings."""
    best = 0.0

    def follow(left: frozenset[int], reached: int, at: dict[int, int], total: float) -> None:
        nonlocal best
        if not left:
            best = max(best, total)
        for node in left:
            if any(first in left for first, second in one.graph.edges if second == node):
                continue
            for place in range(reached, one.length):
                product = one.worth(node, place)
                for reference in one.references[node]:
                    product *= one.factor(node, reference, place, at[reference])
                follow(left - {node}, place, {**at, node: place}, total + product ** (1 / one.roots[node]))

    follow(frozenset(one.graph.nodes), 0, {}, 0.0)
    return best


LEVELS = ([0.5], [0.0, 0.3, 0.6, 1.0], [value / 97 for value in range(98)], [1.0])


@settings(max_examples=120, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(2, 4),
    st.integers(1, 5),
    st.sampled_from(["chain", "fan", "any"]),
    st.sampled_from(LEVELS),
)
def test_it_finds_the_best_of_all_mappings(
    seed: int, milestones: int, length: int, shape: str, levels: list[float]
) -> None:
    one = case(seed, milestones, length, shape, levels)
    match = one.matcher().match()
    assert match.total == pytest.approx(best_of_all(one), abs=1e-9)
    places = [place for place, _ in match.mapping.values()]
    assert places == sorted(places)
    assert set(match.mapping) == set(one.graph.nodes)


@pytest.mark.parametrize("shape", ["chain", "fan", "any"])
def test_thirty_messages_and_six_milestones_take_no_time(shape: str) -> None:
    for seed in range(6):
        for levels in LEVELS:
            one, asked, taken = case(seed, 6, 31, shape, levels), 0, []
            factor = one.factor

            def counted(*places: int, factor: Callable[..., float] = factor) -> float:
                nonlocal asked
                asked += 1
                return factor(*places)

            one.factor = counted
            for _ in range(2):
                asked, start = 0, time.process_time()
                one.matcher().match()
                taken.append(time.process_time() - start)
            assert asked < 15_000
            assert min(taken) < 0.15  # a fifth of that on a machine at rest
