"""The variables of the templates, from a real task: the single place that defines the example for ``rbsuite prompts show --env``.

A reference solution is played in the environment, and the variables are made from that rollout in the way agents, judges, memories,
scalings and simulated users make theirs: with the same functions, under the same names. If a name means different things to different
roles, :data:`OF_ROLE` has the values for each role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from rbsuite.environments.base import Environment, PlainServices
from rbsuite.environments.solution import reference_of
from rbsuite.environments.users import STOP, ScriptedUser
from rbsuite.errors import DataError, PluginError, is_mistake
from rbsuite.experience import MemoryItem, Outcome, Provenance
from rbsuite.fencing import fence
from rbsuite.memories.ace import show_bullets
from rbsuite.memories.extraction import ShownEpisode, show_rollouts
from rbsuite.memories.markdown import Draft
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts
from rbsuite.reading.actions import RESPOND, schemas
from rbsuite.reading.fitting import Room
from rbsuite.run.names import look_up
from rbsuite.run.private import unheard
from rbsuite.specs import EnvironmentSpec, load_object
from rbsuite.store.redaction import hidden
from rbsuite.task import Task
from rbsuite.trajectory import Action, Actor, Observation, Step, Trajectory
from rbsuite.transcript import BUDGET, render_action, render_steps, render_transcript, rules_of
from rbsuite.verdict import Verdict

LESSON = "(what was learnt on an earlier task)"


@dataclass(frozen=True, slots=True)
class Example:
    """A task that was played.

    Attributes:
        environment: its environment.
        task: the task.
        first: the very first observation.
        trajectory: what was seen and done.
        own: the environment's own variables for the task.
    """

    environment: Environment
    task: Task
    first: Observation
    trajectory: Trajectory
    own: Mapping[str, Any]

    @property
    def seen(self) -> Observation:
        """What the agent sees before its first turn."""
        return next((step.observation for step in self.trajectory.steps if step.actor == "agent"), self.first)

    @property
    def query(self) -> str:
        """The request, fenced as it is in the prompts of judges and memories."""
        return fence(self.task.query or self.seen.text, "request")

    @property
    def rules(self) -> str:
        """What the agent was told before the task, fenced; may be empty."""
        rules = rules_of(self.trajectory)
        return fence(rules, "rules") if rules else ""

    @property
    def heard(self) -> bool:
        """Whether a user takes part and hears what the agent says."""
        return any(step.actor == "user" for step in self.trajectory.steps)

    @property
    def item(self) -> MemoryItem:
        """An item that a memory could have learned on the task."""
        provenance = Provenance(self.task.id, 0, (0,), "success", "self")
        content = render_transcript(self.trajectory)
        key = self.task.query or self.seen.text
        return MemoryItem(
            "0-0", LESSON, "The task was solved.", content, key, "0", "example", self.task.domain, provenance
        )


def variables(
    plugins: Plugins, prompts: Prompts, name: str, environment: str, *, reveal: bool = False
) -> Mapping[str, Any]:
    """The variables of a template, from an example in an environment.

    A template from another environment's plugin is also given that environment's variables. The texts of a private task are left out.

    Args:
        plugins: where environments are looked up.
        prompts: the templates.
        name: the name of the template.
        environment: the environment of the example.
        reveal: whether texts of a private task are requested.

    Raises:
        UnknownNameError: there is no such environment or template.
        DataError: the environment's data is not installed.
    """
    spec = plugins.environment(environment)
    try:
        example = played(plugins, spec, reveal=reveal)
    except BaseException as error:
        if not is_mistake(error):
            raise
        raise PluginError.of(f"environment {spec.name!r}", error, "Choose another with --env.") from error
    found = {**_of_owner(plugins, prompts, name, spec, reveal=reveal), **common(example, prompts)}
    for special in (OF_ROLE.get(name.partition("/")[0]), OF_TEMPLATE.get(name)):
        if special is not None:
            found |= special(example)
    return found


def played(plugins: Plugins, spec: EnvironmentSpec, *, reveal: bool = False) -> Example:
    """The first task of an environment's default split, played by its reference solution if there is one.

    Args:
        plugins: where components are looked up.
        spec: the environment.
        reveal: whether texts of a private task are requested.

    Raises:
        PluginError: the environment cannot be imported.
        DataError: its data is not installed.
    """
    import asyncio

    environment, task, private = _first_task(plugins, spec)
    hides = private and not reveal

    async def play_and_close() -> Example:
        try:
            made = await _played(environment, task)
        finally:
            await environment.aclose()
        if not hides:
            return made
        parts = hidden(made.task), hidden(made.first), hidden(made.trajectory), hidden(dict(made.own), "data")
        return Example(environment, *parts)

    with unheard(hides):
        return asyncio.run(play_and_close())


async def _played(environment: Environment, task: Task) -> Example:
    solution = reference_of(environment, task)
    user = ScriptedUser(solution.user if solution is not None else ())
    actions = iter(solution.actions if solution is not None else (Action(),))
    episode = await environment.open(task, seed=0, services=PlainServices(environment))
    first, steps = episode.observation, []
    try:
        while (seen := episode.observation).turn != "over":
            action = user.next(seen) if seen.turn == "user" else next(actions, None)
            if action is None:
                break
            episode.observation = await episode.act(action)
            actor: Actor = "user" if seen.turn == "user" else "agent"
            steps.append(Step(actor, seen, action, None, episode.audience(actor, action)))
        trajectory = Trajectory(task.id, 0, 0, task.query, tuple(steps), episode.observation, "finished")
        return Example(environment, task, first, trajectory.shown(), environment.prompt_variables(task))
    finally:
        await episode.aclose()


def _first_task(plugins: Plugins, spec: EnvironmentSpec) -> tuple[Environment, Task, bool]:
    """The environment, its first task, and whether that task is private."""
    environment: Environment = look_up(plugins, "environment", spec.name).make()
    split = next((split for split in spec.splits if split.bundled), spec.splits[0])
    tasks = environment.tasks(split.name)
    return environment, tasks.tasks[0], tasks.private


def common(example: Example, prompts: Prompts) -> dict[str, Any]:
    """The variables that have the same meaning wherever they are used."""
    seen, first, item = example.seen, example.first, example.item
    return {
        "policy": "\n\n".join(message.text for message in seen.messages),
        "tools": schemas(seen.tools),
        "respond": RESPOND,
        "choices": seen.choices,
        "task": seen.text,
        "memory": prompts.render("memory/inject.j2", items=[item], heard=example.heard),
        "heard": example.heard,
        "query": example.query,
        "problem": "it is not in the form that was asked for",
        "instruction": fence("\n\n".join(message.text for message in first.messages), "brief")
        if first.turn == "user"
        else "",
        "stop": STOP,
        **example.own,
    }


def of_agent(example: Example) -> Mapping[str, Any]:
    """The variables of the agents' templates."""
    done = [step for step in example.trajectory.steps if step.actor == "agent" and step.action.index is not None]
    return {"history": [render_action(step.action) for step in done]}


