"""Pitfalls are found by trying: what is kept fails alone and with any of the others, and skills come again on other tasks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pytest

from post import Post
from rbsuite.environments.base import Environment, EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.replay import play_actions
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import ModelError, PluginError, UsageError
from rbsuite.learner.pitfalls import Lore, carried_out, find
from rbsuite.learner.skills import Vocabulary
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Observation, ToolCall
from rooms import Rooms
from toy import SKILLS, Toy


class Quiz(SyncEnvironment):
    """One question.

    Args:
        solution: what is said to be the solution.
        right: what is right.
        options: further values of the episode's observation, and mistakes and lessons of the environment.
    """

    def __init__(self, solution: str | None, right: str, **options: Any) -> None:
        self._solution = solution
        self.right = right
        self.options = options

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("quiz", split, (Task("q/1", "q", "sums", "What is it?"),))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Asked:
        return Asked(self)

    def solution(self, task: Task) -> Solution | None:
        return None if self._solution is None else Solution((Action(self._solution),))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        return [Mistake(skill, {0: (Action(said),)}) for skill, said in self.options.get("mistakes", {}).items()]

    def lessons(self) -> Mapping[str, Lesson]:
        lessons: Mapping[str, Lesson] = self.options.get("lessons", {})
        return lessons


class Asked(SyncEpisode):
    def __init__(self, quiz: Quiz) -> None:
        self._quiz = quiz
        self._said = ""
        self.observation = Observation("What is it?", data={"options": quiz.options.get("choices", ())})

    def act(self, action: Action) -> Observation:
        self._said = action.text
        return Observation("Thank you.", turn="over")

    def grade(self, end: EndReason) -> Grade:
        if self._quiz.options.get("asks_model"):
            raise ModelError("this grade asks a model.")
        return Grade(float(self._said == self._quiz.right))


def tasks_of(environment: Environment) -> Sequence[Task]:
    return environment.tasks("all").tasks


def found(environment: Environment, task: Task | None = None) -> Lore:
    return asyncio.run(find(task or tasks_of(environment)[0], environment))


def score(environment: Environment, task: Task, lore: Lore, made: Sequence[Any]) -> float:
    actions = [action for _, action in carried_out(lore.solution.actions, made)]
    grade, _ = asyncio.run(play_actions(environment, task, actions, lore.solution.user))
    return grade.score


@pytest.mark.parametrize("kind", [Post, Rooms, Toy])
def test_a_task_fails_with_any_of_its_pitfalls_and_only_then(kind: type[Environment]) -> None:
    environment = kind()
    for task in tasks_of(environment):
        lore = found(environment, task)
        assert 1 <= len(lore.pitfalls) <= 3
        assert score(environment, task, lore, ()) == 1
        for size in range(1, len(lore.pitfalls) + 1):
            for made in combinations(lore.pitfalls, size):
                assert score(environment, task, lore, made) < 1, [pitfall.skill for pitfall in made]


@pytest.mark.parametrize("kind", [Post, Rooms])
def test_skills_are_the_same_each_time_and_come_again_on_other_tasks(kind: type[Environment]) -> None:
    tasks = tasks_of(kind())
    first = [found(kind(), task).pitfalls for task in tasks]
    # The order in which tasks are met does not matter.
    assert first == [found(kind(), task).pitfalls for task in reversed(tasks)][::-1]
    times = Counter(pitfall.skill for pitfalls in first for pitfall in pitfalls)
    assert sum(number for number in times.values() if number > 1) > 0.8 * times.total()


def test_mistakes_are_of_all_kinds_and_bear_the_names_of_the_steps() -> None:
    post, rooms = Post(), Rooms()
    ids = {pitfall.skill for task in tasks_of(post) for pitfall in found(post, task).pitfalls}
    assert "desk/answer/untold" in ids
    assert {"desk/argument/town", "desk/argument/number"} & ids
    assert not any("find_parcel" in name for name in ids), "to look a thing up changes nothing"
    kinds = {pitfall.skill.rpartition("/")[2] for task in tasks_of(rooms) for pitfall in found(rooms, task).pitfalls}
    assert {"choice", "leave-out"} <= kinds


def test_several_mistakes_in_one_call_are_all_made() -> None:
    call = Action(calls=(ToolCall("", "send", {"to": "Bern", "by": "air"}), ToolCall("", "pay", {"sum": 3})))

    def edit(**arguments: Any) -> Mistake:
        first, second = ({**part.arguments, **arguments.get(part.name, {})} for part in call.calls)
        calls = (ToolCall("", "send", first), ToolCall("", "pay", second))
        return Mistake("x", {0: (Action(calls=calls),)})

    [(_, made)] = carried_out((call,), (edit(send={"to": "Oslo"}), edit(pay={"sum": 4}), edit(send={"by": "sea"})))
    assert [dict(part.arguments) for part in made.calls] == [{"to": "Oslo", "by": "sea"}, {"sum": 4}]


@pytest.mark.parametrize(
    ("said", "options", "skill"),
    [
        ("ANSWER: 41", {}, "sums/answer/wrong"),
        ("B", {"choices": ("A", "B", "C")}, "sums/answer/wrong"),
        ("Lima", {}, "sums/answer/untold"),
    ],
)
def test_an_answer_has_a_wrong_one_beside_it(said: str, options: Any, skill: str) -> None:
    [pitfall] = found(Quiz(said, said, **options)).pitfalls
    assert pitfall.skill == skill
    [action] = pitfall.edits[0]
    assert action.text != said
    assert action.text in options.get("choices", [action.text])


def test_mistakes_of_the_environment_take_the_place_of_others_where_the_task_fails_with_them() -> None:
    quiz = Quiz("42", "42", mistakes={"carry": "32", "no mistake": "42", "map/reading": "0"})
    pitfalls = found(quiz).pitfalls
    assert [pitfall.skill for pitfall in pitfalls] == ["carry", "map/reading"]
    assert all(
        words in pitfall.wording.lesson for pitfall, words in zip(pitfalls, ("carry", "map reading"), strict=True)
    )


def test_lessons_of_the_environment_word_its_skills() -> None:
    environment = Toy()
    task = tasks_of(environment)[0]
    [pitfall] = found(environment, task).pitfalls
    assert pitfall.wording.lesson == SKILLS[task.domain].lesson
    broken = {"carry": Lesson("Carry", "Carry the one.", "I do not: Carry the one.")}
    with pytest.raises(PluginError, match="'carry' contains its lesson"):
        found(Quiz("1", "1", lessons=broken))


def test_tasks_on_which_nothing_can_be_found() -> None:
    assert found(Quiz("41", "42")).pitfalls == (), "the solution does not solve it"
    assert found(Quiz("42", "42", asks_model=True)).pitfalls == ()
    with pytest.raises(UsageError, match="'q/1' has no reference solution"):
        found(Quiz(None, "42"))


NAMES = (
    "retail/argument/new_item_ids",
    "base/go-to/choice",
    "airline/cancel_reservation/overdo",
    "retail/answer/untold",
    "desk/send_parcel/leave-out",
    "desk/send_parcel/twice",
    "a b/put-down/order",
    "x/open/stop-early",
    "a skill of one's own",
)


def test_a_skill_is_told_from_the_text_that_holds_its_lesson_or_symptom() -> None:
    written = {"w": Lesson("Shut doors", "Shut the door behind you.", "The door can stay open.")}
    vocabulary = Vocabulary(written)
    skills = [vocabulary.skill(name) for name in (*NAMES, "w")]
    assert len({skill.lesson for skill in skills}) == len({skill.symptom for skill in skills}) == len(skills)
    for skill in skills:
        assert skill.lesson not in skill.symptom
        for sentence in (skill.lesson, skill.symptom):
            assert vocabulary.told_in(f"Thought 1: {sentence} On we go.\nAction 1: x") == [skill]
    everything = "\n".join(skill.symptom for skill in skills)
    assert set(vocabulary.told_in(everything)) == set(skills)
    assert vocabulary.told_in("On Monday tasks, there was nothing. " + " ".join(skill.title for skill in skills)) == []
