"""The telecom domain, the agent's side: thirteen tools over customers, lines, plans, devices and bills.

Checks, their order and their texts follow ``src/tau2/domains/telecom`` (sierra-research/tau2-bench, a2c0247). "Now" is 25 February 2025. A
bill that has to be opened gets the next number of a counter; upstream draws it at random.
"""

# ruff: noqa: D102 (a tool is its name; the text that a model reads about it comes with the data)

from __future__ import annotations

import json

from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import DATE, FLAG, NUMBER, TEXT, TIME, Choice, Many, Maybe, texts
from rbsuite_tau2_bench.toolkit import COUNTED_BILL_IDS, Toolkit, listed, shown, tool

_TODAY = "2025-02-25"
_END_OF_MONTH = "2025-02-28"
_LAST_MONTH = {
    "period_start": "2025-01-01",
    "period_end": "2025-01-31",
    "issue_date": "2025-01-01",
    "due_date": "2025-01-15",
}
_NEXT_MONTH = {
    "period_start": "2025-03-01",
    "period_end": "2025-03-31",
    "issue_date": "2025-03-01",
    "due_date": "2025-03-15",
}

# --- records --------------------------------------------------------------------------------------------------------------


def _choice(*values: str) -> Choice:
    return Choice(values, "enum")


_PLAN = schema.Record(
    "Plan",
    {
        **texts("plan_id", "name"),
        **dict.fromkeys(("data_limit_gb", "price_per_month", "data_refueling_price_per_gb"), NUMBER),
    },
    strict=True,
)
_DEVICE = schema.Record(
    "Device",
    {
        "device_id": TEXT,
        "device_type": _choice("phone", "router", "tablet", "watch", "other"),
        "model": TEXT,
        "imei": Maybe(TEXT),
        "is_esim_capable": FLAG,
        "activated": FLAG,
        "activation_date": Maybe(TIME),
        "last_esim_transfer_date": Maybe(TIME),
    },
    {"imei": None, "activation_date": None, "last_esim_transfer_date": None},
    strict=True,
)
_LINE_DATES = ("contract_end_date", "last_plan_change_date", "last_sim_replacement_date", "suspension_start_date")
_LINE = schema.Record(
    "Line",
    {
        **texts("line_id", "phone_number"),
        "status": _choice("Active", "Suspended", "Pending Activation", "Closed"),
        "plan_id": TEXT,
        "device_id": Maybe(TEXT),
        "data_used_gb": NUMBER,
        "data_refueling_gb": NUMBER,
        "roaming_enabled": FLAG,
        **dict.fromkeys(_LINE_DATES, Maybe(DATE)),
    },
    {
        "status": "Pending Activation",
        "device_id": None,
        "data_used_gb": 0.0,
        "data_refueling_gb": 0.0,
        "roaming_enabled": False,
        **dict.fromkeys(_LINE_DATES),
    },
    strict=True,
)
_LINE_ITEM = schema.Record(
    "LineItem", {"description": TEXT, "amount": NUMBER, "date": DATE, "item_type": TEXT}, strict=True
)
_BILL = schema.Record(
    "Bill",
    {
        **texts("bill_id", "customer_id"),
        **dict.fromkeys(("period_start", "period_end", "issue_date"), DATE),
        "total_due": NUMBER,
        "due_date": DATE,
        "line_items": Many(_LINE_ITEM),
        "status": _choice("Draft", "Issued", "Awaiting Payment", "Paid", "Overdue", "Disputed"),
    },
    {"line_items": [], "status": "Draft"},
    strict=True,
)
_CUSTOMER = schema.Record(
    "Customer",
    {
        **texts("customer_id", "full_name", "date_of_birth", "email", "phone_number"),
        "address": schema.Record("Address", texts("street", "city", "state", "zip_code"), strict=True),
        "account_status": _choice("Active", "Suspended", "Pending Verification", "Closed"),
        "payment_methods": Many(
            schema.Record(
                "PaymentMethod",
                {
                    "method_type": _choice("Credit Card", "Debit Card", "PayPal"),
                    **texts("account_number_last_4", "expiration_date"),
                },
                strict=True,
            )
        ),
        "line_ids": Many(TEXT),
        "bill_ids": Many(TEXT),
        "created_at": TIME,
        "last_extension_date": Maybe(DATE),
        "goodwill_credit_used_this_year": NUMBER,
    },
    {
        "account_status": "Pending Verification",
        "payment_methods": [],
        "line_ids": [],
        "bill_ids": [],
        "created_at": "2025-01-01",
        "last_extension_date": None,
        "goodwill_credit_used_this_year": 0.0,
    },
    strict=True,
)
TABLES = {"plans": _PLAN, "customers": _CUSTOMER, "lines": _LINE, "bills": _BILL, "devices": _DEVICE}
KEYS = {"plans": "plan_id", "customers": "customer_id", "lines": "line_id", "bills": "bill_id", "devices": "device_id"}
_KINDS = {"L": ("lines", "Line"), "D": ("devices", "Device"), "B": ("bills", "Bill"), "P": ("plans", "Plan")}


