"""What plugins declare: small frozen objects that name a factory as ``"module:attribute"``.

Listing them imports nothing heavy; the factory is loaded when its name is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, get_args

from rbsuite.errors import PluginError, is_failure, words_of
from rbsuite.experience import Phase
from rbsuite.options import Option

__all__ = [
    "AgentSpec",
    "Apart",
    "Check",
    "EmbedderSpec",
    "EnvironmentSpec",
    "Fidelity",
    "JudgeSpec",
    "Measure",
    "MemorySpec",
    "ModelSpec",
    "Option",
    "Published",
    "ScalingSpec",
    "SelectorSpec",
    "Setting",
    "Spec",
    "Split",
    "UserSpec",
    "load_object",
    "plain_name",
]

ActionMode = Literal["text", "tools", "choice"]
Concurrency = Literal["inline", "thread", "process", "exclusive"]
State = Literal["bank", "external"]

_AGENTS: Mapping[ActionMode, str] = {"text": "text", "tools": "tools", "choice": "planner"}


@dataclass(frozen=True, slots=True)
class Spec:
    """What every declaration has.

    Attributes:
        name: what users write; lower case, words joined by ``-``.
        summary: one line.
        factory: ``"module:attribute"``, called with the declared options as keyword arguments.
        options: what the factory takes.
    """

    name: str
    summary: str
    factory: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """A split of an environment's tasks.

    Attributes:
        name: e.g. ``"test"``.
        summary: what it contains.
        bundled: whether it comes with the plugin; otherwise its data must be imported. ``--data`` is refused for it unless the environment
            has a pack (:attr:`EnvironmentSpec.pack`).
    """

    name: str
    summary: str
    bundled: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """Something an environment, model or embedder needs besides its own package, checked by ``rbsuite doctor``.

    Attributes:
        name: what is needed.
        check: ``"module:function"``; the function returns ``""`` if all is well, else one line saying what is missing and how to get it.
        resource: a resource of which every run of the environment takes one on its machine if runs are spread over a cluster: ``browser``,
            ``sandbox``, ``gpu`` or another name that nodes are started with; empty: none.
    """

    name: str
    check: str
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure besides success that an environment records for every rollout.

    Attributes:
        name: the key in :attr:`rbsuite.trajectory.Grade.measures`, where it is a number in [0, 1].
        summary: what it is, in a few words.
    """

    name: str
    summary: str