def of_judge(example: Example) -> Mapping[str, Any]:
    """The variables of the judge's template."""
    return {"rules": example.rules, "transcript": fence(render_transcript(example.trajectory), "record")}


def of_memory(example: Example) -> Mapping[str, Any]:
    """The variables of the memories' templates."""
    outcome = Outcome(example.trajectory, Verdict("success", 1.0, "(why the judge says so)", "self"))
    rollouts = show_rollouts([outcome], Room(BUDGET))
    episode = ShownEpisode.of(example.item)
    return {
        "rules": example.rules,
        "heading": "Memory Item",
        "limit": 3,
        "characters": 2000,
        "transcript": rollouts[0].transcript,
        "rationale": rollouts[0].rationale,
        "notes": rollouts[0].notes,
        "rollouts": rollouts,
        "history": fence(render_steps(example.trajectory.steps), "history"),
        "items": [example.item],
        "episodes": [episode],
        "bullets": show_bullets([replace(example.item, content=LESSON)]),
        "named": True,
        "insights": fence(f"- {LESSON}", "insights"),
        "pairs": [episode],
        "sources": [episode],
        "sheet": fence(LESSON, "sheet"),
        "document": fence(LESSON, "handbook"),
    }


def of_scaling(example: Example) -> Mapping[str, Any]:
    """The variables of the templates of scalings and selectors."""
    transcript = render_transcript(example.trajectory)
    return {
        "rules": example.rules,
        "earlier": [fence(transcript, "attempt")],
        "rollouts": [fence(transcript, "record")] * 2,
    }


def of_user(example: Example) -> Mapping[str, Any]:
    """The variables of the simulated user's templates."""
    names = {"user": "Customer", "agent": "Agent"}
    lines = [f"{names[step.actor]}: {render_action(step.action)}" for step in example.trajectory.steps]
    return {
        "transcript": fence("\n".join(lines), "transcript"),
        "response": fence(lines[-1] if lines else "", "response"),
    }


OF_ROLE: Mapping[str, Callable[[Example], Mapping[str, Any]]] = {
    "agent": of_agent,
    "judge": of_judge,
    "memory": of_memory,
    "scaling": of_scaling,
    "user": of_user,
}
"""The variables of a role's templates (by their directory) besides :func:`common`."""

OF_TEMPLATE: Mapping[str, Callable[[Example], Mapping[str, Any]]] = {
    "memory/document.j2": lambda example: {"items": [Draft(LESSON, LESSON, render_transcript(example.trajectory))]},
    "memory/inject_cheatsheet.j2": lambda _: {"document": fence(LESSON, "sheet")},
}
"""The variables of a template that differ from its role's."""


def _of_owner(
    plugins: Plugins, prompts: Prompts, name: str, chosen: EnvironmentSpec, *, reveal: bool
) -> Mapping[str, Any]:
    """The variables of the environment whose plugin provides a template, if that is not the chosen one."""
    file = prompts.source(name)[1]
    for spec in plugins.environments.values():
        if spec is chosen or spec.stateful_server:
            continue
        kind = load_object(spec.factory, f"environment {spec.name!r}")
        directory = getattr(kind, "prompt_directory", None)
        if directory is not None and file.is_relative_to(directory):
            with suppress(DataError):  # another environment of the same plugin may have a sample
                environment, task, private = _first_task(plugins, spec)
                made = environment.prompt_variables(task)
                return hidden(dict(made), "data") if private and not reveal else made
    return {}
