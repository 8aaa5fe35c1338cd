"""The telecom domain, the user's side: what the owner of a phone can do, and what keeps it in sync with the agent's side.

Behaviour and texts follow ``src/tau2/domains/telecom`` (sierra-research/tau2-bench, a2c0247).
"""

# ruff: noqa: D102 (a tool is its name; the text that a model reads about it comes with the data)

from __future__ import annotations

from typing import Any

from rbsuite_dialogue.database import ONLY
from rbsuite_dialogue.values import Value
from rbsuite_tau2_bench.device import APN, APN_DEFAULTS, DEVICE, MODES, PAYMENT_REQUEST, SURROUNDINGS
from rbsuite_tau2_bench.phone import Phone, field_of, on_or_off
from rbsuite_tau2_bench.telecom import TelecomTools
from rbsuite_tau2_bench.toolkit import tool

TABLES = {"device": DEVICE, "surroundings": SURROUNDINGS}
_ADVICE = {
    "Very Poor": "Connection is very slow. Basic web browsing might be difficult.",
    "Poor": "Connection is slow. Web browsing may be sluggish, streaming difficult.",
    "Fair": "Connection is okay for web browsing and some standard definition streaming.",
    "Good": "Connection is good for most activities, including HD streaming.",
    "Excellent": "Connection is very fast.",
}
"""What is said about a speed, by its name."""
_SIM = {
    "active": "Your SIM card is active and working.",
    "missing": "No SIM card detected in the phone.",
    "locked_pin": "The SIM card is locked with a PIN code.",
    "locked_puk": "The SIM card is locked with a PUK code.",
}


