"""With the simulated learner a memory helps only through text: every link of the chain, cut, takes the whole gain away."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

import altered
import rbsuite.learner
import rbsuite.models
from experiments import SURE, mean, measure, outcomes, records_of, scores
from rbsuite.jsonable import canonical
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from toy import SKILLS, ToyPlugin

CUTS = {
    "muted": altered.Muted,
    "unrelated": altered.Unrelated,
    "unlearning": altered.Unlearning,
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentStore]:
    """Memory off, ReasoningBank, ReasoningBank under another name, and ReasoningBank with one link cut."""
    plugin = ToyPlugin(
        memories=[
            *(altered.memory(name, kind) for name, kind in CUTS.items()),
            altered.memory("zebra", altered.Renamed),
        ]
    )
    memories = ("none", "reasoningbank", "zebra", *CUTS)
    with measure(tmp_path_factory.mktemp("causality"), plugin, memory=memories, orders=4) as done:
        yield done


def test_reasoningbank_gains_clearly(store: ExperimentStore) -> None:
    comparison = next(c for c in summarise(store).comparisons if c.a.memory == "reasoningbank")
    assert comparison.difference.mean > 0.1
    on, off = (
        next(condition.scores for condition in summarise(store).conditions if condition.condition.memory == memory)
        for memory in ("reasoningbank", "none")
    )
    assert stats.ttest_rel(list(on.values()), [off[task] for task in on]).pvalue < 0.001
    assert outcomes(store, "reasoningbank") != outcomes(store, "none")


@pytest.mark.parametrize("memory", CUTS)
def test_gain_vanishes_wholly_when_a_link_is_cut(store: ExperimentStore, memory: str) -> None:
    assert outcomes(store, memory) == outcomes(store, "none")


def test_cut_links_are_the_only_difference(store: ExperimentStore) -> None:
    """The altered memories do work: they store and recall, so it is the missing text that costs the gain."""
    for memory in ("muted", "unrelated"):
        records = [record for _, record in records_of(store, memory)]
        assert sum(bool(record.ops) for record in records) > len(records) / 2
        assert sum(bool(record.recalls[0].recall.items) for record in records) > len(records) / 2
    assert all(record.recalls[0].recall.text == "" for _, record in records_of(store, "muted"))
    assert all(record.ops == () for _, record in records_of(store, "unlearning"))
    assert sum(usage.calls for _, record in records_of(store, "unlearning") for usage in record.usage.values()) > 0


def test_unrelated_items_are_as_long_as_the_real_ones(store: ExperimentStore) -> None:
    """What is injected is as long as what stands in the bank, and holds none of it."""
    lengths = []
    for _, record in records_of(store, "unrelated"):
        text = record.recalls[0].recall.text
        assert not any(skill.lesson in text or skill.title in text for skill in SKILLS.values())
        lengths.append(len(text))
    real = max(len(record.recalls[0].recall.text) for _, record in records_of(store, "reasoningbank"))
    assert 0 < max(lengths) == real


def test_name_of_a_memory_changes_nothing(store: ExperimentStore) -> None:
    assert outcomes(store, "zebra") == outcomes(store, "reasoningbank")
    assert [learnt(record) for _, record in records_of(store, "zebra")] == [
        learnt(record) for _, record in records_of(store, "reasoningbank")
    ]


def learnt(record: Any) -> str:
    return canonical([record.ops, record.state_hash, record.recalls, record.usage, record.notes])


def test_lesson_of_another_family_does_not_help(tmp_path: Path) -> None:
    """With nothing but skills left to chance, a task is solved if and only if the agent knew the skill or read its lesson."""
    with measure(tmp_path, memory=("none", "reasoningbank"), model=f"sim/learner:known=0.2,{SURE}", orders=3) as done:
        alone = {(info.order, record.task_id): record for info, record in records_of(done, "none")}
        read_other = 0
        for info, record in records_of(done, "reasoningbank"):
            family = record.task_id.partition("/")[0]
            text = record.recalls[0].recall.text
            told = SKILLS[family].lesson in text
            knew = alone[info.order, record.task_id].rollouts[0].trajectory.score == 1.0
            assert record.rollouts[0].trajectory.score == float(told or knew)
            read_other += bool(text) and not told
        assert read_other > 0, "no task recalled another family's lesson, so nothing was shown"


def test_failures_teach_reasoningbank_and_neither_baseline(tmp_path: Path) -> None:
    """A learner that knows nothing only fails at first; who learns from successes alone never starts."""
    memories = ("none", "reasoningbank", "reasoningbank:failures=false", "awm", "synapse")
    with measure(tmp_path, memory=memories, model=f"sim/learner:known=0,{SURE}", orders=2) as done:
        assert mean(scores(done, "reasoningbank")) > 0.7
        for memory in ("none", "reasoningbank:failures=false", "awm", "synapse"):
            assert sum(scores(done, memory)) == 0
            assert all(record.ops == () for _, record in records_of(done, memory))
        labels = {op.provenance.label for _, record in records_of(done, "reasoningbank") for op in record.ops}
        assert labels == {"failure", "success"}


def test_extractor_that_writes_commonplaces_teaches_nothing(tmp_path: Path) -> None:
    """Items are stored, recalled and injected, but hold no lesson."""
    with measure(tmp_path, model="sim/learner:useless=1", orders=2) as done:
        assert outcomes(done, "reasoningbank") == outcomes(done, "none")
        assert any(record.recalls[0].recall.text for _, record in records_of(done, "reasoningbank"))


def test_gain_grows_with_what_the_learner_does_not_know(tmp_path: Path) -> None:
    """The true effect is set by parameters: one who knows all gains nothing, one who does not follow gains nothing."""

    def gain(options: str) -> float:
        with measure(tmp_path / options, model=f"sim/learner:{options}", orders=2) as done:
            return mean(scores(done, "reasoningbank")) - mean(scores(done, "none"))

    assert gain("known=1,follow=1") == 0
    assert gain("known=0.3,follow=0.3") == 0
    assert gain("known=0.1") > gain("known=0.7") > 0


def requests(store: Path, memory: str) -> list[tuple[Any, str]]:
    plugin = ToyPlugin(memories=[altered.memory("zebra", altered.Renamed)], models=[altered.recording()])
    altered.Recording.requests.clear()
    with measure(store, plugin, memory=(memory,), model="sim/recording", concurrency=1):
        pass
    return list(altered.Recording.requests)


def test_no_request_names_its_condition(tmp_path: Path) -> None:
    named = requests(tmp_path / "named", "reasoningbank")
    renamed = requests(tmp_path / "renamed", "zebra")
    assert named == renamed
    assert len(named) > 48
    for request, _ in named:
        text = canonical(request).lower()
        assert not any(word in text for word in ("reasoningbank", "order-0", "sim/recording", '"single"'))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def modules() -> Mapping[str, Path]:
    packages = [Path(str(package.__file__)).parent for package in (rbsuite.models, rbsuite.learner)]
    return {f"{package.name}/{path.name}": path for package in packages for path in package.glob("*.py")}


@pytest.mark.parametrize("module", sorted(modules()))
def test_no_model_can_know_what_is_running(module: str) -> None:
    """Neither memory, judge, scaling nor runner can be imported, nor named, by a model."""
    path = modules()[module]
    forbidden = ("rbsuite.memories", "rbsuite.run", "rbsuite.scaling", "rbsuite.judges", "rbsuite.store")
    assert not [name for name in imports(path) if name.startswith((*forbidden, "rbsuite.record", "rbsuite.experience"))]
    constants = [
        node.value.lower()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in constants if text in ("reasoningbank", "awm", "synapse", "placebo", "single")]
