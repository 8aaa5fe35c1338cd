"""rbsuite: does a memory make this agent better, by how much, at what cost, and how sure are we?

Public names are re-exported here and loaded when first used, so that ``import rbsuite`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rbsuite.adapters import from_gymnasium as from_gymnasium
    from rbsuite.agents.base import Agent as Agent
    from rbsuite.agents.base import AgentServices as AgentServices
    from rbsuite.agents.base import AgentStart as AgentStart
    from rbsuite.agents.chat import ChatAgent as ChatAgent
    from rbsuite.agents.chat import TextAgent as TextAgent
    from rbsuite.api import Execution as Execution
    from rbsuite.api import Experiment as Experiment
    from rbsuite.api import aevaluate as aevaluate
    from rbsuite.api import attribute as attribute
    from rbsuite.api import evaluate as evaluate
    from rbsuite.api import plan as plan
    from rbsuite.environments.base import Environment as Environment
    from rbsuite.environments.base import Episode as Episode
    from rbsuite.environments.base import EpisodeServices as EpisodeServices
    from rbsuite.environments.base import SyncEnvironment as SyncEnvironment
    from rbsuite.environments.base import SyncEpisode as SyncEpisode
    from rbsuite.environments.replay import play_actions as play_actions
    from rbsuite.environments.solution import Solution as Solution
    from rbsuite.environments.tools import ToolEpisode as ToolEpisode
    from rbsuite.environments.tools import ToolError as ToolError
    from rbsuite.environments.tools import tool as tool
    from rbsuite.environments.users import User as User
    from rbsuite.errors import EnvironmentFailure as EnvironmentFailure
    from rbsuite.errors import ModelError as ModelError
    from rbsuite.errors import ParseFailure as ParseFailure
    from rbsuite.errors import RbsuiteError as RbsuiteError
    from rbsuite.experience import Experience as Experience
    from rbsuite.experience import MemoryItem as MemoryItem
    from rbsuite.experience import MemoryOp as MemoryOp
    from rbsuite.experience import Outcome as Outcome
    from rbsuite.experience import Provenance as Provenance
    from rbsuite.experience import Recall as Recall
    from rbsuite.experience import RecallRequest as RecallRequest
    from rbsuite.fencing import fence as fence
    from rbsuite.hookspecs import hookimpl as hookimpl
    from rbsuite.judges.base import Judge as Judge
    from rbsuite.judges.base import JudgeRequest as JudgeRequest
    from rbsuite.judges.base import JudgeServices as JudgeServices
    from rbsuite.memories.base import BankView as BankView
    from rbsuite.memories.base import Memory as Memory
    from rbsuite.models.base import ChatModel as ChatModel
    from rbsuite.models.base import Completion as Completion
    from rbsuite.models.base import ModelRequest as ModelRequest
    from rbsuite.plugins import load_plugins as load_plugins
    from rbsuite.retrieval.base import Embedder as Embedder
    from rbsuite.retrieval.simple import SyncEmbedder as SyncEmbedder
    from rbsuite.specs import AgentSpec as AgentSpec
    from rbsuite.specs import Check as Check
    from rbsuite.specs import EmbedderSpec as EmbedderSpec
    from rbsuite.specs import EnvironmentSpec as EnvironmentSpec
    from rbsuite.specs import JudgeSpec as JudgeSpec
    from rbsuite.specs import Measure as Measure
    from rbsuite.specs import MemorySpec as MemorySpec
    from rbsuite.specs import ModelSpec as ModelSpec
    from rbsuite.specs import Option as Option
    from rbsuite.specs import ScalingSpec as ScalingSpec
    from rbsuite.specs import SelectorSpec as SelectorSpec
    from rbsuite.specs import Split as Split
    from rbsuite.specs import UserSpec as UserSpec
    from rbsuite.task import Task as Task
    from rbsuite.task import TaskSet as TaskSet
    from rbsuite.trajectory import NO_CHOICE as NO_CHOICE
    from rbsuite.trajectory import Action as Action
    from rbsuite.trajectory import EndReason as EndReason
    from rbsuite.trajectory import Grade as Grade
    from rbsuite.trajectory import Image as Image
    from rbsuite.trajectory import Message as Message
    from rbsuite.trajectory import Observation as Observation
    from rbsuite.trajectory import ToolCall as ToolCall
    from rbsuite.trajectory import ToolResult as ToolResult
    from rbsuite.trajectory import ToolSpec as ToolSpec
    from rbsuite.trajectory import Trajectory as Trajectory
    from rbsuite.trajectory import Usage as Usage
    from rbsuite.transcript import render_transcript as render_transcript
    from rbsuite.transcript import rules_of as rules_of
    from rbsuite.verdict import Verdict as Verdict

__version__ = "0.2.0.dev0"

_NAMES = {
    "rbsuite.adapters": "from_gymnasium",
    "rbsuite.agents.base": "Agent AgentServices AgentStart",
    "rbsuite.agents.chat": "ChatAgent TextAgent",
    "rbsuite.api": "Execution Experiment aevaluate attribute evaluate plan",
    "rbsuite.environments.base": "Environment Episode EpisodeServices SyncEnvironment SyncEpisode",
    "rbsuite.environments.replay": "play_actions",
    "rbsuite.environments.solution": "Solution",
    "rbsuite.environments.tools": "ToolEpisode ToolError tool",
    "rbsuite.environments.users": "User",
    "rbsuite.errors": "EnvironmentFailure ModelError ParseFailure RbsuiteError",
    "rbsuite.experience": "Experience MemoryItem MemoryOp Outcome Provenance Recall RecallRequest",
    "rbsuite.fencing": "fence",
    "rbsuite.hookspecs": "hookimpl",
    "rbsuite.judges.base": "Judge JudgeRequest JudgeServices",
    "rbsuite.memories.base": "BankView Memory",
    "rbsuite.models.base": "ChatModel Completion ModelRequest",
    "rbsuite.plugins": "load_plugins",
    "rbsuite.retrieval.base": "Embedder",
    "rbsuite.retrieval.simple": "SyncEmbedder",
    "rbsuite.specs": "AgentSpec Check EmbedderSpec EnvironmentSpec JudgeSpec Measure "
    "MemorySpec ModelSpec Option ScalingSpec SelectorSpec Split UserSpec",
    "rbsuite.task": "Task TaskSet",
    "rbsuite.trajectory": "NO_CHOICE Action EndReason Grade Image Message "
    "Observation ToolCall ToolResult ToolSpec Trajectory Usage",
    "rbsuite.transcript": "render_transcript rules_of",
    "rbsuite.verdict": "Verdict",
}
"""The public names, by the module that defines them."""

_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'rbsuite' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
