"""The store of an experiment: one SQLite file in the experiment's directory."""

from __future__ import annotations

import os
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rbsuite.errors import StoreError
from rbsuite.experience import MemoryOp
from rbsuite.record import Manifest, RunInfo, TaskRecord
from rbsuite.store.adding import add_runs, added_texts
from rbsuite.store.audit import audit
from rbsuite.store.codec import unpack
from rbsuite.store.creation import build, make_home, plan, unmake
from rbsuite.store.database import Database
from rbsuite.store.links import manifest_hash, templates_hash
from rbsuite.store.locks import DIRECTORY as LOCKS
from rbsuite.store.locks import Locks
from rbsuite.store.reader import Reader
from rbsuite.store.redaction import hidden, hide_record, left_out
from rbsuite.store.rows import Act, Failures, ResultRow, decode_manifest, decode_runs
from rbsuite.store.sealing import KEYS_VARIABLE, destroy, find_seal, keys_directory, new_seal
from rbsuite.store.sealing import META as SEAL_ENTRY
from rbsuite.store.spending import add_spent, read_spent
from rbsuite.store.writer import Writer
from rbsuite.trajectory import Spent

FILE_NAME = "experiment.sqlite"

_TEMPLATES = (
    "SELECT value, source, name, sha256 FROM (SELECT 1) LEFT JOIN meta ON key = 'templates_hash' LEFT JOIN template"
    " ORDER BY source, name"
)
"""Name of the database file in an experiment's directory."""


