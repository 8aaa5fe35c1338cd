"""Experiments in figures: one summary per condition, and a comparison with the baseline for each condition with another memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rbsuite.record import FACTORS, Condition
from rbsuite.statistics.about import About, about
from rbsuite.statistics.comparisons import Comparison, compare, declared
from rbsuite.statistics.conditions import ConditionSummary, summarise_condition
from rbsuite.statistics.exact import holm
from rbsuite.statistics.intervals import average
from rbsuite.statistics.memory_use import MemoryUse, memory_use
from rbsuite.statistics.parts import DomainResult, DomainTasks, domain_results, main_tasks, parts_apart
from rbsuite.statistics.reading import Keep, Runs, read_runs
from rbsuite.statistics.rollouts import RolloutFigures, rollout_figures
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import BROKEN_ENDS


@dataclass(frozen=True, slots=True)
class ApartSummary:
    """The figures of a domain that is reported separately, like those of the others in :class:`Summary`.

    Attributes:
        part: the domain and its tasks.
        conditions, comparisons: as in a summary; p values are adjusted within the part.
    """

    part: DomainTasks
    conditions: Sequence[ConditionSummary]
    comparisons: Sequence[Comparison]


@dataclass(frozen=True, slots=True)
class Summary:
    """Experiments in figures.

    Attributes:
        conditions: in the order they were asked for; over the tasks that are not reported separately, unless all are.
        comparisons: the declared ones, see :func:`rbsuite.statistics.comparisons.declared`; over the same tasks.
        about: what is known of the tasks.
        domains: the figures of each condition by domain, see :func:`rbsuite.statistics.parts.domain_results`.
        rollouts: the figures over all rollouts of each condition, over the same tasks as ``conditions``; ``None`` if nothing is done.
        memory: what the memory of each condition did, over all tasks.
        repeated: runs that a later experiment repeats (same condition, same stream) and that were left out, by their condition.
        apart: the domains that are reported separately.
        all_apart: whether all tasks are reported separately, so that the figures are over them.
        first_failure: where the first broken rollout was and why it broke, whatever its task; empty if there is none.
    """

    conditions: Sequence[ConditionSummary]
    comparisons: Sequence[Comparison]
    about: About
    domains: Mapping[Condition, Sequence[DomainResult]]
    rollouts: Mapping[Condition, RolloutFigures | None]
    memory: Mapping[Condition, MemoryUse]
    repeated: Sequence[Condition] = ()
    apart: Sequence[ApartSummary] = ()
    all_apart: bool = False
    first_failure: str = ""

    def mean_of_domains(self, condition: Condition) -> float | None:
        """The mean of the domains' success: each domain has the same weight, however many tasks it has. ``None`` if there is only one."""
        done = [
            one for one in self.domains[condition] if one.tasks and (self.all_apart or one.name not in self.about.apart)
        ]
        return average([one.success.mean for one in done]) if len(done) > 1 else None

    @property
    def shown_apart(self) -> Sequence[ApartSummary]:
        """The parts whose figures are not already the summary's own."""
        return () if self.all_apart and len(self.apart) == 1 else self.apart


def summarise(*stores: ExperimentStore, baseline: str | None = None) -> Summary:
    """The figures of an experiment, or of several together; each store is read once.

    Args:
        stores: experiments on the same tasks; the caller decides whether they may be combined.
        baseline: the memory to compare with, by default that of the first condition.

    Raises:
        StoreError: a store cannot be read.
    """
    runs, repeated = read_runs(stores)
    memory = next(iter(runs)).memory if baseline is None else baseline
    # The factors besides memory and scaling for which one of the experiments has several levels.
    configs = [store.manifest.config for store in stores]
    factors = [name for name in FACTORS[2:] if any(isinstance(c.get(name), list) and len(c[name]) > 1 for c in configs)]
    at_once = frozenset().union(*(about(store).at_once for store in stores))
    known = replace(about(stores[0]), at_once=at_once)
    parts = parts_apart(known)
    main = main_tasks({task for found in runs.values() for run in found for task in run.info.tasks}, parts)
    keep = main or (lambda task: True)
    conditions, comparisons = _figures(runs, memory, factors, known, keep)
    domains = {condition: domain_results(found, known) for condition, found in runs.items()}
    return Summary(
        conditions=conditions,
        comparisons=comparisons,
        about=known,
        domains=domains,
        rollouts={made: rollout_figures(found, keep) for made, found in runs.items()},
        memory={condition: memory_use(found) for condition, found in runs.items()},
        repeated=repeated,
        apart=[ApartSummary(part, *_figures(runs, memory, factors, known, part.tasks.__contains__)) for part in parts],
        all_apart=main is None,
        first_failure=next(_failures(runs), ""),
    )


def _failures(runs: Runs) -> Iterator[str]:
    for condition, found in runs.items():
        for rollouts in (rollouts for run in found for rollouts in (*run.tasks, *run.probes)):
            for row in rollouts:
                if row.end in BROKEN_ENDS:
                    yield f"{condition.label} on task {row.task_id}: {row.error}"


def _figures(
    runs: Runs, baseline: str, factors: Sequence[str], known: About, keep: Keep
) -> tuple[Sequence[ConditionSummary], Sequence[Comparison]]:
    conditions = [summarise_condition(condition, found, known, keep) for condition, found in runs.items()]
    compared = [compare(a, b, known.at_once) for a, b in declared(conditions, baseline, factors)]
    adjusted = holm([comparison.p_value for comparison in compared])
    return conditions, [replace(one, p_holm=p) for one, p in zip(compared, adjusted, strict=True)]
