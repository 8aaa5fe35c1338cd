"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Apart, EnvironmentSpec, Fidelity, Measure, Split
from rbsuite_embodied.declare import (
    CITATION,
    HOMEPAGE,
    LIMITS,
    MAX_TURNS,
    NO_IMAGES,
    OBS_MODE,
    PROGRESS_UPSTREAM,
    simulator_spec,
)

_CITATION = (
    f"{CITATION} Andrew Szot, Max Schwarzer, Harsh Agrawal, Bogdan Mazoure, Walter Talbott, Katherine Metcalf, Natalie Mackraz, "
    "Devon Hjelm, Alexander Toshev: Large Language Models as Generalizable Policies for Embodied Tasks. arXiv:2310.17722, 2023."
)
_DATA_LICENCE = (
    "EmbodiedBench: none stated; WorldMind, which redistributes the episodes: MIT; they were made with tools of Apple's ml-llarp and name "
    "assets of ReplicaCAD and YCB; the sample: Apache-2.0"
)
_DOMAINS = ("base", "common_sense", "complex_instruction", "long_horizon", "spatial_relationship", "visual_appearance")
_PACK = "eb-habitat"
_IMPORTER = "rbsuite_eb_habitat.importer:IMPORTER"

_SPLITS = (
    Split("sample", "36 tasks in homes written by this project", bundled=True),
    Split("test", "upstream's 300 tasks: 50 in each of the six sets"),
)
_MEASURES = (
    Measure("progress", "share of the subgoals that held at some point; 1 on success"),
    PROGRESS_UPSTREAM,
)
_APART = (
    Apart(
        "spatial_relationship",
        "Its instructions describe receptacles by what is left or right of them, which no text observation shows: the agent can only guess "
        "the order along the counter from names.",
    ),
    Apart(
        "visual_appearance",
        "Its instructions describe how things look, which no text observation shows: the agent can only guess the category.",
    ),
)

_FIDELITY = (
    Fidelity("named actions", "exact", "the 70 actions with upstream's ids and names"),
    LIMITS,
    Fidelity(
        "feedback", "exact", "upstream's texts, word for word; every cabinet is called 'cabinet push', as upstream does"
    ),
    Fidelity(
        "goals",
        "exact",
        "expression trees expanded as upstream does: NAND under EXISTS holds if it does for some object",
    ),
    Fidelity(
        "what counts right after an action",
        "exact",
        "what its precondition required counts as it was before, as in upstream, until the next action: after a pick the hand still "
        "counts as empty, so that 16 of the 300 tasks, which ask to take something away, are solved by picking it up",
    ),
    Fidelity(
        "preconditions and effects",
        "exact",
        "those of the domain: a closed refrigerator or drawer prevents neither picking nor placing",
    ),
    Fidelity(
        "what is near, placing and doors",
        "approximate",
        "the place navigated to and those that upstream's expert had within reach with it in nine of ten cases",
    ),
    Fidelity(
        "what is near, picking",
        "approximate",
        "all that lies on the place navigated to and nothing else; upstream measures 1.5 m and an angle to each object",
    ),
    Fidelity(
        "which of several objects of a kind is picked",
        "approximate",
        "the first in the episode's list, as upstream's first match",
    ),
    Fidelity(
        "where placed objects lie",
        "approximate",
        "on the receptacle, always; upstream measures the position after the object was put down",
    ),
    Fidelity(
        "where an object in the hand is",
        "approximate",
        "on no receptacle; upstream measures its position: after 3 of its expert's 361 pick-ups the hand was over a receptacle",
    ),
    Fidelity(
        "start of the robot",
        "approximate",
        "nowhere; upstream puts it at a random spot, where something may be within reach",
    ),
    Fidelity(
        "progress",
        "approximate",
        "upstream's subgoals without the incidental facts of the expert's standpoint; 1 on success, as upstream. With those facts, in this "
        "engine's states, upstream's code gives the same after two of three actions and less after nearly all others",
    ),
    Fidelity(
        "failures of the body", "absent", "no physics, no collisions: fewer actions are invalid than in the simulator"
    ),
    NO_IMAGES,
    Fidelity("reward", "approximate", "the change in progress; upstream's is five times that, plus 10 on success"),
)
_NOTES = (
    "State machine in place of Habitat, for EmbodiedBench/EmbodiedBench at b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04. Its results are "
    "not EB-Habitat's: rules, texts and goals were compared with upstream's code on a made-up simulator, agreement with Habitat itself "
    "was never measured, and scores of the two are never mixed.",
    "Upstream later replaced the long_horizon episodes; those of this commit are the older ones, and the task set's hash tells them apart.",
    "Floor, an agent that does nothing: 0 of 300; any action solves spatial_relationship/test/43, whose goal holds at the start; "
    "actions at random: about 1 %. Ceiling, replayed references: all; that they work shows that the engine is consistent, not faithful.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """EB-Habitat, by backend."""
    symbolic = _symbolic()
    simulator = simulator_spec(
        symbolic,
        engine="Habitat",
        factory="rbsuite_eb_habitat.simulator:EbHabitatSimulator",
        check="rbsuite_embodied.simulator:check_habitat",
        tells_view=False,
    )
    return [symbolic, simulator]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """What agents are told about the home."""
    return [Path(__file__).with_name("prompts")]


def _symbolic() -> EnvironmentSpec:
    return EnvironmentSpec(
        name="eb-habitat[symbolic]",
        summary="rearranging a home with 70 named actions (EB-Habitat's tasks), in a state machine",
        factory="rbsuite_eb_habitat.environment:EbHabitat",
        options=(OBS_MODE,),
        aliases=("eb-habitat",),
        version="1",
        splits=_SPLITS,
        domains=_DOMAINS,
        action_mode="choice",
        concurrency="inline",
        max_steps=MAX_TURNS,
        refine="continue",
        agent="planner",
        pack=_PACK,
        importer=_IMPORTER,
        citation=_CITATION,
        data_licence=_DATA_LICENCE,
        homepage=HOMEPAGE,
        notes=_NOTES,
        measures=_MEASURES,
        apart=_APART,
        fidelity=_FIDELITY,
    )
