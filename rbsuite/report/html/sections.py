"""The sections of a report: which figures go in which table and chart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rbsuite.options import whole_number
from rbsuite.record import FACTORS
from rbsuite.report.comparison_text import ABOUT
from rbsuite.report.html.cells import PageCell, PageChart, PageTable, Reading, Section, key, label
from rbsuite.report.html.charts import Series, bands, forest, line_of, stacked
from rbsuite.report.html.words import ComparisonAnswer, answer
from rbsuite.report.items import ends
from rbsuite.statistics.items import NOT_CAUSAL
from rbsuite.trajectory import BROKEN_ENDS

ITEMS_DRAWN = 14
"""Number of item clusters that are drawn: those with the greatest and the least contrast."""
ANSWERS_SHOWN = 4
"""Number of comparisons that the first screen describes in words; the table has all of them."""
VERDICTS = ("success", "failure", "unknown")


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a report.

    Attributes:
        read: the document.
        names: the name of each condition.
        pairs: the two conditions of each comparison.
    """

    read: Reading
    names: Sequence[str]
    pairs: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Figures:
        """The figures of a document."""
        conditions = document["conditions"]
        memories = [one["memory"] for one in conditions]
        names = [one["condition"] if memories.count(one["memory"]) > 1 else one["memory"] for one in conditions]
        places = {_level(one): place for place, one in enumerate(conditions)}
        pairs = [
            (places[_level(one["a_condition"])], places[_level(one["b_condition"])]) for one in document["comparisons"]
        ]
        return cls(Reading(document), [_told(name, one) for name, one in zip(names, conditions, strict=True)], pairs)

    @property
    def conditions(self) -> Sequence[Mapping[str, Any]]:
        """The conditions of the document."""
        found: Sequence[Mapping[str, Any]] = self.read.document["conditions"]
        return found

    @property
    def comparisons(self) -> Sequence[Mapping[str, Any]]:
        """The comparisons of the document."""
        found: Sequence[Mapping[str, Any]] = self.read.document["comparisons"]
        return found

    def versus(self, number: int) -> str:
        """The name of a comparison."""
        a, b = self.pairs[number]
        return f"{self.names[a]} - {self.names[b]}"


