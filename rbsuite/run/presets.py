"""Published protocols: presets of every parameter that a paper gives, each with its source.

A protocol sets the options that are not given explicitly. ``docs/protocols.md`` says what each leaves open or weak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rbsuite.errors import UnknownNameError
from rbsuite.specs import ActionMode, Published, Setting


@dataclass(frozen=True, slots=True)
class Protocol:
    """A published protocol.

    Attributes:
        name: what users write.
        paper: the publication.
        settings: the parameters it sets.
        metrics: what the paper reports.
        embedder: the published embedder; it needs a key or a download, so simulated models keep the default.
        left_open: what the paper does not say or this suite does otherwise, one line each.
        agents: the published agent, by the environment's action mode; if there is none, the environment's own agent acts.
        agents_source: where the paper gives it.
    """

    name: str
    paper: str
    settings: tuple[Setting, ...]
    metrics: str
    embedder: Setting
    left_open: tuple[str, ...]
    agents: Mapping[ActionMode, str] = field(default_factory=dict)
    agents_source: str = ""


REASONINGBANK = Protocol(
    name="reasoningbank",
    paper="ReasoningBank, arXiv 2509.25140",
    settings=(
        Setting(
            "memory",
            ("none", "synapse", "awm", "reasoningbank"),
            "the baselines; k = 1, at most 3 items per trajectory",
        ),
        Setting(
            "scaling", ("single",), "the main results; MaTTS is --scaling parallel:1,2,3,4,5 or sequential:1,2,3,4,5"
        ),
        Setting("selector", "best-of-n", "the results of MaTTS"),
        Setting("aggregation", "joint", "MaTTS: self-contrast over all rollouts"),
        Setting("judge", ("self",), "memory extraction: same backbone, temperature 0, no ground truth"),
        Setting("temperature", (0.7,), "implementation details: the agent's; the extractor's is 1.0"),
        Setting("max_steps", 30, "implementation details: at most 30 steps per query"),
        Setting("orders", 1, "one stream for every method"),
        Setting("order", "native", "the benchmark's own order"),
        Setting("stream", "exact", "memory is updated after every task"),
        Setting("scope", "domain", "one bank per site"),
    ),
    metrics="success rate; steps, on all tasks and on solved ones; with MaTTS best-of-n, pass@1 and pass@k",
    embedder=Setting("embedder", ("litellm:gemini/gemini-embedding-001",), "implementation details"),
    left_open=(
        "no variance, no interval and no repeated runs are published: use --orders 5 --order seeded to see them",
        "prompts are this project's own; the paper's are not redistributed",
    ),
    # One thought and one action per turn. If the answer is text, it is reasoned out in the same reply.
    agents={"tools": "react", "choice": "stepwise"},
    agents_source="implementation details: ReAct",
)

EVO_MEMORY = Protocol(
    name="evo-memory",
    paper="Evo-Memory, arXiv 2511.20857",
    settings=(
        Setting("memory", ("none", "history:k=4", "exprag:k=4", "remem:k=4"), "experimental setting: top-k = 4"),
        Setting("scaling", ("single",), "one rollout per task"),
        Setting("judge", ("ground-truth",), "problem formulation: the feedback f_t is the correctness signal"),
        Setting("orders", 1, "one fixed order of each data set for all methods"),
        Setting("order", "native", "the data set's own order; easy-hard and hard-easy for the robustness analysis"),
        Setting("stream", "exact", "memory evolves after every task"),
    ),
    metrics="accuracy over the stream; success and progress where tasks take several turns; steps; robustness to the order",
    embedder=Setting("embedder", ("litellm:huggingface/BAAI/bge-base-en-v1.5",), "experimental setting"),
    left_open=(
        "feedback is the ground truth: results say what memory could do with a perfect judge; --judge self says what it does without one",
        "one order, no seeds, no intervals are published; its Baseline lacks the few-shot examples the others have: compare with history",
        "temperatures are not published: the default is used",
    ),
)

NOTHING = Published()
"""What is published for an environment that no protocol names."""

PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in (REASONINGBANK, EVO_MEMORY)}


def protocol_settings(
    name: str, given: Mapping[str, Any], *, simulated: bool, here: Published = NOTHING
) -> Sequence[Setting]:
    """The settings of a protocol that are not given explicitly.

    Args:
        name: the protocol.
        given: options that are given explicitly; they win.
        simulated: whether the agent's model is a simulation, which leaves out the published embedder.
        here: what is published for the environment.

    Raises:
        UnknownNameError: no such protocol.
    """
    if name not in PROTOCOLS:
        raise UnknownNameError("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    settings = protocol.settings if simulated else (*protocol.settings, protocol.embedder)
    own = {setting.option for setting in here.settings}
    settings = (*here.settings, *(setting for setting in settings if setting.option not in own))
    return [setting for setting in settings if setting.option not in given]


def protocol_agent(name: str, mode: ActionMode) -> str:
    """A protocol's agent for an action mode; ``""`` without a protocol, or if it has none."""
    return PROTOCOLS[name].agents.get(mode, "") if name in PROTOCOLS else ""


def describe(
    name: str, given: Mapping[str, Any], mode: ActionMode, *, simulated: bool, here: Published = NOTHING
) -> Sequence[str]:
    """What a protocol sets and leaves open for an action mode, one line each."""
    protocol = PROTOCOLS[name]
    lines = [f"Protocol {name} ({protocol.paper}) sets:"]
    own = {setting.option for setting in here.settings}
    agent = "" if "agent" in own else protocol_agent(name, mode)
    if agent and not given.get("agent"):
        lines.append(f"  --agent {agent}  ({protocol.agents_source})")
    for setting in protocol_settings(name, given, simulated=simulated, here=here):
        value = _written(setting.value)
        lines.append(f"  --{setting.option.replace('_', '-')} {value}  ({setting.source})")
    lines.append(f"  metrics: {protocol.metrics}")
    if simulated:
        lines.append(
            f"  not set, since the model is simulated: --embedder {_written(protocol.embedder.value)} ({protocol.embedder.source})"
        )
    options = {*own, *(setting.option for setting in protocol.settings), *(["agent"] if agent else [])}
    overridden = sorted(options & set(given))
    if overridden:
        lines.append(f"  overridden by other options: {', '.join(overridden)}")
    lines += [f"  left open: {line}" for line in (*protocol.left_open, *here.left_open)]
    return [*lines, *(f"  differs here: {line}" for line in here.differs)]


def _written(value: Any) -> str:
    """A value as it is written on the command line."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
