"""EB-ALFRED as an environment: readings, limits, scores, costs."""

from __future__ import annotations

import asyncio
import random
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rbsuite.environments.base import PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.task import TaskSet
from rbsuite.trajectory import NO_CHOICE, Action, EndReason, Grade, Observation
from rbsuite_eb_alfred.actions import base_actions
from rbsuite_eb_alfred.environment import PROMPTS, EbAlfred
from rbsuite_embodied.environment import EmbodiedEpisode
from speed import cpu_seconds

PUT = "put down the object in hand"
SOLVING = ("find a Apple", "pick up the Apple", "find a Shelf", PUT)
Start = Callable[..., EmbodiedEpisode]


@pytest.fixture
def start(home_pack: Path) -> Start:
    def make(task: str = "base/test/0", obs_mode: str = "feedback") -> EmbodiedEpisode:
        environment = EbAlfred(obs_mode=obs_mode)
        tasks = environment.tasks("test", data=str(home_pack))
        return environment.begin(tasks.by_id[task], seed=0, services=PlainServices(environment))

    return make


def act(episode: EmbodiedEpisode, *actions: str | Action) -> Observation:
    """What is seen after the last of some actions, which may be given by name; none follows on the end of the episode."""
    for action in actions:
        assert episode.observation.turn == "agent"
        episode.observation = episode.act(Action(action) if isinstance(action, str) else action)
    return episode.observation


def test_the_first_observation_is_the_instruction_with_the_named_actions(start: Start) -> None:
    first = start("base/test/1").observation
    assert first.text == "Put an apple on the shelf, 1."
    assert first.choices[:162] == base_actions()
    assert "find a Cabinet_2" in first.choices[162:]
    assert [message.role for message in first.messages] == ["system"]
    assert first.images == ()


def test_a_task_is_solved_by_names_and_by_ids(start: Start) -> None:
    for by_id in (False, True):
        episode = start()
        rewards = []
        for name in SOLVING:
            seen = act(episode, Action.choose(base_actions().index(name)) if by_id else name)
            assert seen.text == "Last action executed successfully."
            rewards.append(episode.reward)
        assert (rewards, seen.turn, episode.truncated) == ([0.0, 0.0, 0.0, 1.0], "over", False)
        assert episode.grade("finished") == Grade(
            1.0,
            {"progress": 1.0, "progress_upstream": 1.0},
            {"steps": 4, "invalid_actions": 0, "unreadable": 0, "ended": "success"},
        )


def test_an_episode_is_cut_at_30_steps(start: Start) -> None:
    episode = start()
    act(episode, *["find a Desk"] * 29)
    assert not episode.truncated
    assert act(episode, "find a Desk").turn == "over"
    grade = episode.grade("max_steps")
    assert (episode.truncated, grade.truth["ended"], grade.score) == (True, "steps", 0.0)


def test_the_tenth_invalid_action_ends_the_episode(start: Start) -> None:
    episode = start()
    for _ in range(3):
        act(episode, "find a Sofa", Action.choose(NO_CHOICE, "hm"))
    act(episode, Action.choose(400), Action.call("find", {"what": "Apple"}), "close the Drawer")
    assert act(episode, "nonsense").turn == "over"
    grade = episode.grade("finished")
    assert not episode.truncated
    assert (grade.truth["ended"], grade.truth["steps"], grade.truth["unreadable"]) == ("invalid_actions", 4, 6)


def test_the_empty_text_alone_ends_the_episode(start: Start) -> None:
    episode = start()
    act(episode, *SOLVING[:2])
    assert episode.closes(Action(" "))
    assert not episode.closes(Action.choose(NO_CHOICE))
    assert act(episode, Action.choose(NO_CHOICE)).turn == "agent"
    assert act(episode, " ").turn == "over"
    grade = episode.grade("finished")
    assert (grade.truth["ended"], grade.score) == ("empty_plan", 0.0)


@pytest.mark.parametrize("end", ["max_steps", "timeout", "parse_errors"])
def test_what_is_cut_from_outside_is_graded_as_it_stands(start: Start, end: EndReason) -> None:
    episode = start()
    act(episode, *SOLVING[:3])
    grade = episode.grade(end)
    assert (grade.score, grade.measures["progress"], grade.truth["ended"]) == (0.0, 0.0, end)


def test_the_view_is_told_in_its_mode_alone(start: Start) -> None:
    plain, seen = act(start(), "find a Desk"), act(start(obs_mode="visible"), "find a Desk")
    assert plain.text == "Last action executed successfully."
    assert seen.text.startswith(plain.text + "\nIn view: ")
    names = set(seen.text.partition("In view: ")[2].split(", "))
    assert {"Desk", "Book", "Book_2", "Box", "Pencil", "DeskLamp"} == names


