"""Upstream's environment, running from a checkout in its own process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from rbsuite.errors import DataError


class Upstream:
    """Answers requests, which are described in the driver.

    Args:
        title: what upstream is called in messages.
        checkout: the directory of a checkout.
        mark: a path whose existence identifies it as a checkout.
        driver: the script that runs upstream; it takes the checkout as its argument and answers each line of JSON with another.
        python: an interpreter with upstream's dependencies.

    Raises:
        DataError: the directory is not a checkout; or, later, the process ended.
    """

    def __init__(self, title: str, checkout: Path, mark: str, driver: Path, python: str) -> None:
        if not (checkout / mark).exists():
            raise DataError(f"no {title} checkout in {str(checkout)!r}.", f"Name the directory that contains {mark}.")
        self._process = subprocess.Popen(
            [python, "-W", "ignore", str(driver), str(checkout)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
        )

    def ask(self, **request: Any) -> Any:
        """The answer to one request."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(json.dumps(request) + "\n")
        requests.flush()
        answer = answers.readline()
        if not answer:
            raise DataError(
                f"the upstream process ended during {json.dumps(request)[:200]}.", "Run the driver by hand."
            )
        return json.loads(answer)

    def __enter__(self) -> Upstream:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