class TelecomTools(Toolkit):
    """The tools of the agent."""

    @tool("read")
    def get_customer_by_phone(self, phone_number: Value) -> str:
        return self.db.json_text("customers", self._customer_key_of_phone(phone_number))

    @tool("read")
    def get_customer_by_id(self, customer_id: Value) -> str:
        self._get_customer(customer_id)
        return self.db.json_text("customers", customer_id)

    @tool("read")
    def get_customer_by_name(self, full_name: Value, dob: Value) -> str:
        found = []
        for key in self.db.keys("customers"):
            customer = self.db.read("customers", key)
            if customer["full_name"].lower() == full_name.lower() and customer["date_of_birth"] == dob:
                found.append(self.db.json_text("customers", key))
        return listed(found)

    @tool("read")
    def get_details_by_id(self, id: Value) -> str:
        for letter, (table, name) in _KINDS.items():
            if id.startswith(letter):
                self._get(table, id, name)
                return self.db.json_text(table, id)
        if id.startswith("C"):
            return self.get_customer_by_id(id)
        raise Refusal(f"Unknown ID format or type: {id}")

    @tool("write")
    def suspend_line(self, customer_id: Value, line_id: Value, reason: Value) -> str:
        if self._get_target_line(customer_id, line_id)["status"] != "Active":
            raise Refusal("Line must be active to suspend")
        line = self.db.write("lines", line_id)
        line["status"] = "Suspended"
        line["suspension_start_date"] = _TODAY
        return _about_line("Line suspended successfully. $5/month holding fee will apply.", line)

    @tool("write")
    def resume_line(self, customer_id: Value, line_id: Value) -> str:
        if self._get_target_line(customer_id, line_id)["status"] not in ("Suspended", "Pending Activation"):
            raise Refusal("Line must be suspended to resume")
        line = self.db.write("lines", line_id)
        line["status"] = "Active"
        line["suspension_start_date"] = None
        return _about_line("Line resumed successfully", line)

    @tool("read")
    def get_bills_for_customer(self, customer_id: Value, limit: Value = 12) -> str:
        ids = self._get_customer(customer_id)["bill_ids"]
        newest = sorted(ids, key=lambda one: str(self._get_bill(one)["issue_date"]), reverse=True)
        return listed([self.db.json_text("bills", one) for one in newest[:limit]])

    @tool("write")
    def send_payment_request(self, customer_id: Value, bill_id: Value) -> str:
        customer = self._get_customer(customer_id)
        if self._bills_awaiting_payment(customer):
            raise Refusal("A bill is already awaiting payment for this customer")
        if bill_id not in customer["bill_ids"]:
            raise Refusal(f"Bill {bill_id} not found for customer {customer_id}")
        self._get_bill(bill_id)
        self.db.write("bills", bill_id)["status"] = "Awaiting Payment"
        return f"Payment request sent to the customer for bill {bill_id}"

    @tool("read")
    def get_data_usage(self, customer_id: Value, line_id: Value) -> str:
        line = self._get_target_line(customer_id, line_id)
        plan = self._get("plans", line["plan_id"], "Plan")
        return shown(
            {
                "line_id": line_id,
                "data_used_gb": _written(line["data_used_gb"]),
                "data_limit_gb": _written(plan["data_limit_gb"]),
                "data_refueling_gb": _written(line["data_refueling_gb"]),
                "cycle_end_date": _END_OF_MONTH,
            }
        )

    @tool("write")
    def enable_roaming(self, customer_id: Value, line_id: Value) -> str:
        return self._set_roaming(customer_id, line_id, True)

    @tool("write")
    def disable_roaming(self, customer_id: Value, line_id: Value) -> str:
        return self._set_roaming(customer_id, line_id, False)

    @tool("generic")
    def transfer_to_human_agents(self, summary: Value) -> str:
        return "Transfer successful"

    @tool("write")
    def refuel_data(self, customer_id: Value, line_id: Value, gb_amount: Value) -> str:
        line = self._get_target_line(customer_id, line_id)
        if gb_amount <= 0:
            raise Refusal("Refuel amount must be positive")
        price = self._get("plans", line["plan_id"], "Plan")["data_refueling_price_per_gb"]
        charge = gb_amount * price
        refuelled = line["data_refueling_gb"] + gb_amount
        self.db.write("lines", line_id)["data_refueling_gb"] = refuelled
        self._charge(customer_id, charge, f"Data refueling: {gb_amount} GB at ${price}/GB")
        return shown(
            {
                "message": f"Successfully added {gb_amount} GB of data for line {line_id} for ${charge:.2f}",
                "new_data_refueling_gb": _written(refuelled),
                "charge": _written(charge),
            }
        )

    # --- functions of initial states and checks ---

    def set_data_usage(self, customer_id: Value, line_id: Value, data_used_gb: Value) -> None:
        self._get_target_line(customer_id, line_id)
        self.db.write("lines", line_id)["data_used_gb"] = data_used_gb

    def suspend_line_for_overdue_bill(
        self, customer_id: Value, line_id: Value, new_bill_id: Value, contract_ended: Value
    ) -> None:
        line = self._get("lines", line_id, "Line")
        if line["status"] != "Active":
            raise Refusal("Line must be active to suspend for unpaid bill")
        amount = self._get("plans", line["plan_id"], "Plan")["price_per_month"]
        if amount <= 0:
            raise Refusal("Amount must be positive for overdue bill")
        if any(self._get_bill(one)["status"] == "Overdue" for one in self._get_customer(customer_id)["bill_ids"]):
            raise Refusal("Customer already has an overdue bill")
        bill = self._open_bill(customer_id, new_bill_id, "Overdue", _LAST_MONTH)
        _add_item(bill, amount, f"Charge for line {line_id}")
        line = self.db.write("lines", line_id)
        line["status"] = "Suspended"
        line["suspension_start_date"] = _TODAY
        if contract_ended:
            line["contract_end_date"] = _LAST_MONTH["period_end"]

    def assert_data_refueling_amount(self, customer_id: Value, line_id: Value, expected_amount: Value) -> bool:
        refuelled = self._get_target_line(customer_id, line_id)["data_refueling_gb"]
        return bool(abs(refuelled - expected_amount) < 1e-6)

    def assert_line_status(self, customer_id: Value, line_id: Value, expected_status: Value) -> bool:
        return bool(self._get_target_line(customer_id, line_id)["status"] == expected_status)

    def assert_overdue_bill_exists(self, customer_id: Value, overdue_bill_id: Value) -> bool:
        if overdue_bill_id not in self._get_customer(customer_id)["bill_ids"]:
            raise Refusal(f"Overdue bill {overdue_bill_id} not found")
        if self._get_bill(overdue_bill_id)["status"] != "Overdue":
            raise Refusal(f"Overdue bill {overdue_bill_id} is not overdue")
        return True

    def assert_no_overdue_bill(self, overdue_bill_id: Value) -> bool:
        if not self.db.has("bills", overdue_bill_id):
            return True
        return bool(self._get_bill(overdue_bill_id)["status"] == "Paid")

    # --- what the phone has to know; see :func:`rbsuite_tau2_bench.phone_tools.sync` ---

    def _line_of_phone(self, phone_number: Value) -> Record:
        for key in self.db.keys("lines"):
            line = self.db.read("lines", key)
            if line["phone_number"] == phone_number:
                return line
        raise Refusal(f"Line with phone number {phone_number} not found")

    def _customer_key_of_phone(self, phone_number: Value) -> str:
        for key in self.db.keys("customers"):
            customer = self.db.read("customers", key)
            if customer["phone_number"] == phone_number:
                return key
            if any(self._get("lines", one, "Line")["phone_number"] == phone_number for one in customer["line_ids"]):
                return key
        raise Refusal(f"Customer with phone number {phone_number} not found")

    def _bills_awaiting_payment(self, customer: Record) -> list[Record]:
        bills = [self._get_bill(one) for one in customer["bill_ids"]]
        return [bill for bill in bills if bill["status"] == "Awaiting Payment"]

    def _get(self, table: str, key: Value, name: str) -> Record:
        # Upstream compares for equality, so a key of a type that cannot be one is merely not found.
        if not (isinstance(key, str) and self.db.has(table, key)):
            raise Refusal(f"{name} with ID {key} not found")
        return self.db.read(table, key)

    def _get_customer(self, customer_id: Value) -> Record:
        return self._get("customers", customer_id, "Customer")

    def _get_bill(self, bill_id: Value) -> Record:
        return self._get("bills", bill_id, "Bill")

    def _get_target_line(self, customer_id: Value, line_id: Value) -> Record:
        if line_id not in self._get_customer(customer_id)["line_ids"]:
            raise Refusal(f"Line {line_id} not found for customer {customer_id}")
        return self._get("lines", line_id, "Line")

    def _set_roaming(self, customer_id: Value, line_id: Value, on: bool) -> str:
        word = "enabled" if on else "disabled"
        if bool(self._get_target_line(customer_id, line_id)["roaming_enabled"]) is on:
            return f"Roaming was already {word}"
        self.db.write("lines", line_id)["roaming_enabled"] = on
        return f"Roaming {word} successfully"

    def _charge(self, customer_id: str, amount: Value, description: str) -> None:
        """Put a charge on the customer's draft bill, or on a new one."""
        ids = self._get_customer(customer_id)["bill_ids"]
        drafts = [one for one in ids if self._get_bill(one)["status"] == "Draft"]
        if drafts:
            bill = self.db.write("bills", drafts[0])
        else:
            self.db.note(COUNTED_BILL_IDS)
            bill = self._open_bill(customer_id, f"B{self.db.count('bills'):08x}", "Draft", _NEXT_MONTH)
        _add_item(bill, amount, description)

    def _open_bill(self, customer_id: str, bill_id: Value, status: str, dates: Record) -> Record:
        values = {"bill_id": bill_id, "customer_id": customer_id, **dates, "total_due": 0, "status": status}
        bill = self.db.put("bills", bill_id, _BILL.make(values))
        self.db.write("customers", customer_id)["bill_ids"].append(bill_id)
        return bill


def _add_item(bill: Record, amount: Value, description: str) -> None:
    kind = "Credit" if amount < 0 else "Charge"
    item = {"description": description, "amount": amount, "date": _TODAY, "item_type": kind}
    bill["line_items"].append(_LINE_ITEM.make(item))
    bill["total_due"] += amount


def _about_line(message: str, line: Record) -> str:
    return f'{{"message": {json.dumps(message)}, "line": {json.dumps(line)}}}'


def _written(value: Value) -> Value:
    """A number as text, the form in which it is shown directly in a result."""
    return str(value) if isinstance(value, int | float) else value
