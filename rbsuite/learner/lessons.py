"""How the simulated learner words what it learns, in whichever form the prompt asks for.

It goes by the text of the prompt alone. A form is recognized by the example of it in the prompt; trajectories by their lines
``Outcome: ...``: what comes before the first of them is not a trajectory (a sheet, a list of bullets).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rbsuite.learner.skills import Skill

COMMONPLACE = "Take one thing after the other and be polite."

# These are searched for at the beginning of lines, see _lines.
_OUTCOME = re.compile(r"Outcome(?: of rollout \d+)?: (success|failure|unknown|not judged)$", re.MULTILINE)
_LIMIT = re.compile(r"\bat most (\d+)\b")
_HEADING = re.compile(r"# (\w+(?: \w+)*) 1$", re.MULTILINE)
_PRUNED = re.compile(r"Prune: \d")
FACTS = re.compile(r'\{"(\w+)": \[\n *\{"id": "0", "text": "')
"""The beginning of facts in JSON, as memory products ask for them."""
_BULLET = re.compile(r"^\[(\w+)\] (.*)$", re.MULTILINE)
LISTED = "\n["
"""Occurs in every prompt that lists bullets."""
_LISTED = re.compile(r"^- (.+)$", re.MULTILINE)
_EXPERIENCE = re.compile(r"Experience (\d+)$", re.MULTILINE)

# Lines that show a form, and the beginning of one.
_SHEET = "\n<sheet>\n"
_REFLECT = "\nInsight: ...\n"
_CURATE = "\nADD: ...\n"
_PRUNE = "\nPrune: "
_FACT = '{"id": "0", "text": "'


def skills_seen(prompt: str, skills: Iterable[Skill]) -> list[Skill]:
    """The skills that the trajectories in a prompt are about, in the order in which they appear.

    From a success: those whose lesson was applied. From a failure: those whose mistake was made and, if there are any, also those
    whose lesson was applied, which are worth keeping. From a trajectory that was not judged: both. From one with an unknown outcome:
    none.
    """
    found: dict[Skill, int] = {}
    candidates = list(skills)
    for mark, end in _blocks(_OUTCOME, prompt):
        label, start = mark.group(1), mark.end()
        applied = {skill: at for skill in candidates if (at := prompt.find(skill.lesson, start, end)) >= 0}
        missed = {skill: at for skill in candidates if (at := prompt.find(skill.symptom, start, end)) >= 0}
        seen: Mapping[Skill, int] = {}
        if label == "success":
            seen = applied
        elif label == "not judged" or (label == "failure" and missed):
            seen = {**applied, **missed}
        for skill, at in seen.items():
            found.setdefault(skill, at)
    return sorted(found, key=lambda skill: found[skill])


def learnt(prompt: str, seen: Sequence[Skill], skills: Iterable[Skill]) -> str:
    """A reply on the skills seen, in the form that the prompt asks for: items, a sheet, a review, additions, a pruning or facts."""
    lines = f"\n{prompt}\n"
    if _SHEET in lines:
        return sheet(prompt, seen, skills)
    if _PRUNE in lines and _first(_PRUNED, prompt):
        return pruning(prompt, skills)
    if _REFLECT in lines:
        return review(prompt, seen)
    if _CURATE in lines:
        return additions(prompt)
    if _FACT in lines and (asked := _first(FACTS, prompt)):
        return facts(asked.group(1), seen)
    return items(prompt, seen)


def facts(name: str, seen: Sequence[Skill]) -> str:
    """Facts as JSON, in a list with the given name."""
    told = [f"{skill.title}: {skill.lesson}" for skill in seen] or [COMMONPLACE]
    return json.dumps({name: [{"id": str(number), "text": text} for number, text in enumerate(told)]})


def items(prompt: str, seen: Sequence[Skill]) -> str:
    """Items in the Markdown form that the prompt shows, no more than it allows."""
    heading = _first(_HEADING, prompt)
    name = heading.group(1) if heading else "Memory Item"
    parts = [(skill.title, f"Applies wherever this comes up: {skill.title.lower()}.", skill.lesson) for skill in seen]
    if not parts:
        parts = [("Work in order", "A commonplace about any request.", COMMONPLACE)]
    return "\n\n".join(
        f"# {name} {number}\n## Title\n{title}\n## Description\n{description}\n## Content\n{content}"
        for number, (title, description, content) in enumerate(parts[: _limit(prompt)], start=1)
    )


def sheet(prompt: str, seen: Sequence[Skill], skills: Iterable[Skill]) -> str:
    """The whole sheet: the lessons that it already contains, and those on the skills seen."""
    before = _without_trajectories(prompt)
    kept = dict.fromkeys([*(skill for skill in skills if skill.lesson in before), *seen])
    lines = [f"- {skill.title}: {skill.lesson}" for skill in kept] or [f"- {COMMONPLACE}"]
    return "\n".join(["<sheet>", *lines, "</sheet>"])


def review(prompt: str, seen: Sequence[Skill]) -> str:
    """A tag for each listed bullet, and the lessons of the skills seen as insights."""
    before = _without_trajectories(prompt)
    shown = prompt[len(before) :]
    lessons = [skill.lesson for skill in seen]
    tags = [
        f"{name} {'helpful' if any(lesson in text and lesson in shown for lesson in lessons) else 'neutral'}"
        for name, text in _BULLET.findall(before)
    ]
    insights = lessons[: _limit(prompt)] or [COMMONPLACE]
    return "\n".join([f"Bullets: {', '.join(tags) or 'none'}", *(f"Insight: {insight}" for insight in insights)])


def additions(prompt: str) -> str:
    """The listed insights that no listed bullet contains."""
    known = [text for _, text in _BULLET.findall(prompt)]
    asked = prompt[prompt.find("# The insights") :]
    new = [line for line in _LISTED.findall(asked) if not any(line in text for text in known)]
    return "\n".join(f"ADD: {line}" for line in new[: _limit(prompt)]) or "NOTHING"


def listed_as(prompt: str, lessons: Sequence[str]) -> list[str]:
    """The ids, in brackets, of the bullets in a prompt that contain one of the lessons."""
    return [f"[{name}]" for name, told in _BULLET.findall(prompt) if any(lesson in told for lesson in lessons)]


def pruning(prompt: str, skills: Iterable[Skill]) -> str:
    """Prune the numbered experiences that contain no lesson."""
    lessons = [skill.lesson for skill in skills]
    empty = [
        mark.group(1)
        for mark, end in _blocks(_EXPERIENCE, prompt)
        if not any(lesson in prompt[mark.end() : end] for lesson in lessons)
    ]
    return f"Prune: {','.join(empty)}" if empty else "Keep"


def _lines(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The matches at the beginning of lines. Searching for a pattern without ``^`` is many times faster."""
    return (match for match in pattern.finditer(text) if not match.start() or text[match.start() - 1] == "\n")


def _first(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(_lines(pattern, text), None)


def _blocks(heading: re.Pattern[str], prompt: str) -> Iterator[tuple[re.Match[str], int]]:
    """Each heading with the place where its block ends: at the next heading, or at the end of the prompt."""
    marks = list(_lines(heading, prompt))
    return zip(marks, [mark.start() for mark in marks[1:]] + [len(prompt)] * bool(marks), strict=True)


def _limit(prompt: str) -> int:
    limit = _LIMIT.search(prompt)
    return int(limit.group(1)) if limit else 3


def _without_trajectories(prompt: str) -> str:
    first = _first(_OUTCOME, prompt)
    return prompt[: first.start()] if first else prompt
