"""Memory-aware test-time scaling: several rollouts of a task, and what memory makes of them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

import altered
from ahead import AheadPlugin, Chances
from experiments import SURE, measure, outcomes, prepare, records_of
from rbsuite.errors import UsageError
from rbsuite.hookspecs import hookimpl
from rbsuite.models.base import ModelRequest
from rbsuite.plugins import load_plugins
from rbsuite.prompts import Prompts
from rbsuite.record import TaskRecord
from rbsuite.run.config import make_config, one_at_a_time
from rbsuite.run.plan import make_plan
from rbsuite.scaling.base import Choice, SelectorServices
from rbsuite.specs import SelectorSpec
from rbsuite.store import ExperimentStore
from rbsuite.trajectory import Grade
from schedules import measured
from toy import ToyPlugin

RECORDED = {"model": "sim/recording"}


def toy(**extra: Any) -> ToyPlugin:
    return ToyPlugin(models=[altered.recording()], **extra)


def asked(purpose: str) -> list[str]:
    """The prompts of a purpose, in the order they came."""
    return [_text(request) for request, _ in altered.Recording.requests if request.purpose == purpose]


def _text(request: ModelRequest) -> str:
    return "\n".join(message.text for message in request.messages)


@pytest.fixture
def _forget() -> None:
    altered.Recording.requests.clear()


# Parallel


@pytest.mark.usefixtures("_forget")
def test_every_rollout_of_a_task_has_the_same_recall_and_after_the_first_lesson_it_is_not_empty(tmp_path: Path) -> None:
    """D8: in the released code the rollouts after the first got nothing."""
    options: dict[str, Any] = {"memory": ("reasoningbank",), "scaling": ("parallel:3",), **RECORDED}
    with measure(tmp_path, toy(), concurrency=1, **options) as store:
        records = [record for _, record in records_of(store, "reasoningbank")]
    prompts = asked("agent")
    assert len(prompts) == 3 * len(records)
    learnt = False
    for number, record in enumerate(records):
        [event] = record.recalls
        assert (event.rollout, event.phase) == (-1, "task")
        assert bool(event.recall.text) == learnt
        for prompt in prompts[3 * number : 3 * number + 3]:
            assert event.recall.text in prompt
        learnt = learnt or bool(record.ops)
    assert learnt


def test_rollouts_are_distinct(tmp_path: Path) -> None:
    """D2: what is contrasted is k trajectories, not one k times."""
    altered.Watching.seen.clear()
    plugin = toy(memories=[altered.memory("watching", altered.Watching)])
    with measure(tmp_path, plugin, memory=("watching",), scaling=("parallel:4",), judge="ground-truth") as store:
        records = [record for _, record in records_of(store, "watching")]
    for record in records:
        made = [rollout.trajectory for rollout in record.rollouts]
        assert [trajectory.rollout for trajectory in made] == [0, 1, 2, 3]
        assert len({trajectory.seed for trajectory in made}) == 4
    assert any(len({repr(rollout.trajectory.steps) for rollout in record.rollouts}) > 1 for record in records)
    experiences = [seen for seen in altered.Watching.seen if not isinstance(seen, tuple)]
    for experience in experiences:
        assert [outcome.trajectory.rollout for outcome in experience.outcomes] == [0, 1, 2, 3]
        assert len({outcome.trajectory.seed for outcome in experience.outcomes}) == 4


@pytest.mark.usefixtures("_forget")
@pytest.mark.parametrize("aggregation", ["joint", "independent"])
def test_labels_reach_the_extraction_prompts(tmp_path: Path, aggregation: str) -> None:
    """D1, D3: each trajectory stands there under its own verdict. Jointly all of a task in one prompt, else each in its own."""
    options: dict[str, Any] = {"memory": ("reasoningbank",), "scaling": ("parallel:3",), "aggregation": aggregation}
    model = "sim/recording:malformed=0"
    with measure(tmp_path, toy(), concurrency=1, model=model, **options) as store:
        records = [record for _, record in records_of(store, "reasoningbank")]
    prompts = iter(asked("memory"))
    mixed = 0
    for record in records:
        labels = [rollout.verdict.label for rollout in record.rollouts if rollout.verdict]
        mixed += len(set(labels)) > 1
        shown = [next(prompts)] if aggregation == "joint" else [next(prompts) for _ in labels]
        found = [re.findall(r"^Outcome: (\w+)$", prompt, re.MULTILINE) for prompt in shown]
        assert [label for labelled in found for label in labelled] == labels
    assert next(prompts, None) is None
    assert mixed > 3, "the test needs tasks whose rollouts differ"


def test_one_rollout_is_no_scaling(tmp_path: Path) -> None:
    """``parallel:1`` and ``sequential:1`` come to what ``single`` comes to, call for call."""
    found = {}
    for scaling in ("single", "parallel:1", "sequential:1"):
        with measure(tmp_path / scaling[:4], scaling=(scaling,), memory=("reasoningbank",)) as store:
            usage = [record.usage for _, record in records_of(store, "reasoningbank")]
            found[scaling] = (outcomes(store, "reasoningbank"), usage)
    assert found["single"] == found["parallel:1"] == found["sequential:1"]


# The task itself


def own_items(store: ExperimentStore, memory: str) -> Iterator[tuple[TaskRecord, set[str], set[str]]]:
    """Every record with the items that its task left in the bank before, and those that were recalled for it."""
    for info in store.manifest.runs:
        if not info.condition.memory.startswith(memory):
            continue
        learnt: dict[str, set[str]] = defaultdict(set)
        for record in store.records(info.id):
            recalled = {item.item_id for event in record.recalls for item in event.recall.items}
            yield record, learnt[record.task_id], recalled
            learnt[record.task_id] |= {op.item.id for op in record.ops if op.item is not None}


@pytest.mark.parametrize("memory", ["reasoningbank", "synapse", "remem", "random", "history"])
@pytest.mark.parametrize("scaling", ["parallel:3", "sequential:2"])
def test_no_task_recalls_what_stems_from_itself(tmp_path: Path, memory: str, scaling: str) -> None:
    """Not in its probe either, where the bank does hold it; nor when the run was stopped and gone on with, by another schedule."""
    options: dict[str, Any] = {"memory": (memory,), "scaling": (scaling,), "probe": 24, "stream": "batch:2"}
    plan = prepare(model="sim/learner:latency=0.1", **options)
    for until in (1.0, 2.5, None):
        store, _ = measured(plan, "3", Chances(), tmp_path, until=until)
        store.close()
    with store.open(tmp_path, readonly=True) as done:
        found = list(own_items(done, memory))
    assert len(found) == 48
    assert [record.task_id for record, own, recalled in found if own & recalled] == []
    assert sum(bool(own) for _, own, _ in found) > 5, "the test needs tasks that meet their own lessons"
    assert sum(bool(recalled) for _, _, recalled in found) > 30
    assert all(record.ops == () for record, _, _ in found[24:])


# Sequential


@pytest.mark.usefixtures("_forget")
def test_where_the_world_is_open_the_rounds_go_on_in_the_same_trajectory(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("reasoningbank",), "scaling": ("sequential:3",), **RECORDED}
    with measure(tmp_path, toy(), concurrency=1, **options) as store:
        records = [record for _, record in records_of(store, "reasoningbank")]
    prompts = Prompts()
    first, again = prompts.render("scaling/check_first.j2"), prompts.render("scaling/check_again.j2")
    for record in records:
        [rollout] = record.rollouts
        steps = rollout.trajectory.steps
        assert [step.observation.text for step in steps[1:]] == [first, again]
        assert rollout.notes == tuple(f"{step.action.thought} {step.action.text}".strip() for step in steps[:2])
        assert record.usage.get("select") is None
    extractions = asked("memory")
    for record in records:
        assert sum(all(note in prompt for note in record.rollouts[0].notes) for prompt in extractions) > 0


def test_an_answer_that_no_turn_is_left_to_check_counts(tmp_path: Path) -> None:
    """The toy gives three turns; seven checks do not turn an answer into none."""
    with (
        measure(tmp_path / "few", scaling=("sequential:3",), memory=("none",)) as few,
        measure(tmp_path / "many", scaling=("sequential:8",), memory=("none",)) as many,
    ):
        ends = Counter(record.rollouts[0].trajectory.end for _, record in records_of(many, "none"))
        assert ends == {"finished": 24}
        assert len(outcomes(many, "none")) == 24
        for key, (score, _, steps, _) in outcomes(many, "none").items():
            assert (score, len(steps)) == (outcomes(few, "none")[key][0], 3)


def sample(tmp_path: Path, *plugins: object, **config: Any) -> ExperimentStore:
    """An experiment on tau-bench's sample split; the caller closes the store."""
    found = load_plugins()
    for number, plugin in enumerate(plugins):
        found.register(plugin, f"test-{number}")
    options = {"env": "tau-bench", "split": "sample", "domain": "retail", "limit": 5, "orders": 1, **config}
    store, _ = measured(make_plan(make_config(options), found), "3", Chances(), tmp_path)
    return store


