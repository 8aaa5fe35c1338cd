"""``rbsuite eval --dry-run``: how many calls and tokens an experiment will take and what it will cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbsuite.cli.output import echo, echo_json
from rbsuite.errors import RbsuiteError
from rbsuite.scrub import scrub_text
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rbsuite.models.base import Purpose
    from rbsuite.plugins import Plugins
    from rbsuite.record import Condition
    from rbsuite.run.plan import Plan

PILOT_TASKS = 8
PILOT_MODEL = "sim/learner"

_MEASURED = "the rollouts of {source}"
_SIMULATED = "the simulated learner on {tasks} tasks in one order"
CAVEAT = (
    "An estimate. Where it comes from the simulated learner, prompts are those that will be sent, counted at 4 characters per token, and "
    "replies are shorter than those of a reasoning model; what a memory recalls grows along a stream, so longer streams take more per "
    "task. Attempts that are discarded when running ahead come on top. A run of a few tasks gives better figures: rbsuite eval --from IT "
    "--dry-run, with the options of the full run. --max-cost holds whatever the estimate."
)


@dataclass(frozen=True, slots=True)
class ConditionEstimate:
    """What the rest of a condition is expected to take.

    Attributes:
        condition: the condition.
        tasks: number of remaining tasks, over all its orders.
        usage: calls, tokens and cost by purpose; ``None`` if there is nothing to estimate it from.
        calls, input_tokens, output_tokens: totals over all purposes.
        origin: what it was estimated from, in words.
    """

    condition: Condition
    tasks: int
    usage: Mapping[str, Usage] | None
    origin: str

    @property
    def total(self) -> Usage:
        """All purposes together."""
        return sum((self.usage or {}).values(), Usage())


def dry_run(planned: Plan, directory: Path, source: Path | None, *, as_json: bool) -> None:
    """Estimate an experiment and show the estimate. Nothing is sent to a provider's model, and nothing is written.

    Args:
        planned: the experiment.
        directory: where it is kept, if it was started.
        source: an experiment whose figures may be used, from ``--from``.
        as_json: whether to print one JSON document.
    """
    found = estimate(planned, directory, source)
    if as_json:
        echo_json(document(planned, found))
    else:
        echo(render(planned, found))


def estimate(planned: Plan, directory: Path, source: Path | None) -> Sequence[ConditionEstimate]:
    """What each condition is expected to take: based on its own rollouts if there are any, else on a small simulated pilot."""
    from rbsuite.store import ExperimentStore
    from rbsuite.store.experiment import FILE_NAME

    measured: dict[Condition, tuple[Mapping[str, Usage], int, str]] = {}
    committed: dict[str, int] = {}
    for place in [one for one in (source, directory) if one is not None and (one / FILE_NAME).is_file()]:
        with ExperimentStore.open(place, readonly=True) as store:
            for condition, (usage, tasks) in _usage_of(store).items():
                measured[_key(condition)] = usage, tasks, _MEASURED.format(source=place)
            if place == directory and store.manifest.config == planned.manifest.config:
                committed = {run.id: store.committed(run.id) for run in store.manifest.runs}
    missing = [one for one in planned.conditions if _key(one) not in measured]
    pilot = _pilot(planned) if missing else {}
    prices = _Prices(planned)
    found = []
    for condition in planned.conditions:
        tasks = sum(
            len(run.tasks) - committed.get(run.id, 0) for run in planned.manifest.runs if run.condition == condition
        )
        if _key(condition) in measured:
            usage, of, origin = measured[_key(condition)]
            found.append(ConditionEstimate(condition, tasks, _times(usage, tasks, of), origin))
            continue
        usage, of = pilot.get(_pilot_key(condition), ({}, 0))
        origin = _SIMULATED.format(tasks=of)
        priced = (
            {one: prices.of(condition, one, cost) for one, cost in _times(usage, tasks, of).items()} if usage else None
        )
        found.append(ConditionEstimate(condition, tasks, priced, origin))
    return found


def _usage_of(store: Any) -> Mapping[Condition, tuple[Mapping[str, Usage], int]]:
    """What the committed tasks of each condition took by purpose, without discarded attempts, and their number."""
    from rbsuite.models.client import Ledger

    spent: dict[Condition, tuple[Ledger, int]] = {}
    for run in store.manifest.runs:
        for record in store.records(run.id, trajectories=False):
            ledger, tasks = spent.get(run.condition, (Ledger(), 0))
            for usage in (record.usage, *(rollout.usage for rollout in record.rollouts)):
                ledger.take(usage)
            spent[run.condition] = ledger, tasks + 1
    return {condition: (ledger.snapshot(), tasks) for condition, (ledger, tasks) in spent.items()}


def _pilot(planned: Plan) -> Mapping[Condition, tuple[Mapping[str, Usage], int]]:
    """The experiment with the simulated learner on a few of its tasks; empty if that cannot be run."""
    import logging
    from tempfile import TemporaryDirectory

    from rbsuite import api
    from rbsuite.run.config import FIELDS

    memories = tuple(name for name in planned.config.memory if not _is_external(name, planned))
    if not memories:
        return {}
    config = replace(
        planned.config,
        protocol="",
        memory=memories,
        model=(PILOT_MODEL,),
        user_model="",
        judge_model="",
        memory_model="",
        grade_model="",
        embedder=("hash",),
        temperature=planned.config.temperature[:1],
        orders=1,
        baseline_orders=None,
        looks=(),
        probe=0,
        retries=0,
        limit=None,
        tasks=_spread([task.id for task in planned.tasks]),
        rollout_max_cost=None,
    )
    options = {name: getattr(config, name) for name, field in FIELDS.items() if getattr(config, name) != field.default}
    log = logging.getLogger("rbsuite")
    before, log.disabled = log.disabled, True  # the learner's failures say nothing about the model
    try:
        with (
            TemporaryDirectory() as place,
            api.evaluate(
                out=Path(place) / "pilot",
                plugins=planned.plugins,
                execution=api.Execution(outage="commit"),
                **options,
            ) as experiment,
        ):
            return {_pilot_key(condition): found for condition, found in _usage_of(experiment.store).items()}
    except RbsuiteError:
        return {}
    finally:
        log.disabled = before


def _is_external(memory: str, planned: Plan) -> bool:
    """Whether a memory would call a service or write its own store, so that the pilot leaves it out."""
    from rbsuite.specs import MemorySpec

    spec = planned.plugins.find("memory", memory.partition(":")[0])
    return isinstance(spec, MemorySpec) and spec.external


def _spread(tasks: Sequence[str]) -> tuple[str, ...]:
    """A few tasks, from the first to the last."""
    step = max(1, len(tasks) // PILOT_TASKS)
    return tuple(tasks[::step][:PILOT_TASKS])


def _key(condition: Condition) -> Condition:
    return replace(condition, label="")


def _pilot_key(condition: Condition) -> Condition:
    """A condition without what the pilot does not vary."""
    return replace(condition, label="", model="", temperature="", embedder="")


def _times(usage: Mapping[str, Usage], tasks: int, of: int) -> Mapping[str, Usage]:
    """The usage of ``tasks`` tasks, given the usage of ``of`` tasks."""
    share = tasks / max(1, of)
    return {
        purpose: Usage(
            round(one.calls * share),
            round(one.input_tokens * share),
            round(one.output_tokens * share),
            None if one.cost is None else one.cost * share,
        )
        for purpose, one in usage.items()
    }


class _Prices:
    """What models cost: by the prices that the user set, else by litellm's list, which is imported when needed."""

    def __init__(self, planned: Plan) -> None:
        self._planned = planned

    def of(self, condition: Condition, purpose: str, usage: Usage) -> Usage:
        """A usage with its cost; ``None`` if the price is not known."""
        from rbsuite.models.factory import is_simulated
        from rbsuite.run.config import model_references, unmasked

        config = self._planned.config
        references: Mapping[Purpose, str] = model_references(config, unmasked(condition, config).model)
        reference = next(one for name, one in references.items() if name == purpose)
        if is_simulated(reference, self._planned.plugins):
            return replace(usage, cost=0.0)
        return replace(usage, cost=_price(reference, usage, self._planned.plugins))


