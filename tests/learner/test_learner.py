"""The simulated models: their rates are those of their options, and what they read is text alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from experiments import SURE, core_plugins, mean, measure, records_of, scores
from post import PostPlugin
from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode, TaskAwareModel
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.judges.verdicts import parse_verdict
from rbsuite.learner.controls import SimulatedNoop, SimulatedRandom
from rbsuite.learner.simulated import SimulatedLearner, SimulatedOracle
from rbsuite.memories.markdown import parse_items
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.factory import is_simulated, make_model
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolSpec

LEFT = Lesson("Turn left", "Always turn left at the oak.", "I go right, that looks shorter.")
DOOR = Lesson("Shut the door", "Shut the door behind you.", "The door can stay open.")
TURN, SHUT = Action.call("turn", {"to": "left"}), Action.call("shut")
TOOLS = (ToolSpec("turn", "turns"), ToolSpec("shut", "shuts"))
WAY = Task("t", "t", "way", "Go home.")


class Way(SyncEnvironment):
    """Home is on the left; the door has to be shut.

    Args:
        actions: the solution; the last is a text.
        user: what the user does in it.
    """

    def __init__(self, actions: Sequence[Action] = (TURN, SHUT, Action("Done.")), user: Sequence[Action] = ()) -> None:
        self._solution = Solution(tuple(actions), tuple(user))

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        return TaskSet("way", split, (WAY,))

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> Walk:
        return Walk()

    def solution(self, task: Task) -> Solution:
        return self._solution

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        right = Action.call("turn", {"to": "right"})
        return (Mistake("left", {0: (right,)}), Mistake("door", {1: ()})) if len(self._solution.actions) == 3 else ()

    def lessons(self) -> Mapping[str, Lesson]:
        return {"left": LEFT, "door": DOOR}


class Walk(SyncEpisode):
    def __init__(self) -> None:
        self._done: list[str] = []
        self.observation = Observation("Go home.", tools=TOOLS)

    def act(self, action: Action) -> Observation:
        self._done += [f"{call.name} {dict(call.arguments)}" for call in action.calls]
        return Observation("ok", "agent" if action.calls else "over", "tool")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._done == ["turn {'to': 'left'}", "shut {}"]))


def bound(model: TaskAwareModel, environment: Way | None = None) -> ChatModel:
    way = environment or Way()
    return asyncio.run(model.for_task(WAY, way, way))


def ask(
    model: ChatModel,
    prompt: str,
    purpose: Purpose = "agent",
    *,
    session: int = 0,
    seed: int = 0,
    group: int = 0,
    tools: Sequence[ToolSpec] = TOOLS,
    before: Sequence[Message] = (),
) -> Completion:
    messages = (Message("system", prompt), Message("user", "Go home."), *before)
    return asyncio.run(
        model.complete(ModelRequest(messages, purpose, tuple(tools), seed=seed, session=session, group=group))
    )


def play(model: ChatModel, prompt: str, session: int = 0, *, group: int = 0, checks: int = 0) -> list[str]:
    """What the model does until it only talks and need not check its answer any more."""
    said: list[Message] = []
    done: list[str] = []
    for _ in range(30):
        completion = ask(model, prompt, session=session, group=group, before=said)
        said.append(Message("assistant", completion.text, completion.tool_calls))
        if not completion.tool_calls and not checks:
            return [*done, completion.text]
        if not completion.tool_calls:
            checks -= 1
            said.append(Message("user", "Check this answer once more."))
        for call in completion.tool_calls:
            done.append(f"{call.name} {dict(call.arguments)}")
            said.append(Message("tool", "ok", tool_call_id=call.id))
    raise AssertionError("it never ends")


def test_oracle_carries_out_the_solution() -> None:
    assert play(bound(SimulatedOracle()), "") == ["turn {'to': 'left'}", "shut {}", "Done."]


def test_learner_makes_the_mistake_of_every_skill_it_lacks_unless_it_reads_the_lesson() -> None:
    model = bound(SimulatedLearner(known=0, follow=1, slip=0))
    assert play(model, "Be nice.") == ["turn {'to': 'right'}", "Done."]
    assert play(model, f"Be nice. {LEFT.lesson}") == ["turn {'to': 'left'}", "Done."]
    assert play(model, f"{DOOR.lesson}\n{LEFT.lesson}") == ["turn {'to': 'left'}", "shut {}", "Done."]
    assert play(model, f"{LEFT.title}. {DOOR.title}.") == ["turn {'to': 'right'}", "Done."], "a title is no lesson"


def test_what_is_thought_shows_what_was_known() -> None:
    model = bound(SimulatedLearner(known=0, follow=1, slip=0))
    assert ask(model, "").reasoning == LEFT.symptom
    assert ask(model, LEFT.lesson).reasoning == LEFT.lesson
    for prompt in ("", LEFT.lesson, DOOR.lesson):
        assert "Done." not in play(model, prompt)[:-1]
        assert play(model, prompt)[-1] == "Done.", "nothing of it is said"


WRITTEN = 'Action:\n{"name": "...", "arguments": {...}}'
"""How agents that write their actions are told to."""


@pytest.mark.parametrize(
    ("form", "tools"), [(WRITTEN, ()), ('"executable_plan"', ()), ('"action_id"', ()), ("", ()), ("", TOOLS)]
)
def test_no_form_of_a_reply_holds_what_is_thought(form: str, tools: Sequence[ToolSpec]) -> None:
    reply = ask(bound(SimulatedLearner(known=0, slip=0)), form, tools=tools)
    assert LEFT.symptom in reply.reasoning
    assert LEFT.symptom not in reply.text


def test_several_calls_are_made_at_once_and_made_up_for_where_only_some_were_carried_out() -> None:
    way = Way((Action(calls=(*TURN.calls, *SHUT.calls)), Action("Done.")))
    model = bound(SimulatedOracle(), way)
    assert play(model, "") == ["turn {'to': 'left'}", "shut {}", "Done."]
    first = ask(model, "")
    assert [call.name for call in first.tool_calls] == ["turn", "shut"]
    kept = [Message("assistant", "", first.tool_calls[:1]), Message("tool", "ok")]
    assert [call.name for call in ask(model, "", before=kept).tool_calls] == ["shut"]
    assert '"turn"' in ask(model, WRITTEN, tools=()).text
    assert '"shut"' in ask(model, WRITTEN, tools=(), before=[Message("assistant", "")]).text


def shares(options: dict[str, float], groups: int, *, checks: int = 0, rollouts: int = 1, prompt: str = "") -> float:
    """How often at least one of the rollouts of a task turns left, at the last try."""
    model = bound(SimulatedLearner(slip=0, follow=1, **options))
    told = f"{DOOR.lesson} {prompt}"

    def turns_left(group: int, index: int) -> bool:
        done = play(model, told, 1000 * group + index, group=group, checks=checks)
        return [act for act in done if act.startswith("turn")][-1] == "turn {'to': 'left'}"

    return mean([float(any(turns_left(group, index) for index in range(rollouts))) for group in range(1, groups + 1)])


ATTEMPTS = "# Earlier attempts at this task\n\n" + "\n".join(
    f"Attempt {n}\n{fence(f'Thought 1: {LEFT.symptom}', 'attempt')}" for n in range(1, 5)
)


def test_scaling_without_memory_helps_within_bounds() -> None:
    """The bounds that docs/models.md states, for a task with one pitfall, where they are nearest."""
    once = shares({}, 400)
    assert once == pytest.approx(0.3, abs=0.06)
    assert 0.02 < shares({}, 400, checks=4) - once <= 0.15
    assert 0.02 < shares({}, 400, prompt=ATTEMPTS) - once <= 0.15
    assert 0.05 < shares({}, 400, rollouts=5) - once <= 0.2


def test_what_it_followed_in_an_earlier_attempt_teaches_it_nothing() -> None:
    model = bound(SimulatedLearner(known=0, follow=1, slip=0, notice=0))
    attempt = f"# Earlier attempts at this task\n\nAttempt 1\n{fence(LEFT.lesson, 'attempt')}"
    assert play(model, attempt)[0] == "turn {'to': 'right'}"
    assert play(model, f"{LEFT.lesson}\n{attempt}\n{DOOR.lesson}") == ["turn {'to': 'left'}", "shut {}", "Done."]


def test_what_rollouts_of_a_task_know_is_alike_as_the_options_say() -> None:
    assert shares({"vary": 0}, 300, rollouts=5) == shares({"vary": 0}, 300)
    assert shares({"vary": 1}, 300, rollouts=5) == pytest.approx(1 - 0.7**5, abs=0.07)
    assert shares({"notice": 0}, 300, checks=4) == shares({"notice": 0}, 300)


def share(options: dict[str, float], prompt: str) -> float:
    model = bound(SimulatedLearner(slip=0, **options))
    return mean([float("turn {'to': 'left'}" in play(model, prompt, session)) for session in range(600)])


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.8, 1.0])
def test_rates_of_knowing_and_following_are_those_of_the_options(rate: float) -> None:
    assert share({"known": rate, "follow": 1.0}, "") == pytest.approx(rate, abs=0.06 if 0 < rate < 1 else 0)
    assert share({"known": 0.0, "follow": rate}, LEFT.lesson) == pytest.approx(rate, abs=0.06 if 0 < rate < 1 else 0)


def test_a_lesson_never_hurts() -> None:
    model = bound(SimulatedLearner(known=0.4, follow=0.7, slip=0))
    for session in range(300):
        alone, told = play(model, "", session), play(model, LEFT.lesson, session)
        assert ("turn {'to': 'left'}" in told) >= ("turn {'to': 'left'}" in alone)


def test_slip_cuts_a_rollout_at_its_rate() -> None:
    model = bound(SimulatedLearner(known=1, slip=0.25))
    cut = mean([float(play(model, "", session)[-1] != "Done.") for session in range(600)])
    assert cut == pytest.approx(0.25, abs=0.06)


def test_judge_errs_at_its_rate() -> None:
    transcript = 'Action 1: turn({"to": "left"})\nAction 2: shut({})\nAction 3: Done.'
    bad = f"{transcript}\nThought: {DOOR.symptom}"
    model = bound(SimulatedLearner(judge_accuracy=0.8))
    for text, label in ((transcript, "success"), (bad, "failure"), ("nothing was done", "failure")):
        verdicts = [parse_verdict(ask(model, text, "judge", session=session).text) for session in range(400)]
        assert all(verdict is not None for verdict in verdicts)
        right = mean([float(verdict is not None and verdict.label == label) for verdict in verdicts])
        assert right == pytest.approx(0.8, abs=0.07)


PROMPT = "Write at most 3 memory items.\n# Memory Item 1\n\nOutcome: {label}\n{text}"


def test_extractor_writes_about_what_the_text_shows() -> None:
    model = bound(SimulatedLearner(malformed=0, useless=0))

    def learnt(label: str, text: str) -> list[str]:
        reply = ask(model, PROMPT.format(label=label, text=text), "memory").text
        parsed = parse_items(reply, 3)
        assert parsed.problem == ""
        return [draft.content for draft in parsed.drafts]

    assert learnt("success", LEFT.lesson) == [LEFT.lesson]
    assert learnt("failure", f"{DOOR.symptom} {LEFT.symptom}") == [DOOR.lesson, LEFT.lesson]
    for label, text in (
        ("failure", LEFT.lesson),
        ("success", LEFT.symptom),
        ("success", "nothing"),
        ("unknown", LEFT.lesson),
    ):
        [commonplace] = learnt(label, text)
        assert commonplace not in (LEFT.lesson, DOOR.lesson)


def test_extractor_breaks_the_form_at_its_rate() -> None:
    model = bound(SimulatedLearner(malformed=0.3, useless=0))
    text = PROMPT.format(label="success", text=LEFT.lesson)
    broken = [bool(parse_items(ask(model, text, "memory", seed=seed).text, 3).problem) for seed in range(600)]
    assert mean([float(one) for one in broken]) == pytest.approx(0.3, abs=0.06)


def test_extractor_keeps_to_the_heading_and_the_limit_of_the_prompt() -> None:
    model = bound(SimulatedLearner(malformed=0, useless=0))
    text = f"Write at most 1 workflow.\n# Workflow 1\n\nOutcome: success\n{LEFT.lesson} {DOOR.lesson}"
    assert len(parse_items(ask(model, text, "memory").text, 5, "Workflow").drafts) == 1


def test_selector_picks_the_rollout_with_the_fewest_mistakes() -> None:
    model = bound(SimulatedLearner())
    prompt = f"Rollout 0\n{LEFT.symptom} {DOOR.symptom}\nRollout 1\nfine\nRollout 2\n{DOOR.symptom}"
    assert json.loads(ask(model, prompt, "select").text)["index"] == 1
    assert json.loads(ask(model, "Rollout 0\nfine\nRollout 1\nfine", "select").text)["index"] == 0


def speaking(*user: Action) -> ChatModel:
    return bound(SimulatedLearner(), Way(user=user))


def test_user_says_its_lines_and_stops_when_nothing_is_asked() -> None:
    model = speaking(Action("Please go home."), Action("Yes."))
    opening = ask(model, "You play a customer.", "user", tools=()).text
    assert opening == "Please go home."
    asked = [Message("assistant", opening), Message("user", "Shall I?")]
    assert ask(model, "You play a customer.", "user", before=asked, tools=()).text == "Yes."
    answered = [*asked, Message("assistant", "Yes."), Message("user", "It is done.")]
    assert ask(model, "You play a customer.", "user", before=answered, tools=()).text == "###STOP###"


def test_user_takes_its_own_tools_where_it_is_offered_any() -> None:
    look = ToolCall("", "look", {"at": "door"})
    model = speaking(Action("Is it shut?"), Action(calls=(look,)), Action("It is."))
    tools = (ToolSpec("look", "looks"),)
    told = [Message("assistant", "Is it shut?"), Message("user", "Please look at the door.")]
    [call] = ask(model, "You play a customer.", "user", before=told, tools=tools).tool_calls
    assert (call.name, call.arguments) == ("look", {"at": "door"})
    looked = [*told, Message("assistant", "", (call,)), Message("tool", "It is shut.")]
    assert ask(model, "You play a customer.", "user", before=looked, tools=tools).text == "It is."
    asked = [told[0], Message("user", "Is the door shut?")]
    assert ask(model, "You play a customer.", "user", before=asked, tools=()).text == "It is."


@pytest.mark.parametrize("kind", [SimulatedLearner, SimulatedOracle, SimulatedNoop, SimulatedRandom])
def test_unbound_simulation_refuses(kind: type[SimulatedLearner]) -> None:
    with pytest.raises(ModelError, match="--model"):
        ask(kind(), "")


def test_controls_act_by_their_own_rule() -> None:
    assert play(bound(SimulatedNoop()), LEFT.lesson) == ["I am not able to help with this."]
    acts = {ask(bound(SimulatedRandom()), "", seed=seed).text or "tool" for seed in range(50)}
    assert "tool" in acts
    assert len(acts) > 1
    assert ask(bound(SimulatedRandom()), "", seed=3) == ask(bound(SimulatedRandom()), "", seed=3)


def test_calls_are_metered_and_cost_nothing() -> None:
    completion = ask(bound(SimulatedOracle()), "x" * 400)
    assert (completion.usage.calls, completion.usage.cost) == (1, 0.0)
    assert completion.usage.input_tokens > ask(bound(SimulatedOracle()), "").usage.input_tokens
    assert completion.usage.output_tokens > 0
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize("purpose", ["agent", "judge", "memory", "select", "user"])
def test_prompt_of_another_form_is_answered_too(purpose: Purpose) -> None:
    """A plugin's prompts need not look like the core's."""
    for prompt in ("", "Sum this up.", "Outcome: success"):
        assert isinstance(ask(bound(SimulatedLearner()), prompt, purpose).text, str)


def test_same_request_same_reply() -> None:
    for purpose in ("agent", "judge", "memory", "select", "user"):
        replies = {ask(bound(SimulatedLearner()), "Rollout 0\nx", purpose, session=5, seed=9).text for _ in range(3)}
        assert len(replies) == 1


def test_every_simulation_is_declared_as_one() -> None:
    plugins = core_plugins()
    names = [name for name in plugins.models if name.startswith("sim/")]
    assert len(names) == 4
    for name in names:
        assert is_simulated(name, plugins)
        model, spec = make_model(name, plugins)
        assert model.name == name
        assert spec is not None
        assert "simulated" in spec.summary
    assert not is_simulated("openai/gpt-4o", plugins)


def test_bounds_of_an_environment(tmp_path: Path) -> None:
    """The oracle solves all, the one who does nothing solves nothing, the learner stands between."""
    found = {}
    for name in ("oracle", "learner", "noop", "random"):
        with measure(tmp_path / name, memory=("none",), model=f"sim/{name}") as store:
            found[name] = mean(scores(store, "none"))
            assert store.manifest.facts["simulated"] is True
    assert found["oracle"] == 1.0
    assert found["noop"] == found["random"] == 0.0
    assert 0.0 < found["learner"] < 1.0


def test_memory_helps_more_than_scaling_without_it(tmp_path: Path) -> None:
    """In a world with a customer, tools, and pitfalls that were found: the ranges that docs/models.md states."""
    scaling = ("single", "sequential:5", "parallel:5")
    with measure(tmp_path, PostPlugin(), env="post", scaling=scaling, orders=4) as store:
        rates: dict[tuple[str, str], list[float]] = {}
        for info in store.manifest.runs:
            for record in store.records(info.id):
                score = record.rollouts[record.selected].trajectory.score or 0.0
                rates.setdefault((info.condition.memory, info.condition.scaling), []).append(score)
    alone, checked, best = (mean(rates["none", name]) for name in scaling)
    chance = 0.05
    assert -chance <= checked - alone <= 0.15
    assert -chance <= best - alone <= 0.2
    assert mean(rates["reasoningbank", "single"]) - alone > 0.1
    assert mean(rates["reasoningbank", "parallel:5"]) - best > 0.1


def test_true_effect_is_what_the_options_say(tmp_path: Path) -> None:
    """With lessons that are always extracted and followed, what is left of the failures is what no lesson could prevent."""
    with measure(tmp_path, memory=("none", "reasoningbank"), model=f"sim/learner:known=0.25,{SURE}", orders=6) as store:
        assert mean(scores(store, "none")) == pytest.approx(0.25, abs=0.1)
        late = [
            record.rollouts[0].trajectory.score or 0.0
            for _, record in records_of(store, "reasoningbank")
            if record.position >= 12
        ]
        assert mean(late) > 0.9
