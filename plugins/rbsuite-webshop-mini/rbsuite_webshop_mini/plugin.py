"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from rbsuite import Check, EnvironmentSpec, Option, Split, hookimpl


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """The shop."""
    return [
        EnvironmentSpec(
            "webshop-mini",
            "a small shop of this project's own in a real browser, with rules that no page announces",
            "rbsuite_webshop_mini.environment:WebshopMini",
            options=(
                Option("images", "bool", False, "yes: every observation comes with a screenshot"),
                Option("browsers", "int", 2, "concurrent browsers; further rollouts wait"),
            ),
            version="1",
            splits=(
                Split("sample", "2 goals from each of 15 templates", bundled=True),
                Split("test", "6 other goals from each", bundled=True),
            ),
            domains=("shop", "staff"),
            action_mode="tools",
            concurrency="thread",
            max_steps=30,
            refine="retry",
            needs=(
                Check("the package Flask", "rbsuite_webshop_mini.plugin:missing"),
                Check("Chromium and ChromeDriver", "rbsuite_web.doctor:check", "browser"),
            ),
            notes=(
                "Every rollout has its own shop, which needs only a port on 127.0.0.1, so parallel rollouts do not interfere.",
                "Goals are checked against the shop's final state, not its pages.",
            ),
        )
    ]


def missing() -> str:
    """What is missing and how to get it; empty if nothing is."""
    return "" if find_spec("flask") else "Flask is not installed. Run: pip install rbsuite-webshop-mini"
