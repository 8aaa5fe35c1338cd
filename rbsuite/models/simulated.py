"""The simulated learner: a model that needs no key, whose truth is known.

It is a simulation, and everything made with it says so. It sees a request as any model does, and besides that the reference solution of
the task at hand. Each task exercises named skills; where it lacks a skill it makes that skill's characteristic mistake, unless the
skill's lesson stands in the text of its prompt. What it does right or wrong it says in its reasoning, so that a trajectory shows it; as
judge it looks at the trajectory and errs at a set rate; as extractor it writes items about what the trajectory text shows, sometimes
malformed or useless ones. So a memory helps if and only if a lesson was extracted, stored, retrieved and injected. Nothing here knows
which memory or scaling is running.

This module decides *what* the learner does in each role; :mod:`rbsuite.models.simulated_text` how that is worded, and
:mod:`rbsuite.models.simulated_memory` what it writes when it learns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from rbsuite.environments.solution import Pitfall, Skill, Solution
from rbsuite.models import simulated_memory as memory
from rbsuite.models import simulated_text as text
from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.seeds import derive_seed, unit
from rbsuite.trajectory import Action, Message, ToolCall, Usage
from rbsuite.transcript import render_action

CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Traits:
    """What sets the learner's abilities, and with them the true effect of a memory. All are probabilities.

    Attributes:
        known: that it knows a skill by itself, drawn per rollout and skill.
        follow: that it applies a skill whose lesson stands in its prompt; the same draw as ``known``, so a lesson never hurts.
        notice: that it notices a mistake, each time it checks its answer or is shown an attempt of its own that made it.
        slip: that it loses the thread in a rollout, whatever it knows.
        judge_accuracy: that as judge it says what it sees.
        malformed: that as extractor it does not keep to the required form.
        useless: that as extractor it writes a commonplace instead of what it saw.
    """

    known: float = 0.3
    follow: float = 0.95
    notice: float = 0.15
    slip: float = 0.05
    judge_accuracy: float = 0.85
    malformed: float = 0.05
    useless: float = 0.1


class SimulatedLearner:
    """``sim/learner``. See the module's text; unbound it refuses to complete, since it needs a task.

    Args:
        latency: seconds that every call takes, to see what an experiment would take with a model that is not in process.
        traits: fields of :class:`Traits`.
    """

    name = "sim/learner"

    def __init__(self, *, latency: float = 0.0, **traits: float) -> None:
        self._latency = latency
        self._traits = Traits(**traits)

    def for_task(self, task_id: str, solution: Solution, skills: Sequence[Skill]) -> ChatModel:
        """The learner as it acts on one task."""
        return BoundLearner(self.name, self._latency, self._traits, solution, {skill.id: skill for skill in skills})

    async def complete(self, request: ModelRequest) -> Completion:
        """Always raises: a simulated model acts on tasks that come with a reference solution."""
        raise text.no_solution(self.name)

    async def aclose(self) -> None:
        """Nothing to give back."""


class SimulatedOracle(SimulatedLearner):
    """``sim/oracle``: knows every skill, never slips, never errs."""

    name = "sim/oracle"

    def __init__(self) -> None:
        super().__init__(known=1.0, follow=1.0, slip=0.0, judge_accuracy=1.0, malformed=0.0, useless=0.0)


class BoundLearner:
    """The learner on one task."""

    def __init__(self, name: str, latency: float, traits: Traits, solution: Solution, skills: dict[str, Skill]) -> None:
        self.name = name
        self._latency = latency
        self._traits = traits
        self._solution = solution
        self._skills = skills
        self._plans: dict[tuple[int, frozenset[str]], Sequence[text.Turn]] = {}

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer in the role that the purpose names."""
        roles = {
            "agent": self._act,
            "user": self._speak,
            "judge": self._judge,
            "memory": self._extract,
            "select": self._select,
        }
        if self._latency:
            await asyncio.sleep(self._latency)
        return metered(request, *roles[request.purpose](request))

    async def aclose(self) -> None:
        """Nothing to give back."""

    def _act(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        prompt = "\n".join(message.content for message in request.messages if message.role in ("system", "user"))
        checks, position = text.progress(request.messages)
        missing = self._missing(request.session, prompt, checks)
        plan = self._plan_for(request.session, missing)
        if checks and missing == self._missing(request.session, prompt, checks - 1):
            # Nothing new was noticed, so the answer stands as it was.
            plan = [turn for turn in plan[-1:] if turn.action.kind == "text"]
        return text.word([*plan[position:], text.Turn("", Action(text=text.NOTHING_LEFT))], request, position)

    def _missing(self, session: int, prompt: str, checks: int) -> frozenset[str]:
        """The skills it lacks, after having checked its answer so many times."""
        return frozenset(
            pitfall.skill
            for pitfall in self._solution.pitfalls
            if not self._knows(session, pitfall, prompt) and not self._notices(session, pitfall, prompt, checks)
        )

    def _knows(self, session: int, pitfall: Pitfall, prompt: str) -> bool:
        told = self._skills[pitfall.skill].lesson in prompt
        return unit(session, "knows", pitfall.skill) < (self._traits.follow if told else self._traits.known)

    def _notices(self, session: int, pitfall: Pitfall, prompt: str, checks: int) -> bool:
        chances = checks + text.attempts_showing(prompt, self._skills[pitfall.skill].symptom)
        return any(unit(session, "notices", pitfall.skill, chance) < self._traits.notice for chance in range(chances))

    def _plan_for(self, session: int, missing: frozenset[str]) -> Sequence[text.Turn]:
        key = (session, missing)
        if key not in self._plans:
            self._plans[key] = self._plan(session, missing)
        return self._plans[key]

    def _plan(self, session: int, missing: frozenset[str]) -> Sequence[text.Turn]:
        """The solution with the mistakes of the missing skills, each turn with what is thought at it."""
        actions: dict[int, tuple[Action, ...]] = {
            index: (action,) for index, action in enumerate(self._solution.actions)
        }
        thoughts: dict[int, list[str]] = {}
        for pitfall in self._solution.pitfalls:
            skill = self._skills[pitfall.skill]
            wrong = pitfall.skill in missing
            if wrong:
                actions.update(pitfall.edits)
            thoughts.setdefault(min(pitfall.edits, default=0), []).append(skill.symptom if wrong else skill.lesson)
        if unit(session, "slip") < self._traits.slip:
            cut = derive_seed(session, "cut") % max(1, len(self._solution.actions))
            actions = {index: done for index, done in actions.items() if index < cut}
            thoughts = {index: said for index, said in thoughts.items() if index < cut}
            actions[cut] = (Action(text=text.SLIP),)
        return _place(actions, thoughts)

    def _speak(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        return text.user_reply(request.messages, self._solution.user_lines), ()

    def _judge(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        right = self._looks_right(_content(request.messages))
        if unit(request.session, "judge") >= self._traits.judge_accuracy:
            right = not right
        return text.verdict(right), ()

    def _looks_right(self, transcript: str) -> bool:
        """Whether all reference tool calls (or the reference answer) stand in the transcript, and no mistake shows."""
        calls = [action for action in self._solution.actions if action.kind != "text"]
        wanted = calls or self._solution.actions[-1:]
        symptoms = [skill.symptom for skill in self._skills.values()]
        return all(render_action(action) in transcript for action in wanted) and not any(
            symptom in transcript for symptom in (*symptoms, text.SLIP)
        )

    def _extract(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        prompt = _content(request.messages)
        if unit(request.seed, "malformed") < self._traits.malformed:
            return text.MALFORMED, ()
        skills = self._skills.values()
        useless = unit(request.seed, "useless") < self._traits.useless
        return memory.learnt(prompt, [] if useless else memory.skills_seen(prompt, skills), skills), ()

    def _select(self, request: ModelRequest) -> tuple[str, tuple[ToolCall, ...]]:
        return text.selection(_content(request.messages), self._skills.values()), ()


def metered(request: ModelRequest, reply: str, calls: tuple[ToolCall, ...]) -> Completion:
    """A completion with token counts estimated from lengths; it costs nothing."""
    read = sum(len(message.content) for message in request.messages) + sum(
        len(tool.description) for tool in request.tools
    )
    written = len(reply) + sum(len(call.name) + len(str(call.arguments)) for call in calls)
    usage = Usage(1, read // CHARACTERS_PER_TOKEN, 1 + written // CHARACTERS_PER_TOKEN, 0.0)
    return Completion(reply, calls, usage, "tool_calls" if calls else "stop")


def _content(messages: Sequence[Message]) -> str:
    return "\n".join(message.content for message in messages)


def _place(actions: dict[int, tuple[Action, ...]], thoughts: dict[int, list[str]]) -> Sequence[text.Turn]:
    """Lay the actions out in order, each thought at the tool call nearest before its place (else after, else where it is)."""
    flat = [(index, action) for index in sorted(actions) for action in actions[index]]
    spoken: dict[int, list[str]] = {}
    for place, said in sorted(thoughts.items()):
        tools = [at for at, (_, action) in enumerate(flat) if action.kind != "text"]
        before = [at for at in tools if flat[at][0] <= place]
        after = [at for at in tools if flat[at][0] > place]
        here = next((at for at, (index, _) in zip(count(), flat, strict=False) if index >= place), len(flat) - 1)
        spoken.setdefault(before[-1] if before else after[0] if after else here, []).extend(said)
    return [text.Turn(" ".join(spoken.get(at, ())), action) for at, (_, action) in enumerate(flat)]
