"""The releases of MMLU-Pro's test split: which of the rows that upstream changed come from the older one.

Upstream changed 48 of 12,032 rows between the data behind its runs of June 2024 and of October 2024, without notice. ``releases.json`` has
the hashes of both wordings, and no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from rbsuite.jsonable import digest

RELEASES = Path(__file__).with_name("releases.json")
_DIGITS = 16


def row_hash(question: str, options: Sequence[str], answer: str) -> str:
    """The hash of a row's wording, ignoring white space at the ends of texts; 16 hexadecimal digits."""
    return digest([question.strip(), [option.strip() for option in options], answer])[:_DIGITS]


@lru_cache(maxsize=1)
def changed_rows() -> Mapping[str, tuple[str, str]]:
    """The hashes of the older and the newer wording of each changed row, by question id."""
    return {key: (older, newer) for key, (older, newer) in json.loads(RELEASES.read_text("ascii")).items()}


def count_releases(rows: Iterable[tuple[str, str]]) -> Mapping[str, int]:
    """How many of the changed rows come from which release.

    Args:
        rows: (question id, hash) of every row.

    Returns:
        counts of ``older``, ``newer`` and ``other`` (a wording of neither); rows that upstream did not change are not counted.
    """
    known = changed_rows()
    counts = {"older": 0, "newer": 0, "other": 0}
    for key, found in rows:
        if key in known:
            counts[("older", "newer")[known[key].index(found)] if found in known[key] else "other"] += 1
    return counts
