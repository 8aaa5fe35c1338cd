"""Embedding models behind an API: called directly on a server of one's own, otherwise through litellm."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from rbsuite.errors import ModelError, UsageError
from rbsuite.jsonable import text_digest
from rbsuite.models.direct import OFFICIAL, Server
from rbsuite.models.factory import Transport
from rbsuite.models.gate import Line, Pace, slot
from rbsuite.models.litellm_model import load_litellm
from rbsuite.models.prices import price
from rbsuite.models.provider import PREFIX, own_server, require_servers
from rbsuite.models.provider_errors import advice, detail, require_sendable_keys
from rbsuite.models.retry import DEFAULT_BACKOFF, Backoff
from rbsuite.models.tries import Failed, Tries
from rbsuite.options import require_server
from rbsuite.seeds import derive_seed
from rbsuite.trajectory import Usage

if TYPE_CHECKING:
    from rbsuite.models.meter import Meter
    from rbsuite.retrieval.base import Vectors

CHARACTERS_PER_TOKEN = 3
"""Used to estimate the tokens of a text; tends to overestimate."""
LONGEST_ANSWER = 256 << 20
"""Bytes of an answer, at most: several thousand vectors."""


class LitellmEmbedder:
    """An embedding model by its litellm name.

    Keys come from the provider's environment variables. Transient failures (rate limits, timeouts, server errors) are retried;
    any other failure is reported in one line without keys. A text of nothing but whitespace is not sent: it has no features.

    Args:
        model: litellm's name, e.g. ``openai/text-embedding-3-small``.
        dimension: length of a vector, requested from the model; 0: the model's own, known after the first answer.
        api_base: base URL of the API; empty: the provider's own.
        prefix: put before every text.
        batch: most texts in one request.
        timeout: seconds to wait for a reply.
        retries: retries after a transient error.
        batch_tokens: most tokens in one request, by an estimate.
        input_price: dollars per million tokens; ``None``: litellm's price.
        backoff: the waits between calls.
        transport: how it is called, see :func:`rbsuite.models.factory.way_to`.

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
        batch_tokens: int = 100_000,
        input_price: float | None = None,
        *,
        backoff: Backoff = DEFAULT_BACKOFF,
        transport: Transport = "auto",
    ) -> None:
        if not model:
            raise UsageError(
                "embedder 'litellm' needs a model.", "Write litellm:MODEL, e.g. litellm:openai/text-embedding-3-small."
            )
        require_sendable_keys(model.partition("/")[0])
        if api_base:
            require_server("embedder 'litellm': api_base=", api_base, "api_base=http://127.0.0.1:8000/v1")
        else:
            require_servers(model.partition("/")[0])
        self._model = model
        self._asked = dimension
        self._dimension = dimension
        self._api_base = api_base
        self._prefix = prefix
        self._batch = batch
        self._batch_tokens = batch_tokens
        self._price = input_price
        self._tries = Tries(model, timeout, retries, backoff)
        own = own_server(model, api_base or None)
        direct = bool(own) if transport == "auto" else transport == "direct"
        self._server = Server(own or OFFICIAL, most=LONGEST_ANSWER) if direct else None
        self._line: Line | None = None
        self._meter: Meter | None = None
        self._usage = Usage()

    @property
    def id(self) -> str:
        """The model, plus the requested dimension, the server and the hash of the prefix unless they are the defaults; never a key."""
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
        """Length of a vector; if it was not given, 0 until the first answer."""
        return self._dimension

    def through(self, line: Line, pace: Pace, meter: Meter) -> None:
        """See :class:`rbsuite.retrieval.base.MeteredEmbedder`."""
        self._line, self._tries.pace, self._meter = line, pace, meter

    def take_usage(self) -> Usage:
        """See :class:`rbsuite.retrieval.base.MeteredEmbedder`."""
        spent, self._usage = self._usage, Usage()
        return spent

    async def aclose(self) -> None:
        """Close connections; a later call opens new ones."""
        if self._server is not None:
            await self._server.aclose()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm; a blank text gives zeros.

        Raises:
            LimitReached: the experiment has reached a limit.
            ModelError: a request failed for good, or its answer does not contain one vector per text, all of one dimension.
        """
        places = [place for place, text in enumerate(texts) if text.strip()]
        try:
            rows = [await self._request(batch) for batch in self._batches([self._prefix + texts[at] for at in places])]
            if not rows and not self._dimension and len(texts):
                # The shape of zeros is only known from an answer.
                rows, places = [(await self._request(["dimension"]))[:0]], []
        finally:
            if self._line is None:  # nobody will close it
                await self.aclose()
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        if places:
            vectors[places] = np.concatenate(rows)
        return vectors

    def _batches(self, texts: list[str]) -> Iterator[list[str]]:
        """The texts, split into requests within the limits; a text that exceeds the token limit by itself is sent alone."""
        batch: list[str] = []
        size = 0
        for text in texts:
            tokens = len(text) // CHARACTERS_PER_TOKEN + 1
            if batch and (len(batch) == self._batch or size + tokens > self._batch_tokens):
                yield batch
                batch, size = [], 0
            batch.append(text)
            size += tokens
        if batch:
            yield batch

    async def _request(self, texts: list[str]) -> Vectors:
        library = load_litellm() if self._server is None else None
        seed = derive_seed(self._model, texts[0])
        if self._meter is not None:
            await self._meter.enter()
        try:
            if self._line is None:
                response = await self._tries.answer(lambda: self._call(texts), seed, library)
            else:
                gate, pace, at = self._line.gate, self._tries.pace, self._line.head
                await gate.enter(pace, self._line, at)
                with slot(gate, pace, self._line, at):
                    response = await self._tries.answer(lambda: self._call(texts), seed, library)
        except Failed as failed:
            error, remedy = failed.error, "Check the embedder's model, api_base and dimension, and the connection."
            what = f"no answer within {self._tries.timeout:g} s" if isinstance(error, TimeoutError) else detail(error)
            if failed.kind in ("authentication", "redirect"):
                remedy = advice(failed.kind, self._model, library)
            # Without the provider's error, which may contain headers.
            raise ModelError(f"embedder {self._model!r}: {what.rstrip('.')}.", remedy) from None
        self._count(response)
        return self._read(response, len(texts))

    async def _call(self, texts: list[str]) -> Any:
        if self._server is not None:
            body = {"model": self._model.removeprefix(PREFIX), "input": texts}
            answer = await self._server.post(
                "/embeddings", body | ({"dimensions": self._asked} if self._asked else {}), {}
            )
            usage = answer.get("usage")
            counts = SimpleNamespace(**usage) if isinstance(usage, dict) else None
            return SimpleNamespace(data=answer.get("data"), usage=counts)
        options: dict[str, Any] = {}
        if self._asked:
            # Unless told to, litellm passes dimensions on only to models with OpenAI's own names.
            options |= {"dimensions": self._asked, "allowed_openai_params": ["dimensions"]}
        if self._api_base:
            options["api_base"] = self._api_base
            if self._model.startswith(PREFIX):
                # A server of one's own often wants no key, but litellm refuses to call without one.
                options["api_key"] = os.environ.get("OPENAI_API_KEY") or "none"
        # The client below litellm does one retry of its own: litellm reads max_retries=0 as its default of 2 here (seen in 1.106).
        return await load_litellm().aembedding(
            model=self._model, input=texts, timeout=self._tries.timeout, num_retries=0, max_retries=1, **options
        )

    def _count(self, response: Any) -> None:
        counted = getattr(response, "usage", None)
        tokens = getattr(counted, "prompt_tokens", 0)
        tokens = tokens if isinstance(tokens, int) and tokens > 0 else 0
        hidden = getattr(response, "_hidden_params", None)
        if self._price is not None:
            cost: Any = tokens * self._price / 1e6
        else:
            cost = price(self._model, counted) if hidden is None else hidden.get("response_cost")
        known = float(cost) if tokens and isinstance(cost, int | float) else None
        self._usage += Usage(calls=1, input_tokens=tokens, cost=known)
        if self._meter is not None:
            self._meter.count(self._model, tokens, known)

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
