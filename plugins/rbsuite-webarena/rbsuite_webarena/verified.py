"""Grading by webarena-verified, in a separate environment: it pins its dependencies, so it runs in an interpreter that the user provides.

It grades the answer, a JSON object, and the requests to the servers; it needs neither the servers nor a language model.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError, EnvironmentFailure
from rbsuite.files import Unusable, parse_json
from rbsuite.processes import end_group
from rbsuite_webarena.sites import Sites

PYTHON = "RBSUITE_WEBARENA_VERIFIED"
"""Environment variable: the interpreter that has webarena-verified."""
RULES = (
    'The answer is an object in JSON: {"task_type": "RETRIEVE", "NAVIGATE" or "MUTATE", "status": "SUCCESS" or one of '
    '"ACTION_NOT_ALLOWED_ERROR", "PERMISSION_DENIED_ERROR", "NOT_FOUND_ERROR", "DATA_VALIDATION_ERROR", "UNKNOWN_ERROR", '
    '"retrieved_data": a list of what was asked for, or null where nothing was, "error_details": null or the reason}.'
)
"""What an agent is told about its answers."""

_SECONDS = 120.0
_REMEDY = f"Create an environment with webarena-verified, and set {PYTHON} to its interpreter."


@dataclass(frozen=True, slots=True)
class Verified:
    """What webarena-verified says.

    Attributes:
        score: 1 or 0.
        status: in its words.
        version: its version.
    """

    score: float
    status: str
    version: str


def interpreter() -> str:
    """The path of the interpreter.

    Raises:
        DataError: none is named, or it is not a file.
    """
    path = os.environ.get(PYTHON, "")
    if not path or not Path(path).is_file():
        raise DataError(f"webarena: grader=verified needs {PYTHON}, which does not name an interpreter.", _REMEDY)
    return path


def evaluate(task: int, answer: str, trace: Sequence[Mapping[str, Any]], sites: Sites) -> Verified:
    """webarena-verified's evaluation of an episode.

    Args:
        task: the id of the task.
        answer: what was answered.
        trace: the requests to the servers, as HAR entries.
        sites: the sites, whose addresses appear in the trace.

    Raises:
        DataError: the interpreter does not exist.
        EnvironmentFailure: it cannot grade.
    """
    urls = {f"__{site.upper()}__": url for site, url in sites.urls.items()}
    given = json.dumps({"task": task, "answer": answer, "trace": list(trace), "urls": urls}).encode()
    worker = Path(__file__).with_name("verified_worker.py")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    process = subprocess.Popen(
        [interpreter(), "-I", str(worker)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=kept,
        start_new_session=True,
    )
    try:
        said, errors = process.communicate(given, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise EnvironmentFailure(f"webarena-verified did not grade task {task} within {_SECONDS:g} s.") from None
    finally:
        end_group(process, owner=os.getpid(), patience=0)
        if process.stderr is not None:
            process.stderr.close()
    last = (errors.decode("utf-8", "replace").strip().splitlines() or ["it printed nothing"])[-1][:200]
    if process.returncode:
        raise EnvironmentFailure(f"webarena-verified failed on task {task}: {last}.")
    try:
        told = parse_json(said.decode())
        found = Verified(float(told["score"]), str(told["status"]), str(told["version"]))
    except (Unusable, KeyError, TypeError, ValueError) as error:
        raise EnvironmentFailure(f"webarena-verified printed something other than a result for task {task}.") from error
    if found.status.lower() == "error":
        raise EnvironmentFailure(f"webarena-verified cannot grade task {task}: {str(told['error'])[:200]}.")
    return found
