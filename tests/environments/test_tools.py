"""Tools that are methods: their schemas, and what wrong calls lead to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest

from rbsuite.environments.tools import ToolEpisode, ToolError, tool, tool_spec
from rbsuite.trajectory import Action, Grade, ToolCall


class Kitchen(ToolEpisode):
    def __init__(self, user: str | None = None) -> None:
        super().__init__("Cook.", "Be tidy.", user=user)
        self.done: list[Any] = []

    @tool
    def cook(
        self,
        dish: Annotated[str, "what is cooked"],
        portions: int,
        heat: Literal["low", "high"] = "low",
        herbs: list[str] | None = None,
        share: float = 1.0,
        gently: bool = False,
    ) -> str:
        """Cook a dish.

        It takes a while.
        """
        if dish == "stone":
            raise ToolError("a stone cannot be cooked.")
        self.done.append((dish, portions, heat, herbs, share, gently))
        return f"Cooked {dish}."

    def grade(self, end: str) -> Grade:  # type: ignore[override]
        return Grade(float(bool(self.done)))


class Bakery(Kitchen):
    @tool
    def bake(self) -> str:
        """Bake bread."""
        return "Baked."


def test_a_schema_comes_from_the_method() -> None:
    (spec,) = Kitchen().observation.tools
    assert (spec.name, spec.description) == ("cook", "Cook a dish.\n\nIt takes a while.")
    assert spec.parameters["required"] == ["dish", "portions"]
    assert spec.parameters["properties"] == {
        "dish": {"type": "string", "description": "what is cooked"},
        "portions": {"type": "integer"},
        "heat": {"type": "string", "enum": ["low", "high"]},
        "herbs": {"type": "array", "items": {"type": "string"}, "nullable": True},
        "share": {"type": "number"},
        "gently": {"type": "boolean"},
    }
    assert [one.name for one in Bakery().observation.tools] == ["cook", "bake"]
    assert Kitchen().observation.messages[0].text == "Be tidy."


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "cook needs the argument 'dish'"),
        ({"dish": "soup"}, "cook needs the argument 'portions'"),
        ({"dish": "soup", "portions": 1, "salt": 1}, "cook has no argument 'salt'"),
        ({"dish": "soup", "portions": "two"}, "the argument 'portions' of cook must be of type integer"),
        ({"dish": "soup", "portions": True}, "the argument 'portions' of cook must be of type integer"),
        ({"dish": 3, "portions": 1}, "the argument 'dish' of cook must be of type string"),
        ({"dish": "soup", "portions": 1, "gently": 1}, "the argument 'gently' of cook must be of type boolean"),
        ({"dish": "soup", "portions": 1, "heat": "hot"}, "the argument 'heat' of cook must be one of 'low', 'high'"),
        ({"dish": "stone", "portions": 1}, "a stone cannot be cooked"),
    ],
)
def test_a_wrong_call_is_answered_and_not_carried_out(arguments: dict[str, Any], says: str) -> None:
    kitchen = Kitchen()
    observation = kitchen.act(Action.call("cook", arguments, id="1"))
    assert observation.text == f"Error: {says}."
    assert (observation.turn, observation.results[0].id) == ("agent", "1")
    assert kitchen.done == []


def test_right_calls_are_carried_out_in_order() -> None:
    kitchen = Kitchen()
    calls = (
        ToolCall("a", "cook", {"dish": "soup", "portions": 2, "herbs": None, "share": 1}),
        ToolCall("b", "fry", {}),
        ToolCall("c", "cook", {}, raw="{dish: "),
        ToolCall("d", "cook", {"dish": "rice", "portions": 1, "herbs": ["mint"]}),
    )
    observation = kitchen.act(Action(calls=calls))
    assert [result.text for result in observation.results] == [
        "Cooked soup.",
        "Error: there is no tool 'fry'; the tools are cook.",
        "Error: the arguments are not a JSON object.",
        "Cooked rice.",
    ]
    assert [one[0] for one in kitchen.done] == ["soup", "rice"]


def test_words_end_the_episode_or_go_to_the_user() -> None:
    alone = Kitchen()
    assert alone.closes(Action("Done."))
    assert alone.act(Action("Done.")).turn == "over"
    shared = Kitchen(user="You are hungry.")
    assert (shared.observation.turn, shared.observation.tools) == ("user", ())
    assert shared.observation.messages[0].text == "You are hungry."
    turns = []
    for words in ("Soup, please.", "For how many?", "Two.", "Here.", "###STOP###"):
        assert not shared.closes(Action(words))
        shared.observation = shared.act(Action(words))
        turns.append((shared.observation.turn, len(shared.observation.tools)))
    assert turns == [("agent", 1), ("user", 0), ("agent", 0), ("user", 0), ("over", 0)]


def test_a_parameter_without_an_annotation_is_refused() -> None:
    def loose(at) -> str:  # type: ignore[no-untyped-def]
        return ""

    def odd(at: set[int]) -> str:
        return ""

    for function, says in ((loose, "'at' of tool 'loose' has no annotation"), (odd, "nothing that JSON can hold")):
        with pytest.raises(TypeError, match=says):
            tool_spec(function)