class TelecomUserTools(Phone):
    """The tools of the phone's owner."""

    # --- tools ---

    @tool("read")
    def check_status_bar(self) -> str:
        return f"Status Bar: {self._bar()}"

    @tool("read")
    def check_network_status(self) -> str:
        phone = self.phone
        lines = [
            f"Airplane Mode: {on_or_off(phone['airplane_mode'])}",
            f"SIM Card Status: {self._sim()}",
            f"Cellular Connection: {phone['network_connection_status']}",
            f"Cellular Signal: {phone['network_signal_strength']}",
            f"Cellular Network Type: {phone['network_technology_connected']}",
            f"Mobile Data Enabled: {_yes(phone['data_enabled'])}",
            f"Data Roaming Enabled: {_yes(phone['roaming_enabled'])}",
            f"Wi-Fi Radio: {on_or_off(phone['wifi_enabled'])}",
            f"Wi-Fi Connected: {_yes(phone['wifi_connected'])}",
        ]
        if phone["wifi_connected"]:
            lines.append(f"Connected Wi-Fi Network: {phone['wifi_ssid']}")
        return "\n".join(lines)

    @tool("read")
    def check_network_mode_preference(self) -> str:
        return f"Network Mode Preference: {_value(self.phone['network_mode_preference'])}"

    @tool("write")
    def set_network_mode_preference(self, mode: Value) -> str:
        if mode is None or (isinstance(mode, str) and mode not in MODES):
            if mode is None:
                self._change()["network_mode_preference"] = None
                self._search_network()
            options = ", ".join(MODES)
            problem = f"Failed to set network mode: '{mode}' is not a valid option. Please use one of: {options}"
            return self._with_bar(problem)
        self._change()["network_mode_preference"] = mode
        self._search_network()
        return self._with_bar(f"Preferred Network Mode set to: {_value(mode)}")

    @tool("read")
    def run_speed_test(self) -> str:
        speed, rating = self._speed()
        if speed is None:
            return f"Speed test failed: {rating}."
        return f"Speed Test Result: {speed:.2f} Mbps ({rating}). {_ADVICE[rating]}"

    @tool("write")
    def toggle_airplane_mode(self) -> str:
        return self._switched("Airplane Mode", self._toggle_airplane_mode())

    @tool("read")
    def check_sim_status(self) -> str:
        return _SIM[self._sim()]

    @tool("write")
    def reseat_sim_card(self) -> str:
        self._change()["sim_card_missing"] = False
        self._search_network()
        if self._sim() == "missing":
            raise AssertionError
        return self._with_bar("SIM card re-seated successfully.")

    @tool("write")
    def toggle_data(self) -> str:
        return self._switched("Mobile Data", self._toggle("data_enabled"))

    @tool("write")
    def toggle_roaming(self) -> str:
        return self._switched("Data Roaming", self._toggle("roaming_enabled"))

    @tool("read")
    def check_data_restriction_status(self) -> str:
        on = self.phone["data_saver_mode"]
        return "Data Saver mode is ON (limits data usage)." if on else "Data Saver mode is OFF."

    @tool("write")
    def toggle_data_saver_mode(self) -> str:
        return self._switched("Data Saver Mode", self._toggle("data_saver_mode", search=False))

    @tool("read")
    def check_apn_settings(self) -> str:
        settings = self.phone["active_apn_settings"]
        if not isinstance(settings, dict):
            settings.model_copy()
        name, url = settings["apn_name"], settings["mmsc_url"] or "Not Set"
        return (
            f"Current APN Name: {name}\nMMSC URL (for picture messages): {url}\n"
            "(These are technical settings, usually best left unchanged.)"
        )

    @tool("write")
    def set_apn_settings(self, apn_settings: Value) -> str:
        if isinstance(apn_settings, dict):
            apn_settings = APN.make(apn_settings)
        # A value that is not an object is stored before it fails, as in upstream.
        self._change()["active_apn_settings"] = apn_settings
        name = field_of(apn_settings, "apn_name")
        self._search_network()
        return self._with_bar(f"APN settings set to: {name}")

    @tool("write")
    def reset_apn_settings(self) -> str:
        settings = self._change()["active_apn_settings"]
        if isinstance(settings, dict):
            settings["reset_at_reboot"] = True
        else:
            settings.reset_at_reboot = True
        self._search_network()
        return self._with_bar("APN settings will reset at reboot.")

    @tool("read")
    def check_wifi_status(self) -> str:
        phone = self.phone
        if not phone["wifi_enabled"]:
            return "Wi-Fi is turned OFF."
        if not phone["wifi_connected"]:
            return "Wi-Fi is ON but not connected to any network."
        strength = phone["wifi_signal_strength"]
        return f"Wi-Fi is ON and connected to '{phone['wifi_ssid']}'. Signal strength: {strength}."

    @tool("write")
    def toggle_wifi(self) -> str:
        if self.phone["airplane_mode"]:
            return self._with_bar("Cannot change Wi-Fi settings while Airplane Mode is ON.")
        on = self._toggle("wifi_enabled", search=False)
        if not on:
            self._drop_wifi()
        return self._switched("Wi-Fi", on)

    @tool("read")
    def check_wifi_calling_status(self) -> str:
        return f"Wi-Fi Calling is currently turned {on_or_off(self.phone['wifi_calling_enabled'])}."

    @tool("write")
    def toggle_wifi_calling(self) -> str:
        return self._switched("Wi-Fi Calling", self._toggle("wifi_calling_enabled", search=False))

    @tool("read")
    def check_vpn_status(self) -> str:
        phone = self.phone
        if phone["vpn_connected"]:
            details = phone["vpn_details"]
            if not details:
                return "VPN is ON and connected (no specific details available)."
            performance = details["server_performance"]
            return (
                f"VPN is ON and connected. Details: {{'server_address': {details['server_address']!r}, "
                f"'protocol': {details['protocol']!r}, "
                f"'server_performance': <PerformanceLevel.{performance.upper()}: {performance!r}>}}"
            )
        if phone["vpn_enabled_setting"]:
            return "VPN is turned ON in settings, but currently not connected."
        return "VPN is turned OFF."

    @tool("write")
    def connect_vpn(self) -> str:
        if self.phone["vpn_connected"]:
            return "VPN already connected."
        phone = self._change()
        phone["vpn_connected"] = True
        phone["vpn_details"] = dict(self._ideal_vpn)
        return self._with_bar("VPN connected successfully.")

    @tool("write")
    def disconnect_vpn(self) -> str:
        done = self._disconnect_vpn()
        return self._with_bar("VPN disconnected successfully." if done else "No active VPN connection to disconnect.")

    @tool("read")
    def check_installed_apps(self) -> str:
        return f"The following apps are installed on the phone: {', '.join(self.phone['app_statuses'])}"

    @tool("read")
    def check_app_status(self, app_name: Value) -> str:
        granted = self._granted(app_name)
        if granted is None:
            return f"App '{app_name}' not found on this phone."
        lines = [f"Status for App: {app_name}"]
        lines += (
            [" - Permissions Granted:", *(f"   - {one}" for one in granted)]
            if granted
            else [" - Permissions: None granted."]
        )
        return "\n".join(lines)

    @tool("read")
    def check_app_permissions(self, app_name: Value) -> str:
        granted = self._granted(app_name)
        if granted is None:
            return f"App '{app_name}' not found on this phone."
        if not granted:
            return f"App '{app_name}' currently has no permissions granted."
        return f"App '{app_name}' has permission for: {', '.join(granted)}."

    @tool("write")
    def grant_app_permission(self, app_name: Value, permission: Value) -> str:
        app = self.phone["app_statuses"].get(app_name)
        permission = permission.lower()
        if not app:
            return self._with_bar(f"Error. App '{app_name}' not found. Cannot grant permission.")
        if permission not in app["permissions"]:
            known = list(app["permissions"])
            return self._with_bar(
                f"Error. Permission '{permission}' not tracked for app '{app_name}', available permissions: {known}"
            )
        self._change()["app_statuses"][app_name]["permissions"][permission] = True
        return self._with_bar(f"Success. Permission '{permission}' granted to app '{app_name}'.")

    @tool("read")
    def can_send_mms(self) -> str:
        return f"Your messaging app {'can' if self._mms_works() else 'cannot'} send MMS messages."

    @tool("write")
    def reboot_device(self) -> str:
        lines = ["Restarting network services..."]
        if field_of(self.phone["active_apn_settings"], "reset_at_reboot"):
            lines.insert(0, "Resetting APN settings...")
            self._change()["active_apn_settings"] = dict(APN_DEFAULTS)
        self._change()["network_connection_status"] = "searching"
        self._search_network()
        return self._with_bar("\n".join(lines))

    @tool("read")
    def check_payment_request(self) -> str:
        request = self.around["payment_request"]
        if request is None:
            return "No payment request has been made."
        return f"You have a payment request for bill {request['bill_id']} of {request['amount_due']} USD."

    @tool("write")
    def make_payment(self) -> str:
        if self.around["payment_request"] is None:
            return "You do not have a payment request."
        request = self.db.write("surroundings", ONLY)["payment_request"]
        request["paid"] = True
        return f"Payment of {request['amount_due']} USD has been made for bill {request['bill_id']}."

    # --- functions of initial states ---

    def set_user_info(self, name: Value, phone_number: Value) -> None:
        self.db.write("surroundings", ONLY).update(name=name, phone_number=phone_number)

    def set_user_location(self, abroad: Value) -> None:
        self.db.write("surroundings", ONLY)["is_abroad"] = abroad

    def turn_airplane_mode_on(self) -> None:
        _until(True, self._toggle_airplane_mode)

    def turn_airplane_mode_off(self) -> None:
        _until(False, self._toggle_airplane_mode)

    def unseat_sim_card(self) -> None:
        self._change()["sim_card_missing"] = True
        self._search_network()

    def lock_sim_card(self, mode: Value) -> None:
        if mode in ("pin", "puk"):
            self._change()["sim_card_status"] = f"locked_{mode}"
        self._search_network()

    def turn_data_on(self) -> None:
        self._change()["data_enabled"] = True

    def turn_data_off(self) -> None:
        _until(False, lambda: self._toggle("data_enabled"))

    def turn_roaming_on(self) -> None:
        _until(True, lambda: self._toggle("roaming_enabled"))

    def turn_roaming_off(self) -> None:
        _until(False, lambda: self._toggle("roaming_enabled"))

    def turn_data_saver_mode_on(self) -> None:
        _until(True, lambda: self._toggle("data_saver_mode", search=False))

    def turn_data_saver_mode_off(self) -> None:
        _until(False, lambda: self._toggle("data_saver_mode", search=False))

    def break_apn_settings(self) -> None:
        self._change()["active_apn_settings"]["apn_name"] = "broken"
        self._search_network()

    def break_apn_mms_setting(self) -> None:
        self._change()["active_apn_settings"]["mmsc_url"] = None

    def set_wifi_calling(self, enabled: Value, mms_over_wifi: Value = None) -> None:
        if self.phone["wifi_calling_enabled"] != enabled:
            self._toggle("wifi_calling_enabled", search=False)
        if mms_over_wifi is not None:
            self._change()["wifi_calling_mms_over_wifi"] = mms_over_wifi

    def break_vpn(self) -> None:
        self.connect_vpn()
        self.wear_vpn()
        self._change()["vpn_details"]["server_performance"] = "poor"

    def remove_app_permission(self, app_name: Value, permission: Value) -> None:
        app = self.phone["app_statuses"].get(app_name)
        permission = permission.lower()
        if app and permission in app["permissions"]:
            self._change()["app_statuses"][app_name]["permissions"][permission] = False

    def simulate_network_search(self) -> None:
        self._search_network()

    # --- checks ---

    def assert_airplane_mode_status(self, expected_status: Value) -> bool:
        return bool(self.phone["airplane_mode"] == expected_status)

    def assert_service_status(self, expected_status: Value) -> bool:
        return bool(self.phone["network_connection_status"] == expected_status)

    def assert_mobile_data_status(self, expected_status: Value) -> bool:
        return bool(self._data_works() == expected_status)

    def assert_mobile_roaming_status(self, expected_status: Value) -> bool:
        return bool(self.phone["roaming_enabled"] == expected_status)

    def assert_mobile_data_saver_mode_status(self, expected_status: Value) -> bool:
        return bool(self.phone["data_saver_mode"] == expected_status)

    def assert_internet_speed(self, expected_speed: Value, expected_desc: Value = None) -> bool:
        speed, rating = self._speed()
        fast = (speed or 0.0) >= expected_speed
        return bool(fast if expected_desc is None else fast and rating.lower() == expected_desc.lower())

    def assert_internet_not_excellent(self) -> bool:
        return self._speed()[1] != "Excellent"

    def assert_can_send_mms(self, expected_status: Value) -> bool:
        return bool(self._mms_works() == expected_status)

    def assert_mobile_data_usage_exceeded(self, expected_status: Value) -> bool:
        return bool(self.around["mobile_data_usage_exceeded"] == expected_status)


