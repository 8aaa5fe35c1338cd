"""Trajectories as text: one renderer for judges, memories and reports, so that all mechanisms see the same.

Text that came from an environment is untrusted: :func:`fence` marks it as data that is not to be followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rbsuite.jsonable import text_digest
from rbsuite.trajectory import Action, Observation, Step, Trajectory

NOTHING = "(nothing)"
"""What is shown where an agent said nothing; where actions are named, that is how it stops."""
OBSERVATION_LIMIT = 600
"""Characters of an observation that are shown before it is cut, by default."""


def render_action(action: Action) -> str:
    """An action on one line: ``name({"argument": ...})``, the text, or the chosen index."""
    if action.kind == "tool":
        return f"{action.name}({json.dumps(action.arguments, ensure_ascii=False, default=str)})"
    if action.kind == "choice":
        chosen = "nothing" if action.index is None else action.index
        return f"choose {chosen}{': ' + action.text if action.text else ''}"
    return action.text or NOTHING


def render_transcript(trajectory: Trajectory, *, limit: int = OBSERVATION_LIMIT) -> str:
    """What an agent saw, thought and did, turn by turn, and how it ended.

    Rewards, scores and the simulated user's own brief are never in it.

    Args:
        trajectory: may still hold ground truth; it is not shown.
        limit: characters after which an observation is cut (the cut is marked); 0: no limit.
    """
    turns = render_steps(trajectory.steps, limit=limit)
    lines = [turns] if turns else []
    if trajectory.final is not None and trajectory.final.turn == "agent" and trajectory.final.text:
        lines.append(f"{_speaker(trajectory.final)}: {_cut(trajectory.final.text, limit)}")
    lines.append(f"End: {trajectory.end}")
    return "\n".join(lines)


def render_steps(steps: Sequence[Step], *, limit: int = OBSERVATION_LIMIT) -> str:
    """The agent's turns so far; see :func:`render_transcript`."""
    lines: list[str] = []
    for number, step in enumerate((step for step in steps if step.actor == "agent"), start=1):
        lines.extend(_step_lines(number, step, limit))
    return "\n".join(lines)


def fence(text: str, label: str) -> str:
    """Untrusted text between markers that it cannot contain.

    The markers carry a hash of the text, so nothing inside can close the fence, and the same text is always fenced alike.
    """
    mark = text_digest(text)[:12]
    return f"<<{label} {mark}>>\n{text}\n<<end of {label} {mark}>>"


def _step_lines(number: int, step: Step, limit: int) -> Iterator[str]:
    yield f"{_speaker(step.observation)}: {_cut(step.observation.text, limit)}"
    if step.action.thought:
        yield f"Thought {number}: {step.action.thought}"
    yield f"Action {number}: {render_action(step.action)}"


def _speaker(observation: Observation) -> str:
    return "Result" if observation.role == "tool" else "Observation"


def _cut(text: str, limit: int) -> str:
    if not limit or len(text) <= limit:
        return text
    return f"{text[:limit]} [{len(text) - limit} more characters]"
