"""What the shop sells: 500 invented products, the same in every episode."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from rbsuite.seeds import derive_seed

PRODUCTS = 500

_KINDS = {
    "Kitchen": "mug plate bowl ladle teapot jug sieve tray grater whisk",
    "Garden": "trowel planter rake hose lantern trellis bucket sprinkler glove spade",
    "Office": "notebook stapler folder lamp pen ruler clip eraser stamp binder",
    "Bath": "towel brush soap mirror basket curtain mat sponge razor robe",
    "Sport": "ball rope racket whistle bottle cone band helmet glider paddle",
}
_FIRST = ["Amber", "Birch", "Cobalt", "Dune", "Ember", "Fjord", "Granite", "Harbour", "Indigo", "Juniper"]
_SECOND = ["classic", "compact", "folding", "light", "tall"]


@dataclass(frozen=True, slots=True)
class Product:
    """Something that is sold.

    Attributes:
        code: e.g. ``"P0042"``.
        name: unique.
        category: one of five.
        price: price of a pack, in cents.
        pack: pieces in a pack; quantities are counted in packs.
        stock: packs in stock at the start.
        rating: stars from 1 to 5, in halves.
        blurb: a sentence about it.
    """

    code: str
    name: str
    category: str
    price: int
    pack: int
    stock: int
    rating: float
    blurb: str


@cache
def catalogue() -> tuple[Product, ...]:
    """The products by code."""
    chance = random.Random(derive_seed("webshop-mini", "catalogue"))
    names = [
        (category, f"{first} {second} {kind}")
        for category, kinds in _KINDS.items()
        for kind in kinds.split()
        for first in _FIRST
        for second in _SECOND
    ]
    chance.shuffle(names)
    return tuple(
        Product(
            f"P{number:04}",
            name,
            category,
            chance.randrange(150, 4000, 5),
            chance.choice((2, 3, 4, 6)),
            chance.randrange(20, 80),
            chance.randrange(4, 11) / 2,
            f"A {name.split()[-1]} from our {category.lower()} range.",
        )
        for number, (category, name) in enumerate(names[:PRODUCTS], 1)
    )


def categories() -> tuple[str, ...]:
    """The categories."""
    return tuple(_KINDS)
