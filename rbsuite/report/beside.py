"""Two rollouts of one task side by side: what was recalled, what was done, and the outcome. For ``rbsuite show``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from rbsuite.experience import MemoryItem, MemoryOp
from rbsuite.inert import inert
from rbsuite.report.text import fields, one_line, table, told_text
from rbsuite.statistics.about import about
from rbsuite.transcript import render_action, shorten

if TYPE_CHECKING:
    from rbsuite.record import RecallEvent, RolloutRecord, RunInfo, TaskRecord
    from rbsuite.run.prompt_sent import PromptSent
    from rbsuite.store import ExperimentStore
    from rbsuite.trajectory import Step

LEAST = 28
"""Columns that each side needs; on a narrower terminal the two are shown one below the other."""
SHORT = 400
"""Number of characters to which a text is cut unless the full text is requested."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A rollout that is shown.

    Attributes:
        run: its run.
        record: its task, with trajectories.
        index: which rollout of the task.
        items: all items that the run's bank ever contained, by id.
        prompt: its first prompt; ``None`` if there is none, or none is requested.
        no_prompt: why there is none; empty if there is one, or none is requested.
    """

    run: RunInfo
    record: TaskRecord
    index: int
    items: Mapping[str, MemoryItem]
    prompt: PromptSent | None = None
    no_prompt: str = ""

    @property
    def rollout(self) -> RolloutRecord:
        """The rollout."""
        return self.record.rollouts[self.index]

    @property
    def recalls(self) -> Sequence[RecallEvent]:
        """What was recalled for it."""
        return [event for event in self.record.recalls if event.rollout in (-1, self.index)]


def render(store: ExperimentStore, sides: Sequence[Shown], *, width: int, full: bool = False) -> str:
    """Everything that is shown.

    Args:
        store: the experiment.
        sides: one rollout, or two of the same task; the one with memory first.
        width: columns of the terminal.
        full: whether texts are shown in full.
    """
    most = 0 if full else SHORT
    known, task = about(store), sides[0].record.task_id
    where = ", ".join(
        f"{name} {value}"
        for name, value in (("group", known.group.get(task)), ("domain", known.domain.get(task)))
        if value
    )
    names = [chr(ord("A") + number) for number in range(len(sides))]
    told = f"; {one_line(text)}" if (text := told_text(known.told)) else ""
    parts = [f"task {one_line(task)}{f' ({one_line(where)})' if where else ''}{told}"]
    parts.append(table([("", *names), *_figures(sides)], 2))
    for name, side in zip(names, sides, strict=True):
        prompt = _prompt(name, side, most, brief=most > 0 and side is not sides[0])
        parts += [text for text in (_recalled(name, side, most), prompt) if text]
    parts.append("\n".join(_steps(names, sides, width, most)))
    parts += [text for name, side in zip(names, sides, strict=True) if (text := _judged(name, side, most))]
    parts += [text for name, side in zip(names, sides, strict=True) if (text := _changes(name, side, most))]
    if store.manifest.facts["simulated"]:
        parts.append("Simulated: the model is a simulation (sim/...); this says nothing about a real model.")
    return "\n\n".join(parts)


def _figures(sides: Sequence[Shown]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("run", *(side.run.id for side in sides))]
    rows.append(("place", *(f"{side.record.position + 1} of {len(side.run.tasks)}" for side in sides)))
    if any(len(side.record.rollouts) > 1 for side in sides):
        marks = ("counts" if side.record.selected in (side.index, -1) else "not chosen" for side in sides)
        rows.append(
            (
                "rollout",
                *(
                    f"{side.index} of {len(side.record.rollouts)}, {mark}"
                    for side, mark in zip(sides, marks, strict=True)
                ),
            )
        )
    scores = (side.rollout.trajectory.score for side in sides)
    rows.append(("score", *("broke" if score is None else f"{score:g}" for score in scores)))
    rows.append(("verdict", *("-" if (one := side.rollout.verdict) is None else one.label for side in sides)))
    rows.append(("end", *(side.rollout.trajectory.end for side in sides)))
    rows.append(("turns", *(str(side.rollout.trajectory.agent_steps) for side in sides)))
    spent = (sum(usage.tokens for usage in side.rollout.usage.values()) for side in sides)
    rows.append(("tokens", *(f"{tokens:,}" for tokens in spent)))
    rows.append(("recalled", *(_count(sum(len(one.recall.items) for one in side.recalls)) for side in sides)))
    rows.append(("bank", *(f"read at {side.record.read_version}, {len(side.record.ops)} changes" for side in sides)))
    return rows


def _count(items: int) -> str:
    return "nothing" if not items else f"{items} item{'s' if items > 1 else ''}"


def _recalled(name: str, side: Shown, most: int) -> str:
    lines = []
    for event in side.recalls:
        when = {"task": "before the task", "retry": f"before rollout {event.rollout}"}.get(
            event.phase, f"before turn {event.step + 1}"
        )
        if not event.recall.items:
            lines.append(f"  {when}: nothing ({one_line(event.recall.reason or 'no reason given')})")
            continue
        lines.append(f"  {when}, from the bank after {event.version} tasks:")
        for found in event.recall.items:
            item = side.items.get(found.item_id)
            title = one_line(item.title) if item is not None else "?"
            source = (
                f"  <- {one_line(item.provenance.task_id)} ({one_line(item.provenance.label)})"
                if item is not None
                else ""
            )
            lines.append(f"    {found.rank + 1}. {found.score:.3f}  {found.item_id}  {title}{source}")
            if item is not None:
                text = " ".join(filter(None, (item.description, item.content)))
                lines.append(textwrap.indent(_cut(text, most), "         "))
    return f"Recalled for {name}\n" + "\n".join(lines) if lines and side.run.condition.memory != "none" else ""


def _prompt(name: str, side: Shown, most: int, *, brief: bool) -> str:
    if side.no_prompt:
        return f"The prompt of {name} cannot be shown: {one_line(side.no_prompt)}"
    prompt = side.prompt
    if prompt is None:
        return ""
    sizes = sum(len(message.text) for message in prompt.messages)
    head = f"The first prompt of {name}, as it was sent ({len(prompt.messages)} messages, {sizes:,} characters)"
    if brief:
        return f"{head}: see --full"
    if prompt.changed:
        head += f"\n  Changed since then, so the text may differ: {', '.join(map(one_line, prompt.changed))}"
    place = prompt.place
    if place is not None:
        head += f"\n  The recalled text is in message {place[0] + 1}, from character {place[1] + 1:,} on."
    lines = []
    for number, message in enumerate(prompt.messages):
        lines.append(f"  [{number + 1} {message.role}]")
        if place is not None and place[0] == number and most:
            start, end = place[1], place[1] + len(prompt.memory)
            pieces = (_cut(message.text[:start], most), prompt.memory, _cut(message.text[end:], most))
            lines.append(textwrap.indent("\n".join(filter(None, map(_plain, pieces))), "    "))
        else:
            lines.append(textwrap.indent(_cut(message.text, most), "    "))
    return "\n".join([head, *lines])


def _plain(text: str) -> str:
    """A text that keeps its line ends; everything else that moves the cursor is escaped."""
    return inert(text.replace("\t", "    ")).strip("\n")


def _cut(text: str, most: int) -> str:
    text = _plain(text)
    return text if not most or len(text) <= most else shorten(text, most)


def _steps(names: Sequence[str], sides: Sequence[Shown], width: int, most: int) -> Iterator[str]:
    turns = [[step for step in side.rollout.trajectory.steps if step.actor == "agent"] for side in sides]
    column = (width - 3) // 2
    if len(sides) == 1 or column < LEAST:
        for name, own, side in zip(names, turns, sides, strict=True):
            yield f"Steps of {name}"
            for number, step in enumerate(own):
                yield textwrap.indent("\n".join(_turn(number, step, most)), "  ")
            yield textwrap.indent("\n".join(_last(side, most)), "  ")
        return
    yield "Step by step (=: the same, !: different)"
    yield f"{names[0]:<{column}}   {names[1]}"
    for left, right in _aligned(turns[0], turns[1]):
        cells = [
            [] if place is None else _turn(place, own[place], most)
            for place, own in zip((left, right), turns, strict=True)
        ]
        same = (
            left is not None
            and right is not None
            and render_action(turns[0][left].action) == render_action(turns[1][right].action)
        )
        yield from _columns(cells, column, "=" if same else "!")
    yield from _columns([_last(side, most) for side in sides], column, " ")


def _aligned(a: Sequence[Step], b: Sequence[Step]) -> Iterator[tuple[int | None, int | None]]:
    """Which turns are shown beside each other: those with the same action, and those between them in order."""
    left, right = ([render_action(step.action) for step in steps] for steps in (a, b))
    for _, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for offset in range(max(j - i, m - k)):
            yield (i + offset if i + offset < j else None), (k + offset if k + offset < m else None)


def _turn(number: int, step: Step, most: int) -> list[str]:
    seen = _cut(step.observation.text, most) or "(nothing)"
    thought = [f"thought: {_cut(step.action.thought, most)}"] if step.action.thought else []
    return [f"[{number + 1}] sees: {seen}", *thought, f"does: {_cut(render_action(step.action), most)}"]


def _last(side: Shown, most: int) -> list[str]:
    trajectory = side.rollout.trajectory
    final = [] if trajectory.final is None else [f"last: {_cut(trajectory.final.text, most)}"]
    broke = [f"error: {_cut(trajectory.error, most)}"] if trajectory.error else []
    return [*final, f"end: {trajectory.end}", *broke]


def _columns(cells: Sequence[Sequence[str]], column: int, mark: str) -> Iterator[str]:
    from rich.cells import cell_len

    folded = [_folded(texts, column) for texts in cells]
    for row in range(max(map(len, folded))):
        left, right = (lines[row] if row < len(lines) else "" for lines in folded)
        yield f"{left}{' ' * (column - cell_len(left))} {mark} {right}".rstrip()


def _folded(texts: Sequence[str], column: int) -> list[str]:
    from rich.cells import chop_cells

    lines = [line for text in texts for line in text.split("\n")]
    wrapped = [part for line in lines for part in (textwrap.wrap(line, column, drop_whitespace=True) or [""])]
    return [piece for line in wrapped for piece in (chop_cells(line, column) or [""])]  # wide characters


def _judged(name: str, side: Shown, most: int) -> str:
    verdict, grade = side.rollout.verdict, side.rollout.trajectory.grade
    if verdict is None and grade is None:
        return ""
    solved = grade is not None and grade.score >= 1
    rows = []
    if verdict is not None:
        right = (
            "" if verdict.label == "unknown" else " (right)" if (verdict.label == "success") == solved else " (wrong)"
        )
        rows.append(("verdict", f"{verdict.label} by {verdict.source}{right}: {_cut(verdict.rationale, most)}"))
    if grade is not None:
        details = ", ".join(f"{key} {value!r}" for key, value in grade.truth.items())
        rows.append(("truth", f"score {grade.score:g}{f'; {_cut(details, most)}' if details else ''}"))
    return f"Verdict against truth, {name}\n" + textwrap.indent(fields(rows, 100), "  ")


def _changes(name: str, side: Shown, most: int) -> str:
    lines = [f"  {_change(op, most)}" for op in side.record.ops]
    return f"What the bank of {name} learned from it\n" + "\n".join(lines) if lines else ""


def _change(op: MemoryOp, most: int) -> str:
    if op.op == "put_document":
        return f"~ document {one_line(op.document)}, {len(op.text):,} characters"
    if op.item is not None:
        sign = "+" if op.op == "add" else "~"
        text = " ".join(filter(None, (op.item.description, op.item.content)))
        return f"{sign} {op.item.id}  {one_line(op.item.title)}: {one_line(_cut(text, most))}"
    counters = ", ".join(f"{key} {value:+g}" for key, value in op.counters.items())
    said = one_line(" ".join(filter(None, (op.target, counters, op.reason))))
    return f"{'-' if op.op == 'delete' else '~'} {op.item_id}  {op.op} {said}".rstrip()
