"""How long a board of many submissions takes to validate and to build, and how much memory it needs.

    python benchmarks/leaderboard.py PACK [--submissions 200] [--cold]

The board is built after everything has been validated; with ``--cold`` it is built once more without receipts, which validates everything
again. PACK is the tau-bench pack. Four experiments (two memories, 115 retail tasks in 3 orders, the simulated learner) are run once, and
each is submitted many times under other names; a board refuses copies, so the check for them is run and its findings are ignored.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

from rbsuite.api import evaluate
from rbsuite.leaderboard.adding import Entry, add
from rbsuite.leaderboard.boards import BoardPlace, read_board
from rbsuite.leaderboard.building import build
from rbsuite.leaderboard.receipts import checked
from rbsuite.leaderboard.validating import Neighbours

BOARD = """title = "Many"
environment = "tau-bench"
split = "test"
domain = "retail"
task_set = ""
tasks = 115
orders = 3
simulated = true
"""
SYSTEMS = (("sim/learner", 0), ("sim/learner:known=0.5", 0), ("sim/learner", 1), ("sim/learner:known=0.5", 2))


def main() -> None:
    """Make the board, validate it, build it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--submissions", type=int, default=200)
    parser.add_argument("--cold", action="store_true", help="build a second time without receipts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        place = _board(home, options.pack, options.submissions)
        _validate(home, place)
        _build(home, place, "receipts")
        if options.cold:
            _build(home, place, "no-receipts")


def _board(home: Path, pack: Path, count: int) -> BoardPlace:
    (home / "boards" / "many").mkdir(parents=True)
    (home / "boards" / "many" / "board.toml").write_text(BOARD)
    place = read_board(home / "boards", "many")
    made = []
    for number, (model, seed) in enumerate(SYSTEMS):
        evaluate("tau-bench", split="test", domain="retail", data=str(pack), model=model, seed=seed,
                 out=home / f"e{number}", progress=False).close()  # fmt: skip
        begun = time.perf_counter()
        made.append(add([home / f"e{number}"], place, Entry(f"system {number}", "lab", "2026-01-01")))
        print(
            f"add: {time.perf_counter() - begun:.2f} s, log {(made[-1] / 'experiment.sqlite').stat().st_size / 2**20:.1f} MiB"
        )
    for number in range(len(SYSTEMS), count):
        target = made[0].with_name(f"system-{number}")
        shutil.copytree(made[number % len(SYSTEMS)], target)
        value = json.loads((target / "submission.json").read_text())
        value["system"] = f"system {number}"
        (target / "submission.json").write_text(json.dumps(value))
    return replace(place)


def _validate(home: Path, place: BoardPlace) -> None:
    times = []
    for number, directory in enumerate(place.submissions):
        begun = time.perf_counter(), time.process_time()
        found = checked(directory, place, home / "receipts")
        times.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
        if found.faults:
            sys.exit(f"{directory.name}: {found.faults[0]}")
        if number in (9, len(place.submissions) - 1):
            print(f"after {number + 1} submissions: {_memory():.0f} MiB")
    wall, cpu = (sorted(one)[len(times) // 2] for one in zip(*times, strict=True))
    print(f"validate: median {wall:.2f} s ({cpu:.2f} s of CPU) per submission")


def _build(home: Path, place: BoardPlace, receipts: str) -> None:
    begun = time.perf_counter(), time.process_time()
    Neighbours.of(place)  # what a board also does, to find copies
    with mock.patch.object(Neighbours, "of", return_value=Neighbours({}, None)):
        built = build(home / "boards", [place], home / "pages", home / receipts)
    wall, cpu = time.perf_counter() - begun[0], time.process_time() - begun[1]
    size = (home / "pages" / "many.html").stat().st_size / 2**20
    print(
        f"build ({receipts}): {wall:.1f} s ({cpu:.1f} s of CPU), {len(built.tables[0].rows)} rows, page {size:.1f} MiB,"
        f" {_memory():.0f} MiB"
    )


def _memory() -> float:
    """The peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
