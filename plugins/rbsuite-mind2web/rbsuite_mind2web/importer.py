"""Imports the user's own copy of Mind2Web: the JSON files of its test splits, with ranks of the candidates as JSON, or a pack.

Pickles are never read here: the ranker's scores are converted first, by a separate command.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.packs import Archive, PackFacts
from rbsuite.errors import DataError
from rbsuite.files import Unusable, check_depth, read_file
from rbsuite_mind2web.environment import INDEX, PACK, PARTS
from rbsuite_mind2web.samples import OPERATIONS, ranked, sample_of

RANKS = "ranks.jsonl"
"""The ranks of candidates: one line of JSON per step, ``{"sample": "TASK_ACTION", "ranks": {"NODE": 0}}``."""
PICKLE = "scores_all_data.pkl"
WORDS = "words shared with the task"
"""What ranks the candidates if the data comes without scores."""
MAX_BYTES = 4 * 2**30
"""Maximum size of a data file that is read."""
_REMEDY = "Give the directory that holds test_task, test_website or test_domain with their JSON files."


class Mind2WebImporter:
    """Turns the data into one file per task; see :class:`rbsuite.data.packs.PackImporter`."""

    name = PACK
    pinned: Archive | None = None
    single_files = False

    def recognise(self, source: Path) -> str:
        """``pack`` for a directory with an index, else ``checkout``.

        Raises:
            DataError: it is neither.
        """
        if (source / INDEX).is_file():
            return "pack"
        if any(_files(source, part) for part in PARTS):
            return "checkout"
        raise DataError(f"{str(source)!r} contains no test split of Mind2Web.", _REMEDY)

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`rbsuite.data.packs.PackImporter.build`."""
        kind = self.recognise(source)
        tree = SourceTree(source, _REMEDY)
        if kind == "pack":
            index = tree.read_json(INDEX)
            try:
                rows = [(one["part"], tree.read_json(one["file"])) for one in index["tasks"]]
                ranker = str(index["ranker"])
            except (KeyError, TypeError) as error:
                tree.fail(f"{INDEX} is malformed ({type(error).__name__})")
            counts = _write(tree, target, rows, ranker)
        else:
            ranks = _ranks(tree)
            ranker = "scores of the data's ranker" if ranks is not None else WORDS
            found = ((part, _row(tree, one, ranks)) for part in PARTS for one in _tasks(tree, part))
            counts = _write(tree, target, found, ranker)
        notes = [f"Candidates are ranked by {ranker}."]
        if ranker == WORDS:
            notes.append(f"Figures are then not comparable with published ones; put {RANKS} beside the data.")
        made = tuple(part for part, number in counts if number)
        return PackFacts(
            kind, commit or read_commit(source), "", "CC BY 4.0, the authors of Mind2Web", counts, tuple(notes), made
        )


IMPORTER = Mind2WebImporter()
"""What the environment's spec names as its importer; it has no state."""


