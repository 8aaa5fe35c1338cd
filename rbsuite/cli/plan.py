"""``rbsuite plan``: how many tasks, orders and rollouts it takes to find a difference of a given size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command, GivenPath, Number, find_plugins
from rbsuite.cli.output import echo, echo_json
from rbsuite.errors import DataError, UnknownNameError, UsageError
from rbsuite.options import PartReference

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins
    from rbsuite.statistics.comparisons import Comparison
    from rbsuite.statistics.power import Components, Design
    from rbsuite.statistics.power import Pilot as Variances
    from rbsuite.store import ExperimentStore

ORDERS = (3, 5, 10, 20)
ROLLOUTS = (1, 2, 4)
PILOT_ORDERS = 5
PILOT_TASKS = 60
WIDTH = 80

EPILOG = """Examples:

\b
  rbsuite plan --env tau-bench --effect 0.05 --power 0.8
  rbsuite plan --env tau-bench --from experiments/tau-bench-test-0123456789
"""


@dataclass(frozen=True, slots=True)
class VarianceSource:
    """Where the variances of a plan come from.

    Attributes:
        source: the source in words.
        simulated: whether the source's models are simulations.
        comparison: the comparison whose differences were used.
        parts: the variances.
        likely, upper: bounds on them; designs based on these suffice for four of five pilots, and for nine of ten.
        separated: whether the rollouts' own variance was measured (the pilot had several rollouts per task).
        free: whether the control recalled nothing, so that it may have more or fewer runs than the memory.
    """

    source: str
    simulated: bool
    comparison: str
    parts: Components
    likely: Components
    upper: Components
    separated: bool
    free: bool


@click.command("plan", cls=Command, epilog=EPILOG)
@click.option("--env", "environment", metavar="NAME", help="The environment [default: that of --from].")
@click.option(
    "--effect", type=Number(0, 1, min_open=True), default=0.05, show_default=True, help="Difference to detect."
)
@click.option(
    "--power",
    "wanted",
    type=Number(0.05, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Probability of detecting it.",
)
@click.option(
    "--from",
    "source",
    type=GivenPath(path_type=Path),
    metavar="EXPERIMENT",
    help="Take the variances from it [default: a small simulated pilot].",
)
@click.option(
    "--memory", metavar="MEMORY", help="The memory to compare [default: reasoningbank, or the first of --from]."
)
@click.option("--budget", type=click.IntRange(min=1), metavar="ROLLOUTS", help="Show what this many rollouts can find.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(
    environment: str | None,
    effect: float,
    wanted: float,
    source: Path | None,
    memory: str | None,
    budget: int | None,
    as_json: bool,
) -> None:
    """Say how many tasks, orders and rollouts a paired comparison needs, and what the splits of an environment can show.

    Differences are shares: 0.05 is five points.
    """
    from rbsuite.run.plan import choose_environment

    found = find_plugins()
    # Write the environment in its canonical form, as the pilot does.
    environment = environment and choose_environment(found, environment).reference
    environment, pilot = _pilot(found, environment, source, memory)
    sizes = split_sizes(found, environment)
    if as_json:
        echo_json(document(environment, effect, wanted, pilot, sizes, budget))
    else:
        echo(render(environment, effect, wanted, pilot, sizes, budget))


def _pilot(
    plugins: Plugins, environment: str | None, source: Path | None, memory: str | None
) -> tuple[str, VarianceSource]:
    from rbsuite.store import ExperimentStore

    if source is not None:
        with ExperimentStore.open(source, readonly=True) as store:
            name = store.manifest.config["env"]
            if environment not in (None, name, PartReference.parse(name).name):
                raise UsageError(f"{source} is on {name}, not on {environment}.", "Leave out --env.")
            return environment or name, pilot_of(store, memory, f"{source}")
    if environment is None:
        raise UsageError("no environment was named.", "Add --env NAME, or --from EXPERIMENT.")
    with _simulated(plugins, environment, memory or "reasoningbank") as store:
        return environment, pilot_of(store, None, "a simulated pilot")


@contextmanager
def _simulated(plugins: Plugins, environment: str, memory: str) -> Iterator[ExperimentStore]:
    """A small experiment with the simulated learner on the first split that is available."""
    from tempfile import TemporaryDirectory

    from rbsuite import api

    splits = [name for name, size in split_sizes(plugins, environment).items() if size]
    if not splits:
        raise DataError(f"no split of {environment} is available.", "Import its data; see `rbsuite data list`.")
    options: dict[str, Any] = {"split": splits[0], "memory": ("none", memory), "orders": PILOT_ORDERS}
    with (
        TemporaryDirectory() as directory,
        api.evaluate(environment, out=directory, plugins=plugins, limit=PILOT_TASKS, **options) as experiment,
    ):
        yield experiment.store


def pilot_of(store: ExperimentStore, memory: str | None, source: str) -> VarianceSource:
    """The variances of an experiment's comparison.

    Args:
        store: the finished experiment, with at least two orders.
        memory: the memory whose comparison with the baseline is used; ``None``: the first.
        source: the name for the experiment.

    Raises:
        UsageError: the experiment has no such comparison, has only one order, or is not finished.
    """
    from rbsuite.statistics.summary import summarise

    summary = summarise(store)
    fitting = [one for one in summary.comparisons if memory in (None, one.a.memory)]
    if not fitting:
        compared = [one.a.memory for one in summary.comparisons]
        if memory is not None and compared:
            raise UnknownNameError(f"memory compared in {source}", memory, compared)
        raise UsageError(f"{source} has no comparison.", "Name an experiment with a memory other than the baseline.")
    chosen = fitting[0]
    shared = len(chosen.paired.streams)
    if shared < 2 or chosen.n_tasks < 2 or chosen.paired.unfinished:
        raise UsageError(
            f"{source} does not have two finished orders of two tasks, so it does not show how orders differ.",
            "Finish it, with --orders 3 or more.",
        )
    found, separated = variances(chosen)
    label = f"{chosen.a.label} - {chosen.b.label}, {chosen.n_tasks} tasks, {shared} orders, {chosen.a.model}"
    return VarianceSource(
        source,
        bool(store.manifest.facts["simulated"]),
        label,
        found.parts,
        found.likely,
        found.upper,
        separated,
        chosen.paired.exchangeable[1],
    )


def variances(comparison: Comparison) -> tuple[Variances, bool]:
    """The variances of a finished comparison, and whether the rollouts' own could be separated."""
    import numpy as np

    from rbsuite.statistics.intervals import average
    from rbsuite.statistics.power import components, within_variance

    paired = comparison.paired
    cells = [(pair[0].rollouts[task], pair[1].rollouts[task]) for pair in paired.streams for task in paired.tasks]
    # Rollouts with the same index have the same seed, so what they share cancels in their difference.
    chance = within_variance([[x - y for x, y in zip(*cell, strict=False)] for cell in cells])
    rollouts = min(len(side) for cell in cells for side in cell)
    if rollouts < 2 or chance is None:
        a, b = (np.array([[pair[side].scores[t] for pair in paired.streams] for t in paired.tasks]) for side in (0, 1))
        return (components(a, b) if paired.exchangeable[1] else components(a - b)), False
    a, b = (
        np.array([[average(pair[side].rollouts[t]) for pair in paired.streams] for t in paired.tasks])
        for side in (0, 1)
    )
    found = components(a, b, chance, rollouts) if paired.exchangeable[1] else components(a - b, None, chance, rollouts)
    return found, True


