"""``rbsuite doctor``: checks the installation and says how to fix what is wrong."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from rbsuite.cli.commands import Command, find_plugins
from rbsuite.cli.output import echo, echo_json
from rbsuite.report.text import one_line, table

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from rbsuite.plugins import Plugins
    from rbsuite.specs import Check, EnvironmentSpec

Status = Literal["ok", "warn", "fail"]

LEAST_PYTHON = (3, 11)
LOW_DISK = 1 << 30
NO_DISK = 100 << 20
_KEY_NAME = re.compile(r"[A-Z0-9_]+_API_KEY|HF_TOKEN|AWS_ACCESS_KEY_ID|GOOGLE_APPLICATION_CREDENTIALS")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the report.

    Attributes:
        name: what was checked.
        status: ``ok``; ``warn``: works, but something is missing; ``fail``: does not work.
        detail: what was found.
        remedy: what to do if the status is not ``ok``.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


@click.command("doctor", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--ray", is_flag=True, help="Check the nodes of a Ray cluster too, and compare them with this machine.")
@click.option(
    "--ray-address",
    default="",
    metavar="HOST:PORT",
    help="The cluster [default: RAY_ADDRESS, or that of this machine].",
)
@click.pass_context
def command(context: click.Context, as_json: bool, ray: bool, ray_address: str) -> None:
    """Check this installation. Exit code 1 if something does not work."""
    findings = examine()
    if ray or ray_address:
        from rbsuite.cli.doctor_ray import check_cluster

        findings.extend(check_cluster(ray_address))
    failed = sum(finding.status == "fail" for finding in findings)
    if as_json:
        echo_json({"ok": not failed, "findings": findings})
    else:
        rows = [(finding.status, finding.name, finding.detail) for finding in findings]
        for line, finding in zip(table(rows).splitlines(), findings, strict=True):
            echo(line)
            if finding.remedy:
                echo(f"      -> {one_line(finding.remedy)}")
        warned = sum(finding.status == "warn" for finding in findings)
        echo(f"\n{len(findings) - failed - warned} ok, {warned} warnings, {failed} failed")
    context.exit(1 if failed else 0)


def examine() -> list[Diagnosis]:
    """Run every check. A check that itself breaks counts as failed; it never stops the others."""
    from rbsuite.errors import is_failure, told

    findings: list[Diagnosis] = []
    for name, check in CHECKS.items():
        try:
            findings.extend(check())
        except BaseException as error:  # the report must appear whatever a plugin or the machine does
            if not is_failure(error):
                raise
            findings.append(Diagnosis(name, "fail", told(error), getattr(error, "remedy", "")))
    return findings


def check_machine() -> Iterator[Diagnosis]:
    """Python, platform and processors."""
    import platform

    version = platform.python_version()
    if sys.version_info >= LEAST_PYTHON:
        yield Diagnosis("Python", "ok", f"{version} ({sys.executable})")
    else:
        least = ".".join(map(str, LEAST_PYTHON))
        yield Diagnosis("Python", "fail", version, f"Use Python {least} or newer.")
    yield Diagnosis("machine", "ok", f"{platform.platform()}, {os.cpu_count() or 1} CPUs")


def check_packages() -> Iterator[Diagnosis]:
    """rbsuite itself and its direct dependencies, each against the required version."""
    from importlib.metadata import PackageNotFoundError, distribution

    from rbsuite import __version__

    try:
        own = distribution("rbsuite")
    except PackageNotFoundError:
        yield Diagnosis("rbsuite", "warn", f"{__version__}, not installed", "Install it: pip install rbsuite")
        return
    if own.version == __version__:
        yield Diagnosis("rbsuite", "ok", __version__)
    else:
        detail = f"the code is {__version__}, the installed metadata says {own.version}"
        yield Diagnosis("rbsuite", "warn", detail, "Install it again.")
    for requirement in own.requires or ():
        if "extra ==" not in requirement:
            yield _check_package(requirement, distribution)


def _check_package(requirement: str, distribution: Callable[[str], Distribution]) -> Diagnosis:
    from importlib.metadata import PackageNotFoundError

    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    try:
        version = distribution(name).version
    except PackageNotFoundError:
        return Diagnosis(name, "fail", "not installed", f"Install it: pip install {name}")
    if not _fits(requirement, version):
        return Diagnosis(name, "fail", f"{version} does not fit {requirement}", f"Run: pip install '{requirement}'")
    return Diagnosis(name, "ok", version)


def _fits(requirement: str, version: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:  # it is installed with another package; without it the version is only shown
        return True
    return Requirement(requirement).specifier.contains(version, prereleases=True)


def check_index() -> Iterator[Diagnosis]:
    """Whether the library for large banks can be imported; it is compiled, so it may fail."""
    try:
        import hnswlib  # noqa: F401
    except ImportError as error:
        yield Diagnosis("large banks", "warn", f"hnswlib: {error}", "Exact search is used instead. Reinstall hnswlib.")
    else:
        yield Diagnosis("large banks", "ok", "hnswlib can be imported")


def check_data() -> Iterator[Diagnosis]:
    """The data directory and the packs in it."""
    from rbsuite.data.directory import data_directory
    from rbsuite.data.packs import installed_packs

    directory = data_directory()
    yield _check_writable("data directory", directory, "Set RBSUITE_DATA to a directory you can write to.")
    for path in installed_packs(directory):
        yield _check_pack(path)


def _check_writable(name: str, directory: Path, remedy: str) -> Diagnosis:
    import tempfile

    place = existing_parent(directory)
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is not a directory")
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Diagnosis(name, "fail", f"{directory} cannot be written to: {error.strerror or error}", remedy)
    return Diagnosis(name, "ok", str(directory) if place == directory else f"{directory} (created when first needed)")


def _check_pack(path: Path) -> Diagnosis:
    from rbsuite.data.packs import verify_pack
    from rbsuite.errors import RbsuiteError

    try:
        info = verify_pack(path)
    except RbsuiteError as error:
        return Diagnosis(f"pack {path.name}", "fail", error.message, error.remedy)
    commit = f"commit {info.commit[:12]}" if info.commit else "commit unknown"
    return Diagnosis(f"pack {path.name}", "ok", f"{len(info.files)} files intact, {commit}")


def check_plugins(found: Plugins) -> Iterator[Diagnosis]:
    """Plugins that failed, and the needs of environments."""
    from rbsuite.distributions import strays
    from rbsuite.plugins import DISABLE_VARIABLE

    infos = found.infos
    for info in infos:
        name = f"plugin {info.name}"
        if info.status == "failed":
            yield Diagnosis(name, "fail", f"{info.distribution}: {info.error}", info.remedy)
        elif info.status == "disabled":
            yield Diagnosis(name, "ok", f"disabled by {DISABLE_VARIABLE}")
        elif info.slow:
            yield Diagnosis(name, "warn", f"{info.distribution} takes {info.seconds:.1f} s to load", info.remedy)
    for stray in strays():
        yield Diagnosis(
            stray, "warn", "is installed but declares no plugin", "Add an entry point in the group rbsuite."
        )
    yield Diagnosis("plugins", "ok", f"{sum(info.status == 'loaded' for info in infos)} loaded")
    yield from _check_declarations(found)


def _check_declarations(plugins: Plugins) -> Iterator[Diagnosis]:
    """The environments, and the names of every kind that are declared twice."""
    from rbsuite.cli.listing import SINGULAR
    from rbsuite.distributions import SEPARATE, how_to_install
    from rbsuite.plugins import DISABLE_VARIABLE

    for plural, kind in SINGULAR.items():
        for name, who in plugins.clashes(kind).items():
            remedy = f"Uninstall all but one, or set {DISABLE_VARIABLE} to the name of a plugin."
            yield Diagnosis(plural, "fail", f"{name!r} is {who}", remedy)
    for spec in plugins.environments.values():
        yield from _check_environment(spec)
    yield from _check_factories(plugins)
    for model in plugins.models.values():
        yield from _check_needs(f"model {model.name}", model.needs)
    for embedder in plugins.embedders.values():
        yield from _check_needs(f"embedder {embedder.name}", embedder.needs)
    installed = {info.distribution.partition(" ")[0] for info in plugins.infos}
    for distribution in sorted(set(SEPARATE.values()) - installed):
        yield Diagnosis(
            distribution, "ok", "is not installed; only needed for its own names", how_to_install(distribution)
        )
    if not plugins.environments:
        remedy = "Install one, for example: pip install rbsuite-tau-bench"
        yield Diagnosis("environments", "warn", "none is installed", remedy)


def _check_factories(plugins: Plugins) -> Iterator[Diagnosis]:
    """Everything else that plugins declare: whether its factory can be imported."""
    from rbsuite.cli.listing import SINGULAR
    from rbsuite.errors import PluginError
    from rbsuite.specs import Spec, load_object

    for plural, kind in SINGULAR.items():
        specs: dict[str, Spec] = {} if kind == "environment" else getattr(plugins, plural)
        for spec in specs.values():
            try:
                load_object(spec.factory, f"{kind} {spec.name!r}")
            except PluginError as error:
                yield Diagnosis(f"{kind} {spec.name}", "fail", f"{plugins.owner(spec)}: {error.message}", error.remedy)


def _check_environment(spec: EnvironmentSpec) -> Iterator[Diagnosis]:
    from rbsuite.data.directory import pack_directory
    from rbsuite.errors import PluginError
    from rbsuite.specs import load_object

    name = f"environment {spec.name}"
    yield from _check_needs(name, spec.needs)
    try:
        load_object(spec.factory, name)
    except PluginError as error:
        yield Diagnosis(name, "fail", error.message, error.remedy)
        return
    if spec.pack and spec.importer and not pack_directory(spec.pack).is_dir():
        bundled = ", ".join(split.name for split in spec.splits if split.bundled) or "none"
        detail = f"upstream's data is not imported; splits that do not need it: {bundled}"
        from rbsuite.cli.data import how_to_import

        yield Diagnosis(name, "ok" if bundled != "none" else "warn", detail, how_to_import(spec))
    else:
        yield Diagnosis(name, "ok", f"version {spec.version}, {len(spec.splits)} splits")


def _check_needs(name: str, needs: Sequence[Check]) -> Iterator[Diagnosis]:
    from rbsuite.errors import is_failure, words_of
    from rbsuite.specs import load_object

    for check in needs:
        try:
            problem = str(load_object(check.check, name)() or "")
        except BaseException as error:
            if not is_failure(error):
                raise
            words = words_of(error)
            yield Diagnosis(
                name, "fail", f"its check of {check.name!r} failed: {words}", "Fix or reinstall the plugin."
            )
            continue
        yield Diagnosis(name, "warn" if problem else "ok", f"{check.name}: {problem or 'found'}")


def check_sandboxes() -> Iterator[Diagnosis]:
    """Which backends can run models' commands, and how to get the others."""
    from rbsuite.sandboxes.choice import BACKENDS

    isolating = {name: backend.missing() for name, backend in BACKENDS.items() if backend.isolates}
    some = "" in isolating.values()
    for name, missing in isolating.items():
        status: Status = "ok" if some else "warn"
        yield Diagnosis(f"sandbox {name}", status, missing or "works, and isolates")
    yield Diagnosis(
        "sandbox local", "ok", f"only with --unsafe-local: {BACKENDS['local'].gaps() or 'enforces all rules here'}"
    )


