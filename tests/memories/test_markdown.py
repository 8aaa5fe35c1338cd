"""How extractors' replies are read: within limits, and nothing but items."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rbsuite.memories.markdown import (
    CONTENT_LIMIT,
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    Draft,
    parse_items,
)
from rbsuite.models.reasoning import thought_and_said
from rbsuite.reading.layers import clean
from rbsuite.reading.words import is_placeholder


def write(*drafts: Draft, heading: str = "Memory Item") -> str:
    return "\n\n".join(
        f"# {heading} {number}\n## Title\n{draft.title}\n## Description\n{draft.description}\n## Content\n{draft.content}"
        for number, draft in enumerate(drafts, 1)
    )


ONE = Draft("Look first", "When a thing must be found.", "Look before you leap.")
TWO = Draft("Count twice", "When things are counted.", "Count again.")
THREE = Draft("Ask", "When in doubt.", "Ask the user.")

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=30).filter(
    lambda text: (
        text == text.strip()
        and text[0] not in "#`~*_-=>\"'"
        and not text.startswith("</")  # a closing tag below an item is none of its content
        and thought_and_said(text) == ("", text)
        and clean(f"a{text}a") == f"a{text}a"
        and not is_placeholder(text)
    )
)
PARAGRAPHS = (
    st.lists(TEXT, min_size=1, max_size=3)
    .map("\n".join)
    .filter(lambda text: text == text.strip() and not is_placeholder(text))
)
DRAFTS = st.lists(
    st.builds(Draft, TEXT, PARAGRAPHS, PARAGRAPHS),
    min_size=1,
    max_size=5,
    unique_by=(lambda draft: draft.title.casefold(), lambda draft: draft.content.casefold()),
)


@given(DRAFTS, st.sampled_from(["Memory Item", "Workflow"]))
def test_what_is_written_in_the_form_is_read_back(drafts: list[Draft], heading: str) -> None:
    parsed = parse_items(write(*drafts, heading=heading), 5, heading)
    assert parsed.drafts == tuple(drafts)
    assert (parsed.dropped, parsed.problem) == ((), "")


@given(DRAFTS, st.integers(1, 5))
def test_never_more_than_the_limit(drafts: list[Draft], limit: int) -> None:
    parsed = parse_items(write(*drafts), limit)
    assert parsed.drafts == tuple(drafts[:limit])
    assert len(parsed.dropped) == max(0, len(drafts) - limit)
    assert all("beyond the limit" in line for line in parsed.dropped)


@given(DRAFTS, TEXT)
@example([Draft("A mark", "Alone.", "<|channel|>")], "Well.")
def test_thinking_before_the_items_is_not_kept(drafts: list[Draft], thought: str) -> None:
    assert parse_items(f"{thought}\n\n{write(*drafts)}", 5).drafts == tuple(drafts)


@given(st.text(max_size=300))
def test_any_text_is_read_or_has_a_problem(text: str) -> None:
    parsed = parse_items(text, 3)
    assert [bool(parsed.problem), bool(parsed.drafts), parsed.none_said].count(True) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "```\n{}\n```",
        "```markdown\n{}\n```",
        "\n  \n```md\n{}\n```\n",
        "Here is what I learnt:\n\n```markdown\n{}\n```",
        "Here is what I learnt:\n```markdown\n{}\n```\nI hope this helps!",
    ],
)
def test_code_fence_around_the_items_is_taken_off(reply: str) -> None:
    parsed = parse_items(reply.format(write(ONE, TWO)), 3)
    assert parsed.drafts == (ONE, TWO)


def test_code_inside_an_item_stays() -> None:
    code = Draft("Run it", "When there is code.", "Run this:\n```sh\nls\n```\nthen look.")
    assert parse_items(write(code), 3).drafts == (code,)
    assert parse_items(f"```\n{write(code, ONE)}\n```", 3).drafts == (code, ONE)


def test_carriage_returns_do_not_matter() -> None:
    assert parse_items(write(ONE, TWO).replace("\n", "\r\n"), 3).drafts == (ONE, TWO)


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (Draft("", "d", "c"), "empty"),
        (Draft("t", " ", "c"), "empty"),
        (Draft("t", "d", "\n"), "empty"),
        (Draft("t" * (TITLE_LIMIT + 1), "d", "c"), "over-long"),
        (Draft("t", "d" * (DESCRIPTION_LIMIT + 1), "c"), "over-long"),
        (Draft("t", "d", "c" * (CONTENT_LIMIT + 1)), "over-long"),
        (Draft(ONE.title.upper(), "other", "other"), "repeats"),
        (Draft("other", "other", ONE.content.upper()), "repeats"),
    ],
)
def test_faulty_item_is_dropped_with_its_reason_and_the_others_stay(item: Draft, fault: str) -> None:
    parsed = parse_items(write(ONE, item, TWO), 3)
    assert parsed.drafts == (ONE, TWO)
    assert len(parsed.dropped) == 1
    assert parsed.dropped[0].startswith("item 2: ")
    assert fault in parsed.dropped[0]
    assert parsed.problem == ""


def test_dropped_items_do_not_use_up_the_limit() -> None:
    empty = Draft("", "", "")
    assert parse_items(write(empty, ONE, ONE, TWO, THREE), 3).drafts == (ONE, TWO, THREE)


def test_items_at_the_limits_of_length_are_kept() -> None:
    longest = Draft("t" * TITLE_LIMIT, "d" * DESCRIPTION_LIMIT, "c" * CONTENT_LIMIT)
    assert parse_items(write(longest), 3).drafts == (longest,)


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        ("", "empty"),
        ("<think># Memory Item 1\n## Title\nt\n## Description\nd\n## Content\nc</think>", "thinking"),
        ("There was a lot to learn.", "no line '# Memory Item 1'"),
        ("Memory Item 1\nTitle: x", "description is missing"),
        ("# Memory Item 1\n## Title\nt\n## Content\nc", "description is missing"),
        ('[{"title": "t", "description": "d", "content": "c"}', "not closed"),
        (write(Draft("", "", "")), "title is missing or empty"),
    ],
)
def test_what_cannot_be_read_has_its_fault_named(reply: str, fault: str) -> None:
    parsed = parse_items(reply, 3)
    assert parsed.drafts == ()
    assert fault in parsed.problem
    assert len(parsed.problem) < 1000, "it is told to the model"


@pytest.mark.parametrize("text", ["...", "…", "[{}]", "<{}>", "{{{}}}", "N/A", "[...]", "**...**"])
def test_an_item_that_is_not_filled_in_is_not_kept(text: str) -> None:
    form = Draft(*(text.format(name) for name in ("Title", "Description", "Content")))
    parsed = parse_items(write(form), 3)
    assert not parsed.drafts
    assert parsed.none_said or "is not filled in" in parsed.problem
    assert parse_items(write(form, ONE), 3).drafts == (ONE,)


@pytest.mark.parametrize(
    "remark",
    [
        "---\n\nThese items should help. Let me know if you'd like changes!",
        "# Summary\nOne item.",
        "# Notes\nNo further items are needed.",
        "There is nothing else to learn.",
        "# Notes\nx\n\n---\n\nI hope this helps.",
    ],
)
def test_remarks_below_the_items_are_not_kept(remark: str) -> None:
    assert parse_items(f"{write(TWO, ONE).rstrip()}\n\n{remark}", 3).drafts == (TWO, ONE)


@pytest.mark.parametrize(
    "more",
    [
        "### Steps\n1. Look.",
        "---\n- one\n- two",
        "Run\n# install\nmake",
        "```\n\n# Summary\n```",
        "Nothing is free of charge.",
    ],
)
def test_a_content_keeps_its_own_sections_and_paragraphs(more: str) -> None:
    [draft] = parse_items(f"{write(ONE).rstrip()}\n\n{more}", 3).drafts
    assert draft.content == f"{ONE.content}\n\n{more}"


@pytest.mark.parametrize(
    "reply",
    [
        write(ONE, TWO).replace("\nLook", "\n> Look").replace("\nWhen", "\n> When").replace("\nCount", "\n> Count"),
        "".join(
            f"<h3>Memory Item {number}</h3>\n**Title:** {draft.title}<br>\n**Description:** {draft.description}<br/>\n"
            f"**Content:** {draft.content}\n"
            for number, draft in enumerate((ONE, TWO))
        ),
        write(ONE, TWO)
        .replace("Memory Item", "记忆项")
        .replace("## Title", "## 标题")
        .replace("## Description", "## 描述")
        .replace("## Content", "## 内容"),
    ],
)
def test_marks_of_quotes_and_tags_are_no_text(reply: str) -> None:
    assert parse_items(reply, 3).drafts == (ONE, TWO)
