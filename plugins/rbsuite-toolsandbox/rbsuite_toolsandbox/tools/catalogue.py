"""All tools by name, and the names that scrambling gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rbsuite_toolsandbox.tools import contact, messaging, rapid_api, reminder, setting, utilities
from rbsuite_toolsandbox.tools.base import Tool

END_CONVERSATION = "end_conversation"
"""The user's only tool. It changes no table, so it is carried out by the conversation itself."""

_USER_TOOL = Tool(END_CONVERSATION, "user_tools", (), lambda phone: None)

TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            *contact.TOOLS,
            *messaging.TOOLS,
            *rapid_api.TOOLS,
            *reminder.TOOLS,
            *setting.TOOLS,
            _USER_TOOL,
            *utilities.TOOLS,
        )
    }
)

NETWORK_TOOLS = frozenset(tool.name for tool in rapid_api.TOOLS)
"""The tools that are answered by recorded fixtures."""


def _scrambled() -> dict[str, str]:
    modules: dict[str, list[str]] = {}
    for tool in TOOLS.values():
        modules.setdefault(tool.module, []).append(tool.name)
    return {name: f"{module}_{k}" for module, names in modules.items() for k, name in enumerate(sorted(names))}


SCRAMBLED: Mapping[str, str] = MappingProxyType(_scrambled())
"""What a tool is called when names are scrambled: its module and its position in alphabetical order."""

UNSCRAMBLED: Mapping[str, str] = MappingProxyType({scrambled: name for name, scrambled in SCRAMBLED.items()})
