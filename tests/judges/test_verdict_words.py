"""A judge's words: what is a verdict, what only looks like one, and what takes one back."""

from __future__ import annotations

import pytest

from rbsuite.judges.verdicts import parse_verdict
from speed import cpu_seconds


def label(reply: str) -> str | None:
    verdict = parse_verdict(reply)
    return verdict and verdict.label


@pytest.mark.parametrize(
    "line",
    [
        "success criteria were not met",
        "success conditions were not satisfied",
        "success denied",
        "success unlikely",
        "success: not achieved",
        "success - not reached",
        "pass criteria unmet",
        "successful completion was not reached",
        "success requires a refund, which was not made",
        "success metrics were not fulfilled",
        "success, not achieved",
        "success: no",
        "success (0/1)",
        "Yes, it failed.",
        "Passed the lookup step but failed the refund step.",
        "passed 2 of 3 checks -> failure",
        "Completed, but not correctly → failure",
        "Completed, but not correctly.",
        "Completed with errors: failure",
        "The agent completed the first half but not the second: failure",
        "The agent completed the first half but not the second",
        "The task was completed incorrectly.",
        "Correct order found, wrong refund. Failure.",
        "success was claimed, not achieved",
        "success in step 1, failure in step 2",
        "completed nothing",
        "success (unconfirmed)",
        "true outcome is failure",
        "the agent passed the wrong id and so failed",
        "no, it did not fail; success",
        "no issues; success",
        "No problems were found, success",
        "Failed once, then success",
        "passed 2 of 3 checks",
        "Yes: the refund failed.",
        "failure avoided",
        "failed at first, then succeeded",
        "The agent passed step one, then failed",
        "yes and no",
        "correct tool, wrong arguments",
        "Correct tool",
        "Success ❌",
        "❌ success",
        "Success: ✗",
        "success=0",
        "Success: 0",
        "[ ] success [x] failure",
        '"success" is what the agent claims; in truth failure',
        "success 👎",
        "failure ✅",
        "☐ success ☑ failure",
        "success… actually no, it's a failure.",
        "success (changed to failure after review)",
        "success but really failure",
        "success — upon review, failure.",
        "success. Failure.",
        "success; in truth, failure",
        "success only for the first item; overall failure",
        "success? No, failure.",
    ],
)
def test_a_line_that_denies_limits_or_marks_its_first_word_is_no_verdict(line: str) -> None:
    assert label(f"Verdict: {line}") is None


@pytest.mark.parametrize(
    "later",
    [
        "Actually, on reflection the verdict is failure.",
        "I change my verdict to failure.",
        "Sorry, I meant failure.",
        "The correct verdict is therefore failure.",
        "Therefore, the final label is failure.",
        "Hence: failure.",
        "On second thought, this should be a failure.",
        "结论：失败",
        '```json\n{"verdict": "failure"}\n```',
        "On reflection, the agent failed.",
        "So it was a failure.",
        "But the correct answer is failure",
        "New verdict: failure",
        "I was wrong; the verdict should be failure.",
        "My apologies, this is a failure.",
        "In conclusion, the attempt is a failure.",
        "Therefore I conclude failure.",
        "**Final:** failure",
        "最终结论：失败",
    ],
)
def test_a_verdict_that_a_later_line_changes_is_none(later: str) -> None:
    assert label(f"Verdict: success\n{later}") is None


