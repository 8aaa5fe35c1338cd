"""Making a submission: logs are copied and compacted, everything is measured and checked, and the result is written whole or not at all."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rbsuite.errors import RbsuiteError, UnknownNameError, UsageError
from rbsuite.leaderboard.boards import NAME, SUBMISSIONS, BoardPlace
from rbsuite.leaderboard.measuring import domain_results, leading, measure
from rbsuite.leaderboard.submission import (
    FILE,
    Contact,
    Log,
    Methodology,
    ModelRelease,
    Submission,
    to_text,
)
from rbsuite.leaderboard.validating import Neighbours, check_submission, file_digest, mixed_faults, without_path
from rbsuite.store import ExperimentStore
from rbsuite.store.experiment import FILE_NAME
from rbsuite.store.importing import copy_redacted, import_jsonl
from rbsuite.store.redaction import is_confined, is_private, redact

_WORD = re.compile(r"[^a-z0-9]+")


class Refused(RbsuiteError):
    """A submission that its board does not accept.

    Attributes:
        faults: what is wrong, one line each.
    """

    def __init__(self, what: str, faults: Sequence[str]) -> None:
        super().__init__(
            f"{what} is refused: {len(faults)} {'fault' if len(faults) == 1 else 'faults'}.", "Nothing was written."
        )
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a submitter states; everything else is measured.

    Attributes:
        system, organisation: the system, and who submits it.
        date: the date of the submission, ``YYYY-MM-DD``.
        name: the name of the submission's directory; empty: made from system, organisation and date.
        model: the display name of the agent's model; empty: the experiment's name for it.
        others: see :class:`rbsuite.leaderboard.submission.Submission`.
    """

    system: str
    organisation: str
    date: str
    name: str = ""
    model: str = ""
    model_organisation: str = ""
    model_released: str = ""
    model_snapshot: str = ""
    evaluated: str = ""
    feedback: str = "self"
    url: str = ""
    report_url: str = ""
    contact: Contact = Contact()
    hardware: str = ""
    cost_note: str = ""
    notes: str = ""

    @property
    def directory(self) -> str:
        """The name of the submission's directory."""
        parts = (_WORD.sub("-", part.lower()).strip("-") for part in (self.system, self.organisation, self.date))
        return self.name or "_".join(filter(None, parts))[:120].strip("-_")


def add(experiments: Sequence[Path], place: BoardPlace, entry: Entry) -> Path:
    """Write a submission into its board's directory.

    Args:
        experiments: each a directory, an export (``.jsonl``), or a ``.zip`` of one of these.
        place: the board.
        entry: what the submitter states.

    Returns:
        The submission's directory.

    Raises:
        Refused: the board does not accept it.
        RbsuiteError: a submission with that name already exists, or an experiment cannot be read.
    """
    name = entry.directory
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be the name of a submission.", "Give --name: lower-case letters, digits, - _ and dots."
        )
    home = place.directory / SUBMISSIONS
    target = home / name
    if target.exists():
        raise UsageError(
            f"{target} already exists.", "Remove it with `rbsuite leaderboard remove`, or give another --name."
        )
    made_home = not home.exists()
    try:
        home.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name[:60]}-", dir=home))
    except OSError as error:
        raise UsageError(
            f"{home} cannot be written: {error.strerror}.", "Give --root a directory you can write to."
        ) from error
    try:
        _write(experiments, place, entry, draft)
        checked = check_submission(draft, place)
        faults = list(checked.faults)
        if checked.submission is not None:
            faults += Neighbours.of(place).faults(checked.submission, place, name)
        if faults:
            raise Refused(f"the submission {name}", faults)
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        if made_home and not any(home.iterdir()):
            home.rmdir()
        raise
    return target


def remove(place: BoardPlace, name: str) -> Path:
    """Remove a submission.

    Raises:
        UnknownNameError: there is none with that name.
    """
    directory = find(place, name)
    shutil.rmtree(directory)
    return directory


