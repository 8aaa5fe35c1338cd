"""What the memories of the core share: asking a model for items, turning drafts into operations, and recalling by query."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from rbsuite.errors import ModelError
from rbsuite.experience import Experience, MemoryItem, MemoryOp, Outcome, Provenance, Recall, Recalled, RecallRequest
from rbsuite.memories.base import BankView
from rbsuite.memories.markdown import Draft, parse_items
from rbsuite.trajectory import Message
from rbsuite.transcript import fence, render_transcript

ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Extraction:
    """How items are asked for.

    Attributes:
        template: the prompt.
        heading: what heads an item in the reply.
        limit: how many items are kept.
        temperature: of the extractor.
    """

    template: str
    heading: str
    limit: int
    temperature: float


async def extract(extraction: Extraction, experience: Experience, outcome: Outcome, view: BankView) -> Sequence[Draft]:
    """Ask the memory's model for items on one outcome.

    A reply that cannot be read is asked for once more; then nothing is learnt. Counts ``extraction_malformed`` (a reply that could not be
    read), ``extraction_failed`` (nothing learnt, for that reason or because the model failed) and ``extraction_dropped`` (items dropped).
    """
    prompt = view.render(
        extraction.template,
        query=fence(experience.query, "request"),
        transcript=fence(render_transcript(outcome.trajectory), "attempt"),
        rationale=outcome.verdict.rationale,
        limit=extraction.limit,
        heading=extraction.heading,
    )
    messages = [Message("user", prompt)]
    for _ in range(ATTEMPTS):
        try:
            reply = (await view.complete(messages, temperature=extraction.temperature)).text
        except ModelError:
            break
        parsed = parse_items(reply, extraction.limit, extraction.heading)
        for _dropped in parsed.dropped:
            view.count("extraction_dropped")
        if not parsed.problem:
            return parsed.drafts
        view.count("extraction_malformed")
        again = view.render("memory/extract_retry.j2", problem=parsed.problem, heading=extraction.heading)
        messages += [Message("assistant", reply), Message("user", again)]
    view.count("extraction_failed")
    return ()


def additions(kind: str, experience: Experience, drafts: Sequence[tuple[Outcome, Draft]]) -> Sequence[MemoryOp]:
    """Operations that append drafts to the bank as the items of one experience, keyed by its query."""
    ops = []
    for number, (outcome, draft) in enumerate(drafts):
        provenance = Provenance(
            experience.task_id,
            experience.position,
            (outcome.trajectory.rollout,),
            outcome.verdict.label,
            outcome.verdict.source,
        )
        item = MemoryItem(
            id=item_id(experience, kind, number, draft.content),
            title=draft.title,
            description=draft.description,
            content=draft.content,
            key=experience.query,
            experience=f"{experience.position}:{experience.task_id}",
            kind=kind,
            domain=experience.domain,
            provenance=provenance,
        )
        ops.append(MemoryOp("add", provenance, item=item))
    return ops


def item_id(experience: Experience, kind: str, number: int, content: str) -> str:
    """A 16-character id from the experience, the item's place in it and its content."""
    parts = "\x1f".join([experience.task_id, str(experience.position), kind, str(number), content])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


async def recall_similar(request: RecallRequest, view: BankView, *, kind: str, k: int, template: str) -> Recall:
    """The ``k`` experiences most like the query, all their items, rendered by a template."""
    found = await view.search(request.query, k, kind=kind)
    items = [(item, hit.score) for hit in found.hits for item in hit.items]
    if not items:
        return Recall(reason=found.reason, index=found.index)
    recalled = tuple(Recalled(item.id, item.revision, score, rank) for rank, (item, score) in enumerate(items))
    text = view.render(template, items=[item for item, _ in items])
    return Recall(recalled, text, index=found.index)