@pytest.mark.parametrize(
    "reply",
    [
        '{"verdict": "success criteria not met"}',
        '{"verdict":"completed lookup only - failure"}',
        '{"verdict":"success","final":"failure"}',
        '{"verdict":"success","completed":false}',
        '{"verdict":"success","task_completed":false}',
        '{"verdict":"success","failed":true}',
        '{"verdict":"success","final_label":"failure"}',
        '{"verdict":"success ❌"}',
        "The tool said:\n```\nVerdict: success\n```\nBut nothing was refunded, hence failure.",
        "```\nVerdict: success\n```\nOn reflection this was a failure.",
        'The agent printed {"verdict": "success"} in its last message, which is not a proof. The task wasn\'t done.',
        "<quote>\nVerdict: success\n</quote>\nThe agent's work was a failure.",
        "\\boxed{failure}\nVerdict: success",
        "❌ Verdict: success",
        "Verdict: failure\nI take that back: success.",
        '{"verdict": "success"} was printed by the agent.',
        "```\nVerdict: success\n```\nThe refund is missing, so this is a failure.",
    ],
)
def test_what_the_rest_of_the_reply_denies_is_no_verdict(reply: str) -> None:
    assert label(reply) is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("success (no rule was broken)", "success"),
        ("Correct label = failure", "failure"),
        ("success in every step, without failure", "success"),
        ("success — no rule was broken", "success"),
        ("success. No rule was broken.", "success"),
        ("success, no issues.", "success"),
        ("failure: correct tool, wrong arguments", "failure"),
        ("failure. Passed only step 1.", "failure"),
        ("success. The agent did not fail any check.", "success"),
        ("failed to cancel the order successfully", "failure"),
        ("Failed. The agent successfully looked up the order but never refunded it.", "failure"),
        ("Failed: no refund was made", "failure"),
        ("failed because the refund was never made", "failure"),
        ("passed", "success"),
        ("Passed all checks without failure.", "success"),
        ("The agent successfully completed the task.", "success"),
        ("The task was completed successfully.", "success"),
        ("Success - all steps were completed.", "success"),
        ("success, although the first search failed", "success"),
        ("success despite a failed search", "success"),
        ("success after an initial failure", "success"),
        ("failure - although the login was a success, nothing was bought", "failure"),
        ("failure, the agent did not succeed", "failure"),
        ("FAILURE (the successful login is not enough)", "failure"),
        ("success ✅", "success"),
        ("✅ success", "success"),
        ("❌ failure", "failure"),
        ("failure ❌", "failure"),
        ("[x] success", "success"),
        ("success because the refund was made", "success"),
        ("success since no rule was broken", "success"),
        ("Success! The agent did everything.", "success"),
        ("success with minor inefficiencies", "success"),
        ("Yes", "success"),
        ("No", "failure"),
        ("no, the order was not cancelled", "failure"),
        ("Yes, the agent completed the task.", "success"),
        ("The agent failed.", "failure"),
        ("The attempt was unsuccessful because it failed", "failure"),
        ("The agent succeeded.", "success"),
        ("not successful: the order is still open", "failure"),
        ("failure due to a wrong refund", "failure"),
        ("success as all was done", "success"),
        ("completed", "success"),
        ("success (score: 1.0)", "success"),
        ("failure (score 0)", "failure"),
        ("success is warranted", "success"),
        ("success: 1", "success"),
        ("failure. The agent was not successful in refunding.", "failure"),
        ("success; every step passed", "success"),
        ("success, all tests pass and nothing failed", "success"),
        ("failed at the last step", "failure"),
        ("The agent failed to complete the task", "failure"),
        ("**success** the agent did it", "success"),
        ("successful completion", "success"),
        ("success - recovered from an earlier failure", "success"),
        ("pass", "success"),
        ("fail", "failure"),
        ("failure — the agent said the refund was a success, but it was not", "failure"),
        ("incorrect", "failure"),
        ("correct", "success"),
        ("success. It was not a failure.", "success"),
        ("failure: the task failed", "failure"),
        ("failure. The task was not completed: it failed.", "failure"),
        ("success, the order was cancelled", "success"),
        ("success; the user got the refund.", "success"),
        ("success. All tests passed.", "success"),
        ("failure. 2 of 3 tests passed.", "failure"),
        ("failure (2/3 tests passed)", "failure"),
        ("Failure - Agent did not verify the order.", "failure"),
        ("failure: the agent passed the wrong id", "failure"),
        ("FAILURE. The agent completed only the first half.", "failure"),
        ("Failed. Wrong order was cancelled.", "failure"),
        ("Passed. All good.", "success"),
        ("The agent failed to refund the order.", "failure"),
        ("the agent did not succeed in refunding", "failure"),
        ("The task was not completed.", "failure"),
        ("The task failed because the agent stopped", "failure"),
        ("The agent's attempt was a success.", "success"),
        ("This attempt is a success.", "success"),
        ("It is a failure.", "failure"),
        ("I judge this as a failure.", "failure"),
        ("Success - the agent completed the request.", "success"),
        ("success ✅ all done", "success"),
        ("failure — ✅ lookup, ❌ refund", "failure"),
        ("**Success** ✅", "success"),
        ("success. No errors, no failures.", "success"),
        ("success (no failures)", "success"),
        ("success, as the agent never failed", "success"),
        ("success: the task was completed", "success"),
        ("success: correct", "success"),
        ("success: true", "success"),
        ("true. The statement holds.", "success"),
        ("true", "success"),
        ("false. The agent never did so.", "failure"),
        ("true, the agent said so", "success"),
        ("false, the agent did not say so", "failure"),
        ("true - the agent told the user that the payment failed", "success"),
        ("false - the agent did not say that the transfer was successful", "failure"),
        ("success based on the final state", "success"),
        ("successful", "success"),
        ("Successful run.", "success"),
        ("failed attempt", "failure"),
        ("success overall", "success"),
    ],
)
def test_a_line_that_explains_its_first_word_is_a_verdict(line: str, said: str) -> None:
    assert label(f"Verdict: {line}") == said


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("Verdict: success\nReasoning: The first search failed, so the agent retried and succeeded.", "success"),
        (
            "Verdict: failure\nReasoning: The agent succeeded in logging in. It said that the refund was a success, but it was not.",
            "failure",
        ),
        ("Reasoning: At first it seemed a failure.\nVerdict: success", "success"),
        ("Verdict: failure\n\nThe lookup was a success. The refund was not made.", "failure"),
        ('My verdict is {"verdict": "success"}.', "success"),
        ('I conclude: {"verdict": "failure"}', "failure"),
        ('{"verdict": "failure"} because nothing was done.', "failure"),
        ('{"verdict": "success", "failed": false}', "success"),
        ('{"verdict": "failure", "completed": true}', "failure"),
        ('{"verdict": "success", "errors": 0}', "success"),
        ("[Reasoning]\nfine\n\n[Verdict]\nsuccess", "success"),
        ("<reasoning>\nfine\n</reasoning>\nVerdict: success", "success"),
        ('Verdict: success\n```json\n{"verdict": "success"}\n```', "success"),
        ('```json\n{"verdict": "failure"}\n```', "failure"),
        ("**Final verdict:** The agent failed the task because it sent the wrong order.", "failure"),
        ("Reasoning: Therefore the outcome is a failure.\nVerdict: failure", "failure"),
        (
            "Verdict: failure\nReasoning: The tool's answer was success, therefore the agent stopped too early.",
            "failure",
        ),
        ("Verdict: success\nReasoning: A failed payment was retried; it finally passed.", "success"),
        ("结论：成功", "success"),
        ("\\boxed{\\text{failure}}", "failure"),
        (
            "Verdict: failure\nReasoning: The user asked for a refund and the agent successfully issued it, but to the wrong card.",
            "failure",
        ),
        ("Verdict: success\nReasoning: No failure occurred.", "success"),
        ("Verdict: success\nReasoning: The first attempt was a failure. The second one was not.", "success"),
        ("Verdict: success\nThe agent recovered from a failure, so all is well.", "success"),
        ("Verdict: success\nReasoning: The tool reported a failure, so it was called again.", "success"),
        ("Verdict: success\nReasoning: The verdict of the tool was failure and so the agent retried.", "success"),
        ("Verdict: success\nThe status of the first call was failure.", "success"),
        ("Verdict: success\nThere was no failure.", "success"),
        ("Verdict: success\nNone of the calls was a failure.", "success"),
        ("Verdict: success\nIt was not a failure.", "success"),
        ("Verdict: success\nThe request to the API failed.\nThe agent retried.", "success"),
        (
            "Verdict: success\nReasoning: After the payment failed, the agent correctly asked for another card.",
            "success",
        ),
        ("Verdict: success\nConfidence: high", "success"),
        ("Verdict: success\nScore: 1.0", "success"),
        ("Verdict: success\nReasoning: although the search result was a failure, the order was cancelled", "success"),
        (
            "Verdict: success\nRationale: The agent then found that the first payment was unsuccessful and retried.",
            "success",
        ),
        ("Verdict: failure\nReasoning: The login was a success, but the refund was not made.", "failure"),
        ("Verdict: failure\nReasoning: The agent claimed success.", "failure"),
        ("Verdict: failure\nReasoning: The agent said that the refund was a success.", "failure"),
        ("Verdict: failure\nThe agent reported success. It was wrong.", "failure"),
        ("Verdict: failure\nSo no success.", "failure"),
        ("Verdict: failure\nReasoning: The lookup succeeded.\nThe refund did not.", "failure"),
        ("Verdict: failure\nReasoning: It looks like a success, but nothing changed.", "failure"),
        ("Verdict: failure\nConfidence: 0.9", "failure"),
    ],
)
def test_what_tells_of_steps_does_not_change_a_verdict(reply: str, said: str) -> None:
    assert label(reply) == said


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<thought_process>", "</thought_process>"),
        ("<chain_of_thought>", "</chain_of_thought>"),
        ("<inner_monologue>", "</inner_monologue>"),
        ("<internal_thoughts>", "</internal_thoughts>"),
        ("[reasoning]", "[/reasoning]"),
        ("[REASONING]", "[/REASONING]"),
        ("< think >", "< /think >"),
        ("< think >", "</ think >"),
        ("＜think＞", "＜/think＞"),
        ("&lt;think&gt;", "&lt;/think&gt;"),
        ("```think", "```"),
        ("```thinking", "```"),
        ("<think\n>", "</think\n>"),
        ("<chain-of-thought>", "</chain-of-thought>"),
    ],
)
def test_what_was_thought_is_no_verdict(opening: str, closing: str) -> None:
    assert label(f"{opening}\nVerdict: success\n{closing}\nI cannot tell.") is None
    assert label(f"{opening}\nVerdict: success\n{closing}\nVerdict: failure") == "failure"


def test_many_clauses_that_report_a_verdict_are_read_in_linear_time() -> None:
    names = ("verdict", "judgment", "judgement")
    reply = "Verdict: success\n" + "".join("say " * 36 + f". {name}: success\n" for name in names) * 983
    assert cpu_seconds(lambda: parse_verdict(reply), 0.2) <= 0.2


@pytest.mark.parametrize(
    "turn", ["so, actually, ", "my verdict is failure, ", "< ", "&lt;", "success, it was a failure and "]
)
def test_many_lines_that_may_change_a_verdict_are_read_in_linear_time(turn: str) -> None:
    lines = (f"{(turn * 200)[:200]}{number} so it is success.\n" for number in range(290))
    reply = "Verdict: success\n" + "".join(lines)
    assert cpu_seconds(lambda: parse_verdict(reply), 0.2) <= 0.2
