"""The shop's unwritten rules in words, for the simulated learner."""

from __future__ import annotations

from collections.abc import Mapping

from rbsuite.environments.solution import Lesson

LESSONS: Mapping[str, Lesson] = {
    "cart/packs": Lesson(
        "Count in packs",
        "The shop counts in packs, so divide the pieces that are wanted by the size of the pack before filling in the quantity.",
        "I fill in the number of pieces as the quantity.",
    ),
    "cart/coupon": Lesson(
        "Coupon before address",
        "Use a coupon while you are in the cart, since the shop takes none once the address is saved.",
        "I leave the coupon for the last page before the order.",
    ),
    "cart/delivery": Lesson(
        "Delivery after address",
        "Choose the delivery after the address is saved, because saving an address sets it back to standard.",
        "I choose express in the cart and go on from there.",
    ),
    "cart/wrap": Lesson(
        "Quantity before gift wrap",
        "Fill in the quantity before you have something gift wrapped, since changing it later takes the wrap off.",
        "I have it wrapped first and set the quantity in the cart.",
    ),
    "account/confirm": Lesson(
        "Confirm a cancellation",
        "After asking for a cancellation open the messages and confirm it there; until then the order goes on.",
        "The cancellation has been received, so this is done.",
    ),
    "account/send": Lesson(
        "Send the return",
        "A saved return is a draft: press the button that sends it on the page of returns.",
        "The return is saved, so it is on its way.",
    ),
    "account/headline": Lesson(
        "Give a review a headline",
        "Write a headline of your own for every review, because the shop never shows one without.",
        "Stars and text are all that a review needs.",
    ),
    "account/password": Lesson(
        "Change the account with the password",
        "Enter the current password with every change of the account, or the change waits for ever.",
        "The password is only needed for signing in.",
    ),
    "staff/publish": Lesson(
        "Publish what was saved",
        "Prices and coupons hold only once they are published, so publish the changes after saving them.",
        "It is saved, so customers see it.",
    ),
    "staff/stock": Lesson(
        "Enter the difference of a stock",
        "The field for the stock adds to what there is: enter the difference to the number that was counted.",
        "I enter the number that was counted as the stock.",
    ),
    "staff/period": Lesson(
        "Widen the period of a report",
        "Reports of sales cover 30 days at first; set the period to all time when all sales are asked for.",
        "The first figure of the report is the answer.",
    ),
}
"""By skill id."""
