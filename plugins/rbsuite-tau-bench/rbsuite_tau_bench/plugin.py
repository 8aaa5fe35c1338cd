"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import AgentSpec, EnvironmentSpec, Option, Split

CITATION = (
    "Shunyu Yao, Noah Shinn, Pedram Razavi, Karthik Narasimhan: tau-bench: A Benchmark for Tool-Agent-User Interaction "
    "in Real-World Domains. arXiv:2406.12045, 2024."
)

_FIDELITY = Option("fidelity", "str", "upstream", "upstream keeps upstream's quirks", choices=("upstream",))
_DISPLAYS = Option(
    "displays", "str", "", "JSON lines file of worked examples; empty: the pack's, or else the bundled one"
)
_NUMBER = Option("number", "int", 5, "number of worked examples", minimum=1)

_NOTES = (
    "Native engine for sierra-research/tau-bench at 59a200c6d575d595120f1cb70fea53cef0632f6b: same observations, states and "
    "scores, upstream's quirks included (fidelity=upstream).",
    "Deviations, named in the result's truth where they took effect: bounded calculator, fourth certificate for a user, "
    "copied arguments, refused arguments, respond without content.",
    "Prompts of the simulated user and of the react and act agents are this project's own; so results with a real model "
    "are close to upstream's, but not equal by construction.",
    "Floor, an agent that does nothing: test split 7/115 retail and 19/50 airline. Ceiling, replayed references: all.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
    "Upstream calls its own tasks outdated (its pull request 80); some references are known to be wrong.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """tau-bench, both domains."""
    return [
        EnvironmentSpec(
            name="tau-bench",
            summary="customer service with tools, a policy and a simulated user: retail and airline",
            factory="rbsuite_tau_bench.environment:TauBench",
            options=(_FIDELITY,),
            version="1",
            splits=(
                Split("sample", "55 tasks written by this project: 30 retail, 25 airline", bundled=True),
                Split("test", "upstream's test tasks: 115 retail, 50 airline"),
                Split("dev", "upstream's 20 retail dev tasks"),
                Split("train", "upstream's 500 synthetic retail tasks"),
            ),
            domains=("retail", "airline"),
            action_mode="tools",
            concurrency="inline",
            max_steps=30,
            refine="retry",
            agent="tools",
            users=("llm", "react", "verify", "reflection", "scripted"),
            pack="tau-bench",
            importer="rbsuite_tau_bench.importer:IMPORTER",
            citation=CITATION,
            data_licence="MIT, (c) 2024 Sierra; the sample: Apache-2.0",
            homepage="https://github.com/sierra-research/tau-bench",
            notes=_NOTES,
        )
    ]


@hookimpl
def rbsuite_agents() -> Sequence[AgentSpec]:
    """The agent with worked examples."""
    return [
        AgentSpec(
            name="few-shot",
            summary="calls tools natively, with worked examples of tau-bench after the policy",
            factory="rbsuite_tau_bench.few_shot:FewShotAgent",
            options=(_DISPLAYS, _NUMBER),
            action_modes=("tools",),
        )
    ]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """The templates of the few-shot agent."""
    return [Path(__file__).with_name("prompts")]
