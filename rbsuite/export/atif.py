"""Agent trajectories in ATIF (Harbor's Agent Trajectory Interchange Format, version 1.7): one JSON file per rollout."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rbsuite.export.conversation import Cover, conversation, cover_of
from rbsuite.export.naming import run_directory
from rbsuite.jsonable import plain
from rbsuite.record import ALL, RolloutRecord, RunInfo, TaskRecord
from rbsuite.store import ExperimentStore

SCHEMA = "ATIF-v1.7"


def write_atif(store: ExperimentStore, place: Path, hidden: bool) -> int:
    """One file per rollout, in a directory for each run, and ``index.jsonl``, which says what each one is."""
    cover, count = cover_of(hidden), 0
    with (place / "index.jsonl").open("w", encoding="ascii") as index:
        for number, run in enumerate(store.manifest.runs):
            directory = place / run_directory(number, run)
            for record in store.records(run.id):
                directory.mkdir(exist_ok=True)
                for rollout in range(len(record.rollouts)):
                    path = directory / f"{record.position:05d}-{rollout}.json"
                    document = trajectory_json(store, run, record, rollout, cover)
                    path.write_text(json.dumps(document, indent=1) + "\n", encoding="ascii")
                    line = {"file": path.relative_to(place).as_posix(), **document["extra"]["rbsuite"]}
                    index.write(json.dumps({**line, "recalled": len(line["recalled"])}) + "\n")
                    count += 1
    return count + 1


def trajectory_json(
    store: ExperimentStore, run: RunInfo, record: TaskRecord, index: int, cover: Cover
) -> Mapping[str, Any]:
    """A rollout as a document. What ATIF has no place for (scores, verdicts, recalls) is put under ``extra.rbsuite``."""
    rollout = record.rollouts[index]
    steps = [{"step_id": number, **step} for number, step in enumerate(_steps(rollout, cover), start=1)]
    usage = list(rollout.usage.values())
    known = [one.cost for one in usage if one.cost is not None]
    return {
        "schema_version": SCHEMA,
        "session_id": f"{run.id}/{record.position}",
        "trajectory_id": f"{run.id}/{record.position}/{index}",
        "agent": {
            "name": run.condition.agent,
            "version": str(store.manifest.facts["rbsuite"]),
            "model_name": run.condition.model,
        },
        "steps": steps or [{"step_id": 1, "source": "user", "message": cover(rollout.trajectory.query)}],
        "final_metrics": {
            "total_prompt_tokens": sum(one.input_tokens for one in usage),
            "total_completion_tokens": sum(one.output_tokens for one in usage),
            **({"total_cost_usd": sum(known)} if len(known) == len(usage) else {}),
            "total_steps": max(1, len(steps)),
        },
        "extra": {"rbsuite": facts_of(store, run, record, index, cover)},
    }


def facts_of(store: ExperimentStore, run: RunInfo, record: TaskRecord, index: int, cover: Cover) -> Mapping[str, Any]:
    """What there is to know about a rollout besides its steps."""
    rollout = record.rollouts[index]
    verdict = rollout.verdict
    return {
        "run": run.id,
        "condition": run.condition.label,
        "memory": run.condition.memory,
        "scaling": run.condition.scaling,
        "order": run.order,
        "position": record.position,
        "task_id": record.task_id,
        "rollout": index,
        "selected": record.selected in (index, ALL),
        "simulated": bool(store.manifest.facts["simulated"]),
        "score": rollout.trajectory.score,
        "end": rollout.trajectory.end,
        "error": cover(rollout.trajectory.error),
        "verdict": None if verdict is None else {**plain(verdict), "rationale": cover(verdict.rationale)},
        "recalled": [
            {"phase": event.phase, "step": event.step, "version": event.version, **plain(found)}
            for event in record.recalls
            if event.rollout in (-1, index)
            for found in event.recall.items
        ],
    }


def _steps(rollout: RolloutRecord, cover: Cover) -> Iterator[dict[str, Any]]:
    """The conversation; what a tool gave belongs to the step of the agent that called it."""
    acted: dict[str, Any] | None = None
    for said in conversation(rollout.trajectory, cover):
        if said.role == "tool" and acted is not None:
            results = acted.setdefault("observation", {"results": []})["results"]
            results.append({"source_call_id": said.call_id, "content": said.text})
        elif said.role == "assistant":
            acted = {"source": "agent", "message": said.text}
            if said.thought:
                acted["reasoning_content"] = said.thought
            if said.calls:
                acted["tool_calls"] = [
                    {"tool_call_id": call.id, "function_name": call.name, "arguments": dict(call.arguments)}
                    for call in said.calls
                ]
            yield acted
        else:
            yield {"source": "system" if said.role == "system" else "user", "message": said.text}
