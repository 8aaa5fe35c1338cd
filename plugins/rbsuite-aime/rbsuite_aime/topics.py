"""Topics of competition problems, for the simulated learner: official data does not say which technique a problem calls for."""

from __future__ import annotations

import re

from rbsuite.environments.solution import Lesson

_WORDS = {
    "geometry": r"triangle|circle|sphere|polygon|tangent|rectangle|square|hexagon|perpendicular|torus|angle|quadrilateral",
    "counting": r"probability|how many|number of ways|subsets?|permutations?|arrange|random|colou?r|paths?|tokens",
    "numbers": r"divisible|divides|prime|remainder|integers?|digits?|base|modulo|divisors?",
}
_TOPICS = {topic: re.compile(rf"\b(?:{words})", re.IGNORECASE) for topic, words in _WORDS.items()}

LESSONS = {
    "aime/geometry": Lesson(
        "Fix coordinates before chasing lengths",
        "Put the figure into coordinates, write every given length as an equation, and check the result against a sketch.",
        "I read the length off the sketch and skip the equations.",
    ),
    "aime/counting": Lesson(
        "Count each case exactly once",
        "Split the count into cases that exclude each other, and test the total on a smaller instance that can be listed.",
        "I multiply the numbers of options and do not ask whether some case comes up twice.",
    ),
    "aime/numbers": Lesson(
        "Work prime by prime",
        "Treat each prime power by itself, and put the residues together only at the end.",
        "I try a few small values and go on with the pattern that they seem to follow.",
    ),
    "aime/algebra": Lesson(
        "Substitute back",
        "Simplify by a substitution that keeps the symmetry, and put each root found back into the original equations.",
        "I square both sides and keep every root that comes out.",
    ),
}
"""One per topic; lessons and symptoms are general advice in this project's words."""


def skill_of(text: str) -> str:
    """The skill of the topic whose words come up most often in a problem; algebra if none do."""
    counts = {topic: len(pattern.findall(text)) for topic, pattern in _TOPICS.items()}
    best = max(counts, key=lambda topic: counts[topic])
    return f"aime/{best if counts[best] else 'algebra'}"
