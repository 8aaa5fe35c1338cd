"""Drives upstream's own environment step by step, in a separate process.

Run as ``python driver.py CHECKOUT``; it imports nothing from this project. It reads one JSON object per line, ``{"reset": domain}``,
``{"call": [name, arguments]}`` or ``{"hash": true}``, and answers each with one JSON value per line. A call that crashes upstream's
``Env.step`` itself is answered with null. litellm is replaced by a stub: nothing here calls a model.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from typing import Any


class _NeverAsked:
    """Replaces everything that upstream imports from litellm."""

    def __init__(self, *_: object, **__: object) -> None:
        raise RuntimeError("no model may be called here")


def _stub_litellm() -> None:
    stub = types.ModuleType("litellm")
    vars(stub).update(completion=_NeverAsked, provider_list=[])
    sys.modules["litellm"] = stub


def new_environment(domain: str) -> Any:
    """An upstream environment on a fresh database, without a user, that no tool ends."""
    base = importlib.import_module("tau_bench.envs.base")
    types_ = importlib.import_module("tau_bench.types")
    data = importlib.import_module(f"tau_bench.envs.{domain}.data")
    tools = importlib.import_module(f"tau_bench.envs.{domain}.tools")
    environment = object.__new__(base.Env)
    environment.data = data.load_data()
    environment.tools_map = {tool.get_info()["function"]["name"]: tool for tool in tools.ALL_TOOLS}
    environment.terminate_tools = []
    environment.actions = []
    environment.task = types_.Task(user_id="", actions=[], instruction="", outputs=[])
    return environment


def step(environment: Any, name: str, arguments: dict[str, Any]) -> str | None:
    """The observation of one call, or None if ``Env.step`` raised."""
    action = importlib.import_module("tau_bench.types").Action
    environment.actions.clear()
    try:
        return str(environment.step(action(name=name, kwargs=arguments)).observation)
    except ValueError:  # pydantic's ValidationError is one
        return None


def main(checkout: str) -> None:
    """Answer requests until the input ends."""
    sys.path.insert(0, checkout)
    _stub_litellm()
    environment: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = True
        if "reset" in request:
            environment = new_environment(request["reset"])
        elif "call" in request:
            answer = step(environment, *request["call"])
        else:
            answer = environment.get_data_hash()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
