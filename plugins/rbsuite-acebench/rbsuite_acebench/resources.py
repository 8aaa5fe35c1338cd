"""Task sets, and the data behind them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rbsuite.data.reading import find_pack
from rbsuite.errors import DataError, UnknownNameError
from rbsuite.task import Task, TaskSet
from rbsuite_acebench.cases import AGENT, DOMAINS, Item
from rbsuite_acebench.pack import Pack
from rbsuite_acebench.worlds import Language

NAME = "acebench"
SAMPLE_SPLIT = "sample"
SPLITS = (SAMPLE_SPLIT, "test")

_IMPORT = "Run `rbsuite data fetch acebench` or `rbsuite data import acebench --from CHECKOUT`."


def load_tasks(split: str, domain: str, data: str, language: Language) -> tuple[TaskSet, Pack]:
    """The task set of a split, and the data behind it; see :meth:`rbsuite.Environment.tasks`."""
    if split not in SPLITS:
        raise UnknownNameError(f"split of {NAME}", split, SPLITS)
    if domain and domain not in DOMAINS:
        raise UnknownNameError(f"domain of {NAME}", domain, DOMAINS)
    sample = sample_directory() if split == SAMPLE_SPLIT else None
    path, source = find_pack(NAME, "ACEBench", data=data, sample=sample, remedy=_IMPORT)
    pack = Pack(path)
    if language not in pack.languages():
        there = ", ".join(pack.languages()) or "none"
        raise DataError(
            f"{NAME}: the split {split!r} has no items in {language!r}, only in: {there}.",
            "Choose another language, or import upstream's data and use --split test.",
        )
    wanted = DOMAINS[domain] if domain else tuple(name for names in DOMAINS.values() for name in names)
    categories = tuple(name for name in wanted if name in pack.categories(language))
    if not categories:
        raise DataError(f"{NAME}: {str(path)!r} has no category of the domain {domain or 'any'}.", _IMPORT)
    content = pack.content_hash(language, categories)
    tasks = tuple(_task(item, split) for name in categories for item in pack.items(language, name))
    return TaskSet(NAME, split, tasks, {**source, "sha256": content}, content, _asks), pack


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def item_of(task: Task) -> Item:
    """The item behind a task."""
    payload = task.payload
    return Item(payload["category"], payload["language"], payload["entry"], payload["answer"])


def by_category(tasks: Iterable[Task]) -> dict[str, dict[str, Item]]:
    """The items behind tasks, by category and task id."""
    found: dict[str, dict[str, Item]] = {}
    for task in tasks:
        found.setdefault(task.payload["category"], {})[task.id] = item_of(task)
    return found


def _task(item: Item, split: str) -> Task:
    """An item as a task; its id is such as ``multi-turn/test/17`` or ``normal/test/atom_bool_3``."""
    agent = item.category in AGENT
    short = item.id.removeprefix(f"{item.category}_") if agent else item.id.partition("_")[2]
    payload: dict[str, Any] = {
        "category": item.category,
        "language": item.language,
        "entry": item.entry,
        "answer": item.answer,
    }
    return Task(
        id=f"{item.domain}/{split}/{short}",
        group=item.dialogue,  # The turns of a dialogue are not independent of each other.
        domain=item.domain,
        query="" if item.category == "agent_multi_turn" else str(item.entry["question"]),
        payload=payload,
        difficulty=float(_length(item)),
    )


def _length(item: Item) -> int:
    """How much an item asks for: number of milestones, or of calls."""
    if item.category in AGENT:
        return len(item.milestones[0])
    return len(item.ground_truth) if isinstance(item.ground_truth, dict) else 1


def _asks(task: Task) -> str:
    return str(task.payload["entry"]["question"])
