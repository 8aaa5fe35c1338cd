"""Drives a world and upstream with the same calls."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from rbsuite_dialogue.differential.comparison import CALLS_PER_EPISODE, Comparison, Report
from rbsuite_dialogue.differential.upstream import Upstream
from rbsuite_tau2_bench.differential.calls import CallMaker
from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.world import DEVIATIONS, World


def start_upstream(checkout: Path, python: str) -> Upstream:
    """Upstream's environment, running from a checkout.

    Args:
        checkout: the directory of a tau2-bench checkout.
        python: a Python 3.12 or 3.13 with upstream's dependencies.

    Raises:
        DataError: there is no tau2-bench in that directory.
    """
    driver = Path(__file__).with_name("driver.py")
    return Upstream("tau2-bench", checkout, "src/tau2/environment", driver, python)


def reset_request(pack: Pack, domain: str, task: str | None) -> dict[str, Any]:
    """The request that makes upstream start a task on a pack's data."""
    request: dict[str, Any] = {"reset": domain, "db": str(pack.path / pack.database_file(domain))}
    if DOMAINS[domain].user is not None:
        request["user_db"] = str(pack.path / pack.database_file(domain, "user"))
    if task is not None:
        request["task"] = pack.entry(domain, task)
    return request


def compare(checkout: Path, python: str, domain: str, pack: Pack, *, calls: int, seed: int) -> Report:
    """Make random calls to a world and to upstream until they differ or ``calls`` have been made.

    Args:
        checkout: the directory of a tau2-bench checkout; its code is run, but the data is the pack's.
        python: the interpreter that runs it.
        domain: the domain.
        pack: the data.
        calls: how many, in episodes that each start from a task.
        seed: seed of the calls.
    """
    with start_upstream(checkout, python) as upstream:
        ids = pack.task_ids(domain, "base")
        comparison = Comparison(upstream, DEVIATIONS)
        for episode in range(-(-calls // CALLS_PER_EPISODE)):
            own_seed = seed * 1_000_000 + episode
            chosen = random.Random(own_seed).sample(ids, min(4, len(ids)))
            maker = CallMaker(domain, pack, [pack.task(domain, one) for one in chosen], own_seed)
            world = World(domain, pack, chosen[0])
            upstream.ask(**reset_request(pack, domain, chosen[0]))
            difference = comparison.episode(chosen[0], world, maker.call, lambda one: list(one.hashes()))
            if difference is not None:
                return comparison.report(difference)
    return comparison.report()
