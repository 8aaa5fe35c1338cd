"""Speed of ToolSandbox's native engine, and of upstream for comparison.

    python benchmarks/toolsandbox.py [--pack DIR] [--upstream CHECKOUT --python PATH]

Needs the pack with its records: ``--pack``, else ``$RBSUITE_TEST_PACKS/toolsandbox``, else ``../shared/packs/toolsandbox`` next to the
repository. With ``--upstream`` the same is measured for a checkout, run by the interpreter of an environment with its dependencies, and
ratios are printed (upstream / ours: above 1, ours is better). Everything is CPU time of one process, the median over the scripted records:
a scenario played from start to end, its evaluation, and a copy of the whole state at the end.
"""

# ruff: noqa: D103 (each function measures what its name says)

from __future__ import annotations

import argparse
import copy
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

LIMITS = {"scenario, ms": 5.0, "evaluation, ms": 3.0, "fork, ms": 0.2}
"""What is measured, and its limit."""

SCENARIOS = 40
Times = dict[str, list[float]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    default = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[2] / "shared" / "packs")
    options.add_argument("--pack", type=Path, default=default / "toolsandbox")
    options.add_argument("--upstream", type=Path)
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--driver", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.driver:
        print(json.dumps(medians(upstream_times(chosen.upstream, records(chosen.pack)))))
        return
    ours = medians(our_times(chosen.pack, records(chosen.pack)))
    theirs: Mapping[str, float] = {}
    if chosen.upstream:
        words = [chosen.python, __file__, "--driver", "--pack", str(chosen.pack), "--upstream", str(chosen.upstream)]
        environment = {**os.environ, "TZ": "UTC", "POLARS_MAX_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
        theirs = json.loads(done.stdout.splitlines()[-1])
    print(f"{'':<16} {'ours':>9} {'limit':>7} {'upstream':>9} {'ratio':>7}")
    for name, limit in LIMITS.items():
        other = f"{theirs[name]:9.1f} {theirs[name] / ours[name]:7.0f}" if theirs else ""
        print(f"{name:<16} {ours[name]:9.3f} {limit:7.1f} {other}")


def records(pack: Path) -> list[dict[str, Any]]:
    lines = (pack / "records" / "oracle.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return [record for record in found if not record["rapidapi"]][:SCENARIOS]


def medians(times: Times) -> dict[str, float]:
    return {name: statistics.median(values) * 1000 for name, values in times.items()}


def timed(call: Callable[[], Any], times: list[float]) -> Any:
    start = time.process_time()
    result = call()
    times.append(time.process_time() - start)
    return result


def our_times(path: Path, scripts: Iterable[Mapping[str, Any]]) -> Times:
    from rbsuite_toolsandbox.evaluation import evaluate
    from rbsuite_toolsandbox.network import Network
    from rbsuite_toolsandbox.pack import Pack
    from rbsuite_toolsandbox.replaying import play

    pack = Pack(path)
    times: Times = {name: [] for name in LIMITS}
    for again in range(2):  # the first pass loads libraries
        for script in scripts:
            kept: Times = times if again else {name: [] for name in LIMITS}
            start = pack.conversation(script["scenario"], Network())
            played = timed(lambda start=start, script=script: play(start, script["actions"]), kept["scenario, ms"])
            one, tables = played.scenario, played.phone.tables
            first = one.first_user_message
            timed(
                lambda one=one, played=played, tables=tables, first=first: evaluate(
                    one.milestones, one.minefields, played.entries, tables, first
                ),
                kept["evaluation, ms"],
            )
            timed(played.fork, kept["fork, ms"])
    return times


def upstream_times(checkout: Path, scripts: Iterable[Mapping[str, Any]]) -> Times:
    sys.path.insert(0, str(checkout))
    named: Any = importlib.import_module("tool_sandbox.scenarios").named_scenarios
    backend: Any = importlib.import_module("tool_sandbox.common.tool_discovery").ToolBackend.DEFAULT
    contexts: Any = importlib.import_module("tool_sandbox.common.execution_context")
    environment: Any = importlib.import_module("tool_sandbox.roles.execution_environment").ExecutionEnvironment
    base: Any = importlib.import_module("tool_sandbox.roles.base_role").BaseRole
    message: Any = importlib.import_module("tool_sandbox.common.message_conversion").Message
    role = contexts.RoleType

    def code(name: str, arguments: Mapping[str, Any]) -> str:
        return f"call_parameters = {arguments}\ncall_response = {name}(**call_parameters)\nprint(repr(call_response))"

    class Scripted(base):  # type: ignore[misc]
        """An agent that says what a record says, and the user who hears it."""

        role_type = role.AGENT

        def __init__(self, actions: list[Mapping[str, Any]]) -> None:
            self.left = list(actions)

        def respond(self, ending_index: int | None = None) -> None:
            action = self.left.pop(0)
            if "message" in action:
                self.add_messages([message(sender=role.AGENT, recipient=role.USER, content=action["message"])])
                return
            calls = [code(call["name"], call["arguments"]) for call in action["tool_calls"]]
            self.add_messages(
                [message(sender=role.AGENT, recipient=role.EXECUTION_ENVIRONMENT, content=call) for call in calls]
            )

    class Ending(base):  # type: ignore[misc]
        """A user who ends the conversation once the agent has nothing left to do."""

        role_type = role.USER

        def __init__(self, agent: Scripted) -> None:
            self.agent = agent

        def respond(self, ending_index: int | None = None) -> None:
            done = not self.agent.left
            recipient = role.EXECUTION_ENVIRONMENT if done else role.AGENT
            content = code("end_conversation", {}) if done else "Please continue."
            self.add_messages([message(sender=role.USER, recipient=recipient, content=content)])

    scenarios = named(preferred_tool_backend=backend)
    times: Times = {name: [] for name in LIMITS}
    for script in scripts:
        scenario = scenarios[script["scenario"]]
        agent = Scripted(script["actions"])
        roles = {role.AGENT: agent, role.USER: Ending(agent), role.EXECUTION_ENVIRONMENT: environment()}
        context = timed(
            lambda scenario=scenario, roles=roles: scenario.play(roles=roles, scenario_name="benchmark"),
            times["scenario, ms"],
        )
        timed(
            lambda scenario=scenario, context=context: scenario.evaluation.evaluate(context, 30),
            times["evaluation, ms"],
        )
        timed(lambda context=context: copy.deepcopy(context), times["fork, ms"])
    return times


if __name__ == "__main__":
    main()
