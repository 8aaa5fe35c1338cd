"""The results of an experiment on MIMIC-CDM by pathology, with the mean of the four."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from rbsuite.statistics.intervals import average
from rbsuite.store import ExperimentStore
from rbsuite_mimic_cdm.rules import PATHOLOGIES

MACRO = "mean of pathologies"


def figures(store: ExperimentStore) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """By condition, then by pathology (and :data:`MACRO`), each score's mean: ``diagnosis``, the environment's measures, ``rounds`` and
    ``invalid_tools``. A broken rollout has no scores and is left out.

    Raises:
        StoreError: the tasks are private, so that only the sealed records say who has what, and their key is not on this machine.
    """
    store = store.revealed()
    rows: dict[str, dict[str, list[Mapping[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for info in store.manifest.runs:
        for row in store.results(info.id):
            scored = row.truth.get("scores")
            if isinstance(scored, Mapping) and row.score is not None:
                more = {name: float(scored[name]) for name in ("rounds", "invalid_tools")}
                rows[info.condition.label][str(scored["pathology"])].append(
                    {"diagnosis": row.score, **row.measures, **more}
                )
    return {label: _with_macro(found) for label, found in rows.items()}


def _with_macro(
    found: Mapping[str, list[Mapping[str, float]]],
) -> Mapping[str, Mapping[str, float]]:
    means: dict[str, Mapping[str, float]] = {
        name: {key: average([one[key] for one in found[name]]) for key in found[name][0]}
        for name in PATHOLOGIES
        if found.get(name)
    }
    keys = next(iter(means.values())).keys()
    return {**means, MACRO: {key: average([one[key] for one in means.values()]) for key in keys}}


def figures_text(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """The figures as readable text."""
    lines = []
    for label, pathologies in found.items():
        lines.append(label)
        for name, scores in pathologies.items():
            told = ", ".join(f"{key.replace('_', ' ')} {value:.3f}" for key, value in scores.items())
            lines.append(f"  {name:<20} {told}")
    return "\n".join(lines)
