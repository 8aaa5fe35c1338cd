"""A submission in the shape that tau2-bench's leaderboard takes."""

from __future__ import annotations

from typing import Any

from rbsuite.errors import UsageError
from rbsuite.jsonable import plain
from rbsuite.leaderboard.submission import Submission

_FIELDS = (
    *("model_name", "model_organization", "submitting_organization", "submission_date", "submission_type"),
    *("contact_info", "is_new", "trajectories_available", "references", "results", "methodology"),
)
_DOMAINS = frozenset({"retail", "airline", "telecom", "banking_knowledge"})


def tau2_submission(submission: Submission) -> dict[str, Any]:
    """The fields of tau2-bench's ``submission.json``.

    An agent with a memory is a *custom* one there, for which it asks that prompts count as modified, that notes say what was done, and that
    a reference links to the implementation. Its trajectories are of another form, so none are named.

    Raises:
        UsageError: the submission is on other domains, or lacks what a custom one must have.
    """
    foreign = sorted(submission.results.keys() - _DOMAINS)
    if foreign:
        raise UsageError(
            f"tau2-bench has no domain {foreign[0]!r}.", "Export submissions to boards of tau-bench's domains."
        )
    links = [one.url for one in submission.references if one.url] or [url for url in (submission.url,) if url]
    if not links:
        raise UsageError("tau2-bench wants a link to the implementation of a custom agent.", "Submit with --url.")
    value = {name: one for name, one in plain(submission).items() if name in _FIELDS}
    measured = submission.measured
    row = next((one for one in measured.rows if not one.baseline), measured.rows[0])
    notes = (
        f"{submission.methodology.notes} Condition {row.label} of rbsuite {measured.rbsuite}: pass^k over {row.orders} orders of"
        f" {len(measured.task_ids)} tasks, memory {row.memory}, scaling {row.scaling}."
    ).strip()
    value["trajectories_available"] = False
    value["references"] = plain(submission.references) or [
        {"title": f"{submission.system}", "url": links[0], "type": "github" if "github.com/" in links[0] else "other"}
    ]
    value["methodology"] = {
        **value["methodology"],
        "notes": notes,
        "verification": {
            "modified_prompts": True,
            "omitted_questions": False,
            "details": submission.methodology.verification.details,
        },
    }
    if submission.model_release.release_date:
        value["model_release"] = {"release_date": submission.model_release.release_date}
    return value
