"""What model calls may cost: limits of an experiment and of a rollout, and how a call is counted that does not report what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

from rbsuite.errors import BudgetSpent, UsageError
from rbsuite.models.base import Completion, ModelRequest
from rbsuite.trajectory import Spent, Usage

MOST_TOKENS = 1_000_000_000
"""More tokens than any call takes; a count above it has overflowed."""

MOST_COST = 1e9
"""More dollars than any call costs."""

_CHARACTERS_PER_TOKEN = 4
_UNITS = {"cost": "${:,.4f}", "tokens": "{:,} tokens", "calls": "{:,} calls", "seconds": "{:,.0f} s"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be spent; ``None``: any amount.

    Attributes:
        cost: US dollars.
        tokens: in and out.
        calls: model calls; a call that is retried after a failure counts once.
        seconds: wall time.
    """

    cost: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None

    def reached(self, **spent: float) -> str:
        """The name of the first limit that is used up, as it is called here; empty if none is.

        Args:
            spent: what was spent, by the same names.
        """
        for one in fields(self):
            limit = getattr(self, one.name)
            if limit is not None and spent.get(one.name, 0) >= limit:
                return one.name
        return ""


OPTIONS = {"cost": "max-cost", "tokens": "max-tokens", "calls": "max-calls", "seconds": "max-time"}
"""The options that set the limits of an experiment; those of a rollout begin with ``rollout-``."""


def amount(name: str, value: float) -> str:
    """An amount in words: ``$0.1200``, ``3 calls``.

    Args:
        name: as in :class:`Limits`.
        value: how much.
    """
    return _UNITS[name].format(value)


def money(spent: Spent) -> str:
    """What was spent in US dollars, as far as is known, in words."""
    if not spent.unpriced:
        return amount("cost", spent.cost)
    known = f"{amount('cost', spent.cost)} and " if spent.cost else ""
    return f"{known}an unknown amount for {spent.unpriced:,} calls"


def sane(usage: Usage) -> Usage:
    """The usage without counts that no call can have; a price that comes with such a count is taken as unknown."""
    cost = usage.cost
    if (
        type(usage.calls) is type(usage.input_tokens) is type(usage.output_tokens) is int
        and 0 < usage.calls <= MOST_TOKENS
        and 0 <= usage.input_tokens <= MOST_TOKENS
        and 0 <= usage.output_tokens <= MOST_TOKENS
        and (cost is None or (type(cost) is float and 0 <= cost <= MOST_COST))
    ):
        return usage
    counts = [_count(usage.input_tokens), _count(usage.output_tokens)]
    if None in counts or isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost <= MOST_COST:
        cost = None
    cleaned = Usage(_count(usage.calls) or 1, counts[0] or 0, counts[1] or 0, cost)
    return usage if cleaned == usage else cleaned


def _count(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS
    return value if fits else None  # type: ignore[return-value]


def tokens_of(request: ModelRequest, completion: Completion | None) -> int:
    """The tokens of a call: what the provider counted; else an estimate, one token per four characters.

    Args:
        request: what was asked.
        completion: what came back; ``None``: the call was cut off.
    """
    if completion is not None:
        told = completion.usage.tokens
        if told or completion.usage.cost is not None:
            return told
    written = 0 if completion is None else len(completion.text) + len(completion.reasoning)
    tools = sum(len(tool.name) + len(tool.description) + len(str(tool.parameters)) for tool in request.tools)
    asked = sum(len(message.text) for message in request.messages)
    return (asked + tools + written) // _CHARACTERS_PER_TOKEN


@dataclass
class RolloutBudget:
    """What the agent and the simulated user may spend while a rollout is played.

    Judging and grading it afterwards are not counted, so that a rollout that is cut off is graded and judged like any other.

    Attributes:
        limits: how much; the time is kept elsewhere.
        needs_prices: whether a limit on money is an error if a price is not known; if not, the limit applies to the known prices.
        calls, tokens, cost: what they have spent.
    """

    limits: Limits
    needs_prices: bool = True
    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    _unpriced: bool = field(default=False, repr=False)

    def begin(self) -> None:
        """Count a call that is about to be made.

        Raises:
            BudgetSpent: it may not be made.
            UsageError: money is limited, and a call was made whose price is not known.
        """
        if self._unpriced and self.needs_prices and self.limits.cost is not None:
            raise unpriced("rollout-max-cost")
        name = self.limits.reached(cost=self.cost, tokens=self.tokens, calls=self.calls)
        if name:
            spent = amount(name, getattr(self, name))
            raise BudgetSpent(f"the rollout has taken {spent} (--rollout-{OPTIONS[name]}).")
        self.calls += 1

    def add(self, request: ModelRequest, completion: Completion) -> None:
        """A call was answered."""
        self.tokens += tokens_of(request, completion)
        if completion.usage.cost is None:
            self._unpriced = True
        else:
            self.cost += completion.usage.cost


def unpriced(option: str) -> UsageError:
    """The error for when money is limited and a price is not known."""
    return UsageError(
        f"the price of a model call is not known, so --{option} cannot be enforced.",
        "Give its prices in dollars per million tokens (MODEL:input_price=X,output_price=Y), or limit the tokens instead.",
    )


def with_usage(completion: Completion) -> Completion:
    """The completion with its usage made :func:`sane`."""
    usage = sane(completion.usage)
    return completion if usage is completion.usage else replace(completion, usage=usage)
