"""The results of an experiment on AgentEHR in AgentEHR's own figures: pooled tool errors, and several runs of a task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rbsuite.store import ExperimentStore
from rbsuite_agentehr.scores import at_k


def figures(store: ExperimentStore) -> Mapping[str, Mapping[str, Any]]:
    """By condition and domain (and for ``all``): the share of failed tool calls with numerator and denominator, errors per episode, and
    avg@k, max@k and best@1 to best@k of F1 over the rollouts of each task and order.
    """
    domains = {task: domain for task, domain, _ in store.manifest.facts["about"]["tasks"]}
    errors: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    runs: dict[str, dict[str, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    for info in store.manifest.runs:
        label, tasks = info.condition.label, defaultdict(list)
        for row in store.results(info.id):
            tasks[row.task_id, row.position].append(row)
        for (task, _), rows in tasks.items():
            for name in (domains[task], "all"):
                runs[label][name].append([row.measures.get("f1", 0.0) for row in rows])
                for row in rows:
                    for place, key in enumerate(("tool_errors", "tool_calls")):
                        errors[label][name][place] += int(row.truth.get(key, 0))
                    errors[label][name][2] += 1
    order = [*dict.fromkeys(domains.values()), "all"]
    return {
        label: {name: _figures(found[name], runs[label][name]) for name in order if name in found}
        for label, found in errors.items()
    }


def _figures(counts: Sequence[int], runs: Sequence[Sequence[float]]) -> Mapping[str, Any]:
    failed, calls, episodes = counts
    several = [at_k(scores[: min(map(len, runs))]) for scores in runs]
    return {
        "tool_errors": failed,
        "tool_calls": calls,
        "tool_error_rate": failed / calls if calls else None,
        "errors_per_episode": failed / episodes,
        "k": len(several[0].best),
        "avg@k": sum(one.average for one in several) / len(several),
        "max@k": sum(one.most for one in several) / len(several),
        "best@k": [sum(column) / len(several) for column in zip(*(one.best for one in several), strict=True)],
    }


def figures_text(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as readable text."""
    lines = []
    for label, domains in found.items():
        lines.append(label)
        for name, one in domains.items():
            rate = "-" if one["tool_error_rate"] is None else f"{one['tool_error_rate']:.4f}"
            best = ", ".join(f"{value:.3f}" for value in one["best@k"])
            lines.append(
                f"  {name:<18} tool errors {one['tool_errors']}/{one['tool_calls']} = {rate}, {one['errors_per_episode']:.2f} per "
                f"episode; F1 avg@{one['k']} {one['avg@k']:.3f}, max@{one['k']} {one['max@k']:.3f}, best@1..{one['k']} {best}"
            )
    return "\n".join(lines)
