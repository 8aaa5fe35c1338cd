"""A plugin that imports what it does not need to declare what it has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from broken.judges import GOOD
from rbsuite.hookspecs import hookimpl
from rbsuite.specs import JudgeSpec


@hookimpl
def rbsuite_judges() -> Sequence[JudgeSpec]:
    return [GOOD] * int(np.ones(1)[0])
