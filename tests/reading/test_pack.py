"""Replies in the styles of many models: those of the pack ``model-replies``, where it is there, and further ones of each kind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rbsuite.agents.plans import read_plan, read_step
from rbsuite.errors import ParseFailure
from rbsuite.judges.verdicts import parse_verdict
from rbsuite.memories.markdown import parse_items
from rbsuite.reading.actions import parse_action
from rbsuite.scaling.selectors import parse_index

PACKS = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).parents[3] / "shared" / "packs")
PACK = PACKS / "model-replies" / "replies.jsonl"
Record = Mapping[str, Any]


def lines() -> Sequence[Record]:
    """The pack's records; none where it is not there."""
    return [json.loads(line) for line in PACK.read_text("utf-8").splitlines()] if PACK.is_file() else []


def items(record: Record) -> None:
    parsed = parse_items(record["reply"], record.get("limit", 3))
    expected = record["expect"].get("items", [])
    assert parsed.none_said == bool(record["expect"].get("none_said"))
    assert len(parsed.drafts) == len(expected)
    for draft, wanted in zip(parsed.drafts, expected, strict=True):
        assert draft.title == wanted["title"]
        assert draft.description == wanted.get("description", draft.description)
        assert draft.content == wanted.get("content", draft.content)
        assert draft.content.startswith(wanted.get("content_starts", ""))


def verdict(record: Record) -> None:
    found = parse_verdict(record["reply"])
    label = found.label if found else None
    wanted = record["expect"]["label"]
    assert label != "success" if wanted == "!success" else label == wanted


def plan(record: Record) -> None:
    found = read_plan(record["reply"], record["choices"])
    assert (list(found.indices) if found.readable else None) == record["expect"]["indices"]


def step(record: Record) -> None:
    found = read_step(record["reply"], record["choices"])
    assert (list(found.indices) if found.readable else None) == record["expect"]["indices"]


def index(record: Record) -> None:
    assert parse_index(record["reply"], record["count"]) == record["expect"]["index"]


def react(record: Record) -> None:
    action = parse_action(record["reply"])
    calls = [{"name": call.name, "arguments": call.arguments} for call in action.calls]
    assert (calls or [{"name": "respond", "arguments": {"content": action.text}}]) == [record["expect"]]


CHECKS: Mapping[str, Callable[[Record], None]] = {
    check.__name__: check for check in (items, verdict, plan, step, index, react)
}


@pytest.mark.skipif(not PACK.is_file(), reason="the pack model-replies is not there")
@pytest.mark.parametrize("record", lines(), ids=lambda record: f"{record['kind']}: {record['style']}")
def test_every_line_of_the_pack_is_read_as_expected(record: Record) -> None:
    CHECKS[record["kind"]](record)


ITEM = {"title": "Look first", "description": "When lost.", "content": "Look."}
TWO = [ITEM, {"title": "Ask", "description": "In doubt.", "content": "Ask."}]
BODY = "## Title\nLook first\n## Description\nWhen lost.\n## Content\nLook."
DRAFT = "# Memory Item 1\n## Title\nDraft\n## Description\nd\n## Content\nc"

