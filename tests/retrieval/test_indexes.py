"""One contract for every kind of index, and the traps of hnswlib that it must not show."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extras import KINDS, needs_hnswlib
from rbsuite.errors import UnknownNameError, UsageError
from rbsuite.retrieval import hnsw, select
from rbsuite.retrieval.exact import ExactIndex
from rbsuite.retrieval.hnsw import HnswIndex
from rbsuite.retrieval.select import AutoIndex, make_index

DIMENSION = 8


def vectors(count, dimension=DIMENSION, seed=0):
    drawn = np.random.default_rng(seed).normal(size=(count, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def axis(place, dimension=DIMENSION):
    vector = np.zeros(dimension, dtype=np.float32)
    vector[place] = 1
    return vector


def filled(index, rows, first=0):
    for label, row in enumerate(rows, first):
        index.add(label, row)
    return index


def naive(rows, query, k, labels=None):
    """Labels by rounded cosine, then label; rows are given by label."""
    labels = range(len(rows)) if labels is None else labels
    query = query.astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    scores = {label: round(float(rows[label].astype(np.float64) @ query), 6) for label in labels}
    return sorted(scores, key=lambda label: (-scores[label], label))[:k]


@pytest.fixture(params=["exact", pytest.param("hnsw", marks=needs_hnswlib), "auto"])
def index(request):
    return make_index(request.param, DIMENSION)


class TestContract:
    def test_an_empty_index_finds_nothing(self, index):
        labels, cosines = index.search(axis(0), 3)
        assert len(index) == len(labels) == len(cosines) == 0

    def test_k_above_the_count_gives_all(self, index):
        filled(index, vectors(3))
        assert sorted(index.search(axis(0), 50)[0].tolist()) == [0, 1, 2]

    @pytest.mark.parametrize("k", [0, -1])
    def test_no_k_gives_nothing(self, index, k):
        assert len(filled(index, vectors(3)).search(axis(0), k)[0]) == 0

    def test_best_first_with_cosines(self, index):
        rows = vectors(100)
        labels, cosines = filled(index, rows).search(rows[7], 5)
        assert labels.tolist() == naive(rows, rows[7], 5)
        assert cosines[0] == pytest.approx(1.0)
        np.testing.assert_allclose(cosines, rows[labels] @ rows[7], atol=2e-6)
        assert labels.dtype == np.int64
        assert cosines.dtype == np.float32

    def test_ties_go_to_the_smaller_label(self, index):
        for label in (9, 2, 5):
            index.add(label, axis(1))
        index.add(1, axis(2))
        assert index.search(axis(1), 3)[0].tolist() == [2, 5, 9]

    def test_a_zero_query_finds_nothing(self, index):
        assert len(filled(index, vectors(5)).search(np.zeros(DIMENSION, np.float32), 3)[0]) == 0

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_query_that_is_not_finite_is_refused(self, index, bad):
        query = axis(0)
        query[3] = bad
        with pytest.raises(ValueError, match="not finite"):
            filled(index, vectors(5)).search(query, 1)

    @pytest.mark.parametrize("bad", [np.nan, -np.inf])
    def test_a_vector_that_is_not_finite_is_refused(self, index, bad):
        with pytest.raises(ValueError, match="not finite"):
            index.add(0, np.full(DIMENSION, bad, dtype=np.float32))
        assert len(index) == 0

    def test_a_zero_vector_has_cosine_zero(self, index):
        index.add(0, np.zeros(DIMENSION, np.float32))
        index.add(1, -axis(0))
        labels, cosines = index.search(axis(0), 2)
        assert (labels.tolist(), cosines.tolist()) == ([0, 1], [0.0, -1.0])

    @pytest.mark.parametrize("shape", [(DIMENSION + 1,), (1, DIMENSION), ()])
    def test_another_dimension_is_refused(self, index, shape):
        with pytest.raises(ValueError, match="shape"):
            index.add(0, np.ones(shape, np.float32))
        filled(index, vectors(3))
        with pytest.raises(ValueError, match="shape"):
            index.search(np.ones(shape, np.float32), 1)

    def test_a_label_is_never_overwritten(self, index):
        index.add(4, axis(0))
        with pytest.raises(ValueError, match="label 4 already exists"):
            index.add(4, axis(1))
        assert index.search(axis(0), 1)[1].tolist() == [1.0]
        assert len(index) == 1

    def test_a_removed_vector_is_not_found(self, index):
        filled(index, vectors(10))
        index.remove(3)
        assert len(index) == 9
        assert sorted(index.search(axis(0), 10)[0].tolist()) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        assert index.search(axis(0), 10, np.array([3]))[0].tolist() == []

    def test_removing_what_is_not_there_is_an_error(self, index):
        with pytest.raises(KeyError):
            index.remove(3)
        index.add(3, axis(0))
        index.remove(3)
        with pytest.raises(KeyError):
            index.remove(3)

    def test_a_removed_label_may_be_added_again(self, index):
        filled(index, vectors(10))
        index.remove(3)
        index.add(3, axis(0))
        assert index.search(axis(0), 1)[0].tolist() == [3]

    def test_everything_removed(self, index):
        filled(index, vectors(300))
        for label in range(300):
            index.remove(label)
        assert len(index) == 0
        assert len(index.search(axis(0), 3)[0]) == 0
        index.add(1, axis(2))
        assert index.search(axis(2), 3)[0].tolist() == [1]

    def test_only_allowed_labels_are_found(self, index):
        rows = vectors(1000)
        filled(index, rows)
        allowed = np.array([5, 900, 31, 12345])
        assert index.search(rows[0], 2, allowed)[0].tolist() == naive(rows, rows[0], 2, [5, 900, 31])
        assert len(index.search(rows[0], 2, np.array([], dtype=np.int64))[0]) == 0
        many = np.arange(999, 0, -2)
        assert index.search(rows[0], 7, many)[0].tolist() == naive(rows, rows[0], 7, many.tolist())

    def test_it_grows(self, index):
        rows = vectors(2500)
        filled(index, rows)
        assert len(index) == 2500
        assert [int(index.search(rows[label], 1)[0][0]) for label in (0, 1023, 1024, 2499)] == [0, 1023, 1024, 2499]

    def test_vectors_are_scaled(self, index):
        index.add(0, axis(0) * 7)
        index.add(1, (axis(0) + axis(1)) * 1e-6)
        labels, cosines = index.search(axis(0) * 1e6, 2)
        assert labels.tolist() == [0, 1]
        np.testing.assert_allclose(cosines, [1.0, 2**-0.5], atol=1e-6)

    def test_it_gives_back_its_vectors(self, index):
        rows = vectors(70)
        filled(index, rows)
        np.testing.assert_array_equal(index.vector(66), rows[66])
        with pytest.raises(KeyError):
            index.vector(70)


SMALL = st.integers(-3, 3)
ROWS = st.lists(st.lists(SMALL, min_size=4, max_size=4), min_size=1, max_size=60)


@st.composite
def histories(draw):
    """Vectors of small whole numbers (many ties and zeros), which of them are removed, a query, k and allowed labels."""
    rows = np.array(draw(ROWS), dtype=np.float32)
    removed = draw(st.sets(st.integers(0, len(rows) - 1), max_size=len(rows)))
    allowed = draw(st.none() | st.lists(st.integers(0, 70), unique=True))
    return (
        rows,
        removed,
        np.array(draw(st.lists(SMALL, min_size=4, max_size=4)), np.float32),
        draw(st.integers(0, 70)),
        allowed,
    )


class TestProperties:
    @given(histories())
    @settings(max_examples=60, deadline=None)
    def test_all_kinds_answer_alike_and_right(self, history):
        rows, removed, query, k, allowed = history
        answers = []
        for kind in KINDS:
            index = filled(make_index(kind, 4), rows)
            for label in sorted(removed):
                index.remove(label)
            labels, cosines = index.search(query, k, None if allowed is None else np.array(allowed, dtype=np.int64))
            answers.append((labels.tolist(), cosines.tolist()))
        norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
        unit = np.divide(rows, norms, out=np.zeros(rows.shape), where=norms > 0).astype(np.float32)
        live = [label for label in range(len(rows)) if label not in removed and (allowed is None or label in allowed)]
        assert answers[0][0] == (naive(unit, query, k, live) if query.any() else [])
        assert all(answer == answers[0] for answer in answers[1:])

    @given(st.integers(0, 2**32), st.integers(1, 200), st.booleans())
    @settings(max_examples=40, deadline=None)
    def test_a_score_depends_on_its_vector_alone(self, seed, more, sparse):
        """The same among all, among allowed ones, and after additions, bit by bit; for both storages."""
        rows = vectors(200 + more, 64, seed)
        if sparse:
            rows[:, 3:] = 0
        index, query = filled(ExactIndex(64), rows[:200]), vectors(1, 64, seed + 1)[0]
        labels, cosines = index.search(query, 200)
        before = dict(zip(labels.tolist(), cosines.tolist(), strict=True))
        filled(index, rows[200:], 200)
        assert index.sparse == sparse
        for allowed in (np.arange(200), np.arange(0, 200, 17), np.array([5])):
            labels, cosines = index.search(query, 200, allowed)
            assert dict(zip(labels.tolist(), cosines.tolist(), strict=True)) == {
                label: before[label] for label in allowed.tolist()
            }
        everything = dict(zip(*(part.tolist() for part in index.search(query, 1000)), strict=True))
        assert {label: everything[label] for label in before} == before


class TestExact:
    def test_storage_follows_density_and_keeps_the_vectors(self):
        index, sparse, dense = ExactIndex(64), np.eye(64, dtype=np.float32), vectors(40, 64)
        filled(index, sparse[:20])
        assert index.sparse
        filled(index, dense, 20)
        assert not index.sparse
        np.testing.assert_array_equal(index.vector(3), sparse[3])
        np.testing.assert_array_equal(index.vector(25), dense[5])
        assert index.search(sparse[3], 1)[0].tolist() == [3]

    def test_common_slots_count_in_full(self):
        rows = np.zeros((500, 256), dtype=np.float32)
        rows[:, 0] = 1
        rows[np.arange(500), 1 + np.arange(500) % 200] = 2
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        index = filled(ExactIndex(256), rows)
        assert index.sparse
        for query in (rows[0], rows[123], rows[0] + rows[7]):
            assert index.search(query, 300)[0].tolist() == naive(rows, query, 300)

    def test_near_ties_below_the_rounding_are_ties(self):
        index, near = ExactIndex(4), np.array([1, 1e-4, 0, 0], dtype=np.float32)
        index.add(1, near)
        index.add(2, np.array([1, 0, 0, 0], dtype=np.float32))
        assert index.search(np.array([1, 0, 0, 0], dtype=np.float32), 2)[0].tolist() == [1, 2]


class TestHnsw:
    @needs_hnswlib
    def test_candidates_come_from_a_wide_search(self):
        """hnswlib's own default of 10 would lose a fifth of these."""
        rows = vectors(4000, 32)
        exact, graph = filled(ExactIndex(32), rows), filled(HnswIndex(32), rows)
        queries = vectors(100, 32, seed=1)
        found = [
            set(graph.search(query, 10)[0].tolist()) & set(exact.search(query, 10)[0].tolist()) for query in queries
        ]
        assert sum(map(len, found)) / 1000 > 0.97

    @needs_hnswlib
    def test_two_builds_answer_alike(self):
        rows, queries = vectors(1500, 32), vectors(50, 32, seed=1)
        answers = []
        for _ in range(2):
            index = filled(HnswIndex(32), rows)
            for label in range(0, 1500, 4):
                index.remove(label)
            answers.append([index.search(query, 7)[0].tolist() for query in queries])
        assert answers[0] == answers[1]

    @needs_hnswlib
    def test_a_graph_built_at_once_answers_as_one_built_vector_by_vector(self):
        """A resumed run adds everything before it searches; the run itself searches in between."""
        rows, queries = vectors(2100, 32), vectors(50, 32, seed=1)
        answers = []
        for every in (5, 5000):
            index = HnswIndex(32)
            for label, row in enumerate(rows):
                index.add(label, row)
                if label % 3 == 2 and label < 1200:
                    index.remove(label - 1)
                if label % every == 0:
                    index.search(queries[0], 1)
            answers.append([(index.ef, *(part.tolist() for part in index.search(query, 7))) for query in queries])
        assert answers[0] == answers[1]

    @needs_hnswlib
    def test_harder_vectors_get_a_longer_list(self):
        easy = np.repeat(vectors(128, 64), 16, axis=0) + 0.02 * vectors(2048, 64, seed=1)
        assert filled(HnswIndex(64), easy).ef < filled(HnswIndex(64), vectors(2048, 64)).ef

    @needs_hnswlib
    def test_removed_ones_never_come_back_and_others_are_found(self):
        rows = vectors(2000, 16)
        index = filled(HnswIndex(16), rows)
        live = set(range(2000))
        for label in range(0, 1200):
            index.remove(label)
            live.discard(label)
            if label % 100 == 50:
                labels, cosines = index.search(rows[label], 20)
                assert set(labels.tolist()) <= live
                assert len(labels) == 20
                assert cosines.tolist() == sorted(cosines.tolist(), reverse=True)
        assert len(index) == 800

    @needs_hnswlib
    def test_many_equal_vectors(self):
        index = HnswIndex(DIMENSION)
        for label in range(1500):
            index.add(label, axis(label % 2))
        labels, cosines = index.search(axis(0), 300)
        assert len(labels) == 300
        assert set(cosines.tolist()) == {1.0}

    def test_without_the_library_the_remedy_is_named(self, monkeypatch):
        def missing(name):
            raise ImportError("No module named 'hnswlib'")

        monkeypatch.setattr(hnsw, "import_module", missing)
        with pytest.raises(UsageError, match="pip install hnswlib"):
            make_index("hnsw", 4)


