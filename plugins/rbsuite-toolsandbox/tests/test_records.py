"""The engine against what upstream was recorded to do."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz.utils import default_process

from rbsuite_toolsandbox import Pack, replay
from rbsuite_toolsandbox.fuzzy import w_ratio
from rbsuite_toolsandbox.rouge import rouge_l

SCORES = ("milestone_similarity", "minefield_similarity", "similarity", "turn_count")
NAMES = ("oracle", "oracle2", "augmented", "partial", "fuzz")


def records(root: Path, name: str) -> Iterator[dict[str, Any]]:
    with (root / "records" / f"{name}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def comparable(value: object) -> object:
    """Without addresses in memory, and with sets in order."""
    plain = re.sub(r"0x[0-9A-Fa-f]+", "0x", json.dumps(value))
    return json.loads(
        re.sub(r"\{('[^{}]*')\}", lambda found: str(sorted(found[1].split(", "))).replace('"', ""), plain)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_replayed_record_is_equal_message_by_message_and_in_its_score(root: Path, pack: Pack, name: str) -> None:
    for record in records(root, name):
        scenario = record["scenario"]
        played = replay(scenario, record["actions"], pack, record["rapidapi"])
        assert comparable(played["messages"]) == comparable(record["messages"]), scenario
        assert played["final_databases"] == record["final_databases"], scenario
        assert played["snapshot_indices"] == record["snapshot_indices"], scenario
        assert comparable(played["crash"]) == comparable(record["crash"]), scenario
        recorded = record.get("evaluation")  # upstream's search came to no end, or the scenario crashed
        if recorded is not None:
            found = played["evaluation"]
            for score in SCORES:
                assert found[score] == pytest.approx(recorded[score], abs=1e-6), (scenario, score)
            for mapping in ("milestone_mapping", "minefield_mapping"):
                places = {node: index for node, (index, _) in found[mapping].items()}
                assert places == {node: index for node, (index, _) in recorded[mapping].items()}, scenario


def test_the_search_ends_where_upstreams_did_not(root: Path, pack: Pack) -> None:
    endless = [
        record for name in NAMES for record in records(root, name) if record.get("evaluation_timeout_cpu_s") is not None
    ]
    assert endless
    for record in endless:
        taken = []
        for _ in range(3):
            start = time.process_time()
            played = replay(record["scenario"], record["actions"], pack, record["rapidapi"])
            taken.append(time.process_time() - start)
        assert 0 <= played["evaluation"]["similarity"] <= 1
        assert min(taken) < 0.05, record["scenario"]


def test_text_similarities_are_upstreams(root: Path) -> None:
    probes = json.loads((root / "records" / "similarity_probes.json").read_text("utf-8"))
    for probe in probes["rouge"]:
        assert rouge_l(probe["target"], probe["prediction"]) == probe["rougeL_f_stemmed_float32"], probe
    for probe in probes["wratio"]:
        found = w_ratio(default_process(probe["query"]), default_process(probe["choice"]))
        assert found == pytest.approx(probe["WRatio_default_process"], abs=1e-4), probe
