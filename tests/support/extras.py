"""Packages that a test may have to do without."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

HNSWLIB = find_spec("hnswlib") is not None
needs_hnswlib = pytest.mark.skipif(not HNSWLIB, reason="hnswlib is not installed")
KINDS = ("exact", "hnsw", "auto") if HNSWLIB else ("exact", "auto")
"""The kinds of index that can be made here."""
