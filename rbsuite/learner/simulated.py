"""The simulated learner: a model that needs no key and has a known ground truth.

It is a simulation, and everything made with it says so. It sees a request as any model does, and also the reference solution of
the current task and the pitfalls that :mod:`rbsuite.learner.pitfalls` finds there. If it lacks the skill that avoids a pitfall, it
makes the mistake, unless the skill's lesson is in the text of its prompt. It says in its reasoning what it does right or wrong, so
that a trajectory shows it; as judge it looks at the trajectory and errs at a set rate; as extractor it writes items about what the
trajectory text shows, sometimes malformed or useless ones. So a memory helps if and only if a lesson was extracted, stored, retrieved and
injected. Nothing here knows which memory or scaling is running.

It knows much the same in all rollouts of a task, and what it did not notice when it checked, it rarely notices later. So further rollouts
and rounds help it, within bounds.

This module decides *what* the learner does in each role; :mod:`rbsuite.learner.wording` decides how that is worded, and
:mod:`rbsuite.learner.lessons` what it writes when it learns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rbsuite.environments.base import Environment, Opener
from rbsuite.frozen import Same
from rbsuite.learner import lessons
from rbsuite.learner import wording as text
from rbsuite.learner.pitfalls import Finder, Lore, Pitfall, carried_out, lessons_of, solution_of
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.seeds import derive_seed, unit
from rbsuite.task import Task
from rbsuite.trajectory import Action, Message, ToolSpec, Usage
from rbsuite.transcript import render_action, render_call

CHARACTERS_PER_TOKEN = 4

STALE = 0.3
"""The factor by which the chance of noticing a mistake shrinks from one check to the next."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What sets the learner's abilities, and with them the true effect of a memory. All are probabilities.

    Attributes:
        known: that it knows a skill without a lesson, drawn per task and skill.
        vary: that a rollout draws anew whether it knows a skill, instead of knowing what the task's other rollouts know.
        follow: that it applies a skill whose lesson is in its prompt; the same draw as ``known``, so a lesson never hurts.
        notice: that it notices a mistake when it first checks its answer or is shown a rollout of its own that made it. Every further
            look adds :data:`STALE` times what the one before added.
        slip: that it loses the thread in a rollout, whatever it knows.
        judge_accuracy: that as judge it says what it sees.
        malformed: that as extractor it does not follow the required form.
        useless: that as extractor it writes a commonplace instead of what it saw.
    """

    known: float = 0.3
    vary: float = 0.12
    follow: float = 0.95
    notice: float = 0.08
    slip: float = 0.05
    judge_accuracy: float = 0.85
    malformed: float = 0.05
    useless: float = 0.1


class SimulatedLearner:
    """``sim/learner``. See the module's docstring; unless bound to a task, it refuses to complete.

    Args:
        latency: seconds that every call takes, to see how long an experiment would take with a model that is not in-process.
        traits: fields of :class:`Traits`.
    """

    name = "sim/learner"

    def __init__(self, *, latency: float = 0.0, **traits: float) -> None:
        self._latency = latency
        self._traits = Traits(**traits)
        self._finder = Finder()

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        """The learner as it acts on one task. See :class:`rbsuite.environments.base.TaskAwareModel`."""
        return BoundLearner(self.name, self._latency, self._traits, await self._finder.lore(task, environment, opener))

    async def complete(self, request: ModelRequest) -> Completion:
        """Always raises: a simulated model acts on tasks that come with a reference solution."""
        raise text.no_solution(self.name)

    async def aclose(self) -> None:
        """Nothing to release."""


class SimulatedOracle(SimulatedLearner):
    """``sim/oracle``: carries out the solution, never slips and never errs, so no pitfalls are searched for."""

    name = "sim/oracle"

    def __init__(self) -> None:
        super().__init__(known=1.0, follow=1.0, slip=0.0, judge_accuracy=1.0, malformed=0.0, useless=0.0)

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        """The oracle on one task. See :class:`rbsuite.environments.base.TaskAwareModel`."""
        lore = Lore(solution_of(task, environment), (), lessons_of(environment))
        return BoundLearner(self.name, self._latency, self._traits, lore)


class BoundLearner:
    """The learner on one task.

    Args:
        name: the model's name.
        latency: seconds that every call takes.
        traits: its abilities.
        lore: the task's solution and pitfalls.
    """

    def __init__(self, name: str, latency: float, traits: Traits, lore: Lore) -> None:
        self.name = name
        self._latency = latency
        self._traits = traits
        self._lore = lore
        self._plans: dict[tuple[int, frozenset[str]], text.TurnPlan] = {}
        self._heard: dict[int, text.Heard] = {}

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer in the role that the purpose names."""
        if self._latency:
            await asyncio.sleep(self._latency)
        reply = _ROLES[request.purpose](self, request)
        heard = self._heard.get(request.session)
        return metered(request, reply, None if heard is None else heard.characters)

    async def aclose(self) -> None:
        """Nothing to release."""

    def _act(self, request: ModelRequest) -> text.Utterance:
        heard = self._heard.setdefault(request.session, text.Heard()).follow(request.messages)
        checks, position = heard.checks, heard.made
        prompt = ""
        rollouts: Sequence[str] = ()
        if self._lore.pitfalls:
            told = [message.text for message in request.messages if message.role in ("system", "user")]
            prompt, rollouts = text.without_rollouts("\n".join(told))
        missing = self._missing(request, prompt, rollouts, checks)
        key = (request.session, missing)
        if key not in self._plans:
            self._plans[key] = text.TurnPlan.of(self._plan(request.session, missing))
        plan = self._plans[key]
        if checks and missing == self._missing(request, prompt, rollouts, checks - 1):
            # Nothing new was noticed, so the answer stands as it was.
            plan = text.TurnPlan.of([turn for turn in plan.turns[-1:] if turn.action.speaks])
        reply = text.word(plan.after(position) or [_DONE], request, position)
        if lessons.LISTED not in prompt:
            return reply
        followed = [one.wording.lesson for one in self._lore.pitfalls if one.wording.lesson in reply.thought]
        return reply._replace(thought=" ".join([reply.thought, *lessons.listed_as(prompt, followed)]))

    def _missing(self, request: ModelRequest, prompt: str, rollouts: Sequence[str], checks: int) -> frozenset[str]:
        """The skills it lacks after having seen its rollouts and checked its answer ``checks`` times."""
        missing = set()
        for pitfall in self._lore.pitfalls:
            looks = checks + sum(pitfall.wording.symptom in rollout for rollout in rollouts)
            if not self._knows(request, pitfall, prompt) and not self._notices(request, pitfall, looks):
                missing.add(pitfall.skill)
        return frozenset(missing)

    def _knows(self, request: ModelRequest, pitfall: Pitfall, prompt: str) -> bool:
        own = unit(request.session, "varies", pitfall.skill) < self._traits.vary
        draw = unit(request.session if own else _group(request), "knows", pitfall.skill)
        return draw < (self._traits.follow if pitfall.wording.lesson in prompt else self._traits.known)

    def _notices(self, request: ModelRequest, pitfall: Pitfall, looks: int) -> bool:
        chance = self._traits.notice * sum(STALE**look for look in range(looks))
        return unit(_group(request), "notices", pitfall.skill) < chance

    def _plan(self, session: int, missing: frozenset[str]) -> list[text.Turn]:
        """The solution with the mistakes of the missing skills, each turn with its thought."""
        pitfalls = self._lore.pitfalls
        made = [pitfall for pitfall in pitfalls if pitfall.skill in missing]
        actions = list(carried_out(self._lore.solution.actions, made))
        thoughts: dict[int, list[str]] = {}
        for pitfall in pitfalls:
            wrong = pitfall.skill in missing
            said = pitfall.wording.symptom if wrong else pitfall.wording.lesson
            thoughts.setdefault(min(pitfall.edits, default=0), []).append(said)
        if unit(session, "slip") < self._traits.slip:
            cut = derive_seed(session, "cut") % max(1, len(self._lore.solution.actions))
            actions = [(place, action) for place, action in actions if place < cut]
            actions.append((cut, Action(text.SLIP)))
            thoughts = {place: said for place, said in thoughts.items() if place < cut}
        return _place(actions, thoughts)

    def _speak(self, request: ModelRequest) -> text.Utterance:
        return text.user_reply(request, self._lore.solution.user)

    def _judge(self, request: ModelRequest) -> text.Utterance:
        right = self._looks_right(_content(request.messages))
        if unit(request.session, "judge") >= self._traits.judge_accuracy:
            right = not right
        return text.Utterance(text.verdict(right))

    def _looks_right(self, transcript: str) -> bool:
        """Whether the transcript contains all reference actions (or the reference answer) and shows no mistake."""
        actions = self._lore.solution.actions
        wanted = [render_call(call) for action in actions for call in action.calls]
        wanted += [render_action(action) for action in actions if action.index is not None]
        at = 0
        for action in wanted or map(render_action, actions[-1:]):
            # Usually they come in order, so that a long transcript is scanned once.
            at = max(transcript.find(action, at), 0)
            if not at and action not in transcript:
                return False
        symptoms = [pitfall.wording.symptom for pitfall in self._lore.pitfalls]
        return not any(symptom in transcript for symptom in (*symptoms, text.SLIP))

    def _extract(self, request: ModelRequest) -> text.Utterance:
        if unit(request.seed, "malformed") < self._traits.malformed:
            return text.Utterance(text.MALFORMED)
        prompt = _content(request.messages)
        skills = self._lore.vocabulary.told_in(prompt)
        useless = unit(request.seed, "useless") < self._traits.useless
        return text.Utterance(lessons.learnt(prompt, [] if useless else lessons.skills_seen(prompt, skills), skills))

    def _select(self, request: ModelRequest) -> text.Utterance:
        prompt = _content(request.messages)
        return text.Utterance(text.selection(prompt, self._lore.vocabulary.told_in(prompt)))


