"""Reference solutions, their pitfalls, and the lines of the scripted user."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.environments.replay import play_actions
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action
from rbsuite_tau_bench.dialogue import CONSENT, OPENING_LIMIT, THANKS, first_person, user_lines
from rbsuite_tau_bench.environment import TauBench
from rbsuite_tau_bench.simulation import edited
from rbsuite_tau_bench.skills import SKILLS, TRAPS

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "tau-bench"


def load(split: str) -> TaskSet:
    if split != "sample" and not PACK.is_dir():
        pytest.skip("upstream's data (a tau-bench pack) is not here")
    return TauBench.load(split, data="" if split == "sample" else str(PACK))


@pytest.mark.parametrize("split", ["sample", "test", "dev", "train"])
def test_solutions_solve_and_every_pitfall_alone_fails(split: str) -> None:
    tasks = load(split)
    source, world = TauBench(tasks), TauBench(tasks)
    counts = Counter[int]()
    for task in tasks:
        solution = source.solution(task)
        assert play_actions(world, task, solution.actions, solution.user_lines) == 1.0, task.id
        for pitfall in solution.pitfalls:
            spoilt = tuple(edited(solution.actions, pitfall.edits))
            assert play_actions(world, task, spoilt, solution.user_lines) == 0.0, (task.id, pitfall)
            assert set(pitfall.edits) <= set(range(len(solution.actions)))
        skills = [pitfall.skill for pitfall in solution.pitfalls]
        assert len(set(skills)) == len(skills) <= 3
        assert set(skills) <= {skill.id for skill in SKILLS if skill.id.startswith(task.domain)}
        counts[bool(skills)] += 1
    assert counts[True] >= 0.95 * len(tasks)


@pytest.mark.parametrize("split", ["sample", "test"])
def test_solutions_have_the_agreed_form(split: str) -> None:
    tasks = load(split)
    env = TauBench(tasks)
    for task in tasks:
        solution = env.solution(task)
        calls = [action for action in solution.actions if action.kind == "tool"]
        assert [{"name": call.name, "kwargs": call.arguments} for call in calls] == task.payload["actions"]
        texts = [action.text for action in solution.actions if action.kind == "text"]
        transferred = calls and calls[-1].name == "transfer_to_human_agents"
        asks, closing = (texts, "") if transferred else (texts[:-1], texts[-1])
        assert len(asks) == len(solution.user_lines) - 1
        assert all(text.endswith("?") for text in asks)
        assert "?" not in closing
        assert all(output in closing for output in task.payload["outputs"])
        assert not any(action.thought for action in solution.actions)
        assert len(solution.actions) <= 30


def test_solutions_are_the_same_every_time() -> None:
    first, second = (TauBench(load("sample")) for _ in range(2))
    for task in first.tasks:
        assert first.solution(task) == second.solution(task)
        assert first.solution(task) is first.solution(task)


def test_a_solution_does_not_disturb_the_episode() -> None:
    env = TauBench(load("sample"))
    task = env.tasks.tasks[0]
    env.reset(options={"task": env.tasks.tasks[5].id})
    env.solution(task)
    assert env.task is env.tasks.tasks[5]
    assert not env.step(Action(text="Hello"))[2]


def test_sample_tasks_carry_the_trap_of_their_group() -> None:
    env = TauBench(load("sample"))
    assert {task.group for task in env.tasks} == set(TRAPS)
    missing = [
        task.id
        for task in env.tasks
        if TRAPS[task.group] not in {pitfall.skill for pitfall in env.solution(task).pitfalls}
    ]
    assert missing == []


def test_every_skill_is_called_for_somewhere() -> None:
    used: set[str] = set()
    for split in ("sample", "test", "train"):
        tasks = load(split)
        env = TauBench(tasks)
        used |= {pitfall.skill for task in tasks for pitfall in env.solution(task).pitfalls}
    assert used >= {skill.id for skill in SKILLS} - {"airline/transfer"}


def test_skills_are_told_apart_by_their_texts() -> None:
    for field in ("id", "title", "lesson", "symptom"):
        assert len({getattr(skill, field) for skill in SKILLS}) == len(SKILLS)
    for skill in SKILLS:
        assert skill.lesson not in skill.symptom
        assert skill.symptom not in skill.lesson
        for sentence in (skill.lesson, skill.symptom):
            assert re.fullmatch(r"[A-Z][^.!?]*\.", sentence), sentence
    texts = [text for skill in SKILLS for text in (skill.lesson, skill.symptom)]
    assert not any(a in b for a in texts for b in texts if a is not b)


def test_no_lesson_stands_in_what_every_agent_reads() -> None:
    tasks = load("sample")
    for domain in ("retail", "airline"):
        wiki = tasks.resources.pack.wiki(domain)
        assert not any(skill.lesson in wiki or skill.symptom in wiki for skill in SKILLS)


@pytest.mark.parametrize("split", ["sample", "test", "dev", "train"])
def test_lines_reveal_the_wishes_bit_by_bit(split: str) -> None:
    tasks = load(split)
    env = TauBench(tasks)
    for task in tasks:
        lines = env.script(task)
        instruction = str(task.payload["instruction"])
        assert 2 <= len(lines) <= 4
        assert all(line.strip() == line and line for line in lines)
        assert instruction not in "\n".join(lines)
        if split != "sample":
            assert len(lines[0]) <= OPENING_LIMIT + len("Hi! ") + 1
            assert lines[-1] == (CONSENT if changes(task) else THANKS)


def changes(task: Task) -> bool:
    names = ("cancel", "modify", "exchange", "return", "update", "book", "send")
    return any(action["name"].startswith(names) for action in task.payload["actions"])


def test_an_instruction_becomes_a_dialogue() -> None:
    lines = user_lines(
        "You are Ada Byron, and you live in 12345. You want to return the lamp, and your rug too. You are a shy person. "
        "If the agent asks for the reason, you say you broke it. You would like to know the total.",
        consents=True,
    )
    assert lines == (
        "Hi! I want to return the lamp, and my rug too. I would like to know the total.",
        "I am Ada Byron, my zip code is 12345.",
        "I broke it.",
        CONSENT,
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("You are late and your dog's yours.", "I am late and my dog's mine."),
        ("The agent has told you that you're wrong.", "You have told me that I am wrong."),
        ("You'd pay if the agent asks you to.", "I'd pay if you ask me to."),
        ("You name is Bo.", "My name is Bo."),
        ("", ""),
    ],
)
def test_first_person(told: str, said: str) -> None:
    assert first_person(told) == said


@given(st.text(), st.booleans())
def test_any_instruction_gives_lines(instruction: str, consents: bool) -> None:
    lines = user_lines(instruction, consents=consents)
    assert len(lines) >= 2
    assert lines == user_lines(instruction, consents=consents)
