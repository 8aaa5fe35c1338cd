"""One patient: an agent asks for findings, tests and scans, and concludes with a diagnosis and a treatment."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Annotated, Literal, Self

from rbsuite.environments.tools import ToolEpisode, tool
from rbsuite.trajectory import Action, EndReason, Grade, Observation, ToolCall
from rbsuite_mimic_cdm.chart import Laboratory, Patient, scan_asked
from rbsuite_mimic_cdm.dialogue import concludes, read
from rbsuite_mimic_cdm.grading import DIAGNOSE, Done, measures, scores
from rbsuite_mimic_cdm.rules import rules

Form = Literal["react", "tools"]

POLICY = (
    "You are the physician of a patient with pain in the abdomen. You have the history. Gather what you need step by step (physical "
    "examination, laboratory tests, imaging), then name one diagnosis and the treatment. You have {rounds} turns."
)
_FORM = """
Write one action in each turn, in this form:

Thought: what you consider
Action: Physical Examination, Laboratory Tests or Imaging
Action Input: the tests by name, separated by commas; or modality and region of the scan; empty for the examination

The next message begins with "Observation:" and has the result. Once you are sure, conclude in this form:

Thought: what you consider
Final Diagnosis: the one diagnosis
Treatment: all that is to be done
"""
_UNREADABLE = "No action can be read from this. Write a line that begins with Action, or conclude with Final Diagnosis and Treatment."


class CdmEpisode(ToolEpisode):
    """A patient.

    Args:
        patient: the chart.
        laboratory: finds the items that test names refer to.
        query: what the agent sees first.
        graded_by: the chart that the conclusion is graded against: the same, plus what only the scores depend on.
        form: ``react``: turns are texts; ``tools``: turns are tool calls, and texts in the other form are understood too.
        max_rounds: turns after which the episode is cut.
        include_ref_range: results come with their reference ranges.
        bin_labs: results that have a reference range are reported as low, normal or high.
    """

    def __init__(
        self,
        patient: Patient,
        laboratory: Laboratory,
        query: str,
        *,
        graded_by: Patient,
        form: Form,
        max_rounds: int,
        include_ref_range: bool,
        bin_labs: bool,
    ) -> None:
        policy = POLICY.format(rounds=max_rounds)
        super().__init__(query, policy if form == "tools" else f"{policy}\n{_FORM}")
        if form == "react":
            self.observation = replace(self.observation, tools=())
        self._patient = patient
        self._graded_by = graded_by
        self._laboratory = laboratory
        self._form = form
        self._rounds = max_rounds
        self._shows = (include_ref_range, bin_labs)
        self._done = Done()
        self._seen: dict[tuple[str, str], int] = {}

    def act(self, action: Action) -> Observation:
        """Carry out the calls of a turn or read its text; the turn that concludes, or the last one, ends the episode."""
        for call in action.calls:
            self._note(call)
        seen = super().act(action)
        if self._done.diagnosis is None and len(self._done.actions) >= self._rounds:
            self.truncated = True
        if self._done.diagnosis is not None or self.truncated:
            return replace(seen, turn="over")
        return seen

    def hear(self, text: str) -> Observation:
        """A turn written as text."""
        said = read(text)
        if said.diagnosis is not None:
            self._done.actions.append(DIAGNOSE)
            self._conclude(said.diagnosis, said.treatment, strict=said.strict, treatment_strict=said.treatment_strict)
            return Observation("The episode is over.")
        self._done.parsed["action"] &= said.strict
        action, given = said.action, said.input
        if not action and self._laboratory.find(said.named).items:  # a test instead of an action
            action, given = "laboratory_tests", f"{said.named}, {given}"
        self._done.actions.append(action)
        if not action:
            self._done.invalid += 1
            return Observation(f"Observation: there is no action {said.named!r}." if said.named else _UNREADABLE)
        if action == "imaging":
            reply = self._scan(given)
        else:
            reply = self._tests(given) if action == "laboratory_tests" else self._patient.examination
        return Observation(f"Observation: {reply}")

    def closes(self, action: Action) -> bool:
        """Whether a turn concludes."""
        if action.calls:
            return any(call.name == DIAGNOSE for call in action.calls)
        return concludes(action.text)

    def fork(self) -> Self:
        """An independent copy in the same state."""
        twin = copy.copy(self)
        twin.tools = {name: getattr(twin, name) for name in self.tools}
        twin._done, twin._seen = copy.deepcopy(self._done), dict(self._seen)
        return twin

    def grade(self, end: EndReason) -> Grade:
        """1 for the correct diagnosis, with all other scores in the truth."""
        scored = scores(self._graded_by, self._done)
        truth = {"scores": dict(scored), "said": self._done.diagnosis, "invalid": self._done.invalid}
        return Grade(float(scored["diagnosis"]), measures(scored), truth)

    @tool
    def physical_examination(self) -> str:
        """Examine the patient."""
        return self._patient.examination

    @tool
    def laboratory_tests(self, tests: Annotated[str, "names of tests or panels, separated by commas"]) -> str:
        """Get results of laboratory tests."""
        return self._tests(tests)

    @tool
    def imaging(
        self, modality: Annotated[str, "such as Ultrasound, CT, MRI"], region: Annotated[str, "such as Abdomen"]
    ) -> str:
        """Get the report of a scan; asked again, that of the next one of its kind."""
        return self._scan(f"{modality} of {region}")

    @tool
    def diagnose(
        self, diagnosis: Annotated[str, "the one diagnosis"], treatment: Annotated[str, "all that is to be done"]
    ) -> str:
        """Conclude; this ends the episode."""
        self._conclude(diagnosis, treatment, strict=True, treatment_strict=True)
        return "The episode is over."

    def _note(self, call: ToolCall) -> None:
        known = call.name in self.tools
        self._done.actions.append(call.name if known else "")
        self._done.invalid += not known
        self._done.parsed["action"] &= known and not call.raw

    def _conclude(self, diagnosis: str, treatment: str | None, *, strict: bool, treatment_strict: bool) -> None:
        self._done.diagnosis, self._done.treatment = diagnosis, treatment or ""
        self._done.parsed |= {"diagnosis": strict, "treatment": treatment_strict}

    def _tests(self, asked: str) -> str:
        found = self._laboratory.find(asked)
        self._done.items += [item for item in found.items if item not in self._done.items]
        self._done.unknown += [name for name in found.unknown if name not in self._done.unknown]
        if not (found.items or found.unknown):
            self._done.invalid += 1
            return "Which tests? Give their names."
        # What was not measured is left out, as a panel has many items; if nothing was measured, the reply says so.
        lines = [text for item in found.items if (text := self._value(item))]
        missing = [] if lines else [self._named(item) for item in found.items]
        lines += [f"{name}: N/A" for name in dict.fromkeys([*missing, *found.unknown])]
        return "\n".join(lines)

    def _named(self, item: int) -> str:
        known = self._laboratory.items.get(item)
        return f"({known.fluid or 'Microbiology'}) {known.label}" if known else f"item {item}"

    def _value(self, item: int) -> str:
        """The result of an item; empty if it was not measured."""
        name = self._named(item)
        value = self._patient.tests.get(item, self._patient.microbiology.get(item))
        if value is None:
            return ""
        with_range, binned = self._shows
        lower, upper = self._patient.lower.get(item), self._patient.upper.get(item)
        if lower is None or upper is None:
            return f"{name}: {value}"
        if binned and (number := _number(value)) is not None:
            value = "low" if number < lower else "high" if number > upper else "normal"
        return f"{name}: {value}" + (f" | reference range {lower:g} to {upper:g}" if with_range else "")

    def _scan(self, asked: str) -> str:
        modality, region = scan_asked(asked)
        if not (modality and region):
            self._done.invalid += 1
            missing = "modality and region" if not (modality or region) else "region" if modality else "modality"
            return f"The {missing} of the scan cannot be told. Name both, as in: CT of the abdomen."
        self._done.scans.append((modality, region))
        kinds = rules()["kinds"]  # whoever asks for an MRI gets an MRCP, too
        studies = [
            one.report
            for one in self._patient.scans
            if modality in (one.modality, kinds.get(one.modality)) and one.region == region
        ]
        if not studies:
            return f"{region} {modality}: not available. Try another modality."
        at = self._seen.get((modality, region), 0)
        self._seen[(modality, region)] = at + 1
        if at >= len(studies):
            return f"{region} {modality}: cannot be repeated. Try another modality, or conclude."
        return f"{region} {modality}: {studies[at]}"


def _number(value: str) -> float | None:
    try:
        return float(value.split()[0])
    except (ValueError, IndexError):
        return None
