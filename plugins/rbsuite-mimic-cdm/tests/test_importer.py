"""A user's own copy in each of its forms, made here of invented patients; and pickles that want to do something."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pickle
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rbsuite.cli import run
from rbsuite.data.unpickle import read_pickle
from rbsuite.errors import DataError
from rbsuite.store import ExperimentStore
from rbsuite_mimic_cdm.__main__ import main
from rbsuite_mimic_cdm.chart import Patient, patient_of
from rbsuite_mimic_cdm.environment import MimicCdm
from rbsuite_mimic_cdm.rules import PATHOLOGIES
from rbsuite_mimic_cdm.synthetic import lab_mapping, patients

CHARTS = [dict(one) for one in patients()][:8]


def write_csv(path: Path, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([heads, *rows])


def as_tables(home: Path) -> None:
    """The release's CSV files."""
    each = [(one["hadm_id"], one) for one in CHARTS]
    ids = {name: [one["hadm_id"] for one in CHARTS if one["pathology"] == name] for name in PATHOLOGIES}
    (home / "pathology_ids.json").write_text(json.dumps(ids))
    write_csv(
        home / "history_of_present_illness.csv", ["hadm_id", "hpi"], [(n, one["Patient History"]) for n, one in each]
    )
    write_csv(
        home / "physical_examination.csv", ["hadm_id", "pe"], [(n, one["Physical Examination"]) for n, one in each]
    )
    write_csv(
        home / "discharge_diagnosis.csv",
        ["hadm_id", "discharge_diagnosis"],
        [(n, one["Discharge Diagnosis"]) for n, one in each],
    )
    tests = [
        (n, item, value, one["Reference Range Lower"][item], one["Reference Range Upper"][item])
        for n, one in each
        for item, value in one["Laboratory Tests"].items()
    ]
    write_csv(
        home / "laboratory_tests.csv", ["hadm_id", "itemid", "valuestr", "ref_range_lower", "ref_range_upper"], tests
    )
    cultures = [(n, item, 70, text) for n, one in each for item, text in one["Microbiology"].items()]
    write_csv(home / "microbiology.csv", ["hadm_id", "test_itemid", "spec_itemid", "valuestr"], cultures)
    scans = [(n, scan["Modality"], scan["Region"], scan["Report"]) for n, one in each for scan in one["Radiology"]]
    write_csv(home / "radiology_reports.csv", ["hadm_id", "modality", "region", "text"], scans)
    write_csv(
        home / "icd_diagnosis.csv",
        ["hadm_id", "icd_diagnosis"],
        [(n, text) for n, one in each for text in one["ICD Diagnosis"]],
    )
    done = [(n, text) for n, one in each for text in one["Procedures Discharge"]]
    write_csv(home / "discharge_procedures.csv", ["hadm_id", "discharge_procedure"], done)
    codes = [(n, code, version) for n, one in each for version in (9, 10) for code in one[f"Procedures ICD{version}"]]
    write_csv(home / "icd_procedures.csv", ["hadm_id", "icd_code", "icd_version"], codes)
    mapping_csv(home)


UNUSED = {
    "laboratory_tests": ("charttime",),
    "radiology_reports": ("note_id", "exam_name"),
    "icd_procedures": ("icd_title",),
    "lab_test_mapping": ("Unnamed: 0",),
}
"""Columns that the release has too, by the framework's own converter (ConvertPhysionet.py), or that a release may gain."""


def as_release(home: Path) -> None:
    """The same files as a data set of PhysioNet comes: packed, quoted, with a mark and further columns, ids as floats or texts."""
    as_tables(home)
    for path in [*home.glob("*.csv"), home / "pathology_ids.json"]:
        content = path.read_text()
        if path.suffix == ".csv":
            heads, *rows = csv.reader(content.splitlines())
            further = UNUSED.get(path.stem, ())
            heads, rows = [*further, *heads], [[*("of no use" for _ in further), *row] for row in rows]
            for row in rows:
                for place, head in enumerate(heads):
                    if head in ("itemid", "test_itemid", "icd_version") and row[place]:
                        row[place] = f"{row[place]}.0"
                    if head == "corresponding_ids":
                        row[place] = str([str(one) for one in json.loads(row[place])])
            stream = io.StringIO()
            csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows([heads, *rows])
            content = f"\ufeff{stream.getvalue()}"
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content.encode()))
        path.unlink()


NAME = {"label": "Liver Function Panel (LFP)", "itemid": None, "fluid": "", "corresponding_ids": [50861, 50878]}
"""A name of several items, as the framework's program appends them: without a number, a fluid or a count of its own."""


def mapping_csv(home: Path) -> None:
    heads = ["label", "itemid", "fluid", "category", "count", "corresponding_ids"]
    rows = [[{"category": "Chemistry", "count": 8, **one}[head] for head in heads] for one in lab_mapping()]
    rows.append([NAME["label"], "", "", "", "", NAME["corresponding_ids"]])
    write_csv(home / "lab_test_mapping.csv", heads, rows)


def as_pickles(home: Path) -> None:
    """The framework's pickles, with numpy's numbers and missing ones in them."""
    for name in PATHOLOGIES:
        charts: dict[int, Mapping[str, Any]] = {}
        for one in (one for one in CHARTS if one["pathology"] == name):
            lower = {item: np.float64(value) for item, value in one["Reference Range Lower"].items()}
            charts[one["hadm_id"]] = {**one, "Reference Range Lower": {**lower, 1: float("nan")}}
        (home / f"{name}_hadm_info_first_diag.pkl").write_bytes(pickle.dumps(charts))
    mapping_csv(home)


