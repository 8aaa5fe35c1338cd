"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import AgentSpec, EnvironmentSpec, Fidelity, Measure, Option, Split, UserSpec

CITATION = "Chen Chen et al.: ACEBench: Who Wins the Match Point in Tool Learning? arXiv:2501.12851, 2025."

_PROTOCOL = Option(
    "protocol",
    "str",
    "official",
    "official reproduces upstream's defects; fixed repairs those that can be repaired; the two grade differently",
    choices=("official", "fixed"),
)
_LANGUAGE = Option("language", "str", "en", "language of the items", choices=("en", "zh"))
_STRICT = Option(
    "strict", "bool", False, "read replies as the benchmark's own agent does, and do not report unreadable ones back"
)

_NOTES = (
    "The score of multi-turn and multi-step items is Process Accuracy (measure process), with End-to-End Accuracy alongside (measure "
    "end_to_end). The headline is multi-turn Process Accuracy: --domain multi-turn. For single-turn items both are the checker's verdict.",
    "Ceiling, upstream's own answers graded by protocol=official: multi-turn process 0.857 and end to end 0.700 in English, 0.967 and "
    "0.967 in Chinese; multi-step 1.000 and 0.200, 1.000 and 0.400. By protocol=fixed: multi-turn 0.948 and 0.700, 1.000 and 0.967; "
    "multi-step 1.000 and 0.500, 1.000 and 0.600.",
    "Repaired (quotes escaped, spaces stripped, a login added), these answers reach the right final state in all multi-turn items, so "
    "references score 1 there.",
    "Single-turn: 69 English and 10 Chinese answers are rejected by upstream's checker, mostly because it deletes whitespace.",
    "Fresh worlds for every rollout under both protocols; upstream's second rollout of an item starts where the first one ended.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
)

_FIDELITY = (
    Fidelity(
        "worlds, parsing, rollouts",
        "exact",
        "transcripts, states and scores equal upstream's records (protocol=official)",
    ),
    Fidelity(
        "checker of single-turn calls",
        "exact",
        "verdicts equal upstream's records; where upstream's checker raises, wrong",
    ),
    Fidelity("prompts of agent and user", "approximate", "this project's own, with the facts and forms of upstream's"),
    Fidelity("history of the agent", "approximate", "as chat messages; upstream puts it into one text"),
    Fidelity(
        "text that models wrote", "approximate", "never run: calls to Python's own functions in arguments are errors"
    ),
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """ACEBench, all categories."""
    return [
        EnvironmentSpec(
            name="acebench",
            summary="function calls as text: talking to a user, step by step, and in a single turn",
            factory="rbsuite_acebench.environment:AceBench",
            options=(_PROTOCOL, _LANGUAGE),
            version="1",
            splits=(
                Split(
                    "sample",
                    "67 items written by this project: 37 for agents, 30 single-turn (English)",
                    bundled=True,
                ),
                Split("test", "upstream's items: 1,023 English and 1,017 Chinese, in 17 categories"),
            ),
            domains=("multi-turn", "multi-step", "normal", "special"),
            action_mode="text",
            concurrency="inline",
            max_steps=40,
            refine="retry",
            agent="acebench",
            users=("acebench", "llm", "react", "verify", "reflection", "scripted"),
            measures=(
                Measure(
                    "process",
                    "Process Accuracy: the share of milestones met in order, 1 where the final state is right",
                ),
                Measure("end_to_end", "End-to-End Accuracy: whether the final state is right"),
            ),
            fidelity=_FIDELITY,
            pack="acebench",
            importer="rbsuite_acebench.importer:IMPORTER",
            citation=CITATION,
            data_licence="MIT text, (c) Microsoft Corporation as upstream's licence file says; the sample: Apache-2.0",
            homepage="https://github.com/ACEBench/ACEBench",
            notes=_NOTES,
        )
    ]


@hookimpl
def rbsuite_agents() -> Sequence[AgentSpec]:
    """The agent that sees what upstream's agents see."""
    return [
        AgentSpec(
            "acebench",
            "answers in text; in multi-step items of acebench it does not see its own earlier messages",
            "rbsuite_acebench.agent:AceAgent",
            (_STRICT,),
            action_modes=("text",),
        )
    ]


@hookimpl
def rbsuite_users() -> Sequence[UserSpec]:
    """The user who ends a conversation in the benchmark's own words."""
    return [
        UserSpec(
            "acebench",
            "a model plays the user that the item describes, and says 'finish conversation' at the end",
            "rbsuite_acebench.user:AceUser",
        )
    ]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """The templates of agent and user."""
    return [Path(__file__).with_name("prompts")]
