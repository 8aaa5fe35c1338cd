"""The telecom domain, the user's side: a phone and its surroundings.

Behaviour and texts follow ``src/tau2/domains/telecom`` (sierra-research/tau2-bench, a2c0247). Upstream's ideal VPN details are a single
object per process, so that breaking the VPN once breaks it for all later episodes; here they belong to one world.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rbsuite_dialogue.database import ONLY
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench.device import IDEAL_VPN
from rbsuite_tau2_bench.toolkit import Toolkit

_ONE_TECHNOLOGY = {"2g_only": "2G", "3g_only": "3G"}
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
_RATINGS = ((1, "Very Poor"), (5, "Poor"), (25, "Fair"), (100, "Good"), (float("inf"), "Excellent"))
"""What a speed below this many megabits per second is called."""


class Phone(Toolkit):
    """The state of a phone and what follows from it; what its owner can do is in a subclass."""

    __slots__ = ("_ideal_vpn",)

    def __init__(self, db: Overlay, *, fixed: bool = False) -> None:
        super().__init__(db, fixed=fixed)
        self._ideal_vpn: Mapping[str, Value] = IDEAL_VPN

    def forked(self, db: Overlay) -> Phone:
        """See :class:`Toolkit`."""
        twin = type(self)(db, fixed=self.fixed)
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

    def _search_network(self) -> None:
        """Search for the network again, as the phone's settings allow."""
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
        if field_of(phone["active_apn_settings"], "apn_name") == "broken" or not self.around["line_active"]:
            _lose_service(phone)

    def _change(self) -> Record:
        """The phone, for changing."""
        return self.db.write("device", ONLY)

    def _with_bar(self, text: str) -> str:
        return f"{text}\nStatus Bar: {self._bar()}"

    def _switched(self, what: str, on: bool) -> str:
        return self._with_bar(f"{what} is now {on_or_off(on)}.")

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
            self._search_network()
        return on

    def _toggle_airplane_mode(self) -> bool:
        on = self._toggle("airplane_mode", search=False)
        if on or self.phone["wifi_enabled"]:
            self._drop_wifi()
        if on:
            self._disconnect_vpn()
        self._search_network()
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
        """Megabits per second, and what that speed is called."""
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
        return speed, next(name for limit, name in _RATINGS if speed < limit)

    def _mms_works(self) -> bool:
        phone = self.phone
        if not self._data_works() or phone["network_technology_connected"] == "2G":
            return False
        if phone["wifi_calling_enabled"] and phone["wifi_calling_mms_over_wifi"]:
            return False
        if field_of(phone["active_apn_settings"], "mmsc_url") is None:
            return False
        app = phone["app_statuses"].get("messaging")
        return bool(app and app["permissions"]["storage"] and app["permissions"]["sms"])

    def _granted(self, app_name: Value) -> list[str] | None:
        """The permissions that an app has; ``None`` if there is no such app."""
        app = self.phone["app_statuses"].get(app_name)
        return [name for name, granted in app["permissions"].items() if granted] if app else None


def _lose_service(phone: Record) -> None:
    phone.update(
        network_connection_status="no_service", network_technology_connected="none", network_signal_strength="none"
    )


def field_of(value: Any, name: str) -> Value:
    """A field of a record; other values have no fields."""
    return value[name] if isinstance(value, dict) else getattr(value, name)


def on_or_off(value: Value) -> str:
    """A setting as it is shown."""
    return "ON" if value else "OFF"
