"""Nodes of a Ray cluster on this machine that tests start and stop, and the workers on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MEMORY = 80 << 20
"""Bytes of a node's object store."""


def add_node(cluster: Any, **arguments: Any) -> Any:
    """Start a node. Ray gives it 30 s to answer, which a machine that is busy may not keep."""
    for _ in range(3):
        try:
            return cluster.add_node(object_store_memory=MEMORY, **arguments)
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    raise TimeoutError("this machine is too busy to start a node of Ray")


class ExtraNode:
    """A node with two of a resource of its own and no CPU to speak of."""

    def __init__(self, cluster: Any, resource: str, environment: dict[str, str]) -> None:
        self._cluster = cluster
        self._resource = resource
        self._environment = environment
        self.node: Any = None

    def start(self) -> None:
        self.node = add_node(
            self._cluster, num_cpus=1, resources={self._resource: 2}, env_vars=self._environment or None
        )

    def stop(self) -> None:
        if self.node is not None:
            node, self.node = self.node, None
            self._cluster.remove_node(node, allow_graceful=False)


@contextmanager
def node_that_has(cluster: Any, resource: str, *, added: bool = True, **environment: str) -> Iterator[ExtraNode]:
    """A node that has a resource, and whose workers have these environment variables."""
    extra = ExtraNode(cluster, resource, environment)
    if added:
        extra.start()
    try:
        yield extra
    finally:
        extra.stop()


def workers_of(node: Any) -> list[int]:
    """The processes on a node that carry out runs."""
    (raylet,) = node.all_processes["raylet"]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes()
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it has just ended
        if parent == raylet.process.pid and name.startswith(b"ray::RunWorker"):
            found.append(int(process.name))
    return found