def _write(
    tree: SourceTree, target: Path, rows: Iterable[tuple[str, Mapping[str, Any]]], ranker: str
) -> tuple[tuple[str, int], ...]:
    listed: list[dict[str, str]] = []
    for part, row in rows:
        try:
            sample = sample_of(row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            tree.fail(f"task number {len(listed) + 1} is malformed ({type(error).__name__}: {error})")
        if part not in PARTS or any(one["id"] == sample.id for one in listed):
            tree.fail(f"task {sample.id!r} occurs twice, or is in an unknown split")
        file = f"{part}/{len(listed) + 1:05}.json"
        (target / part).mkdir(exist_ok=True)
        (target / file).write_text(json.dumps(row, allow_nan=False), "ascii")
        about = {"id": sample.id, "part": part, "file": file, "website": sample.website}
        listed.append({**about, "domain": sample.domain, "task": sample.task})
    (target / INDEX).write_text(json.dumps({"ranker": ranker, "tasks": listed}, indent=1), "ascii")
    return tuple((part, sum(one["part"] == part for one in listed)) for part in PARTS)


def _files(source: Path, part: str) -> Sequence[str]:
    """The JSON files of a split, ordered by number."""
    for folder in (part, f"data/{part}"):
        found = [one.name for one in (source / folder).glob("*.json")] if (source / folder).is_dir() else []
        if found:
            return [f"{folder}/{name}" for name in sorted(found, key=lambda name: (len(name), name))]
    return ()


def _tasks(tree: SourceTree, part: str) -> Iterator[Any]:
    """The tasks of a split, one after the other, since a file of them is hundreds of megabytes."""
    decoder = json.JSONDecoder()
    for name in _files(tree.root, part):
        text = _text(tree, name)
        at = _skip(text, 0)
        if text[at : at + 1] != "[":
            tree.fail(f"{name} is not a JSON list of tasks")
        at = _skip(text, at + 1)
        while text[at : at + 1] not in ("]", ""):
            try:
                one, at = decoder.raw_decode(text, at)
                check_depth(one)
            except (ValueError, RecursionError) as error:
                tree.fail(f"{name} is not valid JSON ({type(error).__name__})")
            yield one
            at = _skip(text, at)
            at = _skip(text, at + 1) if text[at : at + 1] == "," else at
        if text[at : at + 1] != "]":
            tree.fail(f"{name} ends before its list does")


def _text(tree: SourceTree, name: str) -> str:
    try:
        return read_file(tree.root / name, most=MAX_BYTES, within=tree.root).decode()
    except Unusable as error:
        tree.fail(f"{name} is {error}")
    except (OSError, ValueError) as error:
        tree.fail(f"{name} cannot be read ({type(error).__name__})")


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _ranks(tree: SourceTree) -> Mapping[str, Mapping[str, int]] | None:
    name = next((one for one in (RANKS, f"data/{RANKS}") if tree.has(one)), "")
    if not name:
        if tree.has(PICKLE) or tree.has(f"data/{PICKLE}"):
            tree.fail(
                f"{PICKLE} is a pickle, which no import reads; convert it: python -m rbsuite_mind2web ranks {PICKLE} {RANKS}"
            )
        return None
    found = {}
    for number, line in enumerate(_text(tree, name).split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
                found[str(row["sample"])] = {str(node): int(rank) for node, rank in row["ranks"].items()}
            except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
                tree.fail(f"{name} is malformed in line {number}")
    return found


def _row(tree: SourceTree, task: Any, ranks: Mapping[str, Mapping[str, int]] | None) -> Mapping[str, Any]:
    """A task in the form that packs have, without its raw HTML."""
    try:
        asked = str(task["confirmed_task"])
        steps = [
            _step(tree, str(task["annotation_id"]), asked, action, str(told), ranks)
            for action, told in zip(task["actions"], task["action_reprs"], strict=True)
        ]
        about = {key: str(task[key]) for key in ("website", "domain", "subdomain")}
        return {"id": str(task["annotation_id"]), "task": asked, **about, "steps": steps}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        tree.fail(f"a task is malformed ({type(error).__name__}: {error})")


def _step(
    tree: SourceTree, task: str, asked: str, action: Any, told: str, ranks: Mapping[str, Mapping[str, int]] | None
) -> Mapping[str, Any]:
    uid, html, operation = str(action["action_uid"]), str(action["cleaned_html"]), str(action["operation"]["op"])
    if operation not in OPERATIONS:
        raise ValueError(f"operation {operation!r}")
    positives, negatives = (
        [str(one["backend_node_id"]) for one in action[f"{kind}_candidates"]] for kind in ("pos", "neg")
    )
    if ranks is None:
        known = ranked(asked, html, [*positives, *negatives])
    elif f"{task}_{uid}" in ranks:
        known = ranks[f"{task}_{uid}"]
    else:
        tree.fail(f"{RANKS} has no ranks for step {uid} of task {task}")
    return {
        "uid": uid,
        "operation": operation,
        "value": "" if operation == "CLICK" else str(action["operation"]["value"]),
        "told": told,
        "html": html,
        "positives": positives,
        "ranks": {id: known[id] for id in positives},
        "negatives": sorted(negatives, key=lambda id: known[id]),
    }


def convert(source: Path, target: Path) -> int:
    """Turn a pickle of scores and ranks into :data:`RANKS`; returns the number of steps.

    The pickle is read by an unpickler that builds only plain values (:mod:`rbsuite.data.unpickle`).

    Raises:
        DataError: it cannot be read, or is not such a pickle.
    """
    from rbsuite.data.unpickle import MAX_BYTES as MOST
    from rbsuite.data.unpickle import read_pickle
    from rbsuite.files import written

    remedy = f"Give the file {PICKLE} of Mind2Web."
    try:
        content = read_file(source, most=MOST)
    except (OSError, Unusable) as error:
        raise DataError(
            f"{str(source)!r} cannot be read: {getattr(error, 'strerror', None) or error}.", remedy
        ) from error
    value = read_pickle(content, source.name, remedy)
    table = value.get("ranks") if isinstance(value, dict) else None
    if not isinstance(table, dict) or not all(isinstance(one, dict) for one in table.values()):
        raise DataError(f"{source.name} does not hold ranks by step.", remedy)
    try:
        with written(target) as stream:
            for sample, ranks in table.items():
                whole = {str(node): int(rank) for node, rank in ranks.items()}
                stream.write(json.dumps({"sample": str(sample), "ranks": whole}) + "\n")
    except (TypeError, ValueError) as error:
        raise DataError(f"{source.name} holds a rank that is not a number.", remedy) from error
    except OSError as error:
        raise DataError(
            f"{str(target)!r} cannot be written: {error.strerror or error}.", "Name another file."
        ) from error
    return len(table)
