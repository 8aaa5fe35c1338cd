"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Apart, EnvironmentSpec, Fidelity, Measure, Option, Split, UserSpec

CITATION = (
    "Jiarui Lu et al.: ToolSandbox: A Stateful, Conversational, Interactive Evaluation Benchmark for LLM Tool Use Capabilities. "
    "arXiv:2408.04682, 2024."
)

_FIXTURES = Option(
    "fixtures", "str", "", "JSON file of recorded answers from web services; empty: those of this project"
)
_NOTES = (
    "Native engine for apple/ToolSandbox at 165848b9a78cead7ca7fe7c89c688b58e6501219. The clock stands still at the time of the import, "
    "in UTC; ids come from a counter.",
    "The headline is the mean similarity to the milestones, as upstream's; a task is solved where it is 1.",
    "Answers of the five network tools come from fixtures; the truth of such a score has the tag 'fixture'.",
    "An unknown tool ends a scenario with similarity 0 and turn count 30, as upstream's crash does. An agent's code is never run.",
    "Floor, an agent that does nothing: 1.0 on the 26 base scenarios without milestones, which are reported separately; 0 of the other "
    "103.",
    "Ceiling, actions worked out from the milestones: 128 of the 129 base scenarios. "
    "find_temperature_f_with_location_and_time_diff_low_battery_mode_multiple_user_turn needs unit_conversion, which it does not offer.",
    "The sample split was written by this project; its scores are not comparable with published ones.",
)


@hookimpl
def rbsuite_environments() -> Sequence[EnvironmentSpec]:
    """ToolSandbox."""
    return [
        EnvironmentSpec(
            name="toolsandbox",
            summary="a phone with 34 stateful tools and a simulated user, scored by milestones and minefields",
            factory="rbsuite_toolsandbox.environment:ToolSandbox",
            options=(_FIXTURES,),
            version="1",
            splits=(
                Split("sample", "45 scenarios written by this project", bundled=True),
                Split("base", "upstream's 129 scenarios"),
                Split("augmented", "upstream's 903 scenarios with distraction tools or scrambled tools"),
            ),
            domains=("milestones", "minefields"),
            action_mode="tools",
            concurrency="inline",
            max_steps=30,
            refine="retry",
            agent="tools",
            users=("toolsandbox", "llm", "scripted"),
            pack="toolsandbox",
            importer="rbsuite_toolsandbox.importer:IMPORTER",
            citation=CITATION,
            data_licence="Apple's sample code licence; the sample: Apache-2.0",
            homepage="https://github.com/apple/ToolSandbox",
            notes=_NOTES,
            measures=(
                Measure("milestone_similarity", "similarity to the milestones, regardless of minefields"),
                Measure("minefield_similarity", "similarity to the minefields; above 0 the score is 0"),
                Measure("turns_used", "share of the 30 messages that counted as turns"),
            ),
            apart=(Apart("minefields", "it has no milestones, so an agent that does nothing scores 1"),),
            fidelity=(
                Fidelity(
                    "tools, messages and databases", "exact", "compared message by message with upstream's records"
                ),
                Fidelity("similarity and turn count", "exact", "to 1e-6, wherever upstream's search terminates"),
                Fidelity("network tools", "approximate", "answered from fixtures, not by live services"),
                Fidelity("simulated user", "approximate", "upstream's rules in this project's own prompt"),
            ),
        )
    ]


@hookimpl
def rbsuite_users() -> Sequence[UserSpec]:
    """The user who ends the conversation with a tool call."""
    return [
        UserSpec(
            "toolsandbox",
            "answers from its brief and ends with end_conversation",
            "rbsuite_toolsandbox.user:SandboxUser",
        )
    ]


@hookimpl
def rbsuite_prompt_dirs() -> Sequence[Path]:
    """The template of the user."""
    return [Path(__file__).with_name("prompts")]
