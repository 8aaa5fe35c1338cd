"""``dynamic-cheatsheet``: one sheet of notes that a model keeps rewriting, whether or not the work was right.

Source: Dynamic Cheatsheet (arXiv 2504.07952), in both variants:

- ``cu``, cumulative: after each task, the sheet is rewritten from the sheet so far, the request and what was done;
- ``rs``, retrieval and synthesis: before each task, the k = 3 most similar earlier tasks are fetched with what was done, and the sheet is
  rewritten from the sheet so far, those pairs and the new request; the agent sees that sheet, and it is kept.

Followed: no verdict is shown to the model that writes (it must work out for itself what is worth keeping); the sheet contains
worked examples and code as well as strategies, each with a usage count, at the source's length (some 2,500 words, here
16,000 characters); all of it is in the prompt. A sheet that is too long goes back once; if it is still too long, the
lines that fit are kept. Left out: the numbers of the tasks that an entry comes from; the source's execution of code, since
what an agent may run is up to the environment; and, in ``rs``, writing a sheet from nothing before the first task.
The suite gives memories only judged outcomes, so that all of them learn from the same tasks: a task whose judge could not decide
leaves no trace here either. Every rollout of a task is shown, however they are aggregated.

Since a recall does not change the bank, the sheet that ``rs`` writes before a task is kept when the task is absorbed: it is read back
from the recalled text, where it is fenced. Tasks that read the same version (batched streams) each write the sheet
from the same past, and the last one's stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rbsuite.experience import Experience, MemoryOp, Recall, Recalled, RecallRequest
from rbsuite.fencing import fence, fences
from rbsuite.memories.asking import ask
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import ShownEpisode, additions, show_rollouts, show_rules
from rbsuite.memories.markdown import Draft
from rbsuite.reading.asking import ASKED
from rbsuite.reading.fitting import Room, fitted
from rbsuite.reading.labels import between
from rbsuite.reading.layers import Layer, Unclear, Unreadable, without_quotes
from rbsuite.reading.stances import first_own, takes_back
from rbsuite.reading.values import objects_with, read_values, text_of_value, without_values
from rbsuite.reading.words import is_placeholder, states_no_change
from rbsuite.transcript import BUDGET, render_transcript

DOCUMENT = "cheatsheet"
KIND = "pair"
SHOWN_AS = "sheet"
"""The label of the sheet's fence in prompts."""
TITLE_LENGTH = 80

FORM = "<sheet>\n...\n</sheet>"
"""The expected form of a reply, shown to a model that has missed it."""

_TAG = "(?:new[ _-]?)?(?:cheat[ _-]?)?sheet"
_CLOSED = re.compile(rf"</[ \t]*(?:{_TAG})[ \t]*>", re.IGNORECASE)
_MISSING = "there is no sheet between a line <sheet> and a line </sheet>"


