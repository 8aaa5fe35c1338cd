"""``rbsuite doctor --ray``: checks the nodes of a Ray cluster, and compares what they have installed with this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rbsuite.cli.doctor import Diagnosis, check_plugins
from rbsuite.errors import RbsuiteError

SECONDS = 300.0
"""How long a node may take to check itself, which includes hashing its packs."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What is installed on one machine.

    Attributes:
        distributions: versions of rbsuite and of the loaded plugins, by name.
        packs: the hash of each imported pack, by name; if a pack has changed since it was imported, the hash of its current files.
        findings: the results of checking its plugins and their needs.
    """

    distributions: Mapping[str, str]
    packs: Mapping[str, str]
    findings: tuple[Diagnosis, ...]


def look_here() -> Installed:
    """What is installed on this machine; called on every node."""
    from rbsuite import __version__
    from rbsuite.data.directory import data_directory
    from rbsuite.data.packs import file_hashes, installed_packs, verify_pack
    from rbsuite.jsonable import digest
    from rbsuite.plugins import load_plugins

    found = {"rbsuite": __version__}
    plugins = load_plugins()  # on a node there is no command that could provide its plugins
    for info in plugins.infos:
        name, _, version = info.distribution.partition(" ")
        if info.status == "loaded" and version:
            found[name] = version
    packs = {}
    for path in installed_packs(data_directory()):
        try:
            packs[path.name] = digest(dict(verify_pack(path).files))
        except RbsuiteError:
            packs[path.name] = digest(file_hashes(path))  # two packs may be wrong in the same way, and still differ
    return Installed(found, packs, tuple(check_plugins(plugins)))


def check_cluster(address: str) -> Iterator[Diagnosis]:
    """Every node against this machine: versions, packs by hash, and what environments need.

    Args:
        address: see :func:`rbsuite.run.ray_nodes.connect`.
    """
    from rbsuite.run.ray_nodes import connect, examine_nodes, on_node

    try:
        ray, own = connect(address)
    except RbsuiteError as error:
        yield Diagnosis("Ray", "fail", error.message, error.remedy)
        return
    try:
        here = look_here()
        nodes = list(examine_nodes(ray))
        looks = {node.id: on_node(ray, node, look_here) for node, problem in nodes if problem is None}
        yield Diagnosis("Ray", "ok", f"{ray.__version__}, {len(nodes)} nodes")
        for node, problem in nodes:
            name = f"node {node.name}"
            if problem is not None:
                yield Diagnosis(name, "fail", problem.message.removeprefix(f"{name}: "), problem.remedy)
                continue
            try:
                there = ray.get(looks[node.id], timeout=SECONDS)
            except Exception as error:
                first = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                yield Diagnosis(name, "fail", first, "Install there what is installed here.")
                continue
            yield from _compare(name, here, there, node.resources)
    finally:
        if own:
            ray.shutdown()


def _compare(name: str, here: Installed, there: Installed, resources: Mapping[str, float]) -> Iterator[Diagnosis]:
    differs = list(_differences(here, there))
    has = ", ".join(
        f"{amount:g} {what}"
        for what, amount in sorted(resources.items())
        if ":" not in what and what not in ("memory", "object_store_memory")
    )
    if not differs:
        plugins = len(there.distributions) - 1
        told = (
            f"{has}; rbsuite {there.distributions['rbsuite']}, {plugins} plugins and {len(there.packs)} packs as here"
        )
        yield Diagnosis(name, "ok", told)
    for detail, remedy in differs:
        yield Diagnosis(name, "fail", detail, remedy)
    for finding in there.findings:
        if finding.status != "ok" and finding not in here.findings:
            yield Diagnosis(name, finding.status, f"{finding.name}: {finding.detail}", finding.remedy)


def _differences(here: Installed, there: Installed) -> Iterator[tuple[str, str]]:
    for distribution, version in here.distributions.items():
        found = there.distributions.get(distribution)
        if found != version:
            what = f"{distribution} {found} is installed there" if found else f"{distribution} is not loaded there"
            yield f"{what}, but {version} here", f"Install {distribution} {version} there."
    for pack, sha in here.packs.items():
        found = there.packs.get(pack)
        if found != sha:
            what = "differs" if found else "is not there"
            yield f"the pack {pack} {what}", f"Run there: rbsuite data import {pack}"
