"""Asking for a reply of a form: what is no answer is told back once, with the fault named, and never read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from rbsuite.models.base import Completion
from rbsuite.prompts import Prompts
from rbsuite.reading.asking import ask_for
from rbsuite.reading.layers import Unreadable
from rbsuite.trajectory import Message


class Services:
    """Replies in order, keeping what was asked."""

    def __init__(self, *replies: Completion) -> None:
        self.replies = list(replies)
        self.asked: list[list[Message]] = []

    def render(self, template: str, **variables: Any) -> str:
        return Prompts().render(template, **variables)

    async def complete(self, messages: Sequence[Message], *, temperature: float | None = None) -> Completion:
        self.asked.append(list(messages))
        return self.replies.pop(0)


def asked(services: Services) -> str:
    return asyncio.run(ask_for(services, "How many?", temperature=0.0, read=str.upper))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Completion("thr", finish_reason="length"), "cut at the limit of its length"),
        (Completion(""), "it was empty"),
        (Completion("", reasoning="hm"), "all of it was thinking"),
    ],
)
def test_what_is_no_answer_is_told_back_and_not_read(reply: Completion, words: str) -> None:
    services = Services(reply, Completion("three"))
    assert asked(services) == "THREE"
    first, second = services.asked
    assert second[: len(first)] == first
    assert words in second[-1].text
    assert second[-1].text.count("cut at the limit") <= 1
    with pytest.raises(Unreadable, match=words):
        asked(Services(reply, reply))


@pytest.mark.parametrize("reason", ["context_overflow", "content_filter"])
def test_what_the_same_request_would_meet_again_is_not_tried_again(reason: Any) -> None:
    with pytest.raises(Unreadable):
        asked(Services(Completion("", finish_reason=reason)))
