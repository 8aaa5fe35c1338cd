"""The 70 named actions."""

from __future__ import annotations

import json
from pathlib import Path

from rbsuite_eb_habitat.actions import ACTION_NAMES, ACTIONS, INDICES, choose, index_of
from rbsuite_eb_habitat.vocab import CATEGORIES, DOORS, PLACES, RECEPTACLES


def test_they_are_upstreams(upstream: Path) -> None:
    theirs = json.loads((upstream / "eb_habitat" / "actions.json").read_text())
    ours = [
        {"action_id": index, "action_name": action.name, "pddl": action.call} for index, action in enumerate(ACTIONS)
    ]
    assert ours == theirs


def test_there_are_seventy_in_five_blocks() -> None:
    kinds = [action.kind for action in ACTIONS]
    assert kinds[:60] == ["navigate"] * 16 + ["pick"] * 33 + ["place"] * 11
    assert kinds[60:] == ["open", "close"] + ["open"] * 4 + ["close"] * 4
    assert (len(PLACES), len(CATEGORIES), len(RECEPTACLES), len(DOORS)) == (16, 33, 11, 5)
    assert len(set(ACTION_NAMES)) == 70


def test_known_ids() -> None:
    assert ACTION_NAMES[9] == "navigate to the sink in the kitchen"
    assert ACTION_NAMES[27] == "pick up the plate"
    assert ACTION_NAMES[40] == "pick up the rubriks cube"
    assert ACTION_NAMES[54] == "place at the right counter in the kitchen"
    assert (ACTION_NAMES[60], ACTION_NAMES[61]) == ("open the refrigerator", "close the refrigerator")
    assert (ACTION_NAMES[62], ACTION_NAMES[69]) == ("open the cabinet 7", "close the cabinet 4")


def test_names_and_meanings_lead_to_the_index() -> None:
    for index, action in enumerate(ACTIONS):
        assert INDICES[action.name] == index == index_of(action.kind, action.target)
        assert (choose(action.kind, action.target).index, choose(action.kind, action.target).text) == (
            index,
            action.name,
        )
