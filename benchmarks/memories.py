"""Whether any memory is starved: what each stores, recalls and shows to the agent, side by side, with the simulated learner.

    python benchmarks/memories.py [--env tau-bench] [--orders 3] [--limit N] [--judge self] [--scaling single] [--agent AGENT]

Columns, all simulated:

- learnt from: share of the tasks after which something was stored;
- items: number stored at the end of a run; characters: of these items and of documents (a sheet, a handbook) together;
- recalled: items recalled per task; a document does not count as one;
- tokens: length of the text shown to the agent for them, at four characters per token;
- lessons: lessons of the simulated learner in that text, which may help it;
- empty: share of the tasks for which nothing was recalled; after first: the same, counted after the first task from which something was
  stored;
- success: in percent.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path
from statistics import fmean
from typing import Any

import rbsuite
from rbsuite.environments.base import Environment
from rbsuite.learner.simulated import CHARACTERS_PER_TOKEN
from rbsuite.learner.skills import Vocabulary
from rbsuite.plugins import load_plugins
from rbsuite.record import TaskRecord
from rbsuite.specs import load_object


@dataclass(frozen=True, slots=True)
class Fare:
    """What a memory received and delivered, averaged over runs or tasks; see the module docstring."""

    learnt_from: float
    items: float
    characters: float
    recalled: float
    tokens: float
    lessons: float
    empty: float
    empty_after_first: float
    success: float


def fare(runs: Sequence[Sequence[TaskRecord]], words: Vocabulary) -> Fare:
    """The figures of one condition.

    Args:
        runs: the records of each run, in stream order.
        words: the skills that the learner can be told about.
    """
    records = [record for run in runs for record in run]
    first = [record.recalls[0].recall for record in records]
    later = [record for run in runs for record in list(dropwhile(lambda one: not one.ops, run))[1:]]
    return Fare(
        learnt_from=fmean(bool(record.ops) for record in records),
        items=fmean(sum(op.op == "add" for record in run for op in record.ops) for run in runs),
        characters=fmean(stored(run) for run in runs),
        recalled=fmean(len(recall.items) for recall in first),
        tokens=fmean(len(recall.text) / CHARACTERS_PER_TOKEN for recall in first),
        lessons=fmean(sum(skill.lesson in recall.text for skill in words.told_in(recall.text)) for recall in first),
        empty=fmean(not recall.text for recall in first),
        empty_after_first=fmean([not record.recalls[0].recall.text for record in later] or [1.0]),
        success=fmean(record.rollouts[record.selected].trajectory.score or 0.0 for record in records),
    )


def stored(run: Sequence[TaskRecord]) -> int:
    """Characters of the items that a run has stored, and of its documents in their final state."""
    ops = [op for record in run for op in record.ops]
    items = sum(len(op.item.content) for op in ops if op.op == "add" and op.item is not None)
    documents = {op.document: op.text for op in ops if op.op == "put_document"}
    return items + sum(map(len, documents.values()))


def measure(env: str, directory: Path, **options: Any) -> Mapping[str, Fare]:
    """Run an experiment; what each of its memories received and delivered."""
    spec = load_plugins().environment(env)
    environment: Environment = load_object(spec.factory, spec.name)()
    words = Vocabulary(environment.lessons())
    with rbsuite.evaluate(spec.name, out=directory, **options) as experiment:
        by_memory = {
            condition.memory: [
                list(experiment.records(run.id)) for run in experiment.runs if run.condition == condition
            ]
            for condition in experiment.conditions
        }
    return {memory: fare(runs, words) for memory, runs in by_memory.items()}


HEAD = (
    "memory",
    "learnt from %",
    "items",
    "characters",
    "recalled",
    "tokens",
    "lessons",
    "empty %",
    "after first %",
    "success %",
)


def row(memory: str, it: Fare) -> Sequence[str]:
    """A line of the table."""
    return (
        f"`{memory}`",
        f"{100 * it.learnt_from:.0f}",
        f"{it.items:.0f}",
        f"{it.characters:.0f}",
        f"{it.recalled:.1f}",
        f"{it.tokens:.0f}",
        f"{it.lessons:.2f}",
        f"{100 * it.empty:.1f}",
        f"{100 * it.empty_after_first:.1f}",
        f"{100 * it.success:.1f}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="tau-bench")
    parser.add_argument("--orders", type=int, default=3)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--judge", default="self")
    parser.add_argument("--scaling", default="single")
    parser.add_argument("--agent", default="")
    given = parser.parse_args()
    options = {"orders": given.orders, "limit": given.limit, "judge": [given.judge], "scaling": [given.scaling]}
    if given.agent:
        options["agent"] = [given.agent]
    memories = [*load_plugins().memories, "dynamic-cheatsheet:variant=rs"]
    with tempfile.TemporaryDirectory() as directory:
        found = measure(given.env, Path(directory, "e"), memory=memories, **options)
    print(f"{given.env}, simulated: {given.orders} orders, judge {given.judge}, {given.scaling}\n")
    lines = [HEAD, ["---"] + ["---:"] * (len(HEAD) - 1), *(row(memory, it) for memory, it in found.items())]
    print("\n".join(f"| {' | '.join(line)} |" for line in lines))


if __name__ == "__main__":
    main()
