"""Task sets of several domains, which not every split has."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain

from rbsuite.errors import DataError, UnknownNameError


def domains_of(environment: str, split: str, domain: str, splits: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """The domains of a split, in native order.

    Args:
        environment: its name, for messages.
        split: the split's name.
        domain: the only domain wanted; ``""``: all.
        splits: the domains of each split.

    Raises:
        UnknownNameError: there is no such split or domain.
        DataError: the domain has no such split.
    """
    if split not in splits:
        raise UnknownNameError(f"split of {environment}", split, splits)
    known = dict.fromkeys(chain.from_iterable(splits.values()))
    if domain and domain not in known:
        raise UnknownNameError(f"domain of {environment}", domain, known)
    if domain and domain not in splits[split]:
        having = ", ".join(name for name, domains in splits.items() if domain in domains)
        raise DataError(f"{environment}: {domain} has no split {split!r}.", f"It has: {having}.")
    return (domain,) if domain else splits[split]


def joint_hash(hashes: Sequence[str]) -> str:
    """The hash of the content of several domains: for a single one its own, otherwise sha256 (64 hex digits) over theirs."""
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode("ascii")).hexdigest()
