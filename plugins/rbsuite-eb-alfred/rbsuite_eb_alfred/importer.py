"""Imports EB-ALFRED's data as a pack: from checkouts of EmbodiedBench and ALFRED, or from another pack.

The pack: ``splits.json``, ``nl_steps.json``, ``trials.json``, ``scenes.json``, ``pickup_labels.json``, ``alfred_constants.json``,
``skill_vocab.json``, ``skills_base.json``, ``sources.json`` (what they were made from), ``LICENSE`` if the source has one, and
``SOURCE.md``. What requires trajectories (see :mod:`.derive`) is derived from ALFRED's 7,080 if its checkout is given too, otherwise from
the few that EmbodiedBench has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.importing import DirectoryImporter
from rbsuite.data.packs import PackFacts, verify_pack, write_json
from rbsuite.data.reading import INFO_NAME
from rbsuite.errors import DataError
from rbsuite.jsonable import Json, digest
from rbsuite_eb_alfred import upstream, upstream_pinned
from rbsuite_eb_alfred.actions import base_actions
from rbsuite_eb_alfred.derive import Evidence, gather, label_table, receptacles, scene_table
from rbsuite_eb_alfred.derive_places import Placer
from rbsuite_eb_alfred.pack import FOLDER, SETS, Pack
from rbsuite_eb_alfred.upstream_words import base_skills, read_constants, read_words

LICENCE = "ALFRED's data: MIT, Copyright (c) 2019 ALFRED; EmbodiedBench has no licence file of its own at this commit"
SOURCES = "sources.json"
"""The file that says what a pack was made from: commits, whose trajectories, and how many."""

_SPLITS, _STEPS, _TRIALS, _SCENES = "splits.json", "nl_steps.json", "trials.json", "scenes.json"
_LABELS, _CONSTANTS, _WORDS, _SKILLS = (
    "pickup_labels.json",
    "alfred_constants.json",
    "skill_vocab.json",
    "skills_base.json",
)
_TABLES = (_SPLITS, _STEPS, _TRIALS, _SCENES, _LABELS, _CONSTANTS, _WORDS, _SKILLS)
_LICENCE_FILE, _SOURCE_FILE = "LICENSE", "SOURCE.md"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a pack's data comes from.

    Attributes:
        commit: of EmbodiedBench's checkout, if known.
        trajectories: the repository whose trajectories were used, or ``""`` if that is not known.
        number: how many of them.
        trajectories_commit: the commit of that repository, if known.
    """

    commit: str | None
    trajectories: str = ""
    number: int = 0
    trajectories_commit: str | None = None


