"""Questions as an environment: prompt and reader as one unit, scoring, what is never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from played import graded, mistaken
from quiz import CAPITALS, Capitals, Sums
from rbsuite.environments.base import PlainServices
from rbsuite.errors import DataError, UnknownNameError, UsageError
from rbsuite.jsonable import canonical
from rbsuite.trajectory import Action, ToolCall
from rbsuite_questions.environment import ALL_SHOTS, QuestionEnvironment, QuestionEpisode
from rbsuite_questions.question import Question, choice_order, make_task
from rbsuite_questions.readers import READERS

READS = [
    (name, environment)
    for name, info in READERS.items()
    for environment in (Sums, Capitals)
    if environment.kind in info.kinds and not info.requires
]


def begun(world: QuestionEnvironment, task: str) -> QuestionEpisode:
    return world.begin(world.tasks("sample").by_id[task], seed=0, services=PlainServices(world))


@pytest.mark.parametrize(("reader", "environment"), READS)
def test_a_reader_reads_what_its_prompt_asks_for(reader: str, environment: type[QuestionEnvironment]) -> None:
    world = environment(reader=reader)
    for task in world.tasks("sample"):
        (lesson,) = world.lessons().values()
        (right,) = world.solution(task).actions
        assert graded(world, task, Action(f"{lesson.lesson} {right.text}")).score == 1.0
        grade = mistaken(world, task)
        assert (grade.score, grade.truth["answered"]) == (0.0, task.payload["wrong"])
        closing = right.text.splitlines()[-1].replace(str(task.payload["answer"]), "{}")
        assert closing.partition("{}")[0] in begun(world, task.id).observation.messages[0].text


def test_an_answer_ends_the_episode_and_anything_else_does_not() -> None:
    episode = begun(Sums(), "sum-1")
    calls = (ToolCall("1", "add", {"a": 1}), ToolCall("2", "add"))
    for other in (Action(calls=calls), Action.choose(0, "add")):
        assert not episode.closes(other)
        told = episode.act(other)
        assert (told.turn, bool(told.text)) == ("agent", True)
    assert [result.id for result in episode.act(Action(calls=calls)).results] == ["1", "2"]
    twin = episode.fork()
    answer = Action("The sum is \\boxed{063}.")
    assert episode.closes(answer)
    last = episode.act(answer)
    assert (last.turn, last.data) == ("over", {"answer": "63"})
    grade = episode.grade("finished")
    assert (grade.score, grade.measures) == (1.0, {"unparsed": 0.0})
    assert {"answered": "63", "how": "boxed", "gold": "63", "reader": "rbsuite/3"}.items() <= grade.truth.items()
    assert twin.grade("max_steps").score == 0.0


@pytest.mark.parametrize("said", [(Action("I would rather not say."),), ()])
def test_what_cannot_be_read_or_was_never_said_is_wrong_and_unparsed(said: tuple[Action, ...]) -> None:
    world = Capitals()
    grade = graded(world, world.tasks("sample").by_id["capital-0"], *said)
    assert (grade.score, grade.measures, grade.truth["answered"]) == (0.0, {"unparsed": 1.0}, None)


@pytest.mark.parametrize("environment", [Sums, Capitals])
def test_no_observation_holds_the_right_answer(environment: type[QuestionEnvironment]) -> None:
    world = environment()
    instructions = set()
    for task in world.tasks("sample"):
        episode = begun(world, task.id)
        first, last = episode.observation, episode.act(Action("No idea."))
        assert set(first.data) <= {"options"}
        assert dict(last.data) == {"answer": ""}
        if environment is Sums:
            assert str(task.payload["answer"]) not in canonical([first.text, first.data, last])
        instructions.add(canonical(first.messages))
    assert len(instructions) == 1  # they do not depend on the task


def test_choices_stand_in_an_order_of_the_question_alone() -> None:
    tasks = Capitals().tasks("sample").tasks
    for number, task in enumerate(tasks):
        order = choice_order(0, task.id, 4)
        letter = "ABCD"[order.index(0)]
        assert task.payload["answer"] == letter
        assert f"{letter}) {CAPITALS[number][1]}" in task.query
    assert len({task.payload["answer"] for task in tasks}) > 1
    assert Capitals().tasks("sample", domain="d1").tasks == tuple(task for task in tasks if task.domain == "d1")


@given(st.integers(0, 10**6), st.text(max_size=20), st.integers(1, 26))
def test_an_order_is_a_permutation_and_always_the_same(seed: int, question: str, n: int) -> None:
    order = choice_order(seed, question, n)
    assert sorted(order) == list(range(n))
    assert order == choice_order(seed, question, n)


def test_the_order_is_that_of_the_standard_generator() -> None:
    """Stored answers are read again later, also by others: the rule must not change."""
    assert choice_order(0, "rec0", 4) == [0, 2, 3, 1]


@pytest.mark.parametrize("answer", [-1, 4])
def test_an_answer_that_is_no_choice_is_refused(answer: int) -> None:
    with pytest.raises(DataError, match="q7"):
        make_task(Question("q7", "?", answer, ("a", "b", "c", "d")))


def test_the_mistake_is_another_answer() -> None:
    for number in range(300):
        task = make_task(Question(f"q{number}", "?", number, ()))
        assert task.payload["wrong"] != task.payload["answer"]
        assert 0 <= int(task.payload["wrong"]) <= 999


def test_worked_examples_are_of_the_domain_and_in_the_readers_form() -> None:
    world = Capitals(shots=ALL_SHOTS, reader="inspect")
    shown = {
        task.domain: begun(world, task.id).observation.messages[0].text.count("ANSWER: A")
        for task in world.tasks("sample")
    }
    assert shown == {"d0": 1, "d1": 2}
    assert world.facts() == {"reader": "inspect/1", "shots": 2, "chance": 0.25}
    assert "Togo" not in begun(Capitals(shots=0), "capital-0").observation.messages[0].text
    with pytest.raises(UsageError, match="3 worked examples"):
        Capitals(shots=3).tasks("sample")
    sums = Sums(shots=ALL_SHOTS)
    sums.tasks("sample")
    assert sums.facts() == {"reader": "rbsuite/3", "shots": 0, "chance": 0.001}


def test_readers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="inspect"):
        Sums(reader="inspct")
    with pytest.raises(UsageError, match="does not read integer"):
        Sums(reader="mmlu-pro")
