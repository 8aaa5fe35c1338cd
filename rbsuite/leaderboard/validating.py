"""Whether a board accepts a submission: form, logs, rules, coverage, and every number recomputed. All faults are reported at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rbsuite.errors import RbsuiteError
from rbsuite.files import Unusable
from rbsuite.jsonable import plain
from rbsuite.leaderboard.boards import SUBMISSIONS, BoardPlace, option_faults
from rbsuite.leaderboard.measuring import differences, domain_results, measure
from rbsuite.leaderboard.submission import FILE, Measured, Submission, from_plain, read_value, schema_faults
from rbsuite.statistics.pairing import stream_tasks
from rbsuite.store import ExperimentStore
from rbsuite.store.looks import stage
from rbsuite.store.redaction import is_private

MOST_LOG_BYTES = 1024 * 1024 * 1024
"""Size of the largest log that is opened."""
MOST_FAULTS = 60
"""Number of faults of a submission that are shown."""
_MOST_CHANGED = 5
_LEVEL_WORDS = {
    "agent": "agents",
    "model": "models",
    "judge": "judges",
    "embedder": "embedders",
    "prompts": "prompts",
    "temperature": "temperatures",
}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a submission.

    Attributes:
        faults: what is wrong, one line each.
        submission: the submission; ``None`` if it cannot be read.
    """

    faults: tuple[str, ...]
    submission: Submission | None


def read_submission(directory: Path) -> tuple[Submission | None, list[str]]:
    """A submission as written, and the faults of its form; nothing is recomputed."""
    try:
        value = read_value(directory / FILE)
    except Unusable as error:
        return None, [f"{FILE}: {error}"]
    except OSError as error:
        return None, [f"{FILE} cannot be read: {error.strerror}"]
    faults = schema_faults(value)
    if faults:
        return None, faults
    try:
        return from_plain(value), []
    except ValueError:
        return None, [f"{FILE} contains something that no submission may contain"]


