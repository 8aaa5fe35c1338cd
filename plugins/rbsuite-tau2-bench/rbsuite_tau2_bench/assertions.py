"""The judge of natural-language assertions. Model, prompt and parsing are this project's own; upstream uses gpt-4.1."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rbsuite.environments.base import EpisodeServices
from rbsuite.errors import ModelError
from rbsuite.fencing import fence
from rbsuite.trajectory import Message

_VERDICT = re.compile(r"verdict\W*(true|false|success|failure)\b", re.IGNORECASE)


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
        found = _VERDICT.findall(reply.text)
        if found:
            return str(found[-1]).lower() in ("true", "success")
    raise ModelError("the judge of an assertion gave no verdict.", "Choose another --grade-model, or nl=unscored.")
