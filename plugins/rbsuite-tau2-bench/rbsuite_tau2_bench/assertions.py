"""The judge of natural-language assertions. Model, prompt and parsing are this project's own; upstream uses gpt-4.1."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rbsuite.environments.base import EpisodeServices
from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.judges.verdicts import parse_verdict
from rbsuite.trajectory import Message

_AFTER_REASON = re.compile(
    r"^(?![ \t]*>)([^\n]*[.!?;,)])[ \t]{1,8}(?=[*_]{0,3}verdict\W{1,8}(?:true|false|success|failure)\b\W{0,8}$)",
    re.IGNORECASE | re.MULTILINE,
)
"""A reason with the verdict on the same line."""


async def judge(services: EpisodeServices, said: Sequence[str], assertion: str) -> bool:
    """Whether a conversation shows that an assertion holds.

    Raises:
        ModelError: the judge failed, or gave no verdict in two replies.
    """
    prompt = services.render(
        "grade/assertion.j2", transcript=fence("\n".join(said), "transcript"), assertion=fence(assertion, "statement")
    )
    for _ in range(2):
        reply = await services.complete([Message("user", prompt)], temperature=0.0)
        verdict = parse_verdict(_AFTER_REASON.sub(r"\1\n", reply.text))
        if verdict is not None:
            return verdict.label == "success"
    raise ModelError("the judge of an assertion gave no verdict.", "Choose another --grade-model, or nl=unscored.")
