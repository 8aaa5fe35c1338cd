"""Task sets, and the data behind them."""

from __future__ import annotations

from collections.abc import Mapping
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


class Resources:
    """The items behind a task set.

    Args:
        pack: the data.
        language: of the items.
        split: the split they are of.
        categories: those of the task set.
    """

    def __init__(self, pack: Pack, language: Language, split: str, categories: tuple[str, ...]) -> None:
        self.pack = pack
        self.language = language
        self.split = split
        self.categories = categories
        self._items: Mapping[str, Item] = {
            task_id(item, split): item for name in categories for item in pack.items(language, name)
        }

    @property
    def starts(self) -> Mapping[str, Mapping[str, Any]]:
        """The start values of the worlds, by class."""
        return self.pack.starts(self.language)

    def item(self, task: Task) -> Item:
        """The item that a task is."""
        return self._items[task.id]

    def items(self) -> Mapping[str, Item]:
        """All items, by the id of the task."""
        return self._items


def load_tasks(split: str, domain: str, data: str, language: Language) -> tuple[TaskSet, Resources]:
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
        raise DataError(f"{NAME}: no category of the domain {domain or 'any'} is in {str(path)!r}.", _IMPORT)
    content = pack.content_hash(language, categories)
    resources = Resources(pack, language, split, categories)
    tasks = tuple(_task(name, item) for name, item in resources.items().items())
    source = {**source, "sha256": content}
    return TaskSet(NAME, split, tasks, source, content, _asks), resources


def sample_directory() -> Path:
    """The bundled sample, laid out like a pack."""
    return Path(__file__).with_name("sample")


def task_id(item: Item, split: str) -> str:
    """The id of an item's task, such as ``multi-turn/test/17`` or ``normal/test/atom_bool_3``."""
    short = item.id.removeprefix(f"{item.category}_") if item.category in AGENT else item.id.partition("_")[2]
    return f"{item.domain}/{split}/{short}"


def _task(name: str, item: Item) -> Task:
    # Turns of one dialogue, and agent items over one setting, are not independent of each other.
    group = str(item.entry.get("group") or (item.dialogue if item.category not in AGENT else item.id))
    query = "" if item.category == "agent_multi_turn" else str(item.entry["question"])
    payload = {
        "category": item.category,
        "language": item.language,
        "entry": dict(item.entry),
        "answer": dict(item.answer),
    }
    return Task(name, group, item.domain, query, payload, float(_length(item)))


def _length(item: Item) -> int:
    """How much an item asks for: milestones, or calls."""
    if item.category in AGENT:
        return len(item.milestones[0])
    answer = item.ground_truth
    return len(answer) if item.category != "special_irrelevant" and answer else 1


def _asks(task: Task) -> str:
    return str(task.payload["entry"]["question"])
