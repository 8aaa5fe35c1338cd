"""One run: the tasks of a stream, committed one after another; later ones may already be under way.

Task ``i`` reads the bank in the version its place in the stream gives it (in an exact stream, the one that task ``i - 1`` left). It may be
started on an earlier version. When its turn comes, every read it made is repeated in the version it should have read: if all return
the same, its result is what it would have been, and stands; else it is thrown away and the task is run again. So what is committed does
not depend on how far the stream runs ahead (docs/streams.md has the argument).
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from rbsuite.errors import LimitReached, Outage
from rbsuite.events import RolloutDiscarded
from rbsuite.experience import MemoryOp
from rbsuite.memories.bank import Bank
from rbsuite.memories.standing import Watch
from rbsuite.models.client import Ledger
from rbsuite.record import TaskRecord, commit_id_of
from rbsuite.run.parts import RunParts
from rbsuite.run.task_run import OpenTask, TaskDraft, TaskRun, open_for
from rbsuite.run.window import Window
from rbsuite.trajectory import Usage

GRACE = 10.0
"""Seconds by which what is under way when a limit is reached may outlast the longest call."""

_log = logging.getLogger(__name__)


@dataclass
class _Slot:
    """A place in the stream that is under way.

    Attributes:
        running: what currently runs the task; ``None`` between two tries, and if nothing runs beside it.
        ahead: whether it reads an earlier version than the place gives it.
        opened: the open task; it outlives a try, since it does not depend on memory.
        run: the current try, once the task is open.
        wasted: cost of tries that were thrown away; ``discarded`` is how many rollouts they had begun, ``calls`` how many calls.
        overtaken: operations that were dropped, see :func:`still_fitting`.
        watched: how many reads of the run are watched, see :class:`rbsuite.memories.standing.Watch`.
    """

    running: asyncio.Task[TaskDraft] | None = None
    ahead: bool = False
    opened: OpenTask | None = None
    run: TaskRun | None = None
    wasted: Usage = field(default_factory=Usage)
    calls: int = 0
    discarded: int = 0
    overtaken: int = 0
    watched: int = 0


class Stream:
    """Runs the tasks of one run from its current position to its end.

    Args:
        parts: what the tasks share; the bank is as of the last committed task.
        window: how far to run ahead.
        batch: tasks that read the same version; 1 is the exact stream.
        pauses: whether a task with a rollout none of whose model calls was answered stops the stream, or is committed as it is.
    """

    def __init__(self, parts: RunParts, window: Window, batch: int, *, pauses: bool = False) -> None:
        self._parts = parts
        self._window = window
        self._batch = batch
        self._pauses = pauses
        self._tasks = parts.info.tasks
        self._slots: dict[int, _Slot] = {}
        self._watch = Watch()
        self._begun = 0
        self._stopped: set[int] = set()
        self._changes: list[int] = []
        self._noted = 0
        self._heard: set[str] = set()
        self._told_of: set[str] = set()

    async def run(self) -> None:
        """Run to the end.

        Raises:
            RbsuiteError: the first failure of a task whose turn had come; earlier tasks stay committed.
        """
        try:
            for head in range(self._parts.bank.version, len(self._tasks)):
                # An in-process model never waits; give way, so that other runs get their turn and an interrupt is heard.
                await asyncio.sleep(0)
                self._parts.gate.head = head
                self._fill(head)
                record = await self._finish(head)
                self._parts.sink.commit(self._parts.info, record, self._new_templates())
                if record.ops:
                    self._changes.append(record.version)
                    await self._check_those_ahead()
        except LimitReached:
            # No further call is started, so what is under way ends by itself; cutting it off would hide what its last calls cost.
            if running := [slot.running for slot in self._slots.values() if slot.running is not None]:
                # A call ends in its time; what takes much longer hangs.
                await asyncio.wait(running, timeout=max(self._parts.call_seconds.values()) + GRACE)
            raise
        finally:
            for slot in self._slots.values():
                if slot.running is not None:
                    await _stopped(slot.running)
            self._slots.clear()

    def _new_templates(self) -> Mapping[tuple[str, str], str]:
        """The hashes of all templates used so far, if there are more than at the last commit."""
        used = self._parts.prompts.used
        if len(used) == self._noted:
            return {}
        self._noted = len(used)
        return {(self._parts.info.condition.prompts, name): sha for name, sha in sorted(used.items())}

    def _told(self, position: int) -> int:
        """The version that a place in the stream gives its task to read."""
        return position - position % self._batch

    def _fill(self, head: int) -> None:
        """Start the task whose turn it is, those that read a version that already exists, and those that may run ahead.

        If it is the only one, :meth:`_finish` runs it itself.
        """
        version = self._parts.bank.version
        allowed = head + self._window.size()
        alone = self._parts.one_at_a_time
        due = []
        # Not every place of the window: that may be wide, and this is done at every commit.
        for position in chain(sorted(self._stopped), range(max(head, self._begun), len(self._tasks))):
            if position > head and alone:
                break
            if self._told(position) > version and position > allowed:
                break
            due.append(position)
            self._slots.setdefault(position, _Slot())
            self._begun = max(self._begun, position + 1)
        self._stopped.difference_update(due)
        if due != [head] or len(self._slots) > 1:
            for position in due:
                self._slots[position].running = self._start(position)

    def _start(self, position: int) -> asyncio.Task[TaskDraft]:
        """Run a task, for the first time or again."""
        return asyncio.create_task(self._run_task(position), name=f"{self._parts.info.id} task {position}")

    async def _run_task(self, position: int) -> TaskDraft:
        slot = self._slots[position]
        if slot.opened is None:
            task = self._parts.tasks.by_id[self._tasks[position]]
            slot.opened = await open_for(self._parts, task, position)
        told = self._told(position)
        version = min(self._parts.bank.version, told)
        learns = not self._parts.config.freeze and position < len(self._tasks) - self._parts.info.probes
        slot.ahead = version < told
        slot.run = TaskRun(self._parts, slot.opened, told, version, learns)
        return await slot.run.run()

    async def _finish(self, position: int) -> TaskRecord:
        """The record of the task whose turn it is: that of the try under way if it stands, else of a new one."""
        slot = self._slots[position]
        told = self._told(position)
        self._watch.drop(position)
        if slot.running is None:
            draft = await self._run_task(position)
        else:
            await asyncio.wait([slot.running])
            if slot.run is not None and slot.ahead and not await _stands(slot.run, slot.running, told):
                await self._discard(slot)
                slot.running = self._start(position)
            draft = await slot.running
        assert slot.run is not None
        assert slot.opened is not None
        if slot.opened.roles.calls.refused is not None:
            raise slot.opened.roles.calls.refused  # whoever was refused a call went on without it
        if self._pauses and (why := slot.run.unanswered(draft.group)):
            raise Outage(f"no model call of a rollout of task {self._tasks[position]!r} was answered: {why}")
        self._look_for_silence(slot.run, slot.opened.roles.failures)
        wasted = 0
        if not await slot.run.absorbed_the_same(told):
            absorbing = slot.run.absorbing
            wasted = absorbing.started
            slot.wasted, slot.calls = slot.wasted + absorbing.total, slot.calls + wasted
            draft = TaskDraft(draft.group, draft.recalls, await slot.run.absorb_again(draft.group, told))
        ops = still_fitting(draft.ops, self._parts.bank, told, position)
        slot.overtaken = len(draft.ops) - len(ops)
        if slot.overtaken:
            draft = replace(draft, ops=ops)
        with slot.opened.roles.blaming("memory", self._parts.info.condition.memory):
            await self._parts.bank.apply(position + 1, draft.ops)
        del self._slots[position]
        record = self._record(position, slot, draft)
        self._learn(slot, record, wasted, told)
        return record

    def _look_for_silence(self, run: TaskRun, failures: Mapping[str, str]) -> None:
        """Report judges, memories and selectors whose calls fail; the run goes on without them, and its figures would not show it.

        Raises:
            Outage: not one call for that purpose was ever answered, and the run may pause.
        """
        self._heard |= {purpose for ledger in run.ledgers for purpose, usage in ledger.usage.items() if usage.calls}
        for purpose in sorted({"judge", "memory", "select", "grade"} & failures.keys()):
            if self._pauses and purpose not in self._heard:
                raise Outage(f"no call for the purpose {purpose!r} was answered: {failures[purpose]}")
            if purpose not in self._told_of:
                self._told_of.add(purpose)
                _log.warning("a call for the purpose %r failed: %s", purpose, failures[purpose])

    def _record(self, position: int, slot: _Slot, draft: TaskDraft) -> TaskRecord:
        assert slot.run is not None
        assert slot.opened is not None
        notes = slot.run.counts
        saved = slot.opened.roles.calls.saved
        waste = {
            "discarded_rollouts": slot.discarded,
            "wasted_calls": slot.calls - saved.calls,
            "wasted_tokens": slot.wasted.tokens - saved.tokens,
            "overtaken_operations": slot.overtaken,
            "retried_rollouts": slot.opened.retried,
            "cached_calls": slot.opened.ledger.cached + sum(ledger.cached for ledger in slot.run.ledgers),
        }
        notes.update({name: count for name, count in waste.items() if count > 0})
        total = Ledger()
        for ledger in (slot.opened.ledger, *slot.run.shared):
            total.take(ledger.usage)
        metered = self._parts.metered
        if metered is not None and (spent := metered.take_usage()).calls:
            total.add("embed", spent)
        info = self._parts.info
        return TaskRecord(
            task_id=self._tasks[position],
            position=position,
            commit_id=commit_id_of(info.id, position, self._tasks[position]),
            read_version=self._told(position),
            version=position + 1,
            rollouts=draft.group.rollouts,
            selected=draft.group.selected,
            recalls=draft.recalls,
            ops=draft.ops,
            state_hash=self._parts.bank.state_hash,
            usage=total.snapshot(),
            notes=dict(sorted(notes.items())),
            memory_seconds=sum(ledger.elsewhere for ledger in slot.run.shared),
        )

    def _learn(self, slot: _Slot, record: TaskRecord, wasted: int, told: int) -> None:
        spent = [*record.usage.values(), *(usage for rollout in record.rollouts for usage in rollout.usage.values())]
        self._window.committed(sum([usage.calls for usage in spent]))
        assert slot.run is not None
        if not slot.ahead:
            return
        unchanging = self._parts.config.freeze or not slot.run.has_read
        if unchanging or bisect_right(self._changes, slot.run.version) < bisect_right(self._changes, told):
            self._window.ahead(stood=True, calls=wasted)

    async def _check_those_ahead(self) -> None:
        """Stop tries that have already seen something that has changed; letting them go on until their turn would only cost time."""
        for position, slot in self._slots.items():
            if slot.ahead and slot.run is not None and slot.run.recalling.count != slot.watched:
                slot.watched = slot.run.recalling.count
                self._watch.put(position, slot.run.recalling.searches, self._told(position))
        version = self._parts.bank.version
        for position in self._watch.doubtful(version):
            slot, told = self._slots[position], self._told(position)
            if slot.run is None:
                continue
            if await slot.run.recalled_the_same(min(version, told)):
                self._watch.put(position, slot.run.recalling.searches, told)
            else:
                self._watch.drop(position)
                await self._discard(slot)
                self._stopped.add(position)

    async def _discard(self, slot: _Slot) -> None:
        """Stop a try and count what it has cost."""
        assert slot.running is not None
        assert slot.run is not None
        await _stopped(slot.running)
        slot.running = None
        spent = slot.run.ledgers
        calls = sum(ledger.started for ledger in spent)
        slot.wasted = sum((ledger.total for ledger in spent), slot.wasted)
        slot.calls += calls
        slot.discarded += slot.run.rollouts_begun
        assert slot.opened is not None
        self._parts.sink.emit(RolloutDiscarded(slot.opened.roles.place, slot.run.rollouts_begun))
        slot.run, slot.watched = None, 0
        self._window.ahead(stood=False, calls=calls)


async def _stands(run: TaskRun, running: asyncio.Task[TaskDraft], told: int) -> bool:
    """Whether a task that ran ahead, and has ended, has the result that it would have in the version it should have read.

    One that failed never does: it may have failed on something that is not visible in that version.
    """
    if running.cancelled() or running.exception() is not None:
        return False
    return await run.recalled_the_same(told)


async def _stopped(running: asyncio.Task[TaskDraft]) -> None:
    """Cancel a try and wait until it has ended; its failure, if it had one, does not count.

    Waiting for it with ``await running`` would mistake a cancellation of the waiting stream for one of the try.
    """
    running.cancel()
    await asyncio.wait([running])
    if not running.cancelled():
        running.exception()


def still_fitting(ops: Sequence[MemoryOp], bank: Bank, told: int, now: int) -> tuple[MemoryOp, ...]:
    """The operations that refer to nothing that has been deleted since the version that their task read.

    In a batch several tasks read one version; one of them may want to change what another has deleted, and could not know.

    Args:
        ops: the operations of a task.
        bank: the bank, before they are applied.
        told: the version that the task read.
        now: the version of the bank.
    """
    if told == now:
        return tuple(ops)

    def gone(item_id: str) -> bool:
        return bool(item_id) and bank.get(item_id, told) is not None and bank.get(item_id, now) is None

    changed = ("update", "delete", "link", "score")
    named = [(op.item_id, op.target, op.item.id if op.item is not None else "") for op in ops]
    return tuple(op for op, ids in zip(ops, named, strict=True) if op.op not in changed or not any(map(gone, ids)))
