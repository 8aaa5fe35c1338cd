"""What a model could reply in the forms that the suite's prompts ask for; for checks that need no real model."""

from __future__ import annotations

import json
import re

from rbsuite.learner.lessons import FACTS

_ITEMS = re.compile(r"^# (\w+(?: \w+)*) 1$", re.MULTILINE)


def memory_reply(prompt: str, line: str, text: str, number: int) -> str:
    """A reply in the form that a prompt of the core's memories asks for; empty if it asks for a different one.

    Args:
        prompt: the text outside its fences.
        line: the text for a single line.
        text: the text if there is room for more.
        number: makes insights distinct, since repetitions would be dropped.
    """
    if re.search(r"^<sheet>$", prompt, re.MULTILINE):
        return f"<sheet>\n{text}\n</sheet>"
    if re.search(r"^Prune: \d", prompt, re.MULTILINE):
        return "Keep"
    if re.search(r"^Insight: \.\.\.$", prompt, re.MULTILINE):
        return f"Bullets: none\nInsight: {line}"
    if re.search(r"^ADD: \.\.\.$", prompt, re.MULTILINE):
        return f"ADD: {line} {number}"
    if (asked := FACTS.search(prompt)) is not None:
        return json.dumps({asked.group(1): [{"id": "0", "text": f"{text} {number}"}]})
    heading = _ITEMS.search(prompt)
    return "" if heading is None else item_reply(heading.group(1), line, text)


def item_reply(heading: str, line: str, text: str) -> str:
    """One item under a heading, with title, description and content."""
    return f"# {heading} 1\n## Title\n{line}\n## Description\n{line}\n## Content\n{text}"
