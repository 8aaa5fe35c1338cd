"""The versioned bank, against a naive fold of the same operations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extras import HNSWLIB, needs_hnswlib
from rbsuite.errors import PluginError, UnknownNameError
from rbsuite.experience import MemoryItem, MemoryOp, Provenance
from rbsuite.memories.bank import Bank
from rbsuite.memories.base import SearchResult
from rbsuite.memories.standing import Watch
from rbsuite.oplog import GENESIS, chain
from rbsuite.retrieval.hashing import HashEmbedder

WORDS = ["order", "refund", "lamp", "flight", "seat", "exchange", "bag", "pay"]


def provenance(task="t0", position=0):
    return Provenance(task, position, (0,), "success", "self")


def item(name, experience=None, key="refund my order", kind="strategy", domain="retail", task="t0", **fields):
    experience = experience or f"e-{name}"
    return MemoryItem(
        name, "title", "description", "content", key, experience, kind, domain, provenance(task), **fields
    )


def add(name, *arguments, **fields):
    return MemoryOp("add", provenance(), item=item(name, *arguments, **fields))


def delete(name):
    return MemoryOp("delete", provenance(), item_id=name)


def filled(*versions, **options):
    bank = Bank(HashEmbedder(), **options)

    async def apply():
        for version, ops in enumerate(versions, 1):
            await bank.apply(version, ops)

    asyncio.run(apply())
    return bank


def search(bank, query, k=1, version=None, **filters):
    return asyncio.run(bank.search(query, k, bank.version if version is None else version, **filters))


def found(bank, query, k=1, version=None, **filters):
    return [hit.experience for hit in search(bank, query, k, version, **filters).hits]


class CountingEmbedder(HashEmbedder):
    def __init__(self):
        super().__init__(64)
        self.asked = []

    async def embed(self, texts):
        self.asked += texts
        return await super().embed(texts)


class TestApply:
    def test_a_new_bank_is_at_version_0(self):
        bank = Bank(HashEmbedder())
        assert (bank.version, bank.state_hash, bank.items(0), bank.document("sheet", 0)) == (0, GENESIS, (), "")

    def test_no_operations_are_a_version_too(self):
        bank = filled([], [add("a")], [])
        assert bank.version == 3
        assert bank.state_hash == chain(chain(chain(GENESIS, 1, []), 2, [add("a")]), 3, [])

    def test_versions_come_in_order(self):
        bank = filled([add("a")])
        for version in (0, 1, 3):
            with pytest.raises(ValueError, match="the next is 2"):
                asyncio.run(bank.apply(version, []))

    def test_an_added_item_has_revision_1_whatever_it_said(self):
        assert filled([add("a", revision=7)]).get("a", 1).revision == 1

    def test_update_replaces_and_keeps_the_place(self):
        changed = replace(item("a", key="refund my order"), content="better")
        bank = filled([add("a"), add("b")], [MemoryOp("update", provenance(), item=changed)])
        assert [(stored.id, stored.content, stored.revision) for stored in bank.items(2)] == [
            ("a", "better", 2),
            ("b", "content", 1),
        ]
        assert bank.get("a", 1).content == "content"

    def test_score_adds_and_link_appends(self):
        score = MemoryOp("score", provenance(), item_id="a", counters={"helpful": 1.0})
        link = MemoryOp("link", provenance(), item_id="a", target="b")
        bank = filled([add("a", counters={"helpful": 0.5}), add("b")], [score, score, link], [link])
        assert bank.get("a", 1).counters == {"helpful": 0.5}
        after = bank.get("a", 3)
        assert (after.counters, after.links, after.revision) == ({"helpful": 2.5}, ("b",), 5)

    def test_a_deleted_item_can_be_added_again_as_its_next_revision(self):
        bank = filled([add("a"), add("b")], [delete("a")], [add("a")])
        assert [stored.id for stored in bank.items(1)] == ["a", "b"]
        assert [stored.id for stored in bank.items(2)] == ["b"]
        assert [(stored.id, stored.revision) for stored in bank.items(3)] == [("b", 1), ("a", 2)]
        assert bank.get("a", 2) is None

    def test_a_deleted_item_can_be_added_again_to_another_experience(self):
        bank = filled([add("a", "e1"), add("b", "e1")], [delete("a")], [add("a", "e2", key="another order")])
        hits = {hit.experience: [stored.id for stored in hit.items] for hit in search(bank, "order", 5).hits}
        assert hits == {"e1": ["b"], "e2": ["a"]}

    def test_documents_keep_their_past(self):
        texts = ["first", "long " * 1000, "", "again \ud800"]
        puts = [[MemoryOp("put_document", provenance(), document="sheet", text=text)] for text in texts]
        bank = filled(*puts)
        assert [bank.document("sheet", version) for version in range(5)] == ["", *texts]
        assert bank.document("other", 4) == ""

    @pytest.mark.parametrize(
        ("op", "message"),
        [
            (add("a"), r"operation 2 of version 2 \(add 'a'\): an item with this id already exists"),
            (MemoryOp("update", provenance(), item=item("x")), r"\(update 'x'\): there is no such item"),
            (delete("x"), r"\(delete 'x'\): there is no such item"),
            (MemoryOp("link", provenance(), item_id="x", target="a"), r"\(link 'x'\): there is no such item"),
            (MemoryOp("link", provenance(), item_id="a", target="x"), "no item 'x' to link to"),
            (MemoryOp("score", provenance(), item_id="x"), r"\(score 'x'\): there is no such item"),
            (MemoryOp("add", provenance()), "it has no item"),
            (MemoryOp("forget", provenance()), "no such kind of operation"),
            (MemoryOp("add", None, item=item("x")), "it has no provenance"),
            ("add", "str is not a MemoryOp"),
            (add(""), "id is empty"),
            (add("x", key=None), "key is not text"),
            (MemoryOp("add", provenance(), item=replace(item("x"), experience="")), "experience is empty"),
            (MemoryOp("add", provenance(), item=replace(item("x"), provenance=None)), "item has no provenance"),
            (add("x", links=["a"]), "links are not a tuple"),
            (add("x", counters={"helpful": float("nan")}), "'helpful' is not a finite number"),
            (MemoryOp("score", provenance(), item_id="a", counters={"helpful": "1"}), "'helpful' is not a finite"),
            (add("x", "e-a", key="another"), "experience 'e-a' has another key"),
            (MemoryOp("update", provenance(), item=item("a", key="another")), "may not change experience or key"),
            (MemoryOp("update", provenance(), item=item("a", "e2")), "may not change experience or key"),
            (MemoryOp("put_document", provenance(), text="x"), "document must have a name"),
            (MemoryOp("delete", Provenance("t", object()), item_id="a"), "a field of another type"),
            (MemoryOp("delete", Provenance("t", 0), item_id="a", reason=7), "its reason is not text"),
        ],
    )
    def test_a_version_with_a_bad_operation_changes_nothing(self, op, message):
        bank = filled([add("a")])
        before = (bank.version, bank.state_hash, bank.items(1))
        with pytest.raises(PluginError, match=message):
            asyncio.run(bank.apply(2, [add("new"), op]))
        assert (bank.version, bank.state_hash, bank.items(1)) == before
        assert found(bank, "refund", 5) == ["e-a"]
        asyncio.run(bank.apply(2, [add("new")]))
        assert found(bank, "refund", 5) == ["e-a", "e-new"]

    def test_operations_of_a_version_see_those_before_them(self):
        bank = filled(
            [add("a"), delete("a"), add("a"), MemoryOp("score", provenance(), item_id="a", counters={"n": 1})]
        )
        assert (bank.get("a", 1).revision, bank.get("a", 1).counters) == (3, {"n": 1})
        with pytest.raises(PluginError, match="operation 2"):
            asyncio.run(bank.apply(2, [delete("a"), delete("a")]))

    def test_a_failing_embedder_leaves_the_bank_as_it_was(self):
        class Failing(HashEmbedder):
            async def embed(self, texts):
                raise PluginError("no")

        bank = Bank(Failing())
        with pytest.raises(PluginError, match="no"):
            asyncio.run(bank.apply(1, [add("a")]))
        assert (bank.version, bank.state_hash, bank.items(0)) == (0, GENESIS, ())

    @pytest.mark.parametrize(
        "answer", [np.zeros((2, 4)), np.zeros(4), np.full((1, 4), np.nan), np.zeros((1, 0)), np.float32(1)]
    )
    def test_an_embedder_that_breaks_its_contract_is_named(self, answer):
        class Wrong(HashEmbedder):
            async def embed(self, texts):
                return answer.astype(np.float32)

        with pytest.raises(PluginError, match=r"embedder 'hash/1:dimension=4096': it returned"):
            asyncio.run(Bank(Wrong()).apply(1, [add("a")]))

    def test_a_key_is_embedded_once(self):
        bank = Bank(embedder := CountingEmbedder())

        async def use():
            await bank.search("first query", 1, 0)
            await bank.apply(
                1, [add("a", "e", key="one"), add("b", "e", key="one"), add("c", key="one"), add("d", key="two")]
            )
            await bank.apply(2, [delete("d")])
            await bank.apply(3, [add("x", key="two")])
            await bank.search("one", 1, 1)
            await bank.search("three", 1, 2)
            await bank.search("three", 1, 3)

        asyncio.run(use())
        assert embedder.asked == ["one", "two", "three"]

    def test_what_was_given_may_change_afterwards(self):
        counters = {"helpful": 1.0}
        bank = filled([add("a", counters=counters)])
        counters["helpful"] = 9.0
        assert bank.get("a", 1).counters == {"helpful": 1.0}

    def test_an_unknown_index_is_refused(self):
        with pytest.raises(UnknownNameError, match="annoy"):
            Bank(HashEmbedder(), "annoy")


class TestReads:
    def test_only_its_own_versions(self):
        bank = filled([add("a")])
        for version in (-1, 2):
            for read in (lambda v: bank.get("a", v), bank.items, lambda v: bank.document("x", v)):
                with pytest.raises(ValueError, match="versions 0 to 1"):
                    read(version)
            with pytest.raises(ValueError, match="versions 0 to 1"):
                search(bank, "x", 1, version)

    def test_items_by_kind_domain_and_task(self):
        bank = filled([add("a"), add("b", kind="workflow"), add("c", domain="airline"), add("d", task="t1")])
        assert [stored.id for stored in bank.items(1, kind="strategy")] == ["a", "c", "d"]
        assert [stored.id for stored in bank.items(1, domain="retail")] == ["a", "b", "d"]
        assert [stored.id for stored in bank.items(1, "strategy", "retail", {"t1"})] == ["a"]

    def test_an_experience_comes_with_all_its_items_in_order(self):
        bank = filled([add("b", "e"), add("a", "e")], [add("c", "e"), add("x", key="book a flight")])
        (hit,) = search(bank, "refund my order").hits
        assert hit.experience == "e"
        assert hit.score == 1.0
        assert [stored.id for stored in hit.items] == ["b", "a", "c"]
        (past,) = search(bank, "refund my order", version=1).hits
        assert [stored.id for stored in past.items] == ["b", "a"]

    def test_an_experience_without_live_items_is_not_found(self):
        bank = filled([add("a", "e"), add("b", "e"), add("x", key="order")], [delete("a")], [delete("b")])
        assert found(bank, "refund my order", version=2) == ["e"]
        assert found(bank, "refund my order") == ["e-x"]
        assert found(bank, "refund my order", version=1) == ["e"]

    def test_it_is_found_again_when_it_has_items_again(self):
        bank = filled([add("a", "e")], [delete("a")], [add("b", "e")], [])
        assert [found(bank, "refund", version=version) for version in (1, 2, 3, 4)] == [["e"], [], ["e"], ["e"]]

    def test_items_of_the_task_at_hand_are_left_out(self):
        bank = filled([add("a", "e", task="mine"), add("b", "e", task="other"), add("c", task="mine")])
        (hit,) = search(bank, "refund my order", 5, exclude_tasks={"mine"}).hits
        assert [stored.id for stored in hit.items] == ["b"]

    @pytest.mark.parametrize(
        ("versions", "arguments", "reason"),
        [
            ([], {}, "empty bank"),
            ([[add("a")], [delete("a")]], {"kind": "x"}, "empty bank"),
            ([[add("a")]], {"version": 0}, "empty bank"),
            ([[add("a")]], {"kind": "x"}, "nothing of kind 'x'"),
            ([[add("a")]], {"domain": "x"}, "nothing in domain 'x'"),
            (
                [[add("a"), add("b", kind="w", domain="d")]],
                {"kind": "w", "domain": "retail"},
                "nothing of kind 'w' in domain 'retail'",
            ),
            ([[add("a")]], {"exclude_tasks": {"t0"}}, "only the task's own items"),
            (
                [[add("a", kind="w", task="t1"), add("b")]],
                {"exclude_tasks": {"t1"}, "kind": "w"},
                "only the task's own items",
            ),
            ([[add("a")]], {"query": "?!"}, "query has no features"),
            ([[add("a")]], {"k": 0}, "no experience was asked for (k=0)"),
        ],
    )
    def test_the_reason_for_nothing(self, versions, arguments, reason):
        bank = filled(*versions)
        result = search(bank, **{"query": "refund", **arguments})
        assert (result.hits, result.reason) == ((), reason)

    @needs_hnswlib
    def test_which_index_answered(self):
        adds = [add(f"i{number}", key=f"order number {number}", task=f"t{number}") for number in range(300)]
        bank = filled(adds, [add("late", kind="workflow")], [], index_kind="hnsw")
        assert search(bank, "order").index == "hnsw"
        assert search(bank, "order", exclude_tasks={"t3"}).index == "hnsw"
        assert search(bank, "order", version=2).index == "hnsw"
        assert search(bank, "order", version=1).index == "exact"
        assert search(bank, "order", kind="strategy").index == "exact"
        assert search(filled(adds), "order").index == "exact"
        assert search(filled(adds), "order").reason == ""

    @needs_hnswlib
    def test_hnsw_leaves_out_the_task_at_hand(self):
        adds = [add(f"i{number}", key="the same order", task=f"t{number}") for number in range(300)]
        bank = filled(adds, index_kind="hnsw")
        hits = found(bank, "the same order", 5, exclude_tasks={"t0", "t1"})
        assert len(hits) == 5
        assert not {"e-i0", "e-i1"} & set(hits)

    def test_versions_applied_while_a_query_is_embedded_do_not_show(self):
        class Slow(HashEmbedder):
            async def embed(self, texts):
                await asyncio.sleep(0.01 if texts == ["refund"] else 0)
                return await super().embed(texts)

        async def race():
            bank = Bank(Slow())
            await bank.apply(1, [add("a", key="order")])
            searching = asyncio.create_task(bank.search("refund", 5, 1))
            await asyncio.sleep(0)
            await bank.apply(2, [delete("a"), add("b", key="refund")])
            return await searching

        assert [hit.experience for hit in asyncio.run(race()).hits] == ["e-a"]


class TestChain:
    def test_a_known_chain(self):
        """Stored experiments hold these hashes."""
        assert chain(GENESIS, 1, []) == "b23974b70b8adc6ce4d9eab2db25008f5c58b4c8a162c4cfe961282342bc07cc"
        assert chain(GENESIS, 1, [add("a")]) == "282b701a9f028e3c99b00c45a7fda7217a6234e3f4033c0338394baa9989503f"

    @given(
        st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=4),
        st.lists(st.lists(st.sampled_from("abcd"), max_size=3), max_size=4),
    )
    def test_it_changes_if_and_only_if_the_operations_do(self, first, second):
        def hash_of(log):
            state = GENESIS
            for version, names in enumerate(log, 1):
                state = chain(state, version, [add(name) for name in names])
            return state

        assert (hash_of(first) == hash_of(second)) == (first == second)

    @pytest.mark.parametrize(
        "change",
        [{"reason": "x"}, {"provenance": provenance("t1")}, {"item": item("a", task="t9")}, {"counters": {"n": 0}}],
    )
    def test_every_field_counts(self, change):
        assert chain(GENESIS, 1, [replace(add("a"), **change)]) != chain(GENESIS, 1, [add("a")])


@dataclass
class Naive:
    """The contract, written down as plainly as possible: the whole state is copied at every version."""

    items: dict[str, MemoryItem] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def apply(self, op):
        name = op.item.id if op.item else op.item_id
        if op.op == "put_document":
            self.documents[op.document] = op.text
        elif op.op == "delete":
            del self.items[name]
        else:
            new = {
                "add": lambda: op.item,
                "update": lambda: op.item,
                "link": lambda: replace(
                    self.items[name], links=tuple(dict.fromkeys((*self.items[name].links, op.target)))
                ),
                "score": lambda: replace(
                    self.items[name],
                    counters={
                        key: self.items[name].counters.get(key, 0) + op.counters.get(key, 0)
                        for key in {**self.items[name].counters, **op.counters}
                    },
                ),
            }[op.op]()
            self.revisions[name] = self.revisions.get(name, 0) + 1
            self.items[name] = replace(new, revision=self.revisions[name])
            self.keys.setdefault(new.experience, new.key)

    def copy(self):
        return Naive(dict(self.items), dict(self.documents), dict(self.revisions), dict(self.keys))


@st.composite
def logs(draw):
    """Valid logs: versions of random operations on a dozen ids, with few experiences, kinds, domains and tasks."""
    state, versions, states = Naive(), [], [Naive()]
    for position in range(draw(st.integers(0, 7))):
        ops = []
        for _ in range(draw(st.integers(0, 5))):
            op = draw(operations(state, position))
            state.apply(op)
            ops.append(op)
        versions.append(ops)
        states.append(state.copy())
    return versions, states


@st.composite
def operations(draw, state, position):
    name = f"i{draw(st.integers(0, 11))}"
    where = provenance(f"t{position}", position)
    kind = draw(st.sampled_from(["add", "update", "delete", "link", "score", "put_document"]))
    if kind == "put_document":
        return MemoryOp("put_document", where, document=draw(st.sampled_from("xy")), text=draw(st.text(max_size=5)))
    if name not in state.items:
        experience = f"e{draw(st.integers(0, 5))}"
        key = state.keys.get(experience, " ".join(draw(st.lists(st.sampled_from(WORDS), max_size=4))))
        return MemoryOp("add", where, item=drawn_item(draw, name, experience, key, where))
    if kind in ("add", "update"):
        old = state.items[name]
        return MemoryOp("update", where, item=drawn_item(draw, name, old.experience, old.key, where))
    if kind == "link":
        return MemoryOp("link", where, item_id=name, target=draw(st.sampled_from(sorted(state.items))))
    if kind == "score":
        counters = draw(st.dictionaries(st.sampled_from("hn"), st.integers(0, 3).map(float), max_size=2))
        return MemoryOp("score", where, item_id=name, counters=counters)
    return MemoryOp("delete", where, item_id=name)


def drawn_item(draw, name, experience, key, where):
    kind, domain = draw(st.sampled_from(["strategy", "workflow"])), draw(st.sampled_from(["retail", "airline"]))
    return MemoryItem(name, "t", "d", draw(st.text(max_size=3)), key, experience, kind, domain, where)


FILTERS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["", "", "strategy"]),
        "domain": st.sampled_from(["", "", "retail"]),
        "exclude_tasks": st.sets(st.sampled_from(["t0", "t1", "t2", "t3"]), max_size=2),
    }
)


def fits(stored, kind, domain, exclude_tasks):
    return (
        (not kind or stored.kind == kind)
        and (not domain or stored.domain == domain)
        and stored.provenance.task_id not in exclude_tasks
    )


def ordered_as_added(log, upto):
    """Ids in the order of their last addition."""
    order = {}
    for ops in log[:upto]:
        for op in ops:
            if op.op == "add":
                order.pop(op.item.id, None)
                order[op.item.id] = None
    return list(order)


def first_seen(log):
    seen = {}
    for ops in log:
        for op in ops:
            if op.op == "add":
                seen.setdefault(op.item.experience, len(seen))
    return seen


def naive_search(log, state, version, query, k, filters):
    """Experience, rounded cosine and items, ranked by cosine, then by age."""
    seen, groups = first_seen(log), {}
    for name in ordered_as_added(log, version):
        if name in state.items and fits(state.items[name], **filters):
            groups.setdefault(state.items[name].experience, []).append(state.items[name])
    embedder = HashEmbedder()
    vectors = asyncio.run(embedder.embed([query, *(stored[0].key for stored in groups.values())])).astype(np.float64)
    ranked = [
        (-round(float(vectors[0] @ vector), 6), seen[name], name)
        for name, vector in zip(groups, vectors[1:], strict=True)
    ]
    return [(name, -score, tuple(groups[name])) for score, _, name in sorted(ranked)[:k]] if vectors[0].any() else []


class TestAgainstTheNaiveFold:
    @given(logs(), FILTERS)
    @settings(max_examples=60, deadline=None)
    def test_every_version_reads_as_it_was(self, log_and_states, filters):
        log, states = log_and_states
        bank = filled(*log)
        for version, state in enumerate(states):
            expected = [state.items[name] for name in ordered_as_added(log, version) if name in state.items]
            assert list(bank.items(version)) == expected
            assert list(bank.items(version, **filters)) == [stored for stored in expected if fits(stored, **filters)]
            assert {f"i{number}": bank.get(f"i{number}", version) for number in range(12)} == {
                f"i{number}": state.items.get(f"i{number}") for number in range(12)
            }
            assert [bank.document(name, version) for name in "xy"] == [state.documents.get(name, "") for name in "xy"]

    @given(
        logs(), FILTERS, st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join), st.integers(1, 8), st.booleans()
    )
    @settings(max_examples=60, deadline=None)
    def test_every_version_is_searched_as_it_was(self, log_and_states, filters, query, k, graph):
        log, states = log_and_states
        bank = filled(*log, index_kind="hnsw" if graph and HNSWLIB else "auto")
        for version, state in enumerate(states):
            result = search(bank, query, k, version, **filters)
            expected = naive_search(log, state, version, query, k, filters)
            assert [(hit.experience, hit.items) for hit in result.hits] == [
                (name, stored) for name, _, stored in expected
            ]
            assert [hit.score for hit in result.hits] == pytest.approx([score for _, score, _ in expected], abs=2e-6)
            assert bool(result.reason) == (not result.hits)

    @given(logs())
    @settings(max_examples=30, deadline=None)
    def test_a_search_at_a_version_does_not_depend_on_what_came_later(self, log_and_states):
        log, _ = log_and_states
        whole = filled(*log)
        for version in range(len(log) + 1):
            assert (
                search(whole, "refund order", 3, version).hits == search(filled(*log[:version]), "refund order", 3).hits
            )


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_searches_that_are_watched_together_hold_unless_they_are_doubtful(data: st.DataObject) -> None:
    bank, watch, watched, dropped = Bank(HashEmbedder()), Watch(), {}, []
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)

    async def again(query: str, k: int) -> SearchResult:
        return (await bank.standing_search(query, k, bank.version)).gave

    async def run() -> None:
        stored: set[str] = set()
        for version in range(1, 13):
            if stored and data.draw(st.integers(0, 3)) == 0:
                gone = data.draw(st.sampled_from(sorted(stored)))
                stored.discard(gone)
                ops = [delete(gone)]
            else:
                stored.add(f"m{version}")
                ops = [add(f"m{version}", key=data.draw(words))]
            await bank.apply(version, ops)
            doubtful = watch.doubtful(version)
            for owner, (query, k, search) in list(watched.items()):
                same = await again(query, k) == search.gave
                assert same or owner in doubtful
                if owner in doubtful and not (search.holds(version) or same):
                    watch.drop(owner)
                    del watched[owner]
                elif data.draw(st.integers(0, 5)) == 0:  # its turn has come
                    watch.drop(owner)
                    dropped.append(watched.pop(owner))
            for query, k, search in dropped:
                assert not search.holds(version) or await again(query, k) == search.gave
            query, k = data.draw(words), data.draw(st.integers(1, 3))
            read = data.draw(st.integers(max(0, version - 2), version))  # as a try that runs ahead may
            search = await bank.standing_search(query, k, read)
            if search.gave == await again(query, k):
                watched[version] = query, k, search
                watch.put(version, [search], 100)

    asyncio.run(run())
