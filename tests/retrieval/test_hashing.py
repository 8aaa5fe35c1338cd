from __future__ import annotations

import asyncio
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import UsageError
from rbsuite.retrieval import hashing
from rbsuite.retrieval.hashing import HashEmbedder


def embed(*texts, dimension=4096):
    return asyncio.run(HashEmbedder(dimension).embed(texts))


def test_shape_type_and_norm():
    vectors = embed("cancel my order", "", "Bitte stornieren")
    assert vectors.shape == (3, 4096)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1], atol=1e-6)


def test_no_texts():
    assert embed().shape == (0, 4096)


def test_vectors_are_the_same_on_every_machine():
    """Stored vectors and scores of published runs depend on this text's hash; a change of the scheme needs another id."""
    vector = embed("Please exchange order #W12, the blue one. 请帮我 e\u0301té")[0]
    slots = np.flatnonzero(vector)
    facts = ",".join(f"{slot}:{'+' if vector[slot] > 0 else '-'}" for slot in slots)
    assert hashlib.sha256(facts.encode()).hexdigest()[:16] == "840909fd69e1dc8e"
    assert HashEmbedder().id == "hash/1:dimension=4096"


def test_case_and_punctuation_do_not_count():
    first, second = embed("Return the Lamp!", "return, the lamp")
    np.testing.assert_array_equal(first, second)


def test_order_of_words_counts():
    first, second = embed("book before pay", "pay before book")
    assert 0.3 < float(first @ second) < 0.9


def test_words_without_spaces_are_told_apart():
    query, near, far = embed("请帮我订明天的机票", "我要订后天的机票", "今天天气怎么样")
    assert query @ near > query @ far


def test_alike_texts_are_nearer():
    query, near, far = embed(
        "I want to exchange the keyboard of order 5",
        "exchange a keyboard of an order please",
        "what is my flight status",
    )
    assert query @ near > 0.2 > query @ far


def test_unrelated_texts_cancel_on_average():
    """Alternating signs: collisions have no direction, even with few slots."""
    texts = [" ".join(f"{side}{text}x{word}" for word in range(30)) for side in "ab" for text in range(40)]
    vectors = embed(*texts, dimension=64)
    assert abs(float((vectors[:40] @ vectors[40:].T).mean())) < 0.02


@given(st.text(max_size=60), st.text(max_size=60), st.integers(16, 5000))
def test_any_text_alone_or_in_a_batch_on_a_new_or_used_embedder(first, second, dimension):
    both = embed(first, second, dimension=dimension)
    assert both.shape == (2, dimension)
    np.testing.assert_array_equal(both[1], embed(second, dimension=dimension)[0])
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), both.any(axis=1), atol=1e-5)


@given(st.lists(st.sampled_from("abcdef"), max_size=16).map(" ".join), st.integers(16, 80))
def test_few_words_have_the_vector_that_they_would_have_among_many(text, dimension):
    """Short texts are added up without arrays, to the same bits."""
    with pytest.MonkeyPatch.context() as patch:
        short = embed(text, dimension=dimension)
        patch.setattr(hashing, "_FEW", 0)
        np.testing.assert_array_equal(embed(text, dimension=dimension), short)


def test_the_dimension_is_part_of_the_id():
    assert HashEmbedder(1024).id != HashEmbedder(2048).id
    assert HashEmbedder(1024).dimension == 1024


def test_too_few_slots_are_refused():
    with pytest.raises(UsageError, match="dimension=8"):
        HashEmbedder(8)
