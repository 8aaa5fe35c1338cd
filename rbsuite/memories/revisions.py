"""What a bank has stored, with every revision: items and documents as of any version."""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from rbsuite.experience import MemoryItem

_COMPRESS_FROM = 1024


class ItemHistory:
    """Every revision of every item. The cost of recording a version depends on the number of its changes, not on what is stored.

    An item that is deleted and added again goes to the end of the order and takes the next revision number, so that an
    id and a revision always name one content.
    """

    def __init__(self) -> None:
        # By id: the item from each version on; ``None``: deleted.
        self._history: dict[str, list[tuple[int, MemoryItem | None]]] = {}
        self._live: dict[str, MemoryItem] = {}
        self._added: list[tuple[int, str]] = []

    def put(self, version: int, item_id: str, item: MemoryItem | None) -> None:
        """Record what an item is from ``version`` on; ``None``: deleted. Versions never decrease."""
        self._history.setdefault(item_id, []).append((version, item))
        if item is None:
            self._live.pop(item_id, None)
            return
        if item_id not in self._live:
            self._added.append((version, item_id))
        self._live[item_id] = item

    def last_revision(self, item_id: str) -> int:
        """The highest revision an item has had; 0 if it was never added."""
        return next((item.revision for _, item in reversed(self._history.get(item_id, ())) if item is not None), 0)

    def latest(self, item_id: str) -> MemoryItem | None:
        """The item as it is now, if it is live."""
        return self._live.get(item_id)

    def get(self, item_id: str, version: int) -> MemoryItem | None:
        """The item as of a version, if it was live then."""
        history = self._history.get(item_id, [])
        place = bisect_right(history, version, key=lambda entry: entry[0])
        return history[place - 1][1] if place else None

    def live(self) -> Iterator[MemoryItem]:
        """The live items now, in the order they were added."""
        return iter(self._live.values())

    def live_at(self, version: int) -> Iterator[MemoryItem]:
        """The items that were live as of a version, in the order they had been added."""
        return self.among(self._added, version)

    def among(self, added: Iterable[tuple[int, str]], version: int) -> Iterator[MemoryItem]:
        """Those items in ``added`` (version and id of additions, in order) that were live as of a version."""
        order: dict[str, None] = {}
        for at, item_id in added:
            if at > version:
                break
            order.pop(item_id, None)
            order[item_id] = None
        return (item for item in (self.get(item_id, version) for item_id in order) if item is not None)


class DocumentHistory:
    """Every text of every document. Past texts are kept compressed: a memory may rewrite a whole document after
    every task."""

    def __init__(self) -> None:
        self._versions: dict[str, list[int]] = {}
        self._texts: dict[str, list[str | bytes]] = {}

    def put(self, version: int, name: str, text: str) -> None:
        """Record a document's text from ``version`` on. Versions never decrease."""
        versions, texts = self._versions.setdefault(name, []), self._texts.setdefault(name, [])
        if versions and versions[-1] == version:
            texts[-1] = text
            return
        if texts:
            texts[-1] = _pack(texts[-1])
        versions.append(version)
        texts.append(text)

    def get(self, name: str, version: int) -> str:
        """The document's text as of a version; ``""`` if there was none."""
        place = bisect_right(self._versions.get(name, ()), version)
        text = self._texts[name][place - 1] if place else ""
        return text if isinstance(text, str) else zlib.decompress(text).decode("utf-8", "surrogatepass")

    def written(self, version: int) -> dict[str, tuple[int, ...]]:
        """The documents as of a version, in the order they were first written, each with the versions that wrote it."""
        found = {name: tuple(at for at in versions if at <= version) for name, versions in self._versions.items()}
        return {name: versions for name, versions in found.items() if versions}


def _pack(text: str | bytes) -> str | bytes:
    if isinstance(text, bytes) or len(text) < _COMPRESS_FROM:
        return text
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)
