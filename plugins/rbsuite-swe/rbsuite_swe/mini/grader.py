"""Grades a patch in a fresh copy of the repository, with the hidden tests, in a separate sandbox."""

from __future__ import annotations

import re
import secrets
from importlib.resources import files as resources

from rbsuite.jsonable import digest
from rbsuite.sandboxes.base import Backend, Setup
from rbsuite_swe.grading.applying import FAILED, applied, reset
from rbsuite_swe.grading.junit import read_report
from rbsuite_swe.grading.verdict import Verdict, judge
from rbsuite_swe.mini.catalogue import MiniInstance

SECONDS = 60.0
_PATCH = ".git/model.patch"


class MiniGrader:
    """Grades patches. The same patch for the same instance is graded only once.

    Args:
        backend: provides the sandboxes.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._known: dict[str, Verdict] = {}

    async def grade(self, mini: MiniInstance, setup: Setup, patch: str) -> Verdict:
        """The verdict on a patch.

        Args:
            mini: the instance.
            setup: setup of the sandbox; its workspace is the repository before the change.
            patch: the model's patch.
        """
        key = digest([mini.instance.instance_id, patch])
        if key not in self._known:
            self._known[key] = await self._graded(mini, setup, patch)
        return self._known[key]

    async def _graded(self, mini: MiniInstance, setup: Setup, patch: str) -> Verdict:
        mark = secrets.token_hex(16)
        sandbox = await self._backend.start(setup)
        try:
            await sandbox.write(_PATCH, patch.encode())
            outcome = await sandbox.exec(_script(mini, mark), seconds=SECONDS)
        finally:
            await sandbox.close()
        parts = outcome.output.split(mark)
        if (
            FAILED in parts[0]
            or len(parts) != 3
            or outcome.timed_out
            or not re.fullmatch(r"\s*-?[0-9]{1,9}\s*", parts[2])
        ):
            return Verdict(sign="patch_does_not_apply" if FAILED in parts[0] else "")
        statuses = read_report(parts[1].strip(), int(parts[2]))
        if statuses is None:
            return Verdict()
        return judge(mini.instance.fail_to_pass, mini.instance.pass_to_pass, statuses)


def _script(mini: MiniInstance, mark: str) -> str:
    """Applies the patch, restores the tests, adds the hidden ones and runs all; the report is written outside of the repository."""
    runner = resources("rbsuite_swe.mini").joinpath("runner.py").read_text(encoding="utf-8")
    tests = (*mini.instance.fail_to_pass, *mini.instance.pass_to_pass)
    modules = " ".join(sorted({test.rsplit(".", 2)[0] for test in tests}))
    return f"""{applied(_PATCH)}
{reset(["tests"])}
git apply - <<'END-OF-PATCH' || exit 1
{mini.instance.test_patch}
END-OF-PATCH
cat > "$HOME/runner.py" <<'END-OF-RUNNER'
{runner}
END-OF-RUNNER
python3 -I -B "$HOME/runner.py" "$HOME/report.xml" {modules} </dev/null
code=$?
echo; echo {mark}; cat "$HOME/report.xml"; echo; echo {mark}; echo $code
"""
