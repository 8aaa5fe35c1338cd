"""What all mistakes have in common: the solution they spoil, and the edits that spoil it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from rbsuite.trajectory import Action

Edits: TypeAlias = Mapping[int, tuple[Action, ...]]
Mistake: TypeAlias = tuple[str, Edits]
"""Id of the skill that is lacking, and what is done in place of which step."""

Tables: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Any]]]
TRANSFER = "transfer_to_human_agents"


@dataclass(frozen=True)
class Draft:
    """A solution that mistakes are sought in.

    Attributes:
        instruction: what the user wants.
        user_id: the user.
        actions: the solution's actions; the last one closes the conversation or transfers.
        writes: indexes of the calls that change the database.
        plain_closing: the closing statement without the figures; equal to the last action where there are none.
        tables: the shipped database.
    """

    instruction: str
    user_id: str
    actions: tuple[Action, ...]
    writes: tuple[int, ...]
    plain_closing: Action
    tables: Tables

    @property
    def last(self) -> int:
        """Index of the last action."""
        return len(self.actions) - 1

    def calls(self, *names: str) -> Iterator[tuple[int, Action]]:
        """The calls of these tools, with their indexes."""
        for index, action in enumerate(self.actions):
            if action.kind == "tool" and action.name in names:
                yield index, action

    def changed(self, index: int, **arguments: Any) -> Edits:
        """The call at ``index`` with other values for some arguments."""
        action = self.actions[index]
        return {index: (replace(action, arguments={**action.arguments, **arguments}),)}

    def extra(self, name: str, **arguments: Any) -> Edits:
        """A call more, just before the last action."""
        return {self.last: (Action("tool", name=name, arguments=arguments), self.actions[self.last])}

    def methods(self, user_id: str, *, without: str = "") -> Sequence[str]:
        """Ids of a user's payment methods in the order of the record."""
        user = self.tables["users"].get(user_id, {})
        return [method for method in user.get("payment_methods", {}) if method != without]

    def says(self, *words: str) -> bool:
        """Whether the instruction holds one of the words."""
        text = self.instruction.lower()
        return any(word in text for word in words)


def unfinished(draft: Draft, skill: str) -> Iterator[Mistake]:
    """The last of several changes is left out."""
    if len(draft.writes) >= 2:
        yield skill, {draft.writes[-1]: ()}


def unsaid(draft: Draft, skill: str) -> Iterator[Mistake]:
    """The figures that were asked for are not stated."""
    if draft.plain_closing != draft.actions[draft.last]:
        yield skill, {draft.last: (draft.plain_closing,)}


def handed_over(draft: Draft, skill: str) -> Iterator[Mistake]:
    """The customer is transferred before the first change, or where nothing is to change before the closing."""
    index = draft.writes[0] if draft.writes else draft.last
    if draft.actions[index].name != TRANSFER:
        summary = "The customer has a request about their account and prefers a colleague."
        yield skill, {index: (Action("tool", name=TRANSFER, arguments={"summary": summary}),)}
