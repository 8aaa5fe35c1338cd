"""Wording for mistakes that :mod:`rbsuite.learner` finds; other mistakes it words itself.

The apartment obeys the same rules in all sets, so each skill has the same wording in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson
from rbsuite_eb_habitat.vocab import SETS

_WORDING: Mapping[str, Lesson] = {
    "navigate-to/leave-out": Lesson(
        "Stand at the place before using the hand",
        "Picking, placing and moving a door work only where the robot stands, so navigate to the place right before each of them.",
        "The hand will surely reach that far from here, and I save myself the walk.",
    ),
    "navigate-to/choice": Lesson(
        "Find the place that is meant",
        "Work out the place from the words, as the black table is table 1 and right of the left counter is the sink, and where they name "
        "none try one surface after another.",
        "I go to the first place that sounds vaguely like it.",
    ),
    "pick-up/choice": Lesson(
        "Pick the category that is meant",
        "Replace a description by the category among the actions that fits its use and looks best, and leave alone what is only mentioned.",
        "The first thing that comes to mind is what I carry over.",
    ),
    "pick-up/stop-early": Lesson(
        "Return until nothing of the kind is left",
        "When all objects of a kind are asked for, go back after each trip until picking one up fails everywhere.",
        "I moved one of them, and one should stand for all.",
    ),
    "place-at/leave-out": Lesson(
        "Carry a single object per trip",
        "The robot holds one object at a time and moving it counts only once it is placed, so place it before you fetch the next.",
        "I have the object with me, and with that I regard this part as finished.",
    ),
    "open/leave-out": Lesson(
        "Test the door before choosing the branch",
        "Where the task depends on the refrigerator try to open it at its push point, since a failure there means that it is open.",
        "I do not bother with the door and simply go by one half of the sentence.",
    ),
}

LESSONS: Mapping[str, Lesson] = {f"{name}/{skill}": lesson for name in SETS for skill, lesson in _WORDING.items()}
"""By skill id: set, verb, kind of mistake."""
