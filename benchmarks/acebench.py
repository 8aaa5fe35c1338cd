"""Speed of ACEBench: a scripted rollout, a checker verdict, and all categories of a language graded from outputs.

    python benchmarks/acebench.py [--pack DIR]

The scripts and outputs are upstream's own answers. The pack is found next to the repository, in ``shared/packs``, unless ``--pack`` names
another. Times are CPU, the best of five passes. A line over its limit says ``OVER LIMIT``, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rbsuite_acebench import Pack, check, replay
from rbsuite_acebench.cases import AGENT, CATEGORIES
from rbsuite_acebench.gold import gold_figures, gold_output, scripts
from rbsuite_acebench.worlds import Language

PASSES = 5
ROLLOUT_MS, VERDICT_MS, GRADING_MS = 2.0, 0.3, 2000.0


def default_pack() -> Path:
    """Where the tests look for the pack."""
    root = os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[2] / "shared" / "packs"
    return Path(root) / "acebench"


def best_ms(work: Callable[[], object]) -> float:
    """CPU milliseconds of the fastest pass."""
    found = []
    for _ in range(PASSES):
        start = time.process_time()
        work()
        found.append((time.process_time() - start) * 1000)
    return min(found)


def measured(pack: Pack, language: Language) -> Iterator[tuple[str, float, float]]:
    """What is measured for a language: the name of each measurement, its CPU milliseconds, and their limit."""
    items = {name: pack.items(language, name) for name in CATEGORIES}
    starts = pack.starts(language)
    played = [(item.id, script) for name in AGENT for item in items[name] for script in scripts(item)]
    outputs = [(item.id, gold_output(item)) for name in CATEGORIES if name not in AGENT for item in items[name]]

    def rollouts() -> None:
        for name, script in played:
            replay(language, name, script, pack)

    def verdicts() -> None:
        for name, output in outputs:
            check(language, name, output, pack)

    def grading() -> None:
        for of_category in items.values():
            gold_figures(of_category, starts, "official")

    yield f"{len(played)} scripted rollouts, each", best_ms(rollouts) / len(played), ROLLOUT_MS
    yield f"{len(outputs)} checker verdicts, each", best_ms(verdicts) / len(outputs), VERDICT_MS
    yield "all 17 categories from outputs", best_ms(grading), GRADING_MS


def main() -> int:
    """Measure, print, and compare with the limits."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--pack", type=Path, default=default_pack(), help="an ACEBench pack")
    pack = Pack(parser.parse_args().pack)
    over = False
    for language in pack.languages():
        for label, value, limit in measured(pack, language):
            late = value > limit
            over = over or late
            print(f"{language}  {label:<34} {value:9.3f} ms  limit {limit:g} ms{'  OVER LIMIT' if late else ''}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
