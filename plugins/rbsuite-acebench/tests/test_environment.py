"""ACEBench as an environment: conversations, measures, what is shown to whom, and experiments on the sample."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.agents.base import AgentStart
from rbsuite.cli import run
from rbsuite.environments.base import PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.environments.users import UserStart
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.learner.pitfalls import find
from rbsuite.models.base import Completion
from rbsuite.task import Task
from rbsuite.trajectory import Action, Message, Observation
from rbsuite_acebench.agent import AceAgent
from rbsuite_acebench.cases import AGENT, NORMAL, SPECIAL
from rbsuite_acebench.environment import AceBench
from rbsuite_acebench.solutions import opening_line
from rbsuite_acebench.user import AceUser


def first(environment: AceBench, domain: str) -> Task:
    return environment.tasks("sample", domain=domain).tasks[0]


def play(environment: AceBench, task: Task, *says: str, user: Sequence[str] = ("Hello.",)) -> tuple[Any, list[str]]:
    grade, seen = asyncio.run(
        play_actions(environment, task, [Action(text) for text in says], [Action(line) for line in user])
    )
    return grade, [one.text for one in seen]


def test_the_sample_has_all_kinds() -> None:
    tasks = AceBench().tasks("sample")
    kinds = Counter(task.payload["category"] for task in tasks)
    assert kinds.keys() == {*AGENT, *NORMAL, *SPECIAL}
    assert sum(kinds[name] for name in AGENT) >= 30
    assert sum(kinds[name] for name in (*NORMAL, *SPECIAL)) >= 20
    worlds = {name for task in tasks for name in task.payload["entry"].get("involved_classes", ())}
    assert worlds == {"BaseApi", "MessageApi", "ReminderApi", "FoodPlatform", "Travel"}


@pytest.mark.parametrize("protocol", ["official", "fixed"])
def test_references_of_the_sample_score_1(protocol: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--env", f"acebench:protocol={protocol}"]) == 0
    assert "67 of 67 reference solutions score 1" in capsys.readouterr().out


def test_a_conversation_is_graded_by_milestones_with_the_final_state_beside_it() -> None:
    environment = AceBench()
    task = first(environment, "multi-turn")
    stones = task.payload["answer"]["mile_stone"]
    grade, seen = play(environment, task, *stones, "Done.")
    assert (grade.score, grade.measures) == (1.0, {"process": 1.0, "end_to_end": 1.0})
    assert seen[-1] == "finish conversation"  # what the user's stop is in this benchmark
    assert seen[2].startswith("execution: [{'status': True")
    grade, _ = play(environment, task, *stones[:-1], "Done.")
    assert (grade.score, grade.measures["end_to_end"]) == (1 - 1 / len(stones), 0.0)


def test_calls_are_the_agents_alone() -> None:
    environment = AceBench()
    task = first(environment, "multi-turn")
    episode = environment.begin(task, seed=0, services=PlainServices(environment))
    heard = []
    for text in ("Hello.", "[turn_on_wifi()]", "What else?"):
        actor = "user" if episode.observation.turn == "user" else "agent"
        episode.observation = episode.act(Action(text))
        heard.append(episode.audience(actor, Action(text)))
    assert heard == [("agent", "user"), ("agent",), ("agent", "user")]
    twin = episode.fork()
    for one in (episode, twin):
        one.observation = one.act(Action("go on"))
    episode.act(Action("[delete_message(message_id=1)]"))
    assert "'message_id': 4" in twin.act(Action("[get_earliest_message_id()]")).text


class Scripted:
    """Services whose model says given lines, and that keep what it was told."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)
        self._render = PlainServices(AceBench()).render
        self.told: list[list[Message]] = []

    def render(self, template: str, **variables: Any) -> str:
        return self._render(template, **variables)

    async def complete(self, messages: Sequence[Message], *_: Any, **__: Any) -> Completion:
        self.told.append(list(messages))
        return Completion(next(self._lines))


