"""Levels of BabyAI as one environment: a level is a domain, a seed of it is a task, and BabyAI's own bot provides the solutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rbsuite import Task, from_gymnasium
from rbsuite_minigrid.plugin import rbsuite_environments

ACTIONS = ("turn left", "turn right", "go forward", "pick up", "drop", "toggle", "done")
STATES = ("open ", "closed ", "locked ")
INSTRUCTIONS = (
    "You are in a grid world of rooms and follow an instruction. You see some cells ahead of you and to your sides. "
    "Picking up, dropping and toggling (which opens doors and boxes) concern the cell just ahead. A locked door opens "
    "with the key of its colour. Where you are to go to something, stand before it and face it."
)


def describe(seen: Any, world: Any) -> str:
    """The instruction, what is in view and where, and what the agent carries."""
    from minigrid.core.constants import IDX_TO_COLOR, IDX_TO_OBJECT

    cells = []
    width, depth = seen["image"].shape[:2]
    for ahead in range(depth):
        for column in sorted(range(width), key=lambda column: abs(column - width // 2)):
            kind, colour, state = map(int, seen["image"][column, depth - 1 - ahead])
            name = IDX_TO_OBJECT[kind]
            if name in ("unseen", "empty", "floor", "agent") or (name == "wall" and column != width // 2):
                continue
            shown = (
                name if name == "wall" else f"{STATES[state] if name == 'door' else ''}{IDX_TO_COLOR[colour]} {name}"
            )
            side = column - width // 2
            aside = f" and {abs(side)} to the {'right' if side > 0 else 'left'}" if side else ""
            cells.append(f"- {shown}: {ahead} ahead{aside}")
    carried = world.unwrapped.carrying
    carrying = f"You carry the {carried.color} {carried.type}." if carried else "You carry nothing."
    return f"Instruction: {seen['mission']}.\n{carrying}\nYou see:\n" + "\n".join(cells or ["- nothing"])


def solve(world: Any) -> Iterator[int]:
    """The steps taken by BabyAI's bot."""
    from minigrid.utils.baby_ai_bot import BabyAIBot

    bot, action, over = BabyAIBot(world), None, False
    while not over:
        action = bot.replan(action)
        yield int(action)
        _, _, terminated, truncated, _ = world.step(action)
        over = terminated or truncated


def _tasks(seeds: range) -> Iterator[Task]:
    (spec,) = rbsuite_environments()
    for level in spec.domains:
        for seed in seeds:
            yield Task(f"{level}/{seed}", level, level, "", {"id": f"minigrid:BabyAI-{level}-v0", "seed": seed})


BabyAI = from_gymnasium(
    "minigrid:BabyAI-GoToLocal-v0",
    name="minigrid",
    tasks={"sample": list(_tasks(range(5))), "test": list(_tasks(range(100, 150)))},
    instructions=INSTRUCTIONS,
    actions=ACTIONS,
    describe=describe,
    solve=solve,
)
