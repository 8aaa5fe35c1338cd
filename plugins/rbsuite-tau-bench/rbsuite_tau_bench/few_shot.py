"""The few-shot agent: tool calling with worked examples behind the policy.

Follows ``tau_bench/agents/few_shot_agent.py`` (sierra-research/tau-bench, 59a200c6): a new sample of the displays, without replacement, for
each rollout.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rbsuite.agents.tools import ToolsAgent
from rbsuite.errors import DataError, UsageError
from rbsuite.files import Unusable, parse_json, read_file
from rbsuite.seeds import rng
from rbsuite.trajectory import Observation
from rbsuite_tau_bench.resources import NAME, SAMPLE_SPLIT, sample_directory

FILE_NAME = "few_shot.jsonl"
_FIELDS = ("display", "messages_display")


class FewShotAgent(ToolsAgent):
    """A tool-calling agent that sees a few worked examples of its domain.

    Args:
        displays: a JSON Lines file; each line has ``display`` (or upstream's ``messages_display``) and, if the file covers several domains,
            ``domain``. Default: the imported pack's, otherwise the bundled one.
        number: how many are shown.
    """

    def __init__(self, displays: str = "", number: int = 5) -> None:
        super().__init__()
        self._path = displays
        self._number = number

    def instructions(self, policy: str, observation: Observation) -> str:
        """The policy and the examples.

        Raises:
            DataError: the file cannot be read.
            UsageError: it has too few displays for the domain.
        """
        domain = str(observation.data.get("domain", ""))
        path = Path(self._path) if self._path else default_displays(str(observation.data.get("split", "")))
        fitting = [text for of_domain, text in read_displays(path) if of_domain in ("", domain)]
        if len(fitting) < self._number:
            raise UsageError(
                f"{path.name} has {len(fitting)} displays for {domain or 'the environment'}, but {self._number} are asked for.",
                "Use a smaller number=N, or name another file with displays=FILE.",
            )
        chosen = rng(self._seed, "few-shot").sample(fitting, self._number)
        return self._services.render("agent/few_shot.j2", policy=policy, displays=chosen)


def default_displays(split: str) -> Path:
    """The imported pack's displays, if there are any and the split is not the sample's; else the bundled ones."""
    bundled = sample_directory() / FILE_NAME
    if split == SAMPLE_SPLIT:
        return bundled
    from rbsuite.data.directory import pack_directory

    imported = pack_directory(NAME) / FILE_NAME
    return imported if imported.is_file() else bundled


@lru_cache(maxsize=8)
def read_displays(path: Path) -> tuple[tuple[str, str], ...]:
    """Domain (``""``: any) and text of each display in a file. A file is read once per process.

    Raises:
        DataError: the file cannot be read, or a line is malformed; the message names file and line.
    """
    try:
        lines = read_file(path).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(
            f"cannot read the displays {str(path)!r}: {error}.", "Name a file with displays=FILE."
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        display = _display(line)
        if display is None:
            raise DataError(f"{path.name}, line {number}: not a JSON object with a text 'display'.", "Fix the file.")
        found.append(display)
    return tuple(found)


def _display(line: str) -> tuple[str, str] | None:
    try:
        entry = parse_json(line)
    except Unusable:
        return None
    if not isinstance(entry, dict):
        return None
    text = next((entry[field] for field in _FIELDS if field in entry), None)
    return (str(entry.get("domain", "")), text) if isinstance(text, str) else None
