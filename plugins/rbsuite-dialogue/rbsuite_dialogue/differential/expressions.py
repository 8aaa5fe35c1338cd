"""Random expressions for the calculator."""

from __future__ import annotations

import random

_LEAVES = ("0", "1", "2", "7", "10", "3.5", ".5", "2.", "00", "007", "0.0", "123456789", "()", "...")
_OPERATORS = ("+", "-", "*", "/", "+", "-", "*", "/", "//", "**")
_STARS = ("", "", "*", "**")


class Expressions:
    """Random expressions over the calculator's characters: well-formed, malformed and strange ones."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def text(self) -> str:
        """The next expression."""
        rng = self.rng
        if rng.random() < 0.25:
            return "".join(rng.choice("0123456789+-*/(). ") for _ in range(rng.randint(0, 12)))
        text = self._tree(rng.randint(0, 4))
        if rng.random() < 0.15:
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice(["", "(", ")", "*", "/", ".", " ", "0", "-", "x"]) + text[place + 1 :]
        return text

    def _tree(self, depth: int) -> str:
        rng = self.rng
        if depth == 0:
            plain = [f"{rng.uniform(0, 1000):.2f}", str(rng.randint(0, 500))]
            return rng.choice(_LEAVES if rng.random() < 0.5 else plain)
        kind = rng.randrange(12)
        left = self._tree(depth - 1)
        if kind == 0:
            return rng.choice("+-") + left
        if kind < 3:
            return f"({left})"
        right = self._tree(rng.randrange(depth))
        if kind == 3:
            return f"{left}({rng.choice(_STARS)}{right})"
        gap = rng.choice(["", " "])
        return f"{left}{gap}{rng.choice(_OPERATORS)}{gap}{right}"
