"""The airline domain: fourteen tools over flights, reservations and users.

Checks, their order and their texts follow ``tau_bench/envs/airline/tools`` (commit 59a200c), quirks included: seats are
never taken or freed, cancelling moves no balance, updating flights leaves the reservation's cabin unchanged.
"""

# ruff: noqa: D102 (a tool is its class, whose docstring says what its one method does)

from __future__ import annotations

import json

from rbsuite_dialogue.airline import (
    AIRPORTS,
    BAG_PRICE,
    INSURANCE_PRICE,
    NEW_CERTIFICATE_IDS,
    NEW_RESERVATION_IDS,
    NOW,
    check_bookable,
    check_payments,
    deduct,
    find_day,
    find_flight,
    source_for_update,
)
from rbsuite_dialogue.overlay import Overlay
from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau_bench.flights import FlightIndex
from rbsuite_tau_bench.tools import (
    COPIED_ARGUMENTS,
    FOURTH_CERTIFICATE,
    Calculate,
    GetUserDetails,
    Think,
    Tool,
    TransferToHumanAgents,
    require,
    show,
)

TABLES = ("flights", "reservations", "users")

# --- looking up -----------------------------------------------------------------------------------------------------------


class GetReservationDetails:
    """The record of a reservation."""

    @staticmethod
    def invoke(data: Overlay, reservation_id: Value) -> str:
        return show(data, "reservations", reservation_id, "user not found")


class ListAllAirports:
    """The airports by their codes."""

    @staticmethod
    def invoke(data: Overlay) -> str:
        return json.dumps(AIRPORTS)


class SearchDirectFlight:
    """Flights between two airports that can be booked on a date."""

    @staticmethod
    def invoke(data: Overlay, origin: Value, destination: Value, date: Value) -> str:
        return data.database.view(FlightIndex).direct(origin, destination, date)


class SearchOnestopFlight:
    """Pairs of flights that connect two airports on a date."""

    @staticmethod
    def invoke(data: Overlay, origin: Value, destination: Value, date: Value) -> str:
        return data.database.view(FlightIndex).one_stop(origin, destination, date)


# --- booking --------------------------------------------------------------------------------------------------------------


class BookReservation:
    """Books flights for passengers and pays for them."""

    @staticmethod
    def invoke(
        data: Overlay,
        user_id: Value,
        origin: Value,
        destination: Value,
        flight_type: Value,
        cabin: Value,
        flights: Value,
        passengers: Value,
        payment_methods: Value,
        total_baggages: Value,
        nonfree_baggages: Value,
        insurance: Value,
    ) -> str:
        require(data, "users", user_id, "user not found")
        # The first unused new id; if all are used, the last one, whose reservation will be overwritten.
        *others, last = NEW_RESERVATION_IDS
        reservation_id = next((candidate for candidate in others if not data.has("reservations", candidate)), last)
        price = 0
        for flight in flights:
            price += _price_flight(data, flight, cabin, passengers)
        if insurance == "yes":
            price += INSURANCE_PRICE * len(passengers)
        price += BAG_PRICE * nonfree_baggages
        payments = ((one["payment_id"], one["amount"]) for one in payment_methods)
        check_payments(data.read("users", user_id)["payment_methods"], payments, price, Refusal)

        user = data.write("users", user_id)
        deduct(user["payment_methods"], payment_methods)
        reservation = {
            "reservation_id": reservation_id,
            "user_id": user_id,
            "origin": origin,
            "destination": destination,
            "flight_type": flight_type,
            "cabin": cabin,
            "flights": flights,
            "passengers": passengers,
            "payment_history": payment_methods,
            "created_at": NOW,
            "total_baggages": total_baggages,
            "nonfree_baggages": nonfree_baggages,
            "insurance": insurance,
        }
        data.put("reservations", reservation_id, reservation)
        user["reservations"].append(reservation_id)
        return json.dumps(reservation)


def _price_flight(data: Overlay, flight: Value, cabin: Value, passengers: Value) -> Value:
    """Check that a flight can be booked, complete its record with route and price, and return the price for all."""
    number = flight["flight_number"]
    scheduled = find_flight(data, number, Refusal)
    day = find_day(scheduled, number, flight["date"], Refusal)
    check_bookable(day, number, flight["date"], cabin, passengers, Refusal)
    flight["price"] = day["prices"][cabin]
    flight["origin"] = scheduled["origin"]
    flight["destination"] = scheduled["destination"]
    return flight["price"] * len(passengers)


# --- changing reservations ------------------------------------------------------------------------------------------------


class CancelReservation:
    """Cancels a reservation and records the reversal of its payments."""

    @staticmethod
    def invoke(data: Overlay, reservation_id: Value) -> str:
        require(data, "reservations", reservation_id, "reservation not found")
        reservation = data.write("reservations", reservation_id)
        refunds = [
            {"payment_id": payment["payment_id"], "amount": -payment["amount"]}
            for payment in reservation["payment_history"]
        ]
        reservation["payment_history"].extend(refunds)
        _note_copied_history(data, reservation_id)
        reservation["status"] = "cancelled"
        return json.dumps(reservation)