@pytest.mark.parametrize(("domain", "shown"), [("multi-turn", True), ("multi-step", False)])
def test_in_steps_the_agent_does_not_see_its_own_messages(domain: str, shown: bool) -> None:
    environment = AceBench()
    episode = environment.begin(first(environment, domain), seed=0, services=PlainServices(environment))
    if domain == "multi-turn":
        episode.observation = episode.act(Action("Hello."))
    services = Scripted("[turn_on_wifi()]", "[login_device()]")
    agent = AceAgent()
    agent.start(AgentStart(services, "MEMORY", 1))
    for _ in range(2):
        episode.observation = episode.act(asyncio.run(agent.act(episode.observation)))
    system, *others = services.told[1]
    assert system.text.endswith("MEMORY")
    assert ("turn_on_wifi()" in "".join(one.text for one in others)) is shown
    assert "execution" in others[-1].text


def test_the_user_is_told_who_it_is_and_how_to_end() -> None:
    services = Scripted("Hi.", "finish conversation")
    user = AceUser()
    user.start(UserStart(services))
    opening = Observation("Good day.", "user", messages=(Message("system", "You are Amara."),))
    assert asyncio.run(user.act(opening)).text == "Hi."
    assert asyncio.run(user.act(Observation("Done.", "user"))).text == "finish conversation"
    assert "You are Amara." in services.told[0][0].text
    assert "write: finish conversation" in services.told[0][0].text
    assert "###" not in services.told[0][0].text


def test_upstreams_steps_are_prompted_in_chinese_unless_that_is_repaired() -> None:
    for protocol, word in (("official", "函数列表"), ("fixed", "# Functions")):
        environment = AceBench(protocol=protocol)  # type: ignore[arg-type]
        episode = environment.begin(first(environment, "multi-step"), seed=0, services=PlainServices(environment))
        assert word in episode.observation.messages[0].text


def test_a_single_turn_is_one_answer() -> None:
    environment = AceBench()
    task = first(environment, "normal")
    grade, seen = play(environment, task, "[Bakery_setOven(deck=2, celsius=240)]", user=())
    assert (grade.score, grade.truth["error_type"], seen[-1]) == (1.0, None, "The answer was recorded.")
    grade, _ = play(environment, task, "[Bakery_setOven(deck=2)]", user=())
    assert (grade.score, grade.measures, grade.truth["error_type"]) == (
        0.0,
        {"process": 0.0, "end_to_end": 0.0},
        "lack_args",
    )


def test_every_task_of_the_sample_can_go_wrong_by_a_skill_that_others_have_too() -> None:
    environment = AceBench()
    tasks = environment.tasks("sample")
    skills: Counter[str] = Counter()
    for task in tasks:
        pitfalls = asyncio.run(find(task, environment)).pitfalls
        assert pitfalls, task.id
        skills.update(one.skill for one in pitfalls)
    shared = sum(count for count in skills.values() if count > 1)
    assert shared > 0.8 * skills.total()


def test_a_scripted_user_says_the_brief_in_the_first_person() -> None:
    brief = "Your name is Ada. You want tea. You will respond to the agent but will not proactively provide any information."
    assert opening_line(brief) == "my name is Ada. I want tea."
    assert opening_line("你是Ada，你要喝茶。你会对agent做出反应，但不会主动提供信息。") == "我是Ada，我要喝茶。"


def test_what_is_not_there_is_one_line() -> None:
    with pytest.raises(DataError, match="no items in 'zh', only in: en"):
        AceBench(language="zh").tasks("sample")
    with pytest.raises(UnknownNameError, match="protocol"):
        AceBench(protocol="best")  # type: ignore[arg-type]


def test_memory_helps_on_the_sample_and_gradings_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["eval", "--env", "acebench", "--orders", "2", "--out", "official", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    none, memory = (one["measures"] for one in found["conditions"])
    assert memory["process"]["mean"] > none["process"]["mean"] + 0.03
    assert memory["end_to_end"]["mean"] > none["end_to_end"]["mean"] + 0.03
    few = ["--domain", "multi-step", "--limit", "2", "--orders", "1", "--memory", "none"]
    for protocol in ("official", "fixed"):
        assert run(["eval", "--env", f"acebench:protocol={protocol}", *few, "--out", f"few-{protocol}"]) == 0
        assert f"protocol {protocol}, language en, ceiling all" in capsys.readouterr().out
    assert run(["compare", "few-official", "few-fixed"]) == 2
    assert "cannot be compared" in capsys.readouterr().err
