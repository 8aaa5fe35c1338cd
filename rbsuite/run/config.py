"""The options of an experiment: one frozen record, which the command line and a TOML file fill alike."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from rbsuite.errors import UnknownNameError, UsageError, in_words, shortened
from rbsuite.files import Unusable, check_path, parse_toml, read_file
from rbsuite.models.base import Purpose
from rbsuite.models.factory import Transport
from rbsuite.models.settings import from_table
from rbsuite.options import whole_number
from rbsuite.record import FACTORS, Condition
from rbsuite.run.presets import NOTHING, protocol_settings
from rbsuite.scrub import MASK, scrub_text
from rbsuite.specs import EnvironmentSpec, Published

ORDERS = ("seeded", "native", "easy-hard", "hard-easy", "blocked", "interleaved")
SCOPES = ("shared", "domain")
TWINS = ("exclude", "allow")
MAX_TOML_BYTES = 1024 * 1024
MAX_ORDERS = 10_000
LARGEST = 2**63 - 1
"""The largest number that an option may be: a store cannot hold a larger one."""
DEFAULT_MODEL = "sim/learner"
MODELS = ("model", "user_model", "judge_model", "memory_model", "grade_model")
"""The options that name models."""
PATHS = ("data", "prompts", "warm_start")
"""The options that name files or directories."""
DEFAULT_MEMORIES = ("none", "reasoningbank")

Kind = Literal["text", "names", "int", "float", "numbers", "counts", "flag"]


def _option(
    kind: Kind,
    help: str,
    default: Any = MISSING,
    *,
    minimum: float | None = None,
    maximum: float = LARGEST,
    choices: Sequence[str] = (),
) -> Any:
    limits = {"minimum": minimum, "maximum": maximum, "choices": tuple(choices)}
    return field(default=default, metadata={"kind": kind, "help": help, **limits})


@dataclass(frozen=True, slots=True)
class ExperimentConfig:
    """What an experiment is: everything that shapes its results, and nothing else.

    The field metadata (kind, help, minimum) define the command line's options and check the TOML file's. An empty text means "the
    environment's default" or "the agent's model".
    """

    env: str = _option("text", "environment to run, with its options, e.g. tau-bench or aime:reader=lm-eval")
    protocol: str = _option("text", "published protocol whose parameters are set: reasoningbank, evo-memory", "")
    split: str = _option("text", "split to run [default: the environment's first]", "")
    domain: str = _option("text", "only the tasks of this domain", "")
    tasks: tuple[str, ...] = _option("names", "only these tasks, by id", ())
    limit: int | None = _option("int", "only the first N tasks", None, minimum=1)
    memory: tuple[str, ...] = _option("names", "memories to compare; the first is the baseline", DEFAULT_MEMORIES)
    scaling: tuple[str, ...] = _option("names", "rollouts per task", ("single",))
    selector: str = _option("text", "which of several rollouts counts", "best-of-n")
    aggregation: str = _option(
        "text", "how memory learns from several rollouts", "joint", choices=("joint", "independent")
    )
    allow_shared_state: bool = _option("flag", "allow concurrent rollouts that share the state of one server", False)
    judge: tuple[str, ...] = _option("names", "who decides what succeeded", ("self",))
    agent: tuple[str, ...] = _option("names", "agent [default: the environment's]", ())
    user: str = _option("text", "simulated user [default: the environment's]", "")
    model: tuple[str, ...] = _option("names", "model of the agent", (DEFAULT_MODEL,))
    user_model: str = _option("text", "model of the simulated user [default: the agent's]", "")
    judge_model: str = _option("text", "model of the judge [default: the agent's]", "")
    memory_model: str = _option("text", "model that extracts memories [default: the agent's]", "")
    grade_model: str = _option("text", "model for environments whose grading asks one [default: the judge's]", "")
    embedder: tuple[str, ...] = _option("names", "embedder for memory retrieval", ("hash",))
    index: str = _option("text", "index for memory retrieval", "auto", choices=("auto", "exact", "hnsw"))
    orders: int = _option(
        "int", "number of task orders; each is a separate run of every condition", 3, minimum=1, maximum=MAX_ORDERS
    )
    baseline_orders: int | None = _option(
        "int",
        "number of task orders of the baseline memory: where it recalls nothing, its runs need no partners [default: as --orders]",
        None,
        minimum=1,
        maximum=MAX_ORDERS,
    )
    looks: tuple[int, ...] = _option(
        "counts",
        "after how many orders the figures are looked at, e.g. 3,5,10: a finding needs a smaller p value then; the last is --orders",
        (),
        minimum=1,
    )
    order: str = _option("text", "how tasks are ordered", "seeded", choices=ORDERS)
    stream: str = _option("text", "what a task can read: exact (all tasks before it) or batch:N", "exact")
    scope: str = _option(
        "text", "what a task may recall: from the whole run or from its own domain", "shared", choices=SCOPES
    )
    twins: str = _option(
        "text", "whether a task may recall what was learned on its twin (the same question)", "exclude", choices=TWINS
    )
    warm_start: str = _option(
        "text", "start with the banks of EXPERIMENT, or of EXPERIMENT@T: after its first T tasks", ""
    )
    freeze: bool = _option("flag", "let memory recall but not learn", False)
    probe: int = _option("int", "run the first N tasks again at the end, to see what was forgotten", 0, minimum=0)
    seed: int = _option("int", "seed of all random choices", 0)
    max_steps: int | None = _option(
        "int", "agent turns a rollout may take [default: the environment's]", None, minimum=1
    )
    rollout_max_cost: float | None = _option(
        "float", "US dollars that agent and user may spend in a rollout [default: no limit]", None, minimum=0.0
    )
    rollout_max_tokens: int | None = _option(
        "int", "tokens that agent and user may spend in a rollout [default: no limit]", None, minimum=1
    )
    rollout_max_calls: int | None = _option(
        "int", "model calls that agent and user may make in a rollout [default: no limit]", None, minimum=1
    )
    rollout_max_time: float | None = _option(
        "float", "seconds a rollout may take [default: no limit]", None, minimum=0.0
    )
    reply_tokens: str = _option(
        "text",
        "maximum tokens of a model's reply, for all purposes or for one, e.g. 4000 or agent=16000,judge=2000",
        "",
    )
    retries: int = _option("int", "retries of a rollout that broke, before its task is committed", 0, minimum=0)
    temperature: tuple[float, ...] = _option("numbers", "temperature of the agent's model", (0.0,), minimum=0.0)
    prompts: tuple[str, ...] = _option("names", "directory of prompt templates that replace the built-in ones", ("",))
    data: str = _option(
        "text", "data to read instead of the imported pack: its directory, or what `rbsuite env NAME` names", ""
    )

    def __post_init__(self) -> None:
        """Accept a single level of a factor, or a single name, as it is."""
        for name, option in self.__dataclass_fields__.items():
            value = getattr(self, name)
            if option.metadata["kind"] in ("names", "numbers", "counts") and not isinstance(value, tuple):
                object.__setattr__(self, name, tuple(value) if isinstance(value, list) else (value,))


@dataclass(frozen=True, slots=True)
class Execution:
    """How an experiment is carried out. It changes time and cost, never the result.

    Attributes:
        concurrency: maximum number of concurrent model calls, and so of concurrent runs.
        speculate: how far each run runs ahead of what is committed: ``off``, ``auto`` or a number of tasks.
        executor: ``local``, ``processes:N`` or ``ray``, see :func:`executor_kind`.
        outage: what happens to a task with a rollout none of whose model calls was answered: ``pause`` stops the run before the task is
            committed, so that it can be resumed; ``commit`` counts the task as failed.
        call_time: seconds that one model call may take, as text: for all purposes, or by purpose (:mod:`rbsuite.models.per_purpose`).
        max_cost, max_tokens, max_calls, max_time: what the whole experiment may take in US dollars, tokens, model calls and seconds, all
            its sessions together; ``None``: no limit. Once one is reached no further call is started, and what was committed stays.
        to_look: how far to run if looks are declared: ``next``, ``last``, or the number of a look; empty: to the end of the current one,
            initially the first.
        start: initial number of concurrent calls to one model, if the right number is to be found out; 0: as many as ``concurrency``
            says. Either way it is lowered while a provider says that it is overloaded.
        transport: how providers' models are called, see :func:`rbsuite.models.factory.way_to`.
        cache: directory of a reply cache; empty: none.
        share: whether private tasks may go to models that are not on this machine (:mod:`rbsuite.run.private`).
        reveal: whether observers, errors and a cache get what was said on private tasks. The store seals it in any case.
        rate: calls per minute to each provider's model, over all workers; ``None``: no limit.
        ray_address: of the Ray cluster; empty: ``RAY_ADDRESS``, the cluster on this machine, or one that is started for the command.
        ray_env: names of this process's environment variables that workers are given, separated by commas.
        ray_resources: what a run takes of a node in addition to what the environment needs, as text: ``cpu=2,gpu=1,browser=1``.
        ray_wait: seconds to wait for a node that has what a run takes.
    """

    concurrency: int = _option("int", "maximum number of concurrent model calls", 8, minimum=1)
    speculate: str = _option("text", "off, auto or a number of tasks, as text", "off")
    executor: str = _option("text", "local, processes:N or ray", "local")
    outage: Literal["pause", "commit"] = _option("text", "pause or commit", "pause", choices=("pause", "commit"))
    to_look: str = _option("text", "next, last, or the number of a look, as text", "")
    call_time: str = _option("text", "seconds that one model call may take, as text", "")
    max_cost: float | None = _option("float", "US dollars", None, minimum=0)
    max_tokens: int | None = _option("int", "tokens, in and out", None, minimum=1)
    max_calls: int | None = _option("int", "model calls", None, minimum=1)
    max_time: float | None = _option("float", "seconds", None, minimum=0)
    start: int = _option("int", "initial number of concurrent calls to one model", 0, minimum=0)
    transport: Transport = _option("text", "auto, direct or litellm", "auto", choices=("auto", "direct", "litellm"))
    cache: str = _option("text", "directory of a reply cache", "")
    share: bool = _option("flag", "whether private tasks may leave this machine", False)
    reveal: bool = _option("flag", "whether what was said on private tasks is shown", False)
    rate: float | None = _option("float", "calls per minute to each provider's model", None, minimum=0)
    ray_address: str = _option("text", "HOST:PORT of a Ray cluster", "")
    ray_env: str = _option("text", "names of environment variables, separated by commas", "")
    ray_resources: str = _option("text", "what a run takes of a node, as text", "")
    ray_wait: float = _option("float", "seconds to wait for a node", 60.0, minimum=0)

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            UsageError: one is of the wrong kind, or out of range.
        """
        for name, option in self.__dataclass_fields__.items():
            value = getattr(self, name)
            if value is not None or option.default is not None:
                _checked(name, value, "Execution", option.metadata)
        if self.cache:
            as_path("cache", self.cache, "Execution")


