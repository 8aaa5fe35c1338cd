"""The airline's flight search: flights never change in a world, so routes, connections and texts are cached per database."""

from __future__ import annotations

import json
from dataclasses import dataclass

from rbsuite_dialogue.airline import Routes, day_after
from rbsuite_dialogue.database import Database
from rbsuite_dialogue.values import Record, Value


@dataclass(frozen=True, slots=True)
class _Connection:
    """Two flights that meet at an airport.

    Attributes:
        first, second: flight keys.
        overnight: the first one lands on the next day.
        in_time: the first one lands before the second leaves, both times compared as text, as in upstream.
    """

    first: str
    second: str
    overnight: bool
    in_time: bool


class FlightIndex(Routes):
    """Search over the flights of one database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connections: dict[tuple[str, str], list[_Connection]] = {}

    def direct(self, origin: Value, destination: Value, date: Value) -> str:
        """JSON text of the flights of a route that can be booked on a date, in the order of the data."""
        if not (isinstance(origin, str) and isinstance(destination, str)):
            return "[]"
        route = self.between.get((origin, destination), ())
        found = [self._leg(key, date, None) for key in route if self.bookable(key, date)]
        return f"[{', '.join(found)}]"

    def one_stop(self, origin: Value, destination: Value, date: Value) -> str:
        """JSON text of the pairs of flights that connect two airports on a date.

        With upstream's quirks: the day after ``date`` is written without a leading zero, and the second leg's seats and prices are those on
        ``date`` even if it leaves a day later.
        """
        if not (isinstance(origin, str) and isinstance(destination, str)):
            return "[]"
        found = []
        next_day: str | None = None
        for connection in self._connecting(origin, destination):
            second_date = date
            if connection.overnight:
                # Computed only here, because upstream also fails on a malformed date only when it needs the next day.
                next_day = next_day or day_after(date)
                second_date = next_day
            if connection.in_time and self._pair_bookable(connection, date, second_date):
                first = self._leg(connection.first, date, date)
                second = self._leg(connection.second, date, second_date)
                found.append(f"[{first}, {second}]")
        return f"[{', '.join(found)}]"

    def _connecting(self, origin: str, destination: str) -> list[_Connection]:
        known = self._connections.get((origin, destination))
        if known is None:
            known = [
                self._connection(first, second)
                for first in self.leaving.get(origin, ())
                for second in self.between.get((self.flights[first]["destination"], destination), ())
            ]
            # Bounded by the airports that exist, whatever is requested.
            if known:
                self._connections[origin, destination] = known
        return known

    def _connection(self, first: str, second: str) -> _Connection:
        arrival = self.flights[first]["scheduled_arrival_time_est"]
        departure = self.flights[second]["scheduled_departure_time_est"]
        return _Connection(first, second, overnight="+1" in arrival, in_time=not arrival > departure)

    def _pair_bookable(self, connection: _Connection, date: Value, second_date: Value) -> bool:
        first_dates = self.flights[connection.first]["dates"]
        second_dates = self.flights[connection.second]["dates"]
        if not (date in first_dates and second_date in second_dates):
            return False
        both = (first_dates[date]["status"], second_dates[second_date]["status"])
        return both == ("available", "available")

    def _leg(self, key: str, date: str, label: str | None) -> str:
        """JSON text of a flight on a date: its record without the dates, plus the date's entry, and ``label`` as its date."""
        text = self.legs.get((key, date, label))
        if text is None:
            flight = self.flights[key]
            leg: Record = {field: value for field, value in flight.items() if field != "dates"}
            leg.update(flight["dates"][date])
            if label is not None:
                leg["date"] = label
            text = self.legs[key, date, label] = json.dumps(leg)
        return text
