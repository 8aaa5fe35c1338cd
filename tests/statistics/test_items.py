"""Which memory items helped: figures that agree with the records, and lessons that stand out from commonplaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest

import rbsuite
from experiments import measure
from rbsuite.experience import MemoryItem, Provenance
from rbsuite.statistics.clusters import clusters_of
from rbsuite.statistics.intervals import Estimate, average
from rbsuite.statistics.items import contrast, items_helped
from toy import SKILLS

MODEL = "sim/learner:judge_accuracy=1,malformed=0,useless=0.5,slip=0,follow=1"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rbsuite.Experiment]:
    place = tmp_path_factory.mktemp("items") / "e"
    measure(place, memory=("none", "reasoningbank"), orders=3, model=MODEL).close()
    with rbsuite.Experiment(place) as found:
        yield found


def test_they_are_those_of_the_records(experiment: rbsuite.Experiment) -> None:
    scores = {(row.memory, row.order, row.task_id): row.score for row in experiment.tasks()}
    control: dict[str, list[float]] = defaultdict(list)
    for (memory, _, task), score in scores.items():
        if memory == "none":
            control[task].append(score)
    recalled: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in experiment.recalls():
        recalled[row.run, row.item_id].add(row.task_id)
    found = experiment.helped()
    assert {(row.run, row.item_id) for row in found} == recalled.keys()
    for row in found:
        tasks = recalled[row.run, row.item_id]
        assert set(row.use.tasks) == tasks
        changes = [scores["reasoningbank", row.order, task] - average(control[task]) for task in tasks]
        assert row.with_it == pytest.approx(average(changes))
        assert row.score - row.baseline_score == pytest.approx(row.with_it)
        if row.passed:
            assert row.contrast == pytest.approx(row.with_it - row.without_it)
            position = row.use.item.provenance.position
            assert row.passed + row.recalled == 24 - position - 1  # every task after the one it was learnt on


def test_lessons_stand_out_from_commonplaces(experiment: rbsuite.Experiment) -> None:
    [found] = items_helped(experiment.store, experiment.summary())
    uses = {one.title: one for one in found.clusters}
    lessons = [uses[one.title] for one in SKILLS.values()]
    assert max(one.runs for one in lessons) > 1  # banks of several orders have the same lesson
    commonplace = [one for title, one in uses.items() if title not in {one.title for one in SKILLS.values()}]
    assert commonplace
    assert min(one.use.contrast.mean for one in lessons) > max(one.use.contrast.mean for one in commonplace)
    assert sum(one.items for one in found.clusters) == len(found.items)


def test_items_that_say_the_same_are_one_cluster() -> None:
    base = MemoryItem(
        "1", "Count twice", "Count again.", "Always count a second time.", "", "", "", "", Provenance("t", 0)
    )
    other = replace(base, id="2", title="Be polite", description="To all.", content="Say thank you.")
    nearly = replace(base, id="3", description="Count once more.")
    assert clusters_of([base, other, nearly, replace(other, id="4")]) == [0, 1, 0, 1]
    assert clusters_of([]) == []


def test_a_contrast_of_unknown_errors_has_no_interval() -> None:
    assert contrast(Estimate(0.5, None), Estimate(0.1, (0, 0.2), 0.1, 5)) == Estimate(0.4, None)
    assert contrast(Estimate(0.5, (0, 1), 0.1, 5), Estimate(0.1, (0, 0.2), 0.1, 5)).degrees == pytest.approx(10)
