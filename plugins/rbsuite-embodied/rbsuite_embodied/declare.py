"""What the plugins' declarations have in common. Importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import replace

from rbsuite.specs import Check, EnvironmentSpec, Fidelity, Measure, Option

COMMIT = "b24793607b7c5f1f236dad6d9c3f3c94d0bd4b04"
"""The commit of EmbodiedBench/EmbodiedBench that is followed."""
HOMEPAGE = "https://github.com/EmbodiedBench/EmbodiedBench"
CITATION = (
    "Rui Yang, Hanyang Chen, Junyu Zhang, Mark Zhao, Cheng Qian, Kangrui Wang, Qineng Wang, Teja Venkat Koripella, Marziyeh "
    "Movahedi, Manling Li, Heng Ji, Huan Zhang, Tong Zhang: EmbodiedBench: Comprehensive Benchmarking Multi-modal Large Language "
    "Models for Vision-Driven Embodied Agents. arXiv:2502.09560, 2025."
)
MAX_TURNS = 40
"""The environment itself stops at 30 steps; a turn may also be a reply without an action, of which there are at most ten."""

OBS_MODE = Option(
    "obs_mode",
    "str",
    "feedback",
    "feedback: what upstream's agents get without images; visible: also the names of what is in view",
    choices=("feedback", "visible"),
)
IMAGES = Option(
    "images", "bool", False, "yes: also what upstream's agents are shown, the picture from the robot's camera"
)
PROGRESS_UPSTREAM = Measure(
    "progress_upstream", "the same, but 0 if the last reply contained no action, as upstream records it"
)
LIMITS = Fidelity(
    "limits",
    "exact",
    "30 steps, 10 invalid actions; a reply without an action counts as invalid, an empty plan ends the episode",
)
NO_IMAGES = Fidelity("images", "absent", "the agent gets text only")

_SIMULATOR = (
    Fidelity("world, feedback and scores", "exact", "upstream's own environment answers, in its own Python"),
    LIMITS,
    Fidelity("progress", "approximate", "upstream reports it only after an action; before the first it is 0"),
    Fidelity(
        "prompts", "approximate", "upstream's format of prompt and reply, in our own words and with our own examples"
    ),
    Fidelity("reward", "approximate", "the change in progress, not upstream's dense reward"),
    Fidelity(
        "images",
        "approximate",
        "with images=yes upstream's own picture, 500 x 500, as a PNG; else the agent gets text only",
    ),
)


def simulator_spec(
    symbolic: EnvironmentSpec,
    *,
    engine: str,
    factory: str,
    check: str,
    tells_view: bool,
    rows: tuple[Fidelity, ...] = (),
) -> EnvironmentSpec:
    """The declaration of the backend that uses the user's EmbodiedBench, made from the symbolic one's.

    Args:
        symbolic: the symbolic backend's; its first alias is the benchmark's name.
        engine: what upstream's environment runs in, e.g. ``"AI2-THOR"``.
        factory: a subclass of :class:`rbsuite_embodied.simulator.SimulatorEnvironment`.
        check: what ``rbsuite doctor`` calls.
        tells_view: whether upstream reports what is in view.
        rows: additional fidelity rows.
    """
    name = symbolic.aliases[0]
    return replace(
        symbolic,
        name=f"{name}[simulator]",
        aliases=(f"{name}-simulator",),
        summary=f"the same tasks in your own EmbodiedBench, with {engine}",
        factory=factory,
        options=(OBS_MODE, IMAGES) if tells_view else (IMAGES,),
        splits=tuple(split for split in symbolic.splits if not split.bundled),
        fidelity=(*_SIMULATOR, *rows),
        needs=(Check(f"EmbodiedBench with {engine}", check),),
        notes=(
            f"Asks an installed EmbodiedBench (followed at {COMMIT}) through a process in its Python: set "
            "RBSUITE_EMBODIEDBENCH_PYTHON, and see docs/embodied.md. Which one answered is in the manifest.",
            "This project had no simulator: the adapter was tested only against a stand-in with upstream's types and quirks.",
            "There are no reference solutions, so simulated models cannot act in it.",
        ),
    )
