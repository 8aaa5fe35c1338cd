"""Questions as an environment: prompt and reader as one unit, scoring, votes, what is never shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given
from hypothesis import strategies as st
from quiz import CAPITALS, Capitals, QuizPlugin, Sums

from experiments import core_plugins, prepare, run
from rbsuite.environments.replay import play_actions
from rbsuite.errors import DataError, UnknownNameError, UsageError
from rbsuite.jsonable import canonical
from rbsuite.run.setup import choose_environment
from rbsuite.scaling.selectors import final_answer
from rbsuite.trajectory import Action, Observation, Step, Trajectory
from rbsuite_questions.environment import ALL_SHOTS, QuestionEnvironment
from rbsuite_questions.question import Question, choice_order, make_task
from rbsuite_questions.readers import READERS

READS = [
    (name, environment)
    for name, info in READERS.items()
    for environment in (Sums, Capitals)
    if environment.kind in info.kinds and not info.requires
]


@pytest.mark.parametrize("environment", [Sums, Capitals])
def test_gymnasium_accepts_it(environment: type[QuestionEnvironment]) -> None:
    check_env(environment(), skip_render_check=True)


@pytest.mark.parametrize(("reader", "environment"), READS)
def test_a_reader_reads_what_its_prompt_asks_for(reader: str, environment: type[QuestionEnvironment]) -> None:
    world = environment(reader=reader)
    for task in world.tasks:
        solution = world.solution(task)
        skill = world.skills()[0]
        right, wrong = solution.actions[0].text, solution.pitfalls[0].edits[0][0].text
        assert play_actions(world, task, [Action(text=f"{skill.lesson} {right}")], ()) == 1.0
        assert play_actions(world, task, [Action(text=f"{skill.symptom} {wrong}")], ()) == 0.0
        observation, _ = world.reset(options={"task": task.id})
        asked = observation.messages[0].content
        closing = right.splitlines()[-1].replace(str(task.payload["answer"]), "{}")
        assert closing.partition("{}")[0] in asked


def test_an_answer_ends_the_episode_and_anything_else_does_not() -> None:
    world = Sums()
    world.reset(options={"task": "sum-1"})
    observation, reward, ended, _, _ = world.step(Action(kind="tool", name="add", arguments={"a": 1}))
    assert (reward, ended) == (0.0, False)
    assert observation.text
    assert not world.closes(Action(kind="tool", name="add"))
    assert world.closes(Action(text="63"))
    observation, reward, ended, _, info = world.step(Action(text="The sum is \\boxed{063}."))
    assert (reward, ended, observation.data["answer"]) == (1.0, True, "63")
    truth = info["truth"]
    assert {
        "reading": "63",
        "how": "boxed",
        "gold": "63",
        "unparsed": False,
        "reader": "rbsuite/1",
    }.items() <= truth.items()


def test_what_cannot_be_read_is_wrong_and_said_to_be_unparsed() -> None:
    world = Capitals()
    world.reset(options={"task": "capital-0"})
    observation, reward, _, _, info = world.step(Action(text="I would rather not say."))
    assert (reward, observation.data["answer"], info["truth"]["unparsed"]) == (0.0, "", True)


@pytest.mark.parametrize("environment", [Sums, Capitals])
def test_no_observation_holds_the_right_answer(environment: type[QuestionEnvironment]) -> None:
    world = environment()
    for task in world.tasks:
        first, _ = world.reset(options={"task": task.id})
        last, *_ = world.step(Action(text="No idea."))
        assert set(first.data) <= {"options"}
        assert dict(last.data) == {"answer": ""}
        if environment is Sums:
            assert str(task.payload["answer"]) not in canonical([first.text, first.data, last])
    shown = {canonical(world.reset(options={"task": task.id})[0].messages) for task in world.tasks}
    assert len(shown) == 1  # the instructions do not depend on the task


def test_choices_stand_in_an_order_of_the_question_alone() -> None:
    tasks = Capitals.load("sample").tasks
    for number, task in enumerate(tasks):
        order = choice_order(0, task.id, 4)
        letter = "ABCD"[order.index(0)]
        assert task.payload["answer"] == letter
        assert f"{letter}) {CAPITALS[number][1]}" in task.query
    assert len({task.payload["answer"] for task in tasks}) > 1
    assert Capitals.load("sample", domain="d1").tasks == tuple(task for task in tasks if task.domain == "d1")


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
    tasks = Capitals.load("sample")
    world = Capitals(tasks, shots=ALL_SHOTS, reader="inspect")
    assert world.facts() == {"reader": "inspect/1", "shots": 2}
    shown = {
        task.domain: world.reset(options={"task": task.id})[0].messages[0].content.count("ANSWER: A") for task in tasks
    }
    assert shown == {"d0": 1, "d1": 2}
    assert Capitals(tasks, shots=0).reset(options={"task": "capital-0"})[0].messages[0].content.count("Togo") == 0
    with pytest.raises(UsageError, match="3 worked examples"):
        Capitals(tasks, shots=3)
    assert Sums(shots=ALL_SHOTS).facts()["shots"] == 0


def test_the_users_template_replaces_the_instructions(tmp_path: Path) -> None:
    (tmp_path / "question").mkdir()
    (tmp_path / "question" / "boxed.j2").write_text("Just say {{ closing }}.", encoding="utf-8")
    setup = prepare(QuizPlugin(), env="sums", prompts=str(tmp_path), memory=("none",))
    first, _ = setup.make_environment().reset(options={"task": "sum-1"})
    assert first.messages[0].content == "Just say \\boxed{N}."
    other, _ = Sums(setup.tasks).reset(options={"task": "sum-1"})
    assert other.messages[0].content != first.messages[0].content


def test_reader_is_an_option_and_its_flag_is_short_for_it(tmp_path: Path) -> None:
    by_flag = prepare(QuizPlugin(), env="sums", reader="inspect", memory=("none",))
    by_option = prepare(QuizPlugin(), env="sums:reader=inspect", memory=("none",))
    assert by_flag.config == by_option.config
    assert (by_flag.config.env, by_flag.config.reader) == ("sums:reader=inspect", "")
    assert by_flag.manifest().facts["environment"]["reader"] == "inspect/1"
    default = prepare(QuizPlugin(), env="sums:reader=rbsuite", memory=("none",))
    assert default.config.env == "sums"
    assert [run.seed for run in default.runs()] == [run.seed for run in by_flag.runs()]
    with run(by_flag, tmp_path / "x") as store:
        readers = {
            rollout.trajectory.truth["reader"]
            for info in store.manifest.runs
            for record in store.records(info.id)
            for rollout in record.rollouts
        }
    assert readers == {"inspect/1"}


def test_readers_that_do_not_fit_are_refused() -> None:
    plugins = core_plugins(QuizPlugin())
    with pytest.raises(UnknownNameError, match="inspect"):
        choose_environment(plugins, "sums:reader=inspct").make(Sums.load("sample"))
    with pytest.raises(UsageError, match="does not read integer"):
        Sums(reader="mmlu-pro")
    with pytest.raises(UnknownNameError, match="reader"):
        choose_environment(plugins, "sums:readr=inspect")


def test_reader_is_refused_where_nothing_is_read() -> None:
    with pytest.raises(UsageError, match="toy takes no reader"):
        prepare(env="toy", reader="inspect")


def test_a_vote_is_over_what_was_read() -> None:
    step = Step("agent", Observation("?"), Action(text="So \\boxed{7}"))
    rollout = Trajectory("t", 0, 0, "?", (step,), Observation("ok", data={"answer": "7"}), "finished")
    assert final_answer(rollout) == "7"
    assert final_answer(replace(rollout, final=Observation("ok", data={"answer": ""}))) == ""
    assert final_answer(replace(rollout, final=Observation("ok"))) == "so \\boxed{7}"
    assert final_answer(replace(rollout, end="env_error")) == ""


@pytest.mark.parametrize("scaling", ["single", "parallel:3", "sequential:3"])
def test_memories_and_scalings_work_on_questions(scaling: str, tmp_path: Path) -> None:
    setup = prepare(QuizPlugin(), env="sums", memory=("none", "reasoningbank"), scaling=(scaling,), selector="majority")
    with run(setup, tmp_path / "x") as store:
        ends = {
            rollout.trajectory.end
            for info in store.manifest.runs
            for record in store.records(info.id)
            for rollout in record.rollouts
        }
    assert ends == {"finished"}
