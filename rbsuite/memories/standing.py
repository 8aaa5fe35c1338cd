"""Standing searches: whether the result would be the same in a later version, at a cost that depends on what has changed since."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

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
        if full and self._vectors.at_most(self._rough, label) < least:
            return True
        if not self._experiences.visible(label, version, self._keep):
            return True
        last = next(reversed(self._found))
        return full and (-self._vectors.cosine(self._query, label), label) > (-least, last)
