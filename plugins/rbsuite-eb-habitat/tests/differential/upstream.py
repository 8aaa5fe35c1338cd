"""Upstream's environment, running from a checkout on the simulator made up of the engine's physics."""

from __future__ import annotations

import importlib
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError
from rbsuite_eb_habitat.household import Household
from rbsuite_eb_habitat.unpickle import read_pickle

from .configuration import Configuration, habitat_configuration
from .simulator import FakeSimulator
from .stubs import upstream_imports

_PACKAGE = "embodiedbench.envs.eb_habitat"


class Upstream:
    """``EBHabEnv`` over one set, with habitat-lab's task, domain, measures and wrappers beneath, all of it upstream's own code.

    Args:
        name: the set.
    """

    def __init__(self, name: str) -> None:
        module = importlib.import_module(f"{_PACKAGE}.EBHabEnv")
        self.environment: Any = module.EBHabEnv(eval_set=name, recording=False)
        self._inner: Any = self.environment.env.env.env._env
        # Upstream's iterator shuffles the list of the data set itself; an episode's id is its place in the file.
        self._episodes: Sequence[Any] = sorted(self.environment.dataset.episodes, key=lambda each: int(each.episode_id))
        self.simulator: FakeSimulator = self._inner.sim

    def __len__(self) -> int:
        return len(self._episodes)

    @property
    def task(self) -> Any:
        """``RearrangePredicateTask``."""
        return self._inner.task

    def reset(self, index: int, household: Household) -> Mapping[str, Any]:
        """Start an episode, within the engine's reach; its measures at the start."""
        self.simulator.set_household(household)
        # EBHabEnv counts episodes and asserts that there are not too many.
        self.environment._current_episode_num = 0
        self._inner.current_episode = self._episodes[int(index)]
        self.environment.reset()
        metrics: Mapping[str, Any] = self._inner.get_metrics()
        return metrics

    def step(self, action: int) -> tuple[bool, Mapping[str, Any]]:
        """``EBHabEnv.step``: whether the episode is over, and what is told of it."""
        _, _, done, info = self.environment.step(action)
        return done, info

    def monitor(self, subgoals: Sequence[Sequence[str]]) -> Callable[[], float]:
        """Upstream's measure of progress over subgoals of ours; each call takes the present step into account and gives its value.

        Args:
            subgoals: for each its predicates.
        """
        pddl, own = self.task.pddl, self.task.measurements.measures["task_progress"]
        read = [[pddl.parse_predicate(text, pddl.all_entities) for text in texts] for texts in subgoals]
        task = types.SimpleNamespace(subgoals=read, pddl=pddl)
        measure = type(own)(config=None)
        measure.reset_metric(task=task)

        def value() -> float:
            measure.update_metric(task=task)
            return float(measure.get_metric())

        return value


def is_checkout(directory: Path) -> bool:
    """Whether upstream's code is there: EB-Habitat's and habitat-lab's."""
    domain = (
        directory / "habitat-lab" / "habitat-lab" / "habitat" / "tasks" / "rearrange" / "multi_task" / "pddl_domain.py"
    )
    return domain.is_file() and (directory / "embodiedbench" / "envs" / "eb_habitat" / "EBHabEnv.py").is_file()


@contextmanager
def upstream(checkout: Path) -> Iterator[type[Upstream]]:
    """Within this context :class:`Upstream` can be used.

    Args:
        checkout: the directory of a checkout of zjunlp/WorldMind with ``embodiedbench`` and ``habitat-lab``.

    Raises:
        DataError: there is none in that directory.
    """
    if not is_checkout(checkout):
        raise DataError(
            f"no checkout of WorldMind with habitat-lab in {str(checkout)!r}.",
            "Name the directory that holds embodiedbench/ and habitat-lab/.",
        )
    with upstream_imports(checkout):
        _prepare(checkout)
        yield Upstream


def _prepare(checkout: Path) -> None:
    """Put our parts where upstream asks for its own: configuration, simulator, and a reader of pickles that executes nothing."""
    import habitat  # type: ignore[import-not-found]

    importlib.import_module(f"{_PACKAGE}.EBHabEnv")
    episodes: Any = importlib.import_module(f"{_PACKAGE}.dataset.episodes")
    predicate_task: Any = importlib.import_module(f"{_PACKAGE}.predicate_task")

    def get_config(path: str, *_: object, **__: object) -> Configuration:
        return habitat_configuration(Path(path))

    def load(file: Any) -> Any:
        return read_pickle(file.read(), Path(file.name).name)

    habitat.get_config = get_config
    habitat.registry.mapping["sim"]["RearrangeSim-v0"] = FakeSimulator
    episodes.pickle = types.SimpleNamespace(load=load)
    # It would write into the checkout.
    episodes.check_and_gen_physics_config = lambda: None
    predicate_task.print = lambda *_: None
