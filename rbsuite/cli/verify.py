"""``rbsuite verify``: replay an environment's reference solutions."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import click

from rbsuite.cli.commands import Command, data_option, find_plugins
from rbsuite.cli.output import echo, echo_json
from rbsuite.report.text import ceiling_table, one_line

if TYPE_CHECKING:
    from rbsuite.run.verify import VerifyReport

_SHOWN = 10


@click.command("verify", cls=Command)
@click.option("--env", "environment", required=True, metavar="NAME", help="The environment.")
@click.option("--split", default="", metavar="SPLIT", help="The split [default: the environment's first].")
@click.option("--domain", default="", metavar="DOMAIN", help="Only this domain's tasks.")
@data_option
@click.option(
    "--unsafe-local", is_flag=True, help="Let commands run in the sandbox local, which may not enforce all rules."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(environment: str, split: str, domain: str, data: str, unsafe_local: bool, as_json: bool) -> None:
    """Replay every task's reference solution through the environment and its grading, and an agent that does nothing.

    Where the environment knows the most frequent answer, that is given for every task too.

    Every reference must score 1, unless the environment says that its grading does not allow it; otherwise the exit code is 1.
    """
    from rbsuite.cli.evaluate import without_sandbox
    from rbsuite.errors import UsageError
    from rbsuite.run.plan import choose_environment
    from rbsuite.run.private import unheard
    from rbsuite.run.verify import verify

    chosen = choose_environment(find_plugins(), without_sandbox(environment) if unsafe_local else environment)
    tasks = chosen.tasks(split or chosen.spec.splits[0].name, domain=domain, data=data)

    async def replay() -> VerifyReport:
        try:
            return await verify(chosen.environment, tasks, chosen.spec.max_steps)
        finally:
            await chosen.environment.aclose()

    with unheard(tasks.private, remedy="Fix or reinstall the plugin."):
        report = asyncio.run(replay())
    if report.tasks == len(report.without):
        raise UsageError(
            f"{chosen.reference} {tasks.split} has no reference solutions, so there is nothing to verify.",
            "Verify another split or environment.",
        )
    if as_json:
        echo_json(_document(chosen.reference, tasks.split, report))
    else:
        _show(chosen.reference, tasks.split, report)
    if report.unsolved:
        raise click.exceptions.Exit(1)


def _document(environment: str, split: str, report: VerifyReport) -> dict[str, object]:
    return {
        "env": environment,
        "split": split,
        "tasks": report.tasks,
        "solved": report.solved,
        "unsolved": list(report.unsolved),
        "problems": dict(report.unsolved),
        "without_reference": list(report.without),
        "beyond_reach": dict(report.beyond),
        "ceiling": dict(report.ceiling),
        "floor": report.floor_solved,
        "domains": {
            name: {
                "tasks": counts.tasks,
                "solved": counts.solved,
                "floor": counts.floor_solved,
                **({} if counts.majority_solved is None else {"majority": counts.majority_solved}),
            }
            for name, counts in report.domains.items()
        },
    }


def _show(environment: str, split: str, report: VerifyReport) -> None:
    tried = report.tasks - len(report.without)
    floor = f" Doing nothing solves {report.floor_solved}." if list(report.domains) == [""] else ""
    if floor and (guessed := report.domains[""].majority_solved) is not None:
        floor += f" The most frequent answer solves {guessed}."
    echo(f"{environment} {split}: {report.solved} of {tried} reference solutions score 1.{floor}")
    for domain, counts in report.domains.items() if list(report.domains) != [""] else ():
        solved, floor = f"{counts.solved}/{counts.tasks}", f"{counts.floor_solved}/{counts.tasks}"
        if counts.majority_solved is not None:
            floor += f", the most frequent answer {counts.majority_solved}/{counts.tasks}"
        echo(f"  {one_line(domain)}: references {solved}, doing nothing {floor}")
    if report.without:
        echo(f"  {len(report.without)} tasks have no reference solution.")
    if report.beyond:
        echo(f"  {len(report.beyond)} references are refused by the grading itself, as the environment says:")
        for reason, count in Counter(report.beyond.values()).items():
            echo(f"    {count}: {one_line(reason)}")
    if report.ceiling:
        echo("ceiling: the benchmark's own answers by its own figures")
        echo(ceiling_table(report.ceiling))
    for task, problem in list(report.unsolved.items())[:_SHOWN]:
        echo(f"  not solved: {one_line(task)}: {one_line(problem)}")
    if len(report.unsolved) > _SHOWN:
        echo(f"  ... and {len(report.unsolved) - _SHOWN} more; --json lists all.")
