"""A simulated model served by another process: ``sim/learner:server=URL``, with ``rbsuite serve-model`` at the URL.

Requests take the same route over the network as those to a provider, so that the way there is tested with a known ground truth. What a
provider never sees, the task and the seeds of all randomness, is sent in the header :data:`HEADER`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rbsuite.environments.base import Environment, Opener, TaskAwareModel
from rbsuite.errors import UsageError
from rbsuite.jsonable import digest
from rbsuite.learner import wording as text
from rbsuite.learner.builtin import LEARNER_OPTIONS
from rbsuite.learner.controls import SimulatedNoop, SimulatedRandom
from rbsuite.learner.simulated import SimulatedLearner, SimulatedOracle
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.direct import DirectModel, Server
from rbsuite.models.gate import Pace
from rbsuite.options import canonical_reference, require_server
from rbsuite.task import Task

HEADER = "X-Rbsuite-Request"
"""The header, a JSON object with the fields of :class:`Identity`. Only ``rbsuite serve-model`` reads it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a simulated model must know about a request besides its content.

    Attributes:
        environment: ``"module:class"`` of the environment.
        task: hash of the task.
        purpose, seed, session, group: see :class:`rbsuite.models.base.ModelRequest`.
    """

    environment: str
    task: str
    purpose: Purpose
    seed: int
    session: int
    group: int

    def written(self) -> str:
        """The header's value."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, value: str) -> Identity:
        """Read the header's value.

        Raises:
            UsageError: it is not such an object.
        """
        try:
            return cls(**json.loads(value))
        except (TypeError, ValueError):
            raise UsageError(
                f"the header {HEADER} cannot be read.", "Use the same version of rbsuite on both sides."
            ) from None


class ServedModel:
    """A simulated model behind a server.

    Args:
        model: the model as the server knows it, e.g. ``sim/learner``.
        server: the server's base URL, e.g. ``http://127.0.0.1:8000/v1``.

    Raises:
        UsageError: the URL is not one.
    """

    def __init__(self, model: str, server: str) -> None:
        require_server(f"model {model!r}: ", server, "server=http://127.0.0.1:8000/v1")
        self.name = model.partition(":")[0]
        self._offered = model
        self._server = Server(server)
        self.pace = Pace()

    async def for_task(self, task: Task, environment: Environment, opener: Opener) -> ChatModel:
        """The model on one task. See :class:`rbsuite.environments.base.TaskAwareModel`."""
        factory = f"{type(environment).__module__}:{type(environment).__qualname__}"
        return _OnTask(self._offered, self._server, self.pace, factory, digest(task))

    async def complete(self, request: ModelRequest) -> Completion:
        """Always raises: a simulated model acts on tasks that come with a reference solution."""
        raise text.no_solution(self.name)

    async def aclose(self) -> None:
        """Close connections."""
        await self._server.aclose()


class _OnTask:
    def __init__(self, name: str, server: Server, pace: Pace, factory: str, task: str) -> None:
        self.name = name.partition(":")[0]
        self._factory = factory
        self._task = task
        self._model = DirectModel(f"openai/{name}", server=server, label=name, headers=self._headers, pace=pace)
        self.pace = pace

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer a request. See :class:`rbsuite.models.base.ChatModel`."""
        return await self._model.complete(request)

    async def aclose(self) -> None:
        """Nothing of its own to release."""

    def _headers(self, request: ModelRequest) -> Mapping[str, str]:
        told = Identity(self._factory, self._task, request.purpose, request.seed, request.session, request.group)
        return {HEADER: told.written()}


def learner(server: str = "", **options: Any) -> TaskAwareModel:
    """``sim/learner``, here or behind a server; a server must have been started with the same options."""
    if not server:
        return SimulatedLearner(**options)
    return ServedModel(canonical_reference(SimulatedLearner.name, options, LEARNER_OPTIONS), server)


def oracle(server: str = "") -> TaskAwareModel:
    """``sim/oracle``, here or behind a server."""
    return ServedModel(SimulatedOracle.name, server) if server else SimulatedOracle()


def noop(server: str = "") -> TaskAwareModel:
    """``sim/noop``, here or behind a server."""
    return ServedModel(SimulatedNoop.name, server) if server else SimulatedNoop()


def at_random(server: str = "") -> TaskAwareModel:
    """``sim/random``, here or behind a server."""
    return ServedModel(SimulatedRandom.name, server) if server else SimulatedRandom()
