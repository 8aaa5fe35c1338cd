"""``rbsuite leaderboard``: submit an experiment to a board, check submissions, and build the pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import CommandGroup, GivenPath
from rbsuite.cli.output import echo, echo_json, tell
from rbsuite.errors import UsageError

if TYPE_CHECKING:
    from rbsuite.leaderboard.boards import BoardPlace

_root = click.option(
    "--root",
    type=GivenPath(path_type=Path, file_okay=False),
    default=Path("leaderboards"),
    show_default=True,
    help="Directory of boards.",
)
_receipts = click.option(
    "--receipts",
    type=GivenPath(path_type=Path, file_okay=False),
    help="Where to remember what was recomputed [default: the data directory].",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


@click.group("leaderboard", cls=CommandGroup)
def command() -> None:
    """Submit experiments to boards, check submissions, build pages.

    A board is a directory with a board.toml below --root. `add` measures an experiment and writes a submission with its logs; `validate`
    recomputes every number from them; `build` ranks the submissions and writes Markdown, CSV, JSON and a page.
    """


@command.command("add")
@click.argument("experiments", nargs=-1, required=True, type=GivenPath(path_type=Path), metavar="EXPERIMENT...")
@click.option("--board", required=True, help="Board to submit to.")
@click.option("--system", required=True, help="What the system is called.")
@click.option("--org", required=True, help="Organization that submits.")
@click.option("--date", default="", metavar="YYYY-MM-DD", help="Date of the submission [default: today].")
@click.option(
    "--name", default="", help="Directory of the submission [default: made of system, organization and date]."
)
@click.option(
    "--model", default="", help="The agent's model, as shown to readers [default: as the experiment names it]."
)
@click.option("--model-org", default="", help="Who made the model.")
@click.option("--model-released", default="", metavar="YYYY-MM-DD", help="When the model came out.")
@click.option("--model-snapshot", default="", help="Which snapshot of the model was used.")
@click.option("--evaluated", default="", metavar="YYYY-MM-DD", help="When the experiment was run.")
@click.option(
    "--feedback",
    type=click.Choice(["self", "ground_truth"]),
    default="self",
    show_default=True,
    help="What memory learns from: the agent's own judgement, or the truth.",
)
@click.option("--url", default="", help="Where to read more about the system.")
@click.option("--report-url", default="", help="A report of the experiment.")
@click.option("--contact", default="", help="Name of a contact.")
@click.option("--email", default="", help="Address of the contact.")
@click.option("--github", default="", help="The contact's account.")
@click.option("--hardware", default="", help="What it ran on.")
@click.option("--cost-note", default="", help="Remarks on its cost.")
@click.option("--notes", default="", help="Other remarks.")
@_root
def add_command(experiments: Sequence[Path], board: str, root: Path, **said: Any) -> None:
    """Write a submission from an EXPERIMENT: its directory, its export (.jsonl), or a .zip of one of these.

    Several experiments form one submission if they differ only in their seeds. Whatever the board does not admit is refused, with a line
    for each fault, and nothing is written.
    """
    from rbsuite.leaderboard.adding import Entry, Refused, add
    from rbsuite.leaderboard.boards import read_board
    from rbsuite.leaderboard.submission import Contact

    place = read_board(root, board)
    entry = Entry(
        system=said["system"],
        organisation=said["org"],
        date=_day("date", said["date"]) or _today(),
        name=said["name"],
        model=said["model"],
        model_organisation=said["model_org"],
        model_released=_day("model-released", said["model_released"]),
        model_snapshot=said["model_snapshot"],
        evaluated=_day("evaluated", said["evaluated"]),
        feedback=said["feedback"],
        url=said["url"],
        report_url=said["report_url"],
        contact=Contact(said["email"], said["contact"], said["github"]),
        hardware=said["hardware"],
        cost_note=said["cost_note"],
        notes=said["notes"],
    )
    try:
        made = add(experiments, place, entry)
    except Refused as refused:
        for fault in refused.faults:
            tell(fault)
        raise
    echo(f"{made}")


@command.command("validate")
@click.argument("paths", nargs=-1, type=GivenPath(path_type=Path), metavar="[SUBMISSION]...")
@click.option("--board", "boards", multiple=True, help="Every submission to this board; may be given more than once.")
@_root
@_receipts
@_json
def validate_command(
    paths: Sequence[Path], boards: Sequence[str], root: Path, receipts: Path | None, as_json: bool
) -> None:
    """Recompute every number of submissions from their logs.

    SUBMISSION is a directory below a board, or a .zip of one. By default every submission of every board. Exit code 1 with a line for each
    fault.
    """
    found: dict[str, list[str]] = {}
    from rbsuite.leaderboard.receipts import checked, receipts_directory
    from rbsuite.leaderboard.validating import Neighbours

    kept = receipts or receipts_directory()
    neighbours: dict[Path, Neighbours] = {}

    def faults_of(place: BoardPlace, directory: Path, own: str | None) -> list[str]:
        if place.directory not in neighbours:
            neighbours[place.directory] = Neighbours.of(place)
        result = checked(directory, place, kept)
        others = neighbours[place.directory]
        return [*result.faults, *(others.faults(result.submission, place, own) if result.submission else ())]

    for place, directory in _chosen(root, boards, paths):
        found[f"{place.name}/{directory.name}"] = faults_of(place, directory, directory.name)
    with _unpacked(root, paths) as more:
        for place, directory, name in more:
            found[name] = faults_of(place, directory, None)
    if as_json:
        echo_json({"submissions": found})
    else:
        for name, faults in found.items():
            for fault in faults:
                echo(f"{name}: {fault}")
        bad = sum(map(bool, found.values()))
        echo(
            f"{len(found)} submission{'' if len(found) == 1 else 's'}, {bad} refused"
            if bad
            else f"{len(found)} submission{' is' if len(found) == 1 else 's are'} valid: every number was recomputed"
        )
    if any(found.values()):
        raise click.exceptions.Exit(1)


@command.command("build")
@click.argument("boards", nargs=-1, metavar="[BOARD]...")
@click.option(
    "--out",
    type=GivenPath(path_type=Path, file_okay=False),
    help="Where to write [default: pages below --root].",
)
@click.option("--claimed", is_flag=True, help="Do not recompute numbers; rows are marked as claimed.")
@_root
@_receipts
def build_command(boards: Sequence[str], out: Path | None, claimed: bool, root: Path, receipts: Path | None) -> None:
    """Rank the submissions of boards and write Markdown, CSV, JSON and a page for each, and an index.

    Submissions that were recomputed before, byte for byte the same, are not recomputed. If a board does not admit a submission, nothing is
    written: exit code 1 with a line for each fault.
    """
    from rbsuite.leaderboard.building import build
    from rbsuite.leaderboard.receipts import receipts_directory

    places = _places(root, boards)
    made = build(root, places, out or root / "pages", receipts or receipts_directory(), recompute=not claimed)
    for name, faults in made.faults.items():
        for fault in faults:
            echo(f"{name}: {fault}")
    if made.faults:
        raise click.exceptions.Exit(1)
    for table in made.tables:
        echo(f"{table.place.name}: {len(table.rows)} rows of {len(table.place.submissions)} submissions")
    echo(f"{out or root / 'pages'}: {len(made.files)} files")


@command.command("list")
@_root
@_json
def list_command(root: Path, as_json: bool) -> None:
    """List boards and their submissions."""
    from rbsuite.leaderboard.boards import all_boards
    from rbsuite.report.text import table

    places = all_boards(root)
    if as_json:
        echo_json(
            {
                place.name: {
                    "title": place.board.title,
                    "environment": place.board.environment,
                    "tasks": place.board.tasks,
                    "simulated": place.board.simulated,
                    "submissions": [one.name for one in place.submissions],
                }
                for place in places
            }
        )
        return
    rows = [["board", "environment", "split", "domain", "tasks", "submissions"]]
    rows += [
        [
            one.name,
            one.board.environment,
            one.board.split,
            one.board.domain or "-",
            f"{one.board.tasks}",
            f"{len(one.submissions)}",
        ]
        for one in places
    ]
    echo(table(rows))


@command.command("show")
@click.argument("board")
@click.argument("submission", required=False)
@click.option("--claimed", is_flag=True, help="Do not recompute numbers.")
@_root
@_receipts
@_json
def show_command(
    board: str, submission: str | None, claimed: bool, root: Path, receipts: Path | None, as_json: bool
) -> None:
    """Show a BOARD, ranked, or one SUBMISSION to it."""
    from rbsuite.leaderboard.adding import find
    from rbsuite.leaderboard.boards import read_board
    from rbsuite.leaderboard.building import document, read_tables
    from rbsuite.leaderboard.receipts import receipts_directory
    from rbsuite.leaderboard.references import read_references
    from rbsuite.leaderboard.submission import FILE, read_value

    place = read_board(root, board)
    if submission is not None:
        directory = find(place, submission)
        echo_json(read_value(directory / FILE))
        return
    tables, faults = read_tables([place], receipts or receipts_directory(), recompute=not claimed)
    for name, found in faults.items():
        for fault in found:
            tell(f"{name}: {fault}")
    if faults:
        raise click.exceptions.Exit(1)
    figures = [one for one in read_references(root) if place.name in one.boards]
    if as_json:
        echo_json(document(tables[0], figures))
    else:
        echo(_text(tables[0]))


def _text(shown: Any) -> str:
    from rbsuite.leaderboard.wording import about, bounded, gain_text, headline_name, number, state
    from rbsuite.report.text import fold, table

    rows = [
        [
            "rank",
            "system",
            "model",
            "memory",
            "scaling",
            headline_name(shown.place.board),
            "gain",
            "tokens",
            "$",
            "checked",
        ]
    ]
    for row in shown.rows:
        one = row.row
        rows.append(
            [
                row.rank_text, row.submission.system, row.model, one.memory, one.scaling, bounded(one.headline),
                gain_text(one), number(one.tokens, 0), number(one.dollars, 4), state(row),
            ]
        )  # fmt: skip
    lines = [shown.place.board.title, "", table(rows) if shown.rows else "There are no submissions yet.", ""]
    return "\n".join([*lines, *(fold(line, 110) for line in about(shown))])


@command.command("remove")
@click.argument("board")
@click.argument("submission")
@_root
def remove_command(board: str, submission: str, root: Path) -> None:
    """Remove a SUBMISSION with its logs from a BOARD."""
    from rbsuite.leaderboard.adding import remove
    from rbsuite.leaderboard.boards import read_board

    echo(f"removed {remove(read_board(root, board), submission)}")


@command.command("export")
@click.argument("board")
@click.argument("submission")
@click.option(
    "--to", "form", type=click.Choice(["tau2"]), default="tau2", show_default=True, help="Whose format to write."
)
@_root
def export_command(board: str, submission: str, form: str, root: Path) -> None:
    """Print a SUBMISSION in the format of another leaderboard."""
    from rbsuite.leaderboard.adding import find
    from rbsuite.leaderboard.boards import read_board
    from rbsuite.leaderboard.tau2 import tau2_submission
    from rbsuite.leaderboard.validating import read_submission

    found, faults = read_submission(find(read_board(root, board), submission))
    if found is None:
        raise UsageError(f"{board}/{submission} cannot be read: {faults[0]}.", "Run `rbsuite leaderboard validate`.")
    echo_json(tau2_submission(found))


@command.command("schema")
def schema_command() -> None:
    """Print the JSON schema of a submission."""
    from rbsuite.leaderboard.submission import schema_text

    echo(schema_text(), nl=False)


def _places(root: Path, boards: Sequence[str]) -> Sequence[BoardPlace]:
    from rbsuite.leaderboard.boards import all_boards, read_board

    return [read_board(root, name) for name in dict.fromkeys(boards)] if boards else all_boards(root)


def _chosen(root: Path, boards: Sequence[str], paths: Sequence[Path]) -> Iterator[tuple[BoardPlace, Path]]:
    """The named submissions, or all of them."""
    from rbsuite.leaderboard.boards import read_board

    for path in paths:
        if path.suffix != ".zip":
            if not path.is_dir() or path.parent.name != "submissions":
                raise UsageError(
                    f"{path} is not a submission.", "Name a directory such as leaderboards/BOARD/submissions/NAME."
                )
            yield read_board(path.parent.parent.parent, path.resolve().parent.parent.name), path
    if not paths:
        for place in _places(root, boards):
            for directory in place.submissions:
                yield place, directory


@contextmanager
def _unpacked(root: Path, paths: Sequence[Path]) -> Iterator[Iterator[tuple[BoardPlace, Path, str]]]:
    """The submissions in archives, unpacked while they are checked."""
    from contextlib import ExitStack
    from tempfile import TemporaryDirectory

    from rbsuite.data.archives import UnpackLimits, extract
    from rbsuite.leaderboard.boards import read_board
    from rbsuite.leaderboard.submission import FILE
    from rbsuite.leaderboard.validating import read_submission

    with ExitStack() as stack:

        def each() -> Iterator[tuple[BoardPlace, Path, str]]:
            for path in paths:
                if path.suffix != ".zip":
                    continue
                scratch = Path(stack.enter_context(TemporaryDirectory()))
                extract(path, scratch, UnpackLimits(total_bytes=1 << 30, files=1000))
                found = [one.parent for one in scratch.rglob(FILE)]
                submission, faults = (
                    read_submission(found[0]) if len(found) == 1 else (None, ["it contains no submission"])
                )
                if submission is None:
                    raise UsageError(
                        f"{path} cannot be read: {faults[0]}.", "Give an archive of one submission's directory."
                    )
                yield read_board(root, submission.board), found[0], path.name

        yield each()


def _day(option: str, value: str) -> str:
    from datetime import date

    if not value:
        return ""
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise UsageError(f"--{option} {value!r} is not a date.", "Write it as YYYY-MM-DD.") from None


def _today() -> str:
    """The only use of a clock here; no figure depends on it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).date().isoformat()
