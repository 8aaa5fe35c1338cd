"""The rules for environments."""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import re
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, get_args

from rbsuite.environments.base import Environment, Episode, PlainServices
from rbsuite.environments.hosting import Host, Recipe
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Solution
from rbsuite.environments.users import STOP, ScriptedUser
from rbsuite.errors import DataError, PluginError, UnknownNameError
from rbsuite.jsonable import canonical, digest, plain
from rbsuite.run.rollout import checked_grade
from rbsuite.specs import EnvironmentSpec
from rbsuite.task import Task, TaskSet
from rbsuite.testing.elsewhere import Elsewhere, elsewhere
from rbsuite.testing.rules import Broken, NotTried, Rule, raised, require, rule
from rbsuite.testing.subjects import Subject, common_rules, global_chance_untouched, require_importable
from rbsuite.trajectory import (
    BROKEN_ENDS,
    END_REASONS,
    NO_CHOICE,
    Action,
    EndReason,
    Grade,
    Observation,
    ToolCall,
    ToolSpec,
    Turn,
)

KIND = "environment"
TASKS_PLAYED = 4
"""Tasks that most rules play."""
TASKS_SOLVED = 24
"""Tasks whose reference solutions are replayed."""
LEAVES = 32
"""Values of payloads that are changed to see what becomes of it."""
OPENING_SECONDS = {"inline": 0.1, "thread": 2.0, "process": 10.0, "exclusive": 30.0}
"""What the opening of an episode may take, by where it runs."""
SEED = 20_261

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TELLING = frozenset(
    ["correct", "expected", "gold", "grade", "ground_truth", "reward", "score", "solution", "success", "truth"]
)
"""Keys under which nothing may stand that an agent sees."""
_SAID_BEFORE_STOP = (Action("Hello."), Action("I do not know."))


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one episode.

    Attributes:
        seen: every observation, whoever's turn it was.
        rewards: of every action.
        grade: at the end.
    """

    seen: tuple[Observation, ...]
    rewards: tuple[float | None, ...]
    grade: Grade

    @property
    def over(self) -> bool:
        """Whether the episode came to its end."""
        return self.seen[-1].turn == "over"

    @property
    def shown(self) -> tuple[Observation, ...]:
        """What agent, memory and judge may see."""
        return tuple(seen for seen in self.seen if seen.turn != "user")


class EnvironmentSubject(Subject):
    """An environment, with one split of its tasks. What is made for it is kept until :meth:`aclose`."""

    decisive: Sequence[_Decisive] | None = None
    """What :func:`_decisive` found, once it was asked."""

    @property
    def spec(self) -> EnvironmentSpec:
        """Its spec."""
        spec = super().spec
        assert isinstance(spec, EnvironmentSpec)
        return spec

    @cached_property
    def environment(self) -> Environment:
        """The environment, which has given :attr:`tasks`."""
        made: Environment = self.make()
        return made

    @cached_property
    def split(self) -> str:
        """A split that can be read here, a bundled one if there is any."""
        names = [split.name for split in sorted(self.spec.splits, key=lambda split: not split.bundled)]
        bundled = {split.name for split in self.spec.splits if split.bundled}
        for name in names:
            if name in bundled:
                return name
            try:
                if self.environment.at_hand(name) and self.environment.tasks(name).tasks:
                    return name
            except DataError:
                continue
        raise NotTried("the data of none of its splits is here")

    @cached_property
    def tasks(self) -> TaskSet:
        """The tasks of the split."""
        return self.environment.tasks(self.split)

    @cached_property
    def played(self) -> Sequence[Task]:
        """A few tasks: the first of each domain, and what is needed to fill up."""
        firsts = {task.domain: task for task in reversed(self.tasks.tasks)}
        return (*reversed(firsts.values()), *spaced(self.tasks.tasks, TASKS_PLAYED))[:TASKS_PLAYED]

    @property
    def solved(self) -> Sequence[tuple[Task, Solution]]:
        """Tasks with their reference solutions.

        Raises:
            NotTried: there is none.
        """
        pairs = ((task, self.environment.solution(task)) for task in spaced(self.tasks.tasks, TASKS_SOLVED))
        found = [(task, solution) for task, solution in pairs if solution is not None]
        if not found:
            raise NotTried("it has no reference solutions")
        return found

    def another(self) -> Environment:
        """One more environment, which has given the same tasks."""
        made: Environment = self.make()
        made.tasks(self.split)
        return made

    @cached_property
    def recipe(self) -> Recipe:
        """How to make it elsewhere."""
        return Recipe(
            self.spec.factory, self.name, self.part.values, self.split, prompts=tuple(self.plugins.prompt_dirs)
        )

    @cached_property
    def host(self) -> Host:
        """What opens its episodes, where its spec says they run."""
        _ = self.tasks
        return Host(self.environment, self.spec.concurrency, self.recipe)

    @asynccontextmanager
    async def opened(
        self, task: Task, seed: int = SEED, environment: Environment | None = None
    ) -> AsyncIterator[Episode]:
        """An episode, closed at the end."""
        opener = self.host if environment is None else environment
        episode = await opener.open(task, seed=seed, services=PlainServices(environment or self.environment))
        try:
            yield episode
        finally:
            await episode.aclose()

    def lines(self, task: Task) -> ScriptedUser:
        """Who speaks for the user: the reference's words, or a few of our own."""
        solution = self.environment.solution(task) if self.spec.users else None
        return ScriptedUser(_SAID_BEFORE_STOP if solution is None else solution.user)

    def actions(self, task: Task) -> tuple[Action, ...]:
        """What an agent does to try an environment: the reference, or else a few actions that fit."""
        solution = self.environment.solution(task)
        if solution is not None:
            return solution.actions
        return (Action("1"), Action.choose(0), Action("2"), Action.choose(1))

    async def play(
        self, task: Task, actions: Sequence[Action], *, environment: Environment | None = None, seed: int = SEED
    ) -> Played:
        """Play actions of the agent; when they are used up the episode is cut and graded."""
        async with self.opened(task, seed, environment) as episode:
            return await play_on(episode, actions, self.lines(task))

    async def aclose(self) -> None:
        """Close what was made."""
        if "host" in self.__dict__:
            await self.host.aclose()
        if "environment" in self.__dict__:
            await self.environment.aclose()


