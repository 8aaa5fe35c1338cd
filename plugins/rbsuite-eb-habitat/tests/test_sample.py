"""The sample split: its schema, what it covers, that it can be solved, and that nothing in it is upstream's."""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import rbsuite_eb_habitat

Record: TypeAlias = dict[str, Any]

SAMPLE = Path(rbsuite_eb_habitat.__file__).parent / "sample"
SETS = ("base", "common_sense", "complex_instruction", "long_horizon", "spatial_relationship", "visual_appearance")
KEYS = {
    "index": int,
    "episode_id": str,
    "source_episode_id": str,
    "scene_id": str,
    "instruction": str,
    "instruct_id": str,
    "sampled_entities": dict,
    "start_preds": list,
    "goal_preds": dict,
    "subgoals": list,
    "articulation": dict,
    "objects": list,
}
PREDICATE = re.compile(r"(\w+)\((.*)\)")


def read(name: str, root: Path = SAMPLE) -> Any:
    """The JSON value of a file of a pack."""
    return json.loads((root / f"{name}.json").read_text(encoding="utf-8"))


def episodes(*sets: str, root: Path = SAMPLE) -> list[Record]:
    """All episodes of some sets, or of all."""
    return [episode for name in sets or SETS for episode in read(name, root)]


def cases() -> list[Any]:
    """Every episode, as a parameter with a readable id."""
    return [pytest.param(one, id=f"{name}-{one['index']}") for name in SETS for one in read(name)]


def parts(goal: Record) -> Iterator[Record]:
    """A goal and all goals inside it."""
    yield goal
    for part in goal["sub_exprs"]:
        if isinstance(part, dict):
            yield from parts(part)


def predicates(goal: Record) -> list[tuple[str, tuple[str, ...]]]:
    """Every predicate of a goal, as name and arguments."""
    return [parsed(text) for part in parts(goal) for text in part["sub_exprs"] if isinstance(text, str)]


def parsed(text: str) -> tuple[str, tuple[str, ...]]:
    """A predicate's name and arguments."""
    match = PREDICATE.fullmatch(text)
    assert match is not None, text
    return match[1], tuple(part.strip() for part in match[2].split(",") if part.strip())


# --- schema -----------------------------------------------------------------------------------------------------------


def test_size_and_source() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 300_000
    assert "Apache-2.0" in (SAMPLE / "SOURCE.md").read_text(encoding="utf-8")
    assert {path.stem for path in SAMPLE.glob("*.json")} == {
        *SETS,
        "vocab",
        "standpoint_sets",
        "receptacle_centroids",
    }


def test_six_sets_of_six_in_five_homes() -> None:
    assert [len(read(name)) for name in SETS] == [6] * 6
    assert [[one["index"] for one in read(name)] for name in SETS] == [list(range(6))] * 6
    homes = Counter(one["scene_id"] for one in episodes())
    assert len(homes) == 5
    assert min(homes.values()) >= 5
    assert all(re.fullmatch(r"sample_[a-z]+_\d\d", home) for home in homes)
    assert len({one["instruction"] for one in episodes()}) == 36
    assert len({one["source_episode_id"] for one in episodes()}) == 36


@pytest.mark.parametrize("episode", cases())
def test_an_episode_has_the_schema(episode: Record) -> None:
    vocab = read("vocab")
    assert {key: type(value) for key, value in episode.items()} == KEYS
    assert list(episode) == list(KEYS)
    assert episode["episode_id"] == str(episode["index"])
    names = {*vocab["receptacles"], *vocab["categories"]}
    assert set(episode["sampled_entities"].values()) <= names
    assert set(episode["articulation"]) == {"fridge_:0000", "kitchen_counter_:0000"}
    instances = [thing["instance"] for thing in episode["objects"]]
    assert instances == sorted(set(instances))
    for thing in episode["objects"]:
        assert list(thing) == ["instance", "asset", "position", "receptacle"]
        assert re.fullmatch(re.escape(thing["asset"]) + r"_:\d{4}", thing["instance"])
        assert thing["asset"] in vocab["asset_to_category"]
        assert thing["receptacle"] in vocab["receptacles"]
        assert [type(number) for number in thing["position"]] == [float] * 3