def as_pack(home: Path) -> None:
    """A pack, as the project's own invented patients have it."""
    for name, rows in (("patients", CHARTS), ("lab_test_mapping", [*lab_mapping(), NAME])):
        (home / f"{name}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RBSUITE_DATA", str(tmp_path / "data"))
    (tmp_path / "copy").mkdir()
    return tmp_path / "copy"


def imported() -> dict[int, Patient]:
    environment = MimicCdm()
    tasks = environment.tasks("full")
    assert tasks.private
    assert [task.id for task in tasks] == [f"full/{number}" for number in range(1, 9)]
    return {one.hadm_id: one for one in (environment._patient(task) for task in tasks)}


@pytest.mark.parametrize("form", [as_tables, as_release, as_pickles, as_pack])
def test_every_form_gives_the_same_patients(
    home: Path, tmp_path: Path, form: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    form(home)
    assert run(["data", "import", "mimic-cdm", "--from", str(home)]) == 0
    assert "appendicitis: 2" in capsys.readouterr().out
    pack = tmp_path / "data" / "packs" / "mimic-cdm"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (pack, pack / "patients.jsonl")] == [0o700, 0o600]
    wanted = {one["hadm_id"]: patient_of(one) for one in CHARTS}
    assert imported() == wanted
    items = [json.loads(line) for line in (pack / "lab_test_mapping.jsonl").read_text().splitlines()]
    assert [one["corresponding_ids"] for one in items] == [one["corresponding_ids"] for one in [*lab_mapping(), NAME]]
    assert items[-1] == NAME
    assert run(["verify", "--env", "mimic-cdm", "--split", "full"]) == 0


def test_nothing_of_it_goes_elsewhere_or_is_shown(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    as_pack(home)
    assert run(["data", "import", "mimic-cdm", "--from", str(home)]) == 0
    out = tmp_path / "x"
    eval_ = ["eval", "--env", "mimic-cdm", "--split", "full", "--orders", "1", "--out", str(out)]
    assert run([*eval_, "--judge-model", "anthropic/claude-sonnet-4-5"]) == 2
    assert "nothing was sent" in capsys.readouterr().err
    assert run(eval_) == 0
    capsys.readouterr()
    assert run(["memory", "list", str(out)]) == 0
    assert run(["memory", "export", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "left out" in shown
    assert not [one for one in CHARTS if str(one["hadm_id"]) in shown or one["Patient History"] in shown]
    # Nor do numbers, names of fields or lengths of texts tell what a patient has and had done.
    with ExperimentStore.open(out, readonly=True) as store:
        told, clear = (
            [row.truth for row in one.results(store.manifest.runs[0].id)] for one in (store, store.revealed())
        )
    shapes = {json.dumps([truth["scores"]["pathology"], *truth["scores"]]) for truth in told}
    assert (len(shapes), {truth["scores"]["pathology"] for truth in clear}) == (1, set(PATHOLOGIES))
    assert not [word for word in ("ectomy", "Liver", *map(str, range(50_000, 51_000))) if word in json.dumps(told)]
    assert main([str(out)]) == 0
    assert "mean of pathologies" in capsys.readouterr().out


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/never",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Evil()),
        pickle.dumps({1: Evil()}, protocol=0),
        pickle.dumps({1: np.arange(3)}),
        pickle.dumps({1: {2, 3}}),
        pickle.dumps({1: object()}),
        pickle.dumps({(1, 2): 3}),
        pickle.dumps({1: "whole"})[:-4],
        b"",
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04r\xff\xff\xff\x7f.",
    ],
)
def test_a_pickle_of_anything_but_data_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match=r"rejected|damaged"):
        read_pickle(content, "x.pkl", "Use the CSV files.")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("pathology_ids.json", "[]", "not an object"),
        ("laboratory_tests.csv", "hadm_id,itemid\n1,2\n", "none of the columns valuestr, value"),
        ("physical_examination.csv", "pe\nsoft\n", "no column hadm_id"),
        ("lab_test_mapping.csv", "label,itemid\nWBC,none\n", "no itemid in line 2"),
        ("radiology_reports.csv", None, "radiology_reports.csv is missing"),
    ],
)
def test_what_is_wrong_is_said_without_what_patients_have(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, told: str
) -> None:
    as_tables(home)
    (home / name).unlink()
    if text is not None:
        (home / name).write_text(text)
    assert run(["data", "import", "mimic-cdm", "--from", str(home)]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "data" / "packs").exists() or not list((tmp_path / "data" / "packs").glob("mimic-cdm"))


def test_a_packed_file_that_is_cut_off_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    as_release(home)
    packed = home / "microbiology.csv.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    assert run(["data", "import", "mimic-cdm", "--from", str(home)]) == 2
    assert "microbiology.csv.gz is damaged" in capsys.readouterr().err


def test_a_line_that_is_malformed_is_named_by_its_number(home: Path) -> None:
    as_pack(home)
    with (home / "patients.jsonl").open("a") as file:
        file.write('{"hadm_id": 5, "pathology": "secret disease"}\n')
    with pytest.raises(DataError, match="malformed in line 9") as caught:
        MimicCdm().tasks("full", data=str(home))
    assert "secret" not in str(caught.value)
