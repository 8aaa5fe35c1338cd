"""``http``: a memory that is a service. docs/memories.md has the contract and a complete server.

Three requests, JSON both ways: ``open``, once when a run starts or is resumed; ``recall``, before each task; ``absorb``, after it. What
the service knows is outside the bank. Any fault of the service stops the run with a one-line message, or pauses it: a service that
cannot be reached must not look like a memory that knows nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from rbsuite.errors import Outage, PluginError, UsageError, in_words
from rbsuite.experience import Experience, MemoryOp, Recall, Recalled, RecallRequest
from rbsuite.fencing import fence
from rbsuite.jsonable import is_number
from rbsuite.memories.base import BankView
from rbsuite.memories.external import LONGEST
from rbsuite.models.direct import Server
from rbsuite.models.provider_errors import detail
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff
from rbsuite.models.tries import Failed, Tries
from rbsuite.options import is_server
from rbsuite.redact import check_key
from rbsuite.seeds import derive_seed
from rbsuite.trajectory import Usage
from rbsuite.transcript import BUDGET, render_transcript, rules_of, share_of

CONTRACT = 1
"""The version of the contract. A service with another version is refused."""
KEY_VARIABLE = "RBSUITE_MEMORY_KEY"
"""The environment variable whose value is sent as a bearer token, if it is set and the URL has no user."""
LONGEST_ANSWER = 8_000_000
"""Bytes of an answer, at most."""
LONGEST_ID = 200
"""Characters of an item's id that are kept."""
_DOCS = "docs/memories.md has the contract."


