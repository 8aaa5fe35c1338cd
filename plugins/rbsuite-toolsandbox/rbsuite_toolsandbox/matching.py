"""The best mapping of milestones to messages: exact, and bounded while upstream's search is exponential.

Milestones are assigned to messages in an order that their graph allows, each to the message of the previous one or a later one. A
milestone's worth at a message is the geometric mean of its constraints, some of which compare the message with those that earlier
milestones were assigned to. The sum is maximized (``MilestoneMatcher`` in ``tool_sandbox/common/evaluation.py``, apple/ToolSandbox,
165848b9).

Of earlier decisions, all that matters is what each remaining milestone is now worth at each later message. Decisions that agree in this are
followed once, and only while they can still lead to more than the best sum found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rbsuite_toolsandbox.scenario import Graph

_EQUAL = 1e-9
"""Sums that differ by less are considered equal: they were added up in different orders."""

_NEGLIGIBLE = 1e-12
"""The tolerance by which the sum that is found may be below the best."""


@dataclass(frozen=True, slots=True)
class Match:
    """A mapping.

    Attributes:
        total: the sum of the similarities.
        mapping: by milestone, the position of its message and its similarity there; in the order in which they were assigned.
    """

    total: float
    mapping: Mapping[int, tuple[int, float]]


class _Worth:
    """What a milestone is worth at each message from the current one on; equal ones are the same object.

    Attributes:
        node: the milestone.
        products: the product of its constraints at each of these messages.
        here: its similarity at the first of them.
        ceiling: the most that it can still reach.
        later: its worth from the next message on, once requested.
        narrowed: its worth once another milestone (first) is assigned to a position (second).
    """

    __slots__ = ("ceiling", "here", "later", "narrowed", "node", "products")

    def __init__(self, node: int, products: tuple[float, ...], root: int) -> None:
        self.node = node
        self.products = products
        self.here: float = products[0] ** (1 / root)
        self.ceiling: float = max(products) ** (1 / root)
        self.later: _Worth | None = None
        self.narrowed: dict[tuple[int, int], _Worth] = {}


_Left = tuple[_Worth, ...]
"""The remaining milestones with their worth: everything that their best sum depends on."""


class Matcher:
    """Searches for the best mapping.

    Args:
        graph: the milestones and their order.
        length: number of messages, from the user's first one on.
        worth: the product of a milestone's constraints that refer to no other milestone, at a position.
        factor: the product of the constraints of a milestone (first) that refer to another one (second), at a position (third), if that one
            is assigned to a position (fourth).
        roots: by milestone, the number of constraints that count, which is the degree of the root taken.
        references: by milestone, those that it refers to.
    """

    def __init__(
        self,
        graph: Graph,
        length: int,
        worth: Callable[[int, int], float],
        factor: Callable[[int, int, int, int], float],
        roots: Sequence[int],
        references: Sequence[frozenset[int]],
    ) -> None:
        self._nodes = graph.nodes
        self._before = {node: {a for a, b in graph.edges if b == node} for node in graph.nodes}
        self._length = length
        self._worth, self._factor = worth, factor
        self._roots, self._references = roots, references
        self._known: dict[tuple[int, tuple[float, ...]], _Worth] = {}
        self._best: dict[_Left, float] = {}
        self._bounds: dict[_Left, float] = {}

    def match(self) -> Match:
        """The best mapping; in case of a tie, the one that upstream's search finds first."""
        left: _Left = tuple(
            self._made(node, tuple(self._worth(node, place) for place in range(self._length))) for node in self._nodes
        )
        reached, mapping = 0, dict[int, tuple[int, float]]()
        while left:
            found = self._value(left, reached, -1.0)
            left, reached, chosen = self._first_best(left, reached, found)
            mapping[chosen.node] = (reached, chosen.here)
        return Match(sum(similarity for _, similarity in mapping.values()), mapping)

    def _first_best(self, left: _Left, reached: int, most: float) -> tuple[_Left, int, _Worth]:
        """The first assignment, by similarity, milestone and position, that leads to the best sum; with what is left after it."""
        choices = []
        for place in range(reached, self._length):
            choices += [(-worth.here, worth.node, place, worth, left) for worth in self._open(left)]
            if place + 1 < self._length:
                left = self._later(left)
        choices.sort(key=lambda choice: choice[:3])
        for negative, _, place, worth, there in choices:
            if sum(one.ceiling for one in there) - worth.ceiling - negative < most - _EQUAL:
                continue
            rest = self._assign(there, place, worth)
            if sum(one.ceiling for one in rest) - negative < most - _EQUAL:
                continue
            if self._value(rest, place, most - 2 * _EQUAL + negative) - negative >= most - _EQUAL:
                return rest, place, worth
        raise AssertionError("one of the assignments leads to the best sum")

    def _open(self, left: _Left) -> list[_Worth]:
        """The milestones that may be assigned next."""
        nodes = {worth.node for worth in left}
        return [worth for worth in left if nodes.isdisjoint(self._before[worth.node])]

    def _value(self, left: _Left, reached: int, floor: float) -> float:
        """The best sum of the remaining milestones, if it is above ``floor``; otherwise an upper bound for it."""
        if not left:
            return 0.0
        found = self._best.get(left)
        if found is None:
            found = self._bounds.get(left)
            if found is None or found > floor:
                found = self._search(left, reached, floor)
        return found

    def _search(self, left: _Left, reached: int, floor: float) -> float:
        """Follow branches by the most they can reach, until none can exceed what has been found or is needed."""
        ceiling = sum(worth.ceiling for worth in left)
        branches: list[tuple[float, _Worth | None]] = [
            (ceiling - worth.ceiling + worth.here, worth) for worth in self._open(left)
        ]
        if reached + 1 < self._length:
            branches.append((sum(worth.ceiling for worth in self._later(left)), None))
        branches.sort(key=lambda branch: -branch[0])
        best, bound = floor, -1.0
        for most, worth in branches:
            if most <= best + _NEGLIGIBLE:
                bound = max(bound, most)
                break
            if worth is None:
                total = self._value(self._later(left), reached + 1, best)
            else:
                # The rest is worth less once it is known what it refers to.
                rest = self._assign(left, reached, worth)
                total = worth.here + sum(one.ceiling for one in rest)
                if total > best + _NEGLIGIBLE:
                    total = worth.here + self._value(rest, reached, best - worth.here)
            if total > best + _NEGLIGIBLE:
                best = total
            else:
                bound = max(bound, total)
        if best > floor:
            self._best[left] = best
            return best
        self._bounds[left] = bound
        return bound

    def _later(self, left: _Left) -> _Left:
        return tuple(worth.later or self._moved(worth) for worth in left)

    def _moved(self, worth: _Worth) -> _Worth:
        worth.later = self._made(worth.node, worth.products[1:])
        return worth.later

    def _assign(self, left: _Left, reached: int, assigned: _Worth) -> _Left:
        """What is left once a milestone is assigned to the current message."""
        node, key = assigned.node, (assigned.node, reached)
        return tuple(
            (worth.narrowed.get(key) or self._narrow(worth, key)) if node in self._references[worth.node] else worth
            for worth in left
            if worth is not assigned
        )

    def _narrow(self, worth: _Worth, assigned: tuple[int, int]) -> _Worth:
        """What a milestone is worth once another one that it refers to is assigned to a position."""
        reference, reached = assigned
        products = tuple(
            product and product * self._factor(worth.node, reference, reached + place, reached)
            for place, product in enumerate(worth.products)
        )
        worth.narrowed[assigned] = found = self._made(worth.node, products)
        return found

    def _made(self, node: int, products: tuple[float, ...]) -> _Worth:
        key = (node, products)
        if key not in self._known:
            self._known[key] = _Worth(node, products, self._roots[node])
        return self._known[key]
