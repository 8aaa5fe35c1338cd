"""One prediction: an agent reads a patient's record with tools and answers with a list of names."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, NoReturn, Self

from rbsuite.environments.tools import ToolEpisode, ToolError, tool
from rbsuite.task import Task
from rbsuite.trajectory import Action, EndReason, Grade, Observation, ToolCall
from rbsuite_agentehr.layout import Case, Layout
from rbsuite_agentehr.record import MOST_ROWS, QueryError, Record, quoted
from rbsuite_agentehr.scores import ERRORS, THRESHOLD, names_in, set_score
from rbsuite_agentehr.similarity import nearest

MOST_SHOWN = 8_000
"""Characters of an observation that are shown, counted from the end."""
MOST_CANDIDATES = 20
FINISH = "finish"

QUESTIONS = {
    "diagnoses_ccs": "which diagnoses (CCS categories) will be coded for the present admission?",
    "procedures_ccs": "which procedures (CCS categories) will be done next?",
    "labevents": "which laboratory tests will be made next?",
    "prescriptions": "which groups of drugs (ATC) will be prescribed next?",
    "microbiologyevents": "which microbiological tests will be made next?",
    "transfers": "to which care unit will the patient be moved next?",
}
"""What is asked, by task."""

POLICY = (
    "You read the electronic record of one hospital patient with tools, and predict what comes after a given time. The record ends at that "
    "time. Call finish once, with a list of names taken from the candidates of the task, which the tools for candidates search. There is "
    "no other way to answer."
)

Table = Annotated[str, "name of a table, see get_table_names"]
Column = Annotated[str, "name of a column of the table, see get_column_names"]


class AgentEhrEpisode(ToolEpisode):
    """A prediction for one patient.

    Args:
        task: the task.
        case: its row.
        layout: the data.
        max_exec_steps: tool calls after which the episode is cut.
        max_same_steps: identical calls in a row after which it is cut.
    """

    def __init__(self, task: Task, case: Case, layout: Layout, *, max_exec_steps: int, max_same_steps: int) -> None:
        super().__init__(task.query, POLICY)
        self._case = case
        self._layout = layout
        self._limits = (max_exec_steps, max_same_steps)
        self._predicted: list[str] | None = None
        self._calls = self._errors = self._same = 0
        self._last = ""

    def act(self, action: Action) -> Observation:
        """Carry out calls up to the one that answers, or hear words, which end the episode."""
        calls = []
        for call in action.calls:
            calls.append(_lenient(call))
            self._count(call)
            if call.name == FINISH or self.truncated:
                break
        seen = super().act(replace(action, calls=tuple(calls)))
        if not calls:
            return seen
        results = tuple(replace(one, text=one.text[-MOST_SHOWN:]) for one in seen.results)
        self._errors += sum(one.text.startswith(ERRORS) for one in seen.results)
        over = self._predicted is not None or self.truncated
        return Observation.of_results(results, "over" if over else "agent")

    def hear(self, text: str) -> Observation:
        """Words end the episode; a list of texts in them is the answer."""
        self._predicted = names_in(text)
        return Observation("The episode is over.", turn="over")

    def fork(self) -> Self:
        """An independent copy in the same state; the record is shared, as it is read-only."""
        twin = copy.copy(self)
        twin.tools = {name: getattr(twin, name) for name in self.tools}
        return twin

    def grade(self, end: EndReason) -> Grade:
        """Success by AgentEHR's threshold, along with the set scores and the share of failed calls."""
        predicted = self._predicted or []
        score = set_score(predicted, self._case.label)
        measures = {
            "f1": score.f1,
            "precision": score.precision,
            "recall": score.recall,
            "tool_error_rate": self._errors / self._calls if self._calls else 0.0,
        }
        truth = {
            "predicted": list(predicted),
            "expected": list(self._case.label),
            "tool_errors": self._errors,
            "tool_calls": self._calls,
            "combined": score.combined,
        }
        return Grade(float(score.combined >= THRESHOLD), measures, truth)

    def _count(self, call: ToolCall) -> None:
        asked = json.dumps([call.name, dict(call.arguments), call.raw], sort_keys=True, default=str)
        self._same = self._same + 1 if asked == self._last else 1
        self._last, self._calls = asked, self._calls + 1
        most, same = self._limits
        if self._calls >= most or (same and self._same >= same):
            self.truncated = call.name != FINISH

    @tool
    def get_table_names(self) -> str:
        """List the tables of the patient's record, and the reference tables that explain codes."""
        record = self._record()
        return f"Record: {', '.join(record.tables)}\nReference: {', '.join(record.references)}"

    @tool
    def get_column_names(self, table_name: Table) -> str:
        """List the columns of a table."""
        return ", ".join(self._columns(table_name))

    @tool
    def get_table_description(self, table_name: Table) -> str:
        """Tell what a table holds."""
        self._columns(table_name)
        return self._layout.descriptions.get(table_name, "There is no description of this table.")

    @tool
    def get_unique_values(self, table_name: Table, column_name: Column) -> str:
        """List the different values of a column, the most frequent first, with their number."""
        column = self._column(table_name, column_name)
        sql = f"SELECT {column} AS value, count(*) AS number FROM {quoted(table_name)} GROUP BY 1 ORDER BY 2 DESC, 1"
        return self._shown(sql)

    @tool
    def get_records_by_time(
        self,
        table_name: Table,
        start_time: Annotated[str, "YYYY-MM-DD HH:MM:SS"],
        end_time: Annotated[str, "YYYY-MM-DD HH:MM:SS"],
    ) -> str:
        """List the rows of a table between two times, the earliest first."""
        when = self._time(table_name)
        sql = f"SELECT * FROM {quoted(table_name)} WHERE {when} BETWEEN ? AND ? ORDER BY {when}"
        return self._shown(sql, start_time, end_time)

    @tool
    def get_event_counts_by_time(
        self,
        start_time: Annotated[str, "YYYY-MM-DD HH:MM:SS"],
        end_time: Annotated[str, "YYYY-MM-DD HH:MM:SS"],
    ) -> str:
        """Count the rows of every table between two times."""
        lines = []
        for table in self._record().tables:
            try:
                when = self._time(table)
            except ToolError:
                continue
            counted = self._query(
                f"SELECT count(*) FROM {quoted(table)} WHERE {when} BETWEEN ? AND ?", start_time, end_time
            )
            lines.append(f"{table}: {counted[1][0][0]}")
        return "\n".join(lines)

    @tool
    def get_latest_records(self, table_name: Table, number: Annotated[int, "rows, at most"] = 20) -> str:
        """List the latest rows of a table, the latest first."""
        when = self._time(table_name)
        return self._shown(
            f"SELECT * FROM {quoted(table_name)} ORDER BY {when} DESC LIMIT ?", max(1, min(number, MOST_ROWS))
        )

    @tool
    def get_records_by_keyword(
        self, table_name: Table, keyword: Annotated[str, "a part of a text, in upper or lower case"]
    ) -> str:
        """List the rows of a table in which a text occurs, in whatever column."""
        columns = self._columns(table_name)
        found = " OR ".join(f"instr(lower({quoted(column)}), lower(?))" for column in columns)
        return self._shown(f"SELECT * FROM {quoted(table_name)} WHERE {found}", *(keyword for _ in columns))

    @tool
    def get_records_by_value(
        self, table_name: Table, column_name: Column, value: Annotated[str, "the value, as text"]
    ) -> str:
        """List the rows of a table that have a value in a column."""
        column = self._column(table_name, column_name)
        return self._shown(f"SELECT * FROM {quoted(table_name)} WHERE CAST({column} AS TEXT) = ?", value)

    @tool
    def run_sql_query(self, sql_query: Annotated[str, "one SELECT of SQLite"]) -> str:
        """Run a query on the patient's record and the reference tables. Nothing can be changed."""
        try:
            return _table(*self._record().query(sql_query))
        except QueryError as error:
            return f"SQL Execution Error: {error}"

    @tool
    def get_candidates_by_keyword(self, keyword: Annotated[str, "a part of a name"]) -> str:
        """List the names that an answer may hold and in which a text occurs."""
        found = [name for name in self._candidates() if keyword.casefold() in name.casefold()]
        return self._listed(found, f"no candidate has {keyword!r} in it")

    @tool
    def get_candidates_by_fuzzy_matching(self, text: Annotated[str, "a name, as well as you know it"]) -> str:
        """List the names that an answer may hold and that are spelt like a text, the nearest first."""
        found = [f"{name} ({share:.2f})" for share, name in nearest(text, self._candidates(), MOST_CANDIDATES)]
        return self._listed(found, f"no candidate is like {text!r}")

    @tool
    def read_resource_data(self, name: Annotated[str, "tables, links, or a reference table"]) -> str:
        """Read what is known of the data: descriptions of all tables, links between columns, or a reference table."""
        if name in ("tables", "links"):
            known = self._layout.descriptions if name == "tables" else self._layout.links
            return "\n".join(f"{key}: {value}" for key, value in known.items()) or "Nothing is known."
        if name not in self._record().references:
            raise ToolError(
                f"there is no resource {name!r}; there are tables, links and {', '.join(self._record().references)}."
            )
        return self._shown(f"SELECT * FROM {quoted(name)}")

    @tool
    def think(self, thought: str) -> str:
        """Note a thought; nothing else happens."""
        return "Noted."

    @tool
    def finish(self, response: Annotated[list[str], "the predicted names, as the candidates have them"]) -> str:
        """Give the answer and end the episode."""
        if not all(isinstance(one, str) for one in response):
            raise ToolError("response must be a list of texts.")
        self._predicted = list(response)
        return "The answer was taken."

    def _record(self) -> Record:
        return self._layout.record(self._case.subject_id, self._case.prediction_time)

    def _candidates(self) -> Sequence[str]:
        return self._layout.candidates(self._case.task)

    def _columns(self, table: str) -> Sequence[str]:
        record = self._record()
        known = record.tables | record.references
        if table not in known:
            raise ToolError(f"there is no table {table!r}; see get_table_names.")
        return known[table]

    def _column(self, table: str, column: str) -> str:
        columns = {one.lower(): one for one in self._columns(table)}
        if column.lower() not in columns:
            raise ToolError(f"{table} has no column {column!r}; it has {', '.join(columns.values())}.")
        return quoted(columns[column.lower()])

    def _time(self, table: str) -> str:
        from rbsuite_agentehr.record import TIMES

        columns = {one.lower(): one for one in self._columns(table)}
        found = next((columns[name] for name in TIMES if name in columns), None)
        if found is None:
            raise ToolError(f"{table} has no times; it has {', '.join(columns.values())}.")
        return quoted(found)

    def _query(self, sql: str, *values: object) -> tuple[list[str], list[tuple[Any, ...]], bool]:
        try:
            return self._record().query(sql, values)
        except QueryError as error:
            _fail(error)

    def _shown(self, sql: str, *values: object) -> str:
        return _table(*self._query(sql, *values))

    def _listed(self, names: Sequence[str], none: str) -> str:
        if not names:
            return f"None: {none}."
        return "\n".join(names[:MOST_CANDIDATES])


def _fail(error: QueryError) -> NoReturn:
    raise ToolError(f"{error}.") from None


def _table(columns: Iterable[str], rows: Sequence[tuple[object, ...]], more: bool) -> str:
    """Rows as lines, with the columns above them; whatever is cut off, the number of rows comes at the end."""
    lines = [" | ".join(columns), *(" | ".join("" if cell is None else str(cell) for cell in row) for row in rows)]
    lines.append(f"The first {len(rows)} rows; there are more." if more else f"{len(rows)} rows.")
    return "\n".join(lines)


def _lenient(call: ToolCall) -> ToolCall:
    """A list given as text is read as a list."""
    given = call.arguments.get("response")
    if call.name == FINISH and isinstance(given, str) and (names := names_in(given)) is not None:
        return replace(call, arguments={**call.arguments, "response": names})
    return call
