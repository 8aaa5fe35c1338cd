"""Drives a world and upstream with the same calls."""

from __future__ import annotations

import sys
from pathlib import Path

from rbsuite_dialogue.deviations import BOUNDED_CALCULATOR
from rbsuite_dialogue.differential.comparison import CALLS_PER_EPISODE, Comparison, Report
from rbsuite_dialogue.differential.upstream import Upstream
from rbsuite_tau_bench.differential.calls import CallMaker
from rbsuite_tau_bench.pack import Pack
from rbsuite_tau_bench.tools import FOURTH_CERTIFICATE
from rbsuite_tau_bench.world import World


def compare(checkout: Path, domain: str, pack: Pack, *, calls: int, seed: int) -> Report:
    """Make random calls to a world and to upstream until they differ or ``calls`` have been made.

    Args:
        checkout: the directory of a tau-bench checkout; its data must be the pack's. litellm is replaced by a stub.
        domain: ``retail`` or ``airline``.
        pack: the data of the world.
        calls: how many, in episodes that each start from a fresh database.
        seed: seed of the calls.
    """
    driver = Path(__file__).with_name("driver.py")
    with Upstream("tau-bench", checkout, "tau_bench/envs/base.py", driver, sys.executable) as upstream:
        comparison = Comparison(upstream, (BOUNDED_CALCULATOR, FOURTH_CERTIFICATE))
        for episode in range(-(-calls // CALLS_PER_EPISODE)):
            upstream.ask(reset=domain)
            maker = CallMaker(domain, pack.database(domain), seed * 1_000_000 + episode)
            difference = comparison.episode(f"episode {episode}", World(domain, pack), maker.call, World.state_hash)
            if difference is not None:
                return comparison.report(difference)
    return comparison.report()
