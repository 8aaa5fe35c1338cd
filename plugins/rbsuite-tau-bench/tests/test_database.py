"""Packs, databases, canonical texts and overlays."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import DataError, UnknownNameError
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.values import MAX_NESTING, UnusableArgument, copy_record, plain
from rbsuite_tau_bench import Pack
from rbsuite_tau_bench.hashing import canonical
from rbsuite_tau_bench.hashing import database as database_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.dictionaries(st.text(max_size=3), st.dictionaries(st.text(max_size=3), JSON, max_size=3), max_size=4)


def nested_tuples(value: Any) -> Any:
    """What upstream hashes, as its rule says: sorted pairs for an object, elements for a list."""
    if isinstance(value, dict):
        return tuple((key, nested_tuples(value[key])) for key in sorted(value))
    return tuple(map(nested_tuples, value)) if isinstance(value, list) else value


def upstream_hash(tables: Any) -> str:
    return hashlib.sha256(str(nested_tuples(tables)).encode("utf-8")).hexdigest()


@given(st.dictionaries(st.sampled_from("abc"), RECORDS, min_size=1), st.data())
def test_a_digest_is_the_hash_of_the_changed_tables_whatever_changed(tables: Any, data: st.DataObject) -> None:
    changes = data.draw(st.dictionaries(st.sampled_from(sorted(tables)), RECORDS))
    database = database_of(tables)
    assert database.digest({}) == upstream_hash(tables)
    texts = {table: {key: canonical(record) for key, record in records.items()} for table, records in changes.items()}
    changed = {table: {**records, **changes.get(table, {})} for table, records in tables.items()}
    assert database.digest(texts) == upstream_hash(changed)
    assert database.digest({}) == upstream_hash(tables)


def test_canonical_texts_tell_apart_what_upstream_tells_apart() -> None:
    assert canonical({"a": 1, "b": [1, 2]}) == canonical({"b": [1, 2], "a": 1})
    assert canonical([1, 2]) != canonical([2, 1])
    assert canonical(50) != canonical(50.0)
    assert canonical(True) != canonical(1)
    assert canonical({}) == canonical([])


@given(JSON)
def test_copies_are_equal_and_share_nothing_that_can_change(value: Any) -> None:
    for copy in (plain(value), copy_record(value)):
        assert canonical(copy) == canonical(value)
        assert json.dumps(copy) == json.dumps(value)
        assert not (mutable_parts(copy) & mutable_parts(value))


def mutable_parts(value: Any) -> set[int]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = {id(value)} if isinstance(value, dict | list) else set()
    return found.union(*map(mutable_parts, parts))


def nest(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [{1: 2}, {"a": {None: 1}}, {1, 2}, b"x", object(), nest(MAX_NESTING + 1), 10**5000],
    ids=["number as key", "inner null as key", "set", "bytes", "object", "deep", "huge"],
)
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(UnusableArgument):
        plain(value)


def test_values_are_taken_as_json_would_carry_them() -> None:
    class Name(str):
        __slots__ = ()

    taken = plain((Name("x"), {"a": (1,)}))
    assert taken == ["x", {"a": [1]}]
    assert type(taken[0]) is str
    assert plain(nest(MAX_NESTING)) == nest(MAX_NESTING)


@pytest.fixture
def overlay() -> Overlay:
    return Overlay(database_of({"users": {"ann": {"cash": 5, "tags": ["a"]}, "bob": {"cash": 7, "tags": []}}}))


def test_an_overlay_writes_to_copies_alone(overlay: Overlay) -> None:
    overlay.write("users", "ann")["tags"].append("b")
    assert overlay.read("users", "ann")["tags"] == ["a", "b"]
    assert overlay.database.tables["users"]["ann"]["tags"] == ["a"]
    assert json.loads(overlay.json_text("users", "ann"))["tags"] == ["a", "b"]
    assert overlay.changes() == {"users": {"ann": "(('cash', 5), ('tags', ('a', 'b')))"}}


def test_a_record_changed_back_is_no_change(overlay: Overlay) -> None:
    overlay.write("users", "ann")["cash"] = 6
    overlay.write("users", "ann")["cash"] = 5
    overlay.write("users", "bob")
    assert overlay.changes() == {}
    overlay.write("users", "ann")["cash"] = 5.0
    assert list(overlay.changes()["users"]) == ["ann"]


def test_a_fork_and_its_origin_do_not_see_each_others_later_writes(overlay: Overlay) -> None:
    overlay.write("users", "ann")["cash"] = 1
    twin = overlay.fork()
    overlay.write("users", "ann")["cash"] = 2
    twin.write("users", "ann")["cash"] = 3
    twin.put("users", "cat", {"cash": 0})
    assert [overlay.read("users", "ann")["cash"], twin.read("users", "ann")["cash"]] == [2, 3]
    assert twin.has("users", "cat")
    assert not overlay.has("users", "cat")


@pytest.mark.parametrize("key", [[], {}, [1]])
def test_a_key_that_cannot_be_one_raises_what_a_dict_raises(overlay: Overlay, key: object) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"unhashable type: '(list|dict)'"):
            overlay.has("users", key)
        with pytest.raises(TypeError, match=r"unhashable type: '(list|dict)'"):
            overlay.read("users", key)
        overlay.write("users", "ann")
    assert not overlay.has("users", None)
    with pytest.raises(KeyError, match="'dan'"):
        overlay.write("users", "dan")


# --- packs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "retail_db").mkdir()
    for table in ("orders", "products", "users"):
        (tmp_path / "retail_db" / f"{table}.json").write_text("{}")
    task = {"user_id": "u", "actions": [], "instruction": "é", "outputs": []}
    (tmp_path / "retail_dev_tasks.json").write_text(json.dumps([task], ensure_ascii=False), encoding="utf-8")
    (tmp_path / "retail_test_tasks.json").write_text("[]")
    (tmp_path / "retail_tools.json").write_text('[{"type": "function"}]')
    (tmp_path / "retail_rules.json").write_text('["be kind"]')
    (tmp_path / "retail_wiki.md").write_text("# Policy\n")
    return tmp_path


def test_a_pack_gives_what_its_files_hold(root: Path) -> None:
    pack = Pack(str(root))
    assert pack.domains() == ("retail",)
    assert pack.splits("retail") == ("dev", "test")
    assert pack.tasks("retail", "dev")[0]["instruction"] == "é"
    assert pack.tools("retail") == [{"type": "function"}]
    assert pack.rules("retail") == ["be kind"]
    assert pack.wiki("retail") == "# Policy\n"
    assert set(pack.database("retail").tables) == {"orders", "products", "users"}
    assert pack.database("retail") is pack.database("retail")


def test_the_content_hash_follows_the_bytes_of_what_it_covers(root: Path) -> None:
    everything, dev = Pack(root).content_hash(), Pack(root).content_hash("retail", "dev")
    assert Pack(root).content_hash() == everything == Pack(root).content_hash("retail")
    (root / "retail_test_tasks.json").write_text("[ ]")
    assert Pack(root).content_hash("retail", "dev") == dev
    assert Pack(root).content_hash() != everything
    (root / "retail_db" / "users.json").write_text("{ }")
    assert Pack(root).content_hash("retail", "dev") != dev


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("retail_db/users.json", None, "cannot read .*users.json"),
        ("retail_db/users.json", "{", "not JSON"),
        ("retail_db/users.json", "[" * 100_000, "not JSON"),
        ("retail_db/users.json", "[]", "not a JSON object of records"),
        ("retail_db/users.json", '{"a": 1}', "not a JSON object of records"),
        ("retail_tools.json", "{}", "not a JSON list"),
        ("retail_rules.json", "[1]", "not a JSON list"),
        ("retail_wiki.md", None, "cannot read .*retail_wiki.md"),
        ("retail_dev_tasks.json", '[{"user_id": "u"}]', "task 0 has no actions"),
        ("retail_dev_tasks.json", None, "no split 'dev'"),
    ],
)
def test_a_missing_or_malformed_file_is_one_line_that_names_it(
    root: Path, file: str, content: str | None, what: str
) -> None:
    if content is None:
        (root / file).unlink()
    else:
        (root / file).write_text(content)
    pack = Pack(root)
    with pytest.raises(DataError, match=what) as caught:
        read_all(pack)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def read_all(pack: Pack) -> None:
    pack.database("retail")
    pack.tools("retail")
    pack.rules("retail")
    pack.wiki("retail")
    pack.tasks("retail", "dev")


def test_bytes_that_are_no_text_are_a_data_error(root: Path) -> None:
    (root / "retail_wiki.md").write_bytes(b"\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        Pack(root).wiki("retail")


def test_unknown_places_and_domains_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no directory .*nowhere"):
        Pack(tmp_path / "nowhere")
    with pytest.raises(UnknownNameError, match="airline, retail"):
        Pack(tmp_path).database("telecom")
