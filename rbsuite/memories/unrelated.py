"""Lessons that have nothing to do with any benchmark: old crafts. The placebo consists of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from rbsuite.experience import MemoryItem
from rbsuite.memories.markdown import Draft

LESSONS = (
    Draft(
        "Let the paste dry before trimming",
        "When the boards of a book have just been covered.",
        "Leave the covered boards under a light weight overnight and trim the edges only in the morning. Cloth that is still damp drags "
        "under the knife and frays along the spine.",
    ),
    Draft(
        "Hold the rope at the balance",
        "When a tower bell is rung full circle.",
        "Feel for the point where the bell stands almost upright, and let it rest there for a breath before the next pull. A bell that is "
        "forced past it strikes unevenly and tires the arms.",
    ),
    Draft(
        "Smoke the hive from below",
        "When the frames of a hive are to be lifted out.",
        "Give two or three soft puffs at the entrance, wait a little, then raise the roof slowly. Bees that are hurried rise to the comb "
        "at once, those that are given a moment go down to the honey.",
    ),
    Draft(
        "Wet the paper on both sides",
        "When a broad sky is laid in with watercolour.",
        "Soak the sheet front and back until it lies flat, then tilt the board and lead the wash from top to bottom without going back. "
        "A second stroke over a half-dry one leaves a hard edge.",
    ),
    Draft(
        "Set every stone with its length inward",
        "When a wall is raised without mortar.",
        "Turn the long side of each stone into the wall and let it rest on two below. Fill the heart with small pieces as the courses "
        "rise, for a hollow wall bulges after the first winter.",
    ),
    Draft(
        "Turn the mirror after each stroke",
        "When the glass of a telescope is ground by hand.",
        "Walk around the stand a few degrees with every stroke and rotate the upper glass the other way. Evenness comes from the turning "
        "alone, and no later polish takes out a ridge.",
    ),
    Draft(
        "Cut the quill while it is warm",
        "When a feather is made into a pen.",
        "Harden the shaft in hot sand, then make the long slanting cut before it has cooled. A cold shaft splits to the side, and the slit "
        "no longer carries the ink to the tip.",
    ),
    Draft(
        "Keep the bevel on the wood",
        "When a bowl is turned on a lathe.",
        "Lay the back of the gouge against the turning wood before the edge is lowered into it. An edge that meets the grain unsupported "
        "digs in and tears out a piece of the rim.",
    ),
    Draft(
        "Wedge the clay until it shows no air",
        "When a lump of clay is made ready for the wheel.",
        "Cut the lump with a wire, slam the halves together and fold them, twenty times or more, until the cut is smooth throughout. What "
        "air is left inside lifts the wall off centre.",
    ),
    Draft(
        "Tie the bridle a hand above the middle",
        "When a kite is to fly in a steady wind.",
        "Fasten the flying line a little above the centre of the spine and shift it by a finger's breadth until the tail hangs straight. "
        "Too low, and the kite circles and falls.",
    ),
    Draft(
        "Tilt the style by the latitude",
        "When a sundial is made for a garden.",
        "Raise the edge that throws the shadow to the angle of the place's latitude and point it at the pole of the sky. The hour lines "
        "hold through all seasons only then.",
    ),
    Draft(
        "Soak the willow by its thickness",
        "When rods are made ready for a basket.",
        "Leave thin rods in water for an hour and thick ones for most of a day, then wrap them in a damp cloth to mellow. A rod that "
        "cracks at the first bend has been soaked too little.",
    ),
)
"""Titled lessons in the form of a memory item."""


def stand_ins(items: Sequence[MemoryItem]) -> Sequence[MemoryItem]:
    """For every item an unrelated one, whose texts have the same lengths as the item's own.

    The first item's id determines which lessons are used, so that the same items are always swapped for the same lessons.
    """
    if not items:
        return ()
    start = int.from_bytes(hashlib.blake2b(items[0].id.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
    return [_stand_in(item, start + place) for place, item in enumerate(items)]


def _stand_in(item: MemoryItem, start: int) -> MemoryItem:
    lessons = [LESSONS[(start + place) % len(LESSONS)] for place in range(len(LESSONS))]
    return replace(
        item,
        title=fit([lesson.title for lesson in lessons], len(item.title), ", "),
        description=fit([lesson.description for lesson in lessons], len(item.description), " "),
        content=fit([lesson.content for lesson in lessons], len(item.content), " "),
    )


def fit(texts: Sequence[str], length: int, between: str) -> str:
    """The texts one after another, repeated as needed and cut at exactly ``length`` characters; no whitespace at the end."""
    joined = between.join(texts)
    while len(joined) < length:
        joined += between + joined
    cut = joined[:length]
    return cut if not cut or not cut[-1].isspace() else cut[:-1] + "."
