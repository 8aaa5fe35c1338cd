"""All rollouts of a task: one opening, one recall, seeds of their own; then the group is learnt from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import altered
from experiments import measure, records_of
from rbsuite.experience import Experience
from rbsuite.prompts import Prompts
from rbsuite.statistics.summary import summarise
from rbsuite.store import ExperimentStore
from toy import ToyPlugin


def toy() -> ToyPlugin:
    return ToyPlugin(
        environments=[altered.environment("talking", altered.Talking, users=("llm", "scripted"))],
        memories=[altered.memory("watching", altered.Watching)],
        judges=[altered.judge("watching", altered.WatchingJudge)],
        models=[altered.recording()],
        scalings=[altered.THREE],
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExperimentStore]:
    """Three rollouts a task, where a simulated user opens the conversation."""
    altered.Recording.requests.clear()
    altered.Watching.seen.clear()
    options: dict[str, Any] = {
        "env": "talking",
        "model": "sim/recording",
        "scaling": ("three",),
        "memory": ("watching",),
    }
    with measure(tmp_path_factory.mktemp("groups"), toy(), concurrency=1, **options) as done:
        yield done


def test_all_rollouts_get_the_same_opening(store: ExperimentStore) -> None:
    for _, record in records_of(store, "watching"):
        trajectories = [rollout.trajectory for rollout in record.rollouts]
        assert len(trajectories) == 3
        openings = [trajectory.steps[0] for trajectory in trajectories]
        assert openings[0].actor == "user"
        assert openings[0] == openings[1] == openings[2]
        assert {trajectory.query for trajectory in trajectories} == {openings[0].action.text}


def test_opening_is_asked_for_once(store: ExperimentStore) -> None:
    asked = [request for request, _ in altered.Recording.requests if request.purpose == "user"]
    assert len(asked) == 24
    for _, record in records_of(store, "watching"):
        assert record.usage["user"].calls == 1
        assert all("user" not in rollout.usage for rollout in record.rollouts)


def test_all_rollouts_read_the_same_recall(store: ExperimentStore) -> None:
    """One recall a task, before any rollout; what it gave stands in the prompt of every rollout (not of the first alone)."""
    prompts = [
        "\n".join(message.text for message in request.messages)
        for request, _ in altered.Recording.requests
        if request.purpose == "agent"
    ]
    assert len(prompts) == 24 * 3
    heading = Prompts().render("agent/memory.j2", memory="")
    for (_, record), start in zip(records_of(store, "watching"), range(0, 72, 3), strict=True):
        assert [event.rollout for event in record.recalls] == [-1]
        recall = record.recalls[0].recall
        assert bool(recall.text) == (record.position > 0)
        for prompt in prompts[start : start + 3]:
            assert recall.text in prompt
            assert (heading in prompt) == bool(recall.text)


def test_rollouts_differ_by_their_seeds(store: ExperimentStore) -> None:
    differing = 0
    for _, record in records_of(store, "watching"):
        assert len({rollout.trajectory.seed for rollout in record.rollouts}) == 3
        assert [rollout.trajectory.rollout for rollout in record.rollouts] == [0, 1, 2]
        differing += len({rollout.trajectory.score for rollout in record.rollouts}) > 1
    assert differing > 0


def test_the_query_is_what_the_user_said_and_not_its_brief(store: ExperimentStore) -> None:
    for asked in altered.Watching.seen:
        if not isinstance(asked, Experience):
            request = asked[0]
            assert request.query.startswith("How many")
            assert "BRIEF" not in request.query


def test_the_whole_group_is_absorbed_with_its_labels(store: ExperimentStore) -> None:
    absorbed = {seen.task_id: seen for seen in altered.Watching.seen if isinstance(seen, Experience)}
    assert len(absorbed) == 24
    for _, record in records_of(store, "watching"):
        outcomes = absorbed[record.task_id].outcomes
        assert [outcome.trajectory.rollout for outcome in outcomes] == [0, 1, 2]
        assert [outcome.verdict for outcome in outcomes] == [rollout.verdict for rollout in record.rollouts]
        assert len({outcome.trajectory.seed for outcome in outcomes}) == 3


def test_the_selected_rollout_is_the_answer(store: ExperimentStore) -> None:
    summary = summarise(store).conditions[0]
    selected = {}
    for _, record in records_of(store, "watching"):
        assert record.selected == 1
        selected[record.task_id] = record.rollouts[1].trajectory.score
    assert summary.scores == selected
    assert sum(summary.ends.values()) == 72
    assert (summary.n_tasks, summary.committed) == (24, 24)
    calls = sum(1 for request, _ in altered.Recording.requests)
    assert summary.total.calls == calls, "a call was counted twice or not at all"


def test_nothing_of_the_truth_reaches_judge_memory_or_agent(tmp_path: Path) -> None:
    """D5: without being asked for, no ground truth is handed to anyone: no score, reward, detail of the check or user's brief."""
    altered.Watching.seen.clear()
    altered.WatchingJudge.seen.clear()
    altered.Recording.requests.clear()
    options: dict[str, Any] = {"judge": "watching", "memory": ("watching",), "env": "talking", "model": "sim/recording"}
    with measure(tmp_path, toy(), **options) as store:
        whole = [record.rollouts[0].trajectory for _, record in records_of(store, "watching")]
    assert {trajectory.score for trajectory in whole} == {0.0, 1.0}
    assert all(trajectory.grade and trajectory.grade.truth for trajectory in whole)
    experiences = [seen for seen in altered.Watching.seen if isinstance(seen, Experience)]
    assert len(experiences) == len(altered.WatchingJudge.seen) == 24
    shown = [outcome.trajectory for seen in experiences for outcome in seen.outcomes]
    shown += [request.trajectory for request in altered.WatchingJudge.seen]
    for trajectory in shown:
        assert trajectory.grade is None
        assert {step.reward for step in trajectory.steps} == {None}
        assert "BRIEF" not in repr(trajectory)
    assert {request.score for request in altered.WatchingJudge.seen} == {None}
    for request, _ in altered.Recording.requests:
        if request.purpose != "user":
            assert "BRIEF" not in repr(request)


def test_scores_are_shown_to_judges_that_declare_it(tmp_path: Path) -> None:
    altered.WatchingJudge.seen.clear()
    plugin = ToyPlugin(judges=[altered.judge("watching", altered.WatchingJudge, ground_truth=True)])
    with measure(tmp_path, plugin, judge="watching", memory=("none",)) as store:
        scores = [record.rollouts[0].trajectory.score for _, record in records_of(store, "none")]
        assert store.manifest.facts["judge_sees_ground_truth"] is True
    assert [request.score for request in altered.WatchingJudge.seen] == scores
    assert {request.trajectory.score for request in altered.WatchingJudge.seen} == {None}
