"""The world against upstream itself, live.

Runs only where ``RBSUITE_TAU2_BENCH_CHECKOUT`` names a checkout of tau2-bench and the reference pack is there.
``RBSUITE_TAU2_BENCH_PYTHON`` is a Python 3.12 or 3.13 with what upstream imports (default: the checkout's ``.venv``),
``RBSUITE_TAU2_BENCH_FUZZ_CALLS`` the number of calls per domain (default 2,000), ``RBSUITE_TAU2_BENCH_FUZZ_SEED`` their seed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rbsuite.errors import DataError
from rbsuite_tau2_bench import Pack
from rbsuite_tau2_bench.differential import compare
from rbsuite_tau2_bench.resources import sample_directory

CHECKOUT = os.environ.get("RBSUITE_TAU2_BENCH_CHECKOUT", "")
PYTHON = os.environ.get("RBSUITE_TAU2_BENCH_PYTHON") or f"{CHECKOUT}/.venv/bin/python"
CALLS = int(os.environ.get("RBSUITE_TAU2_BENCH_FUZZ_CALLS", "2000"))
SEED = int(os.environ.get("RBSUITE_TAU2_BENCH_FUZZ_SEED", "1"))
PACKS = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs"
ROOT = Path(PACKS) / "tau2-bench"


@pytest.mark.skipif(
    not (CHECKOUT and ROOT.is_dir()), reason="RBSUITE_TAU2_BENCH_CHECKOUT names no checkout, or no pack"
)
@pytest.mark.parametrize("domain", ["mock", "telecom", "retail", "airline"])
def test_random_calls_give_what_upstream_gives(domain: str) -> None:
    report = compare(Path(CHECKOUT).resolve(), PYTHON, domain, Pack(ROOT), calls=CALLS, seed=SEED)
    assert report.difference is None
    assert report.compared > 20 * report.deviated
    assert report.hashes > 0


def test_a_directory_without_upstream_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no tau2-bench checkout"):
        compare(tmp_path, PYTHON, "mock", Pack(sample_directory()), calls=1, seed=1)
