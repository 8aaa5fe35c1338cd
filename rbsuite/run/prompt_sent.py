"""The prompt that a stored rollout began with, rebuilt from the store by the agent that sent it. No model is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rbsuite.agents.base import Agent, AgentStart
from rbsuite.errors import ParseFailure, UsageError
from rbsuite.fencing import fence
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.record import RunInfo, TaskRecord
from rbsuite.run.names import look_up
from rbsuite.run.recalls import SHARED, joined
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Message, ToolSpec
from rbsuite.transcript import render_transcript


@dataclass(frozen=True, slots=True)
class PromptSent:
    """The first request of a rollout.

    Attributes:
        messages: the conversation as it was sent.
        memory: the recalled text in it; empty if nothing was recalled.
        changed: the templates that have changed since the rollout was made, so that the text may differ from what was sent.
    """

    messages: tuple[Message, ...]
    memory: str
    changed: tuple[str, ...]

    @property
    def place(self) -> tuple[int, int] | None:
        """Where the recalled text begins: index of the message, and of the character in it; ``None`` if it is not there verbatim."""
        if self.memory:
            for index, message in enumerate(self.messages):
                if (found := message.text.find(self.memory)) >= 0:
                    return index, found
        return None


class _Asked(Exception):
    """The agent has asked its model."""


class _Services:
    """What the agent is given: the templates, and a model that only listens."""

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts
        self.heard: tuple[Message, ...] | None = None

    def render(self, template: str, **variables: Any) -> str:
        return self._prompts.render(template, **variables)

    async def complete(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> NoReturn:
        self.heard = tuple(messages)
        raise _Asked


async def prompt_sent(
    store: ExperimentStore,
    run: RunInfo,
    record: TaskRecord,
    rollout: int,
    plugins: Plugins,
    prompts: Prompts | None = None,
) -> PromptSent | None:
    """The first prompt of a rollout.

    Args:
        store: the experiment.
        run: the run.
        record: the task, with trajectories.
        rollout: index of the rollout.
        plugins: where the agent is looked up.
        prompts: those of :func:`prompts_of`, if many rollouts of one condition are wanted: each template is compiled once.

    Returns:
        ``None`` if the agent had no turn or asked no model.

    Raises:
        RbsuiteError: the agent's plugin or a template is missing.
    """
    trajectory = record.rollouts[rollout].trajectory
    observation = next((step.observation for step in trajectory.steps if step.actor == "agent"), None)
    if observation is None:
        return None
    directory = run.condition.prompts
    prompts = prompts or prompts_of(run, plugins)
    services, agent = _Services(prompts), look_up(plugins, "agent", run.condition.agent).make()
    memory = _recalled(record, rollout)
    notes = set(record.rollouts[rollout].notes)
    shown = [render_transcript(one.trajectory) for one in record.rollouts[:rollout]]
    earlier = [fence(text, "attempt") for text in shown if text in notes]
    extra = prompts.render("scaling/retry.j2", earlier=earlier) if earlier else ""
    await _ask(agent, AgentStart(services, joined(memory, extra), trajectory.seed), observation)
    if services.heard is None:
        return None
    then = {name: sha for (source, name), sha in store.templates().items() if source == directory}
    changed = tuple(name for name, sha in sorted(prompts.used.items()) if then.get(name, sha) != sha)
    return PromptSent(services.heard, memory, changed)


def prompts_of(run: RunInfo, plugins: Plugins) -> Prompts:
    """The templates of a run.

    Raises:
        UsageError: their directory is gone.
    """
    directory = run.condition.prompts
    if directory and not Path(directory).is_dir():
        raise UsageError(f"the templates of {run.id} were in {directory}, which is gone.", "Put them back.")
    return Prompts([*([Path(directory)] if directory else []), *plugins.prompt_dirs])


async def _ask(agent: Agent, start: AgentStart, observation: Any) -> None:
    with suppress(_Asked, ParseFailure):
        agent.start(start)
        await agent.act(observation)


def _recalled(record: TaskRecord, rollout: int) -> str:
    """The recalled text that a rollout had at its first turn: that of the last recall before it."""
    text = ""
    for event in sorted(record.recalls, key=lambda event: ("task", "retry", "step").index(event.phase)):
        if event.rollout in (SHARED, rollout) and event.step == 0:
            text = event.recall.text
    return text
