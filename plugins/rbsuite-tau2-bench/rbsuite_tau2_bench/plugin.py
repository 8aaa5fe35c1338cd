"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Fidelity, Option, Split

CITATION = (
    "Victor Barres, Honghua Dong, Soham Ray, Xujie Si, Karthik Narasimhan: tau2-Bench: Evaluating Conversational Agents in a "
    "Dual-Control Environment. arXiv:2506.07982, 2025."
)

_OPTIONS = (
    Option(
        "fidelity",
        "str",
        "upstream",
        "upstream keeps upstream's quirks, fixed repairs four of them",
        choices=("upstream", "fixed"),
    ),
    Option(
        "nl",
        "str",
        "unscored",
        "assertions in natural language: judged by --grade-model, or left out of the reward",
        choices=("unscored", "judged"),
    ),
    Option("solo", "bool", False, "telecom and mock: a ticket and the tools of both sides, no user"),
    Option("policy", "str", "manual", "telecom's technical policy", choices=("manual", "workflow")),
    Option("steps", "int", 200, "messages of all sides after which an episode is cut off", minimum=1),
    Option("errors", "int", 10, "failed tool calls of both sides after which an episode ends", minimum=1),
)

_NOTES = (
    "Native engine for sierra-research/tau2-bench at a2c024725189473d2d7cea3a5cfdbcc67478e41f: same observations, error flags, states "
    "and rewards, upstream's quirks included (fidelity=upstream). fidelity=fixed repairs: item-options, synced-reference, "
    "own-user-data, all-arguments.",
    "In telecom and mock the user has tools of its own (30 and 2); results go only to the caller.",
    "Reward bases: airline DB+COMMUNICATE 50; retail DB+NL_ASSERTION 112, DB 2; telecom base ENV_ASSERTION 94, ACTION+ENV_ASSERTION 20; "
    "mock mixed.",
    "NL_ASSERTION needs a judge model: by default it is not scored, and retail's reward is that of the database alone; nl=judged "
    "scores it with --grade-model. The two are different gradings.",
    "Ceiling, replayed references: airline 50/50, retail 114/114 (assertions not scored), telecom base 114/114 and small 20/20, mock 8/10. "
    "Of mock, update_task_with_history_and_env_assertions has no reference actions, and the reference of update_task_with_user_tools "
    "leaves out what the user does.",
    "Floor, an agent that does nothing: airline 23/50; retail 11/114 (assertions not scored); telecom base 0/114.",
    "Left out: banking_knowledge (97 tasks over 698 documents, with retrieval) and voice.",
    "The airline database is upstream's own or, from a pack that says so, one rebuilt from tau-bench's, which differs in a few records; a "
    "result's source names the file and its hash.",
    "Prompts of the simulated user are this project's own; so results with a real model are close to upstream's, but not equal "
    "by construction.",
    "Several trials per task: --scaling parallel:4 --selector random; rbsuite compare shows pass^1 to pass^4.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
)

_FIDELITY = (
    Fidelity(
        "observations, error flags, states",
        "exact",
        "compared call by call; calculate is bounded, new bills are numbered in order",
    ),
    Fidelity(
        "reward",
        "exact",
        "DB, ACTION, COMMUNICATE, ENV_ASSERTION; NL_ASSERTION with a judge and this project's own prompt",
    ),
    Fidelity(
        "conversation",
        "approximate",
        "half duplex, same limits and stop words; the wording of prompts is this project's own",
    ),
    Fidelity("banking_knowledge, voice", "absent", "not provided"),
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """tau2-bench, four domains."""
    return [
        EnvironmentSpec(
            name="tau2-bench",
            summary="customer service where the user acts too: retail, airline, telecom, mock",
            factory="rbsuite_tau2_bench.environment:Tau2Bench",
            options=_OPTIONS,
            version="1",
            splits=(
                Split(
                    "sample",
                    "50 tasks written by this project: 12 retail, 13 airline, 17 telecom, 8 mock",
                    bundled=True,
                ),
                Split("base", "upstream's tasks: 114 retail, 50 airline, 114 telecom, 10 mock"),
                Split("train", "of base: 74 retail, 30 airline, 74 telecom"),
                Split("test", "of base: 40 retail, 20 airline, 40 telecom"),
                Split("small", "20 telecom tasks with a single fault"),
                Split("full", "all 2,285 telecom tasks"),
            ),
            domains=("retail", "airline", "telecom", "mock"),
            action_mode="tools",
            concurrency="inline",
            max_steps=100,
            refine="retry",
            agent="tools",
            users=("llm", "react", "verify", "reflection", "scripted"),
            pack="tau2-bench",
            importer="rbsuite_tau2_bench.importer:IMPORTER",
            citation=CITATION,
            data_licence="MIT, (c) 2025 Sierra Research; the sample: Apache-2.0",
            homepage="https://github.com/sierra-research/tau2-bench",
            notes=_NOTES,
            fidelity=_FIDELITY,
        )
    ]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """The template of the judge of assertions."""
    return [Path(__file__).with_name("prompts")]
