"""What goes wrong on the way does not show: interruptions, exceptions on stale reads, models that answer differently each time."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ahead import AheadPlugin, Chances
from experiments import prepare
from rbsuite.errors import PluginError
from rbsuite.events import Event, RolloutDiscarded, RolloutEnded, TaskCommitted
from rbsuite.hookspecs import hookimpl
from rbsuite.run.plan import Plan
from rbsuite.store import ExperimentStore, experiment_digest
from rbsuite.trajectory import Trajectory
from schedules import counted, measured, noted, records

BUSY = "everything-steps:program=3,writes=3"
UNEVEN = (0.1, 0.5, 0.2, 0.9, 0.05)
WINDOWS = ("1", "3", "16", "auto")


def walk(*plugins: object, **config: Any) -> Plan:
    return prepare(AheadPlugin(), *plugins, **{"env": "walk", "model": "test/hashing", "limit": 10, **config})


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    stops=st.lists(st.floats(0.0, 12.0), min_size=1, max_size=4),
    windows=st.lists(st.sampled_from(["off", *WINDOWS]), min_size=5, max_size=5),
    stream=st.sampled_from(["exact", "batch:3"]),
    latencies=st.lists(st.sampled_from([0.0, 0.1, 0.7]), min_size=1, max_size=7),
    cleanup=st.sampled_from([0.0, 0.4]),
)
def test_stopped_anywhere_and_gone_on_with_under_another_window(
    stops: Sequence[float], windows: Sequence[str], stream: str, latencies: Sequence[float], cleanup: float
) -> None:
    plan = walk(memory=(BUSY,), stream=stream, probe=2, scaling=("parallel:2",))
    with tempfile.TemporaryDirectory() as root:
        plain, _ = measured(plan, "off", Chances(), Path(root, "plain"))
        for stop, window in zip(stops, windows, strict=False):
            chances = Chances(latencies, cleanup=cleanup)
            stopped, seconds = measured(plan, window, chances, Path(root, "stopped"), until=stop)
            stopped.close()
            # Calls give way one after the other: those of a try together, tries in turn.
            assert seconds <= stop + 20 * cleanup + 1e-6, "the stream did not stop when it was told to"
            assert chances.worlds == 0, "an environment was left open"
        done, _ = measured(plan, windows[-1], Chances(latencies), Path(root, "stopped"))
        with plain, done:
            assert records(done) == records(plain)
            assert experiment_digest(done) == experiment_digest(plain)


def test_a_stream_stops_at_once_even_while_it_throws_an_attempt_away(tmp_path: Path) -> None:
    """A cancelled call takes a second to give way, so at many times the stream is waiting for one that it has cancelled itself."""
    plan = walk(memory=(BUSY,), limit=24)
    chances = Chances(UNEVEN, cleanup=1.0)
    whole, length = measured(plan, "3", chances, tmp_path / "whole")
    with whole:
        assert noted(whole)["wasted_calls"] > 0
    for half in range(4, int(2 * (length - 6)), 3):
        stopped, seconds = measured(
            plan, "3", Chances(UNEVEN, cleanup=1.0), tmp_path / f"{half}", until=half / 2 + 0.01
        )
        stopped.close()
        assert seconds <= half / 2 + 5.1


@pytest.mark.parametrize("where", ["recall", "step", "absorb"])
@pytest.mark.parametrize("window", WINDOWS)
def test_an_exception_on_a_stale_read_does_not_surface(tmp_path: Path, where: str, window: str) -> None:
    """The memory fails wherever what it reads is not of the version it is told; one task at a time it never is."""
    plan = walk(memory=(f"counting:where={where}",), judge="ground-truth")
    plain, _ = measured(plan, "off", Chances(), tmp_path / "plain")
    chances = Chances(UNEVEN)
    other, _ = measured(plan, window, chances, tmp_path / "other")
    with plain, other:
        assert records(other) == records(plain)
    assert window == "auto" or chances.fits > 0


@pytest.mark.parametrize(("where", "scaling"), [("recall", "single"), ("step", "parallel:2")])
@pytest.mark.parametrize("window", ["off", *WINDOWS])
def test_an_exception_that_one_task_at_a_time_would_meet_surfaces_at_its_task(
    tmp_path: Path, window: str, where: str, scaling: str
) -> None:
    """With failures of the model the tally misses tasks, so the memory's fit is no artefact; those before stay committed."""
    plan = walk(memory=(f"counting:where={where}",), judge="ground-truth", scaling=(scaling,), limit=24)
    chances = Chances(UNEVEN, failing=3)
    with pytest.raises(PluginError, match=r"counting.*KeyError") as caught:
        measured(plan, window, chances, tmp_path)
    with ExperimentStore.open(tmp_path, readonly=True) as store:
        [info] = store.manifest.runs
        assert info.tasks[store.committed(info.id)] in str(caught.value)
        expected = next(record.position for record in store.records(info.id) if not record.ops) + 1
        assert store.committed(info.id) == expected
    assert chances.worlds == 0


