"""A server for rbsuite's models that speaks OpenAI's chat completions and embeddings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from rbsuite.environments.base import Environment, is_task_aware
from rbsuite.environments.hosting import Host, Recipe
from rbsuite.errors import RbsuiteError, UsageError
from rbsuite.jsonable import digest, is_number, is_whole
from rbsuite.learner.served import HEADER, Identity
from rbsuite.models.base import ChatModel, Completion, ModelRequest
from rbsuite.models.factory import make_model
from rbsuite.plugins import Plugins
from rbsuite.retrieval.hashing import HashEmbedder
from rbsuite.run.plan import choose_environment
from rbsuite.serve.faults import FAILURES, Faults, failure, spoilt
from rbsuite.serve.http import Answer, Request
from rbsuite.serve.wire import completion_document, read_messages, read_tools
from rbsuite.task import Task

EMBEDDING = "hash"
"""Name of the embedding model."""
DIMENSION = 256
"""Length of its vectors, unless the request asks for another."""


MOST_TEXTS = 2048
"""Texts in a request for embeddings, at most, as at OpenAI."""
LONGEST_VECTOR = 65_536
MOST_NUMBERS = 1 << 22
"""Numbers in the vectors of one answer, at most."""


class _Worlds:
    """The environments whose tasks are played, opened when first needed."""

    def __init__(self, plugins: Plugins, reference: str) -> None:
        self._plugins = plugins
        self._reference = reference
        self._tasks: dict[str, tuple[Task, Environment, Host]] = {}
        self._opened: dict[str, list[tuple[Environment, Host]]] = {}

    def find(self, identity: Identity) -> tuple[Task, Environment, Host]:
        """The task that a request belongs to.

        Raises:
            UsageError: there is no such task here.
        """
        if identity.environment not in self._opened:
            self._open(identity.environment)
        try:
            return self._tasks[identity.task]
        except KeyError:
            raise UsageError(
                "this server has no task with that content.",
                "Install the environment's plugin and data where the server runs, or name the environment with --env.",
            ) from None

    def _open(self, factory: str) -> None:
        specs = self._plugins.environments.values()
        names = [self._reference] if self._reference else [spec.name for spec in specs if spec.factory == factory]
        opened = self._opened.setdefault(factory, [])
        for name in names:
            chosen = choose_environment(self._plugins, name)
            for split in chosen.spec.splits:
                environment = choose_environment(self._plugins, name).environment
                try:
                    tasks = environment.tasks(split.name)
                except RbsuiteError:
                    continue  # its data is not here
                recipe = Recipe(
                    chosen.spec.factory,
                    f"environment {chosen.spec.name!r}",
                    chosen.part.values,
                    split.name,
                    prompts=tuple(self._plugins.prompt_dirs),
                )
                host = Host(environment, chosen.spec.concurrency, recipe)
                opened.append((environment, host))
                for task in tasks:
                    self._tasks.setdefault(digest(task), (task, environment, host))

    async def aclose(self) -> None:
        """Close them."""
        for opened in self._opened.values():
            for environment, host in opened:
                await host.aclose()
                await environment.aclose()


class ModelServer:
    """Answers requests with rbsuite's models.

    Args:
        references: the models that are offered, as users write them.
        plugins: where names are looked up.
        environment: the environment whose tasks are played; empty: the one that a request names.
        faults: when to fail.

    Raises:
        RbsuiteError: a model cannot be made.
    """

    def __init__(
        self, references: list[str], plugins: Plugins, environment: str = "", faults: Faults | None = None
    ) -> None:
        self._models: dict[str, ChatModel] = {name: make_model(name, plugins)[0] for name in references}
        self._worlds = _Worlds(plugins, environment)
        self._bound: dict[tuple[str, str], asyncio.Future[ChatModel]] = {}
        self.faults = faults or Faults()

    async def aclose(self) -> None:
        """Close models and environments."""
        for model in self._models.values():
            await model.aclose()
        await self._worlds.aclose()

    async def handle(self, request: Request) -> Answer:
        """Answer a request."""
        routes: Mapping[tuple[str, str], Callable[[Request], Any]] = {
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/embeddings"): self._embeddings,
            ("GET", "/v1/models"): self._listing,
        }
        route = routes.get((request.method, request.path))
        if route is None:
            return failure(404, f"{request.method} {request.path} does not exist here")
        try:
            answer: Answer = await route(request)
        except (RbsuiteError, ValueError) as error:
            return failure(400, str(error), "invalid_request")
        except RecursionError:
            return failure(400, "the body is nested too deeply", "invalid_request")
        return answer

    async def _listing(self, request: Request) -> Answer:
        names = [*self._models, EMBEDDING]
        return Answer.of({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def _chat(self, request: Request) -> Answer:
        body = _read(request.body)
        told = request.headers.get(HEADER.lower(), "")
        kind = self.faults.next(told or request.body.decode("utf-8", "replace"))
        if kind in FAILURES:
            return FAILURES[kind]()
        name = str(body.get("model", ""))
        if name not in self._models:
            return failure(
                404, f"the model {name!r} does not exist; there are: {', '.join(self._models)}", "model_not_found"
            )
        document = completion_document(await self._complete(name, body, told), name)
        return spoilt(kind, document, streaming=bool(body.get("stream")))

    async def _complete(self, name: str, body: Mapping[str, Any], told: str) -> Completion:
        model = self._models[name]
        messages, tools = read_messages(body.get("messages")), read_tools(body.get("tools"))
        temperature, limit = _number(body, "temperature"), _whole(body, "max_tokens")
        if is_task_aware(model):
            if not told:
                raise UsageError(
                    f"{name} plays tasks, and this request does not say which: it lacks the header {HEADER}.",
                    f"Use --model {name}:server=URL.",
                )
            identity = Identity.read(told)
            model = await self._on_task(name, identity)
            request = ModelRequest(
                messages,
                identity.purpose,
                tools,
                temperature,
                identity.seed,
                identity.session,
                identity.group,
                limit,
            )
        else:
            request = ModelRequest(messages, "agent", tools, temperature, _whole(body, "seed") or 0, max_tokens=limit)
        return await model.complete(request)

    async def _on_task(self, name: str, identity: Identity) -> ChatModel:
        """The model bound to the task of a request; it is bound to each task once."""
        key = (name, identity.task)
        if key not in self._bound:
            model = self._models[name]
            assert is_task_aware(model)
            self._bound[key] = asyncio.ensure_future(model.for_task(*self._worlds.find(identity)))
        return await self._bound[key]

    async def _embeddings(self, request: Request) -> Answer:
        body = _read(request.body)
        kind = self.faults.next(request.body.decode("utf-8", "replace"))
        if kind in FAILURES:
            return FAILURES[kind]()
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError("input must be a text or a list of texts")
        asked = _whole(body, "dimensions")
        dimension = DIMENSION if asked is None else asked
        if dimension > LONGEST_VECTOR or len(texts) > MOST_TEXTS or dimension * len(texts) > MOST_NUMBERS:
            raise ValueError(
                f"a request may ask for vectors of {LONGEST_VECTOR:,} dimensions, of {MOST_TEXTS:,} texts, and for"
                f" {MOST_NUMBERS:,} numbers in all"
            )
        vectors = await HashEmbedder(dimension).embed(texts)
        data = [{"object": "embedding", "index": place, "embedding": row.tolist()} for place, row in enumerate(vectors)]
        tokens = sum(len(text) for text in texts) // 4
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return Answer.of({"object": "list", "data": data, "model": EMBEDDING, "usage": usage})


def _number(body: Mapping[str, Any], name: str) -> float | None:
    """A field that is a number or left out.

    Raises:
        ValueError: it is something else.
    """
    value = body.get(name)
    if value is not None and not is_number(value):
        raise ValueError(f"{name} must be a number")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    """A field that is a whole number or left out. Raises as :func:`_number`."""
    value = body.get(name)
    if value is not None and not is_whole(value):
        raise ValueError(f"{name} must be a whole number")
    return value


def _read(body: bytes) -> Mapping[str, Any]:
    """The JSON object of a request.

    Raises:
        ValueError: it is not a JSON object.
    """
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value