def metered(request: ModelRequest, reply: text.Utterance, read: int | None = None) -> Completion:
    """A completion with token counts estimated from lengths; it costs nothing.

    Args:
        request: what is answered.
        reply: the answer.
        read: the length of the request's messages, if it is known.
    """
    if read is None:
        read = sum([len(message.text) for message in request.messages])
    read += _described(Same(request.tools))
    written = len(reply.text) + len(reply.thought)
    for call in reply.calls:
        written += len(call.name) + len(str(call.arguments))
    usage = Usage(1, read // CHARACTERS_PER_TOKEN, 1 + written // CHARACTERS_PER_TOKEN, 0.0)
    return Completion(reply.text, reply.calls, usage, "tool_calls" if reply.calls else "stop", reply.thought)


@lru_cache(maxsize=16)
def _described(tools: Same[tuple[ToolSpec, ...]]) -> int:
    """The length of the tools' descriptions."""
    return sum([len(tool.description) for tool in tools.value])


_DONE = text.Turn("", Action(text.NOTHING_LEFT))

_ROLES: Mapping[Purpose, Callable[[BoundLearner, ModelRequest], text.Utterance]] = {
    "agent": BoundLearner._act,
    "user": BoundLearner._speak,
    "judge": BoundLearner._judge,
    "memory": BoundLearner._extract,
    "select": BoundLearner._select,
    "grade": BoundLearner._judge,
}


def _group(request: ModelRequest) -> int:
    """The seed of draws that all rollouts of a task share."""
    return request.group or request.session


def _content(messages: Sequence[Message]) -> str:
    return "\n".join(message.text for message in messages)


def _place(actions: Sequence[tuple[int, Action]], thoughts: dict[int, list[str]]) -> list[text.Turn]:
    """The actions in order, each thought attached to the first action at or after its place, or else to the last."""
    said: dict[int, list[str]] = {}
    for place, sentences in sorted(thoughts.items()):
        here = next((at for at, (index, _) in enumerate(actions) if index >= place), len(actions) - 1)
        said.setdefault(here, []).extend(sentences)
    return [text.Turn(" ".join(said.get(at, ())), action) for at, (_, action) in enumerate(actions)]
