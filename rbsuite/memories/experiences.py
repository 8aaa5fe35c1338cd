"""The experiences of a bank: which items each has, and which of them a read may see."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from rbsuite.experience import MemoryItem
from rbsuite.memories.revisions import ItemHistory


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items a read may see: of one kind and domain if given, not learned on the excluded tasks, and none of the excluded items."""

    kind: str = ""
    domain: str = ""
    exclude_tasks: frozenset[str] = frozenset()
    exclude_items: frozenset[str] = frozenset()

    def accepts(self, item: MemoryItem) -> bool:
        """Whether an item may be seen."""
        return (
            self.fits(item.kind, item.domain)
            and item.provenance.task_id not in self.exclude_tasks
            and item.id not in self.exclude_items
        )

    def fits(self, kind: str, domain: str) -> bool:
        """Whether items of this kind and domain may be seen, leaving the exclusions aside."""
        return (not self.kind or kind == self.kind) and (not self.domain or domain == self.domain)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a search ranks.

    Attributes:
        labels: experiences to rank; ``None``: all that are live now, except the hidden ones.
        hidden: live experiences that must not be found, if ``labels`` is ``None``.
        count: how many experiences there are to rank.
    """

    labels: frozenset[int] | None
    hidden: frozenset[int]
    count: int


@dataclass(slots=True)
class _Experience:
    id: str
    key: str
    added: list[tuple[int, str]] = field(default_factory=list)
    live: int = 0


class Experiences:
    """Experiences by label: 0, 1, ... in the order they came to the bank.

    Args:
        items: the history of the bank's items, which must be changed after :meth:`record` is told about a change.
    """

    def __init__(self, items: ItemHistory) -> None:
        self._items = items
        self._experiences: list[_Experience] = []
        self._label_of: dict[str, int] = {}
        self._live = 0
        # Live items by kind and domain: how many each experience has.
        self._facets: dict[tuple[str, str], dict[int, int]] = {}
        self._by_task: dict[str, set[int]] = {}
        # Version and experience of every change of an item, in order.
        self._versions: list[int] = []
        self._changed: list[int] = []

    def key(self, experience: str) -> str | None:
        """The key of an experience that the bank has or had, else ``None``."""
        label = self._label_of.get(experience)
        return None if label is None else self._experiences[label].key

    def label(self, experience: str) -> int:
        """The label of an experience that the bank has or had."""
        return self._label_of[experience]

    def key_of(self, label: int) -> str:
        """The key of an experience, by label."""
        return self._experiences[label].key

    def is_live(self, label: int) -> bool:
        """Whether an experience has a live item."""
        return self._experiences[label].live > 0

    def simplified(self, keep: Filter) -> Filter:
        """The same filter without the excluded tasks that have never had an item."""
        return replace(keep, exclude_tasks=frozenset(task for task in keep.exclude_tasks if task in self._by_task))

    def record(self, version: int, old: MemoryItem | None, new: MemoryItem | None) -> int:
        """Record a change of an item, from ``old`` to ``new`` (``None``: not live); returns the experience's label."""
        item = new or old
        assert item is not None, "a change has a side that is an item"
        label = self._label_of.get(item.experience)
        if label is None:
            label = self._label_of[item.experience] = len(self._experiences)
            self._experiences.append(_Experience(item.experience, item.key))
        experience = self._experiences[label]
        self._live -= experience.live > 0
        if old is not None:
            experience.live -= 1
            self._count(old, label, -1)
        if new is not None:
            experience.live += 1
            self._count(new, label, 1)
            self._by_task.setdefault(new.provenance.task_id, set()).add(label)
            if old is None:
                experience.added.append((version, new.id))
        self._live += experience.live > 0
        self._versions.append(version)
        self._changed.append(label)
        return label

    def visible(self, label: int, version: int, keep: Filter) -> tuple[MemoryItem, ...]:
        """An experience's items that a read may see, as of a version, in the order they were added."""
        experience = self._experiences[label]
        items = self._items.among(experience.added, version)
        # An item that was deleted may have been added again to another experience.
        return tuple(item for item in items if item.experience == experience.id and keep.accepts(item))

    def changed(self, since: int, version: int) -> set[int]:
        """The experiences that changed after a version, up to another."""
        return set(self._changed[bisect_right(self._versions, since) : bisect_right(self._versions, version)])

    def scope(self, version: int, keep: Filter) -> Scope:
        """What a search of a version ranks.

        It starts from what is live now and rechecks the experiences that have changed since, or that contain an excluded item or items of
        an excluded task.
        """
        changed = set(self._changed[bisect_right(self._versions, version) :])
        excluded = (self._by_task.get(task, set()) for task in keep.exclude_tasks)
        doubtful = changed.union(*excluded)
        left_out = (self._items.get(name, version) for name in keep.exclude_items)
        doubtful |= {self._label_of[item.experience] for item in left_out if item is not None}
        seen = {label for label in doubtful if self.visible(label, version, keep)}
        matching = [labels for facet, labels in self._facets.items() if keep.fits(*facet)]
        if not changed and len(matching) == len(self._facets):
            hidden = frozenset(label for label in doubtful - seen if self.is_live(label))
            return Scope(None, hidden, self._live - len(hidden))
        labels = (frozenset[int]().union(*matching) - doubtful) | seen
        return Scope(labels, frozenset(), len(labels))

    def _count(self, item: MemoryItem, label: int, change: int) -> None:
        facet = self._facets.setdefault((item.kind, item.domain), {})
        facet[label] = facet.get(label, 0) + change
        if not facet[label]:
            del facet[label]
        if not facet:
            del self._facets[(item.kind, item.domain)]


def describe_none(kind: str, domain: str) -> str:
    """Why a search of a kind and domain finds nothing, when the bank has other items."""
    what = " in ".join(filter(None, (f"of kind {kind!r}" if kind else "", f"domain {domain!r}" if domain else "")))
    return f"nothing {what}" if kind else f"nothing in {what}"


def relaxations(keep: Filter) -> Iterable[tuple[Filter, str]]:
    """Increasingly narrow filters up to ``keep``, each with what it means if it is the first that lets nothing through."""
    yield Filter(), "empty bank"
    if keep.kind:
        yield Filter(keep.kind), describe_none(keep.kind, "")
    if keep.domain:
        yield Filter(keep.kind, keep.domain), describe_none(keep.kind, keep.domain)
    yield keep, "only the task's own items"
