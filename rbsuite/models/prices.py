"""What calls cost and how much models take, according to litellm's list, which is read as a file: litellm itself is not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FILE = "model_prices_and_context_window_backup.json"


def price(name: str, usage: Any) -> float | None:
    """The price of a call in US dollars; ``None``: the list does not have the model.

    Args:
        name: ``PROVIDER/MODEL``.
        usage: has ``prompt_tokens``, ``completion_tokens`` and possibly ``prompt_tokens_details`` with ``cached_tokens``; or ``None``.
    """
    known = _prices()
    entry = known.get(name) or known.get(name.partition("/")[2])
    if entry is None or "input_cost_per_token" not in entry or "output_cost_per_token" not in entry:
        return None
    details = getattr(usage, "prompt_tokens_details", None)
    told = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = [told, getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0)]
    cached, sent, written = (count if isinstance(count, int) and count > 0 else 0 for count in counts)
    cached = min(cached, sent)
    each, out = float(entry["input_cost_per_token"]), float(entry["output_cost_per_token"])
    again = float(entry.get("cache_read_input_token_cost", each))
    return (sent - cached) * each + cached * again + written * out


def context(name: str) -> int:
    """How many tokens a model takes; 0: the list does not say.

    Args:
        name: ``PROVIDER/MODEL``.
    """
    known = _prices()
    entry = known.get(name) or known.get(name.partition("/")[2]) or {}
    most = entry.get("max_input_tokens") or entry.get("max_tokens")
    return most if isinstance(most, int) and most > 0 else 0


@cache
def _prices() -> Mapping[str, Mapping[str, Any]]:
    """The list; empty if it is not available."""
    spec = find_spec("litellm")
    for directory in (spec.submodule_search_locations or ()) if spec is not None else ():
        try:
            prices = json.loads((Path(directory) / FILE).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(prices, dict):
            return {name: entry for name, entry in prices.items() if isinstance(entry, dict)}
    return {}