async def play_on(episode: Episode, actions: Iterable[Action], user: ScriptedUser) -> Played:
    """Play an episode that is open to the end of the actions, and have it graded."""
    rest, seen, rewards = iter(actions), [episode.observation], list[float | None]()
    while episode.observation.turn != "over":
        action = user.next(episode.observation) if episode.observation.turn == "user" else next(rest, None)
        if action is None:
            break
        episode.observation = await episode.act(action)
        seen.append(episode.observation)
        rewards.append(episode.reward)
        require(len(seen) < 10_000, "the user's turns do not end")
    over = episode.observation.turn == "over" and not episode.truncated
    return Played(tuple(seen), tuple(rewards), await episode.grade("finished" if over else "max_steps"))


def spaced(tasks: Sequence[Task], most: int) -> Sequence[Task]:
    """At most so many of the tasks, evenly spaced, the first among them."""
    step = max(1, math.ceil(len(tasks) / most))
    return tasks[::step]


def junk(seen: Observation) -> tuple[Action, ...]:
    """Actions that a confused model may come to, most of them wrong."""
    tools = seen.tools[:3]
    wrong: tuple[dict[str, Any], ...] = ({}, {"nonsense": [None, {}]}, {"": ""})
    calls = [ToolCall("1", tool.name, arguments) for tool in tools for arguments in wrong]
    return (
        Action(),
        Action("  \n"),
        Action("\u00e9\u4e2d\x00 {}[]<<>> ### Action: "),
        Action("9" * 5_000),
        Action(STOP),
        Action.choose(NO_CHOICE, "none of them"),
        Action.choose(10**9, "far away"),
        Action.call("no_such_tool", {"a": 1}, id="1"),
        Action.call("", {}, id="1"),
        Action(calls=(ToolCall("1", tools[0].name if tools else "x", {}, raw="{not closed"),)),
        Action("two at once", (ToolCall("1", "no_such_tool"), ToolCall("2", tools[0].name if tools else "y"))),
        *(Action(calls=(call,)) for call in calls),
    )


# What it declares


@rule(
    KIND,
    "complete",
    "Fill in the fields of EnvironmentSpec; a small sample split of your own makes everything run with no download.",
)
async def complete(subject: EnvironmentSubject) -> None:
    """The spec names version, splits (one of them bundled), an agent that fits, users that exist, and the licence of imported data."""
    spec, plugins = subject.spec, subject.plugins
    require(spec.version.strip("0 "), f"its version is {spec.version!r}, so results of two versions look alike")
    names = [split.name for split in spec.splits]
    require(names and len(set(names)) == len(names), f"its splits are {names}")
    require(
        spec.needs or any(split.bundled for split in spec.splits), "no split is bundled, so nothing runs without data"
    )
    require(spec.agent in plugins.agents, f"its agent {spec.agent!r} is not known")
    modes = plugins.agents[spec.agent].action_modes
    require(
        spec.action_mode in modes, f"its agent {spec.agent!r} is for {modes}, and its turns are {spec.action_mode!r}"
    )
    unknown = [name for name in spec.users if name not in plugins.users]
    require(not unknown, f"its users {unknown} are not known")
    require(spec.data_licence or not spec.pack, f"it imports the pack {spec.pack!r} and names no licence of the data")
    require(spec.max_steps > 0, f"max_steps is {spec.max_steps}")


