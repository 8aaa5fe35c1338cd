"""The telecom domain, the user's side: a phone with thirty tools, and what surrounds it.

Behaviour and texts follow ``src/tau2/domains/telecom`` (sierra-research/tau2-bench, a2c0247). Upstream's ideal details of a VPN are one
object for a whole process, so that breaking the VPN once breaks it for all later episodes; here they belong to one world.
"""

# ruff: noqa: D102 (a tool is its name; what a model reads of it comes with the data)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbsuite_dialogue.database import ONLY
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import FLAG, INTEGER, NUMBER, TEXT, Choice, Keyed, Maybe
from rbsuite_tau2_bench.telecom import TelecomTools
from rbsuite_tau2_bench.toolkit import Toolkit, tool

_MODES = ("4g_5g_preferred", "4g_only", "3g_only", "2g_only")
_ONE_TECHNOLOGY = {"2g_only": "2G", "3g_only": "3G"}
_SIGNALS = ("none", "poor", "fair", "good", "excellent")
_BARS = {
    "none": "📵 No Signal",
    "poor": "📶¹ Poor",
    "fair": "📶² Fair",
    "good": "📶³ Good",
    "excellent": "📶⁴ Excellent",
}
_SPEEDS = {"2G": (0.1, 0.4), "3G": (1.0, 5.0), "4G": (10.0, 100.0), "5G": (50.0, 500.0)}
_SIGNAL_FACTORS = {"poor": 0.2, "fair": 0.5, "good": 0.8, "excellent": 1.0}
_POOR_VPN = 0.1
_DATA_SAVER = 0.2
_RATINGS = (
    (1, "Very Poor", "Connection is very slow. Basic web browsing might be difficult."),
    (5, "Poor", "Connection is slow. Web browsing may be sluggish, streaming difficult."),
    (25, "Fair", "Connection is okay for web browsing and some standard definition streaming."),
    (100, "Good", "Connection is good for most activities, including HD streaming."),
    (float("inf"), "Excellent", "Connection is very fast."),
)
_SIM = {
    "active": "Your SIM card is active and working.",
    "missing": "No SIM card detected in the phone.",
    "locked_pin": "The SIM card is locked with a PIN code.",
    "locked_puk": "The SIM card is locked with a PUK code.",
}

# --- records --------------------------------------------------------------------------------------------------------------


def _choice(*values: str) -> Choice:
    return Choice(values, "enum")


