"""Several processes on one experiment: the second is refused, or joins and takes other runs; together they give what one alone gives."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from processes import FILE, PATIENCE, Committed, Evaluation, committed, digest, tasks_committed, wait_until
from rbsuite.seeds import rng
from rbsuite.store import ExperimentStore


def ended(process: subprocess.Popen[str]) -> dict[str, object]:
    """The document that a process printed; its exit code says whether the experiment is complete."""
    out, err = process.communicate(timeout=PATIENCE)
    document = dict(json.loads(out))
    assert (process.returncode, err) == (0 if document.get("complete", True) else 3, "")
    return document


def test_second_process_is_refused_and_the_first_goes_on(
    evaluation: Evaluation, undisturbed: Path, tmp_path: Path
) -> None:
    home = tmp_path / "experiment"
    with evaluation.start(home) as first:
        assert wait_until((home / FILE).exists, first)
        second = evaluation.run(home)
        assert (second.returncode, second.stdout) == (2, "")
        assert second.stderr.splitlines() == [
            f"rbsuite: error: {home} is being written by process {first.pid}."
            " Wait for it or stop it, or take other runs of it: rbsuite eval --join."
        ]
        assert "digest" in ended(first)
    assert digest(home) == digest(undisturbed)


def test_one_that_joins_takes_the_runs_that_the_first_has_not(
    evaluation: Evaluation, undisturbed: Path, tmp_path: Path
) -> None:
    """The first did not ask for company. It has one run at a time; the other one too."""
    home = tmp_path / "experiment"
    with evaluation.start(home, "--concurrency", "1") as first:
        assert wait_until(lambda: tasks_committed(home) > 0, first)
        with evaluation.start(home, "--concurrency", "1", "--join") as second:
            shown = [ended(first), ended(second)]
    complete = [document["digest"] for document in shown if "digest" in document]
    assert complete, "the last one to finish shows the result"
    assert {*complete} == {digest(undisturbed)}
    for document in shown:
        if "digest" not in document:
            assert document["complete"] is False
            assert set(document["held"].values()) <= {str(first.pid), str(second.pid)}  # type: ignore[attr-defined]
    assert digest(home) == digest(undisturbed)


def test_three_join_from_the_start_and_one_is_killed(evaluation: Evaluation, undisturbed: Path, tmp_path: Path) -> None:
    """They make the experiment at the same moment; what the killed one had taken is taken over by the others."""
    home = tmp_path / "experiment"
    with ExitStack() as stack:
        processes = [stack.enter_context(evaluation.start(home, "--concurrency", "1", "--join")) for _ in range(3)]
        locks = [home / "locks" / f"run-{number}" for number in range(8)]

        def at_work() -> int | None:
            """A run of the first process that has begun but not ended."""
            for number, lock in enumerate(locks):
                if lock.exists() and lock.read_text() == f"{processes[0].pid}\n":
                    with ExperimentStore.open(home, readonly=True) as store:
                        info = store.manifest.runs[number]
                        if 0 < store.committed(info.id) < len(info.tasks):
                            return number
            return None

        assert wait_until(lambda: at_work() is not None, processes[0])
        processes[0].kill()
        processes[0].communicate()
        kept = committed(home)
        shown = [ended(process) for process in processes[1:]]
    assert any("digest" in document for document in shown)
    assert kept.items() <= committed(home).items()
    assert digest(home) == digest(undisturbed)


def test_who_finds_nothing_to_do_says_who_works(evaluation: Evaluation, tmp_path: Path) -> None:
    home = tmp_path / "experiment"
    with evaluation.start(home, "--limit", "20") as first:
        taken = [home / "locks" / f"run-{number}" for number in range(8)]
        assert wait_until(lambda: all(path.exists() for path in taken), first)
        document = ended(evaluation.start(home, "--limit", "20", "--join"))
        first.kill()
    assert document == {
        "experiment": str(home),
        "complete": False,
        "held": {info: str(first.pid) for info in run_ids(home)},
    }


def run_ids(home: Path) -> list[str]:
    with ExperimentStore.open(home, readonly=True) as store:
        return [info.id for info in store.manifest.runs]


@pytest.mark.parametrize("second", ["alone", "join"])
def test_experiment_of_those_that_joined_is_refused_to_one_alone(
    evaluation: Evaluation, tmp_path: Path, second: str
) -> None:
    home = tmp_path / "experiment"
    with evaluation.start(home, "--limit", "20", "--join", "--concurrency", "1") as first:
        assert wait_until((home / FILE).exists, first)
        if second == "alone":
            refused = evaluation.run(home, "--limit", "20")
            assert refused.returncode == 2
            assert "is being written by processes that joined it" in refused.stderr
        else:
            changed = evaluation.run(home, "--limit", "19", "--join")
            assert changed.returncode == 2
            assert "contains another experiment" in changed.stderr
            assert "limit" in changed.stderr
        assert first.poll() is None
        first.kill()


@pytest.mark.slow
def test_two_at_work_and_one_of_them_killed_time_and_again(evaluation: Evaluation, tmp_path: Path) -> None:
    """Each that is killed is replaced by another that joins."""
    longer = evaluation.having("--limit", "20", "--concurrency", "2", "--join")
    chance, home = rng("join"), tmp_path / "experiment"
    at_work = [longer.start(home) for _ in range(2)]
    kept: Committed = {}
    for _ in range(15):
        number, goal = chance.randrange(2), tasks_committed(home) + chance.randint(1, 12)
        if not wait_until(lambda goal=goal: tasks_committed(home) >= goal, at_work[number]):  # type: ignore[misc]
            break
        at_work[number].kill()
        at_work[number].communicate()
        now = committed(home)
        assert kept.items() <= now.items()
        kept = now
        at_work[number] = longer.start(home)
    shown = [ended(process) for process in at_work]
    assert any("digest" in document for document in shown)
    assert len(kept) > 40
    assert kept.items() <= committed(home).items()
    assert longer.run(tmp_path / "undisturbed").returncode == 0
    assert digest(home) == digest(tmp_path / "undisturbed")
