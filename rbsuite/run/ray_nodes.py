"""A Ray cluster: connecting to it, and what its nodes have, whether rbsuite is installed there or not."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rbsuite import __version__
from rbsuite.errors import PluginError, UsageError
from rbsuite.redact import secret_variables

LOOK_SECONDS = 120.0
"""How long a node may take to say what it has."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster.

    Attributes:
        id: Ray's id for it.
        name: its name in messages.
        resources: what it has in total, by Ray's names.
    """

    id: str
    name: str
    resources: Mapping[str, float]


def import_ray() -> Any:
    """The module ray.

    Raises:
        UsageError: it is not installed.
    """
    # Nothing that this project runs reports its usage to anybody.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Under `uv run`, Ray would send the working directory, with everything in it, to every node, and start workers with uv.
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError(f"Ray cannot be imported: {error}.", "Run: pip install 'rbsuite[ray]'") from None
    return ray


def connect(address: str, needs: Iterable[str] = ()) -> tuple[Any, bool]:
    """Connect to a cluster, unless this process already is; returns the module ray, and whether the connection is new.

    If no cluster is named and none is found, one is started on this machine. It inherits no keys from this process.

    Args:
        address: of the cluster's head, ``HOST:PORT``; empty: as :attr:`rbsuite.run.config.Execution.ray_address` says.
        needs: resources that this machine is said to have if a cluster is started on it, one of each per CPU.

    Raises:
        UsageError: Ray is not installed, or there is no such cluster.
    """
    if address.startswith("ray://"):
        raise UsageError(
            f"--ray-address {address}: records cannot come back over a Ray client.",
            "Run the command on a node of the cluster, for example by: ray job submit -- rbsuite eval ...",
        )
    ray = import_ray()
    if ray.is_initialized():
        return ray, False
    try:
        with _without_keys(), _own_signals():
            quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
            try:
                ray.init(address or "auto", **quiet)
            except ConnectionError:
                if address or os.environ.get("RAY_ADDRESS"):
                    raise
                ray.init("local", resources=dict.fromkeys(needs, os.cpu_count() or 1), **quiet)
    except Exception as error:
        text = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(
            f"no Ray cluster at {address or os.environ.get('RAY_ADDRESS') or 'this machine'}: {text[0].rstrip('.')}.",
            "See `ray status`; start one with: ray start --head",
        ) from None
    return ray, True


@contextmanager
def _without_keys() -> Iterator[None]:
    """Take keys out of the environment for the time being: a cluster that is started inherits it."""
    kept = {name: os.environ.pop(name) for name in secret_variables() if not name.startswith("RAY_")}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def _own_signals() -> Iterator[None]:
    """Restore the signal handlers: Ray sets its own, which would end the command without a word."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in known.items():
            signal.signal(number, handler)


def nodes(ray: Any) -> Sequence[Node]:
    """The nodes that are alive."""
    return [
        Node(one["NodeID"], f"{one['NodeManagerHostname']} ({one['NodeManagerAddress']})", one["Resources"])
        for one in ray.nodes()
        if one["Alive"]
    ]


def on_node(ray: Any, node: Node, function: Any, *arguments: Any) -> Any:
    """Call a function on a node, whatever runs there; returns Ray's reference to the result."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    strategy = NodeAffinitySchedulingStrategy(node.id, soft=False)
    return ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=strategy).remote(*arguments)


def check_nodes(ray: Any) -> None:
    """Check that every node has this version of Python and of rbsuite.

    Raises:
        PluginError: one does not.
    """
    for _, problem in examine_nodes(ray):
        if problem is not None:
            raise problem


def examine_nodes(ray: Any) -> Iterator[tuple[Node, PluginError | None]]:
    """Every node, and why no run can be carried out there, such as another version of Python or rbsuite; ``None`` if one can."""
    here = {"Python": ".".join(map(str, sys.version_info[:2])), "rbsuite": __version__}
    looks = [(node, on_node(ray, node, _make_look())) for node in nodes(ray)]
    for node, look in looks:
        try:
            there = ray.get(look, timeout=LOOK_SECONDS)
        except Exception as error:
            if node.id not in {one.id for one in nodes(ray)}:
                continue  # it has left in the meantime
            first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            yield node, PluginError(f"node {node.name} does not answer: {first}.", "See `ray status` and its logs.")
            continue
        differs = [(what, version) for what, version in here.items() if there[what] != version]
        if not differs:
            yield node, None
        for what, version in differs[:1]:
            yield (
                node,
                PluginError(
                    f"node {node.name}: {what} {there[what] or 'none'} is installed there, but {version} here.",
                    f"Install {what} {version} there, with the same plugins.",
                ),
            )


def _make_look() -> Any:
    def look() -> dict[str, str]:
        # Sent as it is, since rbsuite may be missing there: it needs only the standard library.
        import sys
        from importlib.util import find_spec

        version = ""
        if find_spec("rbsuite") is not None:
            import rbsuite

            version = str(rbsuite.__version__)
        return {"Python": ".".join(map(str, sys.version_info[:2])), "rbsuite": version}

    return look
