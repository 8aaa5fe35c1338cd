"""The rules that what decides the score stays hidden."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from rbsuite.jsonable import canonical, digest, plain
from rbsuite.task import Task
from rbsuite.testing.environments.subject import KIND, EnvironmentSubject, PlayedEpisode, play_on
from rbsuite.testing.plain import parts
from rbsuite.testing.rules import Broken, NotTried, Rule, require, rule
from rbsuite.trajectory import NO_CHOICE, Action, Observation

LEAVES = 32
"""Number of payload values that are changed to see the effect."""
FEWEST, MOST = 2, 4
"""Number of tasks with these payloads: the first of each domain, and as many more as are needed."""
OTHERS = 4
"""Number of values from other tasks that are tried in place of one."""

_TELLING = frozenset(
    ["correct", "expected", "gold", "grade", "ground_truth", "reward", "score", "solution", "success", "truth"]
)
"""Keys that must not occur in anything an agent sees."""

_LIKELY = _TELLING | {"answer", "answers", "checks", "goal", "target"}
"""Keys under which a payload is likely to contain the answer."""

WRONG = (
    (*[Action.call("no_such_tool", {"a": 1})] * 2, *[Action.choose(NO_CHOICE)] * 2),
    (Action("Something quite wrong."),) * 2,
)
"""Actions that do not lead to a solution, in two attempts."""

Leaf = str | int | float
Path = tuple[str | int, ...]
Pair = tuple[PlayedEpisode, PlayedEpisode]


@dataclass(frozen=True, slots=True)
class Decisive:
    """A value of a payload that decides the score and changes nothing else.

    Attributes:
        place: where it is, in words.
        value: the value.
        other: the value that replaced it.
        solved: the reference solution played on the task, and on the task with the other value.
        failed: wrong actions played on both.
    """

    place: str
    value: Leaf
    other: Leaf
    solved: Pair
    failed: tuple[Pair, ...] = ()

    def decides(self) -> bool:
        """Whether the other value lowers the score and is visible only as itself. How an episode closes is checked by the rules."""
        whole, changed = self.solved
        shown = zip(whole.seen[: -1 if whole.over else None], changed.seen, strict=False)
        return (
            changed.grade.score < whole.grade.score
            and len(whole.seen) == len(changed.seen)
            and all(before == after or self.seen_in(before, after) for before, after in shown)
        )

    def seen_in(self, before: Any, after: Any) -> bool:
        """Whether two views, of the task and of the changed one, differ only in the value."""
        first, second = canonical(before), canonical(after)
        ours, theirs = (re.escape(canonical(value).strip('"')) for value in (self.value, self.other))
        if not isinstance(self.value, str):
            ours, theirs = (rf"(?<![\w.]){number}(?![\w.])" for number in (ours, theirs))
        around = map(re.escape, re.split(ours, first))
        return first != second and re.fullmatch(f"(?:{ours}|{theirs})".join(around), second) is not None


async def _decisive(subject: EnvironmentSubject) -> Sequence[Decisive]:
    """The values that decide the score and nothing else, which an agent must not see.

    The contents of a world decide the score too, but changing them changes what happens, so they are not a mere answer key.

    Raises:
        NotTried: none were found.
    """
    if subject.decisive is None:
        subject.decisive = await _find_decisive(subject)
    if not subject.decisive:
        raise NotTried("no value of a payload decides the score alone")
    return subject.decisive


async def _find_decisive(subject: EnvironmentSubject) -> Sequence[Decisive]:
    found = list[Decisive]()
    solved = subject.solved
    firsts = {task.domain: (task, reference) for task, reference in reversed(solved)}
    tried = [*reversed(firsts.values()), *(pair for pair in solved if pair not in firsts.values())]
    tried = tried[: min(max(len(firsts), FEWEST), MOST)]
    for task, reference in tried:
        for path, value in _spread(task.payload)[: LEAVES // len(tried)]:
            one = await _decides(subject, task, reference.actions, path, value)
            found += [one] if one is not None else []
    return found


async def _decides(
    subject: EnvironmentSubject, task: Task, actions: Sequence[Action], path: Path, value: Leaf
) -> Decisive | None:
    """A value of a task's payload with its effects, if it decides only the score."""
    for made_up, other in _in_its_place(subject, path, value):
        changed = replace(task, payload=_with(deepcopy(plain(task.payload)), path, other))
        solved = await _both(subject, task, changed, actions)
        if solved is None:
            continue
        one = Decisive(f"payload.{'.'.join(map(str, path))} of task {task.id!r}", value, other, solved)
        if one.decides():
            failed = [await _both(subject, task, changed, wrong) for wrong in WRONG]
            return replace(one, failed=tuple(pair for pair in failed if pair is not None))
        if made_up:
            break
    return None


