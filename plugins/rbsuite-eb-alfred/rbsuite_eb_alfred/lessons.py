"""Wording for mistakes that :mod:`rbsuite.learner` finds; other mistakes it words itself.

A home obeys the same rules in all sets, so each skill has the same wording in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson
from rbsuite_eb_alfred.pack import SETS

_WORDING: Mapping[str, Lesson] = {
    "find/leave-out": Lesson(
        "Go there before using the hand",
        "Find the object right before picking it up and the target right before putting down, since elsewhere what you put down "
        "falls to the floor.",
        "I reach for it from where I stand without walking over.",
    ),
    "find/choice": Lesson(
        "Name the instance that is meant",
        "To fetch a different object of the same kind use its numbered name, because the plain name leads to the same one again.",
        "I look for it under the first name of the kind that I come across.",
    ),
    "open/leave-out": Lesson(
        "Open what is closed",
        "A cabinet, drawer, safe, fridge or microwave gives and takes an object only while it is open, so open it first.",
        "I reach through the closed door.",
    ),
    "close/leave-out": Lesson(
        "Shut the door for heat and cold",
        "To heat something close the microwave on it and only then turn it on, and to cool something close the fridge on it once.",
        "The thing is inside, so I leave the door as it is.",
    ),
    "put-down/leave-out": Lesson(
        "Put it down where it is needed",
        "You hold one thing at a time, so put it down where it serves, at its target, in the sink to wash it or in the vessel that "
        "carries it, and a knife aside.",
        "I keep what I hold in my hand and go on.",
    ),
    "turn-on/leave-out": Lesson(
        "Switch it on",
        "A faucet cleans, a microwave heats and a lamp lights only once it was turned on while the object is in its place.",
        "Standing beside the switch must be enough.",
    ),
    "slice/leave-out": Lesson(
        "Cut before going on",
        "When a slice is asked for, take a knife and slice the food before you do anything else with it.",
        "I carry the whole piece of food as it is and leave the cutting aside.",
    ),
}

LESSONS: Mapping[str, Lesson] = {f"{name}/{skill}": lesson for name in SETS for skill, lesson in _WORDING.items()}
"""By skill id: set, verb, kind of mistake."""
