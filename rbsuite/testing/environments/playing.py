"""The rules for playing: how episodes open, answer, stay isolated and close."""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import threading
import time
from copy import copy
from typing import Any, get_args

from rbsuite.environments.base import Episode
from rbsuite.environments.users import STOP
from rbsuite.jsonable import digest
from rbsuite.testing.environments.subject import KIND, EnvironmentSubject, play_on
from rbsuite.testing.plain import unplain
from rbsuite.testing.rules import Broken, NotTried, Rule, raised, require, rule
from rbsuite.testing.subjects import own_chance
from rbsuite.trajectory import NO_CHOICE, Action, Grade, Observation, ToolCall, ToolSpec, Turn

OPENING_SECONDS = {"inline": 0.1, "thread": 2.0, "process": 10.0, "exclusive": 30.0}
"""How long opening an episode may take, by where it runs."""

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
                isinstance(first, Observation),
                f"task {task.id!r} opens with {type(first).__name__}, not an Observation",
            )
            require(first.turn in ("agent", "user"), f"task {task.id!r} opens with the turn {first.turn!r}")
            require(first.turn == "agent" or subject.spec.users, "the turn is a user's, but the spec declares no users")


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
    """Where turns are tool calls, the agent is offered tools at its first turn; where they are choices, choices; otherwise neither."""
    mode = subject.spec.action_mode
    for task in subject.played:
        seen = (await subject.play(task, ())).seen
        first = next((one for one in seen if one.turn == "agent"), None)
        require(first is not None, f"on task {task.id!r} it is never the agent's turn")
        assert first is not None
        for name, offered in (("tools", first.tools), ("choice", first.choices)):
            if mode == name:
                require(offered, f"action_mode is {mode!r}, but on task {task.id!r} none is offered")
            else:
                require(not offered, f"action_mode is {mode!r}, but on task {task.id!r} it offers {name}")


@rule(
    KIND,
    "tool-schemas",
    "Name tools with letters, digits, `_` and `-` (at most 64); parameters are {'type': 'object', 'properties': {...}}.",
    after=("offers",),
)
async def tool_schemas(subject: EnvironmentSubject) -> None:
    """Tools have unique names that providers accept, and JSON schemas of an object as parameters."""
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
    return f"requires {missing}, which are not among its properties" if missing else ""


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
    require(isinstance(seen, Observation), f"act gave {type(seen).__name__}, not an Observation")
    require(seen.turn in get_args(Turn), f"an observation has the turn {seen.turn!r}")
    require(seen.turn != "user" or subject.spec.users, "the turn is a user's, but the spec declares no users")
    require(isinstance(seen.text, str), f"an observation's text is {type(seen.text).__name__}")
    return seen


@rule(
    KIND,
    "same-seed",
    "Draw all randomness from rbsuite.seeds.rng(seed, ...), and use no clock, no `hash()` and no set order.",
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


def junk(seen: Observation) -> tuple[Action, ...]:
    """Actions that a confused model might take, most of them wrong."""
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
        require(beside == alone, f"task {task.id!r} goes differently while another episode is open")


@rule(
    KIND,
    "fork",
    "Copy everything that acting changes; an episode that cannot be copied leaves `fork` alone.",
    after=("isolated",),
)
async def fork(subject: EnvironmentSubject) -> None:
    """A fork continues from the same state, and neither sees what the other does."""
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
        require(
            whole.seen[-len(rest.seen) :] == rest.seen, f"task {task.id!r} goes differently once it has been forked"
        )
        require(whole.grade == rest.grade, f"task {task.id!r} is graded differently once it has been forked")
        async with subject.opened(task) as episode:
            try:
                twin = episode.fork()
            except NotImplementedError:
                raise NotTried("its episodes cannot be forked") from None
            try:
                twice = await play_on(twin, actions, subject.lines(task))
            finally:
                await twin.aclose()
        require(twice.seen == whole.seen and twice.grade == whole.grade, f"a fork of task {task.id!r} goes differently")


@rule(
    KIND,
    "task-untouched",
    "Copy the parts of the payload that a world changes (copy.deepcopy).",
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
    "End whatever the episode started in `close` or `aclose`.",
    after=("observations",),
)
async def gives_back(subject: EnvironmentSubject) -> None:
    """An episode that is closed leaves no thread, process or task behind."""
    await subject.play(subject.played[0], ())
    await subject.host.aclose()

    def running() -> tuple[int, int, int]:
        # Threads of `asyncio.to_thread` belong to the event loop, and end with it.
        threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
        return len(threads), len(multiprocessing.active_children()), len(asyncio.all_tasks())

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


RULES: tuple[Rule[Any], ...] = (
    opens,
    cheap_open,
    query,
    offers,
    tool_schemas,
    observations,
    same_seed,
    own_chance(
        KIND, "Keep a generator of the episode's own: rbsuite.seeds.rng(seed, ...).", "observations", "same-seed"
    ),
    junk_actions,
    isolated,
    fork,
    task_untouched,
    plain_records,
    gives_back,
)
"""The rules, in the order in which they are checked."""
