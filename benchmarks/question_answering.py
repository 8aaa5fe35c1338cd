"""What a single-turn question costs: CPU per question, over the whole pipeline with the store and the simulated learner in process.

    python benchmarks/question_answering.py [--data PACK] [--memory none] [--limit N] [--json]

The questions are MMLU-Pro's test split: a pack named by ``--data``, else the one in ``shared/packs`` next to the repository, else the
imported one. The cost is reported for the whole stream and for its first and last tenth, which shows whether a growing memory slows it
down.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import load_plugins
from rbsuite.run.config import Execution, make_config
from rbsuite.run.directory import open_experiment
from rbsuite.run.executors import run_experiment
from rbsuite.run.plan import make_plan

PEER_MS = 19.0
"""inspect_ai with its mock model, CPU ms for a single-turn sample (5,000 of them), measured once on a comparable machine."""

LIMITS_MS = {"none": 1.0, "reasoningbank": 6.0}
LIMIT_RSS_MB = 350.0


class Clock:
    """Notes the CPU time at every committed task."""

    def __init__(self) -> None:
        self.marks: list[float] = []

    @hookimpl
    def rbsuite_task_committed(self) -> None:
        """Note the time."""
        self.marks.append(time.process_time())


def packs() -> str:
    """The pack next to the repository, or nothing."""
    root = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[2] / "shared" / "packs")
    return str(root / "mmlu-pro") if (root / "mmlu-pro").is_dir() else ""


def measure(memory: str, data: str, limit: int | None) -> dict[str, Any]:
    """Run one stream, one task at a time, and report what it cost."""
    started = time.process_time()
    plugins = load_plugins()
    options = {"env": "mmlu-pro", "split": "test", "data": data, "memory": (memory,), "orders": 1, "limit": limit}
    plan = make_plan(make_config(options), plugins)
    clock = Clock()
    plugins.register(clock, "clock")
    with tempfile.TemporaryDirectory() as directory, open_experiment(plan, Path(directory) / "run") as store:
        ready = time.process_time()
        asyncio.run(run_experiment(plan, store, Execution(speculate="off")))
        ended = time.process_time()
    marks, n = [ready, *clock.marks], len(plan.tasks)
    tenth = max(1, n // 10)
    return {
        "memory": memory,
        "questions": n,
        "loading_s": ready - started,
        "ms_per_question": 1000 * (ended - started) / n,
        "ms_first_tenth": 1000 * (marks[tenth] - marks[0]) / tenth,
        "ms_last_tenth": 1000 * (marks[-1] - marks[-1 - tenth]) / tenth,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "times_faster_than_peer": PEER_MS / (1000 * (ended - started) / n),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and fail if a limit is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", default=packs(), help="an MMLU-Pro pack")
    parser.add_argument("--memory", default="none")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found = measure(given.memory, given.data, given.limit)
    limit = LIMITS_MS.get(given.memory)
    within = limit is None or (found["ms_per_question"] <= limit and found["ms_last_tenth"] <= limit)
    within = within and found["peak_rss_mb"] <= LIMIT_RSS_MB
    if given.json:
        print(json.dumps({**found, "within_limits": within}, indent=2))
        return 0 if within else 1
    print(f"{found['questions']:,} questions, memory {given.memory}, sim/learner, one at a time, with the store")
    print(f"CPU per question: {found['ms_per_question']:.2f} ms (limit {limit or '-'}), loading included")
    print(f"  first tenth {found['ms_first_tenth']:.2f} ms, last tenth {found['ms_last_tenth']:.2f} ms")
    print(f"peer (inspect_ai, mock model): {PEER_MS:g} ms, {found['times_faster_than_peer']:.1f} times as much")
    print(f"peak RSS: {found['peak_rss_mb']:.0f} MB (limit {LIMIT_RSS_MB:g})")
    return 0 if within else 1


if __name__ == "__main__":
    raise SystemExit(main())
