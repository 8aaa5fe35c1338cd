"""From a configuration to a plan: names are looked up, defaults filled in, conditions crossed with orders.

Nothing is run and nothing written here; the result is plain data, except for the environment that the tasks were read from.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from rbsuite import __version__
from rbsuite.environments.base import Environment
from rbsuite.environments.hosting import Recipe
from rbsuite.errors import DataError, UnknownNameError, UsageError, blamed_on, shortened
from rbsuite.jsonable import plain
from rbsuite.models.cache import ReplyCache
from rbsuite.models.factory import Transport, find_spec, is_simulated, make_model, way_to
from rbsuite.models.per_purpose import REPLY_TOKENS, call_seconds, reply_tokens, written
from rbsuite.models.settings import ModelSettings
from rbsuite.options import whole_number
from rbsuite.plugins import BUILT_IN, Plugins
from rbsuite.prompts import check_own
from rbsuite.record import ABOUT, FACTORS, Condition, Manifest, RunInfo
from rbsuite.retrieval.select import make_index
from rbsuite.run.checks import check_embedder_id, check_tasks
from rbsuite.run.config import (
    Execution,
    ExperimentConfig,
    executor_kind,
    model_references,
    one_at_a_time,
    refuse_masked,
)
from rbsuite.run.names import Part, look_up
from rbsuite.run.orders import make_order
from rbsuite.run.presets import protocol_agent
from rbsuite.run.private import check_confined, starts_confined
from rbsuite.run.window import make_window
from rbsuite.scrub import scrub, scrub_text
from rbsuite.seeds import derive_seed
from rbsuite.specs import AgentSpec, EnvironmentSpec, JudgeSpec, MemorySpec, ScalingSpec, Spec, plain_name
from rbsuite.task import TaskSet

_log = logging.getLogger(__name__)

LEAST_TEMPERATURE = 0.3
"""The temperature of the agent's model below which parallel rollouts of a task are too much alike."""


