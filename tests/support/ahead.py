"""A world in which everything that can differ between two schedules differs, so that a test can say that nothing of it shows.

The model answers each request by a hash of it, after a time that depends on the *number* of the call: two runs never answer in the same
order. The memory reads and writes by a program that every read steers: what it does next is a hash of all it has seen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rbsuite.environments.base import EpisodeServices
from rbsuite.errors import ModelError
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Provenance, Recall, Recalled, RecallRequest
from rbsuite.hookspecs import hookimpl
from rbsuite.jsonable import digest
from rbsuite.memories.base import BankView
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.options import Option
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.specs import EmbedderSpec, EnvironmentSpec, MemorySpec, ModelSpec, Split
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, Usage
from toy import Toy, ToyEpisode, ToyPlugin

HERE = __name__
NOTES = "notes"


def number_of(*parts: Any) -> int:
    """A number from plain data, the same in every process."""
    return int(digest(list(parts))[:12], 16)


@dataclass
class Chances:
    """What a test sets before it runs, and what it counts.

    Attributes:
        latencies: seconds of the calls, by their number, over and over.
        failing: one of so many requests makes the model fail; 0: none. Which ones depends on the request alone.
        cleanup: seconds per call to give way when it is cancelled.
        fickle: whether the model answers like requests differently.
        begun, failed: calls by purpose that were begun, and that failed.
        asked: purpose, seed and request of every call that was answered.
        worlds: environments that are open.
        fits: how often the memory ``counting`` had one.
    """

    latencies: Sequence[float] = (0.0,)
    failing: int = 0
    cleanup: float = 0.0
    fickle: bool = False
    begun: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    worlds: int = 0
    fits: int = 0

    async def wait(self) -> int:
        """Take the time of the next call; gives its number."""
        number = sum(self.begun.values())
        try:
            await asyncio.sleep(self.latencies[number % len(self.latencies)])
        except asyncio.CancelledError:
            await asyncio.sleep(self.cleanup)
            raise
        return number


class Hashing:
    """``test/hashing``: answers by a hash of the request. One instance serves all runs."""

    name = "test/hashing"
    chances: ClassVar[Chances] = Chances()

    async def complete(self, request: ModelRequest) -> Completion:
        chances = self.chances
        chances.begun[request.purpose] += 1
        number = await chances.wait()
        plain = [(message.role, message.content) for message in request.messages]
        value = number_of(plain, request.seed, number if chances.fickle else -1)
        if chances.failing and value % chances.failing == 0:
            chances.failed[request.purpose] += 1
            raise ModelError("the provider is down.")
        chances.asked.append((request.purpose, request.seed, request))
        size = sum(len(message.text) for message in request.messages)
        return Completion(_reply(request.purpose, value), usage=Usage(1, size, 1 + value % 7, 0.0))

    async def aclose(self) -> None:
        """Nothing to give back."""


def _reply(purpose: str, value: int) -> str:
    if purpose == "judge":
        return f"Reasoning: it looks so.\nVerdict: {('success', 'failure', 'success', 'mumble')[value % 4]}"
    if purpose == "select":
        return f'{{"index": {value % 4}, "analysis": "so it seems"}}'
    if purpose == "agent":
        return f"{('end', 'go', 'end', 'look')[value % 4]} {value % 3}"
    return f"lesson {value % 5}"


class Walk(Toy):
    """The toy with several turns: the episode goes on until the agent says ``end``; the score is what stands behind that."""

    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _Walk(task)


class _Walk(ToyEpisode):
    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._last = ""
        Hashing.chances.worlds += 1

    def act(self, action: Action) -> Observation:
        self._last = action.text
        self.reward = float(action.text.endswith("1"))
        return Observation(f"You said {action.text}.", turn="over" if self.closes(action) else "agent")

    def grade(self, end: EndReason) -> Grade:
        return Grade(float(self._last.endswith("1")), truth={"key": 1})

    def closes(self, action: Action) -> bool:
        return action.text.startswith("end")

    def close(self) -> None:
        Hashing.chances.worlds -= 1


class Everything:
    """Reads all there is to read and returns every kind of operation, as a program says that what it reads steers.

    Args:
        program: what the hashes start from.
        coarse: how many different recalled texts there are; few: tries that ran ahead often stand.
        writes: operations it returns of a task, at most.
        asks: whether it asks its model.
    """

    def __init__(self, program: int, coarse: int, writes: int, asks: bool) -> None:
        self._program = program
        self._coarse = coarse
        self._writes = writes
        self._asks = asks

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """A text and items by the hash of what was read."""
        previous = request.previous.text if request.previous else ""
        state = number_of(self._program, request.phase, request.query, request.history, previous, view.version // 4)
        seen: list[MemoryItem] = []
        for _ in range(1 + state % 3):
            state = await self._read(state, request.query, request.domain, view, seen)
        if state % 3 == 0:
            view.count("recalled_oddly")
        if state % 5 == 0:
            return Recall(reason="nothing of use")
        items = tuple(Recalled(item.id, item.revision, 0.5, rank) for rank, item in enumerate(seen[: self._coarse]))
        return Recall(items, f"hint {state % self._coarse}", index="exact")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Operations by the hash of what was read."""
        labels = [outcome.verdict.label for outcome in experience.outcomes]
        state = number_of(self._program, "absorb", experience.query, labels, experience.recalled.text)
        seen: list[MemoryItem] = []
        for _ in range(state % 4):
            state = await self._read(state, experience.query, experience.domain, view, seen)
        if state % 2:
            view.count("absorbed_oddly")
        known = {item.id: item for item in view.list()} if state % 3 == 0 else {item.id: item for item in seen}
        ops = []
        for place in range(state % (self._writes + 1)):
            ops.append(_write(number_of(state, place), place, experience, known))
        return ops

    async def _read(self, state: int, query: str, domain: str, view: BankView, seen: list[MemoryItem]) -> int:
        kind = ("search", "get", "list", "document", "rng", "search-domain", "list-kind", "ask")[state % 8]
        got: Any = None
        if kind.startswith("search"):
            found = await view.search(query, 1 + state % 2, domain=domain if kind == "search-domain" else "")
            seen.extend(item for hit in found.hits for item in hit.items)
            got = [(hit.experience, hit.score, [item.revision for item in hit.items]) for hit in found.hits]
        elif kind.startswith("list"):
            listed = view.list(kind="a" if kind == "list-kind" else "", domain=domain if state % 3 == 0 else "")
            seen.extend(listed)
            got = [(item.id, item.revision) for item in listed]
        elif kind == "get":
            # A name it can guess as well: what is got need not have been found before.
            item = view.get(seen[state % len(seen)].id if seen and state % 3 else f"{state % 6}-0")
            got = (item.content, item.revision, dict(item.counters)) if item else None
        elif kind == "document":
            got = view.document(NOTES)
        elif kind == "rng":
            got = view.rng.random()
        elif kind == "ask" and self._asks:
            try:
                got = (await view.complete([Message("user", f"What of {state % 11}?")])).text
            except ModelError:
                got = "no answer"
        return number_of(state, got)


