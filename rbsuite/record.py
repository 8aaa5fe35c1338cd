"""What is kept of a run: the records that the runner writes and reports read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from rbsuite.experience import MemoryOp, Recall
from rbsuite.frozen import dataclass
from rbsuite.trajectory import Trajectory, Usage
from rbsuite.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Condition:
    """What is compared: a memory, a scaling, and one level of every other factor. Each field is a canonical reference.

    Attributes:
        memory, scaling, agent, model, judge, embedder: what is run.
        prompts: directory of templates that come before the others; empty: none.
        temperature: of the agent's model.
        label: short name: memory, scaling, and whatever else varies in the experiment.
    """

    memory: str
    scaling: str
    agent: str
    model: str
    judge: str
    embedder: str = ""
    prompts: str = ""
    temperature: str = ""
    label: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Name it by memory and scaling if no other name is given."""
        if not self.label:
            object.__setattr__(self, "label", f"{self.memory} x {self.scaling}")


FACTORS: tuple[str, ...] = ("memory", "scaling", "agent", "model", "judge", "embedder", "prompts", "temperature")
"""The factors that a condition has a level of."""


def varied_factors(conditions: Iterable[Condition]) -> tuple[str, ...]:
    """The factors in which conditions differ."""
    made = list(conditions)
    return tuple(name for name in FACTORS if len({getattr(one, name) for one in made}) > 1)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One condition on one stream.

    Attributes:
        id: unique within the experiment, e.g. ``"reasoningbank/single/order-0"``.
        condition: what is run.
        order: index of the order.
        order_name: how the order was made, e.g. ``"seeded"``.
        seed: what every choice of the run is derived from. It depends on the experiment's seed and the order, never on the condition, so
            chance is the same for all conditions.
        tasks: ids of the tasks in stream order, the probes last.
        probes: how many of the last tasks are probes: early tasks run again on the final bank, which learns nothing from them.
        declared: whether the experiment was declared with it; false if it was added once the declared runs were finished.
    """

    id: str
    condition: Condition
    order: int
    order_name: str
    seed: int
    tasks: tuple[str, ...]
    probes: int = 0
    declared: bool = True


@dataclass(frozen=True, slots=True)
class RecallEvent:
    """One call of ``recall`` and what came of it.

    Attributes:
        rollout: the rollout it served; -1 if all rollouts of the task share it.
        phase, step: when it was asked.
        version: the version of the bank that was read.
        recall: what it returned.
    """

    rollout: int
    phase: str
    step: int
    version: int
    recall: Recall


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """One rollout with its verdict and cost.

    Attributes:
        trajectory: the whole trajectory, with ground truth.
        verdict: the judge's verdict; ``None`` for a broken rollout, which is never judged.
        usage: cost of the rollout by purpose (``agent``, ``user``, ``judge``).
        notes: notes of refinement rounds.
        seconds: wall time; not part of any digest.
    """

    trajectory: Trajectory
    verdict: Verdict | None
    usage: Mapping[str, Usage]
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@lru_cache(maxsize=64)  # a run computes it, and then the store checks it
def commit_id_of(run: str, position: int, task: str) -> str:
    """What a record names the commit of a task: the beginning of :func:`rbsuite.jsonable.digest` of run, position and task.

    So a record cannot be committed to another run, or in another place, than it was made for.
    """
    return sha256(f"[{quoted(run)},{position},{quoted(task)}]".encode("ascii")).hexdigest()[:32]


ALL = -1
"""In place of the index of a rollout: all rollouts of a task count, and its score is their mean."""


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """All that is committed for one task, in one transaction.

    Attributes:
        task_id: the task.
        position: its place in the stream, from 0.
        commit_id: :func:`commit_id_of` its run, place and task; committing the same record twice changes nothing.
        read_version: version of the bank the task read.
        version: version of the bank after the task's operations; equals ``position + 1``.
        rollouts: the group, by rollout index.
        selected: index of the rollout that counts as the task's answer; :data:`ALL` if all do.
        recalls: every recall of the task.
        ops: the memory operations.
        state_hash: hash chain of the bank after ``ops``.
        usage: cost that belongs to the task as a whole, by purpose (``memory``, ``select``).
        notes: counts of things to report, e.g. ``{"extraction_malformed": 1}``.
        memory_seconds: wall time that memory spent in a service or a library of its own (see :meth:`rbsuite.memories.base.BankView.spend`);
            not part of any digest.
    """

    task_id: str
    position: int
    commit_id: str
    read_version: int
    version: int
    rollouts: tuple[RolloutRecord, ...]
    selected: int
    recalls: tuple[RecallEvent, ...]
    ops: tuple[MemoryOp, ...]
    state_hash: str
    usage: Mapping[str, Usage] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)
    memory_seconds: float = 0.0

    @property
    def score(self) -> float:
        """The task's score: that of the rollout that counts, or the mean of all; a broken rollout scores 0."""
        return score_of(self.rollouts, self.selected)


def score_of(rollouts: Sequence[RolloutRecord], selected: int) -> float:
    """The score of a task: that of the selected rollout, or with :data:`ALL` the mean of all; a broken rollout scores 0."""
    counting = rollouts if selected == ALL else (rollouts[selected],)
    return math.fsum(rollout.trajectory.score or 0.0 for rollout in counting) / len(counting)


ABOUT = "about"
"""Key of the facts that let reports do without plugins and that are not part of the experiment's identity."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What makes an experiment re-runnable: its whole configuration and what it ran on.

    Attributes:
        config: the options, every one of them, as plain data (see :class:`rbsuite.run.config.ExperimentConfig`).
        facts: what the options resolved to: versions, task-set hash, data source, model ids, embedder, grader version; and
            under :data:`ABOUT` what there is to say about tasks and plugins.
        runs: the runs of the experiment in order; those that were added later come last.
    """

    config: Mapping[str, Any]
    facts: Mapping[str, Any]
    runs: tuple[RunInfo, ...]

    @property
    def identity(self) -> Mapping[str, Any]:
        """The facts that are equal in two experiments that are the same: of the task set, what it is, not where it came from."""
        facts = {name: value for name, value in self.facts.items() if name != ABOUT}
        task_set = facts.get("task_set")
        if isinstance(task_set, Mapping):
            facts["task_set"] = {name: task_set[name] for name in ("hash", "count") if name in task_set}
        return facts
