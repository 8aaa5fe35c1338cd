"""Modules that upstream imports and that are not installed: they stand in ``sys.modules`` while upstream is in use, and no longer."""

from __future__ import annotations

import abc
import dataclasses
import importlib.abc
import importlib.machinery
import logging
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import gymnasium
import numpy as np

STUBBED = frozenset(
    (
        *("cv2", "git", "gym", "habitat_sim", "hydra", "imageio", "magnum", "numba", "omegaconf", "PIL", "pybullet"),
        *("pygame", "quaternion", "torch", "torchvision", "transformers", "corrade", "vhacdx", "yacs"),
    )
)
"""The top-level modules that are replaced."""
UPSTREAM = ("habitat", "embodiedbench")
"""The top-level packages that are upstream's."""
_REPLACED = ("embodiedbench.main", "habitat.utils.visualizations")
"""Upstream's module that makes a link in the working directory when it is imported (all that is used of it is a logger), and what draws."""


class _Meta(abc.ABCMeta):
    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__") or name.startswith("_abc"):
            raise AttributeError(name)
        return Anything

    def __getitem__(cls, _: object) -> type:
        return cls


class Anything(metaclass=_Meta):
    """Stands for a name that is imported and never used in earnest: it can be subclassed, called and asked for attributes."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __call__(self, *arguments: Any, **_: object) -> Any:
        # So that it can decorate.
        return arguments[0] if len(arguments) == 1 and callable(arguments[0]) else Anything()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class Vector3(np.ndarray[Any, Any]):
    """What is needed of ``magnum.Vector3``."""

    def __new__(cls, *values: Any) -> Vector3:
        return np.array(values[0] if len(values) == 1 else values, dtype=float).view(cls)

    @classmethod
    def zero_init(cls) -> Vector3:
        """No vector at all."""
        return cls(0.0, 0.0, 0.0)

    def normalized(self) -> Vector3:
        """The same direction, of length 1."""
        return Vector3(self / (np.linalg.norm(self) or 1.0))


class Matrix4(Anything):
    """What is needed of ``magnum.Matrix4``: a translation, which the class makes and an instance has."""

    def __init__(self, rows: Sequence[Sequence[float]] = ()) -> None:
        # Upstream hands over columns, as magnum stores them.
        vars(self)["translation"] = Vector3(*rows[3][:3]) if rows else Vector3.zero_init()

    @classmethod
    def translation(cls, by: Any) -> Matrix4:
        """A matrix that translates."""
        made = cls()
        vars(made)["translation"] = Vector3(*by)
        return made

    def __matmul__(self, other: Matrix4) -> Matrix4:
        return Matrix4.translation(self.offset + other.offset)

    @property
    def offset(self) -> Vector3:
        """The instance's translation."""
        found: Vector3 = vars(self)["translation"]
        return found


class Range3D(Anything):
    """What is needed of ``magnum.Range3D``: a box."""

    def __init__(self, low: Any = (0.0, 0.0, 0.0), high: Any = (0.0, 0.0, 0.0)) -> None:
        self.min, self.max = Vector3(*low), Vector3(*high)

    @classmethod
    def from_center(cls, center: Any, half: Any) -> Range3D:
        """A box around its centre."""
        return cls(np.array(center) - np.array(half), np.array(center) + np.array(half))

    def center(self) -> Vector3:
        """The middle of the box."""
        return Vector3((self.min + self.max) / 2)

    def size(self) -> Vector3:
        """The lengths of its edges."""
        return Vector3(self.max - self.min)

    def contains(self, point: Any) -> bool:
        """Whether a point lies in the box."""
        return bool(np.all(self.min <= point) and np.all(point < self.max))


class Wrapper(gymnasium.Env[Any, Any]):
    """What is needed of gym 0.23's ``Wrapper``: it passes on what it does not know."""

    def __init__(self, env: Any) -> None:
        self.env = env

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.env, name)

    def step(self, action: Any) -> Any:
        """Pass on."""
        return self.env.step(action)

    def reset(self, **options: Any) -> Any:
        """Pass on."""
        return self.env.reset(**options)


