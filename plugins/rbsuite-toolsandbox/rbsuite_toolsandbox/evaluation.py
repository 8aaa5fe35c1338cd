"""Evaluates a conversation by its scenario's milestones and minefields.

Follows ``tool_sandbox/common/evaluation.py`` (apple/ToolSandbox, 165848b9).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite_toolsandbox.matching import Matcher
from rbsuite_toolsandbox.scenario import GUARDRAIL, START, Constraint, Entry, Graph
from rbsuite_toolsandbox.similarity import constraint_similarity
from rbsuite_toolsandbox.tables import COLUMNS, SANDBOX, Row, Tables

Mapped = Mapping[int, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a conversation is worth.

    Attributes:
        milestone_similarity: the mean over the milestones; 1 if there are none.
        minefield_similarity: the mean over the minefields; 0 if there are none.
        turn_count: messages that count: not those from the system, not those between user and execution environment, and no examples.
        milestone_mapping, minefield_mapping: by number, message index and similarity.
    """

    milestone_similarity: float
    minefield_similarity: float
    turn_count: int
    milestone_mapping: Mapped
    minefield_mapping: Mapped

    @property
    def similarity(self) -> float:
        """The score: the milestones', or 0 if a minefield was touched at all."""
        return self.milestone_similarity if self.minefield_similarity == 0 else 0.0

    @property
    def record(self) -> dict[str, Any]:
        """The evaluation in the form of upstream's results."""
        return {
            "milestone_similarity": self.milestone_similarity,
            "minefield_similarity": self.minefield_similarity,
            "similarity": self.similarity,
            "turn_count": self.turn_count,
            "milestone_mapping": {str(node): list(found) for node, found in sorted(self.milestone_mapping.items())},
            "minefield_mapping": {str(node): list(found) for node, found in self.minefield_mapping.items()},
        }


def evaluate(milestones: Graph, minefields: Graph, entries: Sequence[Entry], tables: Tables, first: int) -> Evaluation:
    """Evaluate a conversation.

    Args:
        milestones: what should be reached.
        minefields: what should be avoided.
        entries: all messages, including those before the start.
        tables: the databases with their history.
        first: index of the user's first message.
    """
    history = _History(entries, tables, first)
    reached, reached_mapping = _matched(milestones, history)
    touched, touched_mapping = _matched(minefields, history)
    return Evaluation(
        1.0 if reached is None else reached,
        0.0 if touched is None else touched,
        sum(_counts(entry) for entry in entries),
        reached_mapping,
        touched_mapping,
    )


def _counts(entry: Entry) -> bool:
    between = {entry.sender, entry.recipient} == {"USER", "EXECUTION_ENVIRONMENT"}
    return entry.sender != "SYSTEM" and not between and entry.visible_to not in (None, ("USER",))


class _History:
    """The tables as of each message from the user's first one on, and which of them are equal."""

    def __init__(self, entries: Sequence[Entry], tables: Tables, first: int) -> None:
        self.first = first
        self.length = len(entries) - first
        self._rows: dict[str, list[Sequence[Row]]] = {
            name: [tables.at(name, index) for index in range(first, len(entries))] for name in COLUMNS
        }
        self._rows[SANDBOX] = [(entry.row,) for entry in entries[first:]]
        self._versions = {name: _versions(rows) for name, rows in self._rows.items()}
        self._known: dict[tuple[int, int, int], float] = {}

    def similarity(self, constraint: Constraint, place: int, reference: int | None) -> float:
        """What a constraint finds at one position, compared with another."""
        versions = self._versions[constraint.table]
        before = -1 if reference is None else versions[reference]
        if constraint.similarity == GUARDRAIL:
            return float(versions[place] == before)
        key = (id(constraint), versions[place], before)
        found = self._known.get(key)
        if found is None:
            rows = self._rows[constraint.table]
            known = () if reference is None else rows[reference]
            found = self._known[key] = constraint_similarity(constraint, rows[place], known)
        return found


def _versions(snapshots: list[Sequence[Row]]) -> list[int]:
    """A number for each snapshot; equal snapshots have the same number."""
    numbers: list[int] = []
    known: list[tuple[Sequence[Row], int]] = []
    for place, rows in enumerate(snapshots):
        if place and rows is snapshots[place - 1]:
            numbers.append(numbers[-1])
            continue
        number = next((number for seen, number in known if seen == rows), len(known))
        if number == len(known):
            known.append((rows, number))
        numbers.append(number)
    return numbers


def _matched(graph: Graph, history: _History) -> tuple[float | None, Mapped]:
    """The mean similarity of the best mapping, or ``None`` if there is nothing to map; and the mapping."""
    if not graph.nodes:
        return None, {}
    milestones = graph.milestones

    def product(node: int, place: int, reference: int | None, wanted: int | None) -> float:
        found = 1.0
        for constraint in milestones[node]:
            if constraint.reference == wanted:
                found *= history.similarity(constraint, place, reference)
                if not found:
                    break
        return found

    def worth(node: int, place: int) -> float:
        found = product(node, place, None, None)
        return found and found * product(node, place, 0, START)

    matcher = Matcher(
        graph,
        history.length,
        worth,
        lambda node, reference, place, reached: product(node, place, reached, reference),
        [sum(constraint.similarity != GUARDRAIL for constraint in milestone) for milestone in milestones],
        [
            frozenset(c.reference for c in milestone if c.reference is not None and c.reference != START)
            for milestone in milestones
        ],
    )
    match = matcher.match()
    mapping = {node: (place + history.first, similarity) for node, (place, similarity) in match.mapping.items()}
    return math.fsum(similarity for _, similarity in mapping.values()) / len(milestones), mapping
