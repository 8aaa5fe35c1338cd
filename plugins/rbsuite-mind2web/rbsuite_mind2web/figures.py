"""An experiment's figures, over steps (micro) and over tasks (macro), by test split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.statistics.intervals import average
from rbsuite.store import ExperimentStore
from rbsuite_mind2web.environment import PARTS
from rbsuite_mind2web.grading import STEPS

NAMES: Mapping[str, str] = {
    "element_accuracy": "first",
    "element_accuracy_any": "any",
    "operation_f1": "f1",
    "step_success": "success",
}
"""The figures of a step, by their keys in the truth of a grade."""

Figures = Mapping[str, Mapping[str, Mapping[str, float]]]


def figures(store: ExperimentStore) -> Figures:
    """By condition, then by test split and ``all``: every figure of :data:`NAMES` as ``NAME_macro`` and ``NAME_micro``,
    ``task_success``, and the number of ``steps`` and ``tasks``. A broken rollout has no figures and is left out.
    """
    rows: dict[str, dict[str, list[Sequence[Mapping[str, Any]]]]] = defaultdict(lambda: defaultdict(list))
    for info in store.manifest.runs:
        for row in store.results(info.id):
            steps = row.truth.get(STEPS)
            if isinstance(steps, list | tuple) and steps and row.score is not None:
                part = next((one for one in PARTS if one in row.task_id.split("/")), "other")
                rows[info.condition.label][part].append(steps)
                rows[info.condition.label]["all"].append(steps)
    return {
        label: {part: _summed(found[part]) for part in (*PARTS, "other", "all") if part in found}
        for label, found in rows.items()
    }


def _summed(tasks: Sequence[Sequence[Mapping[str, Any]]]) -> Mapping[str, float]:
    found = dict[str, float]()
    for name, key in NAMES.items():
        found[f"{name}_macro"] = average([average([float(step[key]) for step in steps]) for steps in tasks])
        found[f"{name}_micro"] = average([float(step[key]) for steps in tasks for step in steps])
    found["task_success"] = average([float(all(step["success"] == 1 for step in steps)) for steps in tasks])
    return {**found, "tasks": float(len(tasks)), "steps": float(sum(map(len, tasks)))}


def table_lines(found: Figures) -> list[str]:
    """The figures as lines of text."""
    lines = []
    for label, parts in found.items():
        lines.append(label)
        for part, scores in parts.items():
            lines.append(f"  {part}: {scores['tasks']:.0f} tasks, {scores['steps']:.0f} steps")
            lines += [
                f"    {name:<22} macro {scores[f'{name}_macro']:.3f}  micro {scores[f'{name}_micro']:.3f}"
                for name in NAMES
            ]
            lines.append(f"    {'task_success':<22}       {scores['task_success']:.3f}")
    return lines
