"""The sample split: its schema, its gold actions, and that nothing in it is upstream's."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import rbsuite_tau_bench
from rbsuite_tau_bench import Pack, World

Record: TypeAlias = dict[str, Any]
Case: TypeAlias = tuple[str, Record]

SAMPLE = Path(rbsuite_tau_bench.__file__).parent / "sample"
DOMAINS = ("retail", "airline")
JSON_TYPES: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "array": list, "object": dict}


def read(name: str, root: Path = SAMPLE) -> Any:
    """The JSON value of a file of a pack."""
    return json.loads((root / name).read_text(encoding="utf-8"))


def table(domain: str, name: str, root: Path = SAMPLE) -> dict[str, Record]:
    """A table of a domain's database."""
    records: dict[str, Record] = read(f"{domain}_db/{name}.json", root)
    return records


def tasks(domain: str) -> list[Record]:
    """The sample tasks of a domain."""
    listed: list[Record] = read(f"{domain}_sample_tasks.json")
    return listed


def cases(*domains: str) -> list[Any]:
    """(domain, task) for every task, as parameters with readable ids."""
    listed = [(domain, number, task) for domain in domains or DOMAINS for number, task in enumerate(tasks(domain))]
    return [pytest.param((domain, task), id=f"{domain}-{number}") for domain, number, task in listed]


