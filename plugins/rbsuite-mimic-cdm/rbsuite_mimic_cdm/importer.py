"""Imports the user's own copy of mimic-iv-ext-cdm: the CSV files of the release, its framework's pickles, or a pack."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import MAX_FILE_BYTES, SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.data.unpickle import read_pickle
from rbsuite.errors import DataError
from rbsuite.options import whole_number
from rbsuite_mimic_cdm.chart import item_of, patient_of
from rbsuite_mimic_cdm.environment import FILES, PACK
from rbsuite_mimic_cdm.rules import PATHOLOGIES

MAPPING = "lab_test_mapping"
IDS = "pathology_ids.json"
TABLES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "history_of_present_illness": {"text": ("hpi", "history_of_present_illness", "text")},
    "physical_examination": {"text": ("pe", "physical_examination", "text")},
    "laboratory_tests": {
        "itemid": ("itemid",),
        "value": ("valuestr", "value"),
        "lower": ("ref_range_lower",),
        "upper": ("ref_range_upper",),
    },
    "microbiology": {"itemid": ("test_itemid", "itemid"), "value": ("valuestr", "value", "comments")},
    "radiology_reports": {"modality": ("modality",), "region": ("region",), "text": ("text", "report")},
    "discharge_diagnosis": {"text": ("discharge_diagnosis", "text")},
    "icd_diagnosis": {"text": ("icd_diagnosis", "icd_title", "long_title")},
    "discharge_procedures": {"text": ("discharge_procedure", "discharge_procedures", "text")},
    "icd_procedures": {"code": ("icd_code",), "version": ("icd_version",)},
}
"""The tables of the release with their columns, each with the names that it may have; the first is the one in the framework's
ConvertPhysionet.py. ``hadm_id`` is in all of them."""
_OPTIONAL = frozenset(["lower", "upper"])
_GZ = ".gz"
_REMEDY = (
    "Give the directory of the release: its CSV files with pathology_ids.json; or PATHOLOGY_hadm_info_first_diag.pkl with "
    "lab_test_mapping as CSV."
)
_NOTES = (
    "These are patients' records: they stay in the data directory, unencrypted and readable only by you, and their tasks are private.",
    "Keep to the terms under which you obtained them: no copies, and no third-party services without permission.",
)


class CdmImporter:
    """Turns a copy into one line per patient; see :class:`rbsuite.data.packs.PackImporter`."""

    name = PACK
    pinned: Archive | None = None
    single_files = False

    def recognise(self, source: Path) -> str:
        """``pack`` for a directory with ``patients.jsonl``, else ``checkout``.

        Raises:
            DataError: it is neither.
        """
        if (source / FILES[0]).is_file():
            return "pack"
        if _has_tables(source) or any((source / _pickle(name)).is_file() for name in PATHOLOGIES):
            return "checkout"
        raise DataError(f"{str(source)!r} contains no MIMIC-CDM data.", _REMEDY)

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`rbsuite.data.packs.PackImporter.build`."""
        kind = self.recognise(source)
        tree = SourceTree(source, _REMEDY)
        if kind == "pack":
            patients, mapping = tree.read_json_lines(FILES[0]), tree.read_json_lines(FILES[1])
        else:
            mapping = list(_mapping(tree))
            patients = list(_from_tables(tree) if _has_tables(source) else _from_pickles(tree))
        target.chmod(0o700)
        for name, rows, check in zip(FILES, (patients, mapping), (patient_of, item_of), strict=True):
            lines = []
            for number, row in enumerate(rows, 1):
                try:
                    check(row)
                    lines.append(json.dumps(row, allow_nan=False))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    # The rest of the error may contain a patient's data.
                    tree.fail(f"number {number} of {name.partition('.')[0]} is malformed ({type(error).__name__})")
            (target / name).write_text("".join(f"{line}\n" for line in lines), "ascii")
            (target / name).chmod(0o600)
        found = [str(row["pathology"]) for row in patients]
        return PackFacts(
            kind=kind,
            commit=commit or read_commit(source),
            equals_commit="",
            licence="MIMIC's, under PhysioNet's credentialed data use agreement",
            counts=tuple((name, found.count(name)) for name in PATHOLOGIES),
            notes=_NOTES,
        )


IMPORTER = CdmImporter()
"""What the environments' specs name as their importer; it has no state."""


def _has_tables(source: Path) -> bool:
    return (source / IDS).is_file() or (source / f"{IDS}{_GZ}").is_file()


