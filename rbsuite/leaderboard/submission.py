"""A submission as it is written: tau2-bench's fields, plus everything measured here. The JSON schema is generated from these classes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from rbsuite.files import Unusable, parse_json, read_file
from rbsuite.jsonable import plain

SCHEMA_VERSION = 1
FILE = "submission.json"
MOST_BYTES = 16 * 1024 * 1024
"""Size of the largest submission file that is read; its logs are separate files."""

_STRICT = ConfigDict(extra="forbid")
_MOST_FAULTS = 20

Text = Annotated[str, Field(max_length=4000)]
Word = Annotated[str, Field(min_length=1, max_length=200)]
Day = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
Address = Annotated[str, Field(pattern=r"^(https?://[^\s\"'<>\\^`{|}]+)?$", max_length=500)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
LogPath = Annotated[str, Field(pattern=r"^(\d{1,3}/)?experiment\.sqlite$")]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 95 % interval; ``None`` if it is not known."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    mean: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Who submits."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    email: Text = ""
    name: Text = ""
    github: Text = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A link to more information about the system."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    title: Text
    url: Address
    type: Text = "other"


@dataclass(frozen=True, slots=True)
class DomainScore:
    """pass^k of a domain in percent, and dollars per task, as in tau2-bench; for the leading condition."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    pass_1: float | None
    pass_2: float | None = None
    pass_3: float | None = None
    pass_4: float | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How the run differs from the benchmark as its authors run it."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    modified_prompts: bool | None = None
    omitted_questions: bool | None = None
    details: Text = ""


@dataclass(frozen=True, slots=True)
class Methodology:
    """How it was run."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    evaluation_date: Day = ""
    tau2_bench_version: Text | None = None
    user_simulator: Text | None = None
    notes: Text = ""
    verification: Verification = Verification()


@dataclass(frozen=True, slots=True)
class ModelRelease:
    """When the agent's model was released, and which snapshot was used."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    release_date: Day = ""
    snapshot: Text = ""


@dataclass(frozen=True, slots=True)
class PassHat:
    """The probability that all of k answers to a task are right."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    k: Annotated[int, Field(ge=1)]
    value: Interval


@dataclass(frozen=True, slots=True)
class Run:
    """A condition on one stream.

    Attributes:
        seed: the seed of the stream.
        order_name: the name of the method that made the order.
        declared: whether the run was part of the experiment's declaration.
        order: the tasks in stream order, by their position among the submission's tasks.
        scores: the headline value of each task, in the same order; 0 if its answer broke.
        broken: positions of the answers that broke.
        chain: the last hash of the chain over the run's records in the log. It covers times, so no other run has the same one.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    seed: int
    order_name: Word
    declared: bool
    order: list[Count]
    scores: list[float]
    broken: list[Count]
    chain: Hash


@dataclass(frozen=True, slots=True)
class Point:
    """A window of positions in the stream: number of cells, and the means of the condition, of the baseline, and of the difference."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: Word
    cells: Count
    condition: Interval
    baseline: Interval
    difference: Interval


@dataclass(frozen=True, slots=True)
class Gain:
    """A condition minus the baseline memory of the same system, paired by task and stream.

    Attributes:
        against: the label of the baseline condition.
        difference: the difference with its interval.
        p_value: its p value, not adjusted.
        p_holm: its p value, adjusted for the number of the submission's comparisons.
        detectable: the smallest true difference that would be found with 80 % power.
        conditional: whether it holds only for the orders that were run.
        same_scaling: whether both use the same scaling.
        second_half: the difference in the second half of the stream minus that in the first.
        curve: the difference along the stream.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    against: Word
    difference: Interval
    p_value: float | None
    p_holm: float | None
    detectable: float | None
    conditional: bool
    same_scaling: bool
    second_half: Interval
    curve: list[Point]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A condition: one row of the board.

    Attributes:
        label: memory, scaling, and anything else that varies.
        memory, scaling, agent, model, judge, embedder, prompts, temperature: what was run.
        baseline: whether it is the board's baseline memory.
        control: whether its memory is a control.
        exchangeable: whether nothing was recalled in it, so that order could not matter.
        tasks: number of tasks in the denominator.
        orders: number of its runs.
        undeclared_orders: how many of them were added later.
        headline: the figure by which the board ranks.
        success: share of tasks solved.
        measures: the environment's other measures.
        passes: pass^k over runs.
        rollouts: total number of rollouts.
        failures: how many of them broke; they score 0 and stay in the denominator.
        unread, invalid: rollouts that could not be parsed, and rollouts with invalid actions.
        steps, steps_solved: mean agent turns per rollout, over all rollouts and over those that solved their task.
        tokens, calls: tokens and calls per task, over all roles.
        dollars: dollars per task; ``None`` if a price is not known.
        judge: share of the judge's verdicts that agree with the truth.
        recalled: share of tasks for which something was recalled.
        gain: the gain over the baseline; ``None`` for the baseline itself.
        runs: the scores themselves.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    label: Word
    memory: Word
    scaling: Word
    agent: Word
    model: Word
    judge: Word
    embedder: Text
    prompts: Text
    temperature: Text
    baseline: bool
    control: bool
    exchangeable: bool
    tasks: Count
    orders: Count
    undeclared_orders: Count
    headline: Interval
    success: Interval
    measures: dict[str, Interval]
    passes: list[PassHat]
    rollouts: Count
    failures: Count
    unread: Count
    invalid: Count
    steps: float | None
    steps_solved: float | None
    tokens: float
    calls: float
    dollars: float | None
    judge_accuracy: Interval
    recalled: float | None
    gain: Gain | None
    runs: list[Run]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that is recomputed from the logs.

    Attributes:
        rbsuite: the version of rbsuite that ran the experiments.
        environment: what the environment says about itself.
        task_set: the hash of the task set.
        simulated: whether models are simulations.
        judge_sees_ground_truth: whether the judge that memory learns from sees the truth.
        redacted: whether texts were left out of the logs because the benchmark's authors ask for it.
        options: the options in which submissions may differ.
        models: the model used for each purpose.
        task_ids: the ids of the tasks.
        groups, domains: the group and the domain of each task.
        rows: the conditions.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    rbsuite: Word
    environment: dict[str, Any]
    task_set: Hash
    simulated: bool
    judge_sees_ground_truth: bool
    redacted: bool
    options: dict[str, Any]
    models: dict[str, Text]
    task_ids: list[Word]
    groups: list[Text]
    domains: list[Text]
    rows: list[BoardRow]


