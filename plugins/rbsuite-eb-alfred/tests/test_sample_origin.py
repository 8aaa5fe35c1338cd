"""The sample split beside upstream's data: the same schema, and nothing taken over."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import rbsuite_eb_alfred
from rbsuite_eb_alfred.pack import Pack


@pytest.fixture(scope="module")
def ours() -> Pack:
    """The sample."""
    return Pack(Path(rbsuite_eb_alfred.__file__).parent / "sample")


@pytest.fixture(scope="module")
def theirs() -> Pack:
    """The imported EB-ALFRED data."""
    packs = Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs")
    found = [path for path in (packs / "embodied" / "eb_alfred", packs / "eb-alfred") if path.is_dir()]
    if not found:
        pytest.skip(f"no EB-ALFRED pack in {packs} (set RBSUITE_TEST_PACKS)")
    return Pack(found[0])


def plain(text: str) -> str:
    """A sentence without case and punctuation."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def word_runs(text: str) -> set[tuple[str, ...]]:
    """All runs of six words in a sentence."""
    words = plain(text).split()
    return {tuple(words[start : start + 6]) for start in range(len(words) - 5)}


def sentences(pack: Pack) -> Iterator[str]:
    """The sentences of a pack."""
    for tasks in pack.splits.values():
        yield from (task["instruction"] for task in tasks)
    for trial in pack.trials.values():
        yield from trial["task_descs"]


def texts(value: Any) -> Iterator[str]:
    """All texts within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


def test_no_sentence_is_upstreams(ours: Pack, theirs: Pack) -> None:
    known = list(sentences(theirs))
    steps = theirs.path / "nl_steps.json"
    if steps.is_file():
        known += texts(json.loads(steps.read_text(encoding="utf-8")))
    assert len(known) > 300
    assert [text for text in sentences(ours) if plain(text) in set(map(plain, known))] == []


def test_no_six_words_in_a_row_are_upstreams(ours: Pack, theirs: Pack) -> None:
    known = set().union(*map(word_runs, sentences(theirs)))
    assert [text for text in sentences(ours) if word_runs(text) & known] == []


def test_no_scene_trial_or_place_is_upstreams(ours: Pack, theirs: Pack) -> None:
    assert not set(ours.scenes) & set(theirs.scenes)
    assert not set(runs(ours)) & set(runs(theirs))
    assert not set(placed(ours)) & set(placed(theirs))


def runs(pack: Pack) -> Iterator[str]:
    """What stands after the folder in the names of trials."""
    return (name.partition("/")[2] for name in pack.trials)


def placed(pack: Pack) -> Iterator[str]:
    """Every id that says where something stands."""
    for scene in pack.scenes.values():
        yield from (entry["id"] for entry in scene["receptacles"])
        yield from scene["toggleables"]
    for trial in pack.trials.values():
        yield from (entry["id"] for entry in trial["derived_initial"])


def shape(value: Any) -> str:
    """The keys and types of a record, as text; integers and fractions are one type, and lists are not looked into."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {shape(part)}' for key, part in sorted(value.items()))}}}"
    return "number" if type(value) in (int, float) else type(value).__name__


def shapes(pack: Pack) -> Mapping[str, set[str]]:
    """The shapes of all records of a pack, by what they are; steps of plans by their action."""
    found: dict[str, set[str]] = defaultdict(set)
    for tasks in pack.splits.values():
        found["task"].update(map(shape, tasks))
    for trial in pack.trials.values():
        found["trial"].add(shape(trial))
        for key in ("object_toggles", "objects", "derived_initial"):
            found[key].update(map(shape, trial[key]))
        for step in trial["high_pddl"]:
            found[step["action"]].add(shape(step))
    for scene in pack.scenes.values():
        found["scene"].add(shape(scene))
        found["receptacle"].update(map(shape, scene["receptacles"]))
    return found


def test_records_have_upstreams_shapes(ours: Pack, theirs: Pack) -> None:
    known = shapes(theirs)
    assert set(shapes(ours)) == set(known)
    for name, found in shapes(ours).items():
        assert found <= known[name], name
