"""Embedding models behind an API, through litellm, which is imported at the first call: that takes seconds."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from rbsuite.errors import ModelError, UsageError
from rbsuite.jsonable import text_digest
from rbsuite.models.litellm_model import load_litellm
from rbsuite.models.provider_errors import advice, classify, detail, require_sendable_keys, retry_after
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff
from rbsuite.seeds import derive_seed

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors


class LitellmEmbedder:
    """An embedding model by its litellm name.

    Keys come from the provider's environment variables. What is transient (rate limits, time-outs, server errors) is tried again;
    whatever else fails is one line without keys. A text of nothing but white space is not sent: it has no features.

    Args:
        model: litellm's name, e.g. ``openai/text-embedding-3-small``.
        dimension: length of a vector, asked of the model; 0: the model's own, known after the first answer.
        api_base: base URL of the API; empty: the provider's own.
        prefix: put before every text.
        batch: most texts in one request.
        timeout: seconds to wait for a reply.
        retries: retries after a transient error.
        backoff: the waits between calls.

    Raises:
        UsageError: no model is named.
    """

    def __init__(
        self,
        model: str = "",
        dimension: int = 0,
        api_base: str = "",
        prefix: str = "",
        batch: int = 128,
        timeout: float = 60.0,
        retries: int = 4,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
    ) -> None:
        if not model:
            raise UsageError(
                "embedder 'litellm' needs a model.", "Write litellm:MODEL, e.g. litellm:openai/text-embedding-3-small."
            )
        require_sendable_keys(model.partition("/")[0])
        self._model = model
        self._asked = dimension
        self._dimension = dimension
        self._api_base = api_base
        self._prefix = prefix
        self._batch = batch
        self._timeout = timeout
        self._retries = retries
        self._backoff = backoff

    @property
    def id(self) -> str:
        """Model, dimension asked for, server and hash of the prefix, where those are not the defaults; never a key."""
        parts = [f"litellm/1:{self._model}"]
        if self._asked:
            parts.append(f"dimension={self._asked}")
        if self._api_base:
            url = urlsplit(self._api_base)
            # The address without what may be a secret: no user, no query.
            parts.append(f"server={url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}")
        if self._prefix:
            parts.append(f"prefix={text_digest(self._prefix)[:16]}")
        return ",".join(parts)

    @property
    def dimension(self) -> int:
        """Length of a vector; 0 until the first answer, where it was not given."""
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm; a blank text gives zeros.

        Raises:
            ModelError: a request failed for good, or its answer is not as many vectors of one dimension as there were texts.
        """
        places = [place for place, text in enumerate(texts) if text.strip()]
        rows: list[Vectors] = []
        for start in range(0, len(places), self._batch):
            rows.append(
                await self._request([self._prefix + texts[place] for place in places[start : start + self._batch]])
            )
        if not rows and not self._dimension and len(texts):
            # The shape of zeros is only known from an answer.
            rows, places = [(await self._request(["dimension"]))[:0]], []
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        if places:
            vectors[places] = np.concatenate(rows)
        return vectors

    async def _request(self, texts: list[str]) -> Vectors:
        litellm = load_litellm()
        failures = 0
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    response = await self._call(litellm, texts)
            except Exception as error:
                failures += 1
                kind = classify(error, litellm)
                if kind != "transient" or failures > self._retries:
                    what = f"no answer within {self._timeout:g} s" if isinstance(error, TimeoutError) else detail(error)
                    remedy = "Check the embedder's model, api_base and dimension, and the connection."
                    if kind == "authentication":
                        remedy = advice(kind, self._model, litellm)
                    # Without the provider's error, which may hold headers.
                    raise ModelError(f"embedder {self._model!r}: {what.rstrip('.')}.", remedy) from None
                seed = derive_seed(self._model, texts[0])
                await asyncio.sleep(self._backoff.delay(failures, seed, retry_after(error)))
            else:
                return self._read(response, len(texts))

    async def _call(self, litellm: Any, texts: list[str]) -> Any:
        options: dict[str, Any] = {}
        if self._asked:
            # litellm passes dimensions on to models of OpenAI's own names only, unless told to.
            options |= {"dimensions": self._asked, "allowed_openai_params": ["dimensions"]}
        if self._api_base:
            options["api_base"] = self._api_base
            if self._model.startswith("openai/"):
                # A server of one's own often wants no key, but litellm refuses to call without one.
                options["api_key"] = os.environ.get("OPENAI_API_KEY") or "none"
        # The client below litellm tries once more by itself: litellm reads max_retries=0 as its default of 2 here (seen in 1.106).
        return await litellm.aembedding(
            model=self._model, input=texts, timeout=self._timeout, num_retries=0, max_retries=1, **options
        )

    def _read(self, response: Any, count: int) -> Vectors:
        """The answer's vectors in the order of the texts, scaled to unit norm."""
        try:
            entries = sorted(response.data, key=lambda entry: int(entry["index"]))
            vectors = np.array([entry["embedding"] for entry in entries], dtype=np.float64)
        except (AttributeError, KeyError, TypeError, ValueError):
            vectors = np.empty(0)
        wanted = (count, self._dimension or (vectors.shape[1] if vectors.ndim == 2 else 0))
        if vectors.shape != wanted or 0 in wanted:
            raise ModelError(
                f"embedder {self._model!r}: the response contains vectors of shape {vectors.shape}, expected {wanted}.",
                "Check the embedder's model, api_base and dimension.",
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not math.isfinite(float(norms.sum())):
            raise ModelError(f"embedder {self._model!r}: a vector is not finite.", "Check the embedder's model.")
        self._dimension = vectors.shape[1]
        unit: Vectors = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0).astype(np.float32)
        return unit
