"""Reading calls, carrying them out, and grading, on items made here."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbsuite.errors import RbsuiteError
from rbsuite_acebench import Pack, check, replay
from rbsuite_acebench.agent_metrics import end_to_end, process_accuracy
from rbsuite_acebench.calls import Unparsable, read_message, read_output, requoted
from rbsuite_acebench.cases import Item
from rbsuite_acebench.dialogue import DO_NOT_ASK, FINISH, Dialogue, play
from rbsuite_acebench.resources import sample_directory
from speed import cpu_seconds

SAMPLE = Pack(sample_directory())


def read(message: str, *, strict: bool = False) -> list[tuple[str, dict[str, Any]]] | None:
    try:
        return [(call.name, dict(call.arguments)) for call in read_message(message, strict=strict)]
    except Unparsable:
        return None


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ("[f(a=1)]", [("f", {"a": 1})]),
        (" [f(a=1), g()]", [("f", {"a": 1}), ("g", {})]),
        ("f(a=1)", [("f", {"a": 1})]),
        ("'f(a=[1, [2]])'", [("f", {"a": [1, [2]]})]),
        ("[['f(a={})']]", None),  # an empty dict has no first key
        ("[f(a=[{'b': 1}])]", [("f", {"a": [{"b": 1}]})]),
        ("[f(a={'b': 1})]", None),
        ("[f(a=1)] ", None),
        ("[f(a=1)]\n", None),
        ("[f(a='it's')]", None),
        ("[f(7, a=yes, b=-2, c='x' + 'y', d=g(1))]", [("f", {"a": "yes", "b": -2, "c": "xy", "d": "g(1)"})]),
        ("[f(a=not 2)]", [("f", {"a": -2})]),  # whichever sign it is
        ("[f(a=x if y else z)]", None),
        ("[a.b(c=1)]", [("a.b", {"c": 1})]),
        ("[7]", []),
        ("", None),
    ],
)
def test_messages_are_read_as_upstream_does(message: str, calls: Any) -> None:
    assert read(message) == calls


def test_an_element_that_is_no_call_counts_in_steps_only() -> None:
    assert read("[f(a=1), 7]") == [("f", {"a": 1})]
    assert read("[f(a=1), 7]", strict=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "[" * 40_000,
        f"[f(a={'-' * 40_000}1)]",
        "[f(a=9**9**9)]",
        "[f(a='a'*10**9)]",
        "[f(a=1<<10**9)]",
        "[f(a=b'%9999999d'%1)]",
    ],
)
def test_what_would_grow_is_refused(text: str) -> None:
    for reader in (read, read_output):
        try:
            assert reader(text) is None
        except Unparsable:
            continue


@given(st.text(alphabet=st.sampled_from("[](){}'\",=.:*-+ ab1\n\\"), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)
    with contextlib.suppress(Unparsable):
        assert all(len(call) == 1 for call in read_output(text))


def test_output_loses_all_white_space() -> None:
    assert read_output(" [ f( a = 'two words' ) ] \n") == [{"f": {"a": "twowords"}}]
    assert requoted("[f(m='Domino's', t='Today's list')]") == r"[f(m='Domino\'s', t='Today\'s list')]"


def rollout(category: str, *script: str, protocol: Any = "official", **entry: Any) -> Dialogue:
    item = made(category, **entry)
    talks = category == "agent_multi_turn"
    played = Dialogue(item, SAMPLE.starts("en"), protocol, "hi" if talks else None)
    play(played, script, (), agent_ends=FINISH, user_ends="go on")
    return played


def made(category: str, truth: Any = (), stones: Any = (), **entry: Any) -> Item:
    base = {"id": f"{category}_0", "question": "?", "initial_config": {}, "involved_classes": ["BaseApi", "MessageApi"]}
    return Item(category, "en", {**base, **entry}, {"ground_truth": truth, "mile_stone": stones})


def executed(played: Dialogue) -> list[Any]:
    return [said.message for said in played.history if said.sender == "execution"]


def test_an_error_is_characters_in_turns_and_a_text_in_steps() -> None:
    wrong = "[turn_on_wifi(), delete_message(), turn_on_wifi()]"
    (shown,) = executed(rollout("agent_multi_turn", wrong))
    assert "".join(shown) == "Error during execution: {str(e)}"
    (shown,) = executed(rollout("agent_multi_step", wrong))
    assert [isinstance(one, str) for one in shown] == [False, True, False]
    assert "missing 1 required positional argument: 'message_id'" in shown[1]
    assert executed(rollout("agent_multi_turn", wrong, protocol="fixed")) == [shown]


def test_an_unknown_function_repeats_the_result_before_it() -> None:
    (shown,) = executed(rollout("agent_multi_step", "[turn_on_wifi(), order_tea()]"))
    assert shown[0] == shown[1]
    (shown,) = executed(rollout("agent_multi_step", "[order_tea()]"))
    assert "func_call_result" in shown[0]
    for category in ("agent_multi_step", "agent_multi_turn"):
        (shown,) = executed(rollout(category, "[turn_on_wifi(), order_tea()]", protocol="fixed"))
        assert "order_tea" in shown[1]


@pytest.mark.parametrize("text", ["[__class__(a=1)]", "[_configure(config=1)]", "[print(a=1)]", "[a.turn_on_wifi()]"])
def test_only_methods_of_the_worlds_can_be_called(text: str) -> None:
    (shown,) = executed(rollout("agent_multi_step", text))
    assert shown[0].startswith("Error during execution: ")


def test_where_a_message_goes_is_found_in_linear_time() -> None:
    assert cpu_seconds(lambda: executed(rollout("agent_multi_turn", "[" * 1_000_000)), 0.2) <= 0.2


def test_a_trailing_space_sends_a_call_to_the_user_unless_it_is_repaired() -> None:
    assert executed(rollout("agent_multi_turn", "[turn_on_wifi()] ")) == []
    assert len(executed(rollout("agent_multi_turn", "[turn_on_wifi()] ", protocol="fixed"))) == 1
    assert executed(rollout("agent_multi_step", "[turn_on_wifi()] ")) == [DO_NOT_ASK]


def test_it_ends_by_the_word_or_after_forty_messages() -> None:
    early = rollout("agent_multi_turn", FINISH, "[turn_on_wifi()]")
    assert [said.sender for said in early.history] == ["user", "agent", "user", "agent", "execution", "agent"]
    long = rollout("agent_multi_step", *["[turn_on_wifi()]"] * 30)
    assert (len(long.history), long.cut, long.turn) == (41, True, "over")
    assert not early.cut


def test_each_class_has_a_phone_of_its_own() -> None:
    played = rollout("agent_multi_step", "[turn_on_wifi()]", initial_config={"MessageApi": {"logged_in": False}})
    assert played.result[0] == {"BaseApi": {"wifi": True, "logged_in": True}}
    assert rollout("agent_multi_step", "what?").result == []
    misspelt = {"initial_config": {"Baspi": {"wifi": True, "logged_in": False}}}
    for protocol, wifi in (("official", False), ("fixed", True)):
        played = rollout("agent_multi_step", "[view_orders()]", protocol=protocol, **misspelt)
        assert played.result[0]["BaseApi"]["wifi"] is wifi


def test_a_missing_class_takes_over_the_verdict_before_it() -> None:
    state = [{"BaseApi": {"wifi": True}}, {"ReminderApi": {"reminder_list": {"1": "a", "2": "b"}}}]
    right, other = {"BaseApi": {"wifi": True}}, {"Message": {}}
    assert end_to_end(made("agent_multi_turn", [right, other]), state, "official").correct
    assert not end_to_end(made("agent_multi_turn", [right, other]), state, "fixed").correct
    misspelt = {"Reminderpi": {"reminder_list": {"1": "wrong"}}}
    assert end_to_end(made("agent_multi_turn", [right, misspelt]), state, "official").correct
    assert not end_to_end(made("agent_multi_turn", [right, misspelt]), state, "fixed").correct
    assert end_to_end(
        made("agent_multi_turn", [right, {"ReminderApi": {"reminder_list": {"1": "a"}}}]), state, "official"
    ).correct


def test_milestones_are_texts_or_calls() -> None:
    item = made("agent_multi_turn", stones=["[a()] ", "[b(x='Domino's')]", "[c(y=1)]"])
    done = ["[a()]", '[b(x="Domino\'s")]', "[c(y = 1)]"]
    assert process_accuracy(item, done, False, "official") == pytest.approx(1 / 3)
    assert process_accuracy(item, done, False, "fixed") == 1.0
    missing = made("agent_multi_turn", stones=["[z()]", "[a()]", "[b()]"])
    assert process_accuracy(missing, ["[a()]", "[b()]"], False, "official") == 0.0
    assert process_accuracy(missing, ["[a()]", "[b()]"], False, "fixed") == pytest.approx(2 / 3)
    several = made("agent_multi_step", stones=[["[z()]", "[y()]", "[x()]"], ["[a()]", "[z()]", "[y()]"]])
    assert process_accuracy(several, ["[a()]"], False, "official") == 0.333
    assert process_accuracy(made("agent_multi_turn"), [], False, "official") == 1.0


def test_special_requests_are_answered_in_set_words() -> None:
    assert (
        check("en", "special_incomplete_0", "[Parcel_redirect(parcel='Z9001')]", SAMPLE)["error_type"]
        == "error_detection"
    )
    some = "Missing necessary parameters (address) for the api (Parcel_redirect)"
    assert check("en", "special_incomplete_0", some, SAMPLE) == {"valid": False, "error_type": "error_correction"}
    assert check("en", "special_incomplete_0", some.replace("address", "address, phone"), SAMPLE)["valid"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check("en", "agent_multi_turn_0", "", SAMPLE), "is a multi-turn item"),
        (lambda: replay("en", "special_irrelevant_0", [], SAMPLE), "single-turn"),
        (lambda: replay("en", "agent_multi_turn_999", [], SAMPLE), "no item"),
        (lambda: replay("fr", "agent_multi_turn_0", [], SAMPLE), "language"),  # type: ignore[arg-type]
        (lambda: replay("en", "agent_multi_turn_0", [], SAMPLE, "best"), "protocol"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_played_is_one_line(call: Any, words: str) -> None:
    with pytest.raises(RbsuiteError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_state_is_json() -> None:
    played = rollout("agent_multi_step", "[login_device()]", "[delete_message(message_id=1), turn_on_wifi()]")
    odd = "[send_message(sender_name='Amara', receiver_name='Bruno', message=(1, 2j, b'x'))]"
    for text in ("[delete_message(message_id=2)]", odd):
        played = rollout("agent_multi_step", "[turn_on_wifi()]", "[delete_message(message_id=2)]", text)
    assert json.loads(json.dumps(played.result)) == played.result
