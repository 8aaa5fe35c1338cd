"""``ace``: a playbook of short bullets that count how often they helped and harmed.

Source: Agentic Context Engineering (arXiv 2510.04618). A reflector says which of the bullets in the prompt helped
or harmed and what else can be learned; a curator turns that into additions, so that the playbook grows and is never rewritten as a
whole.

Followed: bullets with the counters ``helpful`` and ``harmful``, the roles of reflector and curator, the agent as generator
that names the bullets it uses, tags for those only, additions only, the removal of near duplicates, the whole playbook
in the prompt with its counters. The verdict of the suite's judge takes the place of the source's environment feedback.
An agent that calls tools natively and returns no thoughts has nowhere to name a bullet, and would never have one tagged: then
the reflector is shown all the bullets in its prompt.

Left out: several epochs and several rounds of reflection over one sample, sections of the playbook, and embeddings for
finding duplicates: bullets are compared by the words they share instead, ignoring articles (the same threshold, 0.9; comparing
letters would treat lessons that differ in one word as the same). The source sets no number of additions; ``bullets`` is
the most that ReasoningBank may keep from one task. Above ``characters`` (the source has 80,000 tokens), the bullets that helped
least are left out of the prompt, the older ones first among equals; they stay in the bank.

All rollouts of a task go into one reflection, however they are aggregated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from rbsuite.experience import Experience, MemoryItem, MemoryOp, Outcome, Recall, Recalled, RecallRequest
from rbsuite.fencing import fence, one_line
from rbsuite.memories.asking import ask
from rbsuite.memories.base import BankView
from rbsuite.memories.extraction import additions, show_rollouts, show_rules
from rbsuite.memories.markdown import CONTENT_LIMIT, Draft
from rbsuite.reading.fitting import Room, fitted
from rbsuite.reading.labels import entries, find_labels
from rbsuite.reading.layers import MOST, Layer, Unclear, Unreadable
from rbsuite.reading.stances import check_stands, first_own
from rbsuite.reading.values import (
    Values,
    is_empty,
    objects_with,
    plain_keys,
    read_values,
    text_of_value,
    without_values,
)
from rbsuite.reading.words import is_placeholder, says_nothing, states_nothing
from rbsuite.transcript import BUDGET

KIND = "bullet"
NOTHING = "NOTHING"
TAGS = ("helpful", "harmful", "neutral")
ARTICLES = frozenset(("a", "an", "the"))
TITLE_LENGTH = 80

REVIEW = "Bullets: ID helpful, ID harmful\nInsight: ..."
ADDITIONS = f"ADD: ...\nor\n{NOTHING}"
"""The expected form of a reply, shown to a model that has missed it."""

_TAGGED = re.compile(
    r"(?:bullet[ \t]+)?\[?[\"'`]?(\w+)[\"'`]?\]?[ \t]*(?:[:=(]|->|-|–|is|as)?[ \t]*[*\"'`(]*(\w+)[*\"'`)]*",
    re.IGNORECASE,
)
_LONGEST_TAG = 100
_BULLET_KEYS = ("bullets", "bullet_tags", "tags")
_INSIGHT_KEYS = ("insights", "insight", "key_insights", "key_insight")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Reflection:
    """What a reflector says: a tag for each bullet it names, by id, and insights."""

    tags: Mapping[str, str]
    insights: Sequence[str]


class Playbook:
    """Bullets with counters.

    Args:
        characters: length of the bullets in a prompt, at most; one bullet always fits.
        bullets: bullets added after a task, at most.
        similarity: share of common words, in [0, 1], from which a bullet counts as repeating another.
        temperature: of the reflector and the curator.
        budget: tokens of the transcripts that the reflector sees; 0: no limit.
    """

    def __init__(
        self, characters: int, bullets: int, similarity: float, temperature: float, budget: int = BUDGET
    ) -> None:
        self._characters = characters
        self._bullets = bullets
        self._similarity = similarity
        self._temperature = temperature
        self._budget = budget

    async def recall(self, request: RecallRequest, view: BankView) -> Recall:
        """The whole playbook, as far as it fits."""
        bullets = self._fitting(view.list(kind=KIND))
        if not bullets:
            return Recall(reason="the playbook is empty")
        recalled = tuple(Recalled(item.id, item.revision, worth(item), rank) for rank, item in enumerate(bullets))
        return Recall(recalled, view.render("memory/inject_playbook.j2", bullets=show_bullets(bullets)))

    async def absorb(self, experience: Experience, view: BankView) -> Sequence[MemoryOp]:
        """Counts for the bullets in the prompt, and the curator's additions."""
        shown = [item for found in experience.recalled.items if (item := view.get(found.item_id)) is not None]
        named = named_bullets(experience.outcomes, shown)
        used = shown if named is None else named
        reflection = await self._reflect(experience, used, view, named=named is not None)
        if reflection is None:
            return ()
        provenance = experience.provenance()
        scores = [
            MemoryOp("score", provenance, item_id=item.id, counters={tag: 1.0})
            for item in used
            if (tag := reflection.tags.get(item.id)) in ("helpful", "harmful")
        ]
        added = await self._curate(experience, reflection.insights, view) if reflection.insights else ()
        titles = [text if len(text) <= TITLE_LENGTH else text[: TITLE_LENGTH - 3] + "..." for text in added]
        drafts = [(experience.outcomes, Draft(*draft)) for draft in zip(titles, [""] * len(added), added, strict=True)]
        return [*scores, *additions(KIND, experience, drafts)]

    async def _reflect(
        self, experience: Experience, used: Sequence[MemoryItem], view: BankView, *, named: bool
    ) -> Reflection | None:
        def prompt(room: Room) -> str:
            return view.render(
                "memory/ace_reflect.j2",
                query=fence(experience.query, "request"),
                bullets=show_bullets(used),
                named=named,
                rules=show_rules(experience, room),
                rollouts=show_rollouts(experience.outcomes, room),
                limit=self._bullets,
            )

        asked = fitted(view, prompt, self._budget)
        reflection = await ask(asked, view, temperature=self._temperature, read=read_reflection, form=REVIEW)
        for unknown in set(reflection.tags if reflection else ()) - {item.id for item in used}:
            del unknown
            view.count("extraction_dropped")
        return reflection

    async def _curate(self, experience: Experience, insights: Sequence[str], view: BankView) -> Sequence[str]:
        """The bullets to add, without those that repeat another."""
        stored = view.list(kind=KIND)
        prompt = view.render(
            "memory/ace_curate.j2",
            query=fence(experience.query, "request"),
            insights=fence("\n".join(f"- {one_line(insight)}" for insight in insights), "insights"),
            bullets=show_bullets(self._fitting(stored)),
            limit=self._bullets,
        )
        proposed = await ask(prompt, view, temperature=self._temperature, read=read_additions, form=ADDITIONS) or ()
        known = [_words(item.content) for item in stored]
        added: list[str] = []
        for text in proposed:
            if len(added) == self._bullets or len(text) > CONTENT_LIMIT or self._repeats(text, known):
                view.count("extraction_dropped")
            else:
                added.append(text)
                known.append(_words(text))
        return added

    def _repeats(self, text: str, known: Sequence[frozenset[str]]) -> bool:
        words = _words(text)
        return any(words == other or len(words & other) >= self._similarity * len(words | other) for other in known)

    def _fitting(self, bullets: Sequence[MemoryItem]) -> Sequence[MemoryItem]:
        """The best bullets that fit into the budget, in the order they were added."""
        ranked = sorted(range(len(bullets)), key=lambda place: (-worth(bullets[place]), -place))
        kept: set[int] = set()
        room = self._characters
        for place in ranked:
            room -= len(show_bullet(bullets[place])) + 1
            if room < 0 and kept:
                break
            kept.add(place)
        return [bullets[place] for place in sorted(kept)]