def _level(condition: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(condition[name] for name in FACTORS)


def _told(name: str, condition: Mapping[str, Any]) -> str:
    return name + (" (control)" if condition["control"] else "")


def answers(figures: Figures) -> Sequence[ComparisonAnswer]:
    """The answers to the first comparisons."""
    shown = list(enumerate(figures.pairs))[:ANSWERS_SHOWN]
    return [answer(figures.read, number, pair, figures.names) for number, pair in shown]


def first(figures: Figures) -> Section:
    """The first screen's chart and table: each condition with its difference, cost and failures."""
    read = figures.read
    differences = {pair[0]: number for number, pair in reversed(list(enumerate(figures.pairs)))}
    rows = []
    for place, name in enumerate(figures.names):
        at, number = f"/conditions/{place}", differences.get(place)
        none = PageCell("")
        rows.append(
            [
                label(name),
                read(at, "share"),
                none if number is None else read(f"/comparisons/{number}", "change"),
                none if number is None else read(f"/comparisons/{number}/p_holm", "p"),
                read(f"{at}/tokens_per_task", "count"),
                read(f"{at}/cost_of/memory/tokens_per_task", "count"),
                read(f"{at}/calls_per_task", "decimal"),
                read(f"{at}/cost", "dollars"),
                read(f"{at}/failures", "count"),
                read(f"{at}/unread", "count"),
                read(f"{at}/steps", "decimal"),
            ]
        )
    columns = [("condition", False), ("score % [95 %]", True), ("difference in points", True), ("p, Holm", True)]
    columns += [
        (name, True)
        for name in ("tokens per task", "of which memory", "calls per task", "$ in total", "broke", "unread", "turns")
    ]
    chart = [
        (figures.versus(number), one, f"{figures.versus(number)}: {read(f'/comparisons/{number}', 'change').text}", a)
        for number, (one, (a, _)) in enumerate(zip(figures.comparisons, figures.pairs, strict=True))
    ]
    drawn = (
        [PageChart("differences", forest(chart, "paired differences", "difference in points"), CAPTION)]
        if chart
        else []
    )
    table = PageTable(
        "conditions",
        "Results of each condition",
        columns,
        rows,
        "Broke: rollouts that ended with a fault; they score 0.",
    )
    return Section("answer", "", [], drawn, [table])


CAPTION = "Paired differences with their 95 % intervals. The line marks no difference."


def sections(figures: Figures) -> Sequence[Section]:
    """The sections below the first screen; those with nothing to show are left out."""
    made = (_learning, _budget, _orders, _domains, _items, _judge, _cost, _memory, _failures, _further)
    return [found for make in made if (found := make(figures)) is not None]


def _learning(figures: Figures) -> Section | None:
    read, charts, tables = figures.read, [], []
    halves: list[list[PageCell]] = []
    for number, (one, (a, b)) in enumerate(zip(figures.comparisons, figures.pairs, strict=True)):
        title = figures.versus(number)
        for kind, what in (("learning_curve", "along the stream"), ("cumulative_curve", "so far")):
            at = f"/comparisons/{number}/{kind}"
            if len(one[kind]) < 2:
                continue
            places = [_place(part["name"], middle=kind == "learning_curve") for part in one[kind]]
            lines = [
                line_of(
                    read, figures.names[side], side, [(x, f"{at}/{i}/{key}", "share") for i, x in enumerate(places)]
                )
                for side, key in ((a, "a"), (b, "b"))
            ]
            charts.append(
                PageChart(
                    f"{kind.replace('_', '-')}-{number + 1}",
                    bands(lines, f"{title}, {what}", "tasks", "score %", range=(0, 100)),
                    f"{title}: mean score {what}.",
                    [line.key for line in lines],
                )
            )
            tables.append(
                _parts(
                    f"{kind.replace('_', '-')}-{number + 1}",
                    f"{title}, {what}",
                    read,
                    at,
                    ("tasks", *_two(figures, number)),
                )
            )
        cells = [label(title), PageCell(""), PageCell("")]
        for place, name in enumerate(("second_half_gain", "final_bank_gain_on_early_tasks"), 1):
            if one[name] is not None:
                cells[place] = read(f"/comparisons/{number}/{name}", "change")
        halves.append(cells)
    if any(cell.source for cells in halves for cell in cells):
        columns = [
            ("comparison", False),
            ("second half minus first", True),
            ("early tasks again on the final bank", True),
        ]
        tables.insert(0, PageTable("halves", "The second half against the first, in points", columns, halves))
    about = "Does it learn? Scores along the stream, with 95 % intervals over tasks, given these orders."
    return Section("learning", "Learning", [about], charts, tables) if charts else None


def _two(figures: Figures, number: int) -> tuple[str, str]:
    a, b = figures.pairs[number]
    return figures.names[a], figures.names[b]


def _place(name: str, *, middle: bool) -> float:
    start, _, stop = name.partition("-")
    return (int(start) + int(stop)) / 2 if middle else int(stop)


def _parts(name: str, title: str, read: Reading, at: str, heads: Sequence[str]) -> PageTable:
    """A table of slices."""
    columns = [
        (heads[0], False),
        ("cells", True),
        *((f"{head} %", True) for head in heads[1:]),
        ("difference in points", True),
    ]
    rows = [
        [
            PageCell(one["name"], None, f"{at}/{number}/name", "name") if heads[0] == "tasks" else label(one["name"]),
            read(f"{at}/{number}/cells", "count"),
            read(f"{at}/{number}/a", "share"),
            read(f"{at}/{number}/b", "share"),
            read(f"{at}/{number}/difference", "change"),
        ]
        for number, one in enumerate(read.at(at))
    ]
    return PageTable(name, title, columns, rows)


def _budget(figures: Figures) -> Section | None:
    """Score by k, and by cost; pass@k and pass^k."""
    found = [part for part in (_over_k(figures), _passes(figures)) if part is not None]
    if not found:
        return None
    told = ["What more rollouts per task bring, and what they cost."]
    charts = [chart for own, _ in found for chart in own]
    return Section("scaling", "Scaling (MaTTS)", told, charts, [table for _, table in found])


def _over_k(figures: Figures) -> tuple[Sequence[PageChart], PageTable] | None:
    """Score by k and by cost for each memory and kind of scaling; ``None`` if none was run with several k."""
    read = figures.read
    families: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for place, one in enumerate(figures.conditions):
        kind, k = one["scaling"].partition(":")[::2]
        families[f"{one['memory']}, {'parallel' if kind == 'single' else kind}"].append(
            (1 if (number := whole_number(k)) is None else number, place)
        )
        if kind == "single":
            families[f"{one['memory']}, sequential"].append((1, place))
    several = {name: sorted(found) for name, found in families.items() if len({k for k, _ in found}) > 1}
    if not several:
        return None
    over_k = [
        line_of(read, name, number, [(k, f"/conditions/{place}", "share") for k, place in found])
        for number, (name, found) in enumerate(several.items())
    ]
    over_cost = [
        line_of(
            read,
            name,
            number,
            [(figures.conditions[place]["tokens_per_task"], f"/conditions/{place}", "share") for _, place in found],
        )
        for number, (name, found) in enumerate(several.items())
    ]
    keys = [line.key for line in over_k]
    ks = sorted({k for found in several.values() for k, _ in found})
    charts = [
        PageChart(
            "over-k",
            bands(over_k, "score over k", "k, rollouts per task", "score %", range=(0, 100), x_labels=ks),
            "Score over k.",
            keys,
        ),
        PageChart(
            "over-cost",
            bands(over_cost, "score over cost", "tokens per task", "score %", range=(0, 100)),
            "Score over the cost of a task.",
            keys,
        ),
    ]
    rows = [
        [
            label(name),
            PageCell(f"{k}", k, f"/conditions/{place}/scaling", "k"),
            read(f"/conditions/{place}", "share"),
            read(f"/conditions/{place}/tokens_per_task", "count"),
            read(f"/conditions/{place}/cost", "dollars"),
        ]
        for name, found in several.items()
        for k, place in found
    ]
    columns = [
        ("memory and scaling", False),
        ("k", True),
        ("score % [95 %]", True),
        ("tokens per task", True),
        ("$ in total", True),
    ]
    return charts, PageTable("over-k", "Score and cost over k", columns, rows)


def _passes(figures: Figures) -> tuple[Sequence[PageChart], PageTable] | None:
    """pass@k and pass^k of the conditions with several rollouts or orders; ``None`` if there is none."""
    read = figures.read
    passes = [place for place, one in enumerate(figures.conditions) if len(one["passes"]) > 1]
    if not passes:
        return None
    passed = sorted({one["k"] for place in passes for one in figures.conditions[place]["passes"]})
    lines = [
        line_of(
            read,
            figures.names[place],
            place,
            [
                (one["k"], f"/conditions/{place}/passes/{i}/pass@k", "share")
                for i, one in enumerate(figures.conditions[place]["passes"])
            ],
        )
        for place in passes
    ]
    chart = PageChart(
        "pass-at-k",
        bands(lines, "pass@k", "k", "pass@k %", range=(0, 100), x_labels=passed),
        "Any of k rollouts solves the task.",
        [line.key for line in lines],
    )
    rows = [
        [
            label(figures.names[place]),
            read(f"/conditions/{place}/passes/{i}/k", "count"),
            read(f"/conditions/{place}/passes/{i}/pass@k", "share"),
            read(f"/conditions/{place}/passes/{i}/pass^k", "share"),
        ]
        for place in passes
        for i, _ in enumerate(figures.conditions[place]["passes"])
    ]
    columns = [("condition", False), ("k", True), ("pass@k %", True), ("pass^k %", True)]
    return [chart], PageTable("passes", "pass@k and pass^k", columns, rows)


def _orders(figures: Figures) -> Section | None:
    read, rows, lines = figures.read, [], []
    most = max((len(one["orders_spread"]["differences"]) for one in figures.comparisons), default=0)
    if most < 2:
        return None
    for number, one in enumerate(figures.comparisons):
        at = f"/comparisons/{number}/orders_spread"
        found = range(len(one["orders_spread"]["differences"]))
        cells = [
            read(f"{at}/differences/{order}", "points") if order in found else PageCell("") for order in range(most)
        ]
        spread = [
            read(f"{at}/deviation", "deviation"),
            read(f"{at}/order_deviation", "deviation"),
            read(f"{at}/p_value", "p"),
        ]
        rows.append([label(figures.versus(number)), *cells, *spread])
        points = [(order, f"{at}/differences/{order}", "points") for order in found]
        line = line_of(read, figures.versus(number), figures.pairs[number][0], points)
        lines.append(replace(line, joined=False))  # an order does not follow another
    columns = [("comparison", False), *((f"order {order}", True) for order in range(most))]
    columns += [("SD", True), ("SD beyond chance", True), ("F test, p", True)]
    chart = bands(lines, "difference by order", "order", "points", x_labels=list(range(most)))
    about = "The same tasks in other orders. SD beyond chance: what of the spread is the orders' own."
    figure = PageChart("orders", chart, "The difference in each order, in points.", [line.key for line in lines])
    return Section(
        "orders",
        "Order sensitivity",
        [about],
        [figure],
        [PageTable("orders", "Differences by order, in points", columns, rows)],
    )


def _domains(figures: Figures) -> Section | None:
    read, tables, chart = figures.read, [], []
    for number, one in enumerate(figures.comparisons):
        for what in ("domains", "groups"):
            if len(one[what]) > 1:
                at, title = f"/comparisons/{number}/{what}", f"{figures.versus(number)}, by {what[:-1]}"
                tables.append(_parts(f"{what}-{number + 1}", title, read, at, (what[:-1], *_two(figures, number))))
        if len(one["domains"]) > 1:
            for place, part in enumerate(one["domains"]):
                name = (
                    part["name"]
                    if len(figures.comparisons) == 1
                    else f"{part['name']}, {figures.names[figures.pairs[number][0]]}"
                )
                text = f"{name}: {read(f'/comparisons/{number}/domains/{place}/difference', 'change').text}"
                chart.append((name, part["difference"], text, figures.pairs[number][0]))
    rows = [
        [
            label(name),
            label(one["domain"] + (" *" if one["apart"] else "")),
            read(f"/conditions/{place}/domains/{number}/tasks", "count"),
            read(f"/conditions/{place}/domains/{number}/success", "share"),
            read(f"/conditions/{place}/domains/{number}/failed", "count"),
        ]
        for place, name in enumerate(figures.names)
        for number, one in enumerate(figures.conditions[place]["domains"])
    ]
    if rows:
        heads = [("condition", False), ("domain", False), ("tasks", True), ("score % [95 %]", True), ("broke", True)]
        tables.insert(0, PageTable("by-domain", "Conditions by domain", heads, rows, "*: reported separately."))
    if not tables:
        return None
    about = "Intervals are over the tasks of a part, given the orders that were run."
    drawn = (
        [
            PageChart(
                "domains",
                forest(chart, "difference by domain", "difference in points"),
                "The difference by domain.",
                wide=True,
            )
        ]
        if chart
        else []
    )
    return Section("domains", "By domain and group", [about], drawn, tables)


USE = ("tasks", "score %", "baseline %", "with it", "others", "without it", "contrast")


def _items(figures: Figures) -> Section | None:
    read, tables, charts = figures.read, [], []
    for number, one in enumerate(read.document["helped"]):
        title = f"{one['condition']['memory']} - {one['baseline']['memory']}"
        for kind, heads in (("clusters", ("cluster", "items", "banks")), ("items", ("item", "title", "run"))):
            at = f"/helped/{number}/{kind}"
            rows = []
            for place, use in enumerate(one[kind]):
                here = f"{at}/{place}"
                start = (
                    [label(use["title"]), read(f"{here}/items", "count"), read(f"{here}/runs", "count")]
                    if kind == "clusters"
                    else [label(use["id"]), label(use["title"]), label(use["run"])]
                )
                rows.append([*start, *_use(read, here)])
            columns = [(head, kind == "clusters" and head != "cluster") for head in heads]
            tables.append(
                PageTable(f"{kind}-{number + 1}", f"{title}: {kind}", [*columns, *((head, True) for head in USE)], rows)
            )
        chart = [
            (
                use["title"],
                use["contrast"],
                f"{use['title']}: {read(f'/helped/{number}/clusters/{place}/contrast', 'change').text}",
                number + 1,
            )
            for place, use in ends(list(enumerate(one["clusters"])), ITEMS_DRAWN)
            if use["contrast"]["mean"] is not None
        ]
        if chart:
            text = f"{title}: the clusters of items with the greatest and the least contrast."
            charts.append(
                PageChart(
                    f"items-{number + 1}", forest(chart, "contrast of clusters", "contrast in points"), text, wide=True
                )
            )
    if not tables:
        return None
    about = (
        "Score and baseline: on the tasks for which an item was recalled. With it and without it: difference from the baseline in points, "
        "of those tasks, and of the others that came when the bank held it. Contrast: the first minus the second. Items of different banks "
        "that say the same are a cluster."
    )
    return Section("items", "Which memory items helped", [about], charts, tables, NOT_CAUSAL)


def _use(read: Reading, at: str) -> list[PageCell]:
    return [
        read(f"{at}/recalled", "count"),
        read(f"{at}/score", "percent"),
        read(f"{at}/baseline", "percent"),
        read(f"{at}/with_it", "change"),
        read(f"{at}/not_recalled", "count"),
        read(f"{at}/without_it", "change"),
        read(f"{at}/contrast", "change"),
    ]


def _judge(figures: Figures) -> Section | None:
    read, rows = figures.read, []
    for place, one in enumerate(figures.conditions):
        if not one["judged"]:
            continue
        for number, found in enumerate(one["verdicts"]):
            at = f"/conditions/{place}/verdicts/{number}"
            truth = "solved" if found["solved"] else "not solved"
            rows.append(
                [
                    label(figures.names[place]),
                    label(truth),
                    *(read(f"{at}/{name}", "count") for name in VERDICTS),
                    read(f"{at}/right", "share"),
                ]
            )
    if not rows:
        return None
    columns = [
        ("condition", False),
        ("truth", False),
        *((f"verdict {name}", True) for name in VERDICTS),
        ("right % [95 %]", True),
    ]
    right = [
        [
            label(figures.names[place]),
            label(one["judge"]),
            read(f"/conditions/{place}/judge_accuracy", "percent"),
            read(f"/conditions/{place}/judge_ci95", "bounds"),
        ]
        for place, one in enumerate(figures.conditions)
        if one["judged"]
    ]
    heads = [("condition", False), ("judge", False), ("right %", True), ("95 %", True)]
    tables = [
        PageTable("judge", "Verdicts against the truth (rollouts)", columns, rows),
        PageTable("judge-right", "How often the judge is right", heads, right),
    ]
    about = "Memory learns from what the judge says. Rows are the truth, columns the verdict."
    return Section("judge", "Judge", [about], [], tables)


PARTS = (("acting", "acting"), ("memory", "memory"), ("judging_and_selecting", "judging"))


def _cost(figures: Figures) -> Section | None:
    read, rows = figures.read, []
    places = range(len(figures.conditions))
    for place in places:
        at = f"/conditions/{place}"
        rows.append(
            [
                label(figures.names[place]),
                *(read(f"{at}/cost_of/{part}/tokens_per_task", "count") for part, _ in PARTS),
                read(f"{at}/tokens_per_task", "count"),
                read(f"{at}/calls_per_task", "decimal"),
                *(read(f"{at}/cost_of/{part}/dollars", "dollars") for part, _ in PARTS),
                read(f"{at}/cost", "dollars"),
            ]
        )
    columns = [
        ("condition", False),
        *((f"{name}, tokens per task", True) for _, name in PARTS),
        ("all, tokens per task", True),
        ("calls per task", True),
    ]
    columns += [*((f"{name}, $", True) for _, name in PARTS), ("all, $", True)]
    parts = [(name, [rows[place][1 + number] for place in places]) for number, (_, name) in enumerate(PARTS)]
    figure = PageChart(
        "cost",
        stacked(figures.names, parts, "tokens per task", "tokens per task"),
        "Tokens per task. Acting: agent and simulated user.",
        [(name, f"s{number}") for number, (_, name) in enumerate(PARTS)],
        wide=True,
    )
    return Section("cost", "Cost", [], [figure], [PageTable("cost", "Cost by purpose", columns, rows)])


def _memory(figures: Figures) -> Section | None:
    read, rows, lines = figures.read, [], []
    for place, one in enumerate(figures.conditions):
        used, at = one["memory_use"], f"/conditions/{place}/memory_use"
        if not used["items_added"] and not used["injected_characters"]:
            continue
        names = ("items_recalled_a_task", "injected_tokens_a_task_estimated", "items_kept_a_run")
        counts = ("items_added", "items_deleted", "documents_written")
        rows.append(
            [
                label(figures.names[place]),
                read(f"{at}/recalled_share", "percent"),
                *(read(f"{at}/{name}", "decimal") for name in names),
                *(read(f"{at}/{name}", "count") for name in counts),
            ]
        )
        points = [
            (step["tasks"], f"{at}/growth/{number}/items_a_run", "decimal")
            for number, step in enumerate(used["growth"])
        ]
        if used["items_added"]:
            lines.append((place, points))
    if not rows:
        return None
    heads = (
        "tasks with recall %",
        "items per task",
        "tokens per task",
        "kept per run",
        "added",
        "deleted",
        "documents written",
    )
    tables = [
        PageTable("memory", "What the memory did", [("condition", False), *((head, True) for head in heads)], rows)
    ]
    drawn: list[Series] = [line_of(read, figures.names[place], place, points) for place, points in lines]
    charts = []
    if drawn:
        chart = bands(drawn, "items in a bank", "tasks", "items", scale=1)
        charts.append(
            PageChart(
                "growth", chart, "Items in a bank along the stream, mean over the runs.", [line.key for line in drawn]
            )
        )
        grown = [
            [label(figures.names[place]), read(source.rpartition("/")[0] + "/tasks", "count"), read(source, form)]
            for place, points in lines
            for _, source, form in points
        ]
        tables.append(
            PageTable(
                "growth",
                "Items in a bank",
                [("condition", False), ("after tasks", True), ("items per run", True)],
                grown,
            )
        )
    about = "Tokens of recalled text are estimated at 4 characters each."
    return Section("memory", "Memory", [about], charts, tables)


def _failures(figures: Figures) -> Section | None:
    read = figures.read
    rows = [
        [
            label(figures.names[place]),
            label(end + (" (broke)" if end in BROKEN_ENDS else "")),
            read(f"/conditions/{place}/ends/{key(end)}", "count"),
            label(_reason(one, end)),
        ]
        for place, one in enumerate(figures.conditions)
        for end in one["ends"]
    ]
    tables = [
        PageTable(
            "ends",
            "How rollouts ended",
            [("condition", False), ("end", False), ("rollouts", True), ("most frequent reason", False)],
            rows,
        )
    ]
    bounds = [
        [
            label(figures.versus(number)),
            *(read(f"/comparisons/{number}/failures/{side}", "count") for side in "ab"),
            *(
                read(f"/comparisons/{number}/failures/{name}", "change")
                if one["failures"][name]
                else PageCell("nothing left")
                for name in ("excluded", "against", "in_favour")
            ),
        ]
        for number, one in enumerate(figures.comparisons)
        if one["failures"] is not None
    ]
    if bounds:
        heads = ("broke, first", "broke, second", "without them", "all counted against", "all counted for")
        tables.insert(
            0,
            PageTable(
                "failures",
                "What broken rollouts could change, in points",
                [("comparison", False), *((head, True) for head in heads)],
                bounds,
            ),
        )
    about = "A rollout that broke scores 0 and stays in the denominator."
    return Section("failures", "What broke, and how rollouts ended", [about], [], tables)


def _reason(condition: Mapping[str, Any], end: str) -> str:
    found = condition["end_reasons"].get(end, ())
    return found[0]["reason"] if found else ""


def _further(figures: Figures) -> Section | None:
    return Section("statistics", "Statistics in full", [ABOUT], [], list(_full(figures)))


def _full(figures: Figures) -> Iterator[PageTable]:
    read = figures.read
    rows = []
    for number, one in enumerate(figures.comparisons):
        at = f"/comparisons/{number}"
        rows.append(
            [
                label(figures.versus(number)),
                read(at, "change"),
                read(f"{at}/p_value", "p"),
                read(f"{at}/p_holm", "p"),
                read(f"{at}/n_tasks", "count"),
                read(f"{at}/orders", "count"),
                read(f"{at}/detectable", "deviation"),
                read(f"{at}/mean_of_rollouts", "change") if one["mean_of_rollouts"] else PageCell(""),
            ]
        )
    heads = ("difference in points", "p", "p, Holm", "tasks", "orders", "detectable, points", "mean of all rollouts")
    yield PageTable("comparisons", "Comparisons", [("comparison", False), *((head, True) for head in heads)], rows)
    beside = [
        [
            label(figures.versus(number)),
            label(found["name"]),
            label(found["about"]),
            read(f"/comparisons/{number}/other_intervals/{place}/interval", "point bounds"),
        ]
        for number, one in enumerate(figures.comparisons)
        for place, found in enumerate(one["other_intervals"])
    ]
    if beside:
        yield PageTable(
            "intervals",
            "Other intervals, in points",
            [("comparison", False), ("how", False), ("for", False), ("95 %", True)],
            beside,
        )
    tested = [
        [
            label(figures.versus(number)),
            *(read(f"/comparisons/{number}/mcnemar/{name}", "count") for name in ("only_a", "only_b")),
            read(f"/comparisons/{number}/mcnemar/p_value", "p"),
        ]
        for number, one in enumerate(figures.comparisons)
        if one["mcnemar"] is not None
    ]
    if tested:
        yield PageTable(
            "mcnemar",
            "McNemar's exact test",
            [("comparison", False), ("only the first solves", True), ("only the second", True), ("p", True)],
            tested,
        )
    measures = [
        [
            label(figures.names[place]),
            label(name.replace("_", " ")),
            read(f"/conditions/{place}/measures/{key(name)}", "share"),
        ]
        for place, one in enumerate(figures.conditions)
        for name in one["measures"]
    ]
    if measures:
        yield PageTable(
            "measures",
            "Further figures of the environment",
            [("condition", False), ("figure", False), ("% [95 %]", True)],
            measures,
        )
    notes = [
        [
            label(figures.names[place]),
            label(name.replace("_", " ")),
            read(f"/conditions/{place}/notes/{key(name)}", "count"),
        ]
        for place, one in enumerate(figures.conditions)
        for name in one["notes"]
    ]
    if notes:
        yield PageTable(
            "notes", "What else was counted", [("condition", False), ("what", False), ("count", True)], notes
        )
