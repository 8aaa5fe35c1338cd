"""What upstream's own answers say and do, and how they are graded: not all of them are right by its own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from rbsuite_acebench.agent_metrics import end_to_end, process_accuracy
from rbsuite_acebench.calls import requoted
from rbsuite_acebench.cases import AGENT, Item, Protocol
from rbsuite_acebench.checker import INCORRECT, MISSING, check_item, plain_name
from rbsuite_acebench.dialogue import FINISH, Dialogue, play

LOGIN = "[login_device()]"
HELLO, GO_ON, DONE = "hello", "please go on", "Done."
END, PROCESS = "end_to_end", "process"

Starts = Mapping[str, Mapping[str, Any]]


def gold_output(item: Item) -> str:
    """A single-turn answer as an output: calls, or what should be said about a request that cannot be met."""
    answer = item.ground_truth
    if item.category == "special_irrelevant":
        return f'["{answer}"]'
    if item.category == "special_incomplete":
        return f"[{'; '.join(f'{MISSING} ({_joined(names)}) for the api ({api})' for api, names in answer.items())}]"
    if item.category == "special_error_param":
        return f"[{'; '.join(f'{INCORRECT} ({_joined(wrong)}) for the parameters ({name})' for name, wrong in answer.items())}]"
    return output_of(answer[0] if isinstance(answer, list) else answer)


def output_of(answer: Mapping[str, Mapping[str, Any]]) -> str:
    """Calls as an output. A number at the end of a name distinguishes calls of one function."""
    return f"[{', '.join(call_text(plain_name(name), arguments) for name, arguments in answer.items())}]"


def call_text(name: str, arguments: Mapping[str, Any]) -> str:
    """A call in Python's syntax."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


def grade_script(
    item: Item, starts: Starts, protocol: Protocol, script: Sequence[str]
) -> tuple[Mapping[str, float], Dialogue]:
    """Play a script in an agent item, as upstream's answers are played: both measures, and the rollout.

    The user of a multi-turn item says ``hello``, then ``please go on`` once for each line of the script, then ``finish conversation``. The
    agent ends with ``Done.`` in a multi-turn item and with ``finish conversation`` in a multi-step item.
    """
    talks = item.category == "agent_multi_turn"
    dialogue = Dialogue(item, starts, protocol, HELLO if talks else None)
    play(dialogue, script, [GO_ON] * len(script), agent_ends=DONE if talks else FINISH, user_ends=FINISH)
    return grade_dialogue(item, dialogue, protocol), dialogue


def grade_dialogue(item: Item, dialogue: Dialogue, protocol: Protocol) -> Mapping[str, float]:
    """Both measures of a rollout so far."""
    correct = end_to_end(item, dialogue.result, protocol).correct
    return {END: float(correct), PROCESS: process_accuracy(item, dialogue.process, correct, protocol)}


def scripts(item: Item) -> list[list[str]]:
    """Ways to meet an agent item's milestones, closest to upstream's first: as they are, repaired, and preceded by a login.

    Repaired means stripped of surrounding whitespace, and with quotes escaped. Milestones are the minimum that has to be done; if the
    device must be logged in and no milestone says so, the login is added.
    """
    found = []
    for stones in item.milestones:
        repaired = [requoted(stone.strip()) for stone in stones]
        found += [stones, repaired, [LOGIN, *repaired]]
    return found


def gold_figures(items: Sequence[Item], starts: Starts, protocol: Protocol) -> Mapping[str, float]:
    """What upstream's own answers score in a category, as upstream computes it: its ceiling.

    Args:
        items: all items of one category.
        starts: the start values of the worlds.
        protocol: how it is graded.
    """
    if items[0].category in AGENT:
        grades = [grade_script(item, starts, protocol, item.milestones[0])[0] for item in items]
        return {name: round(fmean(grade[name] for grade in grades), 3) for name in (END, PROCESS)}
    return outputs_figures(items, [gold_output(item) for item in items])


def outputs_figures(items: Sequence[Item], outputs: Sequence[str]) -> Mapping[str, float]:
    """The accuracy of single-turn outputs in a category.

    Items that are turns of dialogues are counted per dialogue: the share of dialogues whose turns are all right and, as ``process``, the
    mean share of right turns.
    """
    valid = [check_item(item, output) is None for item, output in zip(items, outputs, strict=True)]
    if not items[0].category.startswith("normal_multi_turn"):
        return {END: round(fmean(valid), 3)}
    turns: dict[str, list[bool]] = {}
    for item, right in zip(items, valid, strict=True):
        turns.setdefault(item.dialogue, []).append(right)
    shares = [round(fmean(rights), 3) for rights in turns.values()]
    return {END: round(fmean(all(rights) for rights in turns.values()), 3), PROCESS: round(fmean(shares), 3)}


def _joined(names: Sequence[str]) -> str:
    return ", ".join(names)