def find(place: BoardPlace, name: str) -> Path:
    """The directory of a submission.

    Raises:
        UnknownNameError: there is none with that name.
    """
    for directory in place.submissions:
        if directory.name == name:
            return directory
    raise UnknownNameError(f"submission to {place.name}", name, [one.name for one in place.submissions])


def _write(experiments: Sequence[Path], place: BoardPlace, entry: Entry, draft: Path) -> None:
    with ExitStack() as stack:
        stores, logs, redacted = [], [], False
        for number, source in enumerate(experiments, 1):
            path = FILE_NAME if number == 1 else f"{number}/{FILE_NAME}"
            given = stack.enter_context(opened(source))
            if changed := list(given.audit()):
                raise Refused(str(source), [f"the hash chain is broken: {line}" for line in changed])
            redacted = redacted or is_private(given)
            _copy(given, (draft / path).parent)
            logs.append(Log(path, file_digest(draft / path), (draft / path).stat().st_size))
            stores.append(stack.enter_context(ExperimentStore.open((draft / path).parent, readonly=True)))
        try:
            measured = measure(stores, place.board, redacted=redacted)
        except RbsuiteError as error:  # a draft's paths mean nothing to the reader
            raise Refused("the submission", [*mixed_faults(stores), without_path(error.message, draft)]) from error
    lead = leading(measured)
    user = str(measured.models.get("user", ""))
    submission = Submission(
        schema_version=1,
        board=place.name,
        system=entry.system,
        model_name=entry.model or lead.model,
        submitting_organization=entry.organisation,
        submission_date=entry.date,
        measured=measured,
        logs=logs,
        model_organization=entry.model_organisation,
        contact_info=entry.contact,
        trajectories_available=not redacted,
        results=domain_results(measured),
        methodology=Methodology(evaluation_date=entry.evaluated, user_simulator=user or None, notes=entry.notes),
        model_release=ModelRelease(entry.model_released, entry.model_snapshot),
        feedback="ground_truth" if entry.feedback == "ground_truth" else "self",
        url=entry.url,
        report_url=entry.report_url,
        hardware=entry.hardware,
        cost_note=entry.cost_note,
    )
    (draft / FILE).write_text(to_text(submission), encoding="utf-8", newline="\n")


def _copy(store: ExperimentStore, directory: Path) -> None:
    """Copy the compact store; for a private benchmark, without its texts."""
    directory.mkdir(exist_ok=True)
    if not is_private(store):
        store.compact(directory)
        return
    with tempfile.TemporaryDirectory() as scratch:
        copy_redacted(store, Path(scratch) / "redacted", partial(redact, confined=is_confined(store)))
        with ExperimentStore.open(Path(scratch) / "redacted", readonly=True) as redacted:
            redacted.compact(directory)


@contextmanager
def opened(source: Path) -> Iterator[ExperimentStore]:
    """An experiment for reading: from its directory, its export, or an archive of one of these.

    Raises:
        RbsuiteError: there is none, or it cannot be read.
    """
    with ExitStack() as stack:
        if source.suffix == ".zip" and source.is_file():
            source = _unpacked(source, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        if source.suffix == ".jsonl" and source.is_file():
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "experiment"
            import_jsonl(source, directory)
            source = directory
        elif source.exists() and not (source / FILE_NAME).exists():
            raise UsageError(
                f"there is no experiment in {source}.",
                "Give its directory, its lines (`rbsuite export --to jsonl --out FILE.jsonl`) or a .zip of one of these.",
            )
        yield stack.enter_context(ExperimentStore.open(source, readonly=True))


def _unpacked(archive: Path, directory: Path) -> Path:
    from rbsuite.data.archives import UnpackLimits, extract

    extract(archive, directory, UnpackLimits(total_bytes=1 << 30, files=1000))
    found = sorted([*(path.parent for path in directory.rglob(FILE_NAME)), *directory.rglob("*.jsonl")])
    if len(found) != 1:
        raise UsageError(
            f"{archive} holds {len(found)} experiments.", "Give an archive of one experiment's directory or export."
        )
    return found[0]
