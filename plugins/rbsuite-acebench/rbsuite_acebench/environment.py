"""ACEBench as an environment: agents that talk to a user or work step by step in a phone or a booking system, and single-turn calls."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Ceiling, Lesson, Mistake, Solution
from rbsuite.environments.users import STOP
from rbsuite.errors import UnknownNameError
from rbsuite.task import Task, TaskSet, once
from rbsuite.trajectory import EVERYONE, Action, Actor, EndReason, Grade, Message, Observation
from rbsuite_acebench.cases import AGENT, PROTOCOLS, Item, Protocol
from rbsuite_acebench.checker import check_item
from rbsuite_acebench.dialogue import FINISH, Dialogue, Said
from rbsuite_acebench.gold import END, PROCESS, call_text, grade_dialogue
from rbsuite_acebench.pack import Pack
from rbsuite_acebench.resources import item_of, load_tasks
from rbsuite_acebench.worlds import LANGUAGES, Language

GREETING: Mapping[Language, str] = {"en": "Good day. What can I do for you?", "zh": "您好，请问您需要什么帮助？"}
"""What the user's first words answer."""
RECORDED = "The answer was recorded."


class AceBench(SyncEnvironment):
    """Four domains: ``multi-turn``, ``multi-step``, ``normal`` and ``special``.

    Args:
        protocol: ``official`` copies upstream's defects, ``fixed`` repairs those that can be repaired.
        language: of the items.

    Raises:
        UnknownNameError: no such protocol or language.
    """

    prompt_directory: ClassVar[Path | None] = Path(__file__).with_name("prompts")

    def __init__(self, *, protocol: Protocol = "official", language: Language = "en") -> None:
        if protocol not in PROTOCOLS:
            raise UnknownNameError("protocol", protocol, PROTOCOLS)
        if language not in LANGUAGES:
            raise UnknownNameError("language", language, LANGUAGES)
        self._protocol: Protocol = protocol
        self._language: Language = language
        self._packs: dict[str, Pack] = {}
        self._tasks: TaskSet | None = None
        self._solutions: dict[str, Solution] = {}

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`; ``multi-turn`` comes first, then ``multi-step``, ``normal`` and ``special``."""
        self._tasks, self._packs[split] = load_tasks(split, domain, data, self._language)
        self._solutions.clear()
        return self._tasks

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> SyncEpisode:
        """A conversation in fresh worlds, or a request with one answer. Nothing is random."""
        item = item_of(task)
        policy = services.render(self._template(item), **self.prompt_variables(task))
        if item.category in AGENT:
            return AgentEpisode(item, self._starts(task), self._protocol, policy)
        return SingleEpisode(item, policy)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """The variables of the templates: the category, the functions, the time, and the user's profile if there is one."""
        entry = task.payload["entry"]
        return {
            "category": task.payload["category"],
            "functions": "\n".join(str(function) for function in entry["function"]),
            "time": str(entry.get("time", "")).strip(),
            "profile": str(entry.get("profile", "")),
            "travel": "Travel" in entry.get("involved_classes", ()),
            "phone": "BaseApi" in entry.get("involved_classes", ()),
        }

    def facts(self) -> Mapping[str, Any]:
        """Protocol, language, and how well upstream's own answers do."""
        from rbsuite_acebench.ceilings import in_words

        said = {"protocol": self._protocol, "language": self._language}
        if self._tasks is None:
            return said
        return {**said, "ceiling": in_words(self._tasks, self._starts_of(self._tasks.split), self._protocol)}

    def ceiling(self, tasks: TaskSet) -> Ceiling | None:
        """See :meth:`rbsuite.Environment.ceiling`: the figures of upstream's own answers, and the items whose answers are rejected."""
        from rbsuite_acebench.ceilings import ceiling

        return ceiling(tasks, self._starts_of(tasks.split), self._protocol)

    def solution(self, task: Task) -> Solution:
        """The milestones, repaired as far as necessary, with a dialogue around them; or the answer."""
        from rbsuite_acebench.solutions import build_solution

        return once(self._solutions, task.id, lambda: build_solution(item_of(task), self._starts(task), self._protocol))

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """What can go wrong in the calls of the solution; messages are text, which the learner's own search does not look into."""
        from rbsuite_acebench.mistakes import find_mistakes

        return find_mistakes(task, item_of(task), self._starts(task), self._protocol, self.solution(task))

    def lessons(self) -> Mapping[str, Lesson]:
        """Wording for the mistakes of single-turn items."""
        from rbsuite_acebench.lessons import LESSONS

        return LESSONS

    def _starts(self, task: Task) -> Mapping[str, Mapping[str, Any]]:
        return self._starts_of(task.id.split("/")[1])

    def _starts_of(self, split: str) -> Mapping[str, Mapping[str, Any]]:
        """The start values of the worlds of a split."""
        return self._packs[split].starts(self._language)

    def _template(self, item: Item) -> str:
        # Upstream's multi-step agents are prompted in Chinese, whatever the language.
        chinese = item.category == "agent_multi_step" and self._protocol == "official"
        return f"acebench/{item.domain}_{'zh' if chinese else item.language}.j2"


class AgentEpisode(SyncEpisode):
    """A conversation with a user (multi-turn), or a request that is worked on step by step (multi-step).

    The user opens a multi-turn item. A message of the agent that can be read as calls goes to execution, any other to the user. It ends
    when either side says ``finish conversation`` (from the third message after the opening on, as in upstream) or after 40 messages. A user
    who says ``###STOP###`` says ``finish conversation``.

    Args:
        item: the item.
        starts: the start values of the worlds.
        protocol: how it is carried out and graded.
        policy: what the agent is told.
    """

    def __init__(self, item: Item, starts: Mapping[str, Mapping[str, Any]], protocol: Protocol, policy: str) -> None:
        self._item = item
        self._starts = starts
        self._protocol: Protocol = protocol
        self._policy = (Message("system", policy),)
        self._dialogue: Dialogue | None = None
        self._heard = True
        question = str(item.entry["question"])
        if item.category == "agent_multi_turn":
            self.observation = Observation(
                GREETING[item.language], turn="user", messages=(Message("system", question),)
            )
        else:
            self._dialogue = Dialogue(item, starts, protocol)
            # The agent of a multi-step item never sees its own calls again.
            self.observation = Observation(question, messages=self._policy, data={"own_messages": False})

    def act(self, action: Action) -> Observation:
        """Pass on what the user or the agent says."""
        said = _message(action)
        if self._dialogue is None:
            self._dialogue = Dialogue(self._item, self._starts, self._protocol, said)
            return Observation(said, messages=self._policy)
        dialogue = self._dialogue
        if dialogue.turn == "user":
            dialogue.user_says(FINISH if STOP in said else said)
            self._heard = True
        else:
            dialogue.agent_says(said)
            written = next(one for one in reversed(dialogue.history) if one.sender == "agent")
            self._heard = written.recipient == "user" and self._item.category == "agent_multi_turn"
        self.truncated = dialogue.cut
        last = dialogue.last
        return Observation(self._shown(last), turn=dialogue.turn)

    def grade(self, end: EndReason) -> Grade:
        """Process Accuracy and End-to-End Accuracy of the rollout so far, as upstream grades it."""
        if self._dialogue is None:
            return Grade(0.0, {END: 0.0, PROCESS: 0.0}, {"protocol": self._protocol})
        figures = grade_dialogue(self._item, self._dialogue, self._protocol)
        truth = {"protocol": self._protocol, "process": list(self._dialogue.process)}
        return Grade(figures[PROCESS], figures, truth)

    def audience(self, actor: Actor, action: Action) -> tuple[Actor, ...]:
        """Speech is heard by both sides; what goes to execution is seen by the agent alone."""
        return EVERYONE if self._heard else (actor,)

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin._dialogue = self._dialogue and self._dialogue.fork()
        return twin

    def _shown(self, last: Said) -> str:
        if last.sender != "execution":
            return str(last.message)
        label = "execution" if self._item.category == "agent_multi_turn" else "execution result"
        return f"{label}: {last.message}"


class SingleEpisode(SyncEpisode):
    """A request, answered in one text.

    Args:
        item: the item.
        policy: what the agent is told.
    """

    def __init__(self, item: Item, policy: str) -> None:
        self._item = item
        self._output: str | None = None
        self.observation = Observation(str(item.entry["question"]), messages=(Message("system", policy),))

    def act(self, action: Action) -> Observation:
        """Take the answer."""
        self._output = _message(action)
        return Observation(RECORDED, turn="over")

    def grade(self, end: EndReason) -> Grade:
        """1 if upstream's checker finds nothing wrong; both measures are the same here."""
        problem = "no answer" if self._output is None else check_item(self._item, self._output)
        score = float(problem is None)
        return Grade(score, {END: score, PROCESS: score}, {"error_type": problem})

    def closes(self, action: Action) -> bool:
        """A text is the answer."""
        return True

    def fork(self) -> Self:
        """An independent copy in the same state."""
        return copy.copy(self)


def _message(action: Action) -> str:
    """What an action says. A native tool call, which no model is asked for here, is written out as a call."""
    if not action.calls:
        return action.text
    return f"[{', '.join(call_text(call.name, call.arguments) for call in action.calls)}]"
