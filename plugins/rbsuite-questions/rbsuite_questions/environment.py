"""Single-turn question answering: a question is shown, one text answers it, and a reader extracts the answer from the text."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, Self

from rbsuite.environments.base import EpisodeServices, SyncEnvironment, SyncEpisode
from rbsuite.environments.solution import Lesson, Mistake, Solution
from rbsuite.errors import UsageError
from rbsuite.jsonable import digest
from rbsuite.task import Task, TaskSet, once
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolResult
from rbsuite_questions.forms import PLACEHOLDERS, form_of
from rbsuite_questions.grading import grade, read_answer
from rbsuite_questions.question import Question, QuestionSet, asked, make_tasks, question_text
from rbsuite_questions.readers import Kind, Reader, Reading, reader_of_kind

PROMPTS = Path(__file__).with_name("prompts")
RECORDED = "The answer was recorded."
TEXT_ONLY = "Only a text can be an answer here. Answer the question in text."
ALL_SHOTS = -1
"""As many worked examples as the benchmark's own protocol has, if the data contains any; otherwise none."""
_NOTHING_READ = QuestionSet(())


class QuestionEnvironment(SyncEnvironment):
    """Questions, each answered in one text.

    A subclass says what its questions are (:meth:`read`), what kind their answers are, and in what order their choices are shown
    (:meth:`order`). The score is 1 if the reader reads the right answer from the agent's text, else 0; what cannot be read is wrong.

    Args:
        reader: name of the convention that asks for and reads answers.
        shots: worked examples in the prompt, from the question's domain; -1: the protocol's number if the data has any.

    Raises:
        UnknownNameError: no such reader.
        UsageError: the reader does not read this kind of answer.
    """

    name: ClassVar[str]
    """The name of the environment."""
    kind: ClassVar[Kind] = "choice"
    protocol_shots: ClassVar[int] = 0
    """Worked examples in the prompt in the benchmark's own protocol."""
    data_splits: ClassVar[Sequence[str]] = ()
    """The splits that are read from a user's data if there is any; empty: all. The others are bundled."""
    prompt_directory: ClassVar[Path | None] = PROMPTS

    def __init__(self, *, reader: str = "rbsuite", shots: int = 0) -> None:
        self._reader = reader_of_kind(reader, self.kind)
        self._form = form_of(self._reader.info.name, self.kind)
        self._wanted_shots = shots
        self._set = _NOTHING_READ
        self._variables: dict[str, Mapping[str, Any]] = {}

    @abstractmethod
    def read(self, split: str, data: str) -> QuestionSet:
        """The questions of a split, and what belongs to them; for ``data`` and errors see :meth:`rbsuite.Environment.tasks`."""

    def order(self, question: Question) -> Sequence[int] | None:
        """The order in which a question shows its choices; ``None``: as they are."""
        return None

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """See :meth:`rbsuite.Environment.tasks`.

        Raises:
            UsageError: more worked examples are requested than the data has, or the split does not read the data.
        """
        if data and self.data_splits and split not in self.data_splits:
            takes = ", ".join(self.data_splits)
            raise UsageError(f"{self.name}: the split {split!r} takes no --data.", f"Name a split that does: {takes}.")
        self._set = self.read(split, data)
        self._variables.clear()
        most = self._most_shots()
        if most < self._wanted_shots:
            there = f"has at most {most} per domain" if most else "has no worked examples"
            raise UsageError(
                f"{self._wanted_shots} worked examples are requested, but the data {there}.", "Give fewer shots."
            )
        tasks = make_tasks(self._set.questions, domain, self.order)
        content = digest(self._set.examples) if self._set.examples else ""
        return TaskSet(self.name, split, tasks, self._set.source, content, _asks)

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> QuestionEpisode:
        """The instructions of the reader's convention, and the question."""
        instructions = services.render(self._form.template, **self.prompt_variables(task))
        return QuestionEpisode(task, self.kind, self._reader, instructions)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """The variables of the templates: kind, closing line, placeholder, worked examples (question, reasoning, closing line)."""
        return once(self._variables, task.domain, lambda: self._variables_of(task.domain))

    def _variables_of(self, domain: str) -> Mapping[str, Any]:
        placeholder = PLACEHOLDERS[self.kind]
        examples = self._set.examples.get(domain, ())[: self.shots]
        return {
            "kind": self.kind,
            "closing": self._form.write(placeholder),
            "placeholder": placeholder,
            "examples": tuple(
                (question_text(example.text, example.choices), example.reasoning, self._form.write(example.answer))
                for example in examples
            ),
        }

    @property
    def source(self) -> Mapping[str, str]:
        """Where the questions come from."""
        return self._set.source

    @property
    def shots(self) -> int:
        """The number of worked examples in a prompt, limited to those the data has."""
        if self._wanted_shots == ALL_SHOTS:
            return min(self.protocol_shots, self._most_shots())
        return self._wanted_shots

    def facts(self) -> Mapping[str, Any]:
        """The reader's id, the number of worked examples, and what guessing scores on the split (mean over its questions)."""
        chances = [question.chance for question in self._set.questions]
        return {"reader": self._reader.id, "shots": self.shots, **({"chance": fmean(chances)} if chances else {})}

    def solution(self, task: Task) -> Solution:
        """The right answer, in the form the reader wants."""
        return Solution((self.answer(str(task.payload["answer"])),))

    def answer(self, answer: str) -> Action:
        """An answer (digits, or a letter) in the form the reader wants."""
        return Action(text=f"That settles it.\n{self._form.write(answer)}")

    def mistakes(self, task: Task) -> Sequence[Mistake]:
        """The wrong answer of someone who lacks the skill that the question exercises."""
        skill = str(task.payload["skill"]) or f"{task.domain or self.name}/answer/wrong"
        return [Mistake(skill, {0: (self.answer(str(task.payload["wrong"])),)})]

    def lessons(self) -> Mapping[str, Lesson]:
        """The lessons of the skills that the questions exercise, by skill id."""
        return self._set.lessons

    def _most_shots(self) -> int:
        return max((len(examples) for examples in self._set.examples.values()), default=0)


