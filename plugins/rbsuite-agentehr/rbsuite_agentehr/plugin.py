"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Fidelity, JudgeSpec, Measure, Option, Split

CITATION = (
    "AgentEHR and RetroSum: arXiv:2601.13918, 2026. Alistair E. W. Johnson, Lucas Bulgarelli, Lu Shen, Alvin Gayles, Ayad Shammout, "
    "Steven Horng, Tom J. Pollard, Sicheng Hao, Benjamin Moody, Brian Gow, Li-wei H. Lehman, Leo A. Celi, Roger G. Mark: MIMIC-IV, a "
    "freely accessible electronic health record dataset. Scientific Data 10:1, 2023."
)

_DOMAINS = ("diagnoses_ccs", "procedures_ccs", "labevents", "prescriptions", "microbiologyevents", "transfers")

_FIDELITY = (
    Fidelity("names of tools", "exact", "15 of upstream's tools, those that need neither a model nor a service"),
    Fidelity(
        "parameters and texts of tools",
        "approximate",
        "this project's own; upstream has no licence that permits copying",
    ),
    Fidelity("semantic search, PubMed, textbooks", "absent", "they need a model or a service"),
    Fidelity("observations", "exact", "the last 8,000 characters"),
    Fidelity("score", "exact", "case-folded sets; the answer is read as data, where upstream evaluates it as code"),
    Fidelity(
        "end of the record", "approximate", "rows later than the prediction time do not exist, by this project's rule"
    ),
    Fidelity(
        "end of an episode",
        "approximate",
        "after max_exec_steps calls, or max_same_steps identical ones; upstream counts identical observations "
        "and asks once more for an answer",
    ),
    Fidelity("radiology", "absent", "upstream defines the task but has no data for it"),
)

_NOTES = (
    "The sample is a synthetic hospital: 60 invented patients, made by a program of this project. It shows how memories work, and "
    "says nothing about medicine or published figures.",
    "Floors on the sample: doing nothing 0 of 60; always answering the names that are right most often 10 of 60.",
    "Real data consists of patients' records: import your own copy. Its tasks are private: nothing of them is sent to a model that is not "
    "on this machine unless --i-may-share-this-data is given.",
    "For tool_error_rate, lower is better; numerator and denominator: python -m rbsuite_agentehr EXPERIMENT.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """AgentEHR."""
    return [
        EnvironmentSpec(
            name="agentehr",
            summary="predictions from a patient's record, read with tools over a database",
            factory="rbsuite_agentehr.environment:AgentEhr",
            options=(
                Option("max_exec_steps", "int", 100, "tool calls after which an episode is cut off", minimum=1),
                Option(
                    "max_same_steps",
                    "int",
                    5,
                    "identical calls in a row after which it is cut off; 0: never",
                    minimum=0,
                ),
            ),
            version="1",
            splits=(
                Split("sample", "60 tasks over invented patients, ten of each kind", bundled=True),
                Split("mimic-iv-common", "AgentEHR's common cases from MIMIC-IV"),
                Split("mimic-iv-rare", "its rare cases"),
                Split("mimic-iii", "its cases from MIMIC-III"),
                Split(
                    "mimic-iv",
                    "tasks drawn from your own release of MIMIC-IV by AgentEHR's rules; not its published ones",
                ),
            ),
            domains=_DOMAINS,
            action_mode="tools",
            concurrency="inline",
            max_steps=100,
            refine="retry",
            agent="tools",
            measures=(
                Measure("f1", "F1 of the predicted names"),
                Measure("precision", "share of the predicted names that are right"),
                Measure("recall", "share of the right names that were predicted"),
                Measure("tool_error_rate", "share of the tool calls that failed; lower is better"),
            ),
            fidelity=_FIDELITY,
            pack="agentehr",
            importer="rbsuite_agentehr.importer:IMPORTER",
            citation=CITATION,
            data_licence="MIMIC's, under PhysioNet's credentialed data use agreement; the sample: Apache-2.0",
            homepage="https://github.com/BlueZeros/AgentEHR",
            notes=_NOTES,
        )
    ]


@hookimpl
def rbsuite_judges() -> Sequence[JudgeSpec]:
    """AgentEHR's feedback from ground truth."""
    return [
        JudgeSpec(
            "gold-threshold",
            "ground truth, not a judgement: 0.4 F1 + 0.2 precision + 0.4 recall of the right names against a threshold",
            "rbsuite_agentehr.judge:GoldThresholdJudge",
            (Option("threshold", "float", 0.2, "lowest value that counts as success", minimum=0.0, maximum=1.0),),
            ground_truth=True,
        )
    ]
