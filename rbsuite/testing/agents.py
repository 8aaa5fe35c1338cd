"""The rules for agents. Agents play practice tasks in every action mode that they declare, with a simulated model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from rbsuite.agents.base import Agent, AgentStart
from rbsuite.environments.base import PlainServices
from rbsuite.errors import ContextOverflow, ModelError, ParseFailure, PluginError, ReplyRefused, UsageError
from rbsuite.learner.simulated import SimulatedOracle
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.run.checks import check_action
from rbsuite.specs import ActionMode, AgentSpec
from rbsuite.testing.practice import MODES, Answer, Fixed, PracticePlugin, PracticeServices, tasks
from rbsuite.testing.practice import RULES as DEPOT_RULES
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.testing.subjects import Subject, bearing, common_rules, lacking, own_chance, repeatable, require_fenced
from rbsuite.trajectory import Action, ToolCall

KIND = "agent"
TURNS = 6
"""Maximum number of turns an agent may take on a practice task."""
LESSON = "Look the parcel up in the log of the depot before you answer."
OTHER = "Parcels that are wet lie elsewhere."
SEED = 7


@dataclass(frozen=True, slots=True)
class AgentRollout:
    """One rollout of an agent.

    Attributes:
        actions: the agent's actions.
        requests: the requests to its model.
        score: the final score.
    """

    actions: tuple[Action, ...]
    requests: tuple[ModelRequest, ...]
    score: float


class AgentSubject(Subject[AgentSpec]):
    """An agent."""

    @property
    def modes(self) -> Sequence[ActionMode]:
        """The action modes that it declares, if they exist."""
        return [mode for mode in self.spec.action_modes if mode in MODES]

    async def play(
        self,
        mode: ActionMode,
        *,
        number: int = 0,
        memory: str = "",
        answer: Answer | None = None,
        later: str | None = None,
    ) -> AgentRollout:
        """A rollout of a practice task.

        Args:
            mode: the environment's action mode.
            number: the number of the task.
            memory: what was recalled.
            answer: the model's answers; ``None``: those of the reference solution.
            later: what replaces it after the first turn; ``None``: nothing.
        """
        environment, task = MODES[mode](), tasks().tasks[number]
        oracle = await SimulatedOracle().for_task(task, environment, environment)
        services = PracticeServices(self.prompts, "agent", SEED, answer or oracle.complete)
        player: Agent = self.make()
        player.start(AgentStart(services, memory, SEED))
        episode = await environment.open(task, seed=SEED, services=PlainServices(environment))
        done: list[Action] = []
        while episode.observation.turn == "agent" and len(done) < TURNS:
            require(
                isinstance(player.decided(episode.observation), bool), "decided gave something other than True or False"
            )
            try:
                done.append(check_action(await player.act(episode.observation)))
            except UsageError as error:
                raise NotTried(f"it does not act on practice tasks: {error}") from error
            episode.observation = await episode.act(done[-1])
            if later is not None:
                player.remember(later)
        grade = await episode.grade("finished" if episode.observation.turn == "over" else "max_steps")
        return AgentRollout(tuple(done), tuple(services.requests), grade.score)

    async def use(self) -> list[AgentRollout]:
        """A rollout in every mode, each with a new object."""
        return [await self.play(mode) for mode in self.modes]


def said(request: ModelRequest) -> str:
    """All text in a request that the agent did not write itself."""
    return "\n".join(message.text for message in request.messages if message.role != "assistant")


@rule(
    KIND,
    "modes",
    'Declare AgentSpec(action_modes=("tools",)), or whatever it is for.',
)
async def modes(subject: AgentSubject) -> None:
    """The spec names the action modes that it fits: text, tools or choice."""
    declared, known = subject.spec.action_modes, get_args(ActionMode)
    require(
        declared and set(declared) <= set(known), f"its action modes are {declared}, but the known ones are {known}"
    )


@rule(
    KIND,
    "returns",
    "Return Action(text), Action.call(name, arguments) or Action.choose(index).",
    after=("factory", "modes"),
)
async def returns(subject: AgentSubject) -> None:
    """`act` gives an Action, and `decided` True or False."""
    for mode in subject.modes:
        try:
            await subject.play(mode)
        except PluginError as error:
            raise Broken(error.message) from error


@rule(
    KIND,
    "solves",
    "Make sure that it asks for a form that it can read, and that it acts in the environment's mode.",
    after=("returns",),
)
async def solves(subject: AgentSubject) -> None:
    """With a model that knows the way, it solves a practice task of every mode that it declares."""
    for mode in subject.modes:
        played = await subject.play(mode)
        require(played.score == 1.0, f"on a task with {mode} it did {list(played.actions)}")


@rule(
    KIND,
    "shown",
    "Put Observation.messages into the system prompt, and the text into the conversation.",
    after=("returns",),
)
async def shown(subject: AgentSubject) -> None:
    """Its model is told what the environment says: its rules, and the observation."""
    for mode in subject.modes:
        played = await subject.play(mode)
        told = "\n".join(map(said, played.requests))
        require(DEPOT_RULES in told, f"on a task with {mode} the environment's rules are in no request")
        require(tasks().tasks[0].query in told, f"on a task with {mode} the question is in no request")


@rule(
    KIND,
    "memory",
    "Put AgentStart.memory at the end of the system prompt (agent/memory.j2).",
    after=("returns",),
)
async def memory(subject: AgentSubject) -> None:
    """What was recalled is in every request to its model."""
    for mode in subject.modes:
        played = await subject.play(mode, memory=LESSON)
        for number, request in enumerate(played.requests):
            require(LESSON in said(request), f"on a task with {mode} request {number} lacks what was recalled")


@rule(
    KIND,
    "no-memory",
    "Leave out the heading for memory where there is none.",
    after=("memory", "fresh"),
)
async def no_memory(subject: AgentSubject) -> None:
    """Without memory its model is asked the same as if there were no memories at all."""
    for mode in subject.modes:
        texts = [said(request) for request in (await subject.play(mode)).requests]
        words = subject.prompts.render("agent/memory.j2", memory=LESSON).replace(LESSON, "").split("\n")
        heads = [line for line in words if line.strip()]
        for text in texts:
            require(
                not any(head in text for head in heads),
                f"on a task with {mode} memory is announced although there is none",
            )


@rule(
    KIND,
    "remember",
    "Build the system prompt again when `remember` is called.",
    after=("memory",),
)
async def remember(subject: AgentSubject) -> None:
    """What is recalled later takes the place of what was recalled before."""
    if "tools" not in subject.modes:
        raise NotTried("only practice tasks with tools take several turns")

    async def look(request: ModelRequest) -> Completion:
        if request.tools:
            return Completion("", (ToolCall("c", "look", {"parcel": "x"}),))
        return Completion(_BLOCK if "```bash" in said(request) else _LOOK)

    for request in (await subject.play("tools", memory=LESSON, later=OTHER, answer=look)).requests[1:]:
        text = said(request)
        require(OTHER in text and LESSON not in text, "it still shows what was recalled first")


_BLOCK = "I look.\n\n```bash\nlook x\n```"
_LOOK = 'Thought: I look.\nAction: {"name": "look", "arguments": {"parcel": "x"}}'


@rule(
    KIND,
    "fresh",
    "Set everything up in `start`, on the object and not on the class.",
    after=("repeatable",),
)
async def fresh(subject: AgentSubject) -> None:
    """Rollouts do not see each other: a new agent knows nothing of another one."""
    for mode in subject.modes:
        alone = await subject.play(mode)
        await subject.play(mode, number=1, memory=LESSON)
        require(await subject.play(mode) == alone, f"on a task with {mode} a new agent continues where another stopped")


@rule(
    KIND,
    "any-reply",
    "Raise rbsuite.errors.ParseFailure where a reply cannot be read as an action.",
    after=("returns",),
)
async def any_reply(subject: AgentSubject) -> None:
    """Whatever its model replies, it gives an action or a ParseFailure."""
    replies = [Completion(text) for text in ("", "{", "Hm.", "Action: {", "```json\n[]\n```", "\x00", "[[[[" * 200)]
    replies += [Completion("", (ToolCall("1", "no_such_tool", {}, raw="{"),)), Completion("", finish_reason="length")]
    replies += [Completion("", finish_reason="content_filter"), Completion("", finish_reason="context_overflow")]
    for mode in subject.modes:
        for reply in replies:
            what = f"its model replied {reply.text[:20]!r} ({reply.finish_reason})"
            with bearing(what, ParseFailure, ContextOverflow, ReplyRefused):
                await subject.play(mode, answer=Fixed(reply))


@rule(
    KIND,
    "model-fails",
    "Do not catch ModelError.",
    after=("returns",),
)
async def model_fails(subject: AgentSubject) -> None:
    """Where its model fails, the ModelError passes through: no action is made up."""
    for mode in subject.modes:
        answer = Fixed(ModelError("the model failed."))
        with bearing("its model failed", ModelError):
            await subject.play(mode, answer=answer)
            require(not answer.asked, f"on a task with {mode} its model failed, but it acted all the same")


@rule(
    KIND,
    "fenced",
    "Put AgentStart.memory into the prompt whole, and observations into messages of their own.",
    after=("returns", "solves"),
)
async def fenced(subject: AgentSubject) -> None:
    """What was learned from others' words appears in its prompts as it was recalled, in its fences."""

    plugins = subject.plugins.extended([("rbsuite-testing-practice", PracticePlugin(subject.spec.name))])
    for mode in subject.modes:
        try:
            await require_fenced(
                subject,
                env=f"practice-{mode}",
                memory=("synapse",),
                agent=subject.name,
                judge="ground-truth",
                plugins=plugins,
            )
        except UsageError as error:
            raise NotTried(f"it does not act on practice tasks: {error}") from error


RULES: tuple[Rule[Any], ...] = (
    *common_rules(KIND, lacking("start", "remember", "decided", "act")),
    modes,
    returns,
    repeatable(KIND, "Derive randomness from AgentStart.seed.", "returns"),
    own_chance(KIND, "Keep a generator of its own: rbsuite.seeds.rng(start.seed, ...).", "repeatable"),
    fresh,
    solves,
    shown,
    memory,
    no_memory,
    remember,
    any_reply,
    model_fails,
    fenced,
)
"""The rules, in the order in which they are checked."""
