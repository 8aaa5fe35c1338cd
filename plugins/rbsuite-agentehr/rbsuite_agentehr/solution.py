"""Reference plans for predictions, and the mistakes that the records set as traps.

They serve the oracle, ``rbsuite verify`` and the simulated learner. A plan looks at what a careful reader would look at; its answer is the
label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from rbsuite.environments.solution import Mistake, Solution
from rbsuite.seeds import derive_seed, unit
from rbsuite.trajectory import Action
from rbsuite_agentehr.hospital.courses import conditions
from rbsuite_agentehr.layout import Case

_ORDERS = "SELECT order_type, order_subtype FROM poe WHERE order_status = 'Active'"
_LABS = (
    "SELECT l.charttime, d.label, l.value, l.valueuom, l.flag FROM labevents l JOIN d_labitems d ON d.itemid = l.itemid "
    "ORDER BY l.charttime DESC LIMIT 40"
)
_FAILING = "SELECT test, result FROM labs WHERE patient = 1"
_SHARES = (0.5, 0.4, 0.1)
"""Shares of tasks with one, two and three traps."""


def plan(case: Case) -> Solution:
    """Reads admissions, the latest events and orders or results, looks the names up, and answers."""
    day, hour = case.prediction_time.split(" ")
    start = f"{int(day[:4]) - 1}{day[4:]} {hour}"
    window = {"table_name": "triage", "start_time": start, "end_time": case.prediction_time}
    keyword = max(case.label[0].replace(",", " ").replace(";", " ").split(), key=len)
    return Solution(
        (
            Action.call("get_latest_records", {"table_name": "admissions", "number": 5}),
            Action.call("get_records_by_time", window),
            Action.call("run_sql_query", {"sql_query": _LABS if case.task == "diagnoses_ccs" else _ORDERS}),
            Action.call("get_candidates_by_keyword", {"keyword": keyword}),
            Action.call("finish", {"response": list(case.label)}),
        )
    )


def traps(case: Case, candidates: Sequence[str]) -> Sequence[Mistake]:
    """One to three mistakes, drawn for the task; each of them makes the task fail."""
    found = list(_all(case, candidates))
    key = (case.task, case.subject_id)
    found.sort(key=lambda one: unit("trap", *key, one.skill))
    draw, wanted = unit("traps", *key), 1
    for share in _SHARES[:-1]:
        draw -= share
        wanted += draw >= 0
    return found[:wanted]


def _all(case: Case, candidates: Sequence[str]) -> Sequence[Mistake]:
    day, hour = case.prediction_time.split(" ")
    after = {
        "table_name": "triage",
        "start_time": case.prediction_time,
        "end_time": f"{int(day[:4]) + 1}{day[4:]} {hour}",
    }
    made = [
        Mistake(f"{case.task}/synonyms", {3: (), 4: (_finish([spoken(name) for name in case.label]),)}),
        Mistake(
            "record/cut",
            {1: (Action.call("get_records_by_time", after),), 4: (_finish(_others(case, candidates, "cut")),)},
        ),
        Mistake("sql/repeated", {2: (Action.call("run_sql_query", {"sql_query": _FAILING}),) * 5}),
    ]
    guess = (_finish(_others(case, candidates, "guess")),)
    if case.task in ("diagnoses_ccs", "prescriptions"):
        query = {"sql_query": "SELECT charttime, itemid, value FROM labevents ORDER BY charttime DESC LIMIT 40"}
        made.append(Mistake("labs/units", {2: (Action.call("run_sql_query", query),), 4: guess}))
    if case.task != "diagnoses_ccs":
        query = {"sql_query": "SELECT order_type, order_subtype FROM poe"}
        made.append(Mistake("orders/withdrawn", {2: (Action.call("run_sql_query", query),), 4: guess}))
    return made


def _finish(names: Sequence[str]) -> Action:
    return Action.call("finish", {"response": list(names)})


def _others(case: Case, candidates: Sequence[str], label: str) -> list[str]:
    """As many wrong candidates as there are right ones."""
    right = {name.casefold() for name in case.label}
    wrong = [name for name in candidates if name.casefold() not in right]
    start = derive_seed(label, case.task, case.subject_id) % max(1, len(wrong))
    return [*wrong[start:], *wrong[:start]][: len(case.label)]


def spoken(name: str) -> str:
    """What the ward calls a candidate."""
    return _spoken().get(name, f"the {name.split()[0].lower()} one")


@cache
def _spoken() -> Mapping[str, str]:
    known = conditions()
    told = {one["ccs"]: one["spoken"] for one in (*known["acute"], *known["chronic"])}
    told |= {one["procedure"][2]: one["procedure"][3] for one in known["acute"]}
    told |= {lab["label"]: lab["ordered"] for lab in known["labs"].values()}
    told |= {atc[1]: drug for drug, atc in known["drugs"].items()}
    return {name: words for name, words in told.items() if name.casefold() != words.casefold()}
