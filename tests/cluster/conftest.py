"""A real Ray cluster of two nodes on this machine, for all tests of this directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from cluster_nodes import add_node


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """Two nodes of two CPUs, without dashboard and statistics of usage, with a token of their own."""
    if find_spec("ray") is None:
        pytest.skip("pip install 'rbsuite[ray]'")
    own = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    own["RAY_ENABLE_UV_RUN_RUNTIME_ENV"] = "0"
    # A busy machine is not a dead node; what a node starts with has 15 s to be imported, which takes compiled modules there.
    own |= {"RAY_health_check_timeout_ms": "60000", "RAY_worker_niceness": "0", "PYTHONDONTWRITEBYTECODE": ""}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)  # Ray reads them when it is imported
    from ray.cluster_utils import Cluster

    made = Cluster()
    try:
        needs = {"browser": 2, "sandbox": 2}
        add_node(made, num_cpus=2, resources=needs, include_dashboard=False)
        add_node(made, num_cpus=2, resources=needs)
        yield made
    finally:
        made.shutdown()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
