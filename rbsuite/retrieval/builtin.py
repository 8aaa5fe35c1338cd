"""Declares the embedders that come with rbsuite."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.options import Option
from rbsuite.specs import EmbedderSpec

_HASH = EmbedderSpec(
    name="hash",
    summary="words and pairs of words, hashed; nothing to download, the same on every machine",
    factory="rbsuite.retrieval.hashing:HashEmbedder",
    options=(Option("dimension", "int", 4096, "number of slots", minimum=16, maximum=1 << 20),),
)

_LITELLM = EmbedderSpec(
    name="litellm",
    summary="an embedding model behind an API, by its litellm name, e.g. litellm:openai/text-embedding-3-small",
    factory="rbsuite.retrieval.litellm_embedder:LitellmEmbedder",
    options=(
        Option("model", "str", "", "litellm's name for the model, e.g. openai/text-embedding-3-small"),
        Option("dimension", "int", 0, "length of a vector; 0: the model's own", minimum=0),
        Option("api_base", "str", "", "base URL of the API; empty: the provider's own"),
        Option("prefix", "str", "", "prefix for every text"),
        Option("batch", "int", 128, "maximum number of texts in one request", minimum=1),
        Option("timeout", "float", 60.0, "seconds to wait for a reply", minimum=0.1),
        Option("retries", "int", 4, "retries after a transient error", minimum=0),
        Option("batch_tokens", "int", 100_000, "maximum number of tokens in one request, estimated", minimum=1),
    ),
    remote=True,
)

_LOCAL = EmbedderSpec(
    name="local",
    summary="a sentence-transformer in a local directory, e.g. local:models/all-MiniLM-L6-v2; no network",
    factory="rbsuite.retrieval.local:LocalEmbedder",
    options=(
        Option("directory", "str", "", "directory of the model"),
        Option("prefix", "str", "", "prefix for every text"),
    ),
)


@hookimpl
def rbsuite_embedders() -> Sequence[EmbedderSpec]:
    """The embedders ``hash``, ``litellm`` and ``local``."""
    return [_HASH, _LITELLM, _LOCAL]
