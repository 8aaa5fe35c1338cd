"""The phone's messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import gt, lt
from typing import Any

from rbsuite_acebench.worlds.base import BaseApi


class MessageApi(BaseApi):
    """An inbox with a few messages of a few users. A sent message has no time, as in upstream."""

    SAVED = ("inbox",)
    max_capacity: int
    user_list: dict[str, dict[str, Any]]
    inbox: dict[int, dict[str, Any]]
    message_id_counter: int

    def send_message(self, sender_name: str, receiver_name: str, message: str) -> Any:
        """Send a message."""
        if not self.logged_in:
            return self._no("send_logged_out")
        if not self.wifi:
            return self._no("send_no_wifi")
        if len(self.inbox) >= self.max_capacity:
            return self._no("send_full")
        if sender_name not in self.user_list or receiver_name not in self.user_list:
            return self._no("send_nobody")
        self.message_id_counter += 1
        self.inbox[self.message_id_counter] = {
            "sender_id": self.user_list[sender_name]["user_id"],
            "receiver_id": self.user_list[receiver_name]["user_id"],
            "message": message,
        }
        return self._yes("sent", receiver=receiver_name)

    def delete_message(self, message_id: int) -> Any:
        """Delete a message."""
        if not self.logged_in:
            return self._no("delete_logged_out")
        if message_id not in self.inbox:
            return self._no("delete_unknown")
        del self.inbox[message_id]
        return self._yes("deleted", id=message_id)

    def view_messages_between_users(self, sender_name: str, receiver_name: str) -> Any:
        """The messages from one user to another."""
        if not self.logged_in:
            return self._no("view_logged_out")
        if sender_name not in self.user_list:
            return self._no("no_sender")
        if receiver_name not in self.user_list:
            return self._no("no_receiver")
        ends = (self.user_list[sender_name]["user_id"], self.user_list[receiver_name]["user_id"])
        found = [
            {"id": name, "sender": sender_name, "receiver": receiver_name, "message": one["message"]}
            for name, one in self.inbox.items()
            if (one["sender_id"], one["receiver_id"]) == ends
        ]
        return {"status": True, "messages": found} if found else self._no("no_messages_between")

    def search_messages(self, user_name: str, keyword: str) -> Any:
        """A user's messages containing a word. Whether the device is logged in does not matter, as in upstream."""
        if user_name not in self.user_list:
            return self._no("no_user")
        user = self.user_list[user_name]["user_id"]
        found = [
            {
                "id": name,
                "sender_id": one["sender_id"],
                "receiver_id": one["receiver_id"],
                "message": one["message"],
            }
            for name, one in self.inbox.items()
            if user in (one["sender_id"], one["receiver_id"]) and keyword.lower() in one["message"].lower()
        ]
        return {"status": True, "messages": found} if found else self._no("no_messages_with")

    def get_all_message_times_with_ids(self) -> Any:
        """The time of every message by its id."""
        if not self.logged_in:
            return self._no("times_logged_out")
        return {name: one["time"] for name, one in self.inbox.items()}

    def get_latest_message_id(self) -> Any:
        """The id of the latest message."""
        return self._outermost("latest", gt)

    def get_earliest_message_id(self) -> Any:
        """The id of the earliest message."""
        return self._outermost("earliest", lt)

    def _outermost(self, which: str, beyond: Callable[[datetime, datetime], bool]) -> Any:
        if not self.logged_in:
            return self._no(f"{which}_logged_out")
        if not self.inbox:
            return self._no("no_messages")
        found: tuple[int, datetime] | None = None
        for name, one in self.inbox.items():
            time = datetime.fromisoformat(one["time"])
            if found is None or beyond(time, found[1]):
                found = name, time
        assert found is not None
        return {**self._yes(which, id=found[0]), "message_id": found[0]}
