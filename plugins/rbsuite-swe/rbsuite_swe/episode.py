"""An episode: a repository in a sandbox, commands, and a submitted patch. The protocol is that of mini-swe-agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rbsuite.environments.base import Episode
from rbsuite.sandboxes.base import CommandOutcome, Sandbox
from rbsuite.trajectory import Action, EndReason, Grade, Message, Observation, ToolCall, ToolResult, ToolSpec
from rbsuite_swe.grading.verdict import Verdict

SUBMIT = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""The first line of output that submits the rest of it as the patch."""
SUBMISSION = f"echo {SUBMIT} && git add -A && git diff --cached"
TOOL = "bash"
SHOWN = 10_000
"""Length from which on only the head and the tail of an output are shown, each half as long."""
FORMAT_ERRORS = 3
"""Consecutive replies without a command that end an episode."""

TOOLS = (
    ToolSpec(
        TOOL,
        "Run a command in the repository.",
        {
            "type": "object",
            "properties": {"command": {"type": "string", "description": "what bash carries out"}},
            "required": ["command"],
        },
    ),
)

RULES = "\n\n".join(
    (
        "You are a programmer who works on a repository by commands for bash, one at a time.",
        "Every command starts anew in the directory of the repository: changes of directory and variables are gone when it ends, and so "
        "is what it left in the background. What lasts is the repository alone. There is no network, nobody answers questions, and no "
        "command may ask for input or open an editor.",
        "Change the code so that the issue is solved for all its users, in the way in which the repository does such things. Tests that "
        "you cannot see decide. They replace the repository's own tests, so changes of those count for nothing.",
        "When you are done, hand in your changes with exactly this command, alone:",
        SUBMISSION,
        "After it nothing can be changed. Where you have made files for yourself, remove them before.",
    )
)
"""What an agent is told first."""

Grader = Callable[[str], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class Brief:
    """What an episode is given.

    Attributes:
        statement: the issue.
        workdir: where the repository is, as commands see it.
        seconds: time limit of a command.
        truth: additional entries for the truth of the grade.
        prelude: bash code that precedes every command.
    """

    statement: str
    workdir: str
    seconds: float
    truth: Mapping[str, Any]
    prelude: str = ""


class SweEpisode(Episode):
    """A repository, and commands over it.

    Args:
        sandbox: contains the repository; it belongs to the episode.
        brief: what the episode is about.
        grader: gives the verdict on a patch.
    """

    def __init__(self, sandbox: Sandbox, brief: Brief, grader: Grader) -> None:
        self._sandbox = sandbox
        self._brief = brief
        self._grader = grader
        self._patch: str | None = None
        self._wordless = 0
        text = f"The repository is in {brief.workdir}. This is the issue:\n\n{brief.statement}"
        self.observation = Observation(text, messages=(Message("system", RULES),), tools=TOOLS)

    async def act(self, action: Action) -> Observation:
        """Execute the commands of an action, or say that there is none."""
        if not action.calls:
            self._wordless += 1
            over = self._wordless >= FORMAT_ERRORS
            said = "There was no command in your reply, so nothing was done. Reply with one command."
            return Observation(said, "over" if over else "agent")
        self._wordless = 0
        results: list[ToolResult] = []
        for call in action.calls:
            results.append(ToolResult(call.id, call.name, await self._result(call)))
            if self._patch is not None:
                return Observation.of_results(results, "over")
        return Observation.of_results(results)

    async def grade(self, end: EndReason) -> Grade:
        """1 if the submitted patch resolves the issue. Without one nothing is run."""
        truth = {**self._brief.truth, "sandbox": self._sandbox.backend, "patch": self._patch or ""}
        if not (self._patch or "").strip():
            return Grade(0.0, truth={**truth, "resolved": False})
        verdict = await self._grader(self._patch or "")
        return Grade(float(verdict.resolved), truth={**truth, **verdict.counts})

    def closes(self, action: Action) -> bool:
        """Whether an action submits the patch."""
        return any(SUBMIT in str(call.arguments.get("command", "")) for call in action.calls)

    async def aclose(self) -> None:
        """End the sandbox."""
        await self._sandbox.close()

    async def _result(self, call: ToolCall) -> str:
        command = call.arguments.get("command")
        if call.name != TOOL or call.raw or not isinstance(command, str) or not command.strip():
            return f"Error: the only tool is {TOOL}, and it takes a text as its command."
        outcome = await self._sandbox.exec(self._brief.prelude + command, seconds=self._brief.seconds)
        first, _, rest = outcome.output.lstrip().partition("\n")
        if first.strip() == SUBMIT:
            self._patch = rest
            return "The patch was handed in."
        return shown(outcome, self._brief.seconds)


def shown(outcome: CommandOutcome, seconds: float) -> str:
    """What the agent is shown of a command: its exit code, and its output, either in full or head and tail."""
    text = outcome.output
    if len(text) < SHOWN:
        lines = [f"<output>\n{text}</output>"]
    else:
        half, left = SHOWN // 2, len(text) - SHOWN + outcome.left_out
        lines = [
            "<warning>The output was too long, and its middle is left out. Use head, tail or grep, or write it to a file.</warning>",
            f"<output_head>\n{text[:half]}\n</output_head>",
            f"<elided_chars>{left} characters elided</elided_chars>",
            f"<output_tail>\n{text[-half:]}\n</output_tail>",
        ]
    if outcome.timed_out:
        lines.append(f"<warning>The command was killed after {seconds:g} s.</warning>")
    if outcome.over_disk:
        lines.append("<warning>The repository's directory is larger than allowed. Remove what is not needed.</warning>")
    return "\n".join([f"<returncode>{outcome.code}</returncode>", *lines])