class UpdateReservationBaggages:
    """Sets the numbers of bags and charges for additional paid ones."""

    @staticmethod
    def invoke(
        data: Overlay, reservation_id: Value, total_baggages: Value, nonfree_baggages: Value, payment_id: Value
    ) -> str:
        require(data, "reservations", reservation_id, "reservation not found")
        reservation = data.read("reservations", reservation_id)
        price = BAG_PRICE * max(0, nonfree_baggages - reservation["nonfree_baggages"])
        source = _source_for_update(data, reservation, payment_id, price)

        reservation = data.write("reservations", reservation_id)
        reservation["total_baggages"] = total_baggages
        reservation["nonfree_baggages"] = nonfree_baggages
        if source == "gift_card":
            _charge_gift_card(data, reservation, payment_id, price)
        _append_payment(data, reservation, reservation_id, payment_id, price)
        return json.dumps(reservation)


class UpdateReservationFlights:
    """Replaces the flights and settles the difference; flights kept in the same cabin keep their price."""

    @staticmethod
    def invoke(data: Overlay, reservation_id: Value, cabin: Value, flights: Value, payment_id: Value) -> str:
        require(data, "reservations", reservation_id, "reservation not found")
        reservation = data.read("reservations", reservation_id)
        passengers = reservation["passengers"]
        price = 0
        for flight in flights:
            kept = _kept_flight(reservation, flight, cabin)
            if kept is None:
                price += _price_flight(data, flight, cabin, passengers)
            else:
                price += kept["price"] * len(passengers)
                flight.update({field: kept[field] for field in ("price", "origin", "destination")})
        price -= sum(flight["price"] for flight in reservation["flights"]) * len(passengers)
        source = _source_for_update(data, reservation, payment_id, price)

        reservation = data.write("reservations", reservation_id)
        if source == "gift_card":
            _charge_gift_card(data, reservation, payment_id, price)
        reservation["flights"] = flights
        _append_payment(data, reservation, reservation_id, payment_id, price)
        return json.dumps(reservation)


class UpdateReservationPassengers:
    """Replaces the passengers by the same number of others."""

    @staticmethod
    def invoke(data: Overlay, reservation_id: Value, passengers: Value) -> str:
        require(data, "reservations", reservation_id, "reservation not found")
        if len(passengers) != len(data.read("reservations", reservation_id)["passengers"]):
            raise Refusal("number of passengers does not match")
        reservation = data.write("reservations", reservation_id)
        reservation["passengers"] = passengers
        return json.dumps(reservation)


def _kept_flight(reservation: Record, flight: Value, cabin: Value) -> Record | None:
    """The flight of the reservation that is requested again on the same date in an unchanged cabin."""
    for known in reservation["flights"]:
        if (
            known["flight_number"] == flight["flight_number"]
            and known["date"] == flight["date"]
            and cabin == reservation["cabin"]
        ):
            kept: Record = known
            return kept
    return None


def _source_for_update(data: Overlay, reservation: Record, payment_id: Value, price: Value) -> str:
    return source_for_update(data.read("users", reservation["user_id"])["payment_methods"], payment_id, price, Refusal)


def _charge_gift_card(data: Overlay, reservation: Record, payment_id: str, price: Value) -> None:
    data.write("users", reservation["user_id"])["payment_methods"][payment_id]["amount"] -= price


def _append_payment(data: Overlay, reservation: Record, reservation_id: str, payment_id: str, price: Value) -> None:
    if price != 0:
        reservation["payment_history"].append({"payment_id": payment_id, "amount": price})
        _note_copied_history(data, reservation_id)


def _note_copied_history(data: Overlay, reservation_id: str) -> None:
    """The history of a reservation booked here came from a call's arguments; upstream has now changed those too."""
    if data.added("reservations", reservation_id):
        data.note(COPIED_ARGUMENTS)


# --- users ----------------------------------------------------------------------------------------------------------------


class SendCertificate:
    """Gives a user a certificate, up to three."""

    @staticmethod
    def invoke(data: Overlay, user_id: Value, amount: Value) -> str:
        require(data, "users", user_id, "user not found")
        held = data.read("users", user_id)["payment_methods"]
        new_id = next((candidate for candidate in NEW_CERTIFICATE_IDS if candidate not in held), None)
        if new_id is None:
            data.note(FOURTH_CERTIFICATE)
            raise Refusal("no more certificates can be added to this user")
        methods = data.write("users", user_id)["payment_methods"]
        methods[new_id] = {"source": "certificate", "amount": amount, "id": new_id}
        return f"Certificate {new_id} added to user {user_id} with amount {amount}."


TOOLS = (
    Tool("book_reservation", "write", BookReservation.invoke),
    Tool("calculate", "none", Calculate.invoke),
    Tool("cancel_reservation", "write", CancelReservation.invoke),
    Tool("get_reservation_details", "read", GetReservationDetails.invoke),
    Tool("get_user_details", "read", GetUserDetails.invoke),
    Tool("list_all_airports", "read", ListAllAirports.invoke),
    Tool("search_direct_flight", "read", SearchDirectFlight.invoke),
    Tool("search_onestop_flight", "read", SearchOnestopFlight.invoke),
    Tool("send_certificate", "write", SendCertificate.invoke),
    Tool("think", "none", Think.invoke),
    Tool("transfer_to_human_agents", "terminating", TransferToHumanAgents.invoke),
    Tool("update_reservation_baggages", "write", UpdateReservationBaggages.invoke),
    Tool("update_reservation_flights", "write", UpdateReservationFlights.invoke),
    Tool("update_reservation_passengers", "write", UpdateReservationPassengers.invoke),
)