def check_submission(directory: Path, place: BoardPlace) -> Checked:
    """Check one submission: see the module's docstring.

    Args:
        directory: the submission's directory.
        place: the board.
    """
    submission, faults = read_submission(directory)
    if submission is None:
        return Checked(tuple(faults), None)
    if submission.board != place.name:
        faults.append(f"it is for the board {submission.board!r}, not {place.name!r}")
    faults += _own_figures(submission)
    broken = file_faults(directory, submission)
    faults += broken
    if not broken:
        faults += _from_logs(directory, submission, place)
    unique = list(dict.fromkeys(faults))
    if len(unique) > MOST_FAULTS:
        unique = [*unique[:MOST_FAULTS], f"and {len(unique) - MOST_FAULTS} more"]
    return Checked(tuple(unique), submission)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What other submissions to a board are checked against; submissions that cannot be read are left out.

    Attributes:
        chains: names of the submissions that contain a run, by the last hash of the run's chain.
        first: name and task set of the first submission; ``None``: there is none.
    """

    chains: Mapping[str, Sequence[str]]
    first: tuple[str, str] | None

    @classmethod
    def of(cls, place: BoardPlace) -> Neighbours:
        """The neighbours on a board."""
        chains: dict[str, list[str]] = {}
        first = None
        for directory in place.submissions:
            try:
                measured = read_value(directory / FILE)["measured"]
                own = {str(run["chain"]) for row in measured["rows"] for run in row["runs"]}
                first = first or (directory.name, str(measured["task_set"]))
            except (Unusable, OSError, LookupError, TypeError):
                continue
            for chain in own:
                chains.setdefault(chain, []).append(directory.name)
        return cls(chains, first)

    def faults(self, submission: Submission, place: BoardPlace, name: str | None) -> list[str]:
        """What in a submission conflicts with the others.

        One log belongs to one system, so a submission must not contain a run of another one. If the board does not know the hash of its
        task set, that of the first submission counts.

        Args:
            submission: the submission.
            place: the board.
            name: the name of its directory; ``None`` if it is on no board yet and may be a copy of one that is.
        """
        runs = [run for row in submission.measured.rows for run in row.runs]
        others = dict.fromkeys(other for run in runs for other in self.chains.get(run.chain, ()) if other != name)
        found = [] if name is None else [f"its log has runs that {SUBMISSIONS}/{other} also has" for other in others]
        if not place.board.task_set and self.first and self.first[1] != submission.measured.task_set:
            found.append(f"a different task set from that of {SUBMISSIONS}/{self.first[0]}")
        return found


def file_faults(directory: Path, submission: Submission) -> list[str]:
    """What is wrong with the files beside the submission file: missing, changed, or not part of the submission."""
    faults = []
    named = Counter(log.path for log in submission.logs)
    faults += [f"the log {path} is named {count} times" for path, count in named.items() if count > 1]
    for log in submission.logs:
        path = directory / log.path
        if path.is_symlink() or path.parent.is_symlink() or not path.is_file():
            faults.append(f"the log {log.path} is missing")
        elif (size := path.stat().st_size) > MOST_LOG_BYTES:
            faults.append(f"the log {log.path} is larger than {MOST_LOG_BYTES // 2**20} MiB")
        elif size != log.bytes or file_digest(path) != log.sha256:
            faults.append(f"the log {log.path} is not the one that was submitted: its digest differs")
    known = {FILE, *named, *(path.split("/")[0] for path in named)}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if name not in known:
            faults.append(f"{name[:80]!r} is not part of a submission")
        if len(faults) > MOST_FAULTS:
            break
    return faults


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def _own_figures(submission: Submission) -> Iterator[str]:
    """Figures that are impossible, whatever the logs say."""
    for row in submission.measured.rows:
        values = [(one.k, one.value.mean) for one in row.passes if one.value.mean is not None]
        yield from _rising(f"{row.label}: pass^", values)
    for domain, scores in submission.results.items():
        given = enumerate((scores.pass_1, scores.pass_2, scores.pass_3, scores.pass_4), 1)
        yield from _rising(f"results.{domain}: pass_", [(k, value) for k, value in given if value is not None])


def _rising(where: str, values: Sequence[tuple[int, float]]) -> Iterator[str]:
    for (k, value), (more, later) in pairwise(values):
        if later > value + 1e-9:
            yield f"{where}{more} is above {where.rpartition(' ')[2]}{k}, which is impossible"


def _from_logs(directory: Path, submission: Submission, place: BoardPlace) -> list[str]:
    with ExitStack() as stack:
        stores = []
        for log in submission.logs:
            try:
                stores.append(stack.enter_context(ExperimentStore.open((directory / log.path).parent, readonly=True)))
            except RbsuiteError as error:
                return [f"{log.path}: {without_path(error.message, directory)}"]
        changed = [
            f"{log.path}: {line}" for log, store in zip(submission.logs, stores, strict=True) for line in _audit(store)
        ]
        if changed:
            more = [f"{len(changed) - _MOST_CHANGED} more places"] if len(changed) > _MOST_CHANGED else []
            return [f"the hash chain is broken: {line}" for line in (*changed[:_MOST_CHANGED], *more)]
        faults = rule_faults(stores, place, submission)
        try:
            found = measure(stores, place.board, redacted=submission.measured.redacted)
        except RbsuiteError as error:
            return [*faults, without_path(error.message, directory)]
        return faults + _number_faults(submission, found)


def _audit(store: ExperimentStore) -> list[str]:
    try:
        return list(store.audit(columns=False))
    except RbsuiteError as error:
        return [error.message]


def without_path(message: str, directory: Path) -> str:
    """A message without the machine's path, which would differ from one checkout to the next."""
    return message.replace(f"{directory}/", "").replace(str(directory), "the submission").rstrip(".")


def rule_faults(stores: Sequence[ExperimentStore], place: BoardPlace, submission: Submission) -> list[str]:
    """What the board does not accept in the experiments, or what is incomplete in them."""
    board, faults = place.board, []
    for store in stores:
        manifest = store.manifest
        faults += option_faults(board, manifest.config, manifest.facts)
        simulated = bool(manifest.facts.get("simulated"))
        if simulated and not board.simulated:
            faults.append("its models are simulations, but the board is for real ones")
        if board.simulated and not simulated:
            faults.append("its models are real, but the board is for simulations")
        if is_private(store) and not submission.measured.redacted:
            faults.append("the benchmark's authors ask that tasks not be published, but the logs hold their texts")
        faults += _feedback_faults(
            bool(manifest.facts.get("judge_sees_ground_truth")), submission, board.ground_truth_feedback
        )
        faults += _coverage_faults(store, board.tasks)
    faults += mixed_faults(stores)
    faults += _order_faults(stores, board.orders)
    return faults


