"""Trajectories as text: one renderer for judges, memories and reports, so that all mechanisms see the same.

What users, tools and pages wrote is included verbatim, so a transcript is fenced in a prompt (:mod:`rbsuite.fencing`). A line of
theirs that would pass for a turn of the transcript is marked with a bar.

Long trajectories (a hundred commands, pages of a site, a patient's record) are cut by the same rule for every reader, to a budget of
tokens, which are estimated (:mod:`rbsuite.tokens`):

1. The longest texts lose their middles first. In what was seen, the first lines of the middle that report a failure are kept, in
   a quarter of its room; head and tail share the rest.
2. If even short texts do not fit, whole turns are left out: those in the middle first, but a quarter of the budget is reserved for those
   of them that saw a failure, the latest first.
3. Every gap is marked with its size.

Labels and these marks come on top of the budget. :func:`rbsuite.reading.fitting.fitted` lowers it for a model with a smaller context.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from rbsuite.frozen import Same
from rbsuite.tokens import CountedText, fit, tokens_of
from rbsuite.trajectory import NO_CHOICE, Action, Observation, Step, ToolCall, Trajectory

_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)

NOTHING = "(nothing)"
"""What is shown if an agent said nothing; where actions are named, that is how it stops."""
BUDGET = 12_000
"""Tokens of a transcript, by default."""
RULES_BUDGET = 6_000
"""Tokens of the rules that an agent was given, by default."""

_FAILURE = re.compile(
    r"^(?:Traceback \(most recent call last\)|E {2,}\S|FAILED\b|FAIL\b|ERROR\b|<returncode>-?[1-9]|[^\n]{0,200}?"
    r"\b(?:\w{0,60}(?:Error|Exception)\b ?:|error:|fatal:|Segmentation fault|command not found))[^\n]*",
    re.MULTILINE,
)
"""A line that reports a failure: of a test, a program, a command, a tool or a page."""
_LEAST = 20
"""No text is cut to fewer tokens; if that does not fit, turns in the middle are left out."""
_SIGNAL = re.compile(r"(?<![ \t])[ \t]*+###[A-Z][A-Z0-9_ -]*###")
"""A word with which a simulated user signals to its environment, such as ``###STOP###``."""


def render_action(action: Action) -> str:
    """An action on one line: ``name({"argument": ...})``, the text, or the chosen index; what was said comes before the calls."""
    if action.index is not None:
        chosen = "nothing" if action.index == NO_CHOICE else action.index
        return f"choose {chosen}{': ' + action.text if action.text else ''}"
    if not action.calls:
        return action.text or NOTHING
    return "; ".join(filter(None, (action.text, *map(render_call, action.calls))))


def render_call(call: ToolCall) -> str:
    """A call on one line: ``name({"argument": ...})``."""
    return f"{call.name}({_ENCODER.encode(call.arguments)})"


def render_transcript(trajectory: Trajectory, *, budget: int = BUDGET, told: Callable[[], None] | None = None) -> str:
    """What an agent saw, thought and did, turn by turn, and how it ended.

    Rewards, scores, the simulated user's own brief and its signals (``###STOP###``) are never in it.

    Args:
        trajectory: may still contain ground truth; it is not shown.
        budget: tokens of all texts together; what has more is cut by the rule of this module. 0: no limit.
        told: called once if something is left out.
    """
    text, whole = _rendered(Same(trajectory), budget)
    if told is not None and not whole:
        told()
    return text


@lru_cache(maxsize=16)  # a judge and then a memory are shown the same one
def _rendered(shown: Same[Trajectory], budget: int) -> tuple[str, bool]:
    """The text of a trajectory, and whether nothing is left out."""
    trajectory = shown.value
    final = trajectory.final
    last = [] if final is None or final.turn == "user" else [(_speaker(final), _seen(final))]
    turns = [*_turns(trajectory.steps), *([last] if last and last[0][1] != NOTHING else [])]
    cut: list[bool] = []
    text = "\n".join([*_lines(turns, budget, lambda: cut.append(True)), f"End: {trajectory.end}"])
    return text, not cut


def render_steps(steps: Sequence[Step], *, budget: int = BUDGET) -> str:
    """The agent's turns so far; see :func:`render_transcript`."""
    return "\n".join(_lines(list(_turns(steps)), budget, None))


def rules_of(trajectory: Trajectory, *, budget: int = RULES_BUDGET, told: Callable[[], None] | None = None) -> str:
    """The rules that the agent was given: the system messages before its first turn; ``""`` if there are none.

    Args:
        trajectory: the rollout.
        budget: tokens after which the middle is left out; 0: no limit.
        told: called once if it is.
    """
    first = next((step.observation for step in trajectory.steps if step.actor == "agent"), None)
    messages = first.messages if first is not None else ()
    text = CountedText("\n\n".join(message.text for message in messages if message.role == "system"))
    if not budget or text.fits(budget):
        return text.text
    if told is not None:
        told()
    return _cut(text, budget)


def cut_text(text: str, most: int) -> str:
    """Head and tail of a text that has more tokens than ``most``; what is left out between them is counted. 0: no limit."""
    return _cut(CountedText(text), most) if most else text