class ConfigStore:
    """What is needed of hydra's: upstream's structured configurations, by group and name."""

    nodes: ClassVar[dict[tuple[str, str], Any]] = {}

    @classmethod
    def instance(cls) -> type[ConfigStore]:
        """The one there is."""
        return cls

    @classmethod
    def store(cls, *, name: str, node: Any, group: str = "", **_: object) -> None:
        """Keep a configuration."""
        cls.nodes[group, name] = node


def _known() -> dict[str, dict[str, Any]]:
    """What some of the modules must really hold."""
    registry = types.SimpleNamespace(env_specs=("Habitat-v0",))
    return {
        "gym": {"Env": gymnasium.Env, "Wrapper": Wrapper, "spaces": gymnasium.spaces, "Space": gymnasium.Space},
        "gym.spaces": {name: getattr(gymnasium.spaces, name) for name in gymnasium.spaces.__all__},
        "gym.envs.registration": {"registry": registry},
        "hydra.core.config_store": {"ConfigStore": ConfigStore},
        "magnum": {"Vector3": Vector3, "Matrix4": Matrix4, "Range3D": Range3D, "math": _Joining},
        "habitat_sim": {"geo": _Geometry, "__version__": "0.3.0"},
        "numba": {"njit": _plain, "jit": _plain},
        "omegaconf": {"MISSING": "???", "OmegaConf": _OmegaConf},
    }


class _Joining:
    @staticmethod
    def join(_: Range3D, second: Range3D) -> Range3D:
        """Of the refrigerator there is one box."""
        return second


class _Geometry:
    @staticmethod
    def get_transformed_bb(box: Range3D, _: object) -> Range3D:
        """Boxes are where they are."""
        return box


class _OmegaConf:
    @staticmethod
    def create(node: Any) -> Any:
        """Configurations need no wrapping here."""
        return node

    @staticmethod
    def set_readonly(*_: object) -> None:
        """All can be written."""

    set_struct = set_readonly


def _plain(function: Callable[..., Any] | None = None, **_: object) -> Any:
    return function if function is not None else _plain


class _Stub(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Anything,), {})
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a stub for every module below the stubbed ones."""

    def __init__(self) -> None:
        self._known = _known()

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """A stub, where one is wanted."""
        if name.partition(".")[0] not in STUBBED and not name.startswith(_REPLACED):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The stub."""
        return _Stub(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill it."""
        vars(module).update(self._known.get(module.__name__, {}))
        if module.__name__ == _REPLACED[0]:
            vars(module)["logger"] = logging.getLogger("upstream")


def _same(value: Any) -> Any:
    return value


def _dataclass(plain: Callable[..., Any]) -> Callable[..., Any]:
    """``dataclasses.dataclass`` of Python 3.9, for which upstream is written: an instance may be a default."""

    def decorate(cls: Any = None, **options: Any) -> Any:
        if cls is None:
            return lambda each: decorate(each, **options)
        for name in vars(cls).get("__annotations__", {}):
            value = vars(cls).get(name)
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                setattr(cls, name, dataclasses.field(default_factory=partial(_same, value)))
        return plain(cls, **options)

    return decorate


@contextmanager
def upstream_imports(checkout: Path) -> Iterator[None]:
    """Within this context upstream's packages can be imported from a checkout; afterwards all is as it was before.

    Args:
        checkout: the directory of a checkout of zjunlp/WorldMind.
    """
    modules, path, finders = dict(sys.modules), list(sys.path), list(sys.meta_path)
    environ, drawn, drawn_numpy = dict(os.environ), random.getstate(), np.random.get_state()
    plain = dataclasses.dataclass
    sys.path[:0] = [str(checkout), str(checkout / "habitat-lab" / "habitat-lab")]
    sys.meta_path.insert(0, _Finder())
    for name in [name for name in sys.modules if name.partition(".")[0] in (*STUBBED, *UPSTREAM)]:
        del sys.modules[name]
    dataclasses.dataclass = _dataclass(plain)
    os.environ["HABITAT_LAB_LOG"] = "50"
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.dont_write_bytecode = bytecode
        dataclasses.dataclass = plain
        sys.meta_path[:], sys.path[:] = finders, path
        for name in [name for name in sys.modules if name.partition(".")[0] in (*STUBBED, *UPSTREAM)]:
            del sys.modules[name]
        sys.modules.update(modules)
        os.environ.clear()
        os.environ.update(environ)
        random.setstate(drawn)
        np.random.set_state(drawn_numpy)
        ConfigStore.nodes.clear()
