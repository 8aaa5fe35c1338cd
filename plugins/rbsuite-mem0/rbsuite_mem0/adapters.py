"""The model and embedder that mem0 is given. Imported by mem0's factories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mem0.embeddings.base import EmbeddingBase
from mem0.llms.base import LLMBase

from rbsuite_mem0.product import Bridge


class Model(LLMBase):  # type: ignore[misc]
    """The memory's model."""

    bridge: Bridge

    def generate_response(
        self, messages: Sequence[Mapping[str, str]], tools: Any = None, tool_choice: str = "auto", **more: Any
    ) -> str:
        """See mem0's ``LLMBase``."""
        return self.bridge.complete(messages)


class Embedder(EmbeddingBase):  # type: ignore[misc]
    """The experiment's embedder."""

    bridge: Bridge

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """See mem0's ``EmbeddingBase``."""
        return self.bridge.embed([text])[0]

    def embed_batch(self, texts: Sequence[str], memory_action: str = "add") -> list[list[float]]:
        """See mem0's ``EmbeddingBase``."""
        return self.bridge.embed(texts)
