"""A board: which tasks it is about, what every submission must have in common, what may differ, and how rows are ranked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os.path import lexists
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, StrictBool, StrictInt, TypeAdapter, ValidationError

from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.files import Unusable, parse_toml, read_file
from rbsuite.run.config import FIELDS

FILE = "board.toml"
SUBMISSIONS = "submissions"
SUCCESS = "success"
MOST_BYTES = 256 * 1024
NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,118}[a-z0-9])?")
"""Valid names of boards and submissions, which become a directory and part of an address."""

FREE: tuple[str, ...] = (
    *("memory", "scaling", "selector", "aggregation", "agent", "model", "memory_model", "judge", "judge_model"),
    *("user", "user_model", "grade_model"),
    *("embedder", "index", "prompts", "temperature", "reply_tokens", "protocol"),
    *("seed", "orders", "baseline_orders", "looks", "order", "probe", "retries"),
    *("rollout_max_cost", "rollout_max_tokens", "rollout_max_calls", "rollout_max_time"),
)
"""Options of an experiment that may differ between submissions unless a board says otherwise."""

_OF_THE_BOARD = frozenset({"env", "split", "domain", "data"})
"""Options that the board states itself, or that the hash of the task set covers."""


@dataclass(frozen=True, slots=True)
class Board:
    """A board, as described in its TOML file.

    Attributes:
        title: its display name.
        environment: the environment's reference, with the options that it must have, e.g. ``aime`` or ``aime:reader=lm-eval``.
        split: the split.
        task_set: the hash of the task set, which every submission must have.
        tasks: the number of tasks.
        domain: the domain, if the board is about one.
        baseline: the memory that every system's gain is measured against.
        headline: the figure by which rows are ranked: ``success``, or one of the environment's measures.
        lower_is_better: whether lower values of the headline are better.
        orders: the minimum number of orders of each condition.
        simulated: whether it accepts simulated models; such a board accepts no real ones.
        ground_truth_feedback: whether memories may learn from a judge that sees the ground truth, if that is declared.
        free: options that may differ; those that do become columns.
        fixed: options that must have these values, even if they are among the free ones. All others must have their defaults.
        facts: facts that the environment must state about itself (version, reader, backend).
        note: what readers must know.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    title: str
    environment: str
    split: str
    task_set: str
    tasks: StrictInt
    domain: str = ""
    baseline: str = "none"
    headline: str = SUCCESS
    lower_is_better: StrictBool = False
    orders: StrictInt = 1
    simulated: StrictBool = False
    ground_truth_feedback: StrictBool = True
    free: list[str] = field(default_factory=lambda: list(FREE))
    fixed: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, str | int | float | bool] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class BoardPlace:
    """A board and where it is kept.

    Attributes:
        name: its directory's name.
        directory: the directory.
        board: what its file says.
        text: the contents of its file.
    """

    name: str
    directory: Path
    board: Board
    text: bytes

    @property
    def submissions(self) -> Sequence[Path]:
        """The directories of its submissions, by name."""
        home = self.directory / SUBMISSIONS
        return (
            sorted(path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
            if home.is_dir()
            else []
        )


_BOARD = TypeAdapter(Board)


def read_board(root: Path, name: str) -> BoardPlace:
    """A board in a directory of boards.

    Raises:
        UnknownNameError: there is none of that name.
        UsageError: its file cannot be read or is not valid for a board.
    """
    directory = root / name
    if not NAME.fullmatch(name) or not lexists(directory / FILE):
        raise UnknownNameError("board", name, board_names(root))
    path = directory / FILE
    try:
        text = read_file(path, most=MOST_BYTES, within=root)
        board = _BOARD.validate_python(parse_toml(text))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Give --root a directory of boards.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(one) for one in first["loc"]) or "the file"
        raise UsageError(
            f"{path}: {where}: {first['msg'].lower()}.", "docs/boards.md lists what a board may say."
        ) from error
    except (Unusable, ValueError) as error:
        raise UsageError(f"{path} is not a board: {error}.", "Fix the file.") from error
    _check(path, board)
    return BoardPlace(name, directory, board, text)


def board_names(root: Path) -> Sequence[str]:
    """The names of the boards in a directory, sorted."""
    try:
        return sorted(path.parent.name for path in root.glob(f"*/{FILE}") if NAME.fullmatch(path.parent.name))
    except OSError:
        return []


def all_boards(root: Path) -> Sequence[BoardPlace]:
    """Every board in a directory.

    Raises:
        UsageError: there is none, or one cannot be read.
    """
    names = board_names(root)
    if not names:
        raise UsageError(f"there is no board in {root}.", "Give --root the directory that has BOARD/board.toml in it.")
    return [read_board(root, name) for name in names]


def _check(path: Path, board: Board) -> None:
    for name in (*board.free, *board.fixed):
        if name not in FIELDS:
            raise UnknownNameError(f"option in {path}", name, FIELDS)
    if not re.fullmatch(r"[0-9a-f]{64}", board.task_set) and board.task_set:
        raise UsageError(f"{path}: task_set is not a SHA-256.", "Take it from `rbsuite compare EXPERIMENT --json`.")
    if board.tasks < 1 or board.orders < 1:
        raise UsageError(f"{path}: tasks and orders must be at least 1.", "Fix the file.")


def option_faults(board: Board, config: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """What the board does not accept in an experiment's options and facts, one line each."""
    faults = []
    wanted = {"env": board.environment, "split": board.split, "domain": board.domain}
    for name, value in wanted.items():
        if (config.get(name) or "") != value:
            faults.append(f"{_shown(name)} is {config.get(name)!r}, but the board is about {value!r}")
    task_set = facts.get("task_set", {})
    if board.task_set and task_set.get("hash") != board.task_set:
        faults.append(
            f"a different task set from the board's: {str(task_set.get('hash'))[:12]} with {task_set.get('count')} tasks,"
            f" not {board.task_set[:12]} with {board.tasks}"
        )
    for name, option in FIELDS.items():
        if name in _OF_THE_BOARD or (name in board.free and name not in board.fixed):
            continue
        default = board.fixed.get(name, option.default)
        given = config.get(name, option.default)
        if name == "max_steps" and default is not None and given is None:
            given = facts.get("max_steps")
        if name == "tasks" and not given:
            continue
        if _plain(given) != _plain(default):
            faults.append(f"{_shown(name)} is {_plain(given)!r}, but the board wants {_plain(default)!r}")
    said = facts.get("environment", {})
    faults += [
        f"the environment's {name} is {said.get(name)!r}, but the board wants {value!r}"
        for name, value in board.facts.items()
        if said.get(name) != value
    ]
    return faults


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return list(value)
    return value


def _shown(name: str) -> str:
    return name.replace("_", "-")
