"""Reading a pack, and what is said of one that cannot be read."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import DataError
from rbsuite_eb_habitat.pack import Pack, parse_predicate
from rbsuite_eb_habitat.resources import sample_directory
from rbsuite_eb_habitat.vocab import SETS


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(sample_directory(), tmp_path / "pack"))


def change(path: Path, file: str, how: Callable[[Any], Any]) -> None:
    value = json.loads((path / file).read_text())
    changed = how(value)
    (path / file).write_text(json.dumps(value if changed is None else changed))


def test_the_sample_reads() -> None:
    pack = Pack(sample_directory())
    for name in SETS:
        episodes = pack.episodes(name)
        assert [episode.index for episode in episodes] == list(range(len(episodes)))
        assert pack.episodes(name) is episodes
        for episode in episodes:
            assert pack.standpoints(episode.scene), episode.scene


def test_a_directory_that_holds_the_data_will_do(copied: Path) -> None:
    outer = copied.parent / "outer"
    outer.mkdir()
    shutil.move(copied, outer / "eb_habitat")
    assert Pack(outer).episodes("base")[0].index == 0
    assert Pack(outer).content_hash() == Pack(outer / "eb_habitat").content_hash()


def test_upstream_reads_in_full(upstream: Path) -> None:
    pack = Pack(upstream)
    episodes = [episode for name in SETS for episode in pack.episodes(name)]
    assert len(episodes) == 300
    assert sum(len(episode.items) for episode in episodes) == 10809
    assert sum(bool(episode.start) for episode in episodes) == 26


def test_standpoints_are_those_of_the_longest_name_that_fits(copied: Path) -> None:
    sets = {"home": [[["fridge_push_point"], 1]], "home_2": [[["cab_push_point_7"], 2]]}
    change(copied, "standpoint_sets.json", lambda _: sets)
    pack = Pack(copied)
    assert pack.standpoints("home_07") == ((frozenset({"fridge_push_point"}), 1),)
    assert pack.standpoints("home_2_07") == ((frozenset({"cab_push_point_7"}), 2),)
    assert pack.standpoints("homestead_1") == ()


def test_one_byte_more_is_another_pack_and_files_not_read_do_not_count(copied: Path) -> None:
    before = Pack(copied).content_hash()
    (copied / "notes.txt").write_text("x")
    assert Pack(copied).content_hash() == before
    with (copied / "base.json").open("a") as file:
        file.write(" ")
    assert Pack(copied).content_hash() != before
    assert Pack(copied).content_hash(["common_sense"]) == Pack(sample_directory()).content_hash(["common_sense"])


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("base.json", None, "cannot read"),
        ("base.json", b"{", "not JSON"),
        ("base.json", b"\xff\xfe", "not UTF-8 text"),
        ("base.json", b"[" * 100_000, "not JSON"),
        ("base.json", b"{}", "not a JSON list of episodes"),
        ("base.json", b"[5]", "episode 0 is not an object"),
        ("vocab.json", b"[]", "missing an object asset_to_category"),
        ("vocab.json", b'{"asset_to_category": {"x": "spaceship"}}', "unknown category 'spaceship'"),
        ("standpoint_sets.json", b"[]", "not a JSON object of apartments"),
        ("standpoint_sets.json", b'{"a": [[["moon"], 1]]}', "malformed at 'a'"),
        ("standpoint_sets.json", b'{"a": [[["fridge_push_point"], 0]]}', "malformed at 'a'"),
        ("standpoint_sets.json", b'{"a": 5}', "malformed at 'a'"),
    ],
)
def test_a_bad_file_is_named_in_one_line(copied: Path, file: str, content: bytes | None, words: str) -> None:
    (copied / file).unlink()
    if content is not None:
        (copied / file).write_bytes(content)
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        read_all(copied)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


def read_all(path: Path) -> None:
    pack = Pack(path)
    pack.episodes("base")
    pack.standpoints("a")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("index", 5, "has the index 5"),
        ("index", True, "has no index of type int"),
        ("instruction", None, "has no instruction of type str"),
        ("goal_preds", [], "has no goal_preds of type dict"),
        ("objects", [5], "without a unique name"),
        ("objects", [{"instance": "a", "asset": "b", "receptacle": "c"}], "unknown asset 'b'"),
        ("objects", [{"instance": "a", "asset": [], "receptacle": "c"}], "unknown asset []"),
        ("start_preds", ["open sesame"], "cannot be read: 'open sesame'"),
        ("start_preds", [5], "cannot be read: 5"),
        ("subgoals", ["holding(x)"], "has a subgoal that is not a list"),
        ("subgoals", [["holding(x"]], "cannot be read"),
        ("articulation", {"fridge": {"2": 1.2}}, "has a joint that is not at 0"),
        ("articulation", {"fridge": 0}, "has a joint that is not at 0"),
        ("articulation", [], "has a joint that is not at 0"),
    ],
)
def test_a_bad_episode_is_named_in_one_line(copied: Path, field: str, value: Any, words: str) -> None:
    change(copied, "base.json", lambda episodes: episodes[0].update({field: value}))
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        Pack(copied).episodes("base")
    assert "episode 0" in str(caught.value)
    assert "base.json" in str(caught.value)


def test_objects_lie_on_known_receptacles_and_have_names_of_their_own(copied: Path) -> None:
    change(copied, "base.json", lambda episodes: episodes[0]["objects"][0].update(receptacle="moon"))
    with pytest.raises(DataError, match="unknown receptacle 'moon'"):
        Pack(copied).episodes("base")
    change(copied, "base.json", lambda episodes: episodes[0]["objects"].__setitem__(0, episodes[0]["objects"][1]))
    with pytest.raises(DataError, match="without a unique name"):
        Pack(copied).episodes("base")


def test_a_missing_directory_is_named() -> None:
    with pytest.raises(DataError, match="no directory 'no/such/dir'"):
        Pack("no/such/dir")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("not_holding()", ("not_holding", ())),
        ("on_top(X, Y)", ("on_top", ("X", "Y"))),
        (" holding( 013_apple_:0000 ) ", ("holding", ("013_apple_:0000",))),
        ("holding", None),
        ("holding(x) or so", None),
        ("a(b(c))", None),
    ],
)
def test_predicates(text: str, found: Any) -> None:
    assert parse_predicate(text) == found