def _feedback_faults(seen: bool, submission: Submission, allowed: bool) -> Iterator[str]:
    if seen and not allowed:
        yield "memory learns from ground truth, which the board does not accept"
    elif seen and submission.feedback != "ground_truth":
        yield "memory learns from ground truth, which is not declared (feedback)"
    elif not seen and submission.feedback == "ground_truth":
        yield "ground-truth feedback is declared, but no judge sees it"


def _coverage_faults(store: ExperimentStore, tasks: int) -> Iterator[str]:
    at = stage(store)
    if not at.finished:
        yield "the experiment is not finished"
    for run in at.runs:
        stream = stream_tasks(run)
        twice = [task for task, count in Counter(stream).items() if count > 1]
        if twice:
            yield f"run {run.id}: the task {twice[0]} occurs in the stream more than once"
        if len(set(stream)) != tasks:
            yield f"run {run.id}: {len(set(stream))} tasks, but the board has {tasks}"
        missing = len(run.tasks) - store.committed(run.id)
        if missing:
            yield f"run {run.id}: {missing} tasks are missing"
    sets = {frozenset(stream_tasks(run)) for run in at.runs}
    if len(sets) > 1:
        yield "runs are on different tasks"


def mixed_faults(stores: Sequence[ExperimentStore]) -> Iterator[str]:
    """Faults in factors of which a submission must have only one level; several systems need several submissions."""
    conditions = dict.fromkeys(run.condition for store in stores for run in store.manifest.runs)
    for factor, words in _LEVEL_WORDS.items():
        levels = sorted({getattr(one, factor) for one in conditions})
        if len(levels) > 1:
            yield f"mixed {words}: {', '.join(level or 'built-in' for level in levels)}; submit each separately"
    alike: Mapping[str, set[str]] = {
        "models": {str(plain(store.manifest.facts.get("models"))) for store in stores},
        "protocols": {str(store.manifest.config.get("protocol")) for store in stores},
        "data versions": {str(store.manifest.facts.get("task_set", {}).get("hash")) for store in stores},
        "backends": {str(plain(store.manifest.facts.get("environment"))) for store in stores},
    }
    for words, found in alike.items():
        if len(found) > 1:
            yield f"mixed {words} in its experiments"
    templates: dict[tuple[str, str], set[str]] = {}
    for store in stores:
        for name, sha in store.templates().items():
            templates.setdefault(name, set()).add(sha)
    if any(len(shas) > 1 for shas in templates.values()):
        yield "mixed prompts: a template differs between its experiments"


def _order_faults(stores: Sequence[ExperimentStore], least: int) -> Iterator[str]:
    streams: Counter[tuple[Any, ...]] = Counter()
    orders: Counter[str] = Counter()
    for store in stores:
        for run in stage(store).runs:
            streams[run.condition, run.seed, stream_tasks(run)] += 1
            orders[run.condition.label] += 1
    for (condition, _, _), count in streams.items():
        if count > 1:
            yield f"{condition.label}: the same order is run {count} times"
    for label, count in orders.items():
        if count < least:
            yield f"{label}: {count} orders, but the board wants at least {least}"


def _number_faults(submission: Submission, found: Measured) -> list[str]:
    faults = list(_dropped(submission.measured, found))
    faults += differences(plain(submission.measured), plain(found), "measured")
    faults += differences(plain(submission.results), plain(domain_results(found)), "results")
    return faults


def _dropped(given: Measured, found: Measured) -> Iterator[str]:
    """Whether broken rollouts were left out of a denominator."""
    true = {row.label: row for row in found.rows}
    for row in given.rows:
        other = true.get(row.label)
        if other is None:
            continue
        cells, wanted = (sum(len(run.scores) for run in one.runs) for one in (row, other))
        if cells < wanted or row.rollouts < other.rollouts or row.failures < other.failures:
            yield (
                f"{row.label}: {max(wanted - cells, other.rollouts - row.rollouts, other.failures - row.failures)} answers were"
                " dropped from the denominator; what broke scores 0 and stays in it"
            )