class DynamicCheatsheet:
    """A sheet that is rewritten after (``cu``) or before (``rs``) every task.

    Args:
        variant: ``cu`` or ``rs``.
        k: pairs that ``rs`` fetches.
        characters: length of the sheet, at most.
        temperature: of the model that writes.
        budget: tokens of the transcripts that it sees, and of a stored trajectory; 0: no limit.
    """

    def __init__(self, variant: str, k: int, characters: int, temperature: float, budget: int = BUDGET) -> None:
        self._retrieves = variant == "rs"
        self._k = k
        self._characters = characters
        self._budget = budget
        self._temperature = temperature

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The sheet; with ``rs``, as rewritten for the request."""
        if self._retrieves:
            return await self._synthesise(request, view)
        return _inject(view.document(DOCUMENT), view)

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """The sheet after the task; with ``rs``, the sheet that was recalled for it, and the request with what was done."""
        ops: list[MemoryOp] = []
        sheet = view.document(DOCUMENT)
        if self._retrieves:
            first = experience.outcomes[0]
            title = " ".join(experience.query.split())[:TITLE_LENGTH]
            draft = Draft(title, "A task and what was done.", render_transcript(first.trajectory, budget=self._budget))
            ops += additions(KIND, experience, [((first,), draft)])
            sheets = [found.text for found in fences(experience.recalled.text) if found.label == SHOWN_AS]
            new: str | None = sheets[-1] if sheets else ""
        else:
            new = await self._write(
                "memory/cheatsheet_cumulative.j2",
                sheet,
                view,
                experience,
            )
        if new and new != sheet:
            provenance = experience.provenance()
            ops.append(MemoryOp("put_document", provenance, document=DOCUMENT, text=new))
        return ops

    async def _synthesise(self, request: RecallRequest, view: BankView) -> Recall:
        sheet = view.document(DOCUMENT)
        found = await view.search(request.query, self._k, kind=KIND)
        items = [(item, hit.score) for hit in found.hits for item in hit.items]
        if not items:
            return _inject(sheet, view)
        pairs = [ShownEpisode.of(item) for item, _ in items]
        query = fence(request.query, "request")
        new = await self._write("memory/cheatsheet_retrieving.j2", sheet, view, query=query, pairs=pairs)
        recalled = tuple(Recalled(item.id, item.revision, score, rank) for rank, (item, score) in enumerate(items))
        return _inject(new or sheet, view, recalled, found.index)

    async def _write(
        self, template: str, sheet: str, view: BankView, experience: Experience | None = None, **variables: object
    ) -> str | None:
        shown = fence(sheet, SHOWN_AS) if sheet else ""

        def made(room: Room) -> str:
            told = {} if experience is None else _told(experience, room)
            return view.render(template, sheet=shown, characters=self._characters, **told, **variables)

        prompt = fitted(view, made, self._budget)
        asked = 0

        def read(reply: str) -> str:
            nonlocal asked
            asked += 1
            return read_sheet(reply, self._characters, cut=asked == ASKED)

        return await ask(prompt, view, temperature=self._temperature, read=read, form=FORM)


def _told(experience: Experience, room: Room) -> dict[str, object]:
    """What was done, as shown in the prompt for a new sheet."""
    return {
        "query": fence(experience.query, "request"),
        "rules": show_rules(experience, room),
        "rollouts": show_rollouts(experience.outcomes, room, labelled=False),
    }


def read_sheet(reply: str, characters: int, *, cut: bool = False) -> str:
    """The sheet in a reply: the text between the last pair of ``<sheet>`` and ``</sheet>``, or under the key ``sheet`` of an object.

    Args:
        reply: the model's text.
        characters: length of the sheet, at most.
        cut: whether to keep the lines that fit if the sheet is longer.

    Raises:
        Unreadable: there is no sheet, or it is empty or longer than ``characters``.
    """

    def read(layer: Layer) -> str | None:
        sheet = between(layer.outside, layer.text, _TAG)
        if sheet is not None:
            _check_last(layer)
        else:
            values = read_values(layer)
            unchanged = states_no_change(without_values(layer, values))
            told = objects_with(
                values.own if unchanged else values.found, ("sheet", "cheatsheet", "new_sheet", "notes")
            )
            sheet = text_of_value(told[-1][1]) if told else None
            if sheet is None and unchanged:
                raise Unclear(f"{_MISSING}, which must be repeated if nothing changes")
        if sheet is None:
            raise Unreadable(_MISSING)
        if not sheet:
            raise Unreadable("the sheet is empty")
        if is_placeholder(sheet):
            raise Unreadable("the sheet is not filled in")
        if len(sheet) > characters:
            kept = sheet[: sheet.rfind("\n", 0, characters + 1) + 1].rstrip() if cut else ""
            if kept:
                return kept
            raise Unreadable(f"the sheet has {len(sheet)} characters, and {characters} are allowed")
        return sheet

    return first_own(reply, read)


def _check_last(layer: Layer) -> None:
    """Check that nothing after a layer's sheet takes it back or is another sheet, as in "I replace ... with ...".

    Raises:
        Unclear: there is.
    """
    end = max(match.end() for match in _CLOSED.finditer(layer.outside))
    after = without_quotes(layer.text[end:])
    if between(after, after, _TAG) is not None:
        raise Unclear("another sheet, in a fence, follows its sheet")
    if takes_back(layer.outside[end:]):
        raise Unclear("the words after its sheet take it back")


def _inject(sheet: str, view: BankView, recalled: Sequence[Recalled] = (), index: str = "") -> Recall:
    if not sheet:
        return Recall(tuple(recalled), reason="" if recalled else "the sheet is empty", index=index)
    text = view.render("memory/inject_cheatsheet.j2", document=fence(sheet, SHOWN_AS))
    return Recall(tuple(recalled), text, index=index)
