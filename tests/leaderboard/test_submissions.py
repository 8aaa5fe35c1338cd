"""What may stand on a board: everything is computed again, and whatever differs or lacks is refused with all its faults."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from boards import Command, write_board
from experiments import measure
from rbsuite import Completion, EnvironmentSpec, ModelSpec, hookimpl
from rbsuite.errors import RbsuiteError
from rbsuite.leaderboard.adding import Entry, Refused, add
from rbsuite.leaderboard.boards import read_board
from rbsuite.leaderboard.submission import dump_text
from rbsuite.leaderboard.validating import check_submission
from rbsuite.models.base import ModelRequest
from rbsuite.run.rewinding import rewind
from rbsuite.store import ExperimentStore
from rbsuite.store.codec import pack, unpack
from rbsuite.store.export import export_jsonl
from toy import TOY, Toy, ToyPlugin

MEMORIES = ("none", "reasoningbank")
ENTRY = Entry("A system", "A lab", "2026-11-01")
NAME = "a-system_a-lab_2026-11-01"


@pytest.fixture
def submitted(toys: Path, root: Path) -> Path:
    return add([toys / "first"], read_board(root, "toys"), ENTRY)


def faults(directory: Path) -> tuple[str, ...]:
    return check_submission(directory, read_board(directory.parents[2], "toys")).faults


def edit(directory: Path, change: Callable[[Any], object]) -> None:
    value = json.loads((directory / "submission.json").read_text())
    change(value)
    (directory / "submission.json").write_text(dump_text(value))


def test_a_submission_holds_is_shown_and_is_removed(rbsuite: Command, toys: Path, root: Path) -> None:
    options = ("--board", "toys", "--root", root, "--org", "A lab", "--date", "2026-11-01")
    said = rbsuite("leaderboard", "add", toys / "first", *options, "--system", "A system", "--hardware", "a laptop")
    assert said.out.strip() == f"{root}/toys/submissions/{NAME}"
    receipts = ("--receipts", root.parent / "receipts")
    assert "1 submission is valid" in rbsuite("leaderboard", "validate", "--root", root, *receipts).out
    shown = json.loads(rbsuite("leaderboard", "show", "toys", NAME, "--root", root).out)
    assert shown["hardware"] == "a laptop"
    assert [row["memory"] for row in shown["measured"]["rows"]] == ["none", "reasoningbank"]
    table = rbsuite("leaderboard", "show", "toys", "--root", root, *receipts).out
    assert "verified, simulated" in table
    assert "simulation" in table
    twice = rbsuite("leaderboard", "add", toys / "first", *options, "--system", "A system")
    assert (twice.code, twice.err.count("\n")) == (2, 1)
    assert rbsuite("leaderboard", "remove", "toys", NAME, "--root", root).code == 0
    assert json.loads(rbsuite("leaderboard", "list", "--json", "--root", root).out)["toys"]["submissions"] == []


def test_an_export_and_an_archive_give_what_the_store_gives(toys: Path, root: Path, tmp_path: Path) -> None:
    place = read_board(root, "toys")
    with ExperimentStore.open(toys / "first", readonly=True) as store:
        export_jsonl(store, tmp_path / "e.jsonl")
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.write(toys / "first" / "experiment.sqlite", "deep/experiment.sqlite")
    values = []
    for number, source in enumerate([toys / "first", tmp_path / "e.jsonl", tmp_path / "e.zip"]):
        made = add([source], place, Entry(f"S{number}", "L", "2026-11-01"))
        values.append(json.loads((made / "submission.json").read_text())["measured"])
        if number < 2:  # one log stands for one system
            shutil.rmtree(made)
    assert values[0] == values[1] == values[2]


def test_a_submission_is_read_back_by_compare(rbsuite: Command, toys: Path, submitted: Path) -> None:
    for form in ((), ("--json",)):
        there, here = (rbsuite("compare", one, *form).out for one in (toys / "first", submitted))
        assert there.replace(f"{toys / 'first'}", "") == here.replace(f"{submitted}", "")


def test_experiments_that_differ_in_their_seeds_are_one_submission(rbsuite: Command, toys: Path, root: Path) -> None:
    place = read_board(root, "toys")
    made = add([toys / "first", toys / "second"], place, ENTRY)
    rows = json.loads((made / "submission.json").read_text())["measured"]["rows"]
    assert [row["orders"] for row in rows] == [6, 6]
    assert rbsuite("compare", made, made / "2").code == 0
    with pytest.raises(Refused) as caught:
        add([toys / "first", toys / "warm"], place, Entry("Warm", "L", ""))
    assert any("mixed temperatures: 0, 0.7" in fault for fault in caught.value.faults)


def set_at(path: str, value: object) -> Callable[[Any], object]:
    *steps, last = (int(one) if one.isdigit() else one for one in path.split("."))

    def change(document: Any) -> None:
        for step in steps:
            document = document[step]
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (set_at("measured.rows.1.headline.mean", 0.99), "measured.rows[1].headline.mean is 0.99, but the logs give"),
        (set_at("measured.rows.0.dollars", 9.0), "measured.rows[0].dollars is 9"),
        (set_at("measured.rows.1.gain.curve.0.cells", 1), "gain.curve[0].cells"),
        (set_at("results.apples.pass_2", 101.0), "pass_2 is above pass_1"),
        (set_at("measured.rows.1.runs.0.scores", [1.0]), "dropped from the denominator"),
        (set_at("measured.simulated", False), "measured.simulated is False, but the logs give True"),
        (set_at("board", "others"), "it is for the board 'others'"),
        (set_at("schema_version", 2), "schema_version is 2, but this version of rbsuite reads 1"),
        (set_at("measured.rows.0.orders", "three"), "measured.rows[0].orders: violates type"),
        (set_at("url", "javascript:alert(1)"), "url: violates pattern"),
        (set_at("logs.0.path", "../../experiment.sqlite"), "logs[0].path: violates pattern"),
        (lambda document: document.pop("logs"), "logs is missing"),
        (lambda document: document["measured"]["rows"].pop(), "rows is 1 entries, but the logs give 2 entries"),
        (set_at("extra", {"deep": 1}), "unknown extra"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_whatever_is_changed_in_a_submission_is_found(
    submitted: Path, change: Callable[[Any], object], wanted: str
) -> None:
    assert faults(submitted) == ()
    edit(submitted, change)
    assert any(wanted in fault for fault in faults(submitted)), faults(submitted)


def test_all_faults_are_told_at_once(rbsuite: Command, submitted: Path, root: Path) -> None:
    edit(submitted, set_at("measured.rows.0.headline.mean", 0.5))
    edit(submitted, set_at("measured.rows.1.tokens", 1.0))
    (submitted / "run.sh").write_text("")
    said = rbsuite("leaderboard", "validate", submitted, "--receipts", root.parent / "receipts")
    lines = said.out.splitlines()
    assert said.code == 1
    assert "'run.sh' is not part of a submission" in lines[0]
    assert lines[-1] == "1 submission, 1 refused"


def test_a_changed_log_is_found_by_its_digest_and_by_its_chain(submitted: Path) -> None:
    path = submitted / "experiment.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE rollout SET head = replace(head, '0.0', '1.0')")
    assert faults(submitted) == ("the log experiment.sqlite is not the one that was submitted: its digest differs",)
    edit(submitted, set_at("logs.0.sha256", hashlib.sha256(path.read_bytes()).hexdigest()))
    edit(submitted, set_at("logs.0.bytes", path.stat().st_size))
    found = faults(submitted)
    assert found
    assert all(fault.startswith("the hash chain is broken") for fault in found)


def test_a_receipt_does_not_outlive_a_change(rbsuite: Command, submitted: Path, root: Path) -> None:
    options = ("--root", root, "--receipts", root.parent / "receipts")
    assert rbsuite("leaderboard", "validate", *options).code == 0
    (submitted / "experiment.sqlite").write_bytes(b"other")
    assert rbsuite("leaderboard", "validate", *options).code == 1


@pytest.mark.parametrize(
    ("experiment", "more", "wanted"),
    [
        ("mixed", "", "mixed models: sim/learner, sim/learner:known=0.9"),
        ("told", "", "memory learns from ground truth, which is not declared"),
        ("fewer", "", "a different task set from the board's"),
        ("frozen", "", "freeze is True, but the board wants False"),
        ("first", "simulated = false", "its models are simulations, but the board is for real ones"),
        (
            "first",
            "simulated = true\nfixed = { protocol = 'evo-memory' }",
            "protocol is '', but the board wants 'evo-memory'",
        ),
        (
            "first",
            "simulated = true\nfree = ['memory', 'scaling']\nfixed = { seed = 4 }",
            "seed is 0, but the board wants 4",
        ),
        ("first", "simulated = true\nfacts = { backend = 'real' }", "environment's backend is None"),
        ("warm", "simulated = true\nfree = ['memory', 'seed', 'orders', 'user']", "temperature is [0.7]"),
        ("first", "simulated = true\nbaseline = 'placebo'", "no condition has the memory 'placebo'"),
    ],
)
def test_what_a_board_does_not_take_is_refused_and_nothing_is_written(
    rbsuite: Command, toys: Path, tmp_path: Path, experiment: str, more: str, wanted: str
) -> None:
    write_board(toys, tmp_path / "b", "toys", more or "simulated = true")
    before = sorted(tmp_path.rglob("*"))
    options = ("--board", "toys", "--root", tmp_path / "b", "--org", "L", "--date", "2026-11-01", "--system", "S")
    said = rbsuite("leaderboard", "add", toys / experiment, *options)
    assert said.code == 2
    assert wanted in said.err
    assert sorted(tmp_path.rglob("*")) == before


def test_what_differs_between_five_people_is_a_column(rbsuite: Command, toys: Path, root: Path) -> None:
    place = read_board(root, "toys")
    for day, name in enumerate(("first", "second", "warm", "noisy", "told"), 1):
        feedback = "ground_truth" if name in ("noisy", "told") else "self"
        add([toys / name], place, Entry(name, "L", "2026-11-01", evaluated=f"2026-10-0{day}", feedback=feedback))
    shown = json.loads(rbsuite("leaderboard", "show", "toys", "--root", root, "--claimed", "--json").out)["rows"]
    columns = {key.removeprefix("differs: ") for key in shown[0] if key.startswith("differs: ")}
    assert columns == {"judge", "temperature", "seeds", "feedback", "evaluated"}
    assert {row["differs: temperature"] for row in shown} == {"0", "0.7"}
    assert len({row["differs: seeds"] for row in shown}) == 4


def test_a_model_under_another_name_is_shown_with_the_name_in_its_logs(
    rbsuite: Command, toys: Path, root: Path
) -> None:
    add([toys / "first"], read_board(root, "toys"), Entry("S", "L", "2026-11-01", model="Big 9"))
    assert "Big 9 (sim/learner)" in rbsuite("leaderboard", "show", "toys", "--root", root, "--claimed").out


def test_the_first_submission_says_what_the_tasks_are_where_the_board_does_not(
    rbsuite: Command, toys: Path, tmp_path: Path
) -> None:
    (tmp_path / "b" / "toys").mkdir(parents=True)
    text = 'title = "T"\nenvironment = "toy"\nsplit = "all"\ntask_set = ""\ntasks = {}\nsimulated = true\nfixed = {{ limit = {} }}\n'
    board = tmp_path / "b" / "toys" / "board.toml"
    board.write_text(text.format(3, 3))
    place = read_board(tmp_path / "b", "toys")
    measure(tmp_path / "other", memory=MEMORIES, limit=3, domain="clouds").close()
    made = add([toys / "fewer"], place, replace(ENTRY, name="m"))
    with pytest.raises(Refused) as caught:
        add([tmp_path / "other"], place, replace(ENTRY, name="z"))
    assert "a different task set from that of submissions/m" in caught.value.faults
    # A receipt of a submission does not hold it against those that came later.
    options = ("--root", tmp_path / "b", "--receipts", tmp_path / "r")
    assert rbsuite("leaderboard", "validate", *options).code == 0
    first = made.with_name("a")
    shutil.copytree(made, first)
    edit(first, set_at("measured.task_set", "0" * 64))
    assert "toys/m: a different task set from that of submissions/a" in rbsuite("leaderboard", "validate", *options).out


def test_declared_ground_truth_is_a_mark(rbsuite: Command, toys: Path, root: Path) -> None:
    add([toys / "told"], read_board(root, "toys"), Entry("S", "L", "2026-11-01", feedback="ground_truth"))
    assert "ground truth" in rbsuite("leaderboard", "show", "toys", "--root", root, "--claimed").out


def test_an_unfinished_experiment_is_refused(toys: Path, root: Path, tmp_path: Path) -> None:
    shutil.copytree(toys / "first", tmp_path / "cut")
    with ExperimentStore.open(tmp_path / "cut") as store:
        rewind(store, [f"{store.manifest.runs[-1].id}@23"])
    with pytest.raises(Refused) as caught:
        add([tmp_path / "cut"], read_board(root, "toys"), ENTRY)
    told = "\n".join(caught.value.faults)
    assert "the experiment is not finished" in told
    assert "1 tasks are missing" in told


def swapped(table: str, first: int, second: int, *columns: str) -> str:
    """SQL that exchanges columns of two rows."""
    there = (f"(SELECT {{0}} FROM {table} AS other WHERE other.id = {first + second} - {table}.id)",)
    values = ", ".join(f"{column} = {there[0].format(column)}" for column in columns)
    return f"UPDATE {table} SET {values} WHERE id IN ({first}, {second})"


RUN = 1 << 24
CHEATS = {
    "scores in the log": "UPDATE rollout SET head = replace(head, '[0.0,', '[1.0,'), score = 1.0",
    "a memory relabelled": "UPDATE run SET memory = 'awm' WHERE memory = 'reasoningbank'",
    "a memory relabelled in the manifest": "UPDATE meta SET value = edited(value, 'reasoningbank', 'awm') WHERE key = 'manifest'",
    "tasks reordered": swapped("task", 3 * RUN, 3 * RUN + 1, "task_id", "head"),
    "answers exchanged": swapped("rollout", 3 * RUN << 20, (3 * RUN + 1) << 20, "score", "head", "steps", "tokens"),
    "the end of a log cut off": f"DELETE FROM task WHERE id = {3 * RUN + 23}",
    "calls made cheaper": "UPDATE task SET head = replace(head, '\"memory\":[', '\"memory\":[0')",
    "a template relabelled": "UPDATE template SET sha256 = 'f' || substr(sha256, 2)",
    "another model in the manifest": "UPDATE meta SET value = edited(value, 'sim/learner', 'big/model') WHERE key = 'manifest'",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_log_that_was_changed_to_cheat_is_refused(submitted: Path, name: str) -> None:
    path = submitted / "experiment.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("edited", 3, lambda value, old, new: pack(unpack(value).replace(old, new)))
        before = list(connection.iterdump())
        assert connection.execute(CHEATS[name]).rowcount > 0
        assert list(connection.iterdump()) != before
    edit(submitted, set_at("logs.0.sha256", hashlib.sha256(path.read_bytes()).hexdigest()))
    edit(submitted, set_at("logs.0.bytes", path.stat().st_size))
    found = faults(submitted)
    assert found
    assert all("the hash chain is broken" in one or "changed" in one for one in found), found


def test_an_export_that_was_edited_or_cut_off_is_refused(toys: Path, root: Path, tmp_path: Path) -> None:
    with ExperimentStore.open(toys / "first", readonly=True) as store:
        export_jsonl(store, tmp_path / "whole.jsonl")
    text = (tmp_path / "whole.jsonl").read_text()
    lines = text.splitlines(keepends=True)
    edits = {
        "a score": text.replace('"score":0.0', '"score":1.0'),
        "a memory": text.replace("reasoningbank", "awm"),
        "the last task": "".join(lines[:-2] + lines[-1:]).replace('"finished":true', '"finished":false'),
        "the end": "".join(lines[:-1]),
    }
    for changed in edits.values():
        assert changed != text
        (tmp_path / "bad.jsonl").write_text(changed)
        with pytest.raises(RbsuiteError, match="cut off or edited"):
            add([tmp_path / "bad.jsonl"], read_board(root, "toys"), ENTRY)
    assert not (root / "toys" / "submissions").exists()


def test_tables_beside_the_log_and_rows_in_another_order_are_refused(submitted: Path) -> None:
    (submitted / "rollouts.parquet").write_bytes(b"PAR1")
    assert faults(submitted) == ("'rollouts.parquet' is not part of a submission",)
    (submitted / "rollouts.parquet").unlink()
    edit(submitted, lambda document: document["measured"]["rows"].reverse())
    assert any("measured.rows[0].memory is reasoningbank, but the logs give none" in one for one in faults(submitted))
    edit(submitted, lambda document: document["measured"]["rows"].reverse())
    edit(submitted, lambda document: document["measured"]["rows"][1]["runs"][0]["scores"].reverse())
    assert any("measured.rows[1].runs[0].scores[0]" in one for one in faults(submitted))


def test_one_log_stands_for_one_system(rbsuite: Command, toys: Path, submitted: Path, root: Path) -> None:
    renamed = submitted.with_name("renamed")
    shutil.copytree(submitted, renamed)
    edit(renamed, set_at("system", "A better system"))
    options = ("--root", root, "--receipts", root.parent / "receipts")
    said = rbsuite("leaderboard", "validate", *options)
    assert said.code == 1
    assert f"toys/renamed: its log has runs that submissions/{NAME} also has" in said.out
    assert rbsuite("leaderboard", "validate", renamed, *options).out.count("also has") == 1
    assert rbsuite("leaderboard", "build", *options, "--out", root.parent / "pages").code == 1
    shutil.rmtree(renamed)
    with pytest.raises(Refused) as caught:
        add([toys / "first"], read_board(root, "toys"), Entry("Renamed", "L", "2026-11-01"))
    assert caught.value.faults == (f"its log has runs that submissions/{NAME} also has",)
    assert rbsuite("leaderboard", "validate", *options).code == 0


def test_what_is_mixed_across_experiments_is_refused(toys: Path, root: Path, tmp_path: Path) -> None:
    place = read_board(root, "toys")
    prompt = tmp_path / "prompts" / "memory" / "inject.j2"
    prompt.parent.mkdir(parents=True)
    for seed, words in enumerate(("Notes.", "Other notes."), 11):
        prompt.write_text(f'{{% extends "core/memory/inject.j2" %}}{{% block intro %}}{words}{{% endblock %}}')
        own = {"seed": seed, "prompts": (str(tmp_path / "prompts"),)}
        measure(tmp_path / words, memory=MEMORIES, orders=3, **own).close()
    measure(tmp_path / "backed", Elsewhere(), memory=MEMORIES, orders=3, seed=12).close()
    measure(tmp_path / "again", memory=MEMORIES, orders=3).close()
    mixed = [
        (tmp_path / "Notes.", tmp_path / "Other notes.", "mixed prompts: a template differs between its experiments"),
        (toys / "first", tmp_path / "backed", "mixed backends in its experiments"),
        (toys / "first", tmp_path / "again", "reasoningbank x single: the same order is run 2 times"),
    ]
    for one, other, wanted in mixed:
        with pytest.raises(Refused) as caught:
            add([one, other], place, ENTRY)
        assert wanted in caught.value.faults
    assert not place.submissions


class Backed(Toy):
    """Acts somewhere else than the toy does."""

    def facts(self) -> Mapping[str, Any]:
        return {"backend": "elsewhere"}


class Elsewhere(ToyPlugin):
    """Declares the toy with the other backend."""

    @hookimpl
    def rbsuite_environments(self) -> Sequence[EnvironmentSpec]:
        return [replace(TOY, factory=f"{__name__}:Backed")]


class Parrot:
    """A model that is no simulation."""

    name = "parrot"

    async def complete(self, request: ModelRequest) -> Completion:
        return Completion(str(request.messages[-1].content))

    async def aclose(self) -> None:
        pass


def test_real_models_have_no_place_on_a_board_of_simulations(toys: Path, root: Path, tmp_path: Path) -> None:
    plugin = ToyPlugin(models=[ModelSpec("parrot", "says what it was told", f"{__name__}:Parrot")])
    measure(tmp_path / "real", plugin, memory=MEMORIES, orders=3, model=("parrot",)).close()
    with pytest.raises(Refused) as caught:
        add([tmp_path / "real"], read_board(root, "toys"), ENTRY)
    assert caught.value.faults == ("its models are real, but the board is for simulations",)


def bad_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../out/experiment.sqlite", b"x")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


@pytest.mark.parametrize(
    ("name", "make", "wanted"),
    [
        ("e.zip", bad_zip, "a path that is not allowed"),
        ("e.jsonl", huge, "larger than 512 MiB"),
        ("e.jsonl", lambda path: path.write_text('{"type": "experiment", "format": 1}\n'), "not a complete export"),
        ("e.jsonl", lambda path: path.write_text("[" * 100_000), "not a line of an export"),
        ("e", lambda path: path.mkdir(), "Give its directory, its lines (`rbsuite export --to jsonl"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    rbsuite: Command, root: Path, tmp_path: Path, name: str, make: Callable[[Path], object], wanted: str
) -> None:
    make(tmp_path / name)
    before = sorted(tmp_path.rglob("*"))
    options = ("--board", "toys", "--root", root, "--org", "L", "--system", "S", "--date", "2026-11-01")
    said = rbsuite("leaderboard", "add", tmp_path / name, *options)
    assert said.code == 2
    assert wanted in said.err
    assert said.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_submission_of_a_gigabyte_is_refused_unread(submitted: Path) -> None:
    huge(submitted / "submission.json")
    assert faults(submitted) == ("submission.json: larger than 16 MiB",)


def test_half_a_submission_and_another_boards_logs_are_refused(toys: Path, submitted: Path) -> None:
    other = submitted.with_name("other")
    shutil.copytree(submitted, other)
    shutil.copy(toys / "fewer" / "experiment.sqlite", other / "experiment.sqlite")
    assert "digest differs" in faults(other)[0]
    (other / "experiment.sqlite").unlink()
    assert faults(other) == ("the log experiment.sqlite is missing",)
    (other / "submission.json").write_text((submitted / "submission.json").read_text()[:2000])
    assert len(faults(other)) == 1


def test_a_zip_of_a_submission_is_validated(rbsuite: Command, submitted: Path, root: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for path in submitted.iterdir():
            archive.write(path, f"s/{path.name}")
    options = ("--root", root, "--receipts", tmp_path / "receipts")
    assert "1 submission is valid" in rbsuite("leaderboard", "validate", tmp_path / "s.zip", *options).out
    bad_zip(tmp_path / "bad.zip")
    said = rbsuite("leaderboard", "validate", tmp_path / "bad.zip", *options)
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_a_private_benchmark_is_submitted_without_its_texts(rbsuite: Command, tmp_path: Path) -> None:
    assert (
        rbsuite("eval", "--env", "gpqa", "--limit", "4", "--orders", "1", "--quiet", "--out", tmp_path / "e").code == 0
    )
    (tmp_path / "b" / "g").mkdir(parents=True)
    (tmp_path / "b" / "g" / "board.toml").write_text(
        'title = "G"\nenvironment = "gpqa"\nsplit = "sample"\ntask_set = ""\ntasks = 4\nsimulated = true\nfixed = { limit = 4 }\n'
    )
    made = add([tmp_path / "e"], read_board(tmp_path / "b", "g"), ENTRY)
    with ExperimentStore.open(tmp_path / "e", readonly=True) as store:
        query = next(store.records(store.manifest.runs[0].id)).rollouts[0].trajectory.query
    with ExperimentStore.open(made, readonly=True) as store:
        shown = next(store.records(store.manifest.runs[0].id)).rollouts[0].trajectory
    assert shown.query == f"[left out: {len(query)} characters]"
    assert shown.score is not None
    assert check_submission(made, read_board(tmp_path / "b", "g")).faults == ()


def test_a_board_may_rank_by_a_measure(rbsuite: Command, tmp_path: Path) -> None:
    given = ("--env", "eb-habitat", "--limit", "6", "--orders", "3", "--quiet", "--out", tmp_path / "e")
    assert rbsuite("eval", *given).code == 0
    (tmp_path / "b" / "h").mkdir(parents=True)
    (tmp_path / "b" / "h" / "board.toml").write_text(
        'title = "H"\nenvironment = "eb-habitat[symbolic]"\nsplit = "sample"\ntask_set = ""\ntasks = 6\nsimulated = true\n'
        'headline = "progress"\nfixed = { limit = 6 }\n'
    )
    made = add([tmp_path / "e"], read_board(tmp_path / "b", "h"), ENTRY)
    rows = json.loads((made / "submission.json").read_text())["measured"]["rows"]
    for row in rows:
        assert row["headline"]["mean"] == pytest.approx(row["measures"]["progress"]["mean"])
        assert row["headline"]["mean"] > row["success"]["mean"]
    gained = rows[1]["gain"]["difference"]["mean"]
    assert gained == pytest.approx(rows[1]["headline"]["mean"] - rows[0]["headline"]["mean"])
    assert "progress %" in rbsuite("leaderboard", "show", "h", "--root", tmp_path / "b", "--claimed").out
