"""Rules of the tools that no record shows, or that must hold where there are no records."""

from __future__ import annotations

import math
from typing import Any

import pytest

from rbsuite_toolsandbox import Pack
from rbsuite_toolsandbox.conversation import AGENT, Call, Conversation
from rbsuite_toolsandbox.network import Network
from rbsuite_toolsandbox.resources import sample_directory
from rbsuite_toolsandbox.scenario import read_scenario


@pytest.fixture
def conversation() -> Conversation:
    """A conversation with every tool and room for many calls."""
    pack = Pack(sample_directory())
    data = {
        **pack.base["wifi_back_on"],
        "tool_allow_list": None,
        "max_messages": 100,
        "starting_state": "everything-on",
    }
    scenario = read_scenario(data)
    return Conversation(scenario, pack.state(scenario), Network())


def call(conversation: Conversation, tool: str, /, **arguments: Any) -> str:
    ((_, text),) = conversation.call(AGENT, [Call(tool, arguments)])
    return text


def test_a_fuzzy_search_gives_the_five_best_in_the_order_of_their_scores(conversation: Conversation) -> None:
    for number in range(6):
        call(conversation, "add_contact", name=f"Ada Lovelace {number}", phone_number="+12185550100")
    call(conversation, "add_contact", name="Ada Lovelace", phone_number="+12185550100")
    found = call(conversation, "search_contacts", name="ada lovelace")
    assert found.count("person_id") == 5
    assert "'name': 'Ada Lovelace'," in found.split("}")[0]


def test_a_changed_row_stands_last_and_a_vain_removal_leaves_a_snapshot(conversation: Conversation) -> None:
    first = conversation.phone.tables.now("CONTACT")[1]
    call(conversation, "modify_contact", person_id=first["person_id"], relationship="colleague")
    tables = conversation.phone.tables
    assert tables.now("CONTACT")[-1] == {**first, "relationship": "colleague"}
    index = len(conversation.entries) + 1
    assert "NoDataError" in call(conversation, "remove_reminder", reminder_id="none")
    assert conversation.phone.tables.indices("REMINDER")[-1] == index


CALLS = [
    ("set_wifi_status", {"on": True}, "ValueError: wifi already enabled"),
    ("set_wifi_status", {}, "TypeError: missing a required argument: 'on'"),
    ("get_wifi_status", {"foo": 1}, "TypeError: got an unexpected keyword argument 'foo'"),
    ("search_holiday", {"holiday_name": "Thanksgiving", "year": 2026}, "1795651200.0"),
    ("search_holiday", {"holiday_name": "the day of the dog"}, "None"),
    ("shift_timestamp", {"timestamp": 1e9, "days": 10**9}, "days=1000000000; must have magnitude <= 999999999"),
    ("unit_conversion", {"amount": 1, "from_unit": "9**9**9**9", "to_unit": "m"}, "not defined in the unit registry"),
    ("unit_conversion", {"amount": 1, "from_unit": "celsius", "to_unit": "FAHRENHEIT"}, "33.79999999999993"),
    (
        "unit_conversion",
        {"amount": math.inf, "from_unit": "m", "to_unit": "km"},
        "NameError: name 'inf' is not defined",
    ),
    (
        "datetime_info_to_timestamp",
        dict.fromkeys(["year", "month", "day", "hour", "minute", "second"], 13),
        "month must",
    ),
    (
        "calculate_lat_lon_distance",
        {"latitude_0": 0, "longitude_0": 0, "latitude_1": 0, "longitude_1": 1},
        "111.319490793",
    ),
    ("send_message_with_phone_number", {"phone_number": "12", "content": ""}, "Missing or invalid default region."),
]


@pytest.mark.parametrize(("name", "arguments", "observed"), CALLS)
def test_what_is_observed(conversation: Conversation, name: str, arguments: dict[str, Any], observed: str) -> None:
    assert observed in call(conversation, name, **arguments)


def test_low_battery_mode_switches_radios_off_and_keeps_them_off(conversation: Conversation) -> None:
    call(conversation, "set_low_battery_mode_status", on=True)
    assert call(conversation, "get_cellular_service_status") == "False"
    refused = call(conversation, "set_location_service_status", on="yes")  # the battery is looked at before the type
    assert refused == "PermissionError: Location service cannot be turned on in low battery mode"
    call(conversation, "set_low_battery_mode_status", on=False)
    assert call(conversation, "get_wifi_status") == "False"
