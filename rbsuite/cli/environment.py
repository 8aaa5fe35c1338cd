"""``rbsuite env NAME``: what an environment is, which of its data is installed, and what doing nothing scores."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command, data_option, find_plugins
from rbsuite.cli.listing import describe_options
from rbsuite.cli.output import echo, echo_json
from rbsuite.report.text import ceiling_table, fields, table

if TYPE_CHECKING:
    from rbsuite.environments.base import Environment
    from rbsuite.plugins import Plugins
    from rbsuite.specs import EnvironmentSpec, Split
    from rbsuite.task import TaskSet

_TURNS = {"text": "text", "tools": "text or a tool call", "choice": "one of the named actions"}
DOMAINS_SHOWN = 3
"""With more domains than this, a split's tasks and floor are shown as sums; --json has all of them."""
_NOT_LOADED = "Missing data is downloaded on first use (needs the network), or read from --data."
_REFINES = {
    "continue": "in the same world, which is still open",
    "retry": "as a new rollout that sees the earlier ones",
}


@click.command("env", cls=Command)
@click.argument("name")
@data_option
@click.option(
    "--floor/--no-floor", default=True, help="Whether to compute the do-nothing floor of the available splits."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, data: str, floor: bool, as_json: bool) -> None:
    """Show the environment NAME.

    The floor is the number of tasks that an agent solves by doing nothing. A score is only meaningful in so far as it is above the floor.
    """
    found = find_plugins()
    spec = found.environment(name)
    facts = describe(found, spec, data, floor)
    if as_json:
        echo_json(facts)
    else:
        echo(render(spec, facts))


def describe(plugins: Plugins, spec: EnvironmentSpec, data: str, floor: bool) -> dict[str, Any]:
    """The declarations of a spec, with the state of every split and of the pack, as plain values.

    Args:
        plugins: the plugins that the environment is from.
        spec: the environment.
        data: directory of a pack to read instead of the imported one, or ``""``.
        floor: whether to play the do-nothing floor.

    Raises:
        PluginError: the environment cannot be imported, or raises an exception.
    """
    from rbsuite.errors import PluginError, is_mistake
    from rbsuite.jsonable import plain
    from rbsuite.run.names import look_up

    owner = f"environment {spec.name!r}"
    environment: Environment = look_up(plugins, "environment", spec.name).make()
    facts: dict[str, Any] = plain(spec)
    floor = floor and not spec.stateful_server  # a server is not started just to look
    try:
        facts["splits"] = [describe_split(environment, split, data, floor) for split in spec.splits]
    except BaseException as error:
        if not is_mistake(error):
            raise
        raise PluginError.of(owner, error, "Fix or reinstall the plugin.") from error
    finally:
        asyncio.run(environment.aclose())
    facts["data"] = data
    facts["pack"] = describe_pack(spec.pack) if spec.pack else None
    return facts


def describe_split(environment: Environment, split: Split, data: str, floor: bool) -> dict[str, Any]:
    """A split with its number of tasks and floor by domain, or with what is missing and how to get it."""
    from rbsuite.errors import DataError
    from rbsuite.run.private import unheard

    row: dict[str, Any] = {"name": split.name, "summary": split.summary, "bundled": split.bundled}
    if not environment.at_hand(split.name, data=data):
        return row | {"here": False, "problem": _NOT_LOADED, "remedy": ""}
    try:
        tasks = environment.tasks(split.name, data="" if split.bundled else data)
    except DataError as error:
        return row | {"here": False, "problem": error.message, "remedy": error.remedy}
    with unheard(tasks.private, remedy="Fix the plugin; --no-floor shows the rest."):
        return {**row, **_figures(environment, tasks, floor)}


def _figures(environment: Environment, tasks: TaskSet, floor: bool) -> Mapping[str, Any]:
    """The figures of tasks that are available."""
    counts = Counter(task.domain for task in tasks)
    row: dict[str, Any] = {"here": True, "tasks": len(tasks), "domains": dict(counts), "task_set": tasks.content_hash}
    ceiling = environment.ceiling(tasks)
    row |= {"ceiling": dict(ceiling.figures) if ceiling else {}}
    return row | {"floor": asyncio.run(count_floor(environment, tasks)) if floor else None}


async def count_floor(environment: Environment, tasks: TaskSet) -> dict[str, int]:
    """Number of tasks, by domain, that are solved by an agent that says nothing, once.

    Raises:
        PluginError: the environment raises an exception on the way.
    """
    from rbsuite.errors import PluginError, is_mistake
    from rbsuite.run.verify import idle_score

    solved = dict.fromkeys((task.domain for task in tasks), 0)
    try:
        for task in tasks:
            solved[task.domain] += await idle_score(environment, task) == 1.0
    except BaseException as error:
        if not is_mistake(error):
            raise
        owner = f"environment {tasks.environment!r} on task {task.id!r}, where the agent says nothing,"
        raise PluginError.of(owner, error, "Fix the plugin; --no-floor shows the rest.") from error
    return solved


