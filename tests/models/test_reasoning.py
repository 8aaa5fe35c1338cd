"""What a model thought is told from what it answered, however it is marked."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.models.reasoning import in_lower_case, separate, thought_and_said
from rbsuite.models.wire import completion_from_wire
from speed import cpu_seconds

TAGS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Think>", "</Think>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("[THINKING]", "[/THINKING]"),
    ("<|channel>thought\n", "<channel|>"),
    ("<seed:think>", "</seed:think>"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<thought_process>", "</thought_process>"),
    ("<chain_of_thought>", "</chain_of_thought>"),
    ("<inner_monologue>", "</inner_monologue>"),
    ("<internal_thoughts>", "</internal_thoughts>"),
    ("< think >", "</ think >"),
    ("<think\n>", "< /think\n>"),
    ("\uff1cthink\uff1e", "\uff1c/think\uff1e"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
]


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_blocks_of_every_spelling(opening: str, closing: str) -> None:
    assert separate(f"{opening}\nhm\n{closing}\n\nYes.") == ("hm", "Yes.")
    assert separate(f"hm, Yes?\n{closing}\n\nYes.") == ("hm, Yes?", "Yes."), "the prompt held the opening tag"
    assert separate(f"{opening}hm, and then") == ("hm, and then", ""), "cut by the limit of tokens"
    assert separate(f"{opening}{closing}Yes.") == ("", "Yes.")
    assert separate(f"One.\n{opening}hm{closing}\nTwo.\n{opening}ha{closing}\n") == ("hm\nha", "One.\nTwo.")
    assert separate(f"{opening}a {opening} b{closing} c {closing} d") == ("a " + opening + " b\nc", "d")


@pytest.mark.parametrize(
    ("reply", "thought", "answer"),
    [
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
            "hm",
            "Yes.",
        ),
        ("<|channel|>analysis<|message|>hm", "hm", ""),
        ("<|channel|>commentary<|message|>Wait.<|end|><|channel|>final<|message|>Yes.", "", "Wait.\nYes."),
        ('<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1}<|call|>', '{"a": 1}', ""),
        ("hm<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "hm", "Yes."),
        ("<|channel|>final Yes.", "", "Yes."),
        ("<|channel|>Analysis<|message|>hm<|end|><|channel|> Final<|message|>Yes.", "hm", "Yes."),
        ("<|channel|>thought<|message|>hm", "hm", ""),
    ],
)
def test_harmony(reply: str, thought: str, answer: str) -> None:
    assert separate(reply) == (thought, answer)


@pytest.mark.parametrize(
    "reply",
    [
        *("", " Yes.\n", "Put it into a <think> tag.", "if a <b> then [x]", "I think: <thinker> no", "<think about it"),
        *(
            "Of `<think>` and (<think>), one.",
            "There is no <think>. Yes.",
            "The <analysis>\nhm</analysis>",
            "<analysis>\nYes.",
        ),
        "</scratchpad>\nYes.",
    ],
)
def test_what_bears_no_mark_is_the_answer_as_it_stands(reply: str) -> None:
    assert separate(reply) == ("", reply)


@pytest.mark.parametrize("opening", ["<think>", "[THINK]", "<|begin_of_thought|>"])
@pytest.mark.parametrize("after", ["", "\nhm", "Action: x", "hm", " Hm", ' {"a": 1}', "\n<sheet>"])
def test_an_open_block_in_a_line_has_no_end(opening: str, after: str) -> None:
    assert separate(f"Ok {opening}{after}") == (after.strip(), "Ok")


def test_reasoning_in_brackets_is_thought_only_if_it_is_closed() -> None:
    assert separate("[Reasoning]\nhm\n[/Reasoning]\nYes.") == ("hm", "Yes.")
    assert separate("[Reasoning]\nhm\n\n[Answer]\nYes.") == ("", "[Reasoning]\nhm\n\n[Answer]\nYes.")


def test_lower_case_moves_nothing() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert len(in_lower_case(every)) == len(every)
    assert in_lower_case("\u0130A\u03a3") == "ia\u03c2"
    assert cpu_seconds(lambda: in_lower_case("\u0130" * 1_000_000), 0.05) <= 0.05


@pytest.mark.parametrize("name", ["analysis", "scratchpad", "reflection", "Analysis"])
def test_notes_are_thoughts_if_they_are_closed(name: str) -> None:
    assert separate(f"<{name}>\nhm\n</{name}>\n<answer>Yes.</answer>") == ("hm", "<answer>Yes.</answer>")
    assert separate(f"Well.\n <{name}>hm</{name}> Yes.") == ("hm", "Well.\nYes.")
    assert separate(f"<{name}>\nhm\n</{name}>\n") == ("hm", "")
    assert separate(f"<{name}>hm\n</think>\nYes.\n</{name}>")[1] == f"Yes.\n</{name}>", (
        "the prompt held the opening tag"
    )


_WORDS = st.text(alphabet='abc {}":\n', max_size=12)


@given(st.lists(st.tuples(st.none() | st.sampled_from(TAGS), _WORDS), max_size=6))
def test_pieces_come_apart_again(pieces: list[tuple[tuple[str, str] | None, str]]) -> None:
    text = "".join(words if tags is None else tags[0] + words + tags[1] for tags, words in pieces)
    thought, answer = separate(text)
    assert "".join(thought.split()) == "".join("".join(words for tags, words in pieces if tags).split())
    assert "".join(answer.split()) == "".join("".join(words for tags, words in pieces if not tags).split())


_SOUP = st.lists(
    st.sampled_from([*(tag for pair in TAGS[:3] for tag in pair), "a", "b c", "\n", " ", "<", ">", "think"])
    | st.sampled_from(["<|channel|>", "<|message|>", "<|end|>", "<|start|>", "final", "analysis"])
    | st.sampled_from(["<analysis>", "</analysis>", "<reflection>", "</reflection>", "<channel|>", "`", "B", "."]),
    max_size=14,
).map("".join)


@given(_SOUP | st.text())
def test_an_answer_holds_no_further_reasoning(text: str) -> None:
    _, answer = separate(text)
    assert separate(answer) == ("", answer)


@pytest.mark.parametrize(
    "unit",
    [
        "<analysis>",
        "\n<analysis>a</analysis>",
        "</analysis>",
        "<think>",
        "a<think>",
        "</think>",
        "<think>a</think>b",
        "<",
        "\n<think>",
        "<|channel|>",
        "[THINK",
        "<think ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    assert cpu_seconds(lambda: separate(unit * 100_000), 0.5) < 0.5


def reply(content: Any, **fields: Any) -> Any:
    message = SimpleNamespace(content=content, tool_calls=None, **fields)
    return SimpleNamespace(choices=[SimpleNamespace(message=message, finish_reason="stop")], usage=None)


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("Yes.", {"reasoning_content": "hm"}),
        ("Yes.", {"reasoning": "hm\n"}),
        (
            "Yes.",
            {
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "redacted_thinking"},
                ]
            },
        ),
        ("Yes.", {"reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]}),
        ("<think>hm</think>\nYes.", {"reasoning_content": None}),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Yes."}], {}),
        ([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Ye"}, "s", {"text": "."}, None, 7], {}),
    ],
)
def test_every_provider_says_it_in_its_own_way(content: Any, fields: dict[str, Any]) -> None:
    completion = completion_from_wire(reply(content, **fields), None)
    assert (completion.reasoning, completion.text) == ("hm", "Yes.")


def test_what_was_thought_is_no_action() -> None:
    thought, answer = separate('<think>The {"index": 0}? </think>{"index": 1}')
    assert json.loads(answer) == {"index": 1}
    assert thought == 'The {"index": 0}?'


@given(_SOUP | st.text())
def test_the_cheap_way_comes_to_the_same(text: str) -> None:
    assert thought_and_said(text) == separate(text)
