"""The memories of the core."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import MemorySpec, Option
from rbsuite.transcript import BUDGET

HERE = "rbsuite.memories"
PER_TASK = Option("per_task", "int", 3, "successes learned from per task, at most", minimum=1, maximum=100)


def _k(default: int, what: str = "experiences recalled for a task") -> Option:
    return Option("k", "int", default, what, minimum=1, maximum=100)


def _temperature(default: float) -> Option:
    return Option("temperature", "float", default, "temperature of the memory's model", minimum=0.0, maximum=2.0)


def _budget(default: int = BUDGET, what: str = "tokens of the transcripts that the memory's model sees") -> Option:
    return Option("budget", "int", default, f"{what}; 0: no limit", minimum=0)


def _workflows(what: str) -> Option:
    return Option("workflows", "int", 20, what, minimum=1, maximum=100)


STORED = "tokens of a stored trajectory"


def _strategies() -> tuple[Option, ...]:
    """The options of ReasoningBank, and of the controls that differ from it only in recall."""
    return (
        _k(1),
        Option("items", "int", 3, "items kept per trajectory, at most", minimum=1, maximum=20),
        _temperature(1.0),
        Option("failures", "bool", True, "whether it learns from failures"),
        Option("contrast_items", "int", 5, "items kept per contrast of rollouts, at most", minimum=1, maximum=20),
        _budget(),
    )


@hookimpl
def rbsuite_memories() -> Sequence[MemorySpec]:
    """``none``, ReasoningBank and the two baselines it is compared with; further mechanisms; controls."""
    return [
        MemorySpec("none", "no memory: the control", f"{HERE}.none:NoMemory"),
        MemorySpec(
            "reasoningbank",
            "titled strategies from self-judged successes and failures",
            f"{HERE}.reasoningbank:ReasoningBank",
            (
                *_strategies(),
                Option(
                    "similarity",
                    "float",
                    -1.0,
                    "least cosine similarity at which an experience is recalled",
                    minimum=-1.0,
                    maximum=1.0,
                ),
            ),
        ),
        MemorySpec(
            "synapse",
            "raw successful trajectories as exemplars",
            f"{HERE}.synapse:TrajectoryMemory",
            (_k(1), _budget(4_000, STORED), PER_TASK),
        ),
        MemorySpec(
            "awm",
            "workflows from successes",
            f"{HERE}.awm:WorkflowMemory",
            (_k(1), _temperature(0.7), PER_TASK, _budget(), _workflows("workflows of one trajectory, at most")),
        ),
        *_documents(),
        *_reflections(),
        *_experiences(),
        *_controls(),
        _service(),
    ]


def _documents() -> Sequence[MemorySpec]:
    return [
        MemorySpec(
            "awm-original",
            "one document of workflows per domain, induced again from all successes",
            f"{HERE}.awm_original:WorkflowDocument",
            (
                Option(
                    "trajectories", "int", 20, "number of newest successes it is induced from", minimum=1, maximum=1000
                ),
                _workflows("workflows in the document, at most"),
                _budget(2_000, STORED),
                _temperature(1.0),
            ),
        ),
        MemorySpec(
            "dynamic-cheatsheet",
            "one sheet of notes that is rewritten for every task, without verdicts",
            f"{HERE}.cheatsheet:DynamicCheatsheet",
            (
                Option(
                    "variant",
                    "str",
                    "cu",
                    "cu: rewritten after a task; rs: before it, from similar ones",
                    choices=("cu", "rs"),
                ),
                _k(3, "earlier tasks that rs fetches"),
                Option("characters", "int", 16000, "length of the sheet, at most", minimum=200, maximum=1000000),
                _temperature(0.0),
                _budget(),
            ),
        ),
    ]


def _reflections() -> Sequence[MemorySpec]:
    return [
        MemorySpec(
            "reflexion",
            "the last reflections on failures",
            f"{HERE}.reflexion:Reflexion",
            (
                Option("reflections", "int", 3, "reflections before a rollout", minimum=1, maximum=100),
                _temperature(0.7),
                _budget(),
            ),
            phases=("task", "retry"),
        ),
        MemorySpec(
            "ace",
            "a playbook of bullets that count how often they helped and harmed",
            f"{HERE}.ace:Playbook",
            (
                Option("characters", "int", 80000, "length of the bullets in a prompt", minimum=200, maximum=1000000),
                Option("bullets", "int", 5, "bullets added after a task, at most", minimum=1, maximum=20),
                Option(
                    "similarity",
                    "float",
                    0.9,
                    "share of common words above which a bullet counts as a repetition",
                    minimum=0.0,
                    maximum=1.0,
                ),
                _temperature(0.0),
                _budget(),
            ),
        ),
    ]


def _experiences() -> Sequence[MemorySpec]:
    return [
        MemorySpec(
            "exprag",
            "the most similar earlier tasks as text, right or wrong",
            f"{HERE}.exprag:ExperienceRetrieval",
            (_k(4), _budget(2_000, STORED)),
        ),
        MemorySpec(
            "remem",
            "exprag, pruned before every turn of the agent",
            f"{HERE}.remem:RefinedRetrieval",
            (_k(4), _budget(2_000, STORED), _temperature(0.0)),
            phases=("task", "step"),
        ),
    ]


def _service() -> MemorySpec:
    return MemorySpec(
        "http",
        "a memory service, queried over HTTP",
        f"{HERE}.http:HttpMemory",
        (
            Option("url", "str", "", "base URL of the service, e.g. http://127.0.0.1:8080"),
            _k(5, "items recalled for a task, at most"),
            Option("characters", "int", 4000, "characters of an item, at most", minimum=100, maximum=1_000_000),
            _budget(what="tokens of the transcripts that the service is sent"),
            Option("timeout", "float", 120.0, "seconds to wait for an answer", minimum=0.1, maximum=3600.0),
            Option("retries", "int", 3, "retries where the service does not answer", minimum=0, maximum=20),
        ),
        state="external",
    )


def _controls() -> Sequence[MemorySpec]:
    return [
        MemorySpec(
            "placebo",
            "reasoningbank with unrelated lessons of the same length in the prompt",
            f"{HERE}.placebo:Placebo",
            _strategies(),
            control=True,
        ),
        MemorySpec(
            "random",
            "reasoningbank with random retrieval",
            f"{HERE}.random_recall:RandomRecall",
            _strategies(),
            control=True,
        ),
        MemorySpec(
            "history",
            "the most recent tasks, whatever they were",
            f"{HERE}.history:RecentHistory",
            (_k(3), _budget(2_000, STORED)),
            control=True,
        ),
    ]