@dataclass(frozen=True, slots=True)
class Log:
    """A file from which the figures are computed."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    path: LogPath
    sha256: Hash
    bytes: Count


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission.

    The first fields, up to ``model_release``, are those of tau2-bench's submissions.

    Attributes:
        schema_version: the version of this schema.
        board: the board's name.
        system: the name of the system.
        feedback: what memory learns from: the agent's own judgement (``self``), or ``ground_truth``.
        url, report_url: links to more about the system, and to a report of the experiment.
        hardware: the hardware it ran on.
        cost_note: a note on its cost.
        measured: what is recomputed.
        logs: the files it is recomputed from.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    schema_version: Literal[1]
    board: Word
    system: Word
    model_name: Word
    submitting_organization: Word
    submission_date: Day
    measured: Measured
    logs: Annotated[list[Log], Field(min_length=1, max_length=100)]
    model_organization: Text = ""
    submission_type: Literal["standard", "custom"] = "custom"
    contact_info: Contact = Contact()
    is_new: bool = False
    trajectories_available: bool = True
    trajectory_files: dict[str, Text] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    results: dict[str, DomainScore] = field(default_factory=dict)
    methodology: Methodology = Methodology()
    model_release: ModelRelease = ModelRelease()
    feedback: Literal["self", "ground_truth"] = "self"
    url: Address = ""
    report_url: Address = ""
    hardware: Text = ""
    cost_note: Text = ""


@cache
def _adapter() -> TypeAdapter[Submission]:
    return TypeAdapter(Submission)


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of a submission (draft 2020-12)."""
    made = _adapter().json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:rbsuite:submission:{SCHEMA_VERSION}",
        **made,
    }


def schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(schema(), indent=1, sort_keys=True) + "\n"


def schema_faults(value: Any) -> list[str]:
    """What the schema does not allow, one line each; limited to a readable number."""
    if not isinstance(value, dict):
        return ["it is not an object"]
    if value.get("schema_version") != SCHEMA_VERSION:
        return [
            f"schema_version is {value.get('schema_version')!r:.40}, but this version of rbsuite reads {SCHEMA_VERSION}"
        ]
    found = sorted(_validator().iter_errors(value), key=lambda error: [str(step) for step in error.absolute_path])
    faults = [_fault(error) for error in found[:_MOST_FAULTS]]
    return faults + ([f"and {len(found) - _MOST_FAULTS} more faults of form"] if len(found) > _MOST_FAULTS else [])


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def _fault(error: Any) -> str:
    """A schema error in one line that does not repeat the given value."""
    where = error.json_path.removeprefix("$").lstrip(".") or "the submission"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{where}: {', '.join(missing)} is missing"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = sorted(str(name)[:40] for name in error.instance if name not in known)
        return f"{where}: unknown {', '.join(unknown[:5])}"
    wanted = f"{error.validator_value!r}"
    return f"{where}: violates {error.validator} {wanted[:80]}"


def from_plain(value: Any) -> Submission:
    """A submission from data that the schema allows.

    Raises:
        ValueError: the schema does not allow the data.
    """
    return _adapter().validate_python(value)


def to_text(submission: Submission) -> str:
    """A submission as it is written: the same bytes for the same content. The scores of each run are on one line."""
    return dump_text(plain(submission))


def dump_text(value: Any) -> str:
    """Indented JSON with each list of numbers on one line."""
    return _written(value, "") + "\n"


def _written(value: Any, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        entries = (f"{inner}{json.dumps(name)}: {_written(one, inner)}" for name, one in value.items())
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return "[\n" + ",\n".join(f"{inner}{_written(one, inner)}" for one in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def read_value(path: Path) -> Any:
    """The contents of a submission file.

    Raises:
        Unusable: it is too large, not a regular file, or not JSON.
        OSError: it cannot be read.
    """
    try:
        return parse_json(read_file(path, most=MOST_BYTES, within=path.parent).decode())
    except UnicodeDecodeError as error:
        raise Unusable("not in UTF-8") from error
