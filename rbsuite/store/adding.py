"""Runs added to an experiment whose declared runs are finished: kept beside the manifest, which stays as it was written.

Each addition makes its own entry in the table ``meta``, in the hash chain after the manifest, and an act for each run, so that nobody can
take them for declared runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.record import Manifest, RunInfo
from rbsuite.store.codec import pack, unpack
from rbsuite.store.creation import insert_runs, plan
from rbsuite.store.database import Database
from rbsuite.store.links import act_link, added_hash, manifest_hash
from rbsuite.store.rows import UNDECLARED, decode_runs, encode_runs
from rbsuite.store.sealing import Seal

KEY = "added_"
"""Prefix of the keys in ``meta``; the number of the addition follows."""


def added_texts(meta: Mapping[str, Any]) -> Iterator[str]:
    """The added runs as they are stored, in order; one text per addition.

    Args:
        meta: the entries of the table.
    """
    for number in count(1):
        value = meta.get(f"{KEY}{number}")
        if value is None:
            return
        yield unpack(value)


def signatures(meta: Mapping[str, Any], runs: int) -> Sequence[str]:
    """What link 0 of each run continues from: the hash of the manifest, or of the addition that added it.

    Args:
        meta: the entries of the table.
        runs: how many runs there are.
    """
    signed, texts = str(meta.get("manifest_hash")), list(added_texts(meta))
    counts = [len(decode_runs(text)) for text in texts]
    found = [signed] * (runs - sum(counts))
    for text, added in zip(texts, counts, strict=True):
        signed = added_hash(signed, text)
        found += [signed] * added
    return found


def add_runs(
    database: Database,
    manifest: Manifest,
    runs: Sequence[RunInfo],
    seeds: Mapping[str, Sequence[MemoryOp]],
    seal: Seal | None,
) -> None:
    """Add runs in one transaction: see :meth:`rbsuite.store.ExperimentStore.add_runs`."""
    first = len(manifest.runs)
    made = Manifest(manifest.config, manifest.facts, (*manifest.runs, *(replace(run, declared=False) for run in runs)))
    draft = plan(made, seeds, seal)
    text = encode_runs(draft.clean.runs[first:])
    with database.transaction() as connection:
        meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        there = list(added_texts(meta))
        if connection.execute("SELECT count(*) FROM run").fetchone() != (first,):
            raise StoreError(f"{database.path} has gained further runs in the meantime.", "Try again.")
        signed = manifest_hash(unpack(meta["manifest"]))
        for before in (*there, text):
            signed = added_hash(signed, before)
        connection.execute("INSERT INTO meta VALUES (?, ?)", (f"{KEY}{len(there) + 1}", pack(text)))
        insert_runs(connection, draft, draft.runs[first:], signed, first)
        (number,) = connection.execute("SELECT 1 + coalesce(max(id), 0) FROM act").fetchone()
        for place in range(len(runs)):
            act = (number + place, first + place, UNDECLARED, 0, 0, "")
            connection.execute("INSERT INTO act VALUES (?, ?, ?, ?, ?, ?, ?)", (*act, act_link("", act)))
