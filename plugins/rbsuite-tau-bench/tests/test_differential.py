"""The world against upstream itself, live.

Runs only where ``RBSUITE_TAU_BENCH_CHECKOUT`` names a checkout of tau-bench; ``RBSUITE_TAU_BENCH_FUZZ_CALLS`` sets the number of
calls per domain (default 2,000) and ``RBSUITE_TAU_BENCH_FUZZ_SEED`` their seed.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from rbsuite.errors import DataError
from rbsuite_tau_bench import Pack
from rbsuite_tau_bench.differential import compare

CHECKOUT = os.environ.get("RBSUITE_TAU_BENCH_CHECKOUT", "")
CALLS = int(os.environ.get("RBSUITE_TAU_BENCH_FUZZ_CALLS", "2000"))
SEED = int(os.environ.get("RBSUITE_TAU_BENCH_FUZZ_SEED", "1"))


@pytest.mark.skipif(not CHECKOUT, reason="RBSUITE_TAU_BENCH_CHECKOUT names no checkout of tau-bench")
@pytest.mark.parametrize("domain", ["retail", "airline"])
def test_random_calls_give_what_upstream_gives(domain: str, tmp_path: Path) -> None:
    checkout = Path(CHECKOUT).resolve()
    shutil.copytree(checkout / "tau_bench" / "envs" / domain / "data", tmp_path / f"{domain}_db")
    report = compare(checkout, domain, Pack(tmp_path), calls=CALLS, seed=SEED)
    assert report.difference is None
    assert report.compared > 20 * report.deviated
    assert report.hashes > 0


def test_a_directory_without_upstream_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "retail_db").mkdir()
    for table in ("orders", "products", "users"):
        (tmp_path / "retail_db" / f"{table}.json").write_text("{}")
    with pytest.raises(DataError, match="no tau-bench checkout"):
        compare(tmp_path, "retail", Pack(tmp_path), calls=1, seed=1)
