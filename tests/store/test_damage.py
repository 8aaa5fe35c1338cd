"""What was changed or damaged in a store is one line wherever it is read; what was left of another store is named."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from experiments import core_plugins, measure
from rbsuite.cli import run
from rbsuite.errors import StoreError
from rbsuite.seeds import rng
from rbsuite.store import ExperimentStore, codec, experiment_digest
from rbsuite.store.codec import inflate, pack, squeeze, unpack, unsqueeze
from rbsuite.store.database import CHECKPOINT_EVERY
from rbsuite.store.experiment import FILE_NAME
from rbsuite.store.links import manifest_hash, task_link
from rbsuite.store.schema import ORDINALS
from rbsuite.trajectory import Action, Message, Observation, Spent, Step
from toy import ToyPlugin


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("original") / "experiment"
    measure(place, memory=("none", "reasoningbank"), limit=6).close()
    return place


@pytest.fixture
def kept(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    plugins = core_plugins(ToyPlugin())
    monkeypatch.setattr("rbsuite.plugins.load_plugins", lambda extra=(): plugins)
    return Path(shutil.copytree(original, tmp_path / "kept"))


def change(place: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(place / FILE_NAME)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0


def forge(place: Path) -> None:
    """Compute the chain of records anew, as whoever changes a store on purpose would."""
    with closing(sqlite3.connect(place / FILE_NAME)) as connection, connection:
        for number, origin in connection.execute("SELECT id, origin_hash FROM run").fetchall():
            link = origin
            for *task, _ in connection.execute("SELECT * FROM task WHERE run = ? ORDER BY id", (number,)).fetchall():
                parts = (task[0] * ORDINALS, (task[0] + 1) * ORDINALS)
                rollouts = [
                    (row[:-1], row[-1])
                    for row in connection.execute(
                        "SELECT rollout.*, body FROM rollout JOIN trajectory USING (id) WHERE rollout.id >= ? AND rollout.id < ?",
                        parts,
                    )
                ]
                rest = [
                    row
                    for table in ("recall", "op")
                    for row in connection.execute(f"SELECT * FROM {table} WHERE id >= ? AND id < ?", parts)
                ]
                link = task_link(link, task, rollouts, rest)
                connection.execute("UPDATE task SET record_hash = ? WHERE id = ?", (link, task[0]))


READERS = (
    "memory list kept",
    "memory export kept",
    "eval --env toy --warm-start kept --memory none,reasoningbank --out warm --quiet",
    "compare kept",
    "eval --from kept",
)


@pytest.mark.parametrize("line", READERS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE op SET payload = replace(payload, 'Count', 'Never count')",
        "DELETE FROM op WHERE id = (SELECT min(id) FROM op)",
        "UPDATE task SET record_hash = 'x' WHERE position = 2",
    ],
)
def test_changed_operations_are_refused(
    line: str, statement: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(kept, statement)
    assert run(line.split(), core_plugins(ToyPlugin())) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "was changed at position" in told
    assert not Path("warm").exists()


@cache
def bomb() -> bytes:
    """A string of 800 MiB, squeezed."""
    packer = zlib.compressobj(9)
    block = packer.compress(b'"' + b" " * (1 << 20))
    return block + b"".join(packer.compress(b" " * (1 << 20)) for _ in range(800)) + packer.flush()


HEAD = "UPDATE rollout SET head = ? WHERE id = (SELECT id FROM rollout WHERE ordinal = 0 LIMIT 1 OFFSET 2)"
DAMAGES: dict[str, tuple[str, Callable[[], tuple[object, ...]]]] = {
    "text as score": (
        "UPDATE rollout SET head = replace(replace(head, '[1.0,', '[\"high\",'), '[0.0,', '[\"high\",')",
        tuple,
    ),
    "NaN as score": ("UPDATE rollout SET head = replace(replace(head, '[1.0,', '[NaN,'), '[0.0,', '[NaN,')", tuple),
    "number beyond floating point": (HEAD, lambda: ("1e999",)),
    "deep JSON": (HEAD, lambda: ("[" * 100_000,)),
    "blob as head": (HEAD, lambda: (b"\xff\xff",)),
    "nothing as head": (HEAD, lambda: ("",)),
    "another shape": (HEAD, lambda: ("{}",)),
    "bomb": (HEAD, lambda: (bomb(),)),
    "bomb as trajectory": (
        "UPDATE trajectory SET body = ? WHERE id = (SELECT min(id) FROM trajectory)",
        lambda: (bomb(),),
    ),
    "a rollout is missing": ("DELETE FROM rollout WHERE id = (SELECT min(id) FROM rollout)", tuple),
    "a task is missing": ("DELETE FROM task WHERE position = 2", tuple),
    "all tasks of a run but the last": ("DELETE FROM task WHERE position < 5", tuple),
    "a run is missing": ("DELETE FROM run WHERE id = 1", tuple),
    "text as version": ("UPDATE task SET version = 'many'", tuple),
    "text as position": ("UPDATE task SET position = 'here' WHERE position = 3", tuple),
    "selected out of range": ("UPDATE task SET selected = 7 WHERE position = 3", tuple),
    "deep operation": ("UPDATE op SET payload = ?", lambda: ('{"a":' * 50_000,)),
    "recalled items that are none": ("UPDATE recall SET items = '7'", tuple),
    "the last task is missing": ("DELETE FROM task WHERE position = (SELECT max(position) FROM task)", tuple),
    "another model": (
        "UPDATE meta SET value = replace(value, 'sim/learner', 'some/model') WHERE key = 'manifest'",
        tuple,
    ),
    "no hash of the manifest": ("DELETE FROM meta WHERE key = 'manifest_hash'", tuple),
    "no manifest": ("DELETE FROM meta WHERE key = 'manifest'", tuple),
    "deep manifest": ("UPDATE meta SET value = ? WHERE key = 'manifest'", lambda: ("[" * 100_000,)),
    "bomb as manifest": ("UPDATE meta SET value = ? WHERE key = 'manifest'", lambda: (bomb(),)),
    "manifest of another shape": ("UPDATE meta SET value = '[1]' WHERE key = 'manifest'", tuple),
    "number as manifest": ("UPDATE meta SET value = 7 WHERE key = 'manifest'", tuple),
}


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises(zlib.error, match="more than 256 MiB"):
        inflate(bomb())


@pytest.mark.parametrize("forged", [False, True], ids=["as it is", "with its hashes computed anew"])
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_one_line(
    name: str, forged: bool, kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a reader meets the damage is another matter; whatever it meets, it says in a line."""
    monkeypatch.setattr(codec, "MOST_BYTES", 16 << 20)  # all readers together unpack a bomb dozens of times
    statement, values = DAMAGES[name]
    change(kept, statement, *values())
    if forged:
        forge(kept)
    codes = []
    for line in (*READERS, "check kept", "rescore kept --as x", "plan --env toy --from kept"):
        codes.append(run(line.split(), core_plugins(ToyPlugin())))
        shown = capsys.readouterr()
        assert codes[-1] in (0, 1, 2)
        if codes[-1] == 2:
            (told,) = shown.err.splitlines()
            assert len(told) < 700
        shutil.rmtree("warm", ignore_errors=True)
    unread = ("bomb as trajectory", "deep operation")  # by a comparison; only the chain tells
    assert codes[READERS.index("compare kept")] == 2 or (forged and name in unread)
    assert codes[len(READERS)] != 0


