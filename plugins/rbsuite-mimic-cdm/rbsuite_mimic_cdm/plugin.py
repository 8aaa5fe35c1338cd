"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Fidelity, Measure, Option, Split

CITATION = (
    "Paul Hager, Friederike Jungmann, Robbie Holland, Kunal Bhagat, Inga Hubrecht, Manuel Knauer, Jakob Vielhauer, Marcus Makowski, "
    "Rickmer Braren, Georgios Kaissis, Daniel Rueckert: Evaluation and mitigation of the limitations of large language models in "
    "clinical decision-making. Nature Medicine 30, 2024."
)

_PATHOLOGIES = ("appendicitis", "cholecystitis", "diverticulitis", "pancreatitis")
_FIDELITY = (
    Fidelity(
        "turns, rounds and end of the dialogue",
        "exact",
        "ten turns; any text with 'diagnosis:' ends it; the conclusion does not count as a round",
    ),
    Fidelity("texts of prompts and replies", "approximate", "this project's own"),
    Fidelity(
        "fuzzy ratio",
        "exact",
        "equal to thefuzz's, weighted for actions (80), plain for tests (90, 100) and words (90)",
    ),
    Fidelity(
        "names of tests, panels, scans and regions",
        "approximate",
        "this project's words, wider than upstream's; panels and kinds of scans are upstream's",
    ),
    Fidelity(
        "required tests and imaging points", "exact", "by item; by modality in the order asked for, at most two points"
    ),
    Fidelity(
        "words and codes of treatments", "exact", "of charts and of proposals; a drug's name does not count as the word"
    ),
    Fidelity(
        "the first diagnosis",
        "approximate",
        "from the first 'diagnosis:' on, split as upstream does; prose around it is read more simply",
    ),
    Fidelity("negation", "approximate", "by NegEx's phrases; upstream uses a language model of scispaCy"),
    Fidelity("diagnostic criteria", "absent", "upstream's optional action that shows criteria of a pathology"),
    Fidelity(
        "parsing scores",
        "approximate",
        "1 where the turn had the form that was asked for; in upstream, 1 means that it had not",
    ),
)
_NOTES = (
    "The sample is 24 invented patients, six of each pathology. It shows how memories work, and says nothing about medicine or published "
    "figures.",
    "Floors on the sample: doing nothing 0 of 24; one pathology for every patient 6 of 24.",
    "Per pathology, with their mean (macro): python -m rbsuite_mimic_cdm EXPERIMENT. A pathology is not a domain, because "
    "memories see domains.",
    "Real data consists of patients' records: import your own copy. Its tasks are private: nothing of them is sent to a model that is not "
    "on this machine unless --i-may-share-this-data is given.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """MIMIC-CDM, by the form of the dialogue."""
    react = EnvironmentSpec(
        name="mimic-cdm[react]",
        aliases=("mimic-cdm",),
        summary="pain in the abdomen: gather findings, then diagnose and treat; turns are texts, as in upstream",
        factory="rbsuite_mimic_cdm.environment:MimicCdm",
        options=(
            Option("pathology", "str", "", "only patients with this pathology", choices=("", *_PATHOLOGIES)),
            Option("max_rounds", "int", 10, "turns after which an episode is cut off", minimum=1, maximum=30),
            Option("include_ref_range", "bool", True, "whether results come with their reference ranges"),
            Option("bin_labs", "bool", False, "whether results are given as low, normal or high"),
        ),
        version="1",
        splits=(
            Split("sample", "24 invented patients, six of each pathology", bundled=True),
            Split("full", "the patients of mimic-iv-ext-cdm"),
        ),
        action_mode="text",
        concurrency="inline",
        max_steps=30,
        refine="continue",
        measures=(
            Measure("gracious_diagnosis", "the diagnosis is right, or close to it by upstream's list"),
            Measure("physical_examination", "the first action was the examination"),
            Measure("laboratory_tests", "share of the required categories of tests that were asked for"),
            Measure("imaging", "points for scans of the abdomen, of two"),
            Measure("treatment", "share of the required treatments that were proposed"),
            Measure("parsing", "actions, diagnosis and treatment had the form that was asked for"),
        ),
        fidelity=_FIDELITY,
        pack="mimic-cdm",
        importer="rbsuite_mimic_cdm.importer:IMPORTER",
        citation=CITATION,
        data_licence="MIMIC's, under PhysioNet's credentialed data use agreement; the sample: Apache-2.0",
        homepage="https://github.com/paulhager/MIMIC-Clinical-Decision-Making-Framework",
        notes=_NOTES,
    )
    tools = replace(
        react,
        name="mimic-cdm[tools]",
        aliases=("mimic-cdm-tools",),
        summary="pain in the abdomen: gather findings, then diagnose and treat; turns are tool calls",
        factory="rbsuite_mimic_cdm.environment:MimicCdmTools",
        action_mode="tools",
        agent="tools",
        refine="retry",
    )
    return [react, tools]