ITEMS = {
    "bold labels": "**Memory Item 1**\n\n**Title:** Look first\n**Description:** When lost.\n**Content:** Look.",
    "bold all through": "**Title: Look first**\n**Description: When lost.**\n**Content: Look.**",
    "list": "1. **Title**: Look first\n   - **Description**: When lost.\n   - **Content**: Look.",
    "title in the heading": "### Memory Item 1: Look first\n**Description** - When lost.\n**Content** - Look.",
    "title as a numbered heading": "## 1. Look first\n**Description:** When lost.\n**Content:** Look.",
    "title as a list entry": "1. **Look first**\n   - **Description**: When lost.\n   - **Content**: Look.",
    "tags": "<item>\n<title>Look first</title>\n<description>When lost.</description>\n<content>\nLook.\n</content>\n</item>",
    "tags on one line": "<item><title>Look first</title><description>When lost.</description><content>Look.</content></item>",
    "bold tags": "<b>Title:</b> Look first\n<b>Description:</b> When lost.\n<b>Content:</b> Look.",
    "table": "| Title | Description | Content |\n|---|---|---|\n| Look first | When lost. | Look. |",
    "pictures": "# \U0001f9e0 Memory Item 1\n" + BODY.replace("## ", "## \U0001f4cc "),
    "underlined": "Title\n-----\nLook first\n\nDescription\n-----\nWhen lost.\n\nContent\n-----\nLook.",
    "plain": "Memory Item 1\nTitle: Look first\nDescription: When lost.\nContent: Look.",
    "upper case": "# MEMORY ITEM 1\n## TITLE\nLook first\n## DESCRIPTION\nWhen lost.\n## CONTENT\nLook.",
    "numbered sections": "# Memory Item 1\n## 1. Title\nLook first\n## 2. Description\nWhen lost.\n## 3. Content\nLook.",
    "full-width colon": "# Memory Item 1\n## Title\uff1aLook first\n## Description\uff1aWhen lost.\n## Content\uff1aLook.",
    "a fence that is not closed": f"Here you are:\n```markdown\n# Memory Item 1\n{BODY}",
    "text around a fence": f"Here you are:\n```\n# Memory Item 1\n{BODY}\n```\nI hope this helps!",
    "draft in thinking": f"<thinking>\n{DRAFT}\n</thinking>\n# Memory Item 1\n{BODY}",
    "draft in thinking afterwards": f"# Memory Item 1\n{BODY}\n<think>\n{DRAFT}\n</think>",
    "draft in thinking that was cut": f"# Memory Item 1\n{BODY}\n\n[THINK]{DRAFT}",
    "example in a fence": f"The form is\n```\n{DRAFT}\n```\n# Memory Item 1\n{BODY}",
    "odd beginnings of lines": f"\xa0# Memory Item 1\n\u200e{BODY}".replace("\n#", "\x0b\u3000\xad#").replace(
        "When", "\u202aWhen"
    ),
    "draft in notes": f"<scratchpad>\n{DRAFT}\n</scratchpad>\n<answer>\n# Memory Item 1\n{BODY}\n</answer>",
    "draft in a fence with odd spaces": f"\u3000```\n{DRAFT}\n\u3000```\n# Memory Item 1\n{BODY}",
    "quoted example": "\n".join(f"> {line}" for line in DRAFT.split("\n")) + f"\n\n# Memory Item 1\n{BODY}",
    "all quoted": "\n".join(f"> {line}" for line in f"# Memory Item 1\n{BODY}".split("\n")),
    "json in a fence": f"```json\n{json.dumps([ITEM])}\n```",
    "json with a key": json.dumps({"memory_items": [ITEM]}),
    "json by heading": json.dumps({"Memory Item 1": ITEM}),
    "json by capital keys": json.dumps({key.title(): value for key, value in ITEM.items()}),
    "single quotes and commas": "[{'title': 'Look first', 'description': 'When lost.', 'content': 'Look.',},]",
    "raw newlines in json": '{"title": "Look first",\n "description": "When lost.",\n "content": "Look."\n}',
    "content as a list": json.dumps([{**ITEM, "content": ["Look."]}]),
    "json lines": json.dumps(ITEM) + "\n" + "trailing words",
    "harmony": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|># Memory Item 1\n{BODY}",
}


