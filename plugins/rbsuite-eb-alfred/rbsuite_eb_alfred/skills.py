"""The skills that household tasks call for, as the simulated learner knows or lacks them."""

from __future__ import annotations

from rbsuite.environments.solution import Skill

FIND_FIRST = "alfred/find-first"
GO_TO_PLACE = "alfred/go-to-place"
OPEN_TO_TAKE = "alfred/open-to-take"
OPEN_TO_PUT = "alfred/open-to-put"
CLOSE_BEFORE_HEATING = "alfred/close-before-heating"
CLOSE_TO_COOL = "alfred/close-to-cool"
RINSE = "alfred/rinse-in-sink"
SLICE = "alfred/slice-first"
FREE_HAND = "alfred/free-hand"
SECOND_OBJECT = "alfred/second-object"
OTHER_INSTANCE = "alfred/other-instance"
VESSEL = "alfred/fill-then-carry"
HOLD_IN_LIGHT = "alfred/hold-in-light"

SKILLS: tuple[Skill, ...] = (
    Skill(
        FIND_FIRST,
        "Find a thing before taking it",
        "Go to the object with a find action first and only then pick it up.",
        "I reach for the object from where I stand without walking over to it.",
    ),
    Skill(
        GO_TO_PLACE,
        "Go to the target just before putting down",
        "Find the target receptacle right before putting down, since otherwise the thing in hand merely falls to the floor.",
        "I put down what I hold here and trust that it gets to its target.",
    ),
    Skill(
        OPEN_TO_TAKE,
        "Open a closed receptacle to get at its content",
        "When the object lies inside something closed, find that receptacle and open it before you pick the object up.",
        "The thing is in there somewhere, so I grab it through the closed door.",
    ),
    Skill(
        OPEN_TO_PUT,
        "Open the target before putting something in",
        "A cabinet, drawer, safe, fridge or microwave takes an object only while it is open, so open it before you put the object down.",
        "I am at the closed receptacle and set the object down into it directly.",
    ),
    Skill(
        CLOSE_BEFORE_HEATING,
        "Shut the microwave before it runs",
        "To heat something put it into the microwave and close the door, and only then turn it on.",
        "The food is in the microwave, so I switch it on with its door as it is.",
    ),
    Skill(
        CLOSE_TO_COOL,
        "Shut the fridge to chill something",
        "To cool something leave it in the fridge and close the door once before you take it out again.",
        "Holding it into the open fridge for a moment must have chilled it.",
    ),
    Skill(
        RINSE,
        "Put it into the sink to wash it",
        "To clean an object put it down in the sink, turn the faucet on, and then pick the object up again.",
        "I keep the object in my hand while I let the water run.",
    ),
    Skill(
        SLICE,
        "Cut before going on",
        "When a slice is asked for, take a knife and slice the food before you do anything else with it.",
        "I carry the whole piece of food as it is and leave the cutting aside.",
    ),
    Skill(
        FREE_HAND,
        "Lay the knife aside after cutting",
        "You can hold one thing at a time, so put the knife away before you pick up the slice.",
        "I go straight for the slice with the knife still in my hand.",
    ),
    Skill(
        SECOND_OBJECT,
        "Count the objects that are asked for",
        "When two things are asked for, go back for the second one after the first has been put in its place.",
        "One of them is in its place, and I call that enough.",
    ),
    Skill(
        OTHER_INSTANCE,
        "Name the second thing by its number",
        "To fetch a different object of the same kind use its numbered name, because the plain name leads to the same one again.",
        "I look for the second thing under the very name that I used for the first.",
    ),
    Skill(
        VESSEL,
        "Fill the vessel, then carry the vessel",
        "When something goes in a vessel on a target, put it into the vessel first and then carry the filled vessel to the target.",
        "I bring the thing to the target by itself and leave the vessel where it stands.",
    ),
    Skill(
        HOLD_IN_LIGHT,
        "Hold the object under the lamp",
        "To look at something in the light hold it in your hand at the lamp while you turn the lamp on.",
        "I lay the object down next to the lamp before I touch the switch.",
    ),
)
