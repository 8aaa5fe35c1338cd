"""The skills that tau-bench's tasks call for, as the simulated learner knows or lacks them."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Skill

EVERY_ITEM = "retail/every-item"
VARIANT = "retail/variant"
PAYMENT = "retail/payment"
REASON = "retail/cancel-reason"
ADDRESS = "retail/address"
DECLINE = "retail/decline"
RETAIL_FINISH = "retail/finish"
RETAIL_FIGURE = "retail/figure"
RETAIL_TRANSFER = "retail/transfer"

BAGS = "airline/bags"
SEGMENTS = "airline/segments"
BASIC_ECONOMY = "airline/basic-economy"
SPLIT = "airline/payment"
CANCEL = "airline/cancel"
CERTIFICATE = "airline/certificate"
AIRLINE_FINISH = "airline/finish"
AIRLINE_FIGURE = "airline/figure"
AIRLINE_TRANSFER = "airline/transfer"

RETAIL_SKILLS: tuple[Skill, ...] = (
    Skill(
        EVERY_ITEM,
        "Collect all items before the one call",
        "An order takes a single exchange, return or item change, so list every item the customer means in that one call.",
        "I send off the first item of the order now and see about the rest afterwards.",
    ),
    Skill(
        VARIANT,
        "Compare the variants option by option",
        "Choose the variant in stock that agrees with each option the customer keeps and has the price they ask for.",
        "This other variant of the product looks near enough, so I put it into the change.",
    ),
    Skill(
        PAYMENT,
        "Settle the money on the agreed method",
        "Book a refund or a price difference on the method the customer agreed to and the policy allows for that order.",
        "Any method on the account will do, so I take the first one I see for the money.",
    ),
    Skill(
        REASON,
        "Take the cancellation reason from the customer",
        "Find out why the customer cancels and pass the ground that matches their words, or refuse when none does.",
        "The ground for the cancellation hardly matters, so I enter one of the two.",
    ),
    Skill(
        ADDRESS,
        "Copy a stored address whole and to the right place",
        "Pass each field of the address as it is stored, second line included, and change only the record that was named.",
        "Street, city and zip are enough for the parcel to arrive, so I leave it at that.",
    ),
    Skill(
        DECLINE,
        "Leave the order alone when the rules say so",
        "When the customer's wish breaks the policy or they take it back, decline politely and call no tool that changes data.",
        "The customer would like this, so I simply do it for them.",
    ),
    Skill(
        RETAIL_FINISH,
        "Tick off every request before closing",
        "Keep a list of all the customer's requests for their orders and carry out the last of them before you close.",
        "The main thing is settled, which should be enough for this customer.",
    ),
    Skill(
        RETAIL_FIGURE,
        "Say the figure that was asked for",
        "When the customer asks for an amount or a fact about an order, work it out and state it in a message to them.",
        "The changes are made and the customer can look up the numbers later.",
    ),
    Skill(
        RETAIL_TRANSFER,
        "Use the tools before handing over",
        "Serve a shop customer with the tools as long as they cover the request, and transfer only what they cannot do.",
        "This looks complicated, so I pass the shop customer on to a colleague.",
    ),
)

AIRLINE_SKILLS: tuple[Skill, ...] = (
    Skill(
        BAGS,
        "Work out free bags before charging",
        "Multiply the free bags of membership and cabin by the number of travellers, and count only bags beyond that as nonfree.",
        "I enter the number of charged bags by feeling and do not look at the membership.",
    ),
    Skill(
        SEGMENTS,
        "Name all flights of the trip",
        "The flight list is replaced as a whole, so pass all segments of the trip, the unchanged ones too.",
        "Only the first flight needs to be written into the call.",
    ),
    Skill(
        BASIC_ECONOMY,
        "Know what basic economy allows",
        "A basic economy reservation keeps its flights and dates, but its cabin may be raised on those same flights.",
        "I treat this basic economy ticket without asking what its fare permits.",
    ),
    Skill(
        SPLIT,
        "Divide the price over the agreed payments",
        "Charge the methods the traveller named in the agreed amounts, with one certificate at most and the sum exact.",
        "I charge everything to one method and do not bother about the rest.",
    ),
    Skill(
        CANCEL,
        "Check the grounds before cancelling a trip",
        "Cancel a reservation only after checking booking time, cabin, insurance with its cause, and flights called off.",
        "I decide about the cancellation from what the traveller says alone.",
    ),
    Skill(
        CERTIFICATE,
        "Compute a compensation by the rules",
        "Give a certificate only to those entitled to it, with the rate for the event times the number of travellers.",
        "I pick a sum for the certificate that sounds generous.",
    ),
    Skill(
        AIRLINE_FINISH,
        "Carry out all wishes of the traveller",
        "Note each wish of the traveller about their reservations and see that the last change is made before you finish.",
        "One change to the reservation is done, and I leave it there.",
    ),
    Skill(
        AIRLINE_FIGURE,
        "Tell the traveller the number",
        "When the traveller asks for a price, a balance or a count, compute it and write it in a message.",
        "I finish without the numbers, since the traveller will see them on the statement.",
    ),
    Skill(
        AIRLINE_TRANSFER,
        "Keep the traveller while tools can help",
        "Handle a flight request with the tools at hand, and transfer only what the policy reserves for colleagues.",
        "This flight request is unpleasant, so I hand the traveller to a colleague.",
    ),
)

SKILLS: tuple[Skill, ...] = (*RETAIL_SKILLS, *AIRLINE_SKILLS)

TRAPS: Mapping[str, str] = {
    "one-call-items": EVERY_ITEM,
    "refund-destination": PAYMENT,
    "cheapest-variant": VARIANT,
    "profile-address": ADDRESS,
    "cancel-reason": REASON,
    "state-total": RETAIL_FIGURE,
    "bag-allowance": BAGS,
    "basic-economy": BASIC_ECONOMY,
    "all-segments": SEGMENTS,
    "cancel-eligibility": CANCEL,
    "compensation-amount": CERTIFICATE,
    "certificate-payment": SPLIT,
}
"""The skill behind the recurring trap that a group of sample tasks is named after."""
