"""The skills that rearrangement in the apartment calls for, as the simulated learner knows or lacks them."""

from __future__ import annotations

from rbsuite.environments.solution import Skill

NAVIGATE = "habitat/navigate-first"
RELEASE = "habitat/put-it-down"
ONE_AT_A_TIME = "habitat/one-at-a-time"
EVERY_ONE = "habitat/every-one"
SEARCH = "habitat/search-on"
DOOR = "habitat/door"
CONDITION = "habitat/condition"
DISTRACTION = "habitat/distraction"
NEIGHBOUR = "habitat/neighbour"
MEANING = "habitat/meaning"

SKILLS: tuple[Skill, ...] = (
    Skill(
        NAVIGATE,
        "Stand at the place before using the hand",
        "Picking and placing work only where the robot stands, so navigate to the place right before each of them.",
        "The hand will surely reach that far from here, and I save myself the walk.",
    ),
    Skill(
        RELEASE,
        "End with an empty hand",
        "A task of moving something counts only once the object has been placed, so finish with a place action and nothing in hand.",
        "I have the object with me, and with that I regard the job as finished.",
    ),
    Skill(
        ONE_AT_A_TIME,
        "Carry a single object per trip",
        "The robot holds one object at a time, so bring the first to its target and place it before you fetch the next.",
        "On the way I collect the second thing as well and drop both off together.",
    ),
    Skill(
        EVERY_ONE,
        "Return until nothing of the kind is left",
        "When all objects of a kind are asked for, go back after each trip until picking one up fails everywhere.",
        "I moved one of them, and one should stand for all.",
    ),
    Skill(
        SEARCH,
        "Try one surface after another",
        "If the instruction does not say where a thing is, visit tables, counters, sink, sofa and TV stand in turn until a pick succeeds.",
        "It was not on the first surface I tried, so there is probably none in this home.",
    ),
    Skill(
        DOOR,
        "Work the refrigerator from its push point",
        "Before opening or closing a door go to it, and for the refrigerator that is the refrigerator push point.",
        "I give the order for the door from the spot where I am.",
    ),
    Skill(
        CONDITION,
        "Test the door before choosing the branch",
        "Where the task depends on the refrigerator, try to open it first: a failure at its push point means it is open, after a success "
        "close it again, and then follow the branch that applies.",
        "I do not bother with the refrigerator and simply go by one half of the sentence.",
    ),
    Skill(
        DISTRACTION,
        "Leave alone what is only mentioned",
        "An object that the instruction names as present or as not wanted stays where it is, so move only the one it asks for.",
        "The first thing that the sentence names is what I carry over.",
    ),
    Skill(
        NEIGHBOUR,
        "Resolve left and right to the next receptacle",
        "Along the kitchen counter the order is left counter, sink, right counter: so right of the left counter, and left of the right "
        "counter, there is the sink.",
        "The sentence has the name of this receptacle in it, so I use exactly that one.",
    ),
    Skill(
        MEANING,
        "Translate descriptions into action names",
        "Replace a description by the category or place among the actions that fits its use and looks best: hot coffee goes into a mug, "
        "the black table is table 1, the brown table is table 2.",
        "I go by the first category or place that sounds vaguely like it.",
    ),
)
