"""Logs of Inspect (``.eval``, version 2 of their schema): one file per run, which ``inspect view`` and ``read_eval_log`` accept.

A log is a zip of JSON documents: a header, a summary of all samples, and a file for each sample and epoch. A sample is a task, an epoch one
of its rollouts. What memory recalled appears among a sample's events as a span of the type ``memory``.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rbsuite.export.atif import facts_of
from rbsuite.export.conversation import Cover, Said, conversation, cover_of, covered
from rbsuite.export.naming import run_directory
from rbsuite.jsonable import digest, plain
from rbsuite.memories.folded import folded_items
from rbsuite.record import RecallEvent, RunInfo, TaskRecord
from rbsuite.statistics.about import about
from rbsuite.statistics.intervals import mean_estimate
from rbsuite.store import ExperimentStore
from rbsuite.store.redaction import CANARY, is_private
from rbsuite.trajectory import Usage

TIME = "1970-01-01T00:00:00+00:00"
"""The time of everything: a store keeps no clock times, so that the same experiment gives the same bytes."""
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
SCORER, JUDGE = "score", "judge"
_GRADES = {"success": "C", "failure": "I", "unknown": "N"}


def write_inspect(store: ExperimentStore, place: Path, hidden: bool) -> int:
    """One log per run."""
    cover = cover_of(hidden)
    for number, run in enumerate(store.manifest.runs):
        with zipfile.ZipFile(place / f"{run_directory(number, run)}.eval", "w", zipfile.ZIP_DEFLATED) as archive:
            _write_log(store, run, archive, cover)
    return len(store.manifest.runs)


def _write_log(store: ExperimentStore, run: RunInfo, archive: zipfile.ZipFile, cover: Cover) -> None:
    spec = _spec(store, run)
    plan: Mapping[str, Any] = {"name": "rbsuite", "steps": [], "finish": None, "config": {}}
    _put(archive, "_journal/start.json", {"version": 2, "eval": spec, "plan": plan})
    items, known = folded_items(store, run.id).ever, about(store)
    titles = {name: cover(item.title) for name, item in items.items()}
    summaries, scores, used, judged = [], [], Usage(), []
    for record in store.records(run.id):
        scores.append(record.score)
        for index, rollout in enumerate(record.rollouts):
            sample = sample_json(store, run, record, index, cover, titles)
            sample["metadata"] |= {
                "group": known.group.get(record.task_id, ""),
                "domain": known.domain.get(record.task_id, ""),
            }
            file = record.task_id.replace("/", "_").encode("ascii", "backslashreplace").decode("ascii")
            _put(archive, f"samples/{file}_epoch_{index + 1}.json", sample)
            kept = ("id", "epoch", "input", "target", "scores")
            summaries.append({**{name: sample[name] for name in kept}, "completed": True})
            used = sum(rollout.usage.values(), used)
            judged += [] if rollout.verdict is None else [_GRADES[rollout.verdict.label]]
    _put(archive, "summaries.json", summaries)
    metrics = {"mean": {"name": "mean", "value": sum(scores) / len(scores)}} if scores else {}
    if len(scores) > 1 and (error := mean_estimate(scores).error) is not None:
        metrics["stderr"] = {"name": "stderr", "value": error}
    found = [{"name": SCORER, "scorer": SCORER, "params": {}, "metrics": metrics}]
    if judged:
        share = judged.count("C") / len(judged)
        found.append(
            {
                "name": JUDGE,
                "scorer": JUDGE,
                "params": {},
                "metrics": {"accuracy": {"name": "accuracy", "value": share}},
            }
        )
    header = {
        "version": 2,
        "status": "success" if store.run_finished(run.id) else "cancelled",
        "eval": spec,
        "plan": plan,
        "results": {"total_samples": len(summaries), "completed_samples": len(summaries), "scores": found},
        "stats": {"started_at": TIME, "completed_at": TIME, "model_usage": {run.condition.model: _usage(used)}},
    }
    _put(archive, "header.json", header)


def _put(archive: zipfile.ZipFile, name: str, document: Any) -> None:
    info = zipfile.ZipInfo(name, _ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, json.dumps(document))


def _spec(store: ExperimentStore, run: RunInfo) -> Mapping[str, Any]:
    config, condition = store.manifest.config, run.condition
    tasks = run.tasks[: len(run.tasks) - run.probes]
    epochs = max((len(record.rollouts) for record in store.records(run.id, trajectories=False)), default=1)
    return {
        "eval_id": digest(["eval", run.id, plain(store.manifest.config)])[:22],
        "run_id": digest(["run", plain(store.manifest.config)])[:22],
        "created": TIME,
        "task": f"{config['env']}/{config['split']}",
        "task_id": digest(["task", run.id])[:22],
        "task_args": {"memory": condition.memory, "scaling": condition.scaling, "order": run.order},
        "dataset": {
            "name": f"{config['env']}/{config['split']}",
            "samples": len(tasks),
            "sample_ids": list(tasks),
            "shuffled": True,
        },
        "model": condition.model,
        "model_args": {},
        "config": {"epochs": epochs},
        "scorers": [{"name": SCORER}],
        "metadata": {
            "rbsuite": {
                "version": store.manifest.facts["rbsuite"],
                "run": run.id,
                "condition": plain(condition),
                "order": run.order,
                "simulated": bool(store.manifest.facts["simulated"]),
                **({"canary": CANARY} if is_private(store) else {}),
            }
        },
    }


def _usage(usage: Usage) -> Mapping[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
    }


def sample_json(
    store: ExperimentStore, run: RunInfo, record: TaskRecord, index: int, cover: Cover, titles: Mapping[str, str]
) -> dict[str, Any]:
    """A rollout as a sample.

    Args:
        store: the experiment.
        run: the run.
        record: the task, with trajectories.
        index: which rollout.
        cover: what is done to texts.
        titles: titles of the items of the run's bank, by id, already covered.
    """
    rollout = record.rollouts[index]
    trajectory, model = rollout.trajectory, run.condition.model
    said = conversation(trajectory, cover)
    messages = [_message(f"{index}-{number}", one, model) for number, one in enumerate(said)]
    answer = next((one.text for one in reversed(said) if one.role == "assistant"), "")
    truth = covered(trajectory.grade.truth, cover) if trajectory.grade is not None else {}
    scores = {SCORER: {"value": trajectory.score or 0.0, "answer": answer, "metadata": truth}}
    if (verdict := rollout.verdict) is not None:
        scores[JUDGE] = {"value": _GRADES[verdict.label], "answer": answer, "explanation": cover(verdict.rationale)}
    usage = sum(rollout.usage.values(), Usage())
    stop = "max_tokens" if trajectory.end == "context_overflow" else "stop"
    last = next((one for one in reversed(messages) if one["role"] == "assistant"), None)
    broke = {"message": cover(trajectory.error), "traceback": "", "traceback_ansi": ""} if trajectory.broken else None
    return {
        "id": record.task_id,
        "epoch": index + 1,
        "input": cover(trajectory.query),
        "target": "",
        "messages": messages,
        "output": {"model": model, "choices": [{"message": last, "stop_reason": stop}] if last else []},
        "scores": scores,
        "metadata": {
            **facts_of(store, run, record, index, cover),
        },
        "store": {},
        "events": list(_events(record, index, said, messages, model, cover, titles)),
        "started_at": TIME,
        "completed_at": TIME,
        "total_time": rollout.seconds,
        "working_time": rollout.seconds,
        "model_usage": {model: _usage(usage)},
        **({"error": broke} if broke else {}),
    }


def _message(name: str, said: Said, model: str) -> dict[str, Any]:
    message: dict[str, Any] = {"id": name, "role": said.role, "content": said.text}
    if said.role == "assistant":
        message |= {"source": "generate", "model": model}
        if said.thought:
            message["content"] = [{"type": "reasoning", "reasoning": said.thought}, {"type": "text", "text": said.text}]
        if said.calls:
            message["tool_calls"] = [
                {"id": call.id, "function": call.name, "arguments": dict(call.arguments), "type": "function"}
                for call in said.calls
            ]
    elif said.role == "tool":
        message |= {"tool_call_id": said.call_id, "function": said.function}
    return message


def _events(
    record: TaskRecord,
    index: int,
    said: Sequence[Said],
    messages: Sequence[Mapping[str, Any]],
    model: str,
    cover: Cover,
    titles: Mapping[str, str],
) -> Iterator[Mapping[str, Any]]:
    """Recalls and turns in the order they came. A turn's input is what is new in the conversation since the last one."""
    recalls = [event for event in record.recalls if event.rollout in (-1, index)]
    count = 0

    def event(kind: str, **values: Any) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        marks = {"event": kind, "uuid": f"{record.position}-{index}-{count}", "timestamp": TIME, "working_start": 0}
        return {**marks, **values}

    new: list[Mapping[str, Any]] = []
    for one, message in zip(said, messages, strict=True):
        if one.role != "assistant":
            new.append(message)
            continue
        for recall in [found for found in recalls if found.step <= one.turn]:
            recalls.remove(recall)
            yield from _span(event, recall, f"memory-{record.position}-{index}-{count}", cover, titles)
        output = {
            "model": model,
            "choices": [{"message": message, "stop_reason": "tool_calls" if one.calls else "stop"}],
        }
        yield event("model", model=model, input=new, tools=[], tool_choice="auto", config={}, output=output)
        new = []
    score = record.rollouts[index].trajectory.score or 0.0
    yield event("score", score={"value": score}, target="")


def _span(
    event: Any, recall: RecallEvent, name: str, cover: Cover, titles: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    hits = [{**plain(found), "title": titles.get(found.item_id, "")} for found in recall.recall.items]
    data = {
        "op": "search_memory",
        "phase": recall.phase,
        "version": recall.version,
        "hits": hits,
        "text": cover(recall.recall.text),
        "reason": recall.recall.reason,
    }
    yield event("span_begin", id=name, name="recall", type="memory", span_id=name)
    yield event("info", source="rbsuite.memory", data=data, span_id=name)
    yield event("span_end", id=name, span_id=name)