@rule(
    KIND,
    "tasks",
    "Give every task a unique id, and TaskSet the names of environment and split.",
    after=("factory",),
)
async def tasks(subject: EnvironmentSubject) -> None:
    """A split has tasks, each with an id of its own, and is called what the spec calls it."""
    found = subject.tasks
    require(isinstance(found, TaskSet), f"tasks gave {type(found).__name__}, not a TaskSet")
    require(found.tasks, f"split {subject.split!r} has no tasks")
    require(found.split == subject.split, f"the tasks of {subject.split!r} say they are of {found.split!r}")
    require(all(task.id and isinstance(task.id, str) for task in found), "a task has no id")


@rule(
    KIND,
    "task-fields",
    "Set Task.group to what tasks share (template, user, scene: the cluster of the statistics), and list all domains in the spec.",
    after=("tasks",),
)
async def task_fields(subject: EnvironmentSubject) -> None:
    """Every task has a group, and one of the domains that the spec declares."""
    for task in subject.tasks:
        require(task.group, f"task {task.id!r} has no group")
        if subject.spec.domains or task.domain:
            require(
                task.domain in subject.spec.domains, f"task {task.id!r} is of the undeclared domain {task.domain!r}"
            )


@rule(
    KIND,
    "domains",
    "Let `tasks` leave out the tasks of other domains when `domain` is given.",
    after=("tasks", "task-fields"),
)
async def domains(subject: EnvironmentSubject) -> None:
    """Asked for one domain, it gives that domain's tasks and no others."""
    if not subject.spec.domains:
        raise NotTried("it declares no domains")
    for domain in subject.spec.domains:
        wanted = {task.id for task in subject.tasks if task.domain == domain}
        try:
            given = {task.id for task in subject.environment.tasks(subject.split, domain=domain)}
        except (DataError, UnknownNameError):
            given = set()
        require(given == wanted, f"domain {domain!r} has {len(wanted)} tasks, and {len(given)} were given")


@rule(
    KIND,
    "task-data",
    "Keep objects, sets and functions out of Task.payload; what is worked out from it belongs to the environment.",
    after=("tasks",),
)
async def task_data(subject: EnvironmentSubject) -> None:
    """Tasks are plain data: texts, numbers, lists and mappings, in JSON and back."""
    for task in subject.tasks:
        fault = unplain(task.payload)
        require(not fault, f"the payload of task {task.id!r} holds {fault}")


def unplain(value: Any) -> str:
    """What of a value does not survive JSON, in words; empty if all does. Tuples come back as lists, which is allowed."""
    for part in _parts(value):
        if isinstance(part, set | frozenset):
            return "a set"
        if not isinstance(part, str | int | float | list | tuple | Mapping | None):
            return f"a {type(part).__name__}"
        if isinstance(part, float) and not math.isfinite(part):
            return f"the number {part}"
        if isinstance(part, Mapping) and not all(isinstance(key, str) for key in part):
            return "a key that is no text"
    return ""


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _parts(inner)


@rule(
    KIND,
    "task-hash",
    "Sort what comes from sets and directories, and use no clock, no `hash()` and no unseeded chance in reading tasks.",
    after=("tasks", "task-data"),
)
async def task_hash(subject: EnvironmentSubject) -> None:
    """The tasks are the same when they are read again, and in other processes, however these hash texts."""
    own = subject.tasks.content_hash
    require(subject.another().tasks(subject.split).content_hash == own, "read a second time, the tasks are others")
    require_importable(subject.spec.factory.partition(":")[0])
    recipe = subject.recipe
    jobs = (
        elsewhere(
            "tasks",
            hash_seed=seed,
            factory=recipe.factory,
            options=dict(recipe.options),
            split=recipe.split,
            domain="",
            data="",
        )
        for seed in (1, 2)
    )
    try:
        for found in await asyncio.gather(*jobs):
            require(found == own, "in another process the tasks are others")
    except Elsewhere as error:
        raise Broken(str(error)) from error


# Opening


@rule(
    KIND,
    "opens",
    "Set `observation` in the episode's __init__; where a user speaks first, declare `users`.",
    after=("tasks",),
)
async def opens(subject: EnvironmentSubject) -> None:
    """Every task opens with an observation, and it is the turn of the agent or of a user that the spec declares."""
    for task in subject.played:
        async with subject.opened(task) as episode:
            first = episode.observation
            require(
                isinstance(first, Observation), f"task {task.id!r} opens with {type(first).__name__}, no Observation"
            )
            require(first.turn in ("agent", "user"), f"task {task.id!r} opens with the turn {first.turn!r}")
            require(first.turn == "agent" or subject.spec.users, "the turn is a user's, and the spec declares no users")


