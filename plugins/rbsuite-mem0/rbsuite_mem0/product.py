"""mem0 itself: imported without its telemetry, on a store in this process, with adapters in place of its model and its embedder.

mem0 is synchronous, and what it calls is asynchronous. So its calls run in a thread, and the adapters hand each request to the event loop
and wait for the result (:class:`Bridge`).

Of its signals only vector similarity is used, as in a plain install of ``mem0ai``: keywords and entities would need downloaded models, and
are switched off if their packages happen to be installed.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import importlib
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any, Protocol, TypeVar

from rbsuite import Message, fence
from rbsuite.errors import UsageError
from rbsuite.memories.base import BankView
from rbsuite.reading.layers import Layer, Unclear, Unreadable, first_read
from rbsuite.reading.values import objects_with, read_values

_T = TypeVar("_T")

AGENT = "rbsuite"
"""Whose memory it is, for mem0: an agent's, not a user's."""
THREADS = ThreadPoolExecutor(64, "mem0")
"""Where mem0 runs. Not the event loop's own threads: these resolve host names for the calls that the others wait for."""
DIGITS = 6
"""Decimal places of a score."""
MORE = 50
"""Additional facts that are considered beyond those asked for, since some may be as similar as the last of these."""
_DATES = re.compile(r"(?m)^(## (?:Observation|Current) Date)\n\d{4}-\d\d-\d\d$")
_PROVIDER = "rbsuite"


class Bridge:
    """The bridge from a thread of mem0's to what the experiment offers, for the duration of one call.

    Args:
        view: what the memory may use.
        temperature: of its model.
        instructions: what is added to mem0's system prompt.
    """

    def __init__(self, view: BankView, temperature: float, instructions: str) -> None:
        self._view = view
        self._temperature = temperature
        self._instructions = instructions
        self._loop = asyncio.get_running_loop()
        self._pending: Future[Any] | None = None
        self._closed = False
        self._lock = Lock()
        self.error: BaseException | None = None
        """The first failure. mem0 wraps some failures in its own, and carries on after others."""

    async def run(self, work: Callable[[], _T]) -> _T:
        """Let mem0 work in a thread.

        Raises:
            ModelError: the model or the embedder failed.
        """
        try:
            return await self._loop.run_in_executor(THREADS, work)
        except asyncio.CancelledError:
            with self._lock:
                self._closed = True
                if self._pending is not None:
                    self._pending.cancel()
            raise
        finally:
            if self.error is not None and not self._closed:
                raise self.error

    def complete(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The model's reply to a prompt of mem0's; today's date is removed from the prompt and its material is fenced."""
        told = [(one["role"], _DATES.sub(r"\1\nnot known", one["content"])) for one in messages]
        system = "\n".join(text for role, text in told if role == "system")
        material = "\n".join(text for role, text in told if role != "system")
        prompt = (
            Message("system", f"{system.strip()}\n\n{self._instructions}"),
            Message("user", fence(material, "material")),
        )
        text: str = self._wait(lambda: self._view.complete(prompt, temperature=self._temperature)).text
        listed = _facts_in(text)
        facts = [one for one in listed or () if _is_fact(one)]
        # mem0 ignores what it cannot read, or fails on it. Here it is counted, and mem0 gets what it can read.
        events = ["extraction_malformed"] * (listed is None) + ["extraction_dropped"] * (len(listed or ()) - len(facts))
        for event in events:
            self._loop.call_soon_threadsafe(self._view.count, event)
        return json.dumps({"memory": facts})

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Vectors of texts."""
        vectors: list[list[float]] = self._wait(lambda: self._view.embed(texts)).tolist()
        return vectors

    def _wait(self, asked: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        with self._lock:  # what is started here is what is cancelled there
            if self._closed:
                raise RuntimeError("the call is over")
            pending = self._pending = asyncio.run_coroutine_threadsafe(asked(), self._loop)
        try:
            return pending.result()
        except BaseException as error:
            self.error = self.error or error
            raise


class Adapted(Protocol):
    """The parts of mem0's ``Memory`` that a store uses."""

    db: Any
    vector_store: Any
    llm: Any
    embedding_model: Any

    def add(self, messages: Sequence[Mapping[str, str]], *, agent_id: str) -> Mapping[str, Any]:
        """Extract and keep facts."""

    def search(self, query: str, *, filters: Mapping[str, str], top_k: int, threshold: float) -> Mapping[str, Any]:
        """Find facts."""

    def close(self) -> None:
        """Close the history."""


class Store:
    """A ``Memory`` of mem0's that contains what it is told to. For one call at a time.

    Args:
        dimension: length of a vector.
    """

    def __init__(self, dimension: int) -> None:
        self.ids: list[str] = []
        """What it contains, in order."""
        self._memory = made_memory(dimension)
        self._found = self._memory.vector_store.search
        self._memory.vector_store.search = self._search

    def hold(self, facts: Mapping[str, str], bridge: Bridge) -> None:
        """Make it contain these facts, which begin with those that it already contains.

        Args:
            facts: text by id, in order.
            bridge: embeds those that are new.
        """
        self._memory.llm.bridge = self._memory.embedding_model.bridge = bridge
        if new := list(facts)[len(self.ids) :]:
            payloads = [{"data": facts[name], "agent_id": AGENT, "hash": _hash(facts[name])} for name in new]
            vectors = bridge.embed([facts[name] for name in new])
            self._memory.vector_store.insert(vectors=vectors, payloads=payloads, ids=new)
            self.ids += new

    def search(self, query: str, k: int, threshold: float) -> Sequence[tuple[str, float]]:
        """The ids of the facts that mem0 finds, best first, with its scores."""
        found = self._memory.search(query, filters={"agent_id": AGENT}, top_k=k, threshold=threshold)
        return [(str(one["id"]), float(one["score"])) for one in found["results"]]

    def add(self, messages: Sequence[Mapping[str, str]]) -> Sequence[str]:
        """The facts that mem0 extracts from a conversation, which is a separate session. What it contains stays unchanged.

        Raises:
            ValueError: mem0 did something other than adding facts.
        """
        self._memory.db.close()
        self._memory.db = importlib.import_module("mem0.memory.storage").SQLiteManager(":memory:")
        results = self._memory.add(messages, agent_id=AGENT)["results"]
        for one in results:
            if one["event"] != "ADD":
                raise ValueError(f"mem0 applied {one['event']!r} to a fact, but this plugin knows only ADD")
            self._memory.vector_store.delete(vector_id=one["id"])
        return [str(one["memory"]) for one in results]

    def _search(self, query: str, vectors: Sequence[float], top_k: int, filters: Mapping[str, str]) -> list[Any]:
        """What the vector store finds, in a stable order: the last digits of its scores depend on what it has held before."""
        found = self._found(query=query, vectors=vectors, top_k=top_k + MORE, filters=filters)
        places = {name: place for place, name in enumerate(self.ids)}
        for one in found:
            one.score = round(one.score, DIGITS)
        return sorted(found, key=lambda one: (-one.score, places[str(one.id)]))[:top_k]

    def close(self) -> None:
        """Release its resources."""
        self._memory.close()
        self._memory.vector_store.client.close()


@cache
def product() -> Any:
    """The module ``mem0``, imported so that it reports to nobody and writes nothing to the home directory.

    Raises:
        UsageError: it is not installed, or was imported before with its telemetry on.
    """
    telemetry = sys.modules.get("mem0.memory.telemetry")
    if telemetry is not None and telemetry.MEM0_TELEMETRY:
        raise UsageError(
            "memory 'mem0': mem0 was already imported with its telemetry on.",
            "Set MEM0_TELEMETRY=False before it is imported.",
        )
    place = tempfile.TemporaryDirectory(prefix="rbsuite-mem0-")
    atexit.register(place.cleanup)
    os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=place.name)
    # What it logs is either reported by this plugin (failures, unreadable replies) or irrelevant (packages not installed).
    logging.getLogger("mem0").setLevel(logging.CRITICAL + 1)
    try:
        return importlib.import_module("mem0")
    except ImportError as error:
        raise UsageError(f"memory 'mem0' cannot be loaded: {error}.", "Run: pip install mem0ai") from error