def split_sizes(plugins: Plugins, environment: str) -> Mapping[str, int | None]:
    """Number of tasks of each split, without those reported separately; ``None`` if its data is not installed.

    Raises:
        UnknownNameError: there is no such environment.
    """
    from rbsuite.run.plan import choose_environment

    chosen = choose_environment(plugins, environment)
    apart = {part.domain for part in chosen.spec.apart}
    sizes: dict[str, int | None] = {}
    for split in chosen.spec.splits:
        if not chosen.environment.at_hand(split.name):
            sizes[split.name] = None
            continue
        try:
            tasks = chosen.tasks(split.name)
            sizes[split.name] = sum(task.domain not in apart for task in tasks) or len(tasks)
        except DataError:
            sizes[split.name] = None
    return sizes


def document(
    environment: str,
    effect: float,
    wanted: float,
    pilot: VarianceSource,
    sizes: Mapping[str, int | None],
    budget: int | None = None,
) -> Mapping[str, Any]:
    """The plan as plain data; ``tasks`` is ``None`` if no number of tasks suffices.

    ``tasks`` suffices for four of five pilots like this one, ``tasks_sure`` for nine of ten; likewise for the differences.
    """
    from rbsuite.statistics.power import tasks_needed

    return {
        "env": environment,
        "effect": effect,
        "power": wanted,
        "pilot": pilot,
        "designs": [
            {
                "orders": orders,
                "rollouts": rollouts,
                "tasks": tasks_needed(pilot.likely, effect, orders, rollouts, wanted),
                "tasks_sure": tasks_needed(pilot.upper, effect, orders, rollouts, wanted),
            }
            for orders in ORDERS
            for rollouts in ROLLOUTS
        ],
        "splits": [
            {
                "split": split,
                "tasks": size,
                "detectable": None
                if size is None
                else [
                    {
                        "orders": orders,
                        "difference": _detectable(pilot.likely, size, orders, wanted),
                        "difference_sure": _detectable(pilot.upper, size, orders, wanted),
                    }
                    for orders in ORDERS
                ],
                "cheapest": None if size is None or size < 2 else _cheapest(pilot, size, effect, wanted),
                "budget": None if size is None or size < 2 or budget is None else _within(pilot, size, budget, wanted),
            }
            for split, size in sizes.items()
        ],
    }


def _detectable(parts: Components, tasks: int, orders: int, wanted: float) -> float | None:
    from rbsuite.statistics.power import Design, outlook

    return outlook(parts, Design(tasks, orders)).detectable(wanted) if tasks > 1 else None


