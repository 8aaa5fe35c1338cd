"""``rbsuite eval``: run an experiment and show its results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rbsuite.cli.commands import Command, GivenPath, Number, find_plugins
from rbsuite.cli.opening import say_without_key
from rbsuite.cli.output import canvas, echo, echo_json, tell
from rbsuite.errors import LONGEST_TOLD, Interrupted, LimitReached, Outage, UsageError, in_words, shortened
from rbsuite.options import refuse_keys, split_pieces

if TYPE_CHECKING:
    from rbsuite.cli.interrupts import Interrupts
    from rbsuite.run.config import Execution
    from rbsuite.run.plan import Plan
    from rbsuite.store import ExperimentStore

DEFAULT_CONCURRENCY = 8
AUTO_CONCURRENCY = (256, 10)
"""What ``auto`` stands for: the maximum number of calls, and the initial number for each model."""
COMMAND_OPTIONS = {
    "concurrency": "concurrency",
    "speculate": "speculate",
    "executor": "executor",
    "rate": "rate",
    "ray_address": "ray_address",
    "ray_env": "ray_env",
    "ray_resources": "ray_resources",
    "ray_wait": "ray_wait",
    "outage": "outage",
    "to_look": "to_look",
    "transport": "transport",
    "cache": "cache",
    "call_time": "call_time",
    "max_cost": "max_cost",
    "max_tokens": "max_tokens",
    "max_calls": "max_calls",
    "max_time": "max_time",
    "out": "out",
    "join": "join",
    "json": "as_json",
    "quiet": "quiet",
    "log": "log",
}
"""Options for how the command is carried out, with the names of their parameters; they too may be in the TOML file."""

EPILOG = """Examples:

\b
  rbsuite eval --env tau-bench
  rbsuite eval --env tau-bench --split test --domain retail --memory none,reasoningbank,awm
  rbsuite eval --env tau-bench --model openai/gpt-4o-mini --limit 10 --orders 1
  rbsuite eval --from experiments/tau-bench-sample-0123456789
  rbsuite eval --from experiments/tau-bench-sample-0123456789 --retry-failed
"""
UNSAFE_LOCAL = "unsafe_local=true"
"""The option of an environment that ``--unsafe-local`` sets."""
INCOMPLETE = 3
"""The exit code if the experiment is not complete."""


def experiment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add one command-line option for every option of an experiment."""
    from rbsuite.run.config import FIELDS

    for name, field in reversed(list(FIELDS.items())):
        flag, text = f"--{name.replace('_', '-')}", _help(field.metadata, field.default)
        kind = field.metadata["kind"]
        if kind == "flag":
            function = click.option(flag, name, is_flag=True, default=None, help=text)(function)
        else:
            types: dict[str, type] = {"int": int, "float": float}
            metavar = {
                "text": "TEXT",
                "names": "NAME,...",
                "numbers": "X,...",
                "counts": "N,...",
                "int": "N",
                "float": "X",
            }[kind]
            option = click.option(
                flag,
                name,
                type=types.get(kind, str),
                metavar=metavar,
                help=text,
                multiple=kind in ("names", "numbers", "counts"),
                default=None,
            )
            function = option(function)
    return function


def _help(meta: Mapping[str, Any], default: Any) -> str:
    text = f"{meta['help'][0].upper()}{meta['help'][1:]}"
    if meta["choices"]:
        text += f": {', '.join(meta['choices'])}"
    if default in ("", None, (), ("",), False) or not isinstance(default, str | int | float | tuple):
        return f"{text}."
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return f"{text} [default: {shown}]."


def _read_config(context: click.Context, parameter: click.Parameter, path: Path | None) -> Mapping[str, Any]:
    """The experiment's options in the file; options of the command itself become its defaults."""
    if path is None:
        return {}
    from rbsuite.run.config import FIELDS, read_toml

    values = read_toml(path, COMMAND_OPTIONS)
    options = {option.name: option for option in context.command.params if isinstance(option, click.Option)}
    own = {name: value for name, value in values.items() if name in COMMAND_OPTIONS}
    for name, value in own.items():
        option = options[COMMAND_OPTIONS[name]]
        kinds: tuple[type, ...] = (str, int, float)
        wanted = "text or a number"
        if option.is_flag:
            kinds, wanted = (bool,), "true or false"
        elif isinstance(option.type, click.Path):
            kinds, wanted = (str,), "text"
        if type(value) not in kinds:
            raise UsageError(f"{path.name}: --{name.replace('_', '-')} cannot be {in_words(value)}.", f"Give {wanted}.")
    context.default_map = {
        COMMAND_OPTIONS[name]: value if isinstance(value, bool) else str(value) for name, value in own.items()
    }
    return {name: value for name, value in values.items() if name in FIELDS}


