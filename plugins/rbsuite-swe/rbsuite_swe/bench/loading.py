"""Reads SWE-bench's data: a file of the user's, or the hub."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError
from rbsuite.files import Unusable, parquet_rows, parse_json, read_file
from rbsuite_swe.grading.logs import REPOSITORIES
from rbsuite_swe.instance import Instance, patched_files, read_instance

HUB: Mapping[str, str] = {
    "verified": "SWE-bench/SWE-bench_Verified",
    "lite": "SWE-bench/SWE-bench_Lite",
    "multilingual": "SWE-bench/SWE-bench_Multilingual",
}
"""The data sets by split."""
_MOST = 1 << 30
_INSTALL = "Run: pip install 'rbsuite-swe[hub]'"

_PYTEST = "pytest -rA"
_COMMANDS: Mapping[str, str] = {
    "astropy/astropy": f"{_PYTEST} -vv -o console_output_style=classic --tb=no",
    "django/django": "./tests/runtests.py --verbosity 2 --settings=test_sqlite --parallel 1",
    "mwaskom/seaborn": "pytest --no-header -rA",
    "sphinx-doc/sphinx": "tox --current-env -epy39 -v --",
    "sympy/sympy": "PYTHONWARNINGS='ignore::UserWarning,ignore::SyntaxWarning' bin/test -C --verbose",
}
"""How tests are run, by repository, for rows of the old schema; repositories not listed use pytest."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_NOT_TESTS = (".json", ".png", ".csv", ".txt", ".md", ".jpg", ".jpeg", ".pkl", ".yml", ".yaml", ".toml")


def load(split: str, data: str) -> tuple[list[Instance], Mapping[str, str]]:
    """The instances of a split, and where they come from.

    Args:
        split: names the data set on the hub; a file is not checked against it.
        data: a file, ``hub``, or the id of a data set on the hub.

    Raises:
        DataError: there is no data, or it is malformed.
    """
    if not data:
        raise DataError(
            "swe-bench: its data does not come with rbsuite, and none was given.",
            "Give --data FILE (JSON, JSON lines or parquet), or --data hub to fetch it.",
        )
    path = Path(data)
    if path.exists():
        rows, source = _file(path)
    elif data == "hub" or (_HUB_ID.fullmatch(data) and not path.suffix):
        rows, source = _hub(HUB[split] if data == "hub" else data)
    else:
        raise DataError(
            f"swe-bench: {data!r} is neither a file nor the id of a data set.", "Give --data FILE or --data hub."
        )
    instances = [completed(read_instance(row, f"{path.name or data}, row {at}")) for at, row in enumerate(rows, 1)]
    if not instances:
        raise DataError(f"swe-bench: {data} has no rows.", "Get a fresh copy.")
    return instances, source


def _file(path: Path) -> tuple[Sequence[Any], Mapping[str, str]]:
    try:
        content = read_file(path, most=_MOST)
        source = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        if path.suffix == ".parquet":
            return _parquet(content), source
        text = content.decode("utf-8")
        if path.suffix == ".jsonl":
            return [parse_json(line) for line in text.splitlines() if line.strip()], source
        rows = parse_json(text)
    except (Unusable, UnicodeDecodeError, OSError) as error:
        raise DataError(f"swe-bench: {path} cannot be read: {error}.", "Give JSON, JSON lines or parquet.") from error
    if not isinstance(rows, list):
        raise DataError(f"swe-bench: {path} does not hold a list.", "Give a list of instances, or JSON lines.")
    return rows, source


def _parquet(content: bytes) -> Sequence[Any]:
    try:
        return parquet_rows(content)
    except ImportError:
        raise DataError("swe-bench: parquet files need pyarrow.", _INSTALL) from None


def _hub(name: str) -> tuple[Sequence[Any], Mapping[str, str]]:
    try:
        datasets = import_module("datasets")
    except ImportError:
        raise DataError("swe-bench: data from the hub needs the package datasets.", _INSTALL) from None
    try:
        files = datasets.load_dataset_builder(name).config.data_files or {}
        if any("://" not in str(file) or "file:" in str(file) for found in files.values() for file in found):
            raise DataError(f"swe-bench: {name} names files of this machine.", "Give another data set.")
        loaded = datasets.load_dataset(name, split="test")
    except DataError:
        raise
    except Exception as error:  # the library raises errors of many others
        told = " ".join(str(error).split())[:160]
        raise DataError(f"swe-bench: {name} cannot be fetched from the hub: {told}.", "Give --data FILE.") from error
    return [dict(row) for row in loaded], {"hub": name, "fingerprint": str(getattr(loaded, "_fingerprint", ""))}


def completed(instance: Instance) -> Instance:
    """An instance of the old schema with image, test script and log parser added, if its repository is in Verified or Lite.

    The commands are this suite's, one per repository, while repositories changed theirs over the years. The official harness needs the new
    schema.
    """
    if instance.complete or instance.repo not in REPOSITORIES:
        return instance
    image = f"swebench/sweb.eval.x86_64.{instance.instance_id.replace('__', '_1776_').lower()}:latest"
    return replace(
        instance,
        image=instance.image or image,
        eval_script=instance.eval_script or _script(instance),
        log_parser=instance.log_parser or f"parse_log_{REPOSITORIES[instance.repo]}",
    )


def _script(instance: Instance) -> str:
    files = [name for name in patched_files(instance.test_patch) if name != "dev/null"]
    tests = [name for name in files if not name.endswith(_NOT_TESTS)]
    if instance.repo == "django/django":
        tests = [name.removesuffix(".py").removeprefix("tests/").replace("/", ".") for name in tests]
    back = f"git checkout {instance.base_commit} {' '.join(files)}"
    command = f"{_COMMANDS.get(instance.repo, _PYTEST)} {' '.join(tests)}"
    return "\n".join(
        (
            *("source /opt/miniconda3/bin/activate", "conda activate testbed", "cd /testbed", back),
            f"git apply -v - <<'EOF_TEST_PATCH'\n{instance.test_patch}\nEOF_TEST_PATCH",
            *(": '>>>>> Start Test Output'", command, ": '>>>>> End Test Output'", back),
        )
    )


def image_of(instance: Instance, named: str, registry: str) -> str:
    """The container image of an instance, with its registry: podman does not accept a name without one.

    Args:
        instance: the instance.
        named: the image that the user gives for all, with ``{id}``; empty: the instance's own.
        registry: registry for names that have none.

    Raises:
        DataError: there is none.
    """
    image = named.replace("{id}", instance.instance_id) if named else instance.image
    if not image:
        raise DataError(
            f"{instance.instance_id}: its row names no image.",
            "Use data in the new schema, or name one: --env swe-bench:image=...",
        )
    first, slash, _ = image.partition("/")
    prefixed = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return image if prefixed else f"{registry}/{image if slash else f'library/{image}'}"