def shots() -> list[Record]:
    """The worked dialogues."""
    return [json.loads(line) for line in (SAMPLE / "few_shot.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def pack() -> Pack:
    """The sample as a pack, so that all worlds share its databases."""
    return Pack(SAMPLE)


# --- schema and counts ------------------------------------------------------------------------------------------------


def test_size_and_source() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 600_000
    assert "Apache-2.0" in (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
    for path in SAMPLE.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n", path.name


@pytest.mark.parametrize("domain", DOMAINS)
def test_is_read_as_a_pack(domain: str, pack: Pack) -> None:
    assert pack.splits(domain) == ("sample",)
    assert pack.tasks(domain, "sample") == tasks(domain)
    assert pack.wiki(domain).startswith("# ")
    assert pack.rules(domain)


def test_counts() -> None:
    assert len(table("retail", "users")) >= 25
    assert len(table("retail", "orders")) >= 60
    assert len(table("airline", "users")) >= 16
    assert len(table("airline", "reservations")) >= 30
    assert len(table("airline", "flights")) >= 30
    products = table("retail", "products").values()
    assert len(products) >= 14
    assert all(4 <= len(product["variants"]) <= 8 for product in products)
    states = Counter(order["status"] for order in table("retail", "orders").values())
    assert set(states) == {"pending", "processed", "delivered", "cancelled"}


@pytest.mark.parametrize(("domain", "at_least"), [("retail", 24), ("airline", 14)])
def test_task_mix(domain: str, at_least: int, pack: Pack) -> None:
    writes = World(domain, pack).writes
    listed = tasks(domain)
    groups = Counter(task["group"] for task in listed)
    write_counts = [sum(action["name"] in writes for action in task["actions"]) for task in listed]
    assert len(listed) >= at_least
    assert len(groups) >= 4
    assert min(groups.values()) >= 3
    assert sum(bool(task["outputs"]) for task in listed) >= 2
    assert sum(count == 0 and not task["outputs"] for task, count in zip(listed, write_counts, strict=True)) >= 2
    assert {1, 2} <= set(write_counts)
    assert len({task["dialogue"][0] for task in listed}) == len({task["instruction"] for task in listed}) == len(listed)


@pytest.mark.parametrize("case", cases())
def test_task_schema(case: Case) -> None:
    domain, task = case
    assert list(task) == ["user_id", "actions", "instruction", "outputs", "dialogue", "group"]
    assert task["user_id"] in table(domain, "users")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", task["group"])
    assert 1 <= len(task["actions"]) <= 8
    assert all(list(action) == ["name", "kwargs"] for action in task["actions"])
    assert all(isinstance(output, str) and len(output) > 2 for output in task["outputs"])
    opening, *replies = task["dialogue"]
    assert 2 <= len(replies) <= 4
    assert opening != task["instruction"]
    assert task["instruction"] not in opening
    assert opening not in task["instruction"]
    assert all("###STOP###" not in line for line in task["dialogue"])


@pytest.mark.parametrize("case", cases())
def test_gold_arguments_fit_the_tool_schemas(case: Case, pack: Pack) -> None:
    domain, task = case
    schemas = {tool["function"]["name"]: tool["function"]["parameters"] for tool in pack.tools(domain)}
    for action in task["actions"]:
        assert_fits(action["kwargs"], schemas[action["name"]])


def assert_fits(value: Any, schema: Record) -> None:
    """Assert that a value fits a function schema of the kind the tools use."""
    assert isinstance(value, JSON_TYPES[schema["type"]])
    assert value in schema.get("enum", [value])
    if schema["type"] == "object":
        assert set(value) == set(schema["required"])
        for name, part in value.items():
            assert_fits(part, schema["properties"][name])
    for part in value if schema["type"] == "array" else []:
        assert_fits(part, schema["items"])


@pytest.mark.parametrize("domain", DOMAINS)
def test_tools_are_the_engines(domain: str, pack: Pack) -> None:
    functions = [tool["function"] for tool in pack.tools(domain)]
    assert tuple(function["name"] for function in functions) == World(domain, pack).tool_names
    for function in functions:
        properties = function["parameters"]["properties"]
        assert set(function["parameters"]["required"]) == set(properties)
        assert function["description"]
        assert all(value["description"] for value in properties.values())


# --- the gold actions work ---------------------------------------------------------------------


@pytest.mark.parametrize("case", cases())
def test_gold_actions_work(case: Case, pack: Pack) -> None:
    domain, task = case
    world = World(domain, pack)
    for action in task["actions"]:
        before = world.state_hash()
        observation = world.call(action["name"], action["kwargs"])
        assert not observation.startswith(("Error:", "Unknown action")), action
        assert (world.state_hash() != before) == (action["name"] in world.writes), action
    assert bool(world.changes()) == any(action["name"] in world.writes for action in task["actions"])
    assert not world.deviations


# --- worked dialogues -------------------------------------------------------------------------------------------------


def test_few_shot_dialogues_replay(pack: Pack) -> None:
    assert Counter(shot["domain"] for shot in shots()) == {"retail": 6, "airline": 6}
    for shot in shots():
        world = World(shot["domain"], pack)
        lines = shot["display"].splitlines()
        assert lines[0].startswith("User: ")
        assert lines[-1].startswith("Agent: ")
        assert {line.split(": ")[0] for line in lines} <= {"User", "Agent", "Tool call", "Tool result"}
        for call, result in itertools.pairwise(lines):
            if call.startswith("Tool call: "):
                name, arguments = call.removeprefix("Tool call: ").split(" ", 1)
                assert result == f"Tool result: {world.call(name, json.loads(arguments))}"
                assert not result.startswith("Tool result: Error")


def test_few_shot_dialogues_are_about_other_records_than_the_tasks() -> None:
    for domain in DOMAINS:
        text = "\n".join(shot["display"] for shot in shots() if shot["domain"] == domain)
        used = json.dumps([task["actions"] for task in tasks(domain)])
        records = set(re.findall(r"#W\d{7}|\b[a-z]+_[a-z]+_\d{4}\b", used))
        records |= set(table("airline", "reservations")) & set(re.findall(r"\w{6}", used))
        assert len(records) > 20
        assert not {record for record in records if record in text}


# --- nothing is upstream's --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def upstream() -> Path:
    """The pack made from upstream's data."""
    given = os.environ.get("RBSUITE_TEST_PACKS")
    root = Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "packs"
    if not (root / "tau-bench" / "retail_tools.json").is_file():
        pytest.skip("no tau-bench pack: set RBSUITE_TEST_PACKS to the directory that holds tau-bench/")
    return root / "tau-bench"


def identifiers(root: Path) -> set[str]:
    """All ids and emails of a pack; flight numbers are a plain count and left out."""
    retail, airline = table("retail", "users", root), table("airline", "users", root)
    products = table("retail", "products", root)
    users = [*retail.values(), *airline.values()]
    found = {*retail, *airline, *products, *table("retail", "orders", root), *table("airline", "reservations", root)}
    found |= {item for product in products.values() for item in product["variants"]}
    found |= {user["email"] for user in users} | {method for user in users for method in user["payment_methods"]}
    return found


def descriptions(schema: Any) -> Iterator[str]:
    """All description texts in a function schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            yield from [value] if key == "description" and isinstance(value, str) else descriptions(value)
    for value in schema if isinstance(schema, list) else []:
        yield from descriptions(value)


def prose(root: Path) -> Iterator[str]:
    """The texts of a pack that somebody wrote: policies, rules, tool descriptions, instructions."""
    for domain in DOMAINS:
        yield (root / f"{domain}_wiki.md").read_text(encoding="utf-8")
        yield from read(f"{domain}_rules.json", root)
        yield from descriptions(read(f"{domain}_tools.json", root))
        for path in sorted(root.glob(f"{domain}_*_tasks.json")):
            yield from (task["instruction"] for task in read(path.name, root))


def sentences(text: str) -> set[str]:
    """The sentences of a text in lower case, without punctuation; headings of one or two words are left out."""
    parts = (" ".join(re.findall(r"[a-z0-9']+", part)) for part in re.split(r"[.!?:;\n]", text.lower()))
    return {part for part in parts if part.count(" ") > 1}


def word_runs(text: str, length: int) -> set[tuple[str, ...]]:
    """All runs of so many words in a row."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_no_overlap_with_upstream(upstream: Path) -> None:
    assert not identifiers(SAMPLE) & identifiers(upstream)
    names = {product["name"] for product in table("retail", "products", upstream).values()}
    assert not names & {product["name"] for product in table("retail", "products").values()}
    ours, theirs = list(prose(SAMPLE)), list(prose(upstream))
    assert not set(ours) & set(theirs)
    assert not {part for text in ours for part in sentences(text)} & {
        part for text in theirs for part in sentences(text)
    }
    spoken = [line for domain in DOMAINS for task in tasks(domain) for line in task["dialogue"]]
    runs = {run for text in [*ours, *spoken] for run in word_runs(text, 8)}
    assert not runs & {run for text in theirs for run in word_runs(text, 8)}


@pytest.mark.parametrize("domain", DOMAINS)
def test_tool_schemas_are_upstreams_apart_from_their_texts(domain: str, upstream: Path) -> None:
    ours, theirs = read(f"{domain}_tools.json"), read(f"{domain}_tools.json", upstream)
    assert json.dumps(without_texts(ours)) == json.dumps(without_texts(theirs))


def without_texts(schema: Any) -> Any:
    """A function schema without its descriptions; keys sorted except for the order of the parameters."""
    if isinstance(schema, list):
        return [without_texts(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: without_texts(value) for key, value in schema.items() if not isinstance(value, str) or key != "description"
    }
    return kept if all(isinstance(value, dict) for value in kept.values()) else dict(sorted(kept.items()))
