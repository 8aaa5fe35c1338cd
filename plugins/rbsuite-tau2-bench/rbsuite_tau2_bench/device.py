"""The telecom domain, the user's side: the records of a phone and of its surroundings.

They follow ``src/tau2/domains/telecom/user_data_model.py`` (sierra-research/tau2-bench, a2c0247).
"""

from __future__ import annotations

from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import FLAG, INTEGER, NUMBER, TEXT, Choice, Keyed, Maybe

MODES = ("4g_5g_preferred", "4g_only", "3g_only", "2g_only")
SIGNALS = ("none", "poor", "fair", "good", "excellent")


def _choice(*values: str) -> Choice:
    return Choice(values, "enum")


_SIGNAL = _choice(*SIGNALS)
_TECHNOLOGY = _choice("none", "2G", "3G", "4G", "5G")
APN_DEFAULTS = {
    "apn_name": "internet",
    "reset_at_reboot": False,
    "mms_apn": "mms",
    "mmsc_url": "http://mms.carrier.com/mms/wapenc",
    "mms_proxy": None,
    "mms_port": None,
}
APN = schema.Record(
    "APNSettings",
    {
        "apn_name": _choice("internet", "broken"),
        "reset_at_reboot": FLAG,
        "mms_apn": Maybe(TEXT),
        "mmsc_url": Maybe(TEXT),
        "mms_proxy": Maybe(TEXT),
        "mms_port": Maybe(INTEGER),
    },
    APN_DEFAULTS,
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
IDEAL_VPN = {"server_address": "192.168.1.1", "protocol": "OpenVPN", "server_performance": "excellent"}
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
        "network_mode_preference": _choice(*MODES),
        "active_apn_settings": APN,
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
        "active_apn_settings": APN_DEFAULTS,
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
PAYMENT_REQUEST = schema.Record(
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
        "payment_request": Maybe(PAYMENT_REQUEST),
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
