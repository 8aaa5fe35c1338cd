"""Reference solutions, the lines of the scripted user, and the wording of lessons."""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.environments.replay import play_actions
from rbsuite.task import TaskSet
from rbsuite.trajectory import Action
from rbsuite_dialogue.lines import CONSENT, OPENING_LIMIT, THANKS, first_person, user_lines
from rbsuite_tau_bench.domains import DOMAINS
from rbsuite_tau_bench.environment import TauBench
from rbsuite_tau_bench.resources import sample_directory

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[4] / "shared" / "packs")
PACK = PACKS / "tau-bench"
FLOORS = {
    "sample": {"retail": 3, "airline": 5},
    "test": {"retail": 7, "airline": 19},
    "dev": {"retail": 1},
    "train": {"retail": 5},
}
"""Tasks that an agent solves which says nothing; on upstream's splits as measured with upstream itself."""

splits = pytest.mark.parametrize("split", FLOORS)


def read(split: str) -> tuple[TauBench, TaskSet]:
    if split != "sample" and not PACK.is_dir():
        pytest.skip("upstream's data (a tau-bench pack) is not here")
    environment = TauBench()
    return environment, environment.tasks(split, data="" if split == "sample" else str(PACK))


@splits
def test_references_score_and_the_floor_is_as_measured(split: str) -> None:
    async def play() -> Counter[str]:
        floor = Counter[str]()
        for task in tasks:
            solution = environment.solution(task)
            grade, _ = await play_actions(environment, task, solution.actions, solution.user, max_steps=30)
            assert grade.score == 1.0, task.id
            silent, _ = await play_actions(environment, task, (Action(),), ())
            floor[task.domain] += int(silent.score)
        return floor

    environment, tasks = read(split)
    assert asyncio.run(play()) == FLOORS[split]


@splits
def test_solutions_are_a_conversation_around_the_reference(split: str) -> None:
    environment, tasks = read(split)
    for task in tasks:
        solution = environment.solution(task)
        assert solution == environment.solution(task)
        calls = [call for action in solution.actions for call in action.calls]
        assert [{"name": call.name, "kwargs": call.arguments} for call in calls] == task.payload["actions"]
        texts = [action.text for action in solution.actions if action.speaks]
        transferred = calls and calls[-1].name == "transfer_to_human_agents"
        asks, closing = (texts, "") if transferred else (texts[:-1], texts[-1])
        assert len(asks) == len(solution.user) - 1
        assert all(text.endswith("?") for text in asks)
        assert "?" not in closing
        assert all(output in closing for output in task.payload["outputs"])
        lines = [action.text for action in solution.user]
        assert all(action.speaks for action in solution.user)
        assert all(line.strip() == line and line for line in lines)
        assert str(task.payload["instruction"]) not in "\n".join(lines)
        if split == "sample":
            assert lines == task.payload["dialogue"]
            continue
        assert 2 <= len(lines) <= 4
        assert len(lines[0]) <= OPENING_LIMIT + len("Hi! ") + 1
        writes = DOMAINS[task.domain].writes
        assert lines[-1] == (CONSENT if any(call.name in writes for call in calls) else THANKS)


def test_an_instruction_becomes_a_dialogue() -> None:
    lines = user_lines(
        "You are Ada Byron, and you live in 12345. You want to return the lamp, and your rug too. You are a shy person. "
        "If the agent asks for the reason, you say you broke it. You would like to know the total.",
        consents=True,
    )
    assert lines == (
        "Hi! I want to return the lamp, and my rug too. I broke it. I would like to know the total.",
        "I am Ada Byron, my zip code is 12345.",
        CONSENT,
    )
    long = (
        "Your user id is ada_byron_1234 and you want a lamp " + "that shines very brightly and " * 12 + "never fails."
    )
    opening, who, rest, thanks = user_lines(long, consents=False)
    assert opening.startswith("Hi! Want a lamp that") or opening.startswith("Hi! I want a lamp that")
    assert (who, thanks) == ("My user id is ada_byron_1234.", THANKS)
    assert rest.endswith("never fails.")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("You are late and your dog's yours.", "I am late and my dog's mine."),
        ("The agent has told you that you're wrong.", "You have told me that I am wrong."),
        ("You'd pay if the agent asks you to.", "I'd pay if you ask me to."),
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


def test_lessons_are_for_arguments_that_there_are_and_told_apart() -> None:
    environment, tasks = read("sample")
    lessons = environment.lessons()
    used = {
        f"{task.domain}/argument/{name}"
        for task in tasks
        for action in environment.solution(task).actions
        for call in action.calls
        if call.name in DOMAINS[task.domain].writes
        for name in call.arguments
    }
    assert set(lessons) <= used
    texts = [text for lesson in lessons.values() for text in (lesson.lesson, lesson.symptom)]
    assert not any(one in other for one in texts for other in texts if one is not other)
    assert all(re.fullmatch(r"[A-Z][^.!?]*\.", text) for text in texts)
    policies = [(sample_directory() / f"{domain}_wiki.md").read_text(encoding="utf-8") for domain in DOMAINS]
    assert not any(text in policy for text in texts for policy in policies)
