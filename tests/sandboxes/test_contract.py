"""Every backend keeps the rules of a sandbox."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import pytest

from rbsuite.sandboxes.base import Sandbox, Setup
from rbsuite.sandboxes.bwrap import Bwrap
from rbsuite.sandboxes.containers import Engine
from rbsuite.sandboxes.local import UNKEPT, BareSandbox, Local, way_here
from rbsuite.testing.sandboxes import RULES, TRIED

needs_bwrap = pytest.mark.skipif(bool(Bwrap().missing()), reason=f"no bubblewrap: {Bwrap().missing()}")
SETUP = Setup(image="ours:1", limits=TRIED)


def tried(rule: str, backend: Bwrap | Engine | Local | Bare) -> str:
    async def begin() -> Sandbox:
        return await backend.start(SETUP)

    return asyncio.run(RULES[rule](begin))


@needs_bwrap
@pytest.mark.parametrize("rule", RULES)
def test_bwrap(rule: str) -> None:
    assert tried(rule, Bwrap()) == ""


@needs_bwrap
@pytest.mark.parametrize("rule", RULES)
def test_the_calls_of_an_engine(rule: str, fake_engine: Callable[[], list[list[str]]]) -> None:
    assert tried(rule, Engine("podman")) == ""
    started = next(call for call in fake_engine() if call[0] == "run")
    assert {"--read-only", "--cap-drop", "--pids-limit", "--memory"} <= set(started)
    given = [started[started.index(one) + 1] for one in ("--network", "--security-opt", "--stop-signal")]
    assert given == ["none", "no-new-privileges", "KILL"]


@pytest.mark.slow
@pytest.mark.skipif("RBSUITE_SANDBOX_IMAGE" not in os.environ, reason="RBSUITE_SANDBOX_IMAGE names no image")
@pytest.mark.parametrize("rule", RULES)
def test_a_real_engine(rule: str) -> None:
    async def begin() -> Sandbox:
        return await engine.start(Setup(image=os.environ["RBSUITE_SANDBOX_IMAGE"], limits=TRIED))

    engine = Engine(os.environ.get("RBSUITE_SANDBOX_ENGINE", "podman"))
    assert engine.missing() == ""
    assert asyncio.run(RULES[rule](begin)) == ""


@pytest.mark.parametrize("rule", RULES)
def test_local_keeps_all_rules_but_those_that_it_names(rule: str) -> None:
    assert (tried(rule, Local()) == "") == (rule not in UNKEPT[way_here()])


@pytest.mark.skipif(bool(Bwrap().missing()), reason="nobody may make namespaces here")
def test_local_makes_namespaces_where_bubblewrap_does() -> None:
    assert way_here() == "walls"


class Bare:
    """``local`` as on a machine where nobody may make namespaces."""

    async def start(self, setup: Setup) -> Sandbox:
        return await BareSandbox.begin(setup)


@pytest.mark.skipif(sys.platform != "linux", reason="not Linux")
@pytest.mark.parametrize("rule", [*sorted(UNKEPT["bare"]), "privileges", "background", "timeout"])
def test_local_without_namespaces(rule: str) -> None:
    assert (tried(rule, Bare()) == "") == (rule not in UNKEPT["bare"])
