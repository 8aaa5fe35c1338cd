"""A chart to ask, and episodes over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rbsuite_mimic_cdm.chart import Laboratory, Patient, Scan, item_of, patient_of
from rbsuite_mimic_cdm.episode import CdmEpisode
from rbsuite_mimic_cdm.synthetic import lab_mapping, patients

Make = Callable[..., CdmEpisode]


@pytest.fixture
def laboratory() -> Laboratory:
    return Laboratory([item_of(row) for row in lab_mapping()])


@pytest.fixture
def patient() -> Patient:
    """With appendicitis, and two scans of one kind."""
    found = patient_of(next(patients()))
    return replace(found, scans=(*found.scans, Scan("CT", "Abdomen", "The second one.")))


@pytest.fixture
def make(laboratory: Laboratory, patient: Patient) -> Make:
    def made(**changes: Any) -> CdmEpisode:
        options = {"form": "react", "max_rounds": 10, "include_ref_range": True, "bin_labs": False}
        who = changes.pop("patient", patient)
        return CdmEpisode(who, laboratory, "Patient History: ...", graded_by=who, **(options | changes))

    return made