@dataclass(frozen=True, slots=True)
class Apart:
    """A domain that is reported separately, because its figures do not mean what the others mean.

    Attributes:
        domain: the domain.
        warning: why, in one sentence.
    """

    domain: str
    warning: str


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How close an aspect of an environment is to upstream's.

    Attributes:
        aspect: what is compared.
        grade: ``exact``, ``approximate`` or ``absent``.
        note: in what way.
    """

    aspect: str
    grade: Literal["exact", "approximate", "absent"]
    note: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of a published protocol: the option, its value, and where it is published."""

    option: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Published:
    """What a published protocol says about one environment, if that differs from what it says about others.

    Attributes:
        settings: its parameters here; they win over the protocol's own.
        left_open: what is not published, one line each.
        differs: how a run here differs from it, whatever the options, one line each.
    """

    settings: tuple[Setting, ...] = ()
    left_open: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentSpec(Spec):
    """A family of tasks and the world they act in. ``factory`` names a subclass of :class:`rbsuite.Environment`.

    Where one benchmark has several backends, each is an environment of its own, with the backend in brackets: results of
    ``eb-alfred[symbolic]`` and ``eb-alfred[simulator]`` are never mixed, since they never belong to the same environment.

    Attributes:
        aliases: further names that users may write; results show ``name``.
        version: version of the engine and its scoring; part of every result.
        splits: the splits, default first.
        domains: parts of the environment, e.g. ``("retail", "airline")``; empty if it has none.
        action_mode: what an agent does: ``text``, ``tools`` (text or a tool call), ``choice`` (one of the named actions).
        concurrency: where its episodes run, if they are synchronous: ``inline``, on the event loop, for worlds that answer at once;
            ``thread`` or ``process``, each in one of its own; ``exclusive``, in a thread, and one episode at a time in the experiment.
        stateful_server: rollouts share an external server; parallel rollouts of a task are refused unless allowed.
        max_steps: agent turns after which a rollout is cut off, by default.
        rollout_max_cost: US dollars that agent and user may spend in a rollout, by default; ``None``: any amount. If the price of a call
            is not known, only a limit that the user sets applies.
        refine: how sequential scaling goes on: ``continue`` if the world is open after an answer, ``retry`` if the episode has ended.
        agent: the default agent; if left out: ``text``, ``tools`` or ``planner``, depending on the action mode.
        users: simulated users that fit, default first; empty if no user takes part.
        pack: name of the data pack that imports write, or ``""``.
        importer: ``"module:object"`` of the pack's importer (see :mod:`rbsuite.data.packs`), or ``""``.
        needs: what ``rbsuite doctor`` checks.
        citation: how to cite the benchmark.
        data_licence: licence of the upstream data.
        homepage: where the benchmark lives.
        notes: lines shown by ``rbsuite env NAME``: fidelity, floors, warnings.
        private: its authors ask that its tasks not be made public: exports replace their text unless told to reveal it. Data
            that may not even leave this machine is declared by the task set (:attr:`rbsuite.task.TaskSet.private`).
        measures: figures besides success, in the grade of every rollout.
        rescorers: ``"module:object"`` of a mapping of names to :class:`rbsuite.environments.rescorer.Rescorer`: other conventions by which
            stored rollouts can be graded again (``rbsuite rescore``); or ``""``.
        apart: domains whose tasks are left out of the figures of the others and reported separately.
        fidelity: how close each aspect is to upstream's.
        protocols: what published protocols say about this environment, by their names (``rbsuite eval --protocol``).
    """

    aliases: tuple[str, ...] = ()
    version: str = "0"
    splits: tuple[Split, ...] = ()
    domains: tuple[str, ...] = ()
    action_mode: ActionMode = "text"
    concurrency: Concurrency = "inline"
    stateful_server: bool = False
    max_steps: int = 30
    rollout_max_cost: float | None = None
    refine: Literal["continue", "retry"] = "continue"
    agent: str = ""
    users: tuple[str, ...] = ()
    pack: str = ""
    importer: str = ""
    needs: tuple[Check, ...] = ()
    citation: str = ""
    data_licence: str = ""
    homepage: str = ""
    notes: tuple[str, ...] = ()
    private: bool = False
    measures: tuple[Measure, ...] = ()
    rescorers: str = ""
    apart: tuple[Apart, ...] = ()
    fidelity: tuple[Fidelity, ...] = ()
    protocols: Mapping[str, Published] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill in the agent, and refuse what would be ignored.

        Raises:
            ValueError: there is no such action mode, or no such domain to report separately.
        """
        if self.action_mode not in get_args(ActionMode):
            raise ValueError(
                f"environment {self.name!r}: action_mode {self.action_mode!r} is not one of {get_args(ActionMode)}"
            )
        if not self.agent:
            object.__setattr__(self, "agent", _AGENTS[self.action_mode])
        unknown = [part.domain for part in self.apart if part.domain not in self.domains]
        if unknown:
            raise ValueError(
                f"environment {self.name!r}: {unknown[0]!r} is reported separately, but is not one of its domains"
            )


@dataclass(frozen=True, slots=True)
class MemorySpec(Spec):
    """A memory mechanism. ``factory`` returns a :class:`rbsuite.memories.base.Memory`.

    Attributes:
        phases: when ``recall`` is called: ``task``, before the first action; ``step``, before every turn for which the agent asks its
            model; ``retry``, before every further rollout of a sequential scaling.
        control: a control condition (placebo, random, ...), marked as such in results.
        state: where its knowledge is: in the ``bank``, or ``external``, in a service or a store of its own. The factory of an external one
            returns a :class:`rbsuite.memories.base.ExternalMemory`. docs/memories.md says what does not hold in that case.
    """

    phases: tuple[Phase, ...] = ("task",)
    control: bool = False
    state: State = "bank"

    @property
    def external(self) -> bool:
        """Whether its knowledge is outside the bank."""
        return self.state == "external"


@dataclass(frozen=True, slots=True)
class JudgeSpec(Spec):
    """A judge. ``factory`` returns a :class:`rbsuite.judges.base.Judge`, or names an ``async`` function that is one.

    Attributes:
        ground_truth: whether it is handed the environment's own score; recorded in the manifest and in every item's provenance.
    """

    ground_truth: bool = False


@dataclass(frozen=True, slots=True)
class AgentSpec(Spec):
    """An agent. ``factory`` returns a fresh :class:`rbsuite.agents.base.Agent` for every rollout.

    Attributes:
        action_modes: the environments it fits.
    """

    action_modes: tuple[ActionMode, ...] = ()


@dataclass(frozen=True, slots=True)
class UserSpec(Spec):
    """A simulated user. ``factory`` returns a fresh :class:`rbsuite.environments.users.User` for every task."""


@dataclass(frozen=True, slots=True)
class ScalingSpec(Spec):
    """A way to spend several rollouts on a task. ``factory`` returns a :class:`rbsuite.scaling.base.Scaling`.

    Attributes:
        at_once: name of the option that says how many rollouts of a task run at the same time; empty if it is always one.
    """

    at_once: str = ""


@dataclass(frozen=True, slots=True)
class SelectorSpec(Spec):
    """A way to choose one rollout of several. ``factory`` returns a :class:`rbsuite.scaling.base.Selector`.

    Attributes:
        ground_truth: whether it sees the environment's own scores (an oracle, for pass@k).
        averages: whether it may choose all rollouts (:data:`rbsuite.record.ALL`): then the task's score is their mean.
    """

    ground_truth: bool = False
    averages: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec(Spec):
    """An in-process model. ``factory`` returns a :class:`rbsuite.models.base.ChatModel`.

    Attributes:
        simulated: results with it are simulations and say so everywhere.
        needs: what ``rbsuite doctor`` checks.
        remote: what it is asked leaves this machine, wherever its options point; private tasks are not sent to it unless the user says so.
    """

    simulated: bool = False
    needs: tuple[Check, ...] = ()
    remote: bool = False


@dataclass(frozen=True, slots=True)
class EmbedderSpec(Spec):
    """A text embedder. ``factory`` returns a :class:`rbsuite.retrieval.base.Embedder`.

    Attributes:
        needs: what ``rbsuite doctor`` checks.
        remote: texts leave this machine unless its option ``api_base`` names a server that is on it.
    """

    needs: tuple[Check, ...] = ()
    remote: bool = False


def plain_name(name: str) -> str:
    """A name for places that do not allow brackets, such as paths: ``eb-alfred[symbolic]`` is ``eb-alfred-symbolic``."""
    return name.replace("[", "-").replace("]", "")


def load_object(path: str, owner: str) -> Any:
    """Import what ``"module:attribute"`` names.

    Raises:
        PluginError: the module or attribute does not exist, or importing it failed; the message names ``owner``.
    """
    module_name, colon, attribute = path.partition(":")
    if not colon:
        raise PluginError(f"{owner}: factory {path!r} is not of the form 'module:attribute'.", "Fix the plugin's spec.")
    try:
        return getattr(import_module(module_name), attribute)
    except AttributeError as error:
        raise PluginError(f"{owner}: {module_name} has no {attribute!r}.", "Fix the plugin's spec.") from error
    except BaseException as error:
        if not is_failure(error):
            raise
        why = words_of(error)
        raise PluginError(f"{owner}: cannot import {module_name}: {why}.", "Reinstall or fix the plugin.") from error