def named_bullets(outcomes: Sequence[Outcome], shown: Sequence[MemoryItem]) -> Sequence[MemoryItem] | None:
    """The shown bullets whose ids the agent wrote; ``None`` if it could not name any, since it returned no thoughts.

    Args:
        outcomes: the rollouts.
        shown: the bullets in their prompts.
    """
    actions = [step.action for outcome in outcomes for step in outcome.trajectory.steps if step.actor == "agent"]
    said = "\n".join(f"{action.thought}\n{action.text}" for action in actions)
    named = [item for item in shown if item.id in said]
    return named if named or any(action.thought for action in actions) else None


def worth(item: MemoryItem) -> float:
    """How many more times a bullet helped than harmed."""
    return item.counters.get("helpful", 0.0) - item.counters.get("harmful", 0.0)


def show_bullet(item: MemoryItem) -> str:
    """A bullet on one line: its id, its counters, its text."""
    helpful, harmful = (item.counters.get(name, 0.0) for name in ("helpful", "harmful"))
    return f"[{item.id}] helpful={helpful:g} harmful={harmful:g} :: {one_line(item.content)}"


def show_bullets(items: Sequence[MemoryItem]) -> str:
    """Bullets as shown in a prompt: a line for each, fenced together; ``""`` if there are none."""
    return fence("\n".join(map(show_bullet, items)), "bullets") if items else ""


def read_reflection(reply: str) -> Reflection:
    """Read a reflector's reply: ``Bullets: ID TAG, ID TAG`` (or ``none``), and any number of ``Insight: ...``.

    The bullets may also be on lines of their own, or be JSON.

    Raises:
        Unreadable: there is no list of bullets, or there is something else in its place.
    """
    return first_own(reply, _reflection)


