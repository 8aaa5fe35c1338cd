"""The rules for the end of an episode: scores, reference solutions, and what closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from rbsuite.environments.base import Episode
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Solution
from rbsuite.errors import PluginError
from rbsuite.run.rollout import checked_grade
from rbsuite.testing.environments.subject import KIND, TASKS_SOLVED, EnvironmentSubject, play_on, spaced
from rbsuite.testing.rules import Broken, NotTried, Rule, raised, require, rule
from rbsuite.trajectory import BROKEN_ENDS, END_REASONS, Action, EndReason


@rule(
    KIND,
    "score",
    "Return Grade(score, measures={...}) with shares; anything else goes into `truth`.",
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
    "Replay them with `rbsuite verify`: the engine, the data or the grading is wrong.",
    after=("observations", "score"),
)
async def solution(subject: EnvironmentSubject) -> None:
    """Every reference solution scores 1."""
    for task, reference in subject.solved:
        require(isinstance(reference, Solution), f"solution gave {type(reference).__name__}, not a Solution")
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
    """With refine="continue", the reference's last action closes the episode, and asking whether it does changes nothing."""
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
                    require(isinstance(episode.closes(action), bool), "closes gave something other than True or False")
                    yield action

            again = await play_on(episode, asked(), subject.lines(task))
        require(again == whole, f"asking whether an action closes the episode changes task {task.id!r}")


@rule(
    KIND,
    "gymnasium",
    "Read what it says: it plays with random actions and several seeds.",
    after=("name", "options", "observations", "same-seed", "junk-actions", "score"),
)
async def gymnasium(subject: EnvironmentSubject) -> None:
    """Gymnasium's own checker (check_env) passes the environment's view."""
    from rbsuite.gym.checking import check_view

    subject.require_needs()
    split = subject.split
    await asyncio.to_thread(check_view, subject.spec, split, dict(subject.part.values))


RULES: tuple[Rule[Any], ...] = (score, graded_anywhere, solution, ends, floor, closes, gymnasium)
"""The rules, in the order in which they are checked."""
