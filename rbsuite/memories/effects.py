"""Checks a version's operations and works out their effects before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NoReturn

from rbsuite.errors import PluginError, in_words
from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.jsonable import is_number, is_whole


@dataclass(frozen=True, slots=True)
class State:
    """The parts of a bank that operations are checked against.

    Attributes:
        item: the live item with an id, or ``None``.
        last_revision: the highest revision an id has had, 0 if none.
        key: the key of an experience, or ``None`` if the bank never had it.
    """

    item: Callable[[str], MemoryItem | None]
    last_revision: Callable[[str], int]
    key: Callable[[str], str | None]


@dataclass(slots=True)
class Effects:
    """What a version changes.

    Attributes:
        items: ids and new items (``None``: deleted), in order; an id may occur more than once.
        documents: names and new texts, in order.
        keys: the key of every experience that is new to the bank.
    """

    items: list[tuple[str, MemoryItem | None]] = field(default_factory=list)
    documents: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


def effects_of(version: int, ops: Sequence[MemoryOp], state: State) -> Effects:
    """The effects of a version's operations, each checked against the state left by those before it.

    Raises:
        PluginError: an operation that breaks the contract; the message names the operation, its number (from 1) and the
            version.
    """
    fold = _Fold(state)
    for number, op in enumerate(ops, 1):
        fold.place = f"memory operation {number} of version {version}"
        fold.apply(op)
    return fold.effects


class _Fold:
    def __init__(self, state: State) -> None:
        self.effects = Effects()
        self.place = ""
        self._state = state
        self._items: dict[str, MemoryItem | None] = {}
        self._revisions: dict[str, int] = {}

    def apply(self, op: MemoryOp) -> None:
        if (
            type(op) is not MemoryOp
        ):  # a further field of a subclass would be part of the hash, but not of what is stored
            self._refuse(f"{in_words(op)} is not a MemoryOp", "Return MemoryOp objects.")
        self.place += (
            f" ({op.op} {op.document or op.item_id or (op.item.id if isinstance(op.item, MemoryItem) else '')!r})"
        )
        self._check_provenance(op.provenance, "it has", "operation")
        for name in ("item_id", "target", "document", "text", "reason"):
            if not isinstance(getattr(op, name), str):
                self._refuse(f"its {name} is not text", f"Set {name} to a string.")
        self._check_counters(op.counters)
        if op.item is not None:  # whatever the operation does with it, it is stored
            self._check_item(op.item)
        handler = getattr(self, f"_do_{op.op}", None) if type(op.op) is str else None
        if handler is None:
            self._refuse("no such kind of operation", "Use add, update, delete, link, score or put_document.")
        handler(op)

    def _do_add(self, op: MemoryOp) -> None:
        item = self._checked(op)
        if self._item(item.id) is not None:
            self._refuse("an item with this id already exists", "Give new items ids of their own, or use update.")
        key = self.effects.keys.get(item.experience)
        if key is None:
            key = self._state.key(item.experience)
        if key is None:
            self.effects.keys[item.experience] = item.key
        elif key != item.key:
            self._refuse(f"experience {item.experience!r} has another key", "Items of one experience share its key.")
        last = max(self._revisions.get(item.id, 0), self._state.last_revision(item.id))
        self._put(item.id, replace(item, revision=last + 1, counters=dict(item.counters)))

    def _do_update(self, op: MemoryOp) -> None:
        item = self._checked(op)
        old = self._existing(item.id)
        if (old.experience, old.key) != (item.experience, item.key):
            self._refuse("an update may not change experience or key", "Delete the item and add another.")
        self._put(item.id, replace(item, revision=old.revision + 1, counters=dict(item.counters)))

    def _do_delete(self, op: MemoryOp) -> None:
        self._existing(op.item_id)
        self._put(op.item_id, None)

    def _do_link(self, op: MemoryOp) -> None:
        item = self._existing(op.item_id)
        if self._item(op.target) is None:
            self._refuse(f"there is no item {op.target!r} to link to", "Link to items of the bank.")
        links = item.links if op.target in item.links else (*item.links, op.target)
        self._put(item.id, replace(item, links=links, revision=item.revision + 1))

    def _do_score(self, op: MemoryOp) -> None:
        item = self._existing(op.item_id)
        counters = dict(item.counters)
        for name, value in op.counters.items():
            counters[name] = counters.get(name, 0.0) + value
        self._check_counters(counters)
        self._put(item.id, replace(item, counters=counters, revision=item.revision + 1))

    def _do_put_document(self, op: MemoryOp) -> None:
        if not isinstance(op.document, str) or not op.document or not isinstance(op.text, str):
            self._refuse("document and text must be text, and the document must have a name", "Set document and text.")
        self.effects.documents.append((op.document, op.text))

    def _item(self, item_id: str) -> MemoryItem | None:
        return self._items[item_id] if item_id in self._items else self._state.item(item_id)

    def _existing(self, item_id: str) -> MemoryItem:
        item = self._item(item_id)
        if item is None:
            self._refuse("there is no such item", "Only change items that the bank lists.")
        return item

    def _put(self, item_id: str, item: MemoryItem | None) -> None:
        self._items[item_id] = item
        if item is not None:
            self._revisions[item_id] = item.revision
        self.effects.items.append((item_id, item))

    def _checked(self, op: MemoryOp) -> MemoryItem:
        if op.item is None:
            self._refuse("it has no item", "Set item to a MemoryItem.")
        return op.item

    def _check_item(self, item: MemoryItem) -> None:
        if type(item) is not MemoryItem:
            self._refuse(f"its item is {in_words(item)}", "Set item to a MemoryItem.")
        for name in ("id", "title", "description", "content", "key", "experience", "kind", "domain"):
            if not isinstance(getattr(item, name), str):
                self._refuse(f"the item's {name} is not text", f"Set {name} to a string.")
        for name in ("id", "experience"):
            if not getattr(item, name):
                self._refuse(f"the item's {name} is empty", f"Set {name}.")
        self._check_provenance(item.provenance, "the item has", "item")
        if not isinstance(item.links, tuple) or not all(isinstance(link, str) for link in item.links):
            self._refuse("the item's links are not a tuple of ids", "Set links to a tuple of strings.")
        if not is_whole(item.revision):
            self._refuse("the item's revision is not a whole number", "Leave it as it is: the bank counts revisions.")
        self._check_counters(item.counters)

    def _check_provenance(self, value: Provenance, whose: str, what: str) -> None:
        if type(value) is not Provenance:
            self._refuse(f"{whose} no provenance", f"Give every {what} a Provenance.")
        right = all(isinstance(text, str) for text in (value.task_id, value.label, value.source))
        right = right and isinstance(value.rollouts, tuple | list)
        if not right or not all(map(is_whole, (value.position, *value.rollouts))):
            self._refuse(f"{whose} a provenance with a field of another type", "Use Experience.provenance().")

    def _check_counters(self, counters: Mapping[str, float]) -> None:
        if not isinstance(counters, Mapping):
            self._refuse("counters are not a mapping", "Set counters to a dict of numbers.")
        for name, value in counters.items():
            if type(name) is not str or not is_number(value):
                self._refuse(f"counter {name!r} is not a finite number", "Set counters to a dict of numbers.")

    def _refuse(self, what: str, remedy: str) -> NoReturn:
        raise PluginError(f"{self.place}: {what}.", remedy)