@pytest.mark.parametrize("style", ITEMS)
def test_items(style: str) -> None:
    items({"reply": ITEMS[style], "expect": {"items": [ITEM]}})


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(
            f"# Memory Item {n}\n## Title: {i['title']}\n## Description: {i['description']}\n## Content: {i['content']}\n---"
            for n, i in enumerate(TWO)
        ),
        "\n\n".join(
            f"**Title**: {i['title']}\n**Description**: {i['description']}\n**Content**: {i['content']}" for i in TWO
        ),
        "\n".join(
            f"```markdown\n# Memory Item {n}\n## Title\n{i['title']}\n## Description\n{i['description']}\n## Content\n{i['content']}\n```"
            for n, i in enumerate(TWO)
        ),
        "\n".join(map(json.dumps, TWO)),
        "\n".join(
            f"<item><title>{i['title']}</title><description>{i['description']}</description><content>{i['content']}</content></item>"
            for i in TWO
        ),
        f"# Memory Items\n```json\n{json.dumps(TWO, indent=1)}\n```",
    ],
)
def test_several_items(reply: str) -> None:
    items({"reply": reply, "expect": {"items": TWO}})


def test_a_content_keeps_what_looks_like_fainter_labels_and_fences() -> None:
    content = "Fill in the form:\nTitle: Mr\nDescription: none\n```sh\n# Memory Item 7\nls\n```\nthen stop."
    reply = f"# Memory Item 1\n## Title\nForms\n## Description\nd\n## Content\n{content}\n"
    items({"reply": reply, "expect": {"items": [{"title": "Forms", "description": "d", "content": content}]}})


@pytest.mark.parametrize(
    "reply",
    [
        "None",
        "NOTHING.",
        "Nothing to learn.",
        "There is nothing new to learn from this attempt.",
        "<think>hm</think>No new memory items.",
        "No generalizable insights could be extracted.",
        "# Memory Items\n\nNone.",
        "[]",
        "```json\n[]\n```",
        "I found no new lessons in this trajectory.",
    ],
)
def test_nothing_to_learn_is_an_outcome(reply: str) -> None:
    items({"reply": reply, "expect": {"none_said": True}})


@pytest.mark.parametrize(
    "reply",
    [
        "Nothing was done, but one should check the order first.",
        "No items were found in the cart. The agent should have looked first.",
        "There was a lot to learn from this one.",
    ],
)
def test_prose_is_no_such_outcome(reply: str) -> None:
    items({"reply": reply, "expect": {}})
    assert parse_items(reply, 3).problem


PLANS = {
    "text around": ('Sure! {"executable_plan": [{"action_id": 2}, {"action_id": 3}]} Good luck {x}.', [2, 3]),
    "text around a fence": ('My plan:\n```json\n{"executable_plan": [{"action_id": 2}]}\n```\nDone.', [2]),
    "trailing commas": ('{"executable_plan": [{"action_id": 2,}, {"action_id": 3},],}', [2, 3]),
    "raw newlines and quotes": (
        '{"language_plan": "first\nsay "go"\nthen", "executable_plan": [{"action_id": 2}]}',
        [2],
    ),
    "python": ("{'language_plan': None, 'executable_plan': [{'action_id': 2, 'done': True}]}", [2]),
    "no quotes": ("{executable_plan: [{action_id: 2, action_name: find a cup}]}", [2]),
    "comments": ('{"executable_plan": [{"action_id": 2}, // the cup\n {"action_id": 3}]}', [2, 3]),
    "capital keys": ('{"Executable Plan": [{"Action ID": "2"}]}', [2]),
    "nested": ('{"plan": {"executable_plan": [{"action_id": 2}]}}', [2]),
    "bare list": ('[{"action_id": 2}, {"action_id": 3}]', [2, 3]),
    "doubly encoded": (json.dumps({"executable_plan": '[{"action_id": 2}]'}), [2]),
    "escaped": ('{\\"executable_plan\\": [{\\"action_id\\": 2}]}', [2]),
    "draft in thinking": ('<think>{"executable_plan": [5]}</think>{"executable_plan": [2]}', [2]),
    "only thought": ('<think>{"executable_plan": [5]}</think>', None),
    "words": ("**Executable plan:**\n1. action_id: 2, find a cup\n2. action id 3: go", [2, 3]),
    "unknown id first": ('{"executable_plan": [{"action_id": 12}]}', None),
    "unknown id later": ('{"executable_plan": [{"action_id": 2}, {"action_id": 12}, {"action_id": 3}]}', [2]),
    "no number": ('{"executable_plan": [{"action_id": 2}, {"action_id": "cup"}]}', None),
    "half a number": ('{"executable_plan": [{"action_id": 1.5}]}', None),
    "true": ('{"executable_plan": [{"action_id": true}]}', None),
    "two plans": ('{"executable_plan": [2]} {"executable_plan": [3]}', None),
    "cut": ('{"executable_plan": [{"action_id": 2}, {"action_id": 3}, {"act', None),
    "cut after an object": ('{"executable_plan": [{"action_id": 2}', None),
    "taken back": ('{"executable_plan": [{"action_id": 1}]}\nActually, the plan is action 2.', None),
    "two in one": ('{"executable_plan": [{"action_id": 1, "action": 2}]}', None),
    "numbered": ('{"executable_plan": [{"id": 1, "action_id": 4}]}', [4]),
    "the end": ('{"executable_plan": []}', []),
}