@pytest.mark.usefixtures("_forget")
def test_where_the_episode_has_ended_each_round_is_a_fresh_rollout_that_sees_the_earlier_ones(tmp_path: Path) -> None:
    options: dict[str, Any] = {"memory": ("reasoningbank",), "scaling": ("sequential:3",)}
    with sample(tmp_path, toy(), model="sim/recording:latency=0.1", **options) as store:
        records = [record for _, record in records_of(store, "reasoningbank")]
    retried = [prompt for prompt in asked("agent") if "# Earlier attempts at this task" in prompt]
    for record in records:
        assert len(record.rollouts) == 3
        assert record.selected == 2
        assert [rollout.verdict is not None for rollout in record.rollouts] == [False, False, True]
        assert ["judge" in rollout.usage for rollout in record.rollouts] == [False, False, True]
        assert [len(rollout.notes) for rollout in record.rollouts] == [0, 1, 2]
        assert len({rollout.trajectory.seed for rollout in record.rollouts}) == 3
        assert {op.provenance.rollouts for op in record.ops} <= {(2,)}
        for note in record.rollouts[2].notes:
            assert sum(note in prompt for prompt in retried) > 0
            assert not record.ops or sum(note in prompt for prompt in asked("memory")) > 0
    for prompt in retried:
        shown = prompt.partition("# Earlier attempts at this task")[2]
        assert not re.search(r"\b(score|reward|verdict|Outcome)\b", shown)


