"""Tools as shown to a model: function schemas, without what an augmentation hides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rbsuite.trajectory import ToolSpec
from rbsuite_toolsandbox.scenario import Scenario
from rbsuite_toolsandbox.tools.catalogue import END_CONVERSATION, SCRAMBLED

_HIDDEN_OF_ARGUMENTS = {"ARG_DESCRIPTION_SCRAMBLED": "description", "ARG_TYPE_SCRAMBLED": "type"}

_KEPT = ("ARG_DESCRIPTION_SCRAMBLED", "modify_reminder")
"""Where upstream hides nothing: it looks for the text between arguments and results, and this tool's text mentions no results."""


def agent_tools(scenario: Scenario, schemas: Mapping[str, Mapping[str, Any]]) -> tuple[ToolSpec, ...]:
    """The tools of a scenario's agent, in the order of the schemas."""
    return tuple(
        offered(name, schema, scenario.augmentations)
        for name, schema in schemas.items()
        if name in scenario.agent_tools
    )


def user_tools(schemas: Mapping[str, Mapping[str, Any]]) -> tuple[ToolSpec, ...]:
    """The user's only tool, of which nothing is ever hidden."""
    return (offered(END_CONVERSATION, schemas[END_CONVERSATION], ()),)


def offered(name: str, schema: Mapping[str, Any], augmentations: Iterable[str]) -> ToolSpec:
    """A tool as it is shown.

    Args:
        name: its name.
        schema: its function schema: name, description and parameters.
        augmentations: what is hidden.
    """
    description, parameters = str(schema["description"]), schema["parameters"]
    for augmentation in augmentations:
        if augmentation == "TOOL_NAME_SCRAMBLED":
            name = SCRAMBLED[name]
        elif augmentation == "TOOL_DESCRIPTION_SCRAMBLED":
            # Upstream cuts off what precedes the arguments; a tool without any keeps its description.
            description = "" if parameters["properties"] else description
        elif (augmentation, name) != _KEPT:
            parameters = _without(parameters, _HIDDEN_OF_ARGUMENTS[augmentation])
    return ToolSpec(name, description, parameters)


def _without(parameters: Mapping[str, Any], hidden: str) -> Mapping[str, Any]:
    properties = {
        name: {key: value for key, value in schema.items() if key != hidden}
        for name, schema in parameters["properties"].items()
    }
    return {**parameters, "properties": properties}