def describe_pack(name: str) -> dict[str, Any]:
    """The imported pack: whether it is installed and intact, and the commit it comes from."""
    from rbsuite.data.directory import pack_directory
    from rbsuite.data.packs import load_pack_info, verify_pack
    from rbsuite.errors import DataError

    path = pack_directory(name)
    facts: dict[str, Any] = {"name": name, "here": path.is_dir(), "intact": None, "problem": ""}
    if not facts["here"]:
        return facts
    try:
        info = load_pack_info(path)
        facts |= {"source": info.source, "commit": info.commit, "equals_commit": info.equals_commit}
        verify_pack(path)
    except DataError as error:
        return facts | {"intact": False, "problem": f"{error.message} {error.remedy}".strip()}
    return facts | {"intact": True}


def render(spec: EnvironmentSpec, facts: Mapping[str, Any]) -> str:
    """The facts as text."""
    pairs = [
        ("also named", ", ".join(spec.aliases)),
        ("version", spec.version),
        ("domains", ", ".join(spec.domains)),
        ("a turn is", _TURNS[spec.action_mode]),
        ("steps", f"at most {spec.max_steps} agent turn{'' if spec.max_steps == 1 else 's'}"),
        ("money", "" if spec.rollout_max_cost is None else f"at most ${spec.rollout_max_cost:g} per rollout"),
        ("agent", f"{spec.agent} by default" if spec.agent else ""),
        ("users", f"{', '.join(spec.users)} (the first by default)" if spec.users else ""),
        ("measures", "; ".join(f"{measure.name}: {measure.summary}" for measure in spec.measures)),
        ("refines", _REFINES[spec.refine]),
        ("parallel", "shares a server: one rollout of a task at a time" if spec.stateful_server else ""),
        ("pack", _pack_line(spec, facts["pack"])),
        ("licence", spec.data_licence),
        ("homepage", spec.homepage),
        ("citation", spec.citation),
    ]
    pack = facts["pack"]
    # A missing pack is reported only once, on its own line.
    explain = pack is None or pack["here"] or bool(facts["data"])
    parts = [f"{spec.name}: {spec.summary}", _splits(facts["splits"], explain), fields(pairs)]
    if spec.options:
        heads = ("option", "type", "default", "allowed", "meaning")
        parts.append(table([heads, *describe_options(spec.options)]))
    parts += [fields([(f"separate: {part.domain}", part.warning) for part in spec.apart])]
    parts += [
        f"Ceiling of {row['name']}: the benchmark's own answers by its own figures\n{ceiling_table(row['ceiling'])}"
        for row in facts["splits"]
        if row.get("ceiling")
    ]
    if spec.fidelity:
        grades = ("exact", "approximate", "absent")
        rows = [(f"{grade}: {row.aspect}", row.note) for grade in grades for row in spec.fidelity if row.grade == grade]
        parts.append("Fidelity to upstream\n" + fields(rows))
    if spec.notes:
        parts.append(fields([("-", note) for note in spec.notes]))
    return "\n\n".join(part for part in parts if part)


def _splits(splits: list[dict[str, Any]], explain: bool) -> str:
    rows = [("split", "tasks", "floor", "what it holds")]
    rows += [(row["name"], _tasks(row), _floor(row), row["summary"]) for row in splits]
    missing = {f"{row['problem']} {row['remedy']}".strip() for row in splits if explain and not row["here"]}
    return "\n".join([table(rows), *sorted(missing)])


def _tasks(row: Mapping[str, Any]) -> str:
    if not row["here"]:
        return "not here"
    if len(row["domains"]) < 2:
        return str(row["tasks"])
    if len(row["domains"]) > DOMAINS_SHOWN:
        return f"{row['tasks']} in {len(row['domains'])} domains"
    return f"{row['tasks']} ({', '.join(f'{count} {domain}' for domain, count in row['domains'].items())})"


def _floor(row: Mapping[str, Any]) -> str:
    if not row["here"] or row["floor"] is None:
        return "-"
    if len(row["domains"]) > DOMAINS_SHOWN:
        return f"{sum(row['floor'].values())}/{row['tasks']}"
    return ", ".join(f"{solved}/{row['domains'][domain]}" for domain, solved in row["floor"].items())


def _pack_line(spec: EnvironmentSpec, pack: Mapping[str, Any] | None) -> str:
    if pack is None:
        return ""
    if not pack["here"]:
        from rbsuite.cli.data import how_to_import

        how = how_to_import(spec)
        return f"{pack['name']}, not imported. {how}"
    if not pack["intact"]:
        return f"{pack['name']}, broken: {pack['problem']}"
    same = pack["equals_commit"]
    if same == "":
        return f"{pack['name']}, intact, from {pack['source']}" + (
            f", commit {pack['commit']}" if pack["commit"] else ""
        )
    commit = pack["commit"] or "unknown"
    proof = "content verified" if same else "content is not that of the pinned commit"
    if same and same != pack["commit"]:
        proof = f"its content is that of commit {same}"
    return f"{pack['name']}, intact, from {pack['source']}, commit {commit}, {proof}"