class EbAlfredImporter(DirectoryImporter):
    """The importer of the pack ``eb-alfred``; see :class:`rbsuite.data.packs.JointImporter`."""

    name = "eb-alfred"
    title = "EB-ALFRED"
    repository = upstream_pinned.REPOSITORY
    checkout_marks = (upstream.FOLDER, f"{upstream.ALFRED_TRAJECTORIES}/{upstream.ALFRED_SPLITS[0]}")
    pack_marks = (_TRIALS, f"{FOLDER}/{_TRIALS}")

    @property
    def sources(self) -> tuple[str, ...]:
        """EmbodiedBench's checkout, and ALFRED's."""
        return ("EMBODIEDBENCH", "ALFRED")

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """See :meth:`build_jointly`."""
        return self.build_jointly((source,), target, commit)

    def build_jointly(self, sources: Sequence[Path], target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack.

        Raises:
            DataError: a source lacks a file, a file is malformed, or the sources do not match.
        """
        packs = [source for source in sources if self.recognise(source) == "pack"]
        if packs:
            if len(sources) > 1:
                raise DataError(
                    f"{str(packs[0])!r} is a pack, which needs no other source.", "Name it without other sources."
                )
            root = packs[0] if (packs[0] / _TRIALS).is_file() else packs[0] / FOLDER
            tables, origin = _from_pack(root)
        else:
            root, alfred = _tell_apart(sources)
            tables, origin = _from_checkouts(root, alfred, commit)
        _write(tables, origin, root, target)
        _check(tables, target)
        equals = upstream_pinned.COMMIT if content_digest(tables) == upstream_pinned.PACK_DIGEST else None
        (target / _SOURCE_FILE).write_text(_source_text(origin, equals), "utf-8", newline="\n")
        kind = "pack" if packs else "checkout"
        return PackFacts(kind, origin.commit, equals, LICENCE, _counts(tables, origin), _notes(origin))


def content_digest(tables: Mapping[str, Json]) -> str:
    """Digest of a pack's JSON tables by file name: equal content, equal digest."""
    return digest({name: digest(table) for name, table in tables.items()})


def _is_embodiedbench(source: Path) -> bool:
    return (source / upstream.FOLDER).is_dir()


def _tell_apart(sources: Sequence[Path]) -> tuple[Path, Path | None]:
    """EmbodiedBench's checkout and, if it is among the sources, ALFRED's."""
    first = [source for source in sources if _is_embodiedbench(source)]
    second = [source for source in sources if not _is_embodiedbench(source)]
    if len(first) == 1 and len(second) <= 1:
        return first[0], second[0] if second else None
    if first:
        raise DataError(
            f"{str(first[1])!r} is a second checkout with EB-ALFRED.", "Name one, and optionally one of ALFRED."
        )
    raise DataError(
        f"{str(second[0])!r} is a checkout of {upstream_pinned.ALFRED_REPOSITORY}, which lacks EB-ALFRED's tasks.",
        f"Add: --from DIR with a checkout of {upstream_pinned.REPOSITORY}.",
    )


def _from_checkouts(root: Path, alfred: Path | None, commit: str | None) -> tuple[dict[str, Json], Origin]:
    tree = SourceTree(root)
    splits = upstream.read_splits(tree)
    steps, constants, words = upstream.read_steps(tree), read_constants(tree), read_words(tree)
    layouts, trials = upstream.read_layouts(tree), upstream.read_trials(tree, splits)
    commit = commit or read_commit(root)
    if alfred is None:
        evidence, number = gather(upstream.own_trajectories(tree))
        origin = Origin(commit, upstream_pinned.REPOSITORY, number, commit)
    else:
        evidence, number = gather(upstream.alfred_trajectories(SourceTree(alfred)))
        origin = Origin(commit, upstream_pinned.ALFRED_REPOSITORY, number, read_commit(alfred))
    scenes, trial_table = _derive(layouts, trials, evidence, constants["MOVABLE_RECEPTACLES"])
    tables = {
        _SPLITS: splits,
        _STEPS: steps,
        _TRIALS: trial_table,
        _SCENES: scenes,
        _LABELS: label_table(evidence),
        _CONSTANTS: constants,
        _WORDS: words,
        _SKILLS: base_skills(words),
    }
    return tables, origin


def _derive(
    layouts: Mapping[int, upstream.Layout],
    trials: Mapping[str, upstream.Trial],
    evidence: Mapping[int, Evidence],
    movable: Sequence[str],
) -> tuple[dict[str, Json], dict[str, Json]]:
    """The tables of scenes and of trials."""
    scenes: dict[str, Json] = {}
    placers: dict[int, Placer] = {}
    for number, layout in layouts.items():
        known = evidence.get(number, Evidence())
        found = receptacles(layout, known, movable)
        scenes[str(number)] = scene_table(layout, known, found)
        placers[number] = Placer(found, known.labels)
    table: dict[str, Json] = {}
    for name, trial in trials.items():
        placer = placers.get(trial.table["scene_num"])
        if placer is None:
            raise DataError(
                f"{name}: there is no layout for its scene {trial.table['scene_num']}.", "Restore the file."
            )
        table[name] = {**trial.table, "derived_initial": placer.places(trial)}
    return scenes, table


def _from_pack(root: Path) -> tuple[dict[str, Json], Origin]:
    """The tables of a pack, with lists whose order has no meaning in the order that imports give them."""
    info = verify_pack(root) if (root / INFO_NAME).exists() else None
    tree = SourceTree(root)
    tables = {file: tree.read_json(file) for file in _TABLES}
    scenes = Pack(root).scenes  # checks them
    tables[_SCENES] = {
        number: {**scene, "receptacles": sorted(scene["receptacles"], key=_rank)} for number, scene in scenes.items()
    }
    labels = tables[_LABELS]
    if not isinstance(labels, dict) or not all(
        isinstance(entries, list) and all(_is_label(entry) for entry in entries) for entries in labels.values()
    ):
        tree.fail(f"{_LABELS}: not an object of lists of pick-ups")
    tables[_LABELS] = {scene: sorted(entries) for scene, entries in labels.items()}
    return tables, _recorded(tree, info.commit) if info else Origin(None)


def _rank(receptacle: Mapping[str, Any]) -> tuple[int, str]:
    """Sorts as :func:`.derive.receptacles` does: those from the layout come first, in the layout's order."""
    source = receptacle.get("src", "layout")
    return ("layout", "traj").index(source) if source in ("layout", "traj") else 2, (
        "" if source == "layout" else receptacle["id"]
    )


def _is_label(entry: Any) -> bool:
    match entry:
        case [str(), [float() | int(), float() | int(), float() | int()], str(), [_, _, _] as position]:
            return all(isinstance(axis, float | int) for axis in position)
    return False


def _recorded(tree: SourceTree, commit: str | None) -> Origin:
    """What a pack says it was made from."""
    value = tree.read_json(SOURCES) if tree.has(SOURCES) else None
    match value:
        case {
            "trajectories": {
                "repository": str() as repository,
                "number": int() as number,
                "commit": str() | None as known,
            }
        }:
            return Origin(commit, repository, number, known)
    return Origin(commit)


def _write(tables: Mapping[str, Json], origin: Origin, root: Path, target: Path) -> None:
    for file, table in tables.items():
        write_json(target / file, table)
    trajectories = {
        "repository": origin.trajectories,
        "number": origin.number,
        "commit": origin.trajectories_commit,
    }
    write_json(target / SOURCES, {"commit": origin.commit, "trajectories": trajectories})
    tree = SourceTree(root)
    tree.copy(f"{upstream.FOLDER}/{_LICENCE_FILE}", target) or tree.copy(_LICENCE_FILE, target)


def _check(tables: Mapping[str, Json], target: Path) -> None:
    """Read the pack as the environment does."""
    try:
        pack = Pack(target)
        missing = [
            entry["task"]
            for name in SETS
            for entry in pack.splits.get(name, ())
            if str(pack.trials.get(entry["task"], {}).get("scene_num")) not in pack.scenes
        ]
    except DataError as error:
        raise DataError(error.message.replace(f"{target}/", ""), "Get a fresh copy of the source.") from error
    if missing:
        raise DataError(f"{_TRIALS}: the trial {missing[0]}, or its scene, is missing.", "Get a fresh copy.")
    expected = [{"action_id": number, "action_name": name} for number, name in enumerate(base_actions())]
    if tables[_SKILLS] != expected:
        raise DataError(
            f"{_SKILLS}: these are not the {len(expected)} base actions that rbsuite knows.",
            f"Name a checkout of {upstream_pinned.REPOSITORY} near commit {upstream_pinned.COMMIT[:12]}.",
        )


def _notes(origin: Origin) -> tuple[str, ...]:
    if origin.trajectories != upstream_pinned.REPOSITORY:
        return ()
    return (
        f"The receptacles that objects start in were derived from the {origin.number} trajectories of EmbodiedBench alone, and are right "
        f"less often: results are comparable only with those of packs made the same way. Add --from ALFRED, a checkout of "
        f"{upstream_pinned.ALFRED_REPOSITORY}, to use its trajectories.",
    )


def _counts(tables: Mapping[str, Json], origin: Origin) -> tuple[tuple[str, int], ...]:
    receptacles = sum(len(scene["receptacles"]) for scene in tables[_SCENES].values())
    tasks = tuple((f"{name} tasks", len(tables[_SPLITS].get(name, ()))) for name in SETS)
    trajectories = ((f"trajectories of {origin.trajectories}", origin.number),) if origin.trajectories else ()
    return (
        *tasks,
        ("trials", len(tables[_TRIALS])),
        ("scenes", len(tables[_SCENES])),
        ("receptacles", receptacles),
        ("first pick-ups", sum(map(len, tables[_LABELS].values()))),
        *trajectories,
    )


def _source_text(origin: Origin, equals: str | None) -> str:
    both = f"{upstream_pinned.REPOSITORY} {upstream_pinned.COMMIT} and {upstream_pinned.ALFRED_REPOSITORY} " + (
        upstream_pinned.ALFRED_COMMIT
    )
    content = f"equal, by hash, to what {both} give" if equals else f"not what {both} give"
    trajectories = f"{origin.number} of {origin.trajectories}" if origin.trajectories else "unknown"
    return f"""# EB-ALFRED data, imported by rbsuite

- Origin: {upstream_pinned.REPOSITORY}, commit {origin.commit or "unknown"}. The content is {content}.
- Trajectories that receptacles and start places were derived from: {trajectories}, commit {origin.trajectories_commit or "unknown"}.
- Licence: {LICENCE}. The notice stays with any copy.

| file | what it holds |
|---|---|
| `splits.json`, `nl_steps.json` | the tasks of the six sets, and the steps worded for them; list index = upstream's |
| `trials.json` | per trial: goal, poses reduced to positions, plan without masks; `derived_initial`: what objects start in, derived |
| `scenes.json` | per scene: receptacles (`src`: layout, or mined from trajectories), what can be turned on, reachable points |
| `pickup_labels.json` | per scene: what experts first picked up, where, and from what |
| `alfred_constants.json`, `skill_vocab.json`, `skills_base.json` | lists of words, and the base actions |
| `sources.json` | for programs: what the pack was made from |
| `pack.json` | provenance for programs: commit, counts, sha256 of every file |
"""


IMPORTER = EbAlfredImporter()
"""What the environment's spec names as its importer; it has no state."""
