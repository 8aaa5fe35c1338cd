"""The core's own agents, declared like any plugin's."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.options import Option
from rbsuite.specs import AgentSpec

_STRICT = Option(
    "strict",
    "bool",
    False,
    "read replies as the benchmark's own agent does, and do not ask again where one cannot be read",
)

_SCHEMA = Option("schema", "bool", True, "send the JSON schema of replies along, to models that accept one")


@hookimpl
def rbsuite_agents() -> Sequence[AgentSpec]:
    """The agents that fit any environment of their action mode."""
    return [
        AgentSpec(
            "tools",
            "calls tools natively",
            "rbsuite.agents.tools:ToolsAgent",
            (_STRICT,),
            action_modes=("tools",),
        ),
        AgentSpec(
            "react",
            "writes a thought, then an action as JSON",
            "rbsuite.agents.react:ReactAgent",
            (_STRICT,),
            action_modes=("tools",),
        ),
        AgentSpec(
            "act",
            "writes an action as JSON, without a thought",
            "rbsuite.agents.react:ActAgent",
            (_STRICT,),
            action_modes=("tools",),
        ),
        AgentSpec(
            "planner",
            "writes plans of named actions as JSON, and a new one when an action fails",
            "rbsuite.agents.choice:PlannerAgent",
            (_STRICT, _SCHEMA),
            action_modes=("choice",),
        ),
        AgentSpec(
            "stepwise",
            "names one action at a time as JSON",
            "rbsuite.agents.choice:StepwiseAgent",
            (_STRICT, _SCHEMA),
            action_modes=("choice",),
        ),
        AgentSpec("text", "answers in text", "rbsuite.agents.chat:TextAgent", (_STRICT,), action_modes=("text",)),
    ]
