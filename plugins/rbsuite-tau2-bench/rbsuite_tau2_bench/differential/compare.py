"""Drives a world and upstream with the same calls and reports the first difference."""

from __future__ import annotations

import json
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rbsuite.errors import DataError
from rbsuite_tau2_bench.differential.calls import CallMaker, Made
from rbsuite_tau2_bench.domains import DOMAINS
from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.world import World

CALLS_PER_EPISODE = 250
CALLS_PER_HASH = 50
CALLS_PER_FORK = 10


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the world and upstream part: the task they started from, the call after which they did, and what each gave."""

    task: str
    number: int
    call: Made
    ours: object
    theirs: object


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison found.

    Attributes:
        compared: calls that went through both.
        failed: of those, calls that were errors.
        deviated: calls not comparable, because a documented deviation took effect.
        hashes: pairs of state hashes compared.
        difference: the first one, ``None`` when all was equal.
    """

    compared: int
    failed: int
    deviated: int
    hashes: int
    difference: Difference | None


class Upstream:
    """Upstream's environment, running from a checkout in a process of its own.

    Args:
        checkout: the directory of a tau2-bench checkout.
        python: a Python 3.12 or 3.13 that has what upstream imports.

    Raises:
        DataError: there is no tau2-bench in that directory; or, later, the process came to an end.
    """

    def __init__(self, checkout: Path, python: str) -> None:
        if not (checkout / "src" / "tau2" / "environment").is_dir():
            raise DataError(
                f"no tau2-bench checkout in {str(checkout)!r}.", "Name the directory that contains src/tau2."
            )
        driver = Path(__file__).with_name("driver.py")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(driver), str(checkout)],
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
            raise DataError(f"the upstream process ended at {json.dumps(request)[:200]}.", "Run the driver by hand.")
        return json.loads(answer)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()


def reset_request(pack: Pack, domain: str, task: str | None) -> dict[str, Any]:
    """What makes upstream begin a task on a pack's data."""
    request: dict[str, Any] = {"reset": domain, "db": str(pack.path / pack.database_file(domain))}
    if DOMAINS[domain].user is not None:
        request["user_db"] = str(pack.path / pack.database_file(domain, "user"))
    if task is not None:
        request["task"] = pack.entry(domain, task)
    return request


def compare(checkout: Path, python: str, domain: str, pack: Pack, *, calls: int, seed: int) -> Report:
    """Make random calls to a world and to upstream until they differ or ``calls`` are made.

    Args:
        checkout: the directory of a tau2-bench checkout; its code is run, the data is the pack's.
        python: what runs it.
        domain: the domain.
        pack: the data.
        calls: how many, in episodes of 250 that each start from a task.
        seed: of the calls.
    """
    with Upstream(checkout, python) as upstream:
        comparison = _Comparison(domain, pack)
        for episode in range(-(-calls // CALLS_PER_EPISODE)):
            difference = comparison.episode(upstream, seed * 1_000_000 + episode)
            if difference is not None:
                return comparison.report(difference)
        return comparison.report(None)


class _Comparison:
    def __init__(self, domain: str, pack: Pack) -> None:
        self._domain = domain
        self._pack = pack
        self._ids = pack.task_ids(domain, "base")
        self._compared = self._failed = self._deviated = self._hashes = 0

    def report(self, difference: Difference | None) -> Report:
        return Report(self._compared, self._failed, self._deviated, self._hashes, difference)

    def episode(self, upstream: Upstream, seed: int) -> Difference | None:
        """Play one episode to its end or to the first difference."""
        rng = random.Random(seed)
        ids = rng.sample(self._ids, min(4, len(self._ids)))
        scenarios = [self._pack.task(self._domain, one) for one in ids]
        maker = CallMaker(self._domain, self._pack, scenarios, seed)
        world = World(self._domain, self._pack, ids[0])
        upstream.ask(**reset_request(self._pack, self._domain, ids[0]))
        for number in range(1, CALLS_PER_EPISODE + 1):
            # Through JSON, as a model's call comes.
            call: Made = json.loads(json.dumps(maker.call()))
            if number % CALLS_PER_FORK == 0:
                world = world.fork()
            probe = world.fork()
            probe.call(*call)
            if probe.deviations:
                self._deviated += 1
                continue
            ours, theirs = world.call(*call), upstream.ask(call=call)
            self._compared += 1
            self._failed += ours[1]
            if (comparable(ours[0]), ours[1]) != (comparable(theirs[0]), theirs[1]):
                return Difference(ids[0], number, call, ours, theirs)
            if number % CALLS_PER_HASH == 0:
                self._hashes += 1
                hashes = upstream.ask(hashes=True)
                if list(world.hashes()) != hashes:
                    return Difference(ids[0], number, call, world.hashes(), hashes)
        return None


def comparable(observation: str) -> str:
    """An observation without what differs between versions of Python and pydantic."""
    observation = re.sub(r"errors\.pydantic\.dev/[\d.]+/", "errors.pydantic.dev/", observation)
    observation = re.sub(r"\. Did you mean '.*'\?$", "", observation)
    return re.sub(r"^Error: .*\(<string>, line \d+\)$", "Error: syntax", observation, flags=re.DOTALL)
