"""Rollouts as a page shows them: one row each, pairs of runs shown side by side, and a whole rollout as plain, inert data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from rbsuite.errors import RbsuiteError
from rbsuite.inert import inert
from rbsuite.jsonable import Json
from rbsuite.memories.folded import folded_items
from rbsuite.record import ALL, RunInfo, TaskRecord
from rbsuite.store.redaction import hidden, is_private
from rbsuite.transcript import render_action, rules_of

if TYPE_CHECKING:
    from rbsuite.experience import MemoryItem, MemoryOp
    from rbsuite.plugins import Plugins
    from rbsuite.prompts import Prompts
    from rbsuite.record import Condition
    from rbsuite.run.prompt_sent import PromptSent
    from rbsuite.statistics.summary import Summary
    from rbsuite.store import ExperimentStore
    from rbsuite.trajectory import Step

AROUND = 240
"""Number of characters of a prompt that are shown before and after the recalled text."""

Share = Callable[[str], Json]
"""How a text that many rollouts share is written: as itself, or as a number by which it can be found."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of one or more experiments, and which of them are shown side by side.

    Attributes:
        stores: the experiments.
        runs: the position of each run's experiment, and the run.
        pairs: for each comparison, the two runs of each order, by their positions; the one with memory first.
    """

    stores: Sequence[ExperimentStore]
    runs: Sequence[tuple[int, RunInfo]]
    pairs: Sequence[Sequence[tuple[int, int]]]

    @classmethod
    def of(cls, stores: Sequence[ExperimentStore], summary: Summary | None) -> Runs:
        """The runs of experiments.

        Args:
            stores: the experiments.
            summary: their figures; ``None``: not known yet, each run is paired with the first condition's run on its stream.
        """
        runs = [(number, info) for number, store in enumerate(stores) for info in store.manifest.runs]
        if summary is not None and summary.comparisons:
            pairs = []
            places = {(source, info.id): place for place, (source, info) in enumerate(runs)}
            by_condition = {
                one.condition: [
                    places[source, run.info.id] for source, run in zip(one.sources, one.streams, strict=True)
                ]
                for one in summary.conditions
            }
            for one in summary.comparisons:
                pairs.append(_paired(runs, by_condition[one.a], by_condition[one.b]))
            return cls(stores, runs, pairs)
        first = runs[0][1].condition
        base = [place for place, (_, info) in enumerate(runs) if info.condition == first]
        others = dict.fromkeys(info.condition for _, info in runs if info.condition != first)
        return cls(
            stores,
            runs,
            [
                _paired(runs, [place for place, (_, info) in enumerate(runs) if info.condition == other], base)
                for other in others
            ]
            or [[(place, -1) for place in base]],
        )

    def plain(self, names: Sequence[str]) -> Json:
        """What a page must know about them.

        Args:
            names: the name of each comparison.
        """
        about: dict[str, list[str]] = {}
        for store in self.stores:
            for task, domain, group in store.manifest.facts.get("about", {}).get("tasks", ()):
                about[inert(task)] = [inert(domain), inert(group)]
        return {
            "runs": [
                {"id": inert(info.id), "memory": inert(info.condition.memory), "label": inert(info.condition.label)}
                | {"order": info.order, "tasks": len(info.tasks), "probes": info.probes}
                for _, info in self.runs
            ],
            "tasks": about,
            "comparisons": [
                {"name": inert(name), "pairs": list(pairs)} for name, pairs in zip(names, self.pairs, strict=True)
            ],
        }


def _paired(
    runs: Sequence[tuple[int, RunInfo]], mine: Sequence[int], others: Sequence[int]
) -> Sequence[tuple[int, int]]:
    """Each run with the run on the same stream, else the first run: runs of a condition that recalls nothing are exchangeable."""
    found = []
    for place in mine:
        seed = runs[place][1].seed
        found.append(
            (place, next((other for other in others if runs[other][1].seed == seed), others[0] if others else -1))
        )
    return found


def rows(store: ExperimentStore, run: str, start: int = 0) -> Iterator[Json]:
    """A row for each committed task of a run, as it is listed.

    A row is a list: task, score, rollouts, the one that counts (-1: all), end, verdict, the agent's turns, tokens, items recalled,
    memory operations.

    Args:
        store: the experiment.
        run: the run.
        start: the first position.
    """
    for _, found in groupby(store.results(run, details=(), start=start), key=attrgetter("position")):
        group = list(found)
        counting = [row for row in group if row.selected]
        first, whole = counting[0], counting[0].whole
        score = sum(row.score or 0.0 for row in counting) / len(counting)
        tokens = sum(usage.tokens for row in group for usage in row.usage.values())
        if whole is not None:
            tokens += sum(usage.tokens for usage in whole.usage.values())
        yield [
            inert(first.task_id),
            round(score, 6),
            len(group),
            ALL if len(counting) > 1 else first.rollout,
            first.end,
            first.label,
            first.steps,
            tokens,
            0 if whole is None else whole.items,
            0 if whole is None else sum(whole.ops.values()),
        ]


class Shower:
    """Turns the rollouts of an experiment into plain data.

    Args:
        store: the experiment.
        plugins: where agents are looked up, which show where recalled text was in a prompt; ``None``: that is not shown.
        reveal: whether the texts of a private benchmark are shown.
        share: how to write texts that many rollouts share.
    """

    def __init__(
        self, store: ExperimentStore, plugins: Plugins | None, *, reveal: bool = False, share: Share = inert
    ) -> None:
        self._store = store
        self._hides = is_private(store) and not reveal
        self._plugins = None if self._hides else plugins
        self._share = share
        self._prompts: dict[Condition, Prompts] = {}

    async def all(self, info: RunInfo) -> AsyncIterator[Json]:
        """Everything that is committed of a run, in order."""
        items = folded_items(self._store, info.id).ever
        for record in self._store.records(info.id):
            yield await self.one(info, record, items)

    async def one(self, info: RunInfo, record: TaskRecord, items: Mapping[str, MemoryItem]) -> Json:
        """A task with its rollouts.

        Args:
            info: its run.
            record: the task's record, with trajectories.
            items: all items that the run's bank ever contained, by id.
        """
        from rbsuite.run.prompt_sent import prompt_sent, prompts_of

        prompts: list[PromptSent | str | None] = []
        for rollout in range(len(record.rollouts)):
            if self._plugins is None or not any(event.recall.text for event in record.recalls):
                prompts.append(None)
                continue
            try:
                if info.condition not in self._prompts:
                    self._prompts[info.condition] = prompts_of(info, self._plugins)
                used = self._prompts[info.condition]
                prompts.append(await prompt_sent(self._store, info, record, rollout, self._plugins, used))
            except RbsuiteError as error:
                prompts.append(str(error))
        if self._hides:
            record = hidden(record)
            items = {name: hidden(items[name]) for name in _named(record) if name in items}
        made = {
            "rollouts": [self._rollout(record, number, prompt) for number, prompt in enumerate(prompts)],
            "recalls": [_recall(event, items) for event in record.recalls],
            "ops": [_op(op) for op in record.ops],
            "read": record.read_version,
            "query": record.rollouts[0].trajectory.query,
        }
        return _inert(made)

    def _rollout(self, record: TaskRecord, number: int, prompt: PromptSent | str | None) -> Json:
        one = record.rollouts[number]
        trajectory, verdict, grade = one.trajectory, one.verdict, one.trajectory.grade
        return {
            "score": trajectory.score,
            "end": trajectory.end,
            "error": trajectory.error,
            "tokens": sum(usage.tokens for usage in one.usage.values()),
            "verdict": None if verdict is None else [verdict.label, verdict.source, verdict.rationale],
            "truth": {} if grade is None else {name: _short(value) for name, value in grade.truth.items()},
            "measures": {} if grade is None else dict(grade.measures),
            "rules": self._share(rules_of(trajectory, budget=0)),
            "steps": [_step(step) for step in trajectory.steps],
            "final": None if trajectory.final is None else trajectory.final.text,
            "notes": list(one.notes),
            "place": _prompt_place(prompt),
        }


def _named(record: TaskRecord) -> Iterator[str]:
    return (found.item_id for event in record.recalls for found in event.recall.items)


def _step(step: Step) -> Json:
    """Whose turn it is, and what was seen, thought and done."""
    seen = "" if step.actor == "user" and step.observation.role != "tool" else step.observation.text
    pictures = "".join(f"\n[image: {image.description}]" for image in step.observation.images)
    return [step.actor, seen + pictures, step.action.thought, render_action(step.action)]


def _recall(event: Any, items: Mapping[str, MemoryItem]) -> Json:
    return {
        "rollout": event.rollout,
        "phase": event.phase,
        "step": event.step,
        "version": event.version,
        "reason": event.recall.reason,
        "text": event.recall.text,
        "items": [
            {"id": found.item_id, "rank": found.rank + 1, "score": found.score} | _item(items.get(found.item_id))
            for found in event.recall.items
        ],
    }


def _item(item: MemoryItem | None) -> dict[str, Any]:
    if item is None:
        return {"title": "?", "text": "", "from": "", "label": ""}
    text = "\n".join(filter(None, (item.description, item.content)))
    return {"title": item.title, "text": text, "from": item.provenance.task_id, "label": item.provenance.label}


def _op(op: MemoryOp) -> Json:
    if op.op == "put_document":
        return ["~", op.document, "document", op.text]
    if op.item is not None:
        text = "\n".join(filter(None, (op.item.description, op.item.content)))
        return ["+" if op.op == "add" else "~", op.item.id, op.item.title, text]
    counters = ", ".join(f"{name} {value:+g}" for name, value in op.counters.items())
    return [
        "-" if op.op == "delete" else "~",
        op.item_id,
        op.op,
        " ".join(filter(None, (op.target, counters, op.reason))),
    ]


def _prompt_place(prompt: PromptSent | str | None) -> Json:
    """Where the recalled text was: message, its role, character and length of the message, and the surrounding text."""
    if prompt is None or isinstance(prompt, str):
        return prompt
    place = prompt.place
    if place is None:
        return None
    message = prompt.messages[place[0]]
    start, end = place[1], place[1] + len(prompt.memory)
    return {
        "message": place[0] + 1,
        "of": len(prompt.messages),
        "role": message.role,
        "at": start + 1,
        "length": len(message.text),
        "before": message.text[max(0, start - AROUND) : start],
        "text": prompt.memory,
        "after": message.text[end : end + AROUND],
        "changed": list(prompt.changed),
    }


def _short(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _inert(value: Json) -> Json:
    """Plain data with texts in which every character is visible."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, dict):
        return {inert(name): _inert(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_inert(item) for item in value]
    return value
