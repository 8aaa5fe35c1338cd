"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
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
    f"{CITATION} Mohit Shridhar, Jesse Thomason, Daniel Gordon, Yonatan Bisk, Winson Han, Roozbeh Mottaghi, Luke Zettlemoyer, "
    "Dieter Fox: ALFRED: A Benchmark for Interpreting Grounded Instructions for Everyday Tasks. arXiv:1912.01734, 2020."
)

DOMAINS = ("base", "common_sense", "complex_instruction", "long_horizon", "spatial", "visual_appearance")

_SPLITS = (
    Split("sample", "36 tasks in scenes written by this project", bundled=True),
    Split("test", "upstream's 300 tasks: 50 in each of the six sets"),
)

_MEASURES = (
    Measure("progress", "share of the goal's conditions that hold at the end"),
    PROGRESS_UPSTREAM,
)

_APART = (
    Apart(
        "spatial",
        "Its instructions say where things are, which no text observation shows: the agent can only try the instances.",
    ),
    Apart(
        "visual_appearance",
        "Its instructions describe how things look, which no text observation shows: the agent can only guess the instance.",
    ),
)

_CLEAN = Fidelity(
    "notes kept between episodes",
    "absent",
    "each episode starts clean; upstream carries its notes on slicing and failed puts over to the next",
)
_FIDELITY = (
    Fidelity(
        "named actions",
        "exact",
        "the 162 base actions with upstream's ids, and upstream's scheme for a scene's additional ones",
    ),
    Fidelity(
        "numbering of instances",
        "approximate",
        "upstream numbers in the order in which the simulator lists objects, which is not in the data; here by sorted id",
    ),
    LIMITS,
    Fidelity("feedback", "exact", "upstream's texts, word for word, for every case that can arise here"),
    Fidelity(
        "goal conditions and progress",
        "exact",
        "ALFRED's conditions, with the quirk that names match within object ids",
    ),
    Fidelity(
        "heat, cool, clean, slice, toggle", "exact", "upstream's rules for what becomes hot, cold, clean, sliced or lit"
    ),
    Fidelity(
        "where objects start",
        "approximate",
        "positions are recorded; what they lie in is derived, right for 92 % of the pick-ups left out of the derivation",
    ),
    Fidelity(
        "what a scene holds",
        "approximate",
        "some fixed objects have no known place and cannot be found: 65 types over the 130 trials, a garbage can 28 times",
    ),
    Fidelity(
        "nearest instance, visibility",
        "approximate",
        "recorded positions, 1.5 m and 45 degrees to either side; nothing blocks the view, and it has no pitch",
    ),
    Fidelity(
        "the simulator's lists",
        "approximate",
        "what lies in a bowl in a cabinet counts as in both, and the cabinet is named; a sliced whole is gone: no data has the lists",
    ),
    Fidelity(
        "the simulator's own refusals",
        "approximate",
        "a running microwave stays shut, what is in the hand is not cut, a place must be in view to put something there: not checked "
        "against its build",
    ),
    Fidelity(
        "failures of the body",
        "absent",
        "no failed teleports, angles of approach, poses, steps between attempts, collisions or full places: fewer actions are invalid than "
        "in the simulator",
    ),
    _CLEAN,
    NO_IMAGES,
    Fidelity(
        "reward",
        "approximate",
        "the change in progress; upstream's dense reward follows the expert through the simulator",
    ),
)

_NOTES = (
    "State machine in place of AI2-THOR, for EmbodiedBench/EmbodiedBench at b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04. Its results "
    "are not EB-ALFRED's: agreement with the simulator was never measured, and scores of the two are never mixed.",
    "Floor, an agent that does nothing: 0 of 300. Chance level about 0 %: random actions solved 0 of 6,000 episodes.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """EB-ALFRED, by backend."""
    symbolic = _symbolic()
    simulator = simulator_spec(
        symbolic,
        engine="AI2-THOR",
        factory="rbsuite_eb_alfred.simulator:EbAlfredSimulator",
        check="rbsuite_embodied.simulator:check_alfred",
        tells_view=True,
        rows=(replace(_CLEAN, grade="approximate"),),
    )
    return [symbolic, simulator]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """What agents are told about the home."""
    return [Path(__file__).with_name("prompts")]


def _symbolic() -> EnvironmentSpec:
    return EnvironmentSpec(
        name="eb-alfred[symbolic]",
        aliases=("eb-alfred",),
        summary="household tasks with named actions, in a state machine: EmbodiedBench's EB-ALFRED without the simulator",
        factory="rbsuite_eb_alfred.environment:EbAlfred",
        options=(OBS_MODE,),
        version="1",
        splits=_SPLITS,
        domains=DOMAINS,
        action_mode="choice",
        concurrency="inline",
        max_steps=MAX_TURNS,
        refine="continue",
        agent="planner",
        measures=_MEASURES,
        apart=_APART,
        fidelity=_FIDELITY,
        pack="eb-alfred",
        importer="rbsuite_eb_alfred.importer:IMPORTER",
        citation=_CITATION,
        data_licence="ALFRED: MIT; EmbodiedBench's instructions: no licence file at this commit; the sample: Apache-2.0",
        homepage=HOMEPAGE,
        notes=_NOTES,
    )
