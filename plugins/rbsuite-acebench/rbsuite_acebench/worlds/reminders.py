"""The phone's reminders."""

from __future__ import annotations

from typing import Any

from rbsuite_acebench.worlds.base import BaseApi


class ReminderApi(BaseApi):
    """A list of reminders. ``search_reminders`` and ``mark_as_notified`` exist in Chinese only."""

    SAVED = ("reminder_list",)
    max_capacity: int
    reminder_list: dict[int, dict[str, Any]]
    reminder_id_counter: int

    def view_reminder_by_title(self, title: str) -> Any:
        """The reminder with a title."""
        if not self.logged_in:
            return self._no("reminder_logged_out")
        for reminder in self.reminder_list.values():
            if reminder["title"] == title:
                return {"status": True, "reminder": reminder}
        return self._no("no_reminder", title=title)

    def add_reminder(self, title: str, description: str, time: str) -> Any:
        """Add a reminder."""
        if not self.logged_in:
            return self._no("add_logged_out")
        if len(self.reminder_list) >= self.max_capacity:
            return self._no("add_full")
        self.reminder_id_counter += 1
        self.reminder_list[self.reminder_id_counter] = {
            "reminder_id": self.reminder_id_counter,
            "title": title,
            "description": description,
            "time": time,
            "notified": False,
        }
        return self._yes("added", title=title)

    def delete_reminder(self, reminder_id: int) -> Any:
        """Delete a reminder."""
        if not self.logged_in:
            return self._no("drop_logged_out")
        if reminder_id not in self.reminder_list:
            return self._no("drop_unknown")
        del self.reminder_list[reminder_id]
        return self._yes("dropped", id=reminder_id)

    def view_all_reminders(self) -> Any:
        """All reminders."""
        if not self.reminder_list:
            return self._no("no_reminders")
        shown = ("title", "description", "time", "notified")
        return {
            "status": True,
            "reminders": [{key: one[key] for key in shown} for one in self.reminder_list.values()],
        }

    def mark_as_notified(self, reminder_id: int) -> Any:
        """Mark a reminder as seen."""
        if reminder_id not in self.reminder_list:
            return self._no("drop_unknown")
        self.reminder_list[reminder_id]["notified"] = True
        return self._yes("notified", id=reminder_id)

    def search_reminders(self, keyword: str) -> Any:
        """The reminders containing a word. Upstream formats a string as a date, so that any hit is an error."""
        found = [
            {
                "title": one["title"],
                "description": one["description"],
                "time": one["time"].strftime("%Y-%m-%d %H:%M"),
            }
            for one in self.reminder_list.values()
            if keyword.lower() in one["title"].lower() or keyword.lower() in one["description"].lower()
        ]
        return {"status": True, "reminders": found} if found else self._no("no_reminders_with")