def read_concurrency(text: Any) -> tuple[int, int]:
    """``N`` or ``auto``: the maximum number of concurrent calls, and where to start (0: at the maximum)."""
    return AUTO_CONCURRENCY if text == "auto" else (click.IntRange(min=1).convert(text, None, None), 0)


@click.command("eval", cls=Command, epilog=EPILOG)
@experiment_options
@click.option(
    "--concurrency",
    callback=lambda context, parameter, text: read_concurrency(text),
    default=str(DEFAULT_CONCURRENCY),
    show_default=True,
    metavar="N|auto",
    help="Limit on concurrent model calls; lowered for a model whose provider is overloaded. auto: find the limit.",
)
@click.option(
    "--speculate",
    default="auto",
    show_default=True,
    metavar="auto|off|N",
    help="How many tasks to run ahead of the committed ones; changes time and cost, never the result.",
)
@click.option(
    "--executor",
    default="local",
    show_default=True,
    metavar="local|processes:N|ray",
    help="Where to run: in this process, in N others, or on a Ray cluster; never changes the result.",
)
@click.option(
    "--rate",
    type=Number(min=0.001),
    metavar="N",
    help="At most this many calls per minute to each provider's model, from all workers together.",
)
@click.option(
    "--ray-address",
    default="",
    metavar="HOST:PORT",
    help="The Ray cluster [default: RAY_ADDRESS, that of this machine, or one started for the command].",
)
@click.option(
    "--ray-env",
    default="",
    metavar="NAME,...",
    help="Environment variables, such as OPENAI_API_KEY, to pass to the cluster's workers.",
)
@click.option(
    "--ray-resources",
    default="",
    metavar="NAME=X,...",
    help="What a run requires of a node, e.g. cpu=2,gpu=1,browser=1 [default: cpu=1 and what the environment needs].",
)
@click.option(
    "--ray-wait",
    type=Number(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a node with these resources.",
)
@click.option(
    "--outage",
    type=click.Choice(["pause", "commit"]),
    default="pause",
    show_default=True,
    help="When no model call of a rollout was answered: stop before its task, or count it as failed.",
)
@click.option(
    "--to-look",
    default="",
    metavar="next|last|N",
    help="With --looks: how far to run [default: to the end of the current look, initially the first].",
)
@click.option(
    "--transport",
    type=click.Choice(["auto", "direct", "litellm"]),
    default="auto",
    show_default=True,
    help="How providers' models are called; auto: openai/... at a base URL of your own directly, others through litellm.",
)
@click.option(
    "--cache",
    type=GivenPath(path_type=str),
    default="",
    metavar="DIR",
    help="Keep replies of providers' models in DIR, and reuse them when the same request is made again.",
)
@click.option(
    "--call-time",
    default="",
    metavar="[PURPOSE=]SECONDS,...",
    help="Time limit of a model call, or of one for a purpose [default: 600; 300 for user, select and grade].",
)
@click.option(
    "--i-may-share-this-data",
    "share",
    is_flag=True,
    help="Allow private tasks, such as patients' records, to go to models and embedders that are not on this machine.",
)
@click.option(
    "--reveal",
    is_flag=True,
    help="Allow the text of private tasks in the log, in errors and in the cache [default: left out].",
)
@click.option(
    "--unsafe-local",
    is_flag=True,
    help="Let models' commands run on this machine in the sandbox local, which may not enforce all rules: see rbsuite doctor.",
)
@click.option(
    "--max-cost",
    type=Number(min=0),
    metavar="DOLLARS",
    help="Stop when the experiment has cost this much, all sessions together.",
)
@click.option(
    "--max-tokens", type=click.IntRange(min=1), metavar="N", help="Stop when it has taken this many tokens, in and out."
)
@click.option(
    "--max-calls", type=click.IntRange(min=1), metavar="N", help="Stop when it has made this many model calls."
)
@click.option("--max-time", type=Number(min=0), metavar="SECONDS", help="Stop when it has been running for this long.")
@click.option(
    "--out",
    type=GivenPath(path_type=Path),
    help="Directory of the experiment [default: named after its configuration].",
)
@click.option(
    "--config",
    "from_file",
    type=GivenPath(path_type=Path),
    callback=_read_config,
    is_eager=True,
    metavar="FILE.toml",
    help="Options from a TOML file; the command line wins.",
)
@click.option(
    "--from",
    "source",
    type=GivenPath(path_type=Path),
    metavar="EXPERIMENT",
    help="Resume an experiment; with more --orders add them to it, marked as undeclared; with other options copy its configuration.",
)
@click.option(
    "--rewind",
    multiple=True,
    metavar="RUN@T",
    help="With --from: take a run back to its first T tasks and run the rest again; what is discarded stays in the file.",
)
@click.option(
    "--retry-failed", is_flag=True, help="With --from: take every run back to its first broken task, and continue."
)
@click.option(
    "--join",
    is_flag=True,
    help="Work on an experiment together with other processes: take runs that none of them holds.",
)
@click.option("--dry-run", is_flag=True, help="Estimate calls, tokens and cost; nothing is sent and nothing written.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--quiet", is_flag=True, help="No progress display.")
@click.option(
    "--log",
    type=GivenPath(path_type=Path),
    metavar="FILE.jsonl",
    help="Append every event (turns, model calls, commits) to this file, one JSON object per line.",
)
def command(
    out: Path | None,
    from_file: Mapping[str, Any],
    source: Path | None,
    rewind: tuple[str, ...],
    retry_failed: bool,
    join: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    log: Path | None,
    unsafe_local: bool,
    **options: Any,
) -> None:
    """Run an experiment: memories compared on the same tasks, in the same orders.

    Running the same command again resumes where it stopped, or shows the result if it is complete. With --looks it stops at the first look;
    --to-look continues.
    """
    from rbsuite import api

    execution = _execution(options)
    given = _given(options)
    if rewind or retry_failed:
        if source is None or from_file or given or out or join or dry_run:
            raise UsageError(
                "--rewind and --retry-failed can only be combined with --from EXPERIMENT.",
                "Leave the other options out.",
            )
        _take_back(source, rewind, retry_failed=retry_failed)
    alone = source is not None and not (from_file or given or out or dry_run)
    if source is not None and alone and _shown(source, execution.to_look, as_json=as_json):
        return
    stored = _stored(source)
    adds = source is not None and not (from_file or out) and _adds_orders(stored, given)
    # The declared looks are over when orders are added.
    wanted = {**stored, **from_file, **given, **({"looks": ()} if adds else {})}
    if unsafe_local and wanted.get("env"):
        wanted["env"] = without_sandbox(wanted["env"])
    planned = api.plan(plugins=find_plugins(), execution=execution, **wanted)
    if planned.config.protocol and not (as_json or quiet):
        _tell_protocol(planned, wanted)
    same = source is not None and _adds_nothing(stored, {**from_file, **given})
    if dry_run:
        from rbsuite.cli.dry_run import dry_run as show_estimate
        from rbsuite.run.directory import default_directory

        place = out or (source if same and source else default_directory(planned))
        show_estimate(planned, place, source, as_json=as_json)
        return
    opened = partial(api.open_plan, planned, out or (source if same or adds else None), join=join, add_orders=adds)
    _run_and_report(planned, opened, execution, log, quiet=quiet, as_json=as_json)


def without_sandbox(environment: str) -> str:
    """The reference of an environment with ``--unsafe-local``."""
    return (
        environment
        if UNSAFE_LOCAL in environment
        else f"{environment}{',' if ':' in environment else ':'}{UNSAFE_LOCAL}"
    )


def _execution(options: dict[str, Any]) -> Execution:
    """How the experiment is carried out; the options for it are removed from ``options``."""
    from rbsuite.api import Execution

    most, start = options.pop("concurrency")
    taken = {one.name: options.pop(one.name) for one in fields(Execution) if one.name in options}
    return Execution(most, start=start, **taken)


def _tell_protocol(planned: Plan, wanted: Mapping[str, Any]) -> None:
    from rbsuite.run.config import names_simulation
    from rbsuite.run.presets import NOTHING, describe

    name, spec = planned.config.protocol, planned.spec
    here = spec.protocols.get(name, NOTHING)
    for line in describe(name, wanted, spec.action_mode, simulated=names_simulation(wanted), here=here):
        tell(line)


def _run_and_report(
    planned: Plan,
    opened: Callable[[], AbstractContextManager[ExperimentStore]],
    execution: Execution,
    log: Path | None,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    import asyncio

    from rbsuite.cli.interrupts import Interrupts
    from rbsuite.run.directory import held_by_others
    from rbsuite.run.event_log import EventLog

    try:
        with Interrupts() as interrupts, EventLog(log) if log else nullcontext() as event_log, opened() as store:
            if event_log is not None:
                planned.plugins.register(event_log, "event log")
            _run(planned, store, execution, interrupts, quiet=quiet or as_json)
            if others := held_by_others(store):
                if as_json:
                    echo_json({"experiment": str(store.directory), "complete": False, "held": dict(others)})
                else:
                    held = ", ".join(f"{run} (process {process})" for run, process in others.items())
                    echo(
                        f"Other processes are still working on {store.directory}: {held}. The last to finish shows the result."
                    )
                raise click.exceptions.Exit(INCOMPLETE)
            _report(store, as_json=as_json)
    finally:
        asyncio.run(planned.aclose())


def _take_back(source: Path, places: Sequence[str], *, retry_failed: bool) -> None:
    """Rewind runs before anything is run."""
    from rbsuite.run.rewinding import rewind, rewind_to_failures
    from rbsuite.store import ExperimentStore

    with ExperimentStore.open(source) as store:
        discarded = rewind(store, places) + (rewind_to_failures(store) if retry_failed else 0)
    tell(f"Taken back: {discarded} tasks were discarded; they stay in the file.")


def _given(options: Mapping[str, Any]) -> Mapping[str, Any]:
    from rbsuite.run.config import FIELDS, check_value

    values = {}
    for name, value in options.items():
        if value is None or value == ():
            continue
        if name == "prompts":  # directories; an empty one before a comma stands for the built-in templates
            value = [part.strip() for text in value for part in text.split(",")]
        elif FIELDS[name].metadata["kind"] == "names":  # given several times, they form one list
            value = [reference for text in value for reference in split_references(text)]
            if not value:
                shown = name.replace("_", "-")
                raise UsageError(f"--{shown} names nothing.", f"Name something, or leave --{shown} out.")
        elif FIELDS[name].metadata["kind"] in ("numbers", "counts"):
            read = float if FIELDS[name].metadata["kind"] == "numbers" else int
            value = [_number(name, part, read) for text in value for part in text.split(",")]
        values[name] = check_value(name, value, "command line")
    return values


def _number(name: str, text: str, read: type[int] | type[float]) -> float:
    try:
        return read(text)
    except ValueError:
        kind = "whole number" if read is int else "number"
        raise UsageError(
            f"--{name}: {shortened(text.strip())!r} is not a {kind}.", f"Give {kind}s separated by commas."
        ) from None


def split_references(text: str) -> list[str]:
    """Split ``a,b:x=1,y=2,c`` into references.

    A piece with ``=`` is another option of the previous reference, and a number is the previous reference with that number:
    ``parallel:1,2`` is short for ``parallel:1,parallel:2``.
    """
    refuse_keys(text)
    references: list[str] = []
    for piece in split_pieces(text):
        head = piece.partition(":")[0]
        if references and "=" in head:
            references[-1] += f",{piece}"
        elif references and piece.isdecimal() and ":" in references[-1]:
            references.append(f"{references[-1].partition(':')[0]}:{piece}")
        else:
            references.append(piece)
    return references


def _stored(source: Path | None) -> Mapping[str, Any]:
    """The options of an experiment, without those that have their defaults."""
    if source is None:
        return {}
    from rbsuite.run.config import FIELDS, from_plain
    from rbsuite.store import ExperimentStore

    with ExperimentStore.open(source, readonly=True) as store:
        config = from_plain(store.manifest.config)
    return {name: getattr(config, name) for name, field in FIELDS.items() if getattr(config, name) != field.default}


def _adds_nothing(stored: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether options are those that an experiment already has, apart from passwords, which a store does not contain."""
    from rbsuite.scrub import scrub

    return all(stored.get(name) == value for name, value in scrub(options).items())


def _adds_orders(stored: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether the only change requested is more orders than an experiment has."""
    from rbsuite.run.config import FIELDS

    if not given or not given.keys() <= {"orders", "baseline_orders"}:
        return False
    orders = stored.get("orders", FIELDS["orders"].default)
    baseline = stored.get("baseline_orders", orders)
    return bool(given.get("orders", orders) >= orders and given.get("baseline_orders", baseline) >= baseline)


def _shown(source: Path, to_look: str, *, as_json: bool) -> bool:
    """Show an experiment if it is finished up to the requested look; this needs none of its plugins."""
    from rbsuite.store import ExperimentStore
    from rbsuite.store.looks import stage

    with ExperimentStore.open(source, readonly=True) as store:
        if not stage(store, to_look).finished:
            return False
        say_without_key(store)
        _report(store, as_json=as_json)
        return True


def _run(planned: Plan, store: ExperimentStore, execution: Execution, interrupts: Interrupts, *, quiet: bool) -> None:
    """Do the remaining work, and show progress."""
    from rich.console import Console

    from rbsuite.cli.interrupts import exit_code
    from rbsuite.cli.progress import Progress
    from rbsuite.run.executors import run_experiment
    from rbsuite.store.looks import stage

    at = stage(store, execution.to_look)
    if at.finished:
        return
    committed = {run.id: store.committed(run.id) for run in at.runs}
    if any(committed.values()) and not quiet:
        tell(f"Resuming: {sum(committed.values())} tasks are committed.")
    try:
        with Progress(Console(file=canvas(sys.stderr)), at.runs, committed, quiet=quiet) as progress:
            planned.plugins.register(progress, "progress")
            interrupts.run(run_experiment(planned, store, execution))
    except KeyboardInterrupt as stop:
        raise Interrupted(
            "stopped; what was committed is kept.",
            f"Resume with: rbsuite eval --from {store.directory}",
            exit_code=exit_code(stop),
        ) from None
    except LimitReached as stop:
        stop.message = f"stopped: {stop.message or type(stop).__name__}"
        stop.remedy += f" What was committed is kept: rbsuite eval --from {store.directory}"
        raise
    except Outage as outage:
        resume = f"Resume with: rbsuite eval --from {store.directory}"
        raise Outage(
            f"paused: {outage.message}",
            f"{outage.remedy} {resume}"
            if outage.remedy
            else f"{resume} (--outage commit counts such tasks as failed).",
        ) from outage


def _report(store: ExperimentStore, *, as_json: bool) -> None:
    from rbsuite.report import results
    from rbsuite.statistics.summary import summarise

    summary = summarise(store)
    if as_json:
        echo_json(results.as_json(store, summary))
    else:
        from rbsuite.cli.curves import draw_curves

        echo(results.render(store, summary))
        draw_curves(summary)
    if failed := _all_failed(store):
        tell(f"rbsuite: {failed}")
        raise click.exceptions.Exit(1)


def _all_failed(store: ExperimentStore) -> str:
    """What to say if every rollout of a condition broke, so that its figures mean nothing; empty if there is no such condition."""
    from rbsuite.report.text import one_line

    working: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    for info in store.manifest.runs:
        label, failures = info.condition.label, store.failures(info.id)
        working[label] = working.get(label, False) or failures.broken < failures.rollouts
        if failures.first is not None and label not in reasons:
            rollouts = next(store.records(info.id, failures.first, trajectories=False)).rollouts
            reasons[label] = next(one.trajectory.error for one in rollouts if one.trajectory.broken)
    failed = [label for label, works in working.items() if not works]
    if not failed:
        return ""
    which = "every rollout failed" if len(failed) == len(working) else f"every rollout of {', '.join(failed)} failed"
    again = f"Fix that, then: rbsuite eval --from {store.directory} --retry-failed"
    why = shortened(reasons[failed[0]], LONGEST_TOLD).rstrip(". ")
    return one_line(f"{which}: {why}. {again}")
