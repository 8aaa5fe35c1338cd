"""No text takes a reader of model text more than linear time: a megabyte of any repeated pattern in a fifth of a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbsuite.agents.plans import read_plan, read_plan_strictly, read_step, read_step_strictly
from rbsuite.environments.users import parse_react, parse_reflection
from rbsuite.errors import ModelError, ParseFailure
from rbsuite.gym.values import read_value
from rbsuite.judges.verdicts import parse_verdict
from rbsuite.memories.ace import read_additions, read_reflection
from rbsuite.memories.cheatsheet import read_sheet
from rbsuite.memories.markdown import parse_items
from rbsuite.memories.remem import read_pruned
from rbsuite.models.reasoning import separate
from rbsuite.models.reply_limit import fitting
from rbsuite.reading.actions import parse_action, parse_strictly
from rbsuite.reading.layers import Unreadable
from rbsuite.redact import redact
from rbsuite.scaling.selectors import parse_index
from rbsuite.scrub import scrub_text
from rbsuite.trajectory import Action, Observation, Step, Trajectory
from rbsuite.transcript import render_transcript
from speed import cpu_seconds

LENGTH = 1_000_000
SECONDS = 0.2
"""CPU time."""

READERS: Mapping[str, Callable[[str], Any]] = {
    "items": partial(parse_items, limit=3),
    "verdict": parse_verdict,
    "plan": partial(read_plan, n=9),
    "strict plan": partial(read_plan_strictly, n=9),
    "step": partial(read_step, n=9),
    "strict step": partial(read_step_strictly, n=9),
    "index": partial(parse_index, n=9),
    "action": parse_action,
    "strict action": parse_strictly,
    "review": read_reflection,
    "additions": read_additions,
    "sheet": partial(read_sheet, characters=4_000),
    "pruning": partial(read_pruned, count=9),
    "user": parse_react,
    "user's reflection": parse_reflection,
    "value of a space": partial(read_value, spaces.Discrete(9)),
    "thinking": separate,
    "reply limit": lambda text: fitting(f"max_tokens is too large: {text}", 99_999),
    "secrets": redact,
    "secrets of a configuration": scrub_text,
}

TOKENS = (
    *(
        "```\n",
        "```json\n",
        "\n```",
        "~~~\n",
        "<think>",
        "</think>",
        "[THINK]",
        "<analysis>",
        "\n</analysis>",
        "<|channel|>",
        "<|message|>",
        "<<record 0123456789ab>>\n",
    ),
    *(
        "# ",
        "## Title\n",
        "# Memory Item 1\n",
        "**",
        "_",
        "`",
        "> ",
        "- ",
        "1. ",
        "---\n",
        "|",
        "Verdict: ",
        "success ",
        "not ",
        "Reasoning:",
        "; wait",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        "(",
        '"',
        "'",
        "“",
        "\\",
        ":",
        ",",
        "=",
        "//",
        "/*",
        '{"a": ',
        '"index": ',
        '{"executable_plan": [',
    ),
    *(
        "Action: ",
        "f(x=",
        "f(x=1)\n",
        "f\nAction Input: {}\n",
        '{"name": "a", "arguments": {}}',
        "API output: ",
        "Bullets: ",
        "Insight: a\n",
        "ADD: ",
        "<sheet>\n",
        "</sheet>\n",
        "Prune: 1\n",
        "Keep\n",
        "User Response:",
    ),
    *(
        "://",
        "@",
        "sk-",
        "bearer ",
        "api-key: ",
        "token=",
        "1",
        "0.5",
        "a",
        "word ",
        "\n",
        "\r",
        "\t",
        " ",
        "é",
        "\u200b",
        "\u200d",
        "\u3000",
        "\x00",
    ),
)
PATTERNS = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6).map("".join)


def seconds(reader: Callable[[str], Any], text: str) -> float:
    def read() -> None:
        with suppress(Unreadable, ParseFailure, ModelError, ValueError):
            reader(text)

    return cpu_seconds(read, SECONDS)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(pattern=PATTERNS)
def test_any_repeated_pattern_is_read_in_linear_time(name: str, pattern: str) -> None:
    text = (pattern * (LENGTH // len(pattern) + 1))[:LENGTH]
    assert seconds(READERS[name], text) <= SECONDS


@pytest.mark.parametrize(
    "pattern",
    [
        "```\n",
        "a<think>b</think>c",
        "</think>",
        "Verdict: \n",
        '{"a" x ',
        '{"a": "',
        "[1,",
        "[/*,",
        "[[1],",
        'Action: {"a" x ',
        "Action: f(x=1)\n",
        'Action: {"name":"a","arguments":{}}\n',
        'Action: f\nAction Input: {"a":1}\n',
        'a "Action: f() ',
        " ",
        "a://b:c",
        "a://b@c",
    ],
)
@pytest.mark.parametrize("name", READERS)
def test_known_offenders(name: str, pattern: str) -> None:
    text = (pattern * (LENGTH // len(pattern) + 1))[:LENGTH]
    assert seconds(READERS[name], text) <= SECONDS


def test_what_follows_many_actions_is_read_once() -> None:
    assert seconds(parse_action, "Action: f(x=1)\n" * 999 + "a\n" * 450_000) <= SECONDS


def test_a_signal_is_looked_for_in_a_transcript_in_linear_time() -> None:
    def render(text: str) -> str:
        step = Step("agent", Observation(text), Action("Go on."))
        return render_transcript(Trajectory("t", 0, 0, "", (step,), None, "finished"))

    assert seconds(render, "### " + " " * 100_000 + "x") <= SECONDS
