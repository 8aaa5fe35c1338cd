"""Skills for official data, one per category: general advice in this project's words, for the simulated learner to learn."""

from __future__ import annotations

from rbsuite.environments.solution import Lesson

_ADVICE = {
    "math": (
        "Verify by substitution",
        "Solve it without looking at the choices, then put the result back into the given conditions.",
        "I fit the choices to the numbers in the text without solving anything.",
    ),
    "physics": (
        "Carry the units along",
        "Keep units in every line and compare the order of magnitude with a known case.",
        "I leave the units out and take whatever number comes up.",
    ),
    "chemistry": (
        "Balance first",
        "Balance the reaction and work in moles before anything is compared.",
        "I compare masses directly, as if moles did not matter.",
    ),
    "law": (
        "Rule before outcome",
        "State the governing rule and its exceptions, then test each fact against its elements.",
        "I go by which party seems to deserve it.",
    ),
    "engineering": (
        "Write down the assumptions",
        "List what is assumed constant and pick the equation that holds under exactly that.",
        "I use the textbook equation without asking when it holds.",
    ),
    "other": (
        "Eliminate with a reason",
        "Give a reason against every choice that is dropped, and keep the one that has none.",
        "I pick the choice that sounds most familiar.",
    ),
    "economics": (
        "Separate shifts from movements",
        "Say which curve shifts and which only moves, then read off price and quantity.",
        "I let both curves shift at once.",
    ),
    "health": (
        "Match the whole picture",
        "Hold every sign and finding against a choice, and drop it if one contradicts.",
        "I go by the single most striking sign.",
    ),
    "psychology": (
        "Define the construct",
        "Define each construct that is named and look for the one that fits all of the behaviour.",
        "I take the everyday meaning of the term.",
    ),
    "business": (
        "Lay out the cash flows",
        "Put every amount on a time line and discount or compound each to the same date.",
        "I add amounts of different dates as they stand.",
    ),
    "biology": (
        "Follow the pathway",
        "Follow cause and effect along the pathway, one step at a time, in the right compartment.",
        "I jump from the first step to the last.",
    ),
    "philosophy": (
        "Name the author's claim",
        "Say in one sentence what the author claims and against whom, before the choices are read.",
        "I answer with what I hold to be true myself.",
    ),
    "computer science": (
        "Trace a small case",
        "Trace the algorithm by hand on the smallest input that is not trivial, and on the empty one.",
        "I guess the behaviour from the name of the algorithm.",
    ),
    "history": (
        "Read the source in its time",
        "Date the source, name its author's interest, and drop what came later.",
        "I judge the passage by what happened afterwards.",
    ),
}

LESSONS = {f"mmlu-pro/{category}": Lesson(*texts) for category, texts in _ADVICE.items()}
"""One per category."""