# What it costs, and what is refused


@pytest.mark.parametrize("scaling", ["single", "parallel:3", "sequential:3"])
@pytest.mark.parametrize("env", ["walk", "walk-again"])
def test_every_call_is_in_the_account_of_its_purpose(tmp_path: Path, scaling: str, env: str) -> None:
    plan = prepare(AheadPlugin(), env=env, model="test/hashing", scaling=(scaling,), memory=("reasoningbank",))
    chances = Chances()
    store, _ = measured(plan, "off", chances, tmp_path)
    spent: Counter[str] = Counter()
    with store:
        for _, record in records_of(store, "reasoningbank"):
            assert set(record.usage) <= {"memory", "select"}
            for usage in (record.usage, *(rollout.usage for rollout in record.rollouts)):
                spent.update({purpose: used.calls for purpose, used in usage.items()})
    assert spent == chances.begun
    assert set(spent) == {"agent", "judge", "memory"} | ({"select"} if scaling == "parallel:3" else set())


def test_rollouts_at_once_are_refused_where_they_share_a_server() -> None:
    plugin = AheadPlugin()
    options: dict[str, Any] = {"env": "walk-server", "model": "test/hashing", "memory": ("none",)}

    def alone(**config: Any) -> bool:
        plan = prepare(plugin, **config)
        return one_at_a_time(plan.spec, plan.config)

    with pytest.raises(UsageError, match=r"parallel:2.*walk-server.*--allow-shared-state"):
        prepare(plugin, scaling=("single", "parallel:2"), **options)
    for scaling in ("single", "sequential:3", "parallel:1"):
        assert alone(scaling=(scaling,), **options)
    assert not alone(scaling=("parallel:2",), allow_shared_state=True, **options)
    assert not alone(scaling=("parallel:2",), **{**options, "env": "walk"})


def test_all_scalings_on_the_sample(tmp_path: Path) -> None:
    scalings = ("single", "parallel:3", "sequential:3")
    with sample(tmp_path, memory=("none", "reasoningbank"), scaling=scalings, model="sim/learner") as store:
        sizes = {
            (info.condition.memory, info.condition.scaling): {len(record.rollouts) for record in store.records(info.id)}
            for info in store.manifest.runs
        }
    assert sizes == {
        (memory, scaling): {size}
        for memory in ("none", "reasoningbank")
        for scaling, size in zip(scalings, (1, 3, 3), strict=True)
    }


