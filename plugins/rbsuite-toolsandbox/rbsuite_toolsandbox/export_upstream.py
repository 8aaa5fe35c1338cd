"""Writes ToolSandbox's scenarios as JSON. Run by upstream's own interpreter: ``PYTHON export_upstream.py CHECKOUT TARGET``.

Upstream's scenarios are Python objects that its code builds, depending on the time of day and on chance. This script imports that code from
a checkout, with the clock at :data:`NOW` and randomness seeded, and writes what it builds. It needs upstream's dependencies and nothing
from rbsuite, and is run only if the user asks for it (``rbsuite data import toolsandbox --from CHECKOUT --python PATH``).
"""

# ruff: noqa: T201 (a script: it says on its output what it wrote)

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NOW = 1735732800.0
"""The time that the clock shows: 2025-01-01 12:00:00 UTC."""

SEED = 0
_SHARED = ("starting_state", "starting_messages", "milestones", "minefields")
"""What a scenario with other tools has in common with its base."""

TABLES = ("SETTING", "CONTACT", "MESSAGING", "REMINDER")

_FIRST = (
    "polars",
    "openai",
    "langchain_core.messages",
    "pint",
    "holidays",
    "phonenumbers",
    "geopy.distance",
    "ccy",
    "requests",
    "networkx",
    "scipy.optimize",
    "rapidfuzz",
    "rouge_score.rouge_scorer",
)
"""Libraries that are imported while the clock still runs, since they inspect the date classes."""


class _StoppedClock(datetime.datetime):
    """A date class whose ``now`` is always the same moment."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _StoppedClock:
        return cls.fromtimestamp(NOW, tz)


def main(checkout: str, target: str) -> None:
    """Build the scenarios and write them."""
    sys.path.insert(0, checkout)
    for name in _FIRST:
        importlib.import_module(name)
    datetime.datetime = _StoppedClock  # type: ignore[misc]
    random.seed(SEED)
    scenarios, tools = _upstream()
    worlds: dict[str, Any] = {}
    base: dict[str, Any] = {}
    augmented = []
    for name, scenario in scenarios.items():
        dumped = _scenario(name, scenario, worlds)
        like = base.get(_stem(name))
        if like is None:
            base[name] = dumped
            continue
        if any(dumped[key] != like[key] for key in _SHARED):
            raise SystemExit(f"the scenario {name} differs from {like['name']} in more than its tools")
        own = {key: value for key, value in dumped.items() if key not in _SHARED}
        augmented.append({**own, "base": like["name"]})
    directory = Path(target)
    _write_lines(directory / "scenarios.jsonl", list(base.values()))
    _write_lines(directory / "augmented.jsonl", augmented)
    states = {"frozen_now_posix": NOW, "timezone": "UTC", "random_seed": SEED, "states": worlds}
    (directory / "states.json").write_text(json.dumps(states, indent=1, allow_nan=False) + "\n", "ascii")
    (directory / "tools.json").write_text(json.dumps({"schemas": {"NONE": tools}}, indent=1) + "\n", "ascii")
    print(f"{len(base)} scenarios and {len(augmented)} with other tools")


def _upstream() -> tuple[dict[str, Any], list[Any]]:
    """All scenarios that upstream builds, and the schemas of its tools."""
    discovery = importlib.import_module("tool_sandbox.common.tool_discovery")
    contexts = importlib.import_module("tool_sandbox.common.execution_context")
    conversion = importlib.import_module("tool_sandbox.common.tool_conversion")
    backend = discovery.ToolBackend.DEFAULT
    contexts.set_current_context(contexts.ExecutionContext())
    scenarios = importlib.import_module("tool_sandbox.scenarios").named_scenarios(preferred_tool_backend=backend)
    tools = [conversion.convert_to_openai_tool(tool) for tool in discovery.get_all_tools(backend).values()]
    return scenarios, tools


def _stem(name: str) -> str:
    """The part of a name before the part that refers to other tools; the whole name if there is none."""
    for part in ("_3_distraction_tools", "_10_distraction_tools", "_all_tools"):
        name = name.partition(part)[0]
    return name


def _scenario(name: str, scenario: Any, worlds: dict[str, Any]) -> dict[str, Any]:
    context = scenario.starting_context
    world = {table: context._dbs[table].to_dicts() for table in TABLES}
    key = hashlib.sha256(json.dumps(world, sort_keys=True).encode()).hexdigest()[:10]
    worlds[key] = world
    return {
        "name": name,
        "max_messages": scenario.max_messages,
        "categories": [str(category) for category in scenario.categories],
        "tool_allow_list": context.tool_allow_list,
        "tool_deny_list": context.tool_deny_list,
        "tool_augmentation_list": [str(one) for one in context.tool_augmentation_list],
        "trace_tool": context.trace_tool,
        "starting_state": key,
        "starting_messages": context._dbs["SANDBOX"].to_dicts(),
        "milestones": _graph(scenario.evaluation.milestone_matcher),
        "minefields": _graph(scenario.evaluation.minefield_matcher),
    }


def _graph(matcher: Any) -> dict[str, Any]:
    return {
        "edge_list": [list(edge) for edge in matcher.edge_list],
        "nodes": list(matcher.milestone_dag.nodes),
        "edges": [list(edge) for edge in matcher.milestone_dag.edges],
        "milestones": [
            {
                "snapshot_constraints": list(_constraints(milestone)),
                "guardrail_database_list": [str(table) for table in milestone.guardrail_database_list],
            }
            for milestone in matcher.milestones
        ],
    }


def _constraints(milestone: Any) -> Iterator[dict[str, Any]]:
    """The constraints, with guardrails last, in an order that does not depend on the hash of strings."""
    dumped = [_constraint(one) for one in milestone.snapshot_constraints]
    guardrails = [one for one in dumped if one["constraint"]["name"] == "guardrail_similarity"]
    yield from (one for one in dumped if one not in guardrails)
    yield from sorted(guardrails, key=lambda one: (one["reference_milestone_node_index"], one["database_namespace"]))


def _constraint(constraint: Any) -> dict[str, Any]:
    evaluation = importlib.import_module("tool_sandbox.common.evaluation")
    defaults = evaluation._default_dbs_column_similarities[constraint.database_namespace]
    frame = constraint.target_dataframe
    measures = constraint.column_similarity_measure
    return {
        "database_namespace": str(constraint.database_namespace),
        "constraint": _function(constraint.snapshot_constraint),
        "reference_milestone_node_index": constraint.reference_milestone_node_index,
        "target": None
        if frame is None
        else {
            "columns": frame.columns,
            "dtypes": [str(dtype) for dtype in frame.dtypes],
            "rows": frame.to_dicts(),
        },
        "column_similarity_overrides": {
            column: _function(measure) for column, measure in measures.items() if measure is not defaults[column]
        },
    }


def _function(function: Any) -> dict[str, Any]:
    """A function by its name, with the keywords bound to it."""
    if isinstance(function, functools.partial):
        return {"name": function.func.__name__, "kwargs": _plain(function.keywords)}
    return {"name": function.__name__}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if value == float("inf"):
        return "inf"
    return value.__name__ if callable(value) else value


def _write_lines(path: Path, values: list[Any]) -> None:
    path.write_text("".join(json.dumps(value, allow_nan=False) + "\n" for value in values), "ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