@pytest.mark.parametrize("style", PLANS)
def test_plans(style: str) -> None:
    reply, indices = PLANS[style]
    plan({"reply": reply, "choices": 10, "expect": {"indices": indices}})


@pytest.mark.parametrize(
    ("reply", "indices"),
    [
        ('{"action_id": "3"}', [3]),
        ('{"action_id": 3.0}', [3]),
        ("{'reasoning': 'it's there', 'action_id': 3,}", [3]),
        ("I go on.\n**Action ID:** 3", [3]),
        ('{"executable_plan": [{"action_id": 3}]}', [3]),
        ('{"action_id": null}', []),
        ('{"action_id": "none"}', []),
        ('<think>{"action_id": 1}</think>{"action_id": 3}', [3]),
        ('{"action_id": 3} {"action_id": 4}', None),
        ('{"action_id": 10}', None),
        ('The page says {"action_id": 1}; I do not follow it.', None),
        ('The page says {"action_id": 1}.\nI do not follow it.', None),
        ('The page says\n> {"action_id": 1}\nI ignore it.', None),
        ('{"action_id": 1, "action": 2}', None),
        ('{"action_id": 3, "action": "find 2 cups", "index": 0}', [3]),
        ('The next action is {"action_id": 3}.', [3]),
        ('{"action_id": 3', None),
        ("I take the cup.", None),
    ],
)
def test_steps(reply: str, indices: list[int] | None) -> None:
    step({"reply": reply, "choices": 10, "expect": {"indices": indices}})


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("Index: 1", 1),
        ("**Best index:** 1\nAnalysis: it is short", 1),
        ("The best rollout is 1.", 1),
        ("Rollout 1", 1),
        ("```json\n{'index': '1',}\n```", 1),
        ('{"index": 0}</think>{"index": 1}', 1),
        ('> {"index": 0}\n{"index": 1}', 1),
        ('```\n{"index": 0}\n```\n{"index": 1}', 1),
        ('{"index": "Rollout 1", "analysis": ""}', 1),
        ("1 or 2", None),
        ("3", None),
        ('{"index": 1.5}', None),
        ("Index: 1\n\xa0Index: 0", None),
        ("Index: 1\x0b\u202eIndex: 0", None),
        ('{"index": 0}\n{"index": 1}\n```\n{"index": 1}\n```', None),
        ('Hm <think>{"index": 1}', None),
        ('{"index": "all"}', None),
        ('> {"index": 1}\nThat is what the page says.', None),
        ('> {"index": 1}\nRollout 0 is best.', None),
        ('{"index": 1}\nActually, rollout 0 is the best.', None),
        ("Index: 1\nNo, I take that back. Index 0.", None),
        ('{"index": 1, "best": 0}', None),
        ('{"index": 1, "best": true}', 1),
        ('Rollout 1 is best.\n```\n{"index": 1}\n```', 1),
        ('```\n{"index": 1}\n```\nRollout 0 ignored it. I did not choose it since that is wrong.', 1),
        ("Index: 1\nAnalysis: Did rollout 0 work? No, it did not. That is wrong.", 1),
    ],
)
def test_indices(reply: str, found: int | None) -> None:
    index({"reply": reply, "count": 3, "expect": {"index": found}})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"{key}": {first}', '"{key}": {second}'),
        ('"{key}": {first}', '"{upper}": {second}'),
        ("'{key}': {first}", "{key}: {second}"),
        ('"x": [{{"a": 1, "a": 2}}], "{key}": {first}', '"y": 1'),
    ],
)
def test_an_object_that_says_different_things_under_one_key_is_not_read(one: str, other: str) -> None:
    def reply(key: str, first: str, second: str) -> str:
        told = (part.format(key=key, upper=key.upper(), first=first, second=second) for part in (one, other))
        return f"{{{', '.join(told)}}}"

    quoted = "\n```\n{}\n```"
    verdict({"reply": reply("verdict", '"success"', '"failure"'), "expect": {"label": None}})
    index({"reply": reply("index", "1", "2") + quoted.format('{"index": 1}'), "count": 3, "expect": {"index": None}})
    step({"reply": reply("action_id", "1", "2"), "choices": 9, "expect": {"indices": None}})
    plan({"reply": reply("executable_plan", "[1]", "[2]"), "choices": 9, "expect": {"indices": None}})
    with pytest.raises(ParseFailure):
        parse_action("Action: " + reply("name", '"good", "arguments": {}', '"evil"'))


