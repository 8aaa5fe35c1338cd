"""Grades a patch in a fresh container of the instance's image, by its own script; after swebench 5.0.2, ``run_evaluation.py``."""

from __future__ import annotations

import re
from dataclasses import replace

from rbsuite.errors import EnvironmentFailure
from rbsuite.sandboxes.base import MIB, Backend, Setup
from rbsuite_swe.grading.applying import FAILED, applied
from rbsuite_swe.grading.junit import read_names
from rbsuite_swe.grading.verdict import END, EXIT_CODE, START, Verdict, grade_log
from rbsuite_swe.instance import Instance

_PATCH, _SCRIPT, _REPORT = "/tmp/patch.diff", "/tmp/eval.sh", "/tmp/report.xml"
_OUTPUT = 64 * MIB


def eval_script(instance: Instance) -> str:
    """The script that runs the tests, with the exit code of the tests written after their output.

    It runs on when a command fails, and shows every command: the marks of the output are shown so.
    """
    lines = [line for line in instance.eval_script.strip().split("\n") if line not in _HEAD]
    end = next((at for at, line in enumerate(lines) if END in line), None)
    if end is not None:
        lines[end : end + 1] = ["TESTS_EXIT_CODE=$?", lines[end], f'echo "{EXIT_CODE}: $TESTS_EXIT_CODE"']
    return "\n".join([*_HEAD, *lines]) + "\n"


_HEAD = ("#!/bin/bash", "set -uxo pipefail")
_PYTEST = re.compile(r"(?:^|[\s;&])pytest(?:\s|$)")
_OTHERS = re.compile(r"\b(?:tox|nox|sudo|su|env -i)\b")
"""What runs pytest, and does not hand on the variable that tells it to write a report."""


def reports(instance: Instance) -> bool:
    """Whether the tests of an instance are run by pytest, which then writes a report unless it is ended from within."""
    lines = instance.eval_script.partition(START)[2].partition(END)[0].splitlines()
    runs = [line for line in lines if _PYTEST.search(line)]
    return bool(runs) and not any(_OTHERS.search(line) for line in runs)


async def grade_patch(backend: Backend, setup: Setup, instance: Instance, patch: str, seconds: float) -> Verdict:
    """The verdict on a patch.

    The repository is the image's own, with its history: the agent never sees it. pytest is told to write a report outside of it, and where
    it does, a test that should pass and is not in the report did not run, whatever was printed. Where pytest is what the script runs and
    there is no report, none did.

    Args:
        backend: gives the container.
        setup: of the agent's container.
        instance: the instance.
        patch: the model's.
        seconds: what the tests may take.

    Raises:
        EnvironmentFailure: there is no script, or the container failed.
    """
    if not instance.eval_script or not instance.log_parser:
        raise EnvironmentFailure(
            f"{instance.instance_id} has no test script or no log parser.", "Use data of SWE-bench's new schema."
        )
    limits = replace(setup.limits, seconds=seconds, cpu_seconds=int(seconds), output=_OUTPUT)
    environment = {**setup.environment, "PYTEST_ADDOPTS": f"--junitxml={_REPORT}"}
    # Scripts install the package before they test it, so the container may change its own copy of the image.
    fresh = replace(setup, limits=limits, environment=environment, writable_root=True)
    sandbox = await backend.start(fresh)
    try:
        await sandbox.write(_PATCH, patch.encode())
        if (await sandbox.exec(applied(_PATCH))).code:
            return grade_log(instance, FAILED)
        await sandbox.write(_SCRIPT, eval_script(instance).encode())
        outcome = await sandbox.exec(["bash", _SCRIPT])
        timeout = f"\n\nTimeout error: {seconds:g} seconds exceeded." if outcome.timed_out else ""
        verdict = Verdict(sign="tests_timed_out") if timeout else grade_log(instance, outcome.output)
        try:
            report = read_names((await sandbox.read(_REPORT)).decode("utf-8", "replace"))
        except FileNotFoundError:
            forged = verdict.resolved and reports(instance)
            return replace(verdict, resolved=False, sign="no_report", certain=False) if forged else verdict
    finally:
        await sandbox.close()
    return checked(verdict, report)


def checked(verdict: Verdict, report: frozenset[str] | None) -> Verdict:
    """The verdict, unless the report of pytest contradicts it.

    Args:
        verdict: by the log.
        report: names of the tests that passed or were skipped; ``None``: no report.
    """
    if report is None or not verdict.resolved:
        return verdict
    for test in (verdict.passed or {}).get("FAIL_TO_PASS", ()):
        name = test.rsplit("::", 1)[-1] if "[" not in test else test[test.rfind("::", 0, test.index("[")) :].lstrip(":")
        if not any(one == name or one.startswith(name) for one in report):
            return replace(verdict, resolved=False, sign="not_in_the_report", certain=False)
    return verdict