@rule(
    KIND,
    "cheap-open",
    "Read and prepare in `tasks` and keep it on the environment, or declare another concurrency.",
    after=("opens",),
)
async def cheap_open(subject: EnvironmentSubject) -> None:
    """Opening an episode is cheap: 0.1 s for worlds on the event loop, 2 s in a thread, 10 s in a process, 30 s one at a time."""
    most = OPENING_SECONDS[subject.spec.concurrency]
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        async with subject.opened(subject.tasks.tasks[0]):
            seconds.append(time.perf_counter() - started)
        if seconds[-1] < most:
            return
    raise Broken(f"the fastest of {len(seconds)} openings took {min(seconds):.2f} s")


@rule(
    KIND,
    "query",
    "Set Task.query, or let the opening observation have a text.",
    after=("opens",),
)
async def query(subject: EnvironmentSubject) -> None:
    """There is a text to search memory with: the task's query, or what the agent is shown first."""
    for task in subject.played:
        async with subject.opened(task) as episode:
            user = subject.lines(task)
            while episode.observation.turn == "user":
                episode.observation = await episode.act(user.next(episode.observation))
            require(
                (task.query or episode.observation.text).strip(), f"on task {task.id!r} there is nothing to search with"
            )


@rule(
    KIND,
    "offers",
    "Give Observation(tools=...) or Observation(choices=...) at the first observation, or declare another action_mode.",
    after=("opens",),
)
async def offers(subject: EnvironmentSubject) -> None:
    """Where turns are tool calls the agent is offered tools at its first turn; where they are choices, choices; else neither."""
    mode = subject.spec.action_mode
    for task in subject.played:
        seen = (await subject.play(task, ())).seen
        first = next((one for one in seen if one.turn == "agent"), None)
        require(first is not None, f"on task {task.id!r} it is never the agent's turn")
        assert first is not None
        for name, offered in (("tools", first.tools), ("choice", first.choices)):
            if mode == name:
                require(offered, f"action_mode is {mode!r}, and on task {task.id!r} none is offered")
            else:
                require(not offered, f"action_mode is {mode!r}, and on task {task.id!r} it offers {name}")


@rule(
    KIND,
    "tool-schemas",
    "Name tools by letters, digits, `_` and `-` (64 at most); parameters are {'type': 'object', 'properties': {...}}.",
    after=("offers",),
)
async def tool_schemas(subject: EnvironmentSubject) -> None:
    """Tools have names that providers take, each its own, and JSON schemas of an object as parameters."""
    if subject.spec.action_mode != "tools":
        raise NotTried("it offers no tools")
    for task in subject.played:
        for seen in (await subject.play(task, ())).seen:
            names = [tool.name for tool in seen.tools]
            require(len(set(names)) == len(names), f"two tools have the same name: {sorted(names)}")
            for tool in seen.tools:
                fault = _schema_fault(tool)
                require(not fault, f"the tool {tool.name!r} {fault}")


def _schema_fault(tool: ToolSpec) -> str:
    schema = tool.parameters
    if not _TOOL_NAME.fullmatch(tool.name):
        return "has a name that providers refuse"
    if unplain(schema):
        return f"has a schema with {unplain(schema)}"
    if schema and schema.get("type", "object") != "object":
        return f"takes a {schema['type']}, not an object"
    properties = schema.get("properties", {})
    missing = [name for name in schema.get("required", ()) if name not in properties]
    return f"requires {missing}, which are none of its properties" if missing else ""


# Playing


@rule(
    KIND,
    "observations",
    "Return Observation(text, turn=...); `over` ends the episode.",
    after=("opens",),
)
async def observations(subject: EnvironmentSubject) -> None:
    """Every action is answered with an Observation whose turn is the agent's, a declared user's, or over."""
    for task in subject.played:
        async with subject.opened(task) as episode:
            user = subject.lines(task)
            for action in (*subject.actions(task), Action("What now?")):
                while episode.observation.turn == "user":
                    episode.observation = await _answered(subject, episode, user.next(episode.observation))
                if episode.observation.turn == "over":
                    break
                episode.observation = await _answered(subject, episode, action)


async def _answered(subject: EnvironmentSubject, episode: Episode, action: Action) -> Observation:
    seen = await episode.act(action)
    require(isinstance(seen, Observation), f"act gave {type(seen).__name__}, no Observation")
    require(seen.turn in get_args(Turn), f"an observation has the turn {seen.turn!r}")
    require(seen.turn != "user" or subject.spec.users, "the turn is a user's, and the spec declares no users")
    require(isinstance(seen.text, str), f"an observation's text is {type(seen.text).__name__}")
    return seen