@pytest.mark.parametrize(
    ("statement", "readers"),
    [
        ("UPDATE act SET position = 'x' WHERE id = 1", ("compare kept", "eval --from kept")),
        ("UPDATE act SET link = x'00' WHERE id = 2", ("compare kept", "eval --from kept")),
        ("UPDATE spent SET calls = 'x'", ("eval --from kept",)),
        ("UPDATE spent SET seconds = x'00'", ("eval --from kept",)),
        ("UPDATE template SET name = x'00' WHERE rowid = 1", ("diff kept kept", "eval --from kept")),
        ("UPDATE template SET sha256 = 'x' WHERE rowid = 1", ("diff kept kept", "eval --from kept")),
        ("DELETE FROM template", ("diff kept kept", "eval --from kept")),
        (
            "UPDATE task SET record_hash = cast(record_hash AS blob) WHERE position = 1",
            ("compare kept", "eval --from kept"),
        ),
        ("UPDATE run SET origin_hash = cast(origin_hash AS blob)", ("compare kept", "eval --from kept")),
        ("DELETE FROM meta WHERE key = 'added_1'", ("compare kept", "eval --from kept")),
    ],
)
def test_what_is_kept_besides_the_records_is_checked(
    statement: str, readers: Sequence[str], kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["eval", "--from", "kept", "--orders", "4", "--quiet"], core_plugins(ToyPlugin())) == 0
    with ExperimentStore.open(kept) as store:
        name = store.manifest.runs[1].id
        store.rewind(name, 4)
        store.rewind(name, 3)
        store.spend(Spent(1, 2, 0.5, 0, 3.0))
    capsys.readouterr()
    change(kept, statement)
    for line in readers:
        assert run([*line.split(), *(["--quiet"] if "eval" in line else [])], core_plugins(ToyPlugin())) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert run(["check", "kept"], core_plugins(ToyPlugin())) != 0 or "spent" in statement


