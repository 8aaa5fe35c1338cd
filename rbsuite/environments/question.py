"""Single-turn question answering: a question is shown, one text answers it, a reader takes the answer from the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from rbsuite.answers import READERS, Kind, Reader, Reading, get_reader
from rbsuite.environments.base import Environment, StepResult
from rbsuite.environments.question_data import LETTERS, QuestionResources, WorkedExample, question_text
from rbsuite.environments.question_forms import PLACEHOLDERS, Form, form_of
from rbsuite.environments.solution import Pitfall, Skill, Solution
from rbsuite.errors import UsageError
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import Action, Message, Observation

RECORDED = "The answer was recorded."
TEXT_ONLY = "Only a text can be an answer here. Answer the question in text."
ALL_SHOTS = -1
"""As many worked examples as the benchmark's own protocol has, where the data holds any; else none."""


class QuestionEnvironment(Environment):
    """A question, one answer in text.

    A subclass says where its tasks come from (:meth:`load`; made by :func:`rbsuite.environments.question_data.make_task`) and what kind
    its answers are. The score is 1 if the reader reads the right answer from the agent's text, else 0; what cannot be read is wrong.
    What was read stands in the data of the last observation (``answer``), so that a vote can be held over it; whether it is right
    stands in the truth alone.

    Args:
        tasks: the task set; default: the sample.
        reader: name of the convention that asks for and reads answers.
        shots: worked examples in the prompt, of the question's domain; -1: the protocol's number where the data has any.

    Raises:
        UnknownNameError: no such reader.
        UsageError: the reader does not read this kind of answer, or the data has no worked examples.
    """

    kind: ClassVar[Kind] = "choice"
    protocol_shots: ClassVar[int] = 0
    """Worked examples in the prompt of the benchmark's own protocol."""

    def __init__(self, tasks: TaskSet | None = None, *, reader: str = "rbsuite", shots: int = 0) -> None:
        super().__init__(tasks)
        assert isinstance(self.tasks.resources, QuestionResources)
        self._resources: QuestionResources = self.tasks.resources
        self._reader = _reader(reader, self.kind)
        self._form = form_of(self._reader.info.name, self.kind)
        self._shots = self._available(shots)

    @property
    def reader(self) -> Reader:
        """What reads the answers."""
        return self._reader

    def facts(self) -> Mapping[str, Any]:
        """The reader's id and the number of worked examples."""
        return {"reader": self._reader.id, "shots": self._shots}

    def begin(self, task: Task) -> Observation:
        """The instructions of the reader's convention, and the question."""
        data = {"options": list(task.payload["choices"])} if task.payload["choices"] else {}
        return Observation(task.query, messages=self._instructions(task), data=data)

    def prompt_variables(self, task: Task) -> Mapping[str, Any]:
        """What the templates of this directory take: kind, closing line, placeholder, worked examples."""
        placeholder = PLACEHOLDERS[self.kind]
        examples = self._resources.examples.get(task.domain, ())[: self._shots] if self._shots else ()
        return {
            "kind": self.kind,
            "closing": self._form.write(placeholder),
            "placeholder": placeholder,
            "examples": [_shown(example, self._form) for example in examples],
        }

    def _instructions(self, task: Task) -> tuple[Message, ...]:
        key = (self._render, self._form, self._shots, task.domain if self._shots else "")
        kept = self._resources.instructions
        if key not in kept:
            kept[key] = (Message("system", self.prompt(self._form.template, **self.prompt_variables(task))),)
        return kept[key]

    def act(self, action: Action) -> StepResult:
        """Read and score the answer."""
        if action.kind != "text":
            return StepResult(Observation(TEXT_ONLY))
        gold = str(self.task.payload["answer"])
        reading = self.read(action.text)
        right = self._reader.is_right(reading, gold, self.kind)
        truth = {
            "reading": reading.value,
            "how": reading.how,
            "unparsed": reading.value is None,
            "gold": gold,
            "kind": self.kind,
            "n_choices": len(self.task.payload["choices"]),
            # Not in an observation: sources list the right choice first, so the order tells where it went.
            "order": list(self.task.payload["order"]),
            "domain": self.task.domain,
            "reader": self._reader.id,
        }
        return StepResult(Observation(RECORDED, data={"answer": reading.value or ""}), float(right), True, truth)

    def read(self, output: str) -> Reading:
        """What the reader takes from an output, as an answer to the current task."""
        return read_answer(self._reader, self.kind, output, self.task.payload["choices"])

    def closes(self, action: Action) -> bool:
        """A text is the answer."""
        return action.kind == "text"

    def solution(self, task: Task) -> Solution:
        """The right answer as the reader wants it, and the wrong one of who lacks the skill."""
        payload = task.payload
        pitfalls: tuple[Pitfall, ...] = ()
        if payload["skill"]:
            pitfalls = (Pitfall(str(payload["skill"]), {0: (self._answer(str(payload["wrong"])),)}),)
        return Solution((self._answer(str(payload["answer"])),), pitfalls)

    def skills(self) -> Sequence[Skill]:
        """The skills of the set's questions."""
        return self._resources.skills

    def fork(self) -> Self:
        """An independent copy in the same state."""
        import copy

        twin = copy.copy(self)
        twin._np_random = copy.deepcopy(self._np_random)
        return twin

    def _answer(self, answer: str) -> Action:
        return Action(text=f"That settles it.\n{self._form.write(answer)}")

    def _available(self, shots: int) -> int:
        """The number of worked examples to show."""
        most = max((len(examples) for examples in self._resources.examples.values()), default=0)
        if shots == ALL_SHOTS:
            return min(self.protocol_shots, most)
        if shots and most < shots:
            there = f"has {most} for a domain" if most else "has no worked examples"
            raise UsageError(f"{shots} worked examples are asked for, and the data {there}.", "Give fewer shots.")
        return shots


def read_answer(reader: Reader, kind: Kind, output: str, choices: Sequence[str]) -> Reading:
    """What a reader takes from an output.

    Args:
        reader: the reader.
        kind: of the answer.
        output: what the agent wrote.
        choices: the texts of the choices as shown; empty for an integer.
    """
    if kind == "integer":
        return reader.read_integer(output)
    return reader.read_choice(output, len(choices), choices)


def _reader(name: str, kind: Kind) -> Reader:
    reader = get_reader(name)
    if kind not in reader.info.kinds:
        fitting = [info.name for info in READERS.values() if kind in info.kinds]
        noun = {"integer": "integer answers", "choice": "choices"}[kind]
        raise UsageError(f"the reader {name!r} does not read {noun}.", f"Use one of: {', '.join(fitting)}.")
    return reader


def _shown(example: WorkedExample, form: Form) -> Mapping[str, str]:
    return {
        "question": question_text(example.text, example.choices),
        "reasoning": example.reasoning,
        "closing": form.write(example.answer),
    }


__all__ = ["ALL_SHOTS", "LETTERS", "QuestionEnvironment", "read_answer"]