class Observer:
    """Keeps the rollouts that were told and not taken back, and what stood of them when their task was committed."""

    event_types = (RolloutEnded, RolloutDiscarded, TaskCommitted)

    def __init__(self) -> None:
        self.open: dict[int, list[Trajectory]] = defaultdict(list)
        self.committed: list[tuple[int, list[Trajectory]]] = []
        self.taken_back = 0

    @hookimpl
    def rbsuite_event(self, event: Event) -> None:
        if isinstance(event, RolloutEnded):
            self.open[event.place.position].append(event.trajectory)
        elif isinstance(event, RolloutDiscarded):
            self.taken_back += event.rollouts
            self.open.pop(event.place.position, None)
        elif isinstance(event, TaskCommitted):
            told = self.open.pop(event.record.position)
            self.committed.append((event.record.position, sorted(told, key=lambda one: one.rollout)))


@pytest.mark.parametrize("window", ["3", "16"])
def test_what_is_told_and_not_taken_back_is_what_stands(tmp_path: Path, window: str) -> None:
    observer = Observer()
    plan = walk(observer, memory=(BUSY,), scaling=("parallel:2",))
    store, _ = measured(plan, window, Chances(UNEVEN), tmp_path)
    with store:
        assert noted(store)["discarded_rollouts"] == observer.taken_back > 0
        stands = [[rollout.trajectory for rollout in record.rollouts] for record in records(store)]
    assert observer.committed == list(enumerate(stands))


@pytest.mark.parametrize("window", ["1", "3", "16"])
def test_a_model_that_answers_differently_each_time_gets_no_second_chance(tmp_path: Path, window: str) -> None:
    """No request is answered twice: a try that is made again hears what the first one heard, as far as it asks the same."""
    plan = walk(memory=(BUSY,), scaling=("parallel:2",), limit=24)
    chances = Chances(UNEVEN, fickle=True)
    store, _ = measured(plan, window, chances, tmp_path)
    with store:
        waste = noted(store)
        assert waste["discarded_rollouts"] > 0
        assert sum(chances.begun.values()) == counted(store) + waste["wasted_calls"]
    heard = Counter(repr(asked) for asked in chances.asked)
    assert [asked for asked, times in heard.items() if times > 1] == []


def test_where_rollouts_share_a_server_one_is_under_way(tmp_path: Path) -> None:
    """Neither a window nor a batch runs ahead there, unless that is allowed."""
    options: dict[str, Any] = {"env": "walk-server", "memory": ("none",), "stream": "batch:4"}
    alone, slow = measured(walk(**options), "16", Chances((1.0,)), tmp_path / "alone")
    off, one_by_one = measured(walk(**{**options, "stream": "exact"}), "off", Chances((1.0,)), tmp_path / "off")
    together, quick = measured(walk(**options, allow_shared_state=True), "16", Chances((1.0,)), tmp_path / "together")
    with alone, off, together:
        assert slow == pytest.approx(one_by_one)
        assert quick < slow / 2
        assert records(alone) == records(together)