def _write(state: int, place: int, experience: Experience, known: dict[str, MemoryItem]) -> MemoryOp:
    provenance = Provenance(experience.task_id, experience.position, (0,), "success", "self")
    ids = sorted(known)
    chosen = ids[state % len(ids)] if ids else ""
    kind = ("add", "update", "delete", "link", "score", "put_document", "add", "add")[state % 8]
    if kind == "put_document":
        return MemoryOp("put_document", provenance, document=NOTES, text=f"note {state % 4}")
    if kind == "add" or not ids:
        name = f"{experience.position}-{place}"
        words = f"{experience.query} {state % 3}"
        return MemoryOp(
            "add",
            provenance,
            MemoryItem(
                name, "t", "d", f"c{state % 3}", words, f"e{name}", "ab"[state % 2], experience.domain, provenance
            ),
        )
    item = known[chosen]
    if kind == "delete":
        del known[chosen]
        return MemoryOp("delete", provenance, item_id=chosen)
    if kind == "link":
        return MemoryOp("link", provenance, item_id=chosen, target=ids[(state // 8) % len(ids)])
    if kind == "score":
        return MemoryOp("score", provenance, item_id=chosen, counters={"helpful": 1.0})
    changed = MemoryItem(
        chosen, "t", "d", f"u{state % 3}", item.key, item.experience, item.kind, item.domain, item.provenance
    )
    return MemoryOp("update", provenance, changed)


class Counting:
    """Keeps a tally of the tasks in a document, and has a fit if it is not that of the version it reads.

    Args:
        where: whether it looks at the tally when it recalls, when it absorbs, or at every turn.
    """

    def __init__(self, where: str) -> None:
        self._where = where

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """Nothing but the look."""
        if self._where == "recall" or self._where == request.phase:
            _look(view)
        return Recall(text="count")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The tally with one more."""
        if self._where == "absorb":
            _look(view)
        provenance = Provenance(experience.task_id, experience.position)
        return [MemoryOp("put_document", provenance, document=NOTES, text="x" * (experience.position + 1))]


def _look(view: BankView) -> None:
    if len(view.document(NOTES)) != view.version:
        Hashing.chances.fits += 1
        raise KeyError(f"{len(view.document(NOTES))} tasks in the tally at version {view.version}")


class Slow(HashEmbedder):
    """``slow``: the hash embedder, taking its time."""

    @property
    def id(self) -> str:
        """Its own."""
        return f"slow-{super().id}"

    async def embed(self, texts: Sequence[str]) -> Any:
        """Vectors, after the time of a call."""
        await Hashing.chances.wait()
        return await super().embed(texts)


PROGRAM = (
    Option("program", "int", 0, "start"),
    Option("coarse", "int", 3, "texts"),
    Option("writes", "int", 2, "operations"),
    Option("asks", "bool", True, "whether it asks"),
)


class AheadPlugin(ToyPlugin):
    """Everything above: ``walk``, ``everything``, ``everything-steps``, ``counting``, ``test/hashing``, ``slow``."""

    def __init__(self, **extra: Sequence[Any]) -> None:
        walk = EnvironmentSpec(
            "walk",
            "several turns",
            f"{HERE}:Walk",
            splits=(Split("all", "all of them", bundled=True),),
            domains=("apples", "bridges", "clouds"),
            agent="text",
            max_steps=4,
        )
        memories = [
            MemorySpec("everything", "all reads", f"{HERE}:Everything", PROGRAM),
            MemorySpec(
                "everything-steps", "more reads", f"{HERE}:Everything", PROGRAM, phases=("task", "step", "retry")
            ),
            MemorySpec(
                "counting",
                "a tally",
                f"{HERE}:Counting",
                (Option("where", "str", "recall", "where it looks"),),
                phases=("task", "step"),
            ),
        ]
        super().__init__(
            **{
                **extra,
                "environments": [
                    walk,
                    EnvironmentSpec(**{**_fields(walk), "name": "walk-again", "refine": "retry"}),
                    EnvironmentSpec(**{**_fields(walk), "name": "walk-server", "stateful_server": True}),
                    *extra.get("environments", ()),
                ],
                "memories": [*memories, *extra.get("memories", ())],
                "models": [ModelSpec("test/hashing", "hashes", f"{HERE}:Hashing"), *extra.get("models", ())],
            }
        )

    @hookimpl
    def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
        """``slow``."""
        return [EmbedderSpec("slow", "takes its time", f"{HERE}:Slow")]


def _fields(spec: EnvironmentSpec) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in EnvironmentSpec.__dataclass_fields__}
