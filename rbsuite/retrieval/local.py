"""A sentence-transformer in a local directory. Needs the optional package sentence-transformers; never the network."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rbsuite.errors import ModelError, UsageError
from rbsuite.jsonable import text_digest

if TYPE_CHECKING:
    from rbsuite.retrieval.base import Vectors

_BLOCK = 1 << 20


class LocalEmbedder:
    """A model that the package sentence-transformers loads from a directory.

    Weights must be in safetensors files: pickled ones run code when they are loaded, so they are refused. The model is loaded on first
    use.

    Args:
        directory: directory of the model.
        prefix: put before every text.

    Raises:
        UsageError: no directory is named, it does not exist or contains no safetensors file, or the package is not installed.
    """

    def __init__(self, directory: str = "", prefix: str = "") -> None:
        if not directory:
            raise UsageError("embedder 'local' needs a directory.", "Write local:DIRECTORY.")
        self._directory = Path(directory).expanduser()
        if not self._directory.is_dir():
            raise UsageError(f"embedder 'local': {directory} is not a directory.", "Name the directory of the model.")
        if not any(self._directory.rglob("*.safetensors")):
            raise UsageError(
                f"embedder 'local': {directory} contains no safetensors file.",
                "Save the model with sentence-transformers' save_pretrained.",
            )
        if find_spec("sentence_transformers") is None:
            raise UsageError(
                "embedder 'local' needs the package sentence-transformers.", "Run: pip install sentence-transformers"
            )
        self._prefix = prefix
        self._digest = ""
        self._loaded: Any = None

    @property
    def id(self) -> str:
        """Hash of the directory's files and of the prefix; not its path, so that it is the same on every machine."""
        if not self._digest:
            self._digest = _digest(self._directory)
        prefix = f",prefix={text_digest(self._prefix)[:16]}" if self._prefix else ""
        return f"local/1:sha256={self._digest[:16]}{prefix}"

    @property
    def dimension(self) -> int:
        """Length of a vector; loads the model.

        Raises:
            ModelError: the model cannot be loaded.
        """
        return int(self._model().get_sentence_embedding_dimension())

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts: float32, shape (len(texts), dimension), rows of unit norm; a blank text gives zeros.

        Raises:
            ModelError: the model cannot be loaded.
        """
        return await asyncio.to_thread(self._encode, list(texts))

    def _encode(self, texts: list[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        places = [place for place, text in enumerate(texts) if text.strip()]
        if places:
            vectors[places] = self._model().encode(
                [self._prefix + texts[place] for place in places],
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        return vectors

    def _model(self) -> Any:
        if self._loaded is None:
            try:
                library: Any = import_module("sentence_transformers")
                self._loaded = library.SentenceTransformer(
                    str(self._directory),
                    local_files_only=True,
                    trust_remote_code=False,
                    device="cpu",
                    model_kwargs={"use_safetensors": True},
                )
            except Exception as error:
                raise ModelError(
                    f"embedder 'local': {self._directory} cannot be loaded: {error}.",
                    "Check that it is a sentence-transformer's directory.",
                ) from error
        return self._loaded


def _digest(directory: Path) -> str:
    """SHA-256 over the names and contents of a directory's files, in the order of their names."""
    state = hashlib.sha256()
    for path in sorted(file for file in directory.rglob("*") if file.is_file()):
        state.update(f"{path.relative_to(directory).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                state.update(block)
    return state.hexdigest()
