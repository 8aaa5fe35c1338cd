"""rbsuite: does a memory make this agent better, by how much, at what cost, and how sure are we?

Public names are re-exported here and loaded when first used, so that ``import rbsuite`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rbsuite.api import Execution as Execution
    from rbsuite.api import Experiment as Experiment
    from rbsuite.api import aevaluate as aevaluate
    from rbsuite.api import evaluate as evaluate
    from rbsuite.api import plan as plan
    from rbsuite.environments.base import Environment as Environment
    from rbsuite.environments.base import Episode as Episode
    from rbsuite.environments.base import SyncEnvironment as SyncEnvironment
    from rbsuite.environments.base import SyncEpisode as SyncEpisode
    from rbsuite.environments.solution import Solution as Solution
    from rbsuite.experience import Experience as Experience
    from rbsuite.experience import MemoryItem as MemoryItem
    from rbsuite.experience import MemoryOp as MemoryOp
    from rbsuite.experience import Recall as Recall
    from rbsuite.experience import RecallRequest as RecallRequest
    from rbsuite.hookspecs import hookimpl as hookimpl
    from rbsuite.specs import AgentSpec as AgentSpec
    from rbsuite.specs import EmbedderSpec as EmbedderSpec
    from rbsuite.specs import EnvironmentSpec as EnvironmentSpec
    from rbsuite.specs import JudgeSpec as JudgeSpec
    from rbsuite.specs import MemorySpec as MemorySpec
    from rbsuite.specs import ModelSpec as ModelSpec
    from rbsuite.specs import Option as Option
    from rbsuite.specs import ScalingSpec as ScalingSpec
    from rbsuite.specs import SelectorSpec as SelectorSpec
    from rbsuite.specs import UserSpec as UserSpec
    from rbsuite.task import Task as Task
    from rbsuite.task import TaskSet as TaskSet
    from rbsuite.trajectory import Action as Action
    from rbsuite.trajectory import Grade as Grade
    from rbsuite.trajectory import Image as Image
    from rbsuite.trajectory import Message as Message
    from rbsuite.trajectory import Observation as Observation
    from rbsuite.trajectory import ToolCall as ToolCall
    from rbsuite.trajectory import ToolResult as ToolResult
    from rbsuite.trajectory import ToolSpec as ToolSpec
    from rbsuite.trajectory import Trajectory as Trajectory
    from rbsuite.verdict import Verdict as Verdict

__version__ = "0.2.0.dev0"

_HOME = {
    "plan": "rbsuite.api",
    "ToolSpec": "rbsuite.trajectory",
    "ToolResult": "rbsuite.trajectory",
    "ToolCall": "rbsuite.trajectory",
    "Message": "rbsuite.trajectory",
    "Image": "rbsuite.trajectory",
    "Grade": "rbsuite.trajectory",
    "UserSpec": "rbsuite.specs",
    "evaluate": "rbsuite.api",
    "aevaluate": "rbsuite.api",
    "Experiment": "rbsuite.api",
    "Execution": "rbsuite.api",
    "Solution": "rbsuite.environments.solution",
    "SyncEpisode": "rbsuite.environments.base",
    "SyncEnvironment": "rbsuite.environments.base",
    "Episode": "rbsuite.environments.base",
    "Environment": "rbsuite.environments.base",
    "Experience": "rbsuite.experience",
    "MemoryItem": "rbsuite.experience",
    "MemoryOp": "rbsuite.experience",
    "Recall": "rbsuite.experience",
    "RecallRequest": "rbsuite.experience",
    "hookimpl": "rbsuite.hookspecs",
    "AgentSpec": "rbsuite.specs",
    "EmbedderSpec": "rbsuite.specs",
    "EnvironmentSpec": "rbsuite.specs",
    "JudgeSpec": "rbsuite.specs",
    "MemorySpec": "rbsuite.specs",
    "ModelSpec": "rbsuite.specs",
    "Option": "rbsuite.specs",
    "ScalingSpec": "rbsuite.specs",
    "SelectorSpec": "rbsuite.specs",
    "Task": "rbsuite.task",
    "TaskSet": "rbsuite.task",
    "Action": "rbsuite.trajectory",
    "Observation": "rbsuite.trajectory",
    "Trajectory": "rbsuite.trajectory",
    "Verdict": "rbsuite.verdict",
}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rbsuite' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