_SIGNAL = _choice(*_SIGNALS)
_TECHNOLOGY = _choice("none", "2G", "3G", "4G", "5G")
_APN_DEFAULTS = {
    "apn_name": "internet",
    "reset_at_reboot": False,
    "mms_apn": "mms",
    "mmsc_url": "http://mms.carrier.com/mms/wapenc",
    "mms_proxy": None,
    "mms_port": None,
}
_APN = schema.Record(
    "APNSettings",
    {
        "apn_name": _choice("internet", "broken"),
        "reset_at_reboot": FLAG,
        "mms_apn": Maybe(TEXT),
        "mmsc_url": Maybe(TEXT),
        "mms_proxy": Maybe(TEXT),
        "mms_port": Maybe(INTEGER),
    },
    _APN_DEFAULTS,
    strict=True,
)
_PERMISSIONS = ("sms", "storage", "phone", "network")
_APP = schema.Record(
    "AppStatus",
    {
        "app_name": TEXT,
        "permissions": schema.Record(
            "AppPermissions", dict.fromkeys(_PERMISSIONS, FLAG), dict.fromkeys(_PERMISSIONS, False), strict=True
        ),
    },
    {"permissions": dict.fromkeys(_PERMISSIONS, False)},
    strict=True,
)
_VPN = schema.Record(
    "VpnDetails",
    {
        "server_address": Maybe(TEXT),
        "protocol": Maybe(TEXT),
        "server_performance": _choice("unknown", "poor", "fair", "good", "excellent"),
    },
    {"server_address": None, "protocol": None, "server_performance": "unknown"},
    strict=True,
)
_IDEAL_VPN = {"server_address": "192.168.1.1", "protocol": "OpenVPN", "server_performance": "excellent"}
_APPS = {
    "messaging": {
        "app_name": "messaging",
        "permissions": {"sms": True, "storage": True, "phone": True, "network": False},
    },
    "browser": {
        "app_name": "browser",
        "permissions": {"sms": False, "storage": True, "phone": False, "network": True},
    },
}
DEVICE = schema.Record(
    "MockPhoneAttributes",
    {
        "sim_card_status": _choice("active", "missing", "locked_pin", "locked_puk"),
        "sim_card_missing": FLAG,
        "airplane_mode": FLAG,
        "network_signal_strength": _SIGNAL,
        "network_technology_connected": _TECHNOLOGY,
        "network_connection_status": _choice("connected", "searching", "no_service", "emergency_only"),
        "battery_level": INTEGER,
        "data_enabled": FLAG,
        "roaming_enabled": FLAG,
        "network_mode_preference": _choice(*_MODES),
        "active_apn_settings": _APN,
        "wifi_enabled": FLAG,
        "wifi_connected": FLAG,
        "wifi_ssid": Maybe(TEXT),
        "wifi_signal_strength": _SIGNAL,
        "wifi_calling_enabled": FLAG,
        "wifi_calling_mms_over_wifi": FLAG,
        "data_saver_mode": FLAG,
        "vpn_enabled_setting": FLAG,
        "vpn_connected": FLAG,
        "vpn_details": Maybe(_VPN),
        "app_statuses": Keyed(_APP),
    },
    {
        "sim_card_status": "active",
        "sim_card_missing": False,
        "airplane_mode": False,
        "network_signal_strength": "good",
        "network_technology_connected": "5G",
        "network_connection_status": "connected",
        "battery_level": 80,
        "data_enabled": True,
        "roaming_enabled": False,
        "network_mode_preference": "4g_5g_preferred",
        "active_apn_settings": _APN_DEFAULTS,
        "wifi_enabled": False,
        "wifi_connected": False,
        "wifi_ssid": None,
        "wifi_signal_strength": "none",
        "wifi_calling_enabled": False,
        "wifi_calling_mms_over_wifi": False,
        "data_saver_mode": False,
        "vpn_enabled_setting": False,
        "vpn_connected": False,
        "vpn_details": None,
        "app_statuses": _APPS,
    },
    strict=True,
)
_REQUEST = schema.Record(
    "PaymentRequest", {"bill_id": TEXT, "amount_due": NUMBER, "paid": FLAG}, {"paid": False}, strict=True
)
SURROUNDINGS = schema.Record(
    "UserSurroundings",
    {
        "name": Maybe(TEXT),
        "phone_number": Maybe(TEXT),
        "is_abroad": FLAG,
        "roaming_allowed": FLAG,
        "signal_strength": Keyed(_SIGNAL),
        "mobile_data_usage_exceeded": FLAG,
        "line_active": FLAG,
        "payment_request": Maybe(_REQUEST),
    },
    {
        "name": None,
        "phone_number": None,
        "is_abroad": False,
        "roaming_allowed": False,
        "signal_strength": {"2G": "poor", "3G": "fair", "4G": "good", "5G": "excellent"},
        "mobile_data_usage_exceeded": False,
        "line_active": True,
        "payment_request": None,
    },
    strict=True,
)
TABLES = {"device": DEVICE, "surroundings": SURROUNDINGS}


