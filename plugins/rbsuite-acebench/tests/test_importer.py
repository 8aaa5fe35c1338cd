"""The importer on a small checkout of our own making, and on upstream's data where it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rbsuite.data.packs import import_pack
from rbsuite.errors import DataError
from rbsuite.jsonable import digest
from rbsuite_acebench import Pack, pinned
from rbsuite_acebench.cases import AGENT, CATEGORIES
from rbsuite_acebench.importer import IMPORTER, content_digest
from rbsuite_acebench.worlds import LANGUAGES

ROOT = (
    Path(os.environ.get("RBSUITE_TEST_PACKS") or Path(__file__).resolve().parents[4] / "shared" / "packs") / "acebench"
)
WORLDS = {
    "phone_platform/base_api.py": "class BaseApi:\n    def __init__(self):\n        self.wifi = False\n        self.logged_in = True\n",
    "phone_platform/message.py": (
        "from typing import Dict\nimport os\nos.abort()\n\nclass MessageApi(BaseApi):\n    def __init__(self):\n"
        "        super().__init__()\n        '''text'''\n        self.inbox: Dict[int, str] = {1: {'time': '2024-01-01'}}\n"
    ),
    "phone_platform/reminder.py": "class ReminderApi:\n    def __init__(self):\n        self.reminder_list = {}\n",
    "phone_platform/food_services.py": "class FoodPlatform:\n    def __init__(self):\n        self.orders = []\n",
    "travel.py": "class Travel:\n    def __init__(self):\n        self.flights = [{'price': -1.5, 'via': None}]\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for language in LANGUAGES:
        for category in CATEGORIES:
            row = {"id": f"{category}_0", "question": f"{language} {category}", "function": [{"name": "f"}]}
            answer: dict[str, object] = {"id": f"{category}_0", "ground_truth": {"f": {}}}
            if category.startswith("special"):
                answer["ground_truth"] = "no" if category == "special_irrelevant" else {"f": ["x"]}
            if category in AGENT:
                row |= {"initial_config": {}, "involved_classes": ["Travel"]}
                answer["mile_stone"] = ["[f()]"]
            write(root / f"data_all/data_{language}/data_{category}.json", json.dumps(row) + "\n")
            write(root / f"data_all/data_{language}/possible_answer/data_{category}.json", json.dumps(answer))
        for name, source in WORLDS.items():
            write(root / f"model_inference/multi_turn/scenarios{language}/{name}", source)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_checkout_is_read_and_never_run(checkout: Path, tmp_path: Path) -> None:
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    pack = Pack(report.path)
    assert pack.starts("zh")["MessageApi"] == {"wifi": False, "logged_in": True, "inbox": {"1": {"time": "2024-01-01"}}}
    assert pack.starts("en")["Travel"] == {"flights": [{"price": -1.5, "via": None}]}
    assert [item.id for item in pack.items("en", "special_irrelevant")] == ["special_irrelevant_0"]
    assert (report.info.source, report.info.equals_commit) == ("checkout", None)
    again = import_pack(IMPORTER, report.path, tmp_path / "other")
    assert content_digest(again.path) == content_digest(report.path)


SCENARIOS = "model_inference/multi_turn/scenariosen"
REMINDER = "class ReminderApi:\n def __init__(self):\n  self.reminder_list = {1.5: 'a'}"
ANSWERS = "data_all/data_en/possible_answer/data_agent_multi_turn.json"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "data_all/data_zh/data_normal_atom_bool.json").unlink(), "atom_bool.json is missing"),
        (lambda root: write(root / ANSWERS, '{"id": "agent_multi_turn_0",'), f"{ANSWERS}:1: not valid JSON"),
        (lambda root: write(root / ANSWERS, '{"id": "agent_multi_turn_1"}'), "not a list of answers to the items"),
        (lambda root: write(root / ANSWERS, '{"id": "agent_multi_turn_0"}'), "missing a valid answer in line 1"),
        (lambda root: write(root / ANSWERS, "[]"), "is not an object"),
        (lambda root: write(root / f"{SCENARIOS}/phone_platform/reminder.py", REMINDER), "a value that is not data"),
        (lambda root: (root / ANSWERS).write_bytes(b"\xff"), "not UTF-8"),
        (lambda root: write(root / f"{SCENARIOS}/travel.py", "class Travel:"), "travel.py:1: not valid Python"),
        (lambda root: write(root / f"{SCENARIOS}/travel.py", "x = 1"), "class Travel with one __init__ is missing"),
        (
            lambda root: write(
                root / f"{SCENARIOS}/travel.py", "class Travel:\n def __init__(self):\n  self.a = open('x')"
            ),
            "travel.py:3: a value that is not data",
        ),
        (
            lambda root: write(root / f"{SCENARIOS}/travel.py", "class Travel:\n def __init__(self):\n  print(1)"),
            "travel.py:3: a statement that is not data",
        ),
    ],
)
def test_a_broken_checkout_is_one_line_and_leaves_nothing(
    checkout: Path, tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(checkout)
    with pytest.raises(DataError) as caught:
        import_pack(IMPORTER, checkout, tmp_path / "data")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


def test_another_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="neither a checkout with ACEBench"):
        import_pack(IMPORTER, tmp_path, tmp_path / "data")


def test_later_corrections_are_named(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {
        f"en/normal_{name}" for name in ("atom_enum_9", "atom_number_17", "atom_list_34")
    } < pinned.CORRECTIONS.keys()
    monkeypatch.setitem(pinned.CORRECTIONS, "en/normal_atom_enum_0", digest({"f": {}}))
    monkeypatch.setitem(pinned.CORRECTIONS, "en/normal_atom_list_0", digest({"f": {"other": 1}}))
    report = import_pack(IMPORTER, checkout, tmp_path / "data")
    assert next(note for note in report.notes if "corrected" in note).count("normal_atom") == 1
    assert "normal_atom_enum_0" in (report.path / "SOURCE.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not ROOT.is_dir(), reason=f"no acebench pack in {ROOT}")
def test_upstreams_data_is_recognised(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, ROOT, tmp_path / "data")
    assert report.info.equals_commit == pinned.COMMIT
    assert dict(report.info.counts)["en normal items"] == 823
    assert not [note for note in report.notes if "corrected" in note]


CHECKOUT = os.environ.get("RBSUITE_ACEBENCH_CHECKOUT", "")


@pytest.mark.skipif(not CHECKOUT, reason="RBSUITE_ACEBENCH_CHECKOUT names no checkout of upstream")
def test_a_checkout_of_upstream_gives_the_pack(tmp_path: Path) -> None:
    report = import_pack(IMPORTER, Path(CHECKOUT), tmp_path / "data")
    assert report.info.equals_commit == pinned.COMMIT
    for language in LANGUAGES:
        assert Pack(report.path).starts(language) == Pack(ROOT).starts(language)
