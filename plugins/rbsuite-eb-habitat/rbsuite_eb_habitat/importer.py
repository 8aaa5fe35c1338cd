"""Imports EB-Habitat's data as a pack: from a checkout of EmbodiedBench or WorldMind, or from another pack.

The pack: ``<set>.json`` (episodes; list index = upstream's), ``vocab.json``, ``actions.json`` (the 70 named actions),
``standpoint_sets.json`` and ``receptacle_centroids.json`` (derived from the episodes), ``sources.json`` (sha256 of the
pickles), ``LICENSE`` if the source has one, and ``SOURCE.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from rbsuite.data.checkout import SourceTree, read_commit
from rbsuite.data.importing import DirectoryImporter
from rbsuite.data.packs import Archive, PackFacts, verify_pack, write_json
from rbsuite.data.reading import INFO_NAME
from rbsuite.errors import DataError
from rbsuite.jsonable import Json, digest
from rbsuite_eb_habitat import upstream, upstream_pinned
from rbsuite_eb_habitat.actions import ACTIONS
from rbsuite_eb_habitat.pack import FOLDER, STANDPOINTS, VOCAB, Pack
from rbsuite_eb_habitat.upstream_geometry import receptacle_centroids, standpoint_sets
from rbsuite_eb_habitat.upstream_vocab import read_vocabulary
from rbsuite_eb_habitat.vocab import SETS
from rbsuite_embodied.lfs import refuse_pointers

LICENCE = (
    "EmbodiedBench has no licence file at this commit; WorldMind, which redistributes the same files, is under MIT; "
    "made with Apple's ml-llarp tooling, with names of ReplicaCAD and YCB assets"
)
SOURCES = "sources.json"
"""The file that says which pickles a pack was made from; see :func:`pickle_hashes`."""

_ACTIONS, _CENTROIDS = "actions.json", "receptacle_centroids.json"
_LICENCE_FILE, _SOURCE_FILE = "LICENSE", "SOURCE.md"
_FILES: Mapping[str, str] = {name: f"{name}.json" for name in SETS}
_ARCHIVE = Archive(
    url=f"https://codeload.github.com/{upstream_pinned.ARCHIVE_REPOSITORY}/tar.gz/{upstream_pinned.ARCHIVE_COMMIT}",
    commit=upstream_pinned.ARCHIVE_COMMIT,
    files={
        **{upstream.PICKLES[name]: known.sha256 for name, known in upstream_pinned.SETS.items()},
        upstream.DATASET: upstream_pinned.DATASET_SHA256,
        upstream.DOMAIN: upstream_pinned.DOMAIN_SHA256,
    },
    strip_prefix=f"WorldMind-{upstream_pinned.ARCHIVE_COMMIT}",
)


@dataclass(frozen=True, slots=True)
class _Data:
    """What was read.

    Attributes:
        tables: content of the pack's JSON files, by name.
        hashes: sha256 of each set's pickle, as far as known.
    """

    tables: Mapping[str, Json]
    hashes: Mapping[str, str]


class EbHabitatImporter(DirectoryImporter):
    """The importer of the pack ``eb-habitat``; see :class:`rbsuite.data.packs.PackImporter`."""

    name = "eb-habitat"
    title = "EB-Habitat"
    repository = f"{upstream_pinned.ARCHIVE_REPOSITORY} or {upstream_pinned.REPOSITORY}"
    checkout_marks = (upstream.FOLDER,)
    pack_marks = (VOCAB, f"{FOLDER}/{VOCAB}")
    pinned = _ARCHIVE

    def build(self, source: Path, target: Path, commit: str | None = None) -> PackFacts:
        """Read everything, check it, then write the pack.

        Raises:
            DataError: the source lacks a file, or a file is malformed, refused or a Git LFS pointer; the message names it.
        """
        kind = self.recognise(source)
        if kind == "checkout":
            root, commit = source, commit or read_commit(source)
            data = _from_checkout(SourceTree(source))
        else:
            root = source if (source / VOCAB).is_file() else source / FOLDER
            data, recorded = _from_pack(root)
            commit = commit or recorded
        tree = SourceTree(root)
        for file, table in data.tables.items():
            write_json(target / file, table)
        write_json(target / SOURCES, {"pickles": {name: data.hashes.get(name) for name in SETS}})
        tree.copy(_LICENCE_FILE, target)
        _check(target)
        content = content_digest(data.tables)
        equals = upstream_pinned.COMMIT if content == upstream_pinned.PACK_DIGEST else None
        notes = _notes(data.hashes)
        (target / _SOURCE_FILE).write_text(_source_text(commit, equals, data.hashes, notes), "utf-8", newline="\n")
        episodes = tuple((f"{name} episodes", len(data.tables[file])) for name, file in _FILES.items())
        others = (("scenes", len(data.tables[_CENTROIDS])), ("named actions", len(data.tables[_ACTIONS])))
        return PackFacts(kind, commit, equals, LICENCE, (*episodes, *others), notes)


def content_digest(tables: Mapping[str, Json]) -> str:
    """Digest of a pack's JSON tables by file name: equal content, equal digest."""
    return digest({name: digest(table) for name, table in tables.items()})