@rule(
    KIND,
    "same-seed",
    "Draw all chance from rbsuite.seeds.rng(seed, ...), and use no clock, no `hash()` and no order of a set.",
    after=("observations",),
)
async def same_seed(subject: EnvironmentSubject) -> None:
    """The same seed and the same actions give the same observations, rewards and score, in another environment too."""
    another = subject.another()
    for task in subject.played:
        actions = subject.actions(task)
        first = await subject.play(task, actions)
        for environment in (None, another):
            again = await subject.play(task, actions, environment=environment)
            for number, (one, other) in enumerate(zip(first.seen, again.seen, strict=False)):
                require(one == other, f"on task {task.id!r} observation {number} differs when it is played again")
            require(again == first, f"on task {task.id!r} rewards or score differ when it is played again")
    await another.aclose()


@rule(
    KIND,
    "own-chance",
    "Keep a generator of the episode's own: rbsuite.seeds.rng(seed, ...).",
    after=("observations", "same-seed"),
)
async def own_chance(subject: EnvironmentSubject) -> None:
    """Worlds leave the random generators that the whole process shares alone."""
    with global_chance_untouched():
        for task in subject.played:
            await subject.play(task, subject.actions(task))


@rule(
    KIND,
    "junk-actions",
    "Answer it with an observation that says what is wrong, and leave the world as it was.",
    after=("observations",),
)
async def junk_actions(subject: EnvironmentSubject) -> None:
    """A wrong action (no such tool, bad arguments, nonsense, silence, several calls) becomes an observation, never an exception."""
    for task in subject.played[:2]:
        offered = (await subject.play(task, ())).seen
        first = next((seen for seen in offered if seen.turn == "agent"), offered[0])
        for action in junk(first):
            try:
                await subject.play(task, (action, action))
            except Exception as error:
                words = f"{action.calls or action.text[:40] or action.index!r}"
                raise Broken(f"on task {task.id!r}, to {words}, {raised(error)}") from error


@rule(
    KIND,
    "isolated",
    "Keep what an episode changes in the episode, and copy what it takes from the environment.",
    after=("same-seed", "junk-actions"),
)
async def isolated(subject: EnvironmentSubject) -> None:
    """Episodes that are open at the same time do not see each other."""
    if subject.spec.concurrency == "exclusive" or subject.spec.stateful_server:
        raise NotTried("its episodes take place one at a time")
    for task in subject.played[:2]:
        actions = subject.actions(task)
        alone = await subject.play(task, actions)
        async with subject.opened(task) as other, subject.opened(task) as episode:
            await play_on(other, [*actions[:-1], Action("Something else.")], subject.lines(task))
            beside = await play_on(episode, actions, subject.lines(task))
        require(beside == alone, f"task {task.id!r} goes otherwise while another episode is open")


@rule(
    KIND,
    "fork",
    "Copy everything that acting changes; an episode that cannot be copied leaves `fork` alone.",
    after=("isolated",),
)
async def fork(subject: EnvironmentSubject) -> None:
    """A fork goes on from the same state, and neither sees what the other does."""
    for task in subject.played:
        actions = subject.actions(task)
        whole = await subject.play(task, actions)
        async with subject.opened(task) as episode:
            user = subject.lines(task)
            done = 0
            while episode.observation.turn == "user" or (
                episode.observation.turn == "agent" and done < len(actions) // 2
            ):
                action = user.next(episode.observation) if episode.observation.turn == "user" else actions[done]
                done += episode.observation.turn == "agent"
                episode.observation = await episode.act(action)
            try:
                twin = episode.fork()
            except NotImplementedError:
                raise NotTried("its episodes cannot be forked") from None
            try:
                await play_on(twin, [*actions[done:-1], Action("Something else.")], copy(user))
                rest = await play_on(episode, actions[done:], user)
            finally:
                await twin.aclose()
        require(whole.seen[-len(rest.seen) :] == rest.seen, f"task {task.id!r} goes otherwise once it was forked")
        require(whole.grade == rest.grade, f"task {task.id!r} is graded otherwise once it was forked")
        async with subject.opened(task) as episode:
            try:
                twin = episode.fork()
            except NotImplementedError:
                raise NotTried("its episodes cannot be forked") from None
            try:
                twice = await play_on(twin, actions, subject.lines(task))
            finally:
                await twin.aclose()
        require(twice.seen == whole.seen and twice.grade == whole.grade, f"a fork of task {task.id!r} goes otherwise")


