"""Scenarios as episodes: turns, limits, crashes, users, scores."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import rbsuite
from rbsuite.environments.base import PlainServices
from rbsuite.environments.replay import play_actions
from rbsuite.environments.users import STOP, UserStart
from rbsuite.models.base import Completion
from rbsuite.trajectory import Action, Grade, Message, Observation, ToolCall, ToolSpec
from rbsuite_toolsandbox import categories, categories_text
from rbsuite_toolsandbox.__main__ import main
from rbsuite_toolsandbox.environment import ToolSandbox, ToolSandboxEpisode
from rbsuite_toolsandbox.resources import sample_directory
from rbsuite_toolsandbox.user import SandboxUser

END = Action.call("end_conversation", id="end")


@pytest.fixture(scope="module")
def environment() -> ToolSandbox:
    environment = ToolSandbox()
    environment.tasks("sample")
    return environment


def begun(environment: ToolSandbox, name: str) -> ToolSandboxEpisode:
    task = environment.tasks("sample").by_id[name]
    return environment.begin(task, seed=0, services=PlainServices(environment))


def act(episode: ToolSandboxEpisode, action: Action) -> Observation:
    episode.observation = episode.act(action)
    return episode.observation


def finished(episode: ToolSandboxEpisode) -> Grade:
    assert episode.observation.turn == "over"
    return episode.grade("max_steps" if episode.truncated else "finished")


def test_a_scenario_from_its_opening_to_the_users_tool(environment: ToolSandbox) -> None:
    episode = begun(environment, "wifi_back_on")
    opening = episode.observation
    assert (opening.text, opening.turn) == ("Could you switch my wifi on?", "agent")
    assert [tool.name for tool in opening.tools] == ["get_wifi_status", "set_wifi_status"]
    assert "Have the wifi switched on" not in str(opening)  # the brief is the user's alone
    half = act(episode, Action.call("set_wifi_status", {"on": True}, id="a"))
    assert [(result.id, result.text) for result in half.results] == [("a", "None")]
    twin = episode.fork()
    told = act(episode, Action("Your wifi is switched on."))
    assert (told.turn, [tool.name for tool in told.tools]) == ("user", ["end_conversation"])
    assert told.messages[0] == Message("system", "Have the wifi switched on.")
    act(episode, END)
    grade = finished(episode)
    assert (grade.score, grade.measures["milestone_similarity"], grade.truth["turn_count"]) == (1.0, 1.0, 3)
    act(twin, Action("I will not."))
    act(twin, Action(STOP))
    assert finished(twin).score < 1.0


def test_code_is_only_words_and_an_unknown_tool_ends_the_scenario_with_nothing(environment: ToolSandbox) -> None:
    episode = begun(environment, "wifi_back_on")
    code = "print(set_wifi_status(on=True))"
    assert act(episode, Action(code)) == Observation(
        code, "user", messages=episode.observation.messages, **_rest(episode)
    )
    act(episode, Action("Go on."))
    seen = act(episode, Action.call("set_cellular_service_status", {"on": True}))  # a tool, but none of this scenario
    assert seen.turn == "over"
    grade = finished(episode)
    assert (grade.score, grade.truth["turn_count"]) == (0.0, 30)
    assert "set_cellular_service_status" in grade.truth["crash"]


def _rest(episode: ToolSandboxEpisode) -> Mapping[str, Any]:
    return {"tools": episode.observation.tools, "data": episode.observation.data}


def test_the_limit_of_messages_cuts_a_scenario_which_is_scored_as_it_stands(environment: ToolSandbox) -> None:
    episode = begun(environment, "wifi_back_on")
    act(episode, Action.call("set_wifi_status", {"on": True}))
    act(episode, Action("Your wifi is switched on."))
    turns = 3
    while act(episode, Action("More?" if episode.observation.turn == "agent" else "Yes.")).turn != "over":
        turns += 1
    assert (turns, episode.truncated) == (29, True)
    assert finished(episode).score == 1.0


def test_parallel_calls_must_succeed_in_every_order(environment: ToolSandbox) -> None:
    episode = begun(environment, "wifi_under_battery_saver")
    off = ToolCall("off", "set_low_battery_mode_status", {"on": False})
    on = ToolCall("on", "set_wifi_status", {"on": True})
    seen = act(episode, Action(calls=(off, on)))  # in this order both succeed, in the other one the radio is refused
    assert [result.id for result in seen.results] == ["on", "off"]
    assert seen.results[0].text == "PermissionError: Wifi cannot be turned on in low battery mode"
    many = [ToolCall(f"{number}", "get_wifi_status") for number in range(5)]
    assert {result.text for result in act(episode, Action(calls=tuple(many))).results} == {"False"}
    failing = Action(calls=(*many, on, ToolCall("again", "set_wifi_status", {"on": True})))
    first = act(episode, failing).results
    assert [result.id for result in first[:5]] == [call.id for call in many]
    assert [result.text for result in first[5:]] == ["None", "ValueError: wifi already enabled"]


def test_tools_may_be_hidden_and_others_added(tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    tools = {"tool_deny_list": None, "trace_tool": True, "max_messages": 30, "base": "text_a_friend"}
    variants = [
        {
            **tools,
            "name": "text_a_friend_all_tools",
            "categories": ["ALL_TOOLS_AVAILABLE"],
            "tool_allow_list": None,
            "tool_augmentation_list": [],
        },
        {
            **tools,
            "name": "text_a_friend_3_distraction_tools_tool_name_scrambled",
            "categories": ["THREE_DISTRACTION_TOOLS", "TOOL_NAME_SCRAMBLED"],
            "tool_allow_list": ["search_contacts", "send_message_with_phone_number", "search_messages"],
            "tool_augmentation_list": ["TOOL_NAME_SCRAMBLED"],
        },
    ]
    (tmp_path / "pack" / "augmented.jsonl").write_text("\n".join(map(json.dumps, variants)), "utf-8")
    environment = ToolSandbox()
    everything, scrambled = environment.tasks("augmented", data=str(tmp_path / "pack"))
    assert everything.group == scrambled.group == "texting"
    open_ = environment.begin(everything, seed=0, services=PlainServices(environment))
    assert len(open_.observation.tools) == 33
    closed = environment.begin(scrambled, seed=0, services=PlainServices(environment))
    assert [tool.name for tool in closed.observation.tools] == ["contact_3", "messaging_1", "messaging_0"]
    for task in (everything, scrambled):
        solution = environment.solution(task)
        assert asyncio.run(play_actions(environment, task, solution.actions, solution.user))[0].score == 1.0
    assert act(closed, Action.call("search_contacts", {"name": "Oskar"})).turn == "over"  # its name here is contact_3


def test_a_minefield_makes_the_score_nothing(environment: ToolSandbox) -> None:
    task = environment.tasks("sample").by_id["text_to_a_stranger"]
    call = Action.call(
        "send_message_with_phone_number", {"phone_number": "+12185550100", "content": "The gate is open."}
    )
    grade, _ = asyncio.run(play_actions(environment, task, [call, Action("Done.")], [END]))
    assert (grade.score, grade.measures["milestone_similarity"]) == (0.0, 1.0)
    assert grade.measures["minefield_similarity"] > 0
    assert asyncio.run(play_actions(environment, task, [Action()], [END]))[0].score == 1.0


def test_scores_with_network_tools_are_tagged_and_recorded_answers_come_first(tmp_path: Path) -> None:
    plain = ToolSandbox()
    task = plain.tasks("sample").by_id["share_symbol"]
    action = Action.call("search_stock", {"query": "Northlight Ferries"})
    grade, seen = asyncio.run(play_actions(plain, task, [action, Action("NLFR")], [END]))
    assert grade.truth["tags"] == ["fixture"]
    assert "'symbol': 'NLFR'" in seen[1].text
    recorded = {
        "url": "https://real-time-finance-data.p.rapidapi.com/search",
        "params": {"query": "Northlight Ferries"},
        "response": {"data": {"stock": [{"symbol": "OLD:NYSE"}]}},
    }
    (tmp_path / "answers.json").write_text(json.dumps([recorded]), "utf-8")
    other = ToolSandbox(fixtures=str(tmp_path / "answers.json"))
    assert other.tasks("sample").content_hash != plain.tasks("sample").content_hash
    _, seen = asyncio.run(play_actions(other, task, [action], [END]))
    assert seen[1].text == "{'symbol': 'OLD'}"


class Scripted:
    """Services of a user whose model ends the conversation; keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[Message]] = []

    def render(self, template: str, **variables: Any) -> str:
        return PlainServices(ToolSandbox()).render(template, **variables)

    async def complete(
        self, messages: list[Message], tools: tuple[ToolSpec, ...] = (), *, temperature: float | None = None
    ) -> Completion:
        self.asked.append(list(messages))
        return Completion("", (ToolCall("c", tools[0].name),))