class ExperimentStore:
    """Everything kept of an experiment. Made by :meth:`create` or :meth:`open`, used as a context manager or closed by :meth:`close`.

    A store may be used by several threads; commits and reads take turns. Only one process writes at a time, or several that joined, with
    each run written by one of them (see :meth:`claim`); any number may read. Each task that is read is compared with its link in the chain
    over records: a change raises a :class:`StoreError`. Methods that take a ``run_id`` raise :class:`StoreError` if the manifest does not
    have it, and for a damaged file.

    Attributes:
        directory: the experiment's directory.
        path: the database file.
        manifest: the experiment's manifest.
        readonly: whether the store was opened read-only.
        confined: whether the experiment's tasks may not leave this machine. Its texts are left out of what is read unless requested with
            :meth:`revealed`.
        sealed: whether these texts are encrypted in the file (:mod:`rbsuite.store.sealing`).
    """

    def __init__(self, directory: Path, locks: Locks | None) -> None:
        self.directory = directory
        self.path = directory / FILE_NAME
        self.readonly = locks is None
        self._locks = locks
        self._made: tuple[Path, ...] | None = None
        self._shown = False
        self._database = Database(self.path, readonly=self.readonly, alone=locks is not None and not locks.joined)
        try:
            self._read()
            if not self.readonly and not _costs_nothing(self.manifest):
                self._database.survive_power_cuts()
        except BaseException:
            self._database.close()
            raise

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str],
        manifest: Manifest,
        seeds: Mapping[str, Sequence[MemoryOp]] | None = None,
        *,
        join: bool = False,
        redacted: bool = False,
    ) -> Self:
        """Make a store and open it for writing. The file appears whole or not at all. The texts of a confined experiment are sealed.

        Args:
            directory: the experiment's directory; it is made if missing, otherwise it must be empty.
            manifest: the manifest, kept as given except for secrets (see :func:`~rbsuite.scrub.scrub`) in its config, facts and conditions.
            seeds: by run id, the operations that form version 0 of the run's bank; a run not listed here starts with an empty one.
            join: as in :meth:`open`.
            redacted: whether the records contain no texts, so there is nothing to seal.

        Raises:
            StoreError: a store already exists, another process writes there and one of the two does not join, the directory cannot be
                written or contains something else, the key of a confined experiment cannot be stored, run ids repeat, a seed belongs to no
                run, or manifest or seeds are not plain data.
        """
        home = Path(directory)
        made = make_home(home, (FILE_NAME, LOCKS))
        locks = Locks(home, join=join)
        fresh, seal = False, None
        try:
            seal = new_seal(home) if confined(manifest.facts) and not redacted else None
            draft = plan(manifest, seeds or {}, seal)
            with locks.creating():
                build(home / FILE_NAME, draft)
            fresh = True
            store = cls(home, locks)
        except BaseException:
            locks.close()
            if seal is not None and not fresh:
                destroy(seal)
            if not join and (fresh or not (home / FILE_NAME).exists()):
                unmake(home / FILE_NAME if fresh else None, home / LOCKS, made)
            raise
        store._made = None if join else made
        return store

    @classmethod
    def open(cls, directory: str | os.PathLike[str], *, readonly: bool = False, join: bool = False) -> Self:
        """Open the store of an experiment.

        Args:
            directory: the experiment's directory.
            readonly: only read. This works while another process writes, and without write permission.
            join: write alongside other processes, with each run written by one of them. Without it, a store that another process writes is
                refused.

        Raises:
            StoreError: there is no store, it is damaged, foreign or from a later version, or another process writes it.
        """
        home = Path(directory)
        _find(home)
        locks = None if readonly else Locks(home, join=join)
        try:
            return cls(home, locks)
        except BaseException:
            if locks is not None:
                locks.close()
            raise

    def _read(self) -> None:
        self.manifest = _read_manifest(self._database)
        self.confined = confined(self.manifest.facts)
        named = self._database.rows("SELECT value FROM meta WHERE key = ?", (SEAL_ENTRY,))
        self.sealed = bool(named)
        self._seal = find_seal(str(named[0][0])) if named else None
        if self.sealed and self._seal is None and not self.readonly:
            raise self._no_key()
        self._hides = self.confined and not self.sealed
        self._reader = Reader(self._database, self.manifest, sealed=self.sealed)
        self._writer = Writer(self._database, self.manifest, self._seal)
        self._numbers = {info.id: number for number, info in enumerate(self.manifest.runs)}

    @property
    def can_reveal(self) -> bool:
        """Whether :meth:`revealed` works: the texts are not sealed, or the key is on this machine."""
        return not self.sealed or self._seal is not None

    def revealed(self) -> Self:
        """The same store, open as long as this one, that also returns the texts of a confined experiment; others' texts are always
        returned.

        Used to continue an experiment, and to show texts on request.

        Raises:
            StoreError: the texts are sealed, and the key is not on this machine.
        """
        if not self.can_reveal:
            raise self._no_key()
        if not self.confined or self._shown:
            return self
        made = copy(self)
        made._shown, made._hides = True, False
        made._reader = Reader(self._database, self.manifest, sealed=self.sealed, seal=self._seal)
        return made

    def _no_key(self) -> StoreError:
        return StoreError(
            f"the texts of {self.directory} are sealed, and their key is not in {keys_directory()}.",
            f"Put the key there, or name its directory with {KEYS_VARIABLE}.",
        )

    def close(self) -> None:
        """Move everything into the single file, close it and let others write. May be called again."""
        try:
            self._database.close()
        finally:
            if self._locks is not None:
                self._locks.close()

    def discard(self) -> None:
        """Close a store and remove it if this process made it in vain; a store that contains a task, was opened or is joined stays."""
        wanted = self._made is None or any(self.committed(info.id) for info in self.manifest.runs)
        wanted = wanted or not self._database.is_there()  # what has its name now is somebody else's
        self.close()
        if not wanted:
            unmake(self.path, self.directory / LOCKS, self._made or ())
            if self._seal is not None:
                destroy(self._seal)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def run(self, run_id: str) -> RunInfo:
        """What the manifest says about a run."""
        self._known(run_id)
        return next(info for info in self.manifest.runs if info.id == run_id)

    def claim(self, run_id: str) -> bool:
        """Claim a run for this store, until :meth:`release`, :meth:`close` or the end of the process; committing claims it automatically.

        Returns:
            Whether this store now has the run; false if another process has it.
        """
        number, locks = self._for_writing(run_id)
        return locks.claim(number)

    def release(self, run_id: str) -> None:
        """Let other processes claim a run; nothing happens if this store does not have it."""
        number, locks = self._for_writing(run_id)
        locks.release(number)
        self._writer.forget(run_id)

    def holder(self, run_id: str) -> str:
        """The id of the process that last claimed a run, or ``unknown``; it may have died since."""
        number, locks = self._for_writing(run_id)
        return locks.holder(number)

    def commit(self, run_id: str, record: TaskRecord) -> bool:
        """Commit a task with its rollouts, recalls and operations in one transaction. Once it returns, a crash of the process cannot undo
        it; nor can a power cut a moment later (:data:`rbsuite.store.syncing.SYNC_SECONDS`), unless all models are simulations.

        Args:
            run_id: the run.
            record: the next task of the run.

        Returns:
            Whether anything was written; false if this record was already committed.

        Raises:
            StoreError: the record does not continue the run (position, task, version, hash chain), another record is at its position, it
                contains values that cannot be stored (NaN), another process has the run, or the disk is full. The store is unchanged.
        """
        self._claimed(run_id)
        return self._writer.commit(run_id, record)

    def add_runs(self, runs: Sequence[RunInfo], seeds: Mapping[str, Sequence[MemoryOp]] | None = None) -> None:
        """Add runs to an experiment whose declared runs are finished, in one transaction; they are permanently marked as undeclared.

        Args:
            runs: the runs to add, after the existing ones.
            seeds: as in :meth:`create`, for the new runs.

        Raises:
            StoreError: an existing run is not finished, the store is opened read-only or alongside other processes, an id already exists,
                or runs or seeds are not plain data.
        """
        if self._locks is None or self._locks.joined:
            raise StoreError(f"{self.path} is not opened for writing alone.", "Open it for writing, without --join.")
        if left := [info.id for info in self.manifest.runs if not self.run_finished(info.id)]:
            raise StoreError(
                f"{self.directory} has {len(left)} runs that are not finished; others can be added only afterwards.",
                f"Finish it with: rbsuite eval --from {self.directory}{' --to-look last' if self.manifest.config.get('looks') else ''}",
            )
        add_runs(self._database, self.manifest, runs, seeds or {}, self._seal)
        self._read()

    def note_templates(self, used: Mapping[tuple[str, str], str]) -> None:
        """Record the hashes of prompt templates that were used.

        Args:
            used: SHA-256 by directory (``""``: not in a directory of the user's) and name.

        Raises:
            StoreError: one of them was used before with different contents.
        """
        self._writer.note_templates(used)

    def templates(self) -> Mapping[tuple[str, str], str]:
        """The prompt templates used so far: SHA-256 by directory and name.

        Raises:
            StoreError: they are not as they were written.
        """
        found = self._database.rows(_TEMPLATES)
        rows = [row[1:] for row in found if row[1] is not None]
        if found[0][0] != (templates_hash(rows) if rows else None):
            raise StoreError(
                f"{self.path}: the hashes of its prompt templates were changed.", "Restore it from a copy."
            )
        return {(unpack(source), unpack(name)): str(sha) for source, name, sha in rows}

    def mark_finished(self, run_id: str) -> None:
        """Mark a run as complete.

        Raises:
            StoreError: some of its tasks are missing, or another process has the run.
        """
        self._claimed(run_id)
        self._writer.mark_finished(run_id)

    def rewind(self, run_id: str, position: int, *, kind: str = "rewind") -> int:
        """Rewind a run to a position, in one transaction. What is discarded stays in the file, marked; no figures are computed from it.

        Args:
            run_id: the run.
            position: how many tasks it keeps.
            kind: the reason, for :meth:`acts`.

        Returns:
            How many tasks were discarded; 0 if there are none after the position.

        Raises:
            StoreError: another process has the run, or ``position`` is not one of its positions.
        """
        self._claimed(run_id)
        if not 0 <= position <= self.committed(run_id):
            raise StoreError(
                f"run {run_id!r} has {self.committed(run_id)} tasks and cannot go back to {position}.",
                "Name a position from 0 to that number.",
            )
        tail = tuple(self.records(run_id, position))
        if tail:
            self._writer.rewind(run_id, position, kind, tail)
            self._reader.forget(run_id)
        return len(tail)

    def spent(self) -> Spent:
        """What the experiment has cost in all its sessions."""
        return read_spent(self._database)

    def spend(self, more: Spent) -> Spent:
        """Add to :meth:`spent`, possibly alongside other processes, and return the total.

        Raises:
            StoreError: it cannot be written.
        """
        return add_spent(self._database, more)

    def acts(self) -> Sequence[Act]:
        """Every act by which a run was rewound or added, in order."""
        rows = self._database.rows("SELECT run, kind, position, tasks FROM act ORDER BY id")
        return [Act(self.manifest.runs[run].id, kind, position, tasks) for run, kind, position, tasks in rows]

    def audit(self, *, columns: bool = True) -> Iterator[str]:
        """What is not as it was written, one line each: see :func:`rbsuite.store.audit.audit`."""
        reader = Reader(self._database, self.manifest, checked=False, sealed=self.sealed)
        whole: Reader | None = reader
        if self.sealed:
            whole = None
            if self._seal is not None:
                whole = Reader(self._database, self.manifest, checked=False, sealed=True, seal=self._seal)
        return audit(self._database, self.manifest, reader, whole, columns=columns)

    def compact(self, directory: Path) -> None:
        """Write the same experiment to another directory, as one file without free pages or a log.

        Raises:
            StoreError: the file already exists, or cannot be written.
        """
        self._database.rows("VACUUM INTO ?", (str(directory / FILE_NAME),))

    def run_finished(self, run_id: str) -> bool:
        """Whether :meth:`mark_finished` was called for a run."""
        self._known(run_id)
        return self._reader.finished(run_id)

    def committed(self, run_id: str) -> int:
        """Number of committed tasks of a run: the position from which to continue."""
        self._known(run_id)
        return self._reader.committed(run_id)

    def state(self, run_id: str) -> tuple[int, str]:
        """The newest version of a run's bank and its hash chain; 0 and :meth:`start_hash` before the first task."""
        self._known(run_id)
        return self._reader.state(run_id)

    def last_link(self, run_id: str) -> str:
        """The last hash of the chain over a run's whole records. It also covers times, so no other run has the same one."""
        self._known(run_id)
        return self._reader.last_link(run_id)

    def start_hash(self, run_id: str) -> str:
        """The hash chain of the bank that a run started from; :data:`rbsuite.oplog.GENESIS` if that was empty."""
        self._known(run_id)
        return self._reader.start_hash(run_id)

    def seed_ops(self, run_id: str) -> tuple[MemoryOp, ...]:
        """The operations that form version 0 of a run's bank, equal to what was given at creation; none if it started empty."""
        self._known(run_id)
        ops = self._reader.seed_ops(run_id)
        return hidden(ops) if self._hides else ops

    def records(
        self, run_id: str, start: int = 0, trajectories: bool = True, *, stop: int | None = None
    ) -> Iterator[TaskRecord]:
        """The committed records of a run in stream order, equal to what was committed.

        Args:
            run_id: the run.
            start: the first position.
            stop: the position after the last; ``None``: to the end.
            trajectories: ``False`` leaves ``query`` and ``steps`` empty and ``final`` at ``None``, and does not decompress the
                trajectories.
        """
        self._known(run_id)
        records = self._reader.records(run_id, start, stop, trajectories)
        return map(hide_record, records) if self._hides else records

    def record(self, run_id: str, position: int) -> TaskRecord:
        """The committed record at a position.

        Raises:
            StoreError: nothing is committed there.
        """
        for record in self.records(run_id, position, stop=position + 1) if position >= 0 else ():
            return record
        raise StoreError(
            f"run {run_id!r} has no task at position {position}.", f"{self.committed(run_id)} are committed, from 0."
        )

    def ops(self, run_id: str, upto_version: int | None = None) -> Iterator[tuple[int, MemoryOp]]:
        """The operations of a run's tasks in order, each with its version; those of version 0 are :meth:`seed_ops`.

        Args:
            run_id: the run.
            upto_version: the last version to return; all if ``None``.
        """
        self._known(run_id)
        ops = self._reader.ops(run_id, upto_version)
        return ((version, hidden(op)) for version, op in ops) if self._hides else ops

    def results(self, run_id: str, *, details: Container[str] | None = None, start: int = 0) -> Iterator[ResultRow]:
        """One row per rollout, for statistics; does not decompress the trajectories.

        Args:
            run_id: the run.
            details: names of the entries of the truth to include in a row; all if ``None``.
            start: the first position.
        """
        self._known(run_id)
        rows = self._reader.results(run_id, details, start)
        if not self._hides:
            return rows
        return (replace(row, truth=hidden(row.truth, "truth"), error=left_out(row.error)) for row in rows)

    def failures(self, run_id: str) -> Failures:
        """How many rollouts of a run broke, and where the first one was."""
        self._known(run_id)
        return self._reader.failures(run_id)

    def verify_chain(self, run_id: str) -> str:
        """Recompute the hash chain of a run from its operation log.

        Returns:
            The newest link.

        Raises:
            StoreError: the log does not match the hashes that were committed (the message names the first such position), or it is sealed
                and the key is not on this machine.
        """
        self._known(run_id)
        return self.revealed()._reader.verify_chain(run_id)

    def _known(self, run_id: str) -> None:
        if run_id not in self._numbers:
            raise StoreError(f"{self.path} has no run {run_id!r}.", "The view v_runs and the manifest list its runs.")

    def _for_writing(self, run_id: str) -> tuple[int, Locks]:
        """The number of a run, and the locks."""
        self._known(run_id)
        if self._locks is None:
            raise StoreError(f"{self.path} was opened read-only.", "Open it for writing.")
        return self._numbers[run_id], self._locks

    def _claimed(self, run_id: str) -> None:
        if not self.claim(run_id):
            raise StoreError(
                f"run {run_id!r} of {self.directory} is being written by process {self.holder(run_id)}.",
                "Work on another run, or wait for it.",
            )


