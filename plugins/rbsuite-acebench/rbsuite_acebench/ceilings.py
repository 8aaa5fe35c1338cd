"""How well upstream's own answers do by its own grading."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from rbsuite.environments.solution import Ceiling
from rbsuite.task import TaskSet
from rbsuite_acebench.cases import AGENT, DOMAINS, Protocol
from rbsuite_acebench.checker import check_item
from rbsuite_acebench.gold import END, PROCESS, gold_figures, gold_output
from rbsuite_acebench.resources import by_category

REASON = "upstream's checker rejects upstream's own answer, mostly because it deletes all whitespace"

Starts = Mapping[str, Mapping[str, Any]]
Figures = Mapping[str, Mapping[str, float]]


def ceiling(tasks: TaskSet, starts: Starts, protocol: Protocol) -> Ceiling | None:
    """The figures of upstream's own answers by category, and the items whose answers are rejected; ``None`` if all are right."""
    figures = _figures(tasks, starts, protocol)
    if _all_right(figures):
        return None
    named = {f"{category} {name}": value for category, one in figures.items() for name, value in one.items()}
    return Ceiling(named, _refused(tasks))


def in_words(tasks: TaskSet, starts: Starts, protocol: Protocol) -> str:
    """The same by domain, in one line; ``all`` if all are right."""
    figures = _figures(tasks, starts, protocol)
    if _all_right(figures):
        return "all"
    said = []
    for domain, categories in DOMAINS.items():
        of_domain = [figures[name] for name in categories if name in figures]
        names = (PROCESS, END) if categories[0] in AGENT else (END,)
        if of_domain:
            means = {name: fmean(one[name] for one in of_domain) for name in names}
            said.append(f"{domain} {' and '.join(f'{_words(name)} {value:.3f}' for name, value in means.items())}")
    return "; ".join(said)


def _figures(tasks: TaskSet, starts: Starts, protocol: Protocol) -> Figures:
    return {name: gold_figures(list(items.values()), starts, protocol) for name, items in by_category(tasks).items()}


def _all_right(figures: Figures) -> bool:
    return all(value == 1.0 for one in figures.values() for value in one.values())


def _words(name: str) -> str:
    return name.replace("_", " ")


def _refused(tasks: TaskSet) -> Mapping[str, str]:
    return {
        name: REASON
        for category, items in by_category(tasks).items()
        for name, item in items.items()
        if category not in AGENT and check_item(item, gold_output(item)) is not None
    }
