"""What a manifest says about an experiment's tasks and plugins, so that results can be read without having its plugins installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rbsuite.record import ABOUT
from rbsuite.store import ExperimentStore

_IDENTITY = frozenset(["name", "version", "plugin"])


@dataclass(frozen=True, slots=True)
class About:
    """The tasks of an experiment, and what must be known about their figures.

    Attributes:
        domain: the domain of each task, in native order; empty if the store does not contain it.
        group: the group of each task.
        measures: the figures that the environment keeps besides success, each with its description.
        apart: the domains that are reported separately, each with the reason.
        controls: the memories that are control conditions.
        external: the memories whose state is outside the bank.
        at_once: the scalings that run a task's rollouts side by side, which makes them exchangeable.
        told: the facts that the environment states about itself (see :meth:`rbsuite.Environment.facts`): shown beside its figures, which
            are not combined with others if these facts differ.
    """

    domain: Mapping[str, str]
    group: Mapping[str, str]
    measures: Mapping[str, str]
    apart: Mapping[str, str]
    controls: frozenset[str]
    external: frozenset[str]
    at_once: frozenset[str]
    told: Mapping[str, str | float]

    @property
    def domains(self) -> Mapping[str, Sequence[str]]:
        """The tasks of each domain, in native order."""
        found: dict[str, list[str]] = {}
        for task, domain in self.domain.items():
            found.setdefault(domain, []).append(task)
        return found

    def keeps_domains(self) -> bool:
        """Whether there is anything to show by domain: several domains, or one that is reported separately."""
        return len(set(self.domain.values())) > 1 or bool(self.domain and self.apart)


def about(store: ExperimentStore) -> About:
    """What the manifest of an experiment says (see :meth:`rbsuite.run.plan.Plan.manifest`)."""
    facts = store.manifest.facts
    said = facts.get(ABOUT, {})
    tasks = said.get("tasks", ())
    return About(
        domain={task: domain for task, domain, _ in tasks},
        group={task: group for task, _, group in tasks},
        measures=said.get("measures", {}),
        apart=said.get("apart", {}),
        controls=frozenset(said.get("controls", ())),
        external=frozenset(said.get("external", ())),
        at_once=frozenset(said.get("at_once", ())),
        told={
            name: value
            for name, value in facts.get("environment", {}).items()
            if name not in _IDENTITY and isinstance(value, str | int | float) and not isinstance(value, bool)
        },
    )
