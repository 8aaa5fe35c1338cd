"""tau2-bench for rbsuite: a native engine for retail, airline, telecom and mock, with users that act.

>>> from rbsuite_tau2_bench import World
>>> world = World("mock", "path/to/pack", task="update_task_1")  # doctest: +SKIP
>>> world.call("check_notifications", {}, requestor="user")  # doctest: +SKIP
"""

from rbsuite_tau2_bench.pack import Pack
from rbsuite_tau2_bench.world import DEVIATIONS, REPAIRS, World

__all__ = ["DEVIATIONS", "REPAIRS", "Pack", "World"]