def _price(reference: str, usage: Usage, plugins: Plugins) -> float | None:
    from rbsuite.models.factory import find_spec
    from rbsuite.models.litellm_model import load_litellm
    from rbsuite.models.settings import ModelSettings

    if find_spec(reference, plugins) is not None:
        return None
    settings = ModelSettings.parse(reference)
    if (set_by_user := settings.price(usage)) is not None:
        return set_by_user
    try:
        paid = load_litellm().cost_per_token(
            model=settings.model, prompt_tokens=usage.input_tokens, completion_tokens=usage.output_tokens
        )
        return float(sum(paid))
    except Exception:  # litellm has no price for it
        return None


def document(planned: Plan, found: Sequence[ConditionEstimate]) -> Mapping[str, Any]:
    """The estimate as plain data."""
    total = sum((one.total for one in found), Usage())
    known = all(one.usage is not None for one in found)
    return {
        "dry_run": True,
        "env": planned.config.env,
        "split": planned.config.split,
        "conditions": [
            {
                "condition": one.condition.label,
                "tasks": one.tasks,
                "estimated_from": one.origin if one.usage is not None else None,
                "total": _plain(one.total) if one.usage is not None else None,
                "usage": None
                if one.usage is None
                else {purpose: _plain(usage) for purpose, usage in one.usage.items()},
            }
            for one in found
        ],
        "total": _plain(total) if known else None,
        "note": CAVEAT,
    }


