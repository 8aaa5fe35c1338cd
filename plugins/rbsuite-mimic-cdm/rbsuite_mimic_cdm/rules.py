"""The tables of ``rules.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

PATHOLOGIES = ("appendicitis", "cholecystitis", "diverticulitis", "pancreatitis")


@cache
def rules() -> Mapping[str, Any]:
    """All tables, by name."""
    return tomllib.loads((files("rbsuite_mimic_cdm") / "rules.toml").read_text("utf-8"))