def sync(agent: TelecomTools, user: TelecomUserTools) -> None:
    """Apply what the agent's side has changed to the phone, and payments to the agent's side.

    Raises:
        Refusal: no line has the user's phone number.
    """
    around = user.around
    number = around["phone_number"]
    if number is None:
        return
    line = agent._line_of_phone(number)
    plan = agent._get("plans", line["plan_id"], "Plan")
    seen = {
        "line_active": line["status"] == "Active",
        "roaming_allowed": bool(line["roaming_enabled"]),
        "mobile_data_usage_exceeded": line["data_used_gb"] >= plan["data_limit_gb"] + line["data_refueling_gb"],
    }
    if any(around[name] != value for name, value in seen.items()):
        around = user.db.write("surroundings", ONLY)
        around.update(seen)
    request = around["payment_request"]
    if request is not None and request["paid"]:
        agent._get_bill(request["bill_id"])
        agent.db.write("bills", request["bill_id"])["status"] = "Paid"
        around = user.db.write("surroundings", ONLY)
        around["payment_request"] = request = None
    if request is None:
        customer = agent.db.read("customers", agent._customer_key_of_phone(number))
        bills = agent._bills_awaiting_payment(customer)
        if bills:
            asked = PAYMENT_REQUEST.make({"bill_id": bills[0]["bill_id"], "amount_due": bills[0]["total_due"]})
            user.db.write("surroundings", ONLY)["payment_request"] = asked


def _yes(value: Value) -> str:
    return "Yes" if value else "No"


def _value(mode: Value) -> Value:
    """A mode's text; any other value fails as it does where an enumeration is expected."""
    return mode if isinstance(mode, str) else mode.value


def _until(on: bool, toggle: Any) -> None:
    """Toggle once, and again if that went the wrong way, as upstream does."""
    if toggle() is not on:
        toggle()
