"""What a simulated user is told: its part of a scenario, without upstream's rules, which our own prompt replaces."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from rbsuite_toolsandbox.scenario import Entry, Scenario

_MARKER = "want User B to complete:"
"""The end of upstream's rules in a message to the user; the task follows."""


def briefing(scenario: Scenario) -> tuple[str, tuple[str, ...]]:
    """The user's task, and the dialogues that it is shown as examples."""
    told = [place for place, entry in enumerate(scenario.messages) if _briefs(entry)]
    brief = _task(scenario.messages[told[-1]]) if told else ""
    starts = [*told, len(scenario.messages)]
    parts = [scenario.messages[start:end] for start, end in pairwise(starts)]
    return brief, tuple(
        "\n".join(_lines(part)) for part in parts if any(entry.visible_to == ("USER",) for entry in part[1:])
    )


def _briefs(entry: Entry) -> bool:
    return (entry.sender, entry.recipient) == ("SYSTEM", "USER")


def _task(entry: Entry) -> str:
    return entry.content.rpartition(_MARKER)[2].strip()


def _lines(part: tuple[Entry, ...]) -> Iterator[str]:
    yield f"Your task: {_task(part[0])}"
    for entry in part[1:]:
        if entry.recipient == "EXECUTION_ENVIRONMENT":
            yield "You call end_conversation."
        elif entry.visible_to == ("USER",):
            yield f"{'You' if entry.sender == 'USER' else 'The assistant'}: {entry.content}"