class HttpMemory:
    """A memory service. See :class:`rbsuite.memories.base.ExternalMemory`.

    Args:
        url: its base URL; a user and password in it are sent, and neither stored nor shown.
        k: items that are requested and shown to the agent, at most.
        characters: characters of an item that are shown to the agent, at most.
        budget: tokens of a task's transcripts that the service is sent; 0: no limit.
        timeout: seconds to wait for an answer.
        retries: retries if there was no answer, or one that says that the service cannot answer at present.
        backoff: the waits in between.

    Raises:
        UsageError: the URL is not one, or the key cannot be sent.
    """

    def __init__(
        self,
        url: str = "",
        k: int = 5,
        characters: int = 4000,
        budget: int = BUDGET,
        timeout: float = 120.0,
        retries: int = 3,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
    ) -> None:
        if not is_server(url):
            raise UsageError("memory 'http' needs the URL of a service.", "Write http:url=http://127.0.0.1:8080.")
        try:
            check_key(KEY_VARIABLE)
        except ValueError as error:
            raise UsageError(f"{error}.", "Set it again: a key is one word.") from None
        parts = urlsplit(url)
        self._name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._server = Server(url, KEY_VARIABLE, LONGEST_ANSWER)
        self._tries = Tries(self._name, timeout, retries, backoff)
        self._k = k
        self._characters = characters
        self._budget = budget
        self._namespace = ""
        self._snapshots = False
        self._snapshot: str | None = None

    async def open(self, namespace: str, snapshot: str | None) -> None:
        """Open a namespace: empty, or as it was at a snapshot.

        Raises:
            Outage: the service does not answer.
            UsageError: it refuses access, or is elsewhere.
            PluginError: its answer does not follow the contract.
        """
        answer = await self._ask("open", {"namespace": namespace, "snapshot": snapshot})
        if answer.get("contract") != CONTRACT:
            self._refuse("open", f"its contract is {_shown(answer.get('contract'))}, but rbsuite speaks {CONTRACT}")
        self._snapshots = answer.get("snapshots", False) is True
        self._namespace, self._snapshot = namespace, snapshot

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """What the service finds for the query, each item fenced. Raises what :meth:`open` raises."""
        excluded = sorted(view.excluded)
        told = {
            "task": request.task_id,
            "domain": request.domain,
            "query": request.query,
            "exclude": excluded,
            "k": self._k,
        }
        answer = await self._spent("recall", told, view)
        items = answer.get("items")
        if not isinstance(items, list):
            self._refuse("recall", f"items must be a list, not {in_words(items)}")
        found = []
        for place, item in enumerate(items[: self._k]):
            text, task = self._of_item(item, "text"), self._of_item(item, "task", "")
            if task in excluded:
                view.count("recalls_of_excluded_tasks")
            elif text.strip():
                name = self._of_item(item, "id", str(place))[:LONGEST_ID]
                found.append((name, self._score(item), text[: self._characters]))
        if not found:
            reason = answer.get("reason", "")
            return Recall(
                reason=(reason[:LONGEST_ID] if isinstance(reason, str) else "") or "the service found nothing"
            )
        text = view.render("memory/inject.j2", items=[fence(text, "memory") for _, _, text in found])
        recalled = [Recalled(name, 0, score, rank) for rank, (name, score, _) in enumerate(found)]
        return Recall(tuple(recalled), text, index="http")

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Tell the service about a task. Nothing goes into the bank. Raises what :meth:`open` raises."""
        each = share_of(self._budget, len(experience.outcomes))
        rollouts = [
            {
                "rollout": outcome.trajectory.rollout,
                "label": outcome.verdict.label,
                "rationale": outcome.verdict.rationale,
                "transcript": render_transcript(outcome.trajectory, budget=each),
                "notes": list(outcome.notes),
            }
            for outcome in experience.outcomes
        ]
        told = {
            "position": experience.position,
            "task": experience.task_id,
            "domain": experience.domain,
            "query": experience.query,
            "rules": rules_of(experience.outcomes[0].trajectory),
            "rollouts": rollouts,
        }
        answer = await self._spent("absorb", told, view)
        snapshot = answer.get("snapshot")
        if self._snapshots and not (isinstance(snapshot, str) and len(snapshot) <= LONGEST):
            self._refuse("absorb", f"it gives snapshots, and snapshot must be text of at most {LONGEST:,} characters")
        self._snapshot = snapshot if self._snapshots else None
        return ()

    async def snapshot(self) -> str | None:
        """The snapshot from the last answer to ``absorb``."""
        return self._snapshot

    async def aclose(self) -> None:
        """Close connections. Deleting namespaces is left to the service."""
        await self._server.aclose()

    async def _spent(self, path: str, told: Mapping[str, Any], view: BankView) -> Mapping[str, Any]:
        """An answer whose cost has been counted."""
        started = time.perf_counter()
        answer = await self._ask(path, {"namespace": self._namespace, **told})
        view.spend(self._name, self._usage(path, answer.get("usage")), time.perf_counter() - started)
        return answer

    async def _ask(self, path: str, told: Mapping[str, Any]) -> Mapping[str, Any]:
        seed = derive_seed(self._name, path, str(told.get("task", "")))
        body = {"contract": CONTRACT, **told}
        try:
            return await self._tries.answer(lambda: self._server.post(f"/{path}", body, {}), seed)
        except Failed as failed:
            error, kind, tries = failed.error, failed.kind, failed.failures
        what = f"no answer within {self._tries.timeout:g} s" if isinstance(error, TimeoutError) else detail(error)
        status = getattr(error, "status_code", None)
        what = f"HTTP {status}: {what}" if status is not None else what
        service = f"memory service {self._name}: {path}"
        # Without the error, which may contain headers.
        if kind in ("transient", "quota"):
            times = f"{tries} tries" if tries > 1 else "1 try"
            raise Outage(
                f"{service} got no answer ({times}): {what.rstrip('.')}.", "Check that the service is running."
            ) from None
        if kind == "redirect":
            raise UsageError(
                f"{service}: {what.rstrip('.')}.", "Change url= if that is where the service is."
            ) from None
        if status in (401, 403):
            raise UsageError(
                f"{service} was refused: {what.rstrip('.')}.",
                f"Set {KEY_VARIABLE}, or write user:password@ before the host.",
            ) from None
        self._refuse(path, what.rstrip("."))

    def _usage(self, path: str, told: Any) -> Usage:
        """What the service says an answer cost; if it says nothing, one call of unknown price."""
        if told is None:
            return Usage(calls=1, cost=None)
        if not isinstance(told, dict):
            self._refuse(path, f"usage must be an object, not {in_words(told)}")
        counts = [told.get(name, 0) for name in ("calls", "input_tokens", "output_tokens")]
        cost = told.get("cost")
        whole = all(isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**53 for count in counts)
        if not whole or not (cost is None or _is_amount(cost)):
            self._refuse(path, "the counts in usage must be whole numbers from 0, and cost null or a number from 0")
        known = 0.0 if cost is None and not any(counts) else cost
        calls, read, wrote = counts
        return Usage(calls, read, wrote, None if known is None else float(known))

    def _of_item(self, item: Any, name: str, default: str | None = None) -> str:
        found = item.get(name, default) if isinstance(item, dict) else None
        if not isinstance(found, str):
            self._refuse("recall", f"an item's {name} must be text, not {in_words(found)}")
        return found

    def _score(self, item: Mapping[str, Any]) -> float:
        score = item.get("score", 0.0)
        if not is_number(score):
            self._refuse("recall", f"an item's score must be a finite number, not {_shown(score)}")
        return float(score)

    def _refuse(self, path: str, what: str) -> NoReturn:
        raise PluginError(
            f"the answer to {path} cannot be used: {what}.",
            f"Fix the service; what was committed is kept. {_DOCS}",
            owner=f"memory service {self._name}",
        )


def _is_amount(value: Any) -> bool:
    return is_number(value) and value >= 0


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else in_words(value)
