"""Skills, and how they are put into words.

A skill is what keeps an agent from one kind of mistake, for example from leaving out a step. Its wording is made from the names of the step
and the argument, unless the environment provides a better one. Either way, a skill can be recognized in a text that contains its lesson
or its symptom, so that a model that writes or prunes memory needs nothing but its prompt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rbsuite.environments.solution import Lesson
from rbsuite.errors import PluginError

ANSWER = "answer"
"""Used in place of a step's name for what is said."""
ARGUMENT = "argument"
"""Used in place of a step's name for an argument of any step."""

_FORMS: Mapping[str, Lesson] = {
    "leave-out": Lesson(
        "Do not skip a step: {step}",
        "On {domain} tasks, take the step '{step}' whenever the request calls for it.",
        "On this {domain} task I can do without the step '{step}'.",
    ),
    "argument": Lesson(
        "Check each value: {argument}",
        "On {domain} tasks, check the value of '{argument}' against what was asked at every step that takes one.",
        "On this {domain} task any value of '{argument}' that I have seen will do.",
    ),
    "stop-early": Lesson(
        "Do not stop too early: {step}",
        "On {domain} tasks, go on until the step '{step}' and all that follows it are done.",
        "On this {domain} task I am done before it comes to the step '{step}'.",
    ),
    "twice": Lesson(
        "Do it once: {step}",
        "On {domain} tasks, take the step '{step}' once and leave it at that.",
        "On this {domain} task I repeat the step '{step}' to be sure.",
    ),
    "unasked": Lesson(
        "Have the user do it: {step}",
        "On {domain} tasks, ask the user to take the step '{step}' on their side whenever it can help.",
        "On this {domain} task nobody has to ask the user for the step '{step}'.",
    ),
    "overdo": Lesson(
        "Do only what is allowed: {step}",
        "On {domain} tasks, take the step '{step}' only if it is asked for and the rules allow it.",
        "On this {domain} task I take the step '{step}' on top, it can do no harm.",
    ),
    "order": Lesson(
        "Keep the order: {step}",
        "On {domain} tasks, take the step '{step}' before those that build on it.",
        "On this {domain} task I put the step '{step}' off until after the next one.",
    ),
    "choice": Lesson(
        "Choose with care: {step}",
        "On {domain} tasks, read all the names on offer before the step '{step}'.",
        "On this {domain} task the first name that fits will do for the step '{step}'.",
    ),
    "untold": Lesson(
        "Tell what was asked",
        "On {domain} tasks, answer in words all that was asked before the end.",
        "On this {domain} task I need not tell anybody what came out.",
    ),
    "wrong": Lesson(
        "Check the answer: {domain}",
        "On {domain} tasks, work the answer out a second time before giving it.",
        "On this {domain} task the first answer that comes to mind will do.",
    ),
}
"""The wording of a skill by its kind."""
_BEGINNING = "On "
"""All lessons and symptoms of :data:`_FORMS` begin with it, so a text is searched for it alone."""


@dataclass(frozen=True, slots=True)
class Skill:
    """What avoids one kind of mistake.

    Attributes:
        title: the strategy's name, as in a memory item's title.
        lesson: states the strategy. A model that has this sentence in its prompt can know the skill; nothing else conveys it.
        symptom: appears in a trajectory when the mistake is made.
    """

    title: str
    lesson: str
    symptom: str

    @classmethod
    def worded(cls, wording: Lesson) -> Skill:
        """The skill with a hand-written wording."""
        return cls(wording.title, wording.lesson, wording.symptom)


class Vocabulary:
    """The wording of an environment's skills.

    Args:
        written: hand-written wordings by skill id (see :meth:`rbsuite.Environment.lessons`).

    Raises:
        PluginError: a hand-written symptom contains its lesson: then a failure would teach without being learned from.
    """

    def __init__(self, written: Mapping[str, Lesson]) -> None:
        for name, lesson in written.items():
            if lesson.lesson in lesson.symptom:
                raise PluginError(
                    f"the symptom of the skill {name!r} contains its lesson.", "Fix the environment's lessons()."
                )
        self._written = {name: Skill.worded(lesson) for name, lesson in written.items()}

    def __contains__(self, name: str) -> bool:
        """Whether a skill's wording is hand-written."""
        return name in self._written

    def skill(self, name: str) -> Skill:
        """The skill with an id.

        Args:
            name: ``DOMAIN/STEP/KIND`` or ``DOMAIN/argument/NAME``, as formed by :mod:`rbsuite.learner.candidates`; or any id that an
                environment gives to a mistake of its own.
        """
        if name in self._written:
            return self._written[name]
        domain, step, kind = name.split("/") if name.count("/") == 2 else ("", "", "")
        if step == ARGUMENT:
            return _worded(ARGUMENT, {"domain": domain, "step": "", "argument": kind})
        if kind not in _FORMS:
            kind, domain = "wrong", name
        return _worded(kind, {"domain": domain, "step": step, "argument": ""})

    def told_in(self, text: str) -> list[Skill]:
        """The skills whose lesson or symptom occurs in a text, hand-written ones first, then by position."""
        found = [skill for skill in self._written.values() if skill.lesson in text or skill.symptom in text]
        places = sorted(_mentions(text), key=lambda pair: pair[0])
        return list(dict.fromkeys([*found, *(skill for _, skill in places)]))


def words(name: str) -> str:
    """A name from code as words: ``cancel_pending_order`` is ``cancel pending order``."""
    return " ".join(re.sub(r"[\W_]+", " ", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)).split()).lower()


def _worded(form: str, fields: Mapping[str, str]) -> Skill:
    named = {key: words(value) for key, value in fields.items()}
    wording = _FORMS[form]
    return Skill(wording.title.format(**named), wording.lesson.format(**named), wording.symptom.format(**named))


def _mentions(text: str) -> Iterator[tuple[int, Skill]]:
    ends = [0] * len(_PATTERNS)
    at = text.find(_BEGINNING)
    while at >= 0:
        for number, (pattern, form) in enumerate(_PATTERNS):
            if at >= ends[number] and (match := pattern.match(text, at)):
                ends[number] = match.end()
                yield at, _worded(form, {"domain": "", "step": "", "argument": "", **match.groupdict()})
        at = text.find(_BEGINNING, at + 1)


def _patterns() -> Iterator[tuple[re.Pattern[str], str]]:
    for form, wording in _FORMS.items():
        for sentence in (wording.lesson, wording.symptom):
            assert sentence.startswith(_BEGINNING)
            parts = re.split(r"\{(\w+)\}", sentence)
            fields = [f"(?P<{part}>[^'.,\\n]{{1,80}}?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)]
            yield re.compile("".join(fields)), form


_PATTERNS = tuple(_patterns())
