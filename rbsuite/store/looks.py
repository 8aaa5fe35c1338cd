"""How far an experiment with declared looks is (the numbers of orders after which its figures are examined): which runs belong to a look.

All runs are planned at the beginning, so that stopping changes nothing about them. A look covers the runs that are due by it, never more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite.errors import UsageError, shortened
from rbsuite.options import whole_number
from rbsuite.record import Manifest, RunInfo
from rbsuite.store.experiment import ExperimentStore

NEXT, LAST = "next", "last"


@dataclass(frozen=True, slots=True)
class DueLook:
    """A look at an experiment, and the runs that are due by it.

    Attributes:
        looks: the numbers of orders after which to look, as the experiment declared them; empty if it declared no looks: then all runs are
            due.
        number: which of them this is, from 1; 0 if none is declared.
        runs: the runs that are due.
        finished: whether these runs are finished.
    """

    looks: tuple[int, ...]
    number: int
    runs: tuple[RunInfo, ...]
    finished: bool

    @property
    def orders(self) -> int:
        """The number of orders of this look; 0 if none is declared."""
        return self.looks[self.number - 1] if self.looks else 0


def declared_looks(manifest: Manifest) -> tuple[int, ...]:
    """The numbers of orders after which to look, as an experiment declared them; empty if it declared none."""
    return tuple(manifest.config.get("looks") or ())


def stage(store: ExperimentStore, to_look: str = "") -> DueLook:
    """The look that an experiment is at, or to which it is to be run.

    Args:
        store: the experiment.
        to_look: empty: the current look, which is the first one at the beginning, and stays the last one reached; ``next``: the one after
            it if it is finished; ``last``; or the number of a look.

    Raises:
        UsageError: there is no such look, or the experiment is past it.
    """
    looks, runs = declared_looks(store.manifest), store.manifest.runs
    if not looks:
        if to_look:
            raise UsageError("--to-look needs an experiment that declares looks.", "Declare them with --looks 3,5,10.")
        return DueLook((), 0, runs, all(store.run_finished(run.id) for run in runs))
    due = [tuple(run for run in runs if _is_due(run, orders, store.manifest)) for orders in looks]
    begun = {run.id for run in runs if store.committed(run.id)}
    at = next(number for number, found in enumerate(due) if begun <= {run.id for run in found})

    def finished(number: int) -> bool:
        return all(store.run_finished(run.id) for run in due[number])

    wanted = _wanted(to_look, looks, at, finished(at))
    return DueLook(looks, wanted + 1, due[wanted], finished(wanted))


def _wanted(to_look: str, looks: Sequence[int], at: int, finished: bool) -> int:
    """The index of the requested look."""
    if not to_look:
        return at
    if to_look == NEXT:
        return min(at + finished, len(looks) - 1)
    if to_look == LAST:
        return len(looks) - 1
    number = whole_number(to_look, len(looks))
    if not number:
        raise UsageError(
            f"--to-look {shortened(to_look)!r} is not a look.", f"Use next, last, or a number from 1 to {len(looks)}."
        )
    if number - 1 < at:
        raise UsageError(
            f"--to-look {to_look}: the experiment is past it, at look {at + 1}.", "Use next, last, or leave it out."
        )
    return number - 1


def _is_due(run: RunInfo, orders: int, manifest: Manifest) -> bool:
    """Whether a run belongs to the look after ``orders`` orders. The baseline may have more or fewer runs; they keep pace."""
    config = manifest.config
    last, memories = config["looks"][-1], config["memory"]
    if not run.declared:
        return bool(orders == last)
    if run.condition.memory != (memories if isinstance(memories, str) else memories[0]):
        return run.order < orders
    baseline = config.get("baseline_orders") or last
    return bool(run.order < max(min(orders, baseline), -(-baseline * orders // last)))