def executor_kind(executor: str) -> tuple[Literal["local", "processes", "ray"], int]:
    """The kind of executor that ``--executor`` names, and the number of processes, or 0 for other kinds.

    Raises:
        UsageError: there is no such executor.
    """
    if executor == "local":
        return "local", 0
    if executor == "ray":
        return "ray", 0
    kind, _, number = executor.partition(":")
    count = whole_number(number, 1000)
    if kind == "processes" and count:
        return "processes", count
    raise UsageError(f"--executor {shortened(executor)!r} is not an executor.", "Use local, processes:N or ray.")


def one_at_a_time(spec: EnvironmentSpec, config: ExperimentConfig) -> bool:
    """Whether only one task of an experiment may be under way: rollouts share a server's state, or cannot run side by side."""
    return (spec.stateful_server and not config.allow_shared_state) or spec.concurrency == "exclusive"


FIELDS: Mapping[str, Field[Any]] = {item.name: item for item in fields(ExperimentConfig)}


def read_toml(path: Path, others: Collection[str] = ()) -> Mapping[str, Any]:
    """The options in a TOML file, checked; names may be written with ``-`` or ``_``.

    Args:
        path: the file.
        others: other names that it may contain; their values are not checked.

    Raises:
        UsageError: the file cannot be read, or a value is of the wrong kind.
        UnknownNameError: an option does not exist; the nearest is suggested.
    """
    try:
        table = parse_toml(read_file(path, most=MAX_TOML_BYTES))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}.", "Give --config an existing TOML file.") from error
    except Unusable as error:
        raise UsageError(f"{path} is {error}.", "Give --config a TOML file of options.") from error
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in FIELDS and name not in others:
            known = [known.replace("_", "-") for known in (*FIELDS, *others)]
            raise UnknownNameError(f"option in {path.name}", key, known)
        values[name] = check_value(name, value, path.name) if name in FIELDS else value
    return values


