"""Settings of the device. Follows ``tool_sandbox/tools/setting.py`` (apple/ToolSandbox, 165848b9)."""

from __future__ import annotations

from contextlib import suppress

from rbsuite_toolsandbox.arguments import BOOLEAN, Parameter, ToolError, Value, check_type
from rbsuite_toolsandbox.tools.base import Tool
from rbsuite_toolsandbox.world import Phone

_TABLE = "SETTING"


def _switch(phone: Phone, column: str, on: Value) -> None:
    check_type("on", BOOLEAN, on)
    row = phone.tables.now(_TABLE)[0]
    if bool(row[column]) == on:
        raise ToolError("ValueError", f"{column} already {'enabled' if on else 'disabled'}")
    phone.tables.write(_TABLE, phone.index, ({**row, column: on},))


def _setter(column: str, label: str, *, checked: bool = True) -> Tool:
    """The tool that switches a radio, which stays off in low battery mode."""

    def run(phone: Phone, on: Value) -> None:
        if on and phone.setting("low_battery_mode"):
            raise ToolError("PermissionError", f"{label} cannot be turned on in low battery mode")
        _switch(phone, column, on)

    name = "cellular_service" if column == "cellular" else column
    return Tool(f"set_{name}_status", "setting", (Parameter("on", BOOLEAN),), run, checked)


def _getter(name: str, column: str) -> Tool:
    return Tool(f"get_{name}_status", "setting", (), lambda phone: phone.setting(column))


def _set_low_battery_mode_status(phone: Phone, on: Value) -> None:
    _switch(phone, "low_battery_mode", on)
    if on:
        for column in ("cellular", "wifi", "location_service"):
            with suppress(ToolError):  # it is already off
                _switch(phone, column, False)


def _get_current_location(phone: Phone) -> dict[str, Value]:
    phone.require_location()
    row = phone.tables.now(_TABLE)[0]
    return {"latitude": row["latitude"], "longitude": row["longitude"]}


TOOLS = (
    _getter("cellular_service", "cellular"),
    _getter("wifi", "wifi"),
    _getter("location_service", "location_service"),
    _getter("low_battery_mode", "low_battery_mode"),
    _setter("cellular", "Cellular service"),
    _setter("wifi", "Wifi"),
    _setter("location_service", "Location service", checked=False),  # upstream checks the battery before the type
    Tool("set_low_battery_mode_status", "setting", (Parameter("on", BOOLEAN),), _set_low_battery_mode_status),
    Tool("get_current_location", "setting", (), _get_current_location),
)
