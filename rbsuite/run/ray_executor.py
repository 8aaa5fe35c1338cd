"""Runs on the nodes of a Ray cluster, one actor per run; ``--executor ray``.

The results of runs stream back to this process, which alone writes the store; no file is shared. If a worker or a node dies, the run
continues elsewhere from its last committed task. What all workers share (concurrent calls, calls per minute, budgets) is kept by one more
actor, the :class:`rbsuite.models.shared.Desk`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from rbsuite.errors import PluginError, UsageError
from rbsuite.jsonable import plain
from rbsuite.models.limits import Limits
from rbsuite.models.shared import Desk
from rbsuite.prompts import SUFFIX
from rbsuite.run.config import Execution
from rbsuite.run.executor import WorkSetting
from rbsuite.run.ray_nodes import check_nodes, connect, nodes
from rbsuite.run.ray_worker import RunWorker, WorkerSetup
from rbsuite.run.spending import limits_of
from rbsuite.run.worker import Job
from rbsuite.specs import EnvironmentSpec
from rbsuite.trajectory import Spent

_log = logging.getLogger(__name__)

MOST_RUNS = 10_000
"""Runs that may wait for a node at the same time: all, so that a cluster that grows with demand sees the demand."""
LIVES = 3
"""How often a run's worker may die without committing a task before the run is given up."""
LOOKS = 5.0
"""Seconds between checks of whether a node can take a waiting run."""
MOST_CALLS = 100_000
"""Calls of all workers that may wait at the desk."""
BACKLOG = 256
"""Batches by which a worker may be ahead of what is kept."""
AGAIN = "Run the same command again; what was committed is kept."


class RayExecutor:
    """Spreads runs over a Ray cluster.

    Args:
        setting: what is carried out.

    Raises:
        UsageError: Ray is not installed, there is no such cluster, or an option is not valid.
        PluginError: a node has another version of Python or rbsuite.
    """

    def __init__(self, setting: WorkSetting) -> None:
        execution, plan = setting.execution, setting.plan
        if execution.cache:
            raise UsageError("--cache keeps replies on one machine.", "Leave it out, or use local or processes:N.")
        self.at_once = MOST_RUNS
        self._setting = setting
        self._variables = named_variables(execution.ray_env)
        self._takes = resources_of(plan.spec, execution.ray_resources)
        limits = limits_of(execution)
        self._limited = limits != Limits()
        self._setup = _setup_of(setting, self._limited)
        self._numbers = count(1)
        self._spent: dict[str, Spent] = {}
        self._before = setting.spending.counts.row(0)
        self._told = False
        self._ray, self._own = connect(execution.ray_address, self._takes["resources"])
        try:
            check_nodes(self._ray)
            self._desk = self._make_desk(execution, limits)
        except BaseException:
            self._leave()
            raise

    def _make_desk(self, execution: Execution, limits: Limits) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self._ray.get_runtime_context().get_node_id(), soft=True)
        made = self._ray.remote(Desk).options(num_cpus=0, max_concurrency=MOST_CALLS, scheduling_strategy=here)
        until = self._setting.spending.until
        return made.remote(execution.concurrency, execution.start, execution.rate, limits, self._before, until)

    async def carry_out(self, job: Job) -> None:
        """See :class:`rbsuite.run.executor.Executor`."""
        from ray.exceptions import (
            NodeDiedError,
            ObjectLostError,
            OutOfMemoryError,
            RayActorError,
            RayError,
            WorkerCrashedError,
        )

        deaths = 0
        while True:
            name = f"{next(self._numbers)}"
            life = _Life()
            try:
                await self._live(job, name, life)
                return
            except (RayActorError, ObjectLostError, WorkerCrashedError, NodeDiedError, OutOfMemoryError) as death:
                _refuse_missing(death, life)
                why = type(death).__name__
            except RayError as error:
                raise PluginError(f"run {job.run.id!r} failed {life.where}: {_first_line(error)}.", AGAIN) from None
            finally:
                if life.actor is not None:
                    self._ray.kill(life.actor)
                self._desk.gone.remote(name)
            if life.finished:
                return
            done, job = job.committed, self._setting.job(job.run)
            deaths = 1 if job.committed > done else deaths + 1
            if deaths >= LIVES:
                raise PluginError(
                    f"the worker of run {job.run.id!r} ended {deaths} times {life.where} ({why}).",
                    f"Its logs are there, in Ray's directory. {AGAIN}",
                )
            _log.warning(
                "run %s: its worker ended %s (%s); continues from task %d", job.run.id, life.where, why, job.committed
            )

    async def _live(self, job: Job, name: str, life: _Life) -> None:
        """Carry out a run with one actor; raises Ray's errors if it dies."""
        sink, plan = self._setting.sink, self._setting.plan
        options = {"max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD", **self._takes}
        await self._wait_for_node()
        life.actor = actor = self._ray.remote(RunWorker).options(**options).remote()
        life.node = await self._placed(actor)
        config = replace(plan.config, tasks=())  # small enough to go from process to process
        failure = await actor.prepare.remote(config, plan.recipe, self._variables, self._setup)
        if failure is not None:
            raise failure
        stream = actor.run.options(num_returns="streaming", _generator_backpressure_num_objects=BACKLOG)
        async for reference in stream.remote(job, self._desk, name):
            for kind, value in await reference:
                match kind:
                    case "spent":
                        self._note(name, value)
                    case "error":
                        raise value
                    case "done":
                        return
                    case _:
                        getattr(sink, kind)(*value)
                        life.finished = life.finished or kind == "finish"
        raise PluginError(f"run {job.run.id!r} ended {life.where} without a word.", AGAIN)

    async def _placed(self, actor: Any) -> str:
        """The node that an actor is placed on, once it is."""
        placed = asyncio.ensure_future(actor.node.remote())
        # If another run fails meanwhile, nobody waits for it any more, and asyncio would complain on standard error.
        placed.add_done_callback(lambda done: done.cancelled() or done.exception())
        while True:
            done, _ = await asyncio.wait([placed], timeout=LOOKS)
            if done:
                node: str = placed.result()
                return node
            await self._wait_for_node()

    async def _wait_for_node(self) -> None:
        """Wait until there is a node that could take a run if it were otherwise idle.

        Raises:
            UsageError: there is none within the time allowed.
        """
        execution, takes = self._setting.execution, as_ray_names(self._takes)
        until = time.monotonic() + execution.ray_wait
        while not any(
            all(node.resources.get(name, 0.0) >= amount for name, amount in takes.items()) for node in nodes(self._ray)
        ):
            what = ", ".join(f"{amount:g} {name}" for name, amount in takes.items())
            flags = " ".join(
                f"--num-{name.lower()}s={amount:g}" for name, amount in takes.items() if name in ("CPU", "GPU")
            )
            own = {name: amount for name, amount in takes.items() if name not in ("CPU", "GPU")}
            if own:
                flags += " --resources='{" + ", ".join(f'"{name}": {amount:g}' for name, amount in own.items()) + "}'"
            if time.monotonic() >= until:
                remedy = f"Start one: ray start --address=HEAD {flags}"
                if own:
                    none = ",".join(f"{name}=0" for name in own)
                    remedy += f" Or, if every node has it: --ray-resources {none}"
                raise UsageError(f"no node of the cluster has what a run requires: {what}.", remedy)
            if not self._told:
                self._told = True
                _log.warning("no node of the cluster has what a run requires (%s); waiting for one", what)
            await asyncio.sleep(1.0)

    def _note(self, name: str, spent: Spent) -> None:
        """Count what a worker has spent so far."""
        spending = self._setting.spending
        more = spent - self._spent.get(name, Spent())
        self._spent[name] = spent
        spending.counts.add(1, more.calls, more.tokens, more.cost, more.unpriced)
        spending.keep_now_and_then()
        if self._limited and (before := spending.counts.row(0)) != self._before:
            self._before = before
            self._desk.before.remote(before)

    async def aclose(self) -> None:
        """See :class:`rbsuite.run.executor.Executor`."""
        self._ray.kill(self._desk)
        self._leave()

    def _leave(self) -> None:
        if self._own:
            self._ray.shutdown()