def test_an_object_may_say_the_same_twice() -> None:
    index({"reply": '{"index": 1, "analysis": "", "index": 1}', "count": 3, "expect": {"index": 1}})


@pytest.mark.parametrize(
    "form", ["The page says {}.", "The page says\n> {}\nand lies.", "The page says\n```\n{}\n```\nand lies."]
)
@pytest.mark.parametrize(
    "said", ["I choose {} 2.", "So I will take **{} 2**, not that.", "My choice is {} 2", "**{} id: 2**"]
)
def test_what_is_quoted_does_not_count_if_another_one_is_chosen_outside(form: str, said: str) -> None:
    told = said.format("rollout").replace("rollout id", "Index")
    assert parse_index(form.format('{"index": 1}') + f"\n{told}", 3) in {None, 2}
    told = said.format("action")
    assert read_step(form.format('{"action_id": 1}') + f"\n{told}", 9).indices in {(), (2,)}


@pytest.mark.parametrize(
    "said",
    [
        "I choose rollout 1.",
        "Rollout 1 is better than rollout 2.",
        "I choose between 3 rollouts.",
        "If I choose rollout 2, the request is not met.",
        "I would choose rollout 2, but it is wrong.",
        "I take 2 steps back.",
        "Index:",
    ],
)
def test_what_is_told_besides_does_not_deny_a_choice(said: str) -> None:
    for form in ("{}\n{}", "{}\n```json\n{}\n```"):
        index({"reply": form.format(said, '{"index": 1}'), "count": 3, "expect": {"index": 1}})
        step({"reply": form.format(said, '{"action_id": 1}'), "choices": 9, "expect": {"indices": [1]}})


@pytest.mark.parametrize(
    "reply",
    [
        "Executable plan: not action_id 1 but action_id 3",
        "Executable plan: action_id 3 instead of action id 1",
        'The page says {"executable_plan": [1]}.\nExecutable plan: action_id 3',
    ],
)
def test_a_plan_that_names_other_actions_is_not_read(reply: str) -> None:
    plan({"reply": reply, "choices": 9, "expect": {"indices": None}})


CALL = {"name": "get_order", "arguments": {"id": "#1", "n": 2}}
WRITTEN = json.dumps(CALL)


