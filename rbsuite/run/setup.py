"""Turns a configuration into the parts of an experiment: names are looked up, defaults filled in, plugins loaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rbsuite import __version__
from rbsuite.errors import PluginError, RbsuiteError, UnknownNameError, UsageError
from rbsuite.jsonable import plain
from rbsuite.models.base import PURPOSES, ChatModel, Purpose
from rbsuite.models.factory import is_simulated, make_model
from rbsuite.options import Reference, canonical_reference
from rbsuite.plugins import Plugins
from rbsuite.prompts import Prompts, check_own
from rbsuite.record import Condition, Manifest, RunInfo
from rbsuite.retrieval.select import make_index
from rbsuite.run.config import ExperimentConfig
from rbsuite.run.orders import make_order
from rbsuite.seeds import derive_seed
from rbsuite.specs import (
    AgentSpec,
    EnvironmentSpec,
    JudgeSpec,
    MemorySpec,
    ScalingSpec,
    SelectorSpec,
    Spec,
    load_object,
)
from rbsuite.task import TaskSet

if TYPE_CHECKING:
    from rbsuite.agents.base import Agent
    from rbsuite.environments.base import Environment
    from rbsuite.judges.base import Judge
    from rbsuite.memories.base import Memory
    from rbsuite.retrieval.base import Embedder
    from rbsuite.scaling.base import Scaling, Selector

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A name that was looked up: its spec and the values of its options."""

    spec: Spec
    values: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """The one way to write it."""
        return canonical_reference(self.spec.name, self.values, self.spec.options)

    def make(self) -> Any:
        """What its factory gives.

        Raises:
            PluginError: it cannot be imported, or raises something.
        """
        owner = f"{type(self.spec).__name__.removesuffix('Spec').lower()} {self.spec.name!r}"
        return _made(owner, load_object(self.spec.factory, owner), **self.values)


@dataclass(frozen=True, slots=True)
class Setup:
    """The parts of an experiment, shared by its runs.

    Attributes:
        config: the configuration with every default filled in and every reference in its canonical form.
        environment: the environment's spec.
        environment_class: its class.
        environment_options: the values of its options.
        tasks: the tasks of the experiment, in native order.
        models: the model of each purpose, not yet bound to a task.
        prompts: the templates.
        simulated: whether any model is a simulation.
        plugins: where names are looked up.
    """

    config: ExperimentConfig
    environment: EnvironmentSpec
    environment_class: type[Environment]
    environment_options: Mapping[str, Any]
    tasks: TaskSet
    models: Mapping[Purpose, ChatModel]
    prompts: Prompts
    simulated: bool
    plugins: Plugins

    @property
    def batch(self) -> int:
        """Tasks that read the same version of the bank; 1 in an exact stream."""
        return int(self.config.stream.partition(":")[2] or 1)

    @property
    def max_steps(self) -> int:
        """Agent turns a rollout may take."""
        return self.config.max_steps or self.environment.max_steps

    @property
    def one_at_a_time(self) -> bool:
        """Whether the rollouts of a run share the state of one server, so that only one may be under way."""
        return self.environment.stateful_server and not self.config.allow_shared_state

    def make_environment(self) -> Environment:
        """A fresh environment over the tasks."""
        environment = self.environment_class(self.tasks, **self.environment_options)
        environment.use_prompts(self.prompts.render)
        return environment

    def make_agent(self) -> Agent:
        """A fresh agent."""
        agent: Agent = look_up(self.plugins, "agent", self.config.agent).make()
        return agent

    def make_memory(self, reference: str) -> tuple[Memory, MemorySpec]:
        """A memory and its spec."""
        part = look_up(self.plugins, "memory", reference)
        assert isinstance(part.spec, MemorySpec)
        return part.make(), part.spec

    def make_scaling(self, reference: str) -> Scaling:
        """A scaling."""
        scaling: Scaling = look_up(self.plugins, "scaling", reference).make()
        return scaling

    def make_selector(self) -> tuple[Selector, SelectorSpec]:
        """The selector and its spec."""
        part = look_up(self.plugins, "selector", self.config.selector)
        assert isinstance(part.spec, SelectorSpec)
        return part.make(), part.spec

    def make_judge(self) -> tuple[Judge, JudgeSpec]:
        """The judge and its spec."""
        part = look_up(self.plugins, "judge", self.config.judge)
        assert isinstance(part.spec, JudgeSpec)
        return part.make(), part.spec

    def make_embedder(self) -> Embedder:
        """A fresh embedder."""
        embedder: Embedder = look_up(self.plugins, "embedder", self.config.embedder).make()
        return embedder

    def check_parts(self) -> None:
        """Make every part once, so that one that cannot be made is known before anything is written.

        Raises:
            PluginError: a factory that cannot be imported, or fails.
        """
        for memory in self.config.memory:
            self.make_memory(memory)
        for scaling in self.config.scaling:
            self.make_scaling(scaling)
        self.make_agent()
        self.make_judge()
        self.make_selector()
        self.make_embedder()

    def runs(self) -> tuple[RunInfo, ...]:
        """The runs of the experiment: conditions x orders."""
        config = self.config
        runs = []
        for order in range(config.orders):
            seed = derive_seed(config.seed, self.environment.name, config.split, order)
            stream = make_order(config.order, self.tasks.tasks, seed)
            probes = stream[: config.probe]
            for memory in config.memory:
                for scaling in config.scaling:
                    condition = Condition(memory, scaling, config.agent, config.model, config.judge)
                    name = f"{memory}/{scaling}/order-{order}"
                    runs.append(RunInfo(name, condition, order, config.order, seed, stream + probes, len(probes)))
        return tuple(runs)

    def _environment_facts(self) -> Mapping[str, Any]:
        environment = self.make_environment()
        facts = environment.facts()
        environment.close()
        return {**facts, **({"private": True} if self.environment.private else {})}

    def _figures(self) -> Mapping[str, Any]:
        """What is shown by domain, where the environment has such figures: their names, which domains stand apart, whose the tasks are."""
        measures = [measure.name for measure in self.environment.measures]
        if not measures and not self.environment.apart:
            return {}
        domains: dict[str, list[str]] = {}
        for task in self.tasks:
            domains.setdefault(task.domain, []).append(task.id)
        apart = [part.domain for part in self.environment.apart if part.domain in domains]
        return {"measures": measures, "apart": apart, "domains": domains}

    def manifest(self) -> Manifest:
        """What makes the experiment re-runnable."""
        facts = {
            "rbsuite": __version__,
            "environment": {
                "name": self.environment.name,
                "version": self.environment.version,
                "plugin": self.plugins.owner(self.environment),
                **self._environment_facts(),
            },
            "task_set": {**self.tasks.source, "hash": self.tasks.content_hash, "count": len(self.tasks)},
            "models": {purpose: self.models[purpose].name for purpose in PURPOSES},
            "simulated": self.simulated,
            "judge_sees_ground_truth": self.make_judge()[1].ground_truth,
            "embedder": self.make_embedder().id,
            "max_steps": self.max_steps,
            "prompts": self.prompts.hashes(),
            **self._figures(),
        }
        return Manifest(plain(self.config), plain(facts), self.runs())