class TestAuto:
    @needs_hnswlib
    def test_it_becomes_hnsw_at_the_threshold_and_loses_nothing(self):
        rows = vectors(700, 32)
        index, exact = AutoIndex(32, threshold=600), ExactIndex(32)
        for label, row in enumerate(rows):
            assert index.name == ("exact" if label < 600 else "hnsw")
            index.add(label, row)
            exact.add(label, row)
        index.remove(5)
        exact.remove(5)
        assert len(index) == 699
        same = [index.search(row, 1)[0].tolist() == exact.search(row, 1)[0].tolist() for row in rows]
        assert np.mean(same) > 0.99

    @needs_hnswlib
    def test_where_the_graph_finds_too_little_it_is_exact_again_and_says_so(self, caplog):
        rows, queries = vectors(2600, 256), vectors(20, 256, seed=1)
        index, exact = filled(AutoIndex(256, threshold=2500), rows), filled(ExactIndex(256), rows)
        assert index.name == "exact"
        assert [record.getMessage() for record in caplog.records] == [
            "hnswlib finds too few of the nearest: retrieval stays exact"
        ]
        assert [index.search(row, 5)[0].tolist() for row in queries] == [
            exact.search(row, 5)[0].tolist() for row in queries
        ]

    def test_sparse_vectors_stay_exact(self):
        index = AutoIndex(64, threshold=10)
        filled(index, np.eye(64, dtype=np.float32))
        assert index.name == "exact"

    def test_without_the_library_it_stays_exact_and_says_so_once(self, monkeypatch, caplog):
        monkeypatch.setattr(select, "hnswlib_installed", lambda: False)
        index = AutoIndex(DIMENSION, threshold=10)
        with caplog.at_level(logging.INFO):
            filled(index, vectors(30))
        assert index.name == "exact"
        assert [record.getMessage() for record in caplog.records] == ["hnswlib is not installed: retrieval stays exact"]

    def test_an_unknown_kind_is_named(self):
        with pytest.raises(UnknownNameError, match="'exact'"):
            make_index("exakt", 4)
