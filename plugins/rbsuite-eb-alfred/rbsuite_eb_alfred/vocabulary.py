"""The words of EB-ALFRED: object types and what can be done with them.

The lists have upstream's order, which numbers the base actions (EmbodiedBench/EmbodiedBench, b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04,
embodiedbench/envs/eb_alfred/utils.py; the contents of movable receptacles: gen/constants.py).
"""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OBJECTS: tuple[str, ...] = _words(
    """
    Cart Potato Faucet Ottoman CoffeeMachine Candle CD Pan Watch HandTowel SprayBottle BaseballBat CellPhone Kettle Mug
    StoveBurner Bowl Toilet DiningTable Spoon TissueBox Shelf Apple TennisRacket SoapBar Cloth Plunger FloorLamp
    ToiletPaperHanger CoffeeTable Spatula Plate Bed Glassbottle Knife Tomato ButterKnife Dresser Microwave CounterTop
    GarbageCan WateringCan Vase ArmChair Safe KeyChain Pot Pen Cabinet Desk Newspaper Drawer Sofa Bread Book Lettuce
    CreditCard AlarmClock ToiletPaper SideTable Fork Box Egg DeskLamp Ladle WineBottle Pencil Laptop RemoteControl
    BasketBall DishSponge Cup SaltShaker PepperShaker Pillow Bathtub SoapBottle Statue Fridge Sink
    """
)
"""What can be looked for, in the order of the actions."""

PICKABLE: tuple[str, ...] = _words(
    """
    KeyChain Potato Pot Pen Candle CD Pan Watch Newspaper HandTowel SprayBottle BaseballBat Bread CellPhone Book Lettuce
    CreditCard Mug AlarmClock Kettle ToiletPaper Bowl Fork Box Egg Spoon TissueBox Apple TennisRacket Ladle WineBottle
    Cloth Plunger SoapBar Pencil Laptop RemoteControl BasketBall DishSponge Cup Spatula SaltShaker Plate PepperShaker
    Pillow Glassbottle SoapBottle Knife Statue Tomato ButterKnife WateringCan Vase
    """
)
"""What can be picked up, in the order of the actions."""

OPENABLE: tuple[str, ...] = ("Safe", "Laptop", "Fridge", "Box", "Microwave", "Cabinet", "Drawer")
"""What can be opened and closed, in the order of the actions."""

TOGGLEABLE: tuple[str, ...] = ("Microwave", "DeskLamp", "FloorLamp", "Faucet")
"""What can be turned on and off, in the order of the actions."""

SLICEABLE: tuple[str, ...] = ("Potato", "Lettuce", "Tomato", "Apple", "Bread")
"""What can be sliced, in the order of the actions."""

OPEN_AT_FIRST: frozenset[str] = frozenset({"Box", "Laptop"})
"""Openable types that are open when a scene starts: the expert's trajectories close them and never open them."""

SLICES: Mapping[str, int] = {"Potato": 7, "Lettuce": 7, "Tomato": 7, "Apple": 7, "Bread": 10}
"""The number of pieces that slicing produces."""

_FOOD = (
    "Apple AppleSliced ButterKnife DishSponge Egg Fork Knife Ladle Lettuce LettuceSliced Potato PotatoSliced Spatula "
    "Spoon Tomato TomatoSliced"
)
_TRINKETS = "CD Candle CellPhone Cloth CreditCard KeyChain Mug PaperTowel Pen Pencil Watch"

MOVABLE_RECEPTACLES: Mapping[str, frozenset[str]] = {
    "Bowl": frozenset(_words(f"{_FOOD} {_TRINKETS} RemoteControl")),
    "Box": frozenset(
        _words(
            """
            AlarmClock Book CD Candle CellPhone Cloth CreditCard DishSponge Glassbottle KeyChain Mug PaperTowel Pen
            Pencil RemoteControl Statue TissueBox Vase Watch
            """
        )
    ),
    "Cup": frozenset({"ButterKnife", "Fork", "Spoon"}),
    "Mug": frozenset(_words("ButterKnife Fork KeyChain Knife Pen Pencil Spoon Watch")),
    "Plate": frozenset(_words(f"{_FOOD} {_TRINKETS} AlarmClock Book Glassbottle TissueBox")),
    "Pan": frozenset(_words(_FOOD)),
    "Pot": frozenset(_words(_FOOD)),
}
"""The receptacles that can be picked up, and the types of objects that may be in them when a scene starts."""


def spoken(name: str) -> str:
    """A bare name as upstream's messages write it: a capital, the rest in lower case (``CellPhone``: ``Cellphone``); ``CD`` stays.

    Follows ``natural_word_to_ithor_name`` in upstream's utils.py.
    """
    return name if name == "CD" else name.capitalize()
