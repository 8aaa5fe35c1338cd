"""Reads exports with the libraries whose formats they are; runs in an environment of its own, without rbsuite. Prints what it found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atif
import duckdb
import pandas
from inspect_ai.log import list_eval_logs, read_eval_log, read_eval_log_sample_summaries

place = Path(sys.argv[1])
found = {"samples": 0, "spans": 0, "statuses": set(), "means": [], "trajectories": 0}
for path in sorted((place / "inspect").glob("*.eval")):
    log = read_eval_log(str(path))
    assert read_eval_log(str(path), header_only=True).eval.task_id == log.eval.task_id
    assert len(read_eval_log_sample_summaries(str(path))) == len(log.samples)
    found["statuses"].add(log.status)
    found["means"].append(log.results.scores[0].metrics["mean"].value)
    for sample in log.samples:
        found["samples"] += 1
        found["spans"] += sum(event.event == "span_begin" and event.type == "memory" for event in sample.events)
        assert sample.messages[-1].text
        assert "score" in sample.scores
assert len(list_eval_logs(str(place / "inspect"))) == len(found["means"])
for path in (place / "atif").rglob("*-*.json"):
    read = atif.Trajectory.model_validate_json(path.read_text())
    assert any(step.source == "agent" for step in read.steps)
    found["trajectories"] += 1
tables = place / "parquet"
[[found["duckdb_rollouts"]]] = duckdb.sql(f"SELECT count(*) FROM '{tables / 'rollouts.parquet'}'").fetchall()
[[found["duckdb_difference"]]] = duckdb.sql(f"SELECT difference FROM '{tables / 'comparisons.parquet'}'").fetchall()
tasks = pandas.read_parquet(tables / "tasks.parquet")
assert tasks["score"].dtype == "float64"
found["pandas_tasks"] = len(tasks)
print(json.dumps({**found, "statuses": sorted(found["statuses"])}))
