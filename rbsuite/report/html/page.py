"""The report as a file: one page that makes no requests. What models and data wrote appears in it as text and never as markup."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import zlib
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import Environment
from markupsafe import Markup

from rbsuite.errors import StoreError
from rbsuite.files import written
from rbsuite.inert import inert
from rbsuite.jsonable import Json, plain
from rbsuite.pages.rendering import policy, render, templates
from rbsuite.report.comparison import Compared, gather
from rbsuite.report.comparison_json import document
from rbsuite.report.flips import flips_json
from rbsuite.report.html.sections import Figures, answers, first, sections
from rbsuite.report.items import helped_json
from rbsuite.report.rollouts import Runs, Shower, rows
from rbsuite.report.text import told_text
from rbsuite.statistics.about import about
from rbsuite.store.redaction import CANARY, hidden, is_private

if TYPE_CHECKING:
    from rbsuite.plugins import Plugins
    from rbsuite.store import ExperimentStore

_T = TypeVar("_T")
_PARTS = ("report.html", "sections.html", "waiting.html", "experiments.html", "report.css", "report.js")

WAITING = "The figures are being computed. The rollouts below are there already."


def report_document(compared: Compared, *, reveal: bool = False) -> Json:
    """Every figure of a report: what ``rbsuite compare --json --flips`` and ``rbsuite memory helped --json`` print.

    Args:
        compared: the experiments.
        reveal: whether the texts of a private benchmark are shown.

    Raises:
        StoreError: a store cannot be read.
    """
    from rbsuite.statistics.items import items_helped
    from rbsuite.statistics.summary import summarise

    one = len(compared.stores) == 1
    helped = [
        found
        for store in compared.stores
        for found in items_helped(store, compared.summary if one else summarise(store))
    ]
    made = plain({**document(compared), "flips": flips_json(compared), "helped": helped_json(helped)})
    if any(map(is_private, compared.stores)) and not reveal:
        for condition in [*made["conditions"], *(one for part in made["apart"] for one in part["conditions"])]:
            condition["end_reasons"] = {
                end: [{**one, "reason": hidden(one["reason"])} for one in found]
                for end, found in condition["end_reasons"].items()
            }
        for found in made["helped"]:
            for use in [*found["clusters"], *found["items"]]:
                use["title"] = hidden(use["title"])
    return made


def write_report(
    stores: Sequence[ExperimentStore],
    out: str | os.PathLike[str],
    plugins: Plugins | None = None,
    *,
    baseline: str | None = None,
    reveal: bool = False,
) -> Compared:
    """Write the report of one experiment, or of several on the same tasks.

    Args:
        stores: the experiments; they may still be running.
        out: the file.
        plugins: where agents are looked up, which show where recalled text was in a prompt; ``None``: that is not shown.
        baseline: the memory to compare with; ``None``: the first of the first experiment.
        reveal: whether to write the text of tasks that the authors ask not to make public; see :mod:`rbsuite.store.redaction`.

    Raises:
        UsageError: the experiments do not belong together, or pygal is not installed.
        UnknownNameError: no condition has the baseline memory.
        StoreError: a store cannot be read, or the file cannot be written; nothing is left half-written.
    """
    compared = gather(stores, baseline)
    figures = Figures.of(report_document(compared, reveal=reveal))
    runs = Runs.of(stores, compared.summary)
    names = [figures.versus(number) for number in range(len(figures.pairs))] or ["all"]
    shared = _Shared()
    shower = [Shower(store, plugins, reveal=reveal, share=shared) for store in stores]
    records = _finished(_records(runs, shower))
    head = {**runs.plain(names), "live": False}
    listed = [list(rows(stores[source], info.id)) for source, info in runs.runs]
    text = render(
        _templates(),
        "report.html",
        {
            **frame(stores, compared),
            **body(figures, compared),
            "policy": policy(*_code()),
            "head": Markup(json_text(head)),
            "rows": Markup(_packed(listed)),
            "shared": Markup("\n".join(map(_packed, shared.texts))),
            "records": [Markup("\n".join(found)) for found in records],
            "canary": CANARY if any(map(is_private, stores)) else "",
        },
    )
    try:
        with written(Path(out), encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise StoreError(f"{out} cannot be written: {error.strerror}.", "Choose another path.") from error
    return compared


class _Shared:
    """Texts that many rollouts share, each stored once."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.texts.setdefault(inert(text), len(self.texts))


def _finished(work: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine, even in a notebook, where an event loop is already running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _records(runs: Runs, shower: Sequence[Shower]) -> Sequence[Sequence[str]]:
    return [[_packed(one) async for one in shower[source].all(info)] for source, info in runs.runs]


def frame(stores: Sequence[ExperimentStore], compared: Compared | None) -> Mapping[str, Any]:
    """The head of a page: what was measured, and where it is."""
    config, facts = stores[0].manifest.config, stores[0].manifest.facts
    place = f"{config['env']} {config['split']}" + (f" {config['domain']}" if config["domain"] else "")
    models = dict.fromkeys(info.condition.model for store in stores for info in store.manifest.runs)
    return {
        "title": f"{place}: does memory help?",
        "place": place,
        "models": ", ".join(models),
        "told": told_text(about(stores[0]).told),
        "simulated": bool(facts["simulated"]),
        "experiments": [store.directory.resolve().name for store in stores],
        "private": any(map(is_private, stores)),
        "notes": [] if compared is None else list(compared.notes),
        "live": False,
        "version": facts["rbsuite"],
    }


def body(figures: Figures, compared: Compared) -> Mapping[str, Any]:
    """The data for the sections."""
    return {
        "answers": answers(figures),
        "first": first(figures),
        "sections": sections(figures),
        "names": figures.names,
        "notes": list(compared.notes),
    }


def sections_part(figures: Figures, compared: Compared) -> str:
    """The sections alone, as the viewer puts them into its page."""
    values = {**frame(compared.stores, compared), **body(figures, compared)}
    return render(_templates(), "sections.html", values)


def waiting_part(text: str) -> str:
    """What is shown instead of the sections while there are none; an empty text: they are being computed."""
    return render(_templates(), "waiting.html", {"waiting": text or WAITING})


def page(template: str, values: Mapping[str, Any], *, connect: str) -> tuple[str, str]:
    """A page of the viewer, and its content security policy.

    Args:
        template: the name of the template.
        values: the values it shows.
        connect: the hosts to which its script may connect.
    """
    rule = policy(*_code(), connect=connect)
    return render(_templates(), template, {**values, "policy": rule}), rule


@cache
def _templates() -> Environment:
    made = templates("rbsuite.report.html", _PARTS, style=["report.css"], script="report.js")
    made.filters["svg"] = Markup  # drawn by pygal: its texts are escaped
    return made


def _code() -> tuple[str, str]:
    found = _templates().globals
    return str(found["style"]), str(found["script"])


def json_text(value: Json) -> str:
    """JSON in ASCII that is safe in a page."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _packed(value: Json) -> str:
    """JSON, compressed with deflate, as ASCII."""
    packed = zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace"), 9)
    return base64.b64encode(packed).decode("ascii")
