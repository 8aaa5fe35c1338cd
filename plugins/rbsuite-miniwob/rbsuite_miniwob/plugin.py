"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from rbsuite import Check, EnvironmentSpec, Measure, Option, Split, hookimpl
from rbsuite.specs import Fidelity
from rbsuite_miniwob.catalogue import DOMAINS, NONDETERMINISTIC


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """All 130 tasks of MiniWoB++."""
    return [
        EnvironmentSpec(
            "miniwob",
            "MiniWoB++: 130 small tasks on web pages, in a real browser",
            "rbsuite_miniwob.environment:MiniWob",
            options=(
                Option("images", "bool", False, "yes: every observation comes with a screenshot"),
                Option("browsers", "int", 2, "concurrent browsers; further rollouts wait"),
            ),
            aliases=("miniwob++",),
            version="1",
            splits=(
                Split("sample", "2 seeds of each of 12 tasks", bundled=True),
                Split("reference", "5 seeds of each task that has a reference solution", bundled=True),
                Split("test", "5 seeds of each of the 130 tasks", bundled=True),
            ),
            domains=DOMAINS,
            action_mode="tools",
            concurrency="thread",
            max_steps=30,
            refine="retry",
            needs=(
                Check("the package miniwob", "rbsuite_miniwob.plugin:missing"),
                Check("Chromium and ChromeDriver", "rbsuite_web.doctor:check", "browser"),
            ),
            citation=(
                "Evan Zheran Liu, Kelvin Guu, Panupong Pasupat, Tianlin Shi, Percy Liang: Reinforcement Learning on Web Interfaces "
                "using Workflow-Guided Exploration. ICLR 2018 (arXiv 1802.08802)"
            ),
            data_licence="MIT",
            homepage="https://miniwob.farama.org",
            notes=(
                "Pages are upstream's, read from the package miniwob; nothing is copied. Their time limit is lifted, as in upstream's "
                "evaluators.",
                f"Upstream calls {len(NONDETERMINISTIC)} of the tasks nondeterministic; a rollout's details say so (nondeterministic).",
            ),
            measures=(Measure("reward", "the raw reward, 0 where it is negative"),),
            fidelity=(
                Fidelity(
                    "pages and rewards",
                    "exact",
                    "upstream's own pages compute the raw reward; success is a raw reward of 1",
                ),
                Fidelity(
                    "time", "approximate", "no limit and no decay of the reward; upstream's own default is 10 seconds"
                ),
                Fidelity(
                    "observations", "approximate", "text of this project's own in place of upstream's tuple of elements"
                ),
                Fidelity(
                    "actions",
                    "approximate",
                    "trusted clicks and keys of the browser in place of upstream's scripted ones",
                ),
            ),
        )
    ]


def missing() -> str:
    """What is missing and how to get it; empty if nothing is."""
    return "" if find_spec("miniwob") else "miniwob is not installed. Run: pip install rbsuite-miniwob"
