"""What the core's memories share: asking a model for items, turning drafts into operations, and recalling by query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.experience import Experience, MemoryItem, MemoryOp, Outcome, Recall, RecallRequest, item_id
from rbsuite.fencing import fence
from rbsuite.memories.asking import ask
from rbsuite.memories.base import BankView
from rbsuite.memories.markdown import Draft, parse_items
from rbsuite.reading.fitting import Room, fitted
from rbsuite.reading.layers import Unreadable
from rbsuite.transcript import BUDGET


@dataclass(frozen=True, slots=True)
class Extraction:
    """How items are asked for.

    Attributes:
        template: the prompt.
        heading: the heading of an item in the reply.
        limit: how many items are kept.
        temperature: of the extractor.
        budget: tokens of all transcripts that it is shown; 0: no limit.
    """

    template: str
    heading: str
    limit: int
    temperature: float
    budget: int = BUDGET


@dataclass(frozen=True, slots=True)
class ShownRollout:
    """A rollout as shown in a prompt, see ``memory/rollouts.j2``.

    Attributes:
        number: index of the rollout.
        label: the verdict; ``not judged`` for a memory that works without verdicts.
        rationale: the judge's, fenced, or ``""``.
        transcript: fenced.
        notes: those of the refinement rounds, fenced; ``""`` if there are none.
    """

    number: int
    label: str
    rationale: str
    transcript: str
    notes: str


@dataclass(frozen=True, slots=True)
class ShownEpisode:
    """A stored task as templates get it, see ``memory/episodes.j2``.

    Attributes:
        query: the request, fenced.
        transcript: what was done, fenced.
        verdict: ``success``, ``failure`` or ``unknown``.
    """

    query: str
    transcript: str
    verdict: str

    @classmethod
    def of(cls, item: MemoryItem) -> ShownEpisode:
        """An item whose key is the request and whose content is the transcript."""
        label = item.provenance.label
        return cls(
            fence(item.key, "request"),
            fence(item.content, "attempt"),
            label if label in ("success", "failure") else "unknown",
        )


def show_rollouts(outcomes: Sequence[Outcome], room: Room, *, labelled: bool = True) -> Sequence[ShownRollout]:
    """Outcomes as shown in a prompt.

    Args:
        outcomes: the rollouts.
        room: for all transcripts together.
        labelled: whether the verdict and its rationale are shown.
    """
    return [
        ShownRollout(
            outcome.trajectory.rollout,
            outcome.verdict.label if labelled else "not judged",
            fence(outcome.verdict.rationale, "reasons") if labelled and outcome.verdict.rationale else "",
            fence(room.transcript(outcome.trajectory, of=len(outcomes)), "attempt"),
            fence("\n".join(outcome.notes), "notes") if outcome.notes else "",
        )
        for outcome in outcomes
    ]


def show_rules(experience: Experience, room: Room) -> str:
    """The rules that the agent was given, fenced; ``""`` if there were none."""
    rules = room.rules(experience.outcomes[0].trajectory)
    return fence(rules, "rules") if rules else ""


async def extract(extraction: Extraction, experience: Experience, outcome: Outcome, view: BankView) -> Sequence[Draft]:
    """Ask the memory's model for items on one outcome; see :func:`extract_items`."""

    def shown(room: Room) -> Mapping[str, Any]:
        [rollout] = show_rollouts([outcome], room)
        return {
            "query": fence(experience.query, "request"),
            "rules": show_rules(experience, room),
            "transcript": rollout.transcript,
            "rationale": rollout.rationale,
            "notes": rollout.notes,
        }

    return await extract_items(extraction, view, shown)


async def extract_together(
    extraction: Extraction, experience: Experience, outcomes: Sequence[Outcome], view: BankView
) -> Sequence[Draft]:
    """Ask the memory's model for items on several outcomes at once, each with its label; see :func:`extract_items`."""

    def shown(room: Room) -> Mapping[str, Any]:
        return {
            "query": fence(experience.query, "request"),
            "rules": show_rules(experience, room),
            "rollouts": show_rollouts(outcomes, room),
        }

    return await extract_items(extraction, view, shown)


async def extract_items(
    extraction: Extraction, view: BankView, shown: Callable[[Room], Mapping[str, Any]]
) -> Sequence[Draft]:
    """Ask the memory's model for items.

    Args:
        extraction: how.
        view: provides the model.
        shown: the variables of the prompt, with what fits into a room.

    If a reply cannot be read, another is requested; if that cannot be read either, nothing is learned. Counts what
    :func:`rbsuite.memories.asking.ask` counts, and ``extraction_dropped``, the items dropped, and ``extraction_nothing``, replies that
    say that there is nothing to learn.
    """

    def read(reply: str) -> Sequence[Draft]:
        parsed = parse_items(reply, extraction.limit, extraction.heading)
        for _dropped in parsed.dropped:
            view.count("extraction_dropped")
        if parsed.problem:
            raise Unreadable(parsed.problem)
        if parsed.none_said:
            view.count("extraction_nothing")
        return parsed.drafts

    heading = extraction.heading

    def made(room: Room) -> str:
        return view.render(extraction.template, limit=extraction.limit, heading=heading, **shown(room))

    prompt = fitted(view, made, extraction.budget)
    retry = "memory/extract_retry.j2"
    return await ask(prompt, view, temperature=extraction.temperature, read=read, retry=retry, heading=heading) or ()


def additions(
    kind: str, experience: Experience, drafts: Sequence[tuple[Sequence[Outcome], Draft]]
) -> Sequence[MemoryOp]:
    """Operations that append drafts to the bank as the items of one experience, keyed by its query.

    A draft that repeats an earlier one word for word is left out.

    Args:
        kind: the items' kind.
        experience: what they were learned from.
        drafts: each with the outcomes it was learned from.
    """
    ops = []
    told: set[Draft] = set()
    for number, (outcomes, draft) in enumerate(drafts):
        if draft in told:
            continue
        told.add(draft)
        ops.append(
            MemoryOp.add(
                experience,
                draft.content,
                *outcomes,
                title=draft.title,
                description=draft.description,
                kind=kind,
                id=item_id(experience, kind, number, draft.content),
            )
        )
    return ops


async def recall_similar(
    request: RecallRequest, view: BankView, *, kind: str, k: int, template: str, similarity: float = -1.0
) -> Recall:
    """The ``k`` experiences most like the query, all their items, rendered by a template; none less similar than ``similarity``."""
    found = await view.search(request.query, k, kind=kind)
    near = [(item, score) for item, score in found.items if score >= similarity]
    reason = found.reason or "nothing is similar enough"
    return recall_items(near, view, template=template, reason=reason, index=found.index)


def recall_items(
    items: Sequence[tuple[MemoryItem, float]], view: BankView, *, template: str, reason: str, index: str = ""
) -> Recall:
    """A recall of items with their scores, in the given order, rendered by a template.

    Args:
        items: what was found.
        view: renders the template.
        template: gets ``items``, and the same as ``episodes``.
        reason: why nothing is recalled, if there are no items.
        index: which index answered.
    """
    if not items:
        return Recall(reason=reason, index=index)
    found = [item for item, _ in items]
    text = view.render(template, items=found, episodes=[*map(ShownEpisode.of, found)])
    return Recall.of(items, text, index=index)
