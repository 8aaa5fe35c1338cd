"""What the tasks of one run share: the environment, the condition's plugins, the bank, the models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rbsuite.environments.base import Environment, Opener
from rbsuite.judges.base import Judge
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import Memory
from rbsuite.models.base import ChatModel, Purpose
from rbsuite.models.gate import Line
from rbsuite.models.limits import Limits, RolloutBudget
from rbsuite.models.meter import Meter
from rbsuite.prompts import Prompts
from rbsuite.record import RunInfo
from rbsuite.retrieval.base import MeteredEmbedder
from rbsuite.run.config import ExperimentConfig, one_at_a_time
from rbsuite.run.names import Part
from rbsuite.run.openings import Openings
from rbsuite.run.reads import RunTwins
from rbsuite.run.sink import Sink
from rbsuite.scaling.base import Scaling, Selector
from rbsuite.specs import EnvironmentSpec, JudgeSpec, MemorySpec, SelectorSpec
from rbsuite.task import TaskSet


@dataclass(frozen=True, slots=True)
class RunParts:
    """What the tasks of one run share.

    Attributes:
        config: the experiment's configuration.
        info: the run.
        spec, environment, opener, tasks: the environment, what opens its episodes, its tasks.
        prompts: the templates of the condition.
        models: the model of each purpose, not yet bound to a task.
        agent, user: what makes agents and, if one takes part, simulated users.
        memory, memory_spec, scaling, selector, selector_spec, judge, judge_spec: the condition's plugins.
        bank: as of the last committed task.
        twins: the twins of tasks.
        origin: the origin of every :class:`rbsuite.experience.Experience` of the run.
        gate: the run's line at the gate that all model calls pass through.
        metered: the bank's embedder, if its vectors cost something.
        meter: counts model calls, and refuses them once a limit of the experiment is reached.
        temperature: of the agent's model; ``None``: the provider's default.
        reply_tokens, call_seconds: how long a reply and a call may be, by purpose.
        sink: takes records and events.
        openings: the environment's episodes that are being opened.
        without: ids of items that no read sees.
    """

    config: ExperimentConfig
    info: RunInfo
    spec: EnvironmentSpec
    environment: Environment
    opener: Opener
    tasks: TaskSet
    prompts: Prompts
    models: Mapping[Purpose, ChatModel]
    agent: Part
    user: Part | None
    memory: Memory
    memory_spec: MemorySpec
    scaling: Scaling
    selector: Selector
    selector_spec: SelectorSpec
    judge: Judge
    judge_spec: JudgeSpec
    bank: Bank
    twins: RunTwins
    origin: str
    gate: Line
    metered: MeteredEmbedder | None
    meter: Meter
    temperature: float | None
    reply_tokens: Mapping[Purpose, int]
    call_seconds: Mapping[Purpose, float]
    sink: Sink
    openings: Openings
    without: frozenset[str] = frozenset()

    @property
    def max_steps(self) -> int:
        """Agent turns a rollout may take."""
        return self.config.max_steps or self.spec.max_steps

    def rollout_budget(self) -> RolloutBudget | None:
        """What agent and user may spend in a rollout, if that is limited; its time is limited where it is played."""
        config = self.config
        asked = config.rollout_max_cost is not None
        cost = config.rollout_max_cost if asked else self.spec.rollout_max_cost
        limits = (cost, config.rollout_max_tokens, config.rollout_max_calls)
        return None if limits == (None, None, None) else RolloutBudget(Limits(*limits), needs_prices=asked)

    @property
    def one_at_a_time(self) -> bool:
        """Whether only one task may be under way: the rollouts of a run share one world, or its memory's state is outside the bank, so
        that a recall cannot be repeated on an earlier version.
        """
        return self.memory_spec.external or one_at_a_time(self.spec, self.config)