class Choosing:
    """Keeps what it is handed; chooses the last."""

    seen: ClassVar[list[Choice]] = []

    async def select(self, choice: Choice, services: SelectorServices) -> int:
        self.seen.append(choice)
        return len(choice.trajectories) - 1


class Selectors:
    """Declares it twice: one may see scores."""

    @hookimpl
    def rbsuite_selectors(self) -> Sequence[SelectorSpec]:
        factory = f"{__name__}:Choosing"
        return [
            SelectorSpec("blind", "last", factory),
            SelectorSpec("seeing", "last", factory, ground_truth=True),
        ]


@pytest.mark.parametrize("selector", ["blind", "seeing"])
def test_scores_are_shown_to_selectors_that_declare_it_alone(tmp_path: Path, selector: str) -> None:
    Choosing.seen.clear()
    options: dict[str, Any] = {"memory": ("none",), "scaling": ("parallel:3",), "selector": selector}
    with measure(tmp_path, ToyPlugin(), Selectors(), concurrency=1, **options) as store:
        records = [record for _, record in records_of(store, "none")]
    scores = [tuple(rollout.trajectory.score for rollout in record.rollouts) for record in records]
    assert [choice.scores for choice in Choosing.seen] == (scores if selector == "seeing" else [()] * 24)
    assert {record.selected for record in records} == {2}
    for choice in Choosing.seen:
        for trajectory in choice.trajectories:
            assert trajectory.grade is None
            assert {step.reward for step in trajectory.steps} == {None}


@pytest.mark.parametrize("selector", ["best-of-n", "random", "oracle", "majority"])
def test_the_oracle_is_an_upper_bound(tmp_path: Path, selector: str) -> None:
    options: dict[str, Any] = {"memory": ("none",), "scaling": ("parallel:4",), "selector": selector, "orders": 2}
    with measure(tmp_path, **options) as store:
        for _, record in records_of(store, "none"):
            scores = [rollout.trajectory.score or 0.0 for rollout in record.rollouts]
            assert scores[record.selected] <= max(scores)
            if selector == "oracle":
                assert scores[record.selected] == max(scores)


# The simulated learner under sequential scaling


def success(directory: Path, scaling: str, model: str) -> tuple[float, list[Any]]:
    options: dict[str, Any] = {"memory": ("none",), "orders": 10, "judge": "none", "scaling": (scaling,)}
    with measure(directory, model=model, **options) as store:
        found = outcomes(store, "none").values()
        acts = [[step.action for step in steps] for _, _, steps, _ in found]
        return sum(score for score, *_ in found) / len(found), acts


def test_checking_helps_a_little_without_memory(tmp_path: Path) -> None:
    """By the learner's trait ``notice``: it knows 0.3, and notices 0.15 of the rest at each of two checks."""
    model = f"sim/learner:{SURE}"
    single, _ = success(tmp_path / "single", "single", model)
    sequential, _ = success(tmp_path / "sequential", "sequential:3", model)
    assert single == pytest.approx(0.3, abs=0.09)
    assert sequential == pytest.approx(1 - 0.7 * 0.85**2, abs=0.1)
    assert 0.08 < sequential - single < 0.32


def test_checking_helps_not_at_all_where_nothing_is_noticed(tmp_path: Path) -> None:
    model = f"sim/learner:{SURE},notice=0"
    single, _ = success(tmp_path / "single", "single", model)
    sequential, _ = success(tmp_path / "sequential", "sequential:3", model)
    assert sequential == single


def test_checking_does_not_go_by_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every score is turned round, every action is the same."""
    model = f"sim/learner:{SURE}"
    right, acts = success(tmp_path / "right", "sequential:3", model)
    monkeypatch.setattr("rbsuite.run.rollout.checked_grade", lambda spec, task, grade: Grade(1.0 - grade.score))
    wrong, same_acts = success(tmp_path / "wrong", "sequential:3", model)
    assert wrong == pytest.approx(1 - right)
    assert acts == same_acts