@dataclass(frozen=True)
class Plan:
    """An experiment that can be run.

    Attributes:
        config: the configuration with every default filled in and every reference in its canonical form.
        spec: the environment's spec.
        recipe: how to make the environment, also in another process.
        environment: the environment that the tasks come from.
        tasks: the tasks of the experiment, in native order.
        plugins: where names are looked up.
        transports: how each provider's model is called.
    """

    config: ExperimentConfig
    spec: EnvironmentSpec
    recipe: Recipe
    environment: Environment
    tasks: TaskSet
    plugins: Plugins
    transports: Mapping[str, str] = field(default_factory=dict)

    async def aclose(self) -> None:
        """Close the environment. :func:`rbsuite.run.executors.run_experiment` does this; may be called again."""
        if "closed" not in self.__dict__:
            self.__dict__["closed"] = True
            with blamed_on(f"environment {self.spec.name!r}, which was to close,"):
                await self.environment.aclose()

    @cached_property
    def confined(self) -> bool:
        """Whether the tasks, or the banks that the runs start with, may not leave this machine; see :mod:`rbsuite.run.private`."""
        return self.tasks.private or starts_confined(self.config.warm_start)

    @property
    def name(self) -> str:
        """Environment and split, as they appear in the name of a directory."""
        return f"{plain_name(self.spec.name)}-{self.config.split}"

    @cached_property
    def manifest(self) -> Manifest:
        """What makes the experiment re-runnable, and under :data:`rbsuite.record.ABOUT` what makes its results readable."""
        facts = plain({**self._identity(), ABOUT: self._about()})
        return Manifest(scrub(plain(self.config)), scrub(facts), self.runs())

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """What is compared: every combination of the levels of the factors, the baseline first. Secrets are masked."""
        levels = {
            name: [
                value if isinstance(value, str) else repr(value).removesuffix(".0")
                for value in getattr(self.config, name)
            ]
            for name in FACTORS
        }
        varied = [name for name in FACTORS if name in ("memory", "scaling") or len(levels[name]) > 1]
        made = []
        for values in product(*levels.values()):
            chosen = {name: scrub_text(value) for name, value in zip(levels, values, strict=True)}
            chosen["temperature"] = _temperature(dict(zip(levels, values, strict=True)), self.plugins)
            label = " x ".join(_shown(name, chosen[name]) for name in varied)
            made.append(Condition(**chosen, label=label))
        return tuple(made)

    def runs(self) -> tuple[RunInfo, ...]:
        """The runs of the experiment: conditions x orders, order by order; the baseline memory may have fewer or more."""
        config = self.config
        memories = [scrub_text(memory) for memory in config.memory]  # as conditions name them
        orders = dict.fromkeys(memories, config.orders)
        orders[memories[0]] = config.baseline_orders or config.orders
        made = []
        for order in range(max(orders.values())):
            seed = derive_seed(config.seed, self.spec.name, config.split, order)
            stream = make_order(config.order, self.tasks.tasks, seed)
            for condition in self.conditions:
                if order >= orders[condition.memory]:
                    continue
                name = "/".join([*condition.label.split(" x "), f"order-{order}"])
                tasks = stream + stream[: config.probe]
                made.append(RunInfo(name, condition, order, config.order, seed, tasks, config.probe))
        return tuple(made)

    def _identity(self) -> Mapping[str, Any]:
        """The facts that must agree for two experiments to be the same: what takes part, and in which version."""
        spec, config = self.spec, self.config
        owners = {
            f"{part.kind} {part.spec.name}": owner
            for part in self.parts
            if (owner := self.plugins.owner(part.spec)) != BUILT_IN
        }
        with blamed_on(f"environment {spec.name!r}"):
            facts = dict(self.environment.facts())
        embedders = []
        for part in (part for part in self.parts if part.kind == "embedder"):
            owner = f"embedder {part.spec.name!r}"
            with blamed_on(owner):
                embedders.append(check_embedder_id(part.make().id, owner))
        domains = {task.domain for task in self.tasks}
        apart = [part.domain for part in spec.apart if part.domain in domains]
        measures = [measure.name for measure in spec.measures]
        judges = [part.spec for part in self.parts if part.kind == "judge"]
        models = [model_references(config, model) for model in config.model]
        simulated = [is_simulated(name, self.plugins) for used in models for name in used.values()]
        return {
            "rbsuite": __version__,
            "environment": {
                "name": spec.name,
                "version": spec.version,
                **facts,
                **({"private": True} if spec.private or self.confined else {}),
                **({"confined": True} if self.confined else {}),
            },
            "plugins": dict(sorted(owners.items())),
            "task_set": {**self.tasks.source, "hash": self.tasks.content_hash, "count": len(self.tasks)},
            "models": models[0] if len(models) == 1 else models,
            "simulated": any(simulated),
            # Simulated models ignore these limits.
            **({} if all(simulated) else {"reply_tokens": reply_tokens(config.reply_tokens)}),
            "judge_sees_ground_truth": any(isinstance(judge, JudgeSpec) and judge.ground_truth for judge in judges),
            "embedder": embedders,
            "max_steps": config.max_steps or spec.max_steps,
            **({} if spec.rollout_max_cost is None else {"default_rollout_max_cost": spec.rollout_max_cost}),
            **({"measures": measures, "apart": apart} if measures or apart else {}),
        }

    def _about(self) -> Mapping[str, Any]:
        """What else reports say about tasks and plugins, so that they can be read where these are not installed.

        This is not part of the experiment's identity: texts may be reworded, and tasks are identified by the hash of the task set.
        """
        spec, domains = self.spec, {task.domain for task in self.tasks}
        options: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            options.setdefault(part.kind, {})[part.reference] = part.values
        memories = [part for part in self.parts if part.kind == "memory"]
        return {
            "tasks": [[task.id, task.domain, task.group] for task in self.tasks],
            "measures": {measure.name: measure.summary for measure in spec.measures},
            "apart": {part.domain: part.warning for part in spec.apart if part.domain in domains},
            "private": spec.private or self.confined,
            "controls": [
                part.reference for part in memories if isinstance(part.spec, MemorySpec) and part.spec.control
            ],
            "external": [
                part.reference for part in memories if isinstance(part.spec, MemorySpec) and part.spec.external
            ],
            "options": options,
            **({"transports": self.transports} if self.transports else {}),
            "at_once": [
                part.reference
                for part in self.parts
                if isinstance(part.spec, ScalingSpec) and part.spec.at_once and part.values[part.spec.at_once] > 1
            ],
        }

    @cached_property
    def parts(self) -> Sequence[Part]:
        """Everything that takes part under a name that a plugin declares, the environment first."""
        config = self.config
        named = [("environment", config.env), ("selector", config.selector)]
        named += [
            (kind, name)
            for kind in ("memory", "scaling", "agent", "judge", "embedder")
            for name in getattr(config, kind)
        ]
        named += [("user", config.user)] if config.user else []
        used = {name for model in config.model for name in model_references(config, model).values()}
        named += [("model", name) for name in sorted(used) if find_spec(name, self.plugins) is not None]
        return [look_up(self.plugins, kind, name) for kind, name in named]


