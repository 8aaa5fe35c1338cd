"""A submission in the format of tau2-bench's leaderboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rbsuite.errors import UsageError
from rbsuite.jsonable import plain
from rbsuite.leaderboard.measuring import leading
from rbsuite.leaderboard.submission import Measured, Submission

_FIELDS = (
    *("model_name", "model_organization", "submitting_organization", "submission_date", "submission_type"),
    *("contact_info", "is_new", "references", "results"),
)
_DOMAINS = frozenset({"retail", "airline", "telecom"})
"""Those of its domains that rbsuite has. Its fourth, ``banking_knowledge``, also requires a retrieval configuration."""
_ENVIRONMENT, _SPLIT = "tau2-bench", "base"
"""What its leaderboard is about."""


def tau2_submission(submission: Submission) -> dict[str, Any]:
    """The fields of tau2-bench's ``submission.json``, as its own model accepts them; unknown ones are left out.

    There, an agent with a memory is a *custom* one, for which prompts must count as modified, notes must say what was done, and a reference
    must link to the implementation. Its trajectories have another format, so none are named. If the tasks are not all of tau2-bench's split
    ``base``, questions count as omitted.

    Raises:
        UsageError: the submission is on other domains, or lacks something that a custom one must have.
    """
    foreign = sorted(submission.results.keys() - _DOMAINS)
    if foreign:
        raise UsageError(
            f"tau2-bench has no domain {foreign[0]!r}.", "Export submissions to boards of tau-bench's domains."
        )
    links = [one.url for one in submission.references if one.url] or [url for url in (submission.url,) if url]
    if not links:
        raise UsageError("tau2-bench wants a link to the implementation of a custom agent.", "Submit with --url.")
    value = {name: _known(one) for name, one in plain(submission).items() if name in _FIELDS}
    own = submission.methodology
    value["trajectories_available"] = False
    value["references"] = plain(submission.references) or [
        {"title": submission.system, "url": links[0], "type": "github" if "github.com/" in links[0] else "other"}
    ]
    value["methodology"] = {
        **_known(plain(own)),
        "notes": " ".join(_notes(submission)),
        "verification": {
            "modified_prompts": True,
            "omitted_questions": not _is_whole(submission.measured),
            "details": " ".join(_details(submission)),
        },
    }
    if submission.model_release.release_date:
        value["model_release"] = {"release_date": submission.model_release.release_date}
    return value


def _known(value: Any) -> Any:
    """Without empty texts and values: an empty date is no date."""
    return {name: one for name, one in value.items() if one not in ("", None)} if isinstance(value, dict) else value


def _is_whole(measured: Measured) -> bool:
    said = measured.options
    return (
        measured.environment.get("name") == _ENVIRONMENT
        and said.get("split") == _SPLIT
        and not said.get("limit")
        and not said.get("tasks")
    )


def _notes(submission: Submission) -> Iterator[str]:
    measured, row = submission.measured, leading(submission.measured)
    if measured.simulated:
        yield "SIMULATED: the model is a simulation."
    if submission.methodology.notes:
        yield submission.methodology.notes
    yield f"Condition {row.label} of rbsuite {measured.rbsuite}:"
    yield f"pass^k over {row.orders} orders of {len(measured.task_ids)} tasks, memory {row.memory}, scaling {row.scaling}."
    yield "Cost is that of all roles: agent, user, memory and judge."


def _details(submission: Submission) -> Iterator[str]:
    """The origin of the tasks, and what the environment says about itself."""
    if submission.methodology.verification.details:
        yield submission.methodology.verification.details
    measured = submission.measured
    said = ", ".join(f"{name.replace('_', ' ')}: {one}" for name, one in measured.environment.items())
    options = measured.options
    limited = "" if _is_whole(measured) else f", {len(measured.task_ids)} tasks"
    yield f"rbsuite's environment {options.get('env')}, split {options.get('split')}{limited} ({said})."