@rule(
    KIND,
    "task-untouched",
    "Copy what a world changes of the payload (copy.deepcopy).",
    after=("task-hash", "observations"),
)
async def task_untouched(subject: EnvironmentSubject) -> None:
    """Playing does not change a task: all rollouts of an experiment share it."""
    before = digest(list(subject.tasks.tasks))
    for task in subject.played:
        await subject.play(task, subject.actions(task))
    require(digest(list(subject.tasks.tasks)) == before, "playing changed the payload of a task")


@rule(
    KIND,
    "plain-records",
    "Put texts, numbers, lists and mappings into `data` and `truth`; no objects, no sets.",
    after=("observations",),
)
async def plain_records(subject: EnvironmentSubject) -> None:
    """Observations and grades are plain data, since they are stored."""
    for task in subject.played:
        played = await subject.play(task, subject.actions(task))
        for seen in played.seen:
            fault = unplain(seen.data)
            require(not fault, f"the data of an observation of task {task.id!r} holds {fault}")
        if isinstance(played.grade, Grade):
            fault = unplain(played.grade.truth)
            require(not fault, f"the truth of the grade of task {task.id!r} holds {fault}")


@rule(
    KIND,
    "gives-back",
    "End in `close` or `aclose` whatever the episode started.",
    after=("observations",),
)
async def gives_back(subject: EnvironmentSubject) -> None:
    """An episode that is closed leaves no thread, process or task behind."""
    await subject.play(subject.played[0], ())
    await subject.host.aclose()

    def running() -> tuple[int, int, int]:
        return threading.active_count(), len(multiprocessing.active_children()), len(asyncio.all_tasks())

    before = running()
    for task in subject.played:
        await subject.play(task, subject.actions(task))
    await subject.host.aclose()
    for _ in range(50):
        if all(now <= then for now, then in zip(running(), before, strict=True)):
            return
        await asyncio.sleep(0.02)
    counts = zip(("threads", "processes", "tasks of the event loop"), running(), before, strict=True)
    left = ", ".join(f"{now - then} {what}" for what, now, then in counts if now > then)
    raise Broken(f"after {len(subject.played)} episodes there are {left} more")


# The end


@rule(
    KIND,
    "score",
    "Return Grade(score, measures={...}) with shares; what else is to be told goes into `truth`.",
    after=("observations",),
)
async def score(subject: EnvironmentSubject) -> None:
    """The score, and every measure that the spec declares, is a number from 0 to 1."""
    for task in subject.played:
        for actions in (subject.actions(task), (), (Action(),)):
            grade = (await subject.play(task, actions)).grade
            try:
                checked_grade(subject.spec, task, grade)
            except PluginError as error:
                raise Broken(error.message) from error


