"""Replies of tries that were thrown away, for the try that is made instead.

Two things come of it. A call that is asked again, word for word and with the same seed, need not be paid again. And a model that is not
deterministic stays fair: were it asked anew, then a rollout whose course led to a read that has changed would get a second chance where
another would not, and what stands would lean towards the courses that memory does not touch. A reply that was once given is the reply.
"""

from __future__ import annotations

from rbsuite.errors import PLUGIN_REMEDY, PluginError, blamed_on, in_words
from rbsuite.models.base import ChatModel, Completion, ModelRequest, Purpose
from rbsuite.models.gate import Pace
from rbsuite.trajectory import ToolCall, Usage


class Replies:
    """The replies on one task, by the purpose and seed of their requests, which no two calls of a try share."""

    def __init__(self) -> None:
        self._replies: dict[tuple[Purpose, int], list[tuple[ModelRequest, Completion]]] = {}
        self._saved = Usage()

    @property
    def saved(self) -> Usage:
        """The usage of replies that were given again."""
        return self._saved

    def again(self, request: ModelRequest) -> Completion | None:
        """The reply that the same request has had, if it has had one."""
        for asked, reply in self._replies.get((request.purpose, request.seed), ()):
            if asked == request:
                self._saved += reply.usage
                return reply
        return None

    def keep(self, request: ModelRequest, reply: Completion) -> None:
        """Remember a reply."""
        self._replies.setdefault((request.purpose, request.seed), []).append((request, reply))


class Remembering:
    """A model that gives the reply it has given before.

    Args:
        model: asked for everything else.
        replies: those of the task.
    """

    def __init__(self, model: ChatModel, replies: Replies) -> None:
        self.name = model.name
        self.pace: Pace | None = getattr(model, "pace", None)
        self._model = model
        self._replies = replies

    async def complete(self, request: ModelRequest) -> Completion:
        """The reply. Raises what the model raises; a failure is not remembered."""
        reply = self._replies.again(request)
        if reply is None:
            with blamed_on(f"model {self.name!r}"):
                reply = await self._model.complete(request)
            self._check(reply)
            self._replies.keep(request, reply)
        return reply

    def _check(self, reply: object) -> None:
        if not isinstance(reply, Completion):
            wanted, given = "a Completion", reply
        elif not isinstance(reply.text, str):
            wanted, given = "a Completion whose text is a str", reply.text
        elif not isinstance(reply.usage, Usage):
            wanted, given = "a Completion whose usage is a Usage", reply.usage
        elif not isinstance(reply.tool_calls, tuple) or not all(isinstance(one, ToolCall) for one in reply.tool_calls):
            wanted, given = "a Completion whose tool_calls are a tuple of ToolCall", reply.tool_calls
        else:
            return
        message = f"complete must return {wanted}, not {in_words(given)}."
        raise PluginError(message, PLUGIN_REMEDY, owner=f"model {self.name!r}")

    async def aclose(self) -> None:
        """Nothing of its own to give back."""
