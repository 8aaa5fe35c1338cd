"""What this plugin declares. Importing it loads nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence

from rbsuite.hookspecs import hookimpl
from rbsuite.specs import Check, EmbedderSpec, ModelSpec, Option


def _server_options(max_tokens: int, threads: int) -> tuple[Option, ...]:
    return (
        Option("slots", "int", 2, "replies generated concurrently", minimum=1, maximum=64),
        Option("context", "int", 8192, "tokens that prompt and reply may have in total", minimum=256),
        Option("max_tokens", "int", max_tokens, "most tokens in a reply", minimum=1),
        Option("threads", "int", threads, "compute threads; 0: one per processor", minimum=0),
        Option("timeout", "float", 600.0, "seconds that one call may take", minimum=1.0),
    )


@hookimpl
def rbsuite_models() -> Sequence[ModelSpec]:
    """SmolLM2-135M from its wheel, and any GGUF file."""
    return [
        ModelSpec(
            "local/smollm2-135m",
            "SmolLM2-135M-Instruct on this machine: a real model, and a very small one",
            "rbsuite_local.model:smollm2",
            # It is so small that threads gain little, and lose much if others want the processors too.
            _server_options(max_tokens=256, threads=1),
            needs=(Check("llama.cpp's server and the weights", "rbsuite_local.packages:check_model"),),
        ),
        ModelSpec(
            "local",
            "a model in a GGUF file on this machine, e.g. local:path=model.gguf",
            "rbsuite_local.model:LocalModel",
            (Option("path", "str", "", "the file"), *_server_options(max_tokens=1024, threads=0)),
            needs=(Check("llama.cpp's server", "rbsuite_local.packages:check_server"),),
        ),
    ]


@hookimpl
def rbsuite_embedders() -> Sequence[EmbedderSpec]:
    """all-MiniLM-L6-v2 from its wheel."""
    return [
        EmbedderSpec(
            "local/minilm",
            "all-MiniLM-L6-v2 on this machine, in numpy; only a text's first 256 tokens",
            "rbsuite_local.minilm:MiniLMEmbedder",
            (Option("prefix", "str", "", "prefix for every text"),),
            needs=(Check("the weights", "rbsuite_local.packages:check_embedder"),),
        )
    ]