def _plain(usage: Usage) -> Mapping[str, Any]:
    return {
        "calls": usage.calls,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost": usage.cost,
    }


def render(planned: Plan, found: Sequence[ConditionEstimate]) -> str:
    """The estimate as text."""
    from rbsuite.report.text import fold, table

    config, models = planned.config, ", ".join(map(scrub_text, planned.config.model))
    head = f"{config.env} {config.split}: {len(planned.tasks)} tasks, {models}: nothing is sent"
    rows: list[Sequence[str]] = [("condition", "tasks", "calls", "tokens in", "tokens out", "dollars")]
    for one in found:
        cells = ("?",) * 4 if one.usage is None else _cells(one.total)
        rows.append((one.condition.label, f"{one.tasks:,}", *cells))
    known = [one for one in found if one.usage is not None]
    if len(found) > 1 and len(known) == len(found):
        rows.append(
            ("all", f"{sum(one.tasks for one in found):,}", *_cells(sum((one.total for one in found), Usage())))
        )
    purposes: dict[str, Usage] = {}
    for one in known:
        for purpose, usage in (one.usage or {}).items():
            purposes[purpose] = purposes.get(purpose, Usage()) + usage
    parts = [f"{head}\n{table(rows, right_from=1)}"]
    if purposes:
        by_purpose: list[Sequence[str]] = [("purpose", "calls", "tokens in", "tokens out", "dollars")]
        by_purpose += [(purpose, *_cells(usage)) for purpose, usage in sorted(purposes.items())]
        parts.append(table(by_purpose, right_from=1))
    if len(known) < len(found):
        most = config.max_steps or planned.spec.max_steps
        unasked = all(_is_external(one.condition.memory, planned) for one in found if one.usage is None)
        why = "its memory is outside the bank, and is not called" if unasked else "the simulated learner cannot play it"
        parts.append(fold(f"?: {why}; a rollout has at most {most} agent turns."))
    origins = "; ".join(dict.fromkeys(one.origin for one in known))
    parts.append(fold(f"{f'From {origins}. ' if origins else ''}{CAVEAT}"))
    return "\n\n".join(parts)


def _cells(usage: Usage) -> Sequence[str]:
    cost = "unknown" if usage.cost is None else f"{usage.cost:.2f}" if usage.cost >= 100 else f"{usage.cost:.4f}"
    return f"{usage.calls:,}", f"{usage.input_tokens:,}", f"{usage.output_tokens:,}", cost
