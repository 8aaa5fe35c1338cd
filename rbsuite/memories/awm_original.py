"""``awm-original``: one document of workflows per domain, induced anew from all successes, always in the prompt.

Source: Agent Workflow Memory (arXiv 2409.07429), its online setting: after every task that was judged a success, the whole
document is rewritten from the successes so far, and all of it is in the prompt of the next task; nothing is retrieved.

Followed: one document per domain (in the source, a website), induction from successes only, one trajectory per task, temperature 1.0,
as many workflows as cover the work (``workflows`` only stops an endless reply). Left out: the choice of one trajectory per
task template, since no memory may know templates. Only the newest ``trajectories`` successes are shown to the model, so that
the prompt is bounded; the document so far is not shown, as in the source.

Successes are stored as items, the document under the name ``workflows/<domain>``. A document cannot leave out the current task: if a
task comes twice in a stream, its first rollout may have gone into the document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rbsuite.experience import Experience, MemoryOp, Recall, RecallRequest
from rbsuite.fencing import fence
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import Extraction, ShownEpisode, additions, extract_items, show_rules
from rbsuite.memories.markdown import Draft
from rbsuite.reading.fitting import Room
from rbsuite.transcript import render_transcript

KIND = "trajectory-source"
HEADING = "Workflow"
TITLE_LENGTH = 80


class WorkflowDocument:
    """A document of workflows, rewritten after every success.

    Args:
        trajectories: newest successes that the document is induced from.
        workflows: workflows in the document, at most.
        budget: tokens of a stored trajectory; 0: no limit.
        temperature: of the model that induces workflows.
    """

    def __init__(self, trajectories: int, workflows: int, budget: int, temperature: float) -> None:
        self._trajectories = trajectories
        self._budget = budget
        self._extraction = Extraction("memory/induce_document.j2", HEADING, workflows, temperature)

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The whole document of the task's domain."""
        document = view.document(_name(request.domain))
        if not document:
            return Recall(reason="no workflow yet")
        return Recall(text=view.render("memory/inject_document.j2", document=fence(document, "handbook")))

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The first successful trajectory, and the document induced anew; nothing from failures."""
        success = next((one for one in experience.outcomes if one.verdict.label == "success"), None)
        if success is None:
            return ()
        transcript = render_transcript(success.trajectory, budget=self._budget)
        title = " ".join(experience.query.split())[:TITLE_LENGTH]
        ops = list(additions(KIND, experience, [((success,), Draft(title, "A task that was solved.", transcript))]))
        stored = view.list(kind=KIND, domain=experience.domain)
        sources = [*stored, *(op.item for op in ops if op.item is not None)][-self._trajectories :]

        def shown(room: Room) -> Mapping[str, Any]:
            cut = [replace(item, content=room.text(item.content, of=len(sources))) for item in sources]
            return {"sources": [*map(ShownEpisode.of, cut)], "rules": show_rules(experience, room)}

        drafts = await extract_items(self._extraction, view, shown)
        if drafts:
            provenance = experience.provenance(success)
            document = view.render("memory/document.j2", items=drafts)
            ops.append(MemoryOp("put_document", provenance, document=_name(experience.domain), text=document))
        return ops


def _name(domain: str) -> str:
    return f"workflows/{domain}" if domain else "workflows"
