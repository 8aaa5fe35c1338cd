"""Reference solutions, for the oracle, ``rbsuite verify`` and the simulated learner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rbsuite.environments.solution import Solution
from rbsuite.trajectory import Action
from rbsuite_acebench.cases import AGENT, Item, Protocol
from rbsuite_acebench.dialogue import FINISH
from rbsuite_acebench.gold import END, PROCESS, gold_output, grade_script, scripts

CLOSING: Mapping[str, str] = {"en": "That is all done now.", "zh": "已经全部办好了。"}

_MANNERS = re.compile(
    r"[^.。]*(?:respond to the agent|对agent做出反应)[^.。]*[.。]?"
    r"|[^.。]*(?:will not proactively|不会主动)[^.。]*[.。]?"
)
_FIRST_PERSON = (
    (re.compile(r"\b[Yy]ou are\b"), "I am"),
    (re.compile(r"\b[Yy]our\b"), "my"),
    (re.compile(r"\b[Yy]ou\b"), "I"),
    (re.compile("你"), "我"),
)


def build_solution(item: Item, starts: Mapping[str, Mapping[str, Any]], protocol: Protocol) -> Solution:
    """A way to solve an item: the first right one among the scripts that meet its milestones, otherwise the best."""
    if item.category not in AGENT:
        return Solution((Action(gold_output(item)),))
    tried = [(*grade_script(item, starts, protocol, script), script) for script in scripts(item)]
    # Of equally good scripts, the one is taken of which most is executed: what cannot be read goes to the user, who may say goodbye then.
    *_, best = max(tried, key=lambda one: (one[0][PROCESS], one[0][END], len(one[1].process)))
    if item.category == "agent_multi_step":
        return Solution((*map(Action, best), Action(FINISH)))
    lines = [str(line) for line in item.answer.get("dialogue", ())] or [opening_line(str(item.entry["question"]))]
    questions = [str(line) for line in item.answer.get("questions", ())]
    says = [*questions, *best, CLOSING[item.language]]
    return Solution(tuple(map(Action, says)), tuple(map(Action, lines)))


def opening_line(question: str) -> str:
    """What a scripted user says first: the item's words to the user, in the first person, without those about its manners."""
    text = _MANNERS.sub("", question).strip()
    for pattern, mine in _FIRST_PERSON:
        text = pattern.sub(mine, text)
    return text or question
