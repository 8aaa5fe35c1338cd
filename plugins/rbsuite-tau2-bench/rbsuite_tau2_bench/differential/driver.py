"""Drives upstream's own environment call by call, in a separate process with a separate Python.

Run as ``python driver.py CHECKOUT``; it imports nothing from this project. It reads one JSON object per line and answers each with one JSON
value per line: ``{"reset": domain, "db": path, "user_db": path, "task": task}``, ``{"call": [name, arguments, requestor]}``,
``{"hash": true}`` or ``{"measure": a reset}``. Nothing here calls a model.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

_CLASSES = {
    "retail": ("data_model.RetailDB", ""),
    "airline": ("data_model.FlightDB", ""),
    "telecom": ("data_model.TelecomDB", "user_data_model.TelecomUserDB"),
    "mock": ("data_model.MockDB", "user_data_model.MockUserDB"),
}


def _class(domain: str, path: str) -> Any:
    module, _, name = path.partition(".")
    return getattr(importlib.import_module(f"tau2.domains.{domain}.{module}"), name)


def new_environment(request: dict[str, Any]) -> Any:
    """An upstream environment over a pack's databases, at the start of a task if one is given."""
    domain = request["reset"]
    agent, user = _CLASSES[domain]
    databases = {"db": _class(domain, agent).load(request["db"])}
    if user:
        databases["user_db"] = _class(domain, user).load(request["user_db"])
    if domain == "telecom":
        # A single object of the class, which a task may have broken in an earlier episode.
        tools = importlib.import_module("tau2.domains.telecom.user_tools")
        tools.TelecomUserTools.default_vpn_details = tools.VpnDetails(
            server_address="192.168.1.1", protocol="OpenVPN", server_performance="excellent"
        )
    environment = importlib.import_module(f"tau2.domains.{domain}.environment").get_environment(**databases)
    if request.get("task"):
        task = importlib.import_module("tau2.data_model.tasks").Task.model_validate(request["task"])
        state = task.initial_state
        if state is not None:
            environment.set_state(state.initialization_data, state.initialization_actions, state.message_history or [])
    return environment


def step(environment: Any, name: str, arguments: dict[str, Any], requestor: str) -> list[Any]:
    """The observation of one call, and whether it is an error."""
    call = importlib.import_module("tau2.data_model.message").ToolCall
    message = environment.get_response(call(id="1", name=name, arguments=arguments, requestor=requestor))
    return [message.content, message.error]


def measure(request: dict[str, Any]) -> dict[str, float]:
    """CPU milliseconds of a fresh environment and of its hash."""
    times = []
    for _ in range(5):
        start = time.process_time()
        environment = new_environment(request)
        middle = time.process_time()
        environment.get_db_hash()
        times.append((middle - start, time.process_time() - middle))
    return {"fresh_ms": 1000 * min(one for one, _ in times), "hash_ms": 1000 * min(two for _, two in times)}


def main(checkout: str) -> None:
    """Answer requests until the input ends."""
    sys.path.insert(0, f"{checkout}/src")
    os.environ.setdefault("TAU2_DATA_DIR", f"{checkout}/data")
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    importlib.import_module("loguru").logger.remove()
    environment: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: object = True
        if "measure" in request:
            answer = measure(request["measure"])
        elif "reset" in request:
            environment = new_environment(request)
        elif "call" in request:
            answer = step(environment, *request["call"])
        else:
            answer = [environment.get_db_hash(), environment.get_user_db_hash()]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