def _temperature(levels: Mapping[str, str], plugins: Plugins) -> str:
    """The agent's temperature in a condition: the one that its model's options set instead, if any; empty if none is sent."""
    if levels["model"].partition(":")[0] in plugins.models:
        return levels["temperature"]
    settings = ModelSettings.parse(levels["model"])
    if "temperature" in settings.omitted:
        return ""
    return levels["temperature"] if settings.temperature is None else repr(settings.temperature).removesuffix(".0")


def _shown(factor: str, value: str) -> str:
    """A level in a condition's label: names stand for themselves, other values say what they are."""
    if factor == "temperature":
        return f"temperature {value}"
    if factor == "prompts":
        return f"prompts {Path(value).name}" if value else "built-in prompts"
    return value


@dataclass(frozen=True, slots=True)
class Chosen:
    """An environment that a reference names.

    Attributes:
        part: its spec and the values of its options.
        environment: the environment.
    """

    part: Part
    environment: Environment

    @property
    def spec(self) -> EnvironmentSpec:
        """Its spec."""
        assert isinstance(self.part.spec, EnvironmentSpec)
        return self.part.spec

    @property
    def reference(self) -> str:
        """Its canonical form."""
        return self.part.reference

    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        """Its tasks. See :meth:`rbsuite.Environment.tasks`.

        Raises:
            UsageError: the split does not read the data.
            PluginError: it failed to read them.
            DataError: there are none.
        """
        if data and not self.spec.pack and any(one.name == split and one.bundled for one in self.spec.splits):
            others = ", ".join(one.name for one in self.spec.splits if not one.bundled)
            remedy = f"Name a split that does: {others}." if others else "Leave it out."
            raise UsageError(f"{self.spec.name}: the split {split!r} takes no --data.", remedy)
        owner = f"environment {self.spec.name!r}"
        with blamed_on(owner, "Fix or reinstall the plugin."):
            found = check_tasks(self.environment.tasks(split, domain=domain, data=data), owner)
        if not found.tasks:
            what = f"{self.spec.name} {split}{f' {domain}' if domain else ''}{f' of {data}' if data else ''}"
            raise DataError(f"{what}: there are no tasks.", "Name another split, another domain or other data.")
        return found


def choose_environment(plugins: Plugins, reference: str) -> Chosen:
    """The environment that a reference such as ``aime`` or ``aime:reader=lm-eval`` names.

    Raises:
        UnknownNameError: no such environment or option; the nearest is suggested.
        UsageError: a bad value.
        PluginError: it cannot be imported or made.
    """
    part = look_up(plugins, "environment", reference)
    environment = part.make()
    if not isinstance(environment, Environment):
        raise UsageError(
            f"the environment {part.spec.name!r} gives a {type(environment).__name__}, not an Environment.",
            "Subclass rbsuite.Environment or rbsuite.SyncEnvironment.",
        )
    return Chosen(part, environment)


