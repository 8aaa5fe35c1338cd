"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import AgentSpec, Check, EnvironmentSpec, Fidelity, Option, Published, Setting, Split

_BENCH = "SWE-bench: Jimenez and others, arXiv 2310.06770, ICLR 2024."
_PROTOCOL = "The protocol of commands is that of mini-swe-agent."

_UNSAFE = Option(
    "unsafe_local",
    "bool",
    False,
    "let commands run in the sandbox 'local', which may not enforce all rules; set by --unsafe-local",
)
_TIME = Option("command_time", "int", 60, "seconds after which a command is killed", minimum=1, maximum=3600)

_STEPS, _MONEY = 250, 3.0
"""mini-swe-agent's step_limit and cost_limit, the latter in US dollars."""

_REASONINGBANK = Published(
    settings=(
        Setting("memory", ("none", "synapse", "reasoningbank"), "SWE-bench Verified: the rows of its table"),
        Setting("agent", ("bash",), "mini-swe-agent 1.10.0, one bash block per reply"),
        Setting("temperature", (0.0,), "mini-swe-agent's configuration for SWE-bench; the paper's 0.7 is for the web"),
        Setting("max_steps", _STEPS, "mini-swe-agent's step_limit"),
        Setting("rollout_max_cost", _MONEY, "mini-swe-agent's cost_limit, in US dollars"),
        Setting("scope", "shared", "the released code: one bank for all repositories"),
    ),
    left_open=(
        "the split is Verified, all 500: --split verified; a command has 60 s, as published (command_time)",
        "the order is by repository and date of the fix; the released code takes the order of the data set",
        "the released judge takes 'unsuccessful' for success, and learns from rollouts that broke; here it does neither",
        "published scores are the official harness's: write predictions (python -m rbsuite_swe) and grade them with it",
        "steps are counted as replies of the agent's model, as api_calls there",
    ),
)


def _sandbox(*names: str) -> Option:
    return Option("sandbox", "str", "auto", "where commands run", choices=("auto", *names))


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """The small set and the benchmark."""
    return [
        EnvironmentSpec(
            name="swe-mini",
            summary="issues of small repositories, solved by commands in a sandbox",
            factory="rbsuite_swe.mini.environment:SweMini",
            options=(
                _sandbox("bwrap", "podman", "docker", "local"),
                Option("image", "str", "", "image for podman and docker, with Python, git and bash"),
                _TIME,
                _UNSAFE,
            ),
            version="1",
            splits=(Split("sample", "32 repositories of eight kinds, written by this project", bundled=True),),
            domains=("commands", "parsers", "queries", "stores", "shapes", "settings", "renames", "formats"),
            action_mode="tools",
            max_steps=_STEPS,
            rollout_max_cost=_MONEY,
            agent="bash",
            needs=(
                Check("a sandbox", "rbsuite_swe.plugin:no_sandbox", "sandbox"),
                Check("git", "rbsuite_swe.plugin:no_git"),
            ),
            data_licence="Apache-2.0",
            citation=_BENCH,
            protocols={"reasoningbank": _REASONINGBANK},
            notes=(
                "The repositories are this project's own. They show how memories work, and say nothing about published figures.",
                "House rules (changelogs, registries, error codes, ...) recur in them, and hidden tests check for them.",
                _PROTOCOL,
            ),
        ),
        EnvironmentSpec(
            name="swe-bench",
            summary="SWE-bench: issues of real repositories, in the containers of its images",
            factory="rbsuite_swe.bench.environment:SweBench",
            options=(
                _sandbox("podman", "docker"),
                Option(
                    "image",
                    "str",
                    "",
                    "image for all instances, in place of each instance's own; {id} stands for its id",
                ),
                Option("registry", "str", "docker.io", "registry for images whose names have none"),
                _TIME,
                Option("test_time", "int", 1800, "seconds that the tests of an instance may take", minimum=1),
                Option("ids", "str", "", "only these instances: a file with one id per line"),
            ),
            version="1",
            splits=(
                Split("verified", "SWE-bench Verified, 500 instances"),
                Split("lite", "SWE-bench Lite, 300 instances"),
                Split("multilingual", "SWE-bench Multilingual, 300 instances"),
            ),
            action_mode="tools",
            max_steps=_STEPS,
            rollout_max_cost=_MONEY,
            agent="bash",
            needs=(
                Check("podman or docker", "rbsuite_swe.plugin:no_engine", "sandbox"),
                Check("x86-64", "rbsuite_swe.plugin:other_machine"),
                Check("disk space for images", "rbsuite_swe.plugin:no_room"),
            ),
            data_licence="the data set's, and that of each repository",
            citation=_BENCH,
            homepage="https://www.swebench.com",
            protocols={"reasoningbank": _REASONINGBANK},
            fidelity=(
                Fidelity("grading of a log", "exact", "equal to the package swebench 5.0.2 on recorded logs"),
                Fidelity("run of the tests", "approximate", "no network, no added capabilities; upstream has both"),
                Fidelity(
                    "test commands of old dumps",
                    "approximate",
                    "one for each repository; the new schema brings its own",
                ),
                Fidelity("multimodal data", "absent", "its images and its log parsers"),
                Fidelity(
                    "engine",
                    "approximate",
                    "tried with docker 20.10 and podman 4.3 on this project's own images; not on a published one",
                ),
            ),
            notes=(
                _PROTOCOL,
                "You provide the data: --data FILE (JSON, JSON lines, parquet) or --data hub.",
                "Every agent gets a repository with a single commit, and no network.",
            ),
        ),
    ]


@hookimpl
def rbsuite_agents() -> Sequence[AgentSpec]:
    """The agent of mini-swe-agent."""
    strict = Option(
        "strict",
        "bool",
        False,
        "accept only blocks in mini-swe-agent's exact form, and do not report other replies back",
    )
    summary = "writes a thought and one bash block"
    return [AgentSpec("bash", summary, "rbsuite_swe.agent:BashAgent", (strict,), action_modes=("tools",))]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """The required form of replies."""
    return [Path(__file__).parent / "prompts"]


def no_sandbox() -> str:
    """What is missing for a sandbox; empty if there is one."""
    from rbsuite.sandboxes.choice import BACKENDS

    missing = {name: backend.missing() for name, backend in BACKENDS.items() if backend.isolates}
    return "" if "" in missing.values() else missing["bwrap"]


def no_engine() -> str:
    """What is missing for containers; empty if there is an engine."""
    from rbsuite.sandboxes.choice import BACKENDS

    missing = [BACKENDS[name].missing() for name in ("podman", "docker")]
    return "" if "" in missing else missing[0]


def no_git() -> str:
    """Whether git is missing."""
    from shutil import which

    return "" if which("git") else "git is not installed. Install git"


def other_machine() -> str:
    """Whether the published images cannot run on this machine."""
    import platform

    machine = platform.machine()
    return (
        "" if machine in ("x86_64", "AMD64") else f"this machine is {machine}, but the published images are for x86-64"
    )


def no_room() -> str:
    """Whether there is too little disk space for all images of Verified."""
    from shutil import disk_usage

    free = disk_usage("/").free
    return "" if free >= 120 << 30 else f"{free >> 30} GiB are free; all images of Verified take about 120"