def sync(agent: TelecomTools, user: TelecomUserTools) -> None:
    """Bring to the phone what the agent's side has changed, and payments to the agent's side.

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
            asked = _REQUEST.make({"bill_id": bills[0]["bill_id"], "amount_due": bills[0]["total_due"]})
            user.db.write("surroundings", ONLY)["payment_request"] = asked


class TelecomUserTools(Toolkit):
    """The tools of the phone's owner."""

    __slots__ = ("_ideal_vpn",)

    def __init__(self, db: Overlay, *, fixed: bool = False) -> None:
        super().__init__(db, fixed=fixed)
        self._ideal_vpn: Mapping[str, Value] = _IDEAL_VPN

    def forked(self, db: Overlay) -> TelecomUserTools:
        """See :class:`Toolkit`."""
        twin = TelecomUserTools(db, fixed=self.fixed)
        twin._ideal_vpn = self._ideal_vpn
        return twin

    def wear_vpn(self) -> None:
        """Make the VPN poor whenever it is connected from now on."""
        self._ideal_vpn = {**self._ideal_vpn, "server_performance": "poor"}

    @property
    def phone(self) -> Record:
        """The phone, for reading."""
        return self.db.read("device", ONLY)

    @property
    def around(self) -> Record:
        """The surroundings, for reading."""
        return self.db.read("surroundings", ONLY)

    # --- tools ---

    @tool("read")
    def check_status_bar(self) -> str:
        return f"Status Bar: {self._bar()}"

    @tool("read")
    def check_network_status(self) -> str:
        phone = self.phone
        lines = [
            f"Airplane Mode: {_on(phone['airplane_mode'])}",
            f"SIM Card Status: {self._sim()}",
            f"Cellular Connection: {phone['network_connection_status']}",
            f"Cellular Signal: {phone['network_signal_strength']}",
            f"Cellular Network Type: {phone['network_technology_connected']}",
            f"Mobile Data Enabled: {_yes(phone['data_enabled'])}",
            f"Data Roaming Enabled: {_yes(phone['roaming_enabled'])}",
            f"Wi-Fi Radio: {_on(phone['wifi_enabled'])}",
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
        if mode is None or (isinstance(mode, str) and mode not in _MODES):
            if mode is None:
                self._change()["network_mode_preference"] = None
                self.simulate_network_search()
            options = ", ".join(_MODES)
            problem = f"Failed to set network mode: '{mode}' is not a valid option. Please use one of: {options}"
            return self._with_bar(problem)
        self._change()["network_mode_preference"] = mode
        self.simulate_network_search()
        return self._with_bar(f"Preferred Network Mode set to: {_value(mode)}")

    @tool("read")
    def run_speed_test(self) -> str:
        speed, rating = self._speed()
        if speed is None:
            return f"Speed test failed: {rating}."
        advice = next(text for _, name, text in _RATINGS if name == rating)
        return f"Speed Test Result: {speed:.2f} Mbps ({rating}). {advice}"

    @tool("write")
    def toggle_airplane_mode(self) -> str:
        return self._switched("Airplane Mode", self._toggle_airplane_mode())

    @tool("read")
    def check_sim_status(self) -> str:
        return _SIM[self._sim()]

    @tool("write")
    def reseat_sim_card(self) -> str:
        self._change()["sim_card_missing"] = False
        self.simulate_network_search()
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
            apn_settings = _APN.make(apn_settings)
        # What is no object is stored before it fails, as it does upstream.
        self._change()["active_apn_settings"] = apn_settings
        name = _field(apn_settings, "apn_name")
        self.simulate_network_search()
        return self._with_bar(f"APN settings set to: {name}")

    @tool("write")
    def reset_apn_settings(self) -> str:
        settings = self._change()["active_apn_settings"]
        if isinstance(settings, dict):
            settings["reset_at_reboot"] = True
        else:
            settings.reset_at_reboot = True
        self.simulate_network_search()
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
        return f"Wi-Fi Calling is currently turned {_on(self.phone['wifi_calling_enabled'])}."

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
        if _field(self.phone["active_apn_settings"], "reset_at_reboot"):
            lines.insert(0, "Resetting APN settings...")
            self._change()["active_apn_settings"] = dict(_APN_DEFAULTS)
        self._change()["network_connection_status"] = "searching"
        self.simulate_network_search()
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
        self.simulate_network_search()

    def lock_sim_card(self, mode: Value) -> None:
        if mode in ("pin", "puk"):
            self._change()["sim_card_status"] = f"locked_{mode}"
        self.simulate_network_search()

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
        self.simulate_network_search()

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
        phone = self._change()
        if self._sim() == "active":
            technology = self._technology(phone["network_mode_preference"])
            phone["network_connection_status"] = "connected"
            phone["network_technology_connected"] = technology
            phone["network_signal_strength"] = self.around["signal_strength"].get(technology, "none")
        else:
            _lose_service(phone)
        if phone["airplane_mode"]:
            _lose_service(phone)
        if _field(phone["active_apn_settings"], "apn_name") == "broken" or not self.around["line_active"]:
            _lose_service(phone)

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

    # --- the phone ---

    def _change(self) -> Record:
        """The phone, for changing."""
        return self.db.write("device", ONLY)

    def _with_bar(self, text: str) -> str:
        return f"{text}\nStatus Bar: {self._bar()}"

    def _switched(self, what: str, on: bool) -> str:
        return self._with_bar(f"{what} is now {_on(on)}.")

    def _bar(self) -> str:
        phone = self.phone
        technology = phone["network_technology_connected"]
        if phone["airplane_mode"]:
            parts = ["✈️ Airplane Mode"]
        else:
            parts = [_BARS[phone["network_signal_strength"]]]
            if technology != "none":
                parts.append(technology)
            if phone["data_enabled"] and technology != "none":
                parts.append("📱 Data Enabled")
                if phone["data_saver_mode"]:
                    parts.append("🔽 Data Saver")
            else:
                parts.append("📵 Data Disabled")
        if phone["wifi_enabled"] and phone["wifi_connected"]:
            parts.append(f"📡 Connected to {phone['wifi_ssid']}" if phone["wifi_ssid"] else "📡 Enabled")
        if phone["vpn_connected"]:
            parts.append("🔒 VPN Connected")
        parts.append(f"🔋 {phone['battery_level']}%")
        return " | ".join(parts)

    def _sim(self) -> str:
        phone = self.phone
        return "missing" if phone["sim_card_missing"] else str(phone["sim_card_status"])

    def _technology(self, preference: Value) -> str:
        if preference == "4g_5g_preferred" and self.around["signal_strength"].get("5G", "none") != "none":
            return "5G"
        return _ONE_TECHNOLOGY.get(preference, "4G") if isinstance(preference, str) else "4G"

    def _toggle(self, setting: str, *, search: bool = True) -> bool:
        phone = self._change()
        on = phone[setting] = not phone[setting]
        if search:
            self.simulate_network_search()
        return on

    def _toggle_airplane_mode(self) -> bool:
        on = self._toggle("airplane_mode", search=False)
        if on or self.phone["wifi_enabled"]:
            self._drop_wifi()
        if on:
            self._disconnect_vpn()
        self.simulate_network_search()
        return on

    def _drop_wifi(self) -> None:
        self._change().update(wifi_connected=False, wifi_ssid=None, wifi_signal_strength="none")

    def _disconnect_vpn(self) -> bool:
        if not self.phone["vpn_connected"]:
            return False
        self._change().update(vpn_connected=False, vpn_details=None)
        return True

    def _data_works(self) -> bool:
        phone, around = self.phone, self.around
        if phone["airplane_mode"] or phone["network_signal_strength"] == "none":
            return False
        if phone["network_connection_status"] == "no_service":
            return False
        if around["is_abroad"] and not (phone["roaming_enabled"] and around["roaming_allowed"]):
            return False
        return bool(phone["data_enabled"] and not around["mobile_data_usage_exceeded"])

    def _speed(self) -> tuple[float | None, str]:
        """Megabits per second, and what that is called."""
        if not self._data_works():
            return None, "No Connection"
        phone = self.phone
        details = phone["vpn_details"]
        factor = 1.0
        if phone["vpn_connected"] and details and details["server_performance"] == "poor":
            factor = _POOR_VPN
        if phone["data_saver_mode"]:
            factor *= _DATA_SAVER
        low, high = _SPEEDS.get(phone["network_technology_connected"], (0.0, 0.0))
        signal = _SIGNAL_FACTORS.get(phone["network_signal_strength"], 0.0)
        speed = round((low + high) / 2 * signal * factor, 2)
        return speed, next(name for limit, name, _ in _RATINGS if speed < limit)

    def _mms_works(self) -> bool:
        phone = self.phone
        if not self._data_works() or phone["network_technology_connected"] == "2G":
            return False
        if phone["wifi_calling_enabled"] and phone["wifi_calling_mms_over_wifi"]:
            return False
        if _field(phone["active_apn_settings"], "mmsc_url") is None:
            return False
        app = phone["app_statuses"].get("messaging")
        return bool(app and app["permissions"]["storage"] and app["permissions"]["sms"])

    def _granted(self, app_name: Value) -> list[str] | None:
        """The permissions that an app has; ``None`` where there is no such app."""
        app = self.phone["app_statuses"].get(app_name)
        return [name for name, granted in app["permissions"].items() if granted] if app else None


def _lose_service(phone: Record) -> None:
    phone.update(
        network_connection_status="no_service", network_technology_connected="none", network_signal_strength="none"
    )


def _on(value: Value) -> str:
    return "ON" if value else "OFF"


def _yes(value: Value) -> str:
    return "Yes" if value else "No"


def _value(mode: Value) -> Value:
    """A mode's text; what is none fails as it does where an enumeration is expected."""
    return mode if isinstance(mode, str) else mode.value


def _field(value: Any, name: str) -> Value:
    """A field of a record; what is none has no fields."""
    return value[name] if isinstance(value, dict) else getattr(value, name)


def _until(on: bool, toggle: Any) -> None:
    """Toggle once, and once more where that went the wrong way, as upstream does."""
    if toggle() is not on:
        toggle()