def make_plan(config: ExperimentConfig, plugins: Plugins, execution: Execution | None = None) -> Plan:
    """The plan of an experiment.

    Args:
        config: what the user asked for.
        plugins: where names are looked up.
        execution: how it will be carried out, if that is known; options that do not go together are refused.

    Raises:
        RbsuiteError: a name, option, template or data set is not available; nothing has been written by then.
    """
    refuse_masked(config)
    chosen = choose_environment(plugins, config.env)
    config = _fill_in(replace(config, env=chosen.reference), chosen.spec, plugins)
    tasks = choose_tasks(chosen.tasks(config.split, domain=config.domain, data=config.data), config)
    if config.probe > len(tasks):
        raise UsageError(
            f"--probe {config.probe} is more than the number of tasks, {len(tasks)}.", f"Use at most {len(tasks)}."
        )
    if config.baseline_orders and len(config.memory) == 1:
        raise UsageError("--baseline-orders needs a memory that is compared with a baseline.", "Use --orders.")
    _check_looks(config)
    if config.temperature != tuple(dict.fromkeys(config.temperature)):
        raise UsageError("a temperature is named twice.", "Name each condition only once.")
    for name in config.model:
        settings = None if name.partition(":")[0] in plugins.models else ModelSettings.parse(name)
        if settings is None or len(config.temperature) == 1:
            continue
        if settings.temperature is not None or "temperature" in settings.omitted:
            raise UsageError(f"{name} sets the temperature, and --temperature names several.", "Leave out one of them.")
    used = {name for model in config.model for name in model_references(config, model).values()}
    ways: dict[str, str] = {}
    for reference in sorted(used):
        transport: Transport = "auto" if execution is None else execution.transport
        _, spec = make_model(reference, plugins, transport=transport)  # raises if it cannot be made
        if spec is None:
            ways[reference] = way_to(reference, transport)
    _warn_of_like_rollouts(config, plugins)
    for directory in filter(None, config.prompts):
        for line in check_own(Path(directory), plugins.prompt_dirs):
            _log.warning("%s", line)
    if execution is not None:
        make_window(execution.speculate)  # raises if there is no such window
        call_seconds(execution.call_time)
    if execution is not None and executor_kind(execution.executor)[0] != "local" and one_at_a_time(chosen.spec, config):
        raise UsageError(
            f"--executor {execution.executor} runs several processes, and {chosen.spec.name} takes one task at a time.",
            "Use --executor local.",
        )
    recipe = Recipe(
        chosen.spec.factory,
        f"environment {chosen.spec.name!r}",
        chosen.part.values,
        config.split,
        config.domain,
        config.data,
        tuple(plugins.prompt_dirs),
    )
    plan = Plan(config, chosen.spec, recipe, chosen.environment, tasks, plugins, ways)
    if execution is not None and plan.confined:
        check_confined(config, plugins, execution)
    if execution is not None and execution.cache:
        ReplyCache(Path(execution.cache)).close()  # raises if it cannot be opened
    return plan


def _fill_in(config: ExperimentConfig, spec: EnvironmentSpec, plugins: Plugins) -> ExperimentConfig:
    def canonical(kind: str, references: Sequence[str]) -> tuple[str, ...]:
        made = tuple(look_up(plugins, kind, reference).reference for reference in references)
        for reference in made:
            if made.count(reference) > 1:
                raise UsageError(f"{kind} {reference!r} is named twice.", "Name each condition only once.")
        return made

    def model(reference: str) -> str:
        """A model's reference in its canonical form; an empty one stays as it is."""
        if reference.partition(":")[0] in plugins.models:
            return canonical("model", [reference])[0]
        return ModelSettings.parse(reference).reference

    splits = [split.name for split in spec.splits]
    if config.split and config.split not in splits:
        raise UnknownNameError(f"split of {spec.name}", config.split, splits)
    if config.domain and config.domain not in spec.domains:
        raise UnknownNameError(f"domain of {spec.name}", config.domain, spec.domains)
    kind, _, size = config.stream.partition(":")
    if config.stream != "exact" and not (kind == "batch" and whole_number(size, 999_999)):
        raise UsageError(
            f"--stream {shortened(config.stream)!r} is not a stream.", "Use exact, or batch:N with N tasks to a batch."
        )
    filled = replace(
        config,
        split=config.split or splits[0],
        memory=canonical("memory", config.memory),
        scaling=canonical("scaling", config.scaling),
        selector=canonical("selector", [config.selector])[0],
        judge=canonical("judge", config.judge),
        agent=canonical("agent", config.agent or [protocol_agent(config.protocol, spec.action_mode) or spec.agent]),
        user=_user(config.user, spec, plugins),
        baseline_orders=None if config.baseline_orders == config.orders else config.baseline_orders,
        embedder=canonical("embedder", config.embedder),
        reply_tokens=written(reply_tokens(config.reply_tokens), REPLY_TOKENS),
        model=_distinct(model(name) for name in config.model),
        user_model=model(config.user_model),
        judge_model=model(config.judge_model),
        memory_model=model(config.memory_model),
        grade_model=model(config.grade_model),
    )
    for agent in filled.agent:
        _check_agent(look_up(plugins, "agent", agent).spec, spec)
    _check_server(filled, spec, plugins)
    _check_external(filled, plugins)
    make_index(filled.index, 1)  # raises if there is no such index
    return filled


