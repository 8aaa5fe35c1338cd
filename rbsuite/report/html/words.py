"""The result of a comparison, in words that say no more than its figures do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rbsuite.report.html.cells import PageCell, Reading, label

LEVEL = 0.05
"""The p value, adjusted for the number of comparisons, up to which a difference is called one."""

Sentence = Sequence[PageCell | str]
"""Words, and figures that name their source."""


@dataclass(frozen=True, slots=True)
class ComparisonAnswer:
    """The answer to one comparison.

    Attributes:
        verdict: a short sentence.
        kind: ``gain``, ``loss``, ``open`` (not shown) or ``early`` (not finished).
        sentences: the sentences that support it.
        a, b: positions of the two conditions.
    """

    verdict: str
    kind: str
    sentences: Sequence[Sentence]
    a: int
    b: int


def answer(read: Reading, number: int, places: tuple[int, int], names: Sequence[str]) -> ComparisonAnswer:
    """The answer to a comparison.

    Args:
        read: the document.
        number: which comparison.
        places: the positions of the two conditions among those of the document.
        names: their names.
    """
    at = f"/comparisons/{number}"
    one = read.at(at)
    a, b = (names[place] for place in places)
    kind = _kind(one)
    memory = one["a_condition"]["memory"] != one["b_condition"]["memory"]
    subject = a if memory else f"{a} instead of {b}"
    verdict = {
        "gain": f"{subject} helped." if memory else f"{a} scored more than {b}.",
        "loss": f"{subject} hurt." if memory else f"{a} scored less than {b}.",
        "open": f"{a} against {b}: no difference established.",
        "early": f"{a} against {b}: not finished, nothing may be concluded yet.",
    }[kind]
    return ComparisonAnswer(verdict, kind, list(_sentences(read, at, one, kind, places, (a, b))), *places)


def _kind(one: Mapping[str, Any]) -> str:
    if one["difference"] is None or not one["finished"]:
        return "early"
    look = one["look"]
    if look is not None and not look["undeclared_orders"] and look["experiments"] == 1:
        if look["number"] is None:
            return "early"
        found = bool(look["finding"])
    else:
        found = one["p_holm"] is not None and one["p_holm"] <= LEVEL
    return "open" if not found else "gain" if one["difference"] > 0 else "loss"


def _sentences(
    read: Reading, at: str, one: Mapping[str, Any], kind: str, places: tuple[int, int], names: tuple[str, str]
) -> list[Sentence]:
    if one["difference"] is None:
        return [["Nothing can be paired yet."]]
    told: list[Sentence] = [
        [
            *("Mean score of ", label(names[0]), " ", read(f"/conditions/{places[0]}/mean", "percent")),
            *(
                " %, of ",
                label(names[1]),
                " ",
                read(f"/conditions/{places[1]}/mean", "percent"),
                " %. Paired difference ",
            ),
            *(read(f"{at}/difference", "points"), " points"),
            *((", 95 % interval ", read(f"{at}/ci95", "point bounds")) if one["ci95"] else ()),
            *((", p ", read(f"{at}/p_value", "p")) if one["p_value"] is not None else ()),
            *((", adjusted (Holm) ", read(f"{at}/p_holm", "p")) if one["p_holm"] != one["p_value"] else ()),
            ".",
        ]
    ]
    if kind == "open":
        told.append(_missed(read, at, one))
    told.append(
        [
            *("Over ", read(f"{at}/n_tasks", "count"), " tasks in ", read(f"{at}/orders", "count")),
            f" order{'' if one['orders'] == 1 else 's'}",
            ", and for these orders alone: they are too few to say how orders differ."
            if one["conditional_on_order"]
            else ".",
        ]
    )
    if not one["same_scaling"]:
        told.append(
            ["The two do not spend the same number of rollouts per task: the difference mixes memory and budget."]
        )
    if (failures := one["failures"]) is not None and failures["matters"]:
        told.append(["Warning: broken rollouts could change this conclusion; see “What broke”."])
    look = one["look"]
    if look is not None and look["undeclared_orders"]:
        told.append(
            [
                "Orders were added after the declared ones had finished: interval and p value do not allow for that choice."
            ]
        )
    elif look is not None and look["experiments"] > 1:
        told.append(["Orders of several experiments are pooled: interval and p value do not allow for that choice."])
    elif look is not None and look["number"] is not None:
        told.append(
            [
                "Look number ",
                read(f"{at}/look/number", "count"),
                " of those declared beforehand; the level allows for all of them.",
            ]
        )
    return told


def _missed(read: Reading, at: str, one: Mapping[str, Any]) -> Sentence:
    words: list[PageCell | str] = ["That does not prove that there is none"]
    if one["detectable"] is not None:
        words += [
            ": a true difference of ",
            read(f"{at}/detectable", "deviation"),
            " points or more would be found with 80 % power",
        ]
    return [*words, "."]
