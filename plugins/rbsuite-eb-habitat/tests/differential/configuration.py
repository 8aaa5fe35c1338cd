"""Upstream's configuration, put together from its own files: hydra, which would do that, is not here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from .stubs import ConfigStore


class Configuration(dict[str, Any]):
    """A dictionary whose keys are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def _get_node_flag(self, _: str) -> None:
        """Nothing here is locked."""


def habitat_configuration(path: Path) -> Configuration:
    """What ``habitat.get_config`` makes of a file: upstream's structured defaults with the file's values on top.

    Args:
        path: upstream's ``language_rearrangement.yaml``.
    """
    from habitat.config import default_structured_configs as structured  # type: ignore[import-not-found]

    stated = yaml.safe_load(path.read_text(encoding="utf-8"))
    habitat = _plain(structured.HabitatConfig)
    habitat.simulator = _plain(structured.SimulatorConfig)
    habitat.simulator.agents = Configuration(main_agent=_plain(structured.AgentConfig))
    habitat.simulator.agents.main_agent.sim_sensors = Configuration(head_rgb_sensor=Configuration())
    habitat.dataset = _plain(structured.DatasetConfig)
    _lay_over(habitat.dataset, yaml.safe_load(path.with_name("dataset_v1.yaml").read_text(encoding="utf-8")))
    habitat.task = _plain(ConfigStore.nodes["habitat/task", "llarp_task_config_base"])
    for part in stated["defaults"]:
        for group, names in part.items() if isinstance(part, dict) else ():
            if isinstance(names, list):  # the measures and the actions
                kind = group.rpartition("/")[2]
                habitat.task[kind] = Configuration(
                    {name: _plain(ConfigStore.nodes[group.lstrip("/"), name]) for name in names}
                )
    _lay_over(habitat, stated["habitat"])
    return Configuration(habitat=habitat)


def _plain(node: Any) -> Any:
    """A structured configuration (a dataclass or an instance of one) without its class."""
    if isinstance(node, type) and dataclasses.is_dataclass(node):
        return Configuration({field.name: _plain(_default(field)) for field in dataclasses.fields(node)})
    if dataclasses.is_dataclass(node):
        return Configuration({field.name: _plain(getattr(node, field.name)) for field in dataclasses.fields(node)})
    return Configuration({key: _plain(value) for key, value in node.items()}) if isinstance(node, dict) else node


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return field.default_factory() if field.default_factory is not dataclasses.MISSING else None


def _lay_over(below: Configuration, above: Mapping[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), Configuration):
            _lay_over(below[key], value)
        else:
            below[key] = _plain(value)
