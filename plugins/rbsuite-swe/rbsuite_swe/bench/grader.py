"""Grades a patch in a fresh container of the instance's image, by its own script; after swebench 5.0.2, ``run_evaluation.py``."""

from __future__ import annotations

import secrets
from dataclasses import replace

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import MIB, Backend, Setup
from rbsuite_swe.grading.applying import FAILED, applied
from rbsuite_swe.grading.reports import RECORDER, REPORTS, VARIABLES, checked, read_reports, recorded, recorder
from rbsuite_swe.grading.verdict import END, EXIT_CODE, Verdict, grade_log
from rbsuite_swe.instance import Instance

_PATCH, _SCRIPT = "/tmp/patch.diff", "/tmp/eval.sh"
_OUTPUT = 64 * MIB


def eval_script(instance: Instance) -> str:
    """The script that runs the tests, printing their exit code after their output, and writing reports if the runners can be told to.

    It continues when a command fails, and echoes every command: this is how the marks around the output are printed.
    """
    lines = [line for line in recorded(instance.eval_script.strip()).split("\n") if line not in _HEAD]
    end = next((at for at, line in enumerate(lines) if END in line), None)
    if end is not None:
        lines[end : end + 1] = ["TESTS_EXIT_CODE=$?", lines[end], f'echo "{EXIT_CODE}: $TESTS_EXIT_CODE"']
    return "\n".join([*_HEAD, *lines]) + "\n"


_HEAD = ("#!/bin/bash", "set -uxo pipefail")


async def grade_patch(backend: Backend, setup: Setup, instance: Instance, patch: str, seconds: float) -> Verdict:
    """The verdict on a patch.

    The repository is the image's own, with its history: the agent never sees it. Runners are told to write reports outside of it
    (:mod:`rbsuite_swe.grading.reports`). If one does, a test that should pass but is not in the report did not run, whatever was printed.
    If one should but there is no report, no test ran.

    Args:
        backend: provides the container.
        setup: setup of the agent's container.
        instance: the instance.
        patch: the model's patch.
        seconds: how long the tests may take.

    Raises:
        EnvironmentFailure: there is no script, or the container failed.
    """
    if not instance.eval_script or not instance.log_parser:
        raise EnvironmentFailure(
            f"{instance.instance_id} has no test script or log parser.", "Use data in SWE-bench's new schema."
        )
    limits = replace(setup.limits, seconds=seconds, cpu_seconds=int(seconds), output=_OUTPUT)
    environment = {**setup.environment, **VARIABLES}
    # Scripts install the package before testing it, so the container may change its own copy of the image.
    fresh = replace(setup, limits=limits, environment=environment, writable_root=True)
    sandbox = await backend.start(fresh)
    try:
        await sandbox.write(_PATCH, patch.encode())
        if (await sandbox.exec(applied(_PATCH))).code:
            return grade_log(instance, FAILED)
        await sandbox.write(_SCRIPT, eval_script(instance).encode())
        await sandbox.write(RECORDER, recorder().encode())
        mark = secrets.token_hex(16)
        outcome = await sandbox.exec(["bash", "-c", f"mkdir -p {REPORTS}; exec bash {_SCRIPT}"])
        show = f"for one in {REPORTS}/*; do if test -f $one; then cat $one; echo; echo {mark}; fi; done"
        reports = "" if outcome.timed_out else (await sandbox.exec(show)).output
    finally:
        await sandbox.close()
    if outcome.timed_out:
        return Verdict(sign="tests_timed_out")
    verdict = grade_log(instance, outcome.output)
    return checked(verdict, read_reports(reports.split(mark)), instance, outcome.output)
