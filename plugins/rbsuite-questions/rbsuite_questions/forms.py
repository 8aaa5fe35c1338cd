"""How an answer is requested: what a reader looks for is what the prompt must ask for, so the two form a unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rbsuite_questions.readers import Kind

PLACEHOLDERS: Mapping[Kind, str] = {"integer": "N", "choice": "X"}
"""What stands for the answer in an instruction."""


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write an answer.

    Attributes:
        template: the prompt template that asks for it.
        pattern: what is written, with ``{}`` for the answer.
    """

    template: str
    pattern: str

    def write(self, answer: str) -> str:
        """An answer in this form."""
        return self.pattern.replace("{}", answer)


BOXED = Form("question/boxed.j2", "\\boxed{{}}")
LINE = Form("question/line.j2", "Answer: {}")
CAPITAL = Form("question/capital.j2", "ANSWER: {}")
PHRASE = Form("question/phrase.j2", "The answer is ({}).")

_FORMS: Mapping[tuple[str, Kind], Form] = {
    ("rbsuite", "integer"): BOXED,
    ("math-verify", "integer"): BOXED,
    ("lm-eval", "integer"): BOXED,
    ("lm-eval", "choice"): PHRASE,
    ("lm-eval-strict", "choice"): PHRASE,
    ("lm-eval-flex", "choice"): PHRASE,
    ("inspect", "integer"): CAPITAL,
    ("inspect", "choice"): CAPITAL,
    ("mmlu-pro", "choice"): PHRASE,
    ("mmlu-pro-api", "choice"): PHRASE,
    ("mmlu-pro-apix", "choice"): PHRASE,
}


def form_of(reader: str, kind: Kind) -> Form:
    """The form that a reader reads, by the reader's name; a line ``Answer: ...`` if nothing else is known about it."""
    return _FORMS.get((reader, kind), LINE)
