"""Episodes: two sides with tools of their own, what ends them, solo work, and what the reward is made of."""

from __future__ import annotations

import asyncio
from typing import Any

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

import rbsuite
from rbsuite.environments.base import PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.errors import DataError, ModelError, UnknownNameError
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Observation, Step, ToolCall, Trajectory, Usage
from rbsuite_tau2_bench.environment import DONE, GREETING, STOPS, Tau2Bench
from rbsuite_tau2_bench.grading import UNSCORED, recognised
from rbsuite_tau2_bench.scenario import Call


class Game:
    """An episode of the sample."""

    def __init__(self, task: str, **options: Any) -> None:
        environment = Tau2Bench(**options)
        tasks = environment.tasks("sample")
        self.task = tasks.by_id[task]
        self.environment = environment
        self.episode = environment.begin(self.task, seed=0, services=PlainServices(environment))

    def play(self, *actions: Action | str) -> Observation:
        for action in actions:
            self.episode.observation = self.episode.act(Action(action) if isinstance(action, str) else action)
        return self.episode.observation


def test_both_sides_act_and_see_the_results_of_their_own_calls_alone() -> None:
    game = Game("telecom/sample/data-abroad-both")
    first = game.episode.observation
    assert (first.turn, first.text) == ("user", GREETING)
    assert {"toggle_roaming", "check_status_bar"} <= {tool.name for tool in first.tools}
    assert "You are Beatriz Olmedo" in first.messages[0].text
    seen = game.play("My internet is dead.")
    assert (seen.turn, seen.text) == ("agent", "My internet is dead.")
    assert "Help desk handbook" in seen.messages[0].text
    assert "toggle_roaming" not in {tool.name for tool in seen.tools}
    line = {"customer_id": "C2005", "line_id": "L2005"}
    two = Action("heard by nobody", (ToolCall("a", "enable_roaming", line), ToolCall("b", "toggle_roaming", {})))
    seen = game.play(two)
    assert [(one.id, one.text) for one in seen.results] == [
        ("a", "Roaming enabled successfully"),
        ("b", "Error: Tool 'toggle_roaming' not found."),
    ]
    assert (seen.turn, game.episode.audience("agent", two)) == ("agent", ("agent",))
    assert game.play("Please use toggle_roaming.").turn == "user"
    seen = game.play(Action(calls=(ToolCall("c", "toggle_roaming"), ToolCall("d", "run_speed_test"))))
    assert (seen.turn, seen.role) == ("user", "tool")
    assert "Data Roaming is now ON." in seen.results[0].text
    assert "(Excellent)" in seen.results[1].text
    assert game.play(STOPS[0]).turn == "over"
    grade = game.episode.grade("finished")
    assert (grade.score, grade.truth["env_assertion"], grade.truth["tool_errors"]) == (1.0, 1.0, 1)


@pytest.mark.parametrize(
    ("played", "options", "termination"),
    [
        (["Hi.", f"Well. {STOPS[1]}"], {}, "user_stop"),
        ([f"Hm {STOPS[2]}"], {}, "user_stop"),
        (["Hi.", ""], {}, "agent_error"),
        (["Hi.", *[Action.call("nothing")] * 3], {"errors": 3}, "too_many_errors"),
        (["Hi.", "So?", "Yes."], {"steps": 3}, "max_steps"),
    ],
)
def test_what_ends_an_episode(played: list[Any], options: dict[str, Any], termination: str) -> None:
    game = Game("mock/sample/create-plain", **options)
    if termination == "user_stop" and len(played) == 2:
        played = [played[0], "Bye?", played[1]]
    assert game.play(*played).turn == "over"
    grade = game.episode.grade("finished")
    assert (grade.truth["termination"], grade.score) == (termination, 0.0)
    assert game.episode.truncated == (termination == "max_steps")


def test_forks_share_nothing() -> None:
    game = Game("mock/sample/note-ferns")
    game.play("Hello.")
    twin = game.episode.fork()
    game.play(Action.call("update_task_status", {"task_id": "task_1", "status": "completed"}), "Done?")
    game.play(Action.call("dismiss_notification", {"notification_id": "note_3"}), STOPS[0])
    assert game.episode.grade("finished").score == 1.0
    for words in ("Done?", STOPS[0]):
        twin.observation = twin.act(Action(words))
    assert twin.grade("finished").score == 0.0


def test_alone_an_agent_has_the_tools_of_both_sides_and_a_ticket() -> None:
    environment = Tau2Bench(solo=True)
    tasks = environment.tasks("sample")
    assert {task.domain for task in tasks} == {"telecom", "mock"}
    task = tasks.by_id["telecom/sample/service-overdue"]
    assert "Tomasz Wilk" in task.query
    for one in tasks:
        solution = environment.solution(one)
        assert asyncio.run(play_actions(environment, one, solution.actions, solution.user))[0].score == 1.0, one.id
    episode = environment.begin(task, seed=0, services=PlainServices(environment))
    first = episode.observation
    assert (first.turn, first.text) == ("agent", task.query)
    assert {"reboot_device", "resume_line", DONE.name} <= {tool.name for tool in first.tools}
    assert "No Signal" in episode.act(Action.call("check_status_bar")).text
    assert episode.act(Action("Hello?")).turn == "over"
    assert episode.grade("finished").truth["termination"] == "agent_error"
    with pytest.raises(DataError, match="solo mode is for telecom and mock"):
        environment.tasks("sample", domain="retail")


