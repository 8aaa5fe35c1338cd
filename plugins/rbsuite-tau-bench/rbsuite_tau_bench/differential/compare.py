"""Drives a world and upstream with the same calls and reports the first difference."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rbsuite.errors import DataError
from rbsuite_dialogue.database import Database
from rbsuite_tau_bench.differential.calls import Call, CallMaker
from rbsuite_tau_bench.pack import Pack
from rbsuite_tau_bench.tools import BOUNDED_CALCULATOR, FOURTH_CERTIFICATE
from rbsuite_tau_bench.world import World

CALLS_PER_EPISODE = 250
CALLS_PER_HASH = 25
CALLS_PER_FORK = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the world and upstream part: the call after which they did, and what each gave."""

    episode: int
    number: int
    call: Call
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found.

    Attributes:
        compared: calls that went through both.
        deviated: calls not comparable, because a documented deviation took effect.
        hashes: state hashes compared.
        difference: the first one, None when all was equal.
    """

    compared: int
    deviated: int
    hashes: int
    difference: Difference | None


class Upstream:
    """Upstream's environment, running from a checkout in a process of its own.

    Args:
        checkout: the directory of a tau-bench checkout.

    Raises:
        DataError: there is no tau-bench in that directory; or, later, the process came to an end.
    """

    def __init__(self, checkout: Path) -> None:
        if not (checkout / "tau_bench" / "envs" / "base.py").is_file():
            raise DataError(
                f"no tau-bench checkout in {str(checkout)!r}.", "Name the directory that contains tau_bench/."
            )
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("driver.py")), str(checkout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
        )

    def ask(self, **request: Any) -> Any:
        """The answer to one request (see ``driver.py``)."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        answer = answers.readline()
        if not answer:
            raise DataError(
                f"the upstream process ended at {json.dumps(request)[:200]}.", "See its error output above."
            )
        return json.loads(answer)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def compare(checkout: Path, domain: str, pack: Pack, *, calls: int, seed: int) -> Report:
    """Make random calls to a world and to upstream until they differ or ``calls`` are made.

    Args:
        checkout: the directory of a tau-bench checkout; its data must be the pack's.
        domain: ``retail`` or ``airline``.
        pack: the data of the world.
        calls: how many, in episodes of 250 that each start from a fresh database.
        seed: of the calls.
    """
    comparison = _Comparison(domain, pack.database(domain))
    with Upstream(checkout) as upstream:
        for episode in range(-(-calls // CALLS_PER_EPISODE)):
            difference = comparison.episode(episode, World(domain, pack), upstream, seed * 1_000_000 + episode)
            if difference is not None:
                return comparison.report(difference)
    return comparison.report(None)


class _Comparison:
    def __init__(self, domain: str, database: Database) -> None:
        self._domain = domain
        self._database = database
        self._compared = self._deviated = self._hashes = 0

    def report(self, difference: Difference | None) -> Report:
        return Report(self._compared, self._deviated, self._hashes, difference)

    def episode(self, episode: int, world: World, upstream: Upstream, seed: int) -> Difference | None:
        """Play one episode to its end or to the first difference."""
        maker = CallMaker(self._domain, self._database, seed)
        upstream.ask(reset=self._domain)
        for number in range(1, CALLS_PER_EPISODE + 1):
            # Through JSON, as a model's call comes.
            call: Call = json.loads(json.dumps(maker.call(world)))
            if number % CALLS_PER_FORK == 0:
                world = world.fork()
            if _breaks_bounds(world, call):
                self._deviated += 1
                continue
            ours, theirs = world.call(*call), upstream.ask(call=call)
            if theirs is None and FOURTH_CERTIFICATE in world.deviations:
                self._deviated += 1
            elif comparable(ours) != comparable(str(theirs)):
                return Difference(episode, number, call, ours, str(theirs))
            self._compared += 1
            if number % CALLS_PER_HASH == 0:
                self._hashes += 1
                ours, theirs = world.state_hash(), upstream.ask(hash=True)
                if ours != theirs:
                    return Difference(episode, number, call, ours, theirs)
        return None


def comparable(observation: str) -> str:
    """An observation without the wording of syntax errors, which differs between Python versions."""
    return re.sub(r"^Error: .*\(<string>, line \d+\)$", "Error: syntax", observation, flags=re.DOTALL)


def _breaks_bounds(world: World, call: Call) -> bool:
    """Whether a call is beyond the calculator's limits: upstream might never come back from it."""
    if call[0] != "calculate":
        return False
    probe = world.fork()
    probe.call(*call)
    return BOUNDED_CALCULATOR in probe.deviations