@dataclass(frozen=True, slots=True)
class Chosen:
    """An environment that a reference names.

    Attributes:
        spec: its spec.
        factory: its class.
        values: the values of its options.
    """

    spec: EnvironmentSpec
    factory: type[Environment]
    values: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """The one way to write it."""
        return canonical_reference(self.spec.name, self.values, self.spec.options)

    def load(self, split: str, domain: str = "", data: str = "") -> TaskSet:
        """The tasks of a split; see :meth:`rbsuite.Environment.load`."""
        options = {name: self.values[name] for name in self.factory.load_options}
        tasks: TaskSet = _made(self._owner, self.factory.load, split, domain=domain, data=data, **options)
        return tasks

    def make(self, tasks: TaskSet) -> Environment:
        """An environment over tasks."""
        environment: Environment = _made(self._owner, self.factory, tasks, **self.values)
        return environment

    @property
    def _owner(self) -> str:
        return f"environment {self.spec.name!r}"


def _made(owner: str, factory: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """What a plugin's factory gives; it is blamed for what it raises."""
    try:
        return factory(*arguments, **options)
    except RbsuiteError:
        raise
    except Exception as error:
        raise PluginError.of(owner, error, "Mend or reinstall the plugin.") from error


def choose_environment(plugins: Plugins, reference: str, **given: str) -> Chosen:
    """The environment that a reference such as ``aime`` or ``aime:reader=lm-eval`` names.

    Args:
        plugins: where names are looked up.
        reference: name and options.
        given: further options, which win; empty ones do not count.

    Raises:
        UnknownNameError: no such environment or option; the nearest is suggested.
        UsageError: a bad value, or an option that the environment does not have.
        PluginError: it cannot be imported.
    """
    part = look_up(plugins, "environment", reference)
    spec = part.spec
    assert isinstance(spec, EnvironmentSpec)
    values = dict(part.values)
    declared = {option.name: option for option in spec.options}
    for name, text in given.items():
        if text and name not in declared:
            raise UsageError(f"the environment {spec.name} takes no {name}.", f"Leave --{name} out.")
        if text:
            values[name] = declared[name].read(text, f"environment {spec.name!r}")
    return Chosen(spec, load_object(spec.factory, f"environment {spec.name!r}"), values)


def look_up(plugins: Plugins, kind: str, reference: str) -> Part:
    """The spec and option values that a reference names.

    Raises:
        UnknownNameError: no such name or option; the nearest is suggested.
        UsageError: a bad value.
    """
    parsed = Reference.parse(reference)
    spec = plugins.find(kind, parsed.name)
    return Part(spec, parsed.values(kind, spec.options))


def set_up(config: ExperimentConfig, plugins: Plugins) -> Setup:
    """The parts of an experiment.

    Raises:
        RbsuiteError: a name, option, template or data set that cannot be had; nothing has been written by then.
    """
    chosen = choose_environment(plugins, config.env, reader=config.reader)
    spec = chosen.spec
    config = _fill_in(replace(config, env=chosen.reference, reader=""), spec, plugins)
    tasks = _choose(chosen.load(config.split, config.domain, config.data), config)
    if config.probe > len(tasks):
        raise UsageError(
            f"--probe {config.probe} asks for more tasks than there are: {len(tasks)}.", "Probe so many, or fewer."
        )
    references: dict[Purpose, str] = {
        "agent": config.model,
        "user": config.user_model,
        "judge": config.judge_model,
        "memory": config.memory_model,
        "select": config.judge_model,
    }
    made = {reference: make_model(reference, plugins)[0] for reference in dict.fromkeys(references.values())}
    directories = [Path(config.prompts)] if config.prompts else []
    for line in check_own(directories[0], plugins.prompt_dirs) if directories else ():
        _log.warning("%s", line)
    return Setup(
        config=config,
        environment=spec,
        environment_class=chosen.factory,
        environment_options=chosen.values,
        tasks=tasks,
        models={purpose: made[reference] for purpose, reference in references.items()},
        prompts=Prompts([*directories, *plugins.prompt_dirs]),
        simulated=any(is_simulated(reference, plugins) for reference in references.values()),
        plugins=plugins,
    )


def _fill_in(config: ExperimentConfig, spec: EnvironmentSpec, plugins: Plugins) -> ExperimentConfig:
    def canonical(kind: str, reference: str) -> str:
        return look_up(plugins, kind, reference).reference

    def model(reference: str) -> str:
        return canonical("model", reference) if reference.partition(":")[0] in plugins.models else reference

    splits = [split.name for split in spec.splits]
    if config.split and config.split not in splits:
        raise UnknownNameError(f"split of {spec.name}", config.split, splits)
    if config.domain and config.domain not in spec.domains:
        raise UnknownNameError(f"domain of {spec.name}", config.domain, spec.domains)
    filled = replace(
        config,
        split=config.split or splits[0],
        memory=_distinct("memory", [canonical("memory", name) for name in config.memory]),
        scaling=_distinct("scaling", [canonical("scaling", name) for name in config.scaling]),
        selector=canonical("selector", config.selector),
        judge=canonical("judge", config.judge),
        stream=_stream(config.stream),
        agent=canonical("agent", config.agent or spec.agent),
        user=_user(config.user, spec),
        embedder=canonical("embedder", config.embedder),
        model=model(config.model),
        user_model=model(config.user_model or config.model),
        judge_model=model(config.judge_model or config.model),
        memory_model=model(config.memory_model or config.model),
    )
    _check_agent(look_up(plugins, "agent", filled.agent).spec, spec)
    _check_server(filled, spec, plugins)
    make_index(filled.index, 1)  # raises where there is no such index
    return filled


def _stream(text: str) -> str:
    kind, _, size = text.partition(":")
    if text == "exact" or (kind == "batch" and size.isdecimal() and 0 < int(size) < 1_000_000):
        return text
    raise UsageError(f"--stream {text!r} is not a stream.", "Use exact, or batch:N with N tasks to a batch.")


def _user(strategy: str, spec: EnvironmentSpec) -> str:
    if strategy and strategy not in spec.users:
        raise UnknownNameError(f"user strategy of {spec.name}", strategy, spec.users)
    return strategy or next(iter(spec.users), "")


def _check_agent(agent: Spec, spec: EnvironmentSpec) -> None:
    assert isinstance(agent, AgentSpec)
    if spec.action_mode not in agent.action_modes:
        fitting = ", ".join(agent.action_modes)
        raise UsageError(
            f"agent {agent.name!r} does not fit {spec.name}: it acts by {fitting}, the environment takes {spec.action_mode}.",
            "`rbsuite list agents -v` shows what fits.",
        )


def _check_server(config: ExperimentConfig, environment: EnvironmentSpec, plugins: Plugins) -> None:
    """Rollouts of one task at once would change each other's world where they share a server."""
    if not environment.stateful_server or config.allow_shared_state:
        return
    for reference in config.scaling:
        part = look_up(plugins, "scaling", reference)
        assert isinstance(part.spec, ScalingSpec)
        if part.spec.at_once and part.values[part.spec.at_once] > 1:
            raise UsageError(
                f"--scaling {reference} runs rollouts of a task at once, and those of {environment.name} share the state of one server.",
                "Use single or sequential:K; or give --allow-shared-state if the server keeps rollouts apart.",
            )


def _distinct(kind: str, references: Sequence[str]) -> tuple[str, ...]:
    for reference in references:
        if references.count(reference) > 1:
            raise UsageError(f"{kind} {reference!r} is named twice.", "Name each condition once.")
    return tuple(references)


def _choose(tasks: TaskSet, config: ExperimentConfig) -> TaskSet:
    chosen = tasks.tasks
    if config.tasks:
        for wanted in config.tasks:
            if wanted not in tasks.by_id:
                raise UnknownNameError(f"task of {tasks.environment} {config.split}", wanted, tasks.by_id)
        chosen = tuple(task for task in chosen if task.id in config.tasks)
    return replace(tasks, tasks=chosen[: config.limit])
