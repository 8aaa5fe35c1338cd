"""End-to-End and Process Accuracy of agent items.

Follows ``agent_eval`` and ``agent_eval_process`` in ``eval_main.py`` and ``agent_checker`` in ``model_eval/checker.py``
(ACEBench/ACEBench, e6db74b735ead22c24f27367606a9408573b848f).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rbsuite_acebench.calls import Call, Unparsable, read_message, requoted
from rbsuite_acebench.cases import CLASS_NAMES, Item, Protocol

State = Sequence[Mapping[str, Any]]
"""A saved state: one ``{class: attributes}`` per class."""


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Whether the final state is the right one.

    Attributes:
        correct: whether it is.
        errors: what upstream says of each class that is wrong.
        error_type: upstream's name for what is wrong, or ``""``.
    """

    correct: bool
    errors: list[list[str]] = field(default_factory=list)
    error_type: str = ""


def end_to_end(item: Item, result: State, protocol: Protocol) -> EndToEnd:
    """Compare a saved state with an item's ground truth.

    Under ``official`` a class of the ground truth that the state does not have (a misspelt one, say) takes over the verdict on the class
    before it; under ``fixed`` it is wrong, and misspelt names are understood.
    """
    wanted = item.ground_truth if isinstance(item.ground_truth, list) else [item.ground_truth]
    if protocol == "fixed":
        wanted = [{CLASS_NAMES.get(name, name): value for name, value in one.items()} for one in wanted]
    if len(wanted) != len(result):
        return EndToEnd(False, error_type="wrong number of class")
    errors: list[list[str]] = []
    said: list[str] = []
    for truth in wanted:
        match = next((state for state in result if state.keys() == truth.keys()), None)
        if match is not None:
            said = _differences(match, truth)
        elif protocol == "fixed":
            said = [f"class({', '.join(truth)}) missing in the saved state"]
        if said:
            errors.append(said)
    return EndToEnd(not errors, errors, "class attributes wrong" if errors else "")


def _differences(state: Mapping[str, Any], truth: Mapping[str, Any]) -> list[str]:
    """What upstream says of the attributes that differ: compared are those of the state, and of a dict only the keys that the truth has."""
    name, wanted = next(iter(truth.items()))
    said = []
    for attribute, value in next(iter(state.values())).items():
        if attribute not in wanted:
            said.append(f"class({name}) attributes({attribute}) missing in possible_answer.")
            continue
        right = wanted[attribute]
        whole = f"class({name}) attributes({attribute}) wrong, [expected: {right}, real: {value}]"
        if not isinstance(right, dict):
            said += [whole] if right != value else []
            continue
        for key, part in right.items():
            if key not in value:
                said.append(whole)
            elif part != value[key]:
                said.append(
                    f"class({name}) attributes({attribute}.{key}) wrong, [expected: {part}, real: {value[key]}]"
                )
    return said


def process_accuracy(item: Item, process: Sequence[str], correct: bool, protocol: Protocol) -> float:
    """The share of an item's milestones that were met in order; 1 if the final state is right.

    Under ``official`` messages must equal milestones as text, and the search resumes where it stopped, so that a missing milestone uses up
    all messages that follow. Under ``fixed`` parsed calls are compared, and the longest match in order counts.

    Args:
        item: the item.
        process: the messages that were sent to execution.
        correct: whether the final state is right.
        protocol: how it is graded.
    """
    if correct:
        return 1.0
    shares = [_share(stones, process, protocol) for stones in item.milestones]
    # Upstream rounds if there are alternatives, and only then.
    return shares[0] if len(shares) == 1 else max(round(share, 3) for share in shares)


def _share(stones: Sequence[str], process: Sequence[str], protocol: Protocol) -> float:
    if not stones:
        return 1.0
    if protocol == "fixed":
        met = _longest_match([_meaning(stone) for stone in stones], [_meaning(message) for message in process])
    else:
        met = _greedy_match([stone.strip() for stone in stones], [message.strip() for message in process])
    return met / len(stones)


def _greedy_match(stones: Sequence[str], messages: Sequence[str]) -> int:
    met, place = 0, 0
    for stone in stones:
        while place < len(messages):
            place += 1
            if messages[place - 1] == stone:
                met += 1
                break
    return met


def _longest_match(stones: Sequence[object], messages: Sequence[object]) -> int:
    row = [0] * (len(messages) + 1)
    for stone in stones:
        above = row[:]
        for place, message in enumerate(messages, start=1):
            row[place] = above[place - 1] + 1 if stone == message else max(above[place], row[place - 1])
    return row[-1]


@lru_cache(maxsize=4096)
def _meaning(text: str) -> list[Call] | str:
    """The calls of a message or milestone, with its quotes repaired if necessary; the text itself if it contains no calls."""
    for written in (text.strip(), requoted(text.strip())):
        try:
            return read_message(written, strict=True)
        except Unparsable:
            continue
    return text.strip()