@pytest.mark.parametrize(
    "reply",
    [
        f"**Thought:** look\n**Action:** {WRITTEN}",
        f"## Thought\nlook\n## Action\n```\n{WRITTEN}\n```",
        f"Thought: look\nAction 1: {WRITTEN}\nObservation: ok\nAction 2: " + '{"name": "x", "arguments": {}}',
        f"Let me look.\n```json\n{WRITTEN}\n```",
        WRITTEN,
        f"[{WRITTEN}]",
        f"<tool_call>\n{WRITTEN}\n</tool_call>",
        "Action: {'name': 'get_order', 'arguments': {'id': '#1', 'n': 2,},}",
        'Action: {"tool": "get_order", "args": {"id": "#1", "n": 2}}',
        "Action: " + json.dumps({"name": "get_order", "arguments": json.dumps(CALL["arguments"])}),
        "Action: " + json.dumps({"type": "function", "function": CALL}),
        "Action: get_order({'id': '#1', 'n': 2})",
        "Action: `get_order(id='#1', n=2)`",
        'Action: get_order\nAction Input: {"id": "#1", "n": 2}',
        f'```\nAction: {{"name": "other", "arguments": {{}}}}\n```\nAction: {WRITTEN}',
        f'Action: {{"name": "other", "arguments": {{}}}}\nNo, wait.\nAction: {WRITTEN}',
        f'[THINK]Action: {{"name": "other", "arguments": {{}}}}[/THINK]Action: {WRITTEN}',
        f"Thought: I am not sure about Action: maybe\nAction: {WRITTEN}",
        f"Thought: look\n1. **Final Action:** `{WRITTEN}`, then I wait.",
        f'Thought: the user said "hi" Action: {WRITTEN}',
        f"Let me look. Action: {WRITTEN} I wait.",
        f"Let me look: `{WRITTEN}`",
        f"I call the tool\n<tool_call>{WRITTEN}</tool_call> and wait.",
        f'Action: {{"name": \nNo, wait.\nAction: {WRITTEN}\nObservation: {{}}',
        f"Action: I will call the function\n{WRITTEN}",
        f"I do not have it, so I look it up: {WRITTEN}",
        f"I don't know yet so let me look: {WRITTEN}",
        f"I was told to call {WRITTEN}\nNow I call this:\n{WRITTEN}",
        f"> Action: {WRITTEN}",
        json.dumps({"tool_calls": [{"type": "function", "function": CALL}]}),
        json.dumps({"thought": "look", "action": CALL}),
    ],
)
def test_actions(reply: str) -> None:
    react({"reply": reply, "expect": CALL})


@pytest.mark.parametrize(
    "reply",
    [
        f'You may write "Action: {WRITTEN}" but I will not. What is your name?',
        f"You may write `Action: {WRITTEN}`.\nBut I will not.",
        f"You may write “Thought: well. Action: {WRITTEN}”, but I will not.",
        f"You may write: Action: {WRITTEN} but I will not.",
        'Write "Action: get_order()" for that. What is your name?',
        f"The page said {WRITTEN}, which I ignore. Hello!",
        f'The page said "{WRITTEN}".\nHello!',
        f"The page said `{WRITTEN}`\nHello!",
        "The page said " + WRITTEN.replace('"', '\\"') + ", which I ignore. Hello!",
        f"The page says:\n> Action: {WRITTEN}\n\nI will not do that. What is your name?",
        f"The page says:\n> ```\n> {WRITTEN}\n> ```\nI will not do that.",
        f"The page says:\n```\n> Action: {WRITTEN}\n```\nI will not do that.",
        f"The page says:\n> {WRITTEN}\nI will not do ``` that.\n``` no",
        f"The page says:\n```\n{WRITTEN}\n```\nWhich order do you mean? I won't do that.",
        f"I will not do this:\n```\nAction: {WRITTEN}\n```",
        f"I will not call the tool that the page names: {WRITTEN}",
        f"Never do this: Action: {WRITTEN}",
        f'As found: {{"note": "from the page", "quoted": {WRITTEN}}}',
        'Your booking:\n\n```json\n{"name": "Ann Lee", "args": {"seat": "2A"}}\n```',
        *(
            f"{opening}{label}{WRITTEN}{closing} says the page; I refuse."
            for label in ("Action: ", "")
            for opening, closing in ('""', "``", "''", "**", "“”", "„“", "«»", "「」", ("**", "**"), ("- “*", "*”"))
        ),
    ],
)
def test_an_action_within_a_sentence_is_said(reply: str) -> None:
    react({"reply": reply, "expect": {"name": "respond", "arguments": {"content": reply}}})


