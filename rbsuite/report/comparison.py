"""Experiments that belong together, and everything that is known about how their conditions differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rbsuite.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from rbsuite.statistics.about import About
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.summary import Summary
    from rbsuite.store import ExperimentStore


@dataclass(frozen=True, slots=True)
class Compared:
    """Experiments that are compared, with their figures.

    Attributes:
        stores: the experiments.
        summary: their figures.
        notes: what a reader must know, one line each.
    """

    stores: Sequence[ExperimentStore]
    summary: Summary
    notes: Sequence[str]

    @property
    def simulated(self) -> bool:
        """Whether the models are simulations."""
        return bool(self.stores[0].manifest.facts["simulated"])


def gather(stores: Sequence[ExperimentStore], baseline: str | None = None) -> Compared:
    """Read experiments that belong together.

    Args:
        stores: the experiments.
        baseline: the memory to compare with; ``None``: the first of the first experiment.

    Raises:
        UsageError: the experiments do not belong together, or contain nothing that can be compared.
        UnknownNameError: no condition has the baseline memory.
        StoreError: a store cannot be read.
    """
    from rbsuite.statistics.summary import summarise

    check_alike(stores)
    memories = dict.fromkeys(run.condition.memory for store in stores for run in store.manifest.runs)
    if baseline is not None and baseline not in memories:
        raise UnknownNameError("baseline: no condition has the memory", baseline, memories)
    summary = summarise(*stores, baseline=baseline)
    _check_streams(summary)
    _check_repeated(stores, summary)
    return Compared(stores, summary, _notes(stores, summary))


def _must_agree(store: ExperimentStore) -> Mapping[str, str]:
    from rbsuite.report.text import told_text
    from rbsuite.statistics.about import about

    facts = store.manifest.facts
    return {
        "environment": store.manifest.config["env"],
        "split": store.manifest.config["split"],
        "task set": facts["task_set"]["hash"][:12],
        "version of environment and grading": ", ".join(
            filter(None, [facts["environment"]["version"], told_text(about(store).told)])
        ),
        "simulated models": "yes" if facts["simulated"] else "no",
        "figures by domain": ", ".join(facts.get("measures", ())) or "none",
        "domains reported separately": ", ".join(facts.get("apart", ())) or "none",
    }


def check_alike(stores: Sequence[ExperimentStore]) -> None:
    """Refuse experiments whose figures do not mean the same thing.

    Raises:
        UsageError: they differ in environment, split, task set, grading version, or whether models are simulated; or the same experiment is
            named twice.
    """
    first = stores[0]
    seen = {first.path.resolve()}
    for store in stores[1:]:
        if store.path.resolve() in seen:
            raise UsageError(f"{store.directory} is named twice.", "Name each experiment only once.")
        seen.add(store.path.resolve())
        wanted = _must_agree(first)
        for name, value in _must_agree(store).items():
            if value != wanted[name]:
                raise UsageError(
                    f"{first.directory} and {store.directory} cannot be compared: {name} {wanted[name]} and {value}.",
                    "Compare experiments on the same tasks with the same grading.",
                )


def _check_streams(summary: Summary) -> None:
    """Refuse comparisons without a shared stream: nothing would be paired."""
    streams = {one.condition: {stream.key for stream in one.streams} for one in summary.conditions}
    for comparison in summary.comparisons:
        if any(comparison.paired.exchangeable):
            continue
        if not streams[comparison.a] & streams[comparison.b]:
            raise UsageError(
                f"{comparison.a.label} and {comparison.b.label} share no stream (the experiments have different seeds or orders).",
                "Run both with the same --seed and --orders, or in one experiment.",
            )


def _check_repeated(stores: Sequence[ExperimentStore], summary: Summary) -> None:
    """Refuse runs of one condition on one stream that cannot be told apart but were made with different options."""
    baseline = {comparison.b for comparison in summary.comparisons}
    differences = _differences(stores)
    for condition in summary.repeated:
        if condition not in baseline and differences:
            raise UsageError(
                f"{condition.label} was run on the same streams with other options: {', '.join(differences)}.",
                "Compare experiments whose conditions differ in a factor, such as memory or model.",
            )


def _notes(stores: Sequence[ExperimentStore], summary: Summary) -> list[str]:
    notes = []
    for number, one in enumerate(summary.conditions):
        parts = [one, *(part.conditions[number] for part in summary.apart if not summary.all_apart)]
        committed, wanted = sum(part.committed for part in parts), sum(part.n_tasks * part.orders for part in parts)
        if committed < wanted:
            notes.append(f"{one.condition.label} is not finished: {committed} of {wanted} tasks.")
    if summary.apart and not summary.all_apart:
        notes.append(
            "conditions, judge, cost and ends cover only the tasks that are not reported separately; --json also has the others."
        )
    for condition in summary.repeated:
        notes.append(
            f"{condition.label} was run on the same streams more than once; the first experiment's runs count."
        )
    notes += [
        f"{comparison.a.label} - {comparison.b.label}: {comparison.paired.left_out} runs have no partner on the same stream"
        " and are not compared."
        for comparison in summary.comparisons
        if comparison.paired.left_out
    ]
    notes += [f"the experiments differ in {difference}." for difference in _differences(stores)]
    if not summary.about.group:
        notes.append("groups and domains are unknown: the experiment was made by a version that did not record them.")
    return notes


_EXPECTED = {"memory", "scaling", "model", "agent", "judge", "seed", "orders", "data", "probe"}
"""Options in which experiments are meant to differ, or which are checked elsewhere."""


def _differences(stores: Sequence[ExperimentStore]) -> list[str]:
    """Other options and facts in which experiments differ; they may explain a difference between conditions."""
    found = {}
    first = stores[0].manifest
    for store in stores[1:]:
        for name, value in store.manifest.config.items():
            if name not in _EXPECTED and first.config.get(name) != value:
                found[name] = f"{name.replace('_', '-')} ({first.config.get(name)!r}, {value!r})"
        for name in ("rbsuite", "prompts", "max_steps", "embedder"):
            if name not in found and first.facts.get(name) != store.manifest.facts.get(name):
                found[name] = f"{name.replace('_', ' ')}"
    return list(found.values())


def details(comparison: Comparison, about: About) -> Mapping[str, Any]:
    """Everything shown for a comparison besides its difference: intervals, tests, spread over orders, learning, groups."""
    from rbsuite.statistics.beside import intervals_beside, mcnemar_of
    from rbsuite.statistics.curves import (
        breakdown,
        cumulative_curve,
        final_bank_gain,
        half_gain,
        learning_curve,
        order_spread,
    )

    paired = comparison.paired
    return {
        "intervals": intervals_beside(paired, about.group),
        "mcnemar": mcnemar_of(paired),
        "orders": order_spread(paired),
        "curve": learning_curve(paired),
        "cumulative": cumulative_curve(paired),
        "half_gain": half_gain(paired),
        "final_bank_gain": final_bank_gain(paired),
        "domains": breakdown(paired, about.domain),
        "groups": breakdown(paired, about.group),
    }