class _Life:
    """What is known about one actor of a run."""

    def __init__(self) -> None:
        self.actor: Any = None
        self.node = ""
        self.finished = False

    @property
    def where(self) -> str:
        return f"on node {self.node}" if self.node else "before it was placed"


def named_variables(text: str) -> Mapping[str, str]:
    """The environment variables that ``--ray-env`` names, with their values here.

    Raises:
        UsageError: one is not set.
    """
    names = [name for part in text.split(",") if (name := part.strip())]
    for name in names:
        if name not in os.environ:
            raise UsageError(f"--ray-env {name}: it is not set here.", "Set it, or leave it out.")
    return {name: os.environ[name] for name in names}


def resources_of(spec: EnvironmentSpec, text: str) -> Mapping[str, Any]:
    """What a run takes of a node, as actor options.

    Args:
        spec: the environment, some of whose needs may be resources.
        text: what ``--ray-resources`` says; it wins.

    Raises:
        UsageError: it is not valid.
    """
    takes = {"cpu": 1.0, **{check.resource: 1.0 for check in spec.needs if check.resource}}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, amount = (piece.strip() for piece in part.partition("="))
        if not re.fullmatch(r"[A-Za-z][\w-]*", name) or not re.fullmatch(r"\d{1,6}(\.\d{1,4})?", amount):
            raise UsageError(f"--ray-resources {part!r} is not valid.", "Write for example cpu=2,gpu=1,browser=1.")
        takes[name.lower() if name.lower() in ("cpu", "gpu") else name] = float(amount)
    own = {name: amount for name, amount in takes.items() if name not in ("cpu", "gpu") and amount}
    return {"num_cpus": takes["cpu"], "num_gpus": takes.get("gpu", 0.0), "resources": own}


def as_ray_names(takes: Mapping[str, Any]) -> Mapping[str, float]:
    """What a run takes, by the names that nodes use; resources of which it takes none are left out."""
    named = {"CPU": takes["num_cpus"], "GPU": takes["num_gpus"], **takes["resources"]}
    return {name: amount for name, amount in named.items() if amount}


def _setup_of(setting: WorkSetting, limited: bool) -> WorkerSetup:
    plan = setting.plan
    return WorkerSetup(
        setting.execution,
        tuple((part.kind, part.spec.name, plan.plugins.owner(part.spec)) for part in plan.parts),
        plan.config.tasks,
        plan.tasks.content_hash,
        plain(dict(plan.environment.facts())),
        {directory: _texts(Path(directory)) for directory in plan.config.prompts if directory},
        setting.sink.watched,
        setting.hides,
        limited,
        setting.spending.until,
    )


def _texts(directory: Path) -> Mapping[str, str]:
    """The texts of the templates below a directory, by name."""
    files = (path for path in directory.rglob(f"*{SUFFIX}") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8") for path in files}


def _refuse_missing(death: Exception, life: _Life) -> None:
    """Give up if an actor cannot be made because a module is missing: nobody knows on which other node it could be."""
    if (missing := re.search(r"No module named '([\w.]+)'", str(death))) is not None:
        raise PluginError(
            f"a node of the cluster cannot import {missing[1]!r} ({life.where}).",
            "Install there what is installed here; `rbsuite doctor --ray` compares all nodes.",
        ) from None


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).rstrip(".")
