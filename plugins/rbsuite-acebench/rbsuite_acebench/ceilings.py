"""How far upstream's own answers get by its own grading."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from rbsuite.environments.solution import Ceiling
from rbsuite_acebench.cases import AGENT, DOMAINS, Protocol
from rbsuite_acebench.checker import check_item
from rbsuite_acebench.gold import END, PROCESS, gold_figures, gold_output
from rbsuite_acebench.resources import Resources

REASON = "upstream's checker refuses upstream's own answer, mostly since it deletes all whitespace"


def ceiling(resources: Resources, protocol: Protocol) -> Ceiling | None:
    """The figures of upstream's own answers by category, and the items whose answers are refused; ``None`` where all are right."""
    figures = _figures(resources, protocol)
    if all(value == 1.0 for one in figures.values() for value in one.values()):
        return None
    named = {f"{category} {name}": value for category, one in figures.items() for name, value in one.items()}
    return Ceiling(named, _refused(resources))


def in_words(resources: Resources, protocol: Protocol) -> str:
    """The same by domain, in one line; ``all`` where all are right."""
    figures = _figures(resources, protocol)
    said = []
    for domain, categories in DOMAINS.items():
        of_domain = [figures[name] for name in categories if name in figures]
        if not of_domain:
            continue
        names = (PROCESS, END) if categories[0] in AGENT else (END,)
        values = [(name, fmean(one[name] for one in of_domain)) for name in names]
        words = " and ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in values)
        said.append(f"{domain} {words}" if categories[0] in AGENT else f"{domain} {values[0][1]:.3f}")
    right = all(value == 1.0 for one in figures.values() for value in one.values())
    return "all" if right else "; ".join(said)


def _figures(resources: Resources, protocol: Protocol) -> Mapping[str, Mapping[str, float]]:
    pack, language = resources.pack, resources.language
    return {
        name: gold_figures(pack.items(language, name), resources.starts if name in AGENT else {}, protocol)
        for name in resources.categories
        if pack.items(language, name)
    }


def _refused(resources: Resources) -> Mapping[str, str]:
    return {
        name: REASON
        for name, item in resources.items().items()
        if item.category not in AGENT and check_item(item, gold_output(item)) is not None
    }