def test_the_user_is_told_its_brief_and_has_spoken_before(environment: ToolSandbox) -> None:
    episode, services, user = begun(environment, "wifi_back_on"), Scripted(), SandboxUser()
    user.start(UserStart(services))
    act(episode, Action("Your wifi is switched on."))
    action = asyncio.run(user.act(episode.observation))
    assert act(episode, action).turn == "over"
    system, opening, heard = services.asked[0]
    assert system.role == "system"
    assert "Have the wifi switched on." in system.text
    assert (opening.role, opening.text) == ("assistant", "Could you switch my wifi on?")
    assert (heard.role, heard.text) == ("user", "Your wifi is switched on.")


def test_memory_helps_the_simulated_learner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with rbsuite.evaluate("toolsandbox", out=tmp_path / "run", orders=1, limit=20, progress=False) as experiment:
        none, memory = experiment.summary().conditions
        assert memory.success.mean > none.success.mean
        figures = {(one.category, one.condition.memory): one for one in categories(experiment)}
        assert figures["ALL_CATEGORIES", "none"].tasks == 20
        assert "STATE_DEPENDENCY" in categories_text(list(figures.values()))
        assert main([str(experiment.directory)]) == 0
        assert "ALL_CATEGORIES" in capsys.readouterr().out
        assert main([str(experiment.directory), "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)) == len(figures)
        assert any(record.ops for record in experiment.records() if record.ops)
        shown = json.dumps([record.rollouts[0].trajectory.query for record in experiment.records()])
        assert "milestone" not in shown


def test_what_the_figures_print_is_inert(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "no\x1b[2Jwhere")]) == 2
    assert "\x1b" not in capsys.readouterr().err