def _in_its_place(subject: EnvironmentSubject, path: Path, value: Leaf) -> Iterator[tuple[bool, Leaf]]:
    """Replacements for a value: a made-up one, and, for worlds that look it up, those of other tasks."""
    yield True, f"zq{digest([path, value])[:12]}qz" if isinstance(value, str) else value + 5003
    elsewhere = (dict(_leaves(task.payload)).get(path) for task in subject.tasks)
    others = dict.fromkeys(other for other in elsewhere if type(other) is type(value) and other != value)
    for _, other in zip(range(OTHERS), others, strict=False):
        assert other is not None
        yield False, other


def _spread(payload: Any) -> list[tuple[Path, Leaf]]:
    """The values of a payload, one of each kind before the next of a kind, starting with those under keys that suggest the answer."""
    kinds = defaultdict[tuple[str, ...], list[tuple[Path, Leaf]]](list)
    for path, value in _leaves(payload):
        kinds[tuple(key for key in path if isinstance(key, str) and not key.isdigit())].append((path, value))
    likely_first = sorted(kinds.items(), key=lambda kind: _LIKELY.isdisjoint(kind[0]))
    return [leaf for turn in zip_longest(*(leaves for _, leaves in likely_first)) for leaf in turn if leaf is not None]


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _leaves(inner, (*path, place))
    elif (isinstance(value, int | float) and not isinstance(value, bool)) or (isinstance(value, str) and value.strip()):
        yield path, value


def _with(value: Any, path: Path, leaf: Leaf) -> Any:
    if not path:
        return leaf
    made: Any = list(value) if isinstance(value, list | tuple) else dict(value)
    made[path[0]] = _with(made[path[0]], path[1:], leaf)
    return tuple(made) if isinstance(value, tuple) else made


async def _both(subject: EnvironmentSubject, task: Task, changed: Task, actions: Sequence[Action]) -> Pair | None:
    """The results of actions on a task and, in a separate environment, on a changed one; ``None`` if that cannot be played."""
    try:
        whole = await subject.play(task, actions)
        environment = subject.another()
        try:
            async with subject.opened(changed, environment=environment) as episode:
                return whole, await play_on(episode, actions, subject.lines(task))
        finally:
            await environment.aclose()
    except (Exception, Broken):
        return None


def _read(seen: Observation) -> list[Any]:
    """The parts of an observation that an agent reads."""
    return [seen.text, seen.messages, seen.tools, seen.choices, seen.results]


@rule(
    KIND,
    "truth-hidden",
    "Keep it in the payload and in Grade.truth; the observation says what the world says.",
    after=("same-seed", "solution"),
)
async def truth_hidden(subject: EnvironmentSubject) -> None:
    """What decides the score and nothing else (answer, goal, checks) is in nothing that agent, memory or judge reads."""
    for one in await _decisive(subject):
        _require_hidden(one, one.solved, _read, "is shown")


@rule(
    KIND,
    "truth-after-failure",
    "Say that the action failed, not what would have been right.",
    after=("truth-hidden", "junk-actions"),
)
async def truth_after_failure(subject: EnvironmentSubject) -> None:
    """Nor is it shown after a wrong or failed action."""
    for one in await _decisive(subject):
        for pair in one.failed:
            _require_hidden(one, pair, _read, "is shown after a failed action")


@rule(
    KIND,
    "truth-in-data",
    "Leave it out of `data`; Grade.measures and Grade.truth are for that.",
    after=("same-seed", "solution"),
)
async def truth_in_data(subject: EnvironmentSubject) -> None:
    """Nor is it in Observation.data, which memory and judge get too, and which holds no score, reward or success."""
    for task in subject.played:
        for seen in (await subject.play(task, subject.actions(task))).shown:
            keys = {str(key).lower() for part in parts(seen.data) if isinstance(part, Mapping) for key in part}
            require(
                not keys & _TELLING, f"the data of an observation of task {task.id!r} has {sorted(keys & _TELLING)}"
            )
    try:
        decisive = await _decisive(subject)
    except NotTried:
        return
    for one in decisive:
        for pair in (one.solved, *one.failed):
            _require_hidden(one, pair, lambda seen: [seen.data], "is in the data of an observation")


def _require_hidden(one: Decisive, pair: Pair, read: Callable[[Observation], list[Any]], words: str) -> None:
    before, after = pair
    if len(before.shown) != len(after.shown):
        return
    for ours, theirs in zip(before.shown, after.shown, strict=True):
        require(not one.seen_in(read(ours), read(theirs)), f"{one.place} {words}")
    if before.over and after.over:
        same = read(before.seen[-1]) == read(after.seen[-1])
        require(same, f"the last observation tells whether the answer was right: it changes with {one.place}")


RULES: tuple[Rule[Any], ...] = (truth_hidden, truth_after_failure, truth_in_data)
"""The rules, in the order in which they are checked."""