@pytest.mark.parametrize("episode", cases())
def test_what_an_episode_names_exists(episode: Record) -> None:
    vocab = read("vocab")
    here = {thing["instance"] for thing in episode["objects"]}
    categories = {vocab["asset_to_category"][thing["asset"]] for thing in episode["objects"]}
    doors = {*vocab["cabinets"], vocab["fridge"]}
    declared = {
        one["name"]: one["expr_type"] for part in parts(episode["goal_preds"]) for one in part.get("inputs", [])
    }
    assert set(declared.values()) <= categories
    arguments = {argument for _, found in predicates(episode["goal_preds"]) for argument in found}
    assert arguments <= {*declared, *doors, *vocab["receptacles"]}
    assert set(declared) <= arguments
    assert episode["subgoals"]
    for text in [*episode["start_preds"], *(text for subgoal in episode["subgoals"] for text in subgoal)]:
        assert set(parsed(text)[1]) <= {*here, *doors, *vocab["receptacles"]}


def test_the_vocabulary_belongs_together() -> None:
    vocab = read("vocab")
    assert set(vocab["asset_to_category"].values()) == set(vocab["categories"])
    assert all(asset.startswith("sample_") for asset in vocab["asset_to_category"])
    assert set(vocab["natural_names"]) == {*vocab["receptacles"], *vocab["cabinets"], vocab["fridge"]}


def test_standpoints_are_what_the_subgoals_say() -> None:
    vocab = read("vocab")
    places = {*vocab["receptacles"], *vocab["cabinets"], vocab["fridge"]}
    counted: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for episode in episodes():
        for subgoal in episode["subgoals"]:
            near = sorted(found[0] for name, found in map(parsed, subgoal) if name == "robot_at" and found[0] in places)
            counted[episode["scene_id"].rpartition("_")[0]][tuple(near)] += 1
    listed = {home: {tuple(near): count for near, count in sets} for home, sets in read("standpoint_sets").items()}
    assert listed == counted


def test_centroids_are_the_means_of_what_lies_there() -> None:
    places: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for episode in episodes():
        for thing in episode["objects"]:
            places[episode["scene_id"], thing["receptacle"]].append(thing["position"])
    listed = {
        (home, place): found for home, means in read("receptacle_centroids").items() for place, found in means.items()
    }
    assert set(listed) == set(places)
    for key, found in places.items():
        assert listed[key] == pytest.approx([sum(axis) / len(found) for axis in zip(*found, strict=True)], abs=1e-3)


# --- what it covers ---------------------------------------------------------------------------------------------------


def test_goals_of_all_forms() -> None:
    forms = {(part["expr_type"], part.get("quantifier")) for one in episodes() for part in parts(one["goal_preds"])}
    assert forms >= {("AND", "EXISTS"), ("AND", "FORALL"), ("AND", None), ("NAND", "EXISTS"), ("NAND", "FORALL")}
    names = {name for one in episodes() for name, _ in predicates(one["goal_preds"])}
    assert names == {
        *("on_top", "not_holding", "robot_at"),
        *("opened_fridge", "closed_fridge", "opened_cab", "closed_cab"),
    }
    assert {text for one in episodes() for text in one["start_preds"]} == {
        "opened_fridge(fridge_push_point)",
        "closed_fridge(fridge_push_point)",
        "opened_cab(cab_push_point_6)",
    }


def test_long_horizon_moves_two_to_four_things_in_at_most_25_steps() -> None:
    for episode in episodes("long_horizon"):
        held = {text for subgoal in episode["subgoals"] for text in subgoal if text.startswith("holding")}
        assert 2 <= len(held) <= 4
        assert 8 <= len(episode["subgoals"]) <= 25
    assert max(len(one["subgoals"]) for one in episodes() if one not in episodes("long_horizon")) <= 8


def test_things_of_one_category_share_a_receptacle() -> None:
    category = read("vocab")["asset_to_category"]
    shared = 0
    for episode in episodes():
        named = {one["expr_type"] for part in parts(episode["goal_preds"]) for one in part.get("inputs", [])}
        lying = Counter((category[thing["asset"]], thing["receptacle"]) for thing in episode["objects"])
        shared += any(count > 1 and kind in named for (kind, _), count in lying.items())
    assert shared >= 4


def test_kinds_of_tasks_recur() -> None:
    kinds = Counter(one["instruct_id"] for one in episodes())
    homes = {kind: {one["scene_id"] for one in episodes() if one["instruct_id"] == kind} for kind in kinds}
    recurring = [kind for kind, count in kinds.items() if count > 1]
    assert sum(kinds[kind] for kind in recurring) >= 30
    assert all(len(homes[kind]) > 1 for kind in recurring)


