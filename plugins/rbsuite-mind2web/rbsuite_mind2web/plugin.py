"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import EnvironmentSpec, Fidelity, Measure, Option, Split

CITATION = (
    "Xiang Deng, Yu Gu, Boyuan Zheng, Shijie Chen, Samuel Stevens, Boshi Wang, Huan Sun, Yu Su: Mind2Web: Towards a Generalist Agent "
    "for the Web. NeurIPS 2023 Datasets and Benchmarks."
)

_FIDELITY = (
    Fidelity(
        "element accuracy", "exact", "the first positive element, as Synapse and AWM count; any positive one alongside"
    ),
    Fidelity("action F1", "exact", "sets of words of operation and value, without punctuation"),
    Fidelity("step and task success", "exact", "the whole action equals the recorded one; every step does"),
    Fidelity(
        "candidates",
        "exact",
        "the first positive and the most likely others; none positive in the top k: 0, and no call",
    ),
    Fidelity("averages", "exact", "over tasks (macro) by default; over steps (micro) alongside"),
    Fidelity("text of a page", "approximate", "this project's own outline of the same neighbourhoods of candidates"),
    Fidelity("prompt and examples", "approximate", "this project's own; no worked examples"),
    Fidelity("conversation", "approximate", "the agent sees its earlier answers beside the recorded history"),
)
_NOTES = (
    "Offline: the next page is the recorded one, whatever was answered. The recorded actions so far are part of the observation, as "
    "in published evaluations: agent, judge and memory can see where an earlier answer differed; history=none hides them.",
    "The score is the share of a task's steps that are right; rbsuite rescore offers any-positive and task-success.",
    "Over steps (micro), over tasks (macro) and by test split: python -m rbsuite_mind2web EXPERIMENT.",
    "The sample is 24 tasks on 12 invented pages: four tasks on each of six sites, two sites for each test split.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """Mind2Web."""
    return [
        EnvironmentSpec(
            name="mind2web",
            summary="recorded web pages: say the next action on each",
            factory="rbsuite_mind2web.environment:Mind2Web",
            options=(
                Option("top_k", "int", 5, "how many candidates a page offers", minimum=1, maximum=1000),
                Option(
                    "history",
                    "str",
                    "recorded",
                    "whether the recorded actions so far are shown",
                    choices=("recorded", "none"),
                ),
            ),
            version="1",
            splits=(
                Split("sample", "24 tasks on invented pages, of all three test splits", bundled=True),
                Split("test_task", "new tasks on sites seen in the training data"),
                Split("test_website", "new sites in domains seen in the training data"),
                Split("test_domain", "sites in new domains"),
            ),
            domains=("Entertainment", "Info", "Service", "Shopping", "Travel"),
            action_mode="text",
            concurrency="inline",
            max_steps=100,
            refine="continue",
            measures=(
                Measure("element_accuracy", "share of steps with the first positive element"),
                Measure("element_accuracy_any", "share of steps with any positive element"),
                Measure("operation_f1", "F1 of operation and value, mean over the steps"),
                Measure("task_success", "every step was right"),
            ),
            rescorers="rbsuite_mind2web.grading:RESCORERS",
            fidelity=_FIDELITY,
            pack="mind2web",
            importer="rbsuite_mind2web.importer:IMPORTER",
            citation=CITATION,
            data_licence="CC BY 4.0 (the authors ask that test data is not made public); the sample: Apache-2.0",
            homepage="https://github.com/OSU-NLP-Group/Mind2Web",
            notes=_NOTES,
            private=True,
        )
    ]
