from __future__ import annotations

import pytest

from rbsuite.errors import UsageError
from rbsuite.options import PartReference
from rbsuite.retrieval.builtin import rbsuite_embedders
from rbsuite.specs import load_object

SPECS = {spec.name: spec for spec in rbsuite_embedders()}


def values(text):
    reference = PartReference.parse(text)
    return reference.values("embedder", SPECS[reference.name].options)


def test_names():
    assert list(SPECS) == ["hash", "litellm", "local"]


@pytest.mark.parametrize(
    ("text", "option", "value"),
    [
        ("hash", "dimension", 4096),
        ("hash:1024", "dimension", 1024),
        ("hash:dimension=1024", "dimension", 1024),
        ("litellm:openai/text-embedding-3-small", "model", "openai/text-embedding-3-small"),
        ("litellm:ollama/nomic-embed-text:latest", "model", "ollama/nomic-embed-text:latest"),
        ("litellm:openai/m,api_base=http://127.0.0.1:80/v1", "api_base", "http://127.0.0.1:80/v1"),
        ("local:models/all-MiniLM-L6-v2", "directory", "models/all-MiniLM-L6-v2"),
    ],
)
def test_references(text, option, value):
    assert values(text)[option] == value


def test_a_bad_dimension_is_refused():
    with pytest.raises(UsageError, match="dimension"):
        values("hash:8")


def test_the_factory_takes_the_declared_options():
    embedder = load_object(SPECS["hash"].factory, "embedder 'hash'")(**values("hash:dimension=64"))
    assert embedder.dimension == 64
    embedder = load_object(SPECS["litellm"].factory, "embedder 'litellm'")(**values("litellm:openai/m"))
    assert embedder.id == "litellm/1:openai/m"
    with pytest.raises(UsageError, match="not a directory"):
        load_object(SPECS["local"].factory, "embedder 'local'")(**values("local:no/such/place"))