def pickle_hashes(pack: Path) -> Mapping[str, str]:
    """The sha256 (hex) of the pickle behind each set of a pack, as far as the pack says.

    Raises:
        DataError: its record is malformed.
    """
    tree = SourceTree(pack, "Import the pack again with 'rbsuite data import'.")
    if not tree.has(SOURCES):
        return {}
    value = tree.read_json(SOURCES)
    pickles = value.get("pickles") if isinstance(value, dict) else None
    if not isinstance(pickles, dict) or not all(isinstance(sha256, str | None) for sha256 in pickles.values()):
        tree.fail(f"{SOURCES}: 'pickles' is missing or malformed")
    return {name: sha256 for name, sha256 in pickles.items() if sha256}


def _from_checkout(tree: SourceTree) -> _Data:
    refuse_pointers(tree, upstream.PICKLES.values(), upstream_pinned.ARCHIVE_REPOSITORY)
    vocabulary = read_vocabulary(upstream.read_yaml(tree, upstream.DATASET), upstream.read_yaml(tree, upstream.DOMAIN))
    sets = {name: upstream.read_set(tree, name) for name in SETS}
    every = list(chain.from_iterable(each.episodes for each in sets.values()))
    tables = {
        **{_FILES[name]: each.episodes for name, each in sets.items()},
        VOCAB: vocabulary.table(),
        _ACTIONS: vocabulary.actions(),
        STANDPOINTS: standpoint_sets(every),
        _CENTROIDS: receptacle_centroids(every),
    }
    return _Data(tables, {name: each.sha256 for name, each in sets.items()})


def _from_pack(root: Path) -> tuple[_Data, str | None]:
    """The data of a pack, and its commit if the pack records it."""
    info = verify_pack(root) if (root / INFO_NAME).exists() else None
    tree = SourceTree(root)
    tables = {file: tree.read_json(file) for file in (*_FILES.values(), VOCAB, _ACTIONS, STANDPOINTS, _CENTROIDS)}
    # A record that no hash vouches for is not adopted.
    hashes = dict(pickle_hashes(root)) if info else {}
    for name, known in upstream_pinned.SETS.items():
        if digest(tables[_FILES[name]]) == known.episodes:
            hashes[name] = known.sha256
    return _Data(tables, hashes), info.commit if info else None


def _check(target: Path) -> None:
    """Read the pack as the environment does."""
    try:
        pack = Pack(target)
        for name in SETS:
            for episode in pack.episodes(name):
                pack.standpoints(episode.scene)
    except DataError as error:
        raise DataError(error.message.replace(f"{target}/", ""), "Get a fresh copy of the source.") from error
    actions = SourceTree(target).read_json(_ACTIONS)
    expected = [
        {"action_id": number, "action_name": action.name, "pddl": action.call} for number, action in enumerate(ACTIONS)
    ]
    if actions != expected:
        raise DataError(
            f"{_ACTIONS}: these are not the {len(ACTIONS)} actions that rbsuite knows.",
            f"Name a checkout of {upstream_pinned.REPOSITORY} near commit {upstream_pinned.COMMIT[:12]}.",
        )


def _notes(hashes: Mapping[str, str]) -> tuple[str, ...]:
    """What to know about the sets."""
    known = upstream_pinned.SETS
    notes = [each.note for name, each in known.items() if each.note and hashes.get(name) == each.sha256]
    other = [name for name, each in known.items() if hashes.get(name) != each.sha256]
    if other:
        notes.append(f"Not the files that rbsuite was tested with: {', '.join(other)}.")
    return tuple(notes)


def _source_text(commit: str | None, equals: str | None, hashes: Mapping[str, str], notes: tuple[str, ...]) -> str:
    if equals:
        content = f"Its content is equal, by hash, to that of {upstream_pinned.REPOSITORY}, commit {equals}."
    else:
        content = f"Its content is not that of the commit rbsuite was tested with ({upstream_pinned.COMMIT})."
    rows = "".join(f"| `{name}.json` | `{hashes.get(name, 'unknown')}` |\n" for name in SETS)
    lines = "".join(f"- {note}\n" for note in notes)
    return f"""# EB-Habitat data, imported by rbsuite

- Origin: a checkout at commit {commit or "unknown"}. {content}
- Licence: {LICENCE}.
{lines}
| episodes | sha256 of the pickle they are from |
|---|---|
{rows}
| file | what it holds |
|---|---|
| `<set>.json` | the episodes, poses reduced to positions; list index = upstream's |
| `vocab.json`, `actions.json` | entities, names and the 70 actions, from `dataset.yaml` and the PDDL domain |
| `standpoint_sets.json` | per apartment: places that subgoals have the robot at together, and how often |
| `receptacle_centroids.json` | per scene: mean position of the objects on each receptacle |
| `sources.json` | for programs: sha256 of the pickles |
| `pack.json` | provenance for programs: commit, counts, sha256 of every file |
"""


IMPORTER = EbHabitatImporter()
"""What the environment's spec names as its importer; it has no state."""
