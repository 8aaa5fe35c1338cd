"""The fuzzy comparison of names and texts: WRatio as computed by the library rapidfuzz 3.9, on which upstream relies."""

from __future__ import annotations

from collections.abc import Sequence

_MUCH_LONGER = 8
_PARTIAL, _TOKENS = 0.6, 0.95


def w_ratio(one: str, other: str, *, score_cutoff: float | None = None) -> float:
    """The similarity of two processed texts, 0 to 100.

    Later versions of the library treat a text that is exactly eight times as long as the other differently; everything else is unchanged.

    Args:
        one: a text.
        other: the other one.
        score_cutoff: accepted but not needed.
    """
    from rapidfuzz import fuzz

    shorter, longer = sorted((len(one), len(other)))
    if not shorter or longer != _MUCH_LONGER * shorter:
        return fuzz.WRatio(one, other)
    partial = fuzz.partial_ratio(one, other) * _PARTIAL
    tokens = fuzz.partial_token_ratio(one, other) * _TOKENS * _PARTIAL
    return max(fuzz.ratio(one, other), partial, tokens)


def best(query: str, choices: Sequence[str | None], cutoff: float, limit: int) -> list[int]:
    """The indices of the choices that resemble a text, best first; ties in their original order.

    Args:
        query: the text.
        choices: what is searched; null resembles nothing.
        cutoff: the similarity that a choice needs.
        limit: the maximum number returned.
    """
    from rapidfuzz.utils import default_process

    asked = default_process(query)
    scored = [(w_ratio(asked, default_process(text)), place) for place, text in enumerate(choices) if text is not None]
    fitting = sorted((-score, place) for score, place in scored if score >= cutoff)
    return [place for _, place in fitting[:limit]]
