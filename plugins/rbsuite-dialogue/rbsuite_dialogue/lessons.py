"""Wording of the mistakes that tasks of retail and airline set as traps, for the simulated learner; it words the others itself.

The key is the skill's id: the domain, and the argument that goes wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "retail/argument/item_ids": Lesson(
        "Collect all items before the one call",
        "An order takes a single change of its items, so list every item the customer means in that one call.",
        "I send off the items as they came up and see about the rest afterwards.",
    ),
    "retail/argument/new_item_ids": Lesson(
        "Compare the variants option by option",
        "Choose the variant in stock that agrees with each option the customer keeps and has the price they ask for.",
        "This other variant of the product looks near enough, so I put it into the change.",
    ),
    "retail/argument/reason": Lesson(
        "Take the cancellation reason from the customer",
        "Find out why the customer cancels and pass the ground that matches their words, or refuse when none does.",
        "The ground for the cancellation hardly matters, so I enter one of the two.",
    ),
    "airline/argument/nonfree_baggages": Lesson(
        "Work out free bags before charging",
        "Multiply the free bags of membership and cabin by the number of travellers, and count only bags beyond that as nonfree.",
        "I enter the number of charged bags by feeling and do not look at the membership.",
    ),
    "airline/argument/amount": Lesson(
        "Compute a compensation by the rules",
        "Give a certificate only to those entitled to it, with the rate for the event times the number of travellers.",
        "I pick a sum for the certificate that sounds generous.",
    ),
}
