"""Replays the actions of a record, in the form of upstream's records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rbsuite_toolsandbox.conversation import AGENT, USER, Call, Conversation
from rbsuite_toolsandbox.evaluation import evaluate
from rbsuite_toolsandbox.network import Network
from rbsuite_toolsandbox.pack import Pack
from rbsuite_toolsandbox.scenario import Entry
from rbsuite_toolsandbox.tables import COLUMNS
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION

GO_ON = "Please continue."
"""What the user in the records says while the agent has more to do."""


def replay(
    scenario: str,
    actions: Sequence[Mapping[str, Any]],
    pack: str | Path | Pack,
    fixtures: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Play the agent's actions, with a user who says :data:`GO_ON` until they are used up and then ends the conversation.

    Args:
        scenario: the name of a scenario of the pack.
        actions: each ``{"message": TEXT}``, or ``{"tool_calls": [{"name", "arguments"}, ...]}``, carried out at once.
        pack: the pack, or its directory.
        fixtures: answers of web services, each ``{"url", "params", "response"}``.

    Returns:
        ``messages``, ``final_databases``, ``snapshot_indices``, ``evaluation`` and ``crash`` as in a record. ``evaluation`` is ``None``
        after a crash.

    Raises:
        DataError: the pack has no such scenario, or is malformed.
    """
    data = pack if isinstance(pack, Pack) else Pack(pack)
    conversation = data.conversation(scenario, Network(fixtures))
    start = len(conversation.entries)
    play(conversation, actions)
    played, tables = conversation.scenario, conversation.phone.tables
    found = None
    if not conversation.crash:
        first = played.first_user_message
        found = evaluate(played.milestones, played.minefields, conversation.entries, tables, first).record
    return {
        "messages": [_message(index, entry) for index, entry in enumerate(conversation.entries) if index >= start],
        "final_databases": {name: [dict(row) for row in tables.now(name)] for name in COLUMNS},
        "snapshot_indices": {name: list(tables.indices(name)) for name in COLUMNS},
        "evaluation": found,
        "crash": conversation.crash or None,
    }


def play(conversation: Conversation, actions: Sequence[Mapping[str, Any]]) -> Conversation:
    """Play a record's actions with its user; returns the same conversation."""
    for place, action in enumerate(actions):
        if conversation.over:
            break
        if "message" not in action:
            calls = [Call(call["name"], call["arguments"]) for call in action["tool_calls"]]
            conversation.call(AGENT, calls)
            continue
        conversation.say(AGENT, action["message"])
        if conversation.over:
            break
        if place + 1 < len(actions):
            conversation.say(USER, GO_ON)
        else:
            conversation.call(USER, [Call(END_CONVERSATION, {})])
    return conversation


def _message(index: int, entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "sandbox_message_index": index,
        **{name: row[name] for name in ("sender", "recipient", "content", "openai_function_name")},
        **{name: row[name] for name in ("conversation_active", "tool_call_exception")},
        "tool_trace": None if entry.trace is None else list(entry.trace),
        "visible_to": None if entry.visible_to is None else list(entry.visible_to),
    }