def made_memory(dimension: int) -> Adapted:
    """A new ``Memory``, empty, in this process's memory, with our adapters."""
    mem0 = product()
    module = importlib.import_module
    spacy: Any = module("mem0.utils.spacy_models")
    spacy._load_failed_full = spacy._load_failed_lemma = True
    factory = module("mem0.utils.factory")
    factory.LlmFactory.register_provider(_PROVIDER, f"{__package__}.adapters.Model")
    factory.EmbedderFactory.provider_to_class[_PROVIDER] = f"{__package__}.adapters.Embedder"
    # Its configuration checks accept only the providers that come with it.
    llm = module("mem0.llms.configs").LlmConfig.model_construct(provider=_PROVIDER, config={"model": _PROVIDER})
    embedder = module("mem0.embeddings.configs").EmbedderConfig.model_construct(
        provider=_PROVIDER, config={"embedding_dims": dimension}
    )
    vectors = module("mem0.vector_stores.configs").VectorStoreConfig(
        provider="qdrant", config={"path": ":memory:", "collection_name": "facts", "embedding_model_dims": dimension}
    )
    config = module("mem0.configs.base").MemoryConfig(
        llm=llm, embedder=embedder, vector_store=vectors, history_db_path=":memory:"
    )
    memory: Adapted = mem0.Memory(config)
    memory.vector_store._bm25_encoder = False
    return memory


def _hash(text: str) -> str:
    """How mem0 recognises repetitions."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _facts_in(text: str) -> list[Any] | None:
    """The list of facts in a reply, in a fence or a quote only if there is none outside; ``None`` if there is none, or several differ."""
    try:
        return first_read(text, _listed)
    except Unreadable:
        return None


def _listed(layer: Layer) -> list[Any] | None:
    lists = [value for _, value in objects_with(read_values(layer).found, ["memory"]) if isinstance(value, list)]
    if any(one != lists[0] for one in lists):
        raise Unclear("its lists differ")
    return lists[0] if lists else None


def _is_fact(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("text"), str) and bool(value["text"].strip())
