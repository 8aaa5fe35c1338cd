"""The mock domain: users' tasks and, on the user's side, notifications.

Checks, their order and their texts follow ``src/tau2/domains/mock`` (sierra-research/tau2-bench, a2c0247), quirks included: the status of a
task is not checked.
"""

# ruff: noqa: D102 (a tool is its name; the text that a model reads about it comes with the data)

from __future__ import annotations

import json

from rbsuite_dialogue.refusal import Refusal
from rbsuite_dialogue.values import Record, Value
from rbsuite_tau2_bench import schema
from rbsuite_tau2_bench.schema import TEXT, Choice, Many, Maybe, texts
from rbsuite_tau2_bench.toolkit import Toolkit, listed, tool

_TASK = schema.Record(
    "Task",
    {**texts("task_id", "title"), "description": Maybe(TEXT), "status": Choice(("pending", "completed"))},
    {"description": None},
)
_USER = schema.Record("User", {**texts("user_id", "name"), "tasks": Many(TEXT)})
_NOTIFICATION = schema.Record(
    "Notification",
    {**texts("notification_id", "message"), "status": Choice(("unread", "read")), "task_id": Maybe(TEXT)},
    {"status": "unread", "task_id": None},
    strict=True,
)
TABLES = {"tasks": _TASK, "users": _USER}
USER_TABLES = {"notifications": _NOTIFICATION}


class MockTools(Toolkit):
    """The tools of the agent."""

    @tool("write")
    def create_task(self, user_id: Value, title: Value, description: Value = None) -> str:
        self._get_user(user_id)
        task_id = f"task_{self.db.count('tasks') + 1}"
        task = _TASK.make({"task_id": task_id, "title": title, "description": description, "status": "pending"})
        self.db.put("tasks", task_id, task)
        self.db.write("users", user_id)["tasks"].append(task_id)
        return json.dumps(task)

    @tool("read")
    def get_users(self) -> str:
        return listed([self.db.json_text("users", key) for key in self.db.keys("users")])

    @tool("write")
    def update_task_status(self, task_id: Value, status: Value) -> str:
        self._get_task(task_id)
        task = self.db.write("tasks", task_id)
        task["status"] = status
        return json.dumps(task)

    def assert_number_of_tasks(self, user_id: Value, expected_number: Value) -> bool:
        return bool(len(self._get_user(user_id)["tasks"]) == expected_number)

    def assert_task_status(self, task_id: Value, expected_status: Value) -> bool:
        return bool(self._get_task(task_id)["status"] == expected_status)

    @tool("generic")
    def transfer_to_human_agents(self, summary: Value) -> str:
        return "Transfer successful"

    def _get_user(self, user_id: Value) -> Record:
        if not self.db.has("users", user_id):
            raise Refusal(f"User {user_id} not found")
        return self.db.read("users", user_id)

    def _get_task(self, task_id: Value) -> Record:
        if not self.db.has("tasks", task_id):
            raise Refusal(f"Task {task_id} not found")
        return self.db.read("tasks", task_id)


class MockUserTools(Toolkit):
    """The tools of the user."""

    @tool("read")
    def check_notifications(self) -> str:
        return listed([self.db.json_text("notifications", key) for key in self.db.keys("notifications")])

    @tool("write")
    def dismiss_notification(self, notification_id: Value) -> str:
        self._get(notification_id)
        self.db.write("notifications", notification_id)["status"] = "read"
        return f"Notification {notification_id} dismissed"

    def add_notification(self, notification_id: Value, message: Value, task_id: Value = None) -> None:
        values = {"notification_id": notification_id, "message": message, "task_id": task_id}
        notification = _NOTIFICATION.make(values)
        self.db.database.records("notifications")
        self.db.put("notifications", notification_id, notification)

    def assert_notification_status(self, notification_id: Value, expected_status: Value) -> bool:
        return bool(self._get(notification_id)["status"] == expected_status)

    def _get(self, notification_id: Value) -> Record:
        if not self.db.has("notifications", notification_id):
            raise Refusal(f"Notification {notification_id} not found")
        return self.db.read("notifications", notification_id)