# --- it can be solved, and is not from the start ----------------------------------------------------------------------


@pytest.mark.parametrize("episode", cases())
def test_no_goal_holds_at_the_start(episode: Record) -> None:
    assert not holds(episode["goal_preds"], start(episode), categories_of(episode), {})


def start(episode: Record) -> set[str]:
    """The predicates that hold at the start, without spaces."""
    vocab = read("vocab")
    doors = {f"closed_cab({name})" for name in vocab["cabinets"]} | {f"closed_fridge({vocab['fridge']})"}
    for text in episode["start_preds"]:
        doors.discard(text.replace("opened", "closed"))
        doors.add(text)
    return doors | {"not_holding()"} | {f"on_top({one['instance']},{one['receptacle']})" for one in episode["objects"]}


def categories_of(episode: Record) -> Mapping[str, list[str]]:
    """The instances of each category."""
    category, found = read("vocab")["asset_to_category"], defaultdict(list)
    for thing in episode["objects"]:
        found[category[thing["asset"]]].append(thing["instance"])
    return found


def holds(goal: Record | str, facts: set[str], things: Mapping[str, list[str]], bound: Mapping[str, str]) -> bool:
    """Whether a goal holds, worked out over all assignments of distinct things."""
    if isinstance(goal, str):
        name, arguments = parsed(goal)
        return f"{name}({','.join(bound.get(argument, argument) for argument in arguments)})" in facts
    inputs = goal.get("inputs", [])
    found = []
    for chosen in product(*(things[one["expr_type"]] for one in inputs)):
        if len(set(chosen)) == len(chosen):
            more = {**bound, **{one["name"]: thing for one, thing in zip(inputs, chosen, strict=True)}}
            values = [holds(part, facts, things, more) for part in goal["sub_exprs"]]
            found.append({"AND": all(values), "OR": any(values), "NAND": not all(values)}[goal["expr_type"]])
    return all(found) if goal.get("quantifier") != "EXISTS" else any(found)


# --- nothing is upstream's --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def upstream() -> Path:
    """The pack made from upstream's data."""
    given = os.environ.get("RBSUITE_TEST_PACKS")
    root = Path(given) if given else Path(__file__).resolve().parents[3].parent / "shared" / "packs"
    pack = next((path for path in (root / "embodied" / "eb_habitat", root / "eb-habitat") if path.is_dir()), None)
    if pack is None:
        pytest.skip("no EB-Habitat pack: set RBSUITE_TEST_PACKS to the directory that holds embodied/eb_habitat/")
    return pack


def sentences(text: str) -> set[str]:
    """The sentences and clauses of a text in lower case, without punctuation; those of one or two words are left out."""
    cut = (" ".join(re.findall(r"[a-z0-9']+", part)) for part in re.split(r"[.!?:;,]", text.lower()))
    return {part for part in cut if part.count(" ") > 1}


def word_runs(text: str, length: int) -> set[tuple[str, ...]]:
    """All runs of so many words in a row."""
    words = re.findall(r"[a-z0-9']+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_no_text_and_no_id_of_upstreams(upstream: Path) -> None:
    ours, theirs = episodes(), episodes(root=upstream)
    for key in ("instruction", "instruct_id", "scene_id"):
        assert not {one[key] for one in ours} & {one[key] for one in theirs}
    said, known = [one["instruction"] for one in ours], [one["instruction"] for one in theirs]
    assert not set().union(*map(sentences, said)) & set().union(*map(sentences, known))
    runs = set().union(*(word_runs(text, 6) for text in said))
    assert not runs & set().union(*(word_runs(text, 6) for text in known))


def test_no_thing_and_no_place_of_upstreams(upstream: Path) -> None:
    ours, theirs = ([thing for one in episodes(root=root) for thing in one["objects"]] for root in (SAMPLE, upstream))
    assert not {thing["asset"] for thing in ours} & {thing["asset"] for thing in theirs}
    assert not {tuple(thing["position"]) for thing in ours} & {tuple(thing["position"]) for thing in theirs}


def test_the_benchmarks_names_are_kept(upstream: Path) -> None:
    ours, theirs = read("vocab"), read("vocab", upstream)
    assert list(ours) == list(theirs)
    own = {"asset_to_category"}
    assert {key: ours[key] for key in ours if key not in own} == {key: theirs[key] for key in theirs if key not in own}
    assert {frozenset(one) for one in episodes()} == {frozenset(one) for one in episodes(root=upstream)}