def share_of(budget: int, parts: int) -> int:
    """How much of a budget each of several parts gets; no limit stays no limit, and no share becomes 0."""
    return max(1, budget // max(1, parts)) if budget else 0


def shorten(text: str, length: int) -> str:
    """For a screen: head and tail of a text that has more characters than ``length``; what is left out between them is counted."""
    if len(text) <= length:
        return text
    tail = length // 2
    return _without(text, length - tail, len(text) - tail)


def _cut(text: CountedText, most: int) -> str:
    if text.fits(most):
        return text.text
    tail = most // 2
    return _without(text.text, text.head(most - tail), text.tail(tail))


def _without(text: str, head: int, tail: int) -> str:
    return f"{text[:head]} [{tail - head} characters left out] {text[tail:]}"


def _cut_seen(text: CountedText, most: int) -> str:
    """The same for what was seen: a quarter of the room goes to lines of the middle that report a failure, if there are any."""
    if text.fits(most):
        return text.text
    room = most // 4
    head, tail = text.head((most - room) // 2), text.tail((most - room) // 2)
    lines, last = [], head
    for found in _FAILURE.finditer(text.text, head, tail):
        room -= tokens_of(found.group())
        if room < 0:
            break
        lines.append(found.group())
        last = found.end()
    if not lines:
        return _cut(text, most)
    before = last - head - sum(map(len, lines))
    kept = "\n".join(lines)
    return f"{text.text[:head]} [{before} characters left out] {kept} [{tail - last} characters left out] {text.text[tail:]}"


_LIKE_A_TURN = re.compile(
    r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029](?=[ \t]{0,8}(?:(?:Thought|Action) \d|(?:Observation|Result|End) ?:|\[\d+ turns left out\]))"
)
"""The end of a line after which somebody's words continue with what looks like a turn of the transcript."""
_MARKED = r"\g<0>| "

_Turn = list[tuple[str, str]]
"""Labels and texts of one turn."""
_SEEN = ("Observation", "Result")
"""The labels of what was seen."""


def _turns(steps: Sequence[Step]) -> Iterator[_Turn]:
    for number, step in enumerate((step for step in steps if step.actor == "agent"), start=1):
        thought = [(f"Thought {number}", step.action.thought)] if step.action.thought else []
        seen = (_speaker(step.observation), _seen(step.observation))
        yield [seen, *thought, (f"Action {number}", render_action(step.action))]


def _speaker(observation: Observation) -> str:
    return "Result" if observation.role == "tool" else "Observation"


def _seen(observation: Observation) -> str:
    text = observation.text
    if observation.role != "tool" and "###" in text:
        text = _SIGNAL.sub("", text).strip()
    for image in observation.images:
        text += f" [image: {image.description}]"
    return text.strip() or NOTHING


def _lines(turns: Sequence[_Turn], budget: int, told: Callable[[], None] | None) -> Iterator[str]:
    """The turns as lines, within the budget."""
    if not budget or fit([text for turn in turns for _, text in turn], budget):
        for label, words in chain.from_iterable(turns):
            yield _line(label, words)
        return
    measured = [[(label, CountedText(text)) for label, text in turn] for turn in turns]
    kept = _kept(measured, budget)
    shown = [measured[place] for place in kept]
    sizes = [text.tokens for turn in shown for _, text in turn]
    most = _share(sizes, budget)
    if told is not None and (len(shown) < len(turns) or 0 < most < max(sizes, default=0)):
        told()
    before = -1
    for place, turn in zip(kept, shown, strict=True):
        if place > before + 1:
            yield f"[{place - before - 1} turns left out]"
        before = place
        for label, text in turn:
            cut = _cut_seen if label in _SEEN else _cut
            yield _line(label, cut(text, most) if most else text.text)


def _line(label: str, words: str) -> str:
    return f"{label}: {words if len(words.splitlines()) < 2 else _LIKE_A_TURN.sub(_MARKED, words)}"


def _kept(turns: Sequence[Sequence[tuple[str, CountedText]]], budget: int) -> Sequence[int]:
    """The places of the turns that are shown: all if their texts fit when each is cut to the least."""
    least = [sum(min(text.tokens, _LEAST) for _, text in turn) for turn in turns]
    if sum(least) <= budget:
        return range(len(turns))
    failing = [
        place
        for place, turn in enumerate(turns)
        if any(label in _SEEN and _FAILURE.search(text.text) for label, text in turn)
    ]
    first, after = _ends(least, budget)
    middle = [place for place in failing if first <= place < after]
    if not middle:
        return [*range(first), *range(after, len(turns))]
    first, after = _ends(least, budget - budget // 4)
    chosen = {*range(first), *range(after, len(turns))}
    room = budget - sum(least[place] for place in chosen)
    for place in reversed(failing):
        if place not in chosen and least[place] <= room:
            chosen.add(place)
            room -= least[place]
    return sorted(chosen)


def _ends(least: Sequence[int], budget: int) -> tuple[int, int]:
    """How many of the first turns fit together with the last ones, and where these begin; at least one of each."""
    needed, first, after = sum(least), (len(least) + 1) // 2, (len(least) + 1) // 2
    while needed > budget and first + len(least) - after > 2:
        if first > len(least) - after:
            first -= 1
            needed -= least[first]
        else:
            needed -= least[after]
            after += 1
    return first, after


def _share(lengths: Sequence[int], budget: int) -> int:
    """The length that each text may have so that all fit into the budget; 0 if they fit anyway."""
    if sum(lengths) <= budget:
        return 0
    room = budget
    for place, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - place)
        if length > share:
            return max(share, _LEAST)
        room -= length
    return 0
