"""Reference solutions, and what the simulated learner can get wrong in them.

They serve the oracle, ``rbsuite verify`` and the simulated learner alone; no agent, memory or self-judge can reach them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rbsuite.trajectory import Action


@dataclass(frozen=True, slots=True)
class Skill:
    """Something an agent must know to avoid a recurring mistake.

    Attributes:
        id: unique within the environment, e.g. ``"retail/every-item-at-once"``.
        title: the strategy's name, as a memory item's title would have it.
        lesson: one sentence that states the strategy. Whoever has this sentence in its prompt can know the skill; nothing else carries it.
        symptom: one sentence that shows in a trajectory when the mistake is made. It must not contain the lesson.
    """

    id: str
    title: str
    lesson: str
    symptom: str


@dataclass(frozen=True, slots=True)
class Pitfall:
    """How a task is got wrong by one who lacks a skill.

    Attributes:
        skill: id of the skill.
        edits: for steps of the solution (by index) the actions that are taken in their stead; ``()`` leaves the step out.
    """

    skill: str
    edits: Mapping[int, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Solution:
    """A way to solve a task.

    Attributes:
        actions: what the agent does, from the first observation to the end.
        pitfalls: the mistakes the task invites, at most one a skill.
        user_lines: what the simulated user says, opening first; empty where there is no user.
    """

    actions: tuple[Action, ...]
    pitfalls: tuple[Pitfall, ...] = ()
    user_lines: tuple[str, ...] = field(default=())
