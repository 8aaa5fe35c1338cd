"""Wording of the mistakes that can be made in single-turn items, for the simulated learner; the learner has its own wording for those of
agent items."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "normal/answer/single_turn_single_function": Lesson(
        "Carry every detail into the call",
        "Before writing a single call, tick off each detail of the request against the parameters, so that none is left out.",
        "I write the call with the details that I remember and let the last one go.",
    ),
    "normal/answer/single_turn_parallel_function": Lesson(
        "One call for each wish",
        "When a request holds several wishes, count them and write as many calls in the one list.",
        "I take care of the first wish and leave the others for another time.",
    ),
    "normal/answer/multi_turn_user_adjust": Lesson(
        "The newest word counts",
        "When the user corrects a detail later in the conversation, put the corrected value into the call, not the first one.",
        "I take the value that was named first and do not look at what came after.",
    ),
    "normal/answer/multi_turn_user_switch": Lesson(
        "Follow the user to the new topic",
        "When the user has moved to another topic, call the function for what is asked now and let the earlier one rest.",
        "I go on with what we talked about before, whatever is asked now.",
    ),
    "normal/answer/similar_api": Lesson(
        "Tell like functions apart",
        "Where several functions sound alike, compare their descriptions word by word before choosing one.",
        "The first function whose name sounds right will do.",
    ),
    "normal/answer/preference": Lesson(
        "Look into the profile",
        "Fill the parameters that the user does not mention from the profile, exactly as it has them.",
        "What the user does not mention I fill in with something usual.",
    ),
    "normal/answer/atom_bool": Lesson(
        "Truth values are True or False",
        "Write a switch as True or False without quotes, and leave none out that the request decides.",
        "I write a switch as a word in quotes, yes or no.",
    ),
    "normal/answer/atom_enum": Lesson(
        "Choose among the allowed values",
        "For a parameter with a list of allowed values, copy the one that fits, letter by letter.",
        "I put a word of my own where the values are listed.",
    ),
    "normal/answer/atom_number": Lesson(
        "Numbers stand without quotes",
        "Write a number as digits without quotes or units, in the unit that the parameter asks for.",
        "I write a number as text together with its unit.",
    ),
    "normal/answer/atom_list": Lesson(
        "Lists keep all entries in order",
        "Put every entry that the user names into the list, in the order of the request.",
        "A list may be shortened to what matters most.",
    ),
    "normal/answer/atom_object_deep": Lesson(
        "Fill objects to the bottom",
        "Go through a nested object level by level and fill every field that the request decides.",
        "Of a nested object I fill the outermost level only.",
    ),
    "normal/answer/atom_object_short": Lesson(
        "Objects are dictionaries",
        "Write an object as a dictionary with the field names of the schema, even where it has one field.",
        "I write what belongs into an object as one text.",
    ),
    "special/answer/incomplete": Lesson(
        "Say what is missing",
        "If a required parameter has no value in the conversation, name the function and all that it lacks in place of a call.",
        "What the user did not say I make up, so that there is a call.",
    ),
    "special/answer/error_param": Lesson(
        "Check values against the schema",
        "Hold each value against the pattern or range of its parameter, and report the one that breaks it in place of a call.",
        "A value that looks odd goes into the call all the same.",
    ),
    "special/answer/irrelevant": Lesson(
        "Decline what no function does",
        "If none of the functions does what is asked, say that it is beyond them in place of a call.",
        "Some function on offer will do, even if it is for something else.",
    ),
}
"""By skill id: one for each category."""