def change_facts(place: Path, edit: Callable[[dict[str, Any]], object]) -> str:
    """Change the facts of a manifest, but not its hash; returns its text."""
    with closing(sqlite3.connect(place / FILE_NAME)) as connection, connection:
        ((value,),) = connection.execute("SELECT value FROM meta WHERE key = 'manifest'").fetchall()
        manifest = json.loads(unpack(value))
        edit(manifest["facts"])
        text = json.dumps(manifest)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'manifest'", (text,))
    return text


@pytest.mark.parametrize("fact", ["about", "task_set"])
@pytest.mark.parametrize("value", [3, None, [], {}, "t"])
def test_a_changed_manifest_is_refused(
    fact: str, value: object, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_facts(kept, lambda facts: facts.update({fact: value}))
    for line in ("compare kept", "report kept", "diff kept kept", "eval --from kept", "memory list kept"):
        assert run(line.split(), core_plugins(ToyPlugin())) == 2
        (told,) = capsys.readouterr().err.splitlines()
        assert "its manifest was changed" in told
    assert run(["check", "kept"], core_plugins(ToyPlugin())) == 1
    assert "its manifest was changed" in capsys.readouterr().out


TASK, ROLLOUT, RECALL, OPERATION = ("task", "head"), ("rollout", "head"), ("recall", "items"), ("op", "payload")
VALUES: dict[str, tuple[tuple[str, str], Callable[[Any], object]]] = {
    "no number as tokens": (TASK, lambda head: head[0].update(user=[1, {}, 2, 0.0])),
    "text as tokens": (TASK, lambda head: head[0].update(user=[1, "-5", 2, 0.0])),
    "lists as cost": (TASK, lambda head: head[0].update(user=[1, 2, 3, [[[]]]])),
    "no text as task": (OPERATION, lambda op: op["item"]["provenance"].__setitem__(0, {})),
    "a number as task": (OPERATION, lambda op: op["item"]["provenance"].__setitem__(0, 2**70)),
    "a fraction as position": (OPERATION, lambda op: op["item"]["provenance"].__setitem__(1, 1e308)),
    "too large a position": (OPERATION, lambda op: op["provenance"].__setitem__(1, 2**70)),
    "no text as title": (OPERATION, lambda op: op["item"].update(title=["x"])),
    "no word as kind": (OPERATION, lambda op: op.update(op={})),
    "tokens below zero": (TASK, lambda head: head[0].update(user=[1, -5, 2, 0.0])),
    "a cost beyond reason": (TASK, lambda head: head[0].update(user=[1, 5, 2, 1e300])),
    "lists as counts": (TASK, lambda head: head.__setitem__(1, [1, 2])),
    "a score below zero": (ROLLOUT, lambda head: head.__setitem__(5, [-1.0, {}, {}])),
    "a number as measures": (ROLLOUT, lambda head: head.__setitem__(5, [1.0, 2**70, {}])),
    "no end that there is": (ROLLOUT, lambda head: head.__setitem__(3, "tired")),
    "no text as rationale": (ROLLOUT, lambda head: head.__setitem__(6, ["success", None, 7, "self"])),
    "no number as rank": (RECALL, lambda items: items.append(["x", 1, 0.5, {}])),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_of_another_type_are_damage(name: str, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (table, column), edit = VALUES[name]
    with closing(sqlite3.connect(kept / FILE_NAME)) as connection, connection:
        for key, value in connection.execute(f"SELECT id, {column} FROM {table}").fetchall():
            found = json.loads(unpack(value))
            edit(found)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (json.dumps(found), key))
    forge(kept)
    lines = ("compare kept", "report kept", "memory list kept", "export kept --to parquet --out p")
    codes = [run(line.split(), core_plugins(ToyPlugin())) for line in lines]
    assert 2 in codes
    told = capsys.readouterr().err.splitlines()
    assert len([line for line in told if line.startswith("rbsuite: error: ")]) == codes.count(2)
    assert any("is damaged (" in line for line in told)


OTHERS: tuple[Any, ...] = (None, True, -1, 2**70, 1.5, -1e308, "x", "", [], {}, [[]], {"a": 1}, [1, 2, 3], ["a"])
STORED: tuple[tuple[str, str, Callable[[Any], str], Callable[[str], Any]], ...] = (
    *((table, column, unpack, str) for table, column in (TASK, ROLLOUT, RECALL, OPERATION)),
    ("trajectory", "body", unpack, pack),
    ("meta", "value", unpack, str),
)


def changed_somewhere(value: Any, chance: random.Random) -> Any:
    """A JSON value with one of its parts taken out, or replaced by something else."""
    if isinstance(value, list | dict) and value and chance.random() < 0.85:
        made = copy(value)
        place = chance.choice(list(made) if isinstance(made, dict) else range(len(made)))
        if chance.random() < 0.1:
            del made[place]
        else:
            made[place] = changed_somewhere(made[place], chance)
        return made
    return chance.choice(OTHERS)


@pytest.mark.parametrize("tries", [20, pytest.param(1_000, marks=pytest.mark.slow)])
def test_whatever_else_stands_there_is_one_line(
    tries: int, kept: Path, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stored values are changed by somebody who computes all hashes anew: a command reads them, or says in a line that it cannot."""
    chance = rng("damage", tries)
    for _ in range(tries):
        shutil.copyfile(original / FILE_NAME, kept / FILE_NAME)
        table, column, text_of, stored = chance.choice(STORED)
        where = "key = 'manifest'" if table == "meta" else "1"
        with closing(sqlite3.connect(kept / FILE_NAME)) as connection, connection:
            row, value = chance.choice(
                connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {where}").fetchall()
            )
            text = json.dumps(changed_somewhere(json.loads(text_of(value)), chance))
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (stored(text), row))
            if table == "meta":
                connection.execute("UPDATE meta SET value = ? WHERE key = 'manifest_hash'", (manifest_hash(text),))
        forge(kept)
        for line in (*READERS[:2], "compare kept", "report kept --out page.html", "check kept"):
            code = run(line.split(), core_plugins(ToyPlugin()))
            shown = capsys.readouterr()
            assert code in (0, 1, 2), (line, text)
            assert code != 2 or shown.err.count("\n") == 1, (line, text, shown.err)


@pytest.mark.parametrize("edit", [{"about": 3}, {"about": {"tasks": [["t"]]}}, {"task_set": []}, {"environment": "t"}])
def test_facts_of_another_shape_are_damage(edit: object, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = change_facts(kept, lambda facts: facts.update(edit))
    change(kept, "UPDATE meta SET value = ? WHERE key = 'manifest_hash'", manifest_hash(text))
    for line in ("compare kept", "report kept", "diff kept kept", "eval --from kept"):
        assert run(line.split(), core_plugins(ToyPlugin())) == 2
        (told,) = capsys.readouterr().err.splitlines()
        assert "its manifest is damaged" in told


def test_shared_text_is_compared_with_its_hash(tmp_path: Path, samples: ModuleType) -> None:
    record = next(iter(samples.records(1)))
    rules = Observation("", messages=(Message("system", "Follow the rules. " * 50),))
    told = replace(record.rollouts[0].trajectory, steps=(Step("agent", rules, Action("Yes.")),))
    record = replace(record, rollouts=(replace(record.rollouts[0], trajectory=told),), selected=0)
    with ExperimentStore.create(tmp_path, samples.manifest(1)) as store:
        store.commit(samples.RUN, record)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as connection, connection:
        ((data,),) = connection.execute("SELECT data FROM blob").fetchall()
        connection.execute("UPDATE blob SET data = ?", (squeeze(unsqueeze(data).replace("Follow", "Break")),))
    with ExperimentStore.open(tmp_path, readonly=True) as store, pytest.raises(StoreError, match="was changed"):
        list(store.records(samples.RUN))


def test_a_store_whose_numbers_are_written_otherwise_is_as_it_was_written(
    tmp_path: Path, samples: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions wrote 1e-05 where this one writes 1e-5."""
    record = next(iter(samples.records(1)))
    slow = replace(record, rollouts=tuple(replace(one, seconds=0.00001) for one in record.rollouts))
    with ExperimentStore.create(tmp_path, samples.manifest(1)) as store:
        with monkeypatch.context() as patch:
            patch.setattr(codec, "_exact", lambda value: False)
            store.commit(samples.RUN, slow)
        assert list(store.audit()) == []


def leave_log(place: Path, samples: ModuleType, number: int) -> None:
    """A store whose last commits stand in its log, as a killed process leaves it."""
    program = (
        "import sys, os, importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('samples', {samples.__file__!r})\n"
        "samples = importlib.util.module_from_spec(spec); spec.loader.exec_module(samples)\n"
        "from rbsuite.store import ExperimentStore\n"
        f"store = ExperimentStore.create({str(place)!r}, samples.manifest({number}))\n"
        "for record in samples.records(5): store.commit(samples.RUN, record)\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert (place / f"{FILE_NAME}-wal").stat().st_size > 0


def test_a_log_that_was_left_is_named_at_creation(tmp_path: Path, samples: ModuleType) -> None:
    leave_log(tmp_path / "a", samples, 10)
    (tmp_path / "a" / FILE_NAME).unlink()
    for ending in ("-wal", "-shm"):
        with pytest.raises(StoreError, match=f"{FILE_NAME}-(wal|shm) is left of an experiment whose file is gone"):
            ExperimentStore.create(tmp_path / "a", samples.manifest(10))
        assert not (tmp_path / "a" / FILE_NAME).exists()
        (tmp_path / "a" / f"{FILE_NAME}{ending}").unlink()
    ExperimentStore.create(tmp_path / "a", samples.manifest(10)).close()


@pytest.mark.parametrize("readonly", [True, False])
def test_a_log_of_another_file_is_named_after_a_copy(tmp_path: Path, samples: ModuleType, readonly: bool) -> None:
    leave_log(tmp_path / "a", samples, 10)
    leave_log(tmp_path / "b", samples, 10)
    shutil.copytree(tmp_path / "a", tmp_path / "whole")
    with ExperimentStore.open(tmp_path / "whole", readonly=readonly) as store:
        assert store.committed(samples.RUN) == 5
    for ending in ("-wal", "-journal"):
        mixed = tmp_path / f"mixed{ending}"
        shutil.copytree(tmp_path / "a", mixed)
        shutil.copyfile(tmp_path / "b" / f"{FILE_NAME}-wal", mixed / f"{FILE_NAME}{ending}")
        before = {path.name: path.read_bytes() for path in mixed.iterdir() if path.is_file()}
        with pytest.raises(StoreError, match=f"{FILE_NAME}{ending} (belongs to another file|does not belong)"):
            ExperimentStore.open(mixed, readonly=readonly)
        assert before == {path.name: path.read_bytes() for path in mixed.iterdir() if path.is_file()}


def test_an_index_of_another_log_does_no_harm(tmp_path: Path, samples: ModuleType) -> None:
    """SQLite makes the ``-shm`` anew where nobody has the file open."""
    leave_log(tmp_path / "a", samples, 10)
    leave_log(tmp_path / "b", samples, 12)
    shutil.copyfile(tmp_path / "b" / f"{FILE_NAME}-shm", tmp_path / "a" / f"{FILE_NAME}-shm")
    with ExperimentStore.open(tmp_path / "a", readonly=True) as store:
        assert store.committed(samples.RUN) == 5
        assert len(experiment_digest(store)) == 64


def test_a_log_without_the_first_page_is_known_by_its_size(tmp_path: Path, samples: ModuleType) -> None:
    """A commit that needs no new page writes no header, and so no mark."""
    for name, tasks in (("a", 40), ("b", 0)):
        with ExperimentStore.create(tmp_path / name, samples.manifest(40)) as store:
            for record in samples.records(tasks):
                store.commit(samples.RUN, record)
    with closing(sqlite3.connect(tmp_path / "a" / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("UPDATE run SET finished = 1")
        for name in ("a", "b"):
            shutil.copytree(tmp_path / name, tmp_path / f"{name}-copy")
            shutil.copyfile(tmp_path / "a" / f"{FILE_NAME}-wal", tmp_path / f"{name}-copy" / f"{FILE_NAME}-wal")
    with ExperimentStore.open(tmp_path / "a-copy", readonly=True) as store:
        assert store.committed(samples.RUN) == 40
    with pytest.raises(StoreError, match=f"{FILE_NAME}-wal belongs to another file"):
        ExperimentStore.open(tmp_path / "b-copy", readonly=True)


def test_the_first_commit_marks_the_log(tmp_path: Path, samples: ModuleType) -> None:
    """Two stores of one size: the log of a commit that needs no new page is known by its mark."""
    for name in ("a", "b"):
        with ExperimentStore.create(tmp_path / name, samples.manifest(10)) as store:
            for record in samples.records(10):
                store.commit(samples.RUN, record)
    shutil.copytree(tmp_path / "b", tmp_path / "mixed")
    with ExperimentStore.open(tmp_path / "a") as store:
        store.mark_finished(samples.RUN)
        shutil.copytree(tmp_path / "a", tmp_path / "whole")
        shutil.copyfile(tmp_path / "a" / f"{FILE_NAME}-wal", tmp_path / "mixed" / f"{FILE_NAME}-wal")
    with ExperimentStore.open(tmp_path / "whole", readonly=True) as store:
        assert store.run_finished(samples.RUN)
    with pytest.raises(StoreError, match=f"{FILE_NAME}-wal belongs to another file"):
        ExperimentStore.open(tmp_path / "mixed", readonly=True)


def test_the_log_is_marked_when_it_begins_anew(tmp_path: Path, samples: ModuleType) -> None:
    """Two stores of one size at every commit: the log of one never passes for that of the other."""
    with (
        ExperimentStore.create(tmp_path / "a", samples.manifest(220)) as ours,
        ExperimentStore.create(tmp_path / "b", samples.manifest(220)) as theirs,
    ):
        assert CHECKPOINT_EVERY == 200
        for record in samples.records(215):
            ours.commit(samples.RUN, record)
            theirs.commit(samples.RUN, record)
            if record.position % 20 and not record.position > 198:
                continue
            mixed = tmp_path / "mixed"
            shutil.rmtree(mixed, ignore_errors=True)
            shutil.copytree(tmp_path / "a", mixed)
            shutil.copyfile(tmp_path / "b" / f"{FILE_NAME}-wal", mixed / f"{FILE_NAME}-wal")
            with pytest.raises(StoreError, match=f"{FILE_NAME}-wal belongs to another file"):
                ExperimentStore.open(mixed, readonly=True)


def test_swapped_pages_are_one_line(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SQLite then names tables by what stands on other pages, which need not be text."""
    whole, size = (kept / FILE_NAME).read_bytes(), 4096
    for one in range(1, min(24, len(whole) // size)):
        for other in range(one):
            pages = [whole[place : place + size] for place in range(0, len(whole), size)]
            pages[one], pages[other] = pages[other], pages[one]
            (kept / FILE_NAME).write_bytes(b"".join(pages))
            for line in ("report kept", "check kept", "eval --from kept --quiet"):
                code = run(line.split(), core_plugins(ToyPlugin()))
                assert code in (0, 1, 2)
                assert code != 2 or len(capsys.readouterr().err.splitlines()) == 1
                capsys.readouterr()


def test_what_somebody_put_in_its_place_is_not_discarded(tmp_path: Path, samples: ModuleType) -> None:
    with ExperimentStore.create(tmp_path / "other", samples.manifest(3)) as store:
        store.commit(samples.RUN, samples.record(0, store.state(samples.RUN)[1]))
    made = ExperimentStore.create(tmp_path / "made", samples.manifest(3))
    shutil.copyfile(tmp_path / "other" / FILE_NAME, tmp_path / "copy")
    (tmp_path / "copy").rename(tmp_path / "made" / FILE_NAME)
    made.discard()
    with ExperimentStore.open(tmp_path / "made", readonly=True) as store:
        assert store.committed(samples.RUN) == 1
