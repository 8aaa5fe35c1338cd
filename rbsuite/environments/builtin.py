"""The simulated users of the core, declared like any plugin's."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Option, UserSpec

_FIDELITY = Option(
    "fidelity", "str", "upstream", "upstream keeps the quirks of tau-bench's users", choices=("upstream", "fixed")
)

_CALLS = Option(
    "calls",
    "str",
    "native",
    "how it calls tools of its own: natively, or as text, one action per reply",
    choices=("native", "text"),
)


@hookimpl
def rbsuite_users() -> Sequence[UserSpec]:
    """Four ways to put a model in the user's place, and one that needs none."""
    return [
        UserSpec("llm", "a model speaks for the user", "rbsuite.environments.users:LlmUser", (_FIDELITY, _CALLS)),
        UserSpec("react", "thinks before it speaks", "rbsuite.environments.users:ReactUser", (_FIDELITY,)),
        UserSpec(
            "verify", "has every reply approved by a second call", "rbsuite.environments.users:VerifyUser", (_FIDELITY,)
        ),
        UserSpec(
            "reflection",
            "tries once more, after a reflection, if a reply is rejected",
            "rbsuite.environments.users:ReflectionUser",
            (_FIDELITY,),
        ),
        UserSpec(
            "scripted",
            "says the lines of the reference solution, uses tools if asked",
            "rbsuite.environments.users:ScriptedUser",
        ),
    ]
