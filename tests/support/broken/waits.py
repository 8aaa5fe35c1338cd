"""A plugin that does not work but waits when it is imported, as for a server."""

from __future__ import annotations

import time
from collections.abc import Sequence

from broken.judges import GOOD
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import JudgeSpec

time.sleep(1.05)


@hookimpl
def rbsuite_judges() -> Sequence[JudgeSpec]:
    return [GOOD]