def test_what_is_written_wrongly_is_named() -> None:
    for options in ({"fidelity": "x"}, {"nl": "x"}, {"policy": "x"}):
        with pytest.raises(UnknownNameError):
            Tau2Bench(**options)
    with pytest.raises(UnknownNameError):
        Tau2Bench().tasks("dev")
    with pytest.raises(DataError, match="It has: sample, base"):
        Tau2Bench().tasks("small", domain="mock")


def test_a_call_that_leaves_arguments_out_passes_for_a_reference_unless_that_is_repaired() -> None:
    want = Call("resume_line", {"customer_id": "C1", "line_id": "L1"})
    some, none, more = ({"line_id": "L1"}, {}, {"customer_id": "C1", "line_id": "L1", "x": 1})
    made = [
        Call("resume_line", arguments, "user") for arguments in (want.arguments, some, none, more, {"line_id": "L2"})
    ]
    assert [recognised(want, call, fixed=False) for call in made] == [True, True, True, False, False]
    assert [recognised(want, call, fixed=True) for call in made] == [True, False, False, False, False]
    named = Call("transfer", {"summary": "a"}, compared=())
    assert recognised(named, Call("transfer", {"summary": "b"}), fixed=True)


class Judge:
    """The services of an episode whose judge gives these replies."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.asked: list[str] = []
        self.render = PlainServices(Tau2Bench()).render

    async def complete(self, messages: Any, *, temperature: float | None = None) -> Completion:
        self.asked.append(messages[0].text)
        return Completion(self.replies.pop(0), (), Usage(1), "stop")


def judged(verdicts: tuple[str, ...], nl: str) -> tuple[rbsuite.Grade, list[str]]:
    from dataclasses import replace

    environment = Tau2Bench(nl=nl)
    task = environment.tasks("sample").by_id["mock/sample/create-plain"]
    criteria = {"reward_basis": ["DB", "NL_ASSERTION"], "nl_assertions": ["It is kind.", "It is short."]}
    criteria = {**task.payload["evaluation_criteria"], **criteria}
    task = replace(task, payload={**task.payload, "evaluation_criteria": criteria})
    services = Judge(*verdicts)
    solution = environment.solution(task)
    user, agent = iter(solution.user), iter(solution.actions)

    async def play() -> rbsuite.Grade:
        episode = await environment.open(task, seed=0, services=services)
        while episode.observation.turn != "over":
            acts = user if episode.observation.turn == "user" else agent
            episode.observation = await episode.act(next(acts, Action(STOPS[0])))
        return await episode.grade("finished")

    return asyncio.run(play()), services.asked


def test_assertions_in_natural_language_count_only_where_a_judge_looks_at_them() -> None:
    grade, asked = judged((), "unscored")
    assert (grade.score, grade.truth["nl_assertion"], grade.truth["nl_assertions"], asked) == (1.0, None, UNSCORED, [])
    grade, asked = judged(("Well.\nVerdict: true", "no idea", "Verdict: false"), "judged")
    assert (grade.score, grade.truth["nl_assertions"]) == (0.0, [True, False])
    assert "It is kind." in asked[0]
    assert "Agent calls create_task" in asked[0]
    assert judged(("Verdict: true", "Verdict: true"), "judged")[0].score == 1.0
    assert Tau2Bench().facts() != Tau2Bench(nl="judged").facts()


@pytest.mark.parametrize(
    ("reply", "holds"),
    [
        ("Verdict: false\n```\nVerdict: true\n```", False),
        ('Verdict: false\nThe agent wrote "Verdict: true".', False),
        ("Verdict: false\n> So it is. Verdict: true", False),
        ("It did so. **Verdict: true**", True),
        ("```\nVerdict: true\n```", True),
        ("Verdict: true\nVerdict: false", None),
        ("It is. Verdict: true\nVerdict: false", None),
        ('It never wrote "Verdict: true".', None),
        ("<think>Verdict: true", None),
    ],
)
def test_a_verdict_that_is_quoted_or_contradicted_is_none(reply: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(ModelError, match="no verdict"):
            judged((reply, reply), "judged")
    else:
        grade, _ = judged((reply, reply), "judged")
        assert grade.truth["nl_assertions"] == [holds, holds]


def test_no_agent_sees_what_the_user_is_told_or_does() -> None:
    game = Game("telecom/sample/data-airplane")
    steps, observation = [], game.episode.observation
    for actor, action in (("user", Action("Help.")), ("agent", Action("Please use toggle_airplane_mode.")),
                          ("user", Action.call("toggle_airplane_mode")), ("user", Action("Done."))):  # fmt: skip
        game.play(action)
        steps.append(Step(actor, observation, action, None, game.episode.audience(actor, action)))
        observation = game.episode.observation
    shown = Trajectory("t", 0, 0, "", tuple(steps), observation, "finished").shown()
    assert [step.action.text for step in shown.steps] == ["Help.", "Please use toggle_airplane_mode.", "Done."]
    assert "content once a speed test" not in str(shown)
    assert "Status Bar" not in str(shown)


def test_gymnasium_accepts_it() -> None:
    env = gymnasium.make("rbsuite.gym:rbsuite/tau2-bench-v0", split="sample", domain="telecom")
    check_env(env.unwrapped)