def _cheapest(pilot: VarianceSource, tasks: int, effect: float, wanted: float) -> Mapping[str, Any] | None:
    """The design with the fewest rollouts on all tasks of a split that finds the effect; ``None`` if none does."""
    from rbsuite.statistics.power import cheapest, designs

    found = cheapest(pilot.likely, effect, list(designs(tasks, ROLLOUTS, free=pilot.free)), wanted)
    return None if found is None else _design(found)


def _within(pilot: VarianceSource, tasks: int, budget: int, wanted: float) -> Mapping[str, Any] | None:
    """The design on all tasks of a split that finds the smallest difference within a budget; ``None`` if none is within it."""
    from rbsuite.statistics.power import designs, sharpest

    found = sharpest(pilot.likely, list(designs(tasks, ROLLOUTS, free=pilot.free)), budget, wanted)
    return None if found is None else {**_design(found[0]), "difference": found[1]}


def _design(design: Design) -> Mapping[str, Any]:
    return {
        "orders": design.orders,
        "baseline_orders": design.control or design.orders,
        "rollouts": design.rollouts,
        "cost": design.cost,
    }


def render(
    environment: str,
    effect: float,
    wanted: float,
    pilot: VarianceSource,
    sizes: Mapping[str, int | None],
    budget: int | None = None,
) -> str:
    """The plan as text."""
    from rbsuite.report.text import fold, numbers

    plan = document(environment, effect, wanted, pilot, sizes, budget)
    goal = f"{environment}: to find a difference of {100 * effect:.1f} points with {100 * wanted:.0f} % power (two-sided, 5 %)"
    origin = f"Variances from {pilot.source}: {pilot.comparison}."
    if pilot.simulated:
        origin += " Simulated: a real model's variances differ; take them from an experiment of your own with --from."
    needed: list[Sequence[str]] = [("orders", *(f"{k} rollout{'s' if k > 1 else ''}" for k in ROLLOUTS))]
    for orders in ORDERS:
        found = [design for design in plan["designs"] if design["orders"] == orders]
        needed.append((str(orders), *(_range(design["tasks"], design["tasks_sure"]) for design in found)))
    rows: list[Sequence[str]] = [("split", "tasks", *(f"{orders} orders" for orders in ORDERS))]
    for entry in plan["splits"]:
        cells = ["-"] * len(ORDERS) if entry["detectable"] is None else [_points(d) for d in entry["detectable"]]
        rows.append((entry["split"], "no data" if entry["tasks"] is None else str(entry["tasks"]), *cells))
    caveat = (
        "Rollouts: mean score of that many rollouts per task and order. "
        + ("" if pilot.separated else "The pilot has one per task, so what further ones save is an upper bound. ")
        + "The lower end of a range suffices in four of five pilots like this one, the upper end in nine of ten; both allow for what a "
        "pilot leaves open. Too few orders: orders may differ so much that no number of tasks suffices; ?: the same for the upper end."
    )
    parts = [f"{fold(goal)}\n{fold(origin)}", _deviations(pilot.parts)]
    parts += [f"Tasks needed\n{numbers(needed, 2)}\n{fold(caveat)}"]
    parts += [f"Smallest difference the splits can show, in points (1 rollout)\n{numbers(rows, 2)}"]
    parts += [text for text in (_designs_text(plan, effect, budget),) if text]
    return "\n\n".join(parts)


def _range(tasks: int | None, sure: int | None) -> str:
    if tasks is None:
        return "too few orders"
    return f"{tasks} to {'?' if sure is None else sure}"


def _designs_text(plan: Mapping[str, Any], effect: float, budget: int | None) -> str:
    from rbsuite.report.text import fold, table

    rows = [("split", "orders", "of the baseline", "rollouts", "in all", "finds")]
    for entry in plan["splits"]:
        for found in (entry["cheapest"], entry["budget"]):
            if found is not None:
                size = 100 * found.get("difference", effect)
                counts = (found[name] for name in ("orders", "baseline_orders", "rollouts", "cost"))
                rows.append((entry["split"], *map(str, counts), f"{size:.1f} points"))
    if len(rows) == 1:
        return ""
    title = "Fewest rollouts that find the difference on a split" + (
        "" if budget is None else f", and the smallest difference that {budget} rollouts find"
    )
    note = (
        "By the lower ends; rollouts: per task and order, and in all. Several rollouts per task help only where their mean score is what "
        "counts."
    )
    return f"{fold(title)}\n{table(rows, 2, right_from=1)}\n{fold(note)}"


def _points(entry: Mapping[str, Any]) -> str:
    if entry["difference"] is None:
        return "-"
    return f"{100 * entry['difference']:.1f} to {100 * entry['difference_sure']:.1f}"


def _deviations(parts: Components) -> str:
    from rbsuite.report.text import fields

    shown = {
        "between tasks": parts.tasks,
        "between orders": parts.orders,
        "task by order": parts.interaction,
        "one rollout": parts.rollouts,
    }
    rows = [(name, f"{100 * variance**0.5:.1f}") for name, variance in shown.items()]
    return f"Standard deviations of a paired difference, in points\n{fields([(f'  {name}', text) for name, text in rows], WIDTH)}"
