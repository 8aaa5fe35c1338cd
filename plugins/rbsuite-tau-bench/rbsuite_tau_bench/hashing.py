"""Upstream's data hash, piece by piece.

Upstream (``tau_bench/envs/base.py``, commit 59a200c) hashes the UTF-8 text of nested tuples: an object becomes the tuple of its
(key, value) pairs sorted by key, a list the tuple of its elements, anything else stays. That text is a concatenation of
the texts of the records, so the text of an unchanged record can be kept and only changed records written anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from rbsuite_tau_bench.values import Value


def canonical(value: Value) -> str:
    """The text that stands for ``value`` inside upstream's hash.

    Two values have the same text if and only if upstream's hash cannot tell them apart: 50 and 50.0 differ, the order
    of keys does not matter, the order of a list does.
    """
    return repr(_frozen(value))


def _frozen(value: Value) -> Value:
    if isinstance(value, dict):
        return tuple([(key, _frozen(entry)) for key, entry in sorted(value.items())])
    if isinstance(value, list):
        return tuple([_frozen(entry) for entry in value])
    return value


def entry(key: str, text: str) -> str:
    """The text of one (key, value) pair, ``text`` being the value's canonical text."""
    return f"({key!r}, {text})"


def tuple_text(texts: Iterable[str]) -> str:
    """The text of a tuple whose elements have these ``texts``."""
    elements = list(texts)
    return f"({elements[0]},)" if len(elements) == 1 else f"({', '.join(elements)})"