@rule(
    KIND,
    "graded-anywhere",
    "Let `grade` say what the benchmark would score at that point.",
    after=("observations", "score"),
)
async def graded_anywhere(subject: EnvironmentSubject) -> None:
    """A rollout can be graded wherever it was cut: at once, in the middle, for every reason."""
    task = subject.played[0]
    actions = subject.actions(task)
    ends: list[EndReason] = [end for end in END_REASONS if end not in BROKEN_ENDS]
    for number in {0, len(actions) // 2}:
        for end in ends:
            async with subject.opened(task) as episode:
                user = subject.lines(task)
                for action in actions[:number]:
                    while episode.observation.turn == "user":
                        episode.observation = await episode.act(user.next(episode.observation))
                    if episode.observation.turn == "agent":
                        episode.observation = await episode.act(action)
                try:
                    await episode.grade(end)
                except Exception as error:
                    raise Broken(f"cut by {end!r} after {number} actions, {raised(error)}") from error


@rule(
    KIND,
    "solution",
    "Replay them with `rbsuite verify`: engine, data or grading is wrong.",
    after=("observations", "score"),
)
async def solution(subject: EnvironmentSubject) -> None:
    """Every reference solution scores 1."""
    for task, reference in subject.solved:
        require(isinstance(reference, Solution), f"solution gave {type(reference).__name__}, no Solution")
        grade, _ = await play_actions(subject.environment, task, reference.actions, reference.user, opener=subject.host)
        require(grade.score == 1.0, f"the reference of task {task.id!r} scores {grade.score:g}")


@rule(
    KIND,
    "ends",
    'Return Observation(..., turn="over") where the task is done, and raise max_steps if that takes longer.',
    after=("solution",),
)
async def ends(subject: EnvironmentSubject) -> None:
    """An episode comes to its end: the reference solution closes it, within the spec's max_steps."""
    for task, reference in subject.solved:
        count = len(reference.actions)
        require(count <= subject.spec.max_steps, f"the reference of task {task.id!r} takes {count} turns")
        _, seen = await play_actions(subject.environment, task, reference.actions, reference.user, opener=subject.host)
        require(seen[-1].turn == "over", f"the episode of task {task.id!r} is still open after its reference")


@rule(
    KIND,
    "floor",
    "Grade what was achieved, not that nothing was broken; say in the spec's notes how high the floor is.",
    after=("score",),
)
async def floor(subject: EnvironmentSubject) -> None:
    """Doing nothing does not solve most tasks."""
    tried = spaced(subject.tasks.tasks, TASKS_SOLVED)
    solved = 0
    for task in tried:
        grade = (await play_actions(subject.environment, task, (Action(),), (), opener=subject.host))[0]
        solved += grade.score == 1.0
    require(solved * 2 < len(tried), f"an agent that says nothing solves {solved} of {len(tried)} tasks")


@rule(
    KIND,
    "closes",
    'Implement `closes` in the episode, without acting, or declare refine="retry".',
    after=("ends", "same-seed"),
)
async def closes(subject: EnvironmentSubject) -> None:
    """With refine="continue" the reference's last action closes the episode, and asking whether it does changes nothing."""
    if subject.spec.refine != "continue":
        raise NotTried('its spec says refine="retry"')
    async with subject.opened(subject.played[0]) as episode:
        require(episode.has_closing_actions, "no action closes its episodes: `closes` is not implemented")
    for task in subject.played:
        actions = subject.actions(task)
        whole = await subject.play(task, actions)
        async with subject.opened(task) as episode:

            def asked(episode: Episode = episode, actions: Sequence[Action] = actions) -> Iterator[Action]:
                for action in actions:
                    require(isinstance(episode.closes(action), bool), "closes gave something else than True or False")
                    yield action

            again = await play_on(episode, asked(), subject.lines(task))
        require(again == whole, f"asking whether an action closes the episode changes task {task.id!r}")


# What is hidden


@dataclass(frozen=True, slots=True)
class _Decisive:
    """A value of a payload that decides the score and changes nothing else, and the same task with another one in its place."""

    task: Task
    changed: Task
    path: tuple[str | int, ...]
    value: str | int | float
    canary: str | int | float

    def seen_in(self, before: Any, after: Any) -> bool:
        """Whether two views, of the task and of the changed one, differ in the value alone."""
        first, second = canonical(before), canonical(after)
        if isinstance(self.value, str):
            return first != second and second.replace(str(self.canary), json.dumps(self.value)[1:-1]) == first
        ours, theirs = (re.findall(r"[\w.]+|[^\w.]+", text) for text in (first, second))
        pairs = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
        return bool(pairs) and len(ours) == len(theirs) and set(pairs) == {(str(self.value), str(self.canary))}


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str | int | float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    elif (isinstance(value, int | float) and not isinstance(value, bool)) or (isinstance(value, str) and value.strip()):
        yield path, value


def _with(value: Any, path: tuple[str | int, ...], leaf: Any) -> Any:
    if not path:
        return leaf
    copy: Any = list(value) if isinstance(value, list | tuple) else dict(value)
    copy[path[0]] = _with(copy[path[0]], path[1:], leaf)
    return tuple(copy) if isinstance(value, tuple) else copy


async def _decisive(subject: EnvironmentSubject) -> Sequence[_Decisive]:
    """The values that decide the score and nothing else: what an agent must not see.

    A world's furniture decides the score too, but to change it changes what happens: then it is no mere key to the answer.

    Raises:
        NotTried: there are none, as far as can be seen.
    """
    if subject.decisive is None:
        subject.decisive = await _find_decisive(subject)
    if not subject.decisive:
        raise NotTried("no value of a payload decides the score alone")
    return subject.decisive


async def _find_decisive(subject: EnvironmentSubject) -> Sequence[_Decisive]:
    found = []
    for task, reference in subject.solved[:2]:
        whole = await subject.play(task, reference.actions)
        leaves = list(_leaves(task.payload))
        step = max(1, math.ceil(len(leaves) / (LEAVES // 2)))
        for path, value in leaves[::step]:
            canary = f"zq{digest([path, value])[:12]}qz" if isinstance(value, str) else value + 5003
            changed = replace(task, payload=_with(deepcopy(plain(task.payload)), path, canary))
            one = _Decisive(task, changed, path, value, canary)
            played = await _played(subject, changed, reference.actions)
            if played is None or played.grade.score >= whole.grade.score:
                continue
            # How an episode closes may tell right from wrong, which is for the rules to find out.
            closed = len(whole.seen) - (whole.over and played.over)
            shows = [
                pair for pair in zip(whole.seen[:closed], played.seen[:closed], strict=False) if pair[0] != pair[1]
            ]
            if len(whole.seen) == len(played.seen) and all(one.seen_in(*pair) for pair in shows):
                found.append(one)
    return found


async def _played(subject: EnvironmentSubject, task: Task, actions: Sequence[Action]) -> Played | None:
    """What comes of a changed task, in an environment of its own; ``None`` where it cannot be played."""
    try:
        environment = subject.another()
        try:
            async with subject.opened(task, environment=environment) as episode:
                return await play_on(
                    episode, actions, subject.lines(replace(task, payload=subject.tasks.by_id[task.id].payload))
                )
        finally:
            await environment.aclose()
    except (Exception, Broken):
        return None


def _read(seen: Observation) -> list[Any]:
    """What of an observation an agent reads."""
    return [seen.text, seen.messages, seen.tools, seen.choices, seen.results]


@rule(
    KIND,
    "truth-hidden",
    "Keep it in the payload and in Grade.truth; the observation says what the world says.",
    after=("same-seed", "solution"),
)
async def truth_hidden(subject: EnvironmentSubject) -> None:
    """What decides the score and nothing else (answer, goal, checks) is in nothing that agent, memory and judge read."""
    for one in await _decisive(subject):
        actions = subject.actions(one.task)
        before, after = await subject.play(one.task, actions), await _played(subject, one.changed, actions)
        _require_hidden(one, before, after, _read, "is shown")


@rule(
    KIND,
    "truth-after-failure",
    "Say that the action failed, not what would have been right.",
    after=("truth-hidden", "junk-actions"),
)
async def truth_after_failure(subject: EnvironmentSubject) -> None:
    """Nor is it shown after a wrong or failed action."""
    for one in await _decisive(subject):
        for action in (
            Action("Something quite wrong."),
            Action.call("no_such_tool", {"a": 1}),
            Action.choose(NO_CHOICE),
        ):
            actions = (action, action)
            before, after = await subject.play(one.task, actions), await _played(subject, one.changed, actions)
            _require_hidden(one, before, after, _read, "is shown after a failed action")


@rule(
    KIND,
    "truth-in-data",
    "Leave it out of `data`; Grade.measures and Grade.truth are for that.",
    after=("same-seed", "solution"),
)
async def truth_in_data(subject: EnvironmentSubject) -> None:
    """Nor does it stand in Observation.data, which memory and judge get too, and which holds no score, reward or success."""
    for task in subject.played:
        for seen in (await subject.play(task, subject.actions(task))).shown:
            keys = {str(key).lower() for part in _parts(seen.data) if isinstance(part, Mapping) for key in part}
            require(
                not keys & _TELLING, f"the data of an observation of task {task.id!r} has {sorted(keys & _TELLING)}"
            )
    try:
        decisive = await _decisive(subject)
    except NotTried:
        return
    for one in decisive:
        for actions in (subject.actions(one.task), (Action("Something quite wrong."),)):
            before, after = await subject.play(one.task, actions), await _played(subject, one.changed, actions)
            _require_hidden(one, before, after, lambda seen: [seen.data], "stands in the data of an observation")


def _require_hidden(one: _Decisive, before: Played, after: Played | None, read: Any, words: str) -> None:
    if after is None or len(before.shown) != len(after.shown):
        return
    place = f"payload.{'.'.join(map(str, one.path))} of task {one.task.id!r}"
    for ours, theirs in zip(before.shown, after.shown, strict=True):
        require(not one.seen_in(read(ours), read(theirs)), f"{place} {words}")
    if before.over and after.over:
        same = read(before.seen[-1]) == read(after.seen[-1])
        require(same, f"the last observation tells whether the answer was right: it changes with {place}")


@rule(
    KIND,
    "gymnasium",
    "See what it says: it plays with random actions and several seeds.",
    after=("name", "options", "observations", "same-seed", "junk-actions", "score"),
)
async def gymnasium(subject: EnvironmentSubject) -> None:
    """Gymnasium's own checker (check_env) passes the environment's view."""
    from rbsuite.gym.checking import check_view

    split = subject.split
    await asyncio.to_thread(check_view, subject.spec, split, dict(subject.part.values))


def _missing(made: Any) -> str:
    return "" if isinstance(made, Environment) else f"the base rbsuite.Environment ({type(made).__name__})"


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, _missing),
    complete,
    tasks,
    task_fields,
    domains,
    task_data,
    task_hash,
    opens,
    cheap_open,
    query,
    offers,
    tool_schemas,
    observations,
    same_seed,
    own_chance,
    junk_actions,
    isolated,
    fork,
    task_untouched,
    plain_records,
    gives_back,
    score,
    graded_anywhere,
    solution,
    ends,
    floor,
    closes,
    truth_hidden,
    truth_after_failure,
    truth_in_data,
    gymnasium,
)
"""The rules, in the order in which they are tried."""