def check_keys() -> Iterator[Diagnosis]:
    """Which providers' keys are set: their names, never their values."""
    names = sorted(name for name, value in os.environ.items() if value and _KEY_NAME.fullmatch(name))
    yield Diagnosis("provider keys", "ok", ", ".join(names) or "none is set; models that start with sim/ need none")


def check_disk() -> Iterator[Diagnosis]:
    """Free space where data and experiments are stored."""
    import shutil

    from rbsuite.data.directory import data_directory

    for name, directory in (("data disk", data_directory()), ("working disk", Path.cwd())):
        free = shutil.disk_usage(existing_parent(directory)).free
        status: Status = "ok" if free >= LOW_DISK else "warn" if free >= NO_DISK else "fail"
        yield Diagnosis(name, status, f"{free / 2**30:,.1f} GiB free", "" if status == "ok" else "Free some space.")


def existing_parent(path: Path) -> Path:
    """The path itself, or its nearest parent that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


CHECKS: dict[str, Callable[[], Iterator[Diagnosis]]] = {
    "machine": check_machine,
    "packages": check_packages,
    "large banks": check_index,
    "data": check_data,
    "plugins": lambda: check_plugins(find_plugins()),
    "sandboxes": check_sandboxes,
    "provider keys": check_keys,
    "disk": check_disk,
}
"""The checks, in the order of the report."""