def _asks(task: Task) -> str:
    return asked(task.payload["text"], task.payload["choices"])


class QuestionEpisode(SyncEpisode):
    """One question. What was read is in the last observation (``answer``), for votes; whether it is right is only in the grade.

    Args:
        task: the question, as :func:`rbsuite_questions.question.make_task` made it.
        kind: kind of its answer.
        reader: what reads the answer.
        instructions: what precedes the question.
    """

    def __init__(self, task: Task, kind: Kind, reader: Reader, instructions: str) -> None:
        self._task = task
        self._kind: Kind = kind
        self._reader = reader
        self._reading: Reading | None = None
        data = {"options": list(task.payload["choices"])} if task.payload["choices"] else {}
        self.observation = Observation(task.query, messages=(Message("system", instructions),), data=data)

    def act(self, action: Action) -> Observation:
        """Read the answer. A tool call does not count as one, and gets a reply that says so."""
        if action.calls:
            return Observation.of_results([ToolResult(call.id, call.name, TEXT_ONLY) for call in action.calls])
        if not action.speaks:
            return Observation(TEXT_ONLY)
        self._reading = read_answer(self._reader, self._kind, action.text, self._task.payload["choices"])
        return Observation(RECORDED, turn="over", data={"answer": self._reading.value or ""})

    def grade(self, end: EndReason) -> Grade:
        """1 for the right answer; a missing answer counts as an unreadable one."""
        payload = self._task.payload
        details = {
            "gold": str(payload["answer"]),
            "kind": self._kind,
            "n_choices": len(payload["choices"]),
            # Not in an observation: sources list the right choice first, so the order would reveal where it went.
            "order": list(payload["order"]),
            "domain": self._task.domain,
        }
        return grade(self._reader, self._reading, details)

    def closes(self, action: Action) -> bool:
        """A text is the answer."""
        return action.speaks

    def fork(self) -> Self:
        """An independent copy in the same state."""
        return copy.copy(self)