def check_value(name: str, value: Any, where: str) -> Any:
    """A value as the option wants it: lists become tuples, a single name a tuple of one, a table that describes a model its reference.

    Raises:
        UsageError: it is of the wrong kind, or out of range.
        UnknownNameError: it is not one of the option's choices.
    """
    meta = FIELDS[name].metadata
    kind: Kind = meta["kind"]
    shown = name.replace("_", "-")
    if name in MODELS:
        value = [_model(one) for one in value] if isinstance(value, list | tuple) else _model(value)
    if name in PATHS:
        for text in (value,) if isinstance(value, str) else value if isinstance(value, list | tuple) else ():
            if isinstance(text, str):
                as_path(shown, text, where)
    if kind == "names":
        names = (value,) if isinstance(value, str) else value
        blank = FIELDS[name].default == ("",)
        if (
            isinstance(names, list | tuple)
            and (names or not FIELDS[name].default)
            and all(isinstance(item, str) and (item or blank) for item in names)
        ):
            return tuple(names)
        raise UsageError(f"{where}: {shown} must be a name or a list of names.", f'For example {shown} = ["a", "b"].')
    if kind in ("numbers", "counts"):
        values = value if isinstance(value, list | tuple) else (value,)
        return tuple(_checked(name, one, where, FIELDS[name].metadata) for one in values)
    return _checked(name, value, where, FIELDS[name].metadata)


