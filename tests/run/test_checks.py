"""What plugins return is checked where it enters the core: one line that names the plugin, the method and what was expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments import core_plugins
from rbsuite.cli import run as rbsuite
from rbsuite.environments import checks as episodes
from rbsuite.environments.base import EpisodeServices
from rbsuite.environments.solution import Lesson, Mistake, Solution, check_solution
from rbsuite.errors import LimitReached, ModelError, PluginError, RbsuiteError, exit_code_of, in_words, told
from rbsuite.experience import MemoryItem, MemoryOp, Provenance, Recall, Recalled
from rbsuite.hookspecs import hookimpl
from rbsuite.memories.none import NoMemory
from rbsuite.models.base import Completion
from rbsuite.record import RolloutRecord
from rbsuite.run import checks
from rbsuite.scaling.base import Group
from rbsuite.specs import (
    AgentSpec,
    EmbedderSpec,
    EnvironmentSpec,
    JudgeSpec,
    MemorySpec,
    ModelSpec,
    ScalingSpec,
    SelectorSpec,
    Split,
)
from rbsuite.task import Task, TaskSet
from rbsuite.trajectory import (
    Action,
    Grade,
    Image,
    Message,
    Observation,
    ToolCall,
    ToolResult,
    ToolSpec,
    Trajectory,
    Usage,
)
from rbsuite.verdict import Verdict
from toy import Toy, ToyEpisode, ToyPlugin

ITEM = MemoryItem("i", "", "", "", "", "e", "", "", Provenance("t", 0))
ADDED = MemoryOp("add", Provenance("t", 0), item=ITEM)
OP = MemoryOp("delete", Provenance("t", 0), item_id="x")


def one_task(**fields: Any) -> TaskSet:
    return TaskSet("t", "s", (Task(**{"id": "1", "group": "1", "domain": "", **fields}),))


@pytest.mark.parametrize(
    ("check", "value", "says"),
    [
        (checks.check_recall, None, "recall must return a Recall, not None"),
        (checks.check_recall, "text", "recall must return a Recall, not a str"),
        (checks.check_recall, Recall(text=None), "recall must return a Recall whose text is a str, not None"),  # type: ignore[arg-type]
        (checks.check_recall, Recall(items=(3,)), "items are Recalled, not one with an int in it"),  # type: ignore[arg-type]
        (checks.check_recall, Recall((Recalled("i", 1, None, 0),)), "a number as score, not Recalled(item_id='i'"),  # type: ignore[arg-type]
        (checks.check_recall, Recall((Recalled("i", True, 0.5, 0),)), "a whole revision and rank"),
        (checks.check_ops, None, "absorb must return a list of MemoryOp, not None"),
        (checks.check_ops, [OP, "x"], "absorb must return a list of MemoryOp, not one with a str in it"),
        (checks.check_ops, OP, "absorb must return a list of MemoryOp, not a MemoryOp"),
        (checks.check_verdict, True, "judge must return a Verdict, not True"),
        (checks.check_verdict, Verdict("good"), "label is one of success, failure, unknown, not 'good'"),  # type: ignore[arg-type]
        (checks.check_verdict, Verdict("success", 1.5), "score is None or a number from 0 to 1, not 1.5"),
        (checks.check_verdict, Verdict("success", float("nan")), "score is None or a number from 0 to 1, not nan"),
        (checks.check_verdict, Verdict("success", 1, 7), "a Verdict whose rationale is a str, not an int"),  # type: ignore[arg-type]
        (lambda value: checks.check_spent(value, 0.5), Usage(1, 2.5), "spend must be given a Usage of whole counts"),  # type: ignore[arg-type]
        (lambda value: checks.check_spent(Usage(), value), -1.0, "and a number of seconds, not Usage("),
        (
            lambda value: checks.check_index(value, 2),
            2,
            "select must return the index of one of 2 rollouts, from 0, not 2",
        ),
        (lambda value: checks.check_index(value, 2), True, "from 0, not True"),
        (lambda value: checks.check_index(value, 2), -1, "from 0, not -1"),
        (lambda value: checks.check_index(value, 2), None, "from 0, not None"),
        (checks.check_group, [], "run must return a Group, not a list"),
        (checks.check_group, Group((), 0), "run must return a Group of at least one rollout, not an empty one"),
        (checks.check_action, "left", "act must return an Action, not a str"),
        (checks.check_action, Action(None), "an Action whose text is a str, not None"),  # type: ignore[arg-type]
        (checks.check_action, Action(index="1"), "an Action whose index is None or a whole number, not a str"),  # type: ignore[arg-type]
        (checks.check_action, Action(thought=["x"]), "an Action whose thought is a str, not a list"),  # type: ignore[arg-type]
        (checks.check_action, Action(calls=("x",)), "calls are ToolCall, not one with a str in it"),  # type: ignore[arg-type]
        (checks.check_action, Action(calls=(ToolCall(None, "x"),)), "not a ToolCall whose id is None"),  # type: ignore[arg-type]
        (checks.check_tasks, [], "tasks must return a TaskSet, not a list"),
        (checks.check_tasks, TaskSet("t", "s", (SimpleNamespace(id="1"),)), "tasks are Task, not one with a Simple"),  # type: ignore[arg-type]
        (checks.check_tasks, one_task(query=float("nan")), "Tasks whose query is a str, not a float in task '1'"),
        (checks.check_tasks, one_task(id=1), "Tasks whose id is a str, not an int in task 1"),
        (checks.check_tasks, one_task(payload=[]), "Tasks whose payload is a mapping, not a list in task '1'"),
        (
            checks.check_tasks,
            one_task(difficulty=float("inf")),
            "Tasks whose difficulty is None or a number, not a float",
        ),
        (episodes.check_episode, None, "open must return an Episode, not None"),
        (episodes.check_observation, "hot", "act must return an Observation, not a str"),
        (episodes.check_observation, Observation(None), "an Observation whose text is a str, not None"),  # type: ignore[arg-type]
        (episodes.check_observation, Observation("", "judge"), "turn is one of agent, user, over, not 'judge'"),  # type: ignore[arg-type]
        (episodes.check_observation, Observation("", choices=(1,)), "choices are str, not one with an int in it"),  # type: ignore[arg-type]
        (episodes.check_observation, Observation("", tools="ab"), "tools are ToolSpec, not a str"),  # type: ignore[arg-type]
        (episodes.check_observation, Observation("", role="system"), "role is user or tool, not 'system'"),  # type: ignore[arg-type]
        (episodes.check_observation, Observation("", data=[]), "data is a mapping, not a list"),  # type: ignore[arg-type]
        *(
            (episodes.check_observation, Observation("", **{name: (part,)}), says)
            for name, part, says in (
                ("messages", "x", "messages are Message, not one with a str in it"),
                ("messages", Message("judge", "x"), "not a Message whose role is 'judge'"),  # type: ignore[arg-type]
                ("messages", Message("user", (1,)), "not a Message with an int in its content"),  # type: ignore[arg-type]
                ("tools", ToolSpec("x", "y", []), "not a ToolSpec whose parameters is a list"),  # type: ignore[arg-type]
                ("images", Image(b"x", "y"), "not an Image whose media_type is a bytes"),  # type: ignore[arg-type]
                ("results", ToolResult("1", "x", {}), "not a ToolResult whose text is a dict"),  # type: ignore[arg-type]
            )
        ),
        (episodes.check_reward, "1", "an episode's reward must be None or a number, not a str"),
        (episodes.check_reward, float("nan"), "an episode's reward must be None or a number, not a float"),
        (check_solution, [Action("x")], "solution must return None or a Solution, not a list"),
        (check_solution, Solution([Action("x")]), "a Solution whose actions and user are tuples of Action"),  # type: ignore[arg-type]
        (episodes.check_audience, None, "audience must return a tuple of 'agent' and 'user', not None"),
        (episodes.check_audience, ("agent", "judge"), "a tuple of 'agent' and 'user', not ('agent', 'judge')"),
    ],
)
def test_what_breaks_a_contract_is_named(check: Callable[..., Any], value: object, says: str) -> None:
    with pytest.raises(PluginError) as caught:
        check(value)
    assert says in str(caught.value)


def test_what_keeps_a_contract_is_given_back() -> None:
    recall, verdict, action = Recall(), Verdict("success", 1), Action(text="x")
    assert checks.check_recall(recall) is recall
    assert checks.check_ops([OP]) == (OP,)
    assert checks.check_ops(()) == ()
    added = MemoryOp("add", Provenance("t", 0), item=MemoryItem("i", "", "", "", "", "e", "", "", Provenance("t", 0)))
    assert checks.check_ops([added, OP, added, OP]) == (added, OP, OP)
    assert checks.check_verdict(verdict) is verdict
    assert checks.check_index(1, 2) == 1
    assert checks.check_action(action) is action
    assert episodes.check_audience(()) == ()
    with pytest.raises(PluginError, match=r"^memory 'x': recall must return") as caught:
        checks.check_recall(None, "memory 'x'")
    assert caught.value.owner == "memory 'x'"


def returning(value: object) -> Callable[..., Any]:
    async def method(*_: object, **__: object) -> object:
        return value

    return method


def raising(*_: object, **__: object) -> Any:
    raise ValueError("it\nbroke")


def made(**members: Any) -> Callable[..., Any]:
    """A factory of objects with these members."""
    return lambda **_: type("Made", (NoMemory,) if {"recall", "absorb"} & members.keys() else (), members)()


class NoTasks(Toy):
    def tasks(self, split: str, *, domain: str = "", data: str = "") -> TaskSet:
        raise ValueError("it\nbroke")


class BadToy(Toy):
    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _BadEpisode(task)


class _BadEpisode(ToyEpisode):
    def act(self, action: Action) -> Observation:
        raise ValueError("it\nbroke")


class Closed(Toy):
    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return None  # type: ignore[return-value]


def with_episode(**members: Any) -> type[Toy]:
    """An environment whose episodes have these members."""
    episode = type("Episode", (ToyEpisode,), members)
    return type("Made", (Toy,), {"begin": lambda _, task, *, seed, services: episode(task)})


def with_tasks(**fields: Any) -> type[Toy]:
    """An environment whose task set has these fields."""
    return type("Made", (Toy,), {"tasks": lambda _, *names, **more: replace(Toy().tasks(*names, **more), **fields)})


class Hostile:
    @property
    def __class__(self) -> type:
        raise ValueError("no class")

    @__class__.setter
    def __class__(self, value: type) -> None: ...


class Sly(str):
    def __contains__(self, key: object) -> bool:
        raise ValueError("never")


def recounted(**fields: Any) -> Callable[..., Any]:
    """The ``run`` of a scaling that changes the record of its rollout."""

    async def run(_: object, task: Any) -> Group:
        return Group((replace(await task.rollout(0), **fields),), 0)

    return run


async def misnumbered(_: object, task: Any) -> Group:
    return Group((await task.rollout("first"),), 0)


CYCLE: dict[str, Any] = {}
CYCLE["again"] = CYCLE
ENVIRONMENTS: dict[str, type[Toy]] = {
    "graded_float": with_episode(grade=lambda *_: 1.0),
    "graded_none": with_episode(grade=lambda *_: None),
    "graded_later": with_episode(grade=returning(Grade(1.0))),
    "graded_dict": with_episode(grade=lambda *_: Grade({})),  # type: ignore[arg-type]
    "cut_later": with_episode(truncated=returning(True)),
    "acts_later": with_episode(act=returning(Observation("x", turn="over"))),
    "hostile": with_episode(act=lambda *_: Observation("x", turn="over", data={"z": Hostile()})),
    "errs_later": type("Made", (Toy,), {"mistakes": returning(())}),
    "errs_oddly": type("Made", (Toy,), {"mistakes": lambda *_: [Mistake("x", {0: Action("y")})]}),  # type: ignore[dict-item]
    "teaches_later": type("Made", (Toy,), {"lessons": returning({})}),
    "teaches_oddly": type("Made", (Toy,), {"lessons": lambda _: {"x": Lesson("x", None, "z")}}),  # type: ignore[arg-type]
    "tasks_later": type("Made", (Toy,), {"tasks": returning(None)}),
    "begins_later": type("Made", (Toy,), {"begin": returning(None)}),
    "source": with_tasks(source=5),
    "private": with_tasks(private=b"no"),
    "asks": with_tasks(asks=lambda _: 5),
    "sly": with_tasks(tasks=(Task("1", "g", Sly("d"), "q?"),)),
    "cyclic": with_tasks(tasks=(Task("1", "g", "d", "q?", CYCLE),)),
}
globals().update(ENVIRONMENTS)


class Loud(Toy):
    def begin(self, task: Task, *, seed: int, services: EpisodeServices) -> ToyEpisode:
        return _LoudEpisode(task)


class _LoudEpisode(ToyEpisode):
    reward: Any = None

    def act(self, action: Action) -> Observation:
        self.reward = "much"
        return super().act(action)


def agent(**members: Any) -> Callable[..., Any]:
    return made(start=lambda *_: None, decided=lambda *_: False, remember=lambda *_: None, **members)


FACTORIES: dict[str, Callable[..., Any]] = {
    "no_recall": made(recall=returning(None)),
    "no_ops": made(absorb=returning(None)),
    "str_ops": made(absorb=returning(["x"])),
    "yes": made(judge=returning(True)),
    "label": made(judge=returning(Verdict("fine"))),  # type: ignore[arg-type]
    "out": made(select=returning(7)),
    "true": made(select=returning(True)),
    "no_group": made(run=returning(None)),
    "bad_scaling": made(run=raising),
    "says": agent(act=returning("left")),
    "begins": made(
        start=returning(None), decided=lambda *_: False, remember=lambda *_: None, act=returning(Action("x"))
    ),
    "no_reply": made(name="no-reply", complete=returning(None), aclose=returning(None)),
    "bad_model": made(name="bad-model", complete=raising, aclose=returning(None)),
    "no_usage": made(name="no-usage", complete=returning(Completion("x", usage=None)), aclose=returning(None)),  # type: ignore[arg-type]
    "odd_call": made(
        name="odd-call",
        complete=returning(Completion("", (ToolCall("1", None),))),  # type: ignore[arg-type]
        aclose=returning(None),
    ),
    "nameless": made(name=None, complete=returning(None), aclose=returning(None)),
    "unbound": made(name="unbound", for_task=raising, complete=returning(None), aclose=returning(None)),
    "short": made(id="short", dimension=3, embed=returning(np.ones((1, 2), dtype=np.float32))),
    "flat": made(id="flat", dimension=2, embed=returning(np.ones(2, dtype=np.float32))),
    "words": made(id="words", dimension=2, embed=returning("ones")),
    "bad_embedder": made(id="bad", dimension=2, embed=raising),
    "unmade": raising,
    "no_verdict": made(run=recounted(verdict="success")),
    "no_costs": made(run=recounted(usage=None)),
    "no_steps": made(run=recounted(trajectory="")),
    "no_time": made(run=recounted(seconds="1")),
    "no_index": made(run=misnumbered),
    "bytes_id": made(id=b"x", dimension=2, embed=raising),
    "unrevised": made(absorb=returning([replace(ADDED, item=replace(ITEM, revision=None))])),
}
globals().update(FACTORIES)


def at(name: str) -> str:
    return f"{__name__}:{name}"


class Speechless(PluginError):
    def __init__(self) -> None:  # without the suite's own
        pass


class Unheard(ModelError):
    def __init__(self) -> None:
        pass


class Endless(LimitReached):
    def __init__(self) -> None:
        pass


class Worded(RbsuiteError):
    exit_code = "no"  # type: ignore[assignment]


class Successful(RbsuiteError):
    exit_code = 0


class Gone:
    """A model whose name cannot be read."""

    complete = aclose = staticmethod(returning(None))

    @property
    def name(self) -> str:
        raise BrokenPipeError


def failing(error: BaseException) -> Callable[..., Any]:
    async def method(*_: object, **__: object) -> Any:
        raise error

    return method


ERRORS: dict[str, BaseException] = {
    "speechless": Speechless(),
    "unheard": Unheard(),
    "endless": Endless(),
    "worded": Worded("words"),
    "successful": Successful("no success"),
    "both": BaseExceptionGroup("both", [SystemExit(0)]),
}
globals().update({name: made(recall=failing(error)) for name, error in ERRORS.items()})


MODELS = ("no_reply", "bad_model", "no_usage", "odd_call", "Gone", "nameless", "unbound")
RECOUNTED = ("no_verdict", "no_costs", "no_steps", "no_time")


class Faulty(ToyPlugin):
    """Declares one plugin for every way to break a contract."""

    def __init__(self) -> None:
        super().__init__(
            memories=[
                MemorySpec(name, "x", at(name))
                for name in ("no_recall", "no_ops", "str_ops", "unmade", "unrevised", *ERRORS)
            ],
            judges=[JudgeSpec(name, "x", at(name)) for name in ("yes", "label")],
            agents=[AgentSpec(name, "x", at(name), action_modes=("text",)) for name in ("says", "begins")],
            scalings=[ScalingSpec(name, "x", at(name)) for name in ("no_group", "bad_scaling", "no_index", *RECOUNTED)],
            models=[ModelSpec(name, "x", at(name)) for name in MODELS],
            environments=[
                EnvironmentSpec(name, "x", at(factory), splits=(Split("all", "x", bundled=True),), agent="text")
                for name, factory in (
                    ("bad", "BadToy"),
                    ("empty", "NoTasks"),
                    ("closed", "Closed"),
                    ("loud", "Loud"),
                    *zip(ENVIRONMENTS, ENVIRONMENTS, strict=True),
                )
            ],
        )

    @hookimpl
    def rbsuite_selectors(self) -> Sequence[SelectorSpec]:
        return [SelectorSpec(name, "x", at(name)) for name in ("out", "true")]

    @hookimpl
    def rbsuite_embedders(self) -> Sequence[EmbedderSpec]:
        return [EmbedderSpec(name, "x", at(name)) for name in ("flat", "words", "bad_embedder", "short", "bytes_id")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--memory no_recall", ["memory 'no_recall' on task '", "recall must return a Recall, not None"]),
        ("--memory no_ops", ["memory 'no_ops' on task '", "absorb must return a list of MemoryOp, not None"]),
        ("--memory str_ops", ["memory 'str_ops' on task '", "a str in it"]),
        ("--memory unmade", ["memory 'unmade'", "ValueError: it broke"]),
        ("--judge yes", ["judge 'yes' on task '", "judge must return a Verdict, not True"]),
        ("--judge label", ["judge 'label' on task '", "not 'fine'"]),
        ("--scaling parallel:2 --selector out", ["selector 'out' on task '", "not 7"]),
        ("--scaling parallel:2 --selector true", ["selector 'true' on task '", "not True"]),
        ("--scaling no_group", ["scaling 'no_group' on task '", "run must return a Group, not None"]),
        ("--scaling bad_scaling", ["scaling 'bad_scaling' on task '", "ValueError: it broke"]),
        *(
            (f"--scaling {name}", [f"scaling '{name}' on task '", "a rollout that is not well-formed: "])
            for name in RECOUNTED
        ),
        ("--scaling no_index", ["scaling 'no_index' on task '", "rollout must be given the index", "not a str"]),
        ("--memory unrevised --judge ground-truth", ["memory 'unrevised' on task '", "revision is not a whole number"]),
        ("--env graded_float", ["environment 'graded_float' on task '", "grade returned a float, not a Grade"]),
        ("--env graded_none", ["environment 'graded_none' on task '", "grade returned None, not a Grade"]),
        ("--env graded_later", ["environment 'graded_later' on task '", "grade returned a coroutine, not a Grade"]),
        ("--env graded_dict", ["environment 'graded_dict' on task '", "its score is {}"]),
        ("--env acts_later", ["environment 'acts_later' on task '", "act must return an Observation, not a coroutine"]),
        ("--env hostile", ["final.data['z'] raised ValueError: no class"]),
        (
            "--env errs_later",
            ["environment 'errs_later' on task '", "mistakes must return a list of Mistake, not a coroutine"],
        ),
        (
            "--env errs_oddly",
            ["environment 'errs_oddly' on task '", "mistakes must return Mistakes with a str as skill"],
        ),
        (
            "--env teaches_later",
            ["environment Made", "lessons must return a mapping of str to Lesson, not a coroutine"],
        ),
        ("--env teaches_oddly", ["environment Made", "lessons must return Lessons whose title, lesson and symptom"]),
        ("--env tasks_later", ["environment 'tasks_later'", "tasks must return a TaskSet, not a coroutine"]),
        ("--env begins_later", ["environment Made", "begin must return a SyncEpisode", "not a coroutine"]),
        ("--env source", ["environment 'source'", "a TaskSet whose source is a Mapping, not an int"]),
        ("--env private", ["environment 'private'", "a TaskSet whose private is a bool, not a bytes"]),
        ("--env asks", ["environment 'toy' on task '", "asks must return a str, not an int"]),
        ("--env sly", ["environment 'sly'", "Tasks whose domain is a str, not a Sly in task '1'"]),
        ("--env cyclic", ["environment 'toy'", "task '1': a value is nested too deeply"]),
        ("--embedder bytes_id --memory reasoningbank", ["embedder 'bytes_id'", "its id must be a str, not a bytes"]),
        ("--env cut_later", ["environment 'cut_later'", "truncated must be True or False, not a method"]),
        ("--agent begins", ["agent 'begins' on task '", "start must return None, not a coroutine"]),
        ("--model nameless", ["model 'nameless'", "its name must be a str, not None"]),
        ("--model Gone", ["model 'Gone' failed: BrokenPipeError"]),
        ("--model unbound", ["model 'unbound' on task '", "ValueError: it broke"]),
        ("--memory speechless", ["memory 'speechless' on task '", "Speechless"]),
        ("--memory unheard", ["Unheard"]),
        ("--memory worded", ["words"]),
        ("--memory successful", ["no success"]),
        ("--memory both", ["memory 'both' on task '", "BaseExceptionGroup: both"]),
        ("--agent says", ["agent 'says' on task '", "act must return an Action, not a str"]),
        ("--model no_reply", ["model 'no-reply'", "complete must return a Completion, not None"]),
        ("--model no_usage", ["model 'no-usage'", "a Completion whose usage is a Usage, not None"]),
        ("--model odd_call", ["model 'odd-call'", "proper tool_calls, not a ToolCall whose name is None"]),
        ("--env closed", ["environment Closed", "begin must return a SyncEpisode", "not None"]),
        ("--env loud", ["environment 'loud'", "an episode's reward must be None or a number, not a str"]),
        (
            "--embedder short --memory reasoningbank",
            ["embedder 'short'", "it returned vectors of length 2, and says that its dimension is 3"],
        ),
        ("--model bad_model", ["model 'bad-model' failed: ValueError: it broke"]),
        ("--embedder flat --memory reasoningbank", ["embedder 'flat'", "shape (2,)"]),
        ("--embedder words --memory reasoningbank", ["embedder 'words'", "embed must return", "not a str"]),
        ("--embedder bad_embedder --memory reasoningbank", ["embedder 'bad' failed: ValueError: it broke"]),
    ],
)
def test_the_plugin_at_fault_is_named_in_one_line(
    options: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = [] if "--env" in options else ["--env", "toy"]
    arguments = ["eval", *environment, "--limit", "3", "--orders", "1", "--quiet", "--out", str(tmp_path / "out")]
    assert rbsuite([*arguments, *options.split()], core_plugins(Faulty())) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert [word for word in words if word not in captured.err] == []
    assert captured.err.count(" on task ") <= 1, "one is blamed"


def test_a_limit_that_a_plugin_says_is_reached_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["eval", "--env", "toy", "--limit", "3", "--orders", "1", "--quiet", "--out", str(tmp_path / "out")]
    assert rbsuite([*arguments, "--memory", "endless"], core_plugins(Faulty())) == 3
    assert capsys.readouterr().err.startswith("rbsuite: error: stopped: Endless")


def test_errors_of_plugins_say_something_short() -> None:
    assert str(Speechless()) == "Speechless"
    assert Speechless().owner == Speechless().remedy == ""
    assert str(RbsuiteError(5)) == "5"  # type: ignore[arg-type]
    assert [exit_code_of(error("x")) for error in (Worded, Successful, LimitReached, PluginError)] == [2, 2, 3, 2]
    assert len(told(ValueError("long " * 100_000))) < 2100
    assert told(ValueError()) == "ValueError"
    assert in_words(type("", (), {})()) == "a nameless object"


@pytest.mark.parametrize("concurrency", ["inline", "thread", "exclusive"])
@pytest.mark.parametrize("method", ["act", "grade", "close"])
@pytest.mark.parametrize("error", [SystemExit(0), BaseExceptionGroup("both", [SystemExit(0)]), GeneratorExit()])
def test_an_episode_that_would_exit_breaks_its_rollouts(
    error: BaseException, method: str, concurrency: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def exits(*_: object) -> Any:
        raise error

    globals()["Exiting"] = with_episode(**{method: exits})
    spec = EnvironmentSpec(
        "exiting", "x", at("Exiting"), splits=(Split("all", "x", bundled=True),), agent="text", concurrency=concurrency
    )
    arguments = ["eval", "--env", "exiting", "--limit", "2", "--orders", "1", "--quiet", "--memory", "none"]
    assert rbsuite([*arguments, "--out", str(tmp_path / "out")], core_plugins(ToyPlugin(environments=[spec]))) == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "every rollout failed: the environment raised " in captured.err
    assert type(error).__name__ in captured.err


def test_rollouts_that_the_suite_made_are_taken_as_they_are_and_others_as_a_store_returns_them() -> None:
    trajectory = Trajectory("t", 0, 1, "q", (), None, "finished", grade=Grade(1.0))
    record = RolloutRecord(trajectory, Verdict("success", 1.0), {"agent": Usage(1, 2, 3)}, (), 0.5)
    group = Group((record,), 0)
    assert checks.check_group(group, made=[record]) is group
    assert checks.check_group(group).rollouts == group.rollouts
    assert checks.check_group(Group((replace(record, notes=["x"]),), 0)).rollouts[0].notes == ("x",)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"trajectory": Trajectory("t", 0, 1, "q", (), None, "finished", grade=Grade(7))}, "its score is 7"),
        ({"trajectory": Trajectory("t", 0, 1, "q", (), None, "won")}, "'won' is not a known word"),  # type: ignore[arg-type]
        ({"verdict": Verdict("success", 7)}, "from 0 to 1, not 7"),
        ({"usage": {"agent": Usage(-1)}}, "a Usage of whole counts"),
        ({"usage": {"agent": 5}}, "5 is not a dict"),
        ({"seconds": float("nan")}, "no JSON form"),
        ({"notes": (5,)}, "5 is not of type str"),
    ],
)
def test_a_rollout_that_a_scaling_made_up_is_checked(changes: dict[str, Any], says: str) -> None:
    trajectory = Trajectory("t", 0, 1, "q", (), None, "finished", grade=Grade(1.0))
    record = replace(RolloutRecord(trajectory, None, {}), **changes)
    with pytest.raises(PluginError, match="run returned a rollout that is not well-formed") as caught:
        checks.check_group(Group((record,), 0))
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        ["verify", "--env", "bad"],
        ["env", "bad"],
        ["verify", "--env", "empty"],
        ["env", "empty"],
        ["plan", "--env", "empty"],
        ["eval", "--env", "empty"],
        ["prompts", "show", "judge/self.j2", "--env", "bad"],
        ["prompts", "show", "judge/self.j2", "--env", "empty"],
    ],
)
def test_an_environment_that_raises_is_blamed(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert rbsuite(command, core_plugins(Faulty())) in (1, 2)
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert "environment" in said
    assert "ValueError: it broke" in said
    assert "Traceback" not in said
