"""What the engine does where records are silent: quirks and their repairs, forks, refused arguments, solo worlds, typed records."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rbsuite.errors import DataError, UnknownNameError
from rbsuite_tau2_bench import Pack, World
from rbsuite_tau2_bench.resources import sample_directory
from rbsuite_tau2_bench.scenario import Call, Function
from rbsuite_tau2_bench.schema import (
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    Choice,
    Many,
    Maybe,
    Misfit,
    Record,
)


@pytest.fixture(scope="module")
def pack() -> Pack:
    return Pack(sample_directory())


def ok(world: World, name: str, side: Any = "assistant", **arguments: Any) -> str:
    text, failed = world.call(name, arguments, side)
    assert not failed, text
    return text


def test_several_items_of_a_pending_order_all_become_the_last_one_unless_that_is_repaired(pack: Pack) -> None:
    scenarios = [pack.task("retail", one) for one in pack.task_ids("retail", "sample")]
    calls = [call for scenario in scenarios for call in scenario.actions]
    call = next(call for call in calls if call.name == "modify_pending_order_items")
    prices = {}
    for fidelity in ("upstream", "fixed"):
        world = World("retail", pack, fidelity=fidelity)
        order = json.loads(ok(world, call.name, **call.arguments))
        prices[fidelity] = {item["item_id"]: item["price"] for item in order["items"]}
    new = call.arguments["new_item_ids"]
    right = {id: json.loads(ok(World("retail", pack), "get_item_details", item_id=id))["price"] for id in new}
    assert [prices["fixed"][id] for id in new] == [right[id] for id in new]
    assert {prices["upstream"][id] for id in new} == {right[new[-1]]}


def test_data_for_the_agent_takes_the_users_place_unless_that_is_repaired(tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    file = tmp_path / "pack" / "mock" / "tasks.json"
    tasks = json.loads(file.read_text())
    tasks[0]["initial_state"] = {"initialization_data": {"agent_data": {"users": {"user_mia": {"tasks": ["task_1"]}}}}}
    file.write_text(json.dumps(tasks))
    upstream, fixed = (
        World("mock", Pack(tmp_path / "pack"), tasks[0]["id"], fidelity=one) for one in ("upstream", "fixed")
    )
    for world in (upstream, fixed):
        assert '"tasks": ["task_1"]' in ok(world, "get_users")
    error = "Error: 'MockDB' object has no attribute 'notifications'"
    assert upstream.call("check_notifications", {}, "user") == (error, True)
    assert upstream.hashes()[0] == upstream.hashes()[1]
    assert "office" in ok(fixed, "check_notifications", "user")


def test_references_leave_the_sides_out_of_step_unless_that_is_repaired(pack: Pack) -> None:
    states = []
    for fidelity in ("upstream", "fixed"):
        world = World("telecom", pack, "service-overdue", fidelity=fidelity)
        for call in pack.task("telecom", "service-overdue").actions:
            world.replay(Call(call.name, call.arguments, call.requestor))
        states.append(world.run(Function("assistant", "assert_no_overdue_bill", {"overdue_bill_id": "B20049"})))
    assert states == [False, True]


def test_a_phone_and_its_account_stay_in_step(pack: Pack) -> None:
    world = World("telecom", pack, "service-overdue")
    assert "No Signal" in ok(world, "check_status_bar", "user")
    assert ok(world, "check_payment_request", "user") == "No payment request has been made."
    ok(world, "send_payment_request", customer_id="C2004", bill_id="B20049")
    assert ok(world, "check_payment_request", "user") == "You have a payment request for bill B20049 of 29.0 USD."
    ok(world, "make_payment", "user")
    assert '"status": "Paid"' in ok(world, "get_details_by_id", id="B20049")
    ok(world, "resume_line", customer_id="C2004", line_id="L2004")
    assert "No Signal" in ok(world, "check_status_bar", "user")
    assert "Excellent | 5G" in ok(world, "reboot_device", "user")


def test_a_new_bill_is_numbered_in_order_and_that_is_noted(pack: Pack, tmp_path: Path) -> None:
    shutil.copytree(sample_directory(), tmp_path / "pack")
    file = tmp_path / "pack" / "telecom" / "db.json"
    file.write_text(file.read_text().replace('"Draft"', '"Issued"'))
    world = World("telecom", Pack(tmp_path / "pack"))
    twin = world.fork()
    for one in (world, twin):
        refuelled = ok(one, "refuel_data", customer_id="C2001", line_id="L2001", gb_amount=0.5)
        assert json.loads(refuelled)["charge"] == "2.0"
        bills = json.loads(ok(one, "get_bills_for_customer", customer_id="C2001"))
        assert {bill["bill_id"]: bill["total_due"] for bill in bills}["B0000000a"] == 2.0
        assert one.deviations == {"counted-bill-ids"}
    assert world.hashes() == twin.hashes() != World("telecom", pack).hashes()


def test_forks_go_their_own_ways(pack: Pack) -> None:
    world = World("telecom", pack, "data-airplane")
    before = world.hashes()
    twin = world.fork()
    ok(twin, "toggle_airplane_mode", "user")
    ok(twin, "enable_roaming", customer_id="C2001", line_id="L2001")
    assert (world.hashes(), world.same_state(twin)) == (before, False)
    ok(twin, "disable_roaming", customer_id="C2001", line_id="L2001")
    ok(twin, "toggle_airplane_mode", "user")
    assert twin.hashes() == before
    assert world.same_state(twin)


def test_a_booking_takes_seats_and_money(pack: Pack) -> None:
    scenarios = [pack.task("airline", one) for one in pack.task_ids("airline", "sample")]
    calls = [call for scenario in scenarios for call in scenario.actions]
    call = next(call for call in calls if call.name == "book_reservation")
    world = World("airline", pack)
    given = call.arguments
    search = {"origin": given["origin"], "destination": given["destination"], "date": given["flights"][0]["date"]}
    seats = [json.loads(ok(world, "search_direct_flight", **search))]
    ok(world, call.name, **given)
    seats.append(json.loads(ok(world, "search_direct_flight", **search)))
    number, cabin = given["flights"][0]["flight_number"], given["cabin"]
    left = [next(one for one in found if one["flight_number"] == number)["available_seats"][cabin] for found in seats]
    assert left[0] - left[1] == len(given["passengers"])


def test_cancelling_for_ever_comes_to_an_end(pack: Pack) -> None:
    world = World("airline", pack)
    reservation = sorted(pack.databases("airline")[0].tables["reservations"])[0]
    failed = [world.call("cancel_reservation", {"reservation_id": reservation})[1] for _ in range(20)]
    assert failed.index(True) > 10
    assert world.deviations == {"bounded-history"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"summary": {1, 2}}, "Error: arguments must be JSON values, not set"),
        ({"self": 1}, "Error: Environment.make_tool_call() got multiple values for argument 'self'"),
        ({"x": 1}, "Error: MockTools.transfer_to_human_agents() got an unexpected keyword argument 'x'"),
        ({}, "Error: MockTools.transfer_to_human_agents() missing 1 required positional argument: 'summary'"),
    ],
)
def test_whatever_is_wrong_with_a_call_is_an_observation(pack: Pack, arguments: Any, text: str) -> None:
    world = World("mock", pack)
    assert world.call("transfer_to_human_agents", arguments) == (text, True)
    assert world.deviations == ({"refused-arguments"} if "JSON" in text else set())


def test_sides_cannot_use_each_others_tools_unless_the_agent_is_alone(pack: Pack) -> None:
    world, solo = World("mock", pack), World("mock", pack, solo=True)
    assert world.call("check_notifications", {}) == ("Error: Tool 'check_notifications' not found.", True)
    assert world.call("get_users", {}, "user") == ("Error: Tool 'get_users' not found.", True)
    ok(solo, "check_notifications")
    assert solo.call("check_notifications", {}, "user")[0] == "Error: User tool calls are not allowed in solo mode"
    assert World("retail", pack).call("x", {}, "user")[0] == "Error: User tools not available"
    with pytest.raises(ValueError, match="not found in assistant tools"):
        world.run(Function("assistant", "__init__", {}))


def test_what_does_not_exist_is_named(pack: Pack, tmp_path: Path) -> None:
    for make in (
        lambda: World("banking", pack),
        lambda: World("mock", pack, "nothing"),
        lambda: World("mock", pack, fidelity="x"),
    ):
        with pytest.raises(UnknownNameError):
            make()
    shutil.copytree(sample_directory() / "mock", tmp_path / "mock")
    for file, content in (("db.json", "{}"), ("tasks.json", "[1]"), ("tools.json", "{}"), ("user_db.json", "[")):
        pack = Pack(tmp_path)
        (tmp_path / "mock" / file).write_text(content)
        with pytest.raises(DataError, match=file) as raised:
            pack.databases("mock"), pack.task_ids("mock", "sample"), pack.tools("mock")
        assert "\n" not in str(raised.value)
        shutil.copy(sample_directory() / "mock" / file, tmp_path / "mock" / file)


def test_records_are_typed_as_pydantic_types_them() -> None:
    pydantic = pytest.importorskip("pydantic", "2.14")
    inner = pydantic.create_model("P", first=(str, ...), n=(int, ...))
    fields = {"s": str, "i": int, "f": float, "b": bool}
    from typing import Literal, Optional

    theirs = pydantic.create_model(
        "M",
        **{name: (kind, ...) for name, kind in fields.items()},
        c=(Literal["x", "y", "z"], ...),
        o=(Optional[str], None),  # noqa: UP045
        many=(list[inner], []),
    )
    kind = Record("P", {"first": TEXT, "n": INTEGER})
    ours = Record(
        "M",
        {
            "s": TEXT,
            "i": INTEGER,
            "f": NUMBER,
            "b": FLAG,
            "c": Choice(("x", "y", "z")),
            "o": Maybe(TEXT),
            "many": Many(kind),
        },
        {"o": None, "many": []},
    )
    good: dict[str, Any] = {"s": "a", "i": 1, "f": 1.0, "b": True, "c": "x"}
    values: list[Any] = [
        None,
        True,
        0,
        -1,
        3.0,
        3.5,
        1e30,
        "",
        "x",
        " 12 ",
        "12.0",
        "1_000",
        "1__0",
        "٣",
        "ü" * 40,
        "yes",
    ]
    values += [
        "inf",
        [],
        ["a"],
        {},
        {"a": 1},
        [{"first": "a", "n": 2}],
        [{}],
        ["a", {"first": 2}],
        10**400,
        float("nan"),
    ]
    for name in ours._fields:
        for value in values:
            given = {**good, name: value}
            try:
                expected = repr(theirs(**given).model_dump())
            except pydantic.ValidationError as error:
                expected = str(error)
            try:
                made = ours.make(given)
                found = repr({key: [dict(x) for x in one] if key == "many" else one for key, one in made.items()})
            except Misfit as error:
                found = str(error)
            assert found == expected, (name, value)