def test_nothing_tells_what_is_hidden(start: Start) -> None:
    told = repr(start().observation)
    assert "9001" not in told
    assert "pick_and_place_simple" not in told
    assert "+00.50" not in told


def test_a_fork_goes_its_own_way(start: Start) -> None:
    episode = start()
    act(episode, *SOLVING[:2])
    twin = episode.fork()
    act(episode, "drop the object in hand")
    assert act(twin, *SOLVING[2:]).turn == "over"
    assert (twin.grade("finished").score, episode.grade("max_steps").score) == (1.0, 0.0)
    assert act(episode, PUT).text.endswith("Robot is not holding any object")


def test_the_same_actions_give_the_same_episode(start: Start) -> None:
    def play() -> list[tuple[Observation, float | None]]:
        episode, draw = start("spatial/test/0"), random.Random(5)
        steps = [(episode.observation, episode.reward)]
        while episode.observation.turn == "agent":
            steps.append((act(episode, Action.choose(draw.randrange(200))), episode.reward))
        return steps

    assert play() == play()


def test_the_examples_have_the_ids_of_the_actions(start: Start) -> None:
    told = start().observation.messages[0].text
    lines = [match.groups() for match in re.finditer(r"^(\d+): (.+)$", told, re.MULTILINE)]
    assert len(lines) > 30
    assert all(base_actions()[int(number)] == name for number, name in lines)
    assert told.count("\nTask: ") >= 4
    assert (PROMPTS / EbAlfred.template).is_file()


def test_lessons_are_of_verbs_there_are_and_stand_in_no_prompt(start: Start) -> None:
    episode, lessons = start(), EbAlfred().lessons()
    verbs = {"-".join(name.split()[: 2 if name.startswith(("pick", "put", "turn")) else 1]) for name in base_actions()}
    assert {name.split("/")[1] for name in lessons} <= verbs
    texts = {text for lesson in lessons.values() for text in (lesson.lesson, lesson.symptom)}
    assert not [text for text in texts for other in texts if text != other and text in other]
    told = " ".join(episode.observation.messages[0].text.split())
    assert not [text for text in texts if text in told]


def test_the_sample_is_solved_by_its_references_and_not_by_doing_nothing(
    sample_env: EbAlfred, sample_tasks: TaskSet
) -> None:
    for task in sample_tasks:
        solution = sample_env.solution(task)
        assert solution is not None
        grade, seen = asyncio.run(play_actions(sample_env, task, solution.actions, ()))
        assert (grade.score, grade.measures["progress"], seen[-1].turn) == (1.0, 1.0, "over")
        assert asyncio.run(play_actions(sample_env, task, (Action(),), ()))[0].score == 0.0


def test_steps_and_resets_are_cheap(start: Start, home_pack: Path) -> None:
    environment = EbAlfred()
    task = environment.tasks("test", data=str(home_pack)).by_id["base/test/0"]
    services, actions = PlainServices(environment), mixed()
    resets, steps = 200, 4_000

    def play() -> None:
        episode, done = environment.begin(task, seed=0, services=services), 1
        for _ in range(steps):
            if episode.observation.turn != "agent":
                episode, done = environment.begin(task, seed=0, services=services), done + 1
            act(episode, next(actions))
        for _ in range(resets - done):
            environment.begin(task, seed=0, services=services)

    limit = steps / 5_000 + resets * 0.005
    assert cpu_seconds(play, limit) < limit


def mixed() -> Iterator[Action]:
    """Actions of a plan and others in turn."""
    draw = random.Random(1)
    while True:
        for name in ("find a Apple", "pick up the Apple", "find a Fridge", "open the Fridge", PUT):
            yield Action(name)
            yield Action.choose(draw.randrange(200))


def test_a_thousand_episodes_take_little_memory(home_pack: Path) -> None:
    environment = EbAlfred()
    task = environment.tasks("test", data=str(home_pack)).by_id["base/test/0"]
    services = PlainServices(environment)
    environment.begin(task, seed=0, services=services)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        alive = [environment.begin(task, seed=0, services=services) for _ in range(1_000)]
        for episode in alive:
            act(episode, "find a Apple")
        each = (tracemalloc.get_traced_memory()[0] - before) / len(alive)
    finally:
        tracemalloc.stop()
    assert each < 64 * 1024


def test_upstreams_tasks_load_and_start(upstream_env: EbAlfred, upstream_tasks: TaskSet) -> None:
    assert len(upstream_tasks) == 300
    assert len({task.group for task in upstream_tasks}) == 73
    domains = [task.domain for task in upstream_tasks]
    assert [domains.count(name) for name in dict.fromkeys(domains)] == [50] * 6
    for task in upstream_tasks.tasks[::37]:
        episode = upstream_env.begin(task, seed=0, services=PlainServices(upstream_env))
        assert episode.observation.text == task.query
        assert episode.grade("max_steps").score == 0.0
