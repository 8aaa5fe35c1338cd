"""Upstream's environment, loaded from a checkout, on the stand-in for the simulator.

What is not installed, or must not run, is replaced by empty modules while upstream is imported; afterwards the interpreter is as it was
before.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rbsuite.errors import DataError
from rbsuite_eb_alfred.differential.controller import Stage, controller_class, nearest_points
from rbsuite_eb_alfred.differential.room import Room
from rbsuite_eb_alfred.scene import Household

PACKAGE = "embodiedbench"
_ALFRED = f"{PACKAGE}.envs.eb_alfred"
_NEVER = 10**9


class Upstream:
    """Upstream's ``EBAlfEnv`` and its stage.

    Args:
        module: upstream's ``EBAlfEnv`` module.
        stage: what its parts have in common.
    """

    def __init__(self, module: types.ModuleType, stage: Stage) -> None:
        self._module = module
        self._stage = stage

    def begin(self, eval_set: str, index: int, household: Household, *, limits: bool) -> Any:
        """A new ``EBAlfEnv``, reset to a task. A new one has none of the state that upstream keeps between episodes.

        Args:
            eval_set: upstream's name of the set.
            index: the task's place in it.
            household: what the scene contains.
            limits: whether upstream's limits on steps and invalid actions apply.
        """
        self._stage.household = household
        with quiet():
            environment = self._module.EBAlfEnv(eval_set=eval_set, selected_indexes=[index])
            if not limits:
                environment._max_episode_steps = environment._max_invalid_actions = _NEVER
            environment.reset()
        return environment

    @property
    def room(self) -> Room:
        """The current state of the simulator."""
        assert self._stage.room is not None
        return self._stage.room


@contextlib.contextmanager
def load_upstream(checkout: Path) -> Iterator[Upstream]:
    """Import upstream from a checkout of EmbodiedBench.

    Raises:
        DataError: there is no EB-ALFRED in that directory.
    """
    if not (checkout / PACKAGE / "envs" / "eb_alfred" / "EBAlfEnv.py").is_file():
        raise DataError(f"no EmbodiedBench in {str(checkout)!r}.", f"Name the directory that contains {PACKAGE}/.")
    stage = Stage()
    with _interpreter_restored(), quiet():
        sys.path.insert(0, str(checkout))
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        sys.modules.update(_replacements(stage))
        upstream = Upstream(importlib.import_module(f"{_ALFRED}.EBAlfEnv"), stage)
    yield upstream


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Upstream prints and logs every step; none of it is wanted."""
    root, disabled = logging.getLogger(), logging.root.manager.disable
    handlers = root.handlers.copy()
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers


@contextlib.contextmanager
def _interpreter_restored() -> Iterator[None]:
    modules, path, bytecode = sys.modules.copy(), sys.path.copy(), sys.dont_write_bytecode
    replaced = {*_replacements(Stage())}
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, bytecode
        for name in list(sys.modules):
            if name in replaced or name.partition(".")[0] == PACKAGE:
                del sys.modules[name]
                if name in modules:
                    sys.modules[name] = modules[name]


class _Unused:
    """A placeholder for what upstream creates and never needs here."""

    def __init__(self, *_: object, **__: object) -> None: ...


class _Graph(_Unused):
    """Replaces the navigation graph, which only the reward uses: every path is long."""

    def get_shortest_path(self, *_: object) -> tuple[list[object], list[object]]:
        """Steps and poses."""
        return [None] * 1000, []


def _replacements(stage: Stage) -> dict[str, types.ModuleType]:
    font = types.SimpleNamespace(truetype=_Unused)
    spaces = types.SimpleNamespace(Discrete=_Unused)
    spatial = types.SimpleNamespace(KDTree=nearest_points(stage))
    return {
        "ai2thor": _module("ai2thor"),
        "ai2thor.controller": _module("ai2thor.controller", Controller=controller_class(stage)),
        "cv2": _module("cv2"),
        "gym": _module("gym", Env=object, spaces=spaces),
        "PIL": _module("PIL", Image=None, ImageDraw=None, ImageFont=font),
        "scipy": _module("scipy", spatial=spatial),
        f"{PACKAGE}.main": _module(f"{PACKAGE}.main", logger=logging.getLogger(f"{__name__}.silent")),
        f"{_ALFRED}.data.preprocess": _module(f"{_ALFRED}.data.preprocess", Dataset=_Unused),
        f"{_ALFRED}.gen.graph.graph_obj": _module(f"{_ALFRED}.gen.graph.graph_obj", Graph=_Graph),
    }


def _module(name: str, **members: object) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(members)
    return module