def confined(facts: Mapping[str, Any]) -> bool:
    """Whether an experiment's tasks may not leave this machine, according to the facts of its manifest."""
    return bool(facts.get("environment", {}).get("confined"))


def _find(home: Path) -> None:
    remedy = "Give the directory of an experiment."
    try:
        if home.is_file():
            raise StoreError(f"{home} is a file.", remedy)
        if not (home / FILE_NAME).is_file():
            raise StoreError(f"there is no experiment in {home}.", remedy)
    except OSError as error:
        raise StoreError(f"{home} cannot be read: {error.strerror}.", remedy) from error


def _costs_nothing(manifest: Manifest) -> bool:
    """Whether all models of an experiment are simulations, so that a task lost in a power cut can be run again at no cost."""
    models = manifest.facts.get("models")
    used = [
        name
        for one in (models if isinstance(models, list) else [models])
        if isinstance(one, dict)
        for name in one.values()
    ]
    return bool(used) and all(str(name).startswith("sim/") for name in used)


def _read_manifest(database: Database) -> Manifest:
    meta = dict(database.rows("SELECT key, value FROM meta"))
    try:
        text = unpack(meta["manifest"])
        if manifest_hash(text) != meta["manifest_hash"]:
            raise StoreError(f"{database.path}: its manifest was changed.", "Restore it from a copy.")
        declared = decode_manifest(text)
        added = [run for text in added_texts(meta) for run in decode_runs(text)]
        runs = (*declared.runs, *added)
        if database.rows("SELECT count(*) FROM run") != [(len(runs),)]:
            raise StoreError(f"{database.path}: its runs are not those of its manifest.", "Restore it from a copy.")
        return replace(declared, runs=runs)
    except (zlib.error, LookupError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{database.path}: its manifest is damaged.", "Restore it from a copy.") from error