def _content(tree: SourceTree, name: str) -> bytes:
    """A file of the release, which may be compressed as PhysioNet compresses its tables."""
    if tree.has(name) or not tree.has(f"{name}{_GZ}"):
        return tree.read_bytes(name)
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(tree.read_bytes(f"{name}{_GZ}"))) as unpacked:
            content = unpacked.read(MAX_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        tree.fail(f"{name}{_GZ} is damaged")
    if len(content) > MAX_FILE_BYTES:
        tree.fail(f"{name}{_GZ} unpacks to more than {MAX_FILE_BYTES // 2**20} MiB")
    return content


def _pickle(pathology: str) -> str:
    return f"{pathology}_hadm_info_first_diag.pkl"


def _mapping(tree: SourceTree) -> Iterator[Mapping[str, Any]]:
    for number, row in enumerate(_rows(tree, MAPPING), 2):
        # The release writes a list of numbers or of strings.
        same = [int(one) for one in re.findall(r"(?<![.\d])\d+", row.get("corresponding_ids", ""))]
        try:
            # A row without a number is another name (of a panel, an abbreviation) for the items it lists.
            item = int(float(row["itemid"])) if row["itemid"] or not same else None
        except (KeyError, ValueError):
            tree.fail(f"{MAPPING}.csv has no itemid in line {number}")
        yield {"itemid": item, "label": row.get("label", ""), "fluid": row.get("fluid", ""), "corresponding_ids": same}


def _from_pickles(tree: SourceTree) -> Iterator[Mapping[str, Any]]:
    for pathology in PATHOLOGIES:
        name = _pickle(pathology)
        if not tree.has(name):
            continue
        value = read_pickle(tree.read_bytes(name), name, "Use the CSV files of the release.")
        if not isinstance(value, dict):
            tree.fail(f"{name} does not hold a dict of admissions")
        for number, chart in value.items():
            if not isinstance(chart, dict):
                tree.fail(f"{name} holds an admission that is not a dict")
            yield _finite({**chart, "hadm_id": number, "pathology": pathology})


def _from_tables(tree: SourceTree) -> Iterator[Mapping[str, Any]]:
    ids = tree.parse_json(_content(tree, IDS), IDS)
    if not isinstance(ids, dict):
        tree.fail(f"{IDS} is not an object")
    tables = {name: _by_admission(tree, name, columns) for name, columns in TABLES.items()}
    for pathology in PATHOLOGIES:
        for number in ids.get(pathology, ()):
            rows = {name: table.get(str(number), []) for name, table in tables.items()}
            yield _chart(int(number), pathology, rows)


def _chart(number: int, pathology: str, rows: Mapping[str, Sequence[Mapping[str, str]]]) -> Mapping[str, Any]:
    tests, codes = rows["laboratory_tests"], rows["icd_procedures"]
    return {
        "hadm_id": number,
        "pathology": pathology,
        "Patient History": _joined(rows["history_of_present_illness"]),
        "Physical Examination": _joined(rows["physical_examination"]),
        "Laboratory Tests": {_id(row["itemid"]): row["value"] for row in tests},
        "Microbiology": {_id(row["itemid"]): row["value"] for row in rows["microbiology"]},
        "Reference Range Lower": {_id(row["itemid"]): _number(row["lower"]) for row in tests},
        "Reference Range Upper": {_id(row["itemid"]): _number(row["upper"]) for row in tests},
        "Radiology": [
            {"Modality": row["modality"], "Region": row["region"], "Report": row["text"]}
            for row in rows["radiology_reports"]
        ],
        "Discharge Diagnosis": _joined(rows["discharge_diagnosis"]),
        "ICD Diagnosis": [row["text"] for row in rows["icd_diagnosis"]],
        "Procedures Discharge": [row["text"] for row in rows["discharge_procedures"]],
        "Procedures ICD9": [
            code for row in codes if _id(row["version"]) == "9" and (code := whole_number(row["code"])) is not None
        ],
        "Procedures ICD10": [row["code"] for row in codes if _id(row["version"]) == "10"],
    }


def _rows(tree: SourceTree, name: str) -> Iterator[dict[str, str]]:
    try:
        text = _content(tree, f"{name}.csv").decode("utf-8-sig")
    except UnicodeDecodeError:
        tree.fail(f"{name}.csv is not UTF-8 text")
    csv.field_size_limit(16 * 2**20)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    try:
        for row in reader:
            yield {str(key).strip().lower(): value or "" for key, value in row.items() if isinstance(value, str | None)}
    except csv.Error:
        tree.fail(f"{name}.csv is malformed near line {reader.line_num}")


def _by_admission(
    tree: SourceTree, name: str, columns: Mapping[str, Sequence[str]]
) -> Mapping[str, list[Mapping[str, str]]]:
    """The rows of a table by admission, with the columns by our names."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for row in _rows(tree, name):
        wanted = {}
        for ours, theirs in columns.items():
            column = next((one for one in theirs if one in row), None)
            if column is None and ours not in _OPTIONAL:
                tree.fail(f"{name}.csv has none of the columns {', '.join(theirs)}")
            wanted[ours] = row[column] if column is not None else ""
        if "hadm_id" not in row:
            tree.fail(f"{name}.csv has no column hadm_id")
        found.setdefault(row["hadm_id"].partition(".")[0], []).append(wanted)
    return found


def _joined(rows: Sequence[Mapping[str, str]]) -> str:
    return "\n".join(row["text"].strip() for row in rows)


def _id(text: str) -> str:
    return text.partition(".")[0]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _finite(value: Any) -> Any:
    """A value in which numbers that JSON does not have are treated as missing."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