def read_additions(reply: str) -> Sequence[str]:
    """Read a curator's reply: ``ADD: ...``, any number of times, or JSON; or a statement that there is nothing to add.

    Raises:
        Unreadable: it is neither.
    """
    return first_own(reply, _additions, lambda text: [] if says_nothing(text) else None)


def _reflection(layer: Layer) -> Reflection | None:
    values = _values_of(layer)
    labels = find_labels(layer, {"bullets": r"bullets?(?:[ _]tags?)?", "insight": "(?:key[ _])?insights?"})
    labelled = any(label.name == "bullets" for label in labels)
    prose = without_values(layer, values)
    nothing = not labelled and states_nothing(prose)
    objects = objects_with(values.own if labelled or nothing else values.found, _BULLET_KEYS)
    if not labelled and not objects:
        raise (Unclear if nothing else Unreadable)("there is no line that starts with 'Bullets:'")
    check_stands(prose, values, labels)
    if objects:
        insights = [value[key] for value, _ in objects for key in [key for key in _INSIGHT_KEYS if key in value][:1]]
        listed = [one for told in insights for one in (told if isinstance(told, list) else [told])]
        return Reflection(_tags(",".join(_list_of_json(told) for _, told in objects)), _distinct(listed))
    return Reflection(_tags(",".join(entries(layer, labels, "bullets"))), _distinct(entries(layer, labels, "insight")))


def _values_of(layer: Layer) -> Values:
    values = read_values(layer)
    if values.twice:
        raise Unclear("an object says different things under one key")
    return values


def _tags(text: str) -> Mapping[str, str]:
    """The bullets and tags of a list, separated by commas or on lines of their own; none for a bullet with several tags."""
    tags: dict[str, set[str]] = {}
    for part in islice(re.finditer(r"[^,;\n]+", text), MOST):
        named = part[0].strip(" \t.-*•`()")
        if not named or named.lower() in ("none", "n/a"):
            continue
        match = _TAGGED.fullmatch(named[:_LONGEST_TAG])
        if match is None or match[2].lower() not in TAGS:
            raise Unreadable(f"{named[:60]!r} is not a bullet's id followed by one of {', '.join(TAGS)}")
        tags.setdefault(match[1], set()).add(match[2].lower())
    return {bullet: tag for bullet, told in tags.items() if len(told) == 1 for tag in told}


def _list_of_json(told: object) -> str:
    if isinstance(told, dict):
        return ",".join(f"{name} {tag}" for name, tag in told.items())
    if isinstance(told, list):
        pairs = [plain_keys(one) if isinstance(one, dict) else {"id": text_of_value(one)} for one in told]
        return ",".join(f"{pair.get('id', pair.get('bullet', ''))} {pair.get('tag', '')}" for pair in pairs)
    return text_of_value(told)


def _additions(layer: Layer) -> Sequence[str]:
    values = _values_of(layer)
    labels = find_labels(layer, {"add": "add(?:ition)?s?", "nothing": NOTHING.lower()})
    added = entries(layer, labels, "add")
    prose = without_values(layer, values)
    nothing = not added and (
        any(label.name == "nothing" and not label.rest for label in labels) or states_nothing(prose)
    )
    found = values.own if added or nothing else values.found
    if nothing and not all(map(is_empty, found)):
        raise Unclear("it adds something and says that there is nothing to add")
    check_stands(prose, values, labels)
    for _, told in objects_with(found, ("operations", "additions", "add", "bullets")):
        return _distinct(_addition(one) for one in (told if isinstance(told, list) else [told]))
    if nothing:
        return []
    if not added:
        strings = [one for value in found if isinstance(value, list) for one in value]
        if strings and all(isinstance(one, str) for one in strings):
            return _distinct(strings)
        raise Unreadable(f"there is no line that starts with 'ADD:', and none that says {NOTHING}")
    return _distinct(added)


def _addition(value: object) -> str:
    """The text of an addition in JSON; ``""`` for an operation of another kind."""
    if not isinstance(value, dict):
        return text_of_value(value)
    mine = plain_keys(value)
    if str(mine.get("type", mine.get("op", "add"))).lower() != "add":
        return ""
    return text_of_value(mine.get("content", mine.get("text", mine.get("add", ""))))


def _distinct(texts: Iterable[object]) -> list[str]:
    """The texts that are not empty, each on one line and without duplicates."""
    lines = (" ".join(text_of_value(text).split()) for text in texts)
    return list(dict.fromkeys(line for line in lines if not is_placeholder(line)))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORDS.findall(text.casefold())) - ARTICLES
