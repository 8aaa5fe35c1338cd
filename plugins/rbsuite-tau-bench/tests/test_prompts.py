"""What judges and memories are asked about tau-bench: with the policy, and with what the tools that write said."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

import altered
from experiments import run
from rbsuite.hookspecs import hookimpl
from rbsuite.plugins import load_plugins
from rbsuite.run.config import make_config
from rbsuite.run.plan import make_plan
from rbsuite.specs import ModelSpec

WRITES = ("cancel", "exchange", "modify", "return", "book", "send", "update")
MEMORIES = ("reasoningbank", "awm", "awm-original", "ace", "dynamic-cheatsheet", "reflexion")


class Recorder:
    """The simulated learner that keeps what it is asked."""

    @hookimpl
    def rbsuite_models(self) -> list[ModelSpec]:
        return [altered.recording()]


@pytest.mark.parametrize("scaling", ["single", "parallel:2"])
def test_the_policy_and_every_result_of_a_write_stand_in_the_prompts(tmp_path: Path, scaling: str) -> None:
    altered.Recording.requests.clear()
    options = {"memory": MEMORIES, "model": "sim/recording", "limit": 4, "scaling": (scaling,)}
    config = make_config({"env": "tau-bench", "split": "sample", "orders": 1}, options)
    with run(make_plan(config, load_plugins([("recorder", Recorder())])), tmp_path / "x", concurrency=1) as store:
        rollouts = [
            (info.condition.memory, rollout)
            for info in store.manifest.runs
            for record in store.records(info.id)
            for rollout in record.rollouts
        ]
    policies: set[str] = set()
    written: dict[str, set[str]] = {"judge": set(), "memory": set()}
    for memory, rollout in rollouts:
        own = [step for step in rollout.trajectory.steps if step.actor == "agent"]
        policies |= {message.text for message in own[0].observation.messages if message.role == "system"}
        writes = {
            following.observation.text
            for step, following in pairwise(own)
            if step.action.calls and step.action.calls[0].name.startswith(WRITES)
        }
        written["judge"] |= writes
        # The others learn from successes alone, or from failures alone.
        if memory == "reasoningbank" and rollout.verdict is not None and rollout.verdict.label != "unknown":
            written["memory"] |= writes
    prompts = {
        purpose: [
            "\n".join(message.text for message in request.messages)
            for request, _ in altered.Recording.requests
            if request.purpose == purpose
        ]
        for purpose in ("judge", "memory")
    }
    assert all(written.values())
    # The one memory prompt without a transcript is that of ACE's curator, which sees what the reflector made of it.
    shown = [*prompts["judge"], *(prompt for prompt in prompts["memory"] if "End: " in prompt)]
    assert len(shown) > len(prompts["judge"]) > 0
    assert [prompt for prompt in shown if not any(policy in prompt for policy in policies)] == []
    for purpose, asked in prompts.items():
        everything = "\n".join(asked)
        assert [result for result in written[purpose] if result not in everything] == [], purpose
