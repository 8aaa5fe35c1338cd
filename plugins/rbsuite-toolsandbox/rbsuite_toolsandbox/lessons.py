"""Wording of mistakes that a tool's name and its parameters do not explain, for the simulated learner; it words the others itself.

The key is the skill's id: the domain, the tool or argument, and what goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "milestones/set_low_battery_mode_status/leave-out": Lesson(
        "Leave low battery mode before switching radios on",
        "While low battery mode is on, no radio can be switched on, so switch that mode off first and then the radio that is needed.",
        "I try to switch the radio on while the battery saver still forbids it.",
    ),
    "milestones/get_current_timestamp/leave-out": Lesson(
        "Read the clock before working out a time",
        "Ask the phone for the present time before you turn words such as tomorrow or yesterday into a timestamp.",
        "I go by the date that I have in mind and do not look at the phone's clock.",
    ),
    "milestones/argument/reminder_timestamp": Lesson(
        "Compute a reminder's time from the clock",
        "Shift the phone's present time by the days that are asked for, and set hour and minute exactly, before adding a reminder.",
        "I write a time into the reminder that is about right.",
    ),
    "milestones/argument/phone_number": Lesson(
        "Look the number up in the contacts",
        "Take a phone number from a search of the contacts and write it with its country code, digit by digit.",
        "I fill in a phone number that looks like the one that is meant.",
    ),
    "milestones/argument/person_id": Lesson(
        "Take ids from a search",
        "Search the contacts for the person first and pass on the id that the search returned, unchanged.",
        "I put in an id of a contact without having searched for it.",
    ),
}