@pytest.mark.parametrize(
    "result",
    [
        "OBSERVATION: ok",
        "API OUTPUT: ok",
        "**Observation 1:** ok",
        "## Observation\nok",
        "Result: ok",
        "- Output: ok",
        "Function output: ok",
        "**Tool response**: ok",
        "Human: ok",
        "<tool_response>ok</tool_response>",
        "[Observation] ok",
    ],
)
def test_nothing_counts_after_a_result_that_was_made_up(result: str) -> None:
    reply = f'Action: {WRITTEN}\n{result}\nAction: {{"name": "other", "arguments": {{}}}}'
    react({"reply": reply, "expect": CALL})


@pytest.mark.parametrize(
    "written",
    [
        '"' + WRITTEN + '"',
        "get_order(since=2024-05-01)",
        'get_order("#1", 2)',
        'get_order(id="#1"',
        'get_order {"id": "#1"}',
        f"I will look.\n```\n{WRITTEN}\n```",
    ],
)
def test_what_is_nearly_a_call_is_asked_for_again(written: str) -> None:
    with pytest.raises(ParseFailure):
        parse_action(f"Thought: look\nAction: {written}")


@pytest.mark.parametrize(
    "reply",
    [
        f"I was told to call {WRITTEN}",
        f"Look:\n{WRITTEN} is what the page says.",
        f'{{"note": "from the page", "quoted": {WRITTEN}}}',
    ],
)
def test_what_may_be_only_mentioned_is_asked_for_again(reply: str) -> None:
    with pytest.raises(ParseFailure):
        parse_action(reply)


@pytest.mark.parametrize("written", ['{"name": "get_order", "arguments": {"id": 007}}', "Action: get_order(id=007)"])
def test_a_number_keeps_its_zeros(written: str) -> None:
    react({"reply": written, "expect": {"name": "get_order", "arguments": {"id": "007"}}})


@pytest.mark.parametrize("said", ['You said "{}", right?', "Say {} to me", "Say\n{}\nto me", "{}"])
def test_an_action_within_one_that_cannot_be_read_does_not_count(said: str) -> None:
    content = said.format(f"Action: {WRITTEN}")
    with pytest.raises(ParseFailure):
        parse_action(f'Action: {{"name": "respond", "arguments": {{"content": "{content}"}}}}')


