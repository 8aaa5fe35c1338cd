"""The simulated models: their rates are those of their options, and what they read is text alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from experiments import SURE, core_plugins, mean, measure, records_of, scores
from rbsuite.environments.solution import Pitfall, Skill, Solution
from rbsuite.errors import ModelError
from rbsuite.judges.self_judge import parse_verdict
from rbsuite.memories.markdown import parse_items
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose, TaskAwareModel
from rbsuite.models.controls import SimulatedNoop, SimulatedRandom
from rbsuite.models.factory import is_simulated, make_model
from rbsuite.models.simulated import SimulatedLearner, SimulatedOracle
from rbsuite.trajectory import Action, Message, ToolSpec

LEFT = Skill("s/left", "Turn left", "Always turn left at the oak.", "I go right, that looks shorter.")
DOOR = Skill("s/door", "Shut the door", "Shut the door behind you.", "The door can stay open.")
TURN, SHUT = Action("tool", name="turn", arguments={"to": "left"}), Action("tool", name="shut", arguments={})
WRONG = Action("tool", name="turn", arguments={"to": "right"})
SOLUTION = Solution(
    (TURN, SHUT, Action(text="Done.")),
    (Pitfall(LEFT.id, {0: (WRONG,)}), Pitfall(DOOR.id, {1: ()})),
    ("Please go home.", "Yes."),
)
TOOLS = (ToolSpec("turn", "turns"), ToolSpec("shut", "shuts"))


def bound(model: TaskAwareModel) -> ChatModel:
    return model.for_task("t", SOLUTION, (LEFT, DOOR))


def ask(
    model: ChatModel,
    prompt: str,
    purpose: Purpose = "agent",
    *,
    session: int = 0,
    seed: int = 0,
    tools: Sequence[ToolSpec] = TOOLS,
    before: Sequence[Message] = (),
) -> Completion:
    messages = (Message("system", prompt), Message("user", "Go home."), *before)
    return asyncio.run(model.complete(ModelRequest(messages, purpose, tuple(tools), seed=seed, session=session)))


def play(model: ChatModel, prompt: str, session: int = 0) -> list[str]:
    """What the model does until it only talks."""
    said: list[Message] = []
    done: list[str] = []
    for _ in range(6):
        completion = ask(model, prompt, session=session, before=said)
        if not completion.tool_calls:
            return [*done, completion.text]
        call = completion.tool_calls[0]
        done.append(f"{call.name} {dict(call.arguments)}")
        said += [Message("assistant", completion.text, (call,)), Message("tool", "ok", tool_call_id=call.id)]
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
    assert LEFT.symptom in ask(model, "").text
    told = ask(model, LEFT.lesson).text
    assert LEFT.lesson in told
    assert LEFT.symptom not in told


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


def test_user_says_its_lines_and_stops_when_nothing_is_asked() -> None:
    model = bound(SimulatedLearner())
    opening = ask(model, "You play a customer.", "user").text
    assert opening == "Please go home."
    asked = [Message("assistant", opening), Message("user", "Shall I?")]
    assert ask(model, "You play a customer.", "user", before=asked).text == "Yes."
    answered = [*asked, Message("assistant", "Yes."), Message("user", "It is done.")]
    assert ask(model, "You play a customer.", "user", before=answered).text == "###STOP###"


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
