"""Standing searches: whether the result would be the same in a later version, at a cost that depends on what has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rbsuite.memories.base import Hit, SearchResult
from rbsuite.memories.experiences import Experiences, Filter
from rbsuite.memories.vectors import KeyVectors

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors


class StandingSearch:
    """A search that was made, with its result.

    An experience's score depends only on its key and the query. So only two of the changes since then matter: an experience that was found
    now has other visible items; or one that was not found is visible now and ranks before the last one that was found. Most changes
    can be ruled out by one rough product of two vectors.

    Args:
        experiences: those of the bank.
        vectors: theirs.
        query: the query's vector, as it was embedded; ``None``: none was needed, so changes alone do not tell whether the result holds.
        k: how many experiences were requested.
        version: the version that was searched.
        keep: which items could be seen.
        gave: the result.
    """

    def __init__(
        self,
        experiences: Experiences,
        vectors: KeyVectors,
        query: Vectors | None,
        k: int,
        version: int,
        keep: Filter,
        gave: SearchResult,
    ) -> None:
        self.gave = gave
        self._experiences = experiences
        self._vectors = vectors
        self._query = query
        self._k = k
        self._keep = keep
        self._since = version

    @cached_property
    def _found(self) -> Mapping[int, Hit]:
        return {self._experiences.label(hit.experience): hit for hit in self.gave.hits}

    @cached_property
    def _rough(self) -> Vectors:
        assert self._query is not None
        return self._vectors.unit(self._query)

    @property
    def comparable(self) -> bool:
        """Whether as many were found as were requested, in an exact index, so that a lower cosine rules a change out."""
        found = self._query is not None and len(self.gave.hits) >= max(1, self._k)
        return found and self._vectors.name == "exact"

    def holds(self, version: int) -> bool | None:
        """Whether the same search of another version would give the same result; ``None``: only another search can tell.

        It is ``None`` if the search found nothing, for versions earlier than the latest it is known to hold for, and if the index is not
        exact.
        """
        if self._query is None or not self.gave.hits or version < self._since or self._vectors.name != "exact":
            return None
        changed = self._experiences.changed(self._since, version)
        if not all(self._untouched(label, version) for label in changed):
            return False
        self._since = version
        return True

    def _untouched(self, label: int, version: int) -> bool:
        hit = self._found.get(label)
        if hit is not None:
            return self._experiences.visible(label, version, self._keep) == hit.items
        assert self._query is not None
        least = self.gave.hits[-1].score
        full = len(self._found) >= self._k
        if full and self._vectors.at_most(self._rough[None], label)[0] < least:
            return True
        if not self._experiences.visible(label, version, self._keep):
            return True
        last = next(reversed(self._found))
        return full and (-self._vectors.cosine(self._query, label), label) > (-least, last)


class Watch:
    """Standing searches of one bank, of many owners, that are checked together whenever the bank has changed.

    A stream that runs far ahead has dozens of them under way, and one product of a matrix and a vector rules out most changes for all of
    them. About the others :meth:`StandingSearch.holds` decides.
    """

    def __init__(self) -> None:
        self._version = 0
        self._rows: dict[int, list[tuple[StandingSearch, int]]] = {}
        self._until: dict[int, int] = {}
        self._owner_of_row = np.zeros(0, dtype=np.int64)
        self._least = np.zeros(0)
        self._rough: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._free: list[int] = []
        self._unknown: set[int] = set()

    def put(self, owner: int, searches: Sequence[StandingSearch] | None, until: int) -> None:
        """Watch the searches of an owner instead of those watched before.

        Args:
            owner: a number of its own.
            searches: its searches; ``None``: it has read something else as well, so it is always doubtful.
            until: the version for which they have to hold; later ones do not matter to it.
        """
        self.drop(owner)
        self._rows[owner], self._until[owner] = [], until
        for search in searches or ():
            if not search.comparable or search._since < self._version:
                self._unknown.add(owner)
            else:
                self._rows[owner].append((search, self._fill(owner, search)))
        if searches is None:
            self._unknown.add(owner)

    def drop(self, owner: int) -> None:
        """Watch an owner no longer. From now on its searches are known to hold for the last version that was checked."""
        known = min(self._version, self._until.pop(owner, 0))
        for search, row in self._rows.pop(owner, ()):
            search._since = max(search._since, known)
            self._least[row] = np.inf
            self._free.append(row)
        self._unknown.discard(owner)

    def doubtful(self, version: int) -> Sequence[int]:
        """The owners whose searches may give something else in a version than they gave, in ascending order.

        The others hold. Whoever asks checks these, and drops those that do not hold.
        """
        first = next((search for rows in self._rows.values() for search, _ in rows), None)
        doubtful = set(self._unknown)
        if first is not None:
            # What was found has a cosine that is not below the least one, so it is never ruled out.
            for label in first._experiences.changed(self._version, version):
                bounds = first._vectors.at_most(self._rough, label)
                doubtful.update(self._owner_of_row[bounds >= self._least].tolist())
        self._version = version
        return sorted(doubtful)

    def _fill(self, owner: int, search: StandingSearch) -> int:
        rough = search._rough
        if not self._free:
            more = max(8, len(self._least))
            self._free = list(range(len(self._least) + more - 1, len(self._least) - 1, -1))
            self._owner_of_row = np.concatenate([self._owner_of_row, np.zeros(more, dtype=np.int64)])
            self._least = np.concatenate([self._least, np.full(more, np.inf)])
            wider = np.zeros((len(self._least), len(rough)), dtype=np.float32)
            wider[: len(self._rough), : self._rough.shape[1]] = self._rough
            self._rough = wider
        row = self._free.pop()
        self._rough[row], self._least[row], self._owner_of_row[row] = rough, search.gave.hits[-1].score, owner
        return row