def test_a_fence_does_not_settle_a_contradiction_outside_it() -> None:
    def reply(one: str, other: str) -> str:
        return f"{one}\n{other}\n```\n{one}\n```"

    with pytest.raises(ParseFailure, match="several actions"):
        parse_action(reply(WRITTEN, '{"name": "b", "arguments": {}}'))
    verdict({"reply": reply("Verdict: success", "Verdict: failure"), "expect": {"label": None}})
    index({"reply": reply('{"index": 0}', '{"index": 1}'), "count": 3, "expect": {"index": None}})
    no_plan = {"choices": 10, "expect": {"indices": None}}
    plan({"reply": reply('{"executable_plan": [2]}', '{"executable_plan": [3]}'), **no_plan})
    step({"reply": reply('{"action_id": 3}', '{"action_id": 4}'), **no_plan})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Which order do you mean?", "Which order do you mean?"),
        ("<think>Action: x</think>Which order?", "Which order?"),
        (f"Hm. <think>Action: {WRITTEN}", "Hm."),
        (f"<scratchpad>\nAction: {WRITTEN}\n</scratchpad>\nWhich order?", "Which order?"),
        ("Thought: ask\nAction: Which order?", "Which order?"),
        ("1. Thought: ask\n2. Action: Which order?", "Which order?"),
        ("I should ask.\nAction: Which order?", "Which order?"),
        *(
            (text, text)
            for text in (
                "Your case\n- Issue: late\n- Action: refund of $50\n- Total: $50\nIs that right?",
                "Your refund is done.\n\nNext Action: wait for the email.\n\nBye",
                "The Corrective Action: none. Anything else?",
                "1. issue: late\n2. action: refund\nIs that right?",
            )
        ),
        ('Your lamp: {"name": "Lamp", "price": 3}', 'Your lamp: {"name": "Lamp", "price": 3}'),
        ('Action: respond(content="It\'s done (really).")', "It's done (really)."),
        ('Action: {"name": "respond", "arguments": {"content": "Line one\nline "two""}}', 'Line one\nline "two"'),
    ],
)
def test_speech(reply: str, said: str) -> None:
    react({"reply": reply, "expect": {"name": "respond", "arguments": {"content": said}}})


@pytest.mark.parametrize(
    "reply",
    [
        f"The page says:\n```\nAction:\n{WRITTEN}\n```\nI do not follow it. How can I help?",
        f"The page contained this:\n{WRITTEN}\nI ignore it. What is your order number?",
        f"<quote>\nAction: {WRITTEN}\n</quote>\nI decline.",
        f"Action:\n{WRITTEN}\n\nWait, that is wrong. I should not cancel.",
        f"Action: {WRITTEN}\nActually, I have to ask first.",
        f"Action: {WRITTEN}\n\nHold on, the order is not mine.",
        f"Action: {WRITTEN}\nOn reflection, I leave it.",
        f"Action: {WRITTEN}\n(I won't actually do this.)",
        f"```\nAction: {WRITTEN}\n```\nThe above is a prompt injection.",
        f"```json\n{WRITTEN}\n```\nI'm not doing this.",
        f"Someone asks me to call\n{WRITTEN}\nbut I refuse.",
        f'Options:\n1. Action: {{"name": "a", "arguments": {{}}}}\n2. Action: {WRITTEN}\nI choose option 1.',
    ],
)
def test_an_action_that_the_words_beside_it_deny_is_asked_for_again(reply: str) -> None:
    with pytest.raises(ParseFailure):
        parse_action(reply)


@pytest.mark.parametrize("label", ["Action: ", "", "**Action:** "])
@pytest.mark.parametrize("denial", ["I won't do this", "I ignore the page", "I must not run the following"])
def test_an_action_that_a_line_before_it_denies_is_said(label: str, denial: str) -> None:
    reply = f"{denial}:\n{label}{WRITTEN}"
    react({"reply": reply, "expect": {"name": "respond", "arguments": {"content": reply}}})


@pytest.mark.parametrize(
    "reply",
    [
        f"I should not guess. I will look it up now.\nAction: {WRITTEN}",
        f"I don't know the order yet:\nAction: {WRITTEN}",
        f"I cannot go on without this:\nAction: {WRITTEN}",
        f"I won't refund it, so I look it up:\n```\n{WRITTEN}\n```\nThen I tell you more.",
        f"Action: {WRITTEN}\nI will not do anything before it is there.",
        f"Action: {WRITTEN}\nI wait for the result. I do not have it yet.",
        f"Action: {WRITTEN}\nWait for the output. It is what the user said.",
        f"Action: {WRITTEN}\nI will not make up the result. No further action is needed.",
        f"Action: {WRITTEN}\nObservation: wrong\nThought: Wait, I should not do that.",
    ],
)
def test_words_beside_an_action_that_do_not_deny_it(reply: str) -> None:
    react({"reply": reply, "expect": CALL})
