"""Categories, and the items of a data directory as the engine sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rbsuite_acebench.worlds import Language

Protocol = Literal["official", "fixed"]
PROTOCOLS: tuple[Protocol, ...] = ("official", "fixed")

NORMAL = (
    "normal_single_turn_single_function",
    "normal_single_turn_parallel_function",
    "normal_multi_turn_user_adjust",
    "normal_multi_turn_user_switch",
    "normal_similar_api",
    "normal_preference",
    "normal_atom_bool",
    "normal_atom_enum",
    "normal_atom_number",
    "normal_atom_list",
    "normal_atom_object_deep",
    "normal_atom_object_short",
)
SPECIAL = ("special_incomplete", "special_error_param", "special_irrelevant")
AGENT = ("agent_multi_step", "agent_multi_turn")
CATEGORIES = (*NORMAL, *SPECIAL, *AGENT)
"""Upstream's categories, in its order."""

DOMAINS: Mapping[str, tuple[str, ...]] = {
    "multi-turn": ("agent_multi_turn",),
    "multi-step": ("agent_multi_step",),
    "normal": NORMAL,
    "special": SPECIAL,
}
"""The categories of each domain."""

CLASS_NAMES: Mapping[str, str] = {
    "Reminderpi": "ReminderApi",
    "ReminderAPI": "ReminderApi",
    "BaseAPI": "BaseApi",
    "Baspi": "BaseApi",
}
"""Misspelt class names in upstream's data, and what they mean. ``protocol=fixed`` reads them that way."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its answer.

    Attributes:
        category: one of :data:`CATEGORIES`.
        language: of its texts.
        entry: the row of the data file.
        answer: the row of the answer file.
    """

    category: str
    language: Language
    entry: Mapping[str, Any]
    answer: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Upstream's id, such as ``agent_multi_turn_17``."""
        return str(self.entry["id"])

    @property
    def domain(self) -> str:
        """The domain that its category belongs to."""
        return next(domain for domain, categories in DOMAINS.items() if self.category in categories)

    @property
    def dialogue(self) -> str:
        """What the turns of a dialogue have in common, in a category whose items are such turns; otherwise the id."""
        return self.id.rpartition("_")[0] if self.category.startswith("normal_multi_turn") else self.id

    @property
    def ground_truth(self) -> Any:
        """The answer itself."""
        return self.answer["ground_truth"]

    @property
    def milestones(self) -> list[list[str]]:
        """The alternatives of an agent item's milestones; a single list if there are none."""
        given = self.answer["mile_stone"]
        return [list(one) for one in given] if given and isinstance(given[0], list) else [list(given)]

    def config(self, protocol: Protocol) -> Mapping[str, Any]:
        """What the item sets in its worlds; ``fixed`` reads misspelt class names."""
        given = self.entry["initial_config"]
        return {CLASS_NAMES.get(name, name): value for name, value in given.items()} if protocol == "fixed" else given