def _distinct(models: Iterable[str]) -> tuple[str, ...]:
    made = tuple(models)
    for reference in made:
        if made.count(reference) > 1:
            raise UsageError(f"model {reference!r} is named twice.", "Name each condition only once.")
    return made


def _check_looks(config: ExperimentConfig) -> None:
    looks = config.looks
    if any(later <= earlier for earlier, later in pairwise(looks)):
        raise UsageError(
            f"--looks {','.join(map(str, looks))} does not increase.", "Name numbers of orders, e.g. --looks 3,5,10."
        )
    if looks and looks[-1] != config.orders:
        raise UsageError(
            f"the last of --looks is {looks[-1]} and --orders is {config.orders}.",
            "End the looks with the number of orders, or leave --orders out.",
        )


def _user(user: str, spec: EnvironmentSpec, plugins: Plugins) -> str:
    if user and not spec.users:
        raise UsageError(f"{spec.name} has no simulated user.", "Leave out --user.")
    wanted = user or next(iter(spec.users), "")
    return look_up(plugins, "user", wanted).reference if wanted else ""


def _check_agent(agent: Spec, spec: EnvironmentSpec) -> None:
    assert isinstance(agent, AgentSpec)
    if spec.action_mode not in agent.action_modes:
        fitting = ", ".join(agent.action_modes)
        raise UsageError(
            f"agent {agent.name!r} does not fit {spec.name}: it acts by {fitting}, the environment takes {spec.action_mode}.",
            "`rbsuite list agents -v` shows what fits.",
        )


def _check_server(config: ExperimentConfig, environment: EnvironmentSpec, plugins: Plugins) -> None:
    """Refuse concurrent rollouts of a task if they share a server: they would change each other's world."""
    if not environment.stateful_server or config.allow_shared_state:
        return
    for reference in config.scaling:
        part = look_up(plugins, "scaling", reference)
        assert isinstance(part.spec, ScalingSpec)
        if part.spec.at_once and part.values[part.spec.at_once] > 1:
            raise UsageError(
                f"--scaling {reference} runs several rollouts of a task at the same time, but {environment.name} has one server for all.",
                "Use single or sequential:K; or give --allow-shared-state if the server keeps rollouts separate.",
            )


def _check_external(config: ExperimentConfig, plugins: Plugins) -> None:
    """Refuse options that cannot work if a memory's state is outside the bank."""
    for reference in config.memory:
        part = look_up(plugins, "memory", reference)
        if not isinstance(part.spec, MemorySpec) or not part.spec.external:
            continue
        what = f"memory {scrub_text(reference)!r} keeps its state outside the bank"
        if config.stream != "exact":
            raise UsageError(
                f"--stream {config.stream}: {what}, so the tasks of a batch would not all read the same.", "Use exact."
            )
        if config.scope != "shared":
            raise UsageError(
                f"--scope {config.scope}: {what}, and what it recalls cannot be restricted to a domain.",
                "Use shared, or an experiment for each --domain.",
            )


def _warn_of_like_rollouts(config: ExperimentConfig, plugins: Plugins) -> None:
    """Warn if parallel rollouts will hardly differ. A simulated model draws from its seed alone, so temperature has no effect on it."""
    if all(is_simulated(name, plugins) for name in config.model):
        return
    parts = [look_up(plugins, "scaling", reference) for reference in config.scaling]
    several = [
        part.reference
        for part in parts
        if isinstance(part.spec, ScalingSpec) and part.spec.at_once and part.values[part.spec.at_once] > 1
    ]
    coldest = min(config.temperature)
    if several and coldest < LEAST_TEMPERATURE:
        _log.warning(
            "--scaling %s at temperature %g: the rollouts of a task will hardly differ, so there is little to choose from or to learn from "
            "their contrast. Use --temperature 0.7, as the paper does.",
            ",".join(several),
            coldest,
        )


def choose_tasks(tasks: TaskSet, config: ExperimentConfig) -> TaskSet:
    """The tasks of an environment that an experiment runs.

    Raises:
        UnknownNameError: a task that it names does not exist.
    """
    chosen = tasks.tasks
    if config.tasks:
        for wanted in config.tasks:
            if wanted not in tasks.by_id:
                raise UnknownNameError(f"task of {tasks.environment} {config.split}", wanted, tasks.by_id)
        chosen = tuple(task for task in chosen if task.id in config.tasks)
    return replace(tasks, tasks=chosen[: config.limit])