def as_path(shown: str, value: Any, where: str) -> Path:
    """The path that a value of the Python API or an option names.

    Raises:
        UsageError: it is none.
    """
    text = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(text, str):
        raise UsageError(f"{where}: {shown} must be a path, not {in_words(value)}.", "Name a file or directory.")
    try:
        check_path(text)
    except Unusable as error:
        raise UsageError(f"{where}: {shown} = {shortened(text)!r} is {error}.", "Name a file or directory.") from error
    return Path(text)


def _model(value: Any) -> Any:
    return from_table(value) if isinstance(value, Mapping) else value


def _checked(name: str, value: Any, where: str, meta: Mapping[str, Any]) -> Any:
    kind = meta["kind"]
    shown = name.replace("_", "-")
    written = in_words(value) if _is_long(value) else repr(value)
    if not _is_of(kind, value):
        wanted = {"text": "text", "flag": "true or false", "counts": "a whole number"}.get(kind, "a number")
        raise UsageError(f"{where}: {shown} = {written} is not {wanted}.", f"{meta['help']}.")
    if kind not in ("text", "flag") and abs(value) > meta["maximum"]:
        raise UsageError(f"{where}: {shown} = {written} is out of range.", f"It must be at most {meta['maximum']:,}.")
    if meta["minimum"] is not None and value < meta["minimum"]:
        raise UsageError(f"{where}: {shown} = {written} is too small.", f"It must be at least {meta['minimum']}.")
    if meta["choices"] and value not in meta["choices"]:
        raise UnknownNameError(f"value of {shown}", value, meta["choices"])
    return float(value) if kind in ("float", "numbers") else value


def _is_long(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() > 120
    return len(repr(value)) > 40


def _is_of(kind: Kind, value: Any) -> bool:
    if kind in ("text", "flag"):
        return isinstance(value, {"text": str, "flag": bool}[kind])
    if isinstance(value, bool) or not isinstance(value, int if kind in ("int", "counts") else int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def make_config(*sources: Mapping[str, Any], published: Mapping[str, Published] | None = None) -> ExperimentConfig:
    """A configuration from mappings of option names to values; later ones win.

    Args:
        sources: the mappings.
        published: what protocols say about the environment, by protocol name.

    Raises:
        UsageError: no environment is named.
    """
    values: dict[str, Any] = {}
    for source in sources:
        values.update(source)
    if not values.get("env"):
        raise UsageError("no environment was named.", "Add --env NAME; `rbsuite list environments` shows the names.")
    if values.get("looks"):
        values.setdefault("orders", values["looks"][-1])
    if values.get("protocol"):
        here = (published or {}).get(values["protocol"], NOTHING)
        settings = protocol_settings(values["protocol"], values, simulated=names_simulation(values), here=here)
        values.update((setting.option, setting.value) for setting in settings)
    return ExperimentConfig(**values)


def names_simulation(values: Mapping[str, Any]) -> bool:
    """Whether every model of the agent in these options is a simulation."""
    models = values.get("model", (DEFAULT_MODEL,))
    return all(model.startswith("sim/") for model in ((models,) if isinstance(models, str) else models))


def from_plain(values: Mapping[str, Any]) -> ExperimentConfig:
    """The configuration in a manifest."""
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in FIELDS
    }
    return ExperimentConfig(**known)


def unmasked(condition: Condition, config: ExperimentConfig) -> Condition:
    """A stored condition, with addresses as the user gave them: a store keeps them without their passwords."""
    given = {
        name: next((one for one in getattr(config, name) if isinstance(one, str) and scrub_text(one) == stored), stored)
        for name in FACTORS
        if MASK in (stored := getattr(condition, name))
    }
    return replace(condition, **given)


def refuse_masked(config: ExperimentConfig) -> None:
    """Refuse options that come from a store without the password that they had.

    Raises:
        UsageError: there is such an option.
    """
    for name in FIELDS:
        value = getattr(config, name)
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and f"//{MASK}@" in text:
                raise UsageError(
                    f"--{name.replace('_', '-')} {text}: its password is not stored.",
                    "Run the command that began the experiment, or give this option again.",
                )


def differences(stored: ExperimentConfig, wanted: ExperimentConfig) -> list[str]:
    """One line for each option that differs, e.g. ``"seed: 0 there, 1 here"``."""
    return [
        f"{name.replace('_', '-')}: {getattr(stored, name)!r} there, {getattr(wanted, name)!r} here"
        for name in FIELDS
        if getattr(stored, name) != getattr(wanted, name)
    ]


def model_references(config: ExperimentConfig, agent: str) -> Mapping[Purpose, str]:
    """The model for each purpose, given the agent's."""
    judge = config.judge_model or agent
    return {
        "agent": agent,
        "user": config.user_model or agent,
        "judge": judge,
        "memory": config.memory_model or agent,
        "select": judge,
        "grade": config.grade_model or judge,
    }
