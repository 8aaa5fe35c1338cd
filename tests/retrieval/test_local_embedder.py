"""The embedder of local directories, with a stand-in for the optional package."""

from __future__ import annotations

import asyncio
import importlib.machinery
import sys
from types import ModuleType

import numpy as np
import pytest

from rbsuite.errors import ModelError, UsageError
from rbsuite.retrieval.local import LocalEmbedder


class StandIn:
    """Answers as SentenceTransformer does: a vector of a text's length and its number of words."""

    calls: list[tuple[str, dict]]

    def __init__(self, directory, **options):
        if "broken" in directory:
            raise OSError("no such weights")
        self.calls.append((directory, options))

    def get_sentence_embedding_dimension(self):
        return 2

    def encode(self, texts, normalize_embeddings, convert_to_numpy, show_progress_bar):
        assert normalize_embeddings
        vectors = np.array([[len(text), len(text.split())] for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def package(monkeypatch):
    module = ModuleType("sentence_transformers")
    module.__spec__ = importlib.machinery.ModuleSpec("sentence_transformers", None)
    module.SentenceTransformer = type("SentenceTransformer", (StandIn,), {"calls": []})
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    return module.SentenceTransformer


def directory(tmp_path, name="model", weights=b"weights"):
    (tmp_path / name).mkdir()
    (tmp_path / name / "model.safetensors").write_bytes(weights)
    return str(tmp_path / name)


def test_it_embeds_without_network_or_pickles(package, tmp_path):
    embedder = LocalEmbedder(directory(tmp_path))
    assert package.calls == []
    vectors = asyncio.run(embedder.embed(["four", "", "two words"]))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-6)
    assert embedder.dimension == 2
    ((_, options),) = package.calls
    assert options["local_files_only"] is True
    assert options["trust_remote_code"] is False
    assert options["model_kwargs"] == {"use_safetensors": True}


def test_the_id_is_that_of_the_files(package, tmp_path):
    first = LocalEmbedder(directory(tmp_path, "a")).id
    assert LocalEmbedder(directory(tmp_path, "b")).id == first
    assert LocalEmbedder(directory(tmp_path, "c", b"others")).id != first
    assert LocalEmbedder(str(tmp_path / "a"), prefix="query: ").id != first


def test_without_the_package_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("rbsuite.retrieval.local.find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install sentence-transformers"):
        LocalEmbedder(directory(tmp_path))


def test_no_directory(tmp_path):
    with pytest.raises(UsageError, match="needs a directory"):
        LocalEmbedder("")
    with pytest.raises(UsageError, match="is not a directory"):
        LocalEmbedder(str(tmp_path / "nowhere"))


def test_pickled_weights_are_refused(package, tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UsageError, match="no safetensors"):
        LocalEmbedder(str(tmp_path))


def test_a_model_that_cannot_be_loaded(package, tmp_path):
    with pytest.raises(ModelError, match="no such weights"):
        asyncio.run(LocalEmbedder(directory(tmp_path, "broken")).embed(["x"]))
